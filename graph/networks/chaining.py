"""The picture of chains between two people: the ends on either side, a row for each chain, the cheapest on top.

Nothing is relaxed: the same chains give the same picture. A narrow page has no room for rows; there one chain stands
upright, a row of text for each mark. Entry points: `across`, `upright`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from graph.networks.drawing import COLUMN, Line, Mark, outline, shortened
from graph.networks.slices import Node

Chain = Sequence[Node]  # person, paper, person, …, person; a paper's `weight` is its year, 0 where none is known

_WIDTH, _LANE, _TOP, _BELOW = 960.0, 84.0, 34.0, 44.0
_END = 92.0  # from the edge to an end: half a name
_STEP = 118.0  # the least between two people
_RADIUS = {"person": 11.0, "paper": 9.0}
_END_RADIUS = 15.0
_COLUMN_X, _ROW, _COLUMN_WIDTH = 20.0, 46.0, 340.0  # of an upright picture


@dataclass(frozen=True, slots=True)
class Picture:
    """Size, marks in the order in which they are read, and the lines below them."""

    width: int
    height: int
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]


def across(chains: Sequence[Chain]) -> Picture:
    """All chains, from left to right. They begin and end with the same two people; one chain at least."""
    steps = max(len(chain) // 2 for chain in chains)
    width = max(_WIDTH, 2 * _END + _STEP * steps)
    height = _TOP + _LANE * (len(chains) - 1) + _BELOW
    middle = _TOP + _LANE * (len(chains) - 1) / 2
    marks = [_across(chains[0][0], _END, middle, 2 * _END, True)]
    lines: list[Line] = []
    for lane, chain in enumerate(chains):
        gap = (width - 2 * _END) / (len(chain) - 1)
        places = [(_END + gap * at, _TOP + _LANE * lane) for at in range(len(chain))]
        places[0], places[-1] = (_END, middle), (width - _END, middle)
        lines += _lines(places, lane == 0)
        marks += [_across(node, *at, 2 * gap, False) for node, at in list(zip(chain, places, strict=True))[1:-1]]
    marks.append(_across(chains[0][-1], width - _END, middle, 2 * _END, True))
    return Picture(round(width), round(height), tuple(marks), tuple(lines))


def upright(chain: Chain) -> Picture:
    """One chain, from top to bottom, for a page of 390 pixels."""
    places = [(_COLUMN_X, 22 + _ROW * at) for at in range(len(chain))]
    room = int((_COLUMN_WIDTH - _COLUMN_X - 28) / COLUMN)
    marks = []
    for at, (node, (x, y)) in enumerate(zip(chain, places, strict=True)):
        focus = at in (0, len(chain) - 1)
        year = f"{node.weight:.0f} · " if node.kind == "paper" and node.weight else ""
        marks.append(_mark(node, x, y, shortened(year + node.label, room), x + 28, y + 4, "start", focus))
    height = 44 + _ROW * (len(chain) - 1)
    return Picture(round(_COLUMN_WIDTH), round(height), tuple(marks), tuple(_lines(places, True)))


def _across(node: Node, x: float, y: float, room: float, focus: bool) -> Mark:
    """People wear their name below, papers their year above, so that neighbours never meet."""
    if node.kind == "paper":
        return _mark(node, x, y, f"{node.weight:.0f}" if node.weight else "", x, y - 17, "middle", focus)
    label = shortened(node.label, int((room - 12) / COLUMN))
    return _mark(node, x, y, label, x, y + (35 if focus else 29), "middle", focus)


def _mark(node: Node, x: float, y: float, label: str, label_x: float, label_y: float, anchor: str, focus: bool) -> Mark:
    r = _END_RADIUS if focus else _RADIUS[node.kind]
    return Mark(
        kind=node.kind,
        url=node.url,
        title=f"{node.label} ({node.weight:.0f})" if node.kind == "paper" and node.weight else node.label,
        label=label,
        x=x,
        y=y,
        r=r,
        shape=outline(node.kind, x, y, r),
        label_x=round(label_x, 1),
        label_y=round(label_y, 1),
        anchor="start" if anchor == "start" else "middle",
        reach="",
        focus=focus,
    )


def _lines(places: Sequence[tuple[float, float]], first: bool) -> Iterator[Line]:
    for (x1, y1), (x2, y2) in pairwise(places):
        yield Line("wrote", f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}", 2.5 if first else 1.5, first)
