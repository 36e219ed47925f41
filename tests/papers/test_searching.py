"""Papers are found by word and by meaning, in an order that can be recomputed, at a bounded cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import BadRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers import meaning
from papers.bounded import TooSlow
from papers.meaning import Near
from papers.models import Paper, Topic
from papers.searching import Filters, Page, fusion, search, words
from papers.searching.fusion import BY_MEANING, BY_WORD, K
from profiles.models import Author
from tests.conftest import fact

pytestmark = pytest.mark.django_db

TITLES = {
    "2001.00001": ("Graph networks for molecules", "A survey of learning on graphs.", "2020-01-01"),
    "2001.00002": ("A survey of graph networks", "Networks that read graphs.", "2021-01-01"),
    "2001.00003": ("Reinforcement learning in games", "Agents play, and graphs are drawn.", "2022-01-01"),
    "2001.00004": ("Protein folding", "Learning how molecules fold.", "2019-01-01"),
    "2001.00005": ("On whales", "They swim.", "2018-01-01"),
}


@pytest.fixture
def library(bring: Callable[..., Any]) -> None:
    bring(
        *[
            fact(id_, ["Ada Lovelace" if n % 2 else "Mary Somerville"], title, abstract=abstract, created=day)
            for n, (id_, (title, abstract, day)) in enumerate(TITLES.items())
        ]
    )


@pytest.fixture
def nearest(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """nearest("2001.00005", …): these papers are what lies near any query, in that order."""

    def nearest(*ids: str) -> None:
        def near(text: str, papers: Any, limit: int) -> list[Near]:
            known = dict(papers.filter(arxiv_id__in=ids).values_list("arxiv_id", "pk"))
            return [Near(known[id_], 0.9 - n / 10) for n, id_ in enumerate(ids) if id_ in known][:limit]

        monkeypatch.setattr(meaning, "near", near)

    return nearest


def ids(page: Page) -> list[str | None]:
    return [hit.paper.arxiv_id for hit in page.hits]


def test_any_word_finds_and_more_words_stand_higher(library: None):
    assert ids(search("survey of graph networks", by="words"))[:2] == ["2001.00002", "2001.00001"]
    assert ids(search("molecules whales", by="words")) == ["2001.00001", "2001.00005", "2001.00004"]


def test_a_word_in_the_title_stands_above_one_in_the_abstract(library: None):
    assert ids(search("learning", by="words")) == ["2001.00003", "2001.00001", "2001.00004"]


def test_the_title_itself_comes_first_whatever_lies_near(library: None, nearest: Callable[..., None]):
    nearest("2001.00003", "2001.00002", "2001.00001")
    assert ids(search("on WHALES"))[0] == "2001.00005"


def test_a_rare_word_weighs_more_than_a_frequent_one(library: None, bring: Callable[..., Any]):
    bring(*[fact(f"2002.{n:05}", ["Ada Lovelace"], f"Engine {n}") for n in range(60)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE papers_paper")
    engine, whales = words.look_up(["engine", "whales"])
    assert whales.weight > engine.weight > 1
    assert ids(search("engine whales", by="words"))[0] == "2001.00005"


def test_words_are_their_stems_once_each_and_stop_words_none():
    assert [word.lexeme for word in words.look_up(["Networks", "of", "network", "learning"])] == ["network", "learn"]


def test_no_more_than_a_bounded_number_is_ranked_and_the_newest_are(
    library: None, bring: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    bring(
        *[fact(f"2002.{n:05}", ["Ada Lovelace"], f"Engine {n}", created=f"2020-01-{n + 1:02}") for n in range(9)],
        fact("1901.00001", ["Ada Lovelace"], "Engine for whales", created="1999-01-01"),
    )
    monkeypatch.setattr(words, "CANDIDATES", 5)
    page = search("engine", by="words")
    assert (page.counted, page.capped) == (5, True)
    assert ids(page)[0] == "2002.00008"
    with CaptureQueriesContext(connection) as captured:
        assert ids(search("engine whales", by="words"))[0] == "1901.00001"  # all words, though it is not new
    assert any("LIMIT 6" in query["sql"] for query in captured)


def test_a_misprint_finds_titles_that_are_spelt_nearly_so(library: None):
    page = search("swhales", by="words")
    assert (ids(page), page.near_spelling) == (["2001.00005"], True)
    match = page.hits[0].reasons.match
    assert match is not None
    assert match.likeness is not None
    assert not search("zzzz", by="words").hits


def test_quotes_are_a_phrase_and_a_minus_excludes(library: None):
    assert ids(search('"graph networks"', by="words")) == ["2001.00002", "2001.00001"]
    assert ids(search('"networks graph"', by="words")) == []
    assert ids(search("graph -survey", by="words")) == ["2001.00003"]
    assert ids(search('graph -"for molecules"', by="words")) == ["2001.00002", "2001.00003"]
    assert ids(search('"of the" whales', by="words")) == ["2001.00005"]


def test_what_is_excluded_is_excluded_by_meaning_too(library: None, nearest: Callable[..., None]):
    nearest("2001.00001", "2001.00005")
    assert ids(search("sea -survey")) == ["2001.00005"]


def test_both_lists_make_one(library: None, nearest: Callable[..., None]):
    nearest("2001.00005", "2001.00002")
    assert ids(search("survey of graphs")) == ["2001.00002", "2001.00001", "2001.00005", "2001.00003"]
    assert ids(search("survey of graphs", by="meaning")) == ["2001.00005", "2001.00002"]
    assert "2001.00005" not in ids(search("survey of graphs", by="words"))


def test_an_order_by_hand_from_what_is_shown_is_the_order(library: None, nearest: Callable[..., None]):
    nearest("2001.00004", "2001.00001", "2001.00005")
    page = search("survey of learning molecules")
    by_hand = []
    for hit in page.hits:
        why = hit.reasons
        places = [(BY_WORD, why.word_rank), (BY_MEANING, why.meaning_rank)]
        by_places = sum(weight / (K + place) for weight, place in places if place)
        assert hit.score == pytest.approx(by_places) == pytest.approx(sum(why.parts))
        if why.match:
            in_title, in_abstract = (sum(word.weight for word in some) for some in (why.in_title, why.in_abstract))
            assert why.match.score == pytest.approx(in_title + in_abstract / 2, abs=0.001)
            by_hand.append((why.word_rank, not why.match.all_words, -why.match.score))
    assert [rank for rank, *_ in sorted(by_hand)] == list(range(1, len(by_hand) + 1))
    assert [key for _, *key in sorted(by_hand)] == sorted(key for _, *key in by_hand)
    scores = [hit.score for hit in page.hits]
    assert scores == sorted(scores, reverse=True)


def test_of_the_first_by_word_and_the_first_by_meaning_that_by_word_is_first(
    library: None, nearest: Callable[..., None]
):
    nearest("2001.00003")
    assert ids(search("swim")) == ["2001.00005", "2001.00003"]


def test_a_tie_goes_to_the_newer_paper(library: None, nearest: Callable[..., None], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fusion, "BY_WORD", BY_MEANING)
    nearest("2001.00003")
    assert ids(search("swim")) == ["2001.00003", "2001.00005"]


@pytest.mark.parametrize("sort", ["relevance", "newest", "oldest"])
def test_pages_go_on_where_the_last_one_ended(library: None, nearest: Callable[..., None], sort: str):
    nearest("2001.00005", "2001.00002", "2001.00004")
    whole = ids(search("graph", sort=sort))
    seen: list[str | None] = []
    after = ""
    while True:
        page = search("graph", sort=sort, after=after, size=1)
        seen += ids(page)
        after = page.following
        if not after:
            break
    assert seen == whole
    assert len(whole) == (5 if sort == "relevance" else 3)


def test_by_date_all_words_are_asked_for_and_undated_papers_are_last(library: None):
    Paper.objects.filter(arxiv_id="2001.00001").update(created=None, updated=None)
    assert ids(search("graph networks", sort="newest")) == ["2001.00002", "2001.00001"]
    assert ids(search("graph networks", sort="oldest")) == ["2001.00002", "2001.00001"]
    for sort in ("newest", "oldest"):
        first = search("graph", sort=sort, size=2)
        assert ids(search("graph", sort=sort, after=first.following, size=2)) == ["2001.00001"]


def test_a_cursor_is_good_for_its_own_question_alone(library: None):
    cursor = search("graph", size=1).following
    for more in (
        {"query": "graphs"},
        {"filters": Filters(year_from=2020)},
        {"sort": "newest"},
        {"after": "x"},
        {"after": cursor[:-1] + ("A" if cursor[-1] != "A" else "B")},
        {"after": "1.0_2_3~forged"},
        {"after": "\0~\0"},
    ):
        with pytest.raises(BadRequest):
            search(**({"query": "graph", "after": cursor, "size": 1} | more))  # type: ignore[arg-type]
    with pytest.raises(BadRequest):
        search("graph", sort="best")


def test_filters_narrow_both_lists(library: None, nearest: Callable[..., None]):
    nearest("2001.00005", "2001.00003")
    assert ids(search("graph", Filters(year_from=2021))) == ["2001.00003", "2001.00002"]
    assert ids(search("graph", Filters(year_to=2018))) == ["2001.00005"]
    assert ids(search("graph", Filters(year_from=0, year_to=10**9)))
    topic = Topic.objects.create(name="Sea", slug="sea")
    Paper.objects.get(arxiv_id="2001.00005").topics.add(topic)
    assert ids(search("graph", Filters(topic="sea"))) == ["2001.00005"]
    assert ids(search("graph", Filters(topic="no\0where"))) == []
    assert ids(search("graph", Filters(kind="people"))) == []


def test_a_person_filters_by_their_standing_works_unless_they_are_hidden(library: None):
    person = Author.objects.get(name="Mary Somerville")
    theirs = set(ids(search("graph", Filters(person=person.pk))))
    assert theirs == {"2001.00001", "2001.00003"}
    person.assignments.filter(signature__paper__arxiv_id="2001.00001").update(state="rejected")
    assert ids(search("graph", Filters(person=person.pk))) == ["2001.00003"]
    Author.objects.filter(pk=person.pk).update(visibility=Author.Visibility.NOTICE)
    assert ids(search("graph", Filters(person=person.pk))) == []


def test_what_takes_too_long_is_said(library: None, monkeypatch: pytest.MonkeyPatch):
    def slow(*arguments: Any) -> list[Near]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")
        return []

    monkeypatch.setattr(meaning, "near", slow)
    monkeypatch.setattr("papers.searching.TIMEOUT_MS", 50)
    with pytest.raises(TooSlow):
        search("graph")


def test_an_answer_costs_as_many_queries_however_many_papers_fit(library: None, bring: Callable[..., Any]):
    with CaptureQueriesContext(connection) as few:
        search("graph learning")
    bring(*[fact(f"2003.{n:05}", ["Ada Lovelace"], f"Graph learning {n}") for n in range(40)])
    with CaptureQueriesContext(connection) as many:
        search("graph learning")
    assert len(many) <= len(few)
