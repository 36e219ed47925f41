"""Names that blocking keeps apart: which are kin, and when that joins two clusters."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.disambiguation.engine import Decisions, resolve
from profiles.disambiguation.signatures import Signature, coauthor_key
from profiles.disambiguation.variants import Kinship, kin_names, kinship, ties

TEAM = tuple(coauthor_key(*name) for name in [("Tellier", "Isabelle"), ("Zevaco", "Camille"), ("Abouda", "Lotfi")])


def works(*names, coauthors=TEAM, **fields):
    """A paper of each (family, given), on one subject."""
    title = "Chunking spoken French"
    return [
        Signature(n, n, family, given, coauthors=coauthors, title=title, year=2014, team=4, **fields)
        for n, (family, given) in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (("Oliveira", "Hugo Gonçalo"), ("Gonçalo Oliveira", "Hugo"), Kinship.DIVIDED),
        (("Thenmozhi", "Durairaj"), ("Durairaj", "Thenmozhi"), Kinship.SWAPPED),
        (("Eshkol", "Iris"), ("Eshkol-Taravella", "Iris"), Kinship.CONTAINED),
        (("Zhao", "Xin"), ("Zhao", "Wayne Xin"), Kinship.CONTAINED),
        (("Alm", "Cecilia O."), ("Ovesdotter Alm", "Cecilia"), Kinship.CONTAINED),
        (("de la Clergerie", "Éric"), ("Villemonte de la Clergerie", "Eric"), Kinship.CONTAINED),
        (("Stabler, Jr.", "Edward"), ("Stabler", "Edward"), Kinship.DIVIDED),
        (("Smith", "J."), ("Smith Jones", "J."), None),
        (("Silva", "Ana Maria"), ("Silva", "Eva Maria"), None),
        (("Nirenburg", "Sergei"), ("Nirenberg", "Sergei"), None),
        (("Wense", "Katharina"), ("Kann", "Katharina"), None),
        (("", ""), ("", ""), None),
    ],
)
def test_names_are_kin_if_one_holds_the_other_and_two_words_are_shared(one, other, kind):
    assert kinship(one, other) == kinship(other, one) == kind


def test_kin_names_are_found_once_unless_a_block_holds_them_or_their_surnames_are_frequent():
    names = [("Eshkol", "Iris"), ("Eshkol-Taravella", "Iris"), ("Eshkol", "Iris T."), ("Li", "Wang"), ("Wang", "Li")]
    assert {(one, other) for one, other, _kind in kin_names(names)} == {
        (("Eshkol", "Iris"), ("Eshkol-Taravella", "Iris")),
        (("Eshkol", "Iris T."), ("Eshkol-Taravella", "Iris")),
    }
    assert list(kin_names(names)) == list(kin_names(reversed(names)))
    assert ties(names) == {("eshkol", "eshkoltaravella")}
    assert ties(names[:1], names) == ties(names[1:2], names) == {("eshkol", "eshkoltaravella")}
    assert ties(names[2:], names[3:]) == ties(names[:1]) == set()


@pytest.mark.parametrize(
    "names",
    [
        [("Eshkol", "Iris"), ("Eshkol-Taravella", "Iris")],
        [("Thenmozhi", "Durairaj"), ("Durairaj", "Thenmozhi")],
        [("Zhao", "Xin"), ("Zhao", "Wayne Xin")],
    ],
)
def test_kin_names_with_strong_evidence_are_one_person_and_the_receipt_adds_up(names):
    [cluster] = resolve(works(*names)).clusters
    for attribution in cluster.attributions:
        assert {attribution.signature, attribution.linked_to} == {0, 1}
        assert sum(e.weight for e in attribution.evidence) == attribution.total
        [name] = [e for e in attribution.evidence if e.rule == "name"]
        assert name.weight < 0


def test_kin_names_without_evidence_stay_two_people():
    apart = [*works(("Eshkol", "Iris")), Signature(1, 1, "Eshkol-Taravella", "Iris", title="Dark matter", year=1990)]
    assert len(resolve(apart).clusters) == 2


def test_a_misprint_of_a_surname_joins_nobody():
    assert len(resolve(works(("Nirenburg", "Sergei"), ("Nirenberg", "Sergei"))).clusters) == 2


def test_a_name_that_is_kin_to_two_does_not_make_them_one():
    three = works(("Eshkol", "Ana Maria"), ("Eshkol", "Maria"), ("Eshkol", "Eva Lea"), ("Eshkol", "Eva Maria"))
    together = [set(c.members) for c in resolve(three).clusters]
    assert not any({0, 3} <= c for c in together)


def test_a_decision_a_paper_and_an_id_keep_kin_names_apart():
    names = [("Eshkol", "Iris"), ("Eshkol-Taravella", "Iris")]
    assert len(resolve(works(*names), Decisions(different=frozenset({(0, 1)}))).clusters) == 2
    left, right = works(*names)
    one_paper = [left, Signature(1, 0, right.family, right.given, coauthors=TEAM, title=left.title, team=4)]
    assert len(resolve(one_paper).clusters) == 2
    fields = {"coauthors": TEAM, "title": left.title, "year": 2014, "team": 4}
    iDs = [
        Signature(0, 0, *names[0], orcid="0000-0002-1825-0097", **fields),
        Signature(1, 1, *names[1], orcid="0000-0001-5109-3700", **fields),
    ]
    assert len(resolve(iDs).clusters) == 2


CAST = [
    ("Eshkol", "Iris"),
    ("Eshkol-Taravella", "Iris"),
    ("Taravella", "I. Eshkol"),
    ("Iris", "Eshkol"),
    ("Zhao", "X."),
]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from(CAST), st.integers(0, 5), st.booleans()), max_size=8),
    st.randoms(use_true_random=False),
)
def test_order_and_strangers_resolved_beside_change_nothing(drawn, chance: random.Random):
    known = [
        Signature(n, paper, family, own, coauthors=TEAM if team else (), title="Spoken French", year=2014, team=4)
        for n, ((family, own), paper, team) in enumerate(drawn)
    ]
    resolution = resolve(known)
    assert sorted(m for c in resolution.clusters for m in c.members) == [s.id for s in known]
    for cluster in resolution.clusters:
        assert len({known[m].paper for m in cluster.members}) == len(cluster.members)
    strangers = [Signature(100 + n, 100 + n, "Iris", "Li", coauthors=TEAM, team=4) for n in range(2)]
    mixed = [*known, *strangers]
    chance.shuffle(mixed)
    assert [c for c in resolve(mixed).clusters if c.members[0] < 100] == resolution.clusters
