"""Renamings by owners, which are private, and a short way to the authors who hide what is printed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("profiles", "0011_owning")]

    operations = [
        migrations.CreateModel(
            name="Renaming",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("old", models.TextField()),
                ("new", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="renamings", to="profiles.author"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["author", "-at"], name="renaming_newest")]},
        ),
        migrations.AddIndex(
            model_name="author",
            index=models.Index(condition=models.Q(("hides_printed", True)), fields=["id"], name="author_hiding"),
        ),
    ]
