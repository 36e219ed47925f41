"""Give clusters the ids that their people already have, so that addresses live.

Problem: a new run knows clusters, the world knows authors. Idea: an author whom people speak of is anchored on one
signature, and its id goes where that goes; of several anchored in one cluster the one whom people just decided on keeps
it, then a claimed one, then the one who had more of it. Any other cluster takes the id of the unanchored author who had
the largest part; a tie goes to the lowest id. Entry point: `reconcile`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

NOBODY: frozenset[int] = frozenset()


def reconcile(
    clusters: Sequence[Collection[int]],
    previous: Mapping[int, int],
    anchors: Mapping[int, int] | None = None,
    claimed: frozenset[int] = NOBODY,
    first: Collection[int] = NOBODY,
) -> list[int | None]:
    """The author id that each cluster keeps, None where it is a new person; no id twice.

    `previous` maps signature to author, `anchors` author to signature: an anchored author has the cluster of its anchor
    or, beside a worthier one, none. One whose anchor is in no cluster here keeps nothing here.
    """
    anchors = anchors or {}
    cluster_of = {signature: number for number, cluster in enumerate(clusters) for signature in cluster}
    shared = [Counter(previous[s] for s in cluster if s in previous) for cluster in clusters]
    kept: list[int | None] = [None] * len(clusters)
    anchored = sorted(
        (
            author not in first,
            author not in claimed,
            -shared[cluster_of[signature]][author],
            author,
            cluster_of[signature],
        )
        for author, signature in anchors.items()
        if signature in cluster_of
    )
    for *_rank, author, number in anchored:
        if kept[number] is None:
            kept[number] = author
    overlaps = sorted(
        (-count, author, min(clusters[number]), number)
        for number, authors in enumerate(shared)
        for author, count in authors.items()
        if kept[number] is None and author not in anchors
    )
    taken: set[int] = set()
    for _count, author, _lowest, number in overlaps:
        if kept[number] is None and author not in taken:
            kept[number] = author
            taken.add(author)
    return kept
