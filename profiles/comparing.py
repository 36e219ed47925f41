"""Two authors side by side: what they share, what only one of them has, when they wrote, and the evidence between them.

Problem: whether two records are one person is read off many small things, and a record may have thousands of works.
Idea: coauthors (as printed), topics and affiliations of both are counted in one query each way, over the newest `WORKS`
works of each; works in time are counted over all; and the matcher weighs the same works, so that its strongest links
stand here with the items of their sums. The number of queries depends on nothing. Entry point: `compare`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from django.db.models import Q

from papers.models import Signature

from . import resolving
from .decisions import WEIGHED
from .disambiguation.engine import links
from .disambiguation.model import Model
from .models import Assignment, Author, Correction, NameVariant
from .queue import LARGEST_TEAM, newest_works
from .receipts import Receipt, receipt
from .shown import JOIN, KEY, LABEL, private_forms
from .statements import rows

WORKS = WEIGHED  # newest works of each that are compared: those that a decision is weighed with
LINKS = 5  # strongest links shown: the rest say the same more weakly
SHOWN = 12  # coauthors, topics or affiliations of a kind and side; the rest are counted
LISTED = 10  # newest works of a side that are named
PRINTED = 12  # printed forms of a side
YEARS_LABELLED = 10  # at most so many years are written on the axis
# The picture, in units of its viewBox.
WIDTH, HALF, AXIS = 960.0, 84.0, 26.0


@dataclass(frozen=True, slots=True)
class Feature:
    """A coauthor, topic or affiliation: works of each side that have it, and the years they span, by side."""

    label: str
    works: tuple[int, int]
    years: tuple[str, str]


@dataclass(slots=True)
class Features:
    """Those of one kind: of both, of the left or of the right alone, the most frequent first; and how many in all."""

    both: list[Feature] = field(default_factory=list)
    left: list[Feature] = field(default_factory=list)
    right: list[Feature] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> list[tuple[str, list[Feature], int]]:
        """(whose, the features shown, how many more there are)."""
        named = (("left", self.left), ("both", self.both), ("right", self.right))
        return [(whose, found, self.totals.get(whose, 0) - len(found)) for whose, found in named]


@dataclass(slots=True)
class Side:
    """One of the two: printed forms with their works, and the newest works."""

    author: Author
    printed: list[tuple[str, int]] = field(default_factory=list)
    newest: list[Assignment] = field(default_factory=list)

    @property
    def is_cut(self) -> bool:
        return self.author.works_count > WORKS


@dataclass(frozen=True, slots=True)
class Bar:
    """Works of one side in one year, as a rectangle of the picture."""

    year: int
    works: int
    is_left: bool
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Axis:
    """Works in time: the left's above the axis, the right's below, on one scale. `rows` say the same by year, newest
    first, None for works without a date."""

    rows: list[tuple[int | None, int, int]]
    bars: list[Bar]
    labels: list[tuple[int, float]]
    width: float = WIDTH
    height: float = 2 * HALF + AXIS
    upper: float = HALF
    lower: float = HALF + AXIS


@dataclass(frozen=True, slots=True)
class Tie:
    """A link between a work of each, with its sum; `probability` is what the model says of the two, None where the
    names look like a misprint."""

    left: Signature
    right: Signature
    receipt: Receipt
    probability: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that the page shows. `stated` is what the model says of the two in all: of their likeliest link."""

    left: Side
    right: Side
    coauthors: Features
    topics: Features
    affiliations: Features
    axis: Axis
    ties: list[Tie]
    stated: float | None
    corrections: list[Correction]
    works: int = WORKS

    @property
    def facts(self) -> list[tuple[str, Features]]:
        """By kind, in the order in which they tell people apart."""
        return [("coauthors", self.coauthors), ("topics", self.topics), ("affiliations", self.affiliations)]


def compare(left: Author, right: Author) -> Comparison:
    """Put two authors side by side."""
    sides = {author.pk: Side(author) for author in (left, right)}
    for author, printed, works in (
        NameVariant.objects.filter(author__in=sides)
        .order_by("-works", "printed")
        .values_list("author_id", "printed", "works")
    ):
        if len(sides[author].printed) < PRINTED:
            sides[author].printed.append((printed, works))
    for author, printed, works in private_forms(sides):
        if len(sides[author].printed) < PRINTED:
            sides[author].printed.append((printed, works))
    for assignment in newest_works(list(sides), LISTED):
        sides[assignment.author_id].newest.append(assignment)
    features = _features(left.pk, right.pk)
    ties = _ties(left.pk, right.pk)
    pair = Q(author=left, other_author=right) | Q(author=right, other_author=left)
    return Comparison(
        sides[left.pk],
        sides[right.pk],
        features["coauthor"],
        features["topic"],
        features["affiliation"],
        axis(_years(left.pk, right.pk)),
        ties,
        max((tie.probability for tie in ties if tie.probability is not None), default=None),
        list(
            Correction.objects.live()
            .filter(pair)
            .select_related("author", "other_author", "made_by", "withdrawn_by")
            .order_by("-pk")
        ),
    )


def axis(years: Mapping[int | None, tuple[int, int]]) -> Axis:
    """The picture of (works of the left, of the right) by year; None holds those without a date.

    >>> drawn = axis({2019: (1, 0), 2020: (2, 4), None: (0, 1)})
    >>> [(bar.year, bar.is_left, bar.height) for bar in drawn.bars]
    [(2019, True, 21.0), (2020, True, 42.0), (2020, False, 84.0)]
    >>> drawn.rows
    [(2020, 2, 4), (2019, 1, 0), (None, 0, 1)]
    """
    dated = {year: works for year, works in years.items() if year is not None}
    order = sorted(years, key=lambda year: (year is None, -(year or 0)))
    rows = [(year, *years[year]) for year in order]
    if not dated:
        return Axis(rows, [], [])
    first, last = min(dated), max(dated)
    step = WIDTH / (last - first + 1)
    most = max(max(works) for works in dated.values())
    bars = []
    for year, works in sorted(dated.items()):
        for is_left, count in zip((True, False), works, strict=True):
            if count:
                height = round(HALF * count / most, 2)
                y = HALF - height if is_left else HALF + AXIS
                x, width = (year - first) * step, min(step * 0.7, 48.0)
                bars.append(
                    Bar(year, count, is_left, round(x + (step - width) / 2, 2), round(y, 2), round(width, 2), height)
                )
    every = -(-(last - first + 1) // YEARS_LABELLED)
    labels = [(year, round((year - first + 0.5) * step, 2)) for year in range(first, last + 1, every)]
    return Axis(rows, bars, labels)


def _ties(left: int, right: int) -> list[Tie]:
    """The strongest links between the newest works of both, weighed anew."""
    newest = newest_works([left, right], WORKS)
    of = {author: {row.signature_id for row in newest if row.author_id == author} for author in (left, right)}
    known = resolving.load(Signature.objects.filter(pk__in=of[left] | of[right]))
    found = links(of[left], of[right], known, LINKS)
    ends = {end for link in found for end in (link.reason.signature, link.reason.linked_to)}
    signatures = Signature.objects.select_related("paper").in_bulk(ends)
    threshold = Model.shipped().threshold
    return [
        Tie(
            signatures[link.reason.signature],
            signatures[link.reason.linked_to or 0],
            receipt([asdict(item) for item in link.reason.evidence], threshold),
            link.probability,
        )
        for link in found
    ]


def _features(left: int, right: int) -> Mapping[str, Features]:
    found: defaultdict[str, Features] = defaultdict(Features)
    for kind, whose, label, works, years, total in rows(
        _FEATURES, left=left, right=right, works=WORKS, shown=SHOWN, team=LARGEST_TEAM
    ):
        getattr(found[kind], whose).append(Feature(label, tuple(works), tuple(years)))
        found[kind].totals[whose] = total
    return found


def _years(left: int, right: int) -> dict[int | None, tuple[int, int]]:
    return {year: (one, other) for year, one, other in rows(_YEARS, left=left, right=right)}


_ENDS = "(VALUES (%(left)s::bigint, 0), (%(right)s::bigint, 1)) ends(author_id, side)"

_YEARS = f"""
SELECT extract(year FROM coalesce(p.updated, p.created))::int AS year,
       count(DISTINCT p.id) FILTER (WHERE side = 0), count(DISTINCT p.id) FILTER (WHERE side = 1)
  FROM {_ENDS}
  JOIN profiles_assignment s ON s.author_id = ends.author_id AND s.state <> 'rejected'
  JOIN papers_signature g ON g.id = s.signature_id
  JOIN papers_paper p ON p.id = g.paper_id
 GROUP BY 1
"""

_FEATURES = f"""
WITH mine AS MATERIALIZED (
    SELECT ends.side, w.*
      FROM {_ENDS}
      CROSS JOIN LATERAL (
          SELECT g.id AS signature_id, g.paper_id, g.affiliations,
                 extract(year FROM coalesce(p.updated, p.created))::int AS year
            FROM profiles_assignment s
            JOIN papers_signature g ON g.id = s.signature_id
            JOIN papers_paper p ON p.id = g.paper_id
           WHERE s.author_id = ends.author_id AND s.state <> 'rejected'
           ORDER BY p.updated DESC NULLS LAST, p.id DESC LIMIT %(works)s) w
), features AS (
    SELECT m.side, m.paper_id, m.year, 'topic' AS kind, t.name AS key, t.name AS label
      FROM mine m JOIN papers_papertopic pt ON pt.paper_id = m.paper_id JOIN papers_topic t ON t.id = pt.topic_id
    UNION ALL
    SELECT m.side, m.paper_id, m.year, 'coauthor', {KEY}, {LABEL}
      FROM mine m
      JOIN LATERAL (SELECT count(*) AS size FROM papers_signature t WHERE t.paper_id = m.paper_id) team
        ON team.size BETWEEN 2 AND %(team)s
      JOIN papers_signature h ON h.paper_id = m.paper_id AND h.id <> m.signature_id
      {JOIN}
    UNION ALL
    SELECT m.side, m.paper_id, m.year, 'affiliation', lower(a.name), a.name
      FROM mine m CROSS JOIN unnest(m.affiliations) a(name) WHERE a.name <> ''
), counted AS (
    SELECT kind, min(label) AS label,
           ARRAY[count(DISTINCT paper_id) FILTER (WHERE side = 0),
                 count(DISTINCT paper_id) FILTER (WHERE side = 1)] AS n,
           ARRAY[concat_ws('–', min(year) FILTER (WHERE side = 0),
                           nullif(max(year) FILTER (WHERE side = 0), min(year) FILTER (WHERE side = 0))),
                 concat_ws('–', min(year) FILTER (WHERE side = 1),
                           nullif(max(year) FILTER (WHERE side = 1), min(year) FILTER (WHERE side = 1)))] AS years
      FROM features GROUP BY kind, key
), placed AS (
    SELECT *, CASE WHEN n[1] > 0 AND n[2] > 0 THEN 'both' WHEN n[1] > 0 THEN 'left' ELSE 'right' END AS whose
      FROM counted
), ranked AS (
    SELECT *, count(*) OVER (PARTITION BY kind, whose)::int AS total,
           row_number() OVER (PARTITION BY kind, whose ORDER BY n[1] + n[2] DESC, label) AS rank
      FROM placed
)
SELECT kind, whose, label, n, years, total FROM ranked WHERE rank <= %(shown)s ORDER BY kind, whose, rank
"""
