"""Manual review, the last way: the claimant writes what shows that the record is theirs, and a curator decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import median

from django.core.exceptions import ValidationError
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from ..models import Claim, Proof
from .kind import Kind, Route

LONGEST = 2_000  # characters
RECENT = 20  # decided reviews that the expected wait is read from


def begin(claim: Claim, subject: str, now: datetime) -> Proof:
    """Keep what was written, for the curators' inbox. Raises ValidationError where it is empty or one waits already."""
    if not subject:
        raise ValidationError(_("Write what shows that this record is yours: a page, a paper, somebody to ask."))
    if len(subject) > LONGEST:
        raise ValidationError(_("At most %(n)s characters.") % {"n": LONGEST})
    if claim.proofs.filter(kind=KIND.slug, state=Proof.State.BEGUN).exists():
        raise ValidationError(_("A curator has your last text already. Withdraw it first to send another."))
    return Proof.objects.create(claim=claim, kind=KIND.slug, note=subject)


def complete(proof: Proof, sent: Mapping[str, str], now: datetime) -> bool:
    """Nothing that the claimant sends proves it: a curator does."""
    raise ValidationError(_("A curator decides about this; you get a letter."))


def expected_wait() -> timedelta | None:
    """The median wait of the reviews decided last; None while none has been."""
    decided = Proof.objects.filter(kind=KIND.slug, by__isnull=False).exclude(state=Proof.State.BEGUN).order_by("-pk")
    waits = [
        (answered - begun).total_seconds()
        for begun, proved, ended in decided.values_list("begun_at", "proved_at", "ended_at")[:RECENT]
        if (answered := proved or ended) is not None
    ]
    return timedelta(seconds=median(waits)) if waits else None


def _about() -> str:
    text = _("Where nothing else is open to you: write what shows that this record is yours, and a curator checks it.")
    wait = expected_wait()
    if wait is None:
        return f"{text} {_('No review has been decided yet, so we cannot say how long it takes.')}"
    hours = max(1, round(wait.total_seconds() / 3600))
    if hours < 48:
        spelled = ngettext("%d hour", "%d hours", hours) % hours
    else:
        spelled = ngettext("%d day", "%d days", round(hours / 24)) % round(hours / 24)
    expected = _("Half of the last ones were answered within %(wait)s.") % {"wait": spelled}
    return f"{text} {expected}"


KIND = Kind(
    slug="review",
    label=pgettext_lazy("proof", "A check by a curator"),
    about=lazy(_about, str)(),
    route=Route.CHECKED,
    offers=lambda claim: (),
    begin=begin,
    complete=complete,
    template="profiles/proofs/review.html",
    lasts=timedelta(days=730),
    typed=True,
    asks=gettext_lazy("What shows that this record is yours"),
    longest=LONGEST,
)
