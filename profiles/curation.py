"""The curators' pages: the inbox and its queues, two people side by side, decisions and their withdrawal, the journal.

All are for curators: a visitor is led to the log-in, anyone else is refused. A decision is a POST that goes through
`decisions`; the answer says what changed and offers the way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from celery import current_app
from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from papers import journal
from papers.fragments import wants_fragment
from papers.models import Signature
from papers.paging import key
from papers.permissions import needs

from . import decisions, inbox, queue
from .comparing import compare
from .disambiguation.clustering import Step
from .models import Account, Author, Correction
from .views import find_author

LISTED = 30  # decisions, contradictions or rows of the journal on a page
M = TypeVar("M", bound=Model)


for_curators = needs("profiles.add_correction")


@require_safe
@for_curators
def overview(request: HttpRequest) -> HttpResponse:
    """The inbox: every queue with its count and first cases, or all of one queue, a line each."""
    filters = filters_of(request)
    sections = inbox.overview(filters, request.GET.get("after", ""))
    following = next((section.following for section in sections if section.following), "")
    kept = f"{urlencode(filters.words)}&" if filters.words else ""
    context = around(filters) | {"sections": sections, "kinds": inbox.KINDS, "following": following, "kept": kept}
    return render(request, "profiles/curate_inbox.html", context)


@require_safe
@for_curators
def people(request: HttpRequest) -> HttpResponse:
    """Pairs of people who may be one, the most useful first."""
    filters = filters_of(request, inbox.PAIRS)
    pairs, following = queue.pairs(request.GET.get("after", ""), rows=filters.rows(inbox.PAIRS))
    cases = inbox.cases_of(inbox.PAIRS, [pair.suggestion for pair in pairs])
    context = around(filters) | {"cases": list(zip(pairs, cases, strict=True)), "following": following}
    return render(request, "profiles/curate_people.html", context)


@require_safe
@for_curators
def works(request: HttpRequest) -> HttpResponse:
    """Works that a weak link ties to a record, the most doubtful first."""
    return _works(request, inbox.WORKS, "profiles/curate_works.html")


@require_safe
@for_curators
def doubted(request: HttpRequest) -> HttpResponse:
    """Works that readers say are another person's, the most doubted first."""
    return _works(request, inbox.DOUBTS, "profiles/curate_doubts.html")


def _works(request: HttpRequest, kind: inbox.Kind, template: str) -> HttpResponse:
    """A queue of works, each beside the record on which it stands."""
    filters = filters_of(request, kind)
    found, following = queue.page(filters.rows(kind), kind.order, request.GET.get("after", ""), queue.SHOWN)
    for assignment in found:
        assignment.skip = queue.cursor_of(assignment, kind.order)
    cases = inbox.cases_of(kind, found)
    return render(request, template, around(filters) | {"cases": cases, "following": following})


@require_safe
@for_curators
def contradictions(request: HttpRequest) -> HttpResponse:
    """What cannot all hold, each with the chain of statements that leads to it."""
    filters, kind = filters_of(request, inbox.CONTRADICTIONS), inbox.CONTRADICTIONS
    found, following = queue.page(filters.rows(kind), kind.order, request.GET.get("after", ""), LISTED)
    ids = {step[end] for row in found for step in row.chain for end in ("left", "right")}
    signatures = Signature.objects.select_related("paper", "assignment__author").in_bulk(ids)
    for row in found:
        row.steps = [
            {
                "left": signatures.get(step["left"]),
                "right": signatures.get(step["right"]),
                "meaning": Step(**{key: step[key] for key in ("left", "right", "says")}).meaning,
                "correction": step["correction"],
            }
            for step in row.chain
        ]
    context = around(filters) | {"cases": inbox.cases_of(kind, found), "following": following}
    return render(request, "profiles/curate_contradictions.html", context)


def filters_of(request: HttpRequest, kind: inbox.Kind | None = None) -> inbox.Filters:
    return inbox.Filters.of(cast(Account, request.user), request.GET, kind.slug if kind else "")


def around(filters: inbox.Filters) -> dict[str, object]:
    """What a page of cases says besides them."""
    words = {key: value for key, value in filters.words.items() if key != "kind"}
    return {
        "filters": filters,
        "kept": f"{urlencode(words)}&" if words else "",
        "curators": list(inbox.curators()),
    }


@require_POST
@for_curators
def hold(request: HttpRequest) -> HttpResponse:
    """Take a case ("me"), give it back ("nobody"), or give it to the curator `chosen` ("chosen")."""
    kind, (one, other) = inbox.BY_SLUG.get(request.POST.get("kind", "")), _key(request.POST.get("case", ""))
    to, account = request.POST.get("to", ""), cast(Account, request.user)
    if kind is None or to not in {"me", "nobody", "chosen"}:
        raise BadRequest("Say which case, and whose it shall be.")
    row = kind.find(one, other)
    if row is None:
        return _held(request, None, _("This case is decided already, or gone."))
    case = inbox.cases_of(kind, [row])[0]
    problem = ""
    try:
        chosen = account if to == "me" else None
        if to == "chosen":
            chosen = get_object_or_404(Account, username=request.POST.get("chosen", ""))
        case.holder = inbox.give(account, case, chosen)
    except ValidationError as error:
        problem = " ".join(error.messages)
    return _held(request, case, problem)


def _held(request: HttpRequest, case: inbox.Case | None, problem: str) -> HttpResponse:
    if wants_fragment(request):
        context = {
            "case": case,
            "problem": problem,
            "curators": list(inbox.curators()),
            "next": next_of(request.POST),
        }
        return render(request, "profiles/_holder.html", context)
    if problem:
        messages.warning(request, problem)
    return redirect(next_of(request.POST) or "curate")


def _key(value: str) -> tuple[int, int]:
    one, _dash, other = value.partition("-")
    if not (one.isdecimal() and (other or "0").isdecimal() and max(len(one), len(other)) <= 18):
        raise BadRequest("This is not a case that BZPEER named.")
    return int(one), int(other or 0)


@require_safe
@for_curators
def side_by_side(request: HttpRequest, one: int, other: int) -> HttpResponse:
    """Two people, with what they share, what separates them, and the evidence between them. Merged ids lead on."""
    left, right = find_author(one, even_hidden=True), find_author(other, even_hidden=True)
    if left == right:
        messages.info(request, _("These are one record."))
        return redirect(left)
    if (left.pk, right.pk) != (one, other):
        return redirect("curate_compare", left.pk, right.pk)
    ends = sorted((left.pk, right.pk))
    case = inbox.PAIRS.find(*ends)
    context = {
        "comparison": compare(left, right),
        "case": inbox.cases_of(inbox.PAIRS, [case])[0] if case else None,
        "curators": list(inbox.curators()) if case else [],
        "next": next_of(request.GET),
    }
    return render(request, "profiles/curate_compare.html", context)


@require_safe
@needs("papers.view_journalentry")
def journal_page(request: HttpRequest) -> HttpResponse:
    """What staff did, the newest first, of whom, what, and about what one asks."""
    words = {
        word: request.GET.get(word, "").replace("\0", "").strip()[:300] for word in ("who", "verb", "kind", "subject")
    }
    found, following = _newest(journal.read(**words), request.GET.get("before", ""))
    # What an author was called then may be a name that its owner has left.
    about = {entry.subject_id for entry in found if entry.subject_kind == Author._meta.label_lower}
    named = Author.objects.filter(hides_printed=True).in_bulk(about)
    for entry in found:
        if entry.subject_kind == Author._meta.label_lower and entry.subject_id in named:
            entry.subject = named[entry.subject_id].name
    verbs, kinds = journal.words()
    given = {key: value for key, value in words.items() if value}
    context = {
        "entries": found,
        "following": following,
        "words": words,
        "verbs": verbs,
        "kinds": kinds,
        "kept": f"{urlencode(given)}&" if given else "",
    }
    return render(request, "profiles/curate_journal.html", context)


@require_safe
@for_curators
def decided(request: HttpRequest) -> HttpResponse:
    """All decisions, the newest first: who, when, why, and whether they hold."""
    rows = Correction.objects.filter(change_set=None).select_related(
        "made_by",
        "withdrawn_by",
        "author",
        "other_author",
        "signature__assignment__author",
        "other__assignment__author",
    )
    found, following = _newest(rows, request.GET.get("before", ""))
    return render(request, "profiles/curate_decided.html", {"corrections": found, "following": following})


def _newest(rows: QuerySet[M], before: str) -> tuple[list[M], str]:
    """(rows before the id `before`, newest first, the next such id or "")."""
    if before:
        rows = rows.filter(pk__lt=key(before))
    found = list(rows.order_by("-pk")[: LISTED + 1])
    return found[:LISTED], str(found[LISTED - 1].pk) if len(found) > LISTED else ""


@require_POST
@for_curators
def decide(request: HttpRequest) -> HttpResponse:
    """Record that two ("author:12", "signature:34") are, or are not, the same person."""
    one, other = (_end(request.POST.get(end, "")) for end in ("one", "other"))
    if (same := {"1": True, "0": False}.get(request.POST.get("same", ""))) is None:
        raise BadRequest("Say whether they are the same person.")
    reason = request.POST.get("reason", "").replace("\0", "")
    try:
        outcome = decisions.decide(cast(Account, request.user), one, other, same=same, reason=reason)
    except ValidationError as error:
        return _refused(request, error.messages)
    return _answer(request, outcome)


@require_POST
@for_curators
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """The decision no longer holds; what it had changed is worked out again."""
    correction = get_object_or_404(Correction, pk=pk)
    return _answer(request, decisions.withdraw(correction, cast(Account, request.user)))


@require_safe
@for_curators
def decision(request: HttpRequest, pk: int) -> HttpResponse:
    """One decision: what was said, what it changed, and the way back."""
    correction = get_object_or_404(Correction, pk=pk)
    return render(request, "profiles/curate_decision.html", _about(correction) | {"next": next_of(request.GET)})


def _end(value: str) -> Signature | Author:
    kind, _colon, pk = value.partition(":")
    if not pk.isdecimal() or len(pk) > 18 or kind not in {"author", "signature"}:
        raise BadRequest("A decision is about authors and signatures.")
    return find_author(int(pk), even_hidden=True) if kind == "author" else get_object_or_404(Signature, pk=int(pk))


def refresh_soon(authors: list[int]) -> None:
    """Have counts, collaborators and trust of these computed again once this is committed."""
    # By name: the pipeline stands above this app.
    if authors:
        transaction.on_commit(lambda: current_app.send_task("bzpeer.refresh_authors", [authors]))


def _answer(request: HttpRequest, outcome: decisions.Outcome) -> HttpResponse:
    refresh_soon(outcome.authors)
    if wants_fragment(request):
        context = _about(outcome.correction) | {
            "contradictions": outcome.contradictions,
            "next": next_of(request.POST),
        }
        return render(request, "profiles/_decision.html", context)
    address = reverse("curate_decision", args=[outcome.correction.pk])
    return redirect(f"{address}?{urlencode({'next': next_of(request.POST)})}")


def _refused(request: HttpRequest, problems: Sequence[str]) -> HttpResponse:
    context = {"problems": problems, "next": next_of(request.POST)}
    if wants_fragment(request):
        return render(request, "profiles/_decision.html", context)  # 200: htmx leaves a page as it is at an error
    return render(request, "profiles/curate_decision.html", context, status=400)


def _about(correction: Correction) -> dict[str, object]:
    return {"correction": correction, "moves": list(correction.moves.select_related("source", "target").order_by("pk"))}


def next_of(given: Any) -> str:
    """The address on this site to go on to, or ""."""
    address = str(given.get("next", ""))
    return address if address.startswith("/") and url_has_allowed_host_and_scheme(address, None) else ""
