"""Feeds: what is new, as Atom (RFC 4287, paged by RFC 5005) and as JSON Feed 1.1, from one list of entries.

Problem: a reader of feeds knows an entry by its id for good, shows it anew where `updated` moves, and asks every hour.
Idea: an id is made of what never changes: the number of the thing, and the host that ids are given under
(`signposting.authority`), never a slug or an address. `updated` is when what is shown of a paper last changed, and of a
feed the latest of its entries, so that nothing depends on when it is asked for. Both formats are written from the same
entries; what XML cannot hold is left out in both. Entry points: `FEEDS`, `entry_of`, `tag`, `written`.
Reference: RFC 4151 (tag URIs), https://www.jsonfeed.org/version/1.1/.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from django.conf import settings
from django.http import HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from lxml import etree

from . import text
from .models import Paper, Signature
from .providing.formats import named, storable
from .signposting import authority
from .sources.xmlrecords import Element

MINTED = "2026"  # when ids of this form began: a tag says who held the host in that year
EMPTY_SINCE = datetime(2020, 1, 1, tzinfo=UTC)  # when a feed without entries last changed: before all that could come
_ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True)
class Link:
    """`href` is a whole address; `title` is read by people."""

    href: str
    title: str


@dataclass(frozen=True, slots=True)
class Entry:
    """`html` is safe HTML, all else is text. `authors` are names, each with the whole address of the person or ""."""

    id: str
    title: str
    page: str
    html: str
    updated: datetime
    published: datetime | None = None
    authors: Sequence[tuple[str, str]] = ()
    topics: Sequence[tuple[str, str]] = ()  # (slug, name)
    why: Link | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of a feed. `page`, `address` (its own) and `following` (the next page's, or "") are whole addresses."""

    id: str
    title: str
    page: str
    address: str
    entries: Sequence[Entry] = ()
    following: str = ""
    about: str = ""
    began: datetime = field(default=EMPTY_SINCE)

    @property
    def updated(self) -> datetime:
        return max((entry.updated for entry in self.entries), default=self.began)


def tag(what: str) -> str:
    """The permanent id of a thing by its permanent name here, such as "works/12"."""
    return f"tag:{authority()},{MINTED}:{what}"


def entry_of(paper: Paper, why: Link | None = None) -> Entry:
    """The entry of a paper that was loaded `with_people()`; `why` leads to the reason why it stands in this feed."""
    html = f"<p>{text.markup(paper.abstract)}</p>" if paper.abstract else ""
    if why:
        html += format_html('<p><a href="{}">{}</a></p>', why.href, why.title)
    return Entry(
        id=tag(f"works/{paper.pk}"),
        title=paper.title_text or _("Untitled"),
        page=f"{settings.SITE_URL}{paper.get_absolute_url()}",
        html=html,
        updated=paper.changed_at,
        published=datetime.combine(paper.created, time(), UTC) if paper.created and paper.day_known else None,
        authors=[_author(signature) for signature in paper.signatures.all()],
        topics=[(topic.slug, topic.name) for topic in paper.topics.all()],
        why=why,
    )


def _author(signature: Signature) -> tuple[str, str]:
    url = signature.person_url
    return signature.shown_name, f"{settings.SITE_URL}{url}" if url else ""


# --- the two formats -------------------------------------------------------------------------------------------------


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _atom(feed: Feed) -> bytes:
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    _element(root, "id", feed.id)
    _element(root, "title", feed.title)
    if feed.about:
        _element(root, "subtitle", feed.about)
    _element(root, "updated", _moment(feed.updated))
    _element(root, "link", rel="self", type="application/atom+xml", href=feed.address)
    _element(root, "link", rel="alternate", type="text/html", href=feed.page)
    if feed.following:
        _element(root, "link", rel="next", type="application/atom+xml", href=feed.following)
    _element(_element(root, "author"), "name", "BZPEER")  # of entries that name nobody
    for entry in feed.entries:
        _atom_entry(_element(root, "entry"), entry)
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True))


def _atom_entry(element: Element, entry: Entry) -> None:
    _element(element, "id", entry.id)
    _element(element, "title", entry.title)
    _element(element, "updated", _moment(entry.updated))
    if entry.published:
        _element(element, "published", _moment(entry.published))
    _element(element, "link", rel="alternate", type="text/html", href=entry.page)
    if entry.why:
        _element(element, "link", rel="related", type="text/html", href=entry.why.href, title=entry.why.title)
    for name, address in entry.authors:
        author = _element(element, "author")
        _element(author, "name", name)
        if address:
            _element(author, "uri", address)
    for slug, name in entry.topics:
        _element(element, "category", term=slug, label=name)
    if entry.html:
        _element(element, "summary", entry.html, type="html")


def _element(parent: Element, name: str, said: str = "", **attributes: str) -> Element:
    return named(parent, f"{{{_ATOM}}}{name}", said, **attributes)


def _json(feed: Feed) -> bytes:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.address,
        **({"description": feed.about} if feed.about else {}),
        **({"next_url": feed.following} if feed.following else {}),
        "items": [_json_item(entry) for entry in feed.entries],
    }
    return storable(json.dumps(document, ensure_ascii=False)).encode()


def _json_item(entry: Entry) -> dict[str, object]:
    item: dict[str, object] = {
        "id": entry.id,
        "url": entry.page,
        "title": storable(entry.title),
        "content_html": storable(entry.html),
        "date_modified": _moment(entry.updated),
    }
    if entry.published:
        item["date_published"] = _moment(entry.published)
    if entry.authors:
        item["authors"] = [
            {"name": storable(name)} | ({"url": address} if address else {}) for name, address in entry.authors
        ]
    if entry.topics:
        item["tags"] = [name for _slug, name in entry.topics]
    return item


@dataclass(frozen=True)
class Format:
    """`name` is what people call it."""

    name: str
    media_type: str
    write: Callable[[Feed], bytes]


# By suffix.
FEEDS: Mapping[str, Format] = {
    "atom": Format("Atom", "application/atom+xml", _atom),
    "feed.json": Format("JSON Feed", "application/feed+json", _json),
}


def written(feed: Feed, suffix: str = "atom") -> HttpResponse:
    """The feed in the format of that suffix. The page is what a search engine is to find."""
    form = FEEDS[suffix]
    response = HttpResponse(form.write(feed), content_type=f"{form.media_type}; charset=utf-8")
    response["X-Robots-Tag"] = "noindex"
    return response
