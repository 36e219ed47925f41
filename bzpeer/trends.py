"""Trending papers, and for each of them the sum that put it there (`profiles.feedback.trending`)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from papers import daily
from papers.fragments import wants_fragment
from papers.models import Paper, Topic
from papers.syndication import Link, entry_of
from papers.text import storable
from papers.views import gone
from profiles.feedback import heat
from profiles.feedback import trending as trends
from profiles.following import marks

from . import feeds


def rules() -> dict[str, Any]:
    """The formula, for the page that prints it."""
    return {"weights": heat.WEIGHTS, "half_life": heat.HALF_LIFE, "window": heat.WINDOW}


@require_safe
def trending(request: HttpRequest) -> HttpResponse:
    """The hottest papers, of all topics or of `topic` (a slug); or for HTMX the next of them alone."""
    slug = storable(request.GET.get("topic", ""))
    topic = get_object_or_404(Topic, slug=slug) if slug else None
    cursor = request.GET.get("after", "")
    papers, following = trends.hottest(topic, cursor)
    today = timezone.now().date()
    mine = marks(request.user, papers)
    for paper in papers:
        paper.marks = mine.get(paper.pk, [])  # type: ignore[attr-defined]
        paper.heat = heat.on_day(paper.trend.heat or 0, today)  # type: ignore[attr-defined]
    query = urlencode({"topic": slug} if topic else {})
    context = {
        "papers": papers,
        "topic": topic,
        "today": today,
        "week": daily.around("week", today),
        "month": daily.around("month", today),
        "paged": cursor,
        "query": f"?{query}" if query else "",
        "next_page": urlencode(({"topic": slug} if topic else {}) | {"after": following}) if following else "",
        **rules(),
    }
    return render(request, "bzpeer/_trending.html" if wants_fragment(request) else "bzpeer/trending.html", context)


@require_safe
def feed(request: HttpRequest, suffix: str) -> HttpResponse:
    """/papers/trending.atom: the page's papers in its order, which no passing of time changes, each with its sum."""
    slug = storable(request.GET.get("topic", ""))
    topic = get_object_or_404(Topic, slug=slug) if slug else None
    papers, following = trends.hottest(topic, request.GET.get("after", ""))
    query = urlencode({"topic": slug} if topic else {})
    told = feeds.Told(
        id="papers/trending" + (f"/{topic.pk}" if topic else ""),
        title=_("Trending papers") + (f": {topic}" if topic else ""),
        page=reverse("trending") + (f"?{query}" if query else ""),
        kind="trending",
        keys=[],
        entries=[entry_of(paper, _sum(paper)) for paper in papers],
        following=following,
        query=query,
    )
    return feeds.answer(request, told, suffix)


def _sum(paper: Paper) -> Link:
    return Link(f"{settings.SITE_URL}{reverse('work_trend', args=[paper.pk])}", _("Why does it trend?"))


@require_safe
def work(request: HttpRequest, pk: int) -> HttpResponse:
    """Why a paper trends, or does not: each act, and what it still gives today."""
    paper = Paper.objects.with_people().filter(pk=pk).first()
    if paper is None:
        return gone(request, pk)
    today = timezone.now().date()
    context = {"paper": paper, "sum": trends.explained(paper, today), "today": today, **rules()}
    return render(request, "bzpeer/work_trend.html", context)
