"""Gold sets: papers with labels of who wrote them, and clusterings of their signatures as files.

A set is a folder with `papers.jsonl.gz` (what an engine may see) and `gold.jsonl.gz` (who it was, for some signatures).
Entry points: `find_sets` and `read_gold`; `read_clusters` and `write_clusters` for what an engine says of them.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

from papers.names import fold, surname_key

from .signatures import Signature, coauthor_key

Key = tuple[str, int]  # paper id, position
_PAPER = ("id", "title", "abstract", "year", "venue", "categories", "authors")


class GoldError(ValueError):
    """A gold folder or a file of clusters cannot be read; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold set: the signatures whose family name some labelled one could have, all that can touch the score.

    `keys` of all signatures, by id; `labels` of some, and `tiers` (how a label was come by) of some of those.
    """

    name: str
    signatures: list[Signature]
    keys: list[Key]
    labels: dict[Key, str]
    tiers: dict[Key, str] = field(default_factory=dict)

    @property
    def labelled(self) -> dict[Key, Signature]:
        """The labelled signatures."""
        return {self.keys[s.id]: s for s in self.signatures if self.keys[s.id] in self.labels}

    def restricted(self, keys: Container[Key]) -> Gold:
        """The set with the labels of `keys` only, and with every signature, labelled or not, that can touch these."""
        labels = {key: author for key, author in self.labels.items() if key in keys}
        known = {surname_key(s.family) for s in self.signatures if self.keys[s.id] in labels}
        return replace(self, labels=labels, signatures=[s for s in self.signatures if surname_key(s.family) in known])

    def of_tier(self, tiers: str) -> Gold:
        """The set with, of the labels that have a tier, only those of the letters of `tiers`; all where it is empty."""
        return self.restricted({key for key in self.labels if not tiers or self.tiers.get(key, tiers) in tiers})


def read_gold(folder: Path, tier: str = "") -> Gold:
    """Read a gold folder; with `tier`, of the labels that have a tier only those of its letters. Raises GoldError."""
    rows = list(_lines(folder / "gold.jsonl.gz", "paper_id", "position", "author_id"))
    labels = {(row["paper_id"], row["position"]): row["author_id"] for row in rows}
    tiers = {(row["paper_id"], row["position"]): row["tier"] for row in rows if row.get("tier")}
    families: set[str] = set()
    for paper in _lines(folder / "papers.jsonl.gz", *_PAPER):
        families |= {surname_key(a["family"]) for a in paper["authors"] if (paper["id"], a["position"]) in labels}
    signatures: list[Signature] = []
    keys: list[Key] = []
    for paper in _lines(folder / "papers.jsonl.gz", *_PAPER):
        signatures += _signatures(paper, len(keys), families)
        keys += [(paper["id"], author["position"]) for author in paper["authors"]]
    if missing := labels.keys() - set(keys):
        raise GoldError(f"{folder}: {len(missing)} labelled signatures stand in no paper, among them {min(missing)}")
    name = folder.parent.name if folder.name == "dev" else folder.name
    gold = Gold(name, signatures, keys, labels, tiers)
    return gold.of_tier(tier) if tier else gold


def folds_of(gold: Gold, folds: int) -> dict[Key, int]:
    """The fold of each labelled signature, 0 to `folds` - 1: by hash of the first of the blocks that authors tie."""
    parent: dict[str, str] = {}

    def root(x: str) -> str:
        parent.setdefault(x, x)
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    blocks = {key: f"{surname_key(s.family)}/{fold(s.given)[:1]}" for key, s in gold.labelled.items()}
    first: dict[str, str] = {}
    for key, block in blocks.items():
        low, high = sorted((root(block), root(first.setdefault(gold.labels[key], block))))
        parent[high] = low
    return {key: crc32(root(block).encode()) % folds for key, block in blocks.items()}


def find_sets(folder: Path) -> list[Path]:
    """The gold folders at, or one or two levels below, `folder`, by name. Raises GoldError if there is none."""
    found = sorted(path.parent for depth in ("", "*/", "*/*/") for path in folder.glob(f"{depth}gold.jsonl.gz"))
    if not found:
        raise GoldError(
            f"{folder} holds no gold set: papers.jsonl.gz and gold.jsonl.gz are looked for there and in its folders"
        )
    return found


def write_clusters(path: Path, found: Iterable[tuple[str, Mapping[Key, Hashable]]]) -> None:
    """Write the clusters of one gold set or several, by the name of the set; gzipped where the name ends so.

    A line is `{"paper_id", "position", "cluster_id"}`, with the "set" where there are several.
    """
    sets = list(found)
    with gzip.open(path, "wt", encoding="utf-8") if path.suffix == ".gz" else path.open("w", encoding="utf-8") as file:
        for name, clusters in sets:
            for (paper, position), cluster in clusters.items():
                row = {"paper_id": paper, "position": position, "cluster_id": cluster}
                file.write(json.dumps({"set": name, **row} if len(sets) > 1 else row, ensure_ascii=False) + "\n")


def read_clusters(path: Path) -> dict[str, dict[Key, Hashable]]:
    """Read clusters, by set ("" where a line names none) and signature. Raises GoldError."""
    found: defaultdict[str, dict[Key, Hashable]] = defaultdict(dict)
    for row in _lines(path, "paper_id", "position", "cluster_id"):
        found[row.get("set", "")][row["paper_id"], row["position"]] = row["cluster_id"]
    return dict(found)


def _signatures(paper: Mapping[str, Any], first: int, families: Container[str]) -> Iterator[Signature]:
    authors = paper["authors"]
    coauthors = [coauthor_key(a["family"], a["given"]) for a in authors]
    for number, author in enumerate(authors):
        if surname_key(author["family"]) in families:
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
