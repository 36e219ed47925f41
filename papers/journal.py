"""The journal of what staff did: who, what, about what, when. Rows are only ever added; the database refuses the rest.

Problem: a row that says who merged two people is worth nothing if whoever did it can change the row. Idea: a trigger
refuses UPDATE and DELETE, so that the journal can only grow; it names its subjects by label and id and depends on no
other table, so that nothing can take a row along with it. Entry points: `write`, in the transaction of what it tells;
`read` and `words` for the page.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model, QuerySet

from .models import JournalEntry

RECENT = 10_000  # rows that are asked which verbs and subjects there are


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


def read(who: str = "", verb: str = "", kind: str = "", subject: str = "") -> QuerySet[JournalEntry]:
    """The rows of an account (its name), a verb, a kind of subject ("app.model"), and one subject's id or label."""
    rows = JournalEntry.objects.all()
    if who:
        rows = rows.filter(account_name__iexact=who)
    if verb:
        rows = rows.filter(verb=verb)
    if kind:
        rows = rows.filter(subject_kind=kind)
    if subject.isdecimal() and len(subject) <= 18:
        return rows.filter(subject_id=int(subject))
    return rows.filter(subject__icontains=subject) if subject else rows


def words() -> tuple[list[str], list[str]]:
    """(verbs, kinds of subject) of the newest rows, in order."""
    recent = set(JournalEntry.objects.order_by("-pk").values_list("verb", "subject_kind")[:RECENT])
    return sorted({verb for verb, _kind in recent}), sorted({kind for _verb, kind in recent})
