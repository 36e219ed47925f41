"""Owning: what the holder of a record says of its works, and what becomes of it.

Problem: a researcher knows best which works are theirs, and whoever only says to be that researcher must not be able to
change a record. Idea: with control proved (`powers.owner`) each word is a decision that no run breaks and that the
owner can take back; without, for a family name that the record does not bear, or where another owner or a curator has
said otherwise, it is a proposal that waits for a curator. Entry points: `review` for many works at once, `take_back`,
`accept`, `refuse`, `stand` for the pages, `on_release` when a claim ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from papers import journal
from papers.models import Signature

from . import decisions, inviting, letters, powers
from .models import Account, Assignment, Author, Claim, Correction, Invitation, OwnAffiliation, OwnWords, WorkProposal

LONGEST_ANSWER = 2_000


@transaction.atomic
def review(claim: Claim, verdicts: Mapping[int, bool], now: datetime) -> list[int]:
    """The claimant says of each signature (id) whether it is theirs: decided at once, or proposed to a curator.

    Returns the authors to be refreshed after commit. Said again, nothing changes; the other name on a paper of which
    one is mine is not. With control proved, what was proposed before is decided too. Raises ValidationError where a
    record would have no work left, or one person two names on a paper.
    """
    # What has gone from its paper since it was marked is left aside.
    there = set(Signature.objects.filter(pk__in=[*verdicts]).values_list("pk", flat=True))
    verdicts = {pk: same for pk, same in verdicts.items() if pk in there}
    try:
        powers.owner(claim.account, claim.author)
    except PermissionDenied:
        _propose(claim, verdicts)
        return []
    waiting = claim.proposals.filter(state=WorkProposal.State.OPEN)
    verdicts = dict(waiting.values_list("signature", "same")) | verdicts
    beside = _other_names(claim.author, verdicts)
    verdicts = beside | verdicts
    others = _said_otherwise(claim, verdicts)
    if stuck := others & beside.keys():  # one of two names on a paper waits for the other
        papers = Signature.objects.filter(pk__in=stuck).values("paper")
        others |= set(Signature.objects.filter(pk__in=verdicts, paper__in=papers).values_list("pk", flat=True))
    _propose(claim, {pk: same for pk, same in verdicts.items() if pk in others})
    own = {pk: same for pk, same in verdicts.items() if pk not in others}
    touched = decisions.decide_works(
        claim.account,
        claim.author,
        own,
        Q(as_owner=True, author=claim.author_id) | Q(made_by=claim.account_id),
        as_owner=True,
    )
    waiting.filter(signature__in=own).update(state=WorkProposal.State.ACCEPTED, decided_at=now)
    if touched:
        journal.write(claim.account, "reviewed", claim, mine=sum(own.values()), not_mine=len(own) - sum(own.values()))
    return touched


def _other_names(author: Author, verdicts: Mapping[int, bool]) -> dict[int, bool]:
    """Names that stand on the record and on a paper of which another name is said to be mine: those are not mine."""
    mine = [pk for pk, same in verdicts.items() if same]
    beside = author.assignments.filter(signature__paper__signatures__in=mine).exclude(signature__in=mine)
    return dict.fromkeys(beside.values_list("signature", flat=True), False)


def _said_otherwise(claim: Claim, verdicts: Mapping[int, bool]) -> set[int]:
    """Signatures that another owner holds, of which somebody else decided otherwise, or that print a family name which
    nothing on the record bears: whoever controls one record could take anybody's works to it."""
    mine = [pk for pk, same in verdicts.items() if same]
    borne = Signature.objects.filter(assignment__author=claim.author_id).values_list("surname_key", flat=True)
    names = {*borne.distinct(), *claim.author.variants.values_list("surname_key", flat=True)}
    foreign = Signature.objects.filter(pk__in=mine).exclude(assignment__author=claim.author_id)
    theirs = Signature.objects.filter(pk__in=mine, assignment__author__account__isnull=False)
    found = set(theirs.exclude(assignment__author=claim.author_id).values_list("pk", flat=True))
    found.update(foreign.exclude(surname_key__in=names).values_list("pk", flat=True))
    live = Correction.objects.live().exclude(made_by=claim.account_id)
    works = live.filter(signature__in=[*verdicts], kind=Correction.Kind.ATTRIBUTION)
    for signature, author, same, as_owner in works.values_list("signature", "author", "same", "as_owner"):
        if author == claim.author_id:
            # What a former owner said is this owner's to change.
            if same != verdicts[signature] and not as_owner:
                found.add(signature)
        elif same and verdicts[signature]:
            found.add(signature)
    pairs = live.filter(kind=Correction.Kind.SIGNATURES, same=False)
    for one, other in (("signature", "other"), ("other", "signature")):
        apart = pairs.filter(**{f"{one}__in": mine, f"{other}__assignment__author": claim.author_id})
        found.update(apart.values_list(one, flat=True))
    return found


def _propose(claim: Claim, verdicts: Mapping[int, bool]) -> None:
    """One open proposal for each work that is not so already; a newer word takes the place of the older."""
    here = set(claim.author.assignments.filter(signature__in=[*verdicts]).values_list("signature", flat=True))
    for signature, same in verdicts.items():
        open_ones = claim.proposals.filter(signature=signature, state=WorkProposal.State.OPEN)
        if (signature in here) == same and not open_ones.filter(same=not same).exists():
            continue  # nobody says otherwise: there is nothing to decide
        if (signature in here) == same:
            open_ones.delete()
        else:
            WorkProposal.objects.update_or_create(
                claim=claim, signature_id=signature, state=WorkProposal.State.OPEN, defaults={"same": same}
            )


def said(claim: Claim, signatures: Collection[int]) -> list[Correction]:
    """The live decisions of owners of the record about these signatures."""
    live = Correction.objects.live().filter(as_owner=True, author=claim.author_id, signature__in=signatures)
    return list(live.select_related("author__anchor", "signature"))


@transaction.atomic
def take_back(claim: Claim, signatures: Collection[int]) -> list[int]:
    """The owner no longer says anything of these; returns the authors to be refreshed after commit.

    Open proposals about them go. Raises PermissionDenied where something was decided and control is not proved.
    """
    claim.proposals.filter(signature__in=signatures, state=WorkProposal.State.OPEN).delete()
    corrections = said(claim, signatures)
    if not corrections:
        return []
    powers.owner(claim.account, claim.author)
    return decisions.take_back(claim.account, corrections)


# --- what waits for a curator ----------------------------------------------------------------------------------------


@transaction.atomic
def accept(account: Account, proposal: WorkProposal, answer: str, now: datetime) -> list[int]:
    """It becomes the curator's decision; returns the authors to be refreshed. Decided twice, nothing changes.

    What curators decided otherwise before is withdrawn. Raises PermissionDenied; ValidationError where an owner says
    otherwise, which only that owner or a dispute changes.
    """
    proposal = _open(account, proposal)
    if not proposal.is_open:
        return []
    claim, verdicts = proposal.claim, {proposal.signature_id: proposal.same}
    if proposal.same:
        verdicts = _other_names(claim.author, verdicts) | verdicts
    against = Correction.objects.live().filter(as_owner=True, signature__in=[*verdicts], author__account__isnull=False)
    if (
        owned := against.exclude(author=claim.author_id).filter(same=True).select_related("author").first()
    ) is not None:
        raise ValidationError(
            _("%(decision)s: the owner of %(name)s said so. Ask the owner, or open a dispute.")
            % {"decision": owned, "name": owned.author.name if owned.author else ""}
        )
    reason = answer.strip() or _("proposed by the holder of the record")
    touched = decisions.decide_works(account, claim.author, verdicts, Q(), reason=reason)
    _decided(account, proposal, WorkProposal.State.ACCEPTED, answer, now)
    return touched


@transaction.atomic
def refuse(account: Account, proposal: WorkProposal, answer: str, now: datetime) -> None:
    """It is refused, for the reason given. Raises PermissionDenied, and ValidationError without a reason."""
    proposal = _open(account, proposal)
    if not proposal.is_open:
        return
    if not answer.strip():
        raise ValidationError(_("Say why: the owner is told the reason."))
    _decided(account, proposal, WorkProposal.State.REFUSED, answer, now)


def _open(account: Account, proposal: WorkProposal) -> WorkProposal:
    decisions.curator(account)
    found = WorkProposal.objects.select_for_update(of=("self",)).select_related("claim__author", "claim__account")
    proposal = found.get(pk=proposal.pk)
    if proposal.claim.account_id == account.pk:
        raise PermissionDenied(_("Nobody decides about their own record."))
    return proposal


def _decided(account: Account, proposal: WorkProposal, state: str, answer: str, now: datetime) -> None:
    if len(answer) > LONGEST_ANSWER:
        raise ValidationError(_("An answer has at most %(n)s characters.") % {"n": f"{LONGEST_ANSWER:,}"})
    proposal.state, proposal.answer = state, answer.strip()
    proposal.decided_by, proposal.decided_at = account, now
    proposal.save(update_fields=["state", "answer", "decided_by", "decided_at"])
    journal.write(account, state, proposal, reason=proposal.answer)
    letters.write(proposal.claim.account, "proposal", {"proposal": proposal, "author": proposal.claim.author})


# --- for the pages ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stand:
    """What the holder said of a work: `answer` True for mine, False for not mine, None for nothing yet.

    `waits` where a curator is to decide it.
    """

    answer: bool | None = None
    waits: bool = False


def stand(claim: Claim, signatures: Collection[int]) -> dict[int, Stand]:
    """What the holder said of each of these signatures: two queries."""
    found = dict.fromkeys(signatures, Stand())
    live = Correction.objects.live().filter(as_owner=True, author=claim.author_id, signature__in=signatures)
    for signature, same in live.values_list("signature", "same"):
        found[signature or 0] = Stand(same)
    waiting = claim.proposals.filter(signature__in=signatures, state=WorkProposal.State.OPEN)
    for signature, same in waiting.values_list("signature", "same"):
        found[signature] = Stand(same, waits=True)
    return found


def with_stands(account: Account | AnonymousUser, author: Author, works: Iterable[Assignment]) -> Claim | None:
    """Say beside each of these works what its owner, who asks, said of it; None, and no query, for anybody else."""
    if author.account_id is None or author.account_id != account.pk:
        return None
    if (claim := powers.held_by(account, author)) is not None:
        works = list(works)
        stands = stand(claim, [work.signature_id for work in works])
        for work in works:
            work.stand = stands[work.signature_id]  # type: ignore[attr-defined]
    return claim


@transaction.atomic
def on_release(author: Author) -> None:
    """The claim has ended: the owner's words about themselves are cleared, and invitations that they have not answered
    are over. What they decided about works stays."""
    inviting.end(Invitation.objects.filter(author=author), timezone.now())
    OwnWords.objects.filter(author=author).delete()
    OwnAffiliation.objects.filter(author=author).delete()
    Author.objects.filter(pk=author.pk).update(bio="", open_to_collaborate=True)
    WorkProposal.objects.filter(claim__author=author, state=WorkProposal.State.OPEN).exclude(
        claim__state__in=Claim.LIVE
    ).delete()
