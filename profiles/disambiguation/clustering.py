"""From pair log-odds to people: average linkage under constraints.

Problem: "score above t joins" chains strangers through a string of near misses (single linkage falls to an F1 of .001
on blocks of 20,000), and what people decided must hold. Idea: average linkage, in which
the best pair has a share of its own. What must be one is one node from the start; what must not be is so far away that
the mean of two clusters with such a pair stays beyond any threshold. Clusters can only grow inside a connected
component of pairs above the threshold, so each is done alone. Two whole people whom a decision made one are clustered
apart, each by its own evidence, and their clusters united afterwards.
Deterministic; independent of the order of the input. Entry points: `Constraints.of`, `cluster`, then
`unite_wholes`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

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


Pairs = frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Decisions:
    """What people decided, as pairs of signature ids, and whom they claimed.

    `same`: these two are one person's. `different`: these are two people's. `joined`: the people behind these two are
    one, with all that either has. `claimed`: a signature of each claimed author; only people put two of them together.
    """

    same: Pairs = frozenset()
    different: Pairs = frozenset()
    joined: Pairs = frozenset()
    claimed: frozenset[int] = frozenset()

    @property
    def pairs(self) -> Pairs:
        """All pairs that must be seen together."""
        return self.same | self.different | self.joined


@dataclass(frozen=True, slots=True)
class Step:
    """One statement about two signature ids: `says` is "same", "joined" or "orcid" (one person), "different", "paper",
    "claimed" or "other orcid" (two people), or "evidence" (the model would join them)."""

    left: int
    right: int
    says: str

    @property
    def meaning(self) -> str:
        """The statement, to be read after the two ends: "are two names on one paper"."""
        return _SAYS[self.says]


_SAYS = {
    "same": "were decided to be the same person",
    "joined": "stand for people who were decided to be the same",
    "orcid": "authenticated with one iD",
    "evidence": "are one person by the evidence",
    "different": "were decided to be different people",
    "paper": "are two names on one paper",
    "claimed": "stand for two authors who are claimed or hidden",
    "other orcid": "authenticated with different iDs",
}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Statements that cannot all hold, for a curator.

    `chain` leads from a signature to one that must not be the same person: each step but the last makes two one person
    and begins where the one before ended; the last says that the two ends are two people. `left_out` is the step that
    does not hold meanwhile.
    """

    chain: tuple[Step, ...]
    left_out: Step

    @property
    def signatures(self) -> tuple[int, ...]:
        return tuple(sorted({end for step in self.chain for end in (step.left, step.right)}))

    @property
    def sentence(self) -> str:
        said = [f"signatures {step.left} and {step.right} {step.meaning}" for step in self.chain]
        return f"{'; '.join(said)}. Left out until that is settled: {said[self.chain.index(self.left_out)]}"


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """What must and must not be one person, by position.

    `group` is equal where two positions must be one person; `node` where they are so from the start, while the other
    parts of a group gather what is theirs first (see `Decisions.joined`). `owner` is equal for what is claimed by one.
    """

    group: Ints
    node: Ints
    by_decision: NDArray[np.bool_]
    paper: Ints
    orcid: Ints
    owner: Ints
    different: frozenset[tuple[int, int]]
    contradictions: tuple[Contradiction, ...] = field(default=())

    @staticmethod
    def of(signatures: Sequence[Signature], decisions: Decisions) -> Constraints:
        """Close the decisions and the iDs under transitivity; what contradicts is left out and reported.

        Authority: two names on one paper are two people; people's "different"; people's "same", about two signatures
        before two people; that nobody else may join claimed authors; authenticated iDs.
        """
        return _Joining(signatures, decisions).constraints()

    def forbid(self, i: Ints, j: Ints) -> NDArray[np.bool_]:
        """For arrays of pairs, whether they must not be one person (unless people said that they are)."""
        forbidden = (self.paper[i] == self.paper[j]) | _differ(self.orcid, i, j) | _differ(self.owner, i, j)
        if self.different:
            a, b = np.array(sorted(self.different), np.int64).T
            size = len(self.group)
            forbidden |= np.isin(np.minimum(i, j).astype(np.int64) * size + np.maximum(i, j), a * size + b)
        return np.asarray(forbidden, bool)

    def links(self) -> Ints:
        """(links, 2) pairs of positions that tie together what must be one person."""
        return _links(self.group)

    def wholes(self) -> list[list[int]]:
        """Positions of every group that is gathered in several parts."""
        return _wholes(self.group, self.node)


def _differ(code: Ints, i: Ints, j: Ints) -> NDArray[np.bool_]:
    return np.asarray((code[i] >= 0) & (code[j] >= 0) & (code[i] != code[j]))


def _links(number: Ints) -> Ints:
    """(links, 2) pairs of positions: the first of every number, and each other one of it."""
    order = np.argsort(number, kind="stable").astype(np.int32)
    is_first = np.diff(number[order], prepend=-1) != 0
    first = order[np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))]
    return np.asarray(np.stack([first, order], axis=1)[~is_first])


def _wholes(group: Ints, node: Ints) -> list[list[int]]:
    if np.array_equal(group, node):
        return []
    parts = parts_of(group, len(group))
    return [part.tolist() for part in parts if len(np.unique(node[part])) > 1]


class _Joining:
    """A union-find that refuses a union which would put two of one paper, or two decided different, together.

    The statements that it took are the edges of a graph, in which the shortest path is the chain of a contradiction.
    """

    def __init__(self, signatures: Sequence[Signature], decisions: Decisions) -> None:
        self.signatures = signatures
        self.group = list(range(len(signatures)))
        self.node = list(self.group)
        self.members = {position: [position] for position in self.group}
        self.position = {s.id: position for position, s in enumerate(signatures)}
        self.same, self.joined = self._known(decisions.same), self._known(decisions.joined)
        self.different = frozenset(self._known(decisions.different))
        self.claimed = frozenset(self.position[s] for s in decisions.claimed if s in self.position)
        self.apart: defaultdict[int, set[int]] = defaultdict(set)
        for a, b in self.different:
            self.apart[a].add(b)
            self.apart[b].add(a)
        self.said: defaultdict[int, dict[int, str]] = defaultdict(dict)
        self.contradictions: list[Contradiction] = []

    def _known(self, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        here = self.position
        return sorted(
            {(min(here[a], here[b]), max(here[a], here[b])) for a, b in pairs if a in here and b in here and a != b}
        )

    def constraints(self) -> Constraints:
        for says, pairs in (("same", self.same), ("joined", self.joined)):
            for a, b in pairs:
                self._join(a, b, says)
        decided = np.array([len(self.members[_root(self.group, p)]) > 1 for p in range(len(self.group))], bool)
        orcids: defaultdict[str, list[int]] = defaultdict(list)
        for position, signature in enumerate(self.signatures):
            if signature.orcid:
                orcids[signature.orcid].append(position)
        for _orcid, found in sorted(orcids.items()):
            for other in found[1:]:
                self._join(found[0], other, "orcid")
        self._report_iDs()
        group, node = (
            np.array([_root(parent, p) for p in range(len(parent))], np.int32) for parent in (self.group, self.node)
        )
        return Constraints(
            group,
            node,
            decided,
            _codes([s.paper for s in self.signatures]),
            _codes([s.orcid for s in self.signatures]),
            np.where(np.isin(group, group[sorted(self.claimed)]), group, np.int32(-1)),
            self._all_different(group, node),
            tuple(self.contradictions),
        )

    def _all_different(self, group: Ints, node: Ints) -> frozenset[tuple[int, int]]:
        """The decided pairs; and for a group in several parts, that each part is apart from all that any part is."""
        found = set(self.different)
        on_paper: defaultdict[Hashable, list[int]] = defaultdict(list)
        if wholes := _wholes(group, node):
            for position, signature in enumerate(self.signatures):
                on_paper[signature.paper].append(position)
        for whole in wholes:
            against = {q for p in whole for q in (*self.apart[p], *on_paper[self.signatures[p].paper])}
            others = {int(node[r]) for q in against if group[q] != group[whole[0]] for r in self.members[int(group[q])]}
            parts = {int(node[p]) for p in whole}
            found |= {(min(a, b), max(a, b)) for a in parts for b in others}
        return frozenset(found)

    def _join(self, a: int, b: int, says: str) -> None:
        x, y = sorted((_root(self.group, a), _root(self.group, b)))
        if x != y:
            if clashes := self._clashes(x, y, says):
                self._report(a, b, says, clashes)
                return
            self.group[y] = x
            self.members[x] += self.members.pop(y)
        self.said[a].setdefault(b, says)
        self.said[b].setdefault(a, says)
        if says != "joined":
            low, high = sorted((_root(self.node, a), _root(self.node, b)))
            self.node[high] = low

    def _clashes(self, x: int, y: int, says: str) -> dict[tuple[int, int], str]:
        """Why two groups cannot be one: pairs of positions, of the first and of the second, and what stands between."""
        first, found = set(self.members[x]), {}
        on_paper = {self.signatures[p].paper: p for p in first}
        owned = sorted(self.claimed & first)
        for q in self.members[y]:
            if says == "orcid" and owned and q in self.claimed:
                found[owned[0], q] = "claimed"
            found |= {(p, q): "different" for p in self.apart[q] & first}
            if (clash := on_paper.get(self.signatures[q].paper)) is not None:
                found[clash, q] = "paper"
        return found

    def _report(self, a: int, b: int, says: str, clashes: dict[tuple[int, int], str]) -> None:
        """The shortest chain through the statement that a and b are one person to two that are not."""
        near_a, near_b = self._paths(a), self._paths(b)
        chains = [
            (near_a[p] if p in near_a else near_a[q], near_b[q] if q in near_b else near_b[p], why)
            for (p, q), why in clashes.items()
        ]
        before, after, why = min(chains, key=lambda c: (len(c[0]) + len(c[1]), c))
        path = [*reversed(before), *after]
        left_out = self._step(a, b, says)
        steps = [left_out if (p, q) == (a, b) else self._step(p, q, self.said[p][q]) for p, q in pairwise(path)]
        last = self._step(path[0], path[-1], why)
        self.contradictions.append(Contradiction((*steps, last), left_out))

    def _paths(self, start: int) -> dict[int, list[int]]:
        """Breadth first: the shortest path from `start` to every position that statements lead to."""
        paths = {start: [start]}
        for p in (queue := [start]):
            for q in sorted(self.said[p].keys() - paths.keys()):
                paths[q] = [*paths[p], q]
                queue.append(q)
        return paths

    def _step(self, p: int, q: int, says: str) -> Step:
        return Step(self.signatures[p].id, self.signatures[q].id, says)

    def _report_iDs(self) -> None:
        """Where people joined what authenticated as two: their decision holds, and a curator should look."""
        for root in sorted(self.members):
            holders = {self.signatures[p].orcid: p for p in sorted(self.members[root], reverse=True)}
            holders.pop(None, None)
            if len(holders) > 1:
                one, other = sorted(holders.values())[:2]
                path = self._paths(one)[other]
                steps = [self._step(p, q, self.said[p][q]) for p, q in pairwise(path)]
                last = self._step(one, other, "other orcid")
                self.contradictions.append(Contradiction((*steps, last), last))


def _root(parent: list[int], x: int) -> int:
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


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
    bound = _links(constraints.node)
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


def unite_wholes(labels: Ints, i: Ints, j: Ints, log_odds: Floats, constraints: Constraints) -> Ints:
    """Unite the clusters of each group that was gathered in parts.

    Where that brings together two that cannot be one person (two names on a paper, say), evidence gives way to the
    decision: the one that its own cluster holds less surely leaves, with those of its cluster that leave too.
    """
    wholes = constraints.wholes()
    if not wholes:
        return labels
    inside = labels[i] == labels[j]
    sure = np.full(len(labels), -np.inf)
    for ends in (i, j):
        np.maximum.at(sure, ends[inside], log_odds[inside])
    united = _links(labels)
    i, j = np.concatenate([united, *(np.array([(w[0], p) for p in w[1:]], np.int32) for w in wholes)]).T
    graph = sparse.coo_matrix((np.ones(len(i), np.int8), (i, j)), shape=(len(labels), len(labels)))
    component = connected_components(graph, directed=False)[1].astype(np.int32)
    labels = labels.copy()
    fresh = int(labels.max()) + 1
    for number in sorted({int(component[whole[0]]) for whole in wholes}):
        members = np.flatnonzero(component == number)
        groups, unit_of = np.unique(constraints.group[members], return_inverse=True)
        units = [members[part] for part in parts_of(unit_of.astype(np.int32), len(groups))]
        units.sort(key=lambda u: (-len(np.unique(constraints.node[u])), -float(sure[u].max()), int(u[0])))
        kept = _Kept(constraints)
        gone: dict[int, int] = {}
        for unit in units:
            if kept.admits(unit):
                labels[unit] = fresh
            else:
                gone_from = int(labels[unit[0]]) if len(set(labels[unit].tolist())) == 1 else -1 - int(unit[0])
                labels[unit] = gone.setdefault(gone_from, fresh + 1 + len(gone))
        fresh += 1 + len(gone)
    return np.unique(labels, return_inverse=True)[1].astype(np.int32)


class _Kept:
    """Positions that are one person so far."""

    def __init__(self, constraints: Constraints) -> None:
        self.constraints = constraints
        self.papers: set[int] = set()
        self.held: dict[str, set[int]] = {"orcid": set(), "owner": set()}
        self.excluded: set[int] = set()
        self.apart: defaultdict[int, set[int]] = defaultdict(set)
        for a, b in constraints.different:
            self.apart[a].add(b)
            self.apart[b].add(a)

    def admits(self, unit: NDArray[np.int64]) -> bool:
        """Take the unit in, unless something forbids to."""
        positions = unit.tolist()
        papers = set(self.constraints.paper[unit].tolist())
        held = {kind: set(getattr(self.constraints, kind)[unit].tolist()) - {-1} for kind in self.held}
        clash = any(held[kind] and self.held[kind] and not held[kind] & self.held[kind] for kind in held)
        if clash or papers & self.papers or self.excluded.intersection(positions):
            return False
        self.papers |= papers
        for kind, codes in held.items():
            self.held[kind] |= codes
        self.excluded.update(*(self.apart[p] for p in positions))
        return True


def meetings(
    labels: Ints, i: Ints, j: Ints, log_odds: Floats, threshold: float, constraints: Constraints
) -> list[tuple[int, int]]:
    """The best link between each two clusters that only their owners keep apart: pairs of positions."""
    owner = np.full(int(labels.max(initial=0)) + 1, -1, np.int32)
    owned = np.flatnonzero(constraints.owner >= 0)
    owner[labels[owned]] = constraints.owner[owned]
    across = np.flatnonzero(_differ(owner, labels[i], labels[j]))
    across = across[np.lexsort((across, -log_odds[across]))]
    a, b = labels[i[across]].astype(np.int64), labels[j[across]].astype(np.int64)
    _keys, first, number, count = np.unique(
        np.minimum(a, b) * len(owner) + np.maximum(a, b), return_index=True, return_inverse=True, return_counts=True
    )
    free = replace(constraints, owner=np.full_like(constraints.owner, -1))
    value = log_odds[across]
    apart = (value < -APART / 2) | free.forbid(i[across], j[across])
    value = np.where(apart, np.float32(-APART), np.clip(value, -CERTAIN, CERTAIN))
    near = MEAN_SHARE * np.bincount(number, value) / count + (1 - MEAN_SHARE) * value[first]
    return [(int(i[row]), int(j[row])) for row in across[first[near > threshold]]]


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
    groups, node = np.unique(constraints.node[found], return_inverse=True)
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
