"""The journal of what staff did: who, what, about what, when. Rows are only ever added; the database refuses the rest.

Problem: a row that says who merged two people is worth nothing if whoever did it can change the row. Idea: a trigger
refuses UPDATE and DELETE, so that the journal can only grow; it names its subjects by label and id and depends on no
other table, so that nothing can take a row along with it. Entry point: `write`, in the transaction of what it tells.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model

from .models import JournalEntry


def write(account: AbstractBaseUser | None, verb: str, subject: Model, **details: Any) -> JournalEntry:
    """Add a row: `account` (none: the program by itself) did `verb` to `subject`; `details` are JSON values."""
    return JournalEntry.objects.create(
        account_id=account.pk if account else None,
        account_name=account.get_username() if account else "",
        verb=verb,
        subject_kind=subject._meta.label_lower,
        subject_id=subject.pk,
        subject=str(subject)[:300],
        details=details,
    )
