from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    """Posts by their threads; a complaint keeps the words that it is about, which their writer may change."""

    dependencies = [("profiles", "0018_variants_by_works")]

    operations = [
        migrations.RemoveIndex("post", "post_of_paper"),
        migrations.AddIndex(
            "post",
            models.Index(
                models.F("paper"),
                models.F("kind"),
                Coalesce(models.F("answers"), models.F("id"), output_field=models.BigIntegerField()),
                models.F("id"),
                name="post_thread",
            ),
        ),
        migrations.AddField(
            "complaint",
            "quoted",
            models.TextField(blank=True, help_text="the words of a post or a collection when it was reported"),
        ),
    ]
