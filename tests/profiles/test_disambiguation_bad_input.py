"""Bad input: whatever is printed is resolved or marked, never a crash, and never a merge for want of data."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.names import split_name
from profiles.disambiguation.block import COAUTHORS_KEPT, Texts, prepare
from profiles.disambiguation.blocking import Pairs
from profiles.disambiguation.engine import resolve
from profiles.disambiguation.evidence import RULES, matrix
from profiles.disambiguation.model import Model
from profiles.disambiguation.names import Agreement
from profiles.disambiguation.rarity import NameCounts
from profiles.disambiguation.signatures import Signature, coauthor_key
from profiles.disambiguation.vocabulary import Vocabulary

# Printed names that say nothing of who somebody is.
NOBODY = [
    "",
    " ",
    "A",
    "é",
    "J. S.",
    "A B",
    "王",
    "😀",
    "😀 😀",
    "…",
    "***",
    "1234",
    "et al.",
    "and others",
    "Unknown",
    "\x00",
]
# So many carry them, or so little is known of how many do, that the name alone joins nothing.
COMMON = ["Wei Wang", "J. Smith", "Yong Li", "Li", "王伟", "王小明", "김철수", "Иван Иванов", "王 Wei", "Иван Ivanov"]
ODD = [
    "The ATLAS Collaboration",
    "Ada " + "L" * 300,
    "A" * 300,
    "x" * 5_000,
    "John 😀 Smith",
    "Smith et al.",
    "\u202eevil",
    "Jr.",
]


def printed(number, name, **about):
    family, given_name, suffix = split_name(name)
    return Signature(number, number, family, given_name, suffix, **about)


def clusters(*signatures):
    return [cluster.members for cluster in resolve(signatures).clusters]


@pytest.mark.parametrize("name", NOBODY)
@pytest.mark.parametrize(
    "about", [{}, {"title": "On engines", "year": 1843, "coauthors": ("babbage|charles",), "team": 2}]
)
def test_a_name_that_tells_nobody_apart_joins_nothing_whatever_stands_around_it(name, about):
    alike = [printed(number, name, **about) for number in range(3)]
    raw = [Signature(number, number, name, "", **about) for number in range(3)]  # as a source may split it itself
    assert clusters(*alike) == clusters(*raw) == [(0,), (1,), (2,)]
    assert all(a.weak for c in resolve(alike).clusters for a in c.attributions)


@pytest.mark.parametrize("name", COMMON)
def test_a_common_name_with_nothing_around_it_joins_nothing(name):
    resolution = resolve([printed(number, name) for number in range(3)])
    assert [c.members for c in resolution.clusters] == [(0,), (1,), (2,)]
    assert all(a.weak for c in resolution.clusters for a in c.attributions)


@pytest.mark.parametrize("name", [*NOBODY, *COMMON, *ODD])
def test_whatever_is_printed_is_resolved_beside_ordinary_people(name):
    ada = [printed(number, "Ada Lovelace", title="On engines", team=2, coauthors=("x|y",)) for number in (0, 1)]
    odd = [printed(number, name, title="On engines", team=2, coauthors=("x|y",)) for number in (2, 3)]
    found = clusters(*ada, *odd)
    assert sorted(member for cluster in found for member in cluster) == [0, 1, 2, 3]
    assert (0, 1) in found


def test_authors_who_are_all_printed_alike_are_as_many_people():
    papers = [
        Signature(10 * paper + n, paper, "Wang", "Wei", coauthors=("wang|wei",) * 4, title="On engines", team=5)
        for paper in range(2)
        for n in range(5)
    ]
    found = clusters(*papers)
    assert all(len({member // 10 for member in cluster}) == len(cluster) for cluster in found)


def test_without_title_year_and_topics_coauthors_still_count():
    about = {"coauthors": ("babbage|charles", "somerville|mary", "menabrea|luigi"), "team": 4}
    assert clusters(printed(0, "Wei Wang", **about), printed(1, "Wei Wang", **about)) == [(0, 1)]


# --- teams of thousands ----------------------------------------------------------------------------------------------

TEAM = tuple(coauthor_key(f"Family{n}", f"Given{n}") for n in range(4_999))


def block_of(*signatures):
    vocabulary = Vocabulary.shipped()
    return prepare(signatures, Texts.of(signatures, vocabulary), NameCounts.shipped(), vocabulary)


def added(one, other):
    """What each rule adds to the log-odds that two signatures of one name are one person."""
    pair = Pairs(np.array([0], np.int32), np.array([1], np.int32), np.array([Agreement.SAME], np.int8))
    rows = Model.shipped().contributions(matrix(block_of(one, other), pair))
    return dict(zip((rule.name for rule in RULES), rows[0].tolist(), strict=True))


def test_a_paper_with_5000_authors_costs_as_much_as_one_with_64():
    huge = [printed(n, "Wei Wang", coauthors=TEAM, team=5_000) for n in range(20)]
    block = block_of(*huge)
    assert block.coauthors.nnz == block.by_initial.nnz == 20 * COAUTHORS_KEPT


def test_a_paper_with_5000_authors_gives_less_evidence_than_two_coauthors_of_a_small_one():
    huge = [printed(n, "Wei Wang", coauthors=TEAM, team=5_000) for n in range(2)]
    small = [printed(n, "Wei Wang", coauthors=TEAM[:2], team=3) for n in range(2)]
    assert added(*huge)["coauthors"] < added(*small)["coauthors"]


def test_every_author_of_a_paper_with_5000_is_resolved():
    team = [Signature(n, "atlas", f"Family{n % 900}", f"Given{n}", team=5_000) for n in range(5_000)]
    assert len(resolve(team).clusters) == 5_000


# --- want of data ----------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["Wei Wang", "Ada Lovelace", "J. Smith", "John Smith", "Zixiang Ding", "王小明"])
CONTEXT = st.fixed_dictionaries(
    {
        "coauthors": st.lists(st.sampled_from(["li|wei", "babbage|charles", "chen|yaran"]), unique=True).map(tuple),
        "title": st.sampled_from(["", "Neural translation", "Dark matter in dwarf galaxies", "On engines"]),
        "abstract": st.sampled_from(["", "We translate with neural networks.", "Dark matter haloes of galaxies."]),
        "topics": st.sampled_from([(), ("cs.CL",), ("astro-ph.GA",), ("cs.CL", "cs.LG")]),
        "affiliations": st.sampled_from([(), ("Leiden Observatory",), ("Peking University",)]),
        "venue": st.sampled_from(["", "ACL", "MNRAS"]),
        "year": st.sampled_from([None, 1990, 2020]),
        "team": st.sampled_from([1, 4, 5_000]),
    }
)
# The fact that each rule about the papers, and not about the names, reads.
FACTS: dict[str, dict[str, Any]] = {
    "coauthors": {"coauthors": ()},
    "title": {"title": ""},
    "abstract": {"abstract": ""},
    "topics": {"topics": ()},
    "affiliations": {"affiliations": ()},
    "venues": {"venue": ""},
}
BARE = {name: value for fact in FACTS.values() for name, value in fact.items()} | {"year": None, "team": 1}


@settings(deadline=None, max_examples=40)
@given(NAMES, CONTEXT, CONTEXT)
def test_a_fact_that_is_missing_never_speaks_for_one_person(name, one, other):
    left, right = printed(0, name, **one), printed(1, name, **other)
    for rule, fact in FACTS.items():
        assert added(replace(left, **fact), right)[rule] <= 1e-6
        assert added(replace(left, **fact), replace(right, **fact))[rule] <= 1e-6


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([*NOBODY, *COMMON]), CONTEXT), min_size=2, max_size=8))
def test_taking_everything_but_the_names_away_leaves_nobody_joined_who_has_a_common_name(people):
    bare = [replace(printed(number, name, **about), **BARE) for number, (name, about) in enumerate(people)]
    assert clusters(*bare) == [(number,) for number in range(len(people))]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), min_size=1, max_size=8))
def test_no_text_in_place_of_a_name_breaks_anything(names):
    signatures = [Signature(number, number, *name) for number, name in enumerate(names)]
    found = clusters(*signatures)
    assert sorted(member for cluster in found for member in cluster) == list(range(len(names)))
