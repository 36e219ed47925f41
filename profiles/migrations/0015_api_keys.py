from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("profiles", "0014_following_and_conversations")]

    operations = []
