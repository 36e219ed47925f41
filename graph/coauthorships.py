"""Coauthorships, computed in SQL from the assignments of the authors named. Entry point: `refresh`."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

# A list of 1,000 names would make 999,000 rows that say next to nothing of any pair (Newman's weight is 0.001). Such
# papers stay on every page; only the collaborator list leaves them out, and says so.
LARGEST_TEAM = 100

_REFRESH = """
WITH computed AS (
    SELECT mine.author_id, other.author_id AS coauthor_id, count(DISTINCT p.id) AS works,
           sum(1.0 / (team.size - 1)) AS weight,
           extract(year FROM min(coalesce(p.created, p.updated)))::smallint AS first_year,
           extract(year FROM max(coalesce(p.updated, p.created)))::smallint AS last_year
      FROM profiles_assignment mine
      JOIN papers_signature g ON g.id = mine.signature_id
      JOIN papers_paper p ON p.id = g.paper_id
      JOIN LATERAL (SELECT count(*) AS size FROM papers_signature t WHERE t.paper_id = p.id) team
        ON team.size BETWEEN 2 AND %(largest)s
      JOIN papers_signature h ON h.paper_id = p.id AND h.id <> g.id
      JOIN profiles_assignment other ON other.signature_id = h.id
     WHERE mine.author_id = ANY(%(authors)s) AND other.author_id <> mine.author_id
       AND mine.state <> 'rejected' AND other.state <> 'rejected'
     GROUP BY 1, 2
), gone AS (
    DELETE FROM graph_coauthorship e WHERE e.author_id = ANY(%(authors)s)
       AND NOT EXISTS (SELECT FROM computed c WHERE (c.author_id, c.coauthor_id) = (e.author_id, e.coauthor_id))
)
INSERT INTO graph_coauthorship AS e (author_id, coauthor_id, works, weight, first_year, last_year)
SELECT author_id, coauthor_id, works, weight, first_year, last_year FROM computed
    ON CONFLICT (author_id, coauthor_id) DO UPDATE
   SET (works, weight, first_year, last_year)
     = (excluded.works, excluded.weight, excluded.first_year, excluded.last_year)
 WHERE (e.works, e.weight, e.first_year, e.last_year)
       IS DISTINCT FROM (excluded.works, excluded.weight, excluded.first_year, excluded.last_year)
"""


@transaction.atomic
def refresh(authors: Sequence[int]) -> None:
    """Recompute the coauthorships of these authors, as seen from them (the other direction is their coauthors')."""
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, {"authors": list(authors), "largest": LARGEST_TEAM})
