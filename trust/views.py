"""The page that explains a trust score."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from profiles.views import find_author

from .scores import facts_of
from .scoring import BANDS, LEVELS, MODEL, assess, remedies


@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """The sum, re-added from the rows as they are now, and what would raise it."""
    author = find_author(pk)
    if author.pk != pk:
        return redirect("person_trust", author.pk, permanent=True)
    assessment = assess(facts_of([author.pk])[author.pk])
    context = {
        "author": author,
        "score": assessment.score,
        "band": assessment.band,
        "level": assessment.level,
        "components": assessment.components,
        "remedies": remedies(assessment),
        "levels": LEVELS,
        "bands": BANDS,
        "model": MODEL,
    }
    return render(request, "trust/person.html", context)
