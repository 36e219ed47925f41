"""Which printed lines name the same place, where that is beyond doubt.

Problem: "Dept. of Physics, Univ. of Oxford, Oxford, UK" and "University of Oxford, UK" are one university, "University
of California, Berkeley" and "University of California, Los Angeles" are two, and no list of all places is at hand.

Idea: rules that can only join what is the same, each on its own:

1. case, accents, punctuation, and "the", "of", "and" in all their places say nothing;
2. common short forms stand for their words ("Univ.", "Dept.", "Inst.", "Natl."), countries for one name ("U.S.A.");
3. what stands before the only university of a line is left out where it calls itself a part of one ("Department of …",
   "… Division", "School of …"); institutes and laboratories do not, for many belong to several universities;
4. behind it, postal codes say nothing, nor does a town that the university is named after.

Towns, states and countries stay: there are two Northeastern Universities. What is doubtful is left to curators. So is
what rule 3 joins wrongly: a college of a federal university that calls itself a school ("School of Oriental and African
Studies, University of London") is written as any school of physics is, and no form tells them apart. Of 8,400 printed
lines of the gold sets, rule 3 folds such schools and faculties into 107 universities, and no college is among them:
those of London call themselves colleges, or by a name, and stay apart.
Entry points: `key_of`, `place_of`, `name_of`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .names import fold
from .text import plain

LONGEST_KEY = 400  # letters; whole paragraphs are printed beside names

_SILENT = frozenset({"the", "of", "and"})
_SHORT = {
    "univ": "university",
    "uni": "university",
    "dept": "department",
    "dep": "department",
    "inst": "institute",
    "lab": "laboratory",
    "natl": "national",
    "acad": "academy",
    "dipt": "dipartimento",
    "depto": "departamento",
    "engg": "engineering",
}
_COUNTRIES = {
    "u s a": "usa",
    "u s": "usa",
    "us": "usa",
    "united states": "usa",
    "united states america": "usa",
    "u k": "uk",
    "united kingdom": "uk",
    "great britain": "uk",
    "p r china": "china",
    "pr china": "china",
    "people s republic china": "china",
    "peoples republic china": "china",
    "republic korea": "korea",
    "south korea": "korea",
    "s korea": "korea",
    "russian federation": "russia",
    "deutschland": "germany",
    "italia": "italy",
    "espana": "spain",
    "brasil": "brazil",
    "czechia": "czech republic",
}
_UNIVERSITY = re.compile(
    r"\b(?:university|universite|universitat|universidad|universidade|universita|universiteit|universitet|universitetet|"
    r"institute technology)\b"
)
_PARTS = (
    r"department|school|faculty|division|dipartimento|departamento|departement|fakultat|fachbereich|facultad|faculdade"
    r"|faculte|facolta"
)
_PART = re.compile(rf"(?:{_PARTS})\b|.*\b(?:department|division)$")
_PIECES = re.compile(r"[,;] ")
_POSTAL = re.compile(r"(?:\b[a-z] )?\b\d{4,}(?: \d{3,})?\b")


def key_of(printed: str) -> str:
    """The folded line, by which a printed form is known; "" where it has no letter or digit, which names no place.

    Commas stay, for `place_of` reads them.

    >>> key_of(" mit,  Cambridge."), key_of(r"Universit\\'e de Gen\\`eve"), key_of("*")
    ('mit, cambridge', 'universite de geneve', '')
    """
    lines = (filter(None, map(fold, line.split(","))) for line in plain(printed).split(";"))
    return "; ".join(filter(None, map(", ".join, lines)))[:LONGEST_KEY].rstrip(";, ")


def place_of(key: str) -> str:
    """What the keys of all printed forms of one place share.

    >>> place_of(key_of("Dept. of Physics, Univ. of Oxford, Oxford, U.K.")), place_of("the university of oxford uk")
    ('university oxford uk', 'university oxford uk')
    """
    pieces = [said for piece in _PIECES.split(key) if (said := _words(piece))]
    at = None if ";" in key else _university(pieces)
    if at is not None:
        pieces = [pieces[at], *_address(pieces[at], pieces[at + 1 :])]
    return " ".join(pieces)[:LONGEST_KEY].rstrip() or key


def name_of(printed: str) -> str:
    """What the place is called where only this form of it is known: without the department.

    >>> name_of("Dept. of Physics, University of Oxford, UK"), name_of("Kavli Institute, Oslo")
    ('University of Oxford, UK', 'Kavli Institute, Oslo')
    """
    pieces = [(piece, said) for piece in printed.split(",") if (said := _words(fold(piece)))]
    at = None if ";" in printed else _university([said for _, said in pieces])
    return ",".join(piece for piece, _ in pieces[at:]).strip() if at else printed


def _university(pieces: Sequence[str]) -> int | None:
    """Where the only university stands that all pieces before it are parts of."""
    named = [at for at, piece in enumerate(pieces) if _UNIVERSITY.search(piece)]
    if len(named) == 1 and all(map(_PART.match, pieces[: named[0]])) and not _PART.match(pieces[named[0]]):
        return named[0]
    return None


def _words(piece: str) -> str:
    """One of the pieces between commas, as words that say something."""
    words = [_SHORT.get(word, word) for word in piece.split()]
    said = " ".join(word for word in words if word not in _SILENT)
    return _COUNTRIES.get(said, said)


def _address(university: str, pieces: Sequence[str]) -> list[str]:
    """Where the university is, without what its name says and what only a postman needs."""
    kept = []
    for piece in pieces:
        rest = " ".join(_POSTAL.sub(" ", piece).split())
        if rest and f" {rest} " not in f" {university} ":
            kept.append(_COUNTRIES.get(rest, rest))
    return kept
