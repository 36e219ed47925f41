"""A second look at the works of a block, in groups: who is one person shows in many works better than in two.

Problem: the mean of many pairs does not add up. That none of a hundred pairs of works shares a coauthor is strong
evidence between two circles of ten and no evidence between two single works; what two works have in common by chance,
ten works do not. Idea: works that are surely one person's are gathered first (`clustering`); then whole groups are
weighed against each other, on what can be said of them as wholes: their likeliest and their average pair, coauthors in
common and on how many works, topics, years, how much nearer they are than the next best. The two nearest are joined
while they are one person more likely than the threshold asks. Learnt trees of a few questions each give the log-odds.
Entry points: `join`; `compare` for training. Reference: Culotta et al., "Author disambiguation using error-driven
machine learning with a ranking loss function", 2007 (whole clusters scored); trees as in Friedman 2001.
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
from .clustering import CERTAIN, Constraints
from .evidence import shared_coauthors, same_venue, similarity
from .names import Agreement
from .trees import Trees

# Log-odds of works that are gathered first: 4.5 to 1. Mean B³ F1 of the five sets differs by .2 between 1 and 2.
SURE = 1.5
# Two groups without a pair of works above even odds are not compared: of those, 1 in 25 is one person.
GATE = 0.0
ROUNDS = 20
_NOBODY = -5.0  # how near the next best group is where there is none

FACTS = (
    "smaller",  # ln of the number of works
    "larger",
    "best",  # log-odds of the likeliest pair of works
    "likeliest",  # mean of as many pairs as the smaller group has works
    "mean",
    "names",  # mean log-odds of the names alone
    "beyond names",
    "ambiguity",  # ln of expected occurrences of the name, mean
    "agreement",  # of the names that agree least
    "title",  # mean cosine of two works
    "titles",  # cosine of the groups' centres
    "words",
    "abstract",
    "coauthors",  # in common
    "rarity",  # of these coauthors, nats
    "overlap",  # share of the coauthors of the group that has fewer
    "reach of smaller",  # share of its works that have a coauthor of the other group's
    "reach of larger",
    "venues",  # share of pairs that appeared in one
    "affiliations",  # likeness of the most alike, -1 where unknown
    "years",  # between the groups, negative where they overlap
    "lead",  # how much nearer than the next best of either, in nats
    "lead of one",
    "rivals",  # ln of the number of pairs of groups that compete
)
_AT = {fact: place for place, fact in enumerate(FACTS)}


@dataclass(frozen=True, slots=True, eq=False)
class Works:
    """Signatures of a batch and the pairs among them, with the log-odds of each pair and those of the names alone.

    `usable` are the pairs whose names agree; the others only say that two groups cannot be one.
    """

    block: Block
    pairs: Pairs
    log_odds: Floats
    names: Floats
    constraints: Constraints


@dataclass(frozen=True, slots=True, eq=False)
class GroupPairs:
    """Pairs of groups `a < b` that could be one person: arrays of one length.

    `facts` is (pairs, len(FACTS)); `likeliest` the number of the pair of works with the highest log-odds.
    """

    a: Ints
    b: Ints
    facts: Floats
    likeliest: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Junction:
    """Two groups of positions that were joined, with the log-odds that they are one person and the facts of that."""

    left: Ints
    right: Ints
    log_odds: float
    facts: Floats


def join(works: Works, labels: Ints, trees: Trees, threshold: float) -> tuple[Ints, list[Junction], GroupPairs, Floats]:
    """Join groups (numbers in `labels`, by position) while two are nearer than `threshold`.

    Returns the labels, numbered anew; what was joined, in order; and the pairs of groups that were not, by the new
    labels, with their log-odds. In each round all groups that are each other's nearest are joined, which gives what
    joining the two nearest of all would give wherever joining does not bring groups nearer to a third.
    """
    junctions: list[Junction] = []
    active = np.ones(len(works.pairs.i), bool)
    rest: list[tuple[GroupPairs, Floats]] = []
    for _round in range(ROUNDS):
        found = compare(works, labels, active)
        scores = trees.log_odds(found.facts)
        chosen = _mutual(found, scores, threshold, len(labels))
        chosen = [k for k in chosen if _allowed(works.constraints, labels, found.a[k], found.b[k])]
        if not chosen:
            rest.append((found, scores))
            break
        ...
    return labels, junctions, found, scores
