from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("profiles", "0015_api_keys")]

    operations = []
