"""OAI-PMH: the answers of a repository to ListRecords and GetRecord, in `arXivRaw`, `arXiv` and `oai_dc`.

Why no library: sickle (dormant) and oaipmh-scythe flatten a record into parallel lists of key names and forenames,
which differ in length in 13 of 30 real arXiv records, so that names are paired wrongly; and neither bounds what it
reads. Flow control is `papers.harvesting`; this module reads one answer, or a file of answers one after the other.

The three forms differ in what can be believed:

* `arXivRaw` is the snapshot in XML (`papers.sources.snapshot` reads it): all versions, and the authors as one string.
  A version's `source_type` tells a withdrawal: "I".
* `arXiv` is made from the current version. `created` is that version's date on the present server and version 1's on
  the one before; so it stands as the paper's date only where the identifier's month agrees, and the day is believed
  only where a later `updated` stands beside it. `acm-class` repeats `msc-class` there and is not read.
  Other repositories say what they mean: `created` is the paper's date, a paper need not be on arXiv, and sets
  "topic:slug", which BZPEER has, are subjects.
* `oai_dc` names categories by display name, of which two may be one ("Machine Learning"): the sets in the header are
  asked for the code first. Of two dates the first is version 1's. Records of other repositories are read too.

The header's datestamp says when the metadata last changed, bulk edits among that: never a paper's date.
A deleted record becomes a `Deletion`. Entry points: `read` for a file, `page` for an answer.
Reference: The Open Archives Initiative Protocol for Metadata Harvesting 2.0; github.com/arXiv/oaipmh.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import BinaryIO

from papers.identifiers import arxiv_id, doi
from papers.names import split_name
from papers.records import Deletion, Numbered, PrintedAuthor, Record, Refusal
from papers.sources import jsonlines, snapshot, xmlrecords
from papers.sources.jsonlines import Fields, Unusable
from papers.sources.xmlrecords import Broken, Element, Envelope, children, name, text
from papers.streams import UnreadableFile
from papers.taxonomy import canonical, is_category, topic_codes, topic_name
from papers.text import clean, decode_accents, storable

PREFIXES = ("arXivRaw", "arXiv", "oai_dc")

_ROOT = re.compile(rb"<(?:[\w.-]+:)?OAI-PMH[\s>]")
_DAY = re.compile("([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T[0-9:.]+Z)?")
_OF_ARXIV = "oai:arXiv.org:"
_SOURCE_TYPE_WITHDRAWN = "I"
_GROUPS = ("Collaboration", "Collaborations", "Consortium")  # a group's name, taken apart like a person's
# A paper sent in late in May may be numbered in June.
_MONTH_ENDS_EARLY = timedelta(days=7)

_LISTS = {"ListRecords", "GetRecord", "error"}

Item = Numbered | Refusal


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. `token` asks for the next one, and is empty in the last. `errors` are (code, message).

    `answered` is the repository's own date of the answer (UTC). `first` and `last` bound the datestamps; `in_order`
    says whether they only grow.
    """

    items: tuple[Item, ...]
    token: str
    errors: tuple[tuple[str, str], ...]
    answered: date | None
    first: date | None
    last: date | None
    in_order: bool
    total: int | None


def recognises(head: bytes) -> bool:
    """Whether an OAI-PMH answer starts here."""
    return bool(_ROOT.search(head)) and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def read(stream: BinaryIO, today: date | None = None) -> Iterator[Item]:
    """The records of all answers in `stream`; see `papers.sources.xmlrecords.read`.

    Raises `UnreadableFile`, also where an answer is nothing but an error.
    """
    today = today or datetime.now(UTC).date()
    number = 0
    for found in xmlrecords.read(stream, "OAI-PMH", "record"):
        if not isinstance(found, Envelope):
            number += 1
            yield _item(number, found, today)
        elif problems := [error for error in _errors(found.root) if error[0] != "noRecordsMatch"]:
            raise UnreadableFile(told(problems))
        elif not _LISTS & children(found.root).keys():
            raise UnreadableFile("The answer has no records: the answers to ListRecords and GetRecord are read.")


def page(answer: bytes, today: date) -> Page:
    """One whole answer; its records are numbered from 1. Raises `UnreadableFile` where it is none or is cut short."""
    items: list[Item] = []
    stamps: list[date] = []
    envelope: Envelope | None = None
    for found in xmlrecords.read(io.BytesIO(answer), "OAI-PMH", "record"):
        if envelope is not None:
            raise UnreadableFile("The answer is more than one OAI-PMH document.")
        if isinstance(found, Envelope):
            envelope = found
            continue
        items.append(_item(len(items) + 1, found, today))
        if stamp := _datestamp(found):
            stamps.append(stamp)
    if envelope is None:
        raise UnreadableFile("The answer is empty.")
    if not _LISTS & children(envelope.root).keys():
        raise UnreadableFile("The answer holds no list of records.")
    token = next(envelope.root.iter("{*}resumptionToken"), None)
    total = token.get("completeListSize", "") if token is not None else ""
    return Page(
        items=tuple(items),
        token=text(token).strip() if token is not None else "",
        errors=tuple(_errors(envelope.root)),
        answered=_day(next((text(e) for e in envelope.root.iter("{*}responseDate")), "")),
        first=min(stamps, default=None),
        last=max(stamps, default=None),
        in_order=stamps == sorted(stamps),
        total=int(total) if total.isdecimal() and len(total) < 12 else None,
    )


def told(errors: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    """The sentence about what the repository says is wrong."""
    said = "; ".join(f"{code}: {message}" if message else code for code, message in errors[:3])
    return f"The repository refuses the request ({said})."


def _errors(root: Element) -> list[tuple[str, str]]:
    return [(clean(e.get("code", "error"))[:60], clean(text(e))[:300]) for e in root if name(e) == "error"]


def _day(value: str) -> date | None:
    """The day of a UTC datestamp; None where it is none."""
    match = _DAY.fullmatch(value.strip())
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _datestamp(record: Element | Broken) -> date | None:
    if isinstance(record, Broken):
        return None
    return next(
        (day for header in children(record).get("header", []) if (day := _day(_one(header, "datestamp")))), None
    )


# --- records ---------------------------------------------------------------------------------------------------------


def _item(number: int, record: Element | Broken, today: date) -> Item:
    if isinstance(record, Broken):
        return Refusal(number, record.reason, record.raw)
    parts = children(record)
    header = parts["header"][0] if "header" in parts else record
    named = clean(_one(header, "identifier"))[:255]
    known = arxiv_id(named.removeprefix(_OF_ARXIV))
    try:
        if header.get("status") == "deleted":
            if not named:
                raise Unusable("The header of a deleted record has no identifier.")
            since = f" on {stamp.isoformat()}" if (stamp := _datestamp(record)) else ""
            return Deletion(number, f"The repository has deleted this record{since}.", source_id=known or named)
        if "metadata" not in parts or not len(parts["metadata"][0]):
            raise Unusable("The record has no metadata.")
        metadata = parts["metadata"][0][0]
        form = _FORMS.get(name(metadata))
        if form is None:
            raise Unusable(f"The metadata are in “{name(metadata)[:40]}”; {', '.join(PREFIXES)} are read.")
        found = form(metadata, header, today)
        if known and found.arxiv_id not in (known, None):
            raise Unusable(f"The header names {known} and the record {found.arxiv_id}.")
        return Numbered(number, found if _is_of_arxiv(header) else replace(found, named=named))
    except Unusable as reason:
        return Refusal(number, str(reason), clean(text(record))[: jsonlines.RAW_SHOWN], known or named)


def _one(element: Element, wanted: str) -> str:
    """The text of the first child of that name; "" where there is none."""
    return next((text(child) for child in element if name(child) == wanted), "")


def _fields(metadata: Element) -> Fields:
    """The simple elements of a record as the snapshot has them, by the same names."""
    return {
        key: text(found[0]) or None
        for key, found in children(metadata).items()
        if key in {"id", "title", "authors", "categories", "comments", "journal-ref", "doi", "license", "abstract"}
    }


def _raw(metadata: Element, header: Element, today: date) -> Record:
    """`arXivRaw`: the snapshot's own fields."""
    versions = children(metadata).get("version", [])
    fields = _fields(metadata) | {
        "versions": [{"version": v.get("version"), "created": _one(v, "date") or None} for v in versions]
    }
    record = snapshot.record(fields, today)
    latest = max(versions, key=lambda v: int(re.sub("[^0-9]", "", v.get("version", "")) or 0), default=None)
    gone = latest is not None and _SOURCE_TYPE_WITHDRAWN in _one(latest, "source_type")
    return replace(record, withdrawn=record.withdrawn or gone)


def _current(metadata: Element, header: Element, today: date) -> Record:
    """`arXiv`: the current version, names in parts."""
    authors = [
        author for group in children(metadata).get("authors", []) for author in group if name(author) == "author"
    ]
    created, updated = (jsonlines.day(clean(_one(metadata, key)), key, today) for key in ("created", "updated"))
    parsed = [[author.printed] for author in map(_author, authors)]  # the parts are put in below
    fields = _fields(metadata) | {"authors": None, "authors_parsed": parsed}
    if not _is_of_arxiv(header):
        return replace(
            snapshot.record(fields, today, identified=False),
            authors=jsonlines.authors(list(map(_author, authors))),
            created=created,
            updated=max((day for day in (created, updated) if day), default=None),
            topics=_topics(header, fields.get("categories") or ""),
        )
    record = snapshot.record(fields, today)
    month = _month(record.arxiv_id or "")
    agrees = bool(created and month and month - _MONTH_ENDS_EARLY <= created < _next_month(month))
    return replace(
        record,
        authors=jsonlines.authors(list(map(_author, authors))),
        created=created if agrees else month,
        day_known=agrees and bool(created and updated and updated > created),
        updated=max((day for day in (created, updated) if day), default=None),
    )


def _is_of_arxiv(header: Element) -> bool:
    named = clean(_one(header, "identifier"))
    return named.startswith(_OF_ARXIV) or not named.startswith("oai:")


def _topics(header: Element, categories: str) -> tuple[str, ...]:
    """Topics beside those of the categories, by the words of their slugs."""
    named = {re.sub("[^a-z0-9]+", "-", topic_name(code).lower()).strip("-") for code in categories.split()}
    specs = (clean(text(spec)).partition(":") for spec in children(header).get("setSpec", []))
    slugs = (slug for kind, _, slug in specs if kind == "topic" and re.fullmatch("[a-z0-9_-]{1,120}", slug))
    return tuple(slug.replace("-", " ").capitalize() for slug in dict.fromkeys(slugs) if slug not in named)


def _author(author: Element) -> PrintedAuthor:
    """Key name, forenames and suffix of one `author`: read from its own children, so that they belong together."""
    key, given, suffix = (storable(_one(author, part)).strip() for part in ("keyname", "forenames", "suffix"))
    printed = " ".join(filter(None, (given, key, suffix)))
    affiliations = snapshot.institutions(clean(text(a)) for a in children(author).get("affiliation", []))
    if not given or key in _GROUPS:  # a collaboration, a mononym, or a name that arXiv could not take apart
        return PrintedAuthor(printed, *split_name(printed), affiliations)
    family, forenames, junior = (decode_accents(clean(part)).strip(" ,") for part in (key, given, suffix))
    return PrintedAuthor(printed, family, forenames, junior, affiliations)


def _dublin_core(metadata: Element, header: Element, today: date) -> Record:
    """`oai_dc`: repeated elements, of which order alone says what they are."""
    parts = {key: [t for e in found if (t := clean(text(e)))] for key, found in children(metadata).items()}
    about = parts.get("identifier", [])
    dates = sorted(day for value in parts.get("date", []) if (day := _day(value)))
    descriptions = parts.get("description", [])
    comments = next((d.removeprefix("Comment: ") for d in descriptions[1:]), "")
    own = arxiv_id(clean(_one(header, "identifier")).removeprefix(_OF_ARXIV))
    journal = (value for value in about if own and not (value.startswith("http") or doi(value) or arxiv_id(value)))
    fields: Fields = {"title": next(iter(parts.get("title", [])), None), "abstract": next(iter(descriptions), None)}
    abstract = jsonlines.text(fields, "abstract")
    return Record(
        title=jsonlines.title(fields),
        authors=jsonlines.authors(
            [PrintedAuthor(creator, *split_name(creator)) for creator in parts.get("creator", [])]
        ),
        arxiv_id=own or next(filter(None, map(arxiv_id, about)), None),
        doi=next(filter(None, map(doi, about)), None),
        abstract=abstract,
        categories=jsonlines.categories(_codes(header, parts.get("subject", []))),
        created=jsonlines.plausible(dates[0], "date", today) if dates else None,
        updated=jsonlines.plausible(dates[-1], "date", today) if dates else None,
        comments=jsonlines.text({"comments": comments}, "comments"),
        journal_ref=jsonlines.text({"journal-ref": next(journal, "")}, "journal-ref"),
        withdrawn=snapshot.says_withdrawn(comments, abstract),
    )


_FORMS = {"arXivRaw": _raw, "arXiv": _current, "dc": _dublin_core}


# --- what has to be worked out ---------------------------------------------------------------------------------------


def _month(identifier: str) -> date | None:
    """The first day of the month that an arXiv identifier states."""
    match = re.search(r"(?:^|/)([0-9]{2})([0-9]{2})", identifier)
    if not match:
        return None
    year = int(match[1])
    return date(year + (1900 if year > 90 else 2000), int(match[2]), 1)


def _next_month(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _codes(header: Element, subjects: list[str]) -> list[str]:
    """Category codes in the order of the subjects, then of the sets; an alias and its category are one."""
    sets = [code for spec in children(header).get("setSpec", []) if (code := _code_of(text(spec).strip()))]
    found: dict[str, str] = {}
    for subject in subjects:
        group, _, bare = subject.rpartition(" - ")
        stated = [code for code in sets if topic_name(code) == bare]
        for code in stated or topic_codes(bare, group):
            found.setdefault(canonical(code), code)
    for code in sets:
        found.setdefault(canonical(code), code)
    return list(found.values())


def _code_of(spec: str) -> str | None:
    """ "cs:cs:LG" → "cs.LG", "physics:hep-th" → "hep-th"; None for a set that is wider than a category."""
    parts = spec.split(":")
    code = ".".join(parts[1:])
    return code if len(parts) in (2, 3) and is_category(code) and (len(parts) == 3 or parts[0] == "physics") else None
