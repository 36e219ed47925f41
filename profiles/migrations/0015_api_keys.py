import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0014_following_and_conversations")]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="the account's own, to tell its keys apart", max_length=60)),
                ("hash", models.CharField(max_length=64, unique=True)),
                ("hint", models.CharField(help_text="the last letters of the key", max_length=4)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("used_on", models.DateField(help_text="the last day", null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
