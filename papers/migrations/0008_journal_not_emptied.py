from django.db import migrations


class Migration(migrations.Migration):
    """The trigger of 0003 is asked for each row, and TRUNCATE looks at none."""

    dependencies = [
        ('papers', '0007_before_values'),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE TRIGGER journal_not_emptied BEFORE TRUNCATE ON papers_journalentry
                FOR EACH STATEMENT EXECUTE FUNCTION journal_only_grows();
            """,
            "DROP TRIGGER journal_not_emptied ON papers_journalentry;",
        ),
    ]
