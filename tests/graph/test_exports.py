"""Slices for other programs: every format holds all of it, and none runs or breaks on imported text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from xml.etree import ElementTree

import networkx as nx
import pytest
from django.test import Client
from django.urls import reverse

from graph.networks import Edge, Filters, Node, Slice
from graph.networks.exports import as_data, as_gexf, as_graphml, as_rows
from papers.models import Batch, Institution, Paper
from profiles.models import Author
from tests.conftest import fact

HOSTILE = 'Ada \x0b\x1b\ufffe <b>&"Lovelace"]]> 💡 \x85'


def hostile() -> Slice:
    nodes = (
        Node("person", "person-1", HOSTILE, "/people/1/", 2.0),
        Node("paper", "paper-2", "=1+1", "/works/2/", 2020),
    )
    edges = (Edge("person-1", "paper-2", "wrote", 1, None, 2020), Edge("paper-2", "person-1", "about", 0.5))
    return Slice(nodes, edges, "person-1", {"paper": 7})


def test_json_holds_what_is_shown_and_what_there_is() -> None:
    data = json.loads(json.dumps(as_data(hostile(), Filters(kinds=frozenset({"person", "paper"}), first_year=1990))))
    assert data["focus"] == "person-1"
    assert data["nodes"][1] == {"id": "paper-2", "kind": "paper", "label": "=1+1", "url": "/works/2/", "weight": 2020}
    assert data["edges"][0] == {
        "source": "person-1",
        "target": "paper-2",
        "kind": "wrote",
        "weight": 1,
        "first_year": None,
        "last_year": 2020,
    }
    assert data["counts"] == {"person": {"shown": 0, "total": 0}, "paper": {"shown": 1, "total": 7}}
    assert data["order"] == {"person": "by shared works", "paper": "newest first"}
    assert data["filters"] == {"kind": ["person", "paper"], "from": 1990, "to": None, "weight": 0.0}


def test_rows_hold_every_node_and_every_edge() -> None:
    head, *rows = as_rows(hostile())
    assert {len(row) for row in rows} == {len(head)}
    assert [row[0] for row in rows] == ["node", "node", "edge", "edge"]


@pytest.mark.parametrize(("write", "read"), [(as_graphml, nx.read_graphml), (as_gexf, nx.read_gexf)])
def test_xml_holds_all_of_it_whatever_the_text(write: Callable[[Slice], bytes], read: Callable[..., nx.Graph]) -> None:
    written = write(hostile())
    ElementTree.fromstring(written)
    found = read(io.BytesIO(written))
    assert found.nodes["person-1"]["label"].startswith("Ada \ufffd\ufffd\ufffd <b>&")
    assert {(a, b) for a, b in map(sorted, found.edges())} == {("paper-2", "person-1")}
    assert found.number_of_edges() == 2
    assert write(hostile()) == written


def test_gexf_does_not_say_when_it_was_written() -> None:
    assert b"lastmodifieddate" not in as_gexf(hostile())


# --- over the web -----------------------------------------------------------------------------------------------------


def get(client: Client, form: str, **query: str | int) -> str:
    response = client.get(reverse("slice", args=[form]), query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def ada(bring: Callable[..., Batch]) -> Author:
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "=cmd()"))
    return Author.objects.get(name="Ada Lovelace")


def test_every_format_holds_the_same_nodes(client: Client, ada: Author) -> None:
    at = f"person-{ada.pk}"
    ids = {node["id"] for node in json.loads(get(client, "json", at=at))["nodes"]}
    assert len(ids) == 4
    rows = list(csv.DictReader(io.StringIO(get(client, "csv", at=at))))
    assert {row["id"] for row in rows if row["row"] == "node"} == ids
    assert set(nx.parse_graphml(get(client, "graphml", at=at))) == ids
    assert set(nx.read_gexf(io.BytesIO(get(client, "gexf", at=at).encode()))) == ids


def test_a_title_that_a_spreadsheet_would_run_is_text(client: Client, ada: Author) -> None:
    assert "'=cmd()" in get(client, "csv", at=f"person-{ada.pk}")


@pytest.mark.parametrize("form", ["json", "csv", "graphml", "gexf"])
def test_the_same_data_are_the_same_bytes_and_need_no_second_answer(client: Client, ada: Author, form: str) -> None:
    address, query = reverse("slice", args=[form]), {"at": f"person-{ada.pk}"}
    first = client.get(address, query)
    assert client.get(address, query).content == first.content
    assert client.get(address, query, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_no_more_than_the_cap_is_given_and_the_cap_is_said(client: Client, bring: Callable[..., Batch]) -> None:
    names = [f"Person{n:04} Q. Surname{n:04}" for n in range(320)]
    bring(fact("2001.00001", names), fact("2001.00002", names[:2]))
    paper = Paper.objects.earliest("pk")
    data = json.loads(get(client, "json", at=f"paper-{paper.pk}", most=10_000, kind="person"))
    assert data["cap"] == len(data["nodes"]) == 300


def test_a_long_institution_is_cut_in_its_label(client: Client, db: None) -> None:
    place = Institution.objects.create(name="Department of " * 100, key="department of")
    [node] = json.loads(get(client, "json", at=f"institution-{place.pk}"))["nodes"]
    assert len(node["label"]) == 120
