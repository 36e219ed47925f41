"""The cheapest chain of papers between two authors.

Problem: how are two people connected, by which papers, among millions of authorships and while a reader waits. Who is
one of 5,000 names on a list has hardly met the other 4,999.

Idea: a paper costs the more the longer its list of names (`cost`), in small whole numbers. Both ends are searched at
once, by distance, in buckets (Dial), each level as a few array operations over the incidence; the search that has less
before it goes first. The two meet on a paper that both have reached, and a paper is opened only when its turn comes:
most long lists never are. It ends when all that neither has seen must cost as much as the best meeting.

Entry points: `shortest`, `alternatives`.

References: R. B. Dial, Algorithm 360, Comm. ACM 12 (1969); I. Pohl, Bi-directional search, Machine Intelligence 6
(1971).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.networks.incidence import Incidence

_STEPS = 2 * 4 ** np.arange(15)
_COSTS = (1 + np.searchsorted(_STEPS, np.arange(2**16) - 1)).astype(np.int16)  # by number of names
_FAR = 30_000  # a path that costs more is looked for no further: distances are 16-bit numbers
_NEVER = 2**20  # above all costs

Positions = NDArray[np.int32]


class Exhausted(Exception):
    """The search looked at as many authorships as it may, and can say nothing."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a path may be made of. Years are inclusive (None: open); papers without a year are in no range.

    `weak`: attributions below strong inference count too. `without_authors` and `without_papers` are positions. `most`
    is the number of authorships that a search looks at before it gives up.
    """

    first_year: int | None = None
    last_year: int | None = None
    weak: bool = False
    without_authors: frozenset[int] = frozenset()
    without_papers: frozenset[int] = frozenset()
    most: int = 20_000_000


ANY = Terms()


@dataclass(frozen=True, slots=True)
class Path:
    """`papers[i]` was written by `authors[i]` and `authors[i + 1]`; all are positions in the incidence."""

    authors: tuple[int, ...]
    papers: tuple[int, ...]
    cost: int

    @property
    def between(self) -> tuple[int, ...]:
        """The middle people."""
        return self.authors[1:-1]


def cost(names: int) -> int:
    """A paper of up to three names costs 1, and 1 more for each time that its list is four times as long.

    >>> [cost(names) for names in (2, 3, 4, 9, 10, 33, 100, 1_000, 5_000)]
    [1, 1, 2, 2, 3, 3, 4, 6, 7]
    """
    return int(_costs(np.array([names]))[0])


def shortest(graph: Incidence, start: int, end: int, terms: Terms = ANY) -> Path | None:
    """The cheapest path between two authors, given by position; None where there is none.

    Of equal paths always the same one, from either end: where the two searches meet and from there outwards the newest
    paper, then the lowest id. The ends themselves are never left out. Raises `Exhausted`.
    """
    if start == end:
        return Path((start,), (), 0)
    if start > end:
        found = shortest(graph, end, start, terms)
        return found and Path(found.authors[::-1], found.papers[::-1], found.cost)
    one, two = _Side(graph, terms, start), _Side(graph, terms, end)
    best, meetings = _NEVER, np.zeros(0, np.int32)
    while best > one.next + two.next:
        if one.looked + two.looked > terms.most or one.next + two.next > _FAR:
            raise Exhausted
        near, far = (one, two) if one.waiting <= two.waiting else (two, one)
        met, totals = near.advance(far, best)
        if len(met) and (least := int(totals.min())) <= best:
            met = met[totals == least]
            meetings = met if least < best else np.concatenate((meetings, met))
            best = least
    if not len(meetings):
        return None
    paper = _newest(graph, meetings)
    there, back = one.trace(paper), two.trace(paper)
    return Path((*there[0][::-1], *back[0]), (*there[1][::-1], paper, *back[1]), best)


def alternatives(graph: Incidence, path: Path, terms: Terms = ANY, most: int = 5) -> Iterator[Path]:
    """Up to `most` more paths between the ends of `path`, cheapest first: none has a middle person of another.

    That the two wrote together is one path, whatever the number of papers. Raises `Exhausted` in between.
    """
    start, end = path.authors[0], path.authors[-1]
    for _ in range(most if path.papers else 0):
        if path.between:
            terms = replace(terms, without_authors=terms.without_authors.union(path.between))
        else:
            shared = np.intersect1d(graph.papers_of(start), graph.papers_of(end), assume_unique=True)
            terms = replace(terms, without_papers=terms.without_papers.union(shared.tolist()))
        found = shortest(graph, start, end, terms)
        if found is None:
            return
        yield found
        path = found


@dataclass(slots=True, eq=False)
class _Side:
    """One of the two searches. All authors nearer than `next` are settled, and all their papers claimed."""

    graph: Incidence
    terms: Terms
    start: int
    distance: NDArray[np.int16] = field(init=False)  # (n,) of settled authors, plus one; -1: left out
    claimed: NDArray[np.int16] = field(init=False)  # (p,) of the nearest author of the paper, plus one; -1: left out
    buckets: dict[int, list[Positions]] = field(default_factory=dict)  # papers to open, by distance of who is on them
    next: int = 0
    waiting: int = 0  # papers to open next
    looked: int = 0

    def __post_init__(self) -> None:
        self.distance = np.zeros(len(self.graph.authors), np.int16)
        self.claimed = np.zeros(len(self.graph.papers), np.int16)
        if self.terms.without_authors:
            self.distance[list(self.terms.without_authors)] = -1
        if self.terms.without_papers:
            self.claimed[list(self.terms.without_papers)] = -1

    def advance(self, other: _Side, best: int) -> tuple[Positions, NDArray[np.int32]]:
        """Settle the authors at distance `next`: (papers on which the other search is met, costs of the paths)."""
        radius, authors = self.next, self._opened(other)
        self.distance[authors] = radius + 1
        papers = self._claimable(authors)
        self.claimed[papers] = radius + 1
        costs, theirs = _costs(self.graph.teams[papers]), other.claimed[papers]
        met = theirs > 0
        totals = costs[met].astype(np.int32) + theirs[met] + (radius - 1)
        # A path that goes on from a paper that both know is no cheaper than the one that crosses it.
        useful = ~met & (costs < best - radius - other.next)
        self._keep(papers[useful], costs[useful] + radius)
        return papers[met], totals

    def trace(self, paper: int) -> tuple[list[int], list[int]]:
        """(authors, papers) of the way back from the paper, the start last."""
        authors: list[int] = []
        papers: list[int] = []
        while True:
            at = self.claimed[paper]
            nearest = self._allowed_authors(paper)
            author = int(nearest[self.distance[nearest] == at][0])
            authors.append(author)
            if author == self.start:
                return authors, papers
            through = self._allowed_papers(author)
            claims = self.claimed[through]
            through = through[(claims > 0) & (claims + _costs(self.graph.teams[through]) == at)]
            paper = _newest(self.graph, through)
            papers.append(paper)

    def _opened(self, other: _Side) -> Positions:
        """The authors at distance `next`."""
        if self.next == 0:
            return np.array([self.start], np.int32)
        waiting = self.buckets.pop(self.next)
        papers = np.concatenate(waiting) if len(waiting) > 1 else waiting[0]
        papers = papers[other.claimed[papers] <= 0]
        at = _spread(self.graph.paper_starts, papers)
        self.looked += len(at)
        authors = self.graph.paper_authors[at]
        new = self.distance[authors] == 0
        if not self.terms.weak:
            new &= self.graph.paper_sure[at]
        return _distinct(authors[new])

    def _claimable(self, authors: Positions) -> Positions:
        """Papers of the authors that nobody nearer is on."""
        at = _spread(self.graph.author_starts, authors)
        self.looked += len(at)
        papers = self.graph.author_papers[at]
        new = self.claimed[papers] == 0
        if not self.terms.weak:
            new &= self.graph.author_sure[at]
        papers = _distinct(papers[new])
        first, last = self.terms.first_year, self.terms.last_year
        if first is not None or last is not None:
            years = self.graph.years[papers]
            papers = papers[
                (years >= max(first or 1, 1)) & (years <= (np.iinfo(np.int16).max if last is None else last))
            ]
        return papers

    def _keep(self, papers: Positions, distances: NDArray[np.int16]) -> None:
        """Put the papers into their buckets, and see which is next."""
        counts = np.bincount(distances)
        for distance in np.flatnonzero(counts).tolist():
            self.buckets.setdefault(distance, []).append(papers[distances == distance])
        self.next = min(self.buckets, default=_NEVER)
        self.waiting = sum(map(len, self.buckets.get(self.next, ())))

    def _allowed_authors(self, paper: int) -> Positions:
        rows = slice(self.graph.paper_starts[paper], self.graph.paper_starts[paper + 1])
        authors = self.graph.paper_authors[rows]
        return authors if self.terms.weak else authors[self.graph.paper_sure[rows]]

    def _allowed_papers(self, author: int) -> Positions:
        rows = slice(self.graph.author_starts[author], self.graph.author_starts[author + 1])
        papers = self.graph.author_papers[rows]
        return papers if self.terms.weak else papers[self.graph.author_sure[rows]]


def _costs(names: NDArray[Any]) -> NDArray[np.int16]:
    """`cost` of each; a list is held to be no longer than 65,535 names."""
    costs: NDArray[np.int16] = _COSTS[np.minimum(names, len(_COSTS) - 1)]
    return costs


def _spread(starts: NDArray[np.int64], rows: Positions) -> NDArray[np.int64]:
    """Indices of all that stands in these rows of a compressed sparse matrix, row after row."""
    first = starts[rows]
    lengths = starts[rows + 1] - first
    before = np.cumsum(lengths) - lengths
    return np.repeat(first - before, lengths) + np.arange(int(lengths.sum()))


def _distinct(positions: Positions) -> Positions:
    """Each once, ascending. `positions` is a copy that nobody else holds."""
    positions.sort()
    first = np.ones(len(positions), np.bool_)
    np.not_equal(positions[1:], positions[:-1], out=first[1:])
    return positions[first]


def _newest(graph: Incidence, papers: Positions) -> int:
    """The newest of the papers, the lowest position among equals."""
    papers = np.sort(papers)
    return int(papers[np.argmax(graph.years[papers])])
