"""An author listing: one person's works as text, names as "Family, Given" in one line.

    Ding, Zixiang
    Accelerating Large Batch Training …
    Jiang, Guo-qing, Liu, Jinlong, Ding, Zixiang, Guo, Lin, Lin, Wei
    As models for nature language processing …

The first line says whose listing it is. Titles and abstracts may be anything, so the author lines are found first: a
line of short parts between commas, two of which are the name of the first line. The line above is the title; what
follows, up to the next title, is the abstract. A line that looks like names but lacks that name is taken as an author
line too where no title can stand, and its record is refused. Names are read in pairs; an odd number of parts can be
paired in more than one way, so that record goes to the curator. Blank lines mean nothing. The form has no
identifier and no date.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import BinaryIO

from papers.names import fold, split_name
from papers.records import Numbered, PrintedAuthor, Record, Refusal
from papers.sources.jsonlines import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    MOST_AUTHORS,
    RAW_SHOWN,
)
from papers.streams import UnreadableFile, lines
from papers.text import clean

# One person's works; the most prolific have some 2,000, at 2 KiB each.
_MOST_BYTES = 16 * 1024 * 1024
# "Nguyen Thi Kim Ngan" has four words; five leaves room for a particle. Prose between commas is longer.
_MOST_WORDS = 5
_LONGEST_PART = 60


def recognises(head: bytes) -> bool:
    """Whether the first line is one "Family, Given" and a line of names further down holds it."""
    found = [clean(line) for line in head.decode("utf-8-sig", "replace").splitlines()]
    found = [line for line in found if line]
    return len(found) > 2 and _is_heading(found[0]) and any(_names_owner(line, found[0]) for line in found[2:])


def read(stream: BinaryIO, today: date | None = None) -> Iterator[Numbered | Refusal]:
    """One record for each work of the listing. Raises `UnreadableFile`; `today` is not needed."""
    found = _text_lines(stream)
    if not found or not _is_heading(found[0]):
        raise UnreadableFile("The listing does not start with whose it is, as “Family, Given”.")
    owner, body = found[0], found[1:]
    at = _author_lines(body, owner)
    if not at:
        raise UnreadableFile(f"No line of the listing names {owner} among authors.")
    for number, (i, following) in enumerate(zip(at, [*at[1:], len(body) + 1], strict=True), 1):
        first = at[number - 2] + 1 if number > 1 else 0
        title = " ".join(body[:i]) if number == 1 else body[i - 1] if i > first else ""
        yield _work(number, owner, title, body[i], " ".join(body[i + 1 : following - 1]))


def _text_lines(stream: BinaryIO) -> list[str]:
    found, size = [], 0
    for _, line in lines(stream, limit=_MOST_BYTES):
        size += _MOST_BYTES + 1 if line is None else len(line)
        if size > _MOST_BYTES:
            raise UnreadableFile(f"The listing is larger than {_MOST_BYTES // 1024 // 1024} MiB.")
        if text := clean((line or b"").decode("utf-8", "replace")):
            found.append(text)
    return found


def _parts(line: str) -> list[str]:
    return [part.strip() for part in line.split(",")]


def _is_heading(line: str) -> bool:
    parts = _parts(line)
    return len(parts) == 2 and all(map(_is_name_part, parts))


def _is_name_part(part: str) -> bool:
    words = part.split()
    return (
        0 < len(words) <= _MOST_WORDS
        and len(part) <= _LONGEST_PART
        and not any(c.isdigit() or c in "{}[]:;?!$\\" for c in part)
        and any(map(str.isalpha, part))
    )


def _names_owner(line: str, owner: str) -> bool:
    """Whether all parts could be names and two neighbours are the owner's: wherever the pairs start."""
    parts = _parts(line)
    if not all(map(_is_name_part, parts)):
        return False
    return [*map(fold, _parts(owner))] in [list(pair) for pair in pairwise(map(fold, parts))]


def _looks_like_names(line: str) -> bool:
    """Four parts or more, each of capitalised words: strict, because the owner's name is not there to vouch."""
    parts = _parts(line)
    return len(parts) >= 4 and all(_is_name_part(part) and part[0].isupper() for part in parts) and line[-1] != "."


def _author_lines(body: list[str], owner: str) -> list[int]:
    sure = {i for i, line in enumerate(body) if _names_owner(line, owner)}
    found: list[int] = []
    for i, line in enumerate(body):
        room_for_title = i >= 1 if not found else i - found[-1] >= 2
        unsure = room_for_title and i + 1 not in sure and (i - 1 not in sure) and _looks_like_names(line)
        if i in sure or unsure:
            found.append(i)
    return found


def _work(number: int, owner: str, title: str, authors_line: str, abstract: str) -> Numbered | Refusal:
    raw = f"{owner}\n{title}\n{authors_line}\n{abstract}"[:RAW_SHOWN]  # a listing of one work, which can be read again
    parts = _parts(authors_line)
    reason = ""
    if not title:
        reason = "The work has no title: two lines of authors follow each other."
    elif len(parts) % 2:
        reason = f"The line of authors has {len(parts)} parts, so family and given names cannot be read in pairs."
    elif not _names_owner(authors_line, owner):
        reason = f"The authors do not include {owner}, whose listing this is."
    elif len(title) > LONGEST_TITLE or len(abstract) > LONGEST_TEXT or len(parts) > 2 * MOST_AUTHORS:
        reason = "The title, the abstract or the line of authors is too long."
    if reason:
        return Refusal(number, reason, raw)
    printed = [f"{family}, {given}" for family, given in zip(parts[::2], parts[1::2], strict=True)]
    authors = tuple(PrintedAuthor(name, *split_name(name)) for name in printed)
    return Numbered(number, Record(title=title, authors=authors, abstract=abstract, source_authors=authors_line))
