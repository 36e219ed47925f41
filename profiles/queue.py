"""The curators' queue: which doubtful cases are worth a person's minute, the most useful first.

Idea: a decision is as useful as the number of works that it is expected to put right. Two records that stand apart are
wrong with the probability stated, and then the works of the smaller one stand wrong (`Suggestion.usefulness`, stored
and indexed); a work that a weak link ties to a record is wrong with the rest of its probability, and is one work.
Either way the cases nearest to the boundary, and of these the ones with most works, come first; the id makes the order
total. A page is a handful of queries, whatever it shows. Entry points: `pairs`, and `page` for any queue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import F, Model, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from papers.paging import ForeignCursor

from . import statements
from .models import Assignment, Author, NameVariant, Suggestion
from .shown import JOIN, KEY, LABEL, private_forms

SHOWN = 10  # cases on a page: each is read with care
WORDS = 5  # coauthors and topics of a side
WORKS = 3  # newest works of a side, each with its receipt
LARGEST_TEAM = 100  # as on the pages of names (`namesakes.LARGEST_TEAM`): longer lists tell nothing of one name
M = TypeVar("M", bound=Model)


@dataclass(slots=True)
class Side:
    """One of two people: what a curator compares."""

    author: Author
    variants: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    coauthors: list[str] = field(default_factory=list)
    newest: list[Assignment] = field(default_factory=list)


@dataclass(slots=True)
class Pair:
    """Two people who may be one, and the coauthors whose printed names are on papers of both."""

    suggestion: Suggestion
    left: Side
    right: Side
    shared: list[str] = field(default_factory=list)

    @property
    def skip(self) -> str:
        """The cursor that leads past this pair."""
        return cursor_of(self.suggestion, BY_USEFULNESS)


# The order of each queue: a column, and the id that makes it total; "-" for the highest first.
Order = tuple[str, str]
BY_USEFULNESS: Order = ("-usefulness", "pk")
BY_DOUBT: Order = ("probability", "pk")
BY_READERS: Order = ("-readers", "pk")


def suggested() -> QuerySet[Suggestion]:
    """The pairs of people that wait for a decision."""
    return Suggestion.objects.select_related("left", "right")


def doubtful() -> QuerySet[Assignment]:
    """Works that a weak link ties to a record.

    Two works that hang on each other are one question: the one of the lower id asks it.
    """
    mirrored = Q(
        compared_with__assignment__compared_with=F("signature"),
        compared_with__assignment__state=Assignment.State.WEAK,
        compared_with__lt=F("signature"),
    )
    return (
        Assignment.objects.filter(state=Assignment.State.WEAK, compared_with__isnull=False)
        .exclude(mirrored)
        .select_related("author", "signature__paper", "compared_with__paper")
    )


def pairs(cursor: str = "", size: int = SHOWN, rows: QuerySet[Suggestion] | None = None) -> tuple[list[Pair], str]:
    """(those of `rows` that come after `cursor`, the next cursor or ""). Raises BadRequest for one not made here."""
    found, following = page(suggested() if rows is None else rows, BY_USEFULNESS, cursor, size)
    return described(found), following


def page(rows: QuerySet[M], order: Order, cursor: str, size: int) -> tuple[list[M], str]:
    """(the rows that come after `cursor` in this order, the next cursor or ""). Raises BadRequest."""
    if cursor:
        (first, after), (second, after_second) = (_comparison(column) for column in order)
        key, pk = _read(cursor)
        later = Q(**{f"{first}__{after}": key}) | Q(**{first: key, f"{second}__{after_second}": pk})
        rows = rows.filter(later)
    found = list(rows.order_by(*order)[: size + 1])
    return found[:size], cursor_of(found[size - 1], order) if len(found) > size else ""


def cursor_of(case: Model, order: Order) -> str:
    """The cursor of what comes after a case of a queue."""
    first, second = (getattr(case, _comparison(column)[0]) for column in order)
    return f"{first!r}~{second}"


def _comparison(column: str) -> tuple[str, str]:
    return (column[1:], "lt") if column.startswith("-") else (column, "gt")


def _read(cursor: str) -> tuple[float, int]:
    key, _, pk = cursor.partition("~")
    try:
        return (int(key) if key.isdecimal() else float(key)), int(pk)
    except ValueError:
        raise ForeignCursor from None


def described(suggestions: Sequence[Suggestion]) -> list[Pair]:
    """The suggestions with all that a curator compares."""
    sides = {author.pk: Side(author) for s in suggestions for author in (s.left, s.right)}
    for author, printed in (
        NameVariant.objects.filter(author__in=sides).order_by("-works", "printed").values_list("author_id", "printed")
    ):
        sides[author].variants.append(printed)
    for author, printed, _works in private_forms(sides):
        sides[author].variants.append(printed)
    for assignment in newest_works(list(sides), WORKS):
        sides[assignment.author_id].newest.append(assignment)
    for author, kind, label in _rows(_FREQUENT, authors=list(sides)):
        (sides[author].topics if kind == "topic" else sides[author].coauthors).append(label)
    shared: defaultdict[int, list[str]] = defaultdict(list)
    ends = {"lefts": [s.left_id for s in suggestions], "rights": [s.right_id for s in suggestions]}
    for number, label in _rows(_SHARED, **ends):
        shared[number].append(label)
    return [Pair(s, sides[s.left_id], sides[s.right_id], shared[number]) for number, s in enumerate(suggestions, 1)]


def newest_works(authors: Sequence[int], size: int) -> Sequence[Assignment]:
    """The newest `size` works of each of some authors: one query."""
    number = Window(
        RowNumber(),
        partition_by="author",
        order_by=[F("signature__paper__updated").desc(nulls_last=True), F("signature__paper").desc()],
    )
    shown = Assignment.objects.filter(author__in=authors).standing()
    return list(
        shown.annotate(number=number)
        .filter(number__lte=size)
        .select_related("signature__paper")
        .order_by("author", "number")
    )


def _rows(sql: str, **given: Any) -> list[Any]:
    return statements.rows(sql, **given, words=WORDS, team=LARGEST_TEAM)


_ON_PAPERS = f"""
    SELECT mine.{{by}}, g.paper_id, {KEY} AS key, {LABEL} AS label
      FROM {{mine}} mine
      JOIN profiles_assignment s ON s.author_id = mine.author_id AND s.state <> 'rejected'
      JOIN papers_signature g ON g.id = s.signature_id
      JOIN LATERAL (SELECT count(*) AS size FROM papers_signature t WHERE t.paper_id = g.paper_id) team
        ON team.size BETWEEN 2 AND %(team)s
      JOIN papers_signature h ON h.paper_id = g.paper_id AND h.id <> g.id
      {JOIN}
"""

_FREQUENT = f"""
WITH features AS (
    SELECT author_id, 'coauthor' AS kind, key, label, paper_id
      FROM ({_ON_PAPERS.format(by="author_id", mine="(SELECT unnest(%(authors)s::bigint[]) AS author_id)")}) named
     UNION ALL
    SELECT s.author_id, 'topic', t.name, t.name, g.paper_id
      FROM profiles_assignment s
      JOIN papers_signature g ON g.id = s.signature_id
      JOIN papers_papertopic pt ON pt.paper_id = g.paper_id
      JOIN papers_topic t ON t.id = pt.topic_id
     WHERE s.author_id = ANY(%(authors)s) AND s.state <> 'rejected'
), ranked AS (
    SELECT author_id, kind, min(label) AS label,
           row_number() OVER (PARTITION BY author_id, kind
                              ORDER BY count(DISTINCT paper_id) DESC, min(label)) AS rank
      FROM features GROUP BY author_id, kind, key
)
SELECT author_id, kind, label FROM ranked WHERE rank <= %(words)s ORDER BY author_id, kind, rank
"""

_SHARED = f"""
WITH ends AS (
    SELECT e.number, side.left AS is_left, side.author_id
      FROM unnest(%(lefts)s::bigint[], %(rights)s::bigint[]) WITH ORDINALITY e(one, other, number)
      CROSS JOIN LATERAL (VALUES (true, e.one), (false, e.other)) side("left", author_id)
), named AS (
    {_ON_PAPERS.format(by="number, mine.is_left", mine="ends")}
), ranked AS (
    SELECT number, min(label) AS label,
           row_number() OVER (PARTITION BY number ORDER BY count(DISTINCT paper_id) DESC, min(label)) AS rank
      FROM named GROUP BY number, key HAVING count(DISTINCT is_left) = 2
)
SELECT number, label FROM ranked WHERE rank <= %(words)s ORDER BY number, rank
"""
