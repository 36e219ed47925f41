"""What readers say against an attribution: an item of its evidence, bounded whoever they are and however many.

Problem: a reader often knows better than the matcher whose a work is, and a crowd of invented readers knows whatever it
is told to. Idea: a doubt is weighed after the matcher is done. It lowers what is stated of one link, and may so make it
weak: readers' limits then hide it, and curators are offered it. It is not weighed while works are gathered: who is who
would hang on who clicks, no gold set could tell what a click is worth, and one click would resolve a block of 20,000
names again. Entry point: `against`.
"""

from __future__ import annotations

from .attribution import STRONG, Evidence
from .model import log_odds_of

RULE = "readers"
# One reader halves the odds (e^-0.7 is .50): as if readers doubted a wrong link twice as often as a right one. That is
# little, for nobody has measured them yet; the decisions that answer doubts will.
WEIGHT = 0.7
# More weigh no more. Three are as many accounts as one person with time may have; and so a link that states more than
# .979 (`safe_above`) stays strong against any crowd, and any link keeps an eighth of its odds.
MOST = 3


def against(readers: int, *, answered: bool = False, stated: bool = False) -> Evidence:
    """The item that `readers` (at least 1) accounts make.

    It weighs nothing where people have `answered` it, and where people or an authenticated iD have `stated` the link.

    >>> against(2).weight, against(50).weight, against(2, answered=True).weight
    (-1.4, -2.1, 0.0)
    """
    said = f"{readers} reader{' says' if readers == 1 else 's say'} that this is another person"
    if answered:
        return Evidence(RULE, 0.0, f"{said}; people have confirmed the work since")
    if stated:
        return Evidence(RULE, 0.0, f"{said}; what is stated outweighs that")
    more = f"; more than {MOST} weigh no more" if readers > MOST else ""
    return Evidence(RULE, -round(WEIGHT * min(readers, MOST), 4), said + more)


def safe_above(readers: int = MOST) -> float:
    """The log-odds from which a strong link stays strong against so many readers.

    >>> [round(safe_above(n), 2) for n in (0, 1, 2, 3, 200)]
    [1.73, 2.43, 3.13, 3.83, 3.83]
    """
    return log_odds_of(STRONG) + WEIGHT * min(readers, MOST)
