"""Subscribing: whoever types an address learns nothing and sends nothing but one letter; its owner decides."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from email.parser import BytesParser
from email.policy import default
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from papers.models import Batch, Paper, Topic
from profiles import letters
from profiles.models import Account, Author, Digest, Letter, Pick, Subscriber, Subscription
from profiles.subscriptions import letterboxes, links, log, subjects, subscribing
from profiles.subscriptions.subjects import Subject
from tests.conftest import fact

NOW = timezone.now()
LATER = NOW + subscribing.UNCONFIRMED + timedelta(hours=1)
Kind = Subscription.Kind
DAILY, WEEKLY, NEVER = Subscription.Frequency.DAILY, Subscription.Frequency.WEEKLY, Subscription.Frequency.NEVER
TRENDING = Subject(Kind.TRENDING)
ADA = letterboxes.read("Ada@Example.org")

db = pytest.mark.django_db


def ask(subject: Subject = TRENDING, box: letterboxes.LetterBox = ADA, *, write: bool = True) -> Subscription:
    """The subscription that waits for its owner."""
    subscribing.ask(box, subject, DAILY, NOW, write=write)
    return Subscription.objects.latest("pk")


def confirmed(subject: Subject = TRENDING) -> Subscription:
    subscription = ask(subject)
    subscribing.confirm(subscription, NOW)
    subscription.refresh_from_db()
    return subscription


def account(name: str = "ada", email: str = "ada@example.org", *, verified: bool = True) -> Account:
    made = Account.objects.create_user(name, email)
    EmailAddress.objects.create(user=made, email=email, verified=verified, primary=True)
    return made


@pytest.fixture
def papers(bring: Callable[..., Batch]) -> Author:
    """Two papers; whoever wrote the first."""
    bring(fact("2001.00001", ["Ann Aard"], "On eels"), fact("2001.00002", ["Bob Bern"], "On owls"))
    return Author.objects.get(name="Ann Aard")


# --- addresses -------------------------------------------------------------------------------------------------------

BAD = [
    ("", "Type your e-mail address"),
    ("   ", "Type your e-mail address"),
    ("ada", "no e-mail address"),
    ("ada@", "no e-mail address"),
    ("@example.org", "no e-mail address"),
    ("ada@example", "no e-mail address"),
    ("ada@localhost", "no e-mail address"),
    ("ada@example.org.", "no e-mail address"),
    ("ada@.example.org", "no e-mail address"),
    ("ada@-example.org", "no e-mail address"),
    ("ada@exam_ple.org", "no e-mail address"),
    ("ada@127.0.0.1", "no e-mail address"),
    (".ada@example.org", "no e-mail address"),
    ("a..da@example.org", "no e-mail address"),
    ("ada@bob@example.org", "no e-mail address"),
    (f"{'a' * 65}@example.org", "no e-mail address"),
    (f"ada@{'a' * 64}.org", "no e-mail address"),
    (f"ada@{'ä' * 62}.org", "no e-mail address"),
    ("ada@[127.0.0.1]", "not the number of a machine"),
    ("ada@[IPv6:::1]", "not the number of a machine"),
    ('"ada"@example.org', "quotation marks"),
    ('"ada@evil.example"@example.org', "quotation marks"),
    ("ada lovelace@example.org", "one address alone"),
    ("Ada <ada@example.org>", "one address alone"),
    ("ada@example.org, bob@example.org", "one address alone"),
    ("ada@example.org;bob@example.org", "one address alone"),
    ("ada@example.org\nBcc: bob@example.org", "one address alone"),
    ("ada@example.org\r\nBcc:bob@example.org", "one address alone"),
    ("ada@example.org\u2028Bcc:bob@example.org", "one address alone"),
    ("ada@example.org\u0085Bcc:bob@example.org", "one address alone"),
    ("ada\0@example.org", "cannot be seen"),
    ("ada\u200b@example.org", "cannot be seen"),
    ("\u202eada@example.org", "cannot be seen"),
    ("ada\x7f@example.org", "cannot be seen"),
    ("ädä@example.org", "Before the @"),
    ("аda@example.org", "Before the @"),  # its first letter is Cyrillic
    ("ada@straße.example", "plain form"),
    ("ada@ｅxample.org", "plain form"),
    ("a" * 10_000, "At most 254 characters"),
    ("a@" + "x" * 10_000 + ".org", "At most 254 characters"),
    (f"ada@{'a.' * 130}org", "At most 254 characters"),
]


@pytest.mark.parametrize(("typed", "sentence"), BAD)
def test_what_is_no_address_is_refused_with_a_sentence(typed: str, sentence: str):
    with pytest.raises(ValidationError, match=sentence):
        letterboxes.read(typed)


@pytest.mark.parametrize(
    ("typed", "email", "address"),
    [
        (" ada@example.org\n", "ada@example.org", "ada@example.org"),
        ("Ada.Love@EXAMPLE.Org", "Ada.Love@example.org", "ada.love@example.org"),
        ("ada+papers@example.org", "ada+papers@example.org", "ada+papers@example.org"),
        ("ada@Exämple.org", "ada@xn--exmple-cua.org", "ada@xn--exmple-cua.org"),
        ("ada@xn--exmple-cua.org", "ada@xn--exmple-cua.org", "ada@xn--exmple-cua.org"),
        ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah", "ada@xn--r8jz45g.xn--zckzah"),
        ("o'hara_%x@mail.example.org", "o'hara_%x@mail.example.org", "o'hara_%x@mail.example.org"),
    ],
)
def test_an_address_is_one_however_it_is_written(typed: str, email: str, address: str):
    assert letterboxes.read(typed) == letterboxes.LetterBox(email, address)


NASTY = st.text(st.sampled_from("aA1.+-_'\"@<>,;:()[] \t\r\n\0\x0b\x85\u2028\u200b\u202eäß。İxn"), max_size=12)


@given(st.builds("{}ada@{}x{}.org{}".format, NASTY, NASTY, NASTY, NASTY))
def test_no_typed_text_writes_a_header_or_a_second_recipient(typed: str):
    try:
        box = letterboxes.read(typed)
    except ValidationError:
        return
    assert re.fullmatch(r"[!-?A-~]+@[a-z0-9.-]+", box.email)
    sent = EmailMessage("Subject", "Text", "from@example.org", [box.email]).message().as_bytes()
    read: Any = BytesParser(policy=default).parsebytes(sent)
    assert [one.addr_spec for one in read["To"].addresses] == [box.email]
    assert read["Bcc"] is None
    assert letterboxes.read(box.email.upper()).address == box.address


def test_limits_count_the_tags_and_full_stops_of_one_letter_box_together():
    ways = ("ada.lovelace@x.org", "adalovelace+1@x.org", "ADA.LOVELACE+2@X.ORG")
    assert {letterboxes.read(typed).counted for typed in ways} == {"adalovelace@x.org"}


# --- subjects --------------------------------------------------------------------------------------------------------


@db
@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"kind": ""}, "Choose what"),
        ({"kind": "everything"}, "Choose what"),
        ({"kind": "topic", "topic": ""}, "no such topic"),
        ({"kind": "topic", "topic": "no\0where"}, "no such topic"),
        ({"kind": "person", "person": ""}, "no such person"),
        ({"kind": "person", "person": "12"}, "no such person"),
        ({"kind": "person", "person": "-1"}, "no such person"),
        ({"kind": "person", "person": "9" * 30}, "no such person"),
        ({"kind": "person", "person": "²"}, "no such person"),
        ({"kind": "search", "query": ""}, "no words"),
        ({"kind": "search", "query": "q=+%20%00"}, "no words"),
        ({"kind": "search", "query": "sort=newest"}, "no words"),
        ({"kind": "search", "query": "q=eels&topic=nowhere"}, "no such topic"),
        ({"kind": "search", "query": "q=eels&person=12"}, "no such person"),
        ({"kind": "search", "query": f"q={'x' * 5_000}"}, "too long"),
        ({"kind": "search", "query": f"q={'%E4%BE%8B' * 300}"}, "too long"),
    ],
)
def test_what_there_is_not_cannot_be_subscribed_to(asked: dict[str, str], sentence: str):
    with pytest.raises(ValidationError, match=sentence):
        subjects.read(**asked)


@db
def test_a_hidden_person_is_as_unknown_as_nobody(papers: Author):
    subjects.read("person", person=str(papers.pk))
    Author.objects.filter(pk=papers.pk).update(visibility=Author.Visibility.NOTICE)
    for asked in ({"kind": "person", "person": str(papers.pk)}, {"kind": "search", "query": f"q=x&person={papers.pk}"}):
        with pytest.raises(ValidationError, match="There is no such person"):
            subjects.read(**asked)


@db
def test_of_a_merged_person_the_heir_is_meant(papers: Author):
    gone = Author.objects.create(name="A. Aard", merged_into=papers)
    assert subjects.read("person", person=str(gone.pk)).author == papers
    assert subjects.read("search", query=f"q=eels&person={gone.pk}").query == f"q=eels&person={papers.pk}"


@db
def test_what_was_subscribed_to_and_is_hidden_since_is_not_named(papers: Author):
    subscription = confirmed(subjects.read("person", person=str(papers.pk)))
    assert str(subjects.of(subscription)) == "New papers by Ann Aard"
    Author.objects.filter(pk=papers.pk).update(visibility=Author.Visibility.GONE)
    subject = subjects.of(Subscription.objects.get())
    assert (str(subject), subject.url) == ("New papers of a hidden record", "")


@db
def test_a_search_is_the_same_however_its_address_was_written(papers: Author):
    topic = Topic.objects.get()
    query = f"sort=newest&x=1&from=2019&q=eels++and%20owls&topic={topic.slug}&to=2021"
    subject = subjects.read("search", query=query)
    assert subject.query == f"q=eels+and+owls&from=2019&to=2021&topic={topic.slug}&sort=newest"
    assert str(subject) == "New papers that a search finds: “eels and owls”, 2019–2021, of one topic"
    assert subject.url == f"/search/?{subject.query}"


# --- without an account ----------------------------------------------------------------------------------------------


@db
def test_asking_sends_one_letter_and_nothing_else_until_its_link_is_followed(papers: Author):
    subscription = ask()
    assert not Subscription.objects.live().exists()
    letter = Letter.objects.get()
    assert letter.to == "Ada@example.org"
    assert links.confirm(subscription) in letter.text
    subscribing.confirm(subscription, NOW)
    live = Subscription.objects.live().get()
    assert live.newest == Paper.objects.latest("pk").pk
    assert Letter.objects.count() == 1


@db
def test_the_letter_prints_nothing_that_a_stranger_typed():
    ask(subjects.read("search", query="q=Buy+pills+at+evil.example"))
    letter = Letter.objects.get()
    assert "pills" not in letter.text + letter.subject
    assert "New papers that a search finds (every day)" in letter.text


@db
def test_confirming_twice_is_confirming_once():
    subscription = confirmed()
    first = subscription.confirmed_at
    subscribing.confirm(subscription, NOW + timedelta(days=1))
    subscription.refresh_from_db()
    assert subscription.confirmed_at == first


@db
def test_asking_again_makes_no_second_and_the_last_word_counts():
    ask()
    subscribing.ask(letterboxes.read("ADA@example.org"), TRENDING, WEEKLY, LATER, write=True)
    waiting = Subscription.objects.get()
    assert (waiting.frequency, waiting.made_at) == (WEEKLY, LATER)
    assert [letter.to for letter in Letter.objects.all()] == ["Ada@example.org"] * 2


@db
def test_a_stranger_changes_nothing_of_what_is_confirmed():
    subscription = confirmed()
    subscribing.ask(ADA, TRENDING, WEEKLY, LATER, write=True)
    again = Subscription.objects.get()
    assert (again.frequency, again.made_at) == (DAILY, subscription.made_at)
    assert "what it gets already" in Letter.objects.latest("pk").text


def shapes(box: letterboxes.LetterBox, *, write: bool = True) -> list[str]:
    """The statements that asking runs, without their values."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        subscribing.ask(box, TRENDING, DAILY, NOW, write=write)
    words = (query["sql"].split() for query in queries if "SAVEPOINT" not in query["sql"])
    return [f"{sql[0]} {next(word for word in sql if word.startswith(chr(34)))}" for sql in words]


@db
def test_the_same_statements_run_whether_an_address_is_known_stopped_refused_or_over_its_limit():
    confirmed()
    known, fresh = ADA, iter(letterboxes.read(f"{n}@example.org") for n in range(9))
    refusing = next(fresh)
    ask(box=refusing)
    subscribing.erase(Subscriber.objects.get(address=refusing.address), NOW, refuse=True)
    wanted = shapes(next(fresh))
    assert shapes(known) == wanted
    assert shapes(known, write=False) == wanted
    assert shapes(next(fresh), write=False) == wanted
    assert shapes(refusing) == wanted
    Subscriber.objects.filter(address=known.address).update(stopped_at=NOW, bounces=3)
    assert shapes(known) == wanted


@db
def test_over_its_limit_nothing_is_kept_of_an_address():
    with pytest.raises(Subscription.DoesNotExist):
        ask(write=False)
    assert not Subscriber.objects.exists()
    assert not Letter.objects.exists()


@db
def test_confirming_begins_letters_again_where_they_had_stopped():
    subscription = confirmed()
    Subscriber.objects.update(stopped_at=NOW, stopped_because="Three came back.", bounces=3)
    ask()
    assert Subscriber.objects.get().stopped_at is not None
    subscribing.confirm(subscription, NOW)
    kept = Subscriber.objects.get()
    assert (kept.stopped_at, kept.stopped_because, kept.bounces) == (None, "", 0)


@db
def test_what_was_ended_cannot_be_confirmed_by_its_old_letter():
    subscription = ask()
    subscribing.stop(subscription.subscriber, None, NOW)
    with pytest.raises(ValidationError, match="has ended"):
        subscribing.confirm(subscription, NOW)


@db
def test_there_are_at_most_so_many(monkeypatch: pytest.MonkeyPatch, papers: Author):
    monkeypatch.setattr(subscribing, "MOST", 1)
    confirmed()
    other = ask(subjects.read("topic", topic=Topic.objects.get().slug))
    with pytest.raises(ValidationError, match="There are 1 subscriptions, which is the most"):
        subscribing.confirm(other, NOW)
    assert Subscription.objects.live().count() == 1


@db
def test_what_nobody_confirms_is_forgotten_with_its_address():
    ask()
    subscribing.tidy(NOW + subscribing.UNCONFIRMED - timedelta(minutes=1))
    assert Subscription.objects.exists()
    subscribing.tidy(LATER)
    assert not Subscriber.objects.exists()
    assert not Subscription.objects.exists()


@db
def test_what_was_confirmed_sent_stopped_or_refused_is_not_forgotten():
    live = confirmed()
    sent = Subscriber.objects.create(email="s@x.org", address="s@x.org", key="s")
    Digest.objects.create(subscriber=sent, frequency=DAILY, period=NOW.date())
    Subscriber.objects.create(email="t@x.org", address="t@x.org", key="t", stopped_at=NOW)
    refused = letterboxes.read("r@x.org")
    ask(box=refused)
    subscribing.erase(Subscriber.objects.get(address=refused.address), NOW, refuse=True)
    subscribing.tidy(LATER)
    assert Subscriber.objects.count() == 4
    assert Subscription.objects.get() == live


@db
def test_erased_an_address_leaves_nothing():
    subscriber = confirmed().subscriber
    letter = Letter.objects.create(to="Ada@example.org", subject="Papers", text="")
    Digest.objects.create(subscriber=subscriber, frequency=DAILY, period=NOW.date(), letter=letter)
    link = links.token(subscriber)
    subscribing.erase(subscriber, NOW, refuse=False)
    assert not Subscriber.objects.exists()
    assert not Letter.objects.filter(pk=letter.pk).exists()
    assert links.read(link) is None
    ask()  # begins anew


@db
def test_who_wants_no_letter_ever_gets_none_and_is_not_readable_in_the_database(settings: Any):
    subscribing.erase(ask().subscriber, NOW, refuse=True)
    Letter.objects.all().delete()
    subscribing.ask(letterboxes.read("ADA@example.org"), TRENDING, DAILY, NOW, write=True)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [settings.SECRET_KEY]
    subscribing.ask(ADA, TRENDING, DAILY, NOW, write=True)
    kept = Subscriber.objects.get()
    assert (kept.email, "ada" in kept.address) == ("", False)
    assert not Letter.objects.exists()
    subscribing.for_account(account(), "trending", DAILY)  # its owner asks, and has proved it
    assert Subscriber.objects.get().email == "ada@example.org"


# --- with an account -------------------------------------------------------------------------------------------------


@db
def test_a_confirmed_account_subscribes_at_once_and_without_a_letter(papers: Author):
    row = subscribing.for_account(account(), "person", WEEKLY, author=papers)
    assert list(Subscription.objects.live()) == [row]
    assert (row.author, row.frequency, row.newest) == (papers, WEEKLY, Paper.objects.latest("pk").pk)
    assert not Letter.objects.exists()


@db
def test_an_address_that_is_not_confirmed_gets_nothing_and_is_joined_to_nothing():
    theirs = confirmed().subscriber
    forger = account("forger", verified=False)
    with pytest.raises(ValidationError, match="Confirm an e-mail address"):
        subscribing.for_account(forger, "trending", DAILY)
    assert subscribing.found(forger) is None
    theirs.refresh_from_db()
    assert theirs.account is None


@db
def test_an_account_finds_what_its_confirmed_address_had_before_and_takes_it_over_by_an_act():
    before = confirmed()
    ada = account()
    assert subscribing.found(ada) == before.subscriber
    assert Subscriber.objects.get().account is None  # looking is no act
    again = subscribing.for_account(ada, "trending", WEEKLY)
    assert again == before
    assert Subscriber.objects.get().account == ada


@db
def test_subscribing_to_the_same_again_changes_how_often():
    ada = account()
    first = subscribing.for_account(ada, "search", NEVER, query="q=eels", name=" My  eels ")
    again = subscribing.for_account(ada, "search", DAILY, query="x=&q=%20eels")
    assert (again.pk, again.frequency, again.name) == (first.pk, DAILY, "My eels")


@db
def test_a_saved_search_that_begins_to_be_mailed_tells_of_no_old_papers(bring: Callable[..., Batch]):
    row = subscribing.for_account(account(), "search", NEVER, query="q=eels")
    bring(fact("2001.00001", ["Ann Aard"], "On eels"))
    subscribing.set_frequency(row, DAILY)
    row.refresh_from_db()
    assert (row.frequency, row.newest) == (DAILY, Paper.objects.get().pk)


@db
@pytest.mark.parametrize(("kind", "frequency"), [("trending", NEVER), ("trending", ""), ("search", "hourly")])
def test_a_frequency_that_there_is_not_is_refused(kind: str, frequency: str):
    with pytest.raises(ValidationError, match="Choose how often"):
        subscribing.for_account(account(), kind, frequency, query="q=eels")


@db
def test_only_the_searches_of_accounts_go_on_without_mail():
    row = confirmed(subjects.read("search", query="q=eels"))
    with pytest.raises(ValidationError, match="Choose how often"):
        subscribing.set_frequency(row, NEVER)


@db
def test_stopping_the_mail_of_an_account_keeps_its_saved_searches():
    ada = account()
    search, trending = (
        subscribing.for_account(ada, kind, DAILY, query=query)
        for kind, query in (("search", "q=eels"), ("trending", ""))
    )
    subscribing.stop(search.subscriber, None, NOW)
    search.refresh_from_db()
    trending.refresh_from_db()
    assert (search.ended_at, search.frequency, trending.ended_at) == (None, NEVER, NOW)


@db
def test_what_was_ended_begins_again_as_a_new_one_and_once():
    old = confirmed()
    subscribing.end(old, NOW)
    new = subscribing.again(old, LATER)
    assert subscribing.again(old, LATER) == new != old
    assert Subscription.objects.live().get() == new
    subscribing.end(new, LATER)
    subscribing.end(new, LATER + timedelta(days=1))
    new.refresh_from_db()
    assert new.ended_at == LATER


@db
def test_mail_follows_an_account_to_its_new_address_where_old_links_open_nothing():
    ada = account()
    old = subscribing.for_account(ada, "trending", DAILY)
    link = links.token(old.subscriber)
    EmailAddress.objects.filter(user=ada).update(email="new@example.org")
    subscribing.tidy(NOW)
    kept = Subscriber.objects.get()
    assert (kept.email, kept.account, kept.subscriptions.get()) == ("new@example.org", ada, old)
    assert links.read(link) is None
    subscribing.tidy(NOW)
    assert Subscriber.objects.get() == kept


@db
def test_moving_to_an_address_that_has_subscriptions_joins_them_and_sends_no_paper_twice(papers: Author):
    ada = account()
    old = subscribing.for_account(ada, "trending", DAILY)
    subscribing.for_account(ada, "search", NEVER, query="q=eels")
    both = list(Paper.objects.order_by("pk"))

    def sent(subscriber: Subscriber, day: datetime, *papers: Paper) -> None:
        digest = Digest.objects.create(subscriber=subscriber, frequency=DAILY, period=day.date())
        for place, paper in enumerate(papers):
            Pick.objects.create(subscriber=subscriber, digest=digest, paper=paper, place=place)

    sent(old.subscriber, NOW, *both)
    there = letterboxes.read("new@example.org")
    new = ask(box=there)
    subscribing.confirm(new, NOW)
    sent(new.subscriber, LATER, both[0])
    EmailAddress.objects.filter(user=ada).update(email="new@example.org")
    subscribing.tidy(NOW)
    kept = Subscriber.objects.get()
    assert kept == new.subscriber
    assert sorted(kept.subscriptions.live().values_list("kind", flat=True)) == ["search", "trending"]
    assert kept.digests.count() == 2
    assert set(Pick.objects.filter(subscriber=kept).values_list("paper", flat=True)) == {paper.pk for paper in both}


@db
def test_an_address_that_is_still_one_of_the_accounts_keeps_its_mail():
    ada = account()
    old = subscribing.for_account(ada, "trending", DAILY).subscriber
    EmailAddress.objects.filter(user=ada).update(primary=False)
    EmailAddress.objects.create(user=ada, email="new@example.org", verified=True, primary=True)
    subscribing.tidy(NOW)
    assert Subscriber.objects.get() == old == subscribing.subscriber_of(ada)


@db
def test_an_accounts_subscriptions_go_with_it():
    ada = account()
    subscribing.for_account(ada, "trending", DAILY)
    ada.delete()
    assert not Subscription.objects.exists()


# --- what was sent ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letter", "told"),
    [
        ({}, "Waits to be sent"),
        ({"tries": 1, "problem": "It did not answer."}, "Could not be sent yet"),
        ({"tries": letters.MOST_TRIES, "problem": "It did not answer."}, "Could not be sent, and is not tried"),
        ({"taken_until": NOW + timedelta(days=1), "handed_at": NOW}, "Waits to be sent"),
        ({"taken_until": NOW - timedelta(days=1), "handed_at": NOW}, "perhaps it was sent"),
        ({"sent_at": NOW, "handed_at": NOW}, "Sent"),
        ({"refused_at": NOW}, "refused it"),
        ({"refused_at": NOW, "sent_at": NOW}, "It came back"),
    ],
)
def test_the_log_says_what_is_known_of_a_letter(letter: dict[str, Any], told: str):
    assert told in str(log.told(Letter(**letter), 3, NOW))


def test_a_digest_without_a_letter_was_empty_or_is_long_gone():
    assert (log.told(None, 0, NOW), log.told(None, 3, NOW)) == (log.NOTHING, log.LONG_AGO)


@db
def test_the_log_goes_back_page_by_page():
    subscriber = Subscriber.objects.create(email="s@x.org", address="s@x.org", key="s")
    days = [NOW.date() - timedelta(days=n) for n in range(log.LISTED + 5, 0, -1)]
    Digest.objects.bulk_create([Digest(subscriber=subscriber, frequency=DAILY, period=day) for day in days])
    first, older = log.page(subscriber, NOW)
    rest, end = log.page(subscriber, NOW, older)
    assert [one.digest.period for one in (*first, *rest)] == days[::-1]
    assert (len(first), len(rest), end) == (log.LISTED, 5, None)
