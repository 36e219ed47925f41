"""A slice as tables, for those who do not see the picture: every mark is a row, every line is in some row.

Entry point: `tables`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graph.networks.slices import KINDS, Edge, Kind, Node, Order, Slice, ranked


@dataclass(frozen=True, slots=True)
class Row:
    """A node in the table: works, years of its tie, its weight, and its neighbours besides the focus.

    Papers are not listed as neighbours, for each paper's own row lists its people and topics: every line of the
    picture is thus in some row. `weight` is that of the coauthorship with the focus; None where there is none.
    """

    label: str
    url: str
    works: int
    years: str
    linked: tuple[Node, ...]
    weight: float | None = None


class Table(NamedTuple):
    """The rows of one kind and how they were chosen; the others tell whether any row fills that column."""

    kind: Kind
    rows: tuple[Row, ...]
    order: Order
    dated: bool
    linked: bool
    weighted: bool

    @property
    def counted(self) -> bool:
        """Whether the number of works (for papers: of people in common) tells one row from another."""
        return self.order not in {"newest first", "in printed order", "by name"}


# By what rows can be ordered, and whether the greatest comes first; a minus before the name turns it round.
SORTS: Mapping[str, tuple[Callable[[Row], Any], bool]] = {
    "name": (lambda row: row.label.casefold(), False),
    "works": (lambda row: row.works, True),
    "years": (lambda row: (row.years[-4:], row.years), True),
    "weight": (lambda row: row.weight or 0.0, True),
}


def tables(slice_: Slice, sort: str = "") -> tuple[Table, ...]:
    """One table for each kind that is shown, in the order of KINDS; the focus has no row.

    Rows stand in the order of the slice, or by `sort` (of SORTS, with or without "-"); equals keep their order.
    """
    known = {node.id: node for node in slice_.nodes}
    ties: dict[str, list[tuple[str, Edge]]] = {id_: [] for id_ in known}
    for edge in slice_.edges:
        ties[edge.source].append((edge.target, edge))
        ties[edge.target].append((edge.source, edge))
    found = []
    for kind, nodes in ((kind, nodes) for kind, nodes in ranked(slice_).items() if nodes):
        rows = [_row(node, ties[node.id], known, slice_.focus) for node in nodes]
        found.append(
            Table(
                kind,
                tuple(_sorted(rows, sort)),
                slice_.order[kind],
                any(row.years for row in rows),
                any(row.linked for row in rows),
                any(row.weight is not None for row in rows),
            )
        )
    return tuple(found)


def _sorted(rows: list[Row], sort: str) -> list[Row]:
    if sort.removeprefix("-") not in SORTS:
        return rows
    key, greatest_first = SORTS[sort.removeprefix("-")]
    return sorted(rows, key=key, reverse=greatest_first is not sort.startswith("-"))


def _row(node: Node, ties: list[tuple[str, Edge]], known: Mapping[str, Node], focus: str) -> Row:
    """One row; the years are those of the tie to the focus, else of all its ties."""
    spokes = [edge for other, edge in ties if other == focus]
    years = [
        year
        for edge in spokes or [edge for _, edge in ties]
        for year in (edge.first_year, edge.last_year)
        if year is not None
    ]
    span = f"{min(years)}\u2013{max(years)}" if years and min(years) < max(years) else "".join(map(str, years[:1]))
    linked = {known[other] for other, _ in ties if other != focus and known[other].kind != "paper"}
    names = sorted(linked, key=lambda other: (KINDS.index(other.kind), other.label.casefold(), other.id))
    weight = max((edge.weight for edge in spokes if edge.kind == "wrote with"), default=None)
    return Row(node.label, node.url, round(node.weight), span, tuple(names), weight)
