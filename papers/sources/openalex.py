"""OpenAlex works: the snapshot's JSON lines, one work, or an answer of the API (`{"meta": …, "results": [work, …]}`).

Authors: the printed name is `raw_author_name`, for `author.display_name` is that of OpenAlex's own entity. Affiliations
are the raw strings, and institutions by name only where there are none. The API cuts the author lists of its answers at
100 and says so in `is_authors_truncated`; such a work is refused, and so is one of an answer that has just 100 and says
nothing: its own address gives the whole, which `papers.harvesting` asks for.

ORCID iDs: `raw_orcid` stood in the work's own metadata. `author.orcid` belongs to the entity, which OpenAlex may have
put together wrongly, so it is kept apart as inferred and is no evidence of who somebody is.

Dates: `publication_date` is the earliest that is known, and January 1 where only the year is. Of versions nothing is
said, so a record of this source fills in and never overwrites what arXiv states.

Entry points: `read` for a file, `page` for an answer of the API.
Reference: OpenAlex documentation, Work object, Authorship object, and its page on limitations.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, BinaryIO

from papers import streams
from papers.identifiers import arxiv_id, doi, orcid
from papers.names import split_name
from papers.records import Numbered, PrintedAuthor, Record, Refusal
from papers.sources import jsonarrays, jsonlines, references
from papers.sources.jsonlines import Fields, Unusable
from papers.streams import LONGEST_LINE, Refused, UnreadableFile
from papers.text import clean, storable

_WORK = re.compile(rb'"id"\s*:\s*"https://openalex\.org/W[0-9]')
_WORK_ID = re.compile(r"(?:https://openalex\.org/)?(W[0-9]{1,15})")
_RESULTS = re.compile(rb'"results"\s{0,20}:\s{0,20}\[')
_ARRAY = re.compile(rb"\[")
_ANSWER = re.compile(rb'\s*\{\s*"(?:meta|results)"\s*:')
_HEAD_BYTES = 4096
# What the list endpoint cuts author lists to.
_CUT_AT = 100
_MOST_AFFILIATIONS = 100
_MOST_LOCATIONS = 1_000
# OpenAlex gives three; the longest name has some 100 characters.
_MOST_TOPICS = 10
_LONGEST_TOPIC = 120
# Words of an abstract within `papers.sources.jsonlines.LONGEST_TEXT` characters.
_MOST_WORDS = 50_000


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a list of works. `following` is the cursor that asks for the next one, "" in the last; `cut` names
    the works whose author lists were cut, by the number of their (refused) item."""

    items: tuple[Numbered | Refusal, ...]
    following: str
    total: int
    cut: Mapping[int, str]


def recognises(head: bytes) -> bool:
    """Whether the first bytes hold the identifier of a work."""
    return bool(_WORK.search(head))


def read(stream: BinaryIO, today: date | None = None) -> Iterator[Numbered | Refusal]:
    """The records of `stream`; see `papers.sources.jsonlines.records`."""
    head, stream = streams.peek(stream, _HEAD_BYTES)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    pieces: Iterable[tuple[int, bytes | None]] | None = None
    listed = True
    if start.startswith(b"["):
        pieces = jsonarrays.elements(stream, _ARRAY)
    elif _ANSWER.match(start):
        pieces = jsonarrays.elements(stream, _RESULTS)
    else:
        listed = False
        if start.partition(b"\n")[0].strip() == b"{":  # one work, indented
            pieces = _whole(stream)
    return jsonlines.records(stream, partial(_record, listed), today, pieces)


def page(body: bytes, today: date) -> Page:
    """An answer of the API. Raises `UnreadableFile` for a damaged one, and `Refused` for the API's own refusal."""
    try:
        answer = json.loads(body)
        works, meta = answer.get("results"), answer.get("meta") or {}
        if works is None:
            raise Refused(f"OpenAlex refuses this: {clean(str(answer.get('message') or answer.get('error')))[:300]}")
        named = {n: _WORK_ID.fullmatch(str(work.get("id"))) for n, work in enumerate(works, 1) if _is_cut(work, True)}
        following, total = meta.get("next_cursor"), meta.get("count")
    except (ValueError, RecursionError, AttributeError, TypeError):
        raise UnreadableFile("The answer is not one of OpenAlex's lists of works.") from None
    cut = {number: match[1] for number, match in named.items() if match}
    items = tuple(read(io.BytesIO(body), today))
    return Page(items, following if isinstance(following, str) else "", total if isinstance(total, int) else 0, cut)


def _whole(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    data = stream.read(LONGEST_LINE + 1).removeprefix(b"\xef\xbb\xbf")
    yield 1, data if len(data) <= LONGEST_LINE else None


def _record(listed: bool, work: Fields, today: date) -> Record:
    if work.get("is_paratext") is True:
        raise Unusable("This is no paper but what surrounds one: a cover, an index, a table of contents.")
    published = jsonlines.day(work.get("publication_date"), "publication_date", today)
    found_doi = doi(work.get("doi"))
    return Record(
        arxiv_id=_arxiv_id(work),
        title=jsonlines.title(work | {"title": work.get("title") or work.get("display_name")}),
        authors=_authors(work, listed),
        doi=None if arxiv_id(found_doi) else found_doi,
        abstract=_abstract(work.get("abstract_inverted_index")),
        created=published,
        day_known=published is None or (published.month, published.day) != (1, 1),
        journal_ref=_journal(work, published),
        topics=_topics(work.get("topics")),
    )


# --- field readers ---------------------------------------------------------------------------------------------------


def _objects(value: object, what: str, most: int) -> list[Fields]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most or not all(isinstance(item, dict) for item in value):
        raise Unusable(f"“{what}” is not a list of at most {most:,} objects.")
    return value


def _object(fields: Fields, key: str) -> Fields:
    value = fields.get(key)
    if value is not None and not isinstance(value, dict):
        raise Unusable(f"“{key}” is not an object.")
    return value or {}


def _arxiv_id(work: Fields) -> str | None:
    """The one that the DOI or the locations state; None where they disagree: OpenAlex joins works by mistake too."""
    if found := arxiv_id(work.get("doi")):
        return found
    locations = _objects(work.get("locations"), "locations", _MOST_LOCATIONS)
    addresses = [place.get(key) for place in locations for key in ("landing_page_url", "pdf_url")]
    identifiers = {found for address in addresses if (found := arxiv_id(address))}
    return identifiers.pop() if len(identifiers) == 1 else None


def _abstract(index: object) -> str:
    """The text of an inverted index: {word: [its places, from 0]}."""
    if index is None:
        return ""
    if not isinstance(index, dict) or not all(isinstance(places, list) for places in index.values()):
        raise Unusable("“abstract_inverted_index” does not give the places of each word.")
    if sum(map(len, index.values())) > _MOST_WORDS:
        raise Unusable(f"The abstract has more than {_MOST_WORDS:,} words.")
    placed = [(place, word) for word, places in index.items() for place in places]
    if not all(isinstance(place, int) for place, _ in placed):
        raise Unusable("“abstract_inverted_index” does not give the places of each word.")
    words = [word for _, word in sorted(placed)]
    return jsonlines.text({"abstract": " ".join(words)}, "abstract")


def _journal(work: Fields, published: date | None) -> str:
    """ "Research Policy 26(1), 1-18 (1997)"; nothing for a repository, which is no place of publication."""
    source = _object(_object(work, "primary_location"), "source")
    if source.get("type") == "repository" or not (name := jsonlines.text(source, "display_name")):
        return ""
    biblio = _object(work, "biblio")
    volume, issue, first, last = (jsonlines.text(biblio, key) for key in ("volume", "issue", "first_page", "last_page"))
    pages = f"{first}-{last}" if first and last not in ("", first) else first
    return references.place(name, volume, issue, pages, published.year if published else None)


def _topics(value: object) -> tuple[str, ...]:
    names = [clean(jsonlines.text(topic, "display_name")) for topic in _objects(value, "topics", _MOST_TOPICS)]
    return tuple(dict.fromkeys(name for name in names if name and len(name) <= _LONGEST_TOPIC))


# --- authors ---------------------------------------------------------------------------------------------------------


def _authors(work: Fields, listed: bool) -> tuple[PrintedAuthor, ...]:
    authorships = _objects(work.get("authorships"), "authorships", jsonlines.MOST_AUTHORS)
    if _is_cut(work, listed):
        number = _WORK_ID.fullmatch(str(work.get("id")))
        cut = "is" if work.get("is_authors_truncated") else "may be"
        raise Unusable(
            f"The list of authors {cut} cut short at {len(authorships)} names; the whole record is at "
            f"https://api.openalex.org/works/{number[1] if number else '…'}"
        )
    authors = [_author(authorship) for authorship in authorships]
    if not authors:
        raise Unusable("The record has no authors.")
    if not all(author.family for author in authors):
        raise Unusable("The list of authors has a gap: one of them has no name.")
    return tuple(authors)


def _is_cut(work: Fields, listed: bool) -> bool:
    """Whether the author list is, or may be, shorter than the paper's."""
    cut, authorships = work.get("is_authors_truncated"), work.get("authorships")
    return cut is True or (listed and cut is None and isinstance(authorships, list) and len(authorships) == _CUT_AT)


def _author(authorship: Fields) -> PrintedAuthor:
    entity = _object(authorship, "author")
    printed = _name(authorship, "raw_author_name") or _name(entity, "display_name")
    stated = orcid(authorship.get("raw_orcid"))
    return PrintedAuthor(
        printed,
        *split_name(printed),
        affiliations=_affiliations(authorship),
        orcid=stated,
        inferred_orcid=None if stated else orcid(entity.get("orcid")),
    )


def _name(fields: dict[str, Any], key: str) -> str:
    return jsonlines.text(fields, key, jsonlines.LONGEST_NAME, storable)


def _affiliations(authorship: Fields) -> tuple[str, ...]:
    printed = jsonlines.strings(
        authorship.get("raw_affiliation_strings"), "raw_affiliation_strings", _MOST_AFFILIATIONS
    )
    if not printed:
        institutions = _objects(authorship.get("institutions"), "institutions", _MOST_AFFILIATIONS)
        printed = [name for institution in institutions if (name := jsonlines.text(institution, "display_name"))]
    return tuple(dict.fromkeys(printed))
