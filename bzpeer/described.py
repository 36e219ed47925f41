"""Pages as linked data: whom or what each is about, from what the page has read already.

Reference: schema.org 29 (`ProfilePage`, `CollectionPage`, `DefinedTerm`, `Organization`). Entry points: `person`,
`topic`, `institution`, `collection`; papers are `papers.exports.jsonld.article`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.conf import settings

from papers.exports.jsonld import Node, without_empty
from papers.models import Institution, Topic
from profiles import conversing
from profiles.editing import Own
from profiles.identifiers import Shown
from profiles.models import Author, Collection

_TEACHES = re.compile(r"universi|college|hochschule|école|polit[eé]cnic|institute of technology", re.I)


def person(author: Author, own: Own, identifiers: Iterable[Shown]) -> Node:
    """A profile. What its owner keeps off the page is not here either."""
    page = f"{settings.SITE_URL}{author.get_absolute_url()}"
    place = own.current.institution if own.current else author.affiliation
    stated: Node = {
        "@type": "Person",
        "@id": page,
        "url": page,
        "name": author.name,
        "alternateName": own.native_name,
        "description": "" if "bio" in own.hidden else author.bio,
        "affiliation": _organization(place) if place and "affiliation" not in own.hidden else "",
        "sameAs": [
            *(shown.url for shown in identifiers if "identifiers" not in own.hidden),
            *(link.url for link in own.links),
        ],
    }
    return {"@type": "ProfilePage", "url": page, "mainEntity": without_empty(stated)}


def topic(found: Topic) -> Node:
    """The collection of what is about a topic."""
    page = f"{settings.SITE_URL}{found.get_absolute_url()}"
    term = {"@type": "DefinedTerm", "name": found.name, "termCode": found.slug}
    return {"@type": "CollectionPage", "@id": page, "url": page, "name": found.name, "about": term}


def institution(found: Institution) -> Node:
    """The collection of what prints an institution."""
    page = f"{settings.SITE_URL}{found.get_absolute_url()}"
    return {
        "@type": "CollectionPage",
        "@id": page,
        "url": page,
        "name": found.name,
        "about": _organization(found.name),
    }


def collection(found: Collection, path: str, by: conversing.Shown) -> Node:
    """What an account keeps together. Who made it is named where it holds a public record."""
    page = f"{settings.SITE_URL}{path}"
    person = {"@type": "Person", "@id": f"{settings.SITE_URL}{by.url}", "name": by.name}
    stated: Node = {
        "@type": "CollectionPage",
        "@id": page,
        "url": page,
        "name": str(found),
        "description": found.about,
        "creator": person if by.url else "",
    }
    return without_empty(stated)


def _organization(name: str) -> Node:
    return {"@type": "CollegeOrUniversity" if _TEACHES.search(name) else "Organization", "name": name}
