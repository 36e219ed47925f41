"""How good a clustering is, on gold labels: B³, pairwise figures, strata and calibration.

Entry points: `read_gold` for a folder with `papers.jsonl.gz` and `gold.jsonl.gz`, `score` for clusters against labels,
`run` for both with the engine between them. Only labelled signatures count; one without a predicted cluster is alone.
B³ averages over signatures (Bagga and Baldwin 1998), pairwise counts pairs over the whole set.
"""

from __future__ import annotations

import gzip
import json
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from papers.names import bare_family, fold

from .engine import resolve
from .model import Model
from .signatures import Signature, coauthor_key

Key = tuple[str, int]  # paper id, position
_PAPER = ("id", "title", "abstract", "year", "venue", "categories", "authors")
STRATA = ("homonym", "synonym", "both", "plain")


class GoldError(ValueError):
    """A gold folder or a predictions file cannot be read; the message says which and why."""


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
    """Figures of one clustering; `strata` are sizes and B³ by kind of signature."""

    b3: PRF
    pairwise: PRF
    labelled: int
    authors: int
    clusters: int
    strata: dict[str, tuple[int, PRF]]


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of a reliability table: how many pairs, what was stated on average, what share was true."""

    pairs: int
    stated: float
    true: float


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold set: the signatures whose family name some labelled one has, all that can touch the score.

    `keys` of all signatures, by id; `labels` of some.
    """

    name: str
    signatures: list[Signature]
    keys: list[Key]
    labels: dict[Key, str]


@dataclass(frozen=True, slots=True)
class Run:
    """The score of one gold set, what it cost, and how honest the stated probabilities of links are."""

    name: str
    score: Score
    resolved: int
    cpu_seconds: float
    peak_megabytes: float
    reliability: list[Bin]

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean distance between stated and true, weighted by pairs."""
        total = sum(b.pairs for b in self.reliability)
        return sum(b.pairs * abs(b.stated - b.true) for b in self.reliability) / total if total else 0.0


def score(labels: Mapping[Key, str], clusters: Mapping[Key, Hashable], names: Mapping[Key, str] | None = None) -> Score:
    """Score `clusters` (cluster by signature) against `labels` (author by signature). Strata need the printed
    `names`."""
    predicted: dict[Key, Hashable] = {key: clusters.get(key, ("alone", key)) for key in labels}
    true_size, size = Counter(labels.values()), Counter(predicted.values())
    both = Counter((labels[key], predicted[key]) for key in labels)
    shares = {
        key: (n / size[predicted[key]], n / true_size[labels[key]])
        for key in labels
        for n in [both[labels[key], predicted[key]]]
    }
    kinds: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for key, kind in (_strata(labels, names) if names else {}).items():
        kinds[kind].append(shares[key])
    right, joined, same = (sum(n * (n - 1) // 2 for n in counter.values()) for counter in (both, size, true_size))
    return Score(
        _mean(shares.values()),
        PRF(right / joined if joined else 1.0, right / same if same else 1.0),
        len(labels),
        len(true_size),
        len(size),
        {kind: (len(kinds[kind]), _mean(kinds[kind])) for kind in STRATA if kinds[kind]},
    )


def _mean(shares: Iterable[tuple[float, float]]) -> PRF:
    table = np.array(list(shares), float).reshape(-1, 2)
    return PRF(float(table[:, 0].mean()), float(table[:, 1].mean())) if len(table) else PRF(0.0, 0.0)


def _strata(labels: Mapping[Key, str], names: Mapping[Key, str]) -> dict[Key, str]:
    """Homonym: the printed name belongs to several authors; synonym: the author has several names; both; plain."""
    by_name: defaultdict[str, set[str]] = defaultdict(set)
    by_author: defaultdict[str, set[str]] = defaultdict(set)
    for key, author in labels.items():
        by_name[names[key]].add(author)
        by_author[author].add(names[key])
    kind = {(True, True): "both", (True, False): "homonym", (False, True): "synonym", (False, False): "plain"}
    return {key: kind[len(by_name[names[key]]) > 1, len(by_author[author]) > 1] for key, author in labels.items()}


def read_gold(folder: Path, tier: str = "") -> Gold:
    """Read a gold folder; with `tier`, of the labels that have a tier only those of its letters. Raises GoldError."""
    labels = {
        (row["paper_id"], row["position"]): row["author_id"]
        for row in _lines(folder / "gold.jsonl.gz", "paper_id", "position", "author_id")
        if not tier or row.get("tier", tier) in tier
    }
    families: set[str] = set()
    for paper in _lines(folder / "papers.jsonl.gz", *_PAPER):
        families |= {bare_family(a["family"]) for a in paper["authors"] if (paper["id"], a["position"]) in labels}
    signatures: list[Signature] = []
    keys: list[Key] = []
    for paper in _lines(folder / "papers.jsonl.gz", *_PAPER):
        signatures += _signatures(paper, len(keys), families)
        keys += [(paper["id"], author["position"]) for author in paper["authors"]]
    if missing := labels.keys() - set(keys):
        raise GoldError(f"{folder}: {len(missing)} labelled signatures stand in no paper, among them {min(missing)}")
    return Gold(folder.parent.name if folder.name == "dev" else folder.name, signatures, keys, labels)


def read_predictions(path: Path) -> dict[Key, Hashable]:
    """Read a clustering: lines of `{"paper_id", "position", "cluster_id"}`, plain or gzipped. Raises GoldError."""
    needed = "paper_id", "position", "cluster_id"
    return {(row["paper_id"], row["position"]): row["cluster_id"] for row in _lines(path, *needed)}


def find_sets(folder: Path) -> list[Path]:
    """The gold folders at, or one or two levels below, `folder`, by name. Raises GoldError if there is none."""
    found = sorted(path.parent for depth in ("", "*/", "*/*/") for path in folder.glob(f"{depth}gold.jsonl.gz"))
    if not found:
        raise GoldError(
            f"{folder} holds no gold set: papers.jsonl.gz and gold.jsonl.gz are looked for there and in its folders"
        )
    return found


def _signatures(paper: Mapping[str, Any], first: int, families: Container[str]) -> Iterator[Signature]:
    authors = paper["authors"]
    coauthors = [coauthor_key(a["family"], a["given"]) for a in authors]
    for number, author in enumerate(authors):
        if bare_family(author["family"]) in families:
            yield Signature(
                id=first + number,
                paper=paper["id"],
                family=author["family"],
                given=author["given"],
                coauthors=tuple(coauthors[:number] + coauthors[number + 1 :]),
                title=paper["title"],
                year=paper["year"],
                topics=tuple(paper["categories"]),
                abstract=paper["abstract"] or "",
                affiliations=(author["affiliation"],) if author["affiliation"] else (),
                orcid=author["orcid"],
                venue=paper["venue"] or "",
                team=len(authors),
            )


def _lines(path: Path, *needed: str) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, each of which must have the keys `needed`."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise GoldError(f"{path}, line {number}: {error}") from error
                if not isinstance(row, dict) or not row.keys() >= set(needed):
                    raise GoldError(f"{path}, line {number}: an object with {', '.join(needed)} is expected")
                yield row
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise GoldError(f"cannot read {path}: {error}") from error


def run(gold: Gold, model: Model | None = None) -> Run:
    """Resolve a gold set and score it."""
    start = time.process_time()
    resolution = resolve(gold.signatures, model=model)
    spent = time.process_time() - start
    clusters = {
        gold.keys[member]: number for number, cluster in enumerate(resolution.clusters) for member in cluster.members
    }
    links = [
        (
            attribution.probability,
            gold.labels[gold.keys[attribution.signature]] == gold.labels[gold.keys[attribution.linked_to]],
        )
        for cluster in resolution.clusters
        for attribution in cluster.attributions
        if attribution.linked_to is not None
        and gold.keys[attribution.signature] in gold.labels
        and gold.keys[attribution.linked_to] in gold.labels
    ]
    return Run(
        gold.name,
        score(gold.labels, clusters, labelled_names(gold)),
        len(gold.signatures),
        spent,
        peak_megabytes(),
        reliability(links),
    )


def labelled_names(gold: Gold) -> dict[Key, str]:
    """The folded printed name of every labelled signature."""
    return {gold.keys[s.id]: fold(s.name) for s in gold.signatures if gold.keys[s.id] in gold.labels}


def peak_megabytes() -> float:
    """The most memory this process has held, in MB."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def reliability(stated: Sequence[tuple[float, bool]], bins: int = 10) -> list[Bin]:
    """Group (stated probability, truth) into `bins` of equal width, empty ones left out."""
    groups: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for probability, truth in stated:
        groups[min(int(probability * bins), bins - 1)].append((probability, truth))
    return [
        Bin(len(g), sum(p for p, _ in g) / len(g), sum(t for _, t in g) / len(g)) for _, g in sorted(groups.items())
    ]
