"""Ties between people, and the slice of the network around one node.

Problem: a researcher's surroundings can hold thousands of nodes, and whoever is left out must be told of.

Idea: a tie counts each shared work by 1/(n-1), so that a team of n spreads one unit over its other members
(Newman); a slice keeps the strongest nodes of each kind and says how many there were.

Entry points: `coauthorship` (the definition that stored edges are tested against) and `select`.

Reference: M. E. J. Newman, "Scientific collaboration networks. II. Shortest paths, weighted networks, and
centrality", Phys. Rev. E 64, 016132 (2001), section IV (doi:10.1103/PhysRevE.64.016132).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Literal, NamedTuple

Kind = Literal["person", "paper", "topic", "institution"]
Relation = Literal["wrote", "wrote with", "about", "at"]
Order = Literal[
    "by shared works", "by works", "by works here", "newest first", "in printed order", "by people in common", "by name"
]

KINDS: tuple[Kind, ...] = ("person", "paper", "topic", "institution")

# What fits the panel of a profile with one readable row of text for each node.
LIMITS: Mapping[Kind, int] = {"person": 24, "paper": 12, "topic": 8, "institution": 6}

# In which order the nodes of a kind are chosen where a slice says nothing else: that around a person.
ORDER: Mapping[Kind, Order] = {
    "person": "by shared works",
    "paper": "newest first",
    "topic": "by works",
    "institution": "by works",
}


class Tie(NamedTuple):
    """What two people wrote together: `works` counted, `weight` by Newman, years of the first and the last work."""

    works: int
    weight: float
    first_year: int | None
    last_year: int | None


def team_weight(team: int) -> float:
    """Weight that one work by `team` distinct people gives each pair among them: 1/(team-1).

    A work by one person ties nobody: 0.0. Fewer than one author is a ValueError.
    """
    if team < 1:
        raise ValueError(f"A work has at least one author, not {team}.")
    return 0.0 if team == 1 else 1.0 / (team - 1)


def fitting(teams: Iterable[int], most: int) -> int:
    """How many of the teams, from the first, are at most `most` people together; the first however large it is.

    >>> fitting([2, 3, 4], 5), fitting([9, 1], 5), fitting([], 5)
    (2, 1, 0)
    """
    fitted = people = 0
    for team in teams:
        people += team
        if fitted and people > most:
            break
        fitted += 1
    return fitted


def coauthorship(papers: Iterable[tuple[tuple[str, ...], int | None]]) -> dict[tuple[str, str], Tie]:
    """Every pair's tie, keyed by the two author ids in sorted order.

    `papers` yields (author ids, year or None). An id repeated on one paper counts once. Memory grows with the
    number of pairs, n(n-1)/2 for a team of n: this is the definition that stored edges are tested against.
    """
    ties: dict[tuple[str, str], Tie] = {}
    for authors, year in papers:
        team = sorted(set(authors))
        for pair in combinations(team, 2):
            works, weight, first, last = ties.get(pair, Tie(0, 0.0, None, None))
            years = [known for known in (first, last, year) if known is not None]
            ties[pair] = Tie(
                works + 1, weight + team_weight(len(team)), min(years, default=None), max(years, default=None)
            )
    return ties


@dataclass(frozen=True, slots=True)
class Node:
    """Something to show. `id` is unique in its slice, across kinds.

    `weight` ranks it: works shared with the focus (person), works it stands for (topic, institution), any
    preference among papers of one year (paper). Where the order is another, `place` says it: it is compared first.
    """

    kind: Kind
    id: str
    label: str
    url: str
    weight: float
    place: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """A link between two node ids, without direction; `weight` as in `Tie`, years inclusive where known."""

    source: str
    target: str
    kind: Relation
    weight: float
    first_year: int | None = None
    last_year: int | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the surroundings is asked for: kinds, years inclusive (None: open), and the least weight of a tie."""

    kinds: frozenset[Kind] = frozenset(KINDS)
    first_year: int | None = None
    last_year: int | None = None
    least_weight: float = 0.0


class Count(NamedTuple):
    """How many of one kind are shown, and how many there are; the focus is in neither number."""

    shown: int
    total: int


@dataclass(frozen=True)
class Slice:
    """The surroundings of one node, `focus`.

    `totals` is what exists of each kind besides the focus; where it is not given, all there is has been given.
    `order` is how the nodes of each kind were chosen. Where there was too much to count, `newest` is the number of
    the newest works that were counted, and `names` how many of a paper's names were asked for their other papers.
    Raises ValueError for a repeated id, an edge to nowhere, a focus that is absent, a total below what is shown.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    focus: str
    totals: Mapping[Kind, int] = field(default_factory=dict)
    order: Mapping[Kind, Order] = field(default_factory=lambda: ORDER)
    newest: int | None = None
    names: int | None = None

    def __post_init__(self) -> None:
        ids = {node.id for node in self.nodes}
        if len(ids) < len(self.nodes):
            raise ValueError("Two nodes of a slice have the same id.")
        if self.nodes and self.focus not in ids:
            raise ValueError(f"The focus {self.focus!r} is not among the nodes.")
        for edge in self.edges:
            if not {edge.source, edge.target} <= ids:
                raise ValueError(f"The edge {edge.source!r} - {edge.target!r} leads out of the slice.")
        if any(count.total < count.shown for count in self.counts.values()):
            raise ValueError("A slice cannot show more than there is.")

    @property
    def centre(self) -> Node | None:
        """The focus as a node; None in an empty slice."""
        return next((node for node in self.nodes if node.id == self.focus), None)

    @property
    def counts(self) -> dict[Kind, Count]:
        """Shown and total for every kind, in the order of KINDS."""
        shown = Counter(node.kind for node in self.nodes if node.id != self.focus)
        return {kind: Count(shown[kind], self.totals.get(kind, shown[kind])) for kind in KINDS}


def select(candidates: Slice, limits: Mapping[Kind, int] = LIMITS) -> Slice:
    """The strongest of each kind, at most `limits[kind]`, with the links among them; totals are kept.

    A kind that `limits` does not name is not shown, and still counted. The focus always stays. People are ranked by
    shared works, then by the weight of their tie to the focus; papers by year; topics and institutions by works;
    equals by label, then by id.
    """
    kept = [node for node in candidates.nodes if node.id == candidates.focus]
    for kind, nodes in ranked(candidates).items():
        kept += nodes[: limits.get(kind, 0)]
    ids = {node.id for node in kept}
    edges = tuple(edge for edge in candidates.edges if edge.source in ids and edge.target in ids)
    totals = {kind: count.total for kind, count in candidates.counts.items()}
    return replace(candidates, nodes=tuple(kept), edges=edges, totals=totals)


def ranked(slice_: Slice) -> dict[Kind, list[Node]]:
    """The nodes besides the focus by kind, the first to show first; the same for any order of the input."""
    tie: dict[str, float] = defaultdict(float)
    year: dict[str, int] = defaultdict(int)
    for edge in slice_.edges:
        for end, other in ((edge.source, edge.target), (edge.target, edge.source)):
            year[end] = max(year[end], edge.last_year or 0)
            if other == slice_.focus:
                tie[end] = max(tie[end], edge.weight)

    def rank(node: Node) -> tuple[int, int, float, float, str, str]:
        newest = year[node.id] if node.kind == "paper" else 0
        return (node.place, -newest, -node.weight, -tie[node.id], node.label.casefold(), node.id)

    others = sorted((node for node in slice_.nodes if node.id != slice_.focus), key=rank)
    return {kind: [node for node in others if node.kind == kind] for kind in KINDS}
