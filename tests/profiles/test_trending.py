"""What is counted for a paper, in which order papers stand, and that nobody's clicks pass for many people's."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import BadRequest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import DailyListing, Paper, Topic
from profiles.feedback import heat, reacting, trending
from profiles.models import Account, Assignment, Author, Collection, CollectionItem, Post, Reaction, Trend
from tests.conftest import fact

pytestmark = pytest.mark.django_db

TODAY = datetime.now(UTC).date()
NOON = datetime.combine(TODAY, time(12), UTC)


@pytest.fixture
def works(bring: Callable[..., object]) -> list[Paper]:
    """Three papers of Ada's, the last two with Charles, and one of Grace's."""
    ada, charles = "Ada Lovelace", "Charles Babbage"
    bring(
        fact("2001.00001", [ada], "Engines and their uses"),
        fact("2001.00002", [ada, charles], "Engines and their drawings"),
        fact("2001.00003", [ada, charles], "Engines and their wheels"),
        fact("2001.00004", ["Grace Hopper"], "On compilers", categories=["math.AG"]),
    )
    works = list(Paper.objects.order_by("arxiv_id"))
    assert Author.objects.filter(works_count__gt=0).count() == 3
    return works


def account(name: str) -> Account:
    return Account.objects.get_or_create(username=name)[0]


def like(name: str, paper: Paper, days_ago: int = 0, minutes: int = 0) -> None:
    row = Reaction.objects.create(account=account(name), paper=paper, kind="like")
    Reaction.objects.filter(pk=row.pk).update(made_at=NOON - timedelta(days_ago) + timedelta(minutes=minutes))
    trending.refresh([paper.pk])


def save(name: str, paper: Paper, days_ago: int = 0, collection: str = "Saved") -> None:
    kept, _is_new = Collection.objects.get_or_create(account=account(name), name=collection)
    row = CollectionItem.objects.create(collection=kept, paper=paper)
    CollectionItem.objects.filter(pk=row.pk).update(added_at=NOON - timedelta(days_ago))
    trending.refresh([paper.pk])


def post(name: str, paper: Paper, kind: str = "comment", days_ago: int = 0, **more: Any) -> Post:
    row = Post.objects.create(account=account(name), paper=paper, kind=kind, text="So.", token=uuid4(), **more)
    Post.objects.filter(pk=row.pk).update(made_at=NOON - timedelta(days_ago))
    trending.refresh([paper.pk])
    return row


def hot(paper: Paper, on: date = TODAY) -> float:
    """The heat of a day, by what is stored."""
    kept = Trend.objects.get(paper=paper).heat
    return 0.0 if kept is None else heat.on_day(kept, on)


# --- what counts -----------------------------------------------------------------------------------------------------


def test_one_paper_by_hand(works: list[Paper]):
    engines, drawings = works[:2]
    like("ann", drawings, days_ago=8)
    like("ann", engines, days_ago=7)  # Ann's second for Ada: 1/2, and half of it is left
    like("bob", engines)  # 1
    save("bob", engines, days_ago=7)  # 1/2
    save("bob", engines, days_ago=1, collection="Reading group")  # counted already
    post("cy", engines, days_ago=14)  # 2 × 1/4
    post("cy", engines)  # counted already
    post("dee", engines, "review")  # 4
    DailyListing.objects.create(paper=engines, day=TODAY - timedelta(21), votes=255)  # 8 × 1/8
    trending.refresh([engines.pk])
    assert hot(engines) == pytest.approx(1 / 4 + 1 + 1 / 2 + 1 / 2 + 4 + 1)
    trend = Trend.objects.get(paper=engines)
    assert (trend.likes, trend.saves, trend.comments, trend.reviews) == (2, 1, 2, 1)


def test_dislikes_and_other_reactions_count_nothing(works: list[Paper]):
    for kind in set(Reaction.Kind.values) - {"like"}:
        Reaction.objects.create(account=account(kind), paper=works[0], kind=kind)
    trending.refresh([works[0].pk])
    assert Trend.objects.get(paper=works[0]).heat is None
    assert trending.hottest() == ([], "")


def test_followers_and_trust_count_nothing(works: list[Paper]):
    like("ann", works[0])
    like("bob", works[3])
    before = hot(works[0])
    Author.objects.filter(name="Ada Lovelace").update(works_count=999)
    trending.settle()
    assert hot(works[0]) == before == hot(works[3]) == 1


def test_what_is_withdrawn_or_hidden_counts_no_more(works: list[Paper]):
    shown, withdrawn, hidden = (post(name, works[0]) for name in ("ann", "bob", "cy"))
    assert hot(works[0]) == pytest.approx(6)
    Post.objects.filter(pk=withdrawn.pk).update(withdrawn_at=NOON, text="")
    Post.objects.filter(pk=hidden.pk).update(hidden_at=NOON)
    trending.refresh([works[0].pk])
    assert hot(works[0]) == pytest.approx(2)
    assert Trend.objects.get(paper=works[0]).comments == 1
    assert shown.is_shown


def test_what_a_closed_account_did_lifts_nothing(works: list[Paper]):
    post("ann", works[0])
    like("ann", works[0])
    Account.objects.update(is_active=False)
    trending.settle()
    trend = Trend.objects.get(paper=works[0])
    assert (trend.heat, trend.comments) == (None, 1)


def test_what_an_author_does_for_the_own_paper_counts_nothing(works: list[Paper]):
    Author.objects.filter(name="Ada Lovelace").update(account=account("ada"))
    like("ada", works[0])
    save("ada", works[0])
    assert hot(works[0]) == 0
    assert Trend.objects.get(paper=works[0]).likes == 1  # it is seen, and not counted
    like("ada", works[3])
    assert hot(works[3]) == 1
    Assignment.objects.filter(signature__paper=works[0]).update(state="rejected")
    trending.refresh([works[0].pk])
    assert hot(works[0]) == 2


def test_an_accounts_nth_like_for_the_same_people_counts_an_nth(works: list[Paper]):
    for minutes, paper in enumerate(works):
        like("ann", paper, minutes=minutes)
    assert [hot(paper) for paper in works] == pytest.approx([1, 1 / 2, 1 / 3, 1])


def test_the_count_begins_anew_after_the_window(works: list[Paper]):
    like("ann", works[0], days_ago=heat.WINDOW)
    like("ann", works[1])
    like("bob", works[0], days_ago=heat.WINDOW - 1)
    like("bob", works[2])
    assert hot(works[1]) == 1
    assert hot(works[2]) == 1 / 2


def test_people_who_were_rejected_are_nobody_shared(works: list[Paper]):
    like("ann", works[0])
    like("ann", works[1], minutes=1)
    Assignment.objects.filter(signature__paper=works[0]).update(state="rejected")
    trending.refresh([works[1].pk])
    assert hot(works[1]) == 1


def test_each_kind_of_act_has_its_own_count(works: list[Paper]):
    like("ann", works[0])
    save("ann", works[1])
    post("ann", works[2])
    assert [hot(paper) for paper in works[:3]] == pytest.approx([1, 1, 2])


def test_a_circle_gains_no_more_than_is_stated(works: list[Paper]):
    for name in ("ann", "bob", "cy"):
        for minutes, paper in enumerate(works[:3]):
            like(name, paper, minutes=minutes)
            save(name, paper)
            post(name, paper)
            post(name, paper, "review")
    total = sum(map(hot, works[:3]))
    assert total == pytest.approx(3 * 8 * (1 + 1 / 2 + 1 / 3))
    assert total <= heat.most(3, 3)


def test_a_list_counts_from_its_day_on_and_the_latest_of_several(works: list[Paper]):
    DailyListing.objects.create(paper=works[0], day=TODAY - timedelta(7), votes=3)
    DailyListing.objects.create(paper=works[0], day=TODAY, votes=7)
    DailyListing.objects.create(paper=works[1], day=date(2999, 1, 1), votes=1_000)
    DailyListing.objects.create(paper=works[2], day=TODAY, votes=None)
    trending.refresh(paper.pk for paper in works)
    assert [hot(paper) for paper in works[:3]] == pytest.approx([3, 0, 0])


# --- counting again --------------------------------------------------------------------------------------------------


def test_what_was_done_later_moves_up_when_a_like_is_taken_back(works: list[Paper]):
    for minutes, paper in enumerate(works[:3]):
        like("ann", paper, minutes=minutes)
    reacting.react(account("ann"), works[0], reacting.Kind.LIKE, False, NOON)
    assert [hot(paper) for paper in works[:3]] == pytest.approx([0, 1, 1 / 2])


def test_counting_again_writes_nothing(works: list[Paper]):
    like("ann", works[0])
    with CaptureQueriesContext(connection) as captured:
        trending.settle()
        trending.refresh([works[0].pk, 0, -1, 2**62])
    assert Trend.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM profiles_trend")
        before = cursor.fetchall()
        trending.settle()
        cursor.execute("SELECT xmin::text FROM profiles_trend")
        assert cursor.fetchall() == before
    assert captured


def test_settling_counts_what_nobody_asked_for(works: list[Paper]):
    like("ann", works[0])
    like("ann", works[3], minutes=1)
    Assignment.objects.filter(signature__paper=works[3]).update(author=Author.objects.get(name="Ada Lovelace"))
    Reaction.objects.create(account=account("bob"), paper=works[1], kind="like")
    trending.settle()
    assert hot(works[3]) == 1 / 2
    assert Trend.objects.get(paper=works[1]).likes == 1


def test_nothing_is_asked_for_no_paper(django_assert_num_queries: Any):
    with django_assert_num_queries(0):
        trending.refresh([])


def test_counting_costs_as_many_queries_for_many_papers_as_for_one(works: list[Paper]):
    with CaptureQueriesContext(connection) as one:
        trending.refresh([works[0].pk])
    with CaptureQueriesContext(connection) as all_of_them:
        trending.refresh(paper.pk for paper in works)
    assert len(one) == len(all_of_them)


def test_the_places_are_those_that_a_plain_count_gives(works: list[Paper]):
    """Any likes of anybody: the SQL against the rule in three lines."""
    dice = random.Random(9)
    for name in ("ann", "bob", "cy"):
        for paper in dice.sample(works, dice.randint(1, 4)):
            like(name, paper, days_ago=dice.randint(0, 50), minutes=dice.randint(0, 600))
    trending.settle()
    likes = list(Reaction.objects.values_list("account", "paper", "made_at"))
    people = {
        paper.pk: set(Assignment.objects.filter(signature__paper=paper).values_list("author", flat=True))
        for paper in works
    }
    for paper in works:
        acts = []
        for who, of, at in likes:
            earlier = [p for w, p, t in likes if w == who and p != of and people[p] & people[of] and (t, p) < (at, of)]
            nth = 1 + sum(1 for w, p, t in likes if w == who and p in earlier and t > at - timedelta(heat.WINDOW))
            acts += [heat.Act("like", at.date(), nth)] if of == paper.pk else []
        found = Trend.objects.filter(paper=paper).values_list("heat", flat=True).first()
        assert found == pytest.approx(heat.heat(acts))


@pytest.mark.django_db(transaction=True)
def test_two_who_count_the_same_papers_at_once_both_end(works: list[Paper]):
    for name in "abcdef":
        for paper in works:
            Reaction.objects.create(account=account(name), paper=paper, kind="like")

    def count(n: int) -> None:
        try:
            trending.refresh(paper.pk for paper in (works if n % 2 else reversed(works)))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(count, range(12)))
    assert set(Trend.objects.values_list("likes", flat=True)) == {6}


# --- the order -------------------------------------------------------------------------------------------------------


def test_the_hottest_come_first_and_page_by_page(works: list[Paper]):
    like("ann", works[0], days_ago=9)
    for name in ("bob", "cy"):
        like(name, works[1], days_ago=9)
    like("dee", works[2])
    like("dee", works[3])  # as hot as the third: the higher id first
    seen, after = [], ""
    for _page in works:
        page, after = trending.hottest(after=after, size=1)
        seen += page
    assert seen == [works[3], works[2], works[1], works[0]]
    assert after == ""
    assert trending.hottest(size=2)[0] == seen[:2]


def test_a_topic_has_its_own_order(works: list[Paper]):
    like("ann", works[0])
    like("ann", works[3])
    assert trending.hottest(Topic.objects.get(name="Machine Learning"))[0] == [works[0]]
    assert trending.hottest(Topic.objects.get(slug="algebraic-geometry"))[0] == [works[3]]


@pytest.mark.parametrize("cursor", ["x", "1", "~", "1~", "nan~3", "inf~3", "1~0", "1~-3", f"1~{2**63}", "1.0~x", "\0"])
def test_a_cursor_of_somebody_elses_making_is_refused(cursor: str):
    with pytest.raises(BadRequest):
        trending.hottest(after=cursor)


def test_a_page_costs_as_many_queries_whatever_its_size(works: list[Paper]):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            for paper in trending.hottest()[0]:
                assert paper.trend.heat is not None
                assert [signature.shown_name for signature in paper.signatures.all()]
        return len(captured)

    like("ann", works[0])
    few = queries()
    for paper in works:
        like("bob", paper)
    assert queries() == few


# --- the sum ---------------------------------------------------------------------------------------------------------


def test_the_sum_has_a_line_for_equal_acts_and_adds_up(works: list[Paper]):
    for name in ("ann", "bob", "cy"):
        like(name, works[0], days_ago=7)
    save("dee", works[0])
    found = trending.explained(works[0], TODAY)
    assert [(term.act.kind, term.times, term.worth, term.decay) for term in found.terms] == [
        ("save", 1, 1, 1),
        ("like", 3, 1, 1 / 2),
    ]
    assert found.total == pytest.approx(2.5) == hot(works[0])
    assert (found.place, found.of, found.behind, found.more) == (1, 1, False, 0)


def test_a_long_sum_says_what_has_no_line(works: list[Paper], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trending, "TERMS", 1)
    like("ann", works[0])
    like("bob", works[0], days_ago=7)
    like("cy", works[0], days_ago=7)
    found = trending.explained(works[0], TODAY)
    assert (len(found.terms), found.more, found.rest, found.total) == (1, 2, 1, 2)


def test_the_place_is_the_one_on_the_list(works: list[Paper]):
    like("ann", works[0])
    like("bob", works[3])
    like("cy", works[1], days_ago=3)
    listed = trending.hottest()[0]
    assert [trending.explained(paper, TODAY).place for paper in listed] == [1, 2, 3]
    assert trending.explained(works[2], TODAY).place is None


def test_a_sum_that_is_ahead_of_the_list_says_so(works: list[Paper]):
    like("ann", works[0])
    Reaction.objects.create(account=account("bob"), paper=works[0], kind="like")
    assert trending.explained(works[0], TODAY + timedelta(30)).behind
