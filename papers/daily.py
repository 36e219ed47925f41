"""The papers of a day, of a week, of a month.

Problem: a paper came out on one day, and the daily lists of other sites name it on later ones; most days have some
papers, one has 1,500, and weeks of an import have none. Idea: a paper belongs to the day of its first version, where
that day is known, and to each day on which a source's list names it. On one page it stands once.

Order: what people said most of comes first, and among equals the higher id, which came in last. What was said is the
sum of what readers said here (`said`, given by the caller: this room does not know readers) and of the votes and
comments that a source's list states; a paper on several lists of a span has those of the list that states most.
No index can hold that sum, for half of it belongs to the span and not to the paper. So the rows of the span, and of
nothing else, are found by two indexes and ranked by two numbers each; only those of the page are loaded. A cursor names
the last row as SUM~ID. A day costs milliseconds; of a month too full to be ranked the caller's time limit ends it
(`TIMEOUT_MS`).

Entry points: `read` and `around` for a `Span`; `page`, `count`, `topics`, `days` of it; `neighbours`, `latest`,
`nearest` between them; `all_days`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from django.db import connection
from django.db.models import Count, QuerySet
from django.urls import reverse

from .models import DailyListing, Paper, PaperQuerySet, PaperTopic, Topic
from .paging import PAGE, ForeignCursor

TIMEOUT_MS = 2_000  # for each statement: what takes longer serves nobody

Kind = Literal["day", "week", "month"]
_WRITTEN = {"day": r"\d{4}-\d\d-\d\d", "week": r"\d{4}-W\d\d", "month": r"\d{4}-\d\d"}
_CURSOR = re.compile(r"(\d{1,12})~(\d{1,18})", re.ASCII)
_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """A day, a week by ISO 8601 or a month: from `first` to `last`, both included."""

    kind: Kind
    first: date
    last: date

    @property
    def name(self) -> str:
        """As its address writes it: 2025-12-15, 2025-W51, 2025-12."""
        if self.kind == "week":
            year, week, _day = self.first.isocalendar()
            return f"{year:04}-W{week:02}"
        return self.first.isoformat()[: 10 if self.kind == "day" else 7]

    def get_absolute_url(self) -> str:
        return reverse(f"papers_{self.kind}", args=[self.name])


def around(kind: Kind, day: date) -> Span:
    """The span of the kind that holds the day. Raises ValueError for the last week that there is, which ends in 10000.

    >>> around("week", date(2025, 12, 31)).name, around("month", date(2024, 2, 29)).last
    ('2026-W01', datetime.date(2024, 2, 29))
    """
    if kind == "day":
        return Span(kind, day, day)
    if kind == "month":
        return Span(kind, day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))
    try:
        first = day - timedelta(days=day.weekday())
        return Span(kind, first, first + 6 * _ONE)
    except OverflowError:
        raise ValueError("This week is not of our years.") from None


def read(kind: Kind, text: str) -> Span:
    """The span that an address or a form writes so. Raises ValueError where there is none.

    >>> read("week", "2020-W53").first, read("day", "2024-02-29").name
    (datetime.date(2020, 12, 28), '2024-02-29')
    """
    if not re.fullmatch(_WRITTEN[kind], text, re.ASCII):
        raise ValueError("It is not written so.")
    whole = {"day": text, "week": f"{text}-1", "month": f"{text}-01"}[kind]
    return around(kind, date.fromisoformat(whole))


# --- what a span holds -----------------------------------------------------------------------------------------------


# Without the table of papers, but for those that came out then: a month may have 25,000 of three million.
_RANKED = """
WITH held AS (
    SELECT id FROM papers_paper WHERE day_known AND created BETWEEN %(first)s AND %(last)s
     UNION
    SELECT paper_id FROM papers_dailylisting WHERE day BETWEEN %(first)s AND %(last)s
), stated AS (
    SELECT DISTINCT ON (paper_id) paper_id, coalesce(votes, 0)::bigint + coalesce(comments, 0) AS n, votes, comments
      FROM papers_dailylisting WHERE day BETWEEN %(first)s AND %(last)s ORDER BY paper_id, 2 DESC, day
), said(paper_id, n) AS ({said}),
ranked AS (
    SELECT held.id, coalesce(said.n, 0) + coalesce(stated.n, 0) AS talk, votes, comments
      FROM held LEFT JOIN said ON said.paper_id = held.id LEFT JOIN stated ON stated.paper_id = held.id
     WHERE %(topic)s::bigint IS NULL
        OR EXISTS (SELECT FROM papers_papertopic t WHERE t.paper_id = held.id AND t.topic_id = %(topic)s::bigint)
)
SELECT id, talk, votes, comments FROM ranked {after} ORDER BY talk DESC, id DESC LIMIT %(limit)s
"""
SILENCE = "SELECT NULL::bigint, 0::bigint WHERE false"


def page(
    span: Span,
    papers: PaperQuerySet,
    said: str = SILENCE,
    topic: Topic | None = None,
    cursor: str = "",
    size: int = PAGE,
) -> tuple[list[Paper], str]:
    """(the papers of the span that come after `cursor`, with people, the next cursor or ""): four queries.

    `papers` are all papers, as they are to be loaded; `said` is a constant SELECT of a paper's id and of how much
    readers said of it here (bigint), where they did. Raises BadRequest for a cursor not made here.
    """
    given: dict[str, date | int | None]
    given = {"first": span.first, "last": span.last, "topic": topic.pk if topic else None, "limit": size + 1}
    if cursor:
        found = _CURSOR.fullmatch(cursor)
        if not found:
            raise ForeignCursor
        given |= {"talk": int(found[1]), "id": int(found[2])}
    after = "WHERE (talk, id) < (%(talk)s::bigint, %(id)s::bigint)" if cursor else ""
    with connection.cursor() as statement:
        statement.execute(_RANKED.format(said=said, after=after), given)
        rows = statement.fetchall()
    loaded = papers.with_people().in_bulk([pk for pk, *_ in rows[:size]])
    page = []
    for pk, _talk, votes, comments in rows[:size]:
        if paper := loaded.get(pk):
            paper.listed_votes, paper.listed_comments = votes, comments
            page.append(paper)
    return page, f"{rows[size - 1][1]}~{rows[size - 1][0]}" if len(rows) > size else ""


def count(span: Span) -> int:
    """How many papers it holds."""
    return _ids(span).count()


def topics(span: Span) -> list[tuple[Topic, int]]:
    """The topics of its papers with how many of them, most first."""
    counted = PaperTopic.objects.filter(paper__in=_ids(span)).values_list("topic").annotate(n=Count("pk"))
    numbers = dict(counted.order_by())
    found = Topic.objects.in_bulk(numbers).values()
    return sorted(((topic, numbers[topic.pk]) for topic in found), key=lambda pair: (-pair[1], pair[0].name))


def days(span: Span) -> list[date]:
    """Its days that have papers, in their order: at most 31."""
    found = _dated(span).values_list("created").union(_listed(span).values_list("day"))
    return sorted(day for (day,) in found if day)


def _dated(span: Span) -> PaperQuerySet:
    return Paper.objects.filter(created__range=(span.first, span.last), day_known=True)


def _listed(span: Span) -> QuerySet[DailyListing]:
    return DailyListing.objects.order_by().filter(day__range=(span.first, span.last))


def _ids(span: Span) -> QuerySet[Paper, int]:
    """The ids of its papers, each once."""
    return _dated(span).values_list("pk", flat=True).union(_listed(span).values_list("paper", flat=True))


# --- between spans ---------------------------------------------------------------------------------------------------


def neighbours(span: Span, today: date, topic: Topic | None = None) -> tuple[Span | None, Span | None]:
    """The nearest spans of its kind before and after it that hold papers (of the topic), none after today: two
    queries."""
    before, after = _before(span.first, topic), _after_day(span.last, today, topic)
    return (around(span.kind, before) if before else None, around(span.kind, after) if after else None)


def latest(today: date, topic: Topic | None = None) -> date | None:
    """The last day up to today that has papers (of the topic)."""
    return _before(today + _ONE, topic)


def nearest(day: date, today: date) -> date | None:
    """The last day up to this one, and to today, that has papers; where there is none, the first that has any."""
    day = min(day, today)
    return _before(day + _ONE) or _after_day(day, today)


def _before(day: date, topic: Topic | None = None) -> date | None:
    papers, listings = _all(topic)
    return max(
        _union(papers.filter(created__lt=day).order_by("-created"), listings.filter(day__lt=day).order_by("-day")),
        default=None,
    )


def _after_day(day: date, today: date, topic: Topic | None = None) -> date | None:
    papers, listings = _all(topic)
    return min(
        _union(
            papers.filter(created__gt=day, created__lte=today).order_by("created"),
            listings.filter(day__gt=day, day__lte=today).order_by("day"),
        ),
        default=None,
    )


def _all(topic: Topic | None) -> tuple[PaperQuerySet, QuerySet[DailyListing]]:
    papers, listings = Paper.objects.filter(day_known=True), DailyListing.objects.all()
    if topic is None:
        return papers, listings
    return papers.filter(topics=topic), listings.filter(paper__topics=topic)


def _union(papers: PaperQuerySet, listings: QuerySet[DailyListing]) -> Sequence[date]:
    """The first day of each, in one query."""
    return [day for (day,) in papers.values_list("created")[:1].union(listings.values_list("day")[:1]) if day]


# From each day to the next one, by the index: as many steps as there are days, however many papers they have.
_ALL_DAYS = """
WITH RECURSIVE born(day) AS (
    SELECT min(created) FROM papers_paper WHERE day_known
     UNION ALL
    SELECT (SELECT min(created) FROM papers_paper WHERE day_known AND created > born.day) FROM born
     WHERE born.day IS NOT NULL
), listed(day) AS (
    SELECT min(day) FROM papers_dailylisting
     UNION ALL
    SELECT (SELECT min(l.day) FROM papers_dailylisting l WHERE l.day > listed.day) FROM listed
     WHERE listed.day IS NOT NULL
)
SELECT day FROM born WHERE day <= %(today)s UNION SELECT day FROM listed WHERE day <= %(today)s ORDER BY day
"""


def all_days(today: date) -> list[date]:
    """Every day up to today that has papers, in their order; some ten thousand in thirty years."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL_DAYS, {"today": today})
        return [day for (day,) in cursor.fetchall()]
