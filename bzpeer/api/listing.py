"""Lists of the interface: filters, order, chosen fields, pages by key, and how many there are.

Problem: a list of a million rows must cost what its page costs, and what a stranger types must never reach the database
as anything but a value. Idea: each list names its filters and orders; a page begins after the key of the last row of
the page before, which the cursor holds, sealed together with the question, so that neither can be exchanged; counting
stops at `EXACT` rows and goes on as the planner's estimate. Entry points: `Filter`, `conditions`, `chosen`, `Cursors`,
`by_key`, `counted`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from papers.bounded import TooSlow, within

from .problems import Problem

PER_PAGE, MOST = 25, 200
EXACT = 10_000  # rows that are counted one by one
COUNTING_MS = 500
LARGEST = 2**63 - 1  # an id

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2}))?"
)

CountIs = Literal["exact", "at_least", "estimate"]
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Filter:
    """`read` makes the condition of what stands after the colon. It raises ValueError where that is no such value."""

    about: str
    read: Callable[[str], Q]


def whole(value: str) -> int:
    """A number that the database can hold. Raises ValueError."""
    if not (value.isascii() and value.isdecimal() and len(value) <= 18):
        raise ValueError("a whole number")
    return int(value)


def year(value: str) -> int:
    """Raises ValueError."""
    if not (value.isascii() and value.isdecimal() and len(value) == 4 and value >= "1000"):
        raise ValueError("a year such as 2024")
    return int(value)


def moment(value: str) -> datetime:
    """A moment in UTC or with an offset, or a day, which begins at midnight in UTC. Raises ValueError.

    >>> moment("2026-01-31T12:00:00.5Z").isoformat(), moment("2026-01-31").isoformat()
    ('2026-01-31T12:00:00.500000+00:00', '2026-01-31T00:00:00+00:00')
    """
    wanted = ValueError("a moment such as 2026-01-31T12:00:00Z, or a day such as 2026-01-31")
    if not _MOMENT.fullmatch(value):
        raise wanted
    try:
        found = datetime.fromisoformat(value)
        return (found if "T" in value else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wanted from None


def yes_or_no(value: str) -> bool:
    """Raises ValueError."""
    if value not in {"true", "false"}:
        raise ValueError("true or false")
    return value == "true"


def asked(text: str) -> list[tuple[str, str]]:
    """
    >>> asked("topic:robotics,doi:10.1000/a:b")
    [('topic', 'robotics'), ('doi', '10.1000/a:b')]
    """
    found = []
    for part in filter(None, text.split(",")):
        key, colon, value = part.partition(":")
        if not (colon and value):
            raise Problem(400, _("A filter is written key:value, and several are separated by commas."))
        found.append((key.strip(), value.strip()))
    return found


def conditions(filters: Mapping[str, Filter], text: str) -> Q:
    """All that `filter=` asks for at once. Raises Problem for an unknown key or a value of another kind."""
    found = Q()
    for key, value in asked(text):
        if key not in filters:
            raise _unknown(_("filter"), key, filters)
        try:
            found &= filters[key].read(value)
        except ValueError as wanted:
            raise Problem(400, _("The filter %(key)s takes %(wanted)s.") % {"key": key, "wanted": wanted}) from None
    return found


def chosen(fields: Iterable[str], text: str) -> frozenset[str]:
    """The fields that `select=` names, all where it is empty. Raises Problem for an unknown one."""
    known = list(fields)
    wanted = frozenset(filter(None, (part.strip() for part in text.split(","))))
    for name in sorted(wanted - set(known)):
        raise _unknown(_("field"), name, known)
    return wanted or frozenset(known)


def described(filters: Mapping[str, Filter]) -> str:
    """For the schema."""
    return "key:value, several separated by commas. " + "; ".join(f"`{k}`: {f.about}" for k, f in filters.items())


def _unknown(what: str, name: str, known: Iterable[str]) -> Problem:
    names = sorted(known)
    said = {"what": what, "name": name[:40], "known": ", ".join(names) or _("none")}
    return Problem(400, _("There is no %(what)s “%(name)s” here. Known: %(known)s.") % said, known=names)


class Cursors:
    """Cursors of one question (list, filter, search, order): what they hold is sealed, and readable by nobody else's
    question. They hold no time, so that the same page is the same document."""

    VERSION = 1  # of what a cursor holds; one of an earlier version is refused

    def __init__(self, *question: str) -> None:
        self._signer = signing.Signer(salt=json.dumps(["api cursor", self.VERSION, *question]))

    def read(self, cursor: str) -> str:
        """The key after which the page begins, "" at the beginning ("*"). Raises Problem."""
        if cursor in {"", "*"}:
            return ""
        try:
            return str(self._signer.unsign_object(cursor))
        except (signing.BadSignature, ValueError, TypeError):
            raise Problem(400, _("This cursor was not made for this question. Begin again with cursor=*.")) from None

    def write(self, key: str) -> str | None:
        """The cursor of the next page; None where there is none."""
        return self._signer.sign_object(key) if key else None


def by_key(rows: QuerySet[M], order: str, after: str, size: int) -> tuple[list[M], str]:
    """(rows of the page, key of the next page or ""), by `order` ("-works_count") and then by id, which makes it total.

    `order` is a column without nulls, or "pk".
    """
    column, down = order.removeprefix("-"), order.startswith("-")
    if after:
        value, pk = json.loads(after)
        beyond = Q(**{f"{column}__{'lt' if down else 'gt'}": value})
        if column != "pk":  # the first condition is for an index: it begins there
            beyond = Q(**{f"{column}__{'lte' if down else 'gte'}": value}) & (beyond | Q(**{column: value}, pk__gt=pk))
        rows = rows.filter(beyond)
    found = list(rows.order_by(order, *(["pk"] if column != "pk" else []))[: size + 1])
    if len(found) <= size:
        return found, ""
    last = found[size - 1]
    return found[:size], json.dumps([getattr(last, column), last.pk], default=datetime.isoformat)


def counted(rows: QuerySet[Any]) -> tuple[int, CountIs]:
    """How many there are: exact up to `EXACT` of them, beyond that as the planner estimates."""
    unordered, found = rows.order_by(), 0
    try:
        with within(COUNTING_MS):
            found = unordered.values("pk")[: EXACT + 1].count()
    except TooSlow:
        pass
    else:
        if found <= EXACT:
            return found, "exact"
    [plan] = json.loads(unordered.explain(format="json"))
    return max(found, round(plan["Plan"]["Plan Rows"])), "estimate"
