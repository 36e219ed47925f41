"""arXiv's API: Atom feeds of papers.

Why no library: feedparser keeps only the last affiliation of an entry, and arxiv.py brings its own fetching, which
cannot be held to an address that was checked.

An entry's id is the paper's address with its version; `published` dates version 1 and `updated` that latest one, so
those two versions are known and no others. A feed that says no more than "Error" is the API's way to refuse. An id that
it does not know is left out without a word: `page` tells which papers came, the caller knows what was asked.

Entry points: `read` for a file, `page` for an answer.
Reference: info.arxiv.org/help/api/user-manual.html.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import BinaryIO

from papers.identifiers import arxiv_id
from papers.names import split_name
from papers.records import Numbered, PrintedAuthor, Record, Refusal, Version
from papers.sources import jsonlines, snapshot, xmlrecords
from papers.sources.jsonlines import Fields, Unusable
from papers.sources.xmlrecords import Broken, Element, Envelope, children, text
from papers.streams import Refused, UnreadableFile
from papers.text import clean, storable

_FEED = re.compile(rb"<(?:[\w.-]+:)?feed\s[^>]{0,2000}http://www\.w3\.org/2005/Atom")
_ERRORS = re.compile(r"https?://arxiv\.org/api/errors(?:#|$)")
_VERSION = re.compile(r"v([1-9][0-9]{0,2})$")

Item = Numbered | Refusal


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: `total` is how many papers the query has in all."""

    items: tuple[Item, ...]
    total: int


def recognises(head: bytes) -> bool:
    """Whether an Atom feed starts here."""
    return bool(_FEED.search(head)) and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def read(stream: BinaryIO, today: date | None = None) -> Iterator[Item]:
    """The records of all feeds in `stream`; see `papers.sources.xmlrecords.read`.

    Raises `UnreadableFile`, also where arXiv answered with an error.
    """
    today = today or datetime.now(UTC).date()
    number = 0
    for found in xmlrecords.read(stream, "feed", "entry"):
        if not isinstance(found, Envelope):
            number += 1
            yield _item(number, found, today)


def page(answer: bytes, today: date) -> Page:
    """One whole answer; its records are numbered from 1. Raises `UnreadableFile` where it is none, or is an error."""
    found = list(xmlrecords.read(io.BytesIO(answer), "feed", "entry"))
    if not found or not isinstance(found[-1], Envelope) or any(isinstance(entry, Envelope) for entry in found[:-1]):
        raise UnreadableFile("The answer is not one Atom feed.")
    items = tuple(_item(number, entry, today) for number, entry in enumerate(found[:-1], 1))
    total = next((text(e).strip() for e in found[-1].root.iter("{*}totalResults")), "")
    return Page(items, int(total) if total.isdecimal() and len(total) < 12 else len(items))


def _item(number: int, entry: Element | Broken, today: date) -> Item:
    if isinstance(entry, Broken):
        return Refusal(number, entry.reason, entry.raw)
    parts = children(entry)
    named = clean(_first(parts, "id") or "")
    if _ERRORS.match(named):
        raise Refused(f"arXiv refuses the request: {clean(_first(parts, 'summary') or 'an error')[:300]}.")
    try:
        return Numbered(number, _record(parts, named, today))
    except Unusable as reason:
        return Refusal(number, str(reason), clean(text(entry))[: jsonlines.RAW_SHOWN], arxiv_id(named) or named[:255])


def _record(parts: dict[str, list[Element]], named: str, today: date) -> Record:
    authors = [_author(children(author)) for author in parts.get("author", [])]
    codes = [clean(c.get("term", "")) for key in ("primary_category", "category") for c in parts.get(key, [])]
    fields: Fields = {
        "id": named or None,
        "title": _first(parts, "title"),
        "authors_parsed": [[author.printed] for author in authors],  # the parts are put in below
        "abstract": _first(parts, "summary"),
        "comments": _first(parts, "comment"),
        "journal-ref": _first(parts, "journal_ref"),
        "doi": _first(parts, "doi"),
    }
    published, updated = (
        jsonlines.day(clean(_first(parts, key) or ""), key, today) for key in ("published", "updated")
    )
    latest = int(match[1]) if (match := _VERSION.search(named)) else 1
    dated = [Version(1, published)] if published else []
    if updated and latest > 1:
        dated.append(Version(latest, updated))
    return replace(
        snapshot.record(fields, today),
        authors=jsonlines.authors(authors),
        categories=jsonlines.categories(list(dict.fromkeys(codes))),
        created=published,
        updated=updated or published,
        versions=tuple(dated),
    )


def _author(parts: dict[str, list[Element]]) -> PrintedAuthor:
    printed = storable(_first(parts, "name") or "").strip()
    affiliations = snapshot.institutions(clean(text(a)) for a in parts.get("affiliation", []))
    return PrintedAuthor(printed, *split_name(printed), affiliations)


def _first(parts: dict[str, list[Element]], wanted: str) -> str | None:
    """The text of the first child of that name; None where it is absent or empty. "0" is a title."""
    return next((text(element) for element in parts.get(wanted, [])), None) or None
