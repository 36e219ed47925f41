"""The ledger as everybody may have it: a line of JSON for each entry, from which its chain and each score follow.

What a hidden record rests on is nobody's business, nor with whom it is tied: of such an entry the sources and the salt
are left out and their digest stands instead, so that the chain is checked all the same. Entry points: `hidden` and
`lines`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from profiles.models import Author

from .chain import digest, moment
from .models import LedgerEntry

PART = 2_000  # entries held in memory at a time


def hidden() -> frozenset[str]:
    """The people whose records are not public, as sources name them."""
    ids = Author.objects.exclude(visibility=Author.Visibility.PUBLIC).values_list("pk", flat=True)
    return frozenset(f"person:{pk}" for pk in ids)


def lines(hidden: Collection[str], first: int | None = None, end: int | None = None) -> Iterator[str]:
    """A line for each entry from number `first` up to before `end`; without, for what has no business there too."""
    entries = LedgerEntry.objects.order_by("seq")
    if end is not None:
        entries = entries.filter(seq__lt=end)
    part = list((entries if first is None else entries.filter(seq__gte=first))[:PART])
    while part:
        for entry in part:
            yield _line(entry, hidden)
        part = list(entries.filter(seq__gt=part[-1].seq)[:PART])


def _line(entry: LedgerEntry, hidden: Collection[str]) -> str:
    told: dict[str, object] = {
        "seq": entry.seq,
        "author": entry.author_id,
        "rule": entry.rule,
        "model": entry.model,
        "points": entry.points,
    }
    if any(named in hidden for named in (f"person:{entry.author_id}", *entry.sources)):
        told["digest"] = digest(entry.sources, entry.salt)
    else:
        told |= {"sources": entry.sources, "salt": entry.salt}
    return json.dumps(told | {"at": moment(entry.at), "previous": entry.previous, "hash": entry.hash}) + "\n"
