"""What a record becomes on its way to the database: lines in the text format of PostgreSQL's COPY.

Problem: reading a record costs as much as storing it, and the two can go on side by side only if little passes between
them. Idea: whoever reads a record also writes its lines, as bytes that the importer hands to COPY without looking at
them; beside them stands what tells two records of one chunk apart. Nothing here knows a database, so another process
can do it (`papers.reading`).

Entry point: `stage`. Reference: PostgreSQL manual, COPY, "Text Format", and "Array Input and Output Syntax".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from datetime import date
from typing import NamedTuple

from papers.names import fold, surname_key
from papers.records import Listing, PrintedAuthor, Record, Version
from papers.taxonomy import is_category, topic_name
from papers.text import plain

# The order of the fields in the lines of `Staged.paper` and `Staged.signatures`.
PAPER_COLUMNS = (
    "number", "arxiv_id", "doi", "fingerprint", "title", "title_text", "abstract", "categories", "created", "updated",
    "day_known", "versions", "comments", "journal_ref", "license", "source_authors", "withdrawn", "source",
    "authors_key", "topics", "digest", "named",
)  # fmt: skip
SIGNATURE_COLUMNS = (
    "number", "position", "printed", "family", "given", "suffix", "family_key", "given_key", "surname_key",
    "affiliations", "orcid", "inferred_orcid",
)  # fmt: skip
LISTING_COLUMNS = ("number", "day", "votes", "comments")
# The column's length; a real one is "Jr." or "III", and all of it stands in the printed name.
SUFFIX_LENGTH = 32
# A B-tree entry holds at most 2,704 bytes; no real family name is as long as this.
KEY_LENGTH = 200

_NULL = r"\N"


class Staged(NamedTuple):
    """A record ready to be copied: `paper` is one line, `signatures` one for each name, each ended by a newline.

    `topics` are display names; `listings` are no two of one day. The other fields say whether two records can be one
    paper.
    """

    number: int
    arxiv_id: str | None
    doi: str | None
    fingerprint: str
    updated: date | None
    topics: tuple[str, ...]
    listings: tuple[Listing, ...]
    paper: bytes
    signatures: bytes

    def listing_lines(self) -> bytes:
        """A line in the order of `LISTING_COLUMNS` for each day on which the paper was listed."""
        return "".join(
            f"{self.number}\t{day.isoformat()}\t{_count(votes)}\t{_count(comments)}\n"
            for day, votes, comments in map(astuple, self.listings)
        ).encode()

    def listed_too(self, other: Staged) -> Staged:
        """This record, with the days on which `other` says that the paper was listed, each with its highest counts."""
        if not other.listings:
            return self
        days = {listing.day: listing for listing in self.listings}
        for listing in other.listings:
            known = days.get(listing.day, listing)
            votes, comments = _higher(known.votes, listing.votes), _higher(known.comments, listing.comments)
            days[listing.day] = Listing(listing.day, votes, comments)
        return self._replace(listings=tuple(days.values()))


def _higher(one: int | None, other: int | None) -> int | None:
    return max((count for count in (one, other) if count is not None), default=None)


def stage(number: int, record: Record, source: str, digest: bytes | None = None) -> Staged:
    """The lines of one record; `digest` (16 bytes) stands for what it was read from, where that can be met again."""
    title = plain(record.title)
    folded = [(fold(author.family), fold(author.given)) for author in record.authors]
    keys = [_keys(author, *names) for author, names in zip(record.authors, folded, strict=True)]
    found = _fingerprint(title, folded)
    topics = _topics(record)
    paper = (
        str(number), record.arxiv_id or _NULL, _escaped(record.doi) if record.doi else _NULL, found,
        _escaped(record.title), _escaped(title), _escaped(record.abstract), _array(record.categories),
        _date(record.created), _date(record.updated), _boolean(record.day_known), _versions(record.versions),
        _escaped(record.comments), _escaped(record.journal_ref), _escaped(record.license),
        _escaped(record.source_authors), _boolean(record.withdrawn), source,
        _escaped(";".join([f"{family}|{given}" for family, given in keys])) if keys else _NULL, _array(topics),
        rf"\\x{digest.hex()}" if digest else _NULL, _escaped(record.named) if record.named else _NULL,
    )  # fmt: skip
    signatures = [
        _signature(number, position, author, *names)
        for position, (author, names) in enumerate(zip(record.authors, keys, strict=True))
    ]
    lines = ("\t".join(paper) + "\n").encode(), "".join(signatures).encode()
    return Staged(number, record.arxiv_id, record.doi, found, record.updated, topics, record.listings, *lines)


def fingerprint(record: Record) -> str:
    """32 hex digits of the folded title and the set of author names: finds a paper whose record has no identifier.

    The title alone is no key: in arXiv 703 titles stand on several papers.
    """
    return _fingerprint(plain(record.title), [(fold(a.family), fold(a.given)) for a in record.authors])


def _fingerprint(title: str, folded: Iterable[tuple[str, str]]) -> str:
    names = sorted({f"{family} {given}" for family, given in folded})
    bare = fold.__wrapped__(title)  # not remembered: a title does not come again as names do
    return hashlib.blake2b("\n".join([bare, *names]).encode(), digest_size=16).hexdigest()


def _keys(author: PrintedAuthor, family: str, given: str) -> tuple[str, str]:
    """(family key, given key). A name without a letter or digit, an emoji perhaps, is its own key."""
    return (family or author.printed.casefold())[:KEY_LENGTH], given[:KEY_LENGTH]


def _topics(record: Record) -> tuple[str, ...]:
    """Topics by display name. A code outside the taxonomy stays among the paper's categories only."""
    return tuple(
        dict.fromkeys([*(topic_name(code) for code in record.categories if is_category(code)), *record.topics])
    )


def _signature(number: int, position: int, author: PrintedAuthor, family_key: str, given_key: str) -> str:
    surname = surname_key(author.family) or author.printed.casefold()
    parts = (
        author.printed,
        author.family,
        author.given,
        author.suffix[:SUFFIX_LENGTH],
        family_key,
        given_key,
        surname[:KEY_LENGTH],
    )
    affiliations = _array(author.affiliations) if author.affiliations else "{}"
    iDs = f"{author.orcid or _NULL}\t{author.inferred_orcid or _NULL}"
    return f"{number}\t{position}\t{_fields(parts)}\t{affiliations}\t{iDs}\n"


# --- the text format of COPY -----------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    """A field; it holds no NUL (`papers.text.storable`)."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if text.isprintable():
        return text
    return text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _fields(texts: Iterable[str]) -> str:
    """Several fields, escaped in one go: NUL stands in for the tab between them."""
    return _escaped("\0".join(texts)).replace("\0", "\t")


def _array(texts: Sequence[str]) -> str:
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]
    return _escaped("{" + ",".join([f'"{text}"' for text in quoted]) + "}")


def _date(value: date | None) -> str:
    return value.isoformat() if value else _NULL


def _count(value: int | None) -> str:
    return _NULL if value is None else str(value)


def _boolean(value: bool) -> str:
    return "t" if value else "f"


def _versions(versions: Iterable[Version]) -> str:
    listed = ", ".join([f'{{"number": {v.number}, "created": "{v.created.isoformat()}"}}' for v in versions])
    return f"[{listed}]"
