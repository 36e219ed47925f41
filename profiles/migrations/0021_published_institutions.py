import django.db.models.deletion
from django.db import migrations, models

# As in 0016: whoever writes a correction of institutions is published by that alone, numbered as it commits.
FORWARDS = """
CREATE FUNCTION publish_institution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO profiles_publishedchange
           (kind, says, by, institution_id, other_institution_id, works, works_count, at)
    VALUES ('institution_' || NEW.kind, CASE WHEN NEW.undone_at IS NULL THEN '' ELSE 'withdrawn' END, 'curator',
            NEW.source_id, NEW.target_id, '{}', 0, coalesce(NEW.undone_at, NEW.made_at));
    RETURN NULL;
END $$;

INSERT INTO profiles_publishedchange (kind, says, by, institution_id, other_institution_id, works, works_count, at)
SELECT 'institution_' || kind, says, 'curator', source_id, target_id, '{}', 0, at
  FROM papers_institutionchange
 CROSS JOIN LATERAL (VALUES ('', made_at), ('withdrawn', undone_at)) told(says, at)
 WHERE at IS NOT NULL ORDER BY at, id;
SET CONSTRAINTS ALL IMMEDIATE; -- numbers them; no index is made of a table with triggers that wait
SET CONSTRAINTS ALL DEFERRED;

CREATE CONSTRAINT TRIGGER publish_institution AFTER INSERT ON papers_institutionchange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_institution();
CREATE CONSTRAINT TRIGGER publish_institution_undone AFTER UPDATE ON papers_institutionchange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL) EXECUTE FUNCTION publish_institution();
"""
BACKWARDS = """
DROP TRIGGER publish_institution_undone ON papers_institutionchange;
DROP TRIGGER publish_institution ON papers_institutionchange;
DROP FUNCTION publish_institution();
DELETE FROM profiles_publishedchange WHERE institution_id IS NOT NULL;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('papers', '0014_day_index'),
        ('profiles', '0020_digests'),
    ]

    operations = [
        migrations.AddField(
            model_name='publishedchange',
            name='institution',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='papers.institution'),
        ),
        migrations.AddField(
            model_name='publishedchange',
            name='other_institution',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='papers.institution'),
        ),
        migrations.AlterField(
            model_name='publishedchange',
            name='kind',
            field=models.CharField(choices=[('merge', 'all works of a person joined another’s'), ('split', 'some works of a person became a new person’s'), ('move', 'some works of a person joined another’s'), ('removal', 'a paper no longer prints the person'), ('correction', 'somebody said what is right'), ('institution_merge', 'two institutions are one'), ('institution_move', 'printed forms belong elsewhere'), ('institution_rename', 'an institution is called otherwise')], max_length=18),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
