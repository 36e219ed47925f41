"""A slice as tables, for those who do not see the picture: every mark is a row, every line is in some row.

Entry point: `tables`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from graph.networks.slices import KINDS, Edge, Kind, Node, Slice, ranked


@dataclass(frozen=True, slots=True)
class Row:
    """A node in the table: works, years of its tie, and its neighbours besides the focus.

    Papers are not listed as neighbours, for each paper's own row lists its people and topics: every line of the
    picture is thus in some row.
    """

    label: str
    url: str
    works: int
    years: str
    linked: tuple[str, ...]


class Table(NamedTuple):
    """The rows of one kind; `dated` and `linked` tell whether any row fills that column."""

    kind: Kind
    rows: tuple[Row, ...]
    dated: bool
    linked: bool


def tables(slice_: Slice) -> tuple[Table, ...]:
    """One table for each kind that is shown, in the order of KINDS; the focus has no row."""
    known = {node.id: node for node in slice_.nodes}
    ties: dict[str, list[tuple[str, Edge]]] = {id_: [] for id_ in known}
    for edge in slice_.edges:
        ties[edge.source].append((edge.target, edge))
        ties[edge.target].append((edge.source, edge))
    found = []
    for kind, nodes in ((kind, nodes) for kind, nodes in ranked(slice_).items() if nodes):
        rows = tuple(_row(node, ties[node.id], known, slice_.focus) for node in nodes)
        found.append(Table(kind, rows, any(row.years for row in rows), any(row.linked for row in rows)))
    return tuple(found)


def _row(node: Node, ties: list[tuple[str, Edge]], known: Mapping[str, Node], focus: str) -> Row:
    """One row; the years are those of the tie to the focus, else of all its ties."""
    own = [edge for other, edge in ties if other == focus] or [edge for _, edge in ties]
    years = [year for edge in own for year in (edge.first_year, edge.last_year) if year is not None]
    span = f"{min(years)}\u2013{max(years)}" if years and min(years) < max(years) else "".join(map(str, years[:1]))
    linked = {known[other] for other, _ in ties if other != focus and known[other].kind != "paper"}
    names = sorted(linked, key=lambda other: (KINDS.index(other.kind), other.label.casefold(), other.id))
    return Row(node.label, node.url, round(node.weight), span, tuple(other.label for other in names))
