"""What is new for a subscriber: each source, their order, why, and that nothing comes twice or of hidden people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.bounded import TooSlow
from papers.models import Batch, Paper, Topic
from papers.searching import addresses
from profiles.models import Account, Author, Digest, Follow, Pick, Subscriber, Subscription, Trend
from profiles.subscriptions import picks
from profiles.subscriptions.picks import Chosen, Fresh, Since
from tests.conftest import fact

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
BEFORE = datetime(2000, 1, 1, tzinfo=UTC)
NEVER = Since()
Bring = Callable[..., Batch]


@pytest.fixture
def ada(db: None) -> Subscriber:
    return Subscriber.objects.create(email="ada@x.org", address="ada@x.org", key="ada")


def wants(subscriber: Subscriber, kind: str, **more: Any) -> Subscription:
    given = {"frequency": "daily", "confirmed_at": BEFORE} | more
    return Subscription.objects.create(subscriber=subscriber, kind=kind, **given)


def choose(subscriber: Subscriber, *wanted: Subscription, since: Since = NEVER) -> Chosen:
    return picks.choose(subscriber, wanted, since, Fresh())


def ids(chosen: Chosen) -> list[str | None]:
    papers = Paper.objects.in_bulk([paper for paper, _why in chosen.papers])
    return [papers[paper].arxiv_id for paper, _why in chosen.papers]


def why(chosen: Chosen) -> list[list[str]]:
    return [[said for said, _page in one.because] for one in picks.told(chosen.papers)]


def paper(arxiv_id: str) -> Paper:
    return Paper.objects.get(arxiv_id=arxiv_id)


def heat(arxiv_id: str, degrees: float, **counts: int) -> None:
    Trend.objects.update_or_create(paper=paper(arxiv_id), defaults={"heat": degrees, **counts})


def papers(count: int, start: int = 1, **more: Any) -> list[dict[str, Any]]:
    return [
        fact(f"2611.{n:05}", [f"Author{n} Family{n}"], f"Paper number {n}", created="2026-11-20", **more)
        for n in range(start, start + count)
    ]


def test_trending_papers_come_by_heat_with_their_place_and_what_was_counted(bring: Bring, ada: Subscriber):
    bring(*papers(3))
    heat("2611.00002", 5.0, likes=5, saves=1)
    heat("2611.00001", 2.0, comments=1, reviews=2)
    chosen = choose(ada, wants(ada, "trending"))
    assert ids(chosen) == ["2611.00002", "2611.00001"]
    assert why(chosen) == [
        ["Place 1 of the trending papers: 5 likes, 1 save."],
        ["Place 2 of the trending papers: 1 comment, 2 reviews."],
    ]


def test_of_a_topic_come_papers_above_the_mark_those_first_that_readers_like(bring: Bring, ada: Subscriber):
    bring(*papers(2))
    newest = Paper.objects.latest("pk").pk
    bring(*papers(3, start=3), fact("2611.00009", ["Eve Falk"], "On eels", categories=["hep-ph"]))
    heat("2611.00004", 1.0, likes=1)
    topic = Topic.objects.get(name="Machine Learning")
    chosen = choose(ada, wants(ada, "topic", topic=topic, newest=newest))
    assert ids(chosen) == ["2611.00004", "2611.00005", "2611.00003"]
    assert why(chosen)[0] == ["It is new in Machine Learning."]


def test_the_mark_is_the_later_of_the_subscriptions_and_the_letters(bring: Bring, ada: Subscriber):
    bring(*papers(3))
    topic = Topic.objects.get(name="Machine Learning")
    wanted = wants(ada, "topic", topic=topic, newest=paper("2611.00001").pk)
    assert ids(choose(ada, wanted)) == ["2611.00003", "2611.00002"]
    assert ids(choose(ada, wanted, since=Since(paper("2611.00002").pk))) == ["2611.00003"]


def test_a_search_comes_in_the_order_of_its_page_with_what_is_new_alone(bring: Bring, ada: Subscriber):
    bring(fact("2611.00001", ["A B"], "Graph networks"), fact("2611.00002", ["C D"], "Graph networks of eels"))
    newest = Paper.objects.latest("pk").pk
    bring(
        fact("2611.00003", ["E F"], "A survey of deep learning on graph shaped data and of networks"),
        fact("2611.00004", ["G H"], "Networks: the graph networks"),
    )
    query = "q=graph+networks"
    shown = [hit.paper.pk for hit in addresses.read(query).page().hits]
    chosen = choose(ada, wants(ada, "search", query=query, newest=newest))
    assert [pk for pk, _why in chosen.papers] == [pk for pk in shown if pk > newest]
    assert len(chosen.papers) == 2
    place = shown.index(chosen.papers[0][0]) + 1
    assert why(chosen)[0] == [f"It is new in your search “graph networks”, at place {place}."]


def test_a_search_that_takes_too_long_leaves_the_rest_of_the_letter(
    bring: Bring, ada: Subscriber, monkeypatch: pytest.MonkeyPatch
):
    bring(*papers(1))
    heat("2611.00001", 1.0, likes=1)

    def slow(*given: Any, **more: Any) -> None:
        raise TooSlow

    monkeypatch.setattr(addresses, "numbers", slow)
    assert ids(choose(ada, wants(ada, "search", query="q=x"), wants(ada, "trending"))) == ["2611.00001"]


def test_papers_of_a_person_come_and_those_of_whom_they_were_merged_into(bring: Bring, ada: Subscriber):
    bring(fact("2611.00001", ["Mary Shelley"]), fact("2611.00002", ["Zora Quill"]))
    mary, zora = Author.objects.get(name="Mary Shelley"), Author.objects.get(name="Zora Quill")
    wanted = wants(ada, "person", author=mary)
    chosen = choose(ada, wanted)
    assert ids(chosen) == ["2611.00001"]
    assert why(chosen) == [["Mary Shelley, whom you follow, wrote it."]]
    Author.objects.filter(pk=mary.pk).update(merged_into=zora)
    wanted.refresh_from_db()
    assert ids(choose(ada, wanted)) == ["2611.00002"]
    assert why(chosen) == [["Zora Quill, whom you follow, wrote it."]]  # what was picked before is told as it is now


def test_of_hidden_people_nothing_comes_and_what_was_picked_no_longer_names_them(bring: Bring, ada: Subscriber):
    bring(fact("2611.00001", ["Mary Shelley"]))
    mary = Author.objects.get()
    wanted = wants(ada, "person", author=mary)
    chosen = choose(ada, wanted)
    Author.objects.update(visibility=Author.Visibility.NOTICE)
    assert choose(ada, wanted).papers == []
    assert why(chosen) == [[]]


def test_what_is_rejected_or_unsure_of_a_person_does_not_come(bring: Bring, ada: Subscriber):
    bring(fact("2611.00001", ["Mary Shelley"]))
    mary = Author.objects.get()
    wanted = wants(ada, "person", author=mary)
    mary.assignments.update(state="weak", probability=0.6)
    assert choose(ada, wanted).papers == []
    mary.assignments.update(state="weak", probability=0.9)
    assert why(choose(ada, wanted)) == [["Mary Shelley, whom you follow, probably wrote it: 90 %."]]
    mary.assignments.update(state="rejected")
    assert choose(ada, wanted).papers == []


def test_people_whom_an_account_follows_come_first(bring: Bring, ada: Subscriber):
    account = Account.objects.create_user("ada")
    ada.account = account
    ada.save()
    bring(fact("2611.00001", ["Mary Shelley"]))
    Follow.objects.create(account=account, author=Author.objects.get())
    bring(fact("2611.00002", ["Mary Shelley"]), fact("2611.00003", ["Eve Falk"]))
    heat("2611.00003", 9.0, likes=9)
    heat("2611.00002", 1.0, likes=1)
    chosen = choose(ada, wants(ada, "trending"))
    assert ids(chosen) == ["2611.00002", "2611.00003"]
    assert why(chosen)[0] == ["Mary Shelley, whom you follow, wrote it.", "Place 2 of the trending papers: 1 like."]


def test_no_paper_comes_twice(bring: Bring, ada: Subscriber):
    bring(*papers(3))
    for number in (1, 2, 3):
        heat(f"2611.0000{number}", number, likes=number)
    digest = Digest.objects.create(subscriber=ada, frequency="weekly", period=NOW.date())
    Pick.objects.create(subscriber=ada, digest=digest, paper=paper("2611.00002"), place=0)
    topic = Topic.objects.get(name="Machine Learning")
    chosen = choose(ada, wants(ada, "trending"), wants(ada, "topic", topic=topic))
    assert ids(chosen) == ["2611.00003", "2611.00001"]
    assert why(chosen)[0] == ["Place 1 of the trending papers: 3 likes.", "It is new in Machine Learning."]


def test_subscriptions_take_turns_and_what_does_not_fit_is_counted(bring: Bring, ada: Subscriber):
    bring(*papers(30), *papers(2, start=41, categories=["hep-ph"]))
    crowded, small = Topic.objects.get(name="Machine Learning"), Topic.objects.exclude(name="Machine Learning").get()
    chosen = choose(ada, wants(ada, "topic", topic=crowded), wants(ada, "topic", topic=small))
    assert len(chosen.papers) == picks.MOST
    assert {"2611.00041", "2611.00042"} <= set(ids(chosen)[:4])
    assert chosen.more == 32 - picks.MOST


def test_what_many_ask_is_asked_once_in_a_run(bring: Bring, ada: Subscriber):
    bring(*papers(3))
    topic, fresh = Topic.objects.get(name="Machine Learning"), Fresh()
    wanted = wants(ada, "topic", topic=topic)
    fresh.of(wanted, Since())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        fresh.of(wanted, Since())
    assert len(queries) == 0


def test_one_letter_costs_as_many_queries_however_much_is_new(bring: Bring, ada: Subscriber):
    topic_wanted = None
    counted = []
    for count in (2, 18):
        bring(*papers(count, start=100 * count))
        topic = Topic.objects.get(name="Machine Learning")
        topic_wanted = topic_wanted or wants(ada, "topic", topic=topic)
        with CaptureQueriesContext(connection) as queries:
            picks.told(choose(ada, topic_wanted).papers)
        counted.append(len(queries))
    assert counted[0] == counted[1]
