"""From pair log-odds to people: average linkage under constraints.

Problem: "score above t joins" chains strangers through a string of near misses (single linkage falls to an F1 of .001
on blocks of 20,000), and what people decided must hold. Idea: average linkage, in which
the best pair has a share of its own. What must be one is one node from the start; what must not be is so far away that
the mean of two clusters with such a pair stays beyond any threshold. Clusters can only grow inside a connected
component of pairs above the threshold, so each is done alone.
Deterministic; independent of the order of the input. Entry points: `Constraints.of`, `cluster`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .signatures import Signature

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

# Log-odds are cut here before averaging: beyond, evidence is as good as certain, and one pair must not outweigh twenty.
CERTAIN = 6.0
# How much the mean of all pairs of two clusters counts beside their best pair. At 1 one old joint work among thirty is
# diluted away, at 0 strangers are chained together. Mean B³ F1 of one fit over five development sets, each at its best
# threshold: 87.6 at 1, 88.5 at .85, 88.9 at .7, 89.0 at .5.
MEAN_SHARE = 0.6
# So far that a mean over any block's pairs, with one such pair among them, stays above every threshold.
APART = 1e9


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
        forbidden = (self.paper[i] == self.paper[j]) | (
            (self.orcid[i] >= 0) & (self.orcid[j] >= 0) & (self.orcid[i] != self.orcid[j])
        )
        if self.different:
            a, b = np.array(sorted(self.different), np.int64).T
            size = len(self.group)
            forbidden |= np.isin(np.minimum(i, j).astype(np.int64) * size + np.maximum(i, j), a * size + b)
        return np.asarray(forbidden, bool)

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
        return sorted(
            {(min(here[a], here[b]), max(here[a], here[b])) for a, b in pairs if a in here and b in here and a != b}
        )

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
            np.array([self._root(p) for p in range(len(self.parent))], np.int32),
            decided,
            _codes([s.paper for s in self.signatures]),
            _codes([s.orcid for s in self.signatures]),
            self.different,
            tuple(self.contradictions),
        )

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
                said = f"signatures {ids[0]} and {ids[1]} are {why}, but {ids[2]} and {ids[3]} {against}"
                self.contradictions.append(Contradiction(tuple(sorted(set(ids))), f"{said}; they are kept apart"))
                return
        self.parent[y] = x
        self.members[x] += self.members.pop(y)

    def _report_iDs(self) -> None:
        for root in sorted(self.members):
            holders = {
                self.signatures[p].orcid: self.signatures[p].id
                for p in sorted(self.members[root])
                if self.signatures[p].orcid
            }
            if len(holders) > 1:
                named = " and ".join(sorted(map(str, holders)))
                said = f"people joined signatures that authenticated as {named}; the decision holds"
                self.contradictions.append(Contradiction(tuple(sorted(holders.values())), said))


def _codes(values: Sequence[Hashable | None]) -> Ints:
    """A number for each distinct value, -1 for None."""
    seen: dict[Hashable, int] = {}
    return np.array([-1 if value is None else seen.setdefault(value, len(seen)) for value in values], np.int32)


def cluster(i: Ints, j: Ints, log_odds: Floats, threshold: float, constraints: Constraints) -> Ints:
    """Cluster number of each position of `constraints`, from the log-odds of pairs i < j; pairs not given are apart.

    Memory: 12 bytes for each ordered pair of a component, at most 108 MB in a block of 3,000.
    """
    size = len(constraints.group)
    log_odds = np.where(constraints.forbid(i, j), np.float32(-APART), log_odds)
    bound = constraints.links()
    strong = log_odds > threshold
    edges_i, edges_j = np.concatenate([i[strong], bound[:, 0]]), np.concatenate([j[strong], bound[:, 1]])
    graph = sparse.coo_matrix((np.ones(len(edges_i), np.int8), (edges_i, edges_j)), shape=(size, size))
    count, component = connected_components(graph, directed=False)
    inside = np.flatnonzero(component[i] == component[j])
    labels, local, used = np.zeros(size, np.int32), np.zeros(size, np.int64), 0
    for found, pairs in zip(parts_of(component, count), parts_of(component[i[inside]], count), strict=True):
        flat = np.zeros(len(found), np.int32)
        if len(found) > 1:
            local[found] = np.arange(len(found))
            square = np.full((len(found), len(found)), np.float32(-APART))
            a, b = local[i[inside[pairs]]], local[j[inside[pairs]]]
            value = log_odds[inside[pairs]]
            square[a, b] = square[b, a] = np.where(value < -APART / 2, value, np.clip(value, -CERTAIN, CERTAIN))
            flat = _agglomerate(*_contracted(square, found, constraints), threshold)
        labels[found] = used + flat
        used += int(flat.max()) + 1
    return labels


def parts_of(number: Ints, count: int) -> list[NDArray[np.int64]]:
    """Positions of each of `count` numbers, in order."""
    return np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number, minlength=count))[:-1])


def _contracted(
    square: Floats, found: NDArray[np.int64], constraints: Constraints
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Mean and best log-odds between nodes, and the node of each position; what must be one is one node.

    Of such a node only the pairs that can be compared count: a person whom people gave a second name could otherwise
    never be joined with works under either. What is forbidden stays so.
    """
    groups, node = np.unique(constraints.group[found], return_inverse=True)
    if len(groups) == len(found):
        return square, square.copy(), node
    forbidden = constraints.forbid(
        np.repeat(found, len(found)).astype(np.int32), np.tile(found, len(found)).astype(np.int32)
    ).reshape(square.shape)
    member = sparse.csr_matrix(
        (np.ones(len(found), np.float32), (node, np.arange(len(found)))), shape=(len(groups), len(found))
    )
    known = square > -APART / 2
    count = member @ known.astype(np.float32) @ member.T
    mean = member @ np.where(known, square, 0) @ member.T / np.maximum(count, 1)
    mean[(count == 0) | (member @ forbidden.astype(np.float32) @ member.T > 0)] = -APART
    best = np.full(mean.shape, np.float32(-APART))
    np.maximum.at(best, (node[:, None], node[None, :]), square)
    return mean.astype(np.float32), best, node


def _agglomerate(mean: Floats, best: Floats, node: NDArray[np.int64], threshold: float) -> Ints:
    """Join the two nearest clusters until none are nearer than `threshold`; the cluster of each position, from 0.

    Of `n` nodes each join costs O(n): a row whose nearest cluster has moved away keeps its old value as a bound, and is
    looked through only when that bound is the highest (Müllner 2011, "generic linkage").
    """
    size = np.bincount(node).astype(np.float32)
    cluster_of = np.arange(len(size))
    near = MEAN_SHARE * mean + (1 - MEAN_SHARE) * best
    np.fill_diagonal(near, -np.inf)
    nearest, value = near.argmax(axis=1), near.max(axis=1)
    bound = np.zeros(len(size), bool)  # where `value` is only a bound from above
    while value[one := int(value.argmax())] > threshold:
        if bound[one]:
            nearest[one] = near[one].argmax()
            value[one], bound[one] = near[one, nearest[one]], False
            continue
        a, b = sorted((one, int(nearest[one])))
        mean[a] = (size[a] * mean[a] + size[b] * mean[b]) / (size[a] + size[b])
        best[a] = np.maximum(best[a], best[b])
        size[a] += size[b]
        cluster_of[cluster_of == b] = a
        row = MEAN_SHARE * mean[a] + (1 - MEAN_SHARE) * best[a]
        row[np.isneginf(near[a]) | np.isneginf(near[b])] = -np.inf
        mean[:, a], best[:, a], near[a], near[:, a] = mean[a], best[a], row, row
        near[b] = near[:, b] = value[b] = -np.inf
        nearest[a] = row.argmax()
        value[a] = row[nearest[a]]
        moved = bound | (nearest == a) | (nearest == b)
        moved[a] = False
        reached = (row > value) | (moved & (row == value))
        bound = moved & ~reached
        nearest[reached], value[reached] = a, row[reached]
    return np.unique(cluster_of[node], return_inverse=True)[1].astype(np.int32)
