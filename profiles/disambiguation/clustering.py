"""From pair log-odds to people: average linkage under constraints.

Problem: "score above t joins" chains strangers through a string of near misses (single linkage falls to an F1 of .001
on blocks of 20,000), and what people decided must hold. Idea: average linkage; what must be one is at distance 0 and so
joined first, what must not be is so far away that the average of two clusters with such a pair stays beyond any
threshold. Clusters can only grow inside a connected component of pairs above the threshold, so each is done alone.
Deterministic; independent of the order of the input. Entry points: `Constraints.of`, `cluster`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from .signatures import Signature

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

# Log-odds are cut here before averaging: beyond, evidence is as good as certain, and one pair must not outweigh twenty.
CERTAIN = 6.0
# So far that a mean over any block's pairs, with one such pair among them, stays above every threshold.
APART = 1e12


@dataclass(frozen=True, slots=True)
class Decisions:
    """What people decided, as pairs of signature ids: these two are the same person, those are different."""

    same: frozenset[tuple[int, int]] = frozenset()
    different: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Statements that cannot all hold, for a curator; `sentence` says which one was left out."""

    signatures: tuple[int, ...]
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """What must and must not be one person, by position. `group` is equal where two positions must be one."""

    group: Ints
    by_decision: NDArray[np.bool_]
    paper: Ints
    orcid: Ints
    different: frozenset[tuple[int, int]]
    contradictions: tuple[Contradiction, ...] = field(default=())

    @staticmethod
    def of(signatures: Sequence[Signature], decisions: Decisions) -> Constraints:
        """Close the decisions and the iDs under transitivity; what contradicts is left out and reported.

        Authority: two names on one paper are two people; people's "different"; people's "same"; authenticated iDs.
        """
        return _Joining(signatures, decisions).constraints()

    def forbid(self, i: Ints, j: Ints) -> NDArray[np.bool_]:
        """For arrays of pairs, whether they must not be one person (unless people said that they are)."""
        forbidden = (self.paper[i] == self.paper[j]) | ((self.orcid[i] >= 0) & (self.orcid[j] >= 0) & (self.orcid[i] != self.orcid[j]))
        if self.different:
            a, b = np.array(sorted(self.different), np.int64).T
            size = len(self.group)
            forbidden |= np.isin(np.minimum(i, j).astype(np.int64) * size + np.maximum(i, j), a * size + b)
        return forbidden

    def groups(self) -> list[Ints]:
        """Positions of every group that must be one and has at least two members."""
        order = np.argsort(self.group, kind="stable").astype(np.int32)
        parts = np.split(order, np.flatnonzero(np.diff(self.group[order])) + 1)
        return [part for part in parts if len(part) > 1]

    def links(self) -> Ints:
        """(links, 2) pairs of positions that tie every such group together."""
        return np.array([(group[0], other) for group in self.groups() for other in group[1:]], np.int32).reshape(-1, 2)


class _Joining:
    """A union-find that refuses a union which would put two of one paper, or two decided different, together."""

    def __init__(self, signatures: Sequence[Signature], decisions: Decisions) -> None:
        self.signatures = signatures
        self.parent = list(range(len(signatures)))
        self.members = {position: [position] for position in self.parent}
        self.position = {s.id: position for position, s in enumerate(signatures)}
        self.same, self.different = self._known(decisions.same), frozenset(self._known(decisions.different))
        self.apart: defaultdict[int, set[int]] = defaultdict(set)
        for a, b in self.different:
            self.apart[a].add(b)
            self.apart[b].add(a)
        self.contradictions: list[Contradiction] = []

    def _known(self, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        here = self.position
        return sorted({(min(here[a], here[b]), max(here[a], here[b])) for a, b in pairs if a in here and b in here and a != b})

    def constraints(self) -> Constraints:
        for a, b in self.same:
            self._join(a, b, "decided to be the same person")
        decided = np.array([len(self.members[self._root(p)]) > 1 for p in range(len(self.parent))], bool)
        orcids: defaultdict[str, list[int]] = defaultdict(list)
        for position, signature in enumerate(self.signatures):
            if signature.orcid:
                orcids[signature.orcid].append(position)
        for orcid, found in sorted(orcids.items()):
            for other in found[1:]:
                self._join(found[0], other, f"both authenticated as {orcid}")
        self._report_iDs()
        return Constraints(
            np.array([self._root(p) for p in range(len(self.parent))], np.int32), decided,
            _codes([s.paper for s in self.signatures]), _codes([s.orcid for s in self.signatures]), self.different, tuple(self.contradictions),
        )  # fmt: skip

    def _root(self, x: int) -> int:
        while self.parent[x] != x:
            self.parent[x] = self.parent[self.parent[x]]
            x = self.parent[x]
        return x

    def _join(self, a: int, b: int, why: str) -> None:
        x, y = sorted((self._root(a), self._root(b)))
        if x == y:
            return
        papers = {self.signatures[p].paper: p for p in self.members[x]}
        for q in self.members[y]:
            clash = papers.get(self.signatures[q].paper)
            against = "are two names on one paper"
            if clash is None and (hit := self.apart[q].intersection(self.members[x])):
                clash, against = min(hit), "were decided to be different people"
            if clash is not None:
                ids = [self.signatures[p].id for p in (a, b, clash, q)]
                said = f"signatures {ids[0]} and {ids[1]} are {why}, but {ids[2]} and {ids[3]} {against}; they are kept apart"
                self.contradictions.append(Contradiction(tuple(sorted(set(ids))), said))
                return
        self.parent[y] = x
        self.members[x] += self.members.pop(y)

    def _report_iDs(self) -> None:
        for root in sorted(self.members):
            holders = {self.signatures[p].orcid: self.signatures[p].id for p in sorted(self.members[root]) if self.signatures[p].orcid}
            if len(holders) > 1:
                said = f"people joined signatures that authenticated as {' and '.join(sorted(map(str, holders)))}; the decision holds"
                self.contradictions.append(Contradiction(tuple(sorted(holders.values())), said))


def _codes(values: Sequence[Hashable | None]) -> Ints:
    """A number for each distinct value, -1 for None."""
    seen: dict[Hashable, int] = {}
    return np.array([-1 if value is None else seen.setdefault(value, len(seen)) for value in values], np.int32)


def cluster(i: Ints, j: Ints, log_odds: Floats, threshold: float, constraints: Constraints) -> Ints:
    """Cluster number of each position of `constraints`, from the log-odds of pairs i < j; pairs not given are apart.

    Memory: 8 bytes for each pair of a component, at most 36 MB in a block of 3,000, twice that while it is made.
    """
    size = len(constraints.group)
    log_odds = np.where(constraints.forbid(i, j), np.float32(-APART), log_odds)
    groups = constraints.groups()
    strong = log_odds > threshold
    edges_i = np.concatenate([i[strong], *(np.full(len(g) - 1, g[0], np.int32) for g in groups)])
    edges_j = np.concatenate([j[strong], *(g[1:] for g in groups)])
    graph = sparse.coo_matrix((np.ones(len(edges_i), np.int8), (edges_i, edges_j)), shape=(size, size))
    count, component = connected_components(graph, directed=False)
    inside = np.flatnonzero(component[i] == component[j])
    members, pairs_of = parts_of(component, count), [inside[part] for part in parts_of(component[i[inside]], count)]
    groups_of: defaultdict[int, list[Ints]] = defaultdict(list)
    for group in groups:
        groups_of[int(component[group[0]])].append(group)
    labels, local, used = np.zeros(size, np.int32), np.zeros(size, np.int64), 0
    for number, (found, pairs) in enumerate(zip(members, pairs_of, strict=True)):
        local[found] = np.arange(len(found))
        flat = np.ones(1, np.int32)
        if len(found) > 1:
            distance = _distances(len(found), local[i[pairs]], local[j[pairs]], log_odds[pairs])
            if number in groups_of:
                distance = _bind(distance, found, groups_of[number], local, constraints)
            flat = fcluster(linkage(distance, "average"), CERTAIN - threshold, "distance")
        labels[found] = used + flat - 1
        used += int(flat.max())
    return labels


def parts_of(number: Ints, count: int) -> list[NDArray[np.int64]]:
    """Positions of each of `count` numbers, in order."""
    return np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number, minlength=count))[:-1])


def _distances(n: int, a: NDArray[np.int64], b: NDArray[np.int64], log_odds: Floats) -> NDArray[np.float64]:
    """scipy's condensed distances of n points; never 0, which is kept for what must be one."""
    distance = np.full(n * (n - 1) // 2, APART)
    near = CERTAIN - np.clip(log_odds, -CERTAIN, CERTAIN) + 1e-6
    distance[n * a - a * (a + 1) // 2 + b - a - 1] = np.where(log_odds < -APART / 2, APART, near)
    return distance


def _bind(distance: NDArray[np.float64], found: NDArray[np.int64], groups: Sequence[Ints], local: NDArray[np.int64], constraints: Constraints) -> NDArray[np.float64]:
    """Put each group at distance 0; who can be compared with one of a group is as far from the others of it.

    Without that, a person whom people gave a second name could never be joined with works under either.
    """
    square = squareform(distance)
    for group in groups:
        rows = local[group]
        part = square[rows]
        known = part < APART
        mean = np.where(known, part, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        one, other = np.repeat(group, len(found)), np.tile(found, len(group)).astype(np.int32)
        forbidden = constraints.forbid(one, other).reshape(part.shape).any(axis=0)
        filled = np.where(forbidden, APART, np.where(known, part, np.where(known.any(axis=0), mean, APART)))
        square[rows], square[:, rows] = filled, filled.T
    for group in groups:
        rows = local[group]
        square[np.ix_(rows, rows)] = 0.0
    return squareform(square, checks=False)
