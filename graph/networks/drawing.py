"""The picture of a slice, computed on the server: coordinates, outlines, lines and labels.

Problem: a force-directed picture of even fifty nodes is a tangle of names that differs at each load.

Idea: nothing is relaxed, everything is computed. The focus stands in the middle; people on half-rings to its left,
those who share two or more works on the inner one; everything else on an arc to its right. Each node has its own
row of text, so names read like a list; a label that would still cover another is left out and counted. People who
write with one another stand together on their ring: `communities.partition`.
The same data give the same picture whatever order they came in.

Entry points: `draw` for the template, `layout` for coordinates alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, sqrt
from typing import Literal, NamedTuple
from unicodedata import east_asian_width

from graph.networks.communities import partition
from graph.networks.slices import KINDS, Count, Edge, Kind, Node, Order, Slice, ranked
from graph.networks.tables import Table, tables

WIDTH, HEIGHT = 960, 640  # 3:2, a panel's width on a desktop page; one unit is one CSS pixel there
_CX, _CY = WIDTH / 2, HEIGHT / 2
_RY = 304.0  # leaves half a row of text above and below the outermost ring
# Titles are longer than names: their arc stands nearer the middle, which leaves 290 units of text instead of 175.
_RX: Mapping[Kind, float] = {"person": 290.0, "paper": 175.0, "topic": 175.0, "institution": 175.0}
ROW = 17.0  # the least distance of two rows of 13-unit text
_GAP = 1.2  # rows left free between two kinds on the arc
_CLOSE = 2  # shared works that make a close collaborator, who stands on the inner ring
_INNER = 10  # rows on the inner ring at a comfortable distance
_INNER_RADIUS, _SECOND_RADIUS = 0.42, 0.8  # of the outermost ring; the gap between holds a name of 18 letters
_COLUMN = 7.4  # mean advance of a letter at 13 units in DejaVu Sans, the widest of the usual system fonts
_MARGIN = 8.0
_LABEL_GAP = 6.0  # from the edge of a mark to its text
_LEAST_LABEL = 8  # columns; a shorter cut says nothing
_FOCUS_RADIUS = 15.0
_DENSE = 300  # lines; a panel at its limits has about 150, which read well at the usual strength
_THIN = 1.3  # all lines but coauthorship: how many works a topic has is told by its size
_FOCUS_LABEL = 28 * _COLUMN  # between the inner rings on either side

_NAMES: Mapping[Kind, tuple[str, str]] = {
    "person": ("person", "people"),
    "paper": ("paper", "papers"),
    "topic": ("topic", "topics"),
    "institution": ("institution", "institutions"),
}


class _Place(NamedTuple):
    """Where a node stands, and the width its label may take outwards (units of the viewBox)."""

    x: float
    y: float
    room: float


def layout(slice_: Slice) -> dict[str, tuple[float, float]]:
    """Coordinates of every node in a viewBox of WIDTH x HEIGHT, by id; the same for any order of the input."""
    return {id_: (place.x, place.y) for id_, place in _places(slice_).items()}


def _places(slice_: Slice) -> dict[str, _Place]:
    places = {slice_.focus: _Place(_CX, _CY, _FOCUS_LABEL)} if slice_.nodes else {}
    nodes = ranked(slice_)
    groups = _groups(slice_, nodes["person"])
    left, right = _sides(nodes)
    for side, sectors in ((-1, left), (1, right)):
        for sector, start, end in _spans(sectors):
            places |= _fan(sector, side, start, end, groups)
    return places


def _groups(slice_: Slice, people: list[Node]) -> dict[str, int]:
    """The community of each person by the ties among them without the focus; that of the first person first."""
    ties = [(edge.source, edge.target, edge.weight) for edge in slice_.edges if edge.kind == "wrote with"]
    communities = partition([person.id for person in people], ties)
    return {id_: number for number, community in enumerate(communities) for id_ in community}


def _sides(nodes: dict[Kind, list[Node]]) -> tuple[list[list[Node]], list[list[Node]]]:
    """The sectors left and right of the focus, top to bottom; neither side stays empty for want of a kind."""
    people = nodes["person"]
    others = [nodes[kind] for kind in ("institution", "paper", "topic") if nodes[kind]]
    if people and not others:
        return [people[::2]], [people[1::2]]
    if others and not people and nodes["paper"]:
        return [nodes["paper"]], [sector for sector in others if sector is not nodes["paper"]]
    return [people], others


def _spans(sectors: list[list[Node]]) -> list[tuple[list[Node], float, float]]:
    """Each sector with its share of the height, from -1 (top) to 1 (bottom), by its number of nodes."""
    sectors = [sector for sector in sectors if sector]
    rows = sum(len(sector) for sector in sectors) + _GAP * (len(sectors) - 1)
    spans: list[tuple[list[Node], float, float]] = []
    at = 0.0
    for sector in sectors:
        spans.append((sector, 2 * at / rows - 1, 2 * (at + len(sector)) / rows - 1))
        at += len(sector) + _GAP
    return spans


def _fan(sector: list[Node], side: int, start: float, end: float, groups: Mapping[str, int]) -> dict[str, _Place]:
    """A sector's nodes (of one kind) on its rings, evenly by height, so that each has its own row of text."""
    rings = _rings(sector, start, end)
    width = _RX[sector[0].kind]
    places = {}
    for index, (radius, ring) in enumerate(rings):
        for position, node in enumerate(sorted(ring, key=lambda node: groups.get(node.id, 0))):
            height = radius * (start + (end - start) * (position + 0.5) / len(ring))
            reach = width * sqrt(radius**2 - height**2)
            if index + 1 < len(rings):
                outer = rings[index + 1][0]
                room = width * sqrt(outer**2 - height**2) - reach - 2 * _LABEL_GAP - 2 * _radius(node)
            else:
                room = _CX - reach - _radius(node) - _LABEL_GAP - _MARGIN
            places[node.id] = _Place(round(_CX + side * reach, 1), round(_CY + _RY * height, 1), room)
    return places


def _rings(sector: list[Node], start: float, end: float) -> list[tuple[float, list[Node]]]:
    """Relative radii and their nodes, from the inside: close collaborators first, then as many rings as needed."""
    capacity = max(1, int((end - start) * _RY / ROW))
    close = [node for node in sector if node.kind == "person" and node.weight >= _CLOSE][:_INNER]
    rest = sector[len(close) :]
    if not close or not rest:
        return _stack(sector, capacity)
    return [(_INNER_RADIUS, close), *_stack(rest, capacity)]


def _stack(nodes: list[Node], capacity: int) -> list[tuple[float, list[Node]]]:
    """Nodes shared evenly among the fewest rings that hold `capacity` each."""
    count = ceil(len(nodes) / capacity)
    if count == 1:
        return [(1.0, nodes)]
    bounds = [round(index * len(nodes) / count) for index in range(count + 1)]
    step = (1.0 - _SECOND_RADIUS) / (count - 1)
    return [(_SECOND_RADIUS + step * index, nodes[a:b]) for index, (a, b) in enumerate(pairwise(bounds))]


@dataclass(frozen=True, slots=True)
class Mark:
    """A node as drawn: centre, radius, outline (`shape`) and `reach`, the path of all its lines, shown on hover.

    `label` is cut to its room and empty where it would cover another; `title` is always whole.
    """

    kind: Kind
    url: str
    title: str
    label: str
    x: float
    y: float
    r: float
    shape: str
    label_x: float
    label_y: float
    anchor: Literal["start", "middle", "end"]
    reach: str
    focus: bool


@dataclass(frozen=True, slots=True)
class Line:
    """An edge as drawn: an SVG path, its stroke width, and `spoke` where it meets the focus.

    `name` is its kind in a form fit for a class name ("wrote-with").
    """

    name: str
    path: str
    width: float
    spoke: bool


@dataclass(frozen=True, slots=True)
class CutOff:
    """How many of a kind are shown, of how many, in which order; `text` says so in English."""

    kind: Kind
    shown: int
    total: int
    order: Order
    text: str


@dataclass(frozen=True, slots=True)
class Key:
    """A legend entry: the kind and its outline around (0, 0)."""

    kind: Kind
    shape: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that the template needs: nothing in it is computed there."""

    width: int
    height: int
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    legend: tuple[Key, ...]
    cut_offs: tuple[CutOff, ...]
    tables: tuple[Table, ...]
    unlabelled: int

    @property
    def dense(self) -> bool:
        """Whether lines should be drawn fainter, for so many of them would cover the page."""
        return len(self.lines) > _DENSE


def draw(slice_: Slice, sort: str = "") -> Drawing:
    """The picture and the tables of a slice, in one order whatever the order of its nodes and edges; rows by `sort`."""
    places, others = _places(slice_), ranked(slice_)
    lines = {edge: _line(edge, slice_.focus, places) for edge in sorted(slice_.edges, key=_edge_order)}
    reach: dict[str, list[str]] = {node.id: [] for node in slice_.nodes}
    for edge, line in lines.items():
        for end in {edge.source, edge.target}:
            reach[end].append(line.path)
    order = [node for node in (slice_.centre,) if node] + [node for nodes in others.values() for node in nodes]
    marks = _labelled([_mark(node, places[node.id], node.id == slice_.focus, reach[node.id]) for node in order])
    return Drawing(
        WIDTH,
        HEIGHT,
        tuple(marks),
        tuple(lines.values()),
        tuple(Key(kind, _shape(kind, 0, 0, 6)) for kind in KINDS if any(mark.kind == kind for mark in marks)),
        tuple(_cut_off(kind, count, slice_.order[kind]) for kind, count in slice_.counts.items() if count.total),
        tables(slice_, sort),
        sum(not mark.label for mark in marks),
    )


def _edge_order(edge: Edge) -> tuple[str, str, str, float, int, int]:
    first, second = sorted((edge.source, edge.target))
    return (edge.kind, first, second, edge.weight, edge.first_year or 0, edge.last_year or 0)


def _cut_off(kind: Kind, count: Count, order: Order) -> CutOff:
    name = _NAMES[kind][count.total != 1]
    return CutOff(kind, count.shown, count.total, order, f"{count.shown:,} of {count.total:,} {name}, {order}")


def _radius(node: Node) -> float:
    """Area grows with the weight of people, topics and institutions, and stops before marks touch."""
    return 5.0 if node.kind == "paper" else min(4.0 + sqrt(max(node.weight, 0.0)), ROW / 2)


def _mark(node: Node, place: _Place, focus: bool, paths: list[str]) -> Mark:
    radius = _FOCUS_RADIUS if focus else round(_radius(node), 1)
    side = 1 if place.x >= _CX else -1
    return Mark(
        node.kind,
        node.url,
        node.label,
        _shorten(node.label, int(place.room / _COLUMN)),
        place.x,
        place.y,
        radius,
        _shape(node.kind, place.x, place.y, radius),
        place.x if focus else round(place.x + side * (radius + _LABEL_GAP), 1),
        # A third of the letter's height sets its middle on the row; the focus wears its name below.
        round(place.y + (radius + 17 if focus else 4), 1),
        "middle" if focus else "start" if side > 0 else "end",
        "".join(paths),
        focus,
    )


def _columns(text: str) -> int:
    """Width of a text in letters; East Asian wide characters take two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _shorten(label: str, columns: int) -> str:
    """A label cut to its room, with an ellipsis; empty where next to nothing would be left."""
    if _columns(label) <= columns:
        return label
    if columns < _LEAST_LABEL:
        return ""
    while _columns(label) >= columns:
        label = label[:-1]
    return label.rstrip(" ,.:;-") + "…"


def _labelled(marks: list[Mark]) -> list[Mark]:
    """The marks in order, without the labels that would cover an earlier label or any mark."""
    taken = [(mark.x - mark.r, mark.y - mark.r, mark.x + mark.r, mark.y + mark.r) for mark in marks]
    result = []
    for mark in marks:
        width = _columns(mark.label) * _COLUMN
        left = mark.label_x - {"start": 0.0, "middle": width / 2, "end": width}[mark.anchor]
        box = (left, mark.label_y - 11, left + width, mark.label_y + 3)
        covers = any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken)
        if mark.label and not covers:
            taken.append(box)
        result.append(replace(mark, label="") if covers else mark)
    return result


def _shape(kind: Kind, x: float, y: float, r: float) -> str:
    """Outline of a mark as an SVG path: circle, square, diamond or triangle, of about the same area."""
    if kind == "person":
        return f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 0 {-2 * r:.1f} 0z"
    if kind == "paper":
        return f"M{x - 0.9 * r:.1f} {y - 0.9 * r:.1f}h{1.8 * r:.1f}v{1.8 * r:.1f}h{-1.8 * r:.1f}z"
    if kind == "topic":
        return f"M{x:.1f} {y - 1.25 * r:.1f}l{1.25 * r:.1f} {1.25 * r:.1f}l{-1.25 * r:.1f} {1.25 * r:.1f}" + (
            f"l{-1.25 * r:.1f} {-1.25 * r:.1f}z"
        )
    return f"M{x:.1f} {y - 1.2 * r:.1f}l{1.2 * r:.1f} {2.1 * r:.1f}h{-2.4 * r:.1f}z"


def _line(edge: Edge, focus: str, places: Mapping[str, _Place]) -> Line:
    """Straight from the focus; every other line bends towards the middle, so that near parallels run together."""
    (x1, y1, _), (x2, y2, _) = places[edge.source], places[edge.target]
    spoke = focus in (edge.source, edge.target)
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
    # Halfway to the focus: less leaves chords across the labels, more draws every line through the focus.
    bend = f"Q{(middle_x + _CX) / 2:.1f} {(middle_y + _CY) / 2:.1f} {x2:.1f} {y2:.1f}"
    path = f"M{x1:.1f} {y1:.1f}" + (f"L{x2:.1f} {y2:.1f}" if spoke else bend)
    width = round(min(1 + 1.5 * sqrt(max(edge.weight, 0.0)), 6.0), 1) if edge.kind == "wrote with" else _THIN
    return Line(edge.kind.replace(" ", "-"), path, width, spoke)
