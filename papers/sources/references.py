"""What BibTeX and RIS have in common: one author's own file of references, cut into entries, each read on its own.

The libraries that parse these formats want a whole text and give back a whole list; here they get one entry at a time,
so that memory stays small and what is broken or hostile costs only itself. The formats state the year of publication,
sometimes the month, seldom the day, and nothing of versions; so a record of theirs fills in and never overwrites what
arXiv states.

Entry points: `pieces`, `decoded`, and `record`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice, pairwise
from typing import BinaryIO

from papers.identifiers import arxiv_id, doi
from papers.records import PrintedAuthor, Record
from papers.sources import jsonlines
from papers.sources.jsonlines import EARLIEST, Unusable
from papers.streams import UnreadableFile, without_mark
from papers.text import clean, storable

_MIB = 1024 * 1024
# One person's file; the most prolific have some 2,000 works, at 2 KiB each.
_MOST_BYTES = 16 * _MIB
# 5,154 authors take 150 KB; more than this is no reference.
LONGEST_ENTRY = _MIB
_MOST_ENTRIES = 20_000
_DATE = re.compile(r"([0-9]{4})(?![0-9])(?:[-/]([0-9]{1,2})(?![0-9])(?:[-/]([0-9]{1,2})(?![0-9]))?)?")
# "arXiv preprint arXiv:1412.6980", "CoRR abs/1412.6980", "arXiv:1412.6980 [cs.LG], 2014": all of it, for a remark that
# mentions another paper is no identifier of this one.
_ARXIV = re.compile(
    r"(?:arxiv(?: preprint| e-?prints?)?[ ,]+|corr[ ,]+)?(?:arxiv\s*:\s*|abs/)"
    r"([0-9]{4}\.[0-9]{4,5}|[a-z-]{2,10}(?:\.[a-z-]{2,10})?/[0-9]{7})(?:v[0-9]{1,3})?"
    r"(?: ?\[[a-z.-]{2,20}\])?[,. ]*(?:\(?[0-9]{4}\)?)?[,. ]*",
    re.IGNORECASE,
)
_LONGEST_PLACE = 300
_NO_JOURNAL = re.compile(r"arxiv|corr\b|computing research repository", re.IGNORECASE)


def pieces(stream: BinaryIO, start: re.Pattern[bytes]) -> Iterator[bytes]:
    """The file cut before every match of `start`; what stands before the first is no entry. Raises `UnreadableFile`."""
    data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise UnreadableFile(
            f"The file is larger than {_MOST_BYTES // _MIB} MiB; a file of references is read as one person's own."
        )
    data = without_mark(data)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    starts = [match.start() for match in islice(start.finditer(data), _MOST_ENTRIES + 1)]
    if not starts:
        raise UnreadableFile("The file holds no entry.")
    if len(starts) > _MOST_ENTRIES:
        raise UnreadableFile(
            f"The file holds more than {_MOST_ENTRIES:,} entries; a file of references is read as one person's own."
        )
    for first, following in pairwise([*starts, len(data)]):
        yield data[first:following]


def decoded(piece: bytes) -> str:
    """The text of one entry; raises `Unusable`."""
    if len(piece) > LONGEST_ENTRY:
        raise Unusable(f"The entry is longer than {LONGEST_ENTRY // _MIB} MiB.")
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unusable(f"The entry is not UTF-8 (byte {error.start + 1}).") from None


def shown(piece: bytes | str) -> str:
    """The start of an entry, for the curator to see beside the reason."""
    text = piece[: 4 * jsonlines.RAW_SHOWN]
    return clean(text if isinstance(text, str) else text.decode("utf-8", "replace"))[: jsonlines.RAW_SHOWN]


def check_names(names: list[str]) -> None:
    """Raises `Unusable` where there are too many, or one is too long to be read."""
    if len(names) > jsonlines.MOST_AUTHORS:
        raise Unusable(f"The entry has more than {jsonlines.MOST_AUTHORS:,} authors.")
    if any(len(name) > jsonlines.LONGEST_NAME for name in names):
        raise Unusable(f"An author's name is longer than {jsonlines.LONGEST_NAME:,} characters.")


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry, its values as printed; `dates` are tried in turn, `arxiv` are where arXiv's identifier may stand."""

    title: str
    authors: tuple[PrintedAuthor, ...]
    authors_line: str
    dates: tuple[str, ...]
    doi: str
    arxiv: tuple[str, ...]
    abstract: str
    journal: str
    volume: str = ""
    issue: str = ""
    pages: str = ""


def record(reference: Reference, today: date) -> Record:
    """The record of one entry; raises `Unusable`."""
    if not reference.authors:
        raise Unusable("The entry has no authors.")
    created, day_known, year = _date(reference.dates, today)
    found_doi = doi(reference.doi)
    arxiv = arxiv_id(found_doi) or _arxiv_id(reference.arxiv)
    return Record(
        title=jsonlines.title({"title": reference.title}),
        authors=reference.authors,
        arxiv_id=arxiv,
        doi=None if arxiv_id(found_doi) else found_doi,
        abstract=jsonlines.text({"abstract": reference.abstract}, "abstract"),
        created=created,
        day_known=day_known,
        journal_ref=""
        if _NO_JOURNAL.match(reference.journal)
        else place(reference.journal, reference.volume, reference.issue, reference.pages, year),
        source_authors=storable(reference.authors_line),
    )


def place(journal: str, volume: str, issue: str, pages: str, year: int | None) -> str:
    """ "Research Policy 26(1), 1-18 (1997)", as far as the parts are known; nothing without a journal."""
    if not (journal := clean(journal)):
        return ""
    volume, issue, pages = map(clean, (volume, issue, pages))
    number = f"{volume}({issue})" if issue else volume
    return f"{journal} {number}".strip() + (f", {pages}" if pages else "") + (f" ({year})" if year else "")


def _arxiv_id(places: tuple[str, ...]) -> str | None:
    for text in places:
        if found := arxiv_id(text):
            return found
        if (match := _ARXIV.fullmatch(clean(text[:_LONGEST_PLACE]))) and (found := arxiv_id(match[1])):
            return found
    return None


def _date(texts: tuple[str, ...], today: date) -> tuple[date | None, bool, int | None]:
    """(date, whether its day is stated, year) of the first text that starts with a year.

    Without a day or a month the date is the first of what is known. An issue of next month or year has no date yet.
    """
    match = next(filter(None, (_DATE.match(text.strip(" {}")) for text in texts)), None)
    if not match:
        return None, True, None
    year, month, day = (int(part) if part else 0 for part in match.groups())
    if year < EARLIEST.year:
        raise Unusable(f"The year {year} is before {EARLIEST.year}.")
    if year > today.year + 1:
        raise Unusable(f"The year {year} lies in the future.")
    try:
        found, known = date(year, month, day), True
    except ValueError:
        found, known = date(year, month if 1 <= month <= 12 else 1, 1), False
    return (None, True, year) if found > today + timedelta(days=1) else (found, known, year)
