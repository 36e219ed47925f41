"""The other formats of a page: for programs in its head, for readers as links."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from math import floor, log10
from typing import Any

from django import template
from django.conf import settings
from django.template.defaultfilters import floatformat
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from bzpeer import described
from papers.daily import Span
from papers.exports import FORMATS, MEDIA_TYPES, bibtex, jsonld
from papers.exports.work import Work
from papers.models import Institution, Topic
from papers.syndication import FEEDS
from profiles import conversing
from profiles.editing import Own
from profiles.identifiers import Shown
from profiles.models import Author, Collection

FED = {"person", "topic", "institution"}  # kinds of things that have a feed
MOST_DECIMALS = 12  # of a number that is as good as nothing
MOST_NAMES = 100  # in an entry that is shown; the link beside it has them all

register = template.Library()
_SCRIPT = str.maketrans({"<": r"\u003C", ">": r"\u003E", "&": r"\u0026"})


@register.inclusion_tag("bzpeer/_formats_head.html")
def person_formats(author: Author, own: Own, identifiers: Iterable[Shown]) -> dict[str, Any]:
    return _head(
        "person", author.pk, author.get_absolute_url(), author.name, described.person(author, own, identifiers)
    )


@register.inclusion_tag("bzpeer/_formats_head.html")
def work_formats(work: Work, path: str) -> dict[str, Any]:
    return _head("work", work.number, path, work.title, jsonld.article(work))


@register.inclusion_tag("bzpeer/_formats_head.html")
def topic_formats(topic: Topic) -> dict[str, Any]:
    return _head("topic", topic.slug, topic.get_absolute_url(), topic.name, described.topic(topic))


@register.inclusion_tag("bzpeer/_formats_head.html")
def institution_formats(place: Institution) -> dict[str, Any]:
    return _head("institution", place.pk, place.get_absolute_url(), place.name, described.institution(place))


@register.inclusion_tag("bzpeer/_formats_head.html")
def collection_formats(found: Collection, by: conversing.Shown) -> dict[str, Any]:
    path = found.get_absolute_url()
    return _head("collection", found.pk, path, found.name, described.collection(found, path, by))


def _head(kind: str, key: int | str, path: str, title: str, node: jsonld.Node) -> dict[str, Any]:
    return {
        "page": f"{settings.SITE_URL}{path}",
        "title": title,
        "type": {"person": "profile", "work": "article"}.get(kind, "website"),
        "alternates": [(form, reverse(f"{kind}_as", args=[key, suffix])) for suffix, form in MEDIA_TYPES.items()],
        "feeds": _feeds(kind, [key], title) if kind in FED else [],
        "linked": _in_script({"@context": jsonld.CONTEXT, **node}),
    }


def _feeds(kind: str, keys: Sequence[object], title: str, query: str = "") -> list[dict[str, str]]:
    return [
        {
            "media_type": form.media_type,
            "address": reverse(f"{kind}_feed", args=[*keys, suffix]) + (f"?{query}" if query else ""),
            "title": f"{title} ({form.name})",
        }
        for suffix, form in FEEDS.items()
    ]


@register.inclusion_tag("bzpeer/_feeds_head.html")
def search_feeds(query: str, asking: str) -> dict[str, Any]:
    """For the head of a search that asks for `asking`, what stands after the “?”."""
    return {"feeds": _feeds("search", [], query, asking)}


@register.inclusion_tag("bzpeer/_feeds_head.html")
def day_feeds(span: Span, topic: Topic | None, query: str) -> dict[str, Any]:
    """For the head of a day's page: its own feed, and that of the latest days."""
    about, asking = f": {topic}" if topic else "", query.removeprefix("?")
    latest = _feeds("papers_today", [], f"{_('Latest papers')}{about}", asking)
    return {
        "feeds": (_feeds("papers_day", [span.name], f"{span.name}{about}", asking) if span.kind == "day" else [])
        + latest
    }


@register.inclusion_tag("bzpeer/_feeds_head.html")
def trending_feeds(topic: Topic | None, query: str) -> dict[str, Any]:
    """For the head of the trending papers."""
    title = _("Trending papers") + (f": {topic}" if topic else "")
    return {"feeds": _feeds("trending", [], title, query.removeprefix("?"))}


@register.filter
def decimals(value: float, least: int) -> str:
    """The number with `least` decimals, or as many as three digits that are not zero need: 0.0004321 is "0.000432"."""
    needed = 2 - floor(log10(abs(value))) if value else 0
    return str(floatformat(value, min(max(least, needed), MOST_DECIMALS)))


def _in_script(value: object) -> SafeString:
    """JSON that ends no script element and opens none."""
    return mark_safe(json.dumps(value, ensure_ascii=False).translate(_SCRIPT))  # noqa: S308


@register.inclusion_tag("bzpeer/_exports.html")
def exports(kind: str, key: int | str) -> dict[str, Any]:
    """Links to the formats that reference managers read, and to the feed."""
    forms = [(form.name, reverse(f"{kind}_as", args=[key, suffix])) for suffix, form in FORMATS.items()]
    return {"forms": forms, "feed": reverse(f"{kind}_feed", args=[key, "atom"]) if kind in FED else ""}


@register.simple_tag
def bibtex_of(work: Work) -> str:
    """The entry, to be copied; none where it would be all names."""
    return "".join(bibtex.entries([work])).strip() if len(work.authors) <= MOST_NAMES else ""
