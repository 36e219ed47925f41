from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("papers", "0012_datestamps")]

    operations = []
