"""Doubts: a reader says that a work attributed to a person is another's. Entry points: `say`, `take_back`."""

from __future__ import annotations

from datetime import datetime

from papers.models import Signature

from .models import Account, Author, Doubt


def say(account: Account, signature: Signature, author: Author, now: datetime) -> None:
    """Note the doubt; said twice, it is there once."""
    Doubt.objects.get_or_create(
        account=account, signature=signature, author=author, withdrawn_at=None, defaults={"made_at": now}
    )


def take_back(account: Account, signature: Signature, author: Author, now: datetime) -> None:
    """The doubt no longer holds."""
    Doubt.objects.live().filter(account=account, signature=signature, author=author).update(withdrawn_at=now)
