"""Crowds: the long lists that an author stands on, and whom they name, which no stored tie tells.

Problem: a list of 5,000 names makes 12 million pairs, and whoever stands on nothing else would be alone in the graph.

Idea: `graph.coauthorships` keeps no row for two people who share lists of more than `LARGEST_TEAM` names alone; they
are counted here, for one author at a time, from the papers themselves. Of a member of a collaboration of thousands of
papers the newest are read, as many as hold `NAMES_READ` names, and the count says that it is a lower bound.

Entry point: `of`.
"""

from __future__ import annotations

from dataclasses import dataclass

from papers.bounded import TooSlow, within
from profiles.models import Author

from .coauthorships import LARGEST_TEAM, TEAM_SIZE
from .networks import fitting, team_weight

NAMES_READ = 100_000  # printed on the papers that are read: a fifth of a second
TIMEOUT_MS = 2_000  # for each of the two statements
SHOWN = 12  # people who are named

_WORKS = f"""
SELECT p.id, size
  FROM papers_paper p JOIN LATERAL ({TEAM_SIZE}) counted ON size > %(largest)s
 WHERE p.id IN (SELECT g.paper_id FROM profiles_assignment s JOIN papers_signature g ON g.id = s.signature_id
                 WHERE s.author_id = %(author)s AND s.state <> 'rejected')
 ORDER BY coalesce(p.updated, p.created) DESC NULLS LAST, p.id DESC
"""

_PEOPLE = """
WITH met AS (
    SELECT s.author_id, count(DISTINCT g.paper_id) AS works
      FROM papers_signature g JOIN profiles_assignment s ON s.signature_id = g.id
     WHERE g.paper_id = ANY(%(papers)s) AND s.author_id <> %(author)s AND s.state <> 'rejected'
     GROUP BY 1
)
SELECT a.id, met.works, count(*) OVER ()
  FROM met JOIN profiles_author a ON a.id = met.author_id
 WHERE a.visibility = 'public'
   AND NOT EXISTS (SELECT FROM graph_coauthorship e WHERE e.author_id = %(author)s AND e.coauthor_id = a.id)
 ORDER BY met.works DESC, a.name, a.id
 LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Work:
    """A paper by its id, the names printed on it, and what it adds to the tie of each two of them: 1/(names - 1)."""

    paper: int
    names: int
    weight: float


@dataclass(frozen=True, slots=True)
class Met:
    """Somebody who shares long lists alone with the author: `works` of those that were read."""

    person: Author
    works: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """The works of more than `least` names, newest first, of which the first `read` were; and the further `people`
    whom those name, `met` the first of them by works in common, then by name. Hidden people are in neither.

    `people` is a lower bound where not all works were `read`.
    """

    works: tuple[Work, ...] = ()
    read: int = 0
    people: int = 0
    met: tuple[Met, ...] = ()
    least: int = LARGEST_TEAM

    @property
    def is_exact(self) -> bool:
        return self.read == len(self.works)

    @property
    def largest(self) -> int:
        """Names on the longest list; 0 where there is none."""
        return max((work.names for work in self.works), default=0)


def of(author: Author, most: int = SHOWN) -> Crowd | None:
    """The long lists of the author, with at most so many of the people: one query, and two more where there are any.

    None where that took too long.
    """
    given = {"author": author.pk, "largest": LARGEST_TEAM, "most": most}
    try:
        with within(TIMEOUT_MS) as cursor:
            cursor.execute(_WORKS, given)
            works = tuple(Work(paper, names, team_weight(names)) for paper, names in cursor.fetchall())
            if not works:
                return Crowd()
            read = fitting((work.names for work in works), NAMES_READ)
            cursor.execute(_PEOPLE, given | {"papers": [work.paper for work in works[:read]]})
            rows = cursor.fetchall()
    except TooSlow:
        return None
    known = Author.objects.in_bulk([pk for pk, _works, _people in rows])
    met = tuple(Met(known[pk], shared) for pk, shared, _people in rows)
    return Crowd(works, read, rows[0][2] if rows else 0, met)
