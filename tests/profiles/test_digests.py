"""Digests: who gets one and when, what the letter holds, what its page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bzpeer import tasks
from papers.models import Batch, Paper
from profiles import letters
from profiles.models import Author, Digest, Letter, Pick, Subscriber, Subscription, Trend
from profiles.subscriptions import digests, links, picks
from tests.conftest import fact

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY = timedelta(days=1)
Bring = Callable[..., Batch]


def subscriber(name: str = "ada", kind: str = "trending", frequency: str = "daily", **more: Any) -> Subscriber:
    found, _new = Subscriber.objects.get_or_create(
        address=f"{name}@x.org", defaults={"email": f"{name}@x.org", "key": f"key-of-{name}"}
    )
    Subscription.objects.create(
        subscriber=found, kind=kind, frequency=frequency, **{"confirmed_at": MONDAY - DAY, **more}
    )
    return found


def hot(*ids: str) -> None:
    """These papers trend, the first one most."""
    for number, arxiv_id in enumerate(ids):
        paper = Paper.objects.get(arxiv_id=arxiv_id)
        Trend.objects.update_or_create(paper=paper, defaults={"heat": 9.0 - number, "likes": 9 - number})


@pytest.fixture
def two(bring: Bring) -> None:
    """Two papers that trend."""
    bring(fact("2611.00001", ["Mary Shelley"], "On lightning"), fact("2611.00002", ["Eve Falk"], "On eels"))
    hot("2611.00001", "2611.00002")


def sent(letter: Letter | None) -> EmailMessage:
    """The letter as it is sent, read by another library."""
    assert letter is not None
    message = message_from_bytes(letters.message_of(letter).message().as_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body(preferencelist=(kind,))
    assert found is not None
    return str(found.get_content())


# --- when -------------------------------------------------------------------------------------------------------------


def test_a_day_begins_at_the_hour_of_digests_and_a_week_on_monday(settings: Any):
    settings.DIGEST_HOUR = 6
    early, late = MONDAY.replace(hour=5), MONDAY.replace(hour=6)
    assert digests.period("daily", early) == date(2026, 11, 22)
    assert digests.period("daily", late) == date(2026, 11, 23)
    assert digests.period("weekly", early) == date(2026, 11, 16)
    assert digests.period("weekly", late) == digests.period("weekly", late + 6 * DAY) == date(2026, 11, 23)


def test_a_subscriber_gets_one_letter_a_period_however_often_it_runs(two: None):
    ada = subscriber()
    assert digests.make(MONDAY) == digests.Made(1, 1)
    assert digests.make(MONDAY) == digests.make(MONDAY + timedelta(hours=5)) == digests.Made(0, 0)
    assert Letter.objects.get().to == ada.email
    assert Pick.objects.filter(subscriber=ada).count() == 2


def test_daily_and_weekly_subscriptions_get_letters_of_their_own_and_no_paper_twice(two: None, bring: Bring):
    ada = subscriber(frequency="weekly")
    subscriber(kind="search", query="q=eels", frequency="daily")
    digests.make(MONDAY)
    daily, weekly = Digest.objects.order_by("frequency")
    assert [daily.picks.count(), weekly.picks.count()] == [1, 1]
    assert Pick.objects.filter(subscriber=ada).values("paper").distinct().count() == 2
    digests.make(MONDAY + DAY)
    assert sorted(Digest.objects.values_list("frequency", flat=True)) == ["daily", "daily", "weekly"]


def test_nothing_new_is_a_digest_without_a_letter(two: None):
    subscriber()
    digests.make(MONDAY)
    assert digests.make(MONDAY + DAY) == digests.Made(1, 0)
    assert Letter.objects.count() == 1
    assert Digest.objects.filter(letter=None).count() == 1


def test_of_missed_days_only_the_last_is_made_with_all_that_is_new(two: None, bring: Bring):
    subscriber()
    digests.make(MONDAY)
    bring(fact("2611.00003", ["Ada Aard"]), fact("2611.00004", ["Bob Bern"]))
    hot("2611.00003", "2611.00004")
    digests.make(MONDAY + 4 * DAY)
    first, last = Digest.objects.order_by("period")
    assert last.period - first.period == 4 * DAY
    assert last.picks.count() == 2


def test_what_was_committed_late_below_the_last_mark_still_comes(two: None, bring: Bring):
    topic = Paper.objects.get(arxiv_id="2611.00001").topics.get()
    ada = subscriber(kind="topic", topic=topic, newest=Paper.objects.latest("pk").pk)
    digests.make(MONDAY)
    bring(fact("2611.00003", ["Ada Aard"]))
    Digest.objects.update(newest=Paper.objects.latest("pk").pk + 5)  # numbered before, committed after
    assert digests.make(MONDAY + DAY).letters == 1
    assert Pick.objects.get(subscriber=ada).paper.arxiv_id == "2611.00003"


@pytest.mark.parametrize(
    "changed",
    [{"confirmed_at": None}, {"ended_at": MONDAY}, {"frequency": "never", "kind": "search", "query": "q=eels"}],
)
def test_who_has_not_confirmed_or_has_ended_or_wants_no_mail_gets_none(two: None, changed: dict[str, Any]):
    subscriber(**changed)
    assert digests.make(MONDAY) == digests.Made(0, 0)


def test_a_stopped_address_gets_nothing(two: None):
    subscriber()
    Subscriber.objects.update(stopped_at=MONDAY)
    assert digests.make(MONDAY) == digests.Made(0, 0)


def test_one_that_fails_is_left_to_the_next_run_and_others_are_made(two: None, monkeypatch: pytest.MonkeyPatch):
    broken, fine = subscriber("broken"), subscriber("fine")
    choose = picks.choose

    def failing(to: Subscriber, *given: Any) -> picks.Chosen:
        if to == broken:
            raise RuntimeError("broken")
        return choose(to, *given)

    monkeypatch.setattr(picks, "choose", failing)
    assert digests.make(MONDAY).digests == 1
    assert Digest.objects.get().subscriber == fine
    monkeypatch.setattr(picks, "choose", choose)
    assert digests.make(MONDAY).digests == 1


def test_a_run_ends_after_its_time_and_says_that_it_is_unfinished(two: None):
    subscriber()
    assert digests.make(MONDAY, seconds=0) == digests.Made(0, 0, unfinished=True)


def test_the_door_sends_for_the_postman_once_and_for_itself_where_it_is_unfinished(
    two: None, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []
    monkeypatch.setattr(tasks.deliver_letters, "delay", lambda: asked.append("letters"))
    monkeypatch.setattr(tasks.send_digests, "delay", lambda: asked.append("digests"))
    monkeypatch.setattr(current_app, "send_task", lambda name: asked.append(name))
    for name in ("ada", "bob", "eve"):
        subscriber(name)
    tasks.send_digests()
    monkeypatch.setattr(digests, "make", lambda now: digests.Made(5, 0, unfinished=True))
    tasks.send_digests()
    assert asked == ["letters", "digests"]


def test_each_digest_costs_as_many_queries_however_many_there_are(two: None):
    def cost(names: list[str], now: datetime) -> int:
        for name in names:
            subscriber(name)
        with CaptureQueriesContext(connection) as queries:
            digests.make(now)
        return len(queries)

    one, four = cost(["a"], MONDAY), cost(["b", "c", "d", "e"], MONDAY)
    again = cost(["f"], MONDAY)
    assert one == again
    assert four - one <= 3 * one


# --- what -------------------------------------------------------------------------------------------------------------


def test_the_letter_has_both_parts_and_unsubscribes_with_one_click(two: None, settings: Any):
    settings.SITE_URL = "https://bzpeer.example"
    ada = subscriber()
    subscriber(kind="person", author=Author.objects.get(name="Mary Shelley"))
    digests.make(MONDAY)
    digest = Digest.objects.get()
    message = sent(digest.letter)
    stop = links.stop(ada)
    assert message["List-Unsubscribe"].strip() == f"<{stop}>"  # on a line of its own, since it is long
    assert stop.startswith("https://")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "BZPEER <digests.bzpeer.example>"
    assert message["Subject"] == "On lightning, and 1 more paper"
    text, page = part(message, "plain"), part(message, "html")
    for said in (
        "On lightning",
        "Mary Shelley, whom you follow, wrote it.",
        "Place 2 of the trending papers: 8 likes.",
        Paper.objects.get(arxiv_id="2611.00002").get_absolute_url(),
        links.manage(ada),
        stop,
        *(links.stop(ada, one) for one in ada.subscriptions.all()),
        digests.address(digest),
    ):
        assert said in text
        assert said in page
    assert "<script" not in page
    assert "<img" not in page


def test_unsubscribing_by_one_post_ends_what_the_header_says(two: None, client: Client):
    ada = subscriber()
    digests.make(MONDAY)
    letter = Letter.objects.get()
    path = re.sub(r"^<https?://[^/]+|>$", "", letter.headers["List-Unsubscribe"])
    assert client.get(path).status_code == 200
    assert ada.subscriptions.live().exists()
    Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
    assert not ada.subscriptions.live().exists()
    assert digests.make(MONDAY + DAY) == digests.Made(0, 0)


def test_a_letter_that_waits_does_not_go_to_who_has_stopped_meanwhile(two: None, settings: Any):
    settings.MAIL_KEPT = False
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    ada, bob = subscriber(), subscriber("bob")
    digests.make(MONDAY)
    ada.subscriptions.update(ended_at=MONDAY)
    assert letters.deliver(timezone.now()) == 1
    kept = Letter.objects.get(to=ada.email)
    assert (kept.sent_at, kept.refused_at is None) == (None, False)
    assert Letter.objects.get(to=bob.email).sent_at


def test_hostile_titles_and_names_are_text_and_one_line(bring: Bring):
    bring(fact("2611.00001", ["<b>Eve</b> Falk"], "<script>alert(1)</script>\r\nBcc: eve@x.org \u202e {{ site }}"))
    hot("2611.00001")
    subscriber()
    digests.make(MONDAY)
    message = sent(Letter.objects.get())
    assert "Bcc" not in message
    assert "\u202e" not in part(message, "plain") + str(message["Subject"])
    assert "<script" not in part(message, "html")
    assert "<b>" not in part(message, "html")


def test_a_hidden_name_is_in_no_letter(bring: Bring):
    bring(fact("2611.00001", ["Old Name", "Eve Falk"], "On names"))
    hot("2611.00001")
    Author.objects.filter(name="Old Name").update(name="New Name", hides_printed=True)
    subscriber()
    digests.make(MONDAY)
    whole = sent(Letter.objects.get()).as_string()
    assert "New Name" in whole
    assert "Old Name" not in whole


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def digest(two: None) -> Digest:
    subscriber()
    digests.make(MONDAY)
    return Digest.objects.get()


def page_of(digest: Digest) -> str:
    return reverse("digest", args=[links.token(digest.subscriber), digest.pk])


def test_the_page_says_what_the_letter_says(digest: Digest, client: Client):
    response = client.get(page_of(digest))
    page = response.content.decode()
    assert "On lightning" in page
    assert "Place 2 of the trending papers: 8 likes." in page
    assert "The letter is on its way." in page
    assert links.manage(digest.subscriber) in page
    assert "noindex" in response["X-Robots-Tag"]
    assert "Send it again" not in page


def test_the_page_of_another_or_with_a_made_up_address_is_not_found(digest: Digest, client: Client):
    other = subscriber("other")
    of_other = client.get(reverse("digest", args=[links.token(other), digest.pk]))
    assert of_other["Location"] == reverse("subscriptions_manage", args=[links.token(other)])
    assert client.get(reverse("digest", args=[f"{digest.subscriber.key}.0.forged", digest.pk])).status_code == 404


def test_a_letter_of_which_nobody_knows_is_sent_again_by_its_reader_alone(digest: Digest, client: Client):
    Letter.objects.update(handed_at=MONDAY, tries=1)
    page = client.get(page_of(digest)).content.decode()
    assert "Nobody knows whether the letter went" in page
    assert "Send it again" in page
    assert Letter.objects.get().handed_at  # a GET changes nothing
    shown = client.post(page_of(digest), follow=True).content.decode()
    assert "The letter is sent again." in shown
    assert "Send it again" not in shown
    assert letters.state(Letter.objects.get(), timezone.now()) == letters.State.WAITING
    assert "it is known what became of this letter" in client.post(page_of(digest), follow=True).content.decode()


def test_asking_again_and_again_is_limited(digest: Digest, client: Client):
    answers = [client.post(page_of(digest), follow=True).content.decode() for _ in range(4)]
    assert ["too often" in answer for answer in answers] == [False, False, False, True]


def test_a_digest_without_news_has_a_page_too(digest: Digest, client: Client):
    digests.make(MONDAY + DAY)
    empty = Digest.objects.get(letter=None)
    assert "Nothing was new" in client.get(page_of(empty)).content.decode()
