import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models.functions import Now

import papers.models


class Migration(migrations.Migration):
    dependencies = [("papers", "0011_search")]

    operations = [
        # A default that stands still while the statement runs is kept once for all rows; one that does not would
        # write the whole table again.
        migrations.AddField(
            model_name="paper",
            name="changed_at",
            field=models.DateTimeField(
                db_default=Now(), editable=False, help_text="when what is shown of it last changed"
            ),
        ),
        migrations.AlterField(
            model_name="paper",
            name="changed_at",
            field=models.DateTimeField(
                db_default=papers.models.ClockTimestamp(),
                editable=False,
                help_text="when what is shown of it last changed",
            ),
        ),
        migrations.AddIndex(
            model_name="paper", index=models.Index(fields=["changed_at", "id"], name="paper_changed")
        ),
        migrations.AddIndex(
            model_name="batchrecord",
            index=models.Index(
                fields=["source_id"], name="batchrecord_oai", condition=models.Q(source_id__startswith="oai:")
            ),
        ),
        migrations.CreateModel(
            name="RemovedPaper",
            fields=[
                ("paper_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("arxiv_id", models.CharField(max_length=32, null=True)),
                ("doi", models.CharField(max_length=255, null=True)),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120), default=list, size=None
                    ),
                ),
                (
                    "removed_at",
                    models.DateTimeField(db_default=papers.models.ClockTimestamp(), editable=False),
                ),
            ],
            options={"indexes": [models.Index(fields=["removed_at", "paper_id"], name="removedpaper_removed")]},
        ),
    ]
