"""The papers that two people share, as the record has them now. Entry point: `shared`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet

from papers.models import Paper, Signature
from profiles.models import Assignment

SHOWN = 3

_SHARED = """
WITH pair AS (
    SELECT * FROM unnest(%(ones)s::bigint[], %(others)s::bigint[], %(first)s::bigint[]) AS t(one, other, paper_id)
), held AS MATERIALIZED (
    SELECT DISTINCT ON (author_id, paper_id) * FROM ({held}) AS rows(author_id, paper_id, state, sure)
     ORDER BY author_id, paper_id, sure DESC, state
), shared AS (
    SELECT pair.one, pair.other, p.id, a.state AS of_one, a.sure AS one_sure, b.state AS of_other, b.sure AS other_sure,
           count(*) OVER (PARTITION BY pair.one, pair.other) AS total,
           row_number() OVER (PARTITION BY pair.one, pair.other ORDER BY p.id = pair.paper_id DESC NULLS LAST,
                              coalesce(p.updated, p.created) DESC NULLS LAST, p.id DESC) AS place
      FROM pair
      JOIN held a ON a.author_id = pair.one
      JOIN held b ON b.author_id = pair.other AND b.paper_id = a.paper_id
      JOIN papers_paper p ON p.id = a.paper_id
     WHERE (%(weak)s OR (a.sure AND b.sure))
       AND (NOT %(ranged)s OR extract(year FROM coalesce(p.updated, p.created)) BETWEEN %(from)s AND %(to)s)
)
SELECT one, other, id, of_one, one_sure, of_other, other_sure, total FROM shared
 WHERE place <= %(shown)s ORDER BY one, other, place
"""


@dataclass(frozen=True, slots=True)
class Attribution:
    """How a paper is attributed to one of two people: its state in words, and whether that is strong or better."""

    state: str
    sure: bool


@dataclass(frozen=True, slots=True)
class SharedPaper:
    """A paper of two people, with its attribution to the one and to the other. `names` are printed on it."""

    paper: Paper
    names: int
    to_one: Attribution
    to_other: Attribution

    @property
    def sure(self) -> bool:
        return self.to_one.sure and self.to_other.sure


@dataclass(frozen=True, slots=True)
class Shared:
    """What two people share: the `papers` to show, of `total`."""

    papers: tuple[SharedPaper, ...]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.papers)


def shared(
    pairs: Mapping[tuple[int, int], int | None],
    *,
    first_year: int | None = None,
    last_year: int | None = None,
    weak: bool = False,
    shown: int = SHOWN,
) -> dict[tuple[int, int], Shared]:
    """What each pair of author ids shares, by pair; a pair that shares nothing is absent.

    The paper that `pairs` names is shown first if it is among the shared ones, then the newest. Three queries for any
    number of pairs. Years are inclusive; a paper without a date is in no range. `weak`: weak attributions count too.
    """
    if not pairs:
        return {}
    ids = {author for pair in pairs for author in pair}
    held: QuerySet[Any] = Assignment.objects.standing().with_certainty().filter(author__in=ids)
    sql, values = held.values_list("author_id", "signature__paper_id", "state", "sure").query.sql_with_params()
    # Its own placeholders are by position: they get names, for one statement has but one kind.
    named = {f"held{number}": value for number, value in enumerate(values)}
    statement = _SHARED.format(held=sql % tuple(f"%({name})s" for name in named))
    parameters: dict[str, Any] = {
        "ones": [one for one, _ in pairs],
        "others": [other for _, other in pairs],
        "first": list(pairs.values()),
        "weak": weak,
        "ranged": first_year is not None or last_year is not None,
        "from": first_year or 1,
        "to": MAXYEAR if last_year is None else last_year,
        "shown": shown,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters | named)
        rows = cursor.fetchall()
    papers, names = _papers([row[2] for row in rows])
    found: dict[tuple[int, int], Shared] = {}
    for one, other, paper, of_one, one_sure, of_other, other_sure, total in rows:
        before = found[one, other].papers if (one, other) in found else ()
        to_one, to_other = _attribution(of_one, one_sure), _attribution(of_other, other_sure)
        more = SharedPaper(papers[paper], names[paper], to_one, to_other)
        found[one, other] = Shared((*before, more), total)
    return found


def _attribution(state: str, sure: bool) -> Attribution:
    return Attribution(str(Assignment.State(state).label), sure)


def _papers(ids: Sequence[int]) -> tuple[dict[int, Paper], Counter[int]]:
    """The papers, and how many names each prints, by id."""
    counted = Signature.objects.filter(paper__in=ids).values_list("paper").annotate(names=Count("pk"))
    return Paper.objects.defer("abstract", "versions").in_bulk(ids), Counter(dict(counted))
