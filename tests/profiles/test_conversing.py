"""Conversations: who may write, what is kept of it, what the other side is told, and how each ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from papers import limits
from papers.limits import HOUR, Limit
from profiles import conversing
from profiles.accounts import records
from profiles.accounts.leaving import delete
from profiles.models import Account, Author, Block, Claim, Conversation, Invitation, Letter, Message, Suspension

pytestmark = pytest.mark.django_db


def account(name: str) -> Account:
    return Account.objects.create_user(name, f"{name}@example.org")


def holding(name: str, account: Account, level: int = 3) -> Author:
    """A record of that name, which the account holds."""
    author = Author.objects.create(name=name, works_count=1, account=account)
    Claim.objects.create(author=author, account=account, state=Claim.State.HELD, level=level)
    return author


def invite(sender: Account, author: Author, state: str = "open") -> Invitation:
    return Invitation.objects.create(
        author=author,
        sender=sender,
        recipient=author.account,
        purpose="question",
        text="How did you measure it?",
        token=uuid4(),
        state=state,
    )


@pytest.fixture
def ada() -> Account:
    return account("ada")


@pytest.fixture
def bob() -> Account:
    return account("bob")


@pytest.fixture
def lab(ada: Account) -> Author:
    return holding("Ada Lovelace", ada)


@pytest.fixture
def talk(bob: Account, lab: Author) -> Conversation:
    """Bob, who has no record, invited Ada, who accepted."""
    made = conversing.begin(invite(bob, lab, "accepted"), timezone.now())
    Letter.objects.all().delete()
    return made


def say(talk: Conversation, sender: Account, text: str = "Good day.", token: UUID | None = None) -> Message:
    return conversing.send(talk, sender, text, token or uuid4(), timezone.now())


def refused(talk: Conversation, sender: Account, text: str = "Good day.") -> str:
    """Why nothing was written."""
    before = Message.objects.count(), Letter.objects.count()
    with pytest.raises(ValidationError) as error:
        say(talk, sender, text)
    assert (Message.objects.count(), Letter.objects.count()) == before
    return " ".join(error.value.messages)


# --- who is who -------------------------------------------------------------------------------------------------------


def test_somebody_is_shown_by_the_record_they_hold_and_else_by_the_age_of_the_account(ada, bob, lab):
    assert conversing.shown_as(ada) == conversing.Shown("Ada Lovelace", lab.get_absolute_url(), 3)
    bob.date_joined = datetime(2026, 11, 3, 12, tzinfo=UTC)
    assert conversing.shown_as(bob) == conversing.Shown("an account without a record here, since November 2026")
    bob.is_active = False
    for gone in (bob, None):
        assert conversing.shown_as(gone) == conversing.Shown("an account that is no more")


def test_a_hidden_record_names_nobody(ada: Account, lab: Author):
    Author.objects.update(visibility=Author.Visibility.NOTICE)
    assert "Ada" not in conversing.shown_as(ada).name
    assert conversing.shown_as(ada).url == ""


# --- the beginning ----------------------------------------------------------------------------------------------------


def test_an_accepted_invitation_becomes_one_conversation_and_who_invited_gets_one_letter(ada, bob, lab):
    invitation = invite(bob, lab, "accepted")
    one = conversing.begin(invitation, timezone.now())
    assert conversing.begin(invitation, timezone.now()) == one
    letter = Letter.objects.get()
    assert (letter.to, letter.subject) == (bob.email, "Ada Lovelace accepted your invitation")
    assert one.get_absolute_url() in letter.text
    assert "ada@" not in letter.text + letter.subject


@pytest.mark.parametrize("what", ["blocked", "gone", "suspended"])
def test_none_begins_between_two_who_may_not_write(ada: Account, bob: Account, lab: Author, what: str):
    invitation = invite(bob, lab)
    if what == "blocked":
        conversing.block(ada, bob, timezone.now())
    elif what == "gone":
        Account.objects.filter(pk=bob.pk).update(is_active=False)
    else:
        suspend(ada)
    with pytest.raises(ValidationError):
        conversing.begin(Invitation.objects.get(pk=invitation.pk), timezone.now())
    assert not Conversation.objects.exists()


def suspend(account: Account, days: int = 7) -> Suspension:
    until = timezone.now() + timedelta(days=days)
    return Suspension.objects.create(account=account, until=until, reason="You advertised.")


# --- writing ----------------------------------------------------------------------------------------------------------


def test_messages_stand_in_the_order_in_which_they_were_written(ada: Account, bob: Account, talk: Conversation):
    for sender, text in ((bob, "One"), (ada, "Two"), (bob, "Three")):
        say(talk, sender, text)
    assert [row.text for row in talk.messages.order_by("pk")] == ["One", "Two", "Three"]
    assert {(row.sender_id, row.recipient_id) for row in talk.messages.all()} == {(bob.pk, ada.pk), (ada.pk, bob.pk)}
    talk.refresh_from_db()
    assert talk.latest_at == talk.messages.latest("pk").made_at


def test_a_form_that_is_sent_twice_writes_one_message(bob: Account, talk: Conversation):
    token = uuid4()
    assert say(talk, bob, "Once", token) == say(talk, bob, "Once", token)
    assert Message.objects.count() == Letter.objects.count() == 1


def test_the_form_of_another_is_no_message_of_mine(ada: Account, bob: Account, talk: Conversation):
    token = uuid4()
    say(talk, bob, "Mine", token)
    with pytest.raises(ValidationError, match="sent already"):
        say(talk, ada, "Yours", token)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  One\r\n\r\n\r\n\r\ntwo\rthree \n\n", "  One\n\ntwo\nthree"),
        ("for x in y:\n\tprint(x)", "for x in y:\n    print(x)"),
        ("user\u202egnp.exe\u200b \x07\0bell", "usergnp.exe bell"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("שלום \u200fעולם", "שלום עולם"),
        ("你好", "你好"),
        ("e\u0301", "é"),
        ("<b>$x$ https://example.org</b>", "<b>$x$ https://example.org</b>"),
        ("x" * 10_000, "x" * 10_000),
    ],
)
def test_any_script_is_kept_as_written_without_what_cannot_be_seen(talk, bob, typed: str, kept: str):
    assert say(talk, bob, typed).text == kept


@pytest.mark.parametrize("typed", ["", "  \n\t ", "\u200b\u202e\0", "x" * 10_001, "x" * 100_000, "\n" * 100_000])
def test_nothing_and_too_much_are_refused_with_a_sentence(bob: Account, talk: Conversation, typed: str):
    assert refused(talk, bob, typed) in ("Write something first.", "At most 10,000 characters.")


def test_a_letter_comes_with_the_first_unread_message_and_not_with_each(ada, bob, talk):
    first = say(talk, bob, "A secret of the laboratory")
    say(talk, bob)
    letter = Letter.objects.get()
    assert letter.to == ada.email
    assert talk.get_absolute_url() in letter.text
    said = letter.subject + letter.text
    assert not [word for word in ("secret", "bob@", "ada@") if word in said]
    conversing.mark_read(talk, ada, first.pk, timezone.now())
    say(talk, bob)
    assert Letter.objects.count() == 1  # the second is unread still
    conversing.mark_read(talk, ada, Message.objects.latest("pk").pk, timezone.now())
    say(talk, bob)
    assert Letter.objects.count() == 2


def test_who_wants_no_letters_gets_none_and_the_other_still_does(ada: Account, bob: Account, talk: Conversation):
    conversing.set_mail(talk, ada, wanted=False)
    say(talk, bob)
    say(talk, ada)
    assert Letter.objects.get().to == bob.email


def test_unread_counts_messages_and_open_invitations_of_mine_alone(ada: Account, bob: Account, talk, lab):
    eve = account("eve")
    say(talk, bob)
    say(talk, bob)
    say(talk, ada)
    invite(eve, lab)
    assert [conversing.unread(one) for one in (ada, bob, eve)] == [3, 1, 0]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        conversing.unread(ada)
    assert len(queries) == 2


def test_marking_read_is_for_what_one_got_and_saw(ada: Account, bob: Account, talk: Conversation):
    seen, _later, own = say(talk, bob), say(talk, bob), say(talk, ada)
    conversing.mark_read(talk, ada, seen.pk, timezone.now())
    assert conversing.unread(ada) == 1
    own.refresh_from_db()
    assert own.read_at is None


def test_who_is_young_or_unproved_writes_less(ada: Account, bob: Account, talk: Conversation):
    now = timezone.now()
    assert conversing.limit_of(ada, now) == "message_new"  # proved, and made today
    assert conversing.limit_of(ada, now + conversing.YOUNG) == "message"
    assert conversing.limit_of(bob, now + conversing.YOUNG) == "message_new"
    assert limits.LIMITS["message_new"][0].most < limits.LIMITS["message"][0].most


def test_past_the_limit_the_answer_says_when_and_a_second_click_costs_nothing(bob, talk, monkeypatch):
    monkeypatch.setitem(limits.LIMITS, "message_new", (Limit(1, HOUR),))
    token = uuid4()
    assert say(talk, bob, "One", token) == say(talk, bob, "One", token)
    with pytest.raises(limits.TooMany, match="Try again in") as error:
        say(talk, bob)
    assert 0 < error.value.wait <= HOUR
    assert Message.objects.count() == 1


def test_what_is_refused_counts_towards_no_limit(bob: Account, talk: Conversation, monkeypatch):
    monkeypatch.setitem(limits.LIMITS, "message_new", (Limit(1, HOUR),))
    refused(talk, bob, "")
    assert say(talk, bob)


# --- the end ----------------------------------------------------------------------------------------------------------


def test_who_leaves_closes_it_for_both_and_neither_writes_any_more(ada: Account, bob: Account, talk: Conversation):
    say(talk, bob)
    conversing.leave(talk, ada, timezone.now())
    conversing.leave(talk, bob, timezone.now())
    assert refused(talk, ada).startswith("You closed this conversation.")
    assert refused(talk, bob).startswith("The other side closed this conversation.")
    assert conversing.unread(ada) == 0
    talk.refresh_from_db()
    assert talk.closed_by == ada


def test_a_block_looks_to_the_blocked_side_as_if_the_other_had_left(ada: Account, bob: Account, lab: Author):
    talks = [conversing.begin(invite(bob, lab, "accepted"), timezone.now()) for _ in range(2)]
    conversing.leave(talks[0], ada, timezone.now())
    conversing.block(ada, bob, timezone.now())
    left, blocked = (refused(talk, bob) for talk in talks)
    assert left == blocked
    assert refused(talks[1], ada).startswith("You closed")


def test_who_is_blocked_reads_the_same_as_of_an_account_that_is_gone(ada: Account, bob: Account):
    conversing.block(ada, bob, timezone.now())
    told = conversing.obstacle(bob, ada)
    assert told
    assert "block" not in told.lower()
    assert conversing.obstacle(ada, bob).startswith("You blocked this account.")
    Block.objects.all().delete()
    assert conversing.obstacle(bob, ada) == ""
    ada.is_active = False
    assert told == conversing.obstacle(bob, ada) == conversing.obstacle(bob, None)


def test_a_block_ends_what_is_open_and_the_sender_sees_the_invitation_as_unanswered(ada, bob, lab):
    theirs, mine = invite(bob, lab), invite(ada, holding("Bob Boole", bob))
    answered = invite(bob, lab, "declined")
    for _ in range(2):  # twice is once
        conversing.block(ada, bob, timezone.now())
    for row in (theirs, mine, answered):
        row.refresh_from_db()
    assert (theirs.state, mine.state, answered.state) == ("ignored", "withdrawn", "declined")
    assert Block.objects.count() == 1
    assert not Letter.objects.exists()


def test_a_block_is_taken_back_by_who_made_it_and_opens_nothing_again(ada, bob, talk):
    made = conversing.block(ada, bob, timezone.now())
    assert not conversing.take_back(bob, made.pk)
    assert conversing.take_back(ada, made.pk)
    assert conversing.obstacle(bob, ada) == conversing.obstacle(ada, bob) == ""
    assert refused(talk, bob)


def test_nobody_blocks_themselves_or_nobody(ada: Account):
    for other in (ada, None):
        with pytest.raises(ValidationError):
            conversing.block(ada, other, timezone.now())


def test_a_suspended_account_reads_until_when_and_why_and_the_other_goes_on_writing(ada, bob, talk):
    suspension = suspend(bob)
    suspend(bob, days=3)
    told = refused(talk, bob)
    assert "You advertised." in told
    assert str(suspension.until.year) in told
    assert say(talk, ada)
    Suspension.objects.update(until=timezone.now())
    assert say(talk, bob)


def test_to_an_account_that_is_gone_nothing_is_sent_and_its_messages_stay(ada: Account, bob: Account, talk):
    say(talk, bob, "This stays")
    delete(bob, timezone.now())
    assert refused(talk, ada) == "Nothing can be sent to this account."
    [row] = conversing.listed(ada)[0]
    assert row.other.name == "an account that is no more"  # type: ignore[attr-defined]
    assert Message.objects.get().text == "This stays"


def test_the_list_says_where_something_was_said_last_and_pages_by_key(ada, bob, lab, monkeypatch):
    talks = [conversing.begin(invite(account(name), lab, "accepted"), timezone.now()) for name in "vwxyz"]
    say(talks[1], ada)
    monkeypatch.setattr(conversing, "LISTED", 2)
    pages, cursor = [], ""
    while True:
        with CaptureQueriesContext(connection) as queries:
            rows, cursor = conversing.listed(ada, cursor)
        assert len(queries) == 3
        pages.append([row.pk for row in rows])
        if not cursor:
            break
    assert pages == [[talks[n].pk for n in page] for page in ((1, 4), (3, 2), (0,))]


# --- the archive ------------------------------------------------------------------------------------------------------


def test_the_archive_holds_what_one_wrote_and_got_and_not_what_the_other_did_in_private(ada, bob, talk, lab):
    say(talk, bob, "From Bob")
    say(talk, ada, "From Ada")
    mine = invite(bob, lab)
    conversing.mark_read(talk, ada, Message.objects.latest("pk").pk, timezone.now())
    conversing.block(ada, bob, timezone.now())
    known: dict[str, Any] = records.gathered(bob)
    assert [row["text"] for row in known["messages_sent"]] == ["From Bob"]
    assert [row["text"] for row in known["messages_received"]] == ["From Ada"]
    assert "read_at" not in known["messages_sent"][0]
    assert mine.pk in [row["id"] for row in known["invitations_sent"]]
    assert "state" not in known["invitations_sent"][0]
    assert not [section for section in known if "block" in section and known[section]]
    assert len(records.gathered(ada)["blocked"]) == 1


# --- at once ----------------------------------------------------------------------------------------------------------


def at_once(*steps: Callable[[], object]) -> list[object]:
    """What each gave or raised, all begun together, each in a connection of its own."""
    found: list[object] = [None] * len(steps)
    gate = threading.Barrier(len(steps))

    def run(n: int, step: Callable[[], object]) -> None:
        gate.wait()
        try:
            found[n] = step()
        except ValidationError as error:
            found[n] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.django_db(transaction=True)
def test_ten_clicks_at_once_write_one_message_and_one_letter(bob: Account, talk: Conversation):
    token = uuid4()
    found = at_once(*[lambda: say(talk, bob, "Once", token)] * 10)
    assert len({row.pk for row in found if isinstance(row, Message)}) == 1
    assert not [row for row in found if isinstance(row, ValidationError)]
    assert Message.objects.count() == Letter.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_message_and_a_block_at_once_leave_a_message_before_the_end_or_none(ada, bob, lab):
    for _ in range(5):
        talk = conversing.begin(invite(bob, lab, "accepted"), timezone.now())
        sent, made = at_once(
            partial(say, talk, bob),
            lambda: conversing.block(ada, bob, timezone.now()),
        )
        assert isinstance(made, Block)
        assert isinstance(sent, Message | ValidationError)
        assert talk.messages.count() == isinstance(sent, Message)
        talk.refresh_from_db()
        assert talk.closed_by == ada
        Block.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_both_write_at_once_and_both_messages_are_there(ada: Account, bob: Account, talk: Conversation):
    at_once(*(partial(say, talk, who, who.username) for who in (ada, bob)))
    assert {row.text for row in talk.messages.all()} == {"ada", "bob"}
    times = list(talk.messages.order_by("pk").values_list("made_at", flat=True))
    assert times == sorted(times)
