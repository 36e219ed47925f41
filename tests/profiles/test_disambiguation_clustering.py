"""What people decided and claimed holds under any data, and what cannot hold is reported with its chain."""

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.disambiguation.engine import Decisions, Resolution, resolve
from profiles.disambiguation.signatures import Signature, coauthor_key


def signatures(*papers: str) -> list[Signature]:
    """One for each name of each "title: Given Family, Given Family", numbered from 0."""
    found: list[Signature] = []
    for number, paper in enumerate(papers):
        title, _, line = paper.partition(": ")
        names = [name.rpartition(" ")[::2] for name in line.split(", ")]
        keys = [coauthor_key(family, given) for given, family in names]
        for n, (given_name, family) in enumerate(names):
            others = tuple(keys[:n] + keys[n + 1 :])
            found.append(
                Signature(
                    len(found), number, family, given_name, coauthors=others, title=title, year=2000, team=len(names)
                )
            )
    return found


def clusters(resolution: Resolution) -> dict[int, int]:
    """The cluster of each signature."""
    return {m: number for number, c in enumerate(resolution.clusters) for m in c.members}


# John Smith translates (0, 2) and watches galaxies (4, 6), in two circles: two people by the evidence.
SMITHS = signatures(
    "Neural machine translation: John Smith, Ada Lovelace",
    "Neural translation of rare words: John Smith, Ada Lovelace",
    "Dark matter in dwarf galaxies: John Smith, Vera Rubin",
    "Dark matter halos of galaxies: John Smith, Vera Rubin",
)


def test_two_people_who_are_decided_to_be_one_are_joined_with_all_their_works():
    apart = clusters(resolve(SMITHS))
    assert (apart[0], apart[4]) == (apart[2], apart[6])
    assert apart[0] != apart[4]
    resolution = resolve(SMITHS, Decisions(joined=frozenset({(0, 4)})))
    [smith] = [c for c in resolution.clusters if 0 in c.members]
    assert smith.members == (0, 2, 4, 6)
    rules = {a.signature: [e.rule for e in a.evidence] for a in smith.attributions}
    assert rules[0] == rules[4] == ["decision"]  # the two that stand for the people
    assert "coauthors" in rules[2]  # the others keep their own evidence
    assert "coauthors" in rules[6]


def test_evidence_gives_way_where_two_people_who_are_one_would_stand_twice_on_a_paper():
    papers = [
        *SMITHS,
        Signature(8, 1, "Smith", "John", coauthors=("rubin|vera",), title="Dark matter in galaxies", team=2),
    ]
    resolution = resolve(papers, Decisions(joined=frozenset({(0, 4)})))
    found = clusters(resolution)
    assert found[0] == found[4]
    assert found[2] != found[8]
    assert resolution.contradictions == []


def test_who_is_not_one_of_two_joined_people_is_neither():
    found = clusters(resolve(SMITHS, Decisions(joined=frozenset({(0, 4)}), different=frozenset({(0, 6)}))))
    assert found[0] == found[4] == found[2]
    assert found[6] != found[4]


def test_a_contradiction_is_reported_with_the_shortest_chain():
    same = frozenset({(0, 2), (2, 4), (4, 6), (0, 4)})
    [found] = resolve(SMITHS, Decisions(same=same, different=frozenset({(0, 6)}))).contradictions
    assert [(s.left, s.right, s.says) for s in found.chain] in (
        [(0, 4, "same"), (4, 6, "same"), (0, 6, "different")],
        [(6, 4, "same"), (4, 0, "same"), (6, 0, "different")],
    )
    assert found.left_out == found.chain[0 if found.chain[0].left == 6 else 1]
    assert "decided to be different people" in found.sentence


def test_the_machine_never_joins_two_claimed_authors_and_says_that_it_would_have():
    translators = frozenset({0, 2})
    resolution = resolve(SMITHS, Decisions(claimed=translators))
    assert clusters(resolution)[0] != clusters(resolution)[2]
    [found] = resolution.contradictions
    assert [step.says for step in found.chain] == ["evidence", "claimed"]
    assert found.signatures == (0, 2)
    joined = resolve(SMITHS, Decisions(claimed=translators, joined=frozenset({(0, 2)})))
    assert clusters(joined)[0] == clusters(joined)[2]
    assert joined.contradictions == []


def test_one_authenticated_id_does_not_join_two_claimed_authors():
    one, other = (Signature(n, n, "Lovelace", "Ada", orcid="0000-0002-1825-0097") for n in (1, 2))
    resolution = resolve([one, other], Decisions(claimed=frozenset({1, 2})))
    assert len(resolution.clusters) == 2
    assert [step.says for step in resolution.contradictions[0].chain] == ["orcid", "claimed"]


@st.composite
def worlds(draw):
    """A dozen signatures of a few names in a few circles, and decisions of every kind, contradictory ones as well."""
    names = st.tuples(
        st.sampled_from(["Smith", "Schütze", "Schuetze", ""]), st.sampled_from(["J.", "John", "Jon", "J. A.", ""])
    )
    papers = draw(st.lists(st.lists(names, min_size=1, max_size=3), min_size=1, max_size=8))
    orcids = st.sampled_from([None, None, None, "0000-0002-1825-0097", "0000-0001-5109-3700"])
    circle = st.sampled_from(["lovelace|ada", "babbage|charles", "rubin|vera"])
    found: list[Signature] = []
    for paper, authors in enumerate(papers):
        coauthors = (draw(circle), draw(circle))
        title = draw(st.sampled_from(["Neural translation", "Dark matter", ""]))
        for family, given_name in authors:
            found.append(
                Signature(
                    len(found),
                    paper,
                    family,
                    given_name,
                    coauthors=coauthors,
                    title=title,
                    year=2000 + paper,
                    team=len(authors) + 2,
                    orcid=draw(orcids),
                )
            )
    one = st.integers(0, len(found) - 1)
    pairs = st.frozensets(st.tuples(one, one), max_size=4)
    return found, Decisions(draw(pairs), draw(pairs), draw(pairs), draw(st.frozensets(one, max_size=3)))


@settings(deadline=None, max_examples=60)
@given(worlds(), st.randoms(use_true_random=False))
def test_what_holds_under_any_data_and_any_decisions(world, chance: random.Random):
    known, decisions = world
    resolution = resolve(known, decisions)
    by_id = {s.id: s for s in known}
    found = clusters(resolution)
    assert sorted(m for c in resolution.clusters for m in c.members) == sorted(by_id)
    for c in resolution.clusters:
        assert len({by_id[m].paper for m in c.members}) == len(c.members)
    assert all(a == b or found[a] != found[b] for a, b in decisions.different)
    steps = [c.left_out for c in resolution.contradictions]
    left_out = {frozenset((step.left, step.right)) for step in steps if step.says in {"same", "joined"}}
    for a, b in decisions.same | decisions.joined:
        assert found[a] == found[b] or frozenset((a, b)) in left_out
    decided = {frozenset(pair) for pair in decisions.same | decisions.joined}
    for a in decisions.claimed:
        for b in decisions.claimed:
            assert a == b or found[a] != found[b] or linked(a, b, decided - left_out)
    mixed = list(known)
    chance.shuffle(mixed)
    assert resolve(mixed, decisions) == resolution


def linked(a: int, b: int, pairs: set[frozenset[int]]) -> bool:
    """Whether a chain of pairs leads from one to the other."""
    met = {a}
    while len(met) < len(met := met.union(*(pair for pair in pairs if pair & met))):
        pass
    return b in met


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_every_reported_chain_really_is_one(world):
    known, decisions = world
    by_id = {s.id: s for s in known}
    true = {
        "same": lambda a, b: {(a, b), (b, a)} & decisions.same,
        "joined": lambda a, b: {(a, b), (b, a)} & decisions.joined,
        "different": lambda a, b: {(a, b), (b, a)} & decisions.different,
        "paper": lambda a, b: by_id[a].paper == by_id[b].paper,
        "orcid": lambda a, b: by_id[a].orcid == by_id[b].orcid is not None,
        "other orcid": lambda a, b: by_id[a].orcid != by_id[b].orcid,
        "claimed": lambda a, b: len(decisions.claimed) > 1,
        "evidence": lambda a, b: by_id[a].paper != by_id[b].paper,
    }
    for contradiction in resolve(known, decisions).contradictions:
        *steps, last = contradiction.chain
        assert last.says in {"different", "paper", "claimed", "other orcid"}
        assert all(step.says in {"same", "joined", "orcid", "evidence"} for step in steps)
        assert all(true[step.says](step.left, step.right) for step in contradiction.chain)
        assert all(one.right == other.left for one, other in pairwise(steps))
        assert (steps[0].left, steps[-1].right) == (last.left, last.right)
        assert contradiction.left_out in contradiction.chain


@settings(deadline=None, max_examples=40)
@given(worlds())
def test_decisions_that_do_not_contradict_each_other_are_all_kept(world):
    known, decisions = world
    resolution = resolve(known, Decisions(decisions.same, frozenset(), decisions.joined))
    if not any(c.left_out.says in {"same", "joined"} for c in resolution.contradictions):
        found = clusters(resolution)
        assert all(found[a] == found[b] for a, b in decisions.same | decisions.joined)
