"""A second look at the works of a block, in groups: who is one person shows in many works better than in two.

Problem: the mean of many pairs does not add up. That none of a hundred pairs of works shares a coauthor is strong
evidence between two circles of ten and hardly any between two single works; what two works have in common by chance,
ten works do not. Idea: works that are surely one person's are gathered first (`clustering`); then whole groups are
weighed against each other by what can be said of them as wholes: their likeliest and their average pair, coauthors in
common and on how many works, topics, years, how much nearer they are than the next best. Groups that are each other's
nearest are joined while they are one person more likely than the threshold asks.
Entry points: `join`; `compare` for training. Reference: Culotta et al. 2007, "Author disambiguation using error-driven
machine learning with a ranking loss function", which scores whole clusters too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .block import Block, Floats, Ints
from .blocking import Pairs
from .clustering import APART, CERTAIN, MEAN_SHARE, Constraints
from .names import Agreement
from .trees import Trees

# Log-odds above which works are gathered before groups are weighed: 4.5 to 1.
SURE = 1.5
# Groups without one pair of works above even odds are not compared.
GATE = 0.0
# Pairs of groups weighed in one round, the likeliest first. The gold sets have at most 20,000 in one batch; a block of
# 3,000 works that all might be one person's and of which none surely are would have millions.
MOST = 200_000
DIGITS = 4  # of log-odds and cosines: the last ones of a sum of floats vary with what is summed beside
SLICE = 20_000  # of these, whose rows are multiplied at once: 15 MB
ROUNDS = 20  # each joins what is nearest of all groups at once; the gold sets need at most 11
NOBODY = -5.0  # how near the next best group is where there is none

FACTS = (
    "smaller",  # ln of the number of works
    "larger",
    "best",  # log-odds of the likeliest pair of works
    "likeliest",  # mean of as many pairs as the smaller group has works
    "mean",  # of all pairs
    "names",  # mean log-odds that the names alone give
    "beyond names",
    "ambiguity",  # ln of the expected occurrences of the name, mean
    "agreement",  # of the names that agree least
    "title",  # mean cosine of two works
    "titles",  # cosine of the groups' centres
    "words",
    "abstracts",  # -1 where one group has none
    "coauthors",  # in common
    "rarity",  # of these, in nats
    "overlap",  # share of the coauthors of the group that has fewer
    "reach of smaller",  # share of its works that have a coauthor of the other group
    "reach of larger",
    "venues",  # share of pairs that appeared in one
    "affiliations",  # mean likeness, -1 where one group has none
    "years",  # between the groups, negative where they overlap
    "lead",  # how much nearer than the next best of either, in nats; the lower of the two
    "higher lead",
    "rivals",  # ln of the number of pairs in which either stands
)
# More of these may only speak for one person: coauthors in common, a nearer topic. Of the others more may mean either:
# held to one direction, they cost a point of B³ on arnetminer.
SPEAK_FOR = frozenset(FACTS) - {
    "smaller",
    "larger",
    "names",
    "beyond names",
    "ambiguity",
    "agreement",
    "venues",
    "years",
    "lead",
    "higher lead",
    "rivals",
}


def usable(pairs: Pairs, log_odds: Floats) -> Floats:
    """The log-odds by which pairs may be joined: a misprint never joins by itself."""
    return np.where(pairs.agreement == Agreement.MISPRINT, np.float32(-APART), log_odds)


@dataclass(frozen=True, slots=True, eq=False)
class Works:
    """The signatures of a batch, and the pairs of them whose names agree, with two arrays by pair: the log-odds that
    they are one person's, and what the names alone give of that."""

    block: Block
    pairs: Pairs
    log_odds: Floats
    names: Floats
    constraints: Constraints

    @property
    def alike(self) -> NDArray[np.int64]:
        """The numbers of the pairs by which groups are compared: all whose names may be one person's."""
        return np.flatnonzero(self.pairs.agreement > Agreement.MISPRINT)

    @property
    def usable(self) -> Floats:
        """The log-odds by which works may be joined."""
        return usable(self.pairs, self.log_odds)


@dataclass(frozen=True, slots=True, eq=False)
class GroupPairs:
    """Pairs of groups that could be one person, by number; `facts` is (pairs, len(FACTS))."""

    a: Ints
    b: Ints
    facts: Floats

    def __getitem__(self, chosen: NDArray[np.bool_] | Sequence[int]) -> GroupPairs:
        return GroupPairs(self.a[chosen], self.b[chosen], self.facts[chosen])

    @staticmethod
    def joined(parts: Sequence[GroupPairs]) -> GroupPairs:
        """All pairs of several, which must not be none."""
        return GroupPairs(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("a", "b", "facts")))


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """What `join` found: group numbers by position, `sure` before and `labels` after it, and the meetings of groups.

    A meeting is a pair of groups that were weighed: first those that were joined, in order, then those left apart. By
    meeting: `pairs`, `log_odds` that the two are one person, and the round it belongs to. `rounds` are the labels that
    each round began with, and at last those it ended with, of which `labels` are the numbers from 0.
    """

    sure: Ints
    labels: Ints
    pairs: GroupPairs
    log_odds: Floats
    round: Ints
    rounds: Sequence[Ints]

    def meetings(self, i: Ints, j: Ints) -> Ints:
        """By pair of positions, the meeting of their groups: that which joined them, or left them apart; or -1."""
        found = np.full(len(i), -1, np.int32)
        count = len(self.labels)
        for number, before in enumerate(self.rounds):
            here = np.flatnonzero(self.round == number)
            if not len(here):
                continue
            open_ = np.flatnonzero(before[i] != before[j])
            key, asked = (
                np.minimum(a, b).astype(np.int64) * count + np.maximum(a, b)
                for a, b in ((self.pairs.a[here], self.pairs.b[here]), (before[i[open_]], before[j[open_]]))
            )
            order = np.argsort(key)
            place = np.minimum(np.searchsorted(key[order], asked), len(here) - 1)
            met = key[order][place] == asked
            found[open_[met]] = here[order][place[met]]
        return found

    def sides(self, meeting: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of the two groups of a meeting."""
        labels = self.rounds[self.round[meeting]]
        one, other = (np.flatnonzero(labels == end[meeting]) for end in (self.pairs.a, self.pairs.b))
        return one, other


def join(works: Works, sure: Ints, trees: Trees, threshold: float) -> Joined:
    """Join groups (numbers by position) that are each other's nearest and nearer than `threshold`, until none are."""
    labels = sure.copy()
    rounds = [sure]
    joined: list[tuple[GroupPairs, Floats]] = []
    settled: list[tuple[GroupPairs, Floats]] = []
    active = works.alike
    for _round in range(ROUNDS):
        found = compare(works, labels, active)
        score = trees.log_odds(found.facts)
        chosen = [
            pair for pair in _nearest(found, score, threshold) if _may_be_one(works.constraints, labels, found, pair)
        ]
        component = _components(found, len(labels))
        hot = np.isin(component, component[found.a[chosen]])
        settled.append((found[~hot[found.a]], score[~hot[found.a]]))
        if not chosen:
            break
        active = active[hot[labels[works.pairs.i[active]]]]
        joined.append((found[chosen], score[chosen]))
        becomes = np.arange(len(labels), dtype=np.int32)
        becomes[found.b[chosen]] = found.a[chosen]
        labels = becomes[labels]
        rounds.append(labels)
    met = [*joined, *settled]
    numbers = np.repeat([*range(len(joined)), *[len(joined)] * len(settled)], [len(score) for _pairs, score in met])
    return Joined(
        sure,
        np.unique(labels, return_inverse=True)[1].astype(np.int32),
        GroupPairs.joined([pairs for pairs, _score in met]),
        np.concatenate([score for _pairs, score in met]),
        numbers.astype(np.int32),
        rounds,
    )


def compare(works: Works, labels: Ints, active: NDArray[np.int64]) -> GroupPairs:
    """The pairs of groups that could be one person, of the pairs of signatures numbered in `active`.

    All their names agree, nothing forbids to join them, and one pair of works at least has even odds.
    """
    block, constraints = works.block, works.constraints
    i, j = works.pairs.i[active], works.pairs.j[active]
    across = labels[i] != labels[j]
    row, i, j = active[across], i[across], j[across]
    count = len(labels)
    low, high = np.minimum(labels[i], labels[j]).astype(np.int64), np.maximum(labels[i], labels[j])
    order = np.lexsort((-works.log_odds[row], low * count + high))
    row, i, j, key = row[order], i[order], j[order], (low * count + high)[order]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.empty(0, np.int64)
    a, b = np.divmod(key[starts], count)
    size = np.bincount(labels, minlength=count)
    if not len(starts):
        return GroupPairs(a.astype(np.int32), b.astype(np.int32), np.empty((0, len(FACTS)), np.float32))
    possible = (
        (works.log_odds[row[starts]] > GATE)
        & ~np.logical_or.reduceat(constraints.forbid(i, j), starts)
        & _all_agree(constraints, labels, i, j, key, starts, a, b)
    )
    if possible.sum() > MOST:
        best = np.where(possible, works.log_odds[row[starts]], -np.inf)
        possible[np.argsort(-best, kind="stable")[MOST:]] = False
    lengths = np.diff(np.append(starts, len(key)))
    kept = np.repeat(possible, lengths)
    row, i, j, a, b, lengths = row[kept], i[kept], j[kept], a[possible], b[possible], lengths[possible]
    if not len(a):
        return GroupPairs(a.astype(np.int32), b.astype(np.int32), np.empty((0, len(FACTS)), np.float32))
    starts = np.cumsum(lengths) - lengths
    value = np.clip(works.log_odds[row], -CERTAIN, CERTAIN)
    mean = np.add.reduceat(value, starts) / lengths
    top = np.arange(len(row)) - np.repeat(starts, lengths) < np.repeat(np.minimum(size[a], size[b]), lengths)
    names = np.add.reduceat(works.names[row], starts) / lengths
    members = sparse.csr_matrix((np.ones(count, np.float32), (labels, np.arange(count))), shape=(count, count))
    swap = size[a] > size[b]
    small, large = np.asarray(np.where(swap, b, a)), np.asarray(np.where(swap, a, b))
    ambiguity = np.maximum(block.ambiguity[i], block.ambiguity[j])
    near = MEAN_SHARE * mean + (1 - MEAN_SHARE) * value[starts]
    columns = {
        "smaller": np.log(size[small]),
        "larger": np.log(size[large]),
        "best": value[starts],
        "likeliest": np.add.reduceat(value * top, starts) / np.add.reduceat(top, starts, dtype=np.int64),
        "mean": mean,
        "names": names,
        "beyond names": mean - names,
        "ambiguity": np.add.reduceat(ambiguity, starts) / lengths,
        "agreement": np.minimum.reduceat(works.pairs.agreement[row], starts),
        **_topics(block, members, size, a, b),
        **_circles(block, members, size, small, large),
        "years": _years_apart(block, labels, a, b),
        **_competition(near, a, b, count),
    }
    facts = np.empty((len(a), len(FACTS)), np.float32)
    for number, fact in enumerate(FACTS):
        facts[:, number] = columns.pop(fact)
    return GroupPairs(a.astype(np.int32), b.astype(np.int32), facts)


def _all_agree(
    constraints: Constraints,
    labels: Ints,
    i: Ints,
    j: Ints,
    key: NDArray[np.int64],
    starts: NDArray[np.int64],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether the names of all pairs between two groups agree; of what people made one, one of the names is enough."""
    node = constraints.node
    nodes = np.bincount(labels[np.unique(node, return_index=True)[1]], minlength=len(labels))
    listed = np.diff(np.append(starts, len(key)))
    if int(nodes.sum()) < len(labels):
        ends = np.minimum(node[i], node[j]).astype(np.int64) * len(labels) + np.maximum(node[i], node[j])
        number = np.repeat(np.arange(len(starts)), listed)
        distinct = np.unique(np.column_stack([number, ends]), axis=0)[:, 0]
        listed = np.bincount(distinct, minlength=len(starts))
    return np.asarray(listed == nodes[a] * nodes[b])


def _topics(
    block: Block, members: sparse.csr_matrix, size: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64]
) -> dict[str, NDArray[np.floating]]:
    """How near the groups' titles, abstracts, affiliations and venues are, from the sums of their rows."""

    def mean(rows: NDArray[np.float32] | sparse.csr_matrix, absent: float) -> NDArray[np.floating]:
        held = np.asarray(rows.any(axis=1) if isinstance(rows, np.ndarray) else np.diff(rows.indptr) > 0)
        total, known = members @ rows, members @ held.astype(np.float32)
        product = _rows_product(total, a, b)
        both = known[a] * known[b]
        return np.where(both > 0, product / np.maximum(both, 1), absent)

    centre = members @ block.title
    length = np.linalg.norm(centre, axis=1)
    title = _rows_product(centre, a, b)
    known = block.venue >= 0
    venues = sparse.csr_matrix(
        (np.ones(int(known.sum()), np.float32), (np.flatnonzero(known), block.venue[known])),
        shape=(len(known), int(block.venue.max(initial=0)) + 1),
    )
    return {
        "title": title / (size[a] * size[b]),
        "titles": title / np.maximum(length[a] * length[b], 1e-6),
        "words": _rows_product(members @ block.title_words, a, b) / (size[a] * size[b]),
        "abstracts": mean(block.abstract, -1),
        "venues": _rows_product(members @ venues, a, b) / (size[a] * size[b]),
        "affiliations": mean(block.affiliations, -1),
    }


def _rows_product(
    matrix: NDArray[np.float32] | sparse.csr_matrix, a: NDArray[np.int64], b: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The scalar product of row a with row b, for arrays of rows."""
    product = np.empty(len(a), np.float32)
    for start in range(0, len(a), SLICE):
        part = slice(start, start + SLICE)
        if isinstance(matrix, np.ndarray):
            product[part] = np.einsum("ij,ij->i", matrix[a[part]], matrix[b[part]]).round(DIGITS)
        else:
            product[part] = np.asarray(matrix[a[part]].multiply(matrix[b[part]]).sum(axis=1)).ravel()
    return product


def _circles(
    block: Block,
    members: sparse.csr_matrix,
    size: NDArray[np.int64],
    small: NDArray[np.int64],
    large: NDArray[np.int64],
) -> dict[str, NDArray[np.floating]]:
    """The coauthors that the groups have in common, and on how many works."""
    weight = np.zeros(block.coauthors.shape[1], np.float32)
    weight[block.coauthors.indices] = block.coauthors.data
    circle = sparse.csr_matrix(members @ block.coauthors)
    circle.data = weight[circle.indices]
    present = sparse.csr_matrix((np.ones_like(circle.data), circle.indices, circle.indptr), circle.shape)
    shared, known = _rows_product(present, small, large), np.diff(circle.indptr)
    reach = []
    for one, other in ((small, large), (large, small)):
        # Works of the one that have any coauthor of the other: rows of works, columns of groups.
        met = sparse.csr_matrix(block.coauthors @ circle.T)
        met.data[:] = 1
        reach.append(np.asarray((members @ met)[one, other]).ravel() / size[one])
    return {
        "coauthors": shared,
        "rarity": _rows_product(circle, small, large),
        "overlap": shared / np.maximum(np.minimum(known[small], known[large]), 1),
        "reach of smaller": reach[0],
        "reach of larger": reach[1],
    }


def _years_apart(block: Block, labels: Ints, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.floating]:
    """Years between the last work of the one and the first of the other, -20 to 30; 0 where years are unknown."""
    year = np.array([s.year or 0 for s in block.signatures])
    first, last = np.full(len(labels), 9999), np.zeros(len(labels), np.int64)
    dated = year > 0
    np.minimum.at(first, labels[dated], year[dated])
    np.maximum.at(last, labels[dated], year[dated])
    apart = np.maximum(first[a] - last[b], first[b] - last[a])
    return np.where((last[a] > 0) & (last[b] > 0), np.clip(apart, -20, 30), 0)


def _competition(
    near: Floats, a: NDArray[np.int64], b: NDArray[np.int64], count: int
) -> dict[str, NDArray[np.floating]]:
    """How much nearer the groups of each pair are than the next best of either, and how many pairs compete."""
    ends, values = np.concatenate([a, b]), np.concatenate([near, near])
    order = np.lexsort((-values, ends))
    found, first, held = np.unique(ends[order], return_index=True, return_counts=True)
    best, second, pairs = np.full(count, NOBODY), np.full(count, NOBODY), np.zeros(count)
    best[found] = values[order][first]
    several = held > 1
    second[found[several]] = values[order][first[several] + 1]
    pairs[found] = held
    leads = [np.clip(near - np.where(near >= best[end], second[end], best[end]), -5, 5) for end in (a, b)]
    return {"lead": np.minimum(*leads), "higher lead": np.maximum(*leads), "rivals": np.log(pairs[a] + pairs[b])}


def _nearest(found: GroupPairs, score: Floats, threshold: float) -> list[int]:
    """The pairs above the threshold of which each group is the other's nearest, no group twice."""
    seen: set[int] = set()
    order = np.lexsort((found.b, found.a, -score)).tolist()
    chosen: list[int] = []
    for pair in order:
        if score[pair] <= threshold:
            break
        a, b = int(found.a[pair]), int(found.b[pair])
        if not seen & {a, b}:
            chosen.append(pair)
        seen |= {a, b}
    return chosen


def _may_be_one(constraints: Constraints, labels: Ints, found: GroupPairs, pair: int) -> bool:
    """Whether nothing forbids any two of the groups' signatures, named alike or not."""
    one, other = (np.flatnonzero(labels == end[pair]).astype(np.int32) for end in (found.a, found.b))
    return not constraints.forbid(np.repeat(one, len(other)), np.tile(other, len(one))).any()


def _components(found: GroupPairs, count: int) -> Ints:
    graph = sparse.coo_matrix((np.ones(len(found.a), np.int8), (found.a, found.b)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int32)
