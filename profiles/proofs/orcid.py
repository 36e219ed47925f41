"""Proof by ORCID: the iD that the account signed in with is the one that a source states on the record.

It counts as long as the iD stays connected to the account and stated on the record.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from papers.identifiers import orcid as read_orcid
from papers.models import Paper

from ..models import Assignment, Claim, Proof
from .kind import Kind, Offer, Route, offered


def offers(claim: Claim) -> list[Offer]:
    """The connected iDs that stand on the record, and on no record that another account holds."""
    found = []
    for iD in connected(claim):
        stated = Assignment.objects.filter(signature__orcid=iD).standing()
        elsewhere = stated.filter(author__account__isnull=False).exclude(author__account=claim.account_id)
        on_it = stated.filter(author=claim.author_id).select_related("signature__paper").order_by("-signature__paper")
        # Somebody else's claim on this very record is what a dispute is about.
        if (newest := on_it.first()) is not None and not elsewhere.exclude(author=claim.author_id).exists():
            paper: Paper = newest.signature.paper
            found.append(Offer(iD, iD, paper))
    return found


def connected(claim: Claim) -> list[str]:
    """The iDs that the account has signed in with."""
    uids = SocialAccount.objects.filter(user=claim.account_id, provider="orcid").order_by("pk")
    return [iD for uid in uids.values_list("uid", flat=True) if (iD := read_orcid(uid))]


def begin(claim: Claim, subject: str, now: datetime) -> Proof:
    """The sign-in was the proof: nothing is left to do. Raises ValidationError where the iD is not offered any more."""
    from .. import claims  # it reads the kinds

    offer = offered(offers(claim), subject)
    if offer is None:
        raise ValidationError(_("This iD is not connected to your account, or not stated on this record."))
    proof = Proof.objects.create(claim=claim, kind=KIND.slug, subject=offer.subject, paper=offer.paper)
    claims.prove(proof, now)
    proof.refresh_from_db()
    return proof


def still(proof: Proof) -> bool:
    """Whether the iD is still connected and still stated on the record."""
    return any(offer.subject == proof.subject for offer in offers(proof.claim))


def disconnected(sender: Any, socialaccount: SocialAccount, **sent: Any) -> None:
    """Signal: the iD is connected no longer, and what rests on it is computed again."""
    from .. import claims

    held = Claim.objects.live().filter(account=socialaccount.user_id, proofs__kind=KIND.slug)
    claims.refresh_soon(held.values_list("author", flat=True))


KIND = Kind(
    slug="orcid",
    label=pgettext_lazy("proof", "Your ORCID iD"),
    about=gettext_lazy(
        "You signed in with the iD that a source states on this record. It counts while it stays connected."
    ),
    without=gettext_lazy("No ORCID iD that is connected to your account stands on a work of this record."),
    route=Route.STRONG,
    offers=offers,
    begin=begin,
    complete=lambda proof, sent, now: False,
    template="profiles/proofs/orcid.html",
    still=still,
)
