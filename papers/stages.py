"""Stages: what a person may have done with an import, each step once, with its row in the journal.

Every step is a conditional update of the batch's stage, so of two who press a button one does it and the other is told
that nothing was to be done. The work itself is a worker's; the caller sends for one once the step is committed.
Entry points: `upload`, `apply`, `discard`, `roll_back`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.files import File
from django.db import transaction
from django.utils import timezone

from . import journal
from .models import Batch, BatchRecord

# A batch in one of these can be rolled back; again too, where something was kept the first time.
_APPLIED = (Batch.Stage.DONE, Batch.Stage.FAILED, Batch.Stage.UNDONE)


@transaction.atomic
def upload(account: AbstractBaseUser, file: File[bytes], source: str, at_once: bool) -> Batch:
    """A batch of that file, to be previewed first or imported at once; `source` is empty where it is recognised."""
    batch = Batch.objects.create(
        label=PurePath(file.name or "").name[:200],
        file=file,
        source=source,
        stage=Batch.Stage.WAITING if at_once else Batch.Stage.PREVIEWING,
        created_by_id=account.pk,
    )
    journal.write(account, "uploaded", batch, at_once=at_once)
    return batch


@transaction.atomic
def apply(batch: Batch, account: AbstractBaseUser) -> bool:
    """Do what the preview said; False where the batch does not wait for that."""
    if not _step(batch, [Batch.Stage.PROPOSED], stage=Batch.Stage.WAITING, finished_at=None, problem=""):
        return False
    _forget(batch)
    journal.write(account, "applied", batch)
    return True


@transaction.atomic
def discard(batch: Batch, account: AbstractBaseUser) -> bool:
    """Do nothing of what the preview said; False where the batch does not wait for that."""
    if not _step(batch, [Batch.Stage.PROPOSED], stage=Batch.Stage.DISCARDED, finished_at=timezone.now()):
        return False
    counts = {fate: getattr(batch, fate) for fate in BatchRecord.Fate.values}
    _forget(batch)
    journal.write(account, "threw away", batch, **counts)
    return True


@transaction.atomic
def roll_back(batch: Batch, account: AbstractBaseUser) -> bool:
    """Take the whole batch back, as far as nothing forbids; False where there is nothing to take back."""
    if not standing(batch):
        return False
    begun = {"rolled_back_at": timezone.now(), "rolled_back_by": account, "finished_at": None, "problem": ""}
    if not _step(batch, _APPLIED, stage=Batch.Stage.UNDOING, step_done=0, step_total=0, **begun):
        return False
    journal.write(account, "rolled back", batch)
    return True


def standing(batch: Batch) -> int:
    """How many records could be rolled back: those that were taken in and stand."""
    return 0 if batch.stage in Batch.UNAPPLIED else batch.total - batch.refused - batch.undone


def can_roll_back(batch: Batch) -> bool:
    """Whether `roll_back` would begin."""
    return batch.stage in _APPLIED and standing(batch) > 0


def _step(batch: Batch, stages: Iterable[Batch.Stage], **changes: Any) -> bool:
    return bool(Batch.objects.filter(pk=batch.pk, stage__in=stages).update(**changes))


def _forget(batch: Batch) -> None:
    """The proposed records go; what the preview said of people stays, as history."""
    batch.records.all().delete()
    Batch.objects.filter(pk=batch.pk).update(checkpoint=0, **dict.fromkeys(BatchRecord.Fate.values, 0))
