"""Papers that answer a query, by word and by meaning together, and why each stands where it does.

Problem: words miss what is said in other words, meaning misses names and rare terms, and neither may cost the database
more than a page is worth. Idea: a bounded list of each (`words`, `papers.meaning`), fused by places alone (`fusion`),
so that every score can be added up again from what is shown. Sorted by date, papers that have all words page by key.

Entry points: `search` for a page, `numbers` for the whole answer, `newer`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, date
from typing import Literal, get_args

from django.core.exceptions import BadRequest
from django.core.signing import BadSignature, Signer
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from papers import meaning
from papers.bounded import within
from papers.models import Paper, PaperQuerySet, Signature
from papers.paging import ForeignCursor
from papers.text import storable

from . import words
from .fusion import Fused, fuse
from .queries import Query, read
from .words import Match, Word

__all__ = ["KINDS", "SORTS", "By", "Filters", "Hit", "Page", "Query", "Reasons", "Word", "newer", "numbers", "search"]

By = Literal["hybrid", "words", "meaning"]
KINDS = ("papers", "people", "topics", "institutions")
SORTS = ("relevance", "newest", "oldest")
SHOWN = 20
LISTED = 200  # papers of each of the two lists
COUNTED = 1_000  # of a list by date; to count more would cost more than the page
TIMEOUT_MS = 1_000


@dataclass(frozen=True)
class Filters:
    """What papers must be. Years are those of the latest version, as pages print them; `topic` is a slug, `person` the
    id of a public author. A `kind` other than "papers" leaves no paper."""

    year_from: int | None = None
    year_to: int | None = None
    topic: str = ""
    person: int | None = None
    kind: str = ""

    def of(self, papers: PaperQuerySet) -> PaperQuerySet:
        """Those papers that pass."""
        day = Coalesce("updated", "created")
        if self.year_from:
            papers = papers.filter(GreaterThanOrEqual(day, date(_year(self.year_from), 1, 1)))
        if self.year_to:
            papers = papers.filter(LessThanOrEqual(day, date(_year(self.year_to), 12, 31)))
        if self.topic:
            papers = papers.filter(topics__slug=storable(self.topic))
        if self.person:
            theirs = Signature.objects.filter(
                paper=OuterRef("pk"), assignment__author=self.person, assignment__author__visibility="public"
            )
            papers = papers.filter(Exists(theirs.exclude(assignment__state="rejected")))
        return papers


def _year(given: int) -> int:
    return min(max(given, MINYEAR), MAXYEAR)


@dataclass(frozen=True)
class Reasons:
    """Why a paper stands where it does: `score` of a hit is the sum of `parts`, and those follow from the places.

    `nearness` is the cosine of query and paper, where 1 is the same.
    """

    match: Match | None = None
    word_rank: int | None = None
    nearness: float | None = None
    meaning_rank: int | None = None
    parts: tuple[float, float, float] = (0.0, 0.0, 0.0)  # by word, by meaning, for the title itself

    @property
    def in_title(self) -> tuple[Word, ...]:
        return self.match.in_title if self.match else ()

    @property
    def in_abstract(self) -> tuple[Word, ...]:
        return self.match.in_abstract if self.match else ()


@dataclass(frozen=True)
class Hit:
    """A paper loaded with its people and topics; by date it has no score."""

    paper: Paper
    score: float
    reasons: Reasons


@dataclass(frozen=True)
class Page:
    """A page of an answer. `counted` papers are in the whole list; `capped`: more would match. `near_spelling`: no
    paper has a word of the query, and these titles are spelt nearly like it. `following` is the cursor of the next."""

    hits: list[Hit] = field(default_factory=list)
    following: str = ""
    counted: int = 0
    capped: bool = False
    near_spelling: bool = False


def search(
    query: str,
    filters: Filters = Filters(),
    sort: str = "relevance",
    after: str = "",
    *,
    by: By = "hybrid",
    size: int = SHOWN,
) -> Page:
    """The page of `size` papers that starts after the cursor `after`.

    Raises BadRequest for a sort that there is not and for a cursor that was not made for the same question, and
    `papers.bounded.TooSlow`.
    """
    asked = _asked(query, filters, sort, by)
    if asked is None:
        return Page()
    cursor = _Cursor(f"{query}\n{filters}\n{sort}\n{by}")
    key = cursor.read(after)
    with within(TIMEOUT_MS):
        sought = words.look_up(asked.words)
        papers = words.narrowed(filters.of(Paper.objects.all()), asked, sought)
        if sort == "relevance":
            return _best(_ranked(asked, sought, papers, by, size), cursor, key, size)
        return _by_date(sought, papers, sort == "newest", cursor, key, size)


def newer(query: str, filters: Filters, than: int, most: int, milliseconds: int) -> int:
    """How many papers with an id above `than` have all words of the query; at most `most`. By meaning more may fit.

    Raises `papers.bounded.TooSlow`.
    """
    asked = read(query)
    if filters.kind not in ("", "papers") or not asked.words:
        return 0
    with within(milliseconds):
        sought = words.look_up(asked.words)
        if not sought:
            return 0
        papers = words.narrowed(filters.of(Paper.objects.filter(pk__gt=than)), asked, sought)
        return words.with_all(papers, sought)[:most].count()


def numbers(query: str, filters: Filters = Filters(), sort: str = "relevance", *, most: int) -> list[int]:
    """The ids of the first `most` papers of the whole answer, in the order of `search`, which runs once for them all.

    Raises BadRequest for a sort that there is not, and `papers.bounded.TooSlow`.
    """
    asked = _asked(query, filters, sort, "hybrid")
    if asked is None:
        return []
    with within(TIMEOUT_MS):
        sought = words.look_up(asked.words)
        papers = words.narrowed(filters.of(Paper.objects.all()), asked, sought)
        if sort == "relevance":
            return [one.paper_id for one in _ranked(asked, sought, papers, "hybrid", most).fused[:most]]
        return list(_dated(sought, papers, sort == "newest").values_list("pk", flat=True)[:most]) if sought else []


def _asked(query: str, filters: Filters, sort: str, by: str) -> Query | None:
    """The query as it is looked for; None where no paper can answer."""
    if sort not in SORTS or by not in get_args(By):
        raise BadRequest("There is no such order of a search.")
    asked = read(query)
    return asked if filters.kind in ("", "papers") and asked.words else None


Key = tuple[float, int, int]  # score, day as an ordinal (0: not known), id


class _Cursor:
    """Keys of the last row shown, signed for one question."""

    def __init__(self, question: str) -> None:
        self._signer = Signer(salt=f"papers.searching {question}", sep="~")

    def write(self, key: Key) -> str:
        return self._signer.sign("_".join(map(repr, key)))

    def read(self, given: str) -> Key | None:
        if not given:
            return None
        try:
            score, day, pk = self._signer.unsign(given).split("_")
        except BadSignature:
            raise ForeignCursor from None
        return float(score), int(day), int(pk)


@dataclass(frozen=True)
class _Ranked:
    """The whole list by relevance, and what put each paper where it stands."""

    fused: list[Fused]
    key_of: Callable[[Fused], Key]
    matched: dict[int, Match]
    nearness: dict[int, float]
    capped: bool
    near_spelling: bool


def _ranked(asked: Query, sought: Sequence[Word], papers: PaperQuerySet, by: By, size: int) -> _Ranked:
    """`size`: of titles that are but spelt alike, no more than so many."""
    matches: list[Match] = []
    capped = near_spelling = False
    if by != "meaning" and sought:
        matches, capped = words.rank(sought, papers, asked.text, LISTED)
        if not matches:
            matches = words.near_spellings(asked.text, papers, size)
            near_spelling = bool(matches)
    near = meaning.near(asked.text, papers, LISTED) if by != "words" and sought else []
    matched = {match.paper_id: match for match in matches}
    nearness = {one.paper_id: one.similarity for one in near}
    exact = {match.paper_id for match in matches if match.exact_title}
    days = {match.paper_id: match.day for match in matches}
    unknown = [pk for pk in nearness if pk not in days]
    if unknown:
        days |= dict(Paper.objects.filter(pk__in=unknown).values_list("pk", Coalesce("updated", "created")))

    def key_of(one: Fused) -> Key:
        day = days.get(one.paper_id)
        return one.score, day.toordinal() if day else 0, one.paper_id

    fused = sorted(fuse(list(matched), list(nearness), exact), key=key_of, reverse=True)
    return _Ranked(fused, key_of, matched, nearness, capped or len(near) == LISTED, near_spelling)


def _best(ranked: _Ranked, cursor: _Cursor, key: Key | None, size: int) -> Page:
    """By relevance: the fused list is made anew for each page, and goes on after the key."""
    matched, nearness = ranked.matched, ranked.nearness
    rest = [one for one in ranked.fused if key is None or ranked.key_of(one) < key]
    page = rest[:size]
    loaded = Paper.objects.with_people().in_bulk([one.paper_id for one in page])
    hits = [
        Hit(
            loaded[one.paper_id],
            one.score,
            Reasons(matched.get(one.paper_id), one.word_rank, nearness.get(one.paper_id), one.meaning_rank, one.parts),
        )
        for one in page
        if one.paper_id in loaded
    ]
    following = cursor.write(ranked.key_of(page[-1])) if len(rest) > size else ""
    return Page(hits, following, len(ranked.fused), ranked.capped, ranked.near_spelling)


def _by_date(
    sought: Sequence[Word], papers: PaperQuerySet, newest: bool, cursor: _Cursor, key: Key | None, size: int
) -> Page:
    """By date: all papers with all words, by key; undated ones last."""
    if not sought:
        return Page()
    counted = words.with_all(papers, sought)[: COUNTED + 1].count()
    ordered = _dated(sought, papers, newest)
    if key:
        ordered = ordered.filter(_after(key, newest))
    rows = list(ordered.with_people()[: size + 1])
    hits = [Hit(paper, 0.0, Reasons()) for paper in rows[:size]]
    following = ""
    if len(rows) > size:
        last = rows[size - 1]
        at = last.updated or last.created
        following = cursor.write((0.0, at.toordinal() if at else 0, last.pk))
    return Page(hits, following, min(counted, COUNTED), counted > COUNTED)


def _dated(sought: Sequence[Word], papers: PaperQuerySet, newest: bool) -> PaperQuerySet:
    dated = words.with_all(papers, sought).annotate(page_date=Coalesce("updated", "created"))
    day = F("page_date")
    return dated.order_by(day.desc(nulls_last=True) if newest else day.asc(nulls_last=True), "-pk" if newest else "pk")


def _after(key: Key, newest: bool) -> Q:
    """What comes after the row of that key."""
    _, ordinal, pk = key
    further = Q(pk__lt=pk) if newest else Q(pk__gt=pk)
    if not ordinal:
        return Q(page_date=None) & further
    day = date.fromordinal(ordinal)
    beyond = Q(page_date__lt=day) if newest else Q(page_date__gt=day)
    return beyond | Q(page_date=None) | (Q(page_date=day) & further)
