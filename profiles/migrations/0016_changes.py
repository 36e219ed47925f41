import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# Who writes a move, a decision or an identifier is published by that alone, whatever program it is: services, the
# matcher, a command. A row is put together when its transaction commits, and numbered after everything else that waits
# for the commit (foreign keys are checked then, and may have to wait for others), under a lock that is held until the
# row is visible. So no transaction waits for another while it holds the lock, and no number becomes visible after a
# higher one.
FORWARDS = """
CREATE FUNCTION publish_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO profiles_publishedchange (kind, says, by, source_id, target_id, works, works_count, at)
    SELECT CASE NEW.kind WHEN 'merged' THEN 'merge' WHEN 'moved' THEN 'move' WHEN 'removed' THEN 'removal'
                         ELSE 'split' END,
           '',
           CASE WHEN NEW.change_set_id IS NOT NULL THEN 'curator' WHEN NEW.correction_id IS NULL THEN 'machine'
                WHEN (SELECT as_owner FROM profiles_correction WHERE id = NEW.correction_id) THEN 'owner'
                ELSE 'curator' END,
           NEW.source_id, NEW.target_id,
           coalesce((SELECT array_agg(DISTINCT g.paper_id ORDER BY g.paper_id)
                       FROM papers_signature g WHERE g.id = ANY(NEW.signatures)), '{}'),
           NEW.count, NEW.made_at;
    RETURN NULL;
END $$;

-- What was said of two names on papers, without a person, shows in what it moved.
CREATE FUNCTION publish_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO profiles_publishedchange (kind, says, by, source_id, target_id, works, works_count, at)
    SELECT 'correction',
           CASE WHEN NEW.withdrawn_at IS NOT NULL THEN 'withdrawn' WHEN NEW.same THEN 'same' ELSE 'different' END,
           CASE WHEN NEW.as_owner THEN 'owner' ELSE 'curator' END,
           NEW.other_author_id, NEW.author_id,
           coalesce((SELECT array_agg(g.paper_id) FROM papers_signature g WHERE g.id = NEW.signature_id), '{}'),
           (NEW.signature_id IS NOT NULL)::int, coalesce(NEW.withdrawn_at, NEW.made_at);
    RETURN NULL;
END $$;

CREATE FUNCTION publish_identifier() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO profiles_publishedchange (kind, says, by, target_id, works, works_count, at)
    VALUES ('correction', 'identifier', 'curator', NEW.target_id, '{}', 0, statement_timestamp());
    RETURN NULL;
END $$;

CREATE FUNCTION number_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('profiles_publishedchange'::regclass::oid::int, 0);
    UPDATE profiles_publishedchange SET seq = nextval('profiles_publishedchange_seq') WHERE id = NEW.id;
    RETURN NULL;
END $$;

CREATE SEQUENCE profiles_publishedchange_seq OWNED BY profiles_publishedchange.seq;

INSERT INTO profiles_publishedchange (seq, kind, says, by, source_id, target_id, works, works_count, at)
SELECT nextval('profiles_publishedchange_seq'), *
  FROM (SELECT CASE kind WHEN 'merged' THEN 'merge' WHEN 'moved' THEN 'move' WHEN 'removed' THEN 'removal'
                         ELSE 'split' END, '',
               CASE WHEN change_set_id IS NOT NULL THEN 'curator' WHEN correction_id IS NULL THEN 'machine'
                    WHEN (SELECT as_owner FROM profiles_correction c WHERE c.id = correction_id) THEN 'owner'
                    ELSE 'curator' END,
               source_id, target_id,
               coalesce((SELECT array_agg(DISTINCT g.paper_id ORDER BY g.paper_id)
                           FROM papers_signature g WHERE g.id = ANY(signatures)), '{}'),
               count, made_at
          FROM profiles_move ORDER BY id) earlier;

CREATE CONSTRAINT TRIGGER publish_move AFTER INSERT ON profiles_move
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION publish_move();
CREATE CONSTRAINT TRIGGER publish_correction AFTER INSERT ON profiles_correction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.change_set_id IS NULL AND NEW.kind <> 'signatures') EXECUTE FUNCTION publish_correction();
CREATE CONSTRAINT TRIGGER publish_withdrawal AFTER UPDATE ON profiles_correction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.change_set_id IS NULL AND NEW.kind <> 'signatures'
          AND OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL) EXECUTE FUNCTION publish_correction();
CREATE CONSTRAINT TRIGGER publish_identifier AFTER INSERT ON profiles_change
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.scheme <> '') EXECUTE FUNCTION publish_identifier();
CREATE CONSTRAINT TRIGGER publish_identifier_again AFTER UPDATE ON profiles_change
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.scheme <> '' AND OLD.undone_at IS DISTINCT FROM NEW.undone_at) EXECUTE FUNCTION publish_identifier();
CREATE CONSTRAINT TRIGGER number_change AFTER INSERT ON profiles_publishedchange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_change();
"""
BACKWARDS = """
DROP TRIGGER number_change ON profiles_publishedchange;
DROP TRIGGER publish_identifier_again ON profiles_change;
DROP TRIGGER publish_identifier ON profiles_change;
DROP TRIGGER publish_withdrawal ON profiles_correction;
DROP TRIGGER publish_correction ON profiles_correction;
DROP TRIGGER publish_move ON profiles_move;
DROP SEQUENCE profiles_publishedchange_seq;
DROP FUNCTION number_change();
DROP FUNCTION publish_identifier();
DROP FUNCTION publish_correction();
DROP FUNCTION publish_move();
"""


class Migration(migrations.Migration):
    dependencies = [("profiles", "0015_api_keys")]

    operations = [
        migrations.CreateModel(
            name="PublishedChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.BigIntegerField(help_text="from 1, in the order of commits", null=True, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("merge", "all works of a person joined another’s"),
                            ("split", "some works of a person became a new person’s"),
                            ("move", "some works of a person joined another’s"),
                            ("removal", "a paper no longer prints the person"),
                            ("correction", "somebody said what is right"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "says",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("same", "they are one person, or the work is the person’s"),
                            ("different", "they are two, or the work is not the person’s"),
                            ("withdrawn", "an earlier correction no longer holds"),
                            ("identifier", "an identifier elsewhere was set or taken away"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "by",
                    models.CharField(
                        choices=[("machine", "the matcher"), ("curator", "a curator"), ("owner", "who holds the record")],
                        max_length=8,
                    ),
                ),
                (
                    "works",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        default=list,
                        help_text="ids of the first papers concerned",
                        size=None,
                    ),
                ),
                ("works_count", models.PositiveIntegerField(default=0)),
                ("at", models.DateTimeField()),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="profiles.author",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="profiles.author",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
