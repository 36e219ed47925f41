"""Link what older imports printed beside names: each folded line is an institution. 0013 joins those of one place."""

from django.db import connection, migrations, transaction

from papers.names import fold
from papers.text import plain

BATCH = 2_000
NEXT = """
SELECT DISTINCT paper_id FROM papers_signature WHERE affiliations <> '{}' AND paper_id > %s ORDER BY 1 LIMIT %s
"""
PRINTED = """
SELECT g.id, printed.name FROM papers_signature g CROSS JOIN unnest(g.affiliations) WITH ORDINALITY printed(name, nth)
 WHERE g.paper_id = ANY(%s) ORDER BY g.paper_id, g.position, nth
"""
NEW = """
INSERT INTO papers_institution (key, name) SELECT * FROM unnest(%s::varchar[], %s::text[]) ON CONFLICT DO NOTHING
"""
LINK = """
INSERT INTO papers_affiliation (signature_id, institution_id)
SELECT n.signature, i.id FROM unnest(%s::bigint[], %s::varchar[]) n(signature, key) JOIN papers_institution i USING (key)
    ON CONFLICT DO NOTHING
"""


def forwards(apps, schema_editor):
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(NEXT, [last, BATCH])
            papers = [pk for (pk,) in cursor.fetchall()]
            if not papers:
                return
            cursor.execute(PRINTED, [papers])
            rows = [(pk, fold(plain(name))[:400].rstrip(), plain(name)) for pk, name in cursor.fetchall()]
            rows = [row for row in rows if row[1]]
            signatures, keys, names = ([row[at] for row in rows] for at in range(3))
            with transaction.atomic():
                cursor.execute(NEW, [keys, names])
                cursor.execute(LINK, [signatures, keys])
        last = papers[-1]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("papers", "0009_institutions")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
