"""Datestamps: when each paper last changed, so that whoever copies the papers need only ask for what is new.

Problem: a transaction dates its rows before others can see them. A harvester that asks for everything since its last
visit would never be told of what was written before the visit and committed after it. Idea: two rules make the dates
final up to a known moment.

1. A date is `clock_timestamp()`, taken in the statement that writes the row: later than the moment when that statement
   got its lock on the table (ROW EXCLUSIVE, held to the end of the transaction).
2. Nothing is told that is dated at or after the `horizon`: the begin of the oldest transaction that holds such a lock,
   or now. Whoever writes later than the horizon was read dates later than it; whoever wrote earlier is visible to the
   next statement, or holds the lock still. Readers, dumps too, hold it up never; an import, for one chunk.

A paper that is removed leaves its id, its identifiers and its topics (`RemovedPaper`), dated in the same way.
Entry points: `touch`, `remove`, `horizon`. `papers.merging` and `papers.reversal` date the rows that they write.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from .models import Paper

_TOUCH = "UPDATE papers_paper SET changed_at = clock_timestamp() WHERE id = ANY(%s)"

_BURY = """
INSERT INTO papers_removedpaper (paper_id, arxiv_id, doi, topics, removed_at)
SELECT p.id, p.arxiv_id, p.doi,
       ARRAY(SELECT t.slug FROM papers_papertopic pt JOIN papers_topic t ON t.id = pt.topic_id
              WHERE pt.paper_id = p.id ORDER BY t.slug),
       clock_timestamp()
  FROM papers_paper p WHERE p.id = ANY(%s)
    ON CONFLICT (paper_id) DO UPDATE
   SET arxiv_id = excluded.arxiv_id, doi = excluded.doi, topics = excluded.topics, removed_at = excluded.removed_at
"""

_HORIZON = """
SELECT least(statement_timestamp(), min(writing.xact_start))
  FROM pg_locks held JOIN pg_stat_activity writing USING (pid)
 WHERE held.locktype = 'relation' AND held.mode = 'RowExclusiveLock' AND held.granted
   AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND held.relation IN ('papers_paper'::regclass, 'papers_removedpaper'::regclass)
   AND held.pid <> pg_backend_pid()
"""


def touch(papers: Collection[int]) -> None:
    """Date these papers (ids) anew: what is shown of them has changed."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, [list(papers)])


@transaction.atomic
def remove(papers: Collection[int]) -> None:
    """Delete these papers (ids), and keep that they were there."""
    with connection.cursor() as cursor:
        cursor.execute(_BURY, [list(papers)])
    Paper.objects.filter(pk__in=papers).delete()


def horizon() -> datetime:
    """All that is dated before this moment is visible to the next statement of a READ COMMITTED session."""
    with connection.cursor() as cursor:
        cursor.execute(_HORIZON)
        (moment,) = cursor.fetchone() or (None,)
        assert isinstance(moment, datetime)
        return moment
