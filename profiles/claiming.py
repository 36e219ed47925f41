"""The claimant's pages: begin a claim, say which works are mine, prove it, see the result; all can be left and resumed.

Every claim and proof is fetched through who asks: of somebody else's there is no page. What is done is done by POST
through `claims` and the kinds of `proofs`; a refusal is a sentence on the page that one came from.
"""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from papers.limits import limited
from papers.methods import read_or_post

from . import claimed, claims, proofs
from .models import Account, Claim, ClaimMark, Proof
from .proofs.kind import Kind
from .views import find_author

LONGEST_NOTE = 2_000


@require_safe
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """My claims, the newest first."""
    found = Claim.objects.filter(account=_account(request)).select_related("author").order_by("-pk")
    return render(request, "profiles/claims.html", {"claims": found})


@read_or_post
@login_required
@limited("claim")
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """What a claim is and which steps it has; begins it."""
    author, account = find_author(pk), _account(request)
    if not author.is_public:
        raise Http404("There is no such page.")
    if (claim := Claim.objects.live().filter(account=account, author=author).first()) is not None:
        return redirect(claim)
    other, note = claims.other_of(account, author), request.POST.get("note", "").replace("\0", "").strip()
    problems: list[str] = []
    if request.method == "POST":
        try:
            if other is not None and not note:
                raise ValidationError(_("Say in a sentence how you know that both records are yours."))
            if len(note) > LONGEST_NOTE:
                raise ValidationError(_("At most %(n)s characters.") % {"n": LONGEST_NOTE})
            claim = claims.begin(account, author, timezone.now(), note if other is not None else "")
        except ValidationError as error:
            problems = error.messages
        else:
            return redirect(claim) if note else redirect("claim_works", claim.pk)
    else:
        try:
            claims.claimant(account)
            problems = [problem] if (problem := claims.obstacle(author)) else []
        except ValidationError as error:
            problems = error.messages
    context = {"author": author, "other": other, "note": note, "problems": problems, "longest": LONGEST_NOTE}
    return render(
        request, "profiles/claim_begin.html", context, status=400 if problems and request.method == "POST" else 200
    )


@require_safe
@login_required
def status(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the claim stands, what it rests on, what happened, and what can be done next."""
    return _status(request, _claim(request, pk))


@read_or_post
@login_required
def works(request: HttpRequest, pk: int) -> HttpResponse:
    """Step 1, a page of works at a time: the system's proposal, and the claimant's answer for each."""
    claim = _claim(request, pk)
    if not claim.is_live:
        return redirect(claim)
    perhaps = request.GET.get("part") == "perhaps"
    if request.method != "POST":
        context = claimed.works_page(claim, request.GET.get("after", ""), perhaps)
        return render(request, "profiles/claim_works.html", context | claimed.around(claim, step=1))
    now, answers = timezone.now(), _answers(request)
    if request.POST.get("go") == "rest":
        answers = claimed.rest(claim) | answers
    try:
        claims.mark(claim, answers, now)
        if request.POST.get("go") in ("rest", "done"):
            return _held(request, claim)
    except ValidationError as error:
        _say(request, error)
        return redirect(request.get_full_path())
    following = request.POST.get("following", "")
    address = reverse("claim_works", args=[claim.pk])
    part = "part=perhaps&" if perhaps else ""
    if following:
        claimed.works_page(claim, following, perhaps)  # raises BadRequest for a cursor of somebody's making
        return redirect(f"{address}?{part}after={following}")
    messages.success(request, _("Saved."))
    return redirect(f"{address}?part=perhaps" if not perhaps and claimed.perhaps_yours(claim).exists() else claim)


def _answers(request: HttpRequest) -> dict[int, str]:
    """What the form says of each name on a paper: fields "work-<signature>"."""
    answers = {}
    for field, value in request.POST.items():
        name, _dash, signature = field.partition("-")
        if name == "work" and signature.isdecimal() and len(signature) <= 18 and value in ClaimMark.Answer.values:
            answers[int(signature)] = str(value)
    return answers


@require_POST
@login_required
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """End of step 1: take hold of the record."""
    return _held(request, _claim(request, pk))


def _held(request: HttpRequest, claim: Claim) -> HttpResponse:
    try:
        claim = claims.hold(claim, timezone.now())
    except ValidationError as error:
        _say(request, error)
    return redirect(claim)


@read_or_post
@login_required
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let go of the record, after a page that says what that means."""
    claim = _claim(request, pk)
    if request.method == "POST":
        claims.release(claim, claim.account, timezone.now())
        return redirect(claim)
    if not claim.is_live:
        return redirect(claim)
    return render(request, "profiles/claim_release.html", claimed.around(claim, step=3))


@require_POST
@login_required
def begin_proof(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Begin a proof: by what is offered (named by its key), or by what the claimant types where the kind takes that."""
    claim, chosen = _claim(request, pk), proofs.BY_SLUG.get(kind)
    if chosen is None:
        raise Http404("There is no such kind of proof.")
    given = request.POST.get("subject", "").replace("\0", "").strip()
    try:
        if claim.state not in (Claim.State.HELD, Claim.State.DISPUTED):
            raise ValidationError(_("Say first which works are yours: the proofs come after that."))
        if not chosen.typed:
            keys = {claimed.key_of(offer): offer.subject for offer in chosen.offers(claim)}
            if given not in keys:
                raise ValidationError(_("This is not offered any more. Choose one of the proofs that are."))
            given = keys[given]
        proof = chosen.begin(claim, given, timezone.now())
    except ValidationError as error:
        _say(request, error)
        return redirect(f"{claim.get_absolute_url()}#prove")
    return redirect(claim) if proof.state == Proof.State.VALID else redirect("proof", claim.pk, proof.pk)


@read_or_post
@login_required
@limited("code_try")
def proof(request: HttpRequest, pk: int, proof: int) -> HttpResponse:
    """What to do next for a proof that has begun; completes it."""
    claim, found, kind = _proof(request, pk, proof)
    problems: list[str] = []
    if request.method == "POST":
        if found.state != Proof.State.BEGUN:
            return redirect(claim)
        now = timezone.now()
        try:
            if kind.complete(found, request.POST, now):
                claims.prove(found, now)
                messages.success(request, _("Proved: %(proof)s.") % {"proof": kind.label})
                return redirect(claim)
            return redirect("proof", claim.pk, found.pk)
        except ValidationError as error:
            problems = error.messages
    context = claimed.around(claim, step=2) | {"proof": claimed.shown(found), "kind": kind, "problems": problems}
    return render(request, "profiles/proof.html", context, status=400 if problems else 200)


@require_POST
@login_required
def withdraw_proof(request: HttpRequest, pk: int, proof: int) -> HttpResponse:
    """Take a proof back, or give up one that has begun."""
    claim, found, _kind = _proof(request, pk, proof)
    claims.withdraw(found, claim.account, timezone.now())
    return redirect(claim)


@require_POST
@login_required
def again(request: HttpRequest, pk: int, proof: int) -> HttpResponse:
    """The first step of a proof once more: a new code, another look."""
    claim, found, kind = _proof(request, pk, proof)
    if found.state != Proof.State.BEGUN:
        return redirect(claim)
    try:
        found = kind.begin(claim, found.subject, timezone.now())
        messages.success(request, _("Done again. What was sent before does not count any more."))
    except ValidationError as error:
        _say(request, error)
    return redirect("proof", claim.pk, found.pk)


def _account(request: HttpRequest) -> Account:
    return cast(Account, request.user)


def _claim(request: HttpRequest, pk: int) -> Claim:
    own = Claim.objects.filter(account=_account(request)).select_related("author__merged_into", "account", "decided_by")
    return get_object_or_404(own, pk=pk)


def _proof(request: HttpRequest, pk: int, proof: int) -> tuple[Claim, Proof, Kind]:
    claim = _claim(request, pk)
    found = get_object_or_404(Proof.objects.select_related("claim", "paper"), pk=proof, claim=claim)
    kind = proofs.BY_SLUG.get(found.kind)
    if kind is None:
        raise Http404("This kind of proof is no longer taken.")
    return claim, found, kind


def _status(request: HttpRequest, claim: Claim) -> HttpResponse:
    return render(request, "profiles/claim.html", claimed.around(claim) | claimed.standing(claim, timezone.now()))


def _say(request: HttpRequest, error: ValidationError) -> None:
    for sentence in error.messages:
        messages.warning(request, sentence)
