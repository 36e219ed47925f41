"""Pages that show several rooms at once: home and a shared name; and what machines ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from papers.models import Paper, Topic
from profiles.models import Author
from profiles.namesakes import namesakes

from . import dailies

PEOPLE_SHOWN = 12
PAPERS_SHOWN = 8  # in both lists; at most half of them are the day's
TOPICS_SHOWN = 16
COUNTS_SECONDS = 60  # counting millions of rows costs more than being a minute late


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Search, and where to begin."""
    counts, topics = cache.get("home") or _counted()
    day, of_the_day = dailies.top(timezone.localdate(), PAPERS_SHOWN // 2)
    others = Paper.objects.newest_first().with_people().exclude(pk__in=[paper.pk for paper in of_the_day])
    context = {
        "counts": counts,
        "topics": topics,
        "people": Author.objects.listed().select_related("trust").order_by("-works_count", "pk")[:PEOPLE_SHOWN],
        "day": day,
        "of_the_day": of_the_day,
        "papers": others[: PAPERS_SHOWN - len(of_the_day)],
    }
    return render(request, "bzpeer/home.html", context)


def _counted() -> tuple[dict[str, int], Sequence[Topic]]:
    counts = {
        "papers": Paper.objects.count(),
        "people": Author.objects.listed().count(),
        "topics": Topic.objects.count(),
    }
    topics = list(Topic.objects.annotate(works_count=Count("papers")).order_by("-works_count", "name")[:TOPICS_SHOWN])
    cache.set("home", (counts, topics), COUNTS_SECONDS)
    return counts, topics


@require_safe
def name(request: HttpRequest, name: str) -> HttpResponse:
    """Everyone printed under a name: "Which one do you mean?"."""
    page = namesakes(name, request.GET.get("after", ""))
    context = {"name": name, "page": page, "next_page": f"after={page.following}" if page.following else ""}
    return render(request, "profiles/name.html", context, status=200 if page.people else 404)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while pages can be served, that is while the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Crawlers may read everything but what staff work with and what is only a form."""
    closed = (
        "/admin/",
        "/curate/",
        "/imports/",
        "/changes/",
        "/report/",
        "/rights/",
        "/alerts/",
        "/searches/",
        "/graph/path",
    )
    lines = ["User-agent: *", *(f"Disallow: {address}" for address in closed)]
    lines += ["", f"Sitemap: {request.build_absolute_uri(reverse('sitemap'))}"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


@require_safe
def opensearch(request: HttpRequest) -> HttpResponse:
    """How a browser searches here (OpenSearch 1.1)."""
    return render(request, "bzpeer/opensearch.xml", content_type="application/opensearchdescription+xml")


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Where to report a hole (RFC 9116); 404 where the operator has named nobody."""
    contact = settings.SECURITY_CONTACT
    if not contact:
        raise Http404("Nobody is named.")
    expires = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=180)
    lines = [
        f"Contact: {contact if contact.startswith('https://') else f'mailto:{contact}'}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        f"Canonical: {settings.SITE_URL}{request.path}",
        "Preferred-Languages: en",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
