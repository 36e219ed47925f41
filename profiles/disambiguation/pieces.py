"""Bring together again whom the splitting of an oversized block parted.

Problem: a block above the cap is resolved in pieces, and one person's works may lie in several of them: with a cap of
half the block, inspire's largest blocks lose eleven points of B³. Idea: once the pieces are clustered, a person is
known well enough by a few works. These representatives, each cluster's held together, are weighed and clustered as
signatures are, in pieces of at most the cap, cut anew along the coauthors of whole clusters; and so again until nobody
is joined, at most `ROUNDS` times. So the cost stays a few times that of the pieces. Entry point: `rejoin`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations

import numpy as np

from .attribution import Attribution, best_pair, by_links
from .block import Texts
from .blocking import Pairs, cut
from .clustering import Decisions, Ints
from .model import Model
from .names import Agreement
from .signatures import Signature
from .weighing import Weighed, weigh

# Works that stand for a cluster, spread over its years. B³ lost on the four largest blocks of a set at a cap of a
# quarter of each, by none, 8 and 16 of them (more leave less room for others in a piece): inspire 15.8, 0.5 and 1.7
# points, arnetminer 3.5, 0.5 and 0.1.
REPRESENTATIVES = 8
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Cluster:
    """Signature ids held to be one person, ascending, and an attribution for each, in the same order."""

    members: tuple[int, ...]
    attributions: tuple[Attribution, ...]


def rejoin(
    clusters: Sequence[Cluster],
    signatures: Mapping[int, Signature],
    decisions: Decisions,
    texts: Texts,
    model: Model,
    cap: int,
) -> list[Cluster]:
    """The clusters of an oversized block, those joined that are one person. `signatures` by id holds all members.

    Whatever forbids to join two members forbids to join their clusters.
    """
    found = list(clusters)
    count = min(REPRESENTATIVES, max(1, cap // REPRESENTATIVES))  # a piece must hold several clusters, or nobody meets
    spoken = {*chain.from_iterable(decisions.same | decisions.different)}
    for _round in range(ROUNDS):
        standing = [_representatives(cluster, signatures, spoken, count) for cluster in found]
        coauthors = [{key for m in cluster.members for key in signatures[m].coauthors} for cluster in found]
        apart = _apart(found, signatures, decisions)
        joined: list[Cluster] = []
        for chunk in cut([(len(s), keys) for s, keys in zip(standing, coauthors, strict=True)], cap):
            here = {number: standing[number] for number in chunk}
            ties = {(ids[0].id, other.id) for ids in here.values() for other in ids[1:]}
            against = {(here[a][0].id, here[b][0].id) for a, b in apart if a in here and b in here}
            known = replace(decisions, same=decisions.same | ties, different=decisions.different | against)
            weighed = weigh([sorted(chain.from_iterable(here.values()), key=lambda s: s.id)], known, texts, model)
            joined += _joined([found[number] for number in chunk], weighed, signatures, decisions)
        if len(joined) == len(found):
            break
        found = joined
    return found


def _representatives(
    cluster: Cluster, signatures: Mapping[int, Signature], spoken: set[int], count: int
) -> list[Signature]:
    """At most `count` members that stand for all: first whom a decision or an iD speaks about, then evenly by year."""
    members = sorted((signatures[m] for m in cluster.members), key=lambda s: (s.year or 0, s.id))
    stated = [s for s in members if s.orcid or s.id in spoken][:count]
    taken = {s.id for s in stated}
    others = [s for s in members if s.id not in taken]
    wanted = min(len(others), count - len(stated))
    return stated + [others[int(place)] for place in np.linspace(0, len(others) - 1, wanted)]


def _apart(
    clusters: Sequence[Cluster], signatures: Mapping[int, Signature], decisions: Decisions
) -> set[tuple[int, int]]:
    """Numbers a < b of clusters that stand on one paper or hold two who were decided to be different."""
    of = {member: number for number, cluster in enumerate(clusters) for member in cluster.members}
    on_paper: defaultdict[Hashable, set[int]] = defaultdict(set)
    for member, number in of.items():
        on_paper[signatures[member].paper].add(number)
    pairs = {pair for numbers in on_paper.values() for pair in combinations(sorted(numbers), 2)}
    decided = ((of[a], of[b]) for a, b in decisions.different if a in of and b in of)
    return pairs | {(min(a, b), max(a, b)) for a, b in decided if a != b}


def _joined(
    clusters: Sequence[Cluster], w: Weighed, signatures: Mapping[int, Signature], decisions: Decisions
) -> Iterator[Cluster]:
    """Join the clusters whose representatives are in one cluster of `w`."""
    position = {s.id: p for p, s in enumerate(w.signatures)}
    cluster_at = np.empty(len(position), np.int32)
    together: defaultdict[int, list[int]] = defaultdict(list)
    for number, cluster in enumerate(clusters):
        standing = [position[m] for m in cluster.members if m in position]
        cluster_at[standing] = number
        together[int(w.labels[standing[0]])].append(number)
    carrying = _carrying(w, cluster_at)
    for numbers in together.values():
        first, *others = sorted(numbers, key=lambda n: (-len(clusters[n].members), clusters[n].members))
        members = sorted(m for n in numbers for m in clusters[n].members)
        if not _may_be_one([[signatures[m] for m in clusters[n].members] for n in numbers], decisions):
            yield from (clusters[n] for n in numbers)
            continue
        reasons = {a.signature: a for a in clusters[first].attributions}
        for number in others:
            link = carrying.get(number)
            weak = link is not None and link.weak
            reasons |= {a.signature: replace(a, weak=a.weak or weak) for a in clusters[number].attributions}
            if link is not None:
                reasons[link.signature] = link
        yield Cluster(tuple(members), tuple(reasons[m] for m in members))


def _carrying(w: Weighed, cluster_at: Ints) -> dict[int, Attribution]:
    """By number of cluster: the best link from its representatives to those of a cluster that it is joined with."""
    across = np.flatnonzero(
        (w.labels[w.pairs.i] == w.labels[w.pairs.j])
        & (cluster_at[w.pairs.i] != cluster_at[w.pairs.j])
        & (w.pairs.agreement > Agreement.MISPRINT)
    )
    ends = Pairs(cluster_at[w.pairs.i], cluster_at[w.pairs.j], w.pairs.agreement)
    best = best_pair(int(cluster_at.max()) + 1, ends[across], w.stated[across], np.ones(len(across), bool))
    numbers = np.flatnonzero(best >= 0)
    rows = across[best[numbers]]
    positions = np.where(ends.i[rows] == numbers, w.pairs.i[rows], w.pairs.j[rows])
    return dict(zip(numbers.tolist(), by_links(w, positions.tolist(), rows, [False] * len(rows)), strict=True))


def _may_be_one(parts: Sequence[Sequence[Signature]], decisions: Decisions) -> bool:
    """Whether nothing forbids that these clusters are one person, looked at member by member."""
    if len(parts) == 1:
        return True
    members = [s for part in parts for s in part]
    papers, ids = {s.paper for s in members}, {s.id for s in members}
    iDs = [{s.orcid for s in part if s.orcid} for part in parts]  # people may have joined two of one part
    return (
        len(papers) == len(members)
        and len(set().union(*iDs)) <= max(1, *map(len, iDs))
        and not any(a in ids and b in ids for a, b in decisions.different)
    )
