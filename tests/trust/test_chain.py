"""The chain by itself: what is found of each kind of edit, and that one edit is one fault and not a hundred."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256

import pytest

from trust.chain import ZEROS, Link, digest, faults, moment

SIZE = 12


def chain(size: int = SIZE) -> list[Link]:
    """Entries 1 to `size`, oldest first."""
    links: list[Link] = []
    for seq in range(1, size + 1):
        previous = links[-1].hash if links else ZEROS
        bare = Link(seq, 1 + seq % 3, "works", "trust-2", seq, digest([f"work:{seq}"], "00"), "then", previous, "")
        links.append(rehashed(bare))
    return links


def rehashed(link: Link) -> Link:
    return replace(link, hash=link.hashed(link.seq))


HEAD = chain()[-1].hash


def named(links: list[Link], entries: int = SIZE, head: str = HEAD) -> list[int]:
    """The numbers that are found wrong, as they would be read from the database: by number, newest first."""
    found = faults(sorted(links, key=lambda link: -link.seq), entries, head)
    return sorted({number for fault in found for number in fault.numbers})


def test_the_hash_is_sha_256_of_what_it_says():
    [link] = chain(1)
    sources = sha256(b'00["work:1"]').hexdigest()
    told = json.dumps([1, 2, "works", "trust-2", 1, sources, "then", ZEROS], separators=(",", ":"))
    assert link.hash == sha256(told.encode()).hexdigest()


def test_a_moment_is_written_the_same_in_every_zone():
    at = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=timezone(timedelta(hours=5)))
    assert moment(at) == "2026-03-01T07:00:00.000005+00:00"


def test_a_whole_chain_and_an_empty_one_have_no_fault():
    assert named(chain()) == []
    assert named([], 0, ZEROS) == []


def changed(links: list[Link], seq: int) -> list[Link]:
    return [replace(link, points=99) if link.seq == seq else link for link in links]


def written_anew(links: list[Link], seq: int) -> list[Link]:
    return [rehashed(replace(link, points=99)) if link.seq == seq else link for link in links]


def taken_out(links: list[Link], seq: int) -> list[Link]:
    return [link for link in links if link.seq != seq]


def swapped_with_the_next(links: list[Link], seq: int) -> list[Link]:
    other = seq + 1 if seq < SIZE else 1
    return [replace(link, seq={seq: other, other: seq}.get(link.seq, link.seq)) for link in links]


def moved_to_another_number(links: list[Link], seq: int) -> list[Link]:
    return [replace(link, seq=SIZE + 5) if link.seq == seq else link for link in links]


def with_another_hash_before(links: list[Link], seq: int) -> list[Link]:
    return [rehashed(replace(link, previous="f" * 64)) if link.seq == seq else link for link in links]


@pytest.mark.parametrize("seq", range(1, SIZE + 1))
@pytest.mark.parametrize(
    "edit", [changed, written_anew, taken_out, with_another_hash_before, swapped_with_the_next, moved_to_another_number]
)
def test_each_edit_is_found_and_nothing_beside_it(edit: Callable[[list[Link], int], list[Link]], seq: int):
    others = {"swapped_with_the_next": seq + 1 if seq < SIZE else 1, "moved_to_another_number": SIZE + 5}
    assert named(edit(chain(), seq)) == sorted({seq, others.get(edit.__name__, seq)})


@pytest.mark.parametrize("seq", range(1, SIZE + 2))
@pytest.mark.parametrize("honest", [True, False])
def test_an_entry_that_was_put_in_is_named_also_where_the_others_made_room(seq: int, honest: bool):
    links = [link if link.seq < seq else replace(link, seq=link.seq + 1) for link in chain()]
    previous = next((link.hash for link in links if link.seq == seq - 1), ZEROS)
    extra = Link(seq, 1, "works", "trust-2", 9, digest([], "11"), "then", previous, "a" * 64)
    found = named([*links, rehashed(extra) if honest else extra])
    assert seq in found
    assert set(found) <= {seq, SIZE, SIZE + 1}  # the newest, too, stands at a number that it was not written as


@pytest.mark.parametrize("seq", range(1, SIZE + 1))
def test_an_entry_that_was_taken_out_is_named_also_where_the_others_closed_the_gap(seq: int):
    links = [link if link.seq < seq else replace(link, seq=link.seq - 1) for link in chain() if link.seq != seq]
    found = named(links)
    assert seq in found
    assert set(found) <= {seq, SIZE - 1, SIZE}


def test_many_that_are_missing_are_one_sentence():
    [fault] = faults(reversed([link for link in chain() if not 3 < link.seq < 9]), SIZE, HEAD)
    assert fault.sentence == "Entries 4 to 8 are missing."


def test_two_edits_are_both_named():
    assert named(written_anew(taken_out(changed(chain(), 10), 7), 3)) == [3, 7, 10]


def test_a_tail_that_was_written_anew_does_not_lead_to_the_head():
    links = chain()[:8]
    for seq in range(9, SIZE + 1):
        links.append(rehashed(Link(seq, 1, "works", "trust-2", 2, digest([], "22"), "then", links[-1].hash, "")))
    assert SIZE in named(links)
