"""The formula of trending: how much heat acts of readers give a paper, and how it goes.

Problem: what many do now must stand before what many did once, a few who click much must not pass for many, and anybody
must be able to add it up again. Idea: each act is worth the weight of its kind, divided by which of its account's it is
for the same people, and halves with every `HALF_LIFE` days. All acts halve alike, so the order of papers never changes
as time passes: what is kept is the logarithm of the sum as of a fixed day, which no age of the database makes too large
or too small for a float. Days count and hours do not, so the sum can be shown whole without telling when anybody read.
Entry points: `WEIGHTS`, `worth`, `decay`, `heat`, `on_day`; `most` for what a circle gains.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum, log2

# Days in which an act loses half of its worth. A week has every weekday once, so a paper of a Friday is not behind one
# of a Monday for the day it came on; and after a month a sixteenth is left.
HALF_LIFE = 7
# Days in which an account's acts of a kind for the same people count less and less: what was worth a 19th by age alone
# when the count begins anew adds little.
WINDOW = 30
DAY_0 = date(2026, 1, 1)  # heat is kept as of this day; any would do, for it moves all papers alike


@dataclass(frozen=True, slots=True)
class Weight:
    """What one act of a kind is worth on its day, and why."""

    kind: str
    weight: float
    reason: str


WEIGHTS = (
    Weight("like", 1, "the measure of all others"),
    Weight("save", 1, "a click like it, by somebody who means to come back"),
    Weight("comment", 2, "takes a thought, and others can answer it; more by the same account count no more"),
    Weight("review", 4, "takes the reading of the paper, and there is one of an account"),
    Weight(
        "listing",
        1,
        "times the binary logarithm of 1 + votes on a source's daily list, for nobody here can check whose they are: "
        "a hundred of them are worth seven likes",
    ),
)
_WEIGHT = {row.kind: row.weight for row in WEIGHTS}


@dataclass(frozen=True, slots=True)
class Act:
    """What one account did for a paper, or one daily list.

    `nth` of its account's acts of the kind within `WINDOW` days for papers that share a person with this one, from 1;
    `votes` of a listing.
    """

    kind: str
    day: date
    nth: int = 1
    votes: int = 0


def worth(act: Act) -> float:
    """What it is worth on its day.

    >>> worth(Act("review", DAY_0, nth=2)), worth(Act("listing", DAY_0, votes=7))
    (2.0, 3.0)
    """
    return _WEIGHT[act.kind] * (log2(1 + act.votes) if act.kind == "listing" else 1 / act.nth)


def decay(day: date, now: date) -> float:
    """The share of its worth that an act of `day` still has.

    >>> decay(date(2026, 3, 1), date(2026, 3, 15))
    0.25
    """
    return float(2.0 ** (-(now - day).days / HALF_LIFE))


def heat(acts: Iterable[Act]) -> float | None:
    """The binary logarithm of what the acts are worth together as of `DAY_0`; None where that is nothing.

    The same in whatever order they come.

    >>> heat([Act("like", DAY_0), Act("save", DAY_0)])
    1.0
    """
    logs = [log2(worth(act)) + (act.day - DAY_0).days / HALF_LIFE for act in acts if worth(act)]
    if not logs:
        return None
    top = max(logs)
    return top + log2(fsum(2.0 ** (log - top) for log in logs))


def on_day(heat: float, now: date) -> float:
    """What `heat` is on a day: the sum of worth × decay.

    >>> on_day(1.0, date(2026, 1, 8))
    1.0
    """
    return float(2.0 ** (heat - (now - DAY_0).days / HALF_LIFE))


def most(accounts: int, papers: int) -> float:
    """No more than this heat, on any day and all together, come from so many accounts for so many papers of a person.

    An account's acts of a kind in the latest `WINDOW` days are worth at most 1 + 1/2 + … + 1/papers times the weight,
    those in the days before at most as much, decayed by as many days, and so on.
    """
    weights = fsum(row.weight for row in WEIGHTS if row.kind != "listing")
    once = accounts * weights * fsum(1 / n for n in range(1, papers + 1))
    return once / (1 - decay(DAY_0 - timedelta(WINDOW), DAY_0))
