"""Works as RIS, which reference managers read: one line a fact, so that no fact may hold a line break.

rispy writes the tags. Names are "Family, Given, Suffix": a comma inside of a part would cut it, and goes. A name in
one piece ends with a comma, as EndNote writes groups. Entry point: `entries`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import rispy

from .work import Name, Work


class _Writer(rispy.RisWriter):  # type: ignore[misc]
    """Without the number that rispy sets before each record."""

    NEWLINE = "\r\n"

    def set_header(self, count: int) -> str:
        return ""


def entries(works: Iterable[Work]) -> Iterator[str]:
    """The record of each work, with an empty line at its end."""
    for work in works:
        yield rispy.dumps([dict(_tags(work))], implementation=_Writer) + _Writer.NEWLINE


def _tags(work: Work) -> Iterator[tuple[str, str | list[str]]]:
    yield "type_of_reference", "JOUR" if work.journal else "UNPB"
    yield "id", work.key
    yield "title", _line(work.title)
    yield "authors", [_name(author) for author in work.authors]
    if work.published:
        yield "year", f"{work.published.year:04}"
        yield "date", f"{work.published:%Y/%m/%d}/" if work.day_known else f"{work.published.year:04}///"
    if work.journal:
        yield "secondary_title", _line(work.journal)
    if work.doi:
        yield "doi", work.doi
    if work.arxiv_id:
        yield "accession_number", f"arXiv:{work.arxiv_id}"
    if work.url or work.page:
        yield "urls", [work.url or work.page]
    if work.abstract:
        yield "abstract", _line(work.abstract)
    if work.keywords:
        yield "keywords", [_line(keyword) for keyword in work.keywords]


def _line(value: str) -> str:
    return " ".join(value.split())


def _name(name: Name) -> str:
    if not name.given:
        return f"{_line(name.whole.replace(',', ' '))},"
    return ", ".join(_line(part.replace(",", " ")) for part in (name.family, name.given, name.suffix) if part)
