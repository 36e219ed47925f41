"""A pasted list of people: what each line means, said once, and what was chosen where it means several people.

Entry point: `read`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from profiles.meant import Meant, meant
from profiles.models import Author

LINES = 2_000  # read of one list; a programme committee of the largest conferences has fewer
PEOPLE = 500  # of one list that are compared
CHOICES = 100  # open lines that can be chosen for at once: a form of more fields than that is refused by the server

_IDS = re.compile(
    r"(?:(?:person-)?[0-9]{1,18}|[0-9-]{18}[0-9Xx])(?:[,\s]+(?:(?:person-)?[0-9]{1,18}|[0-9-]{18}[0-9Xx]))+"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line and what it means; `times` it stands on the list. `key` names the field that a choice is made in."""

    meant: Meant
    key: str
    times: int
    author: Author | None
    again: bool = False

    @property
    def is_open(self) -> bool:
        return self.author is None


@dataclass(slots=True)
class Listed:
    """A list, read: `people` are compared; `beyond` more were understood; `unread` lines were not looked at."""

    people: list[Author] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    beyond: int = 0
    unread: int = 0

    @property
    def understood(self) -> list[Line]:
        return [line for line in self.lines if not line.is_open]

    @property
    def to_choose(self) -> list[Line]:
        """Lines that may be several people, as many as fit a form."""
        return [line for line in self.lines if line.is_open and line.meant.candidates][:CHOICES]

    @property
    def problems(self) -> list[Line]:
        """Lines that are nobody, or stay open for want of room in the form."""
        chosen = {line.key for line in self.to_choose}
        return [line for line in self.lines if line.is_open and line.key not in chosen]

    @property
    def repeated(self) -> list[Line]:
        """Lines that say again what the list has said."""
        return [line for line in self.lines if line.times > 1 or line.again]


def read(text: str, chosen: Mapping[str, str], prefix: str) -> Listed:
    """`chosen` holds ids by the keys of lines; a choice that the line does not offer counts as none.

    Raises `TooSlow`.
    """
    typed = Counter(_lines(text))
    found = Listed(unread=sum(list(typed.values())[LINES:]))
    lines = list(typed)[:LINES]
    seen: set[int] = set()
    for line, answer in zip(lines, meant(lines), strict=True):
        key = f"{prefix}-{sha256(line.encode()).hexdigest()[:16]}"
        offered = {str(candidate.pk): candidate for candidate in answer.candidates}
        author = answer.author or offered.get(chosen.get(key, ""))
        again = author is not None and author.pk in seen
        found.lines.append(Line(answer, key, typed[line], author, again))
        if author is None or again:
            continue
        seen.add(author.pk)
        if len(found.people) < PEOPLE:
            found.people.append(author)
        else:
            found.beyond += 1
    return found


def _lines(text: str) -> list[str]:
    """One person each: cut at line breaks and semicolons, and at commas between ids."""
    lines: list[str] = []
    for piece in re.split(r"[\n\r;]+", text):
        line = piece.strip()
        if len(line) < 20 * LINES and _IDS.fullmatch(line):
            lines += re.split(r"[,\s]+", line)
        elif line:
            lines.append(line)
    return lines
