"""Where an old address leads: to the heir of all works, or to the several people whom they went to.

Problem: an id on which nothing is left was somebody's, and whoever kept it wants to know whose its works are now. Idea:
the step that left a record empty says whom each work went to (`Move`), and who got them may have been merged since.
Entry points: `successors`, `heir_of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .models import Author, Move


@dataclass(slots=True)
class Successor:
    """Whom `works` of an old record went to, in the end, last at `at`, and why."""

    author: Author
    works: int
    at: datetime
    reason: str


def successors(author: Author) -> list[Successor]:
    """The people who got the last works of the author, most works first; the author again where those came back."""
    came = Move.objects.filter(target=author).order_by("-pk").values_list("pk", flat=True).first() or 0
    went = Move.objects.filter(source=author, kind=Move.Kind.MERGED, pk__gt=came).select_related("target__merged_into")
    found: dict[int, Successor] = {}
    for move in went.order_by("pk"):
        if move.target is None:  # a merge has one; other moves need not
            continue
        heir = heir_of(move.target)
        before = found[heir.pk].works if heir.pk in found else 0
        found[heir.pk] = Successor(heir, before + move.count, move.made_at, move.reason)
    return sorted(found.values(), key=lambda successor: (-successor.works, successor.author.pk))


def heir_of(author: Author) -> Author:
    """The author, or whom they were merged into in the end."""
    seen = {author.pk}
    while author.merged_into is not None and author.merged_into.pk not in seen:
        author = author.merged_into
        seen.add(author.pk)
    return author
