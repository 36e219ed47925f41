from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("papers", "0011_search")]

    operations = []
