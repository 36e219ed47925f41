"""Lists page by key, never by offset: page ten thousand costs what page one does.

The order is newest first (date of the latest version, undated last, then the higher id); a cursor names the last row
shown as DATE~ID.
"""

from __future__ import annotations

from datetime import date
from typing import TypeVar

from django.core.exceptions import BadRequest
from django.db.models import F, Model, Q, QuerySet

PAGE = 50  # whole abstracts: about as much as anyone scrolls, and a response of some 100 kB

M = TypeVar("M", bound=Model)


def newest(queryset: QuerySet[M], cursor: str, *, path: str = "", size: int = PAGE) -> tuple[list[M], str]:
    """(rows of the page that starts after `cursor`, the next cursor or "").

    `path` leads from the queryset's model to the paper ("signature__paper__"). Raises BadRequest for a cursor that this
    function has not made.
    """
    ordered = queryset.order_by(F(f"{path}updated").desc(nulls_last=True), f"-{path}pk")
    if cursor:
        ordered = ordered.filter(_after(cursor, path))
    rows = list(ordered.annotate(page_date=F(f"{path}updated"), page_id=F(f"{path}pk"))[: size + 1])
    if len(rows) <= size:
        return rows, ""
    last = rows[size - 1]
    return rows[:size], f"{last.page_date or ''}~{last.page_id}"  # type: ignore[attr-defined]


def _after(cursor: str, path: str) -> Q:
    day, _, pk = cursor.partition("~")
    try:
        earlier = Q(**{f"{path}pk__lt": int(pk)})
        if not day:
            return Q(**{f"{path}updated": None}) & earlier
        on = date.fromisoformat(day)
    except ValueError:
        raise BadRequest("This page address is not one that BZPEER made.") from None
    return Q(**{f"{path}updated__lt": on}) | Q(**{f"{path}updated": None}) | (Q(**{f"{path}updated": on}) & earlier)
