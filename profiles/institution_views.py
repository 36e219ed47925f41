"""Curators' pages of an institution: which printed forms are its own, what it is called, what was changed, and back.

Choosing is a GET; the preview writes nothing; applying carries what was looked at (`papers.correcting`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from papers import correcting, institutions
from papers.affiliations import key_of
from papers.bounded import TooSlow, within
from papers.correcting import Merge, Move, Proposal, Rename
from papers.models import Institution, InstitutionChange

from .curation import for_curators
from .models import Assignment, Author

LISTED = 200  # printed forms on a page
FOUND = 20  # institutions to choose from
CHANGES = 50
SEARCH_MS = 2_000
_NUMBER = re.compile(r"[0-9]{1,18}")
_ADDRESS = re.compile(r"/institutions/([0-9]{1,18})(?:[/.?#]|$)")


@require_safe
@for_curators
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """The printed forms to choose from, where they may go, and what was changed before."""
    found = institutions.heir_of(get_object_or_404(Institution, pk=pk))
    if found.pk != pk:
        return redirect("institution_change", found.pk)
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    return _chosen(request, found, query)


@require_POST
@for_curators
def previewed(request: HttpRequest, pk: int) -> HttpResponse:
    """What would come of it."""
    return _preview(request, _proposal(pk, request.POST))


@require_POST
@for_curators
def applied(request: HttpRequest, pk: int) -> HttpResponse:
    """Do it; where it cannot be done, the preview as it is now, with the reason why."""
    proposal = _proposal(pk, request.POST)
    reason, seen = (request.POST.get(name, "").replace("\0", "") for name in ("reason", "seen"))
    try:
        change = correcting.apply(request.user, proposal, reason, seen)
    except ValidationError as error:
        return _preview(request, proposal, error.messages)
    return redirect("institution_change", institutions.heir_of(change.source).pk)


@require_POST
@for_curators
def undone(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a change of it back."""
    found = institutions.heir_of(get_object_or_404(Institution, pk=pk))
    change = get_object_or_404(InstitutionChange, pk=_id(request.POST.get("change", "")))
    try:
        correcting.undo(request.user, change)
    except ValidationError as error:
        return _chosen(request, found, "", error.messages)
    return redirect("institution_change", institutions.heir_of(change.source).pk)


def _chosen(request: HttpRequest, institution: Institution, query: str, problems: Sequence[str] = ()) -> HttpResponse:
    forms = institutions.forms_of(institution)
    if after := request.GET.get("after", ""):
        forms = forms.filter(pk__gt=_id(after))
    page = list(forms[: LISTED + 1])
    changes = InstitutionChange.objects.filter(Q(source=institution) | Q(target=institution))
    others, slow = _others(institution, query)
    context = {
        "institution": institution,
        "forms": page[:LISTED],
        "following": page[LISTED - 1].pk if len(page) > LISTED else "",
        "query": query,
        "others": others,
        "slow": slow,
        "changes": changes.select_related("source", "target", "made_by", "undone_by").order_by("-pk")[:CHANGES],
        "problems": problems,
        "longest": correcting.LONGEST_NAME,
    }
    return render(request, "profiles/institution_change.html", context, status=409 if problems else 200)


def _others(institution: Institution, query: str) -> tuple[list[Institution], bool]:
    """Institutions by number, by the address of their page, or by a form that holds all the words; and whether looking
    took too long."""
    if not query:
        return [], False
    if number := (_NUMBER.fullmatch(query.removeprefix("#")) or _ADDRESS.search(query)):
        found = Institution.objects.filter(pk=int(number[number.re.groups])).first()
        return [heir] if found and (heir := institutions.heir_of(found)) != institution else [], False
    matching = Institution.objects.filter(merged_into=None).exclude(pk=institution.pk).order_by("pk")
    for word in key_of(query).replace(",", " ").replace(";", " ").split()[:8]:
        matching = matching.filter(Q(key__contains=word) | Q(names__key__contains=word))
    try:
        with within(SEARCH_MS):
            return list(matching.distinct()[:FOUND]), False
    except TooSlow:
        return [], True


def _preview(request: HttpRequest, proposal: Proposal, problems: Sequence[str] = ()) -> HttpResponse:
    context: dict[str, Any] = {
        "fields": list(_fields(proposal)),
        "reason": request.POST.get("reason", ""),
        "problems": problems,
        "institution": institutions.heir_of(get_object_or_404(Institution, pk=proposal.source)),
        "proposal": proposal,
        "kind": _kind(proposal),
        "longest": correcting.LONGEST_REASON,
    }
    try:
        preview = correcting.preview(proposal)
        holders = Assignment.objects.standing().filter(signature__in=preview.signatures)
        context["people"] = Author.objects.listed().filter(pk__in=holders.values("author")).count()
        context["preview"] = preview
    except ValidationError as error:
        context["problems"] = list(dict.fromkeys([*problems, *error.messages]))
    status = 200 if "preview" in context and not problems else 409
    return render(request, "profiles/institution_preview.html", context, status=status)


def _proposal(pk: int, form: QueryDict) -> Proposal:
    """What the form says. Raises BadRequest for what no form of ours says."""
    kind, target = form.get("kind", ""), form.get("target", "")
    if kind == "rename":
        return Rename(pk, " ".join(form.get("name", "").replace("\0", "").split()))
    if kind == "merge":
        if not target:
            raise BadRequest("Choose the other institution first.")
        return Merge(pk, _id(target))
    if kind == "move":
        return Move(pk, tuple(map(_id, form.getlist("form"))), _id(target) if target else None)
    raise BadRequest("There is no such change.")


def _kind(proposal: Proposal) -> str:
    return {Move: "move", Merge: "merge", Rename: "rename"}[type(proposal)]


def _fields(proposal: Proposal) -> Iterable[tuple[str, str]]:
    """The hidden fields that say the same again."""
    yield "kind", _kind(proposal)
    if isinstance(proposal, Rename):
        yield "name", proposal.name
    elif proposal.target is not None:
        yield "target", str(proposal.target)
    if isinstance(proposal, Move):
        yield from (("form", str(name)) for name in proposal.names)


def _id(value: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise BadRequest("This is no id.")
    return int(value)
