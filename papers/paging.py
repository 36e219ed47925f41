"""Lists page by key, never by offset: page ten thousand costs what page one does.

The order is newest first (date of the latest version known, undated last, then the higher id); a cursor names the last
row shown as DATE~ID, or, in lists of what people did, as MOMENT~ID.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TypeVar

from django.core.exceptions import BadRequest
from django.db.models import F, Model, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.dateparse import parse_datetime

PAGE = 25  # whole abstracts: more than most people wrote, and half the time and size of a page of 50
M = TypeVar("M", bound=Model)


class ForeignCursor(BadRequest):
    """A cursor that was not made here."""

    def __init__(self) -> None:
        super().__init__("This page address is not one that BZPEER made.")


def newest(queryset: QuerySet[M], cursor: str, *, path: str = "", size: int = PAGE) -> tuple[list[M], str]:
    """(rows of the page that starts after `cursor`, the next cursor or "").

    `path` leads from the queryset's model to the paper ("signature__paper__"). Raises `ForeignCursor`.
    """
    dated = queryset.annotate(page_date=Coalesce(f"{path}updated", f"{path}created"), page_id=F(f"{path}pk"))
    ordered = dated.order_by(F("page_date").desc(nulls_last=True), "-page_id")
    if cursor:
        ordered = ordered.filter(_after(cursor))
    rows = list(ordered[: size + 1])
    if len(rows) <= size:
        return rows, ""
    last = rows[size - 1]
    return rows[:size], f"{last.page_date or ''}~{last.page_id}"  # type: ignore[attr-defined]


def moment(cursor: str) -> tuple[datetime, int]:
    """What a cursor MOMENT~ID names. Raises `ForeignCursor`.

    >>> moment("2024-05-01T10:00:00+00:00~7")
    (datetime.datetime(2024, 5, 1, 10, 0, tzinfo=datetime.timezone.utc), 7)
    """
    at, _, pk = cursor.partition("~")
    try:
        found = parse_datetime(at)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ForeignCursor
    return found, key(pk)


def key(cursor: str) -> int:
    """What a cursor names that is an id alone. Raises `ForeignCursor`."""
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 18:
        raise ForeignCursor
    return int(cursor)


def _after(cursor: str) -> Q:
    day, _, pk = cursor.partition("~")
    try:
        earlier = Q(page_id__lt=int(pk))
        if not day:
            return Q(page_date=None) & earlier
        on = date.fromisoformat(day)
    except ValueError:
        raise ForeignCursor from None
    return Q(page_date__lt=on) | Q(page_date=None) | (Q(page_date=on) & earlier)
