"""Link what older imports printed beside names."""

from django.db import connection, migrations, transaction

from papers.institutions import link

BATCH = 2_000
NEXT = """
SELECT DISTINCT paper_id FROM papers_signature WHERE affiliations <> '{}' AND paper_id > %s ORDER BY 1 LIMIT %s
"""


def forwards(apps, schema_editor):
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(NEXT, [last, BATCH])
            papers = [pk for (pk,) in cursor.fetchall()]
        if not papers:
            return
        with transaction.atomic():
            link(papers)
        last = papers[-1]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("papers", "0009_institutions")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
