"""A work as citations state it: what every format of `papers.exports` is written from. All of it is readable text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Name:
    """An author's name; `given` is empty where it is written in one piece. `page` is that of the person, if any."""

    family: str
    given: str = ""
    suffix: str = ""
    page: str = ""

    @property
    def whole(self) -> str:
        return " ".join(part for part in (self.given, self.family, self.suffix) if part)


@dataclass(frozen=True)
class Work:
    """What an entry states. `number` makes its key one of a kind; `url` is where the work is, `page` our page of it."""

    number: int
    title: str
    authors: tuple[Name, ...]
    published: date | None = None
    day_known: bool = True
    arxiv_id: str = ""
    primary_class: str = ""
    doi: str = ""
    journal: str = ""
    url: str = ""
    page: str = ""
    abstract: str = ""
    keywords: tuple[str, ...] = ()
    license: str = ""

    @property
    def key(self) -> str:
        """Such as "chen2021w42": letters and digits of ASCII alone."""
        first = self.authors[0].family if self.authors else ""
        letters = unicodedata.normalize("NFKD", first).encode("ascii", "ignore").decode().lower()
        return f"{re.sub('[^a-z]', '', letters)}{self.published.year if self.published else ''}w{self.number}"
