"""One box finds people, papers, topics, institutions and identifiers, and says why; whatever is typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page as Browsed
from playwright.sync_api import expect

from bzpeer import searching
from papers import meaning
from papers.bounded import TooSlow
from papers.meaning import Near
from papers.models import Paper, Topic
from papers.searching.fusion import BY_MEANING, BY_WORD, K
from profiles.models import Author
from tests.conftest import fact
from tests.looking import look
from tests.papers.test_searching_queries import BAD
from tests.test_browser import browser, open_page, site
from tests.walking import place_of

__all__ = ["browser", "open_page", "site"]

pytestmark = pytest.mark.django_db

TYPING = {"HX-Request": "true"}
ORCID = "0000-0002-1825-0097"


@pytest.fixture
def library(bring: Callable[..., Any]) -> None:
    bring(
        fact(
            "2001.00001",
            ["Ada Lovelace"],
            "Graph networks for molecules",
            abstract="Nobody swims. Networks read graphs.",
            doi="10.1000/abc",
        ),
        fact("2002.00002", ["Mary Somerville"], "A survey of graph networks", created="2021-01-01"),
        fact("math/0309136", ["Mary Somerville"], "On whales", created="2003-09-01", categories=["math.CO"]),
    )


def html(client: Client, query: str, status: int = 200, headers: Any = None, **more: Any) -> str:
    response = client.get("/search/", {"q": query, **more}, headers=headers or {})
    assert response.status_code == status
    return response.content.decode()


def titles(client: Client, query: str, **more: Any) -> list[str]:
    cache.clear()  # no more than five searches a second
    return [why.paper.title_text for why in client.get("/search/", {"q": query, **more}).context["papers"]]


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "2001.00001",
            "arXiv:2001.00001v3",
            "https://arxiv.org/abs/2001.00001v2",
            " http://arxiv.org/pdf/2001.00001 ",
        ),
        *("10.1000/ABC", "https://doi.org/10.1000/abc", "doi:10.1000/abc"),
    ],
)
def test_an_identifier_leads_straight_to_the_paper(client: Client, library: None, typed: str):
    paper = Paper.objects.get(arxiv_id="2001.00001")
    response = client.get("/search/", {"q": typed})
    assert (response.status_code, response["Location"]) == (302, paper.get_absolute_url())


def test_an_old_identifier_and_one_of_a_person_lead_there_too(client: Client, bring: Callable[..., Any], library: None):
    whales = Paper.objects.get(title="On whales")
    assert client.get("/search/", {"q": "math.CO/0309136v2"})["Location"] == whales.get_absolute_url()
    whales.signatures.update(orcid=ORCID)
    for typed in (ORCID, f"https://orcid.org/{ORCID}"):
        assert client.get("/search/", {"q": typed})["Location"] == f"/orcid/{ORCID}/".rstrip("/")


def test_while_typing_an_identifier_is_the_first_result(client: Client, library: None):
    page = html(client, "arXiv:2001.00001", headers=TYPING)
    assert "Go to Graph networks for molecules" in page
    assert "<html" not in page


@pytest.mark.parametrize(("typed", "said"), [("2101.99999", "arXiv"), ("10.9999/x", "DOI"), (ORCID, "ORCID")])
def test_an_unknown_identifier_is_said_to_be_unknown(client: Client, library: None, typed: str, said: str):
    assert f"Nothing here has the {said} identifier {typed}" in html(client, typed)


def test_a_hidden_person_is_not_known_by_an_identifier(client: Client, library: None):
    Paper.objects.get(title="On whales").signatures.update(orcid=ORCID)
    Author.objects.filter(name="Mary Somerville").update(visibility=Author.Visibility.GONE)
    page = html(client, ORCID)
    assert "Nothing here has the ORCID" in page
    assert "Somerville" not in page


def test_papers_people_topics_and_institutions_stand_on_one_page(client: Client, library: None):
    assert titles(client, "graph networks") == ["A survey of graph networks", "Graph networks for molecules"]
    assert Author.objects.get(name="Ada Lovelace").get_absolute_url() in html(client, "lovelace")
    assert "/topics/machine-learning/" in html(client, "machine learn")
    place_of(Paper.objects.get(arxiv_id="2001.00001"), "University of Oxford")
    assert "University of Oxford" in html(client, "univ. oxford")
    assert "University of Oxford" in html(client, "oxford")


def test_a_kind_alone_is_shown_alone(client: Client, library: None):
    page = html(client, "graph networks", type="people")
    assert "papers-heading" not in page
    assert "Nothing fits" in page
    page = html(client, "machine learning", type="topics")
    assert "topics-heading" in page
    assert "papers-heading" not in page
    assert "topics-heading" not in html(client, "machine learning", type="papers")


def test_filters_and_order_stand_in_the_address(client: Client, library: None):
    assert titles(client, "graph networks", **{"from": 2021}) == ["A survey of graph networks"]
    assert titles(client, "graph networks", **{"to": 2020}) == ["Graph networks for molecules"]
    assert titles(client, "graph whales", topic=Topic.objects.get(name="Combinatorics").slug) == ["On whales"]
    ada = Author.objects.get(name="Ada Lovelace")
    assert titles(client, "graph", person=ada.pk) == ["Graph networks for molecules"]
    assert titles(client, "graph", sort="oldest") == ["Graph networks for molecules", "A survey of graph networks"]
    page = html(client, "graph", person=ada.pk, topic="machine-learning")
    assert f'<option value="{ada.pk}" selected>Ada Lovelace</option>' in page
    assert '<option value="machine-learning" selected>' in page


NO_FILTERS: list[tuple[dict[str, str], str]] = [
    ({"topic": "nothing"}, "There is no such topic."),
    ({"topic": "a\0b"}, "Null characters are not allowed."),
    ({"person": "999999999"}, "There is no such person."),
    ({"person": "9" * 40}, "less than or equal to"),
    ({"person": "ada"}, "Enter a whole number."),
    ({"from": "2021", "to": "2020"}, "The last year comes before the first one."),
    ({"from": "0"}, "greater than or equal to 1"),
    ({"from": "99999"}, "less than or equal to"),
    ({"sort": "best"}, "There is no such order."),
    ({"type": "whales"}, "There is no such kind of thing."),
]


def test_a_filter_that_there_is_not_is_a_sentence(client: Client, library: None):
    for given, said in NO_FILTERS:
        cache.clear()
        assert said in html(client, "graph", 400, **given)


def test_a_hidden_person_is_no_filter(client: Client, library: None):
    ada = Author.objects.get(name="Ada Lovelace")
    Author.objects.filter(pk=ada.pk).update(visibility=Author.Visibility.NOTICE)
    page = html(client, "graph", 400, person=ada.pk)
    assert "There is no such person." in page
    assert f'value="{ada.pk}"' not in html(client, "graph")


def test_a_cursor_that_was_not_made_here_is_refused(client: Client, library: None):
    for after in ("x", "1_2_3~x", "\0", "2020-01-01~1", "~", "'; SELECT 1", "a" * 3_000):
        for sort in ("relevance", "newest"):
            cache.clear()
            assert "BZPEER" in html(client, "graph", 400, after=after, sort=sort)


@pytest.mark.parametrize("sort", ["relevance", "newest"])
def test_further_papers_come_by_the_link_and_nothing_else_comes_again(
    client: Client, bring: Callable[..., Any], sort: str
):
    bring(*[fact(f"2001.{n:05}", ["Graph Lovelace"], f"Graph {n}") for n in range(1, 31)])
    response = client.get("/search/", {"q": "graph", "sort": sort})
    first = [why.paper.pk for why in response.context["papers"]]
    for headers in ({}, TYPING):
        further = client.get(response.context["following"], headers=headers)
        second = [why.paper.pk for why in further.context["papers"]]
        assert len({*first, *second}) == 30
        assert "people-heading" not in further.content.decode()
        assert "following" not in further.context


def test_each_paper_opens_why_it_stands_there_and_the_numbers_add_up(
    client: Client, library: None, monkeypatch: pytest.MonkeyPatch
):
    survey = Paper.objects.get(title="A survey of graph networks")
    monkeypatch.setattr(meaning, "near", lambda *_: [Near(survey.pk, 0.63)])
    page = html(client, "network for swimming molecules")
    assert page.count("<summary>Why here") == 2
    assert "<mark>molecules</mark>" in page
    assert "Nobody <mark>swims</mark>." in page
    assert "<mark>Networks</mark> read graphs." in page
    assert "0.63 near" in page
    for why in page.split("<summary>Why here")[1:]:
        parts = re.findall(rf"([\d.]+) / \({K} \+ (\d+)\)", why)
        assert {float(weight) for weight, _place in parts} <= {BY_WORD, BY_MEANING}
        counts, score = (
            re.findall(r'class="number">([\d.]+)</td></tr>', why.rsplit("Part of the score", 1)[1])[:-1],
            None,
        )
        score = float(re.findall(r'class="number">([\d.]+)</td></tr></tfoot>', why)[-1])
        assert sum(float(weight) / (K + int(place)) for weight, place in parts) == pytest.approx(score, abs=2e-5)
        assert sum(map(float, counts)) == pytest.approx(score, abs=2e-5)


def test_hostile_titles_are_text_where_they_are_explained(client: Client, bring: Callable[..., Any]):
    attack = "<script>alert(1)</script> graph <img src=x onerror=alert(1)>"
    bring(fact("2001.00001", ["Ada Lovelace"], attack, abstract=f"Graph. {attack}"))
    for headers in ({}, TYPING):
        page = html(client, 'graph "><script>alert(2)</script>', headers=headers)
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_while_typing_the_beginning_of_a_word_finds_titles(client: Client, library: None):
    page = html(client, "graph molec", headers=TYPING)
    assert "Graph networks for molecules" in page
    assert "Why here" not in page
    assert "Show everything that fits" in page
    assert "A survey of graph networks" in html(client, "survey network", headers=TYPING)
    assert "papers-heading" not in html(client, "zzzz", headers=TYPING)


def test_only_where_papers_are_embedded_is_meaning_spoken_of(
    client: Client, library: None, monkeypatch: pytest.MonkeyPatch
):
    for address, headers in (("/search/", None), ("/search/?q=graph", None), ("/search/?q=graph", TYPING)):
        assert "mean" not in client.get(address, headers=headers).content.decode()
    monkeypatch.setattr(meaning, "enabled", lambda: True)
    assert "by what they mean" in html(client, "")
    assert "by meaning too" in html(client, "graph", headers=TYPING)


def test_it_says_how_many_papers_are_searched_by_meaning_while_not_all_are(
    client: Client, library: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(meaning, "enabled", lambda: True)
    monkeypatch.setattr(meaning, "near", lambda *given: [])
    monkeypatch.setattr(meaning, "coverage", lambda: (1_200, 7_609))
    said = "By meaning 1,200 of 7,609 papers are searched so far"
    assert said in html(client, "graph")
    assert said in html(client, "")
    assert said not in html(client, "graph", type="people")
    assert said not in html(client, "graph", headers=TYPING)
    monkeypatch.setattr(meaning, "coverage", lambda: (7_609, 7_609))
    cache.clear()
    assert "By meaning" not in html(client, "graph")


def test_a_browser_is_suggested_what_begins_as_typed(client: Client, library: None):
    answer = client.get("/search/suggestions/", {"q": "graph netw"})
    typed, named, about, pages = answer.json()
    assert (typed, named) == ("graph netw", ["A survey of graph networks", "Graph networks for molecules"])
    assert about == ["", ""]
    assert "A survey" in client.get(pages[0].removeprefix("http://testserver")).content.decode()
    assert client.get("/search/suggestions/", {"q": "Somerville"}).json()[1][0] == "Mary Somerville"
    Author.objects.update(visibility=Author.Visibility.GONE)
    for typed in ("Somerville", "", "\0", "!!", "x" * 10_000):
        cache.clear()  # no more than five searches a second
        assert client.get("/search/suggestions/", {"q": typed}).json() == [typed, [], [], []]


def test_an_empty_query_shows_what_can_be_asked_by_what_is_here(client: Client, library: None):
    page = html(client, "")
    for example in ("Mary Somerville", "A survey of graph networks", "arXiv:2002.00002"):
        assert example in page
    Author.objects.update(visibility=Author.Visibility.GONE)
    assert "Somerville" not in html(client, "")


def test_nothing_found_says_what_to_try(client: Client, library: None):
    page = html(client, "zzzz qqqq")
    assert "Nothing fits “zzzz qqqq”" in page
    assert 'href="/search/?q=zzzz"' in page
    page = html(client, "graph -networks", **{"from": 2022})
    assert "The same without filters" in page
    assert "Without quotes and minus" in page


def test_more_than_is_counted_is_not_counted(client: Client, library: None, monkeypatch: pytest.MonkeyPatch):
    assert "2 papers have all these words" in html(client, "graph", sort="newest")
    monkeypatch.setattr("papers.searching.COUNTED", 1)
    assert "More than 1 papers have all these words" in html(client, "graph", sort="newest")
    monkeypatch.setattr("papers.searching.words.CANDIDATES", 1)
    assert "More papers fit than are ranked" in html(client, "graph")


def test_what_takes_too_long_leaves_a_sentence_and_the_rest(
    client: Client, library: None, monkeypatch: pytest.MonkeyPatch
):
    def slow(*_arguments: Any, **_more: Any) -> Any:
        raise TooSlow("for a test")

    with monkeypatch.context() as patched:
        patched.setattr("papers.searching.addresses.search", slow)
        page = html(client, "lovelace", 503)
        assert "Looking for papers took too long" in page
        assert "Ada Lovelace" in page
    with monkeypatch.context() as patched:
        patched.setattr(searching, "find_people", slow)
        page = html(client, "graph", 503)
        assert "Looking for people took too long" in page
        assert "A survey of graph networks" in page
        response = client.get("/search/", {"q": "graph"}, headers=TYPING)
        assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    with monkeypatch.context() as patched:
        patched.setattr("papers.searching.names.topics", slow)
        assert "A survey of graph networks" in html(client, "graph", 503)


def test_whatever_is_typed_is_answered(client: Client, library: None):
    for typed in (one.encode("utf-8", "replace").decode() for one in BAD):  # one test: bringing papers costs the most
        for more in ({}, {"sort": "newest"}):
            cache.clear()
            assert client.get("/search/", {"q": typed, **more}).status_code == 200, (typed, more)
        assert client.get("/search/", {"q": typed}, headers=TYPING).status_code == 200, typed
    assert connection.is_usable()


def test_a_text_that_is_too_long_is_cut_and_that_is_said(client: Client, library: None):
    assert "The query was cut" in html(client, "graph " * 2_000)


def test_a_search_takes_its_exports_along(client: Client, library: None):
    page = html(client, "graph networks", topic="machine-learning")
    assert "/search.bib?q=graph+networks&amp;topic=machine-learning" in page
    assert reverse("search_as", args=["bib"]) == "/search.bib"


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_what_is_found_and_why_can_be_seen(open_page: Callable[..., Browsed], monkeypatch: pytest.MonkeyPatch):
    near = Paper.objects.order_by("pk")[:5]
    monkeypatch.setattr(meaning, "near", lambda *_: [Near(one.pk, 0.71 - n / 10) for n, one in enumerate(near)])
    page = open_page("/search/?q=robust+neural+networks")
    page.locator(".search-why summary").first.click()
    expect(page.get_by_text("Part of the score").first).to_be_visible()
    page.get_by_text("Narrow and sort").click()
    look(page, "search-explained")
    for name, address in {
        "search-people": "?q=chen&type=people",
        "search-all": "?q=learning",
        "search-empty": "",
    }.items():
        cache.clear()
        page.goto(page.url.split("?")[0] + address)
        look(page, name)
    monkeypatch.setattr(meaning, "near", lambda *_: [])
    page.goto(page.url.split("?")[0] + "?q=zzzz+qqqq&from=2020")
    look(page, "search-nothing")
    page.goto(page.url.split("?")[0])
    page.locator("#q").press_sequentially("vision trans")
    expect(page.locator("#results .search-whole")).to_be_visible()
    look(page, "search-typing")
