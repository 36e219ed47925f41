"""Anchors: the signature by which an author whom people speak of is known, whatever the machine recomputes.

Problem: a decision about an author, or a claim, must mean the same after any run. Idea: it is about the author's
anchor, one of its signatures, chosen once: the one that most of the others were compared with. Only when a source takes
that name off its paper, or people say that it is somebody else's, another one takes its place.
Entry points: `choose` for authors that a decision names; `settle`, `of` and `follow` around a run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from django.db.models import Q

from .models import Assignment, Author, Correction


def choose(authors: Collection[int]) -> None:
    """Anchor these authors, where they have no anchor and a signature that could be one.

    That is none which people said is not theirs, or is somebody else's, and none by which another author is known.
    """
    candidates: defaultdict[int, set[int]] = defaultdict(set)
    links: Counter[int] = Counter()
    rows = Assignment.objects.filter(author__in=authors, author__anchor=None)
    for author, signature, other in rows.values_list("author", "signature", "compared_with"):
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


def settle(surnames: Sequence[str], authors: Collection[int]) -> None:
    """Anchor those of `authors` who should be and are not: claimed since the last run, or their anchor is gone."""
    spoken_of = set(Author.objects.filter(account__isnull=False, anchor=None).values_list("pk", flat=True))
    for pair in Correction.objects.live().filter(author__isnull=False).values_list("author", "other_author"):
        spoken_of.update(author for author in pair if author is not None)
    choose(spoken_of.intersection(authors))


def of(previous: Mapping[int, int], signatures: Collection[int]) -> tuple[dict[int, int], frozenset[int]]:
    """The anchors by author, of those anchored on one of `signatures` or known from `previous`; and who is claimed."""
    known = Author.objects.filter(anchor__isnull=False).filter(
        Q(anchor__in=list(signatures)) | Q(pk__in=set(previous.values()))
    )
    rows = list(known.values_list("pk", "anchor", "account"))
    return {pk: anchor for pk, anchor, _ in rows}, frozenset(pk for pk, _, account in rows if account is not None)


def follow(now: Mapping[int, int]) -> None:
    """Lead from each anchored author to whoever has its anchor now; an author who has it back is nobody's any more."""
    known = Author.objects.filter(anchor__isnull=False, anchor__in=list(now))
    for pk, anchor, merged_into in known.values_list("pk", "anchor", "merged_into"):
        heir = None if now[anchor] == pk else now[anchor]
        if heir != merged_into:
            Author.objects.filter(pk=pk).update(merged_into=heir, stale=True)
