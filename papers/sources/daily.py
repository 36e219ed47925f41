"""A list of daily papers, as Hugging Face's API answers it, or JSON lines of its items, whole or flattened.

    [{"paper": {"id": "2410.08196", "title": "…", "authors": [{"name": "Zimu Lu", "hidden": false}, …], "summary": "…",
                "publishedAt": "2024-10-10T17:58:40.000Z", "submittedOnDailyAt": "2024-10-11T…", "upvotes": 27},
      "publishedAt": "2024-10-11T04:16:58.007Z", "numComments": 1}]
    {"date": "2024-05-27", "id": "2405.14906", "title": "…", "upvotes": 7, "num_comments": 1, "authors": […]}

Only `id` and `title` must be there. `publishedAt` of the paper is the date of its first version; that of the item was
the moment of the listing until `submittedOnDailyAt` came, and is a few hours before the paper's since. Nothing says
when a paper was revised, so a record of this source fills in and never overwrites what arXiv states.

Authors are names only. Whoever hid a paper from their page there is still printed on it and stays in the list. Where
one name is missing the whole list is left out, for a list with a gap would be a false one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import BinaryIO

from papers import streams
from papers.names import split_name
from papers.records import Listing, Numbered, PrintedAuthor, Record, Refusal
from papers.sources import jsonarrays, jsonlines
from papers.sources.jsonlines import Fields, Unusable
from papers.text import storable

_ITEM = re.compile(
    rb'[{,]\s*"(?:paper"\s*:\s*\{|(?:upvotes|numComments|num_comments|submittedOnDailyAt|submitted_on_daily_at)"\s*:)'
)
_ARRAY = re.compile(rb"\[")
_HEAD_BYTES = 1024


def recognises(head: bytes) -> bool:
    """Whether the first bytes hold an item: a paper in an object of its own, or the count of its votes or comments."""
    return bool(_ITEM.search(head))


def read(stream: BinaryIO, today: date | None = None) -> Iterator[Numbered | Refusal]:
    """The records of `stream`, an array or lines; see `papers.sources.jsonlines.records`."""
    head, stream = streams.peek(stream, _HEAD_BYTES)
    array = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    return jsonlines.records(stream, _record, today, jsonarrays.elements(stream, _ARRAY) if array else None)


def listing(day: date | None, votes: int | None, comments: int | None) -> tuple[Listing, ...]:
    """The place on one day's list; none where the day is not stated."""
    return (Listing(day, votes, comments),) if day else ()


def _record(item: Fields, today: date) -> Record:
    paper = item.get("paper", item)
    if not isinstance(paper, dict):
        raise Unusable("“paper” is not an object.")
    fields = paper | {key: paper.get(key) or item.get(key) for key in ("title", "summary")}
    created = _first_day(paper, ("publishedAt", "published_at"), today)
    return Record(
        arxiv_id=jsonlines.identifier(fields),
        title=jsonlines.title(fields),
        authors=_authors(fields.get("authors")),
        abstract=jsonlines.text(fields, "summary"),
        created=created,
        listings=listing(
            _listed_on(item, paper, created, today),
            jsonlines.count(paper, "upvotes"),
            _first_count(item, ("numComments", "num_comments")),
        ),
    )


def _first_day(fields: Fields, keys: tuple[str, ...], today: date) -> date | None:
    return next((found for key in keys if (found := jsonlines.day(fields.get(key), key, today))), None)


def _first_count(fields: Fields, keys: tuple[str, ...]) -> int | None:
    return next((found for key in keys if (found := jsonlines.count(fields, key)) is not None), None)


def _listed_on(item: Fields, paper: Fields, created: date | None, today: date) -> date | None:
    stated = _first_day(paper, ("date", "submittedOnDailyAt", "submitted_on_daily_at"), today)
    if stated or paper is item:
        return stated
    moment = _first_day(item, ("publishedAt",), today)
    return moment if moment and (created is None or moment >= created) else None


def _authors(value: object) -> tuple[PrintedAuthor, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > jsonlines.MOST_AUTHORS:
        raise Unusable(f"“authors” is not a list of at most {jsonlines.MOST_AUTHORS:,} authors.")
    names = [_name(entry) for entry in value]
    if not all(split_name(name)[0] for name in names):
        return ()
    return tuple(PrintedAuthor(name, *split_name(name)) for name in names)


def _name(entry: object) -> str:
    if not isinstance(entry, dict | None):
        raise Unusable("“authors” holds something other than objects.")
    return jsonlines.text(entry or {}, "name", jsonlines.LONGEST_NAME, storable)
