"""What curators decide about claims: who holds a disputed record, whether a claimant is who they say, what is merged.

Problem: two accounts claim one record, and taking it from who holds it must be possible and never happen in passing.
Idea: both sides keep their claim and their proofs until a curator who is neither decides, with a reason that both read;
the step is in both histories and in the journal. Entry points: `confirm`, `transfer`, `release_both`, `answer_check`,
`answer_request`; `disputed`, `checks`, `requests` for the inbox.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from papers import journal

from . import changesets, claims, decisions
from .models import Account, Author, Claim, Correction, Proof
from .proofs import review

LONGEST = 2_000  # characters of a reason


def disputed() -> QuerySet[Claim]:
    """Claims on a record that another account holds, or held when they were made."""
    return Claim.objects.filter(state=Claim.State.DISPUTED).select_related("author", "account")


def checks() -> QuerySet[Proof]:
    """Texts of claimants that wait for a curator's check."""
    waiting = Proof.objects.filter(kind=review.KIND.slug, state=Proof.State.BEGUN, claim__state__in=Claim.LIVE)
    return waiting.select_related("claim__author", "claim__account")


def requests() -> QuerySet[Claim]:
    """Second records that an account which holds one says are its own."""
    holds = Author.objects.filter(account=OuterRef("account"))
    asked = Claim.objects.filter(Exists(holds), state=Claim.State.BEGUN).exclude(note="")
    return asked.select_related("author", "account")


def holder_of(author: Author) -> Claim | None:
    """The claim that holds the author."""
    held = Claim.objects.filter(author=author, state=Claim.State.HELD)
    return held.select_related("author", "account").first()


@transaction.atomic
def confirm(claim: Claim, account: Account | AnonymousUser, reason: str, now: datetime) -> Claim:
    """The holder stays; the disputed claim is refused. Raises PermissionDenied and ValidationError."""
    curator, reason, claim, held = _taken_up(claim, account, reason)
    _ended(claim, Claim.State.REFUSED, "rejected", curator, reason, now)
    if held is not None:
        claims.settle(held, now, "confirmed", by=curator)
    journal.write(curator, "confirmed the holder of", claim, reason=reason)
    return claim


@transaction.atomic
def transfer(
    claim: Claim, account: Account | AnonymousUser, reason: str, now: datetime, *, take_back: bool = False
) -> Claim:
    """The disputed claim holds the record; the other one ends, and what it decided as owner too, if asked.

    Raises PermissionDenied, and ValidationError where the claimant holds another record.
    """
    curator, reason, claim, held = _taken_up(claim, account, reason)
    if (other := claims.other_of(claim.account, claim.author)) is not None:
        raise ValidationError(
            _("This claimant holds the record of %(name)s: one account is one person.") % {"name": other}
        )
    taken = 0
    if held is not None:
        if take_back:
            taken = _take_back(held, curator)
        _ended(held, Claim.State.RELEASED, "lost", curator, reason, now)
    else:  # held without a claim, from before there were any
        Author.objects.filter(pk=claim.author_id).update(account=None)
    claim.answer, claim.decided_by = reason, curator
    claim.save(update_fields=["answer", "decided_by"])
    claims.give(claim, now)
    claims.settle(claim, now, "given", by=curator)
    journal.write(curator, "gave the record to", claim, reason=reason, decisions_taken_back=taken)
    return claim


@transaction.atomic
def release_both(claim: Claim, account: Account | AnonymousUser, reason: str, now: datetime) -> Claim:
    """Neither side convinces: the record is free again. Raises PermissionDenied and ValidationError."""
    curator, reason, claim, held = _taken_up(claim, account, reason)
    _ended(claim, Claim.State.REFUSED, "rejected", curator, reason, now)
    if held is not None:
        _ended(held, Claim.State.RELEASED, "released", curator, reason, now)
    journal.write(curator, "released both claims on the record of", claim, reason=reason)
    return claim


@transaction.atomic
def answer_check(proof: Proof, account: Account | AnonymousUser, right: bool, reason: str, now: datetime) -> Claim:
    """The curator is convinced by what the claimant wrote, or not. Raises PermissionDenied and ValidationError."""
    curator, reason = _curator(account, proof.claim), _reason(reason)
    claim = claims.locked(proof.claim)
    proof = Proof.objects.get(pk=proof.pk)
    if proof.state != Proof.State.BEGUN or not claim.is_live:
        raise ValidationError(_("This is answered already."))
    claim.answer, claim.decided_by = reason, curator
    claim.save(update_fields=["answer", "decided_by"])
    claim = claims.prove(proof, now, curator) if right else claims.refuse(proof, curator, now)
    journal.write(curator, "checked" if right else "refused the check of", claim, reason=reason)
    return claim


@transaction.atomic
def answer_request(claim: Claim, account: Account | AnonymousUser, right: bool, reason: str, now: datetime) -> Claim:
    """Both records are the claimant's, and are merged into the one that is held, or not. Raises PermissionDenied, and
    ValidationError where they cannot be merged."""
    curator, reason = _curator(account, claim), _reason(reason)
    claim = claims.locked(claim)
    other = claims.other_of(claim.account, claim.author)
    if claim.state != Claim.State.BEGUN or other is None:
        raise ValidationError(_("This is answered already, or the claimant holds no other record any more."))
    if not right:
        return _ended(claim, Claim.State.REFUSED, "rejected", curator, reason, now)
    if claim.author.account_id is not None:
        raise ValidationError(_("Another account holds this record. Settle that first."))
    claims.refresh_soon(changesets.merge(curator, [(other.pk, claim.author_id)], reason, by_rule=False).touched)
    return _ended(claim, Claim.State.RELEASED, "merged", curator, reason, now)


def _curator(account: Account | AnonymousUser, claim: Claim) -> Account:
    """The account, if it may decide about claims and is no side of this one."""
    curator = decisions.curator(account)
    if curator.pk in {claim.account_id, claim.author.account_id}:
        raise ValidationError(_("You are a side of this yourself: another curator decides."))
    return curator


def _taken_up(claim: Claim, account: Account | AnonymousUser, reason: str) -> tuple[Account, str, Claim, Claim | None]:
    """(curator, reason, the disputed claim locked, the claim that holds the record)."""
    curator, reason = _curator(account, claim), _reason(reason)
    claim = claims.locked(claim)
    if claim.state != Claim.State.DISPUTED:
        raise ValidationError(_("This dispute is decided already."))
    return curator, reason, claim, holder_of(claim.author)


def _reason(reason: str) -> str:
    reason = reason.replace("\0", "").strip()
    if not reason:
        raise ValidationError(_("Say why: both sides read it."))
    if len(reason) > LONGEST:
        raise ValidationError(_("At most %(n)s characters.") % {"n": LONGEST})
    return reason


def _ended(claim: Claim, state: Claim.State, what: str, curator: Account, reason: str, now: datetime) -> Claim:
    claim.answer, claim.decided_by = reason, curator
    return claims.end(claim, state, what, now, curator)


def _take_back(held: Claim, curator: Account) -> int:
    """What the holder decided about works as owner of this author holds no longer; how many decisions."""
    said = Correction.objects.live().filter(author=held.author, as_owner=True, made_by=held.account)
    found = list(said.select_related("author__anchor", "signature"))
    claims.refresh_soon(decisions.take_back(curator, found))
    return len(found)
