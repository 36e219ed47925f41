"""Give clusters the ids that their people already have, so that addresses live.

Problem: a new run knows clusters, the world knows authors. Idea: the part of an author's signatures that is largest
keeps the id; an author whom somebody has claimed keeps it against any larger part of an unclaimed one; a tie goes to
the lowest id. Entry point: `reconcile`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Collision:
    """A cluster (by its number) that holds signatures of several claimed authors: for a curator, never merged."""

    cluster: int
    authors: tuple[int, ...]


def reconcile(
    clusters: Sequence[frozenset[int]], previous: Mapping[int, int], protected: frozenset[int] = frozenset()
) -> list[int | None]:
    """The author id that each cluster keeps, None where it is a new person; no id twice.

    `previous` maps signature to author id; authors in `protected` (claimed) come first. Where a cluster holds several
    protected authors it takes one of them by size; see `collisions`, and divide the cluster before storing it.
    """
    overlaps = [
        (author not in protected, -shared, author, min(cluster), number)
        for number, cluster in enumerate(clusters)
        for author, shared in Counter(previous[s] for s in cluster if s in previous).items()
    ]
    kept: list[int | None] = [None] * len(clusters)
    taken: set[int] = set()
    for _free, _shared, author, _lowest, number in sorted(overlaps):
        if kept[number] is None and author not in taken:
            kept[number] = author
            taken.add(author)
    return kept


def collisions(
    clusters: Sequence[frozenset[int]], previous: Mapping[int, int], protected: frozenset[int]
) -> list[Collision]:
    """The clusters in which several protected authors meet."""
    held = [tuple(sorted({previous[s] for s in cluster if s in previous} & protected)) for cluster in clusters]
    return [Collision(number, authors) for number, authors in enumerate(held) if len(authors) > 1]


def divided(cluster: frozenset[int], previous: Mapping[int, int], protected: frozenset[int]) -> list[frozenset[int]]:
    """A cluster in which protected authors meet, as one part for each of them; the rest stays with the largest part.

    Parts by ascending author id. A cluster with fewer than two protected authors comes back whole.
    """
    parts: dict[int, set[int]] = {}
    for signature in cluster:
        if (author := previous.get(signature)) is not None and author in protected:
            parts.setdefault(author, set()).add(signature)
    if len(parts) < 2:
        return [cluster]
    largest = min(parts, key=lambda author: (-len(parts[author]), author))
    parts[largest] |= cluster - frozenset().union(*parts.values())
    return [frozenset(parts[author]) for author in sorted(parts)]
