"""Everybody who works in a topic or at an institution, page after page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from papers.bounded import TooSlow, within
from papers.institutions import heir_of
from papers.models import Institution, Topic

from . import portraits


@require_safe
def topic_people(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Topic, slug=slug)
    people = portraits.people_of_topic(found, request.GET.get("after", ""))
    return _page(request, found, people, reverse("topic_people", args=[slug]))


@require_safe
def institution_people(request: HttpRequest, pk: int) -> HttpResponse:
    found = heir_of(get_object_or_404(Institution, pk=pk))
    if found.pk != pk:
        return redirect("institution_people", found.pk, permanent=True)
    try:
        with within(portraits.TIMEOUT_MS):
            people = portraits.people_of_institution(found, request.GET.get("after", ""))
    except TooSlow:
        people = None
    return _page(request, found, people, reverse("institution_people", args=[pk]))


def _page(request: HttpRequest, place: Topic | Institution, people: portraits.People | None, url: str) -> HttpResponse:
    context = {"place": place, "people": people, "url": url, "of_topic": isinstance(place, Topic)}
    return render(request, "graph/place_people.html", context, status=200 if people else 503)
