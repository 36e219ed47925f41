"""arXiv's metadata snapshot: JSON lines with the raw author string and arXiv's own reading of it.

Authors: `authors` is one raw TeX string, `authors_parsed` a list of [family, given, suffix, affiliation, …]. The parts
are taken from the latter, the printed names from the former wherever it splits into the same names; where it does not
("LHCb collaboration: R. Aaij" is two authors there), the printed name is put together from the parts. Two slips of
arXiv's parser are mended: "Vincent van den Berg" is no Mr Berg whose given names end in "van den" (it knows few
particles; 8 names in 10,000), and "Zhe (Rita) Liang" is not two people.

Dates: `created` is that of version 1. `updated`, which gives a work its year, is that of the latest version where the
record lists more than one; otherwise `update_date`. Reason: some files list version 1 only, whatever was revised
since, and for those `update_date` is all there is; but it also moves when arXiv edits metadata in bulk, so versions
are believed first. An `update_date` before version 1 is a slip of the source, and version 1 stands.

Withdrawn papers stay in the snapshot as ordinary records; they say so in the first words of comments or abstract. (A
comment that mentions a withdrawal further on is most often about another version or paper.)
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import BinaryIO

from papers.identifiers import doi
from papers.names import fold, is_particle, split_authors, split_name
from papers.records import Numbered, PrintedAuthor, Record, Refusal, Version
from papers.sources import jsonlines
from papers.sources.jsonlines import Fields, Unusable
from papers.text import clean, decode_accents, storable

_AUTHOR_STRING = jsonlines.line_with(rb'"authors"\s*:\s*"|"authors_parsed"\s*:\s*\[')
# arXiv numbers its versions; the most revised paper has some 60.
_MOST_VERSIONS = 1_000
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_GMT = re.compile(r"(?:[A-Z][a-z]{2}, )?([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) [0-9:]{5,8} (?:GMT|UTC?|[+-]0000)")
_WITHDRAWN = re.compile(
    r"\W{0,3}(?:(?:this|the|our) )?(?:(?:current|present|arxiv) )?"
    r"(?:paper|article|submission|manuscript|work|preprint|version|note|letter|document|e-?print)?s?(?:\(s\))? ?"
    r"(?:has been|have been|is being|has|is|was|are|were)? ?(?:now |temporarily |hereby )?"
    r"(?:withdrawn|retracted|removed by arxiv)"
    r"(?= by| due| because| as| since| for| from| until| pending| and|[.,;:!)]|$)",
    re.IGNORECASE,
)
_FOR_A_GROUP = ("for the ", "on behalf of ")


def recognises(head: bytes) -> bool:
    """Whether a line starts an object that has an author string or arXiv's parsed authors."""
    return bool(_AUTHOR_STRING.search(head))


def read(stream: BinaryIO, today: date | None = None) -> Iterator[Numbered | Refusal]:
    """The records of `stream`; see `papers.sources.jsonlines.records`."""
    return jsonlines.records(stream, record, today)


def parse(number: int, line: bytes | None, today: date | None = None) -> Numbered | Refusal:
    """One line; see `papers.sources.jsonlines.item`."""
    return jsonlines.item(number, line, record, today)


def record(fields: Fields, today: date, identified: bool = True) -> Record:
    """One snapshot object as a record, which must be `identified`; raises `Unusable`."""
    versions = _versions(fields.get("versions"), today)
    created = versions[0].created if versions and versions[0].number == 1 else None
    authors_line = jsonlines.text(fields, "authors", jsonlines.MOST_AUTHORS * 100, storable)
    comments, abstract = jsonlines.text(fields, "comments"), jsonlines.text(fields, "abstract")
    return Record(
        arxiv_id=jsonlines.identifier(fields) if identified or fields.get("id") else None,
        title=jsonlines.title(fields),
        authors=_authors(authors_line, fields.get("authors_parsed")),
        doi=_first_doi(fields.get("doi")),
        abstract=abstract,
        categories=jsonlines.categories(jsonlines.text(fields, "categories").split()),
        created=created,
        updated=_updated(versions, jsonlines.day(fields.get("update_date"), "update_date", today)),
        versions=versions,
        comments=comments,
        journal_ref=jsonlines.text(fields, "journal-ref"),
        license=jsonlines.text(fields, "license"),
        source_authors=authors_line,
        withdrawn=says_withdrawn(comments, abstract),
    )


def says_withdrawn(comments: str, abstract: str) -> bool:
    """Whether the first words of either say that the paper is withdrawn."""
    return bool(_WITHDRAWN.match(comments) or _WITHDRAWN.match(abstract))


def _first_doi(value: object) -> str | None:
    """Some records print several, of preprint and journal, with a space between."""
    return next(filter(None, map(doi, value.split())), None) if isinstance(value, str) else None


# --- dates -----------------------------------------------------------------------------------------------------------


def _updated(versions: tuple[Version, ...], update_date: date | None) -> date | None:
    if len(versions) > 1 or not update_date:
        return versions[-1].created if versions else None
    return max(update_date, versions[0].created) if versions else update_date


def _versions(value: object, today: date) -> tuple[Version, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _MOST_VERSIONS or not all(isinstance(v, dict) for v in value):
        raise Unusable(f"“versions” is not a list of at most {_MOST_VERSIONS:,} objects.")
    dated = (_version(v, today) for v in value if v.get("created") is not None)
    return tuple(sorted(dated, key=lambda version: version.number))


def _version(value: Fields, today: date) -> Version:
    label = value.get("version")
    if not isinstance(label, str) or not re.fullmatch("v[1-9][0-9]{0,3}", label):
        raise Unusable("A version has no number of the form v1.")
    return Version(int(label[1:]), jsonlines.plausible(_moment(value.get("created")), f"created of {label}", today))


def _moment(value: object) -> date:
    if isinstance(value, str):
        try:
            if (match := _GMT.fullmatch(value)) and match[2] in _MONTHS:
                return date(int(match[3]), _MONTHS[match[2]], int(match[1]))
            moment = parsedate_to_datetime(value)
            return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
        except (ValueError, OverflowError, TypeError, IndexError):
            pass
    raise Unusable("A version's date is not of the form “Mon, 2 Apr 2007 19:18:42 GMT”.")


# --- authors ---------------------------------------------------------------------------------------------------------


def _authors(line: str, parsed: object) -> tuple[PrintedAuthor, ...]:
    printed = split_authors(line)
    if parsed is None or parsed == []:
        authors = [PrintedAuthor(name, *split_name(name)) for name in printed]
    else:
        authors = _parsed_authors(line, printed, parsed)
    return jsonlines.authors(authors)


def _parsed_authors(line: str, printed: list[str], parsed: object) -> list[PrintedAuthor]:
    if not isinstance(parsed, list):
        raise Unusable("“authors_parsed” is not a list.")
    entries = [_entry(item) for item in parsed]
    entries = [entry for entry in entries if entry[0][:1].isalnum() or any(map(str.isalnum, entry[0]))]
    if len(entries) > len(printed) and "(" in line:
        entries = _without_nicknames(line, entries)
    same = len(entries) == len(printed)
    return [
        PrintedAuthor(
            printed[i] if same and _stands_in(family, printed[i]) else " ".join(filter(None, (given, family, suffix))),
            family,
            given,
            suffix,
            institutions(affiliations),
        )
        for i, (family, given, suffix, *affiliations) in enumerate(entries)
    ]


def institutions(affiliations: Iterable[str]) -> tuple[str, ...]:
    """The affiliations that are places; "for the X Collaboration" is printed among them."""
    return tuple(name for name in affiliations if name and not name.startswith(_FOR_A_GROUP))


def _entry(item: object) -> tuple[str, ...]:
    """family, given, suffix, then affiliations; the parser leaves "King," and "C. -P." behind."""
    if not isinstance(item, list) or not all(isinstance(part, str) or part is None for part in item):
        raise Unusable("“authors_parsed” holds something other than lists of texts.")
    parts = [_read(part) if part else "" for part in item]
    family, given, suffix, *affiliations = parts + [""] * (3 - len(parts))
    if not family:
        family, given = given, ""
    family, given = family.strip(" ,"), given.replace(". -", ".-")
    if given[-1:].islower() and is_particle(given.rpartition(" ")[2]):
        family, given, _ = split_name(f"{family}, {given}")
    return family, given, suffix, *affiliations


def _without_nicknames(line: str, entries: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """arXiv reads "Zhe (Rita) Liang" as Zhe, whose affiliation is Rita, and Liang."""
    found: list[tuple[str, ...]] = []
    for entry in entries:
        if found and not entry[1] and not found[-1][1] and f"{found[-1][0]} ({found[-1][-1]}) {entry[0]}" in line:
            found[-1] = (entry[0], found[-1][0], *entry[2:])
        else:
            found.append(entry)
    return found


@lru_cache(maxsize=100_000)  # names come again
def _read(part: str) -> str:
    return decode_accents(clean(part))


def _stands_in(family: str, printed: str) -> bool:
    return family in printed or fold(family) in fold(decode_accents(printed).replace("{", "").replace("}", ""))
