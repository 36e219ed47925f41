"""The research graph around a person, paper, topic or institution: a panel for other pages, a page of its own, and
the same data for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page, require_safe

from papers.bounded import TooSlow, within
from papers.cells import as_csv
from papers.fragments import wants_fragment
from papers.institutions import heir_of
from papers.models import BatchRecord, Institution, Paper, Topic
from profiles.hidden import Hidden
from profiles.models import Author
from profiles.views import find_author

from . import crowds, places
from .coauthorships import LARGEST_TEAM
from .forms import SliceForm
from .neighbourhoods import CAP, EXPLORER, around, limits_for
from .networks import LIMITS, Filters, Kind, Slice, draw
from .networks.exports import as_data, as_gexf, as_graphml, as_rows
from .networks.tables import SORTS
from .places import Place

TIMEOUT_MS = 3_000  # a statement that costs more serves nobody
_NAMES = {"json": "JSON", "csv": "CSV", "graphml": "GraphML", "gexf": "GEXF"}


@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    author = find_author(pk)
    if author.pk != pk:
        return redirect("person_graph", author.pk, permanent=True)
    return _page(request, author, author.name, reverse("person_graph", args=[pk]), "graph/person.html")


@require_safe
def work(request: HttpRequest, pk: int) -> HttpResponse:
    paper = Paper.objects.defer("abstract").filter(pk=pk).first()
    if paper is None:
        if BatchRecord.objects.filter(paper=pk).exists():
            return render(request, "papers/gone.html", status=410)
        raise Http404("There is no paper of this number.")
    return _page(request, paper, paper.title_text, reverse("work_graph", args=[pk]))


@require_safe
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Topic, slug=slug)
    return _page(request, found, found.name, reverse("topic_graph", args=[slug]))


@require_safe
def institution(request: HttpRequest, pk: int) -> HttpResponse:
    found = heir_of(get_object_or_404(Institution, pk=pk))
    if found.pk != pk:
        return redirect("institution_graph", found.pk, permanent=True)
    return _page(request, found, found.name, reverse("institution_graph", args=[pk]))


def _page(
    request: HttpRequest, place: Place, name: str, graph_url: str, template: str = "graph/place.html"
) -> HttpResponse:
    """The slice around a place: the fragment for HTMX, otherwise a whole page with more of it. `wide` asks for as much
    as the page shows, where HTMX sorts the tables of that."""
    fragment = wants_fragment(request)
    form = SliceForm(request.GET)
    at = places.id_of(place)
    context: dict[str, object] = {
        "place": place,
        "name": name,
        "kind": at.partition("-")[0],
        "graph_url": graph_url,
    }
    if isinstance(place, Author) and not fragment:
        context |= {"crowd": crowds.of(place), "largest_team": LARGEST_TEAM}
    status, problem = 200, ""
    if form.is_valid():
        filters = form.filters()
        wide = not fragment or "wide" in request.GET
        try:
            with within(TIMEOUT_MS):
                slice_ = around(place, _limits(form, EXPLORER if wide else LIMITS), filters)
        except TooSlow:
            status, problem = 503, _too_slow()
        else:
            context |= _shown(request, slice_, at, form, wide)
    else:
        status, problem = 400, " ".join(_sentences(form))
    if problem and fragment:
        return HttpResponse(problem, status=status, content_type="text/plain; charset=utf-8")
    context |= {"problem": problem, "form": form, "filtered": form.has_changed()}
    return render(request, "graph/_slice.html" if fragment else template, context, status=status)


def _shown(request: HttpRequest, slice_: Slice, at: str, form: SliceForm, wide: bool) -> dict[str, object]:
    """What the picture and its tables need: their order, and addresses that keep what was asked for."""
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in SORTS else ""
    kept = [(name, value) for name in form.fields for value in request.GET.getlist(name) if value]
    query = urlencode([("at", at), *((name, value) for name, value in kept if name != "most"), ("most", CAP)])
    return {
        "slice": slice_,
        "drawing": draw(slice_, sort),
        "sort": sort,
        "kept": f"{urlencode(kept)}&" if kept else "",
        "here": "wide=1&" if wide else "",
        "exports": [(name, f"{reverse('slice', args=[known])}?{query}") for known, name in _NAMES.items()],
        "cap": CAP,
    }


def _limits(form: SliceForm, usual: Mapping[Kind, int]) -> Mapping[Kind, int]:
    most = form.cleaned_data["most"]
    return limits_for(most, form.filters().kinds) if most else usual


def _too_slow() -> str:
    return _("This would take too long; ask for fewer years or kinds.")


# --- for programs -----------------------------------------------------------------------------------------------------


def _json(slice_: Slice, filters: Filters) -> HttpResponse:
    return JsonResponse(as_data(slice_, filters) | {"cap": CAP}, json_dumps_params={"ensure_ascii": False})


def _csv(slice_: Slice, filters: Filters) -> HttpResponse:
    return as_csv(f"{slice_.focus}.csv", ([str(cell) for cell in row] for row in as_rows(slice_)))


def _graphml(slice_: Slice, filters: Filters) -> HttpResponse:
    return HttpResponse(as_graphml(slice_), content_type="application/graphml+xml")


def _gexf(slice_: Slice, filters: Filters) -> HttpResponse:
    return HttpResponse(as_gexf(slice_), content_type="application/gexf+xml")


FORMS: Mapping[str, Callable[[Slice, Filters], HttpResponse]] = {
    "json": _json,
    "csv": _csv,
    "graphml": _graphml,
    "gexf": _gexf,
}


@conditional_page
@require_safe
def slice_(request: HttpRequest, form: str) -> HttpResponse:
    """/graph/slice.json?at=person-12: the slice around a place, at most CAP nodes. A problem is one sentence."""
    if form not in FORMS:
        raise Http404("There is no such format.")
    asked = SliceForm(request.GET)
    if not asked.is_valid():
        return _problem(form, " ".join(_sentences(asked)), 400)
    if not (at := request.GET.get("at", "")):
        return _problem(form, _("The address does not say around what: at=person-12, for example."), 400)
    filters = asked.filters()
    try:
        place = places.find(at)
        with within(TIMEOUT_MS):
            found = around(place, _limits(asked, LIMITS), filters)
    except Hidden as hidden:
        gone = hidden.author.visibility == hidden.author.Visibility.GONE
        return _problem(form, _("This record is hidden."), 410 if gone else 404)
    except Http404:
        if _was_taken_away(at):
            return _problem(form, _("This paper was taken away."), 410)
        return _problem(form, _("There is nothing of this number here."), 404)
    except TooSlow:
        return _problem(form, _too_slow(), 503)
    response = FORMS[form](found, filters)
    if form != "json":
        response["Content-Disposition"] = f'attachment; filename="{found.focus}.{form}"'
    return response


def _was_taken_away(at: str) -> bool:
    kind, _dash, number = at.partition("-")
    known = number.isascii() and number.isdigit() and len(number) < 19
    return kind == "paper" and known and BatchRecord.objects.filter(paper=int(number)).exists()


def _sentences(form: SliceForm) -> list[str]:
    return [f"{form.fields[name].label}: {error}" for name, errors in form.errors.items() for error in errors]


def _problem(form: str, sentence: str, status: int) -> HttpResponse:
    if form == "json":
        response: HttpResponse = JsonResponse({"problem": sentence}, status=status)
    elif form == "csv":
        out = io.StringIO()
        csv.writer(out).writerows([["problem"], [sentence]])
        response = HttpResponse(out.getvalue(), status=status, content_type="text/csv; charset=utf-8")
    else:
        response = HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response
