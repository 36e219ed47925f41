"""How is A connected to B: a page with two fields, and the same as JSON.

The address holds what was typed until it is known who is meant, and then their ids, so that it can be shared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from papers.bounded import TooSlow
from papers.names import fold
from profiles.hidden import Hidden
from profiles.meant import meant
from profiles.models import Author
from profiles.views import find_author

from . import places
from .networks import Node, chaining
from .paths import Answer, Chain, Step, Wanted, connect

LONGEST = 300  # characters typed that are read
_ID = re.compile(r"(?:person-|#)?([0-9]{1,18})", re.ASCII)
_NAMED = re.compile(r"(?P<name>.+) \(person-(?P<id>[0-9]{1,18})\)", re.ASCII)  # as the field shows who was chosen


class YearsForm(forms.Form):
    """Within which years, and by which attributions."""

    first = forms.IntegerField(label=gettext_lazy("From year"), min_value=1, max_value=MAXYEAR, required=False)
    last = forms.IntegerField(label=gettext_lazy("To year"), min_value=1, max_value=MAXYEAR, required=False)
    weak = forms.BooleanField(label=gettext_lazy("Count weak attributions too"), required=False)

    def clean(self) -> dict[str, Any]:
        found = cast(dict[str, Any], super().clean())
        if found.get("first") and found.get("last") and found["first"] > found["last"]:
            self.add_error("last", _("The last year comes before the first one."))
        return found

    def wanted(self) -> Wanted:
        """Of a valid form."""
        return Wanted(self.cleaned_data["first"], self.cleaned_data["last"], self.cleaned_data["weak"])


@dataclass(frozen=True, slots=True)
class End:
    """One of the two fields: what was typed, whom it means or may mean, and what is wrong with it (`status`)."""

    field: str
    label: str
    typed: str
    author: Author | None = None
    candidates: tuple[tuple[Author, str], ...] = ()  # with the address that chooses them
    problem: str = ""
    status: int = HTTPStatus.OK

    @property
    def value(self) -> str:
        """What the field holds: a name that people read, with the id that decides."""
        return f"{self.author.name} (person-{self.author.pk})" if self.author else self.typed


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read: whom, on which terms, and the answer where both are known and nothing is wrong."""

    form: YearsForm
    ends: tuple[End, End]
    address: str = ""  # canonical query, where both are known
    answer: Answer | None = None

    @property
    def status(self) -> int:
        if self.form.errors:
            return HTTPStatus.BAD_REQUEST
        if self.answer and self.answer.slow:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return max(end.status for end in self.ends)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The form; with both people, the answer. Another way to name them redirects to the address with their ids."""
    asked = _asked(request)
    if asked.address and asked.address != _query(request.GET):
        return redirect(f"{request.path}?{asked.address}")
    one, other = asked.ends
    context: dict[str, Any] = {"form": asked.form, "ends": asked.ends, "answer": asked.answer, "address": asked.address}
    if one.typed or other.typed:
        context["swapped"] = _query(request.GET, **{"from": _of(other), "to": _of(one)})
    if asked.answer:
        context |= {"one": one.author, "other": other.author}
        context["ways"] = [(way.label, _query(_terms(asked.ends, way.wanted))) for way in asked.answer.ways]
        if chains := [_nodes(chain) for chain in asked.answer.chains]:
            context |= {"across": chaining.across(chains), "upright": chaining.upright(chains[0])}
    return render(request, "graph/path.html", context, status=asked.status)


@require_safe
def as_json(request: HttpRequest) -> HttpResponse:
    """The answer, or {"problem": a sentence} with 400, 404, 410 or 503."""
    asked = _asked(request)
    if asked.address and asked.address != _query(request.GET):
        return redirect(f"{request.path}?{asked.address}")
    problems = [str(problem) for errors in asked.form.errors.values() for problem in errors]
    problems += [end.problem for end in asked.ends if end.problem]
    if asked.answer is None:
        problem = " ".join(problems) or _("Name two people: from and to.")
        return JsonResponse({"problem": problem}, status=max(asked.status, HTTPStatus.BAD_REQUEST))
    if asked.answer.slow:
        return JsonResponse({"problem": asked.answer.problem}, status=asked.status)
    one, other = (cast(Author, end.author) for end in asked.ends)
    wanted = asked.form.wanted()
    found = {
        "from": _person(one),
        "to": _person(other),
        "first": wanted.first_year,
        "last": wanted.last_year,
        "weak": wanted.weak,
        "built_at": asked.answer.built_at,
        "said": asked.answer.chains[0].said if asked.answer.chains else asked.answer.problem,
        "paths": [
            {
                "cost": chain.cost,
                "said": chain.said,
                "people": [_person(person) for person in chain.people],
                "steps": [_step(step) for step in chain.steps],
            }
            for chain in asked.answer.chains
        ],
    }
    return JsonResponse(found)


def _asked(request: HttpRequest) -> Asked:
    form = YearsForm(request.GET)
    typed = [request.GET.get(field, "").replace("\0", "").strip()[: LONGEST + 1] for field in ("from", "to")]
    ends = (_end(request, "from", _("From"), typed[0]), _end(request, "to", _("To"), typed[1]))
    if any(typed) and not all(typed):
        return Asked(form, ends)
    if not (form.is_valid() and ends[0].author and ends[1].author):
        return Asked(form, ends)
    wanted = form.wanted()
    address = _query(_terms(ends, wanted))
    if address != _query(request.GET):
        return Asked(form, ends, address)
    return Asked(form, ends, address, connect(ends[0].author, ends[1].author, wanted))


def _end(request: HttpRequest, field: str, label: str, typed: str) -> End:
    """Whom the field means."""
    if not typed:
        return End(field, label, typed)
    if (chosen := _NAMED.fullmatch(typed)) and (author := meant([chosen["id"]])[0].author):
        if fold(author.name) == fold(chosen["name"]):
            return End(field, label, typed, author)
        typed = chosen["name"]  # somebody typed another name before an id that was there
    if found := _ID.fullmatch(typed):
        try:
            find_author(int(found[1]))
        except Hidden as hidden:
            gone = hidden.author.visibility == Author.Visibility.GONE
            said = _("This record is hidden at the request of the person it is about.")
            return End(field, label, typed, problem=said, status=HTTPStatus.GONE if gone else HTTPStatus.NOT_FOUND)
        except Http404:
            pass
    try:
        read = meant([typed])[0]
    except TooSlow:
        slow = _("Looking for this name took too long. Try again in a moment.")
        return End(field, label, typed, problem=slow, status=HTTPStatus.SERVICE_UNAVAILABLE)
    if read.author:
        return End(field, label, typed, read.author)
    choices = tuple((author, _query(request.GET, **{field: places.person_id(author.pk)})) for author in read.candidates)
    return End(field, label, typed, None, choices, read.problem, HTTPStatus.OK if choices else HTTPStatus.NOT_FOUND)


def _of(end: End) -> str:
    return places.person_id(end.author.pk) if end.author else end.typed


def _terms(ends: tuple[End, End], wanted: Wanted) -> dict[str, str]:
    return {
        "from": _of(ends[0]),
        "to": _of(ends[1]),
        "first": str(wanted.first_year or ""),
        "last": str(wanted.last_year or ""),
        "weak": "on" if wanted.weak else "",
    }


def _query(given: Mapping[str, str], **changed: str) -> str:
    """The fields of the page that are filled in, in one order."""
    values = {field: changed.get(field, given.get(field, "")) for field in ("from", "to", "first", "last", "weak")}
    return urlencode({field: value for field, value in values.items() if value})


def _nodes(chain: Chain) -> list[Node]:
    """People and papers in turn."""
    nodes = [places.person(chain.people[0], 0)]
    for step in chain.steps:
        nodes += [places.paper(step.best.paper), places.person(step.other, 0)]
    return nodes


def _person(author: Author) -> dict[str, Any]:
    return {"id": places.person_id(author.pk), "label": author.name, "url": author.get_absolute_url()}


def _step(step: Step) -> dict[str, Any]:
    ends = (step.one, step.other)
    return {
        "source": places.person_id(step.one.pk),
        "target": places.person_id(step.other.pk),
        "total": step.shared.total,
        "papers": [
            {
                "id": places.paper_id(found.paper.pk),
                "label": found.paper.title_text,
                "url": found.paper.get_absolute_url(),
                "year": found.paper.year,
                "names": found.names,
                "attributions": [
                    {
                        "person": places.person_id(author.pk),
                        "state": to.state,
                        "sure": to.sure,
                        "url": reverse("attribution", args=[found.paper.pk, author.pk]),
                    }
                    for author, to in zip(ends, (found.to_one, found.to_other), strict=True)
                ],
            }
            for found in step.shared.papers
        ],
    }
