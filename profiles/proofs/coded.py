"""Proof by a code in the mail: what the kinds share that send one to an address.

Problem: a form that sends mail to an address is a way to flood it. Idea: an address gets a few letters a day, whoever
asks, and an account asks a few times a day, whatever the address. Entry points: `send`, `check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from papers.models import Paper

from .. import codes, letters
from ..models import Claim, Code, Letter, Proof

TO_ONE_ADDRESS, BY_ONE_ACCOUNT = 5, 10  # codes a day
DAY = timedelta(days=1)


def send(kind: str, claim: Claim, address: str, paper: Paper | None, now: datetime) -> Proof:
    """The open proof of that address, begun if there is none, with a new code on its way there.

    Raises ValidationError where too many were sent.
    """
    own = Proof.objects.filter(claim__account=claim.account_id).values_list("pk", flat=True)
    asked = Code.objects.filter(purpose__in=[_purpose(pk) for pk in own], made_at__gt=now - DAY).count()
    got = Letter.objects.filter(to=address, made_at__gt=now - DAY).count()
    if asked >= BY_ONE_ACCOUNT or got >= TO_ONE_ADDRESS:
        raise ValidationError(_("Too many codes were sent today. Try again tomorrow, or use another proof."))
    open_one = claim.proofs.filter(kind=kind, subject=address, state=Proof.State.BEGUN).first()
    proof = open_one or Proof.objects.create(claim=claim, kind=kind, subject=address, paper=paper)
    context = {
        "code": codes.issue(_purpose(proof.pk), now),
        "author": claim.author,
        "paper": paper,
        "minutes": int(codes.LIFETIME.total_seconds()) // 60,
    }
    letters.write(address, f"proof_{kind}", context)
    return proof


def check(proof: Proof, sent: Mapping[str, str], now: datetime) -> bool:
    """Whether the code was right, which uses it up. Raises ValidationError where not."""
    if codes.redeem(_purpose(proof.pk), sent.get("code", ""), now):
        return True
    raise ValidationError(
        _("This code is not right, or is too old: a code opens for %(minutes)s minutes and %(tries)s tries.")
        % {"minutes": int(codes.LIFETIME.total_seconds()) // 60, "tries": codes.TRIES}
    )


def masked(address: str) -> str:
    """The address as a page shows it: "j…@cs.example.edu".

    >>> masked("jane@cs.example.edu")
    'j…@cs.example.edu'
    """
    name, _at, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"


def _purpose(proof: int) -> str:
    return f"proof {proof}"
