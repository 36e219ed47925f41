r"""Works as BibTeX that any program reads: one entry each, all that TeX would take for a command written out.

Problem: a title is anybody's text; one brace too many in it swallows the entries that follow, and a `%` the rest of a
line. Idea: every sign that means something to TeX is replaced by its name, braces too, since BibTeX counts even `\{`.
Titles stand in double braces, which keeps their capitals. Text is Unicode. Reference: O. Patashnik, BibTeXing (1988).
Entry point: `entries`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

_WRITTEN_OUT = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
}  # fmt: skip
_IN_DOI = {"%": r"\%", "#": r"\#", "&": r"\&", "_": r"\_", "{": r"\%7B", "}": r"\%7D", "\\": r"\%5C"}
# What splits a name, or a list of names, stands in braces of its own.
_SPLITS = re.compile(r",|(?:^|\s)and(?:\s|$)", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Name:
    """An author's name; `given` is empty where it is written in one piece."""

    family: str
    given: str = ""
    suffix: str = ""


@dataclass(frozen=True)
class Work:
    """What an entry states. `number` makes its key one of a kind; `title` and names are readable text, no TeX."""

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


def entries(works: Iterable[Work]) -> Iterator[str]:
    """The entry of each work, with a line break at its end."""
    for work in works:
        fields = ",\n".join(f"  {name} = {value}" for name, value in _fields(work))
        yield f"@{'article' if work.journal else 'misc'}{{{_key(work)},\n{fields}\n}}\n"


def _fields(work: Work) -> Iterator[tuple[str, str]]:
    yield "title", f"{{{{{_text(work.title)}}}}}"
    if work.authors:
        yield "author", f"{{{' and '.join(_name(author) for author in work.authors)}}}"
    if work.journal:
        yield "journal", f"{{{_text(work.journal)}}}"
    if work.published:
        yield "year", f"{{{work.published.year:04}}}"
        if work.day_known:
            yield "month", _MONTHS[work.published.month - 1]
    if work.arxiv_id:
        yield "eprint", f"{{{_text(work.arxiv_id)}}}"
        yield "archiveprefix", "{arXiv}"
        if work.primary_class:
            yield "primaryclass", f"{{{_text(work.primary_class)}}}"
    if work.doi:
        yield "doi", f"{{{''.join(_IN_DOI.get(sign, sign) for sign in work.doi)}}}"
    if work.url:
        yield "url", f"{{{''.join(_IN_DOI.get(sign, sign) for sign in work.url)}}}"


def _text(value: str) -> str:
    """On one line, without what TeX would act on."""
    return "".join(_WRITTEN_OUT.get(sign, sign) for sign in " ".join(value.split()))


def _name(name: Name) -> str:
    if not name.given:
        return f"{{{_text(name.family)}}}"
    return ", ".join(_part(part) for part in (name.family, name.suffix, name.given) if part)


def _part(part: str) -> str:
    return f"{{{_text(part)}}}" if _SPLITS.search(part) else _text(part)


def _key(work: Work) -> str:
    """Such as "chen2021w42": letters and digits of ASCII alone."""
    first = work.authors[0].family if work.authors else ""
    letters = unicodedata.normalize("NFKD", first).encode("ascii", "ignore").decode().lower()
    return f"{re.sub('[^a-z]', '', letters)}{work.published.year if work.published else ''}w{work.number}"
