"""Compare the given names of two people who share a family name.

Problem: "J. Smith", "John A. Smith" and "Jon Smith" may or may not be one person; what is printed only ever allows or
forbids. Idea: read a given name into parts (initials, hyphens), and say in which of a few ways two of them agree; the
model learns what each way is worth. A misprint is told apart from a conflict so that a curator can be asked; it never
joins by itself. Entry point: `compare`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from rapidfuzz.distance import JaroWinkler

from papers.names import fold

# Below .93 pairs of different Chinese given names ("Xiaoming", "Xiaodong") flood the curators.
MISPRINT_SIMILARITY = 0.93

_SHORT_FORMS = """
alexander alex sasha alec aleksandr alexandre aleksander | alexandra sandra | andrew andy drew | anthony tony
antonio | toni | barbara barb | benjamin ben | catherine cathy | katherine kathy kate katie kathryn kathleen
charles charlie chuck | christina tina christine | christopher chris | daniel dan danny | david dave davy
deborah debbie debra deb | donald don | douglas doug | edward ed eddie ted | elizabeth liz beth betsy eliza
eugene gene | francis frank | frederick fred freddy | gabriel gabe | geoffrey geoff | jeffrey jeff
gerald gerry | jerome jerry | gregory greg | henry hank harry | jacob jake | james jim jimmy jamie
jennifer jen jenny | jessica jess | john johnny jack | jonathan jon jonny | joseph joe joey | joshua josh
judith judy | kenneth ken kenny | kimberly kim | lawrence larry laurence | leonard len lenny | leslie les
margaret maggie meg peggy | martin marty | matthew matt | maximilian max | melissa mel | michael
mike mick mikhail | mitchell mitch | natalie nat natalia | nathaniel nate nathan | nicholas nick nicolas nicky
pamela pam | patricia pat patty | patrick paddy | peter pete | philip phil phillip philippe | rachel rae
raymond ray | rebecca becky | richard rick dick rich ricky | robert bob rob bobby robbie | ronald ron ronnie
rudolf rudi rudy | samuel sam sammy | sebastian seb | sergey sergei serge | stanley stan | stephen steve
steven stefan | susan sue suzanne | sylvain sylv | terence terry | theodore theo | thomas tom tommy
timothy tim timmy | tobias tobi | victor vic viktor | vincent vince | vladimir vlad volodymyr | walter walt
wilhelm willi | william bill will billy | zachary zach
"""
_FORMAL = {
    word: names.split()[0] for line in _SHORT_FORMS.split("\n") for names in line.split("|") for word in names.split()
}
_CAPITALS = re.compile(r"^[B-DF-HJ-NP-TV-XZ]{2,3}$")  # "JP", "LJ": two or three capitals without a vowel are initials
# Pinyin: the first syllable ends where the second one's consonant begins; the second is captured.
_TWO_SYLLABLES = re.compile(
    r"(?:[zcs]h|[b-df-hj-np-tw-z])?[aeiou]{1,3}(?:ng|n)?((?:[zcs]h|[b-df-hj-np-tw-z])[aeiou]{1,3}(?:ng|n|r)?)"
)


class Agreement(IntEnum):
    """How two given names agree, from not at all to wholly."""

    CONFLICT = 0
    MISPRINT = 1
    MONONYM = 2  # neither has a given name
    INITIALS = 3  # neither has more than initials
    INITIAL = 4  # one has an initial where the other has a name
    SPELT = 5  # two initials or more spell the other: "D.Y.", "Dayong"
    SHORT_FORM = 6  # Bob, Robert
    PART = 7  # "Jean", "Jean-Pierre"
    MIDDLE_MISSING = 8
    MIDDLE_AGREES = 9
    SAME = 10

    @property
    def joins(self) -> bool:
        """Whether two people's names that agree so may be one person's without a curator."""
        return self > Agreement.MISPRINT


@dataclass(frozen=True, slots=True)
class Given:
    """A given name read into folded parts; `hyphenated` where the first two were printed as one."""

    parts: tuple[str, ...]
    hyphenated: bool
    formal: str

    @property
    def joined(self) -> str:
        return "".join(self.parts)

    @property
    def full(self) -> bool:
        """Whether the first name is written out."""
        return bool(self.parts) and len(self.parts[0]) > 1


@lru_cache(maxsize=100_000)
def read_given(given: str) -> Given:
    """Read a printed given name: "Guo-qing" → ("guo", "qing"), hyphenated; "J.P." and "JP" → ("j", "p")."""
    words = [" ".join(word) if _CAPITALS.match(word) else word for word in given.replace("‐", "-").split()]
    text = " ".join(words)
    parts = tuple(fold(text).split())
    head = text.partition(" ")[0].strip("-")
    return Given(parts, "-" in head and len(parts) > 1, _FORMAL.get(parts[0], parts[0]) if parts else "")


def compare(one: str, other: str) -> Agreement:
    """How two printed given names agree, symmetric. An empty one agrees only with an empty one."""
    if one == other:
        name = read_given(one)
        return Agreement.SAME if name.full else Agreement.INITIALS if name.parts else Agreement.MONONYM
    return _compare(*sorted((read_given(one), read_given(other)), key=lambda name: (name.parts, name.hyphenated)))


def _compare(a: Given, b: Given) -> Agreement:
    if not a.parts or not b.parts:
        return Agreement.CONFLICT if a.parts or b.parts else Agreement.MONONYM
    if a.joined == b.joined and (a.full or b.full):
        return Agreement.SAME if a.full and b.full else Agreement.CONFLICT  # "J o" is not "Jo"
    if not _rest_agrees(a.parts, b.parts):
        return Agreement.CONFLICT
    if not (a.full and b.full):
        return _compare_initials(a, b)
    if a.parts[0] == b.parts[0]:
        if len(a.parts) == len(b.parts):
            return Agreement.MIDDLE_AGREES
        longer = max(a, b, key=lambda name: len(name.parts))
        return (
            Agreement.PART if longer.hyphenated and min(len(a.parts), len(b.parts)) == 1 else Agreement.MIDDLE_MISSING
        )
    if a.formal == b.formal:
        return Agreement.SHORT_FORM
    if a.parts[0][0] == b.parts[0][0] and JaroWinkler.similarity(a.joined, b.joined) >= MISPRINT_SIMILARITY:
        return Agreement.MISPRINT
    return Agreement.CONFLICT


def _compare_initials(a: Given, b: Given) -> Agreement:
    if a.parts[0][0] != b.parts[0][0] and a.formal[0] != b.formal[0]:
        return Agreement.CONFLICT
    if not (a.full or b.full):
        return Agreement.INITIALS
    short, full = (b, a) if a.full else (a, b)
    return Agreement.SPELT if len(short.parts) > 1 and _spells(short.parts, full.parts) else Agreement.INITIAL


def _spells(initials: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Whether the initials are those of the parts, or of the two syllables of a Chinese given name printed as one."""
    if len(parts) == 1 and (syllables := _TWO_SYLLABLES.fullmatch(parts[0])):
        parts = (parts[0][: syllables.start(1)], syllables[1])
    return len(parts) >= len(initials) and all(
        part[0] == letter[0] for part, letter in zip(parts, initials, strict=False)
    )


def _rest_agrees(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether no later part contradicts: equal, or the initial of the other; what is missing contradicts nothing."""
    return all(x == y or (x[0] == y[0] and min(len(x), len(y)) == 1) for x, y in zip(a[1:], b[1:], strict=False))
