"""The curators' pages: the queue of doubtful cases, decisions and their withdrawal, and contradictions.

All are for curators: a visitor is led to the log-in, anyone else is refused. A decision is a POST that goes through
`decisions`; the answer says what changed and offers the way back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from celery import current_app
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_POST, require_safe

from papers.fragments import wants_fragment
from papers.models import Signature

from . import decisions, queue
from .disambiguation.clustering import Step
from .models import Account, Author, Contradiction, Correction
from .views import find_author

LISTED = 30  # decisions or contradictions on a page
View = Callable[..., HttpResponse]
M = TypeVar("M", bound=Model)


def for_curators(view: View) -> View:
    """A view that a visitor must log in for, and that refuses (403) who may not decide."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        decisions.curator(cast(Account, request.user))
        return view(request, *args, **kwargs)

    return cast(View, guarded)


@require_safe
@for_curators
def people(request: HttpRequest) -> HttpResponse:
    """Pairs of people who may be one, the most useful first."""
    pairs, following = queue.pairs(request.GET.get("after", ""))
    return render(request, "profiles/curate_people.html", {"pairs": pairs, "following": following})


@require_safe
@for_curators
def works(request: HttpRequest) -> HttpResponse:
    """Works that a weak link ties to a record, the most doubtful first."""
    found, following = queue.weak_works(request.GET.get("after", ""))
    for assignment in found:
        assignment.skip = queue.cursor_of(assignment)  # type: ignore[attr-defined]
    return render(request, "profiles/curate_works.html", {"assignments": found, "following": following})


@require_safe
@for_curators
def decided(request: HttpRequest) -> HttpResponse:
    """All decisions, the newest first: who, when, why, and whether they hold."""
    rows = Correction.objects.filter(change_set=None).select_related(
        "made_by", "withdrawn_by", "author", "other_author", "signature", "other"
    )
    found, following = _newest(rows, request.GET.get("before", ""))
    return render(request, "profiles/curate_decided.html", {"corrections": found, "following": following})


@require_safe
@for_curators
def contradictions(request: HttpRequest) -> HttpResponse:
    """What cannot all hold, each with the chain of statements that leads to it."""
    found, following = _newest(Contradiction.objects.all(), request.GET.get("before", ""))
    ids = {step[end] for row in found for step in row.chain for end in ("left", "right")}
    signatures = Signature.objects.select_related("paper", "assignment__author").in_bulk(ids)
    for row in found:
        row.steps = [  # type: ignore[attr-defined]
            {
                "left": signatures.get(step["left"]),
                "right": signatures.get(step["right"]),
                "meaning": Step(**{key: step[key] for key in ("left", "right", "says")}).meaning,
                "correction": step["correction"],
            }
            for step in row.chain
        ]
    return render(request, "profiles/curate_contradictions.html", {"contradictions": found, "following": following})


def _newest(rows: QuerySet[M], before: str) -> tuple[list[M], str]:
    """(rows before the id `before`, newest first, the next such id or "")."""
    if before:
        if not before.isdecimal() or len(before) > 18:
            raise BadRequest("This page address is not one that BZPEER made.")
        rows = rows.filter(pk__lt=int(before))
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
    return render(request, "profiles/curate_decision.html", _about(correction) | {"next": _next(request.GET)})


def _end(value: str) -> Signature | Author:
    kind, _, pk = value.partition(":")
    if not pk.isdecimal() or len(pk) > 18 or kind not in {"author", "signature"}:
        raise BadRequest("A decision is about authors and signatures.")
    return find_author(int(pk)) if kind == "author" else get_object_or_404(Signature, pk=int(pk))


def _answer(request: HttpRequest, outcome: decisions.Outcome) -> HttpResponse:
    # By name: the pipeline stands above this app.
    if outcome.authors:
        transaction.on_commit(lambda: current_app.send_task("bzpeer.refresh_authors", [outcome.authors]))
    if wants_fragment(request):
        context = _about(outcome.correction) | {"contradictions": outcome.contradictions, "next": _next(request.POST)}
        return render(request, "profiles/_decision.html", context)
    address = reverse("curate_decision", args=[outcome.correction.pk])
    return redirect(f"{address}?{urlencode({'next': _next(request.POST)})}")


def _refused(request: HttpRequest, problems: Sequence[str]) -> HttpResponse:
    context = {"problems": problems, "next": _next(request.POST)}
    if wants_fragment(request):
        return render(request, "profiles/_decision.html", context)  # 200: htmx leaves a page as it is at an error
    return render(request, "profiles/curate_decision.html", context, status=400)


def _about(correction: Correction) -> dict[str, object]:
    return {"correction": correction, "moves": list(correction.moves.select_related("source", "target").order_by("pk"))}


def _next(given: Any) -> str:
    """The address on this site to go on to, or ""."""
    address = str(given.get("next", ""))
    return address if address.startswith("/") and url_has_allowed_host_and_scheme(address, None) else ""
