"""Who of one list should not judge who of another: shared works, shared places, and how near they are in the graph.

Problem: two lists of five hundred are a quarter of a million pairs. Idea: for all pairs at once the database says, in
four statements, who wrote together (counted from the assignments, so that the papers are the evidence), who was at the
same place, and who has a coauthor in common; a fifth looks three steps far and may give up. Only for the pairs that are
listed the papers are then fetched, all together. Who is hidden connects nobody. Entry point: `compare`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.db import connection
from django.db.models import Q

from papers.affiliations import key_of, place_of
from papers.bounded import TooSlow, within
from papers.institutions import known
from papers.models import Paper
from profiles.models import Assignment, Author, OwnAffiliation, OwnWords

TIMEOUT_MS = 5_000  # for each of the statements
THREE_STEPS_MS = 3_000  # looking three steps far is worth waiting so long, and no longer
YEARS = 3  # what most committees ask for
LISTED = 300  # pairs on a page
IN_FILE = 5_000  # pairs in a file
WORKS = 5  # newest shared works told of for a pair
COMMON = 3  # common coauthors told of for a pair
FARTHEST = 3

Order = Literal["strongest", "author", "reviewer", "distance"]


@dataclass(frozen=True, slots=True)
class Question:
    """Works count from `years` before `until` to that day; author lists of more than `largest` names do not count.

    Pairs without a conflict are listed where they are at most `steps` apart.
    """

    until: date
    years: int = YEARS
    largest: int | None = None
    steps: int = 2
    order: Order = "strongest"

    @property
    def since(self) -> date:
        return months_before(self.until, 12 * self.years)


def months_before(day: date, months: int) -> date:
    """
    >>> months_before(date(2024, 2, 29), 12), months_before(date(2025, 1, 31), 48)
    (datetime.date(2023, 2, 28), datetime.date(2021, 1, 31))
    """
    year, month = divmod(12 * day.year + day.month - 1 - months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(max(year, 1), month + 1, last)
        except ValueError:
            continue
    raise ValueError(f"There is no month {month + 1}.")  # unreachable: every month has 28 days


@dataclass(frozen=True, slots=True)
class Work:
    """A paper that shows something; `names` stand on it. `weak`: whose it is, is a weak inference."""

    paper: Paper
    names: int
    weak: bool


@dataclass(frozen=True, slots=True)
class At:
    """What puts one person at a place: a paper that prints it, or the owner's word with its years."""

    paper: Paper | None = None
    weak: bool = False
    from_year: int | None = None
    to_year: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place where both are, and what shows it of each."""

    name: str
    author: At
    reviewer: At


@dataclass(frozen=True, slots=True)
class Common:
    """Somebody who wrote with both, and the newest work with each."""

    person: Author
    with_author: Work | None
    with_reviewer: Work | None


@dataclass(slots=True)
class Pair:
    """An author and a reviewer, and what is to be told of them.

    `recent` shared works lie within the years, `ever` at any time; `weak` where no recent one is surely of both.
    `works` are the newest of the recent ones, else the newest ever. `distance` counts steps between coauthors, None
    where none of at most three was found; `common` coauthors are `commons` in all.
    """

    author: Author
    reviewer: Author
    same: bool = False
    recent: int = 0
    ever: int = 0
    weak: bool = False
    distance: int | None = None
    commons: int = 0
    works: Sequence[Work] = ()
    places: Sequence[Place] = ()
    common: Sequence[Common] = ()

    @property
    def is_conflict(self) -> bool:
        return self.same or bool(self.recent or self.places)


@dataclass(slots=True)
class Comparison:
    """The pairs listed, out of `told` with something to tell and `total` compared.

    `conflicts` of them are the same person, shared a work or a place within the years. `farthest` is how many steps
    were looked.
    """

    pairs: list[Pair]
    told: int
    total: int
    conflicts: int
    farthest: int


Key = tuple[int, int]

_HELD = """
    SELECT s.author_id, g.paper_id, bool_and(s.state <> ALL(%(sure)s)) AS weak
      FROM profiles_assignment s JOIN papers_signature g ON g.id = s.signature_id
     WHERE s.author_id = ANY({people}) AND s.state <> 'rejected' GROUP BY 1, 2
"""
# A paper without a date cannot be said to lie outside the years.
RECENT = """(coalesce(p.updated, p.created) IS NULL
            OR (coalesce(p.updated, p.created) >= %(since)s AND coalesce(p.created, p.updated) <= %(until)s))"""
TEAM = (
    "SELECT paper_id, count(*) AS names FROM papers_signature WHERE paper_id IN (SELECT paper_id FROM {of}) GROUP BY 1"
)

_SHARED = f"""
WITH mine AS MATERIALIZED ({_HELD.format(people="%(authors)s")}),
     theirs AS MATERIALIZED ({_HELD.format(people="%(reviewers)s")}),
     both_ AS MATERIALIZED (
    SELECT m.author_id AS author, t.author_id AS reviewer, m.paper_id, m.weak OR t.weak AS weak
      FROM mine m JOIN theirs t ON t.paper_id = m.paper_id AND t.author_id <> m.author_id
), team AS ({TEAM.format(of="both_")})
SELECT author, reviewer, count(*) FILTER (WHERE {RECENT}), count(*),
       coalesce(bool_and(weak) FILTER (WHERE {RECENT}), bool_and(weak))
  FROM both_ JOIN team USING (paper_id) JOIN papers_paper p ON p.id = paper_id
 WHERE team.names <= %(largest)s
 GROUP BY 1, 2
"""
_PLACES = f"""
SELECT DISTINCT ON (s.author_id, i.id) s.author_id, i.id, i.name, p.id, p.title_text, p.created, p.updated,
       s.state <> ALL(%(sure)s) AS weak
  FROM profiles_assignment s JOIN papers_affiliation f ON f.signature_id = s.signature_id
  JOIN papers_institution i ON i.id = f.institution_id
  JOIN papers_signature g ON g.id = s.signature_id JOIN papers_paper p ON p.id = g.paper_id
 WHERE s.author_id = ANY(%(people)s) AND s.state <> 'rejected' AND {RECENT}
 ORDER BY s.author_id, i.id, weak, coalesce(p.updated, p.created) DESC NULLS LAST, p.id DESC
"""
_SHOWN = "NOT IN (SELECT id FROM profiles_author WHERE visibility <> 'public')"
_COMMON = f"""
SELECT e.author_id, f.author_id, count(*),
       (array_agg(e.coauthor_id ORDER BY least(e.weight, f.weight) DESC, e.coauthor_id))[1:%(common)s]
  FROM graph_coauthorship e JOIN graph_coauthorship f ON f.coauthor_id = e.coauthor_id AND f.author_id <> e.author_id
 WHERE e.author_id = ANY(%(authors)s) AND f.author_id = ANY(%(reviewers)s) AND e.coauthor_id {_SHOWN}
   AND e.weight >= %(least)s AND f.weight >= %(least)s
 GROUP BY 1, 2
"""
_THREE = f"""
WITH near AS MATERIALIZED (
    SELECT DISTINCT e.author_id, f.coauthor_id
      FROM graph_coauthorship e JOIN graph_coauthorship f ON f.author_id = e.coauthor_id
     WHERE e.author_id = ANY(%(few)s) AND e.coauthor_id {_SHOWN} AND f.coauthor_id {_SHOWN}
       AND e.weight >= %(least)s AND f.weight >= %(least)s
)
SELECT DISTINCT near.author_id, g.author_id
  FROM near JOIN graph_coauthorship g ON g.coauthor_id = near.coauthor_id
 WHERE g.author_id = ANY(%(many)s) AND g.weight >= %(least)s
"""
_WORKS = f"""
WITH wanted AS (SELECT * FROM unnest(%(x)s::bigint[], %(y)s::bigint[], %(only)s::bool[]) AS w(x, y, only_recent)),
     held AS MATERIALIZED ({_HELD.format(people="%(people)s")}),
     both_ AS MATERIALIZED (
    SELECT w.x, w.y, w.only_recent, a.paper_id, a.weak OR b.weak AS weak
      FROM wanted w JOIN held a ON a.author_id = w.x JOIN held b ON b.author_id = w.y AND b.paper_id = a.paper_id
), team AS ({TEAM.format(of="both_")}), ranked AS (
    SELECT x, y, p.id, p.title_text, p.created, p.updated, team.names, weak, row_number() OVER (
               PARTITION BY x, y ORDER BY weak, coalesce(p.updated, p.created) DESC NULLS LAST, p.id DESC) AS place
      FROM both_ JOIN team USING (paper_id) JOIN papers_paper p ON p.id = paper_id
     WHERE team.names <= %(largest)s AND (NOT only_recent OR {RECENT})
)
SELECT x, y, id, title_text, created, updated, names, weak FROM ranked WHERE place <= %(most)s ORDER BY x, y, place
"""


def compare(
    authors: Sequence[Author], reviewers: Sequence[Author], question: Question, most: int = LISTED
) -> Comparison:
    """What is to be told of each author and each reviewer, the `most` that matter. Raises `TooSlow`."""
    ours, theirs = {a.pk: a for a in authors}, {r.pk: r for r in reviewers}
    asked = _asked(question) | {"authors": list(ours), "reviewers": list(theirs), "people": [*ours, *theirs]}
    pairs: dict[Key, Pair] = {}

    def pair(author: int, reviewer: int) -> Pair:
        return pairs.setdefault((author, reviewer), Pair(ours[author], theirs[reviewer]))

    for pk in ours.keys() & theirs.keys():
        one = pair(pk, pk)
        one.same, one.distance = True, 0
    with within(TIMEOUT_MS) as cursor:
        cursor.execute(_SHARED, asked)
        for author, reviewer, recent, ever, weak in cursor.fetchall():
            one = pair(author, reviewer)
            one.recent, one.ever, one.weak, one.distance = recent, ever, weak, 1
        for key, places in _places(ours, theirs, question, asked).items():
            pair(*key).places = places
        cursor.execute(_COMMON, asked | {"common": COMMON})
        between: dict[Key, list[int]] = {}
        for author, reviewer, commons, best in cursor.fetchall():
            one = pair(author, reviewer)
            one.commons, between[author, reviewer] = commons, best
            one.distance = 2 if one.distance is None else one.distance
    open_ = {(a, r) for a in ours for r in theirs if (a, r) not in pairs or pairs[a, r].distance is None}
    far = _three_steps(open_, asked)
    for key in far or ():
        if key in pairs or question.steps >= FARTHEST:
            pair(*key).distance = FARTHEST
    told = [p for p in pairs.values() if p.is_conflict or (p.distance is not None and p.distance <= question.steps)]
    told.sort(key=_order(question.order))
    listed = told[:most]
    with within(TIMEOUT_MS):
        _tell(listed, between, asked)
    conflicts = sum(one.is_conflict for one in pairs.values())
    return Comparison(listed, len(told), len(ours) * len(theirs), conflicts, FARTHEST - (far is None))


def _asked(question: Question) -> dict[str, Any]:
    """The parameters of every statement."""
    largest = question.largest
    return {
        "sure": [str(state) for state in Assignment.STRONG_OR_BETTER],
        "since": question.since,
        "until": question.until,
        "largest": largest or 2**31 - 1,
        # A tie of two people weighs 1/(n-1) for each list of n names, so that one of shorter lists weighs as much.
        "least": 1 / (largest - 1) - 1e-9 if largest and largest > 1 else 0.0,
    }


def _places(
    ours: Mapping[int, Author], theirs: Mapping[int, Author], question: Question, asked: Mapping[str, Any]
) -> dict[Key, list[Place]]:
    """Where both were within the years, as papers print or the owners state."""
    found: defaultdict[int | str, dict[int, At]] = defaultdict(dict)
    names: dict[int | str, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, asked)
        for author, key, name, pk, title, created, updated, weak in cursor.fetchall():
            names[key] = name
            found[key][author] = At(_paper(pk, title, created, updated), weak)
    stated = list(_stated({**ours, **theirs}, question))
    printed = known({own.institution for own in stated}) if stated else {}
    for own in stated:
        if key := printed.get(own.institution) or place_of(key_of(own.institution)):
            names.setdefault(key, own.institution)
            found[key].setdefault(own.author_id, At(None, False, own.from_year, own.to_year))
    places: defaultdict[Key, list[Place]] = defaultdict(list)
    for key, people in sorted(found.items(), key=lambda item: (names[item[0]].casefold(), str(item[0]))):
        for author in people.keys() & ours.keys():
            for reviewer in people.keys() & theirs.keys():
                if author != reviewer:
                    places[author, reviewer].append(Place(names[key], people[author], people[reviewer]))
    return places


def _stated(people: Collection[int], question: Question) -> Iterable[OwnAffiliation]:
    """What owners say and do not hide, as far as it reaches into the years."""
    return (
        OwnAffiliation.objects.filter(author__in=people, author__account__isnull=False)
        .filter(Q(to_year=None) | Q(to_year__gte=question.since.year))
        .filter(Q(from_year=None) | Q(from_year__lte=question.until.year))
        .exclude(author__own_words__hidden__contains=[OwnWords.Hidden.AFFILIATION])
    )


def _three_steps(open_: Collection[Key], asked: Mapping[str, Any]) -> set[Key] | None:
    """Which of these pairs are three steps apart, looked for from the shorter list; None where it took too long."""
    authors, reviewers = {a for a, _ in open_}, {r for _, r in open_}
    turned = len(reviewers) < len(authors)
    few, many = (reviewers, authors) if turned else (authors, reviewers)
    try:
        with within(THREE_STEPS_MS) as cursor:
            cursor.execute(_THREE, {**asked, "few": list(few), "many": list(many)})
            return {(far, near) if turned else (near, far) for near, far in cursor.fetchall()} & set(open_)
    except TooSlow:
        return None


def _order(order: Order) -> Callable[[Pair], tuple[Any, ...]]:
    def strongest(pair: Pair) -> tuple[Any, ...]:
        by_name = (pair.author.name.casefold(), pair.author.pk, pair.reviewer.name.casefold(), pair.reviewer.pk)
        far = FARTHEST + 1 if pair.distance is None else pair.distance
        strength = (not pair.same, not pair.recent, pair.weak, not pair.places, far, -pair.recent, -pair.commons)
        if order == "author":
            return (*by_name, *strength)
        if order == "reviewer":
            return (*by_name[2:], *strength, *by_name)
        if order == "distance":
            return (far, *strength, *by_name)
        return (*strength, *by_name)

    return strongest


def _tell(pairs: Sequence[Pair], between: Mapping[Key, Sequence[int]], asked: Mapping[str, Any]) -> None:
    """Fetch the works that show what is said of these pairs, and the people between them: three queries."""
    wrote = {(one.author.pk, one.reviewer.pk): bool(one.recent) for one in pairs if one.ever}
    apart = [(one, between[one.author.pk, one.reviewer.pk]) for one in pairs if one.distance == 2]
    links = {}
    for one, people in apart:
        links.update({(one.author.pk, person): False for person in people})
        links.update({(person, one.reviewer.pk): False for person in people})
    works = _works(wrote, WORKS, asked)
    newest = _works(links, 1, asked)
    known = Author.objects.in_bulk({person for _, people in apart for person in people})
    for one in pairs:
        one.works = works.get((one.author.pk, one.reviewer.pk), ())
    for one, people in apart:
        one.common = [
            Common(
                known[person],
                next(iter(newest.get((one.author.pk, person), ())), None),
                next(iter(newest.get((person, one.reviewer.pk), ())), None),
            )
            for person in people
            if person in known and known[person].is_public
        ]


def _works(wanted: Mapping[Key, bool], most: int, asked: Mapping[str, Any]) -> dict[Key, list[Work]]:
    """The newest shared works of each pair of ids, sure ones first; of those marked, only works within the years."""
    found: defaultdict[Key, list[Work]] = defaultdict(list)
    more: dict[str, Any] = {
        "x": [x for x, _ in wanted],
        "y": [y for _, y in wanted],
        "only": list(wanted.values()),
        "people": list({pk for pair in wanted for pk in pair}),
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WORKS, {**asked, **more})
        for x, y, pk, title, created, updated, names, weak in cursor.fetchall():
            found[x, y].append(Work(_paper(pk, title, created, updated), names, weak))
    return found


def _paper(pk: int, title: str, created: date | None, updated: date | None) -> Paper:
    """As much of it as its link takes."""
    return Paper(pk=pk, title_text=title, created=created, updated=updated)
