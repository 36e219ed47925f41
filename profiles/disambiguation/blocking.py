"""Which signatures could be one person, in blocks of bounded size.

Problem: comparing everyone with everyone is quadratic, and some names are carried by ten thousand papers. Idea: people
who could be one share a family name and the first letter of the given name (of its formal form, so that Bob meets
Robert). Inside a block only names that agree are paired. A block above `CAP` is split by first name; what is still too
large is cut along its groups of coauthors, so that a split separates those least likely to be joined; `pieces` brings
together again whom the split parted. Entry points: `blocks`, `pairs`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from papers.names import bare_family, tells_nobody_apart

from .names import Given, compare, read_given
from .signatures import Signature

# 3,000 signatures are at most 4.5 million pairs: 550 MB at the peak and ten CPU seconds where all of them agree.
# What it costs in B³ is measured by `manage.py bench cap`.
CAP = 3_000
# A coauthor who stands on more of a block's papers than this binds nothing together when a block must be cut.
COMMON_COAUTHOR = 200
_UMLAUT = re.compile("[äöüÄÖÜ]")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of positions `i < j` in a sequence of signatures and the `Agreement` of their names; arrays of one
    length."""

    i: NDArray[np.int32]
    j: NDArray[np.int32]
    agreement: NDArray[np.int8]

    def __getitem__(self, chosen: slice | NDArray[np.integer]) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.i[chosen], self.j[chosen], self.agreement[chosen])

    def shifted(self, by: int) -> Pairs:
        """The same pairs where the sequence begins `by` positions later."""
        return Pairs(self.i + np.int32(by), self.j + np.int32(by), self.agreement)

    @staticmethod
    def joined(parts: Sequence[Pairs]) -> Pairs:
        """All pairs of several."""
        none = Pairs(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int8))
        parts = [none, *parts]
        return Pairs(
            np.concatenate([p.i for p in parts]),
            np.concatenate([p.j for p in parts]),
            np.concatenate([p.agreement for p in parts]),
        )

    def slices(self, size: int) -> Iterator[slice]:
        """Consecutive parts of at most `size` pairs."""
        return (slice(start, start + size) for start in range(0, len(self.i), size))


def block_key(signature: Signature) -> str:
    """The block: family name without particles and spaces, and first letter of the given name ("vangogh/v" →
    "gogh/v")."""
    return f"{bare_family(signature.family)}/{read_given(signature.given).formal[:1]}"


def blocks(signatures: Iterable[Signature], cap: int = CAP) -> Iterator[list[Signature]]:
    """Blocks of at most `cap` signatures, each sorted by id, in the order of their keys."""
    for block in whole_blocks(signatures):
        yield from [block] if len(block) <= cap else _split(block, cap)


def whole_blocks(signatures: Iterable[Signature]) -> Iterator[list[Signature]]:
    """Blocks of any size, each sorted by id, in the order of their keys."""
    by_key: defaultdict[str, list[Signature]] = defaultdict(list)
    spelt: dict[str, str] = {}  # "schuetze/h" → "schutze/h", where somebody is printed "Schütze"
    for signature in signatures:
        key = block_key(signature)
        by_key[key].append(signature)
        if _UMLAUT.search(signature.family):
            expanded = _UMLAUT.sub(r"\g<0>e", signature.family)
            spelt[f"{bare_family(expanded)}/{key.rpartition('/')[2]}"] = key
    for expanded, key in sorted(spelt.items()):
        if expanded in by_key and expanded != key:
            by_key[key] += by_key.pop(expanded)
    for key in sorted(by_key):
        yield sorted(by_key.pop(key), key=lambda s: s.id)


def pairs(block: Sequence[Signature]) -> Pairs:
    """The pairs of a block whose names agree or look like a misprint of each other, and say who somebody may be."""
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for position, signature in enumerate(block):
        if tells_nobody_apart(signature.name):
            continue
        positions[signature.given].append(position)
    where = {given: np.array(found, np.int32) for given, found in positions.items()}
    found: list[Pairs] = []
    for one, other in _candidates(where):
        if kind := compare(one, other):
            a, b = where[one], where[other]
            x, y = np.triu_indices(len(a), 1) if one == other else np.divmod(np.arange(len(a) * len(b)), len(b))
            found.append(Pairs(np.minimum(a[x], b[y]), np.maximum(a[x], b[y]), np.full(len(x), kind, np.int8)))
    return Pairs.joined(found)


def _candidates(names: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Pairs of printed given names worth comparing: one that begins alike, or an initial with every other."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    initials: list[str] = []
    for name in sorted(names):
        given = read_given(name)
        yield name, name
        if not given.full:
            initials.append(name)
            continue
        # Misprints are looked for among names that agree in their first three letters.
        groups[given.joined[:3]].append(name)
        if given.formal[:3] != given.joined[:3]:
            groups[given.formal[:3]].append(name)
    seen: set[tuple[str, str]] = set()
    for group in groups.values():
        for position, one in enumerate(group):
            for other in group[position + 1 :]:
                pair = (one, other) if one < other else (other, one)
                if pair not in seen:
                    seen.add(pair)
                    yield pair
    for position, one in enumerate(initials):
        for other in initials[position + 1 :]:
            yield one, other
        for other in sorted(names.keys() - set(initials)):
            yield one, other


def _split(block: Sequence[Signature], cap: int) -> Iterator[list[Signature]]:
    """Split an oversized block by first name, then along coauthors; initials go where their coauthors are."""
    groups: defaultdict[str, list[Signature]] = defaultdict(list)
    short: list[Signature] = []
    for signature in block:
        given = read_given(signature.given)
        if given.full:
            groups[_first_name(given)].append(signature)
        else:
            short.append(signature)
    homes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for first, group in groups.items():
        for signature in group:
            for coauthor in signature.coauthors:
                homes[coauthor][first] += 1
    for signature in short:
        votes: Counter[str] = Counter()
        for coauthor in signature.coauthors:
            votes.update(homes.get(coauthor, {}))
        groups[min(votes, key=lambda first: (-votes[first], first)) if votes else ""].append(signature)
    for first in sorted(groups):
        group = sorted(groups[first], key=lambda s: s.id)
        if len(group) <= cap:
            yield group
        else:
            for chunk in cut([(1, signature.coauthors) for signature in group], cap):
                yield [group[position] for position in chunk]


def _first_name(given: Given) -> str:
    return given.parts[0] + given.parts[1] if given.hyphenated else given.formal


def cut(items: Sequence[tuple[int, Iterable[str]]], cap: int) -> Iterator[list[int]]:
    """Cut items, of a size and with coauthors, into chunks of at most `cap` in all, keeping together those who are
    linked by coauthors as far as they fit. Yields positions, ascending."""
    parent = list(range(len(items)))

    def root(x: int) -> int:
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    with_coauthor: defaultdict[str, list[int]] = defaultdict(list)
    for position, (_size, coauthors) in enumerate(items):
        for coauthor in coauthors:
            with_coauthor[coauthor].append(position)
    sizes = [size for size, _coauthors in items]
    # The rarest coauthors bind first; a union that would outgrow a chunk is left out.
    for _coauthor, found in sorted(with_coauthor.items(), key=lambda item: (len(item[1]), item[0])):
        if len(found) > COMMON_COAUTHOR:
            break
        for position in found[1:]:
            a, b = sorted((root(found[0]), root(position)))
            if a != b and sizes[a] + sizes[b] <= cap:
                parent[b] = a
                sizes[a] += sizes[b]
    parts: defaultdict[int, list[int]] = defaultdict(list)
    for position in range(len(items)):
        parts[root(position)].append(position)
    chunk: list[int] = []
    filled = 0
    for first, part in sorted(parts.items(), key=lambda part: (-sizes[part[0]], part[0])):
        if chunk and filled + sizes[first] > cap:
            yield sorted(chunk)
            chunk, filled = [], 0
        chunk += part
        filled += sizes[first]
    yield sorted(chunk)
