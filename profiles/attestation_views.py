"""The coauthor's pages: what one is asked to attest, and the answer.

Who is not asked finds no page; an answer is a POST, and a refusal is a sentence on the page.
"""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from papers.methods import read_or_post

from . import powers
from .models import Account, Proof
from .proofs import attestation
from .queue import page

LISTED = 20


@require_safe
@login_required
def attestations(request: HttpRequest) -> HttpResponse:
    """What one is asked and has answered, the newest first."""
    rows = attestation.asked_of(_account(request))
    found, following = page(rows, ("-pk", "-pk"), request.GET.get("after", ""), LISTED)
    return render(request, "profiles/attestations.html", {"proofs": found, "following": following})


@read_or_post
@login_required
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """Who asks, about which work, and what one's word means; POST with `answer` attests, declines or takes back."""
    account = _account(request)
    proof = get_object_or_404(attestation.asked_of(account), pk=pk)
    problems: list[str] = []
    if request.method == "POST":
        try:
            said = _answer(proof, account, request.POST.get("answer", ""))
        except ValidationError as error:
            problems = error.messages
        else:
            messages.success(request, said)
            return redirect("attestation", proof.pk)
    context = {"proof": proof, "claim": proof.claim, "problems": problems, "obstacle": _obstacle(proof, account)}
    return render(request, "profiles/attestation.html", context, status=400 if problems else 200)


def _answer(proof: Proof, account: Account, answer: str) -> str:
    """Do what the answer says; returns what to tell. Raises ValidationError, PermissionDenied."""
    now = timezone.now()
    if answer == "attest":
        attestation.attest(proof, account, now)
        return _("Thank you. Your word counts while you control your own record; you may take it back at any time.")
    if answer == "decline":
        attestation.decline(proof, account, now)
        return _("You declined. The claimant is told that, and not why.")
    if answer == "take back":
        attestation.take_back(proof, account, now)
        return _("Your word is taken back, and counts no longer.")
    raise ValidationError(_("Choose one of the answers."))


def _obstacle(proof: Proof, account: Account) -> str:
    """Why the account cannot answer now; "" where it can."""
    if proof.state != Proof.State.BEGUN or proof.author is None:
        return ""
    try:
        powers.owner(account, proof.author)
    except PermissionDenied as refused:
        return str(refused)
    return ""


def _account(request: HttpRequest) -> Account:
    return cast(Account, request.user)
