"""The forms in which institutions are printed, and those of one place joined. Institutions keep their ids: of several
that are one place now, the first stands, and the others lead to it."""

import django.db.models.deletion
from django.conf import settings
from django.db import connection, migrations, models

from papers.affiliations import key_of, name_of, place_of
from papers.text import plain

BATCH = 2_000
NEXT = """
SELECT DISTINCT paper_id FROM papers_signature WHERE affiliations <> '{}' AND paper_id > %s ORDER BY 1 LIMIT %s
"""
PRINTED = """
SELECT g.id, printed.name FROM papers_signature g CROSS JOIN unnest(g.affiliations) WITH ORDINALITY printed(name, nth)
 WHERE g.paper_id = ANY(%s) ORDER BY g.paper_id, g.position, nth
"""
JOIN = """
UPDATE papers_institution i SET key = CASE WHEN i.id = n.leader THEN n.place END, merged_into_id = nullif(n.leader, i.id)
  FROM unnest(%s::bigint[], %s::varchar[], %s::bigint[]) n(id, place, leader) WHERE n.id = i.id
"""
PLACES = """
INSERT INTO papers_institution (key, name) SELECT * FROM unnest(%s::varchar[], %s::text[]) ON CONFLICT DO NOTHING
"""
NAMES = """
INSERT INTO papers_institutionname (key, printed, institution_id, held)
SELECT n.key, n.printed, i.id, false FROM unnest(%s::varchar[], %s::text[], %s::varchar[]) n(key, printed, place)
  JOIN papers_institution i ON i.key = n.place ON CONFLICT DO NOTHING
"""
UNLINK = """
DELETE FROM papers_affiliation f USING papers_signature g WHERE g.id = f.signature_id AND g.paper_id = ANY(%s)
"""
LINK = """
INSERT INTO papers_affiliation (signature_id, institution_id)
SELECT n.signature, f.institution_id FROM unnest(%s::bigint[], %s::varchar[]) n(signature, key)
  JOIN papers_institutionname f USING (key) ON CONFLICT DO NOTHING
"""


def forwards(apps, schema_editor):
    join()
    last = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(NEXT, [last, BATCH])
            papers = [pk for (pk,) in cursor.fetchall()]
            if not papers:
                break
            cursor.execute(PRINTED, [papers])
            rows = [(pk, key_of(name), plain(name)) for pk, name in cursor.fetchall()]
            rows = [row for row in rows if row[1]]
            signatures, keys, names = ([row[at] for row in rows] for at in range(3))
            places = list(map(place_of, keys))
            cursor.execute(PLACES, [places, list(map(name_of, names))])
            cursor.execute(NAMES, [keys, names, places])
            cursor.execute(UNLINK, [papers])
            cursor.execute(LINK, [signatures, keys])
            last = papers[-1]
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the migration ends by altering these tables
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def join():
    """Of the institutions that were a folded line each, the first of each place stands for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM papers_institution ORDER BY id")
        rows = [(pk, place_of(key_of(name)) or name[:400]) for pk, name in cursor.fetchall()]
        leaders = {}
        for pk, place in rows:
            leaders.setdefault(place, pk)
        cursor.execute("UPDATE papers_institution SET key = NULL")
        ids, places = [pk for pk, _ in rows], [place for _, place in rows]
        cursor.execute(JOIN, [ids, places, [leaders[place] for place in places]])


class Migration(migrations.Migration):
    dependencies = [
        ("papers", "0012_datestamps"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="institution",
            name="merged_into",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to="papers.institution",
            ),
        ),
        migrations.AlterField(
            model_name="institution",
            name="key",
            field=models.CharField(
                help_text="what its forms fold to (papers.affiliations.place_of); none where a curator set it apart",
                max_length=400,
                null=True,
                unique=True,
            ),
        ),
        migrations.AlterField(
            model_name="institution",
            name="name",
            field=models.TextField(help_text="as first printed, unless a curator said otherwise"),
        ),
        migrations.CreateModel(
            name="InstitutionName",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        help_text="folded line: papers.affiliations.key_of", max_length=400, unique=True
                    ),
                ),
                ("printed", models.TextField(help_text="as first printed")),
                (
                    "held",
                    models.BooleanField(
                        default=False, help_text="a curator said where it belongs, which no rule changes"
                    ),
                ),
                (
                    "institution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="names",
                        to="papers.institution",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="InstitutionChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("move", "Forms moved"), ("merge", "Merged"), ("rename", "Renamed")], max_length=8
                    ),
                ),
                (
                    "before",
                    models.JSONField(
                        default=dict, help_text="the old name, or where each form was: {id: [home, held]}"
                    ),
                ),
                ("after", models.TextField(blank=True, help_text="the new name")),
                ("reason", models.CharField(max_length=500)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="papers.institution",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="papers.institution",
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
