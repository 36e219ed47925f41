"""Saving papers and collections of them: the buttons on a paper's page, the lists, and what their owner changes.

Each address says one thing about what belongs to who asks, and each POST what it wants, so that twice is once. What a
visitor may see is a question of `profiles.feedback.collecting`; anybody else's is not there (404).
"""

from __future__ import annotations

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from papers import limits
from papers.fragments import wants_fragment
from papers.methods import read_or_post
from papers.models import Paper

from . import conversing
from .feedback import collecting
from .models import Account, Collection, CollectionItem
from .unlisted import unlisted


class CollectionForm(forms.Form):
    """What `collecting.make` and `edit` are given, and check."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        widget=forms.TextInput({"maxlength": collecting.LONGEST_NAME, "autocomplete": "off", "dir": "auto"}),
    )
    about = forms.CharField(
        label=gettext_lazy("What it is about"),
        required=False,
        widget=forms.Textarea({"rows": 3, "maxlength": collecting.LONGEST, "class": "prose", "dir": "auto"}),
    )
    visibility = forms.ChoiceField(
        label=gettext_lazy("Who sees it, with your notes"),
        choices=Collection.Visibility.choices,
        widget=forms.RadioSelect,
    )


# --- on a paper's page ------------------------------------------------------------------------------------------------


@require_POST
@login_required
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep a paper among the saved ones, or no more."""
    wanted, account, problem = request.POST.get("saved", ""), cast(Account, request.user), ""
    if wanted not in {"0", "1"}:
        raise BadRequest("Say whether to keep it.")
    paper = get_object_or_404(Paper, pk=pk)
    try:
        if wanted == "1":
            collecting.save(account, paper.pk, timezone.now())
        else:
            collecting.unsave(account, paper.pk)
    except ValidationError as refusal:
        problem = " ".join(refusal.messages)
    return _kept(request, paper, problem)


@read_or_post
@login_required
def collect(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose which of one's collections hold a paper; `new` makes one more. What was checked when the form was made
    stands in `was`: only the difference changes."""
    account, paper = cast(Account, request.user), get_object_or_404(Paper, pk=pk)
    checked, was = _numbers(request, "in"), _numbers(request, "was")
    if request.method != "POST":
        return _choice(request, account, paper, set(), "", "")
    new = request.POST.get("new", "")
    try:
        into = collecting.choose(account, paper.pk, checked - was, was - checked, new, timezone.now())
    except ValidationError as refusal:
        return _choice(request, account, paper, checked, new, " ".join(refusal.messages))
    if into and not wants_fragment(request):
        names = ", ".join(f"“{collection}”" for collection in into)
        messages.success(request, _("It is in %(names)s now.") % {"names": names})
    return _kept(request, paper, "")


def _kept(request: HttpRequest, paper: Paper, problem: str) -> HttpResponse:
    if wants_fragment(request):
        return render(request, "profiles/_collecting.html", {"paper": paper, "problem": problem})
    if problem:
        messages.error(request, problem)
    return redirect(f"{paper.get_absolute_url()}#next-steps")


def _choice(
    request: HttpRequest, account: Account, paper: Paper, checked: set[int], new: str, problem: str
) -> HttpResponse:
    """The form, as a page or in place; after a refusal with what was chosen."""
    held = set(CollectionItem.objects.filter(collection__account=account, paper=paper).values_list("collection"))
    rows = [row for row in collecting.mine(account) if not row.is_saved]
    boxes = [(row, (row.pk,) in held, row.pk in checked if problem else (row.pk,) in held) for row in rows]
    context = {"paper": paper, "boxes": boxes, "new": new, "problem": problem, "longest": collecting.LONGEST_NAME}
    if wants_fragment(request):
        name = "_collecting" if problem else "_collect"
        return render(request, f"profiles/{name}.html", context | {"in_place": True, "is_open": True})
    return render(request, "profiles/collect.html", context, status=400 if problem else 200)


# --- collections ------------------------------------------------------------------------------------------------------


@read_or_post
@login_required
def collections(request: HttpRequest) -> HttpResponse:
    """One's own, and a form for another."""
    account = cast(Account, request.user)
    form = CollectionForm(request.POST if request.method == "POST" else None, initial={"visibility": "private"})
    status, wait = 200, None
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                return redirect(collecting.make(account, now=timezone.now(), **form.cleaned_data))
            except ValidationError as refusal:
                form.add_error(None, refusal)
                wait = refusal.wait if isinstance(refusal, limits.TooMany) else None
    rows = collecting.mine(account)
    context = {
        "saved": next((row for row in rows if row.is_saved), None),
        "rows": [row for row in rows if not row.is_saved],
        "most": collecting.MOST,
        "most_papers": collecting.MOST_PAPERS,
        "form": form,
    }
    response = render(request, "profiles/collections.html", context, status=status)
    return response if wait is None else limits.answered(response, wait)


@require_safe
def collection(request: HttpRequest, pk: int, slug: str = "") -> HttpResponse:
    """One of them. The id decides; any other slug redirects to the right one."""
    found = get_object_or_404(collecting.seen_by(request.user), pk=pk)
    if slug != found.slug:
        return redirect(found, permanent=True)
    return _page(request, found, found.get_absolute_url())


@require_safe
def shared(request: HttpRequest, key: str) -> HttpResponse:
    """One of them for whoever has its link; a public one is at its own address."""
    found = find_shared(key)
    if found.visibility == Collection.Visibility.PUBLIC:
        return unlisted(redirect(found))
    return unlisted(_page(request, found, request.path, key))


def find_shared(key: str) -> Collection:
    """What the link shows. Raises Http404."""
    if (found := collecting.by_key(key)) is None:
        raise Http404("This link leads nowhere, or no more.")
    return found


def _page(request: HttpRequest, found: Collection, url: str, key: str = "") -> HttpResponse:
    items, following = collecting.listed(found, request.GET.get("after", ""))
    context = {
        "collection": found,
        "is_own": found.account_id == request.user.pk,
        "size": found.items.count(),
        "items": items,
        "following": following,
        "url": url,
        "key": key,
        "by": conversing.shown_as(found.account),
        "longest": collecting.LONGEST,
    }
    return render(request, "profiles/collection.html", context)


@read_or_post
@login_required
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Its words, and who sees it."""
    found = _own(request, pk)
    given = {"name": found.name, "about": found.about, "visibility": found.visibility}
    form = CollectionForm(request.POST if request.method == "POST" else None, initial=given)
    status, wait = 200, None
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                changed = collecting.edit(found, now=timezone.now(), **form.cleaned_data)
            except ValidationError as refusal:
                form.add_error(None, refusal)
                wait = refusal.wait if isinstance(refusal, limits.TooMany) else None
            else:
                messages.success(request, _("Saved."))
                return redirect(changed)
    context = {"collection": found, "form": form}
    response = render(request, "profiles/collection_edit.html", context, status=status)
    return response if wait is None else limits.answered(response, wait)


@read_or_post
@login_required
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """What would go, and the button."""
    found = _own(request, pk)
    if request.method == "POST":
        collecting.delete(found)
        messages.success(request, _("“%(name)s” is deleted. Its papers are where they were.") % {"name": found})
        return redirect("collections")
    return render(request, "profiles/collection_delete.html", {"collection": found, "size": found.items.count()})


@require_POST
@login_required
def new_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Another link, which ends the one before."""
    found = _own(request, pk)
    try:
        collecting.new_key(found)
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, _("Here is the new link. The old one leads nowhere now."))
    return redirect(found)


@require_POST
@login_required
def paper(request: HttpRequest, pk: int, paper: int) -> HttpResponse:
    """One paper of a collection: `do` is to note, to take out, or to put back."""
    account = cast(Account, request.user)
    found = get_object_or_404(Collection.objects.select_related("account"), pk=pk, account=account)
    do, note, now, problem = request.POST.get("do", ""), request.POST.get("note", ""), timezone.now(), ""
    if do not in {"note", "out", "back"}:
        raise BadRequest("Say what shall become of it.")
    before = found.items.filter(paper=paper).first()
    try:
        if do == "note":
            collecting.annotate(found, paper, note, now)
        elif do == "out":
            collecting.take_out(found, paper)
        else:
            collecting.put_back(found, paper, note, now)
    except ValidationError as refusal:
        problem = " ".join(refusal.messages)
    if not wants_fragment(request):
        if problem:
            messages.error(request, problem)
        return redirect(found)
    after = found.items.filter(paper=paper).first()
    item = after or before or CollectionItem(collection=found)
    item.paper = get_object_or_404(Paper.objects.with_people(), pk=paper)
    context = {
        "collection": found,
        "item": item,
        "is_own": True,
        "is_out": after is None,
        "problem": problem,
        "typed": note if problem and do != "out" else item.note,
        "is_open": bool(problem) and do == "note",
        "longest": collecting.LONGEST,
    }
    return render(request, "profiles/_collected.html", context)


def _own(request: HttpRequest, pk: int) -> Collection:
    """A collection of who asks that can be changed as a whole. Raises Http404."""
    rows = Collection.objects.filter(account=cast(Account, request.user), is_saved=False).select_related("account")
    return get_object_or_404(rows, pk=pk)


def _numbers(request: HttpRequest, key: str) -> set[int]:
    given = request.POST.getlist(key)
    if not all(value.isascii() and value.isdecimal() and len(value) <= 18 for value in given):
        raise BadRequest("This form was not made here.")
    return {int(value) for value in given}
