r"""BibTeX and BibLaTeX: one author's own file.

    @article{emch80, author = {G{\'e}rard Emch and {World Health Organization}}, title = "Letters", month = oct,
                     journal = j-TUGboat # { 1}, year = 1980, doi = {10.1000/182}, eprint = {2106.01548}}

bibtexparser splits an entry into fields, and author lists into names. Done here, because it does not: abbreviations
put together with `#`; a field that stands twice (the library gives the entry up; as in BibTeX the first is taken,
unless the two disagree about what decides which work it is); and names such as "LIU Yong" or "Yu.V.Ralchenko", which
BibTeX's own rules split wrongly. Those rules are asked only where braces say that words belong together.

An abbreviation that the file does not define stands for its own name, but never for authors or a title. A list that
ends in "and others" is cut short, and refused. Nothing is included, executed or looked up: `\input{…}` is text.

Reference: O. Patashnik, BibTeXing (1988); BibLaTeX manual, 2.2 and 3.
"""

from __future__ import annotations

import calendar
import logging
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import BinaryIO

from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares.names import parse_single_name_into_parts, split_multiple_persons_names
from bibtexparser.model import Block, Entry, ExplicitComment, ImplicitComment, ParsingFailedBlock, Preamble, String

from papers.names import split_name
from papers.records import Numbered, PrintedAuthor, Record, Refusal
from papers.sources import references
from papers.sources.jsonlines import Unusable
from papers.sources.references import LONGEST_ENTRY, Reference
from papers.text import clean, decode_accents, plain, storable

# The library warns of every entry that it gives up; here that is a refusal.
logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)

_ENTRY = re.compile(rb"^[ \t]*(?=@\w*[ \t]*[{(])", re.MULTILINE)
_NAMED_ENTRY = re.compile(rb"^[ \t]*@[A-Za-z]{2,30}[ \t]*[{(]", re.MULTILINE)
_SIGN = re.compile(r'\\.|[{}"#]|[^\\{}"#]+|\\', re.DOTALL)
_PROTECTED = re.compile(r"\{[^{}\s,]*[\s,][^{}]*\}")
_RELAX = re.compile(r"\\relax(?![A-Za-z])\s*")
_NAMED_PARTS = re.compile(r"\s*(?:family|given|prefix|suffix)\s*=")
_DOI_ESCAPE = re.compile(r"\\([_%&#])")
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
# Names of journals and places; in a real file of 4,839 entries there are 600.
_LONGEST_ABBREVIATION = 1_000
_MOST_ABBREVIATIONS = 10_000
_DECISIVE = frozenset(("author", "title", "year", "date", "doi", "eprint"))


def recognises(head: bytes) -> bool:
    """Whether a line opens an entry, a comment or an abbreviation: `@article{key,`."""
    return bool(_NAMED_ENTRY.search(head.removeprefix(b"\xef\xbb\xbf")))


def read(stream: BinaryIO, today: date | None = None) -> Iterator[Numbered | Refusal]:
    """The record of every entry, or its refusal. Raises `papers.streams.UnreadableFile`."""
    today = today or datetime.now(UTC).date()
    abbreviations: dict[str, str] = {}
    number = 0
    for piece in references.pieces(stream, _ENTRY):
        try:
            blocks = parse_string(references.decoded(piece), parse_stack=[]).blocks
        except Unusable as reason:
            number += 1
            yield Refusal(number, str(reason), references.shown(piece))
            continue
        for block in blocks:
            if isinstance(block, String):
                _define(abbreviations, block)
            elif not isinstance(block, ExplicitComment | ImplicitComment | Preamble):
                number += 1
                yield _item(number, block, abbreviations, today)


def _item(number: int, block: Block, abbreviations: dict[str, str], today: date) -> Numbered | Refusal:
    entry = block.ignore_error_block if isinstance(block, ParsingFailedBlock) else block
    key = clean(entry.key)[:255] if isinstance(entry, Entry) else ""
    try:
        if not isinstance(entry, Entry):
            raise Unusable("The entry does not end, or its fields do not: a brace or a quotation mark is missing.")
        return Numbered(number, _record(_Fields(entry, abbreviations), today))
    except Unusable as reason:
        return Refusal(number, str(reason), references.shown(block.raw or ""), key)


def _record(fields: _Fields, today: date) -> Record:
    title, subtitle = fields.get("title", exact=True), fields.get("subtitle", exact=True)
    authors_line = fields.get("author", exact=True)
    journal = fields.get("journal") or fields.get("journaltitle") or fields.get("booktitle")
    year, month = fields.get("year"), fields.get("month")
    return references.record(
        Reference(
            title=f"{title}: {subtitle}" if title and subtitle else title,
            authors=_authors(authors_line),
            authors_line=authors_line,
            dates=(fields.get("date"), f"{year}-{_month(month)}", year),
            doi=_DOI_ESCAPE.sub(r"\1", fields.get("doi")),
            arxiv=(
                *((fields.get("eprint"),) if _is_arxiv(fields) else ()),
                *map(fields.get, ("url", "journal", "volume", "number", "pages", "howpublished", "note")),
            ),
            abstract=fields.get("abstract"),
            journal=journal,
            volume=fields.get("volume"),
            issue=fields.get("number") or fields.get("issue"),
            pages=fields.get("pages"),
        ),
        today,
    )


def _is_arxiv(fields: _Fields) -> bool:
    kind = fields.get("eprinttype") or fields.get("archiveprefix")
    return kind.strip().lower() in ("", "arxiv")


def _month(printed: str) -> int:
    """1 to 12, from "oct", "October" or "10"; else 0."""
    word = printed.strip().lower()
    return int(word) if word.isdecimal() and len(word) < 3 else _MONTHS.get(word[:3], 0)


# --- fields ----------------------------------------------------------------------------------------------------------


class _Fields:
    """The fields of one entry, evaluated when asked for."""

    def __init__(self, entry: Entry, abbreviations: dict[str, str]) -> None:
        self._abbreviations = abbreviations
        self._raw: dict[str, str] = {}
        for field in entry.fields:
            name, value = field.key.lower(), str(field.value)
            first = self._raw.setdefault(name, value)
            if name in _DECISIVE and first.strip('{} "') != value.strip('{} "'):
                raise Unusable(f"“{name}” stands twice in the entry, and not alike.")

    def get(self, name: str, exact: bool = False) -> str:
        """The value without its delimiters; "" where absent. `exact`: no unknown abbreviation may stand in it."""
        return storable(_value(self._raw.get(name, ""), self._abbreviations, LONGEST_ENTRY, name if exact else ""))


def _define(abbreviations: dict[str, str], block: String) -> None:
    """Remember an abbreviation; one that is too long, one too many, or one of unknown ones stays undefined."""
    try:
        value = _value(str(block.value), abbreviations, _LONGEST_ABBREVIATION, block.key)
    except Unusable:
        return
    if len(abbreviations) < _MOST_ABBREVIATIONS and len(block.key) <= _LONGEST_ABBREVIATION:
        abbreviations[block.key.lower()] = value


def _value(raw: str, abbreviations: dict[str, str], longest: int, exact: str = "") -> str:
    found, size = [], 0
    for part in _parts(raw):
        if part[:1] + part[-1:] in ("{}", '""') and len(part) > 1:
            text = part[1:-1]
        elif part.isdecimal() or not part:
            text = part
        elif exact and part.lower() not in abbreviations:
            raise Unusable(f"“{exact}” is the abbreviation “{clean(part[:80])}”, which the file does not define.")
        else:
            text = abbreviations.get(part.lower(), part)
        size += len(text)
        if size > longest:
            raise Unusable("A field of the entry grows too long.")
        found.append(text)
    return "".join(found)


def _parts(raw: str) -> Iterator[str]:
    """What stands between the `#` of a value, outside of braces and quotation marks."""
    part: list[str] = []
    depth, quoted = 0, False
    for sign in _SIGN.findall(raw):
        if sign == "#" and not depth and not quoted:
            yield "".join(part).strip()
            part = []
            continue
        quoted ^= sign == '"' and not depth
        depth = max(0, depth + {"{": 1, "}": -1}.get(sign, 0))
        part.append(sign)
    yield "".join(part).strip()


# --- names -----------------------------------------------------------------------------------------------------------


def _authors(line: str) -> tuple[PrintedAuthor, ...]:
    names = [name.strip() for name in split_multiple_persons_names(line)]
    if any(name.lower() == "others" for name in names):
        raise Unusable("The list of authors is cut short (“and others”); write all of them out.")
    references.check_names(names)
    authors = (PrintedAuthor(name, *_parts_of_name(name)) for name in names)
    return tuple(author for author in authors if author.family)


def _parts_of_name(printed: str) -> tuple[str, str, str]:
    """(family, given, suffix), readable."""
    if _NAMED_PARTS.match(printed):
        return _named_parts(printed)
    text = decode_accents(clean(_RELAX.sub("", printed)))
    if not _PROTECTED.search(text):
        return split_name(text)
    parts = parse_single_name_into_parts(text, strict=False)
    family, given, suffix = (plain(" ".join(words)) for words in ([*parts.von, *parts.last], parts.first, parts.jr))
    return (family, given, suffix) if any(map(str.isalpha, family)) else split_name(text)


def _named_parts(printed: str) -> tuple[str, str, str]:
    """BibLaTeX's "family=Brandt, given=Ahasver, prefix=von"."""
    pairs = (pair.partition("=") for pair in printed.split(","))
    parts = {key.strip(): plain(value.strip(' "')) for key, _, value in pairs}
    family = " ".join(filter(None, (parts.get("prefix"), parts.get("family"))))
    return family, parts.get("given", ""), parts.get("suffix", "")
