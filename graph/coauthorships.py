"""Coauthorships, computed in SQL from the assignments of the authors named.

Problem: ties are pairs, and pairs grow with the square of a team; a list of 5,000 names is 12 million of them.

Idea: a row for each two people who share a work of at most `LARGEST_TEAM` names, so that a paper costs at most 100
rows for each of its names. The row counts all that the two share, long lists too. Who shares long lists alone has no
row; `graph.crowds` asks for them, one author at a time.

Entry points: `refresh` for the authors whose works changed, `rebuild` for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import connection, transaction

from profiles.authors import BIN
from profiles.models import Author

LARGEST_TEAM = 100  # names; 5,000 rows for a paper, and the weight that it gives each pair is 0.01

# Positions run from 0 without a gap, so that the last one, which the index has at hand, tells the names of a paper.
TEAM_SIZE = "SELECT max(t.position) + 1 AS size FROM papers_signature t WHERE t.paper_id = p.id"

# `pair` is of short lists, and `crowded` of the long ones that the same two share; `names` has whoever stands on either
# once for each paper. Each step joins two tables, or a planner without statistics would join all of a list with all of
# it. Newman's weight is summed as a decimal: the same in any order, so the same from both ends.
_REFRESH = f"""
WITH mine AS MATERIALIZED (
    SELECT DISTINCT s.author_id, g.paper_id
      FROM profiles_assignment s JOIN papers_signature g ON g.id = s.signature_id
     WHERE s.author_id = ANY(%(authors)s) AND s.state <> 'rejected'
), team AS MATERIALIZED (
    SELECT p.id AS paper_id, size <= %(largest)s AS is_short, 1.0 / (size - 1) AS weight,
           extract(year FROM coalesce(p.created, p.updated)) AS first,
           extract(year FROM coalesce(p.updated, p.created)) AS last
      FROM (SELECT DISTINCT paper_id FROM mine) m JOIN papers_paper p ON p.id = m.paper_id
      JOIN LATERAL ({TEAM_SIZE}) counted ON size >= 2
), work AS MATERIALIZED (
    SELECT author_id, paper_id, is_short, weight, first, last FROM mine JOIN team USING (paper_id)
), names AS MATERIALIZED (
    SELECT DISTINCT h.paper_id, s.author_id
      FROM team JOIN papers_signature h USING (paper_id) JOIN profiles_assignment s ON s.signature_id = h.id
     WHERE s.state <> 'rejected'
), pair AS MATERIALIZED (
    SELECT work.author_id, names.author_id AS coauthor_id,
           count(*) AS works, sum(weight) AS weight, min(first) AS first, max(last) AS last
      FROM work JOIN names USING (paper_id)
     WHERE is_short AND names.author_id <> work.author_id
     GROUP BY 1, 2
), long AS MATERIALIZED (
    SELECT pair.author_id, pair.coauthor_id, paper_id, work.weight, work.first, work.last
      FROM pair JOIN work USING (author_id)
     WHERE NOT is_short
), crowded AS (
    SELECT long.author_id, coauthor_id, count(*) AS works, sum(weight) AS weight, min(first) AS first, max(last) AS last
      FROM long JOIN names ON names.paper_id = long.paper_id AND names.author_id = coauthor_id
     GROUP BY 1, 2
), computed AS MATERIALIZED (
    SELECT author_id, coauthor_id, (p.works + coalesce(c.works, 0))::int AS works,
           (p.weight + coalesce(c.weight, 0))::float8 AS weight,
           least(p.first, c.first)::smallint AS first_year, greatest(p.last, c.last)::smallint AS last_year
      FROM pair p LEFT JOIN crowded c USING (author_id, coauthor_id)
), gone AS (
    DELETE FROM graph_coauthorship e WHERE e.author_id = ANY(%(authors)s)
       AND NOT EXISTS (SELECT FROM computed c WHERE (c.author_id, c.coauthor_id) = (e.author_id, e.coauthor_id))
    RETURNING e.id
), put AS (
    INSERT INTO graph_coauthorship AS e (author_id, coauthor_id, works, weight, first_year, last_year)
    SELECT author_id, coauthor_id, works, weight, first_year, last_year FROM computed
        ON CONFLICT (author_id, coauthor_id) DO UPDATE
       SET (works, weight, first_year, last_year)
         = (excluded.works, excluded.weight, excluded.first_year, excluded.last_year)
     WHERE (e.works, e.weight, e.first_year, e.last_year)
           IS DISTINCT FROM (excluded.works, excluded.weight, excluded.first_year, excluded.last_year)
    RETURNING e.id
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM put)
"""


@transaction.atomic
def refresh(authors: Sequence[int]) -> int:
    """Recompute the coauthorships of these authors, as seen from them; returns how many rows were written or deleted.

    The other direction is their coauthors': whoever changes a work marks all who stand on it, and stood, as stale.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, {"authors": list(authors), "largest": LARGEST_TEAM})
        [(written,)] = cursor.fetchall()
    return int(written)


def rebuild(report: Callable[[int], None] = lambda done: None) -> int:
    """Recompute those of every author, `BIN` of them at a time; returns how many rows differed, each written once.

    `report` gets how many authors are done.
    """
    done, last, written = 0, 0, 0
    while ids := list(Author.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BIN]):
        written += refresh(ids)
        done, last = done + len(ids), ids[-1]
        report(done)
    return written
