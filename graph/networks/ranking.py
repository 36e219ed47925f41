"""PageRank of the authors over Newman's weights, without a matrix of pairs.

Problem: the coauthors of one paper of 5,000 names are 12 million pairs.

Idea: with A the incidence of authors and papers, and D the diagonal of 1/(n-1) for teams of n printed names, the
weighted coauthorship is W = A D Aᵀ less its diagonal. A step of the power iteration needs W x only, which is two
sparse products over the authorships, A (D (Aᵀ x)), less the diagonal times x. Teams of one tie nobody.

n counts the names printed, as `models.Coauthorship.weight` does, whoever of them is in the graph.

Entry point: `pagerank`. Reference: S. Brin, L. Page, "The anatomy of a large-scale hypertextual Web search engine",
Computer Networks 30 (1998), section 2.1 (doi:10.1016/S0169-7552(98)00110-X).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .incidence import Incidence

DAMPING = 0.85
TOLERANCE = 1e-8
MOST_STEPS = 200  # at this damping 113 steps take any error below the tolerance: 0.85**113 < 1e-8

Vector = NDArray[np.float64]


class NotConverged(ArithmeticError):
    """The ranks still moved after the last step allowed."""


def pagerank(
    graph: Incidence, damping: float = DAMPING, tolerance: float = TOLERANCE, most_steps: int = MOST_STEPS
) -> Vector:
    """(n,) ranks that sum to 1, in the order of `graph.authors`; of an empty graph none.

    Who has no coauthor hands their rank to everybody alike. Ends when the ranks change by less than `tolerance` in
    all, absolute; `NotConverged` after `most_steps`.
    """
    n = len(graph.authors)
    if not n:
        return np.zeros(0)
    tie, sizes = _tie(graph.teams), np.diff(graph.paper_starts)
    wrote = csr_array(
        (np.ones(len(graph.author_papers)), graph.author_papers, graph.author_starts), shape=(n, len(graph.papers))
    )
    # Of others in the graph on each paper: whoever is alone there among printed names has no tie by it.
    strength = wrote @ (tie * np.maximum(sizes - 1, 0))
    alone = np.flatnonzero(strength <= 0)
    spread = np.divide(damping, strength, out=np.zeros(n), where=strength > 0)
    hands_on = np.repeat(tie, sizes) * spread[graph.paper_authors]
    written = csr_array((hands_on, graph.paper_authors, graph.paper_starts), shape=(len(graph.papers), n))
    to_itself = (wrote @ tie) * spread

    rank: Vector = np.full(n, 1.0 / n)
    for _ in range(most_steps):
        moved = wrote @ (written @ rank)
        moved -= to_itself * rank
        moved += (1.0 - damping + damping * rank[alone].sum()) / n
        change = np.abs(moved - rank).sum()
        rank = moved
        if change < tolerance:
            rank /= rank.sum()
            return rank
    raise NotConverged(f"The ranks still change by {change:.1e} after {most_steps} steps.")


def _tie(teams: NDArray[np.int32]) -> Vector:
    """What a paper by so many adds to the tie of each pair among them (`slices.team_weight`)."""
    return np.divide(1.0, teams - 1, out=np.zeros(len(teams)), where=teams > 1)
