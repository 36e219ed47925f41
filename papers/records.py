"""The one internal record that every source gives, whatever its format.

A source (see `papers.sources`) turns bytes into a stream of `Record` and `Refusal`; the import (`papers.importing`)
knows nothing of formats, and a source knows nothing of the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class PrintedAuthor:
    """One name as printed on one paper, and its parts as far as they could be read.

    `printed` is the source's own string, byte for byte (TeX and all); the parts are readable Unicode.
    A name of one token is a `family` with an empty `given`. `orcid` is an iD that stands in the paper's own metadata;
    `inferred_orcid` one that the source took for this name by a guess of its own, which proves nothing.
    """

    printed: str
    family: str
    given: str = ""
    suffix: str = ""
    affiliations: tuple[str, ...] = ()
    orcid: str | None = None
    inferred_orcid: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A paper's place on the list of one day; votes and comments as they were when the list was read."""

    day: date
    votes: int | None = None
    comments: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a paper: `number` from 1; `created` as the source dates it, in UTC."""

    number: int
    created: date


@dataclass(frozen=True, slots=True)
class Record:
    """One paper as one source states it. Absent facts are None or empty, never guessed.

    `title` and `abstract` are the source's strings with runs of white space folded, TeX untouched.
    `arxiv_id` is without version; `doi` is lower-case without a resolver; `categories` keep the source's order,
    primary first, and `topics` are further subjects by display name. `updated` is the date of the latest version, so
    that a source that knows of no versions leaves it out and fills in what others lack. `day_known` is False where a
    source gives only the month or the year of `created`, which then is the first day of it.
    `source_authors` is the author list as one printed string, where the source has one. `named` is what the source
    calls the record where that is no other identifier; by it the source may delete the record.
    """

    title: str
    authors: tuple[PrintedAuthor, ...]
    arxiv_id: str | None = None
    doi: str | None = None
    abstract: str = ""
    categories: tuple[str, ...] = ()
    created: date | None = None
    updated: date | None = None
    day_known: bool = True
    versions: tuple[Version, ...] = ()
    comments: str = ""
    journal_ref: str = ""
    license: str = ""
    source_authors: str = ""
    withdrawn: bool = False
    topics: tuple[str, ...] = ()
    listings: tuple[Listing, ...] = ()
    named: str = ""


class Line(NamedTuple):
    """One line of an input whose records are lines, unread: `content` is None where it was too long to be held."""

    number: int
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Numbered:
    """Where a record stood: `number` counts the records of the input from 1."""

    number: int
    record: Record


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that cannot be taken in: `reason` is a sentence for a curator.

    `raw` is what was read of it, as far as that is kept (`jsonlines.RAW_SHOWN`).
    """

    number: int
    reason: str
    raw: str = ""
    source_id: str = ""


@dataclass(frozen=True, slots=True)
class Deletion(Refusal):
    """The source says that it no longer has the record `source_id`. The paper stays, marked as withdrawn."""
