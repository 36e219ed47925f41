"""Papers in the formats that the field's tools read, written while they come from the database.

Problem: whoever cites, collects or harvests has a program of their own, and a list may be long. Idea: each format is a
pure function from works, as citations state them (`work.Work`), to pieces of text; papers become works in one place
here, where names are those that pages show. A new format is a module, a line in `FORMATS`, and its test. Lists of
authors are never cut. Entry points: `FORMATS`, `work_of`, `streamed`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.conf import settings

from papers.models import Paper, PaperQuerySet, Signature
from papers.paging import newest
from papers.text import plain

from . import bibtex, csl, jsonld, ris
from .work import Name, Work

PIECE = 200  # papers in memory at once
_LICENSE = re.compile(r"https?://[A-Za-z0-9./_~%-]{1,200}")


@dataclass(frozen=True)
class Format:
    """`name` is what people call it; `entries` writes works in pieces."""

    name: str
    media_type: str
    entries: Callable[[Iterable[Work]], Iterator[str]]

    def write(self, papers: Iterable[Paper]) -> Iterator[str]:
        """The text in pieces. Load papers `with_people()`."""
        return self.entries(map(work_of, papers))


# By suffix, the most asked for first.
FORMATS: Mapping[str, Format] = {
    "bib": Format("BibTeX", "application/x-bibtex", bibtex.entries),
    "ris": Format("RIS", "application/x-research-info-systems", ris.entries),
    "csl.json": Format("CSL-JSON", "application/vnd.citationstyles.csl+json", csl.entries),
    "jsonld": Format("JSON-LD", "application/ld+json", jsonld.entries),
}
# Of every address, with the plain record as the API gives it, which `bzpeer.exporting` writes.
MEDIA_TYPES: Mapping[str, str] = {suffix: form.media_type for suffix, form in FORMATS.items()} | {
    "json": "application/json"
}


def work_of(paper: Paper) -> Work:
    """What is cited of a paper that was loaded `with_people()`."""
    return Work(
        number=paper.pk,
        title=paper.title_text,
        authors=tuple(map(_name, paper.signatures.all())),
        published=paper.created or paper.updated,
        day_known=paper.day_known,
        arxiv_id=paper.arxiv_id or "",
        primary_class=paper.categories[0] if paper.arxiv_id and paper.categories else "",
        doi=paper.doi or "",
        journal=plain(paper.journal_ref),
        url=paper.arxiv_url or paper.doi_url or "",
        page=f"{settings.SITE_URL}{paper.get_absolute_url()}",
        abstract=plain(paper.abstract),
        keywords=tuple(topic.name for topic in paper.topics.all()),
        license=paper.license if _LICENSE.fullmatch(paper.license) else "",
    )


def _name(signature: Signature) -> Name:
    url = signature.person_url
    return Name(*signature.shown_parts, page=f"{settings.SITE_URL}{url}" if url else "")


def streamed(papers: PaperQuerySet, most: int | None = None) -> Iterator[Paper]:
    """The papers with their people, newest first and at most so many, of which few are in memory at once."""
    after, left = "", most
    while left is None or left > 0:
        size = PIECE if left is None else min(PIECE, left)
        piece, after = newest(papers.with_people(), after, size=size)
        yield from piece
        if not after:
            return
        left = left and left - size
