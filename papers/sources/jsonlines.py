"""JSON lines from strangers: one object a line, each taken in or refused on its own.

Problem: a line can be broken, hostile, or merely odd (an id as a number, a date in the year 9999, a lone surrogate);
one bad line must neither stop the others nor reach the database.

Idea: read line by line, bounded; parse strictly; a format states only how an object becomes a `Record`, with the field
readers below, and raises `Unusable` with a sentence for the curator where it cannot.

Entry points: `records` for a whole stream; `numbered` and `item` for its lines one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO, NoReturn

from papers.identifiers import arxiv_id
from papers.records import Line, Numbered, PrintedAuthor, Record, Refusal
from papers.streams import LONGEST_LINE, lines
from papers.taxonomy import is_category
from papers.text import clean, storable

Fields = dict[str, Any]
Build = Callable[[Fields, date], Record]

# Characters of a refused record that are kept beside the reason, whole so that it can be fixed in place: the longest of
# 2,700 real lines has 6,000. What is longer is fixed in its file.
RAW_SHOWN = 64 * 1024
# The longest arXiv title is under 400 characters, the longest abstract under 2,000 words.
LONGEST_TITLE = 5_000
LONGEST_TEXT = 100_000
LONGEST_NAME = 1_000
# The largest author list known has 5,154 names (ATLAS and CMS, 2015), with room for the next.
MOST_AUTHORS = 20_000
MOST_CATEGORIES = 100
# A work of 5,000 authors and all their institutions has 300,000 values. Parsed, this many take 150 MB.
MOST_VALUES = 500_000
_LONG = 1024 * 1024
# What a column of counts holds.
HIGHEST_COUNT = 2_147_483_647
EARLIEST = date(1900, 1, 1)
_CATEGORY = re.compile(r"[a-z][a-z-]{1,15}\.[A-Za-z-]{2,16}")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Unusable(ValueError):
    """A record that cannot be taken in; the text is a sentence for the curator."""


def line_with(key: bytes) -> re.Pattern[bytes]:
    """What finds, in the first bytes of an input, a line that opens an object and holds `key`.

    Any line will do, for the first may be a broken one; a JSON array, or an object over many lines, is not found.
    """
    return re.compile(rb"^(?:\xef\xbb\xbf)?[ \t]*\{[^\n]*(?:" + key + rb")", re.MULTILINE)


def records(
    stream: BinaryIO, build: Build, today: date | None, pieces: Iterable[tuple[int, bytes | None]] | None = None
) -> Iterator[Numbered | Refusal]:
    """Every object of `stream` as `build` reads it, or its refusal; blank lines do not count.

    `pieces` stand in for the lines where objects are cut out otherwise (`papers.sources.jsonarrays`). `today` (UTC)
    bounds the dates; the clock's where it is None. Raises `papers.streams.UnreadableFile`.
    """
    return (item(number, line, build, today) for number, line in _counted(lines(stream) if pieces is None else pieces))


def numbered(stream: BinaryIO) -> Iterator[Line]:
    """The lines that count, from 1. Raises `papers.streams.UnreadableFile`."""
    return _counted(lines(stream))


def _counted(pieces: Iterable[tuple[int, bytes | None]]) -> Iterator[Line]:
    return map(Line._make, enumerate((piece for _, piece in pieces if piece is None or piece.strip()), 1))


def item(number: int, line: bytes | None, build: Build, today: date | None) -> Numbered | Refusal:
    """One line as `build` reads it, or its refusal."""
    fields: Fields = {}
    try:
        fields = _parsed(line)
        return Numbered(number, build(fields, today or datetime.now(UTC).date()))
    except Unusable as reason:
        raw = storable((line or b"")[: 4 * RAW_SHOWN].decode("utf-8", "replace"))[:RAW_SHOWN]
        named = fields.get("id")
        return Refusal(number, str(reason), raw, clean(named)[:255] if isinstance(named, str) else "")


def _parsed(line: bytes | None) -> Fields:
    if line is None:
        raise Unusable(f"The line is longer than {LONGEST_LINE // 1024 // 1024} MiB.")
    if len(line) > _LONG and line.count(b",") >= MOST_VALUES:
        raise Unusable(f"The line holds more than {MOST_VALUES:,} values.")
    try:
        value = _DECODER.decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unusable(f"The line is not UTF-8 (byte {error.start + 1}).") from None
    except RecursionError:
        raise Unusable("The line is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise Unusable(f"The line is not JSON: {error.msg}, at character {error.pos + 1}.") from None
    except Unusable:
        raise
    except ValueError:  # int() refuses more than 4,300 digits
        raise Unusable("The line holds a number too long to be read.") from None
    if not isinstance(value, dict):
        raise Unusable("The line is not a JSON object.")
    return value


def _object(pairs: list[tuple[str, Any]]) -> Fields:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Unusable("The same key stands twice in one object, so that it can be read in two ways.")
    return fields


def _no_number(name: str) -> NoReturn:
    raise Unusable(f"The line holds {name}, which is no JSON number.")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)


# --- field readers: absent and null are the same; a wrong type is refused ---------------------------------------------


def text(fields: Fields, key: str, longest: int = LONGEST_TEXT, tidy: Callable[[str], str] = clean) -> str:
    """A string, cleaned (see `papers.text.clean`; `storable` for names, kept as printed); "" where absent."""
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unusable(f"“{key}” is not text.")
    value = tidy(value) if value else ""
    if len(value) > longest:
        raise Unusable(f"“{key}” is longer than {longest:,} characters.")
    return value


def title(fields: Fields) -> str:
    """The title, which every record must have."""
    return text(fields, "title", LONGEST_TITLE) or _missing("title")


def identifier(fields: Fields) -> str:
    """The arXiv identifier, without version, which every record must have."""
    value = fields.get("id")
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise Unusable("The identifier is a number; identifiers are text (1501.00010 as a number has lost its last 0).")
    printed = text(fields, "id") or _missing("identifier")
    if found := arxiv_id(printed):
        return found
    raise Unusable(f"“{printed[:80]}” is not an arXiv identifier.")


def _missing(what: str) -> NoReturn:
    raise Unusable(f"The record has no {what}.")


def day(value: object, what: str, today: date) -> date | None:
    """A date as YYYY-MM-DD (what follows the day is not read); None where absent."""
    if value is None or value == "":
        return None
    try:
        match = _DAY.match(value) if isinstance(value, str) else None
        found = date.fromisoformat(match[0]) if match else None
    except ValueError:
        found = None
    if found is None:
        raise Unusable(f"“{what}” is not a date of the form YYYY-MM-DD.")
    return plausible(found, what, today)


def plausible(found: date, what: str, today: date) -> date:
    """`found`, unless no paper can bear that date; a day is left for the time zones ahead of UTC."""
    if found < EARLIEST:
        raise Unusable(f"“{what}” is before {EARLIEST.year}: {found.isoformat()}.")
    if found > today + timedelta(days=1):
        raise Unusable(f"“{what}” lies in the future: {found.isoformat()}.")
    return found


def count(fields: Fields, key: str) -> int | None:
    """How many there are of something; None where absent."""
    value = fields.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= HIGHEST_COUNT:
        raise Unusable(f"“{key}” is not a count.")
    return value


def strings(value: object, what: str, most: int, tidy: Callable[[str], str] = clean) -> list[str]:
    """A list of strings, each read as `text` reads one, the empty ones left out."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Unusable(f"“{what}” is not a list of texts.")
    if len(value) > most:
        raise Unusable(f"“{what}” has more than {most:,} entries.")
    return [found for item in value if (found := tidy(item))]


def authors(found: list[PrintedAuthor]) -> tuple[PrintedAuthor, ...]:
    """The authors who have a name; there must be some, and no more or longer ones than any paper has."""
    named = [author for author in found if author.family]
    if not named:
        raise Unusable("The record has no authors.")
    if len(named) > MOST_AUTHORS:
        raise Unusable(f"The record has more than {MOST_AUTHORS:,} authors.")
    if any(len(author.printed) > LONGEST_NAME for author in named):
        raise Unusable(f"An author's name is longer than {LONGEST_NAME:,} characters.")
    return tuple(named)


def categories(codes: list[str]) -> tuple[str, ...]:
    """Category codes in their order, each once.

    arXiv opens new ones, so a code that looks like one is kept. The rest is dropped and is no reason to refuse a paper:
    arXiv's own feeds print subject classes of other schemes ("68T05, I.2.6") among the categories.
    """
    if len(codes) > MOST_CATEGORIES:
        raise Unusable(f"“categories” has more than {MOST_CATEGORIES} entries.")
    return tuple(dict.fromkeys(code for code in codes if is_category(code) or _CATEGORY.fullmatch(code)))
