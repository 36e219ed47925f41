"""The formats that records come in. A source turns bytes into `Record`s and `Refusal`s and knows no database.

To add one: a module with `read` and `recognises`, one line in `SOURCES`, a sample and its test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from papers import streams
from papers.records import Numbered, Refusal
from papers.sources import atom, facts, listing, oai, snapshot
from papers.streams import UnreadableFile

# Enough to know a format by: a listing shows itself by its third line, a snapshot by its first author string.
HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One format: `slug` for commands and rows, `label` for people.

    `read` streams the records of an unpacked input and raises `UnreadableFile`; `recognises` judges its first bytes.
    """

    slug: str
    label: str
    read: Callable[[BinaryIO], Iterator[Numbered | Refusal]]
    recognises: Callable[[bytes], bool]


# In the order in which they are asked: a snapshot line may hold anything that a line of facts does.
SOURCES = (
    Source("snapshot", "arXiv snapshot (JSON lines)", snapshot.read, snapshot.recognises),
    Source("facts", "Bibliographic facts (JSON lines)", facts.read, facts.recognises),
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
    for source in SOURCES:
        if source.recognises(head):
            return source
    raise UnreadableFile(f"This is none of the formats that are read: {', '.join(s.label for s in SOURCES)}.")
