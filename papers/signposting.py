"""Signposting: what a program that meets a page learns from its headers, without reading it.

Problem: a program cannot tell from a page what it is about, who wrote it, and where the same is in a form made for it.
Idea: typed links, a few in the `Link` header, and all of them in a document of their own that the header leads to; so a
paper of 5,000 authors has a small header, and none of its authors is left out.
Reference: FAIR Signposting Profile 1.0; RFC 8288 (Link), RFC 9264 (linksets). Entry points: `work`, `person`,
`signposted`, `linkset`, `authority`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.encoding import iri_to_uri

from .exports import MEDIA_TYPES
from .exports.work import Work

MOST = 10  # links of one relation in a header: what servers and proxies take is some kilobytes
LINKSET = "application/linkset+json"

Response = TypeVar("Response", bound=HttpResponseBase)


class Link(NamedTuple):
    """`rel` says what `href`, a whole address, is to the page."""

    rel: str
    href: str
    type: str = ""

    def __str__(self) -> str:
        kind = f'; type="{self.type}"' if self.type else ""
        return f'<{iri_to_uri(self.href)}>; rel="{self.rel}"{kind}'


def authority() -> str:
    """The host that permanent ids are given under: where the site was first, if it has moved (`ID_HOST`)."""
    return settings.ID_HOST or urlsplit(settings.SITE_URL).hostname or "localhost"


def work(found: Work) -> list[Link]:
    """The links of a paper's page."""
    links = [Link("cite-as", f"https://doi.org/{found.doi}" if found.doi else found.url or found.page)]
    links += [Link("type", f"https://schema.org/{kind}") for kind in ("AboutPage", "ScholarlyArticle")]
    links += [Link("author", author.page) for author in found.authors if author.page]
    if found.arxiv_id:
        links.append(Link("item", f"https://arxiv.org/pdf/{found.arxiv_id}", "application/pdf"))
    if found.license:
        links.append(Link("license", found.license))
    return [*links, *described("work", found.number)]


def person(page: str, number: int) -> list[Link]:
    """The links of a person's page at that address."""
    kinds = [Link("type", f"https://schema.org/{kind}") for kind in ("ProfilePage", "Person")]
    return [Link("cite-as", page), *kinds, *described("person", number)]


def described(kind: str, key: object) -> Iterator[Link]:
    """Where the same is in other formats."""
    for suffix, media_type in MEDIA_TYPES.items():
        yield Link("describedby", settings.SITE_URL + reverse(f"{kind}_as", args=[key, suffix]), media_type)


def linkset_of(number: int) -> str:
    """The address of all links of a paper's page."""
    return settings.SITE_URL + reverse("work_linkset", args=[number])


def signposted(response: Response, links: Iterable[Link], linkset: str = "") -> Response:
    """The response, with so many of the links as a header may hold, and one to the `linkset` of all."""
    kept: dict[str, list[Link]] = {}
    for link in links:
        kept.setdefault(link.rel, []).append(link)
    shown = [str(link) for of_one in kept.values() for link in of_one[:MOST]]
    if linkset:
        shown.append(str(Link("linkset", linkset, LINKSET)))
    response["Link"] = ", ".join(shown)
    return response


def linkset(anchor: str, links: Iterable[Link]) -> dict[str, object]:
    """All links of the page `anchor`, as RFC 9264 writes them in JSON."""
    found: dict[str, object] = {"anchor": anchor}
    for link in links:
        target = {"href": iri_to_uri(link.href)} | ({"type": link.type} if link.type else {})
        found.setdefault(link.rel, []).append(target)  # type: ignore[attr-defined]
    return {"linkset": [found]}
