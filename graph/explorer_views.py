"""The explorer: the graph to walk through. A picture that grows by script; without it a slice, tables and forms.

Problem: from any place one wants to go on to any other, and to show somebody else where one has come to. Idea: the
address says all that is shown (`at`, the places opened, the filters); the script only draws what `/graph/slice.json`
answers for each of them.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from papers.bounded import TooSlow, within
from papers.fragments import wants_fragment
from papers.searching import names
from papers.searching.queries import read
from profiles.models import Author
from profiles.search import find_people

from . import places, snapshots
from .explorer_words import words
from .forms import SliceForm
from .neighbourhoods import EXPLORER, around
from .networks import Filters, draw

PEOPLE_FOUND, OTHERS_FOUND = 8, 5
BEGINNINGS = 12
TIMEOUT_MS = 3_000  # a statement that costs more serves nobody
PEOPLE_ASKED = 40  # the most people that the script asks for around one place


@require_safe
def explorer(request: HttpRequest) -> HttpResponse:
    """The surroundings of the place that `at` names; without one, where to begin."""
    at = request.GET.get("at", "").strip()
    if not at:
        return render(request, "graph/explorer_start.html", _beginnings())
    place = places.find(at)
    id_ = places.id_of(place)
    if id_ != at:  # of a merged author the heir
        query = request.GET.copy()
        query["at"] = id_
        return redirect(f"{reverse('explorer')}?{query.urlencode(safe=',')}", permanent=True)
    form = SliceForm(request.GET)
    filters = form.filters() if form.is_valid() else Filters()
    try:
        with within(TIMEOUT_MS):
            slice_ = around(place, EXPLORER, filters)
    except TooSlow:
        return render(request, "graph/explorer_start.html", _beginnings() | {"too_much": True}, status=503)
    context = {
        "at": id_,
        "place": place,
        "form": form,
        "slice": slice_,
        "drawing": draw(slice_),
        "opened": request.GET.get("open", ""),
        "settings": {
            "slice": reverse("slice", args=["json"]),
            "explorer": reverse("explorer"),
            "path": reverse("path"),
            "graphs": {
                "person": reverse("person_graph", args=[0]),
                "paper": reverse("work_graph", args=[0]),
                "institution": reverse("institution_graph", args=[0]),
            },
            "most": PEOPLE_ASKED,
            "words": words(),
        },
    }
    return render(request, "graph/explorer.html", context, status=400 if form.errors else 200)


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """Places by name or title, each a link into the explorer; as a page, or as the list alone for HTMX."""
    query = request.GET.get("q", "").replace("\0", "").strip()[:200]
    context: dict[str, object] = {"query": query, "at": request.GET.get("at", "")}
    try:
        context["found"] = _found(query)
    except TooSlow:
        context["too_slow"] = True
    if wants_fragment(request):  # HTMX swaps in nothing but a 200
        return render(request, "graph/_found.html", context)
    return render(request, "graph/find.html", context, status=503 if "too_slow" in context else 200)


def _found(query: str) -> list[tuple[str, str, str]]:
    """(kind, node id, label) of people, topics, institutions and papers. Raises TooSlow."""
    asked = read(query)
    if not asked.words:
        return []
    people = [
        ("person", places.person_id(author.pk), author.name) for author in find_people(query, PEOPLE_FOUND).people
    ]
    with within(TIMEOUT_MS):
        return [
            *people,
            *(("topic", places.topic_id(topic.pk), topic.name) for topic in names.topics(asked, OTHERS_FOUND)),
            *(
                ("institution", places.institution_id(one.pk), one.name)
                for one in names.institutions(asked, OTHERS_FOUND)
            ),
            *(("paper", places.paper_id(paper.pk), paper.title_text) for paper in names.titles(asked, OTHERS_FOUND)),
        ]


def _beginnings() -> dict[str, object]:
    """People to begin with: the most central ones, else those with most works; and which it is."""
    ids = snapshots.central(BEGINNINGS)
    people = Author.objects.listed()
    if ids:
        by_rank = sorted(people.filter(pk__in=ids), key=lambda author: ids.index(author.pk))
        return {"people": by_rank, "central": True}
    return {"people": people.order_by("-works_count", "pk")[:BEGINNINGS], "central": False}
