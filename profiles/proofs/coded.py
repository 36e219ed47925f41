"""Proof by a code in the mail: what the kinds share that send one to an address.

Problem: a form that sends mail to an address is a way to flood it. Idea: an address gets a few letters, whoever asks,
and an account asks a few times, whatever the address (`papers.limits`). Entry points: `send`, `check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from papers import limits
from papers.models import Paper

from .. import codes, letters
from ..models import Claim, Proof


def send(kind: str, claim: Claim, address: str, paper: Paper | None, now: datetime) -> Proof:
    """The open proof of that address, begun if there is none, with a new code on its way there.

    Raises ValidationError where too many were sent.
    """
    wait = limits.take("code_sent_account", f"account {claim.account_id}") or limits.take("code_sent", address)
    if wait is not None:
        raise ValidationError(
            _("Too many codes were asked for. Try again %(wait)s, or use another proof.") % {"wait": limits.words(wait)}
        )
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
