"""Decisions: what people say about who is who is recorded, and holds from that moment on.

Problem: the machine recomputes authors, and people speak of them. Idea: an author that a decision names is anchored on
one of its signatures, so that every decision comes down to pairs of signatures that no run can break. A decision is
recorded with what the matcher had said, and the surnames concerned are resolved again in the same transaction; whose
counts, coauthorships and trust it touches is returned for the caller to have refreshed once that is committed
(`bzpeer.tasks.refresh_authors`). Entry points: `decide`, `withdraw`.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

from papers.models import Signature

from .models import Account, Author, Contradiction, Correction

End = Signature | Author


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision, the ids of authors to be refreshed after commit, and the contradictions it stands in."""

    correction: Correction
    authors: list[int]
    contradictions: list[Contradiction]


def curator(account: Account | AnonymousUser) -> Account:
    """The account, if it may decide: active staff, or who has the permission. Raises PermissionDenied."""
    # An inactive account has no permission, whatever it was given.
    if isinstance(account, Account) and (
        (account.is_active and account.is_staff) or account.has_perm("profiles.add_correction")
    ):
        return account
    raise PermissionDenied("Only curators decide who is who.")


def decide(account: Account | AnonymousUser, one: End, other: End, *, same: bool, reason: str = "") -> Outcome:
    """Record that the two are, or are not, one person, and resolve the surnames concerned again.

    Two signatures, a signature and an author, or two authors, in any order. Said twice by anybody, it is recorded once.
    An account that says the opposite of what it said before withdraws that; what another account said stands, and the
    contradiction is reported. Raises PermissionDenied, and ValidationError for what cannot be decided.
    """
    raise NotImplementedError


def withdraw(correction: Correction, account: Account | AnonymousUser) -> Outcome:
    """The decision no longer holds; its row stays. Withdrawn twice, nothing changes. Raises PermissionDenied."""
    raise NotImplementedError
