"""Rollbacks: `papers.reversal` with what the other rooms have built on an import.

Idea: what forbids are rules (`RULES`); whose names go is told in their history; and whoever shares a changed paper is
marked to be computed again. A whole batch is taken back in chunks of one transaction each, so that what was killed goes
on where it was: a record that is rolled back is not met again. Entry points: `undo` and `redo` for records, `whole` for
a batch, `outlook` for what that would do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import QuerySet

from papers import reversal
from papers.models import Batch, BatchRecord
from papers.reversal import Objection, Outcome
from profiles import authors, moves, objections
from profiles.models import Account

RULES = reversal.Rules(
    names=(objections.decided, objections.anchored), papers=(objections.discussed, objections.annotated)
)

# Records that the outlook looks at, a second or two; a batch may have millions.
LOOKED_AT = 10_000
# Records that stay, and why, on the page.
SHOWN = 50


def losing(batch: int, signatures: Collection[int]) -> None:
    """These names go because an import is taken back: write it into the history of whoever had them."""
    moves.removed(batch, signatures, undone=True)
    authors.touch(signatures)


@transaction.atomic
def undo(records: Collection[int], account: Account | None) -> Outcome:
    """Roll back records (ids); the surnames of the outcome are to be resolved again once that is committed."""
    return _settled(reversal.undo(records, account, losing, RULES))


@transaction.atomic
def redo(record: BatchRecord, account: Account | None) -> Outcome:
    """Bring one record back."""
    return _settled(reversal.redo(record, account, losing, RULES))


def _settled(outcome: Outcome) -> Outcome:
    moves.give_back(outcome.papers)
    authors.touch(papers=outcome.papers)
    return outcome


def against(record: BatchRecord) -> list[Objection]:
    """What forbids to roll this record back."""
    return reversal.objections([record], RULES).get(record.pk, [])


@dataclass(slots=True)
class Outlook:
    """What rolling a batch back would do, as far as was `looked` at: records that go `back`, and what keeps others."""

    looked: int = 0
    back: int = 0
    kept: int = 0
    shown: list[tuple[BatchRecord, list[Objection]]] = field(default_factory=list)


def outlook(batch: Batch) -> Outlook:
    """Look at the records that stand, the latest first, and write nothing."""
    found, last = Outlook(), None
    while found.looked < LOOKED_AT and (records := list(_standing(batch, last).select_related("batch", "paper"))):
        last = records[-1].pk
        kept = reversal.objections(records, RULES, whole=True)
        found.looked += len(records)
        found.kept += len(kept)
        found.back += len(records) - len(kept)
        found.shown += [(record, kept[record.pk]) for record in records if record.pk in kept][
            : SHOWN - len(found.shown)
        ]
    return found


def whole(batch: Batch, advance: Callable[[int], None]) -> None:
    """Roll back every record that nothing forbids; `advance` gets the number of each chunk. May be run again."""
    last = None
    while ids := list(_standing(batch, last).values_list("pk", flat=True)):
        last = ids[-1]
        undo(ids, batch.rolled_back_by)
        advance(len(ids))


def _standing(batch: Batch, last: int | None) -> QuerySet[BatchRecord]:
    rows = batch.records.filter(rolled_back_at=None).exclude(fate=BatchRecord.Fate.REFUSED)
    return (rows if last is None else rows.filter(pk__lt=last)).order_by("-pk")[: reversal.CHUNK]


def surnames(batch: Batch) -> list[str]:
    """The surname keys of all names that the records of this batch took off papers or put back."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT name ->> 'surname_key'
                 FROM papers_batchrecord r, LATERAL jsonb_array_elements(
                      coalesce(r.after -> 'signatures', '[]') || coalesce(r.before -> 'signatures', '[]')) name
                WHERE r.batch_id = %s AND r.rolled_back_at IS NOT NULL""",
            [batch.pk],
        )
        return sorted(key for (key,) in cursor.fetchall())
