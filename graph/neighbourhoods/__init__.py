"""The surroundings of a person, paper, topic or institution as a `networks.Slice`: the first of each kind, read by
index, and how many there are.

Problem: what is near differs by kind, and may be 100,000 papers. Idea: each kind asks a constant number of narrow
queries; what would be too dear is counted within the newest works, and the slice says so. Only public people are read.

Entry points: `around`, `limits_for`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from graph.networks import LIMITS, Filters, Kind, Slice
from graph.places import Place
from papers.models import Institution, Paper, Topic

from . import author, institution, paper, topic

# A page of its own has room for half as many people again as the panel before most names would cover one another.
EXPLORER: Mapping[Kind, int] = {"person": 36, "paper": 14, "topic": 9, "institution": 6}
CAP = 300  # nodes of one slice, the focus among them


def around(place: Place, limits: Mapping[Kind, int] = LIMITS, filters: Filters = Filters()) -> Slice:  # noqa: B008
    """The slice around `place`. The years are those of works; ties are counted within them. A kind that is not asked
    for is neither shown nor counted."""
    asked: dict[Kind, int] = {kind: limits.get(kind, 0) if kind in filters.kinds else 0 for kind in LIMITS}
    if isinstance(place, Paper):
        return paper.around(place, asked, filters)
    if isinstance(place, Topic):
        return topic.around(place, asked, filters)
    if isinstance(place, Institution):
        return institution.around(place, asked, filters)
    return author.around(place, asked, filters)


def limits_for(people: int, kinds: Collection[Kind]) -> dict[Kind, int]:
    """That many people and the other kinds in proportion, and with the focus at most CAP nodes.

    >>> limits_for(24, LIMITS) == LIMITS, sum(limits_for(10_000, LIMITS).values()) < CAP
    (True, True)
    """
    share = people / LIMITS["person"]
    share = min(share, (CAP - 1) / sum(LIMITS[kind] for kind in kinds))
    return {kind: max(1, int(LIMITS[kind] * share)) for kind in kinds}
