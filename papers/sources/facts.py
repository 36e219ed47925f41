"""Bare bibliographic facts, one JSON object a line: the smallest form in which papers can be handed over.

    {"id": "2106.01548", "title": "…", "authors": ["Xiangning Chen", "…"], "categories": ["cs.CV"],
     "created": "2021-06-03", "updated": "2022-03-13", "doi": null, "journal_ref": "…", "abstract": "…",
     "daily": {"date": "2021-06-04", "votes": 5, "comments": 0}}

`id`, `title` and `authors` must be there. `"date_from_id": true` says that the day of `created` is not known, only the
month that the identifier states. `daily` is the place on a list of daily papers. Other keys are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import BinaryIO

from papers.identifiers import doi
from papers.names import split_name
from papers.records import Listing, Numbered, PrintedAuthor, Record, Refusal
from papers.sources import daily, jsonlines
from papers.sources.jsonlines import Fields, Unusable
from papers.text import storable

_AUTHOR_LIST = jsonlines.line_with(rb'"authors"\s*:\s*\[\s*"')


def recognises(head: bytes) -> bool:
    """Whether a line starts an object whose authors are a list of names."""
    return bool(_AUTHOR_LIST.search(head))


def read(stream: BinaryIO, today: date | None = None) -> Iterator[Numbered | Refusal]:
    """The records of `stream`; see `papers.sources.jsonlines.records`."""
    return jsonlines.records(stream, _record, today)


def parse(number: int, line: bytes | None, today: date | None = None) -> Numbered | Refusal:
    """One line; see `papers.sources.jsonlines.item`."""
    return jsonlines.item(number, line, _record, today)


def _record(fields: Fields, today: date) -> Record:
    return Record(
        arxiv_id=jsonlines.identifier(fields),
        title=jsonlines.title(fields),
        authors=tuple(map(_author, _names(fields))),
        doi=doi(fields.get("doi")),
        abstract=jsonlines.text(fields, "abstract"),
        categories=jsonlines.categories(
            jsonlines.strings(fields.get("categories"), "categories", jsonlines.MOST_CATEGORIES)
        ),
        created=jsonlines.day(fields.get("created"), "created", today),
        updated=jsonlines.day(fields.get("updated"), "updated", today),
        day_known=fields.get("date_from_id") is not True,
        journal_ref=jsonlines.text(fields, "journal_ref"),
        listings=_listings(fields.get("daily"), today),
    )


def _listings(value: object, today: date) -> tuple[Listing, ...]:
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise Unusable("“daily” is not an object.")
    day = jsonlines.day(value.get("date"), "date", today)
    return daily.listing(day, jsonlines.count(value, "votes"), jsonlines.count(value, "comments"))


def _names(fields: Fields) -> list[str]:
    names = jsonlines.strings(fields.get("authors"), "authors", jsonlines.MOST_AUTHORS, storable)
    if any(len(name) > jsonlines.LONGEST_NAME for name in names):
        raise Unusable(f"An author's name is longer than {jsonlines.LONGEST_NAME:,} characters.")
    names = [name for name in names if split_name(name)[0]]  # ":" and "***" name nobody
    if not names:
        raise Unusable("The record has no authors.")
    return names


def _author(printed: str) -> PrintedAuthor:
    family, given, suffix = split_name(printed)
    return PrintedAuthor(printed, family, given, suffix)
