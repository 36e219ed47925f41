"""What search engines may find: every public page once, in lists of a range of ids each.

Problem: a list of the last of 500,000 people by its place costs reading all before it, and a list must not change
because somebody was added to another. Idea: list n holds the ids from n · `RANGE` on; what is gone or hidden leaves a
gap. Days with papers are few, and new ones come last: their lists are by place. Entry points: `index`, `section`.
Reference: sitemaps.org 0.9.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.contrib.sitemaps import Sitemap, views
from django.core.paginator import Page, Paginator
from django.db.models import Max, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from papers import daily
from papers.models import Institution, Paper, Topic
from profiles.feedback import collecting
from profiles.models import Author

RANGE = 10_000  # ids in a list; a sitemap has at most 50,000 addresses


class _Ranges(Paginator[Any]):
    """Pages by id instead of by place: the first has the ids below `per_page`, and a page may be empty."""

    object_list: QuerySet[Any]

    @property
    def num_pages(self) -> int:
        return (self.object_list.aggregate(last=Max("pk"))["last"] or 0) // self.per_page + 1

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows = self.object_list.filter(pk__gte=first, pk__lt=first + self.per_page)
        return Page(rows, number, self)


class _Pages(Sitemap[Model]):
    limit = RANGE

    def __init__(self, found: Callable[[], QuerySet[Any]]) -> None:
        self.found = found

    def lastmod(self, item: Model) -> datetime | None:
        """Where the row knows it: papers do."""
        return getattr(item, "changed_at", None)

    def get_latest_lastmod(self) -> None:
        """Not said of whole lists: each would have to be read for the index."""

    @property
    def paginator(self) -> Paginator[Any]:
        return _Ranges(self.found().order_by("pk"), self.limit)


class _Days(Sitemap[date]):
    limit = RANGE

    def items(self) -> list[date]:
        return daily.all_days(timezone.localdate())

    def location(self, item: date) -> str:
        return daily.around("day", item).get_absolute_url()


SECTIONS: dict[str, type[Sitemap[Any]] | Sitemap[Any]] = {
    "people": _Pages(lambda: Author.objects.listed().only("name", "visibility")),
    "works": _Pages(lambda: Paper.objects.only("title_text", "changed_at")),
    "topics": _Pages(lambda: Topic.objects.all()),
    "days": _Days(),
    "institutions": _Pages(lambda: Institution.objects.filter(merged_into=None).only("name")),
    "collections": _Pages(lambda: collecting.public().only("name", "is_saved", "changed_at")),
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """/sitemap.xml: the addresses of all lists."""
    return views.index(request, SECTIONS, sitemap_url_name="sitemap_section")


@require_safe
def section(request: HttpRequest, section: str) -> HttpResponse:
    """/sitemap-people.xml?p=2: the addresses of one list."""
    return views.sitemap(request, SECTIONS, section)
