"""Retrying: a refused record is fixed in place, and taken in as that record of that batch.

Idea: what was read is kept whole, so a curator can edit it; the batch's own source reads the fixed text as an input of
one record. If it is refused again, the text and the new reason take the place of the old ones, which the journal keeps.
Entry point: `retry`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from itertools import islice

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from . import importing, journal, sources
from .importing import Losing
from .models import Batch, BatchRecord, Signature
from .records import Numbered, Refusal
from .sources.jsonlines import RAW_SHOWN
from .streams import UnreadableFile


@dataclass(frozen=True, slots=True)
class Outcome:
    """`problem` is the sentence for which it was not taken in, or ""; `paper` where it went, and the `surnames` to be
    resolved again."""

    problem: str = ""
    paper: int | None = None
    surnames: set[str] = field(default_factory=set)


def unfixable(record: BatchRecord) -> str:
    """Why the record cannot be fixed in place, as a sentence; "" where it can."""
    if record.fate != BatchRecord.Fate.REFUSED:
        return _("This record was taken in.")
    if record.batch.is_running:
        return _("The import is still at work; a record can be fixed when it has ended.")
    if record.batch.stage in Batch.UNAPPLIED:
        return _("Nothing of this import is applied yet; records can be fixed once it is.")
    if not record.raw:
        return _("Nothing was kept of this record; fix it in the file and import that.")
    if len(record.raw) >= RAW_SHOWN:
        return _("This record is longer than 64 KiB; fix it in the file and import that.")
    return ""


@transaction.atomic
def retry(record: BatchRecord, text: str, account: AbstractBaseUser | None, losing: Losing) -> Outcome:
    """Read `text` in place of what was refused. Whatever comes of it is written into the journal, about the batch."""
    batch = Batch.objects.select_for_update().get(pk=record.batch_id)
    record = BatchRecord.objects.select_for_update().get(pk=record.pk)
    record.batch = batch
    if problem := unfixable(record):
        return Outcome(problem)
    text = text.replace("\0", "")
    item = _only(batch.source, text)
    told = {"record": record.number, "refused_for": record.reason, "was": record.raw}
    if isinstance(item, Refusal):
        if (record.reason, record.raw) != (item.reason, text):
            record.reason, record.raw = item.reason, text
            record.save(update_fields=["reason", "raw"])
            journal.write(account, "tried to fix", batch, **told)
        return Outcome(item.reason)
    record.delete()
    merged = importing.store_one(batch, record.number, item.record, losing)
    again = batch.records.get(number=record.number)
    again.raw = text
    again.save(update_fields=["raw"])
    fates = {fate: F(fate) + count for fate, count in merged.fates.items()}
    Batch.objects.filter(pk=batch.pk).update(refused=F("refused") - 1, **fates)
    journal.write(account, "fixed", batch, **told)
    names = Signature.objects.filter(paper=again.paper_id).values_list("surname_key", flat=True)
    return Outcome(paper=again.paper_id, surnames={*names, *merged.removed_surnames})


def _only(source: str, text: str) -> Numbered | Refusal:
    """The one record that the text holds, or a refusal."""
    if len(text) >= RAW_SHOWN:
        return Refusal(1, _("The text is longer than 64 KiB; fix the record in the file and import that."))
    known = sources.by_slug(source)
    try:
        found = list(islice(known.read(io.BytesIO(known.alone(text))), 2))
    except UnreadableFile as error:
        return Refusal(1, str(error))
    if not found:
        return Refusal(1, _("The text holds no record."))
    return found[0] if len(found) == 1 else Refusal(1, _("The text holds more than one record."))
