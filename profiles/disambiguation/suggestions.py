"""Pairs of clusters that may be one person and that only a curator may join.

Two kinds: names that look like a misprint of each other on papers with a common coauthor, and clusters whose evidence
lies just below what joins. Entry point: `suggestions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .evidence import COAUTHORS, RULES, matrix
from .model import probability_of
from .names import Agreement
from .weighing import Weighed

# How far below the threshold the log-odds of two clusters may lie to be worth a look: twice as unlikely, or
# nearer.
NEAR = 0.7
# A very common name has dozens of clusters near one another; a curator is shown the likeliest few of a batch.
AT_MOST = 50
# So many pairs of clusters of either kind are looked at for it; some turn out to be forbidden.
LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two clusters, named by their lowest signatures, that may be one person: for a curator, never joined by itself."""

    left: int
    right: int
    probability: float
    sentence: str


def suggestions(w: Weighed) -> Iterator[Suggestion]:
    """The suggestions of a batch, the likeliest first, at most `AT_MOST`."""
    found = sorted([*_misprints(w), *_near(w)], key=lambda s: (-s.probability, s.left, s.right))
    yield from found[:AT_MOST]


def _misprints(w: Weighed) -> Iterator[Suggestion]:
    candidates = np.flatnonzero(
        (w.pairs.agreement == Agreement.MISPRINT) & (w.labels[w.pairs.i] != w.labels[w.pairs.j])
    )
    shared = w.block.coauthors[w.pairs.i[candidates]].multiply(w.block.coauthors[w.pairs.j[candidates]])
    candidates = candidates[np.diff(shared.tocsr().indptr) > 0]
    for best in _best_of_clusters(w, candidates, w.log_odds[candidates]):
        yield from _suggest(w, best, float(w.log_odds[best]))


def _near(w: Weighed) -> Iterator[Suggestion]:
    """Groups that were weighed as wholes and left apart."""
    near = (w.stated > w.model.threshold - NEAR) & (w.stated <= w.model.threshold)
    close = np.flatnonzero(near & (w.meeting >= 0) & (w.labels[w.pairs.i] != w.labels[w.pairs.j]))
    for best in _best_of_clusters(w, close, w.stated[close]):
        yield from _suggest(w, best, float(w.stated[best]))


def _key(w: Weighed, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for the two clusters of each pair."""
    a, b = w.labels[w.pairs.i[rows]].astype(np.int64), w.labels[w.pairs.j[rows]].astype(np.int64)
    return np.asarray(np.minimum(a, b) * (int(w.labels.max(initial=0)) + 1) + np.maximum(a, b))


def _best_of_clusters(w: Weighed, rows: NDArray[np.int64], value: NDArray[np.floating]) -> NDArray[np.int64]:
    """Of each pair of clusters the pair of signatures with the highest log-odds; of the `LOOKED_AT` pairs of clusters
    with the highest `value`, the first first."""
    order = np.lexsort((rows, -w.log_odds[rows]))
    _keys, first = np.unique(_key(w, rows[order]), return_index=True)
    best = order[first]
    return np.asarray(rows[best[np.lexsort((rows[best], -value[best]))[:LOOKED_AT]]])


def _suggest(w: Weighed, row: np.int64, log_odds: float) -> Iterator[Suggestion]:
    """The suggestion that a pair of signatures stands for, unless something forbids to join their clusters."""
    left, right = (np.flatnonzero(w.labels == w.labels[end[row]]).astype(np.int32) for end in (w.pairs.i, w.pairs.j))
    if w.constraints.forbid(np.repeat(left, len(right)), np.tile(right, len(left))).any():
        return
    pair = w.pairs[np.array([row])]
    added = w.model.contributions(matrix(w.block, pair))[0]
    reasons = [
        rule.describe(w.block, pair)
        for rule, weight in sorted(zip(RULES[COAUTHORS:], added[COAUTHORS:], strict=True), key=lambda item: -item[1])
        if weight > 0
    ]
    ids = sorted((w.signatures[left[0]].id, w.signatures[right[0]].id))
    yield Suggestion(
        ids[0], ids[1], probability_of(log_odds), "; ".join([RULES[0].describe(w.block, pair), *reasons[:2]])
    )
