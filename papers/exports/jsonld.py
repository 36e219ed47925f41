"""Works as linked data: a `ScholarlyArticle` each, whose authors are known by the addresses of their pages.

Reference: schema.org 29; JSON-LD 1.1. Entry points: `entries`, `article`, `graph`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from . import lists
from .work import Name, Work

CONTEXT = "https://schema.org"
Node = dict[str, object]


def entries(works: Iterable[Work]) -> Iterator[str]:
    """One graph of all works."""
    return graph(map(article, works))


def graph(nodes: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """A document in pieces, one node a line."""
    return lists.written(nodes, f'{{"@context": "{CONTEXT}", "@graph": [', "]}")


def article(work: Work) -> Node:
    """A node of the graph, without its context."""
    identifiers = (("doi", work.doi), ("arxiv", work.arxiv_id))
    stated: Node = {
        "@type": "ScholarlyArticle",
        "@id": work.page,
        "url": work.page,
        "headline": work.title,
        "name": work.title,
        "author": [_person(author) for author in work.authors],
        "datePublished": _day(work),
        "identifier": [
            {"@type": "PropertyValue", "propertyID": scheme, "value": value} for scheme, value in identifiers if value
        ],
        "sameAs": work.url,
        "isPartOf": {"@type": "Periodical", "name": work.journal} if work.journal else "",
        "about": list(work.keywords),
        "abstract": work.abstract,
        "license": work.license,
    }
    return without_empty(stated)


def without_empty(node: Node) -> Node:
    return {name: value for name, value in node.items() if value}


def _day(work: Work) -> str:
    if not work.published:
        return ""
    return work.published.isoformat() if work.day_known else f"{work.published.year:04}"


def _person(name: Name) -> Node:
    parts: Node = {"familyName": name.family, "givenName": name.given} if name.given else {}
    return without_empty({"@type": "Person", "@id": name.page, "name": name.whole, **parts, "url": name.page})
