"""The formula of trending, by hand and for every sum of acts that there could be."""

from __future__ import annotations

from datetime import date, timedelta
from math import inf, isclose, log2

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from profiles.feedback.heat import DAY_0, HALF_LIFE, WEIGHTS, WINDOW, Act, decay, heat, most, on_day, worth

DAYS = some.dates(date(1990, 1, 1), date(2090, 1, 1))
ACTS = some.builds(
    Act,
    some.sampled_from([row.kind for row in WEIGHTS]),
    DAYS,
    nth=some.integers(1, 50),
    votes=some.integers(0, 10**6),
)
SUMS = some.lists(ACTS, max_size=12)
LIKED = date(2026, 11, 16)
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # so is a busy machine


def summed(acts: list[Act], now: date) -> float:
    """As somebody would add it up with a calculator."""
    return sum(worth(act) * 2 ** (-(now - act.day).days / 7) for act in acts)


def test_one_paper_by_hand():
    acts = [
        Act("like", date(2026, 11, 16)),  # 1
        Act("like", date(2026, 11, 16), nth=2),  # 1/2
        Act("save", date(2026, 11, 9)),  # 1 × 1/2
        Act("review", date(2026, 11, 2), nth=4),  # 4/4 × 1/4
        Act("listing", date(2026, 10, 26), votes=255),  # 8 × 1/8
    ]
    kept = heat(acts)
    assert kept is not None
    assert on_day(kept, date(2026, 11, 16)) == pytest.approx(1 + 1 / 2 + 1 / 2 + 1 / 4 + 1)
    assert on_day(kept, date(2026, 11, 23)) == pytest.approx(3.25 / 2)


def test_nothing_that_counts_has_no_heat():
    assert heat([]) is None
    assert heat([Act("listing", LIKED, votes=0)]) is None


def test_every_weight_has_a_reason_and_is_its_kinds_only_one():
    assert all(row.reason and row.weight > 0 for row in WEIGHTS)
    assert len({row.kind for row in WEIGHTS}) == len(WEIGHTS)


@patient
@given(SUMS, DAYS)
def test_what_is_kept_is_the_sum_on_whatever_day_it_is_read(acts: list[Act], now: date):
    kept = heat(acts)
    now = max([now, *(act.day for act in acts)])
    expected = summed(acts, now)
    assert (kept is None) == (not any(worth(act) for act in acts))
    assert isclose(0 if kept is None else on_day(kept, now), expected, rel_tol=1e-9, abs_tol=1e-300)


@patient
@given(SUMS, SUMS, DAYS, some.integers(0, 2_000))
def test_the_order_of_two_papers_is_that_of_their_sums_on_every_day(
    one: list[Act], other: list[Act], now: date, later: int
):
    now = max([now, *(act.day for act in [*one, *other])])
    first, second = (-inf if (found := heat(acts)) is None else found for acts in (one, other))
    for day in (now, now + timedelta(later)):
        left, right = summed(one, day), summed(other, day)
        if not isclose(left, right, rel_tol=1e-9, abs_tol=1e-250):
            assert (first > second) == (left > right)


@patient
@given(SUMS.flatmap(lambda acts: some.tuples(some.just(acts), some.permutations(acts))))
def test_the_order_in_which_acts_are_read_changes_nothing(given: tuple[list[Act], list[Act]]):
    assert heat(given[0]) == heat(given[1])


@patient
@given(SUMS, ACTS)
def test_one_act_more_never_cools(acts: list[Act], more: Act):
    before, after = heat(acts), heat([*acts, more])
    assert (-inf if before is None else before) <= (-inf if after is None else after)


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(2500, 1, 1)])
def test_centuries_make_it_neither_too_large_nor_too_small(day: date):
    acts = [Act("like", day)] * 3
    kept = heat(acts)
    assert kept is not None
    assert kept == pytest.approx(log2(3) + (day - DAY_0).days / HALF_LIFE)
    assert on_day(kept, day) == pytest.approx(3)
    assert decay(day, day + timedelta(400_000)) == 0.0


@patient
@given(some.lists(some.lists(some.integers(0, 400), max_size=40), min_size=1, max_size=5))
def test_a_circle_gains_no_more_than_is_stated(ages: list[list[int]]):
    """Each account of the circle does everything for papers of one person, each at its age in days."""
    now, total = date(2026, 11, 16), 0.0
    for of_account in map(sorted, ages):
        for older, age in enumerate(reversed(of_account)):  # the oldest first; of one day, in the order that they come
            before = sum(other < age + WINDOW for other in of_account[len(of_account) - older :])
            for row in WEIGHTS[:4]:
                act = Act(row.kind, now - timedelta(age), nth=1 + before)
                total += worth(act) * decay(act.day, now)
    papers = max(len(of_account) for of_account in ages)
    assert total <= most(len(ages), papers) + 1e-9


def test_what_a_circle_gains_by_hand():
    """Three accounts and two papers of one person: 3 × (1 + 1 + 2 + 4) × (1 + 1/2), and a nineteenth of it before."""
    assert most(3, 2) == pytest.approx(36 / (1 - 2 ** (-30 / 7)))
    assert most(3, 2) < 36 * 1.06
    assert most(1, 100) < 6 * most(1, 1)
