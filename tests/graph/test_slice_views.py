"""Pages and panels of slices: what they say, how their tables sort, and what bad input gets."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from graph import views
from graph.neighbourhoods import works
from papers import importing, reversal
from papers.models import Batch, BatchRecord, Institution, Paper, Topic
from profiles.models import Author
from tests.conftest import fact
from tests.walking import place_of

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
FACTS = [
    fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "One", created="2018-01-01", categories=["cs.LG"]),
    fact("2001.00002", ["Ada Lovelace", "Alan Turing"], "Two", created="2019-01-01", categories=["cs.LG", "cs.CL"]),
    fact("2001.00003", ["Ada Lovelace", "Charles Babbage", "Mary Somerville"], "Three", created="2020-01-01"),
]


@pytest.fixture
def pages(bring: Callable[..., Batch]) -> dict[str, str]:
    """The addresses of the graph around one of each kind."""
    bring(*FACTS)
    paper = Paper.objects.get(title="Three")
    place = place_of(paper, "Ockham Park")
    return {
        "person": reverse("person_graph", args=[Author.objects.get(name="Ada Lovelace").pk]),
        "paper": reverse("work_graph", args=[paper.pk]),
        "topic": reverse("topic_graph", args=[Topic.objects.get(name="Machine Learning").slug]),
        "institution": reverse("institution_graph", args=[place.pk]),
    }


def rows(html: str, caption: str = "People") -> list[str]:
    """The first column of a table."""
    [table] = re.findall(rf"<caption[^>]*>{caption}</caption>(.*?)</table>", html, re.DOTALL)
    return re.findall(r'<th scope="row"><a[^>]*>([^<]*)', table)


@pytest.mark.parametrize("kind", ["person", "paper", "topic", "institution"])
def test_the_fragment_is_for_htmx_and_the_page_for_everyone(client: Client, pages: dict[str, str], kind: str) -> None:
    whole, fragment = client.get(pages[kind]), client.get(pages[kind], headers=HTMX)
    assert "<html" in whole.content.decode()
    assert "<html" not in fragment.content.decode()
    for html in (whole.content.decode(), fragment.content.decode()):
        assert "graph-picture" in html
        assert "Ada Lovelace" in html
    assert "HX-Request" in whole["Vary"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("person", ["3 of 3 people, by shared works", "3 of 3 papers, newest first"]),
        ("paper", ["3 of 3 people, in printed order", "2 of 2 papers, by people in common", "1 of 1 institution, in"]),
        ("topic", ["4 of 4 people, by works here", "1 of 1 topic, by shared works"]),
        ("institution", ["1 of 1 person, by works here", "1 of 1 paper, newest first"]),
    ],
)
def test_the_cut_off_is_said_in_words_that_fit(
    client: Client, pages: dict[str, str], kind: str, said: list[str]
) -> None:
    text = " ".join(client.get(pages[kind]).content.decode().split())
    for sentence in said:
        assert sentence in text


def test_every_page_of_a_thing_has_its_panel(client: Client, pages: dict[str, str]) -> None:
    things: list[Any] = [Author.objects.get(name="Ada Lovelace"), Paper.objects.get(title="Three")]
    things += [Topic.objects.get(name="Machine Learning"), Institution.objects.get()]
    for thing, graph in zip(things, pages.values(), strict=True):
        html = client.get(thing.get_absolute_url()).content.decode()
        assert f'hx-get="{graph}"' in html
        assert f'<a href="{graph}">Show the graph</a>' in html
        assert "Building this graph slice" in html
    assert "Research map" in client.get(things[1].get_absolute_url()).content.decode()


def test_tables_sort_by_their_heads_without_a_script(client: Client, pages: dict[str, str]) -> None:
    usual = rows(client.get(pages["person"]).content.decode())
    assert usual == ["Charles Babbage", "Alan Turing", "Mary Somerville"]
    for sort, names in {
        "name": ["Alan Turing", "Charles Babbage", "Mary Somerville"],
        "-name": ["Mary Somerville", "Charles Babbage", "Alan Turing"],
        "weight": ["Charles Babbage", "Alan Turing", "Mary Somerville"],
        "-works": ["Alan Turing", "Mary Somerville", "Charles Babbage"],
        "years": ["Charles Babbage", "Mary Somerville", "Alan Turing"],
        "junk": usual,
    }.items():
        html = client.get(pages["person"], {"sort": sort}).content.decode()
        assert rows(html) == names, sort
        assert ("aria-sort" in html) is (sort != "junk")
        assert ('id="graph-tables" open' in html) is (sort != "junk")


def test_sorting_keeps_what_was_asked_for(client: Client, pages: dict[str, str]) -> None:
    html = client.get(pages["person"], {"from": "2019", "sort": "works"}).content.decode()
    assert "?from=2019&amp;sort=-works#graph-tables" in html or "?from=2019&sort=-works#graph-tables" in html
    assert "One" not in rows(html, "Papers")


def test_downloads_ask_for_the_same(client: Client, pages: dict[str, str]) -> None:
    html = client.get(pages["topic"], {"to": "2019"}).content.decode()
    links = re.findall(r'href="(/graph/slice\.[^"]*)"', html)
    assert [link.partition("?")[0] for link in links] == [f"/graph/slice.{form}" for form in views.FORMS]
    assert "up to 300 nodes" in html
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code == 200
    data = json.loads(client.get(links[0].replace("&amp;", "&")).content)
    assert {node["label"] for node in data["nodes"] if node["kind"] == "paper"} == {"One", "Two"}


# --- bad input --------------------------------------------------------------------------------------------------------

JUNK = ["x", "-1", "9" * 400, "1e9", "\x00", "²", "nan", "inf", "<script>", "'; DROP TABLE x; --"]


@pytest.mark.parametrize("form", ["json", "csv", "graphml", "gexf"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"at": ""}, 400),
        ({"at": "person-999999999"}, 404),
        ({"at": "paper-999999999"}, 404),
        ({"at": "topic-0"}, 404),
        ({"at": "institution-5555555"}, 404),
        ({"at": "person-²"}, 404),
        ({"at": "junk"}, 404),
        ({"at": "person-" + "9" * 400}, 404),
        ({"at": "person-1\x00"}, 404),
    ],
)
def test_a_place_that_is_not_there_is_a_sentence(client: Client, form: str, query: dict[str, str], status: int) -> None:
    response = client.get(reverse("slice", args=[form]), query)
    assert response.status_code == status
    text = response.content.decode()
    sentence = json.loads(text)["problem"] if form == "json" else text.removeprefix("problem\r\n").strip().strip('"')
    assert re.fullmatch(r"[A-Z][^<>]*\.", sentence)


def test_junk_in_any_parameter_is_a_sentence_and_never_an_error(client: Client, pages: dict[str, str]) -> None:
    at = f"person-{Author.objects.get(name='Ada Lovelace').pk}"
    for parameter in ("kind", "from", "to", "weight", "most", "sort", "wide"):
        for junk in JUNK:
            for address, query in (*((page, {}) for page in pages.values()), ("/graph/slice.json", {"at": at})):
                response = client.get(address, query | {parameter: junk})
                assert response.status_code in {200, 400}, (address, parameter, junk)
                if response.status_code == 400 and "slice" in address:
                    assert junk not in json.loads(response.content)["problem"] or len(junk) < 3


def test_years_the_wrong_way_round_are_said(client: Client, pages: dict[str, str]) -> None:
    said = "The last year comes before the first one."
    at = f"person-{Author.objects.get(name='Ada Lovelace').pk}"
    for address in (*pages.values(), f"/graph/slice.json?at={at}", f"/graph/slice.csv?at={at}"):
        response = client.get(f"{address}{'&' if '?' in address else '?'}from=2020&to=2010")
        assert response.status_code == 400
        assert said in response.content.decode()
    assert client.get(f"{pages['paper']}?from=2020&to=2010", headers=HTMX).status_code == 400


def test_hidden_merged_and_removed_records_are_said(client: Client, pages: dict[str, str]) -> None:
    ada, charles = Author.objects.get(name="Ada Lovelace"), Author.objects.get(name="Charles Babbage")
    Author.objects.filter(name="Mary Somerville").update(merged_into=ada)
    merged = Author.objects.get(name="Mary Somerville")
    assert json.loads(client.get(f"/graph/slice.json?at=person-{merged.pk}").content)["focus"] == f"person-{ada.pk}"
    assert client.get(reverse("person_graph", args=[merged.pk])).status_code == 301
    for visibility, status in ((Author.Visibility.NOTICE, 404), (Author.Visibility.GONE, 410)):
        Author.objects.filter(pk=charles.pk).update(visibility=visibility)
        answer = client.get(f"/graph/slice.json?at=person-{charles.pk}")
        assert (answer.status_code, json.loads(answer.content)) == (status, {"problem": "This record is hidden."})
        for page in pages.values():
            assert "Babbage" not in client.get(page).content.decode()
    paper = Paper.objects.get(title="Three")
    reversal.undo([BatchRecord.objects.get(paper=paper).pk], None, importing.nobody, reversal.Rules())
    assert client.get(f"/graph/slice.json?at=paper-{paper.pk}").status_code == 410
    assert client.get(reverse("work_graph", args=[paper.pk])).status_code == 410


def test_what_would_take_too_long_is_given_up(
    client: Client, pages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(works, "_NEWEST", "SELECT 1, 2000 FROM pg_sleep(9)")
    monkeypatch.setattr(views, "TIMEOUT_MS", 50)
    for address in (pages["topic"], f"/graph/slice.json?at=topic-{Topic.objects.get(name='Machine Learning').pk}"):
        response = client.get(address)
        assert response.status_code == 503
        assert "This would take too long" in response.content.decode()


def test_a_person_with_nobody_and_a_paper_without_names_have_pages(client: Client, bring: Callable[..., Batch]) -> None:
    bring(fact("2001.00001", ["Ada Lovelace"], "Alone"))
    assert client.get(reverse("person_graph", args=[Author.objects.get().pk])).status_code == 200
    paper = Paper.objects.create(title="Nameless", title_text="Nameless", fingerprint="x", source="test")
    assert "Nameless" in client.get(reverse("work_graph", args=[paper.pk])).content.decode()


def test_a_list_of_thousands_says_how_many_are_shown(client: Client, bring: Callable[..., Batch]) -> None:
    bring(fact("2001.00001", [f"Person{n:04} Q. Surname{n:04}" for n in range(1200)], "Large"))
    html = client.get(reverse("work_graph", args=[Paper.objects.get().pk]), headers=HTMX).content.decode()
    assert "24 of 1,200 people, in printed order" in " ".join(html.split())


def test_pages_do_a_constant_number_of_queries(
    client: Client, pages: dict[str, str], bring: Callable[..., Batch]
) -> None:
    def queries() -> list[int]:
        counts = []
        for page in pages.values():
            with CaptureQueriesContext(connection) as captured:
                client.get(page)
            counts.append(len(captured))
        return counts

    before = queries()
    bring(*(fact(f"2002.{n:05}", ["Ada Lovelace", f"Helper{n} Q. Name{n}"], categories=["cs.LG"]) for n in range(30)))
    assert queries() == before


@pytest.mark.parametrize("seed", range(2))
def test_the_picture_does_not_depend_on_the_order_of_the_rows(client: Client, pages: dict[str, str], seed: int) -> None:
    """Rows are written anew in another order, so that PostgreSQL reads them in another."""
    before = {kind: client.get(page).content for kind, page in pages.items()}
    chance = random.Random(seed)
    with connection.cursor() as cursor:
        for table in ("graph_coauthorship", "profiles_assignment", "papers_papertopic", "papers_affiliation"):
            cursor.execute(f"SELECT id FROM {table}")
            ids = [pk for (pk,) in cursor.fetchall()]
            chance.shuffle(ids)
            for pk in ids:
                cursor.execute(f"UPDATE {table} SET id = id WHERE id = %s", [pk])
    assert {kind: client.get(page).content for kind, page in pages.items()} == before
