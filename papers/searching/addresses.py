"""A search as its address states it, so that a page, a feed and a letter ask the same question and answer in one order.

Entry points: `read`, `Asked.page`, `Asked.numbers`, `Asked.canonical`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlencode

from papers.text import clean

from . import KINDS, SHOWN, SORTS, Filters, Page, numbers, search


@dataclass(frozen=True)
class Asked:
    """A query with what narrows and orders it."""

    query: str
    filters: Filters = field(default_factory=Filters)
    sort: str = "relevance"

    @property
    def canonical(self) -> str:
        """What stands after the “?”: the same for the same question, however it was typed in the address."""
        given = {
            "q": self.query,
            "from": self.filters.year_from,
            "to": self.filters.year_to,
            "topic": self.filters.topic,
            "person": self.filters.person,
            "type": self.filters.kind,
            "sort": self.sort if self.sort != "relevance" else "",
        }
        return urlencode({name: value for name, value in given.items() if value})

    @property
    def of_papers(self) -> Asked:
        """The question to papers alone: people and topics that fit are no new ones."""
        return replace(self, filters=replace(self.filters, kind=""))

    def page(self, after: str = "", size: int = SHOWN) -> Page:
        """Raises what `papers.searching.search` raises."""
        return search(self.query, self.filters, self.sort, after, size=size)

    def numbers(self, most: int) -> list[int]:
        """The ids of the first `most` papers of all pages. Raises what `papers.searching.numbers` raises."""
        return numbers(self.query, self.filters, self.sort, most=most)


def read(address: str) -> Asked:
    """Of what stands after the “?”; what is not understood there is left out.

    >>> read("sort=newest&q=graph+nets&from=2019&person=x").canonical
    'q=graph+nets&from=2019&sort=newest'
    """
    given = {name: values[-1].strip() for name, values in parse_qs(address, keep_blank_values=True).items()}

    def number(name: str) -> int | None:
        text = given.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 19 else None

    sort, kind = given.get("sort", ""), given.get("type", "")
    filters = Filters(
        number("from"), number("to"), given.get("topic", ""), number("person"), kind if kind in KINDS else ""
    )
    return Asked(clean(given.get("q", "")), filters, sort if sort in SORTS else "relevance")
