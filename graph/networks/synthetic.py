"""Invented graphs of any size whose teams, works and ties are spread as those of real papers are.

Problem: speed on even or random graphs says little: real ones have hubs, communities and pairs that meet again.

Idea: team sizes are drawn from arXiv's own. Each place on a paper goes to somebody new, or to whoever holds an earlier
place of the same community, drawn at random: that is preferential attachment, since whoever wrote more holds more
places. Now and then the earlier place is of another community. Chains of "the same as" are resolved by pointer
jumping, so that nothing loops over places. The number of papers is corrected until as many pairs are tied as asked for.

Entry points: `invented`, `ties`. Reference: H. A. Simon, "On a class of skew distribution functions", Biometrika 42
(1955), 425-440 (doi:10.1093/biomet/42.3-4.425).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .incidence import Incidence

# Papers by 1, 2, … 50 names among 588,231 of arXiv, 1986-2019. Longer lists, one paper in 500, are left out: they would
# bring most of the pairs and next to none of the weight.
TEAMS = (
    149_442, 170_001, 123_794, 66_532, 32_817, 17_016, 9_176, 5_536, 3_431, 2_276, 1_565, 1_120, 838, 623, 428, 392,
    290, 264, 179, 187, 168, 131, 95, 105, 95, 79, 76, 65, 52, 68, 55, 46, 35, 49, 42, 25, 35, 37, 24, 27, 35, 28, 17,
    17, 18, 16, 16, 21, 14, 27,
)  # fmt: skip
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0)
# Of the same papers, a printed name taken for a person: coauthors of those who have any, and works.
REAL_DEGREES = (1, 2, 4, 9, 19, 63, 146, 663)
REAL_WORKS = (1, 1, 1, 3, 6, 27, 65, 739)

AUTHORS_A_COMMUNITY = 250
STRANGERS = 0.05  # of the places that go to somebody known, to one of any community
CLOSE_ENOUGH = 0.01
ATTEMPTS = 8


def invented(authors: int, pairs: int, seed: int = 1) -> Incidence:
    """About so many authors, ids from 1, and so many tied pairs, within a percent or as near as some attempts come.

    The same for the same seed. All attributions are sure. ValueError for fewer pairs than authors.
    """
    if not 0 < authors <= pairs:
        raise ValueError("A graph of coauthors has at least as many pairs as authors.")
    papers = authors
    for _ in range(ATTEMPTS):
        graph = _of(authors, papers, np.random.default_rng(seed))
        found = len(ties(graph).one)
        if abs(found - pairs) <= CLOSE_ENOUGH * pairs:
            break
        papers = max(1, round(papers * pairs / max(found, 1)))
    return graph


def _of(authors: int, papers: int, random: np.random.Generator) -> Incidence:
    sizes = np.arange(1, len(TEAMS) + 1)
    teams = random.choice(sizes, papers, p=np.array(TEAMS) / sum(TEAMS))
    communities = max(1, authors // AUTHORS_A_COMMUNITY)
    share = random.lognormal(0, 1, communities)
    community = np.repeat(random.choice(communities, papers, p=share / share.sum()), teams)
    paper = np.repeat(np.arange(papers), teams)
    places = len(paper)

    # Places in order of time; `members` has them by community, each community in order of time.
    members = np.argsort(community, kind="stable")
    begins = np.searchsorted(community[members], np.arange(communities))[community]
    rank = np.empty(places, np.int64)
    rank[members] = np.arange(places)
    rank -= begins
    earlier = members[begins + (random.random(places) * rank).astype(np.int64)]
    anywhere = (random.random(places) * np.arange(places)).astype(np.int64)
    same_as = np.where(random.random(places) < STRANGERS, anywhere, earlier)
    new = random.random(places) < authors / places
    new |= rank == 0
    same_as[new] = np.flatnonzero(new)
    while (further := same_as[same_as]).tobytes() != same_as.tobytes():
        same_as = further
    _, author = np.unique(same_as, return_inverse=True)

    # Most papers are young: their number has doubled every eight years.
    years = 2026 + np.floor(8 * np.log2(np.maximum(np.arange(1, papers + 1) / papers, 1 / 16))).astype(np.int16)
    ids = np.arange(1, papers + 1, dtype=np.int64)
    distinct = np.unique(paper * (author.max() + 1) + author) // (author.max() + 1)
    printed = np.bincount(distinct, minlength=papers).astype(np.int32)
    return Incidence.of(ids, years, printed, author + 1, paper + 1, np.ones(places, np.bool_))


@dataclass(frozen=True, slots=True)
class Ties:
    """Each tied pair once, by positions, `one` < `other`, as `slices.Tie` has it."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    works: NDArray[np.int64]
    weight: NDArray[np.float64]
    first_year: NDArray[np.int16]
    last_year: NDArray[np.int16]


def ties(graph: Incidence) -> Ties:
    """All of them. Memory grows with the square of the largest team: for teams that are known to be small."""
    size = np.diff(graph.paper_starts)
    keys: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    of: list[NDArray[Any]] = [np.zeros(0, np.int64)]
    for team in np.unique(size[size > 1]).tolist():
        papers = np.flatnonzero(size == team)
        members = graph.paper_authors[graph.paper_starts[papers][:, None] + np.arange(team)].astype(np.int64)
        i, j = np.triu_indices(team, 1)
        keys.append((members[:, i] * len(graph.authors) + members[:, j]).ravel())
        of.append(np.repeat(papers, len(i)))
    key, paper = np.concatenate(keys), np.concatenate(of)
    order = np.argsort(key, kind="stable")
    key, paper = key[order], paper[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    works = np.diff(starts, append=len(key))
    weight, years = 1.0 / (graph.teams[paper] - 1), graph.years[paper]
    one, other = np.divmod(key[starts], max(len(graph.authors), 1))
    if not len(key):
        return Ties(one, other, works, weight, years, years)
    reduced = (
        ufunc.reduceat(values, starts) for ufunc, values in ((np.add, weight), (np.minimum, years), (np.maximum, years))
    )
    return Ties(one, other, works, *reduced)
