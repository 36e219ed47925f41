"""The trust model against sums done by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust import scoring
from trust.scoring import BANDS, RULES, Component, Facts, Work, agrees, assess, band, level, remedies


def works(strong: int, weak: int = 0, **facts: bool) -> tuple[Work, ...]:
    given = {"identifier": True, "date": True, "abstract": True, "authors": True, "category": True} | facts
    return tuple(Work(n, f"Work {n}", strong=n < strong, **given) for n in range(strong + weak))


def points(facts: Facts, rule: str) -> int:
    return next(c.points for c in assess(facts).components if c.rule == rule)


REFERENCE = Facts(works(6, weak=1), tuple((n, f"Friend {n}", 2) for n in range(4)))


def test_the_reference_profile_is_12_and_4_and_5():
    assert [c.points for c in assess(REFERENCE).components] == [12, 4, 5, 0, 0, 0, 0, 0]
    assert (assess(REFERENCE).score, assess(REFERENCE).band, assess(REFERENCE).level) == (21, "Emerging", 1)


@pytest.mark.parametrize(
    ("facts", "rule", "expected"),
    [
        (Facts(works(3)), "works", 6),
        (Facts(works(0, weak=9)), "works", 0),
        (Facts(works(50)), "works", 12),
        (Facts(works(1), ((1, "A", 2), (2, "B", 3))), "collaborators", 2),
        (Facts(works(1), tuple((n, "A", 2) for n in range(9))), "collaborators", 4),
        (Facts(works(2, abstract=False)), "completeness", 4),
        (Facts(works(2, date=False, category=False, abstract=False)), "completeness", 2),
        (Facts(()), "completeness", 0),
        (Facts(works(1), affiliations=(("Analytical Society", 1),)), "affiliation", 2),
        (Facts(works(1), affiliations=tuple((f"Place {n}", 1) for n in range(4))), "affiliation", 5),
        (Facts(works(1), affiliations=(("UCLA", 1),), agreeing=frozenset({"UCLA"})), "affiliation", 5),
        (Facts(works(1), affiliations=(("UCLA", 1),), agreeing=frozenset({"MIT"})), "affiliation", 2),
        (Facts(works(1), claimed_level=4, disputed=True), "control", 0),
        (Facts(works(1), identifiers=("ORCID 0000-0002-1825-0097",)), "identifiers", 7),
        (Facts(works(1), identifiers=("a", "b", "c")), "identifiers", 14),
        (Facts(works(1), claimed_level=2), "control", 5),
        (Facts(works(1), claimed_level=3), "control", 20),
        (Facts(works(1), claimed_level=5), "control", 30),
        (Facts((*works(2), Work(9, "Confirmed", strong=True, confirmed=True))), "review", 6),
        (Facts(works(1), attestations=("A", "B")), "attestation", 4),
        (Facts(works(1), attestations=tuple("ABCDEFG")), "attestation", 10),
    ],
)
def test_each_rule_by_hand(facts: Facts, rule: str, expected: int):
    assert points(facts, rule) == expected


def test_the_caps_add_up_to_one_hundred():
    assert sum(component.cap for component in assess(Facts(())).components) == 100


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (0, "Unverified"),
        (19, "Unverified"),
        (20, "Emerging"),
        (39, "Emerging"),
        (40, "Established"),
        (69, "Established"),
        (70, "Strong"),
        (89, "Strong"),
        (90, "Fully supported"),
        (100, "Fully supported"),
    ],
)
def test_bands_at_their_edges(score: int, name: str):
    assert band(score) == name


def test_the_bands_cover_every_score_once():
    assert [n for low, high, _ in BANDS for n in range(low, high + 1)] == list(range(101))


def test_a_name_without_a_strong_work_is_not_resolved():
    assert level(Facts(works(0, weak=3))) == 0
    assert level(Facts(works(1))) == 1
    assert level(Facts((), claimed_level=3)) == 3


def test_an_unclaimed_record_can_still_become_strong():
    confirmed = tuple(Work(n, "W", True, True, True, True, True, True, True) for n in range(6))
    facts = Facts(
        confirmed,
        REFERENCE.collaborators,
        (("A", 1), ("B", 2), ("C", 3)),
        ("x", "y"),
        attestations=tuple("ABCDE"),
    )
    assert (assess(facts).score, assess(facts).band) == (70, "Strong")


@given(
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from([0, 2, 3, 4, 5]),
)
def test_points_are_whole_capped_and_re_add(strong: int, weak: int, friends: int, places: int, ids: int, claimed: int):
    facts = Facts(
        works(strong, weak),
        tuple((n, "A", 2) for n in range(friends)),
        tuple((f"P{n}", n) for n in range(places)),
        tuple(map(str, range(ids))),
        claimed,
    )
    assessment = assess(facts)
    assert all(isinstance(c.points, int) and 0 <= c.points <= c.cap for c in assessment.components)
    assert assessment.score == sum(c.points for c in assessment.components) <= 100
    assert len(assessment.components) == len(RULES)
    assert sum(worth for _, worth in remedies(assessment)) == 100 - assessment.score


@pytest.mark.parametrize(
    ("claimed", "disputed", "first"),
    [
        (0, False, "Claim the record"),
        (2, False, "Prove control of the record in two ways"),
        (3, False, "Prove control of the record in a second way"),
        (3, True, "Let a curator settle"),
        (4, False, "Confirm which of the works are right"),
    ],
)
def test_the_first_step_follows_from_what_is_proved(claimed: int, disputed: bool, first: str):
    steps = remedies(assess(Facts(works(7), claimed_level=claimed, disputed=disputed)))
    assert steps[0][0].startswith(first)


def test_of_a_record_that_nobody_claimed_somebody_else_confirms_the_works():
    assert ("Have a curator, or the owner once the record is claimed, confirm which of the works are right", 20) in (
        remedies(assess(Facts(works(7))))
    )


def test_every_row_that_carries_points_is_named_by_kind_and_number_alone():
    facts = Facts(
        tuple(Work(n, "Jane Smith's work", True, True, True, True, True, True, True) for n in range(1, 4)),
        ((7, "Ann Smith", 2),),
        (("Smith Institute", 1), ("UCLA", 2)),
        ("ORCID 0000-0002-1825-0097",),
        3,
        ("Ann Smith",),
        proofs=("An address printed on a paper",),
        sources={
            "collaborators": ["person:7"],
            "identifiers": ["proof:4"],
            "control": ["claim:1", "proof:2"],
            "attestation": ["proof:3"],
        },
    )
    for component in assess(facts).components:
        sources = [row.source for row in component.rows if row.source]
        assert component.points == 0 or sources, component.rule
        assert "Smith" not in "".join(sources)
        assert not component.each or component.points <= component.each * len(sources)


def test_a_suspended_component_says_why():
    [control] = [c for c in assess(Facts(works(1), claimed_level=4, disputed=True)).components if c.rule == "control"]
    assert "suspended" in control.explanation


@pytest.mark.parametrize(
    ("address", "affiliation", "expected"),
    [
        ("ann@cs.ucla.edu", "Dept. of Computer Science, UCLA, Los Angeles", True),
        ("ann@tuwien.ac.at", "TU Wien (tuwien)", True),
        ("ann@ucla.edu", "University of California, Los Angeles", False),
        ("ann@edu.cn", "Edu Centre", False),
        ("ann@ac.uk", "AC Ltd", False),
        ("ann@example.com", "com", False),
        ("ann", "ann", False),
    ],
)
def test_an_address_agrees_with_an_affiliation_that_names_its_domain(address: str, affiliation: str, expected: bool):
    assert agrees(address, affiliation) is expected


# --- suspended by a contradiction, and the document ------------------------------------------------------------------


def component(facts: Facts, rule: str) -> Component:
    return next(c for c in assess(facts).components if c.rule == rule)


def test_two_different_iDs_suspend_identifiers_and_are_named():
    found = component(Facts(works(2), conflicting=("ORCID A", "ORCID B")), "identifiers")
    assert found.points == 0
    assert found.explanation.endswith("; suspended: works state ORCID A and ORCID B")


def test_a_work_that_people_decided_both_ways_is_suspended_and_named():
    disputed = Work(9, "Of eels", strong=False, disputed=True)
    facts = Facts((*works(2), disputed))
    assert points(facts, "works") == 4
    assert component(facts, "works").explanation.endswith("; suspended: “Of eels”, where people decided both ways")
    assert points(Facts((disputed,)), "works") == 0


def test_a_disputed_holder_suspends_what_rests_on_the_holder_alone():
    by_owner = Work(1, "One", strong=True, confirmed=True, by_owner=True)
    by_curator = Work(2, "Two", strong=True, confirmed=True)
    facts = Facts((by_owner, by_curator), claimed_level=4, attestations=("A", "B"))
    assert [points(facts, rule) for rule in ("control", "review", "attestation")] == [30, 20, 4]
    disputed = replace(facts, disputed=True)
    assert [points(disputed, rule) for rule in ("control", "review", "attestation")] == [0, 10, 0]
    for rule in ("control", "review", "attestation"):
        assert "suspended: a second account" in component(disputed, rule).explanation
        assert "suspended" not in component(facts, rule).explanation


def test_a_suspended_component_that_had_nothing_says_nothing():
    disputed = Facts(works(1), claimed_level=3, disputed=True)
    assert "suspended" not in component(disputed, "attestation").explanation
    assert "suspended" not in component(disputed, "review").explanation


DOCUMENT = (Path(__file__).parents[2] / "docs" / "verification.md").read_text()


def test_the_document_has_the_weights_of_the_code():
    assert f"Model {scoring.MODEL};" in DOCUMENT
    told = dict(re.findall(r"^\| (\w+) \|.*\| (\d+) \|$", DOCUMENT, re.MULTILINE))
    assert told.pop("total") == "100"
    assert told == {c.rule: str(c.cap) for c in assess(Facts(())).components}
    rules = dict(re.findall(r"^\| (\w+) \| (.*) \| \d+ \|$", DOCUMENT, re.MULTILINE))
    numbers = {
        "works": [scoring.PER_WORK],
        "collaborators": [1],
        "completeness": [1],
        "affiliation": [scoring.PER_AFFILIATION, scoring.MOST_AFFILIATION],
        "identifiers": [scoring.PER_IDENTIFIER],
        "control": [scoring.CONTROL[2], scoring.CONTROL[3], scoring.CONTROL[4]],
        "review": [scoring.MOST_REVIEW],
        "attestation": [scoring.PER_ATTESTATION],
    }
    assert {rule: [int(n) for n in re.findall(r"(?<!L)\b\d+", rules[rule])] for rule in numbers} == numbers
    assert ", ".join(f"{low}–{high} {name}" for low, high, name in BANDS) in DOCUMENT
