"""What the pages of topics and institutions say besides the works: people, years, and what is near.

Problem: pages, their tables and their JSON must say the same, at a cost that does not grow with the place. Idea: plain
values, read from rows that were computed (topics, `graph.topics`) or counted within a statement timeout (institutions,
of which few are large). A hidden person is in no list and in no number; where an owner keeps the number of works or the
affiliation off the page, no list here tells it.

Entry points: `of_topic`, `of_institution`; `people_of_topic`, `people_of_institution` for page after page of people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from django.db import connection

from papers.bounded import TooSlow, within
from papers.models import Institution, Topic
from papers.paging import ForeignCursor
from profiles.models import Author, OwnWords

from .models import TopicPair, TopicYear
from .neighbourhoods import works as gathered
from .networks import Filters
from .networks.timelines import Chart, chart
from .topics import LEAST_SHARED

TIMEOUT_MS = 2_000
PEOPLE = 12  # on the page of a place
ALL_PEOPLE = 100  # on a page of all of them
NEIGHBOURS = 12
CHARTED = 120  # years in the picture; the table has all


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works there. `works` is None where the owner keeps the number off the page."""

    author: Author
    works: int | None
    first_year: int | None
    last_year: int | None


@dataclass(frozen=True, slots=True)
class People:
    """Those with most works first; `following` is the cursor of the next page, or ""."""

    rows: tuple[Person, ...]
    following: str = ""


@dataclass(frozen=True, slots=True)
class Year:
    """Works whose first version is of the year, and people whose first work there is."""

    year: int
    works: int
    new_people: int


@dataclass(frozen=True, slots=True)
class Near:
    """A topic or an institution that shares works. `lift`: how many times as many as by chance, for topics of topics;
    `bar`: its length beside the longest, in per cent."""

    name: str
    url: str
    works: int
    lift: float | None = None
    bar: float = 0.0


@dataclass(frozen=True)
class Portrait:
    """`works` and `people` are all there are; `counted`: the newest works that `topics` and `institutions` are of,
    where those are not all. `slow` where counting took too long: then the numbers are missing, not 0."""

    works: int = 0
    people: int = 0
    undated_works: int = 0
    years: tuple[Year, ...] = ()
    leading: People = field(default_factory=lambda: People(()))
    topics: tuple[Near, ...] = ()
    institutions: tuple[Near, ...] = ()
    counted: int | None = None
    slow: bool = False

    @cached_property
    def works_chart(self) -> Chart | None:
        return self._chart("works", [year.works for year in self._charted])

    @cached_property
    def people_chart(self) -> Chart | None:
        return self._chart("new", [year.new_people for year in self._charted])

    @property
    def first_year(self) -> int | None:
        return self.years[0].year if self.years else None

    @property
    def last_year(self) -> int | None:
        return self.years[-1].year if self.years else None

    @cached_property
    def _charted(self) -> list[Year]:
        """The last years, each with its place, also where nothing is of it."""
        if not self.years:
            return []
        known = {year.year: year for year in self.years}
        last = self.years[-1].year
        first = max(self.years[0].year, last - CHARTED + 1)
        return [known.get(year, Year(year, 0, 0)) for year in range(first, last + 1)]

    def _chart(self, name: str, numbers: Sequence[int]) -> Chart | None:
        return chart([year.year for year in self._charted], {name: numbers}) if numbers else None


# --- topics -----------------------------------------------------------------------------------------------------------

_HIDDEN_FIRST = """
SELECT first_year, count(*) FROM graph_topicperson
 WHERE topic_id = %(topic)s AND author_id IN (SELECT id FROM profiles_author WHERE visibility <> 'public')
 GROUP BY 1
"""
_TOPIC_PEOPLE = """
SELECT e.author_id, e.works, e.first_year, e.last_year
  FROM graph_topicperson e JOIN profiles_author a ON a.id = e.author_id
 WHERE e.topic_id = %(of)s AND a.visibility = 'public'
   AND e.works <= %(works)s AND (e.works, -e.author_id) < (%(works)s, -%(author)s)
 ORDER BY e.works DESC, e.author_id LIMIT %(limit)s
"""


def of_topic(topic: Topic) -> Portrait:
    """Reads rows that are there: as many queries for any topic."""
    years = {row.year: row for row in TopicYear.objects.filter(topic=topic)}
    hidden = dict(_rows(_HIDDEN_FIRST, topic=topic.pk))
    near = TopicPair.objects.filter(topic=topic, works__gte=LEAST_SHARED, lift__gt=1).select_related("other")
    return Portrait(
        works=sum(row.works for row in years.values()),
        people=sum(row.new_people for row in years.values()) - sum(hidden.values()),
        undated_works=years[None].works if None in years else 0,
        years=tuple(
            Year(year, row.works, row.new_people - hidden.get(year, 0))
            for year, row in sorted((year, row) for year, row in years.items() if year is not None)
        ),
        leading=people_of_topic(topic, size=PEOPLE),
        topics=_barred(
            Near(pair.other.name, pair.other.get_absolute_url(), pair.works, pair.lift)
            for pair in near.order_by("-lift", "-works", "other__name")[:NEIGHBOURS]
        ),
    )


def people_of_topic(topic: Topic, after: str = "", size: int = ALL_PEOPLE) -> People:
    """Raises BadRequest for a cursor that is not of ours."""
    return _people(_TOPIC_PEOPLE, topic.pk, after, size)


# --- institutions -----------------------------------------------------------------------------------------------------

_AT = """
SELECT s.author_id, count(DISTINCT p.id)::int AS works,
       min(extract(year FROM coalesce(p.created, p.updated)))::int AS first_year,
       max(extract(year FROM coalesce(p.created, p.updated)))::int AS last_year
  FROM papers_affiliation f
  JOIN papers_signature g ON g.id = f.signature_id
  JOIN papers_paper p ON p.id = g.paper_id
  JOIN profiles_assignment s ON s.signature_id = g.id AND s.state <> 'rejected'
  JOIN profiles_author a ON a.id = s.author_id AND a.visibility = 'public'
 WHERE f.institution_id = %(of)s
   AND NOT EXISTS (SELECT FROM profiles_ownwords o WHERE o.author_id = a.id AND 'affiliation' = ANY(o.hidden))
 GROUP BY 1
"""
_INSTITUTION_PEOPLE = f"""
SELECT * FROM ({_AT}) e WHERE (e.works, -e.author_id) < (%(works)s, -%(author)s)
 ORDER BY e.works DESC, e.author_id LIMIT %(limit)s
"""
_INSTITUTION_YEARS = f"""
SELECT year, sum(works)::int, sum(people)::int FROM (
    SELECT extract(year FROM coalesce(p.created, p.updated))::int AS year, count(*) AS works, 0 AS people
      FROM papers_paper p
     WHERE p.id IN (SELECT g.paper_id FROM papers_affiliation f JOIN papers_signature g ON g.id = f.signature_id
                     WHERE f.institution_id = %(of)s)
     GROUP BY 1
     UNION ALL
    SELECT first_year, 0, count(*) FROM ({_AT}) e GROUP BY 1
) counted GROUP BY 1
"""


def of_institution(institution: Institution) -> Portrait:
    """Counted within a timeout; topics and neighbours of the newest works (`neighbourhoods.works`)."""
    try:
        with within(TIMEOUT_MS):
            years = {year: (works, new) for year, works, new in _rows(_INSTITUTION_YEARS, of=institution.pk)}
            here = gathered.gather(gathered.OF_INSTITUTION, institution.pk, Filters())
            topics = here.topics(NEIGHBOURS).found
            others = here.institutions(NEIGHBOURS, but=institution.pk).found
            leading = people_of_institution(institution, size=PEOPLE)
    except TooSlow:
        return Portrait(slow=True)
    return Portrait(
        works=sum(works for works, _ in years.values()),
        people=sum(new for _, new in years.values()),
        undated_works=years.get(None, (0, 0))[0],
        years=tuple(Year(year, *years[year]) for year in sorted(year for year in years if year is not None)),
        leading=leading,
        topics=_barred(Near(one.node.label, one.node.url, int(one.node.weight)) for one in topics),
        institutions=_barred(Near(one.node.label, one.node.url, int(one.node.weight)) for one in others),
        counted=here.newest,
    )


def people_of_institution(institution: Institution, after: str = "", size: int = ALL_PEOPLE) -> People:
    """Who is printed at it. Raises BadRequest for a cursor that is not of ours; `papers.bounded` bounds it."""
    return _people(_INSTITUTION_PEOPLE, institution.pk, after, size)


# --- both -------------------------------------------------------------------------------------------------------------


def _people(sql: str, of: int, after: str, size: int) -> People:
    works, author = _cursor(after)
    found = _rows(sql, of=of, works=works, author=author, limit=size + 1)
    following = f"{found[size - 1][1]}~{found[size - 1][0]}" if len(found) > size else ""
    found = found[:size]
    people = Author.objects.listed().in_bulk([pk for pk, *_ in found])
    silent = _keeping_numbers_off(people)
    return People(
        tuple(
            Person(people[pk], None if pk in silent else works, first, last)
            for pk, works, first, last in found
            if pk in people
        ),
        following,
    )


def _cursor(after: str) -> tuple[int, int]:
    """(works, author) of the last row shown."""
    if not after:
        return 2**31 - 1, 0
    works, _, author = after.partition("~")
    if not all(part.isascii() and part.isdigit() for part in (works, author)) or len(works) > 9 or len(author) > 18:
        raise ForeignCursor
    return int(works), int(author)


def _keeping_numbers_off(people: Mapping[int, Author]) -> set[int]:
    owned: Collection[int] = [pk for pk, author in people.items() if author.is_claimed]
    if not owned:
        return set()
    rows = OwnWords.objects.filter(author__in=owned, hidden__contains=[OwnWords.Hidden.WORKS])
    return set(rows.values_list("author", flat=True))


def _barred(found: Iterable[Near]) -> tuple[Near, ...]:
    """With the lengths of their bars: of the lift where there is one, else of the works."""
    rows = tuple(found)
    most = max((row.lift or row.works for row in rows), default=1)
    return tuple(replace(row, bar=round(100 * (row.lift or row.works) / most, 2)) for row in rows)


def _rows(sql: str, **given: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return list(cursor.fetchall())
