"""Proof by mail: a code sent to an address that a paper's record prints as the claimant's."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ..models import Claim, Proof
from . import coded
from .kind import Kind, Offer, Route, offered
from .printed import addresses


def offers(claim: Claim) -> list[Offer]:
    """The addresses that the author's works print as this author's own, masked."""
    return [Offer(each.value, coded.masked(each.value), each.paper) for each in addresses(claim.author) if each.own]


def begin(claim: Claim, subject: str, now: datetime) -> Proof:
    """Send a code to the printed address, never to the account's. Raises ValidationError where it is not printed."""
    offer = offered(offers(claim), subject)
    if offer is None:
        raise ValidationError(_("No work of this record prints this address as yours. Choose another proof."))
    return coded.send(KIND.slug, claim, offer.subject, offer.paper, now)


KIND = Kind(
    slug="mail",
    label=pgettext_lazy("proof", "An address printed on a paper"),
    about=gettext_lazy(
        "We send a code to the address that your paper prints. Whoever reads that mail can type it here."
    ),
    without=gettext_lazy("No work of this record prints an e-mail address that is surely yours."),
    route=Route.STRONG,
    offers=offers,
    begin=begin,
    complete=coded.check,
    template="profiles/proofs/code.html",
)
