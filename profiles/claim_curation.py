"""The curators' pages of claims: what waits, and one claim with both sides' proofs and the buttons that decide it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from papers.methods import read_or_post

from . import claimed, claims, disputes, grounds, inbox, levels
from .curation import around, filters_of, for_curators
from .models import Account, Claim, ClaimMark, Correction, Proof
from .proofs import review

KINDS = (inbox.DISPUTES, inbox.CHECKS, inbox.REQUESTS)


@dataclass(slots=True)
class Side:
    """One of the accounts that claim a record, as the curator compares them: `marks` counts its answers about works,
    those that were decided too."""

    claim: Claim
    holds: bool
    proofs: list[Proof]
    missing: list[tuple[int, list[str]]]
    marks: dict[str, int]


@require_safe
@for_curators
def waiting(request: HttpRequest) -> HttpResponse:
    """Disputes, checks and requests that wait for a curator."""
    filters = filters_of(request)
    chosen = [kind for kind in KINDS if kind.slug == filters.kind] or KINDS
    cursor = request.GET.get("after", "") if len(chosen) == 1 else ""
    sections = [inbox.overview(replace(filters, kind=kind.slug), cursor) for kind in chosen]
    found = [section for group in sections for section in group]
    context = around(filters) | {
        "sections": found,
        "kinds": KINDS,
        "following": found[0].following if len(found) == 1 else "",
        "kept": f"{urlencode(filters.words)}&" if filters.words else "",
    }
    return render(request, "profiles/curate_claims.html", context)


@read_or_post
@for_curators
def claim(request: HttpRequest, pk: int) -> HttpResponse:
    """A claim with its rival, both sides' proofs side by side; a POST decides."""
    found = get_object_or_404(Claim.objects.select_related("author", "account", "decided_by"), pk=pk)
    problems: list[str] = []
    reason = request.POST.get("reason", "")
    if request.method == "POST":
        decide = _DECISIONS.get(request.POST.get("do", ""))
        if decide is None:
            raise BadRequest("Say what is decided.")
        try:
            decide(found, cast(Account, request.user), reason, request, timezone.now())
        except ValidationError as error:
            problems = error.messages
        else:
            messages.success(request, _("Decided. Both sides get a letter."))
            return redirect("curate_claim", found.pk)
    held = disputes.holder_of(found.author)
    sides = [_side(side) for side in (held, found) if side is not None]
    if held == found:
        sides = sides[:1]
    check = found.proofs.filter(kind=review.KIND.slug, state=Proof.State.BEGUN).first() if found.is_live else None
    kind = inbox.DISPUTES if found.state == Claim.State.DISPUTED else inbox.REQUESTS
    rows = (inbox.CHECKS, check) if check and found.state != Claim.State.DISPUTED else (kind, found)
    open_case = rows[0].find(rows[1].pk, 0) if rows[1] else None
    context = {
        "claim": found,
        "author": found.author,
        "sides": sides,
        "check": check,
        "asks_merge": found.state == Claim.State.BEGUN and found.note,
        "other": claims.other_of(found.account, found.author),
        "case": inbox.cases_of(rows[0], [open_case])[0] if open_case else None,
        "curators": list(inbox.curators()),
        "problems": problems,
        "reason": reason,
        "longest": disputes.LONGEST,
    }
    return render(request, "profiles/curate_claim.html", context, status=400 if problems else 200)


def _side(claim: Claim) -> Side:
    found = list(claim.proofs.select_related("paper", "author", "by").order_by("pk"))
    for proof in found:
        claimed.shown(proof)
        proof.shown = proof.subject  # type: ignore[attr-defined]  # a curator judges by the whole address
    marks = Counter(claim.marks.values_list("answer", flat=True))
    said = Correction.objects.live().filter(author=claim.author_id, made_by=claim.account_id, as_owner=True)
    answers = {True: ClaimMark.Answer.MINE.value, False: ClaimMark.Answer.NOT_MINE.value}
    marks.update(answers[same] for same in said.values_list("same", flat=True))
    given = grounds.given(claim, timezone.now())
    missing = levels.missing(given, grounds.unreviewed(claim.author_id))
    return Side(claim, claim.state == Claim.State.HELD, found, missing, marks)


Decide = Callable[[Claim, Account, str, HttpRequest, datetime], object]


def _checked(claim: Claim, account: Account, reason: str, right: bool, now: datetime) -> object:
    proof = claim.proofs.filter(kind=review.KIND.slug, state=Proof.State.BEGUN).first()
    if proof is None:
        raise ValidationError(_("This is answered already."))
    return disputes.answer_check(proof, account, right, reason, now)


_DECISIONS: dict[str, Decide] = {
    "confirm": lambda claim, by, reason, request, now: disputes.confirm(claim, by, reason, now),
    "transfer": lambda claim, by, reason, request, now: disputes.transfer(
        claim, by, reason, now, take_back=bool(request.POST.get("take_back"))
    ),
    "release": lambda claim, by, reason, request, now: disputes.release_both(claim, by, reason, now),
    "check": lambda claim, by, reason, request, now: _checked(claim, by, reason, True, now),
    "refuse": lambda claim, by, reason, request, now: _checked(claim, by, reason, False, now),
    "merge": lambda claim, by, reason, request, now: disputes.answer_request(claim, by, True, reason, now),
    "reject": lambda claim, by, reason, request, now: disputes.answer_request(claim, by, False, reason, now),
}
