"""An author's collaborators year by year, and how far the neighbourhood reaches by then.

Problem: an author may have written a thousand papers with three thousand others each. Idea: PostgreSQL sums, as
`networks.timelines` defines it, and a statement timeout bounds it. Entry points: `course`, and `rows_of` for queries
that may take too long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from papers.bounded import TooSlow, within
from profiles.models import Author

from .coauthorships import LARGEST_TEAM
from .networks.timelines import Chart, Reach, Timeline, Year, chart, cumulated, filled, span

TIMEOUT_MS = 2_000

# `timelines.timeline`, summed: a row for each year, and one without a year.
_TIMELINE = """
WITH mine AS (
    SELECT DISTINCT p.id, extract(year FROM coalesce(p.created, p.updated))::int AS year
      FROM profiles_assignment a
      JOIN papers_signature g ON g.id = a.signature_id
      JOIN papers_paper p ON p.id = g.paper_id
     WHERE a.author_id = %(author)s AND a.state <> 'rejected'
), met AS (
    SELECT o.author_id, mine.year, bool_and(team.size > %(largest)s) AS large
      FROM mine
      JOIN LATERAL (SELECT count(*) AS size FROM papers_signature t WHERE t.paper_id = mine.id) team ON true
      JOIN papers_signature h ON h.paper_id = mine.id
      JOIN profiles_assignment o ON o.signature_id = h.id
     WHERE o.author_id <> %(author)s AND o.state <> 'rejected'
       AND o.author_id NOT IN (SELECT id FROM profiles_author WHERE visibility <> 'public')
     GROUP BY o.author_id, mine.year
), placed AS (
    SELECT year, large, year = min(year) FILTER (WHERE NOT large) OVER person AS is_first,
           max(year) OVER person AS dated
      FROM met WINDOW person AS (PARTITION BY author_id)
), people AS (
    SELECT year, count(*) FILTER (WHERE NOT large AND is_first) AS new,
           count(*) FILTER (WHERE NOT large AND NOT is_first) AS returning, count(*) FILTER (WHERE large) AS large,
           count(*) FILTER (WHERE dated IS NULL) AS nowhere_else
      FROM placed GROUP BY year
), works AS (SELECT year, count(*) AS works FROM mine GROUP BY year)
SELECT w.year, w.works, coalesce(p.new, 0), coalesce(p.returning, 0), coalesce(p.large, 0), coalesce(p.nowhere_else, 0)
  FROM works w LEFT JOIN people p ON p.year IS NOT DISTINCT FROM w.year
"""

# `timelines.reached`, by the first years of the ties.
_REACHED = """
WITH hidden AS (SELECT id FROM profiles_author WHERE visibility <> 'public'), one AS (
    SELECT coauthor_id AS person, first_year AS year FROM graph_coauthorship
     WHERE author_id = %(author)s AND first_year IS NOT NULL AND coauthor_id NOT IN (SELECT id FROM hidden)
), two AS (
    SELECT person, min(year) AS year FROM (
        SELECT person, year FROM one
         UNION ALL
        SELECT e.coauthor_id, greatest(one.year, e.first_year)
          FROM one JOIN graph_coauthorship e ON e.author_id = one.person
         WHERE e.coauthor_id <> %(author)s AND e.first_year IS NOT NULL
           AND e.coauthor_id NOT IN (SELECT id FROM hidden)
    ) came GROUP BY person
)
SELECT year, sum(near)::int, sum(far)::int FROM (
    SELECT year, count(*) AS near, 0 AS far FROM one GROUP BY year
     UNION ALL
    SELECT year, 0, count(*) FROM two GROUP BY year
) counted GROUP BY year
"""


@dataclass(frozen=True)
class Course:
    """Collaborators over the years; `reach` is None where it took too long."""

    timeline: Timeline
    reach: Sequence[Reach] | None

    @cached_property
    def _years(self) -> list[int]:
        return [year.year for year in self.timeline.years]

    @cached_property
    def met(self) -> Chart | None:
        years = self.timeline.years
        return chart(self._years, {"returning": [y.returning for y in years], "new": [y.new for y in years]})

    @cached_property
    def large(self) -> Chart | None:
        return chart(self._years, {"large": [year.large for year in self.timeline.years]})

    @cached_property
    def so_far(self) -> Chart | None:
        return chart(self._years, {"near": [year.collaborators for year in self.reach]}) if self.reach else None

    @cached_property
    def within_two(self) -> Chart | None:
        return chart(self._years, {"far": [year.within_two for year in self.reach]}) if self.reach else None

    @property
    def rows(self) -> list[tuple[Year, Reach | None]]:
        return [(year, self.reach[at] if self.reach else None) for at, year in enumerate(self.timeline.years)]


def course(author: Author) -> Course | None:
    rows = rows_of(_TIMELINE, author=author.pk, largest=LARGEST_TEAM)
    if rows is None:
        return None
    came = rows_of(_REACHED, author=author.pk)
    met = {year: (near, far) for year, near, far in came or ()}
    years = [Year(*row[:5]) for row in rows if row[0] is not None]
    over = span((year.year for year in years), met)
    undated = next((row for row in rows if row[0] is None), None)
    told = Timeline(filled(years, over), undated[1] if undated else 0, undated[5] if undated else 0)
    return Course(told, None if came is None else cumulated(met, over))


def rows_of(query: str, **given: Any) -> list[tuple[Any, ...]] | None:
    """The rows; None where that took longer than TIMEOUT_MS."""
    try:
        with within(TIMEOUT_MS) as cursor:
            cursor.execute(query, given)
            return list(cursor.fetchall())
    except TooSlow:
        return None
