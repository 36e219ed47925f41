"""Collaborators by year: how many, how many of them new, and how far the neighbourhood reaches by then; and their bars.

Problem: a count of collaborators hides when they came, and one paper with a thousand names hides all the others. Idea:
per year, those of ordinary teams as new or returning, and apart from them those met in large teams alone; every year
from the first to the last has its place, also where no work is present.

Entry points: `timeline` and `reached` (the definitions that sums in SQL are tested against), `filled`, `cumulated`, and
`chart` for the picture.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, NamedTuple


class Work(NamedTuple):
    """The year of a work's first version, its authors besides the person, and how many names are printed on it."""

    year: int | None
    people: frozenset[int]
    team: int


class Year(NamedTuple):
    """Works of a year, and with how many people: `new`, `returning`, and `large`, those of large teams alone.

    New is who shares no work of an earlier year by an ordinary team.
    """

    year: int
    works: int
    new: int = 0
    returning: int = 0
    large: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """Years in order without a gap; and the works whose year is not known, with how many people met nowhere else."""

    years: tuple[Year, ...]
    undated_works: int = 0
    undated_people: int = 0

    @property
    def met_in_large_teams(self) -> bool:
        return any(year.large for year in self.years)


class Reach(NamedTuple):
    """How many people are within one step (collaborators) and within two (theirs too) by the end of a year."""

    year: int
    collaborators: int
    within_two: int


def timeline(works: Iterable[Work], largest: int) -> Timeline:
    """By definition: of all works of one person. A team of more than `largest` names is a large one."""
    dated: dict[int, list[Work]] = {}
    undated: list[Work] = []
    for work in works:
        if work.year is None:
            undated.append(work)
        else:
            dated.setdefault(work.year, []).append(work)
    years, before, everyone = [], set[int](), set[int]()
    for year, of_year in sorted(dated.items()):
        ordinary = {person for work in of_year if work.team <= largest for person in work.people}
        large = {person for work in of_year for person in work.people} - ordinary
        years.append(Year(year, len(of_year), len(ordinary - before), len(ordinary & before), len(large)))
        before |= ordinary
        everyone |= ordinary | large
    nowhere_else = {person for work in undated for person in work.people} - everyone
    return Timeline(filled(years, span(dated)), len(undated), len(nowhere_else))


def span(*sets: Iterable[int]) -> range:
    """Every year from the first to the last of all of them."""
    years = [year for years in sets for year in years]
    return range(min(years), max(years) + 1) if years else range(0)


def filled(years: Iterable[Year], over: range) -> tuple[Year, ...]:
    """A row for each year of `over`, also where no work is."""
    known = {year.year: year for year in years}
    return tuple(known.get(year, Year(year, 0)) for year in over)


def reached(ties: Mapping[tuple[int, int], int | None], focus: int) -> dict[int, tuple[int, int]]:
    """By definition: per year, how many people came within one step of `focus` and how many within two, in that year.

    `ties`: each pair once, with its first year; what has none is in no year. A path is there once both its ties are.
    """
    first: dict[int, dict[int, int]] = {}
    for (a, b), year in ties.items():
        if year is not None:
            first.setdefault(a, {})[b] = first.setdefault(b, {})[a] = year
    one = first.get(focus, {})
    two = dict(one)
    for middle, met in one.items():
        for person, year in first[middle].items():
            if person != focus:
                came = max(met, year)
                two[person] = min(two.get(person, came), came)
    years = set(one.values()) | set(two.values())
    return {y: (list(one.values()).count(y), list(two.values()).count(y)) for y in sorted(years)}


def cumulated(came: Mapping[int, tuple[int, int]], over: range) -> tuple[Reach, ...]:
    """Sums so far of what `reached` gives, for each year of `over`, which holds all of its years."""
    one = accumulate(came.get(year, (0, 0))[0] for year in over)
    two = accumulate(came.get(year, (0, 0))[1] for year in over)
    return tuple(map(Reach, over, one, two))


_HEIGHT = 96.0  # pixels from the axis to the highest bar
_STRIP = 24.0  # pixels from the foot to the highest bar of a strip
_TOP = 18.0  # pixels above it, for the number
_WIDEST = 6.0  # per cent of the picture: a bar of one of three years is a bar, no wall
_FILL = 0.76  # of a year's share of the width; the rest is the gap
_LEAST = 1.5  # pixels: one among a thousand is seen
_APART = 17.0  # per cent between two labels: four digits at 12 pixels, where the picture is 300 pixels wide


class Bar(NamedTuple):
    """A rectangle: x and width in per cent of the picture, y and height in pixels; `name` is its series."""

    name: str
    x: float
    width: float
    y: float
    height: float


class Tick(NamedTuple):
    """A label below the axis, at `x` per cent."""

    year: int
    x: float
    anchor: Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of one number a year, stacked by series. `most` is the highest sum and `best` the first year that has it."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    most: int
    best: int
    top: float = _TOP
    base: float = _TOP + _HEIGHT
    label: float = _TOP + _HEIGHT + 17
    height: float = _TOP + _HEIGHT + 24


def strip(over: range, numbers: Mapping[int, int], most: int) -> tuple[Bar, ...]:
    """Small bars without an axis, for several strips below one another: `most` is the highest number of them all."""
    share = 100 / max(len(over), 1)
    return tuple(
        Bar(
            "strip",
            round(at * share + share * (1 - _FILL) / 2, 3),
            round(share * _FILL, 3),
            round(_STRIP - height, 2),
            round(height, 2),
        )
        for at, year in enumerate(over)
        if year in numbers
        for height in [max(_STRIP * numbers[year] / most, _LEAST)]
    )


def chart(years: Sequence[int], series: Mapping[str, Sequence[int]]) -> Chart | None:
    """Bars for `years`, which follow one another; the first series stands lowest. None where all numbers are 0."""
    sums = [sum(numbers) for numbers in zip(*series.values(), strict=True)]
    if not any(sums):
        return None
    most, share = max(sums), 100 / len(years)
    width = min(share * _FILL, _WIDEST)
    bars = []
    for at in range(len(years)):
        y = _TOP + _HEIGHT
        for name, numbers in series.items():
            if numbers[at]:
                height = max(_HEIGHT * numbers[at] / most, _LEAST)
                y -= height
                x = (at + 0.5) * share - width / 2
                bars.append(Bar(name, round(x, 3), round(width, 3), round(y, 2), round(height, 2)))
    return Chart(tuple(bars), ticks(years), most, years[sums.index(most)])


def ticks(years: Sequence[int]) -> tuple[Tick, ...]:
    """The first and the last year, and round ones between them as far as they find room."""
    share = 100 / len(years)
    places = {year: round((at + 0.5) * share, 3) for at, year in enumerate(years)}
    first, last = years[0], years[-1]
    kept = [first] if places[last] - places[first] < _APART else [first, last]
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if step * share >= _APART or step == 1000)
    for year in years:
        if year % step == 0 and all(abs(places[year] - places[other]) >= _APART for other in kept):
            kept.append(year)
    return tuple(_tick(year, places[year]) for year in sorted(kept))


def _tick(year: int, x: float) -> Tick:
    """Labels near an edge begin or end there, and so stay inside the picture."""
    if x < _APART / 3:
        return Tick(year, 0.0, "start")
    if x > 100 - _APART / 3:
        return Tick(year, 100.0, "end")
    return Tick(year, x, "middle")
