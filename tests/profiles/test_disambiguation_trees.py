"""Boosted trees: they learn what no sum can say, and can be taken apart, written down and grown again."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.disambiguation.trees import DEPTH, Trees, fit

NAMES = ("years", "coauthors", "titles")
ROOM = np.random.default_rng(0).random((800, 3), np.float32)
EVEN = np.ones(len(ROOM))
BOTH = (ROOM[:, 0] > 0.5) & (ROOM[:, 1] > 0.5)
LOW, HIGH = 0.25, 0.75
POINTS = st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3)


def scored(trees: Trees, *rows: tuple[float, float, float]) -> list[float]:
    return [float(score) for score in trees.log_odds(np.array(rows, np.float32))]


@st.composite
def grown(draw):
    """Any trees of a few questions about three facts, with cuts and values that no rounding changes."""
    number = draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (number, DEPTH)
    return Trees(
        draw(st.integers(-8, 8)) / 4,
        random.integers(0, 3, shape).astype(np.int32),
        (random.integers(0, 9, shape) / 8).astype(np.float32),
        (random.integers(-8, 9, (number, 2**DEPTH)) / 4).astype(np.float32),
    )


def test_an_interaction_is_learnt_that_no_sum_can_say():
    none, one, other, both = scored(
        fit(ROOM, BOTH.astype(float), EVEN), (LOW, LOW, 0.5), (HIGH, LOW, 0.5), (LOW, HIGH, 0.5), (HIGH, HIGH, 0.5)
    )
    assert max(none, one, other) < -1 < 1 < both
    assert (both - one) - (other - none) > 2  # of a sum this difference is 0


def test_a_share_of_truth_is_learnt_and_what_counts_more_counts_more():
    rows, importance = np.repeat(ROOM[:1], 40, axis=0), np.repeat([3.0, 1.0], 20)
    [even] = scored(fit(rows, np.full(40, 0.5), importance), tuple(ROOM[0]))
    [third] = scored(fit(rows, np.repeat([0.0, 1.0], 20), importance), tuple(ROOM[0]))
    assert even == pytest.approx(0, abs=0.01)
    assert third == pytest.approx(math.log(1 / 3), abs=0.1)


def test_without_examples_nothing_is_joined():
    assert scored(fit(ROOM[:0], EVEN[:0], EVEN[:0]), (LOW, LOW, LOW)) == [-1]


@settings(deadline=None)
@given(grown(), POINTS, POINTS)
def test_what_every_fact_adds_to_the_reference_sums_to_the_score(trees, values, usual):
    row, reference = np.array(values, np.float32), np.array(usual, np.float32)
    start, added = trees.contributions(row, reference)
    assert start == trees.log_odds(reference[np.newaxis])[0]
    assert start + float(added.sum()) == pytest.approx(trees.log_odds(row[np.newaxis])[0], abs=1e-5)
    asked = set(trees.facts.ravel().tolist())
    assert not any(added[fact] for fact in range(3) if fact not in asked or row[fact] == reference[fact])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), POINTS, POINTS)
def test_a_fact_that_may_only_speak_for_never_speaks_against(seed, values, usual):
    random = np.random.default_rng(seed)
    truth = random.random(80)  # whatever the examples say
    trees = fit(ROOM[:80], truth, EVEN[:80], signs=(1, 0, -1), trees=20)
    row, reference = np.array(values, np.float32), np.array(usual, np.float32)
    _start, added = trees.contributions(row, reference)
    assert added[0] * (row[0] - reference[0]) >= -1e-6
    assert added[2] * (row[2] - reference[2]) <= 1e-6
    more = np.tile(row, (9, 1))
    more[:, 0] = np.linspace(0, 1, 9)
    assert (np.diff(trees.log_odds(more)) >= -1e-6).all()


def test_where_there_are_no_trees_the_start_is_the_score():
    start, added = Trees.none().contributions(ROOM[0], ROOM[1])
    assert (start, added.tolist()) == (-1, [0, 0, 0])


@settings(deadline=None)
@given(grown())
def test_what_is_written_and_read_again_scores_the_same(trees):
    written = json.loads(json.dumps(trees.write(NAMES)))
    again = Trees.read(written, NAMES)
    assert again.write(NAMES) == written
    assert scored(again, *ROOM[:50].tolist()) == scored(trees, *ROOM[:50].tolist())


@pytest.mark.parametrize("count", [2, 3, 4, 9])
def test_a_value_at_a_cut_stays_on_its_side_when_written(count):
    """Cuts are quantiles, and so often the logarithm of a small count, which thousands of examples have."""
    cut = np.full((1, DEPTH), np.log(count), np.float32)
    trees = Trees(0.0, np.zeros((1, DEPTH), np.int32), cut, np.arange(2**DEPTH, dtype=np.float32)[np.newaxis])
    again = Trees.read(json.loads(json.dumps(trees.write(NAMES))), NAMES)
    assert scored(again, (cut[0, 0], 0, 0)) == scored(trees, (cut[0, 0], 0, 0)) == [0]


def test_facts_are_found_by_their_names_wherever_they_stand():
    trees = fit(ROOM, BOTH.astype(float), EVEN)
    turned = Trees.read(trees.write(NAMES), NAMES[::-1])
    assert scored(turned, *ROOM[:50, ::-1].tolist()) == pytest.approx(scored(trees, *ROOM[:50].tolist()), abs=0.02)


def test_a_fact_that_is_not_known_is_refused_by_its_name():
    written = fit(ROOM, BOTH.astype(float), EVEN).write(NAMES)
    with pytest.raises(ValueError, match=r"facts that there are not: coauthors; train it again"):
        Trees.read(written, ("years", "titles"))


def test_fitting_twice_gives_the_same_trees():
    one, other = (fit(ROOM, BOTH.astype(float), EVEN).write(NAMES) for _ in range(2))
    assert one == other
    assert one["trees"]
