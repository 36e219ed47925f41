"""Anchors: the signature by which an author whom people speak of is known, whatever the machine recomputes.

Problem: a decision about an author, or a claim, must mean the same after any run. Idea: it is about the author's
anchor, one of its signatures, chosen once: the one that most of the others were compared with. Only when a source takes
that name off its paper, or people say that it is somebody else's, another one takes its place.
Entry points: `choose` for authors that a decision names; `settle`, `known` and `follow` around a run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.db.models import Q

from .arrays import ids
from .models import Assignment, Author, Correction


def choose(authors: Collection[int], leaving: Collection[int] = ()) -> None:
    """Anchor these authors, where they have no anchor and a signature that could be one.

    That is none which people said is not theirs, or is somebody else's, none by which another author is known, and none
    of those that are `leaving` them.
    """
    candidates: defaultdict[int, set[int]] = defaultdict(set)
    links: Counter[int] = Counter()
    rows = Assignment.objects.filter(author__in=authors, author__anchor=None)
    for author, signature, other in rows.values_list("author", "signature", "compared_with"):
        if signature not in leaving:
            candidates[author].add(signature)
            links[other] += 1
    if not candidates:
        return
    said = Correction.objects.live().filter(signature__in=set().union(*candidates.values()), author__isnull=False)
    for author, signature, same in said.values_list("author", "signature", "same"):
        for other, found in candidates.items():
            if (other == author) != same:
                found.discard(signature)
    of_others = set(
        Author.objects.filter(anchor__in=set().union(*candidates.values())).values_list("anchor", flat=True)
    )
    for author, found in sorted(candidates.items()):
        if free := found - of_others:
            Author.objects.filter(pk=author).update(anchor=min(free, key=lambda s: (-links[s], s)))


def settle(authors: Collection[int]) -> None:
    """Anchor those of `authors` who should be and are not: claimed or hidden since, or their anchor is gone."""
    kept = Author.objects.keeping_their_ids().filter(anchor=None, pk__in=ids(authors))
    spoken_of = set(kept.values_list("pk", flat=True))
    for pair in Correction.objects.live().filter(author__isnull=False).values_list("author", "other_author"):
        spoken_of.update(author for author in pair if author is not None)
    choose(spoken_of.intersection(authors))


def known(previous: Mapping[int, int], signatures: Collection[int]) -> list[Author]:
    """Those anchored on one of `signatures`, or anchored and known from `previous`."""
    here = Q(anchor__in=ids(signatures)) | Q(pk__in=ids(set(previous.values())))
    return list(
        Author.objects.filter(here, anchor__isnull=False).only(
            "anchor", "account", "merged_into", "visibility", "hides_printed"
        )
    )


def leads(anchored: Iterable[Author], now: Mapping[int, int]) -> dict[int, int | None]:
    """Whoever has the anchor of each of them now; None for an author who has it."""
    holders = {author.pk: now.get(author.anchor_id or 0, author.pk) for author in anchored}
    return {author: None if holder == author else holder for author, holder in holders.items()}


def follow(anchored: Iterable[Author], now: Mapping[int, int]) -> None:
    """Lead from each of them to whoever has its anchor now; an author who has it back is nobody's any more."""
    anchored = list(anchored)
    found = leads(anchored, now)
    for author in anchored:
        if (heir := found[author.pk]) != author.merged_into_id:
            Author.objects.filter(pk=author.pk).update(merged_into=heir, stale=True)
