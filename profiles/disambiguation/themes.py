"""What is known of two groups of works, in sentences: the facts of `groups`, each kind told with what it adds.

Idea: the trees that weigh two groups say what every fact adds beside a reference (`Trees.contributions`); facts that a
person would tell in one breath are a theme, and its weight is their sum. In the reference nothing speaks for or
against: topics are as near as chance has them, there is between no coauthor in common and one; what is not known, how
many works there are and how many compete are in it as they are, so that they add nothing of their own.
Entry point: `told`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from .block import Block
from .evidence import AGREEMENT_WORDS, RARE, UNRELATED, expected, how_near, shared_coauthors
from .groups import FACTS, Joined
from .names import Agreement
from .trees import Trees

TWO_BY_TWO = "two by two"
LEAD = 0.2  # nats by which the next best group may be nearer or farther and still be called about as near


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """Two groups, as positions in a block, and the facts about them by name."""

    block: Block
    sides: tuple[NDArray[np.int64], NDArray[np.int64]]
    facts: Mapping[str, float]

    @property
    def smaller_first(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        one, other = self.sides
        return (other, one) if len(one) > len(other) else (one, other)


@dataclass(frozen=True, slots=True)
class Theme:
    """A kind of facts about two groups: what they are in the reference, and how they are told.

    `known` says whether there is anything to tell; where there is not, the facts are in the reference as they are.
    """

    name: str
    usual: Mapping[str, float]
    describe: Callable[[Meeting], str]
    known: Callable[[Meeting], bool] = lambda _met: True


def told(block: Block, joined: Joined, meeting: int, trees: Trees) -> Iterator[tuple[str, float, str]]:
    """The reference and every theme that adds something: name, weight in nats, sentence. The weights sum to the
    log-odds of the meeting."""
    row = joined.pairs.facts[meeting]
    met = Meeting(block, joined.sides(meeting), dict(zip(FACTS, row.tolist(), strict=True)))
    reference = row.copy()
    for theme in THEMES:
        if theme.known(met):
            for fact, usual in theme.usual.items():
                reference[FACTS.index(fact)] = usual
    start, added = trees.contributions(row, reference)
    small, large = map(len, met.smaller_first)
    yield "prior", start, "before any evidence" + f", of {_counted(small, 'work')} beside {large}" * (large > 1)
    for theme in THEMES:
        if weight := float(sum(added[FACTS.index(fact)] for fact in theme.usual)):
            yield theme.name, weight, theme.describe(met)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _two_by_two(met: Meeting) -> str:
    best, mean = met.facts["best"], met.facts["mean"]
    if len(met.sides[0]) == len(met.sides[1]) == 1:
        return f"the two works, by themselves, are one person’s {_odds(best)}"
    return f"two works at a time, the likeliest two are one person’s {_odds(best)}, on average {_odds(mean)}"


def _odds(log_odds: float) -> str:
    odds = float(np.exp(abs(log_odds)))
    if odds < 1.25:
        return "as likely as not"
    said = f"{odds:.0f}" if odds >= 9.5 else f"{odds:.1f}"
    return f"{said} to 1" if log_odds > 0 else f"1 to {said}"


def _names(met: Meeting) -> str:
    how = AGREEMENT_WORDS[Agreement(int(met.facts["agreement"]))]
    return f"the names {how}" if how.startswith("are") else f"the least alike of their names {how}"


def _rarity(met: Meeting) -> str:
    return f"the name is {expected(met.facts['ambiguity'])}"  # how that counts depends on all else


def _titles(met: Meeting) -> str:
    return f"the titles as a whole are {how_near(met.facts['titles'])}"


def _abstracts(met: Meeting) -> str:
    return f"the abstracts are {how_near(met.facts['abstracts'])}"


def _circles(met: Meeting) -> list[set[str]]:
    return [{key for p in side for key in met.block.kept[p]} for side in met.sides]


def _coauthors(met: Meeting) -> str:
    small, large = met.smaller_first
    shared = set.intersection(*_circles(met))
    if not shared:
        return "they share no coauthor"
    reached = [sum(not shared.isdisjoint(met.block.kept[p]) for p in side) for side in (small, large)]
    on = f": on {reached[0]} of {len(small)} and {reached[1]} of {len(large)} works" if len(large) > 1 else ""
    return f"both sides wrote with {shared_coauthors(shared, met.block)}{on}"


def _venues_of(met: Meeting) -> list[set[int]]:
    return [{int(v) for v in met.block.venue[side] if v >= 0} for side in met.sides]


def _venues(met: Meeting) -> str:
    shared = set.intersection(*_venues_of(met))
    if not shared:
        return "they appeared in different venues"
    named = sorted({met.block.signatures[p].venue for p in chain(*met.sides) if int(met.block.venue[p]) in shared})
    return f"both sides appeared in {named[0]}" + f" and {len(shared) - 1} more" * (len(shared) > 1)


def _affiliations(met: Meeting) -> str:
    near = met.facts["affiliations"]
    return f"the affiliations are {'alike' if near > 0.5 else 'partly alike' if near > 0.1 else 'different'}"


def _years_of(met: Meeting) -> list[list[int]]:
    return [[year for p in side if (year := met.block.signatures[p].year)] for side in met.sides]


def _years(met: Meeting) -> str:
    one, other = _years_of(met)
    between = max(min(one) - max(other), min(other) - max(one))
    return "the works lie in the same years" if between <= 0 else f"{_counted(between, 'year')} between the two"


def _others(met: Meeting) -> str:
    lead, others = met.facts["lead"], round(float(np.exp(met.facts["rivals"]))) - 2
    if others <= 0:
        return "no other works under this name come into question for either"
    how = "nearer than these two are" if lead < -LEAD else "about as near" if lead < LEAD else "less near"
    nearest = "the other works that come" if others == 1 else f"the nearest of {others} other groups of works that come"
    return f"{nearest} into question for one of them {'is' if others > 1 else 'are'} {how}"


THEMES = (
    Theme(TWO_BY_TWO, {"best": 0, "likeliest": 0, "mean": 0, "beyond names": 0}, _two_by_two),
    Theme("name", {"names": 0}, _names),
    Theme("rarity", {"ambiguity": RARE}, _rarity),
    Theme(
        "coauthors",
        {"coauthors": 0.5, "rarity": 3, "overlap": 0.01, "reach of smaller": 0.01, "reach of larger": 0.01},
        _coauthors,
        lambda met: all(_circles(met)),
    ),
    Theme("title", {"title": 0.15, "titles": UNRELATED, "words": 0.02}, _titles),
    Theme("abstract", {"abstracts": UNRELATED}, _abstracts, lambda met: met.facts["abstracts"] > -1),
    Theme("affiliations", {"affiliations": 0.1}, _affiliations, lambda met: met.facts["affiliations"] >= 0),
    Theme("venues", {"venues": 0.05}, _venues, lambda met: all(_venues_of(met))),
    Theme("years", {"years": 0}, _years, lambda met: all(_years_of(met))),
    Theme("others", {"lead": 0, "higher lead": 0}, _others),
)
