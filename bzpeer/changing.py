"""The curators' pages of changes: choose, look at what would come of it, apply, and take back.

Choosing is a GET; the preview is a POST, since it does the change and rolls it back; applying carries the digest of
what was looked at, so that nobody applies to records that somebody else changed meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from celery import current_app
from django.core.exceptions import BadRequest, ValidationError
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from papers.models import Signature
from papers.names import fold
from profiles import changesets, identifiers
from profiles.changesets import InTheWay
from profiles.curation import for_curators
from profiles.models import Account, Assignment, Author, ChangeSet, Contradiction
from profiles.obstacles import Obstacle, obstacles
from profiles.proposals import CorrectName, Merge, MoveWorks, Proposal, SetIdentifier
from profiles.search import find_people
from profiles.views import find_author

from .changes import PEOPLE, preview, refresh

KINDS = ("merge", "split", "move", "name", "identifier")
LISTED = 30  # change sets on a page
ROWS = 100  # rows of a change set on a page
WORKS = 300  # works to choose from, newest first: a filter finds the others, and a form has at most 1,000 fields
_NUMBER = re.compile(r"[0-9]{1,18}")
_ADDRESS = re.compile(r"/people/([0-9]{1,18})(?:[/.?#]|$)")


@require_safe
@for_curators
def choose(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """What to change of a person: whom to merge with, which works go, which name or identifier."""
    if kind not in KINDS:
        raise Http404("There is no such change.")
    author = find_author(pk, even_hidden=True)
    if author.pk != pk:
        return redirect("change", author.pk, kind)
    context: dict[str, Any] = {"author": author, "kind": kind}
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    if kind == "name":
        return render(request, "bzpeer/change_name.html", context)
    if kind == "identifier":
        context |= {"schemes": identifiers.SCHEMES, "identifiers": identifiers.of(author)}
        return render(request, "bzpeer/change_identifier.html", context)
    target = _target(request.GET.get("to", "")) if kind == "move" else None
    if kind == "merge" or (kind == "move" and target is None):
        people = [other for other in _found(query) if other.pk != author.pk]
        return render(request, "bzpeer/change_person.html", context | {"query": query, "people": people})
    works, more = _works(author, query)
    context |= {"query": query, "works": works, "more": more, "target": target}
    return render(request, "bzpeer/change_works.html", context)


@require_POST
@for_curators
def previewed(request: HttpRequest) -> HttpResponse:
    """What would come of it."""
    return _preview(request, _proposal(request.POST))


@require_POST
@for_curators
def applied(request: HttpRequest) -> HttpResponse:
    """Do it; where it cannot be done, the preview as it is now, with the reason why."""
    proposal = _proposal(request.POST)
    try:
        change_set = changesets.apply(
            _account(request), proposal, request.POST.get("reason", ""), request.POST.get("seen", "")
        )
    except ValidationError as error:
        return _preview(request, proposal, error.messages)
    _refresh(change_set)
    return redirect(change_set)


@require_safe
@for_curators
def listed(request: HttpRequest) -> HttpResponse:
    """All change sets, the newest first."""
    before = request.GET.get("before", "")
    sets = ChangeSet.objects.select_related("made_by").order_by("-pk")
    if before:
        sets = sets.filter(pk__lt=_id(before))
    live = Count("rows", filter=Q(rows__undone_at=None))
    found = list(sets.annotate(count=Count("rows"), live=live)[: LISTED + 1])
    following = str(found[LISTED - 1].pk) if len(found) > LISTED else ""
    return render(request, "bzpeer/changes.html", {"change_sets": found[:LISTED], "following": following})


@require_safe
@for_curators
def shown(request: HttpRequest, pk: int) -> HttpResponse:
    """One change set: its rows, what was done since, what stands in the way of undoing it, and the way back."""
    return _shown(request, get_object_or_404(ChangeSet.objects.select_related("made_by"), pk=pk))


@require_POST
@for_curators
def undone(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back the row named, or all."""
    return _step(request, pk, changesets.undo)


@require_POST
@for_curators
def redone(request: HttpRequest, pk: int) -> HttpResponse:
    """Do the row named again, or all that were undone."""
    return _step(request, pk, changesets.redo)


def _step(request: HttpRequest, pk: int, step: Any) -> HttpResponse:
    change_set = get_object_or_404(ChangeSet.objects.select_related("made_by"), pk=pk)
    row = request.POST.get("row", "")
    try:
        change_set = step(_account(request), change_set, _id(row) if row else None)
    except InTheWay as refusal:
        return _shown(request, change_set, in_the_way=refusal.obstacles, status=409)
    except ValidationError as error:
        return _shown(request, change_set, problems=error.messages, status=409)
    _refresh(change_set)
    return redirect(change_set)


def _shown(
    request: HttpRequest,
    change_set: ChangeSet,
    in_the_way: Sequence[Obstacle] = (),
    problems: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    rows = change_set.rows.select_related(
        "source", "target", "signature__paper", "signature__assignment__author", "undone_by"
    ).order_by("pk")
    if after := request.GET.get("after", ""):
        rows = rows.filter(pk__gt=_id(after))
    page = list(rows[: ROWS + 1])
    following = str(page[ROWS - 1].pk) if len(page) > ROWS else ""
    page = page[:ROWS]
    counts = change_set.rows.aggregate(all=Count("pk"), live=Count("pk", filter=Q(undone_at=None)))
    steps = change_set.steps.select_related("made_by", "one__signature__assignment__author")
    context = {
        "change_set": change_set,
        "rows": page,
        "following": following,
        "counts": counts,
        "steps": steps.order_by("-pk")[:ROWS],
        "obstacles": in_the_way or obstacles(change_set, [row for row in page if row.is_live]),
        "refused": bool(in_the_way),
        "problems": problems,
        "people": _concerned(change_set),
        "contradictions": Contradiction.objects.filter(
            surnames__overlap=[str(row.printed["surname_key"]) for row in page if row.printed]
        ).order_by("pk")[:LISTED]
        if any(row.printed for row in page)
        else [],
    }
    return render(request, "bzpeer/change.html", context, status=status)


def _concerned(change_set: ChangeSet) -> Iterable[Author]:
    rows = change_set.rows.order_by().values("source", "target").distinct()[:LISTED]
    return Author.objects.filter(pk__in={pk for row in rows for pk in row.values() if pk}).order_by("pk")


def _preview(request: HttpRequest, proposal: Proposal, problems: Sequence[str] = ()) -> HttpResponse:
    fields = [(name, value) for name, value in _fields(proposal)]
    context: dict[str, Any] = {
        "fields": fields,
        "reason": request.POST.get("reason", ""),
        "problems": problems,
        "author": Author.objects.filter(pk__in=proposal.authors).order_by("pk").first(),
        "proposal": proposal,
    }
    try:
        context["preview"] = preview(_account(request), proposal)
    except ValidationError as error:
        context["problems"] = list(dict.fromkeys([*problems, *error.messages]))
    status = 200 if "preview" in context and not problems else 409
    return render(request, "bzpeer/change_preview.html", context, status=status)


def _proposal(form: Mapping[str, Any]) -> Proposal:
    """What the form says. Raises BadRequest for what no form of ours says."""
    kind = form.get("kind", "")
    if kind == "merge":
        pairs = [pair.split("-") for pair in form.get("pairs", "").split(",") if pair]
        if any(len(pair) != 2 for pair in pairs):
            raise BadRequest("A merge is of pairs of people.")
        return Merge(tuple((_id(one), _id(other)) for one, other in pairs))
    author = _id(form.get("author", ""))
    if kind in {"split", "move"}:
        given = form.getlist("signature") if hasattr(form, "getlist") else []
        given = [one for field in given for one in field.split(",") if one]
        target = _id(form.get("target", "")) if kind == "move" else None
        return MoveWorks(author, tuple(dict.fromkeys(map(_id, given))), target)
    if kind == "name":
        return CorrectName(author, form.get("name", "").replace("\0", ""))
    if kind == "identifier":
        return SetIdentifier(author, form.get("scheme", ""), form.get("value", "").replace("\0", ""))
    raise BadRequest("There is no such change.")


def _fields(proposal: Proposal) -> Iterable[tuple[str, str]]:
    """The hidden fields that say the same again."""
    if isinstance(proposal, Merge):
        return [("kind", "merge"), ("pairs", ",".join(f"{one}-{other}" for one, other in proposal.pairs))]
    if isinstance(proposal, MoveWorks):
        found = [("kind", str(proposal.kind.value)), ("author", str(proposal.source))]
        found.append(("signature", ",".join(map(str, proposal.signatures))))
        return found + ([("target", str(proposal.target))] if proposal.target is not None else [])
    if isinstance(proposal, CorrectName):
        return [("kind", "name"), ("author", str(proposal.author)), ("name", proposal.name)]
    return [
        ("kind", "identifier"),
        ("author", str(proposal.author)),
        ("scheme", proposal.scheme),
        ("value", proposal.value),
    ]


def _found(query: str) -> list[Author]:
    """People by id, by the address of their page, or by name."""
    if found := (_NUMBER.fullmatch(query.removeprefix("#")) or _ADDRESS.search(query)):
        author = Author.objects.filter(pk=int(found[found.re.groups])).first()
        return [find_author(author.pk, even_hidden=True)] if author else []
    return find_people(query).people


def _target(value: str) -> Author | None:
    return find_author(_id(value), even_hidden=True) if value else None


def _works(author: Author, query: str) -> tuple[list[Assignment], bool]:
    """The newest works that fit the words of a title, a coauthor or a year; and whether there are more."""
    rows = author.assignments.select_related("signature__paper").order_by(
        "-signature__paper__updated", "-signature__paper_id"
    )
    for word in query.split()[:8]:
        beside = Signature.objects.filter(paper=OuterRef("signature__paper")).exclude(assignment__author=author)
        fits = Q(signature__paper__title_text__icontains=word)
        if key := fold(word):
            fits |= Q(Exists(beside.filter(Q(family_key__contains=key) | Q(given_key__contains=key))))
        if word.isdecimal() and len(word) == 4:
            fits |= Q(signature__paper__updated__year=int(word))
        rows = rows.filter(fits)
    found = list(rows[: WORKS + 1])
    beside = Signature.objects.filter(paper__in=[a.signature.paper_id for a in found]).order_by("paper", "position")
    names: dict[int, list[tuple[int, str]]] = {}
    for paper, family, given, suffix, pk in beside.values_list("paper", "family", "given", "suffix", "pk"):
        names.setdefault(paper, []).append((pk, " ".join(filter(None, (given, family, suffix)))))
    for assignment in found:
        others = [name for pk, name in names[assignment.signature.paper_id] if pk != assignment.signature_id]
        assignment.coauthors = others[:5]  # type: ignore[attr-defined]
        assignment.more_coauthors = max(0, len(others) - 5)  # type: ignore[attr-defined]
    return found[:WORKS], len(found) > WORKS


def _id(value: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise BadRequest("This is no id.")
    return int(value)


def _account(request: HttpRequest) -> Account:
    return cast(Account, request.user)


def _refresh(change_set: ChangeSet) -> None:
    """The people concerned at once, as the preview had shown them; everyone else is for a worker."""
    refresh([author.pk for author in _concerned(change_set)][:PEOPLE])
    if touched := list(change_set.touched):
        transaction.on_commit(lambda: current_app.send_task("bzpeer.refresh_authors", [touched]))
