"""The circles of an author: communities among the coauthors, who links them, and collaborators year by year.

Problem: what is computed for a page must be bounded, for a few people have five thousand coauthors and teams of three
thousand. Idea: the strongest 500 coauthors and the strongest 30,000 ties among them are looked at, and what is cut off
is said; the queries have a timeout, and a part that takes longer says so and leaves the others alone. Their number does
not grow with the author. Entry point: `circles`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F
from django.utils.translation import gettext as _

from papers.models import Paper, Topic
from profiles.editing import own
from profiles.models import Author

from .courses import Course, course, rows_of
from .models import Coauthorship
from .networks.communities import Bridge, Name, Work, bridges, islands, named, partition, works_of
from .networks.timelines import Bar, span, strip

MOST_PEOPLE = 500
MOST_TIES = 30_000  # Louvain takes a second over them; 500 people who all wrote with one another would take five
MOST_BRIDGES = 8
MOST_WORKS = 3  # named as what shows a bridge
MOST_CARDS = 8
LEADING = 5  # people of a community whom its card names at once

# The works of the author, each with its topics and with whom of these people it was written.
_WORKS = """
SELECT p.id, extract(year FROM coalesce(p.created, p.updated))::int,
       ARRAY(SELECT t.topic_id FROM papers_papertopic t WHERE t.paper_id = p.id),
       array_agg(DISTINCT a.author_id)
  FROM papers_paper p
  JOIN papers_signature s ON s.paper_id = p.id
  JOIN profiles_assignment a ON a.signature_id = s.id
 WHERE p.id IN (SELECT g.paper_id FROM profiles_assignment mine JOIN papers_signature g ON g.id = mine.signature_id
                 WHERE mine.author_id = %(author)s AND mine.state <> 'rejected')
   AND a.author_id = ANY(%(people)s) AND a.state <> 'rejected'
 GROUP BY p.id ORDER BY p.id
"""

# What each of these people wrote with some of those, newest first: the works of the pairs (one, other).
_EVIDENCE = """
SELECT pair.one, pair.part, p.id
  FROM unnest(%(ones)s::bigint[], %(others)s::bigint[], %(parts)s::int[]) AS pair(one, other, part)
  JOIN profiles_assignment a ON a.author_id = pair.one AND a.state <> 'rejected'
  JOIN papers_signature g ON g.id = a.signature_id
  JOIN papers_signature h ON h.paper_id = g.paper_id
  JOIN profiles_assignment b ON b.signature_id = h.id AND b.author_id = pair.other AND b.state <> 'rejected'
  JOIN papers_paper p ON p.id = g.paper_id
 GROUP BY pair.one, pair.part, p.id ORDER BY coalesce(p.updated, p.created) DESC NULLS LAST, p.id DESC
"""


@dataclass(frozen=True)
class Circle:
    """A community: its name as a reader sees it, its people (the nearest first) with works shared with the author.

    `years`: how many works with the author each year has, drawn as `strip`, on one scale for all circles.
    """

    name: str
    people: Sequence[Coauthorship]
    works: int
    years: Mapping[int, int]
    number: int
    strip: Sequence[Bar]

    @property
    def first_year(self) -> int | None:
        return min(self.years, default=None)

    @property
    def last_year(self) -> int | None:
        return max(self.years, default=None)

    @property
    def leading(self) -> Sequence[Coauthorship]:
        return self.people[:LEADING]

    @property
    def following(self) -> Sequence[Coauthorship]:
        return self.people[LEADING:]


@dataclass(frozen=True)
class Link:
    """`person` of `home` writes with `people` of `other`: `papers` are the newest of these `works`."""

    person: Author
    home: Circle
    other: Circle
    people: Sequence[Author]
    works: int
    papers: Sequence[Paper]
    others: int
    is_only: bool


@dataclass(frozen=True)
class Communities:
    """Each coauthor shown stands in one circle, or among those `alone`, who wrote with no other one here.

    `links` are the best of as many `pairs` of circles. Where ties were left out (not `is_whole`) nobody can be said to
    be the only one, and there are no `islands`.
    """

    circles: Sequence[Circle]
    alone: Sequence[Coauthorship]
    total: int
    links: Sequence[Link]
    pairs: int
    islands: Sequence[Sequence[Circle]]
    is_whole: bool

    @property
    def shown(self) -> int:
        return sum(len(circle.people) for circle in self.circles) + len(self.alone)

    @property
    def cards(self) -> Sequence[Circle]:
        return self.circles[:MOST_CARDS]

    @property
    def smaller(self) -> Sequence[Circle]:
        return self.circles[MOST_CARDS:]


@dataclass(frozen=True)
class Circles:
    """All that the section shows; a part is None where it took too long, or where the owner keeps its numbers off."""

    author: Author
    hidden: frozenset[str]
    communities: Communities | None
    course: Course | None

    @property
    def shows_works(self) -> bool:
        return "works" not in self.hidden

    @property
    def shows_collaborators(self) -> bool:
        return "collaborators" not in self.hidden


def circles(author: Author) -> Circles:
    """Of a public author. Communities and years fail apart from each other."""
    hidden = own(author).hidden
    return Circles(author, hidden, _communities(author), None if "collaborators" in hidden else course(author))


def _communities(author: Author) -> Communities | None:
    known = Coauthorship.objects.listed().filter(author=author)
    coauthors = list(known.strongest_first().select_related("coauthor")[:MOST_PEOPLE])
    by_id = {tie.coauthor_id: tie for tie in coauthors}
    among = Coauthorship.objects.filter(author__in=by_id, coauthor__in=by_id, author__lt=F("coauthor"))
    strongest = among.order_by("-weight", "author", "coauthor").values_list("author", "coauthor", "weight")
    ties = list(strongest[: MOST_TIES + 1])
    is_whole = len(ties) <= MOST_TIES
    ties = ties[:MOST_TIES]
    rows = rows_of(_WORKS, author=author.pk, people=list(by_id))
    if rows is None:
        return None
    topics = dict(Topic.objects.filter(pk__in={pk for row in rows for pk in row[2]}).values_list("pk", "name"))
    works = [Work(pk, year, frozenset(topics[t] for t in about), frozenset(people)) for pk, year, about, people in rows]

    parts = partition(list(by_id), ties)
    several = sorted(
        (part for part in parts if len(part) > 1), key=lambda part: (-len(works_of(part, works)), -len(part))
    )
    found = _circles(several, works, by_id)
    alone = [by_id[part[0]] for part in parts if len(part) == 1]
    spanned = bridges(several, ties)
    links = _links(spanned[:MOST_BRIDGES], found, by_id, is_whole=is_whole)
    apart = [[found[at] for at in island] for island in islands(several, ties)] if is_whole else []
    # The count is of another moment than the rows: never state less than what is shown.
    total = max(known.count(), len(coauthors))
    return Communities(found, alone, total, links, len(spanned), apart, is_whole)


def _circles(
    parts: Sequence[Sequence[int]], works: Sequence[Work[int]], by_id: Mapping[int, Coauthorship]
) -> list[Circle]:
    shared = [works_of(part, works) for part in parts]
    years = [dict(sorted(Counter(work.year for work in own if work.year).items())) for own in shared]
    over, most = span(*years), max((max(counts.values(), default=0) for counts in years), default=0)
    return [
        Circle(
            _label(name, by_id),
            [by_id[pk] for pk in part],
            len(shared[at]),
            years[at],
            at + 1,
            strip(over, years[at], most),
        )
        for at, (part, name) in enumerate(zip(parts, named(parts, works), strict=True))
    ]


def _label(name: Name[int], by_id: Mapping[int, Coauthorship]) -> str:
    people = [by_id[pk].coauthor.name for pk in name.people]
    if not name.topics:
        return _("%(one)s and %(other)s") % {"one": people[0], "other": people[1]}
    if people:
        return _("%(topic)s, with %(name)s") % {"topic": name.topics[0], "name": people[0]}
    if len(name.topics) == 2:
        # Names of topics have "and" in them: "Machine Learning & Neurons and Cognition".
        return _("%(one)s & %(other)s") % {"one": name.topics[0], "other": name.topics[1]}
    return name.topics[0]


def _links(
    spanned: Sequence[Bridge[int]], found: Sequence[Circle], by_id: Mapping[int, Coauthorship], *, is_whole: bool
) -> list[Link]:
    """Bridges with the works that show them; none where looking for these took too long."""
    asked = [(bridge.person, other, at) for at, bridge in enumerate(spanned) for other in bridge.people]
    ones, others, parts = map(list, zip(*asked, strict=True)) if asked else ([], [], [])
    rows = rows_of(_EVIDENCE, ones=ones, others=others, parts=parts)
    shown: dict[int, list[int]] = {}
    for _one, at, paper in rows or ():
        shown.setdefault(at, []).append(paper)
    papers = Paper.objects.in_bulk([pk for works in shown.values() for pk in works[:MOST_WORKS]])
    return [
        Link(
            by_id[bridge.person].coauthor,
            found[bridge.home],
            found[bridge.other],
            [by_id[pk].coauthor for pk in bridge.people],
            len(shown[at]),
            [papers[pk] for pk in shown[at][:MOST_WORKS]],
            bridge.others,
            is_whole and not bridge.others,
        )
        for at, bridge in enumerate(spanned)
        if at in shown
    ]
