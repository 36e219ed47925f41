"""RIS, as reference managers export it: one author's own file.

    TY  - JOUR
    AU  - Dobrokhotova, Yu E.
    TI  - The state of the receptor apparatus
    PY  - 2009/03/12/
    ER  -

rispy reads the tags: `TY` may be free text, and a line without a tag goes on with the one before it, as EndNote writes
keywords. Done here, because it does not: a record without `ER` is lost by the library at the end of a file, and before
it runs into the next, so the file is cut at `TY`, and such a record is refused, for its last lines may be missing.

Reference: RIS format specification (Research Information Systems, 2011), as EndNote, Zotero and publishers write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

import rispy

from papers.names import split_name
from papers.records import Numbered, PrintedAuthor, Record, Refusal
from papers.sources import references
from papers.sources.jsonlines import Unusable
from papers.sources.references import Reference
from papers.text import clean, storable

_START = re.compile(rb"^TY  -", re.MULTILINE)


def recognises(head: bytes) -> bool:
    """Whether a line opens a record."""
    return bool(_START.search(head.removeprefix(b"\xef\xbb\xbf")))


def read(stream: BinaryIO, today: date | None = None) -> Iterator[Numbered | Refusal]:
    """The record of every entry, or its refusal. Raises `papers.streams.UnreadableFile`."""
    today = today or datetime.now(UTC).date()
    for number, piece in enumerate(references.pieces(stream, _START), 1):
        try:
            yield Numbered(number, _record(_tags(references.decoded(piece)), today))
        except Unusable as reason:
            yield Refusal(number, str(reason), references.shown(piece))


def _tags(text: str) -> dict[str, Any]:
    found = rispy.RisParser(skip_unknown_tags=True).parse(text)
    if not found:
        raise Unusable("The record does not end in a line “ER  -”, so that the rest of it may be missing.")
    tags: dict[str, Any] = found[0]
    return tags


def _record(tags: dict[str, Any], today: date) -> Record:
    def first(*names: str) -> str:
        return next((storable(tags[name]) for name in names if tags.get(name)), "")

    names = [*map(storable, tags.get("authors") or tags.get("first_authors") or [])]
    references.check_names(names)
    start, end = first("start_page"), first("end_page")
    urls = [*map(storable, tags.get("urls", []))]
    return references.record(
        Reference(
            title=first("title", "primary_title"),
            authors=tuple(author for author in map(_author, names) if author.family),
            authors_line="; ".join(names),
            dates=tuple(map(first, ("date", "year", "publication_year"))),
            doi=first("doi"),
            arxiv=(*urls, *map(first, ("journal_name", "secondary_title", "note", "accession_number"))),
            abstract=first("abstract", "notes_abstract"),
            journal=first("secondary_title", "journal_name", "alternate_title3", "alternate_title2"),
            volume=first("volume"),
            issue=first("number"),
            pages=f"{start}-{end}" if end and end != start else start,
        ),
        today,
    )


def _author(printed: str) -> PrintedAuthor:
    """EndNote ends the name of a group with a comma."""
    if printed.endswith(",") and printed.count(",") == 1:
        return PrintedAuthor(printed, clean(printed[:-1]))
    return PrintedAuthor(printed, *split_name(printed))
