"""The explorer without its script: a slice, forms and links at the same address; and what the script is given."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import Client

from graph import explorer_views, snapshots
from graph.neighbourhoods import works
from papers.bounded import TooSlow
from papers.models import Paper, Topic
from profiles.models import Author
from tests.conftest import fact

D3_7_9_0 = "f2094bbf6141b359722c4fe454eb6c4b0f0e42cc10cc7af921fc158fceb86539"


@pytest.fixture
def ada(bring: Callable[..., Any]) -> Author:
    bring(
        fact("1501.00001", ["Ada Aard", "Bob Bern"], "Old engines", created="2015-01-01"),
        fact("2201.00001", ["Ada Aard", "Carl Dahl"], "New engines", created="2022-01-01"),
        fact("2201.00002", ["Ada Aard", "Carl Dahl"], "Newer engines", created="2022-01-01"),
    )
    return Author.objects.get(name="Ada Aard")


def html(client: Client, address: str, status: int = 200, headers: dict[str, str] | None = None) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == status
    return response.content.decode()


def test_the_library_is_served_as_its_makers_published_it():
    found = finders.find("d3_bridge/js/d3.v7.min.js")
    assert isinstance(found, str)
    assert hashlib.sha256(Path(found).read_bytes()).hexdigest() == D3_7_9_0


def test_the_page_holds_the_picture_the_tables_and_the_filters(client: Client, ada: Author):
    page = html(client, f"/graph/?at=person-{ada.pk}")
    assert re.search(r'<svg class="graph-picture"', page)
    assert {"Bob Bern", "Carl Dahl", "New engines"} <= set(re.findall(r'<th scope="row"><a [^>]*>([^<]*)', page))
    assert f'<input type="hidden" name="at" value="person-{ada.pk}">' in page
    assert set(re.findall(r'name="(kind|from|to|weight)"', page)) == {"kind", "from", "to", "weight"}


@pytest.mark.parametrize("kind", ["paper", "topic"])
def test_one_may_begin_at_a_paper_or_a_topic(client: Client, ada: Author, kind: str):
    place = Paper.objects.get(arxiv_id="2201.00001") if kind == "paper" else Topic.objects.get()
    assert "Ada Aard" in html(client, f"/graph/?at={kind}-{place.pk}")


def test_filters_stand_in_the_address_and_hold(client: Client, ada: Author):
    page = html(client, f"/graph/?at=person-{ada.pk}&kind=person&from=2020")
    assert "Carl Dahl" in page
    assert "Bob Bern" not in page
    assert re.search(r'value="person"[^>]*checked', page)
    assert re.search(r'name="from" value="2020"', page)
    assert "New engines" not in page


@pytest.mark.parametrize(
    ("junk", "kept"),
    [
        ("from=1e9", 'name="from" value="1e9"'),
        ("from=2020&to=2010", 'name="to" value="2010"'),
        ("weight=%3Cb%3E", 'name="weight" value="&lt;b&gt;"'),
        ("kind=unicorn", "unicorn"),
    ],
)
def test_what_makes_no_sense_is_said_and_what_was_typed_stays(client: Client, ada: Author, junk: str, kept: str):
    page = html(client, f"/graph/?at=person-{ada.pk}&{junk}", 400)
    assert 'class="errorlist"' in page
    assert kept in page
    assert "Bob Bern" in page


@pytest.mark.parametrize("at", ["person-999999999", "person-0", "unicorn-1", "person-", "person-1e3", "%00", "x" * 500])
def test_what_does_not_exist_is_not_found(client: Client, ada: Author, at: str):
    html(client, f"/graph/?at={at}", 404)


def test_of_a_merged_person_the_heir_is_shown(client: Client, ada: Author):
    old = Author.objects.create(name="A. Aard", merged_into=ada)
    response = client.get(f"/graph/?at=person-{old.pk}&open=person-1,topic-2&kind=person")
    assert response.status_code == 301
    assert response["Location"] == f"/graph/?at=person-{ada.pk}&open=person-1,topic-2&kind=person"


def test_a_hidden_person_is_a_notice_and_in_nobodys_picture(client: Client, ada: Author):
    Author.objects.filter(name="Carl Dahl").update(visibility=Author.Visibility.GONE)
    carl = Author.objects.get(name="Carl Dahl")
    assert "Carl" not in html(client, f"/graph/?at=person-{carl.pk}", 410)
    assert "Carl" not in html(client, f"/graph/?at=person-{ada.pk}")
    assert "Carl" not in html(client, "/graph/")
    assert f"person-{carl.pk}" not in html(client, "/graph/find/?q=carl+dahl")


def test_the_start_says_where_to_begin_and_how_that_was_chosen(client: Client, ada: Author, monkeypatch: Any):
    page = html(client, "/graph/")
    assert "Those with most works." in page
    assert page.index("Ada Aard") < page.index("Carl Dahl") < page.index("Bob Bern")
    bob = Author.objects.get(name="Bob Bern")
    monkeypatch.setattr(snapshots, "central", lambda most: [bob.pk, ada.pk])
    page = html(client, "/graph/")
    assert "most central people by PageRank" in page
    assert page.index("Bob Bern") < page.index("Ada Aard")
    assert "Carl Dahl" not in page


def test_the_start_of_an_empty_database_says_so(client: Client, db: None):
    assert "Nobody is here yet" in html(client, "/graph/")


def test_people_papers_and_topics_are_found_and_lead_into_the_explorer(client: Client, ada: Author):
    assert f'href="/graph/?at=person-{ada.pk}"' in html(client, "/graph/find/?q=ada")
    paper = Paper.objects.get(arxiv_id="1501.00001")
    assert f'href="/graph/?at=paper-{paper.pk}"' in html(client, "/graph/find/?q=old+engines")
    assert f'href="/graph/?at=topic-{Topic.objects.get().pk}"' in html(client, "/graph/find/?q=machine")
    assert "Nothing is known by “zzzz”" in html(client, "/graph/find/?q=zzzz")
    assert "<h1" not in html(client, "/graph/find/?q=ada", headers={"HX-Request": "true"})


def test_what_takes_too_long_to_find_is_a_sentence(client: Client, ada: Author, monkeypatch: Any):
    def slow(*arguments: Any) -> Any:
        raise TooSlow("for a test")

    for where in ("graph.explorer_views.find_people", "papers.searching.names.titles"):
        with monkeypatch.context() as patched:
            patched.setattr(where, slow)
            assert "takes too long" in html(client, "/graph/find/?q=ada", 503)
            assert "takes too long" in html(client, "/graph/find/?q=ada", headers={"HX-Request": "true"})


def test_the_search_is_limited_as_the_other_one(client: Client, db: None):
    cache.clear()
    answers = [client.get("/graph/find/?q=a").status_code for _ in range(6)]
    assert (answers[0], answers[-1]) == (200, 429)


def test_the_script_is_given_addresses_and_words_as_data(client: Client, ada: Author):
    page = html(client, f"/graph/?at=person-{ada.pk}")
    found = re.search(r'<script id="explorer-settings" type="application/json">(.*?)</script>', page)
    assert found
    given = json.loads(found[1])
    assert given["slice"] == "/graph/slice.json"
    assert given["path"] == "/graph/path/"
    assert given["words"]["count"]["person"] == ["{n} person", "{n} people"]
    scripts = re.findall(r"<script(?![^>]*(?:src=|application/json))", page)
    assert scripts == []
    assert not re.search(r'\son\w+="|\sstyle="', page)


def test_a_slice_that_takes_too_long_is_given_up(client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "_NEWEST", "SELECT 1, 2000 FROM pg_sleep(9)")
    monkeypatch.setattr(explorer_views, "TIMEOUT_MS", 50)
    said = html(client, f"/graph/?at=person-{ada.pk}", status=503)
    assert "This would take too long; ask for fewer years or kinds." in said
