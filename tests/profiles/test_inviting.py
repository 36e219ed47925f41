"""Invitations: who may invite whom, what the text may hold, how many there may be, and what an answer does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from allauth.account.models import EmailAddress
from celery import current_app
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from papers import limits
from profiles import claims, disputes, inviting
from profiles.accounts.leaving import delete
from profiles.accounts.records import gathered
from profiles.models import Account, Author, Block, Claim, Conversation, Invitation, Letter, Suspension
from tests.conftest import fact, with_role

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TEXT = "I read your work on quarks and would like to write a paper with you about them."
CLOSED = "takes no invitations from you at present"
State = Invitation.State


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is asked."""
    monkeypatch.setattr(current_app, "send_task", lambda *sent: None)


def someone(name: str, days: int = 30, confirmed: bool = True) -> Account:
    """An account that is so many days old."""
    joined = timezone.now() - days * DAY
    account = Account.objects.create_user(name, f"{name}@home.example", date_joined=joined)
    EmailAddress.objects.create(user=account, email=account.email, verified=confirmed, primary=True)
    return account


def held(author: Author, account: Account, level: int = 2) -> Claim:
    claim = claims.hold(claims.begin(account, author, timezone.now()), timezone.now())
    Claim.objects.filter(pk=claim.pk).update(level=level)
    return claim


@pytest.fixture
def author(bring: Callable[..., Any]) -> Author:
    bring(fact("2001.00001", ["Noor Rahimi", "Ada Berg"]), fact("2001.00002", ["Noor Rahimi", "Ada Berg"]))
    return Author.objects.get(name="Noor Rahimi")


@pytest.fixture
def ada_berg(author: Author) -> Author:
    return Author.objects.get(name="Ada Berg")


@pytest.fixture
def noor(author: Author) -> Account:
    """Who holds the author."""
    account = someone("noor")
    held(author, account)
    author.refresh_from_db()
    Letter.objects.all().delete()
    return account


@pytest.fixture
def ann(db: None) -> Account:
    """Who invites."""
    return someone("ann")


def send(account: Account, author: Author, text: str = TEXT, token: UUID | None = None, **more: Any) -> Invitation:
    given: dict[str, Any] = {"purpose": "coauthor", "now": timezone.now()} | more
    return inviting.send(account, author, text=text, token=token or uuid4(), **given)


def refused(account: Account, author: Author, **more: Any) -> str:
    """Why the invitation is refused; nothing is kept of it and nobody hears of it."""
    before = Invitation.objects.count(), Letter.objects.count()
    with pytest.raises(ValidationError) as error:
        send(account, author, **more)
    assert (Invitation.objects.count(), Letter.objects.count()) == before
    return " ".join(error.value.messages)


def answer(account: Account, invitation: Invitation, word: str, now: datetime | None = None) -> Invitation:
    return inviting.answer(account, invitation, word, now or timezone.now())


def letters() -> list[tuple[str, str]]:
    return list(Letter.objects.order_by("pk").values_list("to", "subject"))


# --- who may invite whom ----------------------------------------------------------------------------------------------


def test_an_invitation_goes_to_who_holds_the_record_with_one_letter(ann: Account, noor: Account, author: Author):
    invitation = send(ann, author)
    assert (invitation.recipient, invitation.author, invitation.state) == (noor, author, State.OPEN)
    assert [to for to, _subject in letters()] == ["noor@home.example"]
    text = Letter.objects.get().text
    assert invitation.get_absolute_url() in text
    assert "Open to collaborate" in text
    assert f"/people/{author.pk}/edit/about/" in text


def test_the_same_form_sent_twice_is_one_invitation(ann: Account, noor: Account, author: Author):
    token = uuid4()
    first = send(ann, author, token=token)
    assert send(ann, author, text="Something else entirely.", token=token) == first
    assert (Invitation.objects.count(), len(letters())) == (1, 1)


def test_the_form_of_another_account_shows_nobody_what_was_sent(ann: Account, noor: Account, author: Author):
    token = uuid4()
    send(ann, author, token=token)
    assert "used before" in refused(someone("bob"), author, token=token)


def test_a_record_that_nobody_holds_must_be_claimed_first(ann: Account, author: Author):
    assert refused(ann, author) == "Claim this author entity first to unlock direct invitations."


def test_an_account_without_a_confirmed_address_is_told_what_to_do(noor: Account, author: Author):
    assert "Confirm an e-mail address" in refused(someone("new", confirmed=False), author)


def test_nobody_invites_themselves(noor: Account, author: Author):
    assert "your own record" in refused(noor, author)


def test_nobody_invites_a_hidden_or_merged_person(ann: Account, noor: Account, author: Author, ada_berg: Author):
    Author.objects.filter(pk=author.pk).update(visibility=Author.Visibility.NOTICE)
    assert "not shown" in refused(ann, author)
    Author.objects.filter(pk=author.pk).update(visibility=Author.Visibility.PUBLIC, merged_into=ada_berg)
    assert "not shown" in refused(ann, author)


def test_not_open_blocked_gone_and_full_are_one_sentence(
    ann: Account, noor: Account, author: Author, monkeypatch: pytest.MonkeyPatch
):
    said = set()
    Author.objects.filter(pk=author.pk).update(open_to_collaborate=False)
    said.add(refused(ann, author))
    Author.objects.filter(pk=author.pk).update(open_to_collaborate=True)
    block = Block.objects.create(account=noor, blocked=ann)
    said.add(refused(ann, author))
    block.delete()
    Account.objects.filter(pk=noor.pk).update(is_active=False)
    said.add(refused(ann, author))
    Account.objects.filter(pk=noor.pk).update(is_active=True)
    monkeypatch.setattr(inviting, "MOST_RECEIVED", 0)
    said.add(refused(ann, author))
    assert said == {f"Noor Rahimi {CLOSED}."}


def test_who_has_blocked_the_other_side_is_told_so(ann: Account, noor: Account, author: Author):
    Block.objects.create(account=ann, blocked=noor)
    assert "You blocked" in refused(ann, author)


def test_a_suspended_account_is_told_until_when_and_why(ann: Account, noor: Account, author: Author):
    Suspension.objects.create(account=ann, until=timezone.now() + DAY, reason="Advertising.")
    assert "Advertising." in refused(ann, author)
    Suspension.objects.update(lifted_at=timezone.now())
    assert send(ann, author)


def test_while_one_is_unanswered_there_is_no_second_in_either_direction(
    ann: Account, noor: Account, author: Author, ada_berg: Author
):
    held(ada_berg, ann)
    first = send(ann, author)
    assert "still to come" in refused(ann, author)
    answer(noor, first, "ignore")
    assert "still to come" in refused(ann, author)
    ada_berg.refresh_from_db()
    assert "waits for your answer" in refused(noor, ada_berg)


@pytest.mark.parametrize(("who", "word"), [("noor", "decline"), ("ann", "withdraw")])
def test_after_a_no_one_waits_ninety_days(ann: Account, noor: Account, author: Author, who: str, word: str):
    invitation = send(ann, author)
    answer({"noor": noor, "ann": ann}[who], invitation, word)
    assert "You can do so again from" in refused(ann, author)
    assert "You can do so again from" in refused(ann, author, now=timezone.now() + 89 * DAY)
    assert send(ann, author, now=timezone.now() + 91 * DAY)


def test_who_talks_already_is_led_there_and_who_was_left_waits(ann: Account, noor: Account, author: Author):
    invitation = answer(noor, send(ann, author), "accept")
    found = inviting.door(ann, author, timezone.now())
    assert (found.invitation, "You are in a conversation" in found.refusal) == (invitation, True)
    Conversation.objects.update(closed_at=timezone.now(), closed_by=noor)
    assert "You can do so again from" in refused(ann, author)
    Conversation.objects.update(closed_by=ann)
    assert send(ann, author)


def test_of_a_disputed_record_the_holder_gets_it_until_a_curator_decides(ann: Account, noor: Account, author: Author):
    claim = held(author, someone("rival"))
    claim.refresh_from_db()
    assert claim.state == Claim.State.DISPUTED
    invitation = send(ann, author)
    assert invitation.recipient == noor
    disputes.transfer(claim, with_role("curator"), "The other one is.", timezone.now())
    invitation.refresh_from_db()
    assert invitation.state == State.WITHDRAWN
    with pytest.raises(ValidationError, match="changed hands"):
        answer(noor, invitation, "accept")
    assert send(ann, author).recipient == claim.account


# --- the text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "sentence or two"),
        ("  \n\t ", "sentence or two"),
        ("\u200b\u2060\ufeff\u3164\u2800" * 20, "sentence or two"),
        ("\0" * 50, "sentence or two"),
        ("Hi", "sentence or two"),
        ("." * 50, "sentence or two"),
        ("x" * 2_001, "At most 2,000 characters"),
        ("x" * 100_000, "At most 2,000 characters"),
        ("陈" * 2_001, "At most 2,000 characters"),
        (f"{TEXT} https://example.org", "Leave out links"),
        (f"{TEXT} exam\u200bple.com", "Leave out links"),
        (f"{TEXT} me@home.example", "Leave out links"),
        (inviting.starting_text("talk"), "starting text"),
        (inviting.starting_text("talk").replace("\n", "\r\n") + "\n", "starting text"),
    ],
)
def test_a_text_that_will_not_do_is_refused_with_a_sentence(
    ann: Account, noor: Account, author: Author, text: str, why: str
):
    assert why in refused(ann, author, text=text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("أود أن أكتب معك ورقة عن الكواركات", "أود أن أكتب معك ورقة عن الكواركات"),
        ("我想请您就大型语言模型作一次报告。", "我想请您就大型语言模型作一次报告。"),
        ("می\u200cخواهم با شما کار کنم", "می\u200cخواهم با شما کار کنم"),
        ("One line here.\r\n\r\n\r\n\r\nAnd  another\u202e one.\0", "One line here.\n\nAnd another one."),
        ("Cafe\u0301 at the conference?", "Café at the conference?"),
        ("<b>Bold</b> & <script>alert(1)</script>", "<b>Bold</b> & <script>alert(1)</script>"),
        ("\u2066A text in isolation\u2069 and tags \U000e0041\U000e0042", "A text in isolation and tags"),
        ("x" * 2_000, "x" * 2_000),
    ],
)
def test_any_script_is_kept_without_what_cannot_be_seen(text: str, kept: str):
    assert inviting.worded(text) == kept


def test_every_purpose_has_its_starting_text(ann: Account, noor: Account, author: Author):
    texts = {inviting.starting_text(purpose) for purpose in Invitation.Purpose.values}
    assert len(texts) == len(Invitation.Purpose.values)
    assert inviting.starting_text("x") == ""
    assert "Choose what it is about" in refused(ann, author, purpose="x")


def test_a_letter_quotes_the_beginning_alone_and_says_whose_it_is(ann: Account, noor: Account, author: Author):
    send(ann, author, text="From BZPEER:\nYour account ends.\n\n" + "word " * 200)
    text = Letter.objects.get().text
    assert "> From BZPEER:\n> Your account ends.\n>\n> word" in text
    assert text.count("word") < 80
    assert " …" in text


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "level", "most"), [(1, 0, 3), (8, 0, 10), (8, 2, 10), (1, 3, 20)])
def test_the_better_known_a_sender_is_the_more_they_may_send(
    bring: Callable[..., Any], days: int, level: int, most: int
):
    names = [f"{given} Rahimi" for given in ("Noor", "Omar", "Lina", "Sami")] + ["Ada Berg"]
    bring(fact("2001.00001", names))
    sender = someone("sender", days)
    if level:
        held(Author.objects.get(name="Ada Berg"), sender, level)
    people = list(Author.objects.exclude(name="Ada Berg").order_by("pk"))
    for n, one in enumerate(people):
        held(one, someone(f"holder{n}"))
    name = inviting.limit_of(sender, timezone.now())
    for _ in range(most - 1):
        assert limits.take(name, f"account {sender.pk}") is None
    assert send(sender, people[0])
    with pytest.raises(limits.TooMany) as error:
        send(sender, people[1])
    assert error.value.wait > 0


def test_what_is_refused_counts_for_no_limit(ann: Account, noor: Account, author: Author):
    for _ in range(limits.LIMITS["invitation"][0].most + 1):
        refused(ann, author, text="https://example.org")
    assert send(ann, author)


def test_at_most_so_many_a_day_reach_one_person(noor: Account, author: Author, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inviting, "MOST_RECEIVED", 2)
    for n in range(2):
        send(someone(f"a{n}"), author)
    late = someone("late")
    assert CLOSED in refused(late, author)
    Invitation.objects.update(made_at=timezone.now() - 25 * timedelta(hours=1))
    assert send(late, author)


# --- the answer -------------------------------------------------------------------------------------------------------


def test_accepted_there_is_a_conversation(ann: Account, noor: Account, author: Author):
    invitation = answer(noor, send(ann, author), "accept")
    assert (invitation.state, invitation.conversation.invitation) == (State.ACCEPTED, invitation)


def test_accepted_again_nothing_changes(ann: Account, noor: Account, author: Author):
    invitation = send(ann, author)
    first = answer(noor, invitation, "accept")
    before = letters()
    assert answer(noor, invitation, "accept").answered_at == first.answered_at
    assert (Conversation.objects.count(), letters()) == (1, before)


def test_declined_the_sender_gets_one_letter_without_a_reason(ann: Account, noor: Account, author: Author):
    invitation = send(ann, author)
    answer(noor, invitation, "decline")
    answer(noor, invitation, "decline")
    assert letters()[1:] == [("ann@home.example", "Your invitation to Noor Rahimi was declined")]


def test_ignored_the_sender_sees_it_unanswered_and_hears_nothing(ann: Account, noor: Account, author: Author):
    invitation = answer(noor, send(ann, author), "ignore")
    assert len(letters()) == 1
    [seen] = inviting.seen_by(ann, [invitation])
    assert (seen.state, seen.answers) == (State.OPEN, ("withdraw",))
    assert inviting.waiting(noor) == 0
    [row] = gathered(ann)["invitations_sent"]
    assert row.keys() & {"state", "answered_at"} == set()
    assert answer(noor, invitation, "accept").state == State.ACCEPTED


def test_withdrawn_it_cannot_be_accepted(ann: Account, noor: Account, author: Author):
    invitation = answer(ann, send(ann, author), "withdraw")
    with pytest.raises(ValidationError, match="withdrawn"):
        answer(noor, invitation, "accept")
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("first", ["accept", "decline"])
def test_an_answer_is_final(ann: Account, noor: Account, author: Author, first: str):
    invitation = answer(noor, send(ann, author), first)
    for account, word in ((noor, "accept"), (noor, "decline"), (noor, "ignore"), (ann, "withdraw")):
        if word != first:
            with pytest.raises(ValidationError, match="already"):
                answer(account, invitation, word)
    assert Invitation.objects.get().state == invitation.state


@pytest.mark.parametrize(("who", "word"), [("noor", "withdraw"), ("ann", "accept"), ("third", "accept"), ("noor", "x")])
def test_each_side_says_what_is_theirs_to_say(ann: Account, noor: Account, author: Author, who: str, word: str):
    people = {"ann": ann, "noor": noor, "third": someone("third")}
    with pytest.raises(ValidationError, match="Choose one of the answers"):
        answer(people[who], send(ann, author), word)
    assert Invitation.objects.get().state == State.OPEN


def test_an_invitation_of_a_deleted_account_is_over(ann: Account, noor: Account, author: Author):
    invitation = send(ann, author)
    delete(ann, timezone.now())
    assert inviting.waiting(noor) == 0
    with pytest.raises(ValidationError, match="withdrawn"):
        answer(noor, invitation, "accept")


def test_an_invitation_of_an_account_that_was_switched_off_is_declined_or_ignored_alone(
    ann: Account, noor: Account, author: Author
):
    invitation = send(ann, author)
    Account.objects.filter(pk=ann.pk).update(is_active=False)
    with pytest.raises(ValidationError, match="gone"):
        answer(noor, invitation, "accept")
    assert answer(noor, invitation, "decline").state == State.DECLINED


def test_released_the_record_takes_its_open_invitations_along(ann: Account, noor: Account, author: Author):
    invitation = send(ann, author)
    claims.release(Claim.objects.get(account=noor), noor, timezone.now())
    invitation.refresh_from_db()
    assert invitation.state == State.WITHDRAWN


def test_hidden_since_the_record_keeps_them_and_the_holder_may_answer(ann: Account, noor: Account, author: Author):
    invitation = send(ann, author)
    Author.objects.filter(pk=author.pk).update(visibility=Author.Visibility.GONE)
    answer(noor, invitation, "decline")
    assert "Noor" not in Letter.objects.latest("pk").subject + Letter.objects.latest("pk").text


def test_a_block_or_a_suspension_since_stops_an_acceptance(ann: Account, noor: Account, author: Author):
    invitation = send(ann, author)
    block = Block.objects.create(account=ann, blocked=noor)
    with pytest.raises(ValidationError):
        answer(noor, invitation, "accept")
    block.delete()
    Suspension.objects.create(account=noor, until=timezone.now() + DAY, reason="Insults.")
    with pytest.raises(ValidationError, match="Insults"):
        answer(noor, invitation, "accept")
    assert Invitation.objects.get().state == State.OPEN


@pytest.mark.django_db(transaction=True)
def test_of_ten_accepts_and_withdrawals_at_once_one_holds(bring: Callable[..., Any]):
    bring(fact("2001.00001", ["Noor Rahimi", "Ada Berg"]))
    author, noor, ann = Author.objects.get(name="Noor Rahimi"), someone("noor"), someone("ann")
    held(author, noor)
    invitation = send(ann, author)

    def say(n: int) -> str:
        try:
            return answer(*((noor, invitation, "accept") if n % 2 else (ann, invitation, "withdraw"))).state
        except ValidationError:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        states = list(pool.map(say, range(10)))
    invitation.refresh_from_db()
    assert sorted(states) == sorted([invitation.state] * 5 + ["refused"] * 5)
    assert Conversation.objects.count() == (invitation.state == State.ACCEPTED)


@pytest.mark.django_db(transaction=True)
def test_ten_who_accept_at_once_get_one_conversation_and_ten_forms_make_one_invitation(bring: Callable[..., Any]):
    bring(fact("2001.00001", ["Noor Rahimi", "Ada Berg"]))
    author, noor, ann = Author.objects.get(name="Noor Rahimi"), someone("noor"), someone("ann")
    held(author, noor)
    token = uuid4()

    def at_once(call: Callable[[int], Any]) -> set[Any]:
        def run(n: int) -> Any:
            try:
                return call(n)
            except ValidationError:
                return None
            finally:
                connection.close()

        with ThreadPoolExecutor(10) as pool:
            return set(pool.map(run, range(10)))

    # Every second form is another one: while one is unanswered there is no second.
    sent = at_once(lambda n: send(ann, author, token=token if n % 2 else uuid4()).pk) - {None}
    assert sent == {Invitation.objects.get().pk}
    invitation = Invitation.objects.get()
    conversations = at_once(lambda _n: answer(noor, invitation, "accept").conversation.pk)
    assert conversations == {Conversation.objects.get().pk}
    to_noor = Letter.objects.filter(to=noor.email, subject__startswith="Invitation")
    assert to_noor.count() == 1
