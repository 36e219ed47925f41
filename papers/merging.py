"""The set-based merge of one chunk of staged records into papers, topics and signatures.

A chunk is copied into temporary tables and merged by a handful of statements, twenty to seventy times cheaper than a
row at a time through the ORM. The caller (`papers.importing`) owns the transaction: a chunk is in whole or not at all.

Two records are one paper when they have the same arXiv id; else, if at most one of the two has an arXiv id, the same
DOI (where just one paper has it: several arXiv papers may share one), or the same fingerprint of title and authors.

The record of the later date wins, field by field; of equal dates the one already there wins unless it came from the
same source, so that two sources do not overwrite each other in turns. A record without a date never wins: two entries
of one file that are one paper would overwrite each other at every import. What the winner leaves empty the other fills
in. Nothing is written where nothing would change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from .models import Signature

PAPER_COLUMNS = (
    "number", "arxiv_id", "doi", "fingerprint", "title", "title_text", "abstract", "categories", "created", "updated",
    "day_known", "versions", "comments", "journal_ref", "license", "source_authors", "withdrawn", "source",
    "authors_key",
)  # fmt: skip
SIGNATURE_COLUMNS = (
    "number", "position", "printed", "family", "given", "suffix", "family_key", "given_key", "surname_key",
    "affiliations", "orcid", "inferred_orcid",
)  # fmt: skip
LISTING_COLUMNS = ("number", "day", "votes", "comments")

_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_paper (
    number bigint PRIMARY KEY, arxiv_id varchar, doi varchar, fingerprint varchar, title text, title_text text,
    abstract text, categories varchar[], created date, updated date, day_known boolean, versions jsonb, comments text,
    journal_ref text, license text, source_authors text, withdrawn boolean, source varchar, authors_key text,
    paper_id bigint, fate varchar, relist boolean
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_signature (
    number bigint, position int, printed text, family text, given text, suffix varchar, family_key text, given_key text,
    surname_key text, affiliations text[], orcid varchar, inferred_orcid varchar
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_topic (number bigint, topic_id bigint) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_listing (number bigint, day date, votes int, comments int)
    ON COMMIT DELETE ROWS;
TRUNCATE staged_paper, staged_signature, staged_topic, staged_listing;
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
UPDATE staged_paper SET fate = 'new', paper_id = nextval(pg_get_serial_sequence('papers_paper', 'id')), relist = true
 WHERE paper_id IS NULL;
INSERT INTO papers_paper (id, arxiv_id, doi, fingerprint, title, title_text, abstract, categories, created, updated,
       day_known, versions, comments, journal_ref, license, source_authors, withdrawn, source)
SELECT paper_id, arxiv_id, doi, fingerprint, title, title_text, abstract, categories, created, updated,
       day_known, versions, comments, journal_ref, license, source_authors, withdrawn, source
  FROM staged_paper WHERE fate = 'new' ORDER BY number;
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
           CASE WHEN c.wins THEN c.source ELSE p.source END AS source
      FROM compared c JOIN papers_paper p ON p.id = c.known_id
), changed AS (
    UPDATE papers_paper p
       SET (arxiv_id, doi, fingerprint, title, title_text, abstract, categories, created, updated, day_known, versions,
            comments, journal_ref, license, source_authors, withdrawn, source)
         = (m.arxiv_id, m.doi, m.fingerprint, m.title, m.title_text, m.abstract, m.categories, m.created, m.updated,
            m.day_known, m.versions, m.comments, m.journal_ref, m.license, m.source_authors, m.withdrawn, m.source)
      FROM merged m
     WHERE p.id = m.known_id
       AND (p.arxiv_id, p.doi, p.fingerprint, p.title, p.title_text, p.abstract, p.categories, p.created, p.updated,
            p.day_known, p.versions, p.comments, p.journal_ref, p.license, p.source_authors, p.withdrawn, p.source)
           IS DISTINCT FROM
           (m.arxiv_id, m.doi, m.fingerprint, m.title, m.title_text, m.abstract, m.categories, m.created, m.updated,
            m.day_known, m.versions, m.comments, m.journal_ref, m.license, m.source_authors, m.withdrawn, m.source)
    RETURNING m.number
), listed AS (
    SELECT c.number, c.wins AND c.authors_key IS NOT NULL AND c.authors_key IS DISTINCT FROM (
               SELECT string_agg(g.family_key || '|' || g.given_key, ';' ORDER BY g.position)
                 FROM papers_signature g WHERE g.paper_id = c.known_id) AS relist
      FROM compared c
)
UPDATE staged_paper s
   SET relist = l.relist,
       fate = CASE WHEN l.relist OR s.number IN (SELECT number FROM changed) THEN 'updated' ELSE 'unchanged' END
  FROM listed l WHERE l.number = s.number
"""

# A name that stays on the paper keeps its row, wherever it now stands, so that decisions about it hold.
_RELIST = """
CREATE TEMPORARY TABLE relisted ON COMMIT DROP AS
SELECT s.paper_id, g.*, row_number() OVER (PARTITION BY g.number, g.family_key, g.given_key ORDER BY g.position) AS nth
  FROM staged_signature g JOIN staged_paper s USING (number) WHERE s.relist;
CREATE TEMPORARY TABLE kept ON COMMIT DROP AS
SELECT old.id, r.paper_id, r.position
  FROM (SELECT g.*, row_number() OVER (PARTITION BY paper_id, family_key, given_key ORDER BY position) AS nth
          FROM papers_signature g
         WHERE paper_id IN (SELECT paper_id FROM staged_paper WHERE relist AND fate = 'updated')) old
  JOIN relisted r USING (paper_id, family_key, given_key, nth);
"""

_REMOVED = """
SELECT g.id, g.surname_key FROM papers_signature g JOIN staged_paper s USING (paper_id)
 WHERE s.relist AND s.fate = 'updated' AND g.id NOT IN (SELECT id FROM kept)
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

_ENRICH = """
WITH enriched AS (
    UPDATE papers_signature g
       SET affiliations = CASE WHEN g.affiliations = '{}' THEN new.affiliations ELSE g.affiliations END,
           orcid = coalesce(g.orcid, new.orcid),
           inferred_orcid = coalesce(g.inferred_orcid, new.inferred_orcid)
      FROM staged_signature new JOIN staged_paper s USING (number)
     WHERE s.fate <> 'new' AND g.paper_id = s.paper_id AND g.position = new.position
       AND g.family_key = new.family_key AND g.given_key = new.given_key
       AND ((g.affiliations = '{}' AND new.affiliations <> '{}') OR (g.orcid IS NULL AND new.orcid IS NOT NULL)
            OR (g.inferred_orcid IS NULL AND new.inferred_orcid IS NOT NULL))
    RETURNING s.number
)
UPDATE staged_paper SET fate = 'updated' WHERE number IN (SELECT number FROM enriched)
"""

# A record that says nothing of subjects takes none away.
_TOPICS = """
DELETE FROM papers_papertopic t USING staged_paper s
 WHERE s.fate = 'updated' AND t.paper_id = s.paper_id
   AND (s.categories <> '{}' OR EXISTS (SELECT FROM staged_topic n WHERE n.number = s.number))
   AND EXISTS (SELECT FROM papers_paper p WHERE p.id = s.paper_id AND p.categories = s.categories)
   AND NOT EXISTS (SELECT FROM staged_topic n WHERE n.number = s.number AND n.topic_id = t.topic_id);
INSERT INTO papers_papertopic (paper_id, topic_id)
SELECT s.paper_id, n.topic_id FROM staged_topic n JOIN staged_paper s USING (number)
  JOIN papers_paper p ON p.id = s.paper_id AND p.categories = s.categories
 WHERE s.fate <> 'unchanged' ON CONFLICT DO NOTHING;
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
UPDATE staged_paper SET fate = 'updated' WHERE fate = 'unchanged' AND paper_id IN (SELECT paper_id FROM listed)
"""

_RECORDS = """
INSERT INTO papers_batchrecord (batch_id, number, fate, source_id, reason, raw, paper_id)
SELECT %s, number, fate, coalesce(arxiv_id, doi, ''), '', '', paper_id FROM staged_paper ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: `fates` counts by fate; `set_aside` numbers must be merged again in a chunk of their own;
    `removed_surnames` are the surname keys of names that are no longer on their paper."""

    fates: dict[str, int]
    set_aside: frozenset[int]
    removed_surnames: frozenset[str]


def merge(
    batch_id: int,
    papers: Iterable[tuple[Any, ...]],
    signatures: Iterable[tuple[Any, ...]],
    topics: Iterable[tuple[int, int]],
    listings: Iterable[tuple[Any, ...]] = (),
) -> Merged:
    """Merge one chunk: rows in the order of `PAPER_COLUMNS`, `SIGNATURE_COLUMNS`, (number, topic id) and
    `LISTING_COLUMNS`, of which no two are of one day and record.

    No two rows of `papers` may have the same arXiv id, DOI or fingerprint. Runs in the caller's transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        for table, columns, rows in (
            ("staged_paper", PAPER_COLUMNS, papers),
            ("staged_signature", SIGNATURE_COLUMNS, signatures),
            ("staged_topic", ("number", "topic_id"), topics),
            ("staged_listing", LISTING_COLUMNS, listings),
        ):
            with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        cursor.execute("ANALYZE staged_paper, staged_signature")
        cursor.execute(_IDENTIFY)
        cursor.execute(_SET_ASIDE)
        set_aside = frozenset(number for (number,) in cursor.fetchall())
        cursor.execute(_INSERT)
        cursor.execute(_UPDATE)
        cursor.execute(_RELIST)
        cursor.execute(_REMOVED)
        removed = dict(cursor.fetchall())
        # Rare, and through the ORM: it knows what other apps have built on a signature.
        Signature.objects.filter(pk__in=removed).delete()
        cursor.execute(_SIGN)
        cursor.execute("DROP TABLE relisted, kept")
        cursor.execute(_ENRICH)
        cursor.execute(_TOPICS)
        cursor.execute(_LIST)
        cursor.execute(_RECORDS, [batch_id])
        cursor.execute("SELECT fate, count(*) FROM staged_paper GROUP BY fate")
        return Merged(dict(cursor.fetchall()), set_aside, frozenset(removed.values()))
