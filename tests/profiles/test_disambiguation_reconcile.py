"""Which author id a cluster keeps."""

from hypothesis import given
from hypothesis import strategies as st

from profiles.disambiguation.reconcile import collisions, divided, reconcile


def test_the_larger_part_keeps_the_id():
    assert reconcile([frozenset({1}), frozenset({2, 3})], {1: 7, 2: 7, 3: 7}) == [None, 7]


def test_a_claimed_author_keeps_the_id_against_a_larger_part():
    assert reconcile([frozenset({1, 2, 3})], {1: 7, 2: 8, 3: 8}) == [8]
    assert reconcile([frozenset({1, 2, 3})], {1: 7, 2: 8, 3: 8}, frozenset({7})) == [7]


def test_a_tie_goes_to_the_lowest_id():
    assert reconcile([frozenset({1, 2})], {1: 9, 2: 8}) == [8]


def test_a_person_never_seen_is_new():
    assert reconcile([frozenset({1}), frozenset({2})], {1: 7}) == [7, None]


def test_a_cluster_that_loses_its_first_choice_takes_its_second():
    assert reconcile([frozenset({1, 2, 3}), frozenset({4, 5, 6})], {1: 7, 2: 7, 4: 7, 5: 7, 3: 8, 6: 9}) == [7, 9]


def test_two_claimed_authors_in_one_cluster_are_reported():
    found = collisions([frozenset({1, 2}), frozenset({3})], {1: 7, 2: 8, 3: 9}, frozenset({7, 8, 9}))
    assert [(c.cluster, c.authors) for c in found] == [(0, (7, 8))]


def test_a_cluster_with_two_claimed_authors_is_divided_between_them():
    assert divided(frozenset({1, 2, 3, 4}), {1: 7, 2: 8, 3: 8}, frozenset({7, 8})) == [
        frozenset({1}),
        frozenset({2, 3, 4}),
    ]
    assert divided(frozenset({1, 2}), {1: 7, 2: 8}, frozenset({7})) == [frozenset({1, 2})]


@given(st.lists(st.integers(0, 5), max_size=20), st.dictionaries(st.integers(0, 19), st.integers(1, 6)))
def test_no_id_is_given_twice_and_only_to_a_cluster_that_holds_some_of_it(numbers, previous):
    clusters = [frozenset(s for s, n in enumerate(numbers) if n == number) for number in sorted(set(numbers))]
    kept = reconcile(clusters, previous)
    given_ids = [k for k in kept if k is not None]
    assert len(set(given_ids)) == len(given_ids)
    assert all(k is None or k in {previous.get(s) for s in c} for k, c in zip(kept, clusters, strict=True))
    again = reconcile(
        clusters,
        {s: k if k is not None else 100 + n for n, (c, k) in enumerate(zip(clusters, kept, strict=True)) for s in c},
    )
    assert [k is None or k == a for k, a in zip(kept, again, strict=True)] == [True] * len(kept)
