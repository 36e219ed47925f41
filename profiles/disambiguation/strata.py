"""Kinds of signature that are hard to place, each by a named rule, so that a mean does not hide them.

Most rules look at the printed name alone. Whether a name is shared, turned around, transliterated or misprinted can
only be said beside the labels: of the namesakes, and of the other names that the same person is printed under. A
signature may be of several kinds. Entry point: `strata`; a new kind is a function and a line in `STRATA`.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from papers.names import bare_family, fold

from .gold import Key
from .names import read_given
from .signatures import Signature

HYPHENS = "-‐‑‒–"
# Spellings that romanisations, and catalogues without accents, use for one another; applied from left to right.
_ROMANISED = (
    *(("oe", "o"), ("ue", "u"), ("ae", "a"), ("aa", "a"), ("ou", "u"), ("oo", "u"), ("ee", "i")),
    *(("kh", "h"), ("zh", "z"), ("sh", "s"), ("tch", "c"), ("ch", "c"), ("ts", "c"), ("tz", "c"), ("ph", "f")),
    *(("ck", "k"), ("x", "ks"), ("w", "v"), ("y", "i"), ("j", "i"), ("q", "k")),
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled signature: what is printed, how many labelled authors are printed so, the person's other names."""

    printed: Signature
    namesakes: int
    others: tuple[Signature, ...]


def is_homonym(one: Labelled) -> bool:
    """The printed name, folded, is that of two labelled authors or more."""
    return one.namesakes > 1


def is_synonym(one: Labelled) -> bool:
    """The person is printed under another folded name too."""
    return any(fold(other.name) != fold(one.printed.name) for other in one.others)


def is_turned(one: Labelled) -> bool:
    """The person is also printed with family and given name the other way round: "Li Junlin", "Junlin Li"."""
    mine = fold(one.printed.given), fold(one.printed.family)
    return mine[0] != mine[1] and any((fold(other.family), fold(other.given)) == mine for other in one.others)


def is_initials(one: Labelled) -> bool:
    """The given name is nothing but Latin initials: "J. A.", "JP"."""
    parts = read_given(one.printed.given).parts
    return bool(parts) and all(len(part) == 1 and part.isascii() for part in parts)


def is_single_token(one: Labelled) -> bool:
    """One of family and given name is missing: "Supryadi"."""
    return not (fold(one.printed.family) and fold(one.printed.given))


def is_hyphenated(one: Labelled) -> bool:
    """A hyphen or dash stands in the name: "Guo-qing", "Allende-Cid"."""
    return any(hyphen in one.printed.name for hyphen in HYPHENS)


def has_particle(one: Labelled) -> bool:
    """The family name has a particle: "van den Berg", "de la Cruz"."""
    return bare_family(one.printed.family) != fold(one.printed.family).replace(" ", "")


def is_transliterated(one: Labelled) -> bool:
    """The person is also printed with other letters for the same sounds: "Körner" and "Koerner", "王伟" and "Wei Wang".

    So are names that differ in accents, and names of which one is not in Latin letters.
    """
    mine, here = _letters(one.printed.name), is_native(one)
    return any(
        (theirs := _letters(other.name)) != mine
        and (_skeleton(other.name) == _skeleton(one.printed.name) or _mostly_foreign(theirs) != here)
        for other in one.others
    )


def is_native(one: Labelled) -> bool:
    """Most letters of the name are not Latin: "王伟", "Δημήτρης"."""
    return _mostly_foreign(one.printed.name)


def is_misprint(one: Labelled) -> bool:
    """The person is also printed with one word one keystroke off, which no transliteration explains: "Zhao, Dongbing".

    Words of three letters or more; a letter more, less, other, or two exchanged (Damerau 1964).
    """
    return any(
        _one_keystroke(one.printed.name, other.name) and _skeleton(one.printed.name) != _skeleton(other.name)
        for other in one.others
    )


STRATA: tuple[tuple[str, Callable[[Labelled], bool]], ...] = (
    ("same name, different people", is_homonym),
    ("different names, same person", is_synonym),
    ("family name first", is_turned),
    ("initials only", is_initials),
    ("single-token names", is_single_token),
    ("hyphens", is_hyphenated),
    ("particles", has_particle),
    ("transliterations", is_transliterated),
    ("native scripts", is_native),
    ("misprints", is_misprint),
)


def strata(labels: Mapping[Key, str], printed: Mapping[Key, Signature]) -> dict[str, list[Key]]:
    """The labelled signatures of each kind of `STRATA`, in the order of `labels`."""
    by_name: defaultdict[str, set[str]] = defaultdict(set)
    by_author: defaultdict[str, dict[tuple[str, str], Signature]] = defaultdict(dict)
    for key, author in labels.items():
        signature = printed[key]
        by_name[fold(signature.name)].add(author)
        by_author[author].setdefault((signature.family, signature.given), signature)
    kinds: dict[tuple[str, str, str], list[str]] = {}  # one person's works under one name are of the same kinds
    found: dict[str, list[Key]] = {name: [] for name, _rule in STRATA}
    for key, author in labels.items():
        signature = printed[key]
        person = (author, signature.family, signature.given)
        if person not in kinds:
            others = tuple(other for name, other in by_author[author].items() if name != person[1:])
            one = Labelled(signature, len(by_name[fold(signature.name)]), others)
            kinds[person] = [name for name, rule in STRATA if rule(one)]
        for name in kinds[person]:
            found[name].append(key)
    return found


def _letters(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFC", name).casefold() if c.isalpha())


def _mostly_foreign(name: str) -> bool:
    letters = [c for c in name if c.isalpha()]
    return 2 * sum(not unicodedata.name(c, "").startswith("LATIN") for c in letters) > len(letters)


def _skeleton(name: str) -> str:
    """The sounds of a name, roughly: folded, one spelling for those that romanisations exchange, doubles single."""
    text = fold(name)
    for spelling, other in _ROMANISED:
        text = text.replace(spelling, other)
    return "".join(c for before, c in zip(" " + text, text, strict=False) if c != before and c != " ")


def _one_keystroke(one: str, other: str) -> bool:
    a, b = fold(one).split(), fold(other).split()
    different = [(x, y) for x, y in zip(a, b, strict=False) if x != y]
    return (
        len(a) == len(b)
        and len(different) == 1
        and min(map(len, different[0])) >= 3
        and OSA.distance(*different[0]) == 1
    )
