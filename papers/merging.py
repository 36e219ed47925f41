"""The set-based merge of one chunk of staged records into papers, topics and signatures.

A chunk is copied into staging tables and merged by a handful of statements, twenty to seventy times cheaper than a row
at a time through the ORM. They are temporary tables, the kind of unlogged table that only one session sees: two imports
never meet in them, no write of theirs is logged or synced, and whatever ends the session empties them. They are made
once a session. The caller (`papers.importing`) owns the transaction: a chunk is in whole or not at all.

Two records are one paper when they have the same arXiv id; else, if at most one of the two has an arXiv id, the same
DOI (where just one paper has it: several arXiv papers may share one), or the same fingerprint of title and authors.

The record of the later date wins, field by field; of equal dates the one already there wins unless it came from the
same source, so that two sources do not overwrite each other in turns. A record without a date never wins: two entries
of one file that are one paper would overwrite each other at every import. What the winner leaves empty the other fills
in. Nothing is written where nothing would change. What an update overwrites stays with its record
(`BatchRecord.before`): that can be rolled back, and is the history of what was printed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from . import institutions
from .models import BatchRecord, Signature
from .staging import LISTING_COLUMNS, PAPER_COLUMNS, SIGNATURE_COLUMNS, Staged

_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_paper (
    number bigint, arxiv_id varchar, doi varchar, fingerprint varchar, title text, title_text text,
    abstract text, categories varchar[], created date, updated date, day_known boolean, versions jsonb, comments text,
    journal_ref text, license text, source_authors text, withdrawn boolean, source varchar, authors_key text,
    topics varchar[], digest bytea, named varchar, paper_id bigint, fate varchar, relist boolean,
    before jsonb, dated boolean, around boolean
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_signature (
    number bigint, position int, printed text, family text, given text, suffix varchar, family_key text, given_key text,
    surname_key text, affiliations text[], orcid varchar, inferred_orcid varchar
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_topic (name varchar, topic_id bigint) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_listing (number bigint, day date, votes int, comments int)
    ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS relisted (
    LIKE staged_signature, paper_id bigint, nth bigint
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS kept (id bigint, paper_id bigint, position int) ON COMMIT DELETE ROWS;
"""

_EMPTY = "TRUNCATE staged_paper, staged_signature, staged_topic, staged_listing, relisted, kept"

# What the planner must know to join by key; the rest of the columns, the long texts among them, it need not look at.
_ANALYZE = "ANALYZE staged_paper (number, paper_id), staged_signature (number)"

# The digest answers for all that the record says (`papers.reading`): what bears it is as this record left it.
_RECOGNISE = """
INSERT INTO papers_batchrecord (batch_id, number, fate, source_id, reason, raw, paper_id)
SELECT %s, line.number, 'unchanged', p.arxiv_id, '', '', p.id
  FROM unnest(%s::bigint[], %s::varchar[], %s::bytea[]) AS line (number, arxiv_id, digest)
  JOIN papers_paper p USING (arxiv_id, digest)
RETURNING number
"""

_IDENTIFY = """
UPDATE staged_paper s SET paper_id = p.id FROM papers_paper p WHERE p.arxiv_id = s.arxiv_id;
UPDATE staged_paper s SET paper_id = known.id
  FROM (SELECT doi, min(id) AS id, bool_or(arxiv_id IS NOT NULL) AS listed
          FROM papers_paper WHERE doi IN (SELECT doi FROM staged_paper WHERE paper_id IS NULL)
         GROUP BY doi HAVING count(*) = 1) known
 WHERE s.paper_id IS NULL AND known.doi = s.doi AND NOT (known.listed AND s.arxiv_id IS NOT NULL);
UPDATE staged_paper s SET paper_id = known.id
  FROM (SELECT fingerprint, min(id) AS id, bool_or(arxiv_id IS NOT NULL) AS listed
          FROM papers_paper WHERE fingerprint IN (SELECT fingerprint FROM staged_paper WHERE paper_id IS NULL)
         GROUP BY fingerprint HAVING count(*) = 1) known
 WHERE s.paper_id IS NULL AND known.fingerprint = s.fingerprint AND NOT (known.listed AND s.arxiv_id IS NOT NULL);
"""

# Two records of one chunk may turn out to be one stored paper by different identifiers: the later one waits.
_SET_ASIDE = """
DELETE FROM staged_paper s USING staged_paper earlier
 WHERE earlier.paper_id = s.paper_id AND earlier.number < s.number RETURNING s.number
"""

_INSERT = """
UPDATE staged_paper SET fate = 'new', paper_id = nextval(pg_get_serial_sequence('papers_paper', 'id'))
 WHERE paper_id IS NULL;
INSERT INTO papers_paper (id, arxiv_id, doi, fingerprint, title, title_text, abstract, categories, created, updated,
       day_known, versions, comments, journal_ref, license, source_authors, withdrawn, source, digest)
SELECT paper_id, arxiv_id, doi, fingerprint, title, title_text, abstract, categories, created, updated,
       day_known, versions, comments, journal_ref, license, source_authors, withdrawn, source, digest
  FROM staged_paper WHERE fate = 'new' ORDER BY number;
INSERT INTO papers_signature (paper_id, position, printed, family, given, suffix, family_key, given_key, surname_key,
       affiliations, orcid, inferred_orcid)
SELECT s.paper_id, g.position, g.printed, g.family, g.given, g.suffix, g.family_key, g.given_key, g.surname_key,
       g.affiliations, g.orcid, g.inferred_orcid
  FROM staged_signature g JOIN staged_paper s USING (number) WHERE s.fate = 'new' ORDER BY number, position;
INSERT INTO papers_papertopic (paper_id, topic_id)
SELECT DISTINCT s.paper_id, t.topic_id
  FROM staged_paper s CROSS JOIN unnest(s.topics) AS name JOIN staged_topic t USING (name)
 WHERE s.fate = 'new' ORDER BY s.paper_id;
"""

_UPDATE = """
WITH compared AS (
    SELECT s.*, p.id AS known_id,
           s.updated IS NOT NULL
           AND (p.updated IS NULL OR s.updated > p.updated OR (s.updated = p.updated AND s.source = p.source)) AS wins
      FROM staged_paper s JOIN papers_paper p ON p.id = s.paper_id WHERE s.fate IS NULL
), merged AS (
    SELECT c.number, c.known_id,
           coalesce(p.arxiv_id, c.arxiv_id) AS arxiv_id,
           CASE WHEN c.wins THEN coalesce(c.doi, p.doi) ELSE coalesce(p.doi, c.doi) END AS doi,
           CASE WHEN c.wins AND c.authors_key IS NOT NULL THEN c.fingerprint ELSE p.fingerprint END AS fingerprint,
           CASE WHEN c.wins THEN c.title ELSE p.title END AS title,
           CASE WHEN c.wins THEN c.title_text ELSE p.title_text END AS title_text,
           CASE WHEN (c.wins AND c.abstract <> '') OR p.abstract = '' THEN c.abstract ELSE p.abstract END AS abstract,
           CASE WHEN (c.wins AND c.categories <> '{}') OR p.categories = '{}'
                THEN c.categories ELSE p.categories END AS categories,
           CASE WHEN p.created IS NULL OR (c.created IS NOT NULL AND c.day_known AND (c.wins OR NOT p.day_known))
                THEN c.created ELSE p.created END AS created,
           greatest(c.updated, p.updated) AS updated,
           CASE WHEN p.created IS NULL THEN c.day_known
                ELSE p.day_known OR (c.day_known AND c.created IS NOT NULL) END AS day_known,
           CASE WHEN jsonb_array_length(c.versions) > jsonb_array_length(p.versions)
                THEN c.versions ELSE p.versions END AS versions,
           CASE WHEN (c.wins AND c.comments <> '') OR p.comments = '' THEN c.comments ELSE p.comments END AS comments,
           CASE WHEN (c.wins AND c.journal_ref <> '') OR p.journal_ref = ''
                THEN c.journal_ref ELSE p.journal_ref END AS journal_ref,
           CASE WHEN (c.wins AND c.license <> '') OR p.license = '' THEN c.license ELSE p.license END AS license,
           CASE WHEN (c.wins AND c.source_authors <> '') OR p.source_authors = ''
                THEN c.source_authors ELSE p.source_authors END AS source_authors,
           CASE WHEN c.wins THEN c.withdrawn ELSE p.withdrawn END AS withdrawn,
           CASE WHEN c.wins THEN c.source ELSE p.source END AS source,
           c.digest
      FROM compared c JOIN papers_paper p ON p.id = c.known_id
), changed AS (
    UPDATE papers_paper p
       SET (arxiv_id, doi, fingerprint, title, title_text, abstract, categories, created, updated, day_known, versions,
            comments, journal_ref, license, source_authors, withdrawn, source, digest, changed_at)
         = (m.arxiv_id, m.doi, m.fingerprint, m.title, m.title_text, m.abstract, m.categories, m.created, m.updated,
            m.day_known, m.versions, m.comments, m.journal_ref, m.license, m.source_authors, m.withdrawn, m.source,
            m.digest, clock_timestamp())
      FROM merged m
     WHERE p.id = m.known_id
       AND (p.arxiv_id, p.doi, p.fingerprint, p.title, p.title_text, p.abstract, p.categories, p.created, p.updated,
            p.day_known, p.versions, p.comments, p.journal_ref, p.license, p.source_authors, p.withdrawn, p.source)
           IS DISTINCT FROM
           (m.arxiv_id, m.doi, m.fingerprint, m.title, m.title_text, m.abstract, m.categories, m.created, m.updated,
            m.day_known, m.versions, m.comments, m.journal_ref, m.license, m.source_authors, m.withdrawn, m.source)
    RETURNING m.number
), overwritten AS (
    -- Every part of one statement sees the rows as they were before it.
    SELECT m.number, (SELECT jsonb_object_agg(now.key, to_jsonb(p) -> now.key)
                        FROM jsonb_each(to_jsonb(m) - 'number' - 'known_id') now
                       WHERE now.value IS DISTINCT FROM to_jsonb(p) -> now.key) AS before
      FROM changed JOIN merged m USING (number) JOIN papers_paper p ON p.id = m.known_id
), listed AS (
    SELECT c.number, c.wins AND c.authors_key IS NOT NULL AND c.authors_key IS DISTINCT FROM (
               SELECT string_agg(g.family_key || '|' || g.given_key, ';' ORDER BY g.position)
                 FROM papers_signature g WHERE g.paper_id = c.known_id) AS relist
      FROM compared c
)
UPDATE staged_paper s
   SET relist = l.relist,
       dated = o.number IS NOT NULL,
       around = l.relist,
       fate = CASE WHEN l.relist OR o.number IS NOT NULL THEN 'updated' ELSE 'unchanged' END,
       before = CASE WHEN l.relist OR o.number IS NOT NULL THEN coalesce(o.before, '{}') END
  FROM listed l LEFT JOIN overwritten o USING (number) WHERE l.number = s.number
"""

# What an update overwrites is kept with its record: all signatures where one changes, the topics where they change.
_SIGNED = """jsonb_build_object('signatures', (SELECT coalesce(jsonb_agg(to_jsonb(g) ORDER BY g.position), '[]')
                                          FROM papers_signature g WHERE g.paper_id = s.paper_id))"""
_BEFORE = f"""
UPDATE staged_paper s SET before = before || {_SIGNED} WHERE relist AND fate = 'updated';
UPDATE staged_paper s
   SET before = before || jsonb_build_object('topics', (SELECT coalesce(jsonb_agg(t.topic_id ORDER BY t.topic_id), '[]')
                                                          FROM papers_papertopic t WHERE t.paper_id = s.paper_id))
 WHERE before ? 'categories';
"""

# A name that stays on the paper keeps its row, wherever it now stands, so that decisions about it hold.
_RELIST = """
INSERT INTO relisted
SELECT g.*, s.paper_id, row_number() OVER (PARTITION BY g.number, g.family_key, g.given_key ORDER BY g.position)
  FROM staged_signature g JOIN staged_paper s USING (number) WHERE s.relist;
INSERT INTO kept
SELECT old.id, r.paper_id, r.position
  FROM (SELECT g.*, row_number() OVER (PARTITION BY paper_id, family_key, given_key ORDER BY position) AS nth
          FROM papers_signature g WHERE paper_id IN (SELECT paper_id FROM staged_paper WHERE relist)) old
  JOIN relisted r USING (paper_id, family_key, given_key, nth);
"""

_REMOVED = """
SELECT g.id, g.surname_key FROM papers_signature g JOIN staged_paper s USING (paper_id)
 WHERE s.relist AND g.id NOT IN (SELECT id FROM kept)
"""

_SIGN = """
UPDATE papers_signature g SET position = kept.position FROM kept WHERE kept.id = g.id AND kept.position <> g.position;
INSERT INTO papers_signature (paper_id, position, printed, family, given, suffix, family_key, given_key, surname_key,
       affiliations, orcid, inferred_orcid)
SELECT paper_id, position, printed, family, given, suffix, family_key, given_key, surname_key, affiliations,
       orcid, inferred_orcid
  FROM relisted r WHERE NOT EXISTS (SELECT FROM kept WHERE kept.paper_id = r.paper_id AND kept.position = r.position)
 ORDER BY number, position;
"""

_ENRICH = f"""
WITH enriched AS (
    UPDATE papers_signature g
       SET affiliations = CASE WHEN g.affiliations = '{{}}' THEN new.affiliations ELSE g.affiliations END,
           orcid = coalesce(g.orcid, new.orcid),
           inferred_orcid = coalesce(g.inferred_orcid, new.inferred_orcid)
      FROM staged_signature new JOIN staged_paper s USING (number)
     WHERE s.fate <> 'new' AND g.paper_id = s.paper_id AND g.position = new.position
       AND g.family_key = new.family_key AND g.given_key = new.given_key
       AND ((g.affiliations = '{{}}' AND new.affiliations <> '{{}}') OR (g.orcid IS NULL AND new.orcid IS NOT NULL)
            OR (g.inferred_orcid IS NULL AND new.inferred_orcid IS NOT NULL))
    RETURNING s.number
)
UPDATE staged_paper s SET fate = 'updated', around = true, before = {_SIGNED} || coalesce(before, '{{}}')
 WHERE number IN (SELECT number FROM enriched)
"""

# A record that says nothing of subjects takes none away.
_TOPICS = """
WITH gone AS (
    DELETE FROM papers_papertopic t USING staged_paper s
     WHERE s.fate = 'updated' AND t.paper_id = s.paper_id
       AND EXISTS (SELECT FROM papers_paper p WHERE p.id = s.paper_id AND p.categories = s.categories)
       AND (s.categories <> '{}' OR s.topics <> '{}')
       AND t.topic_id NOT IN (SELECT topic_id FROM staged_topic WHERE name = ANY (s.topics))
    RETURNING t.paper_id
), come AS (
    INSERT INTO papers_papertopic (paper_id, topic_id)
    SELECT s.paper_id, t.topic_id
      FROM staged_paper s CROSS JOIN unnest(s.topics) AS name JOIN staged_topic t USING (name)
      JOIN papers_paper p ON p.id = s.paper_id AND p.categories = s.categories
     WHERE s.fate = 'updated' ON CONFLICT DO NOTHING
    RETURNING paper_id
)
UPDATE staged_paper SET around = true WHERE paper_id IN (SELECT paper_id FROM gone UNION SELECT paper_id FROM come)
"""

# A record that changed only names, topics or days has not touched the paper's own row above. Names and topics are what
# a paper shows, and date it; the days on which it was listed, and the digest, are not.
_DIGEST = """
WITH other AS (
    SELECT s.number, p.id, p.digest AS was, s.digest, p.digest IS DISTINCT FROM s.digest AS other_line,
           coalesce(s.around AND NOT s.dated, false) AS redate
      FROM staged_paper s JOIN papers_paper p ON p.id = s.paper_id WHERE s.fate = 'updated'
), told AS (
    UPDATE papers_paper p
       SET digest = other.digest, changed_at = CASE WHEN redate THEN clock_timestamp() ELSE p.changed_at END
      FROM other WHERE p.id = other.id AND (other_line OR redate)
)
UPDATE staged_paper s SET before = jsonb_build_object('digest', other.was) || s.before
  FROM other WHERE other.number = s.number AND other_line
"""

# Counts of one day only grow, so the higher is the later, in whatever order the lists come.
_LIST = """
WITH listed AS (
    INSERT INTO papers_dailylisting AS known (paper_id, day, votes, comments)
    SELECT s.paper_id, l.day, l.votes, l.comments FROM staged_listing l JOIN staged_paper s USING (number)
     WHERE NOT EXISTS (
           SELECT FROM papers_dailylisting d WHERE d.paper_id = s.paper_id AND d.day = l.day
              AND d.votes IS NOT DISTINCT FROM greatest(d.votes, l.votes)
              AND d.comments IS NOT DISTINCT FROM greatest(d.comments, l.comments))
    ON CONFLICT (paper_id, day) DO UPDATE
       SET votes = greatest(known.votes, excluded.votes), comments = greatest(known.comments, excluded.comments)
    RETURNING paper_id
)
UPDATE staged_paper s
   SET fate = 'updated',
       before = coalesce(before, '{}') || jsonb_build_object('listings', (
           SELECT coalesce(jsonb_agg(jsonb_build_object('day', d.day, 'votes', d.votes, 'comments', d.comments)
                                     ORDER BY d.day), '[]')
             FROM papers_dailylisting d WHERE d.paper_id = s.paper_id))
 WHERE fate <> 'new' AND paper_id IN (SELECT paper_id FROM listed)
"""

# Names that go take their institutions with them; names that stay gain some only here.
_AFFILIATED = """
SELECT DISTINCT s.paper_id FROM staged_signature g JOIN staged_paper s USING (number)
 WHERE g.affiliations <> '{}' AND s.fate <> 'unchanged'
"""

_RECORDS = """
INSERT INTO papers_batchrecord (batch_id, number, fate, source_id, reason, raw, paper_id, before)
SELECT %s, number, fate, coalesce(named, arxiv_id, doi, ''), '', '', paper_id, before FROM staged_paper ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: `fates` counts by fate; `set_aside` numbers must be merged again in a chunk of their own;
    `removed_surnames` are the surname keys of names that are no longer on their paper."""

    fates: dict[str, int]
    set_aside: frozenset[int]
    removed_surnames: frozenset[str]


def recognise(batch_id: int, lines: Iterable[tuple[int, str, bytes]]) -> frozenset[int]:
    """Note as unchanged those of `lines` (number, arXiv id, digest) that say what is stored; returns their numbers."""
    columns = [list(column) for column in zip(*lines, strict=True)]
    if not columns:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(_RECOGNISE, [batch_id, *columns])
        return frozenset(number for (number,) in cursor.fetchall())


def merge(
    batch_id: int,
    chunk: Collection[Staged],
    topics: Mapping[str, int],
    losing: Callable[[Collection[int]], None] = lambda signatures: None,
) -> Merged:
    """Merge one chunk, no two records of which have the same arXiv id, DOI or fingerprint; `topics` are ids by name.

    `losing` gets the ids of the signatures that are about to go. Runs in the caller's transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STAGE + _EMPTY)
        for table, columns, lines in (
            ("staged_paper", PAPER_COLUMNS, [staged.paper for staged in chunk]),
            ("staged_signature", SIGNATURE_COLUMNS, [staged.signatures for staged in chunk]),
            ("staged_listing", LISTING_COLUMNS, [staged.listing_lines() for staged in chunk if staged.listings]),
        ):
            copying = cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN")
            with connection.wrap_database_errors, copying as copy:  # Django does it for `execute` only
                copy.write(b"".join(lines))
        cursor.execute(
            "INSERT INTO staged_topic SELECT * FROM unnest(%s::varchar[], %s::bigint[])",
            [list(topics), list(topics.values())],
        )
        cursor.execute(_IDENTIFY)
        cursor.execute(_ANALYZE)
        cursor.execute(_SET_ASIDE)
        set_aside = frozenset(number for (number,) in cursor.fetchall())
        cursor.execute(_INSERT)
        removed: dict[int, str] = {}
        cursor.execute(_UPDATE)
        cursor.execute("SELECT count(*), bool_or(relist) FROM staged_paper WHERE fate = 'updated'")
        updated, relist = cursor.fetchone() or (0, None)
        if updated:
            cursor.execute(_BEFORE)
        if relist:
            cursor.execute(_RELIST)
            cursor.execute(_REMOVED)
            removed = dict(cursor.fetchall())
            if removed:
                losing(removed)
            # Rare, and through the ORM: it knows what other apps have built on a signature.
            Signature.objects.filter(pk__in=removed).delete()
            cursor.execute(_SIGN)
        cursor.execute(_ENRICH)
        if any(staged.listings for staged in chunk):
            cursor.execute(_LIST)
        cursor.execute("SELECT fate, count(*) FROM staged_paper GROUP BY fate")
        fates = dict(cursor.fetchall())
        if BatchRecord.Fate.UPDATED in fates:
            cursor.execute(_TOPICS)
            cursor.execute(_DIGEST)
        cursor.execute(_RECORDS, [batch_id])
        cursor.execute(_AFFILIATED)
        if affiliated := [paper for (paper,) in cursor.fetchall()]:
            institutions.link(affiliated)
        return Merged(fates, set_aside, frozenset(removed.values()))
