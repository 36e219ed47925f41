"""Alerts: told once, with confidence, only while it holds; a doubt lasts; a GET reads and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bzpeer import pipeline, rollbacks
from papers import limits
from papers.models import Batch, BatchRecord, Paper, Signature
from profiles import alerted, alerts, changesets, following
from profiles.models import (
    Account,
    Alert,
    AlertReason,
    AlertSettings,
    Assignment,
    Author,
    Doubt,
    Follow,
    NameWatch,
    TopicFollow,
)
from profiles.proposals import Merge
from tests.conftest import fact, with_role
from tests.walking import with_address

pytestmark = pytest.mark.django_db

ADA = ["Ada Lovelace", "Charles Babbage"]
OLD = [fact(f"2001.0000{n}", ADA, f"Engines, part {n}", categories=["cs.AR"]) for n in (1, 2, 3)]
NEW = fact("2002.00001", ADA, "Notes on engines", categories=["cs.AR"])


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of a worker is not done."""
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)


@pytest.fixture
def reader(client: Client) -> Account:
    """Who is signed in."""
    account = with_address("reader")
    client.force_login(account)
    return account


@pytest.fixture
def ada(bring: Callable[..., Batch], reader: Account) -> Author:
    """Ada, of three papers, followed by the reader since."""
    bring(*OLD)
    author = author_of("2001.00001")
    Follow.objects.create(account=reader, author=author)
    return author


@pytest.fixture
def told(ada: Author, bring: Callable[..., Batch]) -> Alert:
    """The alert of a new paper of hers."""
    bring(NEW)
    return Alert.objects.get()


def signature(arxiv_id: str, position: int = 0) -> Signature:
    return Signature.objects.select_related("assignment__author").get(paper__arxiv_id=arxiv_id, position=position)


def author_of(arxiv_id: str, position: int = 0) -> Author:
    return signature(arxiv_id, position).assignment.author


def attribute(arxiv_id: str, **how: object) -> None:
    Assignment.objects.filter(signature=signature(arxiv_id)).update(**how)


def shown(account: Account) -> list[str | None]:
    return [item.paper.arxiv_id for item in alerted.listed(account)[0]]


def waits(account: Account) -> list[str | None]:
    return [item.paper.arxiv_id for item in alerted.listed(account, waits=True)[0]]


def say(client: Client, author: Author, said: str = "another", arxiv_id: str = "2002.00001", **headers: str):
    given = {"said": said, "signature": signature(arxiv_id).pk, "author": author.pk}
    return client.post("/alerts/doubt/", given, headers=headers)


HTMX = {"HX-Request": "true"}


# --- raised -----------------------------------------------------------------------------------------------------------


def test_a_new_work_of_a_followed_person_is_told_once(told: Alert, reader: Account, bring):
    assert (told.account, told.paper.arxiv_id, told.read_at) == (reader, "2002.00001", None)
    assert told.reasons.get().signature == signature("2002.00001")
    bring(NEW)
    pipeline.rerun(["lovelace"], lambda *_: None)
    assert (Alert.objects.count(), AlertReason.objects.count()) == (1, 1)


def test_works_from_before_the_follow_are_not_told(ada: Author, reader: Account):
    pipeline.refresh([ada.pk])
    assert not Alert.objects.exists()
    late = Account.objects.create_user("late")
    Follow.objects.create(account=late, author=ada)
    pipeline.rerun(["lovelace"], lambda *_: None)
    assert not Alert.objects.exists()


def test_a_work_that_a_later_run_gives_to_a_followed_person_is_told_if_it_came_since(
    ada: Author, reader: Account, bring
):
    bring(fact("2002.00002", ["Grace Hopper", "John Backus"], "Compilers", categories=["cs.PL"]))
    grace = author_of("2002.00002")
    assert not Alert.objects.exists()
    changesets.apply(with_role("eve"), Merge(((grace.pk, ada.pk),)), "one person")
    pipeline.refresh([])
    assert shown(reader) == ["2002.00002"]


def test_a_work_that_came_before_the_follow_is_not_told_when_a_later_run_moves_it(ada: Author, reader: Account, bring):
    bring(fact("2002.00002", ["Grace Hopper", "John Backus"], "Compilers", categories=["cs.PL"]))
    Follow.objects.filter(account=reader).update(created_at=timezone.now())
    changesets.apply(with_role("eve"), Merge(((author_of("2002.00002").pk, ada.pk),)), "one person")
    pipeline.refresh([])
    assert not Alert.objects.exists()


def test_whoever_follows_somebody_who_was_merged_hears_of_the_heir(ada: Author, bring, reader: Account):
    bring(fact("1601.00001", ["A. A. Byron", "Mary Somerville"], "On poems", categories=["cs.CL"]))
    byron = author_of("1601.00001")
    Follow.objects.update(author=byron)
    changesets.apply(with_role("eve"), Merge(((byron.pk, ada.pk),)), "one person")
    assert Author.objects.get(pk=byron.pk).merged_into == ada
    bring(NEW)
    assert "2002.00001" in shown(reader)


def test_two_follows_that_became_one_give_one_reason(ada: Author, bring, reader: Account):
    bring(fact("1601.00001", ["A. A. Byron", "Mary Somerville"], "On poems", categories=["cs.CL"]))
    byron = author_of("1601.00001")
    Follow.objects.create(account=reader, author=byron)
    changesets.apply(with_role("eve"), Merge(((byron.pk, ada.pk),)), "one person")
    bring(NEW)
    item = alerted.about(reader, Paper.objects.get(arxiv_id="2002.00001").pk)
    assert AlertReason.objects.filter(alert=item.alert).count() == 2
    assert len(item.reasons) == 1


def test_a_paper_that_is_rolled_back_takes_its_alert_along(told: Alert, reader: Account):
    rollbacks.undo([BatchRecord.objects.get(paper=told.paper_id, fate="new").pk], None)
    assert not Alert.objects.exists()


def test_an_import_that_was_killed_before_its_end_tells_when_it_goes_on(ada: Author, bring, reader, monkeypatch):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(alerts, "raise_of", killed)
        with pytest.raises(KeyboardInterrupt):
            bring(NEW)
    assert not Alert.objects.exists()
    pipeline.process(Batch.objects.latest("pk").pk)
    assert shown(reader) == ["2002.00001"]


# --- topics and names -------------------------------------------------------------------------------------------------


def papers_of(bring, *days_ago: int, first: int = 1) -> None:
    for n, days in enumerate(days_ago, first):
        day = (timezone.now().date() - timedelta(days=days)).isoformat()
        bring(fact(f"2003.{n:05}", [f"Author No{'abcdefghij'[n % 10]}"], created=day, categories=["math.GT"]))


def follow_topic(reader: Account, bring) -> TopicFollow:
    bring(fact("1602.00001", ["Emmy Noether"], categories=["math.GT"]))
    return TopicFollow.objects.create(account=reader, topic=Paper.objects.get(arxiv_id="1602.00001").topics.get())


def test_a_followed_topic_tells_of_recent_papers_alone(reader: Account, bring):
    follow_topic(reader, bring)
    papers_of(bring, 2, alerts.TOPIC_DAYS + 1)
    assert shown(reader) == ["2003.00001"]


def test_an_import_tells_of_a_topic_no_more_than_its_most_in_a_day(reader: Account, bring, monkeypatch):
    monkeypatch.setattr(alerts, "TOPIC_MOST", 2)
    follow_topic(reader, bring)
    papers_of(bring, 5, 3, 4)
    assert set(shown(reader)) == {"2003.00001", "2003.00002"}
    papers = list(Paper.objects.values_list("pk", flat=True))
    alerts.raise_for(papers, timezone.now())
    assert Alert.objects.count() == 2
    alerts.raise_for(papers, timezone.now() + timedelta(days=1))
    assert set(shown(reader)) == {"2003.00001", "2003.00002", "2003.00003"}


def test_of_more_papers_than_it_may_tell_a_topic_tells_of_the_newest_whatever_is_asked_again(
    reader, bring, monkeypatch
):
    monkeypatch.setattr(alerts, "TOPIC_MOST", 1)
    topic = follow_topic(reader, bring)
    TopicFollow.objects.all().delete()
    papers_of(bring, 5, 3, 4)
    topic.pk = None
    topic.save()
    papers = list(Paper.objects.values_list("pk", flat=True))
    for days in (0, 1, 2):
        alerts.raise_for(papers, timezone.now() + timedelta(days=days))
    assert shown(reader) == ["2003.00002"]


def test_a_paper_of_a_followed_person_and_topic_is_one_alert_with_both_reasons(ada: Author, reader: Account, bring):
    topic = Paper.objects.get(arxiv_id="2001.00001").topics.get()
    TopicFollow.objects.create(account=reader, topic=topic)
    today = timezone.now().date().isoformat()
    bring(fact("2002.00001", ADA, "Notes on engines", categories=["cs.AR"], created=today))
    [item] = alerted.listed(reader)[0]
    assert [bool(r.follow_id) for r in item.reasons] == [True, False]


@pytest.fixture
def watched(reader: Account) -> NameWatch:
    """The reader watches a name, on papers of quarks."""
    return following.watch(reader, "Rosa Smith", words="quark")


def test_a_watched_name_is_told_with_its_conditions(watched: NameWatch, client: Client, bring):
    bring(fact("2004.00001", ["Rosa Smith"], "On quarks"))
    html = client.get("/alerts/").content.decode()
    assert "You watch the name “Rosa Smith”." in html
    assert "Words: quark." in html


def test_a_watched_name_is_not_told_once_its_bearer_hides_it(watched: NameWatch, reader: Account, client, bring):
    bring(fact("2004.00001", ["Rosa Smith"], "On quarks"))
    assert shown(reader) == ["2004.00001"]
    author = author_of("2004.00001")
    Author.objects.filter(pk=author.pk).update(name="Iris Novák", preferred_name="Iris Novák", hides_printed=True)
    assert shown(reader) == []
    Author.objects.filter(pk=author.pk).update(hides_printed=False, visibility=Author.Visibility.NOTICE)
    assert shown(reader) == []


# --- shown as it is now -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "probability", "where"),
    [
        ("strong", 0.5, "shown"),
        ("curator", 0.1, "shown"),
        ("source", 0.1, "shown"),
        ("weak", 0.85, "shown"),
        ("weak", 0.849, "waits"),
        ("disputed", 0.3, "waits"),
        ("rejected", 0.99, "nowhere"),
    ],
)
def test_what_is_sure_enough_is_shown_and_the_rest_waits(
    told: Alert, reader, state: str, probability: float, where: str
):
    attribute("2002.00001", state=state, probability=probability)
    assert {"shown": shown(reader), "waits": waits(reader)} == {
        key: ["2002.00001"] if key == where else [] for key in ("shown", "waits")
    }
    assert (alerted.unread(reader), alerted.waiting(reader)) == (int(where == "shown"), int(where == "waits"))


def test_the_reader_moves_the_limit(told: Alert, reader: Account):
    attribute("2002.00001", state="weak", probability=0.7)
    assert (shown(reader), waits(reader)) == ([], ["2002.00001"])
    settings = AlertSettings.objects.create(account=reader, least=0.6)
    assert (shown(reader), waits(reader)) == (["2002.00001"], [])
    settings.least = 0.71
    settings.save()
    assert (shown(reader), waits(reader)) == ([], ["2002.00001"])


def test_a_work_that_is_attributed_to_another_is_gone_and_back_when_it_returns(
    told: Alert, reader: Account, ada: Author
):
    attribute("2002.00001", author=author_of("2002.00001", 1))
    assert (shown(reader), waits(reader)) == ([], [])
    attribute("2002.00001", author=ada)
    assert shown(reader) == ["2002.00001"]


def test_a_hidden_person_is_in_no_alert(told: Alert, reader: Account, ada: Author, client: Client):
    Author.objects.filter(pk=ada.pk).update(visibility=Author.Visibility.NOTICE)
    assert (shown(reader), waits(reader)) == ([], [])
    assert "Lovelace" not in client.get("/alerts/").content.decode()


def test_the_name_is_the_one_that_is_shown_now(told: Alert, ada: Author, client: Client):
    Author.objects.filter(pk=ada.pk).update(name="Augusta King", preferred_name="Augusta King", hides_printed=True)
    html = client.get("/alerts/").content.decode()
    assert "Augusta King" in html
    assert "Lovelace" not in html


def test_who_stops_following_hears_no_more(told: Alert, reader: Account, client: Client):
    Follow.objects.all().delete()
    assert shown(reader) == []


# --- that is another person -------------------------------------------------------------------------------------------


def test_one_click_says_that_it_is_another_person_and_it_is_gone(
    told: Alert, reader: Account, client: Client, ada: Author
):
    response = say(client, ada)
    assert (response.status_code, response["Location"]) == (302, "/alerts/")
    doubt = Doubt.objects.get()
    assert (doubt.account, doubt.signature, doubt.author) == (reader, signature("2002.00001"), ada)
    assert (shown(reader), waits(reader), alerted.unread(reader)) == ([], [], 0)
    say(client, ada)
    assert Doubt.objects.count() == 1


def test_with_htmx_the_way_back_takes_the_place_of_the_alert(told: Alert, reader: Account, client: Client, ada: Author):
    html = say(client, ada, **HTMX).content.decode()
    assert "It is this person after all" in html
    assert "That is another person" not in html
    assert "<html" not in html
    html = say(client, ada, said="this", **HTMX).content.decode()
    assert "You took it back." in html
    assert "That is another person" in html
    assert shown(reader) == ["2002.00001"]


def test_what_was_said_is_listed_with_the_way_back(told: Alert, reader: Account, client: Client, ada: Author):
    say(client, ada)
    html = client.get("/alerts/").content.decode()
    assert "What you said" in html
    assert html.count("It is this person after all") == 1
    say(client, ada, said="this")
    assert shown(reader) == ["2002.00001"]


def test_a_doubt_is_of_one_account_alone(told: Alert, client: Client, ada: Author, reader: Account):
    other = Account.objects.create_user("other")
    theirs = Doubt.objects.create(account=other, signature=signature("2002.00001"), author=ada, made_at=timezone.now())
    assert shown(reader) == ["2002.00001"]
    say(client, ada, said="this")
    theirs.refresh_from_db()
    assert theirs.withdrawn_at is None


def test_what_was_doubted_stays_gone_after_runs_and_imports(told: Alert, reader: Account, client, ada: Author, bring):
    say(client, ada)
    bring(NEW)
    bring(NEW | {"title": "Notes on engines, revised", "updated": "2021-01-01"})
    pipeline.rerun(["lovelace", "babbage"], lambda *_: None)
    assert (shown(reader), waits(reader)) == ([], [])


def test_what_was_doubted_stays_gone_after_merges_and_their_undoing(told: Alert, reader, client, ada: Author, bring):
    bring(*(fact(f"1601.0000{n}", ["A. A. Byron", "Mary Somerville"], f"Poems {n}") for n in range(1, 7)))
    byron, eve = author_of("1601.00001"), with_role("eve")
    Follow.objects.create(account=reader, author=byron)
    say(client, ada)
    merged = changesets.apply(eve, Merge(((ada.pk, byron.pk),)), "one person")
    pipeline.refresh([])
    assert author_of("2002.00001") == byron
    assert "2002.00001" not in {*shown(reader), *waits(reader)}
    changesets.undo(eve, merged)
    pipeline.refresh([])
    assert author_of("2002.00001") == ada
    assert "2002.00001" not in {*shown(reader), *waits(reader)}


def test_what_was_doubted_of_the_heir_stays_gone_when_the_merge_is_undone(told: Alert, reader, client, ada, bring):
    bring(*(fact(f"1601.0000{n}", ["A. A. Byron", "Mary Somerville"], f"Poems {n}") for n in range(1, 7)))
    byron, eve = author_of("1601.00001"), with_role("eve")
    merged = changesets.apply(eve, Merge(((ada.pk, byron.pk),)), "one person")
    assert author_of("2002.00001") == byron
    say(client, byron)
    assert shown(reader) == []
    changesets.undo(eve, merged)
    assert author_of("2002.00001") == ada
    assert (shown(reader), waits(reader)) == ([], [])


def test_a_doubted_work_is_told_of_the_person_whose_it_turns_out_to_be(told: Alert, reader, client, ada: Author):
    charles = author_of("2002.00001", 1)
    say(client, ada)
    Follow.objects.create(account=reader, author=charles)
    attribute("2002.00001", author=charles)
    assert shown(reader) == ["2002.00001"]


def test_only_what_is_attributed_to_the_person_can_be_doubted(told: Alert, client: Client, ada: Author):
    charles = author_of("2002.00001", 1)
    assert say(client, charles).status_code == 404
    assert client.post("/alerts/doubt/", {"said": "another", "signature": "x", "author": ada.pk}).status_code == 400
    assert not Doubt.objects.exists()


def test_doubts_are_limited_and_taking_back_is_not(told: Alert, client: Client, ada: Author, monkeypatch):
    monkeypatch.setitem(limits.LIMITS, "doubt", (limits.Limit(1, limits.HOUR),))
    assert say(client, ada).status_code == 302
    assert say(client, ada, said="this").status_code == 302
    assert say(client, ada).status_code == 429
    assert not Doubt.objects.live().exists()


# --- the page ---------------------------------------------------------------------------------------------------------


def test_each_alert_says_why_it_came_how_sure_that_is_and_how_to_stop_it(told: Alert, client: Client, ada: Author):
    html = re.sub(r"\s+", " ", client.get("/alerts/").content.decode())
    probability = signature("2002.00001").assignment.probability
    assert f'You follow <a href="{ada.get_absolute_url()}">Ada Lovelace</a>, to whom it is attributed strongly' in html
    assert f"probability {probability:.3f}" in html or "probability &gt; 0.999" in html
    assert f"/works/{told.paper_id}/attribution/{ada.pk}/" in html
    assert "Stop following" in html
    attribute("2002.00001", state="weak", probability=0.9)
    assert "whose it likely is: probability 0.900" in client.get("/alerts/").content.decode()


def test_what_waits_is_counted_and_can_be_looked_at(told: Alert, client: Client, ada: Author):
    attribute("2002.00001", state="weak", probability=0.4)
    html = client.get("/alerts/").content.decode()
    assert "1 work waits for more evidence" in html
    assert "Notes on engines" not in html
    html = client.get("/alerts/?waiting=1").content.decode()
    assert "Notes on engines" in html
    assert "probability 0.400" in html
    assert f"/works/{told.paper_id}/attribution/{ada.pk}/" in html


def test_reading_marks_nothing_and_each_or_all_can_be_marked(told: Alert, client: Client, reader: Account, bring):
    bring(fact("2002.00002", ADA, "More notes on engines", categories=["cs.AR"]))
    client.get("/alerts/")
    client.get("/waiting/")
    assert alerted.unread(reader) == 2
    client.post("/alerts/read/", {"alert": told.pk})
    assert [item.alert.read_at is None for item in alerted.listed(reader)[0]] == [True, False]
    client.post("/alerts/read/")
    assert alerted.unread(reader) == 0


def test_what_came_after_the_page_was_opened_stays_unread(told: Alert, client: Client, reader: Account, bring):
    bring(fact("2002.00002", ADA, "More notes on engines", categories=["cs.AR"]))
    client.post("/alerts/read/", {"newest": told.pk})
    assert [item.alert.read_at is None for item in alerted.listed(reader)[0]] == [True, False]


def test_what_waits_is_not_marked_as_read_with_the_rest(told: Alert, client: Client, reader: Account):
    attribute("2002.00001", state="weak", probability=0.4)
    client.post("/alerts/read/")
    attribute("2002.00001", state="strong")
    assert alerted.unread(reader) == 1


def test_nobody_marks_or_stops_what_is_anothers(told: Alert, reader: Account):
    other = Client()
    other.force_login(Account.objects.create_user("other"))
    other.post("/alerts/read/", {"alert": told.pk})
    assert other.post("/alerts/stop/", {"reason": told.reasons.get().pk}).status_code == 404
    assert alerted.unread(reader) == 1
    assert Follow.objects.exists()


def test_one_press_stops_a_person_a_topic_and_a_name(told: Alert, client: Client, reader, watched, bring):
    topic = Paper.objects.get(arxiv_id="2002.00001").topics.get()
    TopicFollow.objects.create(account=reader, topic=topic)
    today = timezone.now().date().isoformat()
    bring(fact("2004.00001", ["Rosa Smith"], "On quarks", categories=["cs.AR"], created=today))
    for model in (Follow, TopicFollow, NameWatch):
        field = {Follow: "follow", TopicFollow: "topic_follow", NameWatch: "watch"}[model]
        reason = AlertReason.objects.get(**{f"{field}__isnull": False})
        html = client.post("/alerts/stop/", {"reason": reason.pk}, follow=True).content.decode()
        assert "You no longer" in html
        assert not model.objects.exists()
    assert shown(reader) == []


def test_stopping_a_person_stops_every_follow_that_became_theirs(ada: Author, client: Client, reader: Account, bring):
    byron = Author.objects.create(name="A. A. Byron", merged_into=ada)
    Follow.objects.create(account=reader, author=byron)
    bring(NEW)
    client.post("/alerts/stop/", {"reason": AlertReason.objects.latest("pk").pk})
    assert not Follow.objects.exists()


def test_the_list_pages_by_key(ada: Author, reader: Account, bring):
    for n in range(1, 6):
        bring(fact(f"2005.{n:05}", ADA, f"Engine {n}", categories=["cs.AR"]))
    first, cursor = alerted.listed(reader, size=2)
    bring(fact("2005.00009", ADA, "Engine 9", categories=["cs.AR"]))
    second, cursor = alerted.listed(reader, cursor, size=2)
    third, end = alerted.listed(reader, cursor, size=2)
    assert [item.paper.arxiv_id for item in (*first, *second, *third)] == [f"2005.{n:05}" for n in (5, 4, 3, 2, 1)]
    assert end == ""


@pytest.mark.parametrize("cursor", ["x", "2020-01-01~1", "~", "2020-01-01T00:00:00+00:00~x", "2020-13-01T00:00:00Z~1"])
def test_a_cursor_that_was_not_made_here_is_refused(client: Client, reader: Account, cursor: str):
    assert client.get("/alerts/", {"after": cursor}).status_code == 400


def test_a_page_asks_the_database_as_often_for_many_as_for_one(told: Alert, client: Client, reader: Account, bring):
    def queries() -> int:
        client.get("/alerts/")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get("/alerts/").status_code == 200
        return len(asked)

    one = queries()
    topic = Paper.objects.get(arxiv_id="2002.00001").topics.get()
    TopicFollow.objects.create(account=reader, topic=topic)
    today = timezone.now().date().isoformat()
    bring(*(fact(f"2005.{n:05}", ADA, f"Engine {n}", categories=["cs.AR"], created=today) for n in range(1, 9)))
    assert len(shown(reader)) == 9
    assert queries() == one


def test_empty_pages_say_what_to_do(client: Client, reader: Account, bring):
    assert "You follow nobody and nothing yet." in client.get("/alerts/").content.decode()
    bring(*OLD)
    Follow.objects.create(account=reader, author=author_of("2001.00001"))
    assert "Nothing new yet." in client.get("/alerts/").content.decode()
    assert "Nothing waits" in client.get("/alerts/?waiting=1").content.decode()


# --- the header -------------------------------------------------------------------------------------------------------


def test_the_header_counts_what_is_unread(told: Alert, client: Client):
    html = client.get("/waiting/").content.decode()
    assert re.search(r'id="waiting-alerts" hx-swap-oob="true"><span class="pill number">1<', html)
    client.post("/alerts/read/")
    assert "pill" not in client.get("/waiting/").content.decode()


def test_the_header_counts_no_further_than_it_shows(told: Alert, client: Client, monkeypatch):
    monkeypatch.setattr(alerted, "COUNTED", 1)
    assert "0+" in client.get("/waiting/").content.decode()


def test_a_visitor_has_no_count_and_no_link_to_it(client: Client, db: None):
    assert client.get("/waiting/").status_code == 204
    assert "/waiting/" not in client.get("/").content.decode()
