"""Claims: an account takes hold of an author, proves it, and lets go again; nothing of it is ever deleted.

Problem: a claim changes under many hands: the claimant, a second claimant, coauthors, a curator, and time. Idea: each
step is one function that locks in one order (surnames, account, author, claim), computes the level anew from what is
valid now (`levels`), and leaves an event for the history and a letter. What a claimant says of the works is kept as
marks, and becomes decisions once control is proved. What curators decide about claims is in `disputes`. The authors
concerned are computed again after commit. Entry points: `begin`, `mark`, `hold`, `prove`, `withdraw`, `release`,
`settle`, `expire`, `recheck`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from celery import current_app
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from papers import journal
from papers.models import Signature

from . import anchors, grounds, letters, levels, owning, proofs, resolving
from .models import (
    Account,
    Author,
    Claim,
    ClaimEvent,
    ClaimMark,
    Proof,
)
from .powers import CONTROL, is_frozen

MOST_OPEN = 5  # claims that one account has begun and does not hold yet
UNPROVED = timedelta(days=180)  # a claim that nothing proves lapses after that
WARNING = timedelta(days=30)  # and that long before, a letter says so

# What happened, as the history says it. Each verb has its letter, `templates/mail/claim_<verb>.txt`.
VERBS = {
    "begun": pgettext_lazy("claim", "Claim begun"),
    "held": pgettext_lazy("claim", "Record held"),
    "disputed": pgettext_lazy("claim", "Claimed although somebody else holds the record"),
    "contested": pgettext_lazy("claim", "Somebody else claims the record too"),
    "proved": pgettext_lazy("claim", "Proof given"),
    "refused": pgettext_lazy("claim", "Proof refused"),
    "withdrawn": pgettext_lazy("claim", "Proof withdrawn"),
    "expired": pgettext_lazy("claim", "Proof expired"),
    "reviewed": pgettext_lazy("claim", "Works reviewed"),
    "changed": pgettext_lazy("claim", "Level computed again"),
    "released": pgettext_lazy("claim", "Record released"),
    "lapsing": pgettext_lazy("claim", "Warned that the claim will lapse"),
    "lapsed": pgettext_lazy("claim", "Claim lapsed: nothing proved it"),
    "confirmed": pgettext_lazy("claim", "A curator confirmed the holder"),
    "given": pgettext_lazy("claim", "A curator gave the record to this claim"),
    "lost": pgettext_lazy("claim", "A curator gave the record to another claim"),
    "rejected": pgettext_lazy("claim", "A curator refused the claim"),
    "asked": pgettext_lazy("claim", "A merge of two records asked for"),
    "merged": pgettext_lazy("claim", "Merged with the record that the account holds"),
}


@transaction.atomic
def begin(account: Account | AnonymousUser, author: Author, now: datetime, note: str = "") -> Claim:
    """The live claim of the account on the author: begun, where there is none yet.

    Raises PermissionDenied for a visitor and ValidationError with a sentence for what cannot be claimed.
    """
    account = claimant(account)
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    author = Author.objects.select_related("merged_into").get(pk=author.pk)
    if (claim := Claim.objects.live().filter(account=account, author=author).first()) is not None:
        return claim
    if problem := obstacle(author):
        raise ValidationError(problem)
    if Claim.objects.live().filter(account=account).exclude(state=Claim.State.HELD).count() >= MOST_OPEN:
        raise ValidationError(
            _("You have %(n)s claims under way. Finish or give up one of them first.") % {"n": MOST_OPEN}
        )
    claim = Claim.objects.create(account=account, author=author, note=note)
    return _told(claim, "asked" if note else "begun", 0, by=account, at=now)


def claimant(account: Account | AnonymousUser) -> Account:
    """The account, if it can claim. Raises PermissionDenied for a visitor, else ValidationError with the way on."""
    if not isinstance(account, Account) or not account.is_active:
        raise PermissionDenied(_("Log in to claim a record."))
    if not EmailAddress.objects.filter(user=account, verified=True).exists():
        raise ValidationError(_("Confirm an e-mail address of your account first: a claim is answered by mail."))
    return account


def obstacle(author: Author) -> str:
    """Why nobody can claim this author, as a sentence; "" where one can."""
    if author.merged_into is not None:
        return _("This record was merged into the record of %(name)s: claim that one.") % {"name": author.merged_into}
    if not author.is_public:
        return _("This record is not shown. Who it is about has rights over it without an account.")
    if not author.works_count:
        return _("No work is attributed to this record: there is nothing to claim.")
    return ""


def other_of(account: Account, author: Author) -> Author | None:
    """The other author whom the account holds: one account is one person."""
    return Author.objects.filter(account=account).exclude(pk=author.pk).first()


@transaction.atomic
def mark(claim: Claim, answers: Mapping[int, str], now: datetime) -> None:
    """Keep what the claimant says of works: answers by signature. Where control is proved they hold at once.

    Raises ValidationError where the claim has ended, for a word that is no answer, and for a name of somebody else's
    paper: only what stands on the record, or is proposed beside it, can be answered.
    """
    claim = locked(claim)
    if not claim.is_live:
        raise ValidationError(_("This claim has ended. Begin a new one from the profile."))
    if not set(answers.values()) <= set(ClaimMark.Answer.values):
        raise ValidationError(_("Say mine, not mine or unsure."))
    open_to_answer = set(grounds.answerable(claim).filter(pk__in=answers).values_list("pk", flat=True))
    if answers.keys() - open_to_answer:
        raise ValidationError(_("One of these works is not on this record any more. Look at the list again."))
    ClaimMark.objects.bulk_create(
        (ClaimMark(claim=claim, signature_id=s, answer=answer, made_at=now) for s, answer in sorted(answers.items())),
        update_conflicts=True,
        unique_fields=["claim", "signature"],
        update_fields=["answer", "made_at"],
    )
    before = claim.level
    if _recompute(claim, now, strict=True) and claim.level != before:
        _told(claim, "reviewed", before, by=claim.account)


@transaction.atomic
def hold(claim: Claim, now: datetime) -> Claim:
    """The claimant takes hold of the author; where another account holds it, the claim is disputed from now on.

    Done twice, nothing changes. Raises ValidationError where the claim has ended, where the author cannot be claimed
    any more, and where the account holds another author.
    """
    claim = locked(claim)
    account, author = claim.account, claim.author
    if claim.state == Claim.State.HELD:
        return claim
    if not claim.is_live:
        raise ValidationError(_("This claim has ended. Begin a new one from the profile."))
    claimant(account)
    if problem := obstacle(author):
        raise ValidationError(problem)
    works = set(author.assignments.standing().values_list("signature", flat=True))
    if works <= set(claim.marks.filter(answer=ClaimMark.Answer.NOT_MINE).values_list("signature", flat=True)):
        raise ValidationError(_("You said that none of these works is yours: then this is somebody else’s record."))
    if (other := other_of(account, author)) is not None:
        raise ValidationError(
            _("You hold the record of %(name)s. If both are you, ask for the two to be merged.") % {"name": other}
        )
    before = claim.level
    if author.account_id not in (None, account.pk):
        if claim.state != Claim.State.DISPUTED:
            claim.state = Claim.State.DISPUTED
            _recompute(claim, now)
            _told(claim, "disputed", before, by=account)
            if (held := Claim.objects.filter(author=author, state=Claim.State.HELD).first()) is not None:
                _told(held, "contested", held.level)
        return claim
    give(claim, now)
    return _told(claim, "held", before, by=account)


def give(claim: Claim, now: datetime) -> None:
    """The (locked) claim holds its (free) author, who is known by an anchor from now on."""
    claim.state, claim.held_at = Claim.State.HELD, now
    Author.objects.filter(pk=claim.author_id).update(account=claim.account_id, stale=True)
    anchors.choose([claim.author_id])
    claim.save(update_fields=["state", "held_at"])
    _recompute(claim, now)


@transaction.atomic
def settle(claim: Claim, now: datetime, what: str, proof: Proof | None = None, by: Account | None = None) -> Claim:
    """Compute the level anew after `what` (one of `VERBS`), with its event, letter and consequences."""
    claim = locked(claim)
    before = claim.level
    _recompute(claim, now)
    return _told(claim, what, before, proof, by)


@transaction.atomic
def prove(proof: Proof, now: datetime, by: Account | None = None) -> Claim:
    """The proof is given, and counts as long as its kind lasts. A second time, nothing changes.

    It takes the place of an older one of the same kind and subject. Raises ValidationError where the claim or the proof
    has ended.
    """
    claim = locked(proof.claim)
    proof.refresh_from_db()
    if proof.state == Proof.State.VALID:
        return claim
    if proof.state != Proof.State.BEGUN or not claim.is_live:
        raise ValidationError(_("This proof has ended. Begin it again from the page of the claim."))
    older = claim.proofs.filter(kind=proof.kind, subject=proof.subject, author=proof.author, state=Proof.State.VALID)
    older.update(state=Proof.State.WITHDRAWN, ended_at=now)
    lasts = proofs.BY_SLUG[proof.kind].lasts
    proof.state, proof.proved_at, proof.expires_at = Proof.State.VALID, now, now + lasts if lasts else None
    proof.by = by or proof.by
    proof.save()
    return settle(claim, now, "proved", proof, by or claim.account)


@transaction.atomic
def withdraw(proof: Proof, by: Account | None, now: datetime) -> Claim:
    """The proof counts no longer: its claimant, who gave it, or a curator takes it back. Twice, nothing changes."""
    claim = locked(proof.claim)
    if _end([proof.pk], Proof.State.WITHDRAWN, now):
        _journaled(by, "withdrew a proof of", claim, kind=proof.kind)
        return settle(claim, now, "withdrawn", proof, by)
    return claim


@transaction.atomic
def refuse(proof: Proof, by: Account, now: datetime) -> Claim:
    """What was asked for is denied: by the coauthor who was asked, or by a curator. Twice, nothing changes."""
    claim = locked(proof.claim)
    if _end([proof.pk], Proof.State.REFUSED, now):
        Proof.objects.filter(pk=proof.pk).update(by=by)
        return settle(claim, now, "refused", proof, by)
    return claim


@transaction.atomic
def release(claim: Claim, by: Account | None, now: datetime) -> Claim:
    """The claimant lets go, or a curator has to: the record is free and its proofs end; what was decided stays."""
    claim = locked(claim)
    if not claim.is_live:
        return claim
    _journaled(by, "released", claim)
    return end(claim, Claim.State.RELEASED, "released", now, by)


def end(claim: Claim, state: Claim.State, what: str, now: datetime, by: Account | None = None) -> Claim:
    """The (locked) claim is over, its proofs with it, and the author free where it was held."""
    before, held = claim.level, claim.state == Claim.State.HELD
    claim.state, claim.ended_at, claim.level = state, now, 0
    claim.save()
    if held:
        Author.objects.filter(pk=claim.author_id, account=claim.account_id).update(account=None, stale=True)
        owning.on_release(claim.author)
    _end(list(claim.proofs.values_list("pk", flat=True)), Proof.State.WITHDRAWN, now)
    return _told(claim, what, before, by=by)


def expire(now: datetime, among: QuerySet[Claim, Any] | None = None) -> int:
    """End what time ends, each claim in a transaction of its own; returns how many steps that took. Of all claims, or
    of those `among`.

    Proofs whose time is over, or whose ground is gone; claims that nothing proves for `UNPROVED`, after a warning; and
    levels that rest on coauthors who have lost control of their own record.
    """
    steps = 0
    found = Claim.objects.all() if among is None else among
    over = Proof.objects.filter(claim__in=found, state=Proof.State.VALID, expires_at__lte=now)
    for proof in over.select_related("claim"):
        with transaction.atomic():
            claim = locked(proof.claim)
            if _end([proof.pk], Proof.State.EXPIRED, now):
                settle(claim, now, "expired", proof)
                steps += 1
    rested = [kind.slug for kind in proofs.KINDS if kind.still or kind.route is levels.Route.ATTESTED]
    resting = Proof.objects.valid(now).filter(kind__in=rested).values("claim")
    steps += _follow(found.filter(pk__in=resting), now)
    for claim in _unproved(now - UNPROVED + WARNING).filter(pk__in=found):
        with transaction.atomic():
            steps += _lapse(locked(claim), now)
    return steps


def recheck(authors: Collection[int], now: datetime) -> int:
    """Have the levels of the claims on these authors follow their works and who attests; returns how many changed."""
    proved = Proof.objects.filter(state=Proof.State.VALID).values("claim")  # without any there is nothing to follow
    return _follow(Claim.objects.filter(author__in=authors, pk__in=proved), now)


def _follow(found: QuerySet[Claim, Any], now: datetime) -> int:
    """Compute the levels of these claims anew where they are not what the proofs give, each in its own transaction."""
    changed = 0
    for claim in found.filter(state__in=(Claim.State.HELD, Claim.State.DISPUTED)):
        # Looked at first: the locks are for those few that change.
        gone = [proof for proof in claim.proofs.valid(now) if not grounds.stands(proof)]
        if not gone and claim.level == levels.level(grounds.given(claim, now), not grounds.unreviewed(claim.author_id)):
            continue
        with transaction.atomic():
            claim = locked(claim)
            before = claim.level
            if _recompute(claim, now) and claim.level != before:
                _told(claim, "changed", before)
                changed += 1
    return changed


def _unproved(since: datetime) -> QuerySet[Any]:
    """Held claims without any valid proof since then."""
    bare = Claim.objects.filter(state=Claim.State.HELD).annotate(
        proved=Count("proofs", filter=Q(proofs__state=Proof.State.VALID)),
        bare_since=Greatest("held_at", Coalesce(Max("proofs__ended_at"), "held_at")),
    )
    return bare.filter(proved=0, bare_since__lte=since)


def _lapse(claim: Claim, now: datetime) -> bool:
    """Warn the holder, or, that done long enough ago, end the claim; whether anything was done."""
    unproved = _unproved(now - UNPROVED + WARNING).filter(pk=claim.pk).first()
    if unproved is None:  # proved meanwhile
        return False
    warned = claim.events.filter(what="lapsing", at__gte=unproved.bare_since).order_by("at").first()
    if warned is None:
        _told(claim, "lapsing", claim.level, at=now)
        return True
    if warned.at > now - WARNING:
        return False
    end(claim, Claim.State.LAPSED, "lapsed", now)
    return True


# --- the level --------------------------------------------------------------------------------------------------------


def _recompute(claim: Claim, now: datetime, strict: bool = False) -> bool:
    """Store the level of the (locked) claim; False where it is only begun or over.

    Where control is proved and undisputed, what the claimant said of the works becomes decisions first. Raises
    ValidationError for marks that cannot all hold if `strict`; else they stay marks, and a proof counts all the same.
    """
    if claim.state not in (Claim.State.HELD, Claim.State.DISPUTED):
        return False
    for proof in claim.proofs.valid(now):
        if not grounds.stands(proof):
            _end([proof.pk], Proof.State.WITHDRAWN, now)
    valid = grounds.given(claim, now)
    claim.level = levels.level(valid, not grounds.unreviewed(claim.author_id))
    claim.save(update_fields=["state", "level"])
    if claim.state == Claim.State.HELD and claim.level >= CONTROL and not is_frozen(claim):
        refresh_soon(_apply(claim, now, strict))
        claim.level = levels.level(valid, not grounds.unreviewed(claim.author_id))
        claim.save(update_fields=["level"])
    return True


def _apply(claim: Claim, now: datetime, strict: bool) -> Collection[int]:
    """Have the marks decided; returns the ids of authors to be refreshed. What is decided is no mark any more, so that
    a later word of the owner is not overruled by it."""
    marks = claim.marks.exclude(answer=ClaimMark.Answer.UNSURE)
    said = {
        signature: answer == ClaimMark.Answer.MINE for signature, answer in marks.values_list("signature", "answer")
    }
    if not said:
        return []
    try:
        with transaction.atomic():
            touched = owning.review(claim, said, now)
    except ValidationError:
        if strict:
            raise
        return []
    marks.delete()
    return touched


# --- what every step does ---------------------------------------------------------------------------------------------


def locked(claim: Claim) -> Claim:
    """The claim as it is now; nobody else resolves, holds or changes its author until the end of the transaction."""
    printed = Signature.objects.filter(assignment__author=claim.author_id).values_list("surname_key", flat=True)
    resolving.lock(sorted({name for unit in resolving.related(printed.distinct()) for name in unit}))
    Account.objects.select_for_update(no_key=True).get(pk=claim.account_id)
    Author.objects.select_for_update(no_key=True).get(pk=claim.author_id)
    locked = Claim.objects.select_for_update(of=("self",), no_key=True)
    return locked.select_related("author__merged_into", "account").get(pk=claim.pk)


def _end(pks: Collection[int], state: Proof.State, now: datetime) -> int:
    """End those of these proofs that are open; how many were."""
    still_open = Proof.objects.filter(pk__in=pks, state__in=(Proof.State.BEGUN, Proof.State.VALID))
    return still_open.update(state=state, ended_at=now)


def _told(
    claim: Claim,
    what: str,
    before: int,
    proof: Proof | None = None,
    by: Account | None = None,
    **at: datetime,
) -> Claim:
    """Add the step to the history, write the letter, and have the author computed again, and whoever the account
    attests: that word counts while the account controls a record."""
    ClaimEvent.objects.create(
        claim=claim, what=what, proof=proof, level_before=before, level_after=claim.level, by=by, **at
    )
    kind = proofs.BY_SLUG.get(proof.kind) if proof else None
    context: dict[str, Any] = {"claim": claim, "author": claim.author, "before": before, "kind": kind, "proof": proof}
    letters.write(claim.account, f"claim_{what}", context | {"lapses": UNPROVED.days, "warning": WARNING.days})
    attested = Proof.objects.filter(by=claim.account_id, kind="attestation", state=Proof.State.VALID)
    rests = claim.level != before or what in _TAKES
    refresh_soon([claim.author_id, *(attested.values_list("claim__author", flat=True) if rests else ())])
    return claim


# A claim that holds its record from then on, at a level that it may have had before.
_TAKES = frozenset({"held", "given"})


def _journaled(by: Account | None, verb: str, claim: Claim, **details: Any) -> None:
    """What staff do to somebody else's claim stands in their journal."""
    if by is not None and by.pk != claim.account_id and by.is_entrusted:
        journal.write(by, verb, claim, **details)


def refresh_soon(authors: Collection[int]) -> None:
    """Have counts, collaborators and trust of these computed again once this is committed."""
    # By name: the pipeline stands above this app.
    if ids := sorted(set(authors)):
        transaction.on_commit(lambda: current_app.send_task("bzpeer.refresh_authors", [ids]))
