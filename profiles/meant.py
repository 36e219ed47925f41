"""Whom a typed line means: an id, an address, an ORCID iD, or a name as somebody pasted it.

Problem: lists come from letters and spreadsheets, numbered, with affiliations and e-mail addresses, the family name
first, and a name is often several people's. Idea: each line is read in a few ways, the likeliest first; ids, iDs and
names of all lines are looked up at once, in a number of queries that does not grow with them. Only for the first few
lines that nobody here is printed as, names that are near are looked for. What could be several people stays open.
Who is hidden is nobody here. Entry point: `meant`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.http.request import validate_host
from django.utils.translation import gettext as _

from papers import identifiers
from papers.bounded import TooSlow, within
from papers.names import fold, split_name
from papers.text import clean

from .identifiers import holders
from .models import Author
from .search import find_people

LONGEST = 300  # characters of a line that are read; a name with its affiliation has fewer
CANDIDATES = 12  # people offered for one line, those with most works
NEAR = 10  # unresolved lines for which near names are looked for: each costs as much as a search
TIMEOUT_MS = 5_000  # for the exact forms of ten thousand lines, which take a tenth of it
_SHOWN = 120  # characters of a line that is too long
_NAME = 100  # characters; what is longer is no name
_LARGEST = 2**63  # beyond it no id is

_MARK = re.compile(r"^(?:[-*+•·‣▪◦●○–—→>#]+\s+|\(?[0-9]{1,5}[.)\]:]+\s+|[\[(][0-9]{1,5}[\])]\s*)")
_ID = re.compile(r"(?:person-|#)?([0-9]+)", re.IGNORECASE)
_PATH = re.compile(r"/people/([0-9]+)(?:/.*)?")
_IN_LINE = re.compile(r"(?<![0-9A-Za-z])[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9Xx](?![0-9A-Za-z])")
_NO_NAME = re.compile(r"\S*@\S*|https?://\S+|\borcid(?:\.org/|\s+id)?\b:?", re.IGNORECASE)
_ASIDE = re.compile(r"[(\[<{][^()\[\]<>{}]*[)\]>}]|[<>]")
_TITLE = re.compile(r"^(?:(?:prof(?:essor)?|dr|mr|mrs|ms|sir)\b\.?\s*)+(?=\S)", re.IGNORECASE)
_AFTER = re.compile(r"\s+[-–—/]+\s+|\s*[;|]\s*")
_LABEL = re.compile(r"^[^:]{1,30}:\s+(?=\S)")  # "Reviewer 2: Jane Doe"
_COMMA = re.compile(r"\s*[,，،、]\s*")


@dataclass(frozen=True, slots=True)
class Meant:
    """What became of one line: the `author`, or `candidates` to choose from, or neither; `problem` says why.

    `rest` is what of the line was not read, such as an affiliation.
    """

    text: str
    author: Author | None = None
    candidates: tuple[Author, ...] = ()
    problem: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class _Name:
    """A way to read a line: the folded forms that would be this name, and what stands beside it."""

    forms: tuple[str, ...]
    rest: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, read: an id, or an ORCID iD, or names (the likeliest first) and `others` that stand on it too."""

    text: str
    pk: int | None = None
    orcid: str = ""
    names: tuple[_Name, ...] = ()
    others: tuple[_Name, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class _People:
    """People of one name, most works first, and how many there are in all."""

    ids: list[int]
    total: int
    names: int = 1


def meant(lines: Sequence[str], near: int = NEAR) -> list[Meant]:
    """An answer for each line, in their order. Near names are looked for at most `near` times. Raises `TooSlow`."""
    read = [_read(line) for line in lines]
    with within(TIMEOUT_MS):
        heirs = _heirs({line.pk for line in read if line.pk is not None})
        of_orcid = holders({line.orcid for line in read if line.orcid})
        forms = {form for line in read for name in (*line.names, *line.others) for form in name.forms}
        named = _named(forms)
        found = [_matches(line, named) for line in read]
        wanted = {*heirs.values(), *(pk for _rest, people in found for pk in people.ids[:CANDIDATES])}
        known = Author.objects.in_bulk(wanted)
    answers = []
    for line, (rest, people) in zip(read, found, strict=True):
        answer = _answer(line, rest, people, heirs, of_orcid, known)
        if line.names and not (answer.author or answer.candidates) and near > 0:
            near -= 1
            answer = _near(line, answer)
        answers.append(answer)
    return answers


def _read(line: str) -> _Line:
    line = line.strip()
    if len(line) > LONGEST:
        return _Line(
            clean(line[:_SHOWN]) + "…",
            problem=_("This line is longer than %(n)s characters. Write one person on a line.") % {"n": LONGEST},
        )
    columns = line.replace("\t", " | ")
    text = before = clean(columns).strip(" |,;")
    while (text := _MARK.sub("", text).strip(" |,;")) != before:
        before = text
    shown = clean(line)
    if not text:
        return _Line(shown, problem=_("This line is empty."))
    bare = text.rstrip(".,; ")
    if value := identifiers.orcid(bare):
        return _Line(shown, orcid=value)
    if (pk := _id(bare)) is not None:
        return _Line(shown, pk=pk)
    typed = _IN_LINE.search(text)
    value = (identifiers.orcid(typed[0]) if typed else None) or ""
    names, others = _names(_IN_LINE.sub(" ", text))
    if typed and not value:
        return _Line(shown, problem=_("%(typed)s is no ORCID iD: a digit is wrong.") % {"typed": typed[0]})
    if not names and not value:
        return _Line(shown, problem=_("There is no name on this line."))
    return _Line(shown, orcid=value, names=tuple(names), others=tuple(others))


def _id(text: str) -> int | None:
    """The id that the line names, or an address of this site; beyond what an id can be, one that nobody has."""
    match = _ID.fullmatch(text)
    if match is None and "/people/" in text:
        parts = urlsplit(text if text.startswith(("/", "http://", "https://")) else f"//{text}")
        ours = not parts.netloc or parts.netloc == urlsplit(settings.SITE_URL).netloc
        if ours or (parts.hostname and validate_host(parts.hostname, settings.ALLOWED_HOSTS)):
            match = _PATH.fullmatch(parts.path)
    if match is None or not match[1].isascii():
        return None
    return int(match[1]) if len(match[1]) < 19 else 0


def _names(text: str) -> tuple[list[_Name], list[_Name]]:
    """The names that a line may be, the likeliest first, and those that stand after it."""
    asides = " ".join(aside.strip("()[]<>{} ") for aside in _ASIDE.findall(text))
    plain = _TITLE.sub("", clean(_NO_NAME.sub(" ", _ASIDE.sub(" ", text))).strip(" ,;|.:-"))
    names: dict[tuple[str, ...], _Name] = {}
    others: list[_Name] = []
    if not plain:
        return [], []
    heads = [plain]
    if label := _LABEL.match(plain):
        heads.append(plain[label.end() :])
    if cut := _AFTER.search(heads[-1]):
        heads.append(heads[-1][: cut.start()])
    for head in heads:
        beyond = clean(f"{plain.partition(head)[2].strip(' -–—|/;:,')} {asides}")
        parts = [part for part in _COMMA.split(head) if part]
        for size in (len(parts), 2, 1):
            one_word = size == 1 and len(parts) > 1 and len(fold(parts[0]).split()) < 2
            if 0 < size <= len(parts) and not one_word:
                rest = ", ".join(filter(None, (*parts[size:], beyond)))
                if name := _name(", ".join(parts[:size]), rest):
                    names.setdefault(name.forms, name)
        if len(parts) > 1 and not others:
            others = [name for part in parts[1:] if len(part.split()) > 1 and (name := _name(part, ""))]
    return list(names.values()), others


def _name(text: str, rest: str) -> _Name | None:
    """In any of the orders in which a name is typed; None where there is no letter."""
    if len(text) > _NAME or not any(map(str.isalpha, text)):
        return None
    words = fold(text).split()
    family, given, _suffix = split_name(text)
    orders = (words, words[1:] + words[:1], words[-1:] + words[:-1], fold(f"{given} {family}").split())
    forms = tuple(dict.fromkeys(" ".join(order) for order in orders if order))
    return _Name(forms, rest) if forms else None


def _heirs(ids: Iterable[int]) -> dict[int, int]:
    """Who an id is now: itself, or whom it was merged into in the end. Nobody where one of them is hidden."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE now(asked, id) AS (
                SELECT a.id, a.id FROM profiles_author a WHERE a.id = ANY(%s::bigint[])
                 UNION SELECT now.asked, a.merged_into_id FROM now JOIN profiles_author a ON a.id = now.id
                 WHERE a.merged_into_id IS NOT NULL
            )
            SELECT asked, max(now.id) FILTER (WHERE a.merged_into_id IS NULL)
              FROM now JOIN profiles_author a ON a.id = now.id
             GROUP BY 1 HAVING bool_and(a.visibility = 'public') AND bool_or(a.merged_into_id IS NULL)
            """,
            [[pk for pk in ids if pk < _LARGEST]],
        )
        return dict(cursor.fetchall())


def _named(forms: Iterable[str]) -> dict[str, _People]:
    """Those whom a search may name by these folded forms, most works first; at most `CANDIDATES` of each form."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT folded, author_id, total FROM (
                SELECT v.folded, v.author_id, count(*) OVER (PARTITION BY v.folded) AS total,
                       row_number() OVER (PARTITION BY v.folded ORDER BY a.works_count DESC, a.id) AS place
                  FROM (SELECT DISTINCT folded, author_id FROM profiles_namevariant
                         WHERE folded IN (SELECT unnest(%s::text[]))) v
                  JOIN profiles_author a ON a.id = v.author_id
                 WHERE a.merged_into_id IS NULL AND a.visibility = 'public') ranked
             WHERE place <= %s ORDER BY folded, place
            """,
            [list(forms), CANDIDATES],
        )
        found: defaultdict[str, _People] = defaultdict(lambda: _People([], 0))
        for form, author, total in cursor.fetchall():
            found[form].ids.append(author)
            found[form].total = total
    return dict(found)


def _matches(line: _Line, named: Mapping[str, _People]) -> tuple[str, _People]:
    """Those of the first reading of the line that somebody is printed as, and of other names that stand on it; and
    what of it was not read."""
    for name in line.names:
        if people := _people(name, named):
            others = [_people(other, named) for other in line.others if name.rest and other.forms != name.forms]
            all_ = [people, *filter(None, others)]
            ids = list(dict.fromkeys(pk for one in all_ for pk in one.ids))
            return name.rest, _People(ids, sum(one.total for one in all_), len(all_))
    return "", _People([], 0)


def _people(name: _Name, named: Mapping[str, _People]) -> _People | None:
    """Those printed in any of the orders."""
    found = [named[form] for form in name.forms if form in named]
    if not found:
        return None
    ids = list(dict.fromkeys(pk for people in found for pk in people.ids))
    return _People(ids, len(ids) if all(len(one.ids) == one.total for one in found) else max(p.total for p in found))


def _answer(
    line: _Line,
    rest: str,
    people: _People,
    heirs: Mapping[int, int],
    of_orcid: Mapping[tuple[str, str], list[Author]],
    known: Mapping[int, Author],
) -> Meant:
    if line.problem:
        return Meant(line.text, problem=line.problem)
    if line.pk is not None:
        author = known.get(heirs.get(line.pk, 0))
        if author and (author.works_count or author.is_claimed):
            return Meant(line.text, author)
        if author:
            return Meant(line.text, problem=_("No work stands on this record any more."))
        return Meant(line.text, problem=_("Nobody here has this id."))
    if line.orcid:
        found = of_orcid.get(("orcid", line.orcid), [])
        if len(found) == 1:
            return Meant(line.text, found[0])
        if found:
            return Meant(
                line.text,
                candidates=tuple(found[:CANDIDATES]),
                problem=_("%(n)s people here are known by this ORCID iD.") % {"n": len(found)},
            )
    if people.total == 1 and not line.orcid:
        return Meant(line.text, known[people.ids[0]], rest=rest)
    return Meant(line.text, None, tuple(known[pk] for pk in people.ids[:CANDIDATES]), _several(line, people), rest)


def _several(line: _Line, people: _People) -> str:
    """Why the line stays open."""
    if line.orcid:
        return _("Nobody here is known by this ORCID iD.")
    if not people.ids:
        return _("Nobody here is printed so.")
    if people.names > 1:
        return _("This line has several names. Write one person on a line.")
    if people.total > CANDIDATES:
        numbers = {"n": people.total, "shown": CANDIDATES}
        return _("%(n)s people here are printed so; these %(shown)s have most works.") % numbers
    return _("%(n)s people here are printed so.") % {"n": people.total}


def _near(line: _Line, answer: Meant) -> Meant:
    """The answer with people whose names are near what stands before the affiliation, where there are any."""
    typed = min((name.forms[-1] for name in line.names), key=len)
    try:
        people = find_people(typed, CANDIDATES // 2).people
    except TooSlow:
        return answer
    if not people:
        return answer
    return Meant(line.text, None, tuple(people), _("Nobody here is printed so. These names are near."), answer.rest)
