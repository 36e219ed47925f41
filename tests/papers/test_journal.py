"""The journal only grows."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from papers import journal
from papers.models import Batch, JournalEntry
from profiles.models import Account

pytestmark = pytest.mark.django_db


def test_a_row_says_who_did_what_to_what():
    ada, batch = Account.objects.create_user("ada"), Batch.objects.create(label="x.jsonl")
    entry = journal.write(ada, "imported", batch, records=3)
    entry.refresh_from_db()
    assert str(entry) == f"ada imported x.jsonl #{batch.pk}"
    assert (entry.subject_kind, entry.subject_id, entry.details) == ("papers.batch", batch.pk, {"records": 3})
    assert str(journal.write(None, "harvested", batch)).startswith("BZPEER harvested")


def test_the_database_refuses_to_change_or_delete_a_row():
    entry = journal.write(None, "harvested", Batch.objects.create(label="x.jsonl"))
    for forbidden in (entry.delete, lambda: JournalEntry.objects.update(verb="nothing")):
        with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
            forbidden()
    assert JournalEntry.objects.get().verb == "harvested"
