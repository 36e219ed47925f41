"""Every address of the project, filled from the database, for tests that walk them all.

Problem: a page that nobody thought of is the one that leaks. Idea: the resolver knows all patterns, and `_ARGUMENTS`
knows what stands for the arguments of each; a pattern whose arguments are not known there fails the test that asks, so
that no page is added without being walked. Entry point: `every_address`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver, resolve

from bzpeer.sitemaps import SECTIONS
from papers.exports import MEDIA_TYPES
from papers.providing.views import identifier_of
from papers.syndication import FEEDS
from profiles.bulk import RULES
from profiles.editing import BY_SLUG
from profiles.proofs import KINDS

# Pages of others: Django's admin, which staff alone see, and allauth's, which show the account and nothing else.
LEFT_OUT = ("admin/", "accounts/")

Objects = Mapping[str, Any]

# By the beginning of a route (the longest counts) and the argument: what to fill in. A tuple is several addresses.
_ARGUMENTS: dict[str, dict[str, Callable[[Objects], Any]]] = {
    "alerts/feed/": {"key": lambda o: o.get("feed", "unknown")},
    "attestations/": {"pk": lambda o: o["proof"].pk},
    "account/keys/": {"pk": lambda o: o["api_key"].pk},
    "api/v1/people/": {"pk": lambda o: o["author"].pk},
    "api/v1/works/": {"pk": lambda o: o["paper"].pk},
    "api/v1/topics/": {"pk": lambda o: o["topic"].pk},
    "api/v1/institutions/": {"pk": lambda o: o["institution"].pk},
    "api/v1/names/": {"pk": lambda o: o["author"].name},
    "api/v1/changes/": {"pk": lambda o: o.get("change_told", 1)},
    "arxiv/": {"value": lambda o: o["paper"].arxiv_id},
    "blocks/": {"pk": lambda o: o["block"].pk},
    "changes/": {"pk": lambda o: o["change_set"].pk},
    "claims/": {
        "pk": lambda o: o["claim"].pk,
        "proof": lambda o: o["proof"].pk,
        "kind": lambda o: tuple(kind.slug for kind in KINDS),
    },
    "curate/bulk/": {"slug": lambda o: RULES[0].slug},
    "curate/claims/": {"pk": lambda o: o["claim"].pk},
    "curate/compare/": {"one": lambda o: o["author"].pk, "other": lambda o: o["other"].pk},
    "collections/": {
        "pk": lambda o: o["collection"].pk,
        "slug": lambda o: o["collection"].slug,
        "paper": lambda o: o["paper"].pk,
        "key": lambda o: o.get("collection_key", "unknown"),
        "suffix": lambda o: tuple(MEDIA_TYPES),
    },
    "conversations/": {"pk": lambda o: o["conversation"].pk},
    "curate/complaints/": {"pk": lambda o: o["complaint"].pk},
    "curate/decisions/": {"pk": lambda o: o["decision"].pk},
    "curate/reports/": {"pk": lambda o: o["report"].pk},
    "curate/rights/": {"pk": lambda o: o["asked"].pk},
    "curate/reviews/": {"pk": lambda o: o["review"].pk},
    "doi/": {"value": lambda o: o["paper"].doi},
    "following/questions/": {"pk": lambda o: o["question"].pk},
    "following/watches/": {"pk": lambda o: o["watch"].pk},
    "graph/slice.": {"form": lambda o: ("json", "csv", "graphml", "gexf")},
    "institutions/": {
        "pk": lambda o: o["institution"].pk,
        "slug": lambda o: o["institution"].slug,
        "suffix": lambda o: tuple(MEDIA_TYPES),
    },
    "imports/": {"pk": lambda o: o["batch"].pk, "number": lambda o: o.get("number", 1)},
    "invitations/": {"pk": lambda o: o["invitation"].pk},
    "messages/": {"pk": lambda o: o["message"].pk},
    "names/": {"name": lambda o: o["author"].name},
    "orcid/": {"iD": lambda o: o["orcid"]},
    "papers/date/": {"name": lambda o: f"{o['paper'].created:%Y-%m-%d}"},
    "papers/week/": {"name": lambda o: f"{o['paper'].created:%G-W%V}"},
    "papers/month/": {"name": lambda o: f"{o['paper'].created:%Y-%m}"},
    "people/": {
        "pk": lambda o: o["author"].pk,
        "slug": lambda o: o["author"].slug,
        "suffix": lambda o: tuple(MEDIA_TYPES),
    },
    "people/<int:pk>/edit/": {"section": lambda o: tuple(BY_SLUG)},
    "people/<int:pk>/change/": {"kind": lambda o: ("merge", "split", "move", "name", "identifier")},
    "posts/": {"pk": lambda o: o["post"].pk},
    "report/person/": {"pk": lambda o: o["author"].pk},
    "report/work/": {"pk": lambda o: o["paper"].pk},
    "report/institution/": {"pk": lambda o: o["institution"].pk},
    "rights/": {"key": lambda o: o["key"]},
    "subscriptions/digests/": {"pk": lambda o: o["digest"].pk if "digest" in o else 1},
    "subscriptions/": {"token": lambda o: o.get("token", "unknown")},
    "searches/": {"pk": lambda o: o["saved"].pk},
    "search.": {"suffix": lambda o: tuple(MEDIA_TYPES)},
    **{
        f"{page}.<feed:suffix>": {"suffix": lambda o: tuple(FEEDS)}
        for page in (
            *("people/<int:pk>", "topics/<slug:slug>", "institutions/<int:pk>", "search"),
            *("papers", "papers/date/<str:name>", "papers/trending"),
        )
    },
    "sitemap-": {"section": lambda o: tuple(SECTIONS)},
    "topics/": {"slug": lambda o: o["topic"].slug, "suffix": lambda o: tuple(MEDIA_TYPES)},
    "works/": {
        "pk": lambda o: o["paper"].pk,
        "paper": lambda o: o["paper"].pk,
        "slug": lambda o: o["paper"].slug,
        "author": lambda o: o["author"].pk,
        "suffix": lambda o: tuple(MEDIA_TYPES),
    },
}
# What stands after the question mark, where an address says nothing without it.
_QUERIES: dict[str, Callable[[Objects], str]] = {
    "oai": lambda o: f"verb=GetRecord&metadataPrefix=arXiv&identifier={identifier_of(o['paper'].pk)}",
    "graph/slice.<str:form>": lambda o: f"at=person-{o['author'].pk}",
    "search.<suffix:suffix>": lambda o: "q=on",
    "search.<feed:suffix>": lambda o: "q=on",
}
_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


def every_address(**objects: Any) -> dict[str, str]:
    """Addresses by route; where an argument has several values, the route holds the value instead.

    `objects` hold what `_ARGUMENTS` asks of them. Fails for a pattern whose arguments are not known here, and for one
    that another pattern hides.
    """
    found: dict[str, str] = {}
    for route in routes(get_resolver()):
        if route.startswith(LEFT_OUT):
            continue
        names = _ARGUMENT.findall(route)
        choices = [_values(route, name, objects) for name in names]
        for values in product(*choices):
            filled, key = route, route
            for name, value, choice in zip(names, values, choices, strict=True):
                filled = _fill(filled, name, quote(str(value), safe="/"))
                key = _fill(key, name, str(value)) if len(choice) > 1 else key
            assert resolve(f"/{filled}").route == route, f"/{filled} is not answered by {route}"
            query = _QUERIES[route](objects) if route in _QUERIES else ""
            found[key] = f"/{filled}?{query}" if query else f"/{filled}"
    return found


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """Each pattern's whole route, those of included ones too."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route
        else:
            yield from routes(entry, route)


def _values(route: str, name: str, objects: Objects) -> tuple[Any, ...]:
    """What may stand for the argument."""
    beginnings = sorted((known for known in _ARGUMENTS if route.startswith(known)), key=len, reverse=True)
    fills = [_ARGUMENTS[known][name] for known in beginnings if name in _ARGUMENTS[known]]
    assert fills, f"tests/addresses.py does not know what stands for “{name}” in {route}"
    try:
        value = fills[0](objects)
    except KeyError as missing:
        raise AssertionError(f"{route} needs {missing} among the objects") from missing
    assert value not in (None, ""), f"{route}: the object given has no {name}"
    return value if isinstance(value, tuple) else (value,)


def _fill(route: str, name: str, value: str) -> str:
    return re.sub(rf"<(?:\w+:)?{name}>", lambda _found: value, route)
