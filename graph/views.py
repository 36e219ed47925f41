"""The research graph around a person, paper, topic or institution: a panel for other pages, a page of its own, and
the same data for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page, require_safe
from psycopg.errors import QueryCanceled

from papers.cells import no_formula
from papers.fragments import wants_fragment
from papers.models import BatchRecord
from profiles.hidden import Hidden
from profiles.views import find_author

from . import places
from .bounded import within
from .coauthorships import LARGEST_TEAM
from .forms import SliceForm
from .neighbourhoods import CAP, EXPLORER, around, limits_for
from .networks import LIMITS, Filters, Slice, draw
from .networks.exports import as_data, as_gexf, as_graphml, as_rows

TIMEOUT_MS = 3_000  # a statement that costs more serves nobody


@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """The slice around an author: the fragment for HTMX, otherwise a whole page with more of it."""
    author = find_author(pk)
    if author.pk != pk:
        return redirect("person_graph", author.pk, permanent=True)
    fragment = wants_fragment(request)
    slice_ = around(author, LIMITS if fragment else EXPLORER)
    context = {"author": author, "slice": slice_, "drawing": draw(slice_), "largest_team": LARGEST_TEAM}
    return render(request, "graph/_slice.html" if fragment else "graph/person.html", context)


# --- for programs -----------------------------------------------------------------------------------------------------


def _json(slice_: Slice, filters: Filters) -> HttpResponse:
    return JsonResponse(as_data(slice_, filters) | {"cap": CAP}, json_dumps_params={"ensure_ascii": False})


def _csv(slice_: Slice, filters: Filters) -> HttpResponse:
    out = io.StringIO()
    csv.writer(out).writerows([no_formula(str(cell)) for cell in row] for row in as_rows(slice_))
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")


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
            found = around(place, limits_for(asked.cleaned_data["most"] or LIMITS["person"], filters.kinds), filters)
    except Hidden as hidden:
        gone = hidden.author.visibility == hidden.author.Visibility.GONE
        return _problem(form, _("This record is hidden."), 410 if gone else 404)
    except Http404:
        if _was_taken_away(at):
            return _problem(form, _("This paper was taken away."), 410)
        return _problem(form, _("There is nothing of this number here."), 404)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return _problem(form, _("This would take too long; ask for fewer years or kinds."), 503)
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
