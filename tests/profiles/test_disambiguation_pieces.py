"""Oversized blocks: whom the pieces parted is joined again, whom anything forbids is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.disambiguation.blocking import cut
from profiles.disambiguation.clustering import Decisions
from profiles.disambiguation.engine import resolve
from profiles.disambiguation.signatures import Signature

TEAM = ("babbage|charles", "somerville|mary", "menabrea|luigi")


def engines(count: int) -> list[Signature]:
    """So many works on one subject by one printed name with one team."""
    return [
        Signature(
            n, n, "Lovelace", "Ada", coauthors=TEAM, title="Notes on the analytical engine", year=1840 + n, team=4
        )
        for n in range(count)
    ]


def clusters(signatures: list[Signature], cap: int, decisions: Decisions = Decisions()) -> list[tuple[int, ...]]:  # noqa: B008
    return [cluster.members for cluster in resolve(signatures, decisions, cap=cap).clusters]


@pytest.mark.parametrize("cap", [4, 9, 10, 20])
def test_a_person_with_more_works_than_the_cap_is_one_person(cap: int):
    assert clusters(engines(20), cap) == [tuple(range(20))]


def test_two_on_one_paper_are_not_joined_over_the_pieces():
    signatures = engines(20)
    signatures[19] = replace(signatures[19], paper=0)
    found = clusters(signatures, 5)
    assert not any({0, 19} <= set(members) for members in found)
    assert sorted(m for members in found for m in members) == list(range(20))


def test_a_decision_that_two_are_different_holds_over_the_pieces():
    found = clusters(engines(20), 5, Decisions(different=frozenset({(0, 19)})))
    assert not any({0, 19} <= set(members) for members in found)


def test_two_authenticated_iDs_are_not_joined_over_the_pieces():
    signatures = engines(20)
    signatures[0], signatures[19] = (
        replace(signatures[0], orcid="0000-0001-5109-3700"),
        replace(signatures[19], orcid="0000-0002-1825-0097"),
    )
    assert not any({0, 19} <= set(members) for members in clusters(signatures, 5))


def test_who_is_joined_over_the_pieces_says_by_which_link():
    resolution = resolve(engines(20), cap=5)
    (cluster,) = resolution.clusters
    pieces = {(a.signature, a.linked_to) for a in cluster.attributions}
    assert all(other is not None for _one, other in pieces)
    assert all(a.total == pytest.approx(sum(e.weight for e in a.evidence)) for a in cluster.attributions)


@given(st.lists(st.tuples(st.integers(1, 8), st.sets(st.sampled_from("abcdefgh"))), min_size=1), st.integers(8, 30))
def test_a_cut_loses_nothing_and_keeps_the_cap(items, cap):
    chunks = list(cut(items, cap))
    assert sorted(p for chunk in chunks for p in chunk) == list(range(len(items)))
    assert all(sum(items[p][0] for p in chunk) <= cap for chunk in chunks)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(TEAM), min_size=8, max_size=24), st.integers(2, 6), st.randoms())
def test_under_any_cap_each_signature_has_one_cluster_whatever_the_order(teams, cap, chance):
    signatures = [replace(s, coauthors=(team,)) for s, team in zip(engines(len(teams)), teams, strict=True)]
    found = clusters(signatures, cap)
    assert sorted(m for members in found for m in members) == list(range(len(teams)))
    chance.shuffle(signatures)
    assert clusters(signatures, cap) == found
