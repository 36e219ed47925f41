r"""Works as BibTeX that any program reads: one entry each, all that TeX would take for a command written out.

Problem: a title is anybody's text; one brace too many in it swallows the entries that follow, and a `%` the rest of a
line. Idea: every sign that means something to TeX is replaced by its name, braces too, since BibTeX counts even `\{`.
Titles stand in double braces, which keeps their capitals. Text is Unicode. Reference: O. Patashnik, BibTeXing (1988).
bibtexparser writes the entries. The format knows the year and the month of a work, no day. Entry point: `entries`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bibtexparser.entrypoint import write_string
from bibtexparser.library import Library
from bibtexparser.model import Entry, Field

from .work import Name, Work

_WRITTEN_OUT = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
}  # fmt: skip
# Two of them would be set as a dash or as a quotation mark, and this as the sign that HTML means by it.
_LIGATURE = re.compile(r"([-`'])(?=\1)")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_IN_DOI = {"%": r"\%", "#": r"\#", "&": r"\&", "_": r"\_", "{": r"\%7B", "}": r"\%7D", "\\": r"\%5C"}
# What splits a name, or a list of names, stands in braces of its own.
_SPLITS = re.compile(r",|(?:^|\s)and(?:\s|$)", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def entries(works: Iterable[Work]) -> Iterator[str]:
    """The entry of each work, with an empty line at its end."""
    for work in works:
        fields = [Field(name, value) for name, value in _fields(work)]
        entry = Entry("article" if work.journal else "misc", work.key, fields)
        yield write_string(Library([entry]), unparse_stack=[]) + "\n"


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
    text = "".join(_WRITTEN_OUT.get(sign, sign) for sign in _ENTITY.sub("&\0", " ".join(value.split())))
    return _LIGATURE.sub(r"\1{}", text).replace("\0", "{}")


def _name(name: Name) -> str:
    if not name.given:
        return f"{{{_text(name.whole)}}}"
    return ", ".join(_part(part) for part in (name.family, name.suffix, name.given) if part)


def _part(part: str) -> str:
    return f"{{{_text(part)}}}" if _SPLITS.search(part) else _text(part)
