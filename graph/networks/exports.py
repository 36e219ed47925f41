"""A slice in formats that other programs read: JSON, CSV, GraphML and GEXF.

Problem: imported names hold what XML cannot (controls) and what a spreadsheet would run (a leading "="). Idea: the XML
formats are written by networkx from text without the one, and cells are guarded against the other by the caller's
`cell`. Every format holds all nodes and all edges, in the order of the slice.

Entry points: `as_data`, `as_rows`, `as_graphml`, `as_gexf`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import networkx as nx

from graph.networks.slices import KINDS, Filters, Slice

# XML 1.0, production 2: characters that no document can hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

COLUMNS = (
    "row", "id", "kind", "label", "url", "weight", "source", "target", "relation", "first_year", "last_year"
)  # fmt: skip


def as_data(slice_: Slice, filters: Filters) -> dict[str, Any]:
    """What JSON holds. Counts and orders are those of the kinds asked for; `newest` and `names` as in `Slice`."""
    asked = [kind for kind in KINDS if kind in filters.kinds]
    counts = slice_.counts
    return {
        "focus": slice_.focus,
        "nodes": [
            {"id": node.id, "kind": node.kind, "label": node.label, "url": node.url, "weight": node.weight}
            for node in slice_.nodes
        ],
        "edges": [
            {
                "source": edge.source,
                "target": edge.target,
                "kind": edge.kind,
                "weight": edge.weight,
                "first_year": edge.first_year,
                "last_year": edge.last_year,
            }
            for edge in slice_.edges
        ],
        "counts": {kind: counts[kind]._asdict() for kind in asked},
        "order": {kind: slice_.order[kind] for kind in asked},
        "newest": slice_.newest,
        "names": slice_.names,
        "filters": {
            "kind": asked,
            "from": filters.first_year,
            "to": filters.last_year,
            "weight": filters.least_weight,
        },
    }


def as_rows(slice_: Slice) -> Iterator[tuple[object, ...]]:
    """The head, a row for each node, then a row for each edge; a cell that does not apply is empty."""
    yield COLUMNS
    for node in slice_.nodes:
        yield "node", node.id, node.kind, node.label, node.url, node.weight, "", "", "", "", ""
    for edge in slice_.edges:
        years = ("" if edge.first_year is None else edge.first_year, "" if edge.last_year is None else edge.last_year)
        yield "edge", "", "", "", "", edge.weight, edge.source, edge.target, edge.kind, *years


def as_graphml(slice_: Slice) -> bytes:
    """GraphML 1.0, undirected; several edges may tie two nodes."""
    out = BytesIO()
    nx.write_graphml_xml(_network(slice_), out, named_key_ids=True)
    return out.getvalue()


def as_gexf(slice_: Slice) -> bytes:
    """GEXF 1.2draft. Its writer stamps the day of writing, which is left out: the same data are the same bytes."""
    out = BytesIO()
    nx.write_gexf(_network(slice_), out)
    return re.sub(rb' lastmodifieddate="[^"]*"', b"", out.getvalue())


def _network(slice_: Slice) -> nx.MultiGraph:
    """Without attributes that are not known: a missing year is no year."""
    network = nx.MultiGraph(focus=slice_.focus)
    for node in slice_.nodes:
        network.add_node(node.id, label=_xml(node.label), kind=node.kind, url=node.url, weight=float(node.weight))
    for number, edge in enumerate(slice_.edges):
        years = {"first_year": edge.first_year, "last_year": edge.last_year}
        known = {name: year for name, year in years.items() if year is not None}
        network.add_edge(edge.source, edge.target, number, kind=edge.kind, weight=float(edge.weight), **known)
    return network


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
