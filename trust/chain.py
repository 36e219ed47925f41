"""The chain of the trust ledger: what the hash of an entry binds, and which entries are not as they were written.

Problem: somebody with the database in hand can change any row, and whoever checks wants to hear which one, not that
"everything after it" is wrong. Idea: each entry holds the hash of the one before, so the chain is read from its sealed
end backwards: an entry is believed because the one after it, already believed, says what its hash is. Where that fails,
the reading picks the chain up again at the next entry that is whole in itself. Entry points: `hashed`, `digest` and
`faults`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

ZEROS = "0" * 64  # what the first entry holds as the hash of the one before


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as its hash binds it: `digest` stands for the sources, `at` is as `moment` writes it."""

    seq: int
    author: int
    rule: str
    model: str
    points: int
    digest: str
    at: str
    previous: str
    hash: str

    def hashed(self, seq: int) -> str:
        """The hash that it would have as number `seq`."""
        return hashed(seq, self.author, self.rule, self.model, self.points, self.digest, self.at, self.previous)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the entries of these numbers, in a sentence."""

    numbers: Collection[int]
    sentence: str


def canonical(value: object) -> str:
    """JSON in ASCII without spaces.

    >>> canonical(["work:1", 2])
    '["work:1",2]'
    """
    return json.dumps(value, separators=(",", ":"))


def moment(at: datetime) -> str:
    """ISO 8601 in UTC with microseconds.

    >>> moment(datetime(2026, 3, 1, 12, tzinfo=UTC))
    '2026-03-01T12:00:00.000000+00:00'
    """
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def digest(sources: Sequence[str], salt: str) -> str:
    """What stands for the sources in the hash, and tells nothing of them to whom the salt is not known."""
    return _sha256(salt + canonical(list(sources)))


def hashed(seq: int, author: int, rule: str, model: str, points: int, digest: str, at: str, previous: str) -> str:
    """The hash of an entry: 64 hexadecimal digits."""
    return _sha256(canonical([seq, author, rule, model, points, digest, at, previous]))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def faults(newest_first: Iterable[Link], entries: int, head: str) -> Iterator[Fault]:
    """What is wrong with a chain that should hold so many `entries` and end in the hash `head`; nothing is kept of it.

    `number` and `expected` are of the entry that must come next, as the one after it says; `expected` is empty where
    that one is not to be believed. Where rows were put in or taken out and the others renumbered, all those after them
    stand off by `shift`, which is one fault and not one for each.
    """
    number, expected, shift = entries, head, 0
    known = number, expected  # the last that was believed, before entries that are not as they were written
    for link in newest_first:
        written = next((n for n, hash in ((number, expected), known) if hash == link.hash == link.hashed(n)), None)
        if written is not None:
            if link.seq != written and link.seq - written != shift:
                yield Fault((link.seq, written), f"Entry {link.seq} was written as entry {written}.")
            shift, number, expected = link.seq - written, written - 1, link.previous
            known = number, expected
            continue
        place = link.seq - shift
        whole = next((n for n in (place, link.seq) if link.hash == link.hashed(n)), None)
        if not 0 < (place if whole is None else whole) <= number:
            yield Fault((link.seq,), f"Entry {link.seq} was put in: the chain does not lead over it.")
        elif whole is None:
            yield from _missing(place + 1, number)
            yield Fault((link.seq,), f"Entry {link.seq} was changed: it does not give its hash.")
            number, expected = place - 1, ""
        else:
            yield from _missing(whole + 1, number)
            if forged := whole == number and expected != "":
                after = "the head" if number == entries else f"entry {link.seq + 1}"
                yield Fault((link.seq,), f"Entry {link.seq} was written anew: {after} holds another hash of it.")
            shift, number, expected = link.seq - whole, whole - 1, "" if forged else link.previous
            known = number, expected
    yield from _missing(1, number)
    if number == 0 and expected not in ("", ZEROS):
        yield Fault((1,), "Entry 1 is not the first: it holds the hash of one before it.")


def _missing(first: int, last: int) -> Iterator[Fault]:
    if first == last:
        yield Fault(range(first, last + 1), f"Entry {first} is missing.")
    elif first < last:
        yield Fault(range(first, last + 1), f"Entries {first} to {last} are missing.")
