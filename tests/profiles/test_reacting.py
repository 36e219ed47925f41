"""Reactions: what is asked for is what is there, however often and from wherever it is asked."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from papers import limits
from papers.models import Paper
from profiles.accounts import leaving
from profiles.accounts.records import gathered
from profiles.feedback import reacting
from profiles.models import Account, Author, Claim, Reaction, Suspension, Trend
from tests.conftest import fact

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)


@pytest.fixture
def paper(bring: Callable[..., object]) -> Paper:
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "Engines"))
    return Paper.objects.get()


@pytest.fixture
def reader(client: Client, db: None) -> Account:
    """A reader, signed in with `client`."""
    account = Account.objects.create_user("reader")
    client.force_login(account)
    return account


def ask(client: Client, paper: Paper | int, wanted: str, **more: Any) -> Any:
    return client.post(
        reverse("react", args=[paper if isinstance(paper, int) else paper.pk]), {"wanted": wanted}, **more
    )


def said(account: Account) -> list[str]:
    return sorted(Reaction.objects.filter(account=account).values_list("kind", flat=True))


@pytest.mark.parametrize("kind", reacting.Kind.values)
def test_a_second_click_or_tab_asks_for_the_same_again(client: Client, reader: Account, paper: Paper, kind: str):
    for _again in range(2):
        assert ask(client, paper, f"{kind} 1")["Location"] == f"{paper.get_absolute_url()}#next-steps"
        assert said(reader) == [kind]
    for _again in range(2):
        ask(client, paper, f"{kind} 0")
        assert said(reader) == []


def test_like_and_dislike_end_each_other_and_nothing_else(client: Client, reader: Account, paper: Paper):
    ask(client, paper, "clear 1")
    ask(client, paper, "like 1")
    ask(client, paper, "dislike 1")
    assert said(reader) == ["clear", "dislike"]
    assert Trend.objects.get(paper=paper).likes == 0
    ask(client, paper, "like 1")
    assert said(reader) == ["clear", "like"]
    ask(client, paper, "dislike 0")  # of a tab that still shows it
    assert said(reader) == ["clear", "like"]


@pytest.mark.parametrize("wanted", ["", "like", "like 2", "love 1", "like 1 1", "\0"])
def test_what_says_nothing_changes_nothing(client: Client, reader: Account, paper: Paper, wanted: str):
    assert ask(client, paper, wanted).status_code == 400
    assert said(reader) == []


def test_a_click_answers_in_place_with_everybodys_counts(client: Client, reader: Account, paper: Paper):
    Reaction.objects.create(account=Account.objects.create_user("other"), paper=paper, kind="like")
    body = ask(client, paper, "like 1", headers=HTMX).content.decode()
    assert "<html" not in body
    address = reverse("react", args=[paper.pk])
    assert f'value="like 0" aria-pressed="true" hx-post="{address}">Like <span class="count">2</span>' in body
    assert f'value="dislike 1" aria-pressed="false" hx-post="{address}">Dislike <span class="count">0</span>' in body


def test_a_visitor_sees_the_counts_and_comes_back_from_logging_in(client: Client, paper: Paper):
    Reaction.objects.create(account=Account.objects.create_user("other"), paper=paper, kind="reproduced")
    body = client.get(paper.get_absolute_url()).content.decode()
    assert "I reproduced it&nbsp;<b>1</b>" in body
    assert f'href="/accounts/login/?next={reverse("work", args=[paper.pk, paper.slug]).replace("/", "%2F")}%23' in body
    assert "Log in to curate" in body
    assert ask(client, paper, "like 1")["Location"].startswith("/accounts/login/")
    assert not Reaction.objects.filter(kind="like").exists()


def test_nobody_reads_who_reacted(client: Client, reader: Account, paper: Paper):
    Reaction.objects.create(account=Account.objects.create_user("somebody-else"), paper=paper, kind="like")
    for address in (paper.get_absolute_url(), reverse("work_trend", args=[paper.pk])):
        assert "somebody-else" not in client.get(address).content.decode()


def test_a_paper_that_was_taken_away_is_gone_and_one_that_never_was_is_unknown(
    client: Client, reader: Account, paper: Paper
):
    pk = paper.pk
    assert ask(client, pk + 1, "like 1").status_code == 404
    Paper.objects.all().delete()
    assert ask(client, pk, "like 1").status_code == 410


def test_who_is_suspended_reads_why_and_may_still_take_back(client: Client, reader: Account, paper: Paper):
    ask(client, paper, "like 1")
    Suspension.objects.create(account=reader, until=datetime.now(UTC) + timedelta(3), reason="Circulars.")
    body = ask(client, paper, "useful 1", headers=HTMX).content.decode()
    assert "A curator suspended you" in body
    assert "Circulars." in body
    assert said(reader) == ["like"]
    ask(client, paper, "like 0")
    assert said(reader) == []


def test_too_many_clicks_are_refused_with_a_sentence(
    client: Client, reader: Account, paper: Paper, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(limits.LIMITS, "reaction_new", (limits.Limit(2, 60),))
    for wanted in ("like 1", "like 1", "like 1", "like 0"):  # the same again costs nothing
        assert ask(client, paper, wanted).status_code == 302
    refused = ask(client, paper, "like 1")
    assert (refused.status_code, "Retry-After" in refused) == (429, True)
    assert "Try again in" in ask(client, paper, "like 1", headers=HTMX).content.decode()
    assert said(reader) == []


def test_who_proved_a_record_and_is_no_newcomer_may_more(
    client: Client, reader: Account, paper: Paper, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(limits.LIMITS, "reaction_new", (limits.Limit(1, 60),))
    assert [ask(client, paper, wanted).status_code for wanted in ("clear 1", "like 1")] == [302, 429]
    Account.objects.filter(pk=reader.pk).update(date_joined=datetime.now(UTC) - timedelta(8))
    Claim.objects.create(
        author=Author.objects.get(name="Ada Lovelace"), account=reader, state="held", level=3, held_at=NOW
    )
    assert ask(client, paper, "like 1").status_code == 302


def test_who_leaves_takes_the_reactions_along(reader: Account, paper: Paper):
    reacting.react(reader, paper, reacting.Kind.LIKE, True, NOW)
    assert [row["kind"] for row in gathered(reader)["reactions"]] == ["like"]
    leaving.delete(reader, NOW)
    trend = Trend.objects.get(paper=paper)
    assert (trend.likes, trend.heat) == (0, None)


def test_the_page_costs_as_many_queries_with_many_reactions_as_with_none(client: Client, reader: Account, paper: Paper):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(paper.get_absolute_url()).status_code == 200
        return len(captured)

    queries()
    few = queries()
    for n in range(9):
        account = Account.objects.create_user(f"reader {n}")
        Reaction.objects.create(account=account, paper=paper, kind="useful")
        Reaction.objects.create(account=account, paper=paper, kind="like")
    assert queries() == few


@pytest.mark.django_db(transaction=True)
def test_clicks_of_many_tabs_at_once_are_one_and_raise_nothing(paper: Paper):
    reader = Account.objects.create_user("reader")

    def click(kind: reacting.Kind) -> None:
        try:
            reacting.react(reader, paper, kind, True, NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(click, [reacting.Kind.LIKE, reacting.Kind.DISLIKE] * 4))
    kinds = said(reader)
    assert kinds in (["like"], ["dislike"])
    assert Trend.objects.get(paper=paper).likes == (kinds == ["like"])


@pytest.mark.django_db(transaction=True)
def test_likes_of_many_at_once_are_all_counted(paper: Paper):
    readers = [Account.objects.create_user(f"reader {n}") for n in range(8)]

    def click(reader: Account) -> None:
        try:
            reacting.react(reader, paper, reacting.Kind.LIKE, True, NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(click, readers))
    assert Trend.objects.get(paper=paper).likes == 8
