"""The pages of rights without an account: ask, see where it stands by a secret link, and the curators' side."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from papers import limits
from papers.methods import read_or_post

from . import inbox, queue, rights
from .addresses import heir_of
from .curation import LISTED, around, filters_of, for_curators
from .hidden import notice
from .models import Account, Author, RightsRequest
from .unlisted import unlisted
from .views import find_author


class RightsForm(forms.Form):
    """What is wanted, how it is proved (`rights.Way.value`), and what a curator should know."""

    kind = forms.ChoiceField(label=gettext_lazy("What do you want?"), choices=RightsRequest.Kind.choices)
    way = forms.ChoiceField(label=gettext_lazy("How can you show that it is about you?"))
    text = forms.CharField(label=gettext_lazy("In your words"), max_length=rights.LONGEST, required=False)
    contact = forms.EmailField(label=gettext_lazy("Your e-mail address, for the answer"), required=False)

    def __init__(self, ways: list[rights.Way], data: Any = None) -> None:
        super().__init__(data)
        way = self.fields["way"]
        assert isinstance(way, forms.ChoiceField)
        way.choices = [(way.value, way.label) for way in ways]


@read_or_post
@limits.limited("rights", limits.who)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """What can be asked of a record, and the form for it."""
    author, account = find_author(pk, even_hidden=True), cast(Account, request.user)
    if not author.is_public:
        return _hidden(request, author, account)
    if author.pk != pk:
        return redirect("person_rights", author.pk)
    ways = rights.ways(author, account)
    form = RightsForm(ways, request.POST if request.method == "POST" else None)
    context = {"author": author, "ways": ways, "form": form, "longest": rights.LONGEST}
    if not form.is_bound:
        return render(request, "profiles/rights.html", context)
    if form.is_valid():
        way = next(way for way in ways if way.value == form.cleaned_data["way"])
        if way.proof == rights.Proof.CODE and (wait := limits.take("code_sent", way.subject)) is not None:
            return limits.refused(request, wait)
        given = {name: form.cleaned_data[name] for name in ("text", "contact")}
        kind = RightsRequest.Kind(form.cleaned_data["kind"])
        try:
            _made, key = rights.begin(author, kind, way, timezone.now(), account=account, **given)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return unlisted(redirect("rights_request", key))
    return render(request, "profiles/rights.html", context, status=400)


def _hidden(request: HttpRequest, author: Author, account: Account) -> HttpResponse:
    """Who holds the record and hid it can show it again; anybody else gets the notice."""
    asked = rights.hidden_by(account, author)
    if asked is None:
        return notice(request, author)
    if request.method == "POST":
        rights.withdraw(asked, timezone.now())
        return redirect("person", author.pk)
    return unlisted(render(request, "profiles/rights_hidden.html", {"author": author, "asked": asked}))


@read_or_post
def status(request: HttpRequest, key: str) -> HttpResponse:
    """Where a request stands, for whoever has the secret link; and its next step."""
    found = rights.find(key)
    if found is None:
        raise Http404("There is no such request.")
    problems: list[str] = []
    if request.method == "POST":
        answer = _step(request, found, key)
        if isinstance(answer, HttpResponse):
            return unlisted(answer)
        problems = answer
        found = rights.find(key) or found
    context = {"asked": found, "key": key, "problems": problems, "masked": rights.masked(found.subject)}
    if found.proof == rights.Proof.PAGE and found.state == rights.State.BEGUN:
        context["code"] = rights.page_code(found)
    # Always 200: the address is a secret, and the addresses of requests that are refused stand in the log.
    return unlisted(render(request, "profiles/rights_request.html", context))


def _step(request: HttpRequest, asked: RightsRequest, key: str) -> HttpResponse | list[str]:
    """One step of whoever has the link: where to go on, or what was wrong with it."""
    step, now = request.POST.get("step", ""), timezone.now()
    limit = {"code": ("code_try", limits.who(request)), "page": ("page_proof", limits.who(request))}
    limit["resend"] = ("code_sent", asked.subject)
    if step in limit and (wait := limits.take(*limit[step])) is not None:
        return limits.refused(request, wait)
    try:
        if step == "code":
            key = rights.prove_by_code(asked, request.POST.get("code", ""), now)
        elif step == "resend" and asked.proof == rights.Proof.CODE and asked.state == rights.State.BEGUN:
            rights.send_code(asked, key, now)
        elif step == "page":
            rights.prove_by_page(asked, key, now)
        elif step == "withdraw":
            rights.withdraw(asked, now)
        else:
            raise BadRequest("There is no such step.")
    except ValidationError as error:
        return error.messages
    return redirect("rights_request", key)


@require_safe
@for_curators
def waiting(request: HttpRequest) -> HttpResponse:
    """The requests that wait for a curator, the oldest first."""
    filters, kind = filters_of(request, inbox.RIGHTS), inbox.RIGHTS
    found, following = queue.page(filters.rows(kind), kind.order, request.GET.get("after", ""), LISTED)
    ended = RightsRequest.objects.exclude(ended_at=None).select_related("author").order_by("-ended_at")[:LISTED]
    context = around(filters) | {"cases": inbox.cases_of(kind, found), "following": following, "ended": ended}
    return render(request, "profiles/curate_rights.html", context)


@read_or_post
@for_curators
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """One request with the record as it is: grant, refuse, or show again, each with the reason."""
    rows = RightsRequest.objects.select_related("author__merged_into", "account", "decided_by")
    asked = get_object_or_404(rows, pk=pk)
    account, problems = cast(Account, request.user), []
    if request.method == "POST":
        step, answer, now = request.POST.get("step", ""), request.POST.get("answer", ""), timezone.now()
        try:
            if step in ("grant", "refuse"):
                rights.decide(account, asked, answer, now, grant=step == "grant")
            elif step == "show":
                rights.reverse(account, asked, answer, now)
            else:
                raise BadRequest("There is no such step.")
        except ValidationError as error:
            problems = error.messages
        else:
            return redirect("curate_rights_request", pk)
    author, waits = heir_of(asked.author), asked.state == rights.State.WAITING
    context = {
        "asked": asked,
        "case": inbox.cases_of(inbox.RIGHTS, [asked])[0] if waits else None,
        "curators": list(inbox.curators()),
        "works": list(author.assignments.select_related("signature__paper")[:LISTED]),
        "author": author,
        "others": asked.author.rights_requests.exclude(pk=pk).order_by("-pk")[:LISTED],
        "problems": problems,
    }
    return render(request, "profiles/curate_rights_request.html", context, status=400 if problems else 200)
