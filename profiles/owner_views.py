"""An owner's pages: mine and not mine, a missing work, the edit page; and for curators what owners propose.

Each record is fetched through the claim of who asks. A POST says one thing and goes through `owning`, `wishes` or
`editing`; without HTMX it leads to a page that says what became of it.
"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from papers import limits
from papers.fragments import wants_fragment
from papers.methods import read_or_post
from papers.models import Signature

from . import editing, inbox, owning, powers, queue, wishes
from .curation import LISTED, around, filters_of, for_curators, next_of, refresh_soon
from .models import Account, Assignment, Claim, Correction, Move, WishedWork, WorkProposal
from .views import find_author

ANSWERS = {"mine": True, "not": False}
SAID = 100  # works on the page of what was said


def _claim(request: HttpRequest, pk: int) -> Claim:
    """The claim of who asks on this author. Raises PermissionDenied where they do not hold it."""
    claim = powers.held_by(cast(Account, request.user), find_author(pk, even_hidden=True))
    if claim is None:
        raise PermissionDenied(_("Only who holds this record may do that."))
    return claim


def _power(claim: Claim) -> str:
    """Why the holder may not change the record yet, as a sentence; "" where they may."""
    try:
        powers.owner(claim.account, claim.author)
    except PermissionDenied as refusal:
        return str(refusal)
    return ""


# --- mine and not mine -----------------------------------------------------------------------------------------------


@read_or_post
@login_required
def mine(request: HttpRequest, pk: int) -> HttpResponse:
    """GET: what the owner said of works, and what waits. POST: `answer` (mine, not or undo) about one `signature`."""
    claim = _claim(request, pk)
    if request.method != "POST":
        return render(request, "profiles/mine.html", _said(claim))
    answer, given = request.POST.get("answer", ""), request.POST.get("signature", "")
    if answer not in {*ANSWERS, "undo"} or not given.isdecimal() or len(given) > 18:
        raise BadRequest("Say of which work, and whether it is yours.")
    work = get_object_or_404(Signature.objects.select_related("paper"), pk=int(given))
    problem, touched = "", []
    try:
        if answer == "undo":
            touched = owning.take_back(claim, [work.pk])
        else:
            touched = owning.review(claim, {work.pk: ANSWERS[answer]}, timezone.now())
    except ValidationError as error:
        problem = " ".join(error.messages)
    except PermissionDenied as refusal:  # it was decided when control was proved
        problem = str(refusal)
    refresh_soon(touched)
    stand = owning.stand(claim, [work.pk])[work.pk]
    is_here = claim.author.assignments.filter(signature=work).exists()
    if not problem and stand.answer is not None and not stand.waits and stand.answer != is_here:
        problem = _("Another decision stands against it, which a curator has to settle. Your word is kept.")
    if wants_fragment(request):
        context = {"author": claim.author, "work": work, "stand": stand, "problem": problem, "answered": answer}
        return render(request, "profiles/_mine.html", context | {"along": _along(claim, work, stand)})
    if problem:
        messages.error(request, problem)
    elif stand.waits:
        messages.info(request, _("A curator will look at what you said of this work."))
    else:
        messages.success(request, _("Undone.") if answer == "undo" else _("Done. You can undo it here at any time."))
    to = next_of(request.POST)
    return redirect(to) if to and answer == "mine" and not problem else redirect("person_mine", claim.author_id)


def _said(claim: Claim) -> dict[str, object]:
    """The newest of what the owner said, by what became of it."""
    live = Correction.objects.live().filter(as_owner=True, author=claim.author_id, signature__isnull=False)
    decided = list(live.select_related("signature__paper").order_by("-pk")[:SAID])
    waiting = claim.proposals.select_related("signature__paper").order_by("-pk")
    return {
        "author": claim.author,
        "claim": claim,
        "why_not": _power(claim),
        "off": [c.signature for c in decided if not c.same],
        "on": [c.signature for c in decided if c.same],
        "waiting": waiting.filter(state=WorkProposal.State.OPEN)[:SAID],
        "answered": waiting.filter(decided_by__isnull=False)[:LISTED],
        "yes": owning.Stand(True),
        "no": owning.Stand(False),
    }


def _along(claim: Claim, work: Signature, stand: owning.Stand) -> list[Assignment]:
    """Works that left the record with this one, because the evidence ties them to it: the owner may say otherwise."""
    if stand.answer is not False or stand.waits:
        return []
    moves = Move.objects.filter(correction__signature=work, correction__author=claim.author_id, source=claim.author_id)
    went = {pk for signatures in moves.values_list("signatures", flat=True) for pk in signatures} - {work.pk}
    gone = Assignment.objects.filter(signature__in=went).exclude(author=claim.author_id)
    return list(gone.select_related("signature__paper")[:LISTED])


# --- a missing work --------------------------------------------------------------------------------------------------


@read_or_post
@login_required
def add_work(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a work by its identifier (`identifier`), say which name is mine, ask again, or drop the wish."""
    claim = _claim(request, pk)
    if request.method != "POST":
        return _wishes(request, claim)
    what = request.POST.get("do", "ask")
    if what == "ask":
        return _ask(request, claim)
    wish = get_object_or_404(
        claim.wishes.select_related("batch", "claim__author"), pk=_number(request.POST.get("wish", ""))
    )
    if what == "again":
        if (wait := limits.take("add_work", limits.who(request))) is not None:
            return limits.refused(request, wait)
        wishes.again(wish)
    elif what == "drop":
        wishes.close(wish, WishedWork.State.DROPPED)
    elif what == "choose":
        return _choose(request, claim, wish)
    else:
        raise BadRequest("Say what to do.")
    return redirect("person_add_work", claim.author_id)


def _ask(request: HttpRequest, claim: Claim) -> HttpResponse:
    typed = request.POST.get("identifier", "").replace("\0", "")[:500]
    try:
        wishes.read(typed)
        if (wait := limits.take("add_work", limits.who(request))) is not None:
            return limits.refused(request, wait)
        wishes.wish(claim, typed)
    except ValidationError as error:
        return _wishes(request, claim, typed, " ".join(error.messages))
    return redirect("person_add_work", claim.author_id)


def _choose(request: HttpRequest, claim: Claim, wish: WishedWork) -> HttpResponse:
    """The name that the owner chose is theirs."""
    paper = wishes.paper_of(wish)
    if paper is None or not request.POST.get("signature"):
        return _wishes(request, claim, problem=_("Choose the name that is yours."))
    signature = get_object_or_404(paper.signatures.all(), pk=_number(request.POST["signature"]))
    try:
        refresh_soon(owning.review(claim, {signature.pk: True}, timezone.now()))
    except ValidationError as error:
        return _wishes(request, claim, problem=" ".join(error.messages))
    wishes.close(wish, WishedWork.State.ANSWERED)
    if owning.stand(claim, [signature.pk])[signature.pk].waits:
        messages.info(request, _("A curator will look at it, because you may not decide it alone."))
        return redirect("person_mine", claim.author_id)
    messages.success(request, _("“%(title)s” is on your record.") % {"title": paper.title_text[:120]})
    return redirect("person_add_work", claim.author_id)


def _wishes(request: HttpRequest, claim: Claim, typed: str = "", problem: str = "") -> HttpResponse:
    """The form, and how far each wish is. A part of the page asks for itself anew while something is fetched."""
    standings = wishes.standings(claim)
    context = {
        "author": claim.author,
        "why_not": _power(claim),
        "standings": standings,
        "is_waiting": any(not (s.paper or s.problem) for s in standings),
        "typed": typed,
        "problem": problem,
    }
    if wants_fragment(request):
        return render(request, "profiles/_wishes.html", context)
    return render(request, "profiles/add_work.html", context, status=400 if problem else 200)


def _number(given: str) -> int:
    if not given.isdecimal() or len(given) > 18:
        raise BadRequest("This is not a number that BZPEER gave.")
    return int(given)


# --- the edit page ---------------------------------------------------------------------------------------------------


@read_or_post
@login_required
def edit(request: HttpRequest, pk: int, section: str = "") -> HttpResponse:
    """What the owner may change, or one section of it with its form. Without control proved: what to prove first."""
    claim = _claim(request, pk)
    chosen = editing.BY_SLUG.get(section)
    if section and chosen is None:
        raise Http404("There is no such section.")
    author, words = claim.author, editing.words_of(claim.author)
    context: dict[str, Any] = {
        "author": author,
        "claim": claim,
        "words": words,
        "section": chosen,
        "sections": editing.SECTIONS,
        "own": editing.own(author),
        "why_not": _power(claim),
    }
    if request.method == "POST":
        powers.owner(claim.account, author)
        if chosen is None:
            raise BadRequest("Say which section.")
        form = chosen.form(author, words, request.POST)
        if form.is_valid():
            editing.save(claim, chosen, form)
            messages.success(request, _("Saved."))
            return redirect("person_edit", author.pk)
        return render(request, "profiles/edit_section.html", context | {"form": form}, status=400)
    if chosen is None or context["why_not"]:
        return render(request, "profiles/edit.html", context)
    return render(request, "profiles/edit_section.html", context | {"form": chosen.form(author, words, None)})


# --- the curators' queue ---------------------------------------------------------------------------------------------


@read_or_post
@for_curators
def proposals(request: HttpRequest) -> HttpResponse:
    """What owners propose of works, the newest first. POST: accept or refuse one, with a reason."""
    problems: list[str] = []
    if request.method == "POST":
        proposal = get_object_or_404(WorkProposal, pk=_number(request.POST.get("proposal", "")))
        account, answer = cast(Account, request.user), request.POST.get("answer", "").replace("\0", "")
        try:
            if request.POST.get("do") == "accept":
                refresh_soon(owning.accept(account, proposal, answer, timezone.now()))
            elif request.POST.get("do") == "refuse":
                owning.refuse(account, proposal, answer, timezone.now())
            else:
                raise BadRequest("Accept it or refuse it.")
        except ValidationError as error:
            problems = error.messages
        if not problems:
            messages.success(request, _("Decided. The owner is told."))
            return redirect(f"{reverse('curate_proposals')}?{request.GET.urlencode()}".rstrip("?"))
    filters, kind = filters_of(request, inbox.PROPOSALS), inbox.PROPOSALS
    found, following = queue.page(filters.rows(kind), kind.order, request.GET.get("after", ""), LISTED)
    context = around(filters) | {
        "cases": inbox.cases_of(kind, found),
        "following": following,
        "problems": problems,
        "typed": request.POST.get("answer", ""),
        "refused": _number(request.POST.get("proposal", "0")),
    }
    return render(request, "profiles/curate_proposals.html", context, status=400 if problems else 200)
