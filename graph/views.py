"""The research graph around a researcher: a panel for other pages, and a page of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from papers.fragments import wants_fragment
from profiles.views import find_author

from . import crowds
from .coauthorships import LARGEST_TEAM
from .neighbourhoods import EXPLORER, around
from .networks import LIMITS, draw


@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """The slice around an author: the fragment for HTMX, otherwise a whole page with more of it."""
    author = find_author(pk)
    if author.pk != pk:
        return redirect("person_graph", author.pk, permanent=True)
    fragment = wants_fragment(request)
    slice_ = around(author, LIMITS if fragment else EXPLORER)
    context = {"author": author, "slice": slice_, "drawing": draw(slice_), "largest_team": LARGEST_TEAM}
    context |= {} if fragment else {"crowd": crowds.of(author)}
    return render(request, "graph/_slice.html" if fragment else "graph/person.html", context)
