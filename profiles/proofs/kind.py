"""What a kind of proof is: a value that the claim pages and the level read, whatever the kind does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise

from papers.models import Paper

from ..levels import Route as Route
from ..models import Claim, Proof


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that a claimant can prove the claim by: an address, a page, a coauthor.

    `subject` names it in the form that begins the proof, and is kept in `Proof.subject`; `label` is what the page shows
    (an address is masked); `paper` is where it is printed.
    """

    subject: str
    label: str
    paper: Paper | None = None


def offered(offers: Iterable[Offer], subject: str) -> Offer | None:
    """The one of these offers that is named so; None where it is not offered (any more)."""
    return next((offer for offer in offers if offer.subject == subject), None)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of proof.

    `offers` are what a claim can use, none where there is nothing; a kind that takes what the claimant types is
    `typed`. `begin` makes the proof and does the first step (sends a code); `complete` takes what the claimant sends
    next and returns whether the claim is proved now. Both raise ValidationError with a sentence.
    `asks` names the field that a typed kind has: an address, or a text of at most `longest` characters. `without` says
    why there is no offer. `still` says whether what a valid proof rests on is still so; not all kinds can tell.
    `template` is the fragment that says what to do while the proof has begun; its context is `claim`, `proof`, `kind`.
    """

    slug: str
    label: str | Promise
    about: str | Promise
    route: Route
    offers: Callable[[Claim], Sequence[Offer]]
    begin: Callable[[Claim, str, datetime], Proof]
    complete: Callable[[Proof, Mapping[str, str], datetime], bool]
    template: str
    lasts: timedelta | None = None
    typed: bool = False
    asks: str | Promise = ""
    longest: int = 0
    without: str | Promise = ""
    still: Callable[[Proof], bool] | None = None
