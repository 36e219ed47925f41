"""The pages of subscriptions: one answer for all who ask, and links that open what they name and no more."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from papers.models import Batch, Paper, Topic
from profiles.models import Account, Author, Digest, Letter, Pick, Subscriber, Subscription
from profiles.subscriptions import letterboxes, links, subjects, subscribing
from profiles.subscriptions.subjects import Subject
from tests.conftest import fact
from tests.profiles.test_subscribing import BAD
from tests.test_browser import browser
from tests.visiting import Visitor, link_of, visitor

pytestmark = pytest.mark.django_db

__all__ = ["browser", "visitor"]

DAILY, WEEKLY, NEVER = Subscription.Frequency.DAILY, Subscription.Frequency.WEEKLY, Subscription.Frequency.NEVER
FORM = {"kind": "trending", "frequency": "daily", "email": "ada@example.org"}


def live(*asked: Subject, email: str = "ada@example.org") -> list[Subscription]:
    """Confirmed subscriptions of one address."""
    for subject in asked or (Subject(Subscription.Kind.TRENDING),):
        subscribing.ask(letterboxes.read(email), subject, DAILY, timezone.now(), write=True)
        subscribing.confirm(Subscription.objects.latest("pk"), timezone.now())
    return list(Subscription.objects.order_by("pk"))


def account(name: str = "ada") -> Account:
    made = Account.objects.create_user(name, f"{name}@example.org")
    EmailAddress.objects.create(user=made, email=made.email, verified=True, primary=True)
    return made


def page(name: str, *given: Any) -> str:
    return reverse(name, args=[links.token(*given)])


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


@pytest.fixture
def ada(bring: Callable[..., Batch]) -> Author:
    bring(fact("2001.00001", ["Ada Lovelace"], "On engines"))
    return Author.objects.get()


# --- asking ----------------------------------------------------------------------------------------------------------


def test_the_form_is_filled_by_its_address(client: Client, ada: Author):
    topic = Topic.objects.get()
    for query, told in [
        ("", "Subscribe to papers by mail"),
        (f"?kind=person&person={ada.pk}", "New papers by Ada Lovelace"),
        (f"?kind=topic&topic={topic.slug}", f"New papers in {topic.name}"),
        ("?kind=search&query=q%3Dred%2Bblood%26from%3D2019", "“red blood”, from 2019 on"),
    ]:
        answer = client.get(f"/subscribe/{query}")
        assert answer.status_code == 200
        assert told in text(answer), query


def test_every_page_that_one_may_subscribe_to_leads_to_its_form(client: Client, ada: Author):
    for address, told in (
        (ada.get_absolute_url(), "New papers by Ada Lovelace"),
        (Topic.objects.get().get_absolute_url(), "New papers in"),
        ("/search/?q=engines&sort=newest", "New papers that a search finds: “engines”"),
    ):
        found = re.search(r'href="(/subscribe/\?kind=[^"]+)"', client.get(address).content.decode())
        assert found is not None, address
        assert told in text(client.get(found[1].replace("&amp;", "&")))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?kind=person&person=999", "There is no such person."),
        ("?kind=topic&topic=%00", "There is no such topic."),
        ("?kind=search&query=", "This search has no words."),
        ("?kind=<script>", "Choose what you want to read about."),
    ],
)
def test_what_there_is_not_is_said(client: Client, query: str, told: str):
    answer = client.get(f"/subscribe/{query}")
    assert answer.status_code == 400
    assert told in text(answer)
    assert "<script>" not in answer.content.decode().partition("</head>")[2]


@pytest.mark.parametrize(("typed", "sentence"), BAD)
def test_a_bad_address_comes_back_with_its_sentence_and_nothing_is_kept(client: Client, typed: str, sentence: str):
    answer = client.post("/subscribe/", FORM | {"email": typed})
    assert answer.status_code == 400
    assert re.search(sentence, text(answer)) or "Null characters are not allowed." in text(answer)
    assert not Subscriber.objects.exists()
    assert not Letter.objects.exists()


@pytest.mark.parametrize("frequency", ["", "never", "hourly", "daily\0"])
def test_how_often_is_daily_or_weekly(client: Client, frequency: str):
    answer = client.post("/subscribe/", FORM | {"frequency": frequency})
    assert answer.status_code == 400
    assert not Subscriber.objects.exists()


def plain(answer: Any) -> tuple[int, dict[str, str], str]:
    """An answer less what each has of its own: the token against forged forms."""
    body = re.sub(r'(name="csrfmiddlewaretoken" value=)"\w+"', r"\1", answer.content.decode())
    return answer.status_code, {name: value for name, value in answer.headers.items() if name != "Set-Cookie"}, body


def test_the_answer_is_the_same_for_every_address_byte_for_byte():
    live(email="live@example.org")
    live(email="stopped@example.org")
    Subscriber.objects.filter(address="stopped@example.org").update(stopped_at=timezone.now())
    subscribing.erase(live(email="refuses@example.org")[-1].subscriber, timezone.now(), refuse=True)
    account("holder")
    answers = []
    for name in ("live", "stopped", "refuses", "holder", "waits", "waits", *["often"] * 7, "unknown"):
        client = Client()
        first = client.post("/subscribe/", FORM | {"email": f"{name}@example.org"})
        answers.append((plain(first), plain(client.get(first["Location"]))))
    assert all(answer == answers[0] for answer in answers)
    assert "Look into your letter box" in answers[0][1][2]


def test_an_address_gets_few_letters_however_many_ask_for_it_and_however_it_is_written(client: Client):
    for n in range(12):
        form = FORM | {"email": f"a.da+{n}@example.org"}
        answer = client.post("/subscribe/", form, REMOTE_ADDR=f"10.0.0.{n}")
        assert answer.status_code == 302
    assert Letter.objects.count() == 5


def test_a_thousand_addresses_from_one_client_are_refused_with_a_sentence(client: Client):
    answers = [client.post("/subscribe/", FORM | {"email": f"a{n}@x.org"}) for n in range(25)]
    assert [answer.status_code for answer in answers] == [302] * 20 + [429] * 5
    assert answers[-1]["Retry-After"]
    assert Letter.objects.count() == 20


def test_a_confirmed_account_subscribes_its_own_address_at_once(client: Client, ada: Author):
    client.force_login(account())
    assert 'name="email"' not in client.get("/subscribe/").content.decode()
    form = {"kind": "person", "person": str(ada.pk), "frequency": "weekly", "email": "somebody@else.org"}
    answer = client.post("/subscribe/", form, follow=True)
    assert "Subscribed." in text(answer)
    assert "New papers by Ada Lovelace" in text(answer)
    assert Subscriber.objects.get().email == "ada@example.org"
    assert not Letter.objects.exists()


def test_an_account_without_a_confirmed_address_confirms_by_letter_like_anybody(client: Client):
    client.force_login(Account.objects.create_user("eve", "ada@example.org"))
    assert client.post("/subscribe/", FORM)["Location"] == "/subscribe/?asked"
    assert not Subscription.objects.live().exists()


# --- confirming ------------------------------------------------------------------------------------------------------


def test_looking_at_a_link_changes_nothing_and_its_button_confirms(client: Client):
    client.post("/subscribe/", FORM)
    link = link_of("ada@example.org", r"\S+/subscriptions/confirm/\S+").removeprefix("http://localhost:8000")
    link = link[link.index("/subscriptions/") :]
    assert "each day that has something new" in text(client.get(link))
    assert not Subscription.objects.live().exists()
    for _press in range(2):
        answer = client.post(link, follow=True)
        assert "Confirmed." in text(answer)
        assert "Trending papers" in text(answer)
    assert Subscription.objects.live().count() == 1
    assert "This subscription is confirmed." in text(client.get(link))


def test_a_link_that_was_not_made_here_opens_nothing(client: Client):
    [subscription] = live()
    token = links.token(subscription.subscriber, subscription)
    forged = (token[:-1] + ("A" if token[-1] != "A" else "B"), token.replace(".", ".1", 1), "x", "..", "é", "a" * 5_000)
    for name in ("subscription_confirm", "subscriptions_manage", "subscription_stop"):
        for bad in forged:
            for answer in (client.get(reverse(name, args=[bad])), client.post(reverse(name, args=[bad]))):
                assert answer.status_code == 404, (name, bad)
                assert "This link opens nothing." in text(answer)
    assert Subscription.objects.live().count() == 1


def test_a_link_is_of_its_own_subscriber_alone():
    mine, theirs = live(email="ada@example.org") + live(email="bob@example.org")[1:]
    forged = links._SIGNER.sign(f"{mine.subscriber.key}.{theirs.pk}")
    assert links.read(forged) is None


def test_what_has_ended_says_so_and_cannot_be_confirmed(client: Client):
    [subscription] = live()
    subscribing.end(subscription, timezone.now())
    link = page("subscription_confirm", subscription.subscriber, subscription)
    assert "This subscription has ended." in text(client.get(link))
    assert "Subscribe again if you want it." in text(client.post(link))
    assert not Subscription.objects.live().exists()


# --- all that one has ------------------------------------------------------------------------------------------------


def test_the_page_of_all_changes_one_ends_it_and_begins_it_again(client: Client, ada: Author):
    trending, person = live(Subject(Subscription.Kind.TRENDING), subjects.read("person", person=str(ada.pk)))
    here = page("subscriptions_manage", trending.subscriber)
    html = text(client.get(here))
    assert "ada@example.org" in html
    assert "New papers by Ada Lovelace" in html
    client.post(here, {"step": "frequency", "subscription": person.pk, "frequency": "weekly"})
    client.post(here, {"step": "end", "subscription": trending.pk})
    person.refresh_from_db()
    assert person.frequency == WEEKLY
    assert Subscription.objects.live().get() == person
    assert "Begin again" in text(client.get(here))
    client.post(here, {"step": "again", "subscription": trending.pk})
    assert Subscription.objects.live().count() == 2
    assert "Begin again" not in text(client.get(here))
    client.post(here, {"step": "end_all"})
    assert not Subscription.objects.live().exists()


def test_letters_that_stopped_begin_again_by_its_button(client: Client):
    [subscription] = live()
    Subscriber.objects.update(stopped_at=timezone.now(), stopped_because="Three letters came back.", bounces=3)
    here = page("subscriptions_manage", subscription.subscriber)
    assert "Three letters came back." in text(client.get(here))
    client.post(here, {"step": "wake"})
    assert Subscriber.objects.get().stopped_at is None


def test_an_address_is_erased_only_by_who_ticked_the_box(client: Client):
    [subscription] = live()
    here = page("subscriptions_manage", subscription.subscriber)
    answer = client.post(here, {"step": "erase"})
    assert "Tick the box first" in text(answer)
    assert Subscriber.objects.exists()
    answer = client.post(here, {"step": "erase", "sure": "1"}, follow=True)
    assert "are erased" in text(answer)
    assert not Subscriber.objects.exists()
    assert client.get(here).status_code == 404


END = {"step": "end"}


@pytest.mark.parametrize("form", [{}, {"step": "x"}, END, END | {"subscription": "x"}, END | {"subscription": "²"}])
def test_a_step_that_there_is_not_changes_nothing(client: Client, form: dict[str, str]):
    [subscription] = live()
    answer = client.post(page("subscriptions_manage", subscription.subscriber), form)
    assert "There is no such step." in text(answer)
    assert Subscription.objects.live().exists()


def test_nobody_changes_what_is_anothers(client: Client):
    mine, theirs = live(email="ada@example.org") + live(email="bob@example.org")[1:]
    here = page("subscriptions_manage", mine.subscriber)
    for step in ("end", "again", "frequency"):
        answer = client.post(here, {"step": step, "subscription": theirs.pk, "frequency": "weekly"})
        assert "There is no such step." in text(answer)
    assert Subscription.objects.live().get(pk=theirs.pk).frequency == DAILY


def test_an_account_has_the_same_page_at_a_plain_address(client: Client):
    live()
    assert client.get("/subscriptions/").status_code == 302
    client.force_login(account("bob"))
    assert "You have no subscription." in text(client.get("/subscriptions/"))
    client.force_login(account())
    assert "Trending papers" in text(client.get("/subscriptions/"))
    assert Subscriber.objects.get().account is None
    client.post("/subscriptions/", {"step": "end_all"})
    assert not Subscription.objects.live().exists()


def test_only_a_saved_search_of_an_account_may_go_without_mail(client: Client):
    ada = account()
    client.force_login(ada)
    search = subscribing.for_account(ada, "search", DAILY, query="q=eels", name="Eels")
    trending = subscribing.for_account(ada, "trending", DAILY)
    html = client.get("/subscriptions/").content.decode()
    assert html.count('value="never"') == 1
    for row in (search, trending):
        client.post("/subscriptions/", {"step": "frequency", "subscription": row.pk, "frequency": "never"})
    assert Subscription.objects.get(frequency=NEVER) == search


def test_the_page_of_all_tells_what_became_of_each_letter(client: Client):
    [subscription] = live()
    for days, letter in enumerate([{}, {"sent_at": timezone.now()}, {"refused_at": timezone.now()}]):
        sent = Letter.objects.create(to="ada@example.org", subject="Papers", text="", **letter)
        day = timezone.now().date() - timedelta(days=days)
        Digest.objects.create(subscriber=subscription.subscriber, frequency=DAILY, period=day, letter=sent)
    html = text(client.get(page("subscriptions_manage", subscription.subscriber)))
    for told in ("Waits to be sent", "Sent", "The mail server refused it"):
        assert told in html


def test_the_page_of_all_costs_the_same_whatever_its_length(client: Client, bring: Callable[..., Batch]):
    bring(
        *(fact(f"2001.{n:05}", [f"{name} Aard"], f"On {name}") for n, name in enumerate(["Ann", "Bob", "Cy", "Di"], 1))
    )
    asked = [subjects.read("person", person=str(author.pk)) for author in Author.objects.order_by("pk")]
    here = page("subscriptions_manage", live(*asked[:2])[0].subscriber)
    subscriber = Subscriber.objects.get()

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(here).status_code == 200
        return len(queries)

    Digest.objects.create(subscriber=subscriber, frequency=DAILY, period=timezone.now().date())
    few = cost()
    live(*asked[2:], subjects.read("search", query="q=x"), subjects.read("search", query="q=y"))
    for row in Subscription.objects.filter(kind="search"):
        subscribing.end(row, timezone.now())
    for n in range(1, 9):
        day = timezone.now().date() - timedelta(days=n)
        Digest.objects.create(subscriber=subscriber, frequency=DAILY, period=day)
    assert cost() == few


def test_no_cache_or_search_engine_keeps_such_a_page_and_its_address_is_passed_on_to_nobody(client: Client):
    [subscription] = live()
    given = (subscription.subscriber, subscription)
    for address in (
        "/subscribe/",
        page("subscription_confirm", *given),
        page("subscriptions_manage", *given),
        page("subscription_stop", *given),
    ):
        for answer in (client.get(address), client.post(address)):
            assert {"private", "no-store"} <= {part.strip() for part in answer["Cache-Control"].split(",")}, address
            assert answer["Referrer-Policy"] == "same-origin", address
            assert "noindex" in answer["X-Robots-Tag"], address


# --- stopping --------------------------------------------------------------------------------------------------------


def test_a_mail_program_ends_it_by_post_alone_and_again_changes_nothing(ada: Author):
    trending, person = live(Subject(Subscription.Kind.TRENDING), subjects.read("person", person=str(ada.pk)))
    address = page("subscription_stop", trending.subscriber, trending)
    for _again in range(2):
        program = Client(enforce_csrf_checks=True)
        answer = program.post(address, b"List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert not answer.cookies
        assert Subscription.objects.live().get() == person
    everything = page("subscription_stop", trending.subscriber)
    Client(enforce_csrf_checks=True).post(everything, {"List-Unsubscribe": "One-Click"})
    assert not Subscription.objects.live().exists()


def test_a_mail_program_with_a_wrong_link_gets_a_plain_sentence():
    answer = Client(enforce_csrf_checks=True).post("/subscriptions/stop/x.0.y/", {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 404
    assert answer.content.startswith(b"This link opens nothing.")


def test_looking_at_the_page_ends_nothing_and_its_buttons_end_one_or_all(client: Client, ada: Author):
    trending, person = live(Subject(Subscription.Kind.TRENDING), subjects.read("person", person=str(ada.pk)))
    address = page("subscription_stop", trending.subscriber, trending)
    assert "Do you want no more letters about this?" in text(client.get(address))
    assert Subscription.objects.live().count() == 2
    assert "Ended. Nothing more is sent of it." in text(client.post(address, {"one": "1"}))
    assert Subscription.objects.live().get() == person
    assert "All have ended." in text(client.post(address, {"all": "1"}))
    assert not Subscription.objects.live().exists()
    assert "This subscription has ended." in text(client.get(address))


# --- a session -------------------------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_visitor_subscribes_confirms_changes_and_ends_it(visitor: Callable[[], Visitor], bring: Callable[..., Batch]):
    bring(fact("2001.00001", ["Ada Lovelace"], "On engines"), fact("2001.00002", ["Bo Berg"], "On owls"))
    me = visitor()
    me.goes(Author.objects.get(name="Ada Lovelace").get_absolute_url())
    me.follows("Subscribe by mail")
    me.sees("New papers by Ada Lovelace")
    me.presses("Subscribe")
    me.sees("Type your e-mail address.")
    me.looks("subscribing-1-refused")
    me.page.get_by_label("Your e-mail address").fill("reader@example.org")
    me.page.get_by_label("Every week").check()
    me.presses("Subscribe")
    me.sees("Look into your letter box")
    me.looks("subscribing-2-asked")

    me.page.goto(link_of("reader@example.org", r"\S+/subscriptions/confirm/\S+"))
    me.looks("subscribing-3-confirm")
    me.presses("Yes, send it")
    me.sees("Confirmed.")
    page = me.page
    page.get_by_label("How often: New papers by Ada Lovelace").select_option("daily")
    me.presses("Save New papers by Ada Lovelace")
    me.sees("Saved.")
    row = Subscription.objects.get()
    assert row.frequency == DAILY
    live(email="reader@example.org")
    subscriber = Subscriber.objects.get()
    paper = Paper.objects.earliest("pk")
    for days, sent in enumerate([None, timezone.now()]):
        letter = Letter.objects.create(to=subscriber.email, subject="Papers", text="", sent_at=sent)
        day = timezone.now().date() - timedelta(days=days)
        digest = Digest.objects.create(subscriber=subscriber, frequency=DAILY, period=day, letter=letter)
        if sent:
            Pick.objects.create(subscriber=subscriber, digest=digest, paper=paper, place=0)
    me.page.reload()
    me.presses("End New papers by Ada Lovelace")
    me.sees("Begin again")
    me.looks("subscribing-4-all")
    page.get_by_role("listitem").filter(has_text="1 paper").get_by_role("link").click()
    me.sees("On engines")
    page.go_back()

    me.page.goto(links.stop(subscriber, Subscription.objects.live().get()))
    me.looks("subscribing-5-stop")
    assert Subscription.objects.live().exists()
    me.presses("End it")
    me.sees("Nothing more is sent of it.")
    assert not Subscription.objects.live().exists()
    me.follows("See, change or begin again")
    me.presses("Erase, and never write to me again")
    me.sees("Tick the box first")
    page.get_by_label("Yes, delete all of it").check()
    me.presses("Erase")
    expect(page.locator(".messages")).to_contain_text("are erased")
    assert not Subscriber.objects.exists()
    me.looks("subscribing-6-erased")
