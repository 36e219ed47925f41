"""Collaborators by year: sums that can be checked by hand, and bars that fit."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.networks.timelines import (
    Reach,
    Timeline,
    Work,
    Year,
    chart,
    cumulated,
    reached,
    span,
    strip,
    ticks,
    timeline,
)

ANN, BEN, CY, DAN = range(1, 5)


def work(year: int | None, *people: int, team: int = 3) -> Work:
    return Work(year, frozenset(people), team)


def test_new_and_returning_collaborators_are_told_apart():
    works = [work(2001, ANN, BEN), work(2003, BEN, CY), work(2003, BEN), work(2001)]
    assert timeline(works, 100) == Timeline((Year(2001, 2, 2, 0), Year(2002, 0), Year(2003, 2, 1, 1)))


def test_who_is_met_in_large_teams_alone_is_counted_apart():
    works = [work(2001, ANN, BEN, team=101), work(2001, BEN, team=100), work(2002, ANN)]
    assert timeline(works, 100).years == (Year(2001, 2, 1, 0, 1), Year(2002, 1, 1, 0, 0))


def test_undated_works_are_counted_and_so_are_people_of_no_other_work():
    works = [work(None, ANN, DAN), work(None, BEN), work(2001, ANN)]
    assert timeline(works, 100) == Timeline((Year(2001, 1, 1),), 2, 2)


def test_nothing_has_no_years():
    assert timeline([], 100) == Timeline(())


WORKS = st.lists(
    st.builds(
        Work,
        st.none() | st.integers(1990, 2005),
        st.frozensets(st.integers(1, 9)),
        st.sampled_from([2, 100, 101, 3000]),
    )
)


@given(WORKS)
def test_sums_are_of_everybody(works: list[Work]):
    told = timeline(works, 100)
    dated = [work for work in works if work.year is not None]
    assert sum(year.works for year in told.years) + told.undated_works == len(works)
    assert sum(year.new for year in told.years) == len({p for w in dated if w.team <= 100 for p in w.people})
    for year in told.years:
        everyone = {person for work in dated if work.year == year.year for person in work.people}
        assert year.new + year.returning + year.large == len(everyone)
    assert timeline(works[::-1], 100) == told


# --- the neighbourhood


TIES = {(1, 2): 2001, (2, 3): 1999, (3, 4): 2005, (1, 3): 2004, (1, 5): None, (2, 6): 2003}


def test_a_neighbour_comes_with_the_later_of_the_two_ties():
    # 2 in 2001, and through it 3 in 2001 (before it is a collaborator) and 6 in 2003; 4 through 3 in 2005.
    assert reached(TIES, 1) == {2001: (1, 2), 2003: (0, 1), 2004: (1, 0), 2005: (0, 1)}


def test_years_add_up_to_how_far_the_neighbourhood_reaches():
    assert cumulated(reached(TIES, 1), range(2001, 2006)) == (
        Reach(2001, 1, 2),
        Reach(2002, 1, 2),
        Reach(2003, 1, 3),
        Reach(2004, 2, 3),
        Reach(2005, 2, 4),
    )


@given(
    st.dictionaries(
        st.tuples(st.integers(1, 6), st.integers(1, 6)).filter(lambda pair: pair[0] < pair[1]),
        st.none() | st.integers(1990, 1999),
    )
)
def test_whoever_is_within_one_step_is_within_two(ties: dict[tuple[int, int], int | None]):
    came = reached(ties, 1)
    reach = cumulated(came, span(came))
    assert all(year.collaborators <= year.within_two for year in reach)
    assert all(a.within_two <= b.within_two for a, b in pairwise(reach))


# --- the picture


def test_bars_stand_on_one_another_and_the_highest_reaches_the_top():
    found = chart([2001, 2002], {"returning": [1, 0], "new": [3, 2]})
    assert found is not None
    assert (found.most, found.best) == (4, 2001)
    returning, new, other = found.bars
    assert (returning.height, new.height, other.height) == (24, 72, 48)
    assert returning.y + returning.height == found.base == other.y + other.height
    assert (new.y, new.y + new.height) == (found.top, returning.y)


def test_one_among_thousands_is_seen():
    found = chart([2001, 2002], {"new": [5000, 1]})
    assert found is not None
    assert found.bars[1].height >= 1


def test_no_number_is_no_picture():
    assert chart([], {"new": []}) is None
    assert chart([2001], {"new": [0]}) is None


@pytest.mark.parametrize("years", [1, 2, 3, 12, 40, 90, 1027])
def test_bars_and_labels_fit_and_labels_keep_apart(years: int):
    found = chart(range(2027 - years, 2027), {"new": [1] * years})
    assert found is not None
    assert all(bar.x >= 0 and bar.x + bar.width <= 100 for bar in found.bars)
    assert all(a.x + a.width <= b.x for a, b in pairwise(found.bars))
    # Four digits take 28 of 300 pixels: 9.4 per cent.
    left = {"start": 0.0, "middle": 4.7, "end": 9.4}
    starts = [tick.x - left[tick.anchor] for tick in found.ticks]
    assert 1 <= len(found.ticks) <= 6
    assert starts[0] >= 0
    assert starts[-1] + 9.4 <= 100
    assert all(b - a > 9.4 for a, b in pairwise(starts))
    assert found.ticks[0].year == 2027 - years


def test_forty_years_have_few_round_labels():
    assert [tick.year for tick in ticks(range(1986, 2026))] == [1986, 2000, 2010, 2025]


def test_strips_share_one_scale():
    low, high = strip(range(2001, 2003), {2001: 1}, 4), strip(range(2001, 2003), {2001: 4, 2002: 2}, 4)
    assert [bar.height for bar in (*low, *high)] == [6, 24, 12]
    assert strip(range(0), {}, 0) == ()
