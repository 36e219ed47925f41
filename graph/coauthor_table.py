"""The coauthors of a person as funders ask for them: name, affiliation, and when they last wrote together.

Problem: for a proposal to the NSF everybody lists four years of coauthors by hand. Idea: table 4 of its form
"Collaborators and Other Affiliations" from the records: all coauthors of the last 48 months with "A:" (coauthors; "C:",
collaborators without a paper, no record knows), "Last, First Middle", the affiliation last known, the newest shared
work's date. Lists of very many names are told apart, for funders let them be handled apart. Entry point: `coauthors`.
Reference: NSF, Collaborators and Other Affiliations Template, table 4, and its FAQ (2023).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from papers.bounded import within
from papers.names import split_name
from papers.text import plain
from profiles.models import Assignment, Author, OwnAffiliation, OwnWords

from .conflicts import RECENT, months_before

TIMEOUT_MS = 5_000
MONTHS = 48  # what the NSF asks for
LETTER = "A:"
_NOWHERE = ("", None, False)


@dataclass(frozen=True, slots=True)
class Coauthor:
    """Somebody on the list. `names` stand on the shortest shared author list; `weak` where no shared work is sure.

    `affiliation` is the owner's word where `stated`, else as printed in `year`.
    """

    author: Author
    works: int
    last: date | None
    day_known: bool
    weak: bool
    names: int
    affiliation: str
    year: int | None
    stated: bool

    @property
    def name(self) -> str:
        """ "Last, First Middle"; as it is where it cannot be split."""
        family, given, suffix = split_name(self.author.name)
        return ", ".join(filter(None, (family, given, suffix))) if family and given else self.author.name

    @property
    def last_active(self) -> str:
        """As the form has it, MM/DD/YYYY; the year alone where no day is known; "" without a date."""
        if self.last is None:
            return ""
        return f"{self.last:%m/%d/%Y}" if self.day_known else f"{self.last.year:04}"


@dataclass(frozen=True, slots=True)
class Coauthors:
    """The list, by name. `left_out` works have more names than was asked for."""

    rows: list[Coauthor]
    works: int
    left_out: int
    since: date


_RECENT = f"""
SELECT p.id, (SELECT count(*) FROM papers_signature t WHERE t.paper_id = p.id)
  FROM papers_paper p
 WHERE p.id IN (SELECT g.paper_id FROM profiles_assignment s JOIN papers_signature g ON g.id = s.signature_id
                 WHERE s.author_id = %(author)s AND s.state <> 'rejected') AND {RECENT}
"""
_COAUTHORS = """
WITH shared(paper_id, names) AS (SELECT * FROM unnest(%(papers)s::bigint[], %(names)s::bigint[])),
     held AS MATERIALIZED (
    SELECT g.paper_id, s.author_id, bool_and(s.state <> ALL(%(sure)s)) AS weak
      FROM shared JOIN papers_signature g ON g.paper_id = shared.paper_id
      JOIN profiles_assignment s ON s.signature_id = g.id AND s.state <> 'rejected'
     GROUP BY 1, 2
)
SELECT other.author_id, count(*), max(coalesce(p.updated, p.created)),
       (array_agg(p.day_known ORDER BY coalesce(p.updated, p.created) DESC NULLS LAST))[1],
       bool_and(other.weak OR mine.weak), min(shared.names)
  FROM held mine JOIN held other ON other.paper_id = mine.paper_id AND other.author_id <> mine.author_id
  JOIN shared ON shared.paper_id = mine.paper_id JOIN papers_paper p ON p.id = mine.paper_id
 WHERE mine.author_id = %(author)s
 GROUP BY 1
"""
_PRINTED = """
SELECT DISTINCT ON (s.author_id) s.author_id, g.affiliations, extract(year FROM coalesce(p.updated, p.created))::int
  FROM profiles_assignment s JOIN papers_signature g ON g.id = s.signature_id JOIN papers_paper p ON p.id = g.paper_id
 WHERE s.author_id = ANY(%(people)s) AND s.state <> 'rejected' AND g.affiliations <> '{}'
 ORDER BY s.author_id, coalesce(p.updated, p.created) DESC NULLS LAST, p.id DESC
"""


def coauthors(author: Author, until: date, months: int = MONTHS, largest: int | None = None) -> Coauthors:
    """Everybody public who wrote with the author in the `months` before that day, on lists of at most `largest` names.

    Works without a date count always. Five queries. Raises `TooSlow`.
    """
    since = months_before(until, months)
    with within(TIMEOUT_MS) as cursor:
        cursor.execute(_RECENT, {"author": author.pk, "since": since, "until": until})
        works = dict(cursor.fetchall())
        kept = {paper: names for paper, names in works.items() if largest is None or names <= largest}
        sure = [str(state) for state in Assignment.STRONG_OR_BETTER]
        asked: dict[str, Any] = {"author": author.pk, "papers": list(kept), "names": list(kept.values()), "sure": sure}
        cursor.execute(_COAUTHORS, asked)
        found: dict[int, tuple[int, date | None, bool, bool, int]] = {
            pk: tuple(rest) for pk, *rest in cursor.fetchall()
        }
        people = Author.objects.filter(visibility=Author.Visibility.PUBLIC).in_bulk(found)
        places = _affiliations(people)
        rows = [
            Coauthor(people[pk], *numbers, *places.get(pk, _NOWHERE)) for pk, numbers in found.items() if pk in people
        ]
    rows.sort(key=lambda row: (row.name.casefold(), row.author.pk))
    return Coauthors(rows, len(kept), len(works) - len(kept), since)


def _affiliations(people: Collection[int]) -> dict[int, tuple[str, int | None, bool]]:
    """(affiliation, year, whether the owner states it) of each; nothing of those whose owners hide it."""
    with connection.cursor() as cursor:
        cursor.execute(_PRINTED, {"people": list(people)})
        found = {pk: (", ".join(map(plain, printed)), year, False) for pk, printed, year in cursor.fetchall()}
    stated = OwnAffiliation.objects.filter(author__in=people, author__account__isnull=False, to_year=None)
    for own in reversed(stated):
        found[own.author_id] = (own.institution, None, True)
    hidden = OwnWords.objects.filter(author__in=people, hidden__contains=[OwnWords.Hidden.AFFILIATION])
    for pk in hidden.filter(author__account__isnull=False).values_list("author", flat=True):
        found.pop(pk, None)
    return found
