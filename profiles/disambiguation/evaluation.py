"""How good a clustering is, on gold labels: B³, pairwise figures, strata and calibration.

Entry points: `score` for clusters against labels, `run` for a gold set with the engine between. Only labelled
signatures count; one without a predicted cluster is alone. B³ averages over signatures (Bagga and Baldwin 1998),
pairwise counts pairs over the whole set. Probabilities are held to the labels twice: those of all labelled pairs that
blocking compares, each pair alike, and those of the links that receipts state.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .calibration import NOTHING_STATED, Stated
from .engine import Resolution, resolve
from .gold import Gold, Key
from .model import Model
from .signatures import Signature
from .strata import strata
from .weighing import Weighed

# By how many people a name stands for and how many names a person has: each labelled signature is of one of these.
KINDS = ("homonym", "synonym", "both", "plain")


@dataclass(frozen=True, slots=True)
class PRF:
    """Precision and recall in 0..1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean, 0 where both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one clustering; `strata` are sizes and B³ of groups of labelled signatures, empty ones left out."""

    b3: PRF
    pairwise: PRF
    labelled: int
    authors: int
    clusters: int
    strata: dict[str, tuple[int, PRF]]


@dataclass(frozen=True, slots=True)
class Run:
    """What the engine made of a gold set: its score, its cost, and what it stated of `pairs` and of `links`.

    `clusters` has all signatures of the set, labelled or not. Scores of clusters that came from elsewhere cost and
    state nothing.
    """

    name: str
    score: Score
    clusters: Mapping[Key, Hashable]
    resolved: int = 0
    cpu_seconds: float = 0.0
    peak_megabytes: float = 0.0
    pairs: Stated = NOTHING_STATED
    links: Stated = NOTHING_STATED


def score(
    labels: Mapping[Key, str],
    clusters: Mapping[Key, Hashable],
    groups: Mapping[str, Collection[Key]] | None = None,
) -> Score:
    """Score `clusters` (cluster by signature) against `labels` (author by signature), and `groups` of the labelled."""
    predicted: dict[Key, Hashable] = {key: clusters.get(key, ("alone", key)) for key in labels}
    true_size, size = Counter(labels.values()), Counter(predicted.values())
    both = Counter((labels[key], predicted[key]) for key in labels)
    shares = {
        key: (n / size[predicted[key]], n / true_size[labels[key]])
        for key in labels
        for n in [both[labels[key], predicted[key]]]
    }
    right, joined, same = (sum(n * (n - 1) // 2 for n in counter.values()) for counter in (both, size, true_size))
    return Score(
        _mean(shares.values()),
        PRF(right / joined if joined else 1.0, right / same if same else 1.0),
        len(labels),
        len(true_size),
        len(size),
        {name: (len(keys), _mean(shares[key] for key in keys)) for name, keys in (groups or {}).items() if keys},
    )


def _mean(shares: Iterable[tuple[float, float]]) -> PRF:
    table = np.array(list(shares), float).reshape(-1, 2)
    return PRF(float(table[:, 0].mean()), float(table[:, 1].mean())) if len(table) else PRF(0.0, 0.0)


def groups(labels: Mapping[Key, str], printed: Mapping[Key, Signature]) -> dict[str, list[Key]]:
    """The labelled signatures of each of `KINDS` and of each hard stratum."""
    hard = strata(labels, printed)
    homonym, synonym = (set(hard[name]) for name in ("same name, different people", "different names, same person"))
    kind = {(True, True): "both", (True, False): "homonym", (False, True): "synonym", (False, False): "plain"}
    found: defaultdict[str, list[Key]] = defaultdict(list)
    for key in labels:
        found[kind[key in homonym, key in synonym]].append(key)
    return {**{name: found[name] for name in KINDS}, **hard}


def score_clusters(gold: Gold, clusters: Mapping[Key, Hashable]) -> Run:
    """Score clusters of a gold set that came from elsewhere."""
    return Run(gold.name, score(gold.labels, clusters, groups(gold.labels, gold.labelled)), clusters)


def run(gold: Gold, model: Model | None = None) -> Run:
    """Resolve a gold set and score it."""
    model = model or Model.shipped()
    start = time.process_time()
    pairs = _Pairs(gold)
    resolution = resolve(gold.signatures, model=model, watch=pairs.see)
    spent = time.process_time() - start
    clusters: dict[Key, Hashable] = {
        gold.keys[member]: number for number, cluster in enumerate(resolution.clusters) for member in cluster.members
    }
    return Run(
        gold.name,
        score(gold.labels, clusters, groups(gold.labels, gold.labelled)),
        clusters,
        len(gold.signatures),
        spent,
        peak_megabytes(),
        Stated.joined(pairs.parts),
        stated_links(gold, resolution),
    )


class _Pairs:
    """Collects what is said of the labelled pairs that blocking compares."""

    def __init__(self, gold: Gold) -> None:
        number = {author: n for n, author in enumerate(sorted(set(gold.labels.values())))}
        self.author = np.array([number.get(gold.labels.get(key, ""), -1) for key in gold.keys])
        self.parts: list[Stated] = []

    def see(self, w: Weighed) -> None:
        ids = np.array([s.id for s in w.signatures])
        author, paper = self.author[ids], w.constraints.paper
        i, j = w.pairs.i, w.pairs.j
        rows = np.flatnonzero((author[i] >= 0) & (author[j] >= 0) & (paper[i] != paper[j]))
        i, j = i[rows], j[rows]
        probability = 1 / (1 + np.exp(-w.believed[rows].astype(float)))
        self.parts.append(Stated(np.column_stack([ids[i], ids[j]]), probability, author[i] == author[j]))


def stated_links(gold: Gold, resolution: Resolution) -> Stated:
    """What the receipts say: of each labelled signature, the link that carries it, where that too is labelled."""
    links = [
        (a.signature, a.linked_to, a.probability)
        for cluster in resolution.clusters
        for a in cluster.attributions
        if a.linked_to is not None and gold.keys[a.signature] in gold.labels and gold.keys[a.linked_to] in gold.labels
    ]
    ids = np.array([link[:2] for link in links], np.int64).reshape(-1, 2)
    author = [[gold.labels[gold.keys[end]] for end in link[:2]] for link in links]
    return Stated(ids, np.array([p for *_ends, p in links], float), np.array([a == b for a, b in author], bool))


def pooled(gold: Gold, parts: Sequence[tuple[Collection[Key], Run]]) -> Run:
    """One run of `gold` from runs of parts of its labels, each with those labels; a cluster stays within its part."""
    runs = [run for _keys, run in parts]
    clusters = {key: (number, run.clusters[key]) for number, (keys, run) in enumerate(parts) for key in keys}
    numbers = {number for number, key in enumerate(gold.keys) if key in gold.labels}
    return Run(
        gold.name,
        score(gold.labels, clusters, groups(gold.labels, gold.labelled)),
        clusters,
        sum(r.resolved for r in runs),
        sum(r.cpu_seconds for r in runs),
        max(r.peak_megabytes for r in runs),
        Stated.joined([r.pairs.among(numbers) for r in runs]),
        Stated.joined([r.links.among(numbers) for r in runs]),
    )


def peak_megabytes() -> float:
    """The most memory this process has held, in MB."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
