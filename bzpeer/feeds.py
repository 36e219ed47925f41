"""Pages of papers as feeds, entry by entry in the order of the page and by its cursors.

Problem: a feed is asked for every hour by readers that never sign in, about pages that redirect, hide and are gone.
Idea: it is one more format of those pages (`exporting`), with an address of its own so that it is kept as pages are
(`caching.PAGES`: ETag and 304 come with it). Entry points: `Told`, `answer`, `because`, `too_slow`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from papers import limits
from papers.models import Paper
from papers.syndication import Entry, Feed, Link, entry_of, tag, written

AGAIN = 60  # seconds: by then what kept the database busy may have ended


@dataclass(frozen=True, slots=True)
class Told:
    """What a page's feed tells. `id` is its permanent name ("people/12"), `kind` and `keys` its address, `page` the
    path of the page, `following` the page's cursor; `query` is what else stands after the “?”."""

    id: str
    title: str
    page: str
    kind: str
    keys: Sequence[object]
    entries: Sequence[Entry]
    following: str = ""
    query: str = ""

    def address(self, suffix: str, after: str = "") -> str:
        """The whole address of the feed, or of what comes after a cursor."""
        asking = "&".join(filter(None, (self.query, urlencode({"after": after}) if after else "")))
        path = reverse(f"{self.kind}_feed", args=[*self.keys, suffix])
        return f"{settings.SITE_URL}{path}{'?' if asking else ''}{asking}"


def answer(request: HttpRequest, told: Told, suffix: str) -> HttpResponse:
    """In the format of that suffix; 429 where the client has asked for too many."""
    if (wait := limits.take("export_works", limits.client(request))) is not None:
        return limits.refused(request, wait)
    feed = Feed(
        id=tag(told.id),
        title=f"BZPEER: {told.title}",
        page=f"{settings.SITE_URL}{told.page}",
        address=told.address(suffix, request.GET.get("after", "")),
        entries=told.entries,
        following=told.address(suffix, told.following) if told.following else "",
    )
    response = written(feed, suffix)
    response["Access-Control-Allow-Origin"] = "*"  # readers that run in a browser; nothing in it is anybody's own
    return response


def too_slow() -> HttpResponse:
    """503 instead of half a feed."""
    said = _("This would take too long. Ask again later, or for less.")
    headers = {"Retry-After": str(AGAIN), "Cache-Control": "no-store"}
    return HttpResponse(said, status=503, content_type="text/plain; charset=utf-8", headers=headers)


def because(paper: Paper, pk: int) -> Entry:
    """The entry of a paper in the feed of a person, with the receipt of its attribution."""
    receipt = f"{settings.SITE_URL}{reverse('attribution', args=[paper.pk, pk])}"
    return entry_of(paper, Link(receipt, _("Why is this here?")))
