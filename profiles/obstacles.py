"""Obstacles: what stands in the way of undoing a row of a change set, or of doing it again.

Rows about one work, name or identifier are undone last in, first out: a later change set, or a decision made since, has
to be undone first, and is named. Done again, a work must still be with whom it went from. Entry point: `obstacles`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from .arrays import ids
from .models import Assignment, Change, ChangeSet, Correction


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands in the way of undoing or redoing a row: a later change set, or a decision."""

    sentence: str
    change_set: int | None = None
    decision: int | None = None


def obstacles(change_set: ChangeSet, rows: Sequence[Change], live: bool = True) -> list[Obstacle]:
    """What stands in the way of undoing these rows (of doing them again, where they are not `live`); one each."""
    found: dict[tuple[str, int], Obstacle] = {}
    for row, later in _later_rows(change_set, rows):
        found.setdefault(("set", later.change_set_id), Obstacle(_overtaken(row, later), change_set=later.change_set_id))
    for row, decision in _later_decisions(rows):
        found.setdefault(("decision", decision.pk), Obstacle(_decided(row, decision), decision=decision.pk))
    if not live:
        for sentence in _elsewhere(rows):
            found.setdefault(("work", len(found)), Obstacle(sentence))
    return list(found.values())


def _later_rows(change_set: ChangeSet, rows: Sequence[Change]) -> Iterator[tuple[Change, Change]]:
    """Rows of later change sets that hold, about the same work, name or identifier; with the row that they overtake."""
    later = Change.objects.filter(undone_at=None, change_set__gt=change_set).select_related("change_set__made_by")
    if change_set.kind in {ChangeSet.Kind.NAME, ChangeSet.Kind.IDENTIFIER}:
        for row in rows:
            same = later.filter(change_set__kind=change_set.kind, target=row.target_id, scheme=row.scheme)
            yield from ((row, other) for other in same.order_by("-pk")[:1])
        return
    row_of = {row.signature_id: row for row in rows if row.signature_id is not None}
    found = later.filter(signature__in=ids(row_of)).order_by("change_set", "pk").distinct("change_set")
    yield from ((row_of[other.signature_id or 0], other) for other in found)


def _later_decisions(rows: Sequence[Change]) -> Iterator[tuple[Change, Correction]]:
    """Decisions that hold, made about one of these works after the row was last done or undone."""
    row_of = {row.signature_id: row for row in rows if row.signature_id is not None}
    if not row_of:
        return
    held = Correction.objects.filter(change__in=[row.pk for row in rows]).values_list("change").annotate(Max("pk"))
    last = dict(held.order_by())
    about = Correction.objects.live().filter(change_set=None)
    about = about.filter(Q(signature__in=ids(row_of)) | Q(other__in=ids(row_of)))
    for correction in about.select_related(
        "made_by", "author", "signature__assignment__author", "other__assignment__author"
    ).order_by("pk"):
        row = row_of.get(correction.signature_id or 0) or row_of[correction.other_id or 0]
        if correction.pk > last.get(row.pk, 0):
            yield row, correction


def _elsewhere(rows: Sequence[Change]) -> Iterator[str]:
    """Works that are no longer with the one they went from."""
    holder = dict(
        Assignment.objects.filter(signature__in=[row.signature_id for row in rows if row.signature_id]).values_list(
            "signature", "author"
        )
    )
    for row in rows:
        if row.signature_id is None and row.source_id is not None:
            yield _("%(row)s: the paper no longer prints this name.") % {"row": row}
        elif row.source_id is not None and holder.get(row.signature_id or 0) != row.source_id:
            yield _("%(row)s is no longer with #%(id)s, from whom it went.") % {"row": row, "id": row.source_id}


def _overtaken(row: Change, later: Change) -> str:
    return _("%(row)s was changed again by %(set)s of %(who)s on %(day)s. Undo that first.") % {
        "row": row,
        "set": later.change_set,
        "who": later.change_set.made_by.get_username(),
        "day": _day(later.change_set.made_at),
    }


def _decided(row: Change, decision: Correction) -> str:
    return _("Decided after it by %(who)s on %(day)s: %(decision)s. Withdraw that first.") % {
        "decision": decision,
        "who": decision.by,
        "day": _day(decision.made_at),
    }


def _day(moment: datetime) -> str:
    return date_format(moment, "DATE_FORMAT")
