"""Which author id a cluster keeps."""

from hypothesis import given
from hypothesis import strategies as st

from profiles.disambiguation.reconcile import reconcile


def test_the_larger_part_keeps_the_id():
    assert reconcile([frozenset({1}), frozenset({2, 3})], {1: 7, 2: 7, 3: 7}) == [None, 7]


def test_the_id_follows_the_anchor_against_a_larger_part():
    assert reconcile([frozenset({1, 2, 3})], {1: 7, 2: 8, 3: 8}) == [8]
    assert reconcile([frozenset({1, 2, 3})], {1: 7, 2: 8, 3: 8}, {7: 1}) == [7]
    assert reconcile([frozenset({1}), frozenset({2, 3})], {1: 7, 2: 7, 3: 7}, {7: 1}) == [7, None]


def test_of_two_anchored_authors_the_claimed_one_stays_then_the_larger_then_the_lower_id():
    cluster, previous = [frozenset({1, 2, 3})], {1: 7, 2: 8, 3: 8}
    assert reconcile(cluster, previous, {7: 1, 8: 2}, claimed=frozenset({7})) == [7]
    assert reconcile(cluster, previous, {7: 1, 8: 2}) == [8]
    assert reconcile([frozenset({1, 2})], {1: 8, 2: 7}, {8: 1, 7: 2}) == [7]


def test_an_author_that_was_merged_has_its_id_back_when_its_anchor_is_parted():
    previous = {1: 7, 2: 7, 3: 7}  # 8 gave all it had to 7
    assert reconcile([frozenset({1, 3}), frozenset({2})], previous, {7: 1, 8: 2}) == [7, 8]


def test_an_author_whose_anchor_is_elsewhere_keeps_nothing_here():
    assert reconcile([frozenset({1, 2})], {1: 7, 2: 7}, {7: 99}) == [None]


def test_a_tie_goes_to_the_lowest_id():
    assert reconcile([frozenset({1, 2})], {1: 9, 2: 8}) == [8]


def test_a_person_never_seen_is_new():
    assert reconcile([frozenset({1}), frozenset({2})], {1: 7}) == [7, None]


def test_a_cluster_that_loses_its_first_choice_takes_its_second():
    assert reconcile([frozenset({1, 2, 3}), frozenset({4, 5, 6})], {1: 7, 2: 7, 4: 7, 5: 7, 3: 8, 6: 9}) == [7, 9]


@given(
    st.lists(st.integers(0, 5), max_size=20),
    st.dictionaries(st.integers(0, 19), st.integers(1, 6)),
    st.dictionaries(st.integers(4, 9), st.integers(0, 19), max_size=4),
    st.frozensets(st.integers(4, 9), max_size=2),
)
def test_no_id_is_given_twice_and_a_second_run_gives_the_same(numbers, previous, anchors, claimed):
    clusters = [frozenset(s for s, n in enumerate(numbers) if n == number) for number in sorted(set(numbers))]
    kept = reconcile(clusters, previous, anchors, claimed)
    given_ids = [k for k in kept if k is not None]
    assert len(set(given_ids)) == len(given_ids)
    for cluster, author in zip(clusters, kept, strict=True):
        here = {a for a, signature in anchors.items() if signature in cluster}
        assert author in here if here else author is None or author in {previous.get(s) for s in cluster} - set(anchors)
    stored = [k if k is not None else 100 + n for n, k in enumerate(kept)]
    now = {s: author for cluster, author in zip(clusters, stored, strict=True) for s in cluster}
    assert reconcile(clusters, now, anchors, claimed) == stored


def test_whom_people_just_decided_on_keeps_the_id_before_a_larger_and_a_claimed_one():
    previous = {1: 10, 2: 10, 3: 20}
    anchors = {10: 1, 20: 3}
    assert reconcile([{1, 2, 3}], previous, anchors, frozenset({10}), first={20}) == [20]
