"""What is known of two groups of works, in sentences: the facts of `groups`, each kind told with what it adds.

Idea: the trees that weigh two groups say what every fact adds (`Trees.contributions`); facts that a person would tell
in one breath are a theme, and its weight is their sum. Entry point: `told`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from .block import Block
from .evidence import how_near, rarity_sentence, shared_coauthors
from .groups import FACTS, Joined
from .trees import Trees


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
    """A kind of facts about two groups, and how they are told."""

    name: str
    facts: tuple[str, ...]
    describe: Callable[[Meeting], str]


def told(block: Block, joined: Joined, meeting: int, trees: Trees) -> Iterator[tuple[str, float, str]]:
    """The start and every theme that adds something: name, weight in nats, sentence. The weights sum to the log-odds of
    the meeting."""
    row = joined.pairs.facts[meeting]
    start, added = trees.contributions(row)
    met = Meeting(block, joined.sides(meeting), dict(zip(FACTS, row.tolist(), strict=True)))
    yield "prior", start, f"before any evidence about {_works(met)}"
    for theme in THEMES:
        if weight := float(sum(added[FACTS.index(fact)] for fact in theme.facts)):
            yield theme.name, weight, theme.describe(met)


def _works(met: Meeting) -> str:
    small, large = map(len, met.smaller_first)
    return f"{_counted(small, 'work')} and {_counted(large, 'work')} taken as wholes"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _sizes(met: Meeting) -> str:
    small, large = map(len, met.smaller_first)
    return f"there are {_counted(small, 'work')} on one side and {large} on the other"


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
    return rarity_sentence(met.facts["ambiguity"])


def _titles(met: Meeting) -> str:
    return f"the titles as a whole are {how_near(met.facts['titles'])}"


def _abstracts(met: Meeting) -> str:
    near = met.facts["abstracts"]
    return "no abstracts to compare" if near <= -1 else f"the abstracts are {how_near(near)}"


def _coauthors(met: Meeting) -> str:
    small, large = met.smaller_first
    kept = [{key for p in side for key in met.block.kept[p]} for side in (small, large)]
    if not all(kept):
        return "one side has no coauthor, so none can be shared"
    shared = kept[0] & kept[1]
    if not shared:
        return "they share no coauthor"
    reached = [sum(not shared.isdisjoint(met.block.kept[p]) for p in side) for side in (small, large)]
    on = f": on {reached[0]} of {len(small)} and {reached[1]} of {len(large)} works" if len(large) > 1 else ""
    return f"both sides wrote with {shared_coauthors(shared, met.block)}{on}"


def _venues(met: Meeting) -> str:
    one, other = ({int(v) for v in met.block.venue[side] if v >= 0} for side in met.sides)
    if not (one and other):
        return "no venues to compare"
    shared = one & other
    if not shared:
        return "they appeared in different venues"
    named = sorted({met.block.signatures[p].venue for p in chain(*met.sides) if int(met.block.venue[p]) in shared})
    return f"both sides appeared in {named[0]}" + f" and {len(shared) - 1} more" * (len(shared) > 1)


def _affiliations(met: Meeting) -> str:
    near = met.facts["affiliations"]
    if near < 0:
        return "no affiliations to compare"
    return f"the affiliations are {'alike' if near > 0.5 else 'partly alike' if near > 0.1 else 'different'}"


def _years(met: Meeting) -> str:
    dated = [[y for p in side if (y := met.block.signatures[p].year)] for side in met.sides]
    if not all(dated):
        return "no years to compare"
    between = max(min(dated[0]) - max(dated[1]), min(dated[1]) - max(dated[0]))
    return "the works lie in the same years" if between <= 0 else f"{_counted(between, 'year')} between the two"


def _others(met: Meeting) -> str:
    lead, others = met.facts["lead"], round(float(np.exp(met.facts["rivals"]))) - 2
    if others <= 0:
        return "there are no other works under this name that come into question"
    how = "and is nearer than this" if lead < -0.2 else "and is about as near" if lead < 0.2 else "but is less near"
    return f"another group of works under this name comes into question for one of them {how}"


THEMES = (
    Theme("works", ("smaller", "larger"), _sizes),
    Theme("two by two", ("best", "likeliest", "mean", "beyond names"), _two_by_two),
    Theme("name", ("names", "ambiguity", "agreement"), _names),
    Theme("coauthors", ("coauthors", "rarity", "overlap", "reach of smaller", "reach of larger"), _coauthors),
    Theme("title", ("title", "titles", "words"), _titles),
    Theme("abstract", ("abstracts",), _abstracts),
    Theme("affiliations", ("affiliations",), _affiliations),
    Theme("venues", ("venues",), _venues),
    Theme("years", ("years",), _years),
    Theme("others", ("lead", "higher lead", "rivals"), _others),
)
