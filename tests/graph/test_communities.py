"""Communities: everybody in exactly one, the same in any order, and names that nobody invented."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.networks.communities import (
    Bridge,
    Name,
    Work,
    bridges,
    islands,
    named,
    particular,
    partition,
    works_of,
)

# Two teams of three, and one tie between Cy and Dan.
ANN, BEN, CY, DAN, EVE, FAY, GUS = range(1, 8)
TEAMS = [(a, b, 1.0) for team in ((ANN, BEN, CY), (DAN, EVE, FAY)) for a, b in combinations(team, 2)]
ACROSS = (CY, DAN, 0.5)
EVERYBODY = [ANN, BEN, CY, DAN, EVE, FAY, GUS]

PAIRS = list(combinations(range(12), 2))
NETWORKS = st.dictionaries(st.sampled_from(PAIRS), st.floats(0.01, 5), max_size=40).map(
    lambda weights: [(a, b, weight) for (a, b), weight in weights.items()]
)


def work(id: int, people: set[int], *topics: str, year: int | None = 2020) -> Work[int]:
    return Work(id, year, frozenset(topics), frozenset(people))


# --- who belongs together


def test_teams_that_one_tie_connects_are_two_communities_and_a_loner_is_a_third():
    assert partition(EVERYBODY, [*TEAMS, ACROSS]) == [(ANN, BEN, CY), (DAN, EVE, FAY), (GUS,)]


def test_the_first_person_begins_the_first_community():
    assert partition([GUS, FAY, ANN, DAN, EVE, CY, BEN], [*TEAMS, ACROSS]) == [
        (GUS,),
        (FAY, DAN, EVE),
        (ANN, CY, BEN),
    ]


def test_ties_to_anybody_else_are_left_out():
    assert partition([ANN, DAN], [(ANN, 99, 5.0), (99, DAN, 5.0)]) == [(ANN,), (DAN,)]


def test_weights_decide_who_belongs_where():
    ties = [(1, 2, 9.0), (2, 3, 0.1), (3, 4, 9.0)]
    assert partition([1, 2, 3, 4], ties) == [(1, 2), (3, 4)]
    assert partition([1, 2, 3, 4], [(1, 2, 0.1), (2, 3, 9.0), (3, 4, 0.1), (1, 4, 9.0)]) == [(1, 4), (2, 3)]


def test_nobody_makes_no_community():
    assert partition([], []) == []


@given(NETWORKS)
def test_everybody_is_in_exactly_one_community(ties: list[tuple[int, int, float]]):
    found = [person for community in partition(range(12), ties) for person in community]
    assert sorted(found) == list(range(12))


@given(NETWORKS)
def test_the_people_of_a_community_are_connected_by_its_own_ties(ties: list[tuple[int, int, float]]):
    for community in partition(range(12), ties):
        reached, new = {community[0]}, {community[0]}
        while new:
            ends = {b for a, b, _ in ties if a in new} | {a for a, b, _ in ties if b in new}
            new = (ends & set(community)) - reached
            reached |= new
        assert reached == set(community)


@given(NETWORKS, st.randoms(use_true_random=False))
def test_the_order_of_people_and_ties_changes_nothing(ties: list[tuple[int, int, float]], chance: random.Random):
    people, other = list(range(12)), [(b, a, w) if chance.random() < 0.5 else (a, b, w) for a, b, w in ties]
    chance.shuffle(other)
    before = partition(people, ties)
    assert partition(people, other) == before
    assert [set(b) for b in islands(before, other)] == [set(b) for b in islands(before, ties)]
    assert bridges(before, other) == bridges(before, ties)
    chance.shuffle(people)
    assert {frozenset(c) for c in partition(people, other)} == {frozenset(c) for c in before}


# --- what they are called


def test_a_topic_that_all_works_have_names_nobody():
    works = [work(n, {ANN}, "Learning", "Vision") for n in range(4)]
    works += [work(n, {DAN}, "Learning", "Robotics") for n in range(4, 7)]
    assert named([(ANN,), (DAN,)], works) == [Name(("Vision",), ()), Name(("Robotics",), ())]


def test_a_topic_of_a_few_of_the_works_is_no_name_however_rare():
    works = [work(n, {ANN}, "Learning") for n in range(6)] + [work(6, {ANN}, "Learning", "Cooking")]
    works += [work(7, {DAN}, "Robotics")]
    assert particular(works[:7], works) == ["Learning"]


def test_equally_particular_topics_stand_by_name():
    works = [work(1, {ANN}, "Zoology", "Algebra"), work(2, {DAN}, "Cooking")]
    assert particular(works[:1], works) == ["Algebra", "Zoology"]


def test_communities_of_one_topic_get_their_second():
    works = [work(1, {ANN}, "Learning", "Vision"), work(2, {ANN}, "Learning")]
    works += [work(3, {DAN}, "Learning", "Robotics"), work(4, {DAN}, "Learning")]
    works += [work(5, {GUS}, "Algebra") for _ in range(6)]
    first, second, other = named([(ANN,), (DAN,), (GUS,)], works)
    assert set(first.topics) == {"Learning", "Vision"}
    assert set(second.topics) == {"Learning", "Robotics"}
    assert other == Name(("Algebra",), ())


def test_communities_that_topics_do_not_tell_apart_are_told_by_who_leads_them():
    works = [work(1, {ANN, BEN}, "Algebra"), work(2, {DAN, EVE}, "Algebra")]
    assert named([(ANN, BEN), (DAN, EVE)], works) == [Name(("Algebra",), (ANN,)), Name(("Algebra",), (DAN,))]


def test_without_topics_the_two_first_people_name_a_community():
    assert named([(ANN, BEN, CY)], [work(1, {ANN, BEN, CY})]) == [Name((), (ANN, BEN))]


TOPICS = st.sets(st.sampled_from(["Algebra", "Biology", "Cooking"]))
WORKS = st.lists(st.tuples(st.sets(st.integers(0, 11), min_size=1), TOPICS), max_size=12).map(
    lambda rows: [work(n, people, *topics) for n, (people, topics) in enumerate(rows)]
)


@given(NETWORKS, WORKS)
def test_no_two_communities_have_one_name_and_none_is_invented(
    ties: list[tuple[int, int, float]], works: list[Work[int]]
):
    communities = [community for community in partition(range(12), ties) if len(community) > 1]
    names = named(communities, works)
    assert len(set(names)) == len(communities)
    for community, name in zip(communities, names, strict=True):
        own = works_of(community, works)
        assert set(name.topics) <= {topic for work in own for topic in work.topics}
        assert set(name.people) <= set(community)
        assert name.topics or len(name.people) == 2
    assert named(communities, works[::-1]) == names


# --- who links them


def test_whoever_is_at_the_stronger_side_of_the_only_tie_links_two_communities():
    communities = partition(EVERYBODY, [*TEAMS, ACROSS])
    assert bridges(communities, [*TEAMS, ACROSS]) == [Bridge(CY, 0, 1, (DAN,), 0)]


def test_others_who_link_the_same_two_are_counted():
    ties = [*TEAMS, ACROSS, (CY, EVE, 0.5), (ANN, FAY, 0.1)]
    assert bridges([(ANN, BEN, CY), (DAN, EVE, FAY)], ties) == [Bridge(CY, 0, 1, (DAN, EVE), 2)]


def test_somebody_alone_links_nothing():
    assert bridges([(ANN, BEN), (GUS,)], [(ANN, BEN, 1.0), (ANN, GUS, 1.0)]) == []


def test_communities_without_a_way_between_them_are_islands():
    communities = [(ANN, BEN), (CY, DAN), (EVE, FAY), (GUS,)]
    ties = [(ANN, BEN, 1.0), (CY, DAN, 1.0), (EVE, FAY, 1.0), (BEN, CY, 0.1)]
    assert islands(communities, ties) == [(0, 1), (2,)]


def test_a_way_over_somebody_alone_is_a_way():
    ties = [(ANN, BEN, 1.0), (CY, DAN, 1.0), (BEN, GUS, 0.1), (GUS, CY, 0.1)]
    assert islands([(ANN, BEN), (CY, DAN), (GUS,)], ties) == [(0, 1)]


@given(NETWORKS)
def test_every_link_that_is_told_is_there(ties: list[tuple[int, int, float]]):
    communities = partition(range(12), ties)
    home = {person: at for at, community in enumerate(communities) for person in community}
    pairs = {frozenset((home[a], home[b])) for a, b, _ in ties if home[a] != home[b]}
    found = bridges(communities, ties)
    assert {frozenset((bridge.home, bridge.other)) for bridge in found} == pairs
    known = {frozenset((a, b)) for a, b, _ in ties}
    for bridge in found:
        assert home[bridge.person] == bridge.home
        assert all(home[other] == bridge.other and {bridge.person, other} in known for other in bridge.people)
        without = [tie for tie in ties if bridge.person not in tie[:2]]
        left = {e for a, b, _ in without if {home[a], home[b]} == {bridge.home, bridge.other} for e in (a, b)}
        assert bridge.others == len(left)


@pytest.mark.parametrize("ids", [list("abcdef"), list(range(6))])
def test_ids_may_be_words_or_numbers(ids: list[str] | list[int]):
    a, b, c, d, e, f = ids
    ties = [(a, b, 1.0), (b, c, 1.0), (a, c, 1.0), (d, e, 1.0), (e, f, 1.0), (d, f, 1.0)]
    assert partition(ids, ties) == [(a, b, c), (d, e, f)]  # type: ignore[type-var]
