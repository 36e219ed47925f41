"""The formats that records come in. A source turns bytes into `Record`s and `Refusal`s and knows no database.

To add one: a module with `read` and `recognises`, one line in `SOURCES`, a sample and its test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from papers import streams
from papers.records import Numbered, Refusal
from papers.sources import atom, bibtex, daily, facts, listing, oai, openalex, ris, snapshot
from papers.streams import UnreadableFile

# Enough to know a format by: a listing shows itself by its third line, a snapshot by its first author string.
HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One format: `slug` for commands and rows, `label` for people.

    `read` streams the records of an unpacked input and raises `UnreadableFile`; `recognises` judges its first bytes.
    `parse` reads one line of a format that is JSON lines: such lines can be skipped, known again by their bytes, and
    parsed elsewhere (`papers.reading`).
    `alone` makes of the `raw` text of one refused record an input of its own, to be read again once it is fixed.
    """

    slug: str
    label: str
    read: Callable[[BinaryIO], Iterator[Numbered | Refusal]]
    recognises: Callable[[bytes], bool]
    parse: Callable[[int, bytes | None], Numbered | Refusal] | None = None
    alone: Callable[[str], bytes] = str.encode


# In the order in which they are asked: a snapshot line may hold anything that a line of facts does.
SOURCES = (
    Source("snapshot", "arXiv snapshot (JSON lines)", snapshot.read, snapshot.recognises, snapshot.parse),
    Source("facts", "Bibliographic facts (JSON lines)", facts.read, facts.recognises, facts.parse),
    Source("daily", "Daily papers (JSON)", daily.read, daily.recognises),
    Source("openalex", "OpenAlex works (JSON)", openalex.read, openalex.recognises),
    Source("bibtex", "BibTeX (one author's own file)", bibtex.read, bibtex.recognises),
    Source("ris", "RIS (one author's own file)", ris.read, ris.recognises),
    Source("oai", "OAI-PMH answer (XML)", oai.read, oai.recognises),
    Source("atom", "arXiv API feed (Atom)", atom.read, atom.recognises),
    Source("listing", "Author listing (text)", listing.read, listing.recognises),
)


def by_slug(slug: str) -> Source:
    """The source of that slug; raises KeyError."""
    return {source.slug: source for source in SOURCES}[slug]


def peek(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """What `detect` asks for, and a stream that still gives all the bytes."""
    return streams.peek(stream, HEAD_BYTES)


def detect(head: bytes) -> Source:
    """The source whose input starts with `head`; raises `UnreadableFile` where none does."""
    if not head.strip():
        raise UnreadableFile("The file is empty.")
    streams.without_mark(head)
    for source in SOURCES:
        if source.recognises(head):
            return source
    raise UnreadableFile(f"This is none of the formats that are read: {', '.join(s.label for s in SOURCES)}.")
