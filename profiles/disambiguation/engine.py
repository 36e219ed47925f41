"""Resolve signatures to people, with the reason for every one of them.

Problem: who wrote what, from what is printed, without a decision that nobody can question. Idea: block, weigh the pairs
of a block, cluster under people's decisions; then say for each signature which link carries it, rule by rule, how sure
that link is, and which clusters a curator should look at. A database is not needed, and the result does not depend on
the order of the signatures. Entry point: `resolve`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .attribution import Attribution, Evidence, attributions, by_links
from .block import Texts
from .blocking import CAP, blocks, whole_blocks
from .clustering import Contradiction, Decisions, Step, meetings, parts_of
from .groups import usable
from .model import Model, probability_of
from .names import Agreement
from .pieces import Cluster, rejoin
from .signatures import Signature
from .suggestions import Suggestion, suggestions
from .variants import unite
from .vocabulary import Vocabulary
from .weighing import Weighed, weigh

__all__ = [
    "Attribution",
    "Cluster",
    "Contradiction",
    "Decisions",
    "Evidence",
    "Resolution",
    "Signature",
    "Suggestion",
    "resolve",
]

# Signatures taken together: enough that the cost of an array is spread, few enough that a batch stays near 10 MB.
BATCH = 2_000
NO_DECISIONS = Decisions()


@dataclass(frozen=True, slots=True)
class Resolution:
    """Clusters by their lowest member, suggestions by probability, contradictions as found."""

    clusters: list[Cluster]
    suggestions: list[Suggestion]
    contradictions: list[Contradiction]


def resolve(
    signatures: Sequence[Signature],
    decisions: Decisions = NO_DECISIONS,
    model: Model | None = None,
    cap: int = CAP,
    watch: Callable[[Weighed], None] = lambda _weighed: None,
) -> Resolution:
    """Cluster `signatures` (ids must differ) into people. `decisions` about other signatures are ignored.

    Blocks above `cap` are resolved in pieces. `watch` sees each batch when it has been weighed. Raises ValueError if
    two signatures have one id. Memory: a few hundred bytes a signature and paper, plus up to 1 GB where all names of a
    block of 3,000 agree.
    """
    if len({s.id for s in signatures}) != len(signatures):
        raise ValueError("two signatures have the same id")
    model = model or Model.shipped()
    texts = Texts.of(signatures, Vocabulary.shipped())
    clusters: list[Cluster] = []
    suggested: list[Suggestion] = []
    contradictions: list[Contradiction] = []
    for batch in batches(signatures, decisions, cap):
        weighed = weigh(batch, decisions, texts, model)
        watch(weighed)
        clusters += _clusters(weighed)
        suggested += suggestions(weighed)
        contradictions += weighed.constraints.contradictions
        contradictions += _met(weighed)
    if len(signatures) > cap:
        clusters = _rejoined(clusters, signatures, decisions, texts, model, cap)
    united, kin = unite([c.attributions for c in clusters], signatures, decisions, texts, model)
    clusters = [Cluster(tuple(a.signature for a in reasons), tuple(reasons)) for reasons in united]
    cluster_of = {member: number for number, c in enumerate(clusters) for member in c.members}
    suggested = [s for s in [*suggested, *kin] if cluster_of[s.left] != cluster_of[s.right]]
    clusters.sort(key=lambda c: c.members)
    suggested.sort(key=lambda s: (-s.probability, s.left, s.right))
    return Resolution(clusters, suggested, contradictions)


def batches(signatures: Iterable[Signature], decisions: Decisions, cap: int = CAP) -> Iterator[list[list[Signature]]]:
    """Blocks in batches of about `BATCH` signatures; blocks that decisions tie together are in one batch."""
    batch: list[list[Signature]] = []
    for group in _united(list(blocks(signatures, cap)), decisions):
        if batch and sum(map(len, batch)) + sum(map(len, group)) > BATCH:
            yield batch
            batch = []
        batch += group
    if batch:
        yield batch


def _united(found: list[list[Signature]], decisions: Decisions) -> Iterator[list[list[Signature]]]:
    """Groups of blocks: those that a decision or an iD speaks about together are resolved together."""
    block_of = {s.id: number for number, block in enumerate(found) for s in block}
    edges = [(block_of[a], block_of[b]) for a, b in sorted(decisions.pairs) if a in block_of and b in block_of]
    first: dict[str, int] = {}
    for number, block in enumerate(found):
        edges += [(first.setdefault(s.orcid, number), number) for s in block if s.orcid]
    i, j = np.array(edges, np.int32).reshape(-1, 2).T
    graph = sparse.coo_matrix((np.ones(len(i), np.int8), (i, j)), shape=(len(found), len(found)))
    united: defaultdict[int, list[list[Signature]]] = defaultdict(list)
    for block, component in zip(found, connected_components(graph, directed=False)[1], strict=True):
        united[int(component)].append(block)
    yield from united.values()


def _rejoined(
    clusters: list[Cluster],
    signatures: Sequence[Signature],
    decisions: Decisions,
    texts: Texts,
    model: Model,
    cap: int,
) -> list[Cluster]:
    """The same clusters where no block was split; of a block that was, those joined that its pieces parted."""
    by_id = {s.id: s for s in signatures}
    for block in whole_blocks(signatures):
        if len(block) > cap:
            ids = {s.id for s in block}
            here = [not ids.isdisjoint(c.members) for c in clusters]
            touched = [c for c, inside in zip(clusters, here, strict=True) if inside]
            clusters = [c for c, inside in zip(clusters, here, strict=True) if not inside]
            clusters += rejoin(touched, by_id, decisions, texts, model, cap)
    return clusters


def _clusters(w: Weighed) -> Iterator[Cluster]:
    """The clusters of a batch, with an attribution for each member."""
    reasons = attributions(w)
    for positions in parts_of(w.labels, int(w.labels.max()) + 1):
        chosen = sorted((reasons[p] for p in positions), key=lambda a: a.signature)
        yield Cluster(tuple(a.signature for a in chosen), tuple(chosen))


def _met(w: Weighed) -> Iterator[Contradiction]:
    """Where the evidence would join two claimed authors."""
    if not (w.constraints.owner >= 0).any():
        return
    log_odds = usable(w.pairs, w.log_odds)
    for i, j in meetings(w.labels, w.pairs.i, w.pairs.j, log_odds, w.model.threshold, w.constraints):
        left, right = sorted((w.signatures[i].id, w.signatures[j].id))
        evidence = Step(left, right, "evidence")
        yield Contradiction((evidence, Step(left, right, "claimed")), evidence)


def pair_probabilities(signatures: Sequence[Signature], model: Model | None = None) -> dict[tuple[int, int], float]:
    """What the model says of each pair of ids (ascending) whose names agree: one person's, from 0 to 1.

    For few signatures: the cost is quadratic.
    """
    if not signatures:
        return {}
    texts = Texts.of(signatures, Vocabulary.shipped())
    w = weigh(list(blocks(signatures)), NO_DECISIONS, texts, model or Model.shipped())
    ids = np.array([s.id for s in w.signatures])
    alike = np.flatnonzero(w.pairs.agreement > Agreement.MISPRINT)
    left, right = ids[w.pairs.i[alike]], ids[w.pairs.j[alike]]
    pairs = zip(np.minimum(left, right).tolist(), np.maximum(left, right).tolist(), strict=True)
    return {pair: probability_of(float(x)) for pair, x in zip(pairs, w.believed[alike], strict=True)}


@dataclass(frozen=True, slots=True)
class Link:
    """What ties a signature of one person to one of another: `reason` weighs it, `probability` is what the model says
    of the pair by all that is known of their groups; None where the names look like a misprint, which never join."""

    reason: Attribution
    probability: float | None


def links(
    left: Collection[int],
    right: Collection[int],
    signatures: Sequence[Signature],
    most: int,
    model: Model | None = None,
) -> list[Link]:
    """The strongest links between two people's signatures (ids), the strongest first; those of misprints last.

    Each signature is in one of them at most, so that they do not say the same of one work again. For few signatures:
    the cost is quadratic.
    """
    if not signatures:
        return []
    texts = Texts.of(signatures, Vocabulary.shipped())
    w = weigh(list(blocks(signatures)), NO_DECISIONS, texts, model or Model.shipped())
    ids = np.array([s.id for s in w.signatures])
    on_left, on_right = np.isin(ids, list(left)), np.isin(ids, list(right))
    i, j = w.pairs.i, w.pairs.j
    across = np.flatnonzero((on_left[i] & on_right[j]) | (on_right[i] & on_left[j]))
    misprint = w.pairs.agreement[across] <= Agreement.MISPRINT
    across = across[np.lexsort((-w.log_odds[across], -w.believed[across], misprint))]
    chosen: list[int] = []
    seen: set[int] = set()
    for row, ends in zip(across.tolist(), zip(i[across].tolist(), j[across].tolist(), strict=True), strict=True):
        if len(chosen) < most and seen.isdisjoint(ends):
            seen.update(ends)
            chosen.append(row)
    rows = np.array(chosen, np.int64)
    positions = np.where(on_left[i[rows]], i[rows], j[rows]).tolist()
    return [
        Link(
            reason,
            probability_of(float(w.believed[row])) if w.pairs.agreement[row] > Agreement.MISPRINT else None,
        )
        for row, reason in zip(rows, by_links(w, positions, rows, [False] * len(rows)), strict=True)
    ]
