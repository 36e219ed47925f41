"""Watched names: which printed names fit, which papers meet the conditions, and whom no watch ever tells of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.models import Paper, Signature, Topic
from papers.names import surname_key
from profiles.models import Account, Assignment, Author, NameWatch
from profiles.watching import Byline, fits, found, keys, matches, parts
from tests.conftest import fact


@pytest.mark.parametrize(
    ("watched", "printed"),
    [
        ("Zixiang Ding", "Zixiang Ding"),
        ("Ding, Zixiang", "Zixiang Ding"),
        ("zixiang ding", "DING Zixiang"),
        ("Zixiang Ding", "Z. Ding"),
        ("Z. Ding", "Zixiang Ding"),
        ("Zixiang Ding", "Ding Zixiang"),  # the other order, which nothing marks
        ("Guo-qing Jiang", "Guoqing Jiang"),
        ("Jürgen Müller", "Jurgen Mueller"),
        ("Hugo Gonçalo Oliveira", "Gonçalo Oliveira, Hugo"),  # cut otherwise
        ("Bob Smith", "Robert Smith"),
        ("王伟", "王伟"),
        ("Vincent van den Berg", "Berg, V."),
        ("Sukarno", "Sukarno"),
    ],
)
def test_a_name_that_may_be_the_same_fits_both_ways(watched: str, printed: str):
    assert fits(parts(watched), parts(printed))
    assert fits(parts(printed), parts(watched))
    assert surname_key(parts(watched)[0]) in keys(parts(printed)), "it would not be looked at"


@pytest.mark.parametrize(
    ("watched", "printed"),
    [
        ("Zixiang Ding", "Zhixiang Ding"),  # at best a misprint
        ("Zixiang Ding", "Z. Dong"),
        ("Zixiang Ding", "Ding"),
        ("Ding", "Zixiang Ding"),
        ("Dongbin Zhao", "Dongbing Zhao"),
        ("Xin Zhao", "Wayne Xin Zhao"),  # who leaves a word out may be somebody else
        ("J. A. Smith", "John B. Smith"),
        ("Ann Ann Guo-qing Guo-qing Li", "Ann Ann Guo-qing Guo-qing"),
    ],
)
def test_a_name_that_says_something_else_does_not_fit(watched: str, printed: str):
    assert not fits(parts(watched), parts(printed))
    assert not fits(parts(printed), parts(watched))


WORDS = st.sampled_from(["Ann", "Li", "B.", "Guo-qing", "van", "Müller", "Ling", "Zhao", "O'Neill", "C"])


@given(st.lists(WORDS, min_size=1, max_size=5), st.lists(WORDS, min_size=1, max_size=5))
def test_whatever_fits_is_found_by_the_surname_key(watched: list[str], printed: list[str]):
    one, other = parts(" ".join(watched)), parts(" ".join(printed))
    assert fits(one, other) == fits(other, one)
    if one[0] and other[0] and fits(one, other):
        assert surname_key(one[0]) in keys(other)


ADA = Signature(pk=1, affiliations=["Analytical Society, London"])
PAGE = Byline(frozenset({7}), "Notes on the engine: on graphs", {1: ("Lovelace", "Ada"), 2: ("Babbage", "Charles")})


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"topic_id": 7}, True),
        ({"topic_id": 8}, False),
        ({"coauthor": "Babbage, C."}, True),
        ({"coauthor": "Ada Lovelace"}, False),  # herself is nobody beside her
        ({"words": "GRAPH engine"}, True),
        ({"words": "london"}, True),
        ({"words": "graph trains"}, False),
        ({"words": "raph"}, False),
        ({"topic_id": 7, "coauthor": "C. Babbage", "words": "notes"}, True),
        ({"topic_id": 7, "coauthor": "C. Babbage", "words": "boats"}, False),
    ],
)
def test_every_condition_must_hold(conditions: dict[str, object], holds: bool):
    assert matches(NameWatch(name="Ada Lovelace", **conditions), ADA, PAGE) is holds


def test_a_name_that_may_not_be_told_matches_nothing():
    hidden = Byline(PAGE.topics, PAGE.text, {2: ("Babbage", "Charles")})
    assert not matches(NameWatch(name="Ada Lovelace"), ADA, hidden)
    assert not matches(NameWatch(name="C. Babbage", coauthor="Ada Lovelace"), Signature(pk=2), hidden)


# --- in the database -------------------------------------------------------------------------------------------------


@pytest.fixture
def reader(db: None) -> Account:
    return Account.objects.create_user("reader")


def wait_for(account: Account, name: str, **conditions: object) -> NameWatch:
    key = surname_key(parts(name)[0])
    return NameWatch.objects.create(account=account, name=name, surname_key=key, **conditions)


def papers() -> list[int]:
    return list(Paper.objects.order_by("pk").values_list("pk", flat=True))


def told() -> list[tuple[str, str, str]]:
    return [(watch.name, signature.printed, str(signature.paper.arxiv_id)) for watch, signature in found(papers())]


@pytest.fixture
def engines(bring: Callable[..., object]) -> None:
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "Engines of graphs", categories=["cs.LG"]),
        fact("2001.00002", ["A. Lovelace", "Mary Somerville"], "Tides", categories=["astro-ph.EP"]),
        fact("2001.00003", ["Lovelace Ada"], "Poems", categories=["cs.CL"]),
        fact("2001.00004", ["Grace Hopper"], "Bugs", categories=["cs.SE"]),
    )


@pytest.mark.usefixtures("engines")
def test_each_watch_gets_the_names_that_fit_on_the_papers_that_hold(reader: Account):
    other = Account.objects.create_user("other")
    wait_for(reader, "Lovelace, Ada")
    wait_for(other, "Ada Lovelace", topic=Topic.objects.get(name="Machine Learning"))
    wait_for(other, "Ada Lovelace", coauthor="M. Somerville", words="tide")
    wait_for(other, "Grace Kelly")
    assert told() == [
        ("Lovelace, Ada", "Ada Lovelace", "2001.00001"),
        ("Lovelace, Ada", "A. Lovelace", "2001.00002"),
        ("Lovelace, Ada", "Lovelace Ada", "2001.00003"),
        ("Ada Lovelace", "Ada Lovelace", "2001.00001"),
        ("Ada Lovelace", "A. Lovelace", "2001.00002"),
    ]


@pytest.mark.usefixtures("engines")
def test_only_the_papers_that_are_asked_about_count(reader: Account):
    wait_for(reader, "Ada Lovelace")
    [first, *_others] = papers()
    assert [signature.paper_id for _watch, signature in found([first])] == [first]
    assert found([]) == []


@pytest.mark.usefixtures("engines")
@pytest.mark.parametrize("how", [{"visibility": Author.Visibility.NOTICE}, {"hides_printed": True}])
def test_who_hides_the_record_or_the_printed_name_is_never_told(reader: Account, how: dict[str, object]):
    wait_for(reader, "Ada Lovelace")
    wait_for(reader, "Charles Babbage", coauthor="Ada Lovelace")
    assert len(told()) == 4
    bearers = Assignment.objects.filter(signature__family_key__in=["lovelace", "ada"]).values("author")
    Author.objects.filter(pk__in=bearers).update(**how)
    assert told() == []


@pytest.mark.usefixtures("engines")
def test_a_name_that_is_not_resolved_yet_is_not_told(reader: Account):
    wait_for(reader, "Grace Hopper")
    Assignment.objects.filter(signature__family="Hopper").delete()
    assert told() == []


@pytest.mark.usefixtures("engines")
def test_the_queries_do_not_grow_with_papers_or_watches(reader: Account, django_assert_num_queries):
    every = papers()
    with django_assert_num_queries(1):
        assert found(every) == []
    wait_for(reader, "Grace Hopper")
    with django_assert_num_queries(6):
        assert len(found(every)) == 1
    topic = Topic.objects.get(name="Machine Learning")
    for word in ("engines", "graphs", "tides", "poems"):
        wait_for(reader, "Ada Lovelace", words=word)
        wait_for(reader, "Ada Lovelace", words=word, coauthor="M. Somerville")
        wait_for(reader, "Ada Lovelace", words=word, topic=topic)
    with django_assert_num_queries(6):
        assert len(found(every)) == 1 + 4 + 1 + 2
