"""What changed between two moments, oldest first: papers that are here, and what is left of those that are not.

Both are paged by (datestamp, id), so that page ten thousand costs what page one does, and nothing at or after the
horizon is told (`papers.datestamps`): a paper that changes during a harvest moves to its end. Entry points: `page`,
`find`, `earliest`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from ..models import Paper, PaperTopic, RemovedPaper, Topic
from .requests import Asked

PAGE = 200
COUNTED = 100_000  # of longer lists the size is not told
TOPICS = "topic"  # the set of all that has a topic; below it there is one for each


@dataclass(frozen=True, slots=True)
class Entry:
    """What a header says; without a paper, it was removed. `topics` are slugs."""

    id: int
    at: datetime
    topics: tuple[str, ...]
    paper: Paper | None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: whether there is `more`, and how many the list has, where that is known."""

    entries: list[Entry]
    more: bool
    size: int | None


def page(asked: Asked, horizon: datetime) -> Page:
    """The part of the list that the request asks for, in a constant number of queries."""
    live, gone = _selected(asked, horizon)
    here = _after(live, "changed_at", "pk", asked).values_list("changed_at", "pk")[: PAGE + 1]
    left = _after(gone, "removed_at", "paper_id", asked).values_list("removed_at", "paper_id", "topics")[: PAGE + 1]
    rows: list[tuple[datetime, int, list[str] | None]] = [(at, pk, None) for at, pk in here]
    rows += left
    rows.sort(key=lambda row: row[:2])
    shown, more = rows[:PAGE], len(rows) > PAGE
    size = asked.size
    if more and not asked.resumed:
        counted = sum(found[: COUNTED + 1].count() for found in (live, gone))
        size = counted if counted <= COUNTED else None
    papers = _loaded(pk for _at, pk, topics in shown if topics is None)
    # What was removed since is told of later, when its removal lies before the horizon.
    shown = [row for row in shown if row[2] is not None or row[1] in papers]
    return Page([_entry(papers, *row) for row in shown], more, size)


def find(pk: int) -> Entry | None:
    """One paper, or what is left of it."""
    if paper := Paper.objects.with_people().filter(pk=pk).first():
        return _entry({pk: paper}, paper.changed_at, pk, None)
    removed = RemovedPaper.objects.filter(pk=pk).first()
    return _entry({}, removed.removed_at, pk, removed.topics) if removed else None


def earliest() -> datetime | None:
    """The earliest datestamp there is."""
    found = [
        Paper.objects.aggregate(at=Min("changed_at"))["at"],
        RemovedPaper.objects.aggregate(at=Min("removed_at"))["at"],
    ]
    return min((at for at in found if at), default=None)


def sets(after: str) -> tuple[list[Topic], bool]:
    """Topics by slug, and whether there are more."""
    found = list(Topic.objects.filter(slug__gt=after).order_by("slug")[: PAGE + 1])
    return found[:PAGE], len(found) > PAGE


def _selected(asked: Asked, horizon: datetime) -> tuple[QuerySet[Paper], QuerySet[RemovedPaper]]:
    end = min(asked.until, horizon) if asked.until else horizon
    live, gone = Paper.objects.filter(changed_at__lt=end), RemovedPaper.objects.filter(removed_at__lt=end)
    if asked.since:
        live, gone = live.filter(changed_at__gte=asked.since), gone.filter(removed_at__gte=asked.since)
    if asked.set:
        kind, _, slug = asked.set.partition(":")
        about = PaperTopic.objects.filter(paper=OuterRef("pk"))
        if kind != TOPICS:
            return live.none(), gone.none()
        live = live.filter(Exists(about.filter(topic__slug=slug) if slug else about))
        gone = gone.filter(topics__contains=[slug]) if slug else gone.exclude(topics=[])
    return live, gone


def _after(rows: QuerySet[Any], at: str, pk: str, asked: Asked) -> QuerySet[Any]:
    if asked.at is not None:
        # The first condition says nothing of its own: by it the index is entered at the right place.
        rows = rows.filter(
            Q(**{f"{at}__gt": asked.at}) | Q(**{at: asked.at, f"{pk}__gt": int(asked.key)}), **{f"{at}__gte": asked.at}
        )
    return rows.order_by(at, pk)


def _loaded(ids: Iterable[int]) -> dict[int, Paper]:
    return Paper.objects.with_people().defer("search").in_bulk(list(ids))


def _entry(papers: dict[int, Paper], at: datetime, pk: int, topics: list[str] | None) -> Entry:
    if topics is not None:
        return Entry(pk, at, tuple(topics), None)
    return Entry(pk, at, tuple(sorted(topic.slug for topic in papers[pk].topics.all())), papers[pk])
