"""What becomes of a letter when the mail server refuses, hangs, breaks off, or a worker dies, at each step."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from profiles import letters, postmarks
from profiles.letters import State
from profiles.models import Letter
from tests.profiles.mail_server import CUT, CUT_AFTER, HANG, Mail, serving

pytestmark = pytest.mark.django_db

HERE = "tests.profiles.test_letters"
LATER = timedelta(days=1)
Serve = Callable[..., Mail]


@pytest.fixture
def serve(settings: Any) -> Iterator[Serve]:
    """serve(script): letters go to that server from now on."""
    settings.MAIL_KEPT = False
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "profiles.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_TIMEOUT = 20
    with ExitStack() as servers:

        def serve(script: Callable[[str, str], str] | None = None) -> Mail:
            mail, settings.EMAIL_PORT = servers.enter_context(serving(script))
            return mail

        yield serve


def at(step: str, said: str, about: str = "") -> Callable[[str, str], str]:
    """A script: this is said at this step, where it is about that."""
    return lambda now, what: said if now == step and about in what else ""


def write(to: str = "ada@example.org", subject: str = "Hello") -> Letter:
    return letters.keep(to, subject, "Good day.\n.\n..two dots")


def state(letter: Letter, now: datetime | None = None) -> State:
    letter.refresh_from_db()
    return letters.state(letter, now or timezone.now())


def test_a_letter_arrives_as_it_was_written_and_says_the_same_of_itself_at_every_try(serve: Serve):
    mail = serve(at("END", "451 later"))
    letter = write()
    assert letters.deliver(timezone.now()) == 0
    mail.script = at("", "")
    assert letters.deliver(timezone.now() + LATER) == 1
    (arrived,) = mail.accepted
    assert arrived.get_content().replace("\r\n", "\n") == "Good day.\n.\n..two dots\n"
    assert arrived["Message-ID"] == postmarks.message_id(letter)
    assert arrived["Date"].datetime == letter.made_at.replace(microsecond=0)
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert state(letter) == State.SENT
    assert letter.text == ""


def test_a_letter_with_a_page_has_both_parts_and_its_own_headers(serve: Serve):
    mail = serve()
    letters.keep_bulk("ada@example.org", "Papers", "In words", "<p>As a page</p>", {"List-Id": "<digests.x>"})
    letters.deliver(timezone.now())
    (arrived,) = mail.accepted
    kinds = [part.get_content_type() for part in arrived.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    assert arrived["List-Id"] == "<digests.x>"


def test_many_letters_go_over_one_connection_and_those_first_that_somebody_waits_for(serve: Serve):
    mail = serve()
    for number in range(3):
        letters.keep_bulk("ada@example.org", f"bulk {number}", "Text", "", {})
    write(subject="Your code")
    assert letters.deliver(timezone.now()) == 4
    assert [letter["Subject"] for letter in mail.accepted] == ["Your code", "bulk 0", "bulk 1", "bulk 2"]
    assert mail.connections == 1


def test_a_server_that_grows_tired_of_a_connection_gets_another(serve: Serve):
    mail = serve()
    mail.script = lambda step, about: "421 enough" if step == "MAIL" and len(mail.accepted) == mail.connections else ""
    for _ in range(4):
        write()
    assert letters.deliver(timezone.now()) == 4
    assert mail.connections == 4


@pytest.mark.parametrize(
    ("step", "said"),
    [
        *[(step, "421 too busy") for step in ("CONNECT", "MAIL", "RCPT", "DATA")],
        ("CONNECT", "554 not here"),
        ("MAIL", "550 who are you"),
        ("MAIL", CUT),
        ("RCPT", CUT),
        ("DATA", CUT),
    ],
)
def test_a_server_that_is_not_well_ends_the_run_and_no_letter_is_lost(serve: Serve, step: str, said: str):
    mail = serve(at(step, said))
    first, second = write(), write()
    assert letters.deliver(timezone.now()) == 0
    assert (state(first), state(second)) == (State.WAITING, State.WAITING)
    assert (first.tries, second.tries, first.handed_at) == (1, 0, None)
    assert first.problem
    mail.script = at("", "")
    assert letters.deliver(timezone.now() + LATER) == 2
    assert set(mail.ids.values()) == {1}
    assert len(mail.ids) == 2


def test_a_server_that_is_not_there_ends_the_run_too(serve: Serve, settings: Any):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = free.getsockname()[1]
    first, second = write(), write()
    assert letters.deliver(timezone.now()) == 0
    assert (state(first), first.tries, state(second), second.tries) == (State.WAITING, 1, State.WAITING, 0)


@pytest.mark.parametrize("step", ["RCPT", "DATA", "END"])
def test_a_letter_that_is_to_come_later_waits_and_others_go_on(serve: Serve, step: str):
    mail = serve()
    mail.script = lambda now, about: "451 later" if now == step and mail.steps.count(step) == 1 else ""
    first, second = write(), write("bob@example.org")
    assert letters.deliver(timezone.now()) == 1
    assert (state(first), state(second)) == (State.WAITING, State.SENT)
    assert first.handed_at is None
    assert letters.deliver(timezone.now()) == 0  # not at once
    assert letters.deliver(timezone.now() + LATER) == 1
    assert list(mail.ids.values()) == [1, 1]


@pytest.mark.parametrize("step", ["RCPT", "DATA", "END"])
def test_a_letter_that_is_refused_for_good_is_never_tried_again_and_others_go_on(serve: Serve, step: str):
    mail = serve()
    mail.script = lambda now, about: "550 5.7.1 no" if now == step and mail.steps.count(step) == 1 else ""
    first, second = write(), write("bob@example.org")
    assert letters.deliver(timezone.now()) == 1
    assert (state(first), state(second)) == (State.REFUSED, State.SENT)
    assert "550 5.7.1 no" in first.problem
    assert letters.deliver(timezone.now() + LATER) == 0
    assert len(mail.accepted) == 1


@pytest.mark.parametrize("said", [CUT, HANG, CUT_AFTER])
def test_no_answer_to_the_last_line_leaves_a_letter_unknown_which_is_not_sent_again_by_itself(
    serve: Serve, settings: Any, said: str
):
    if said == HANG:
        settings.EMAIL_TIMEOUT = 1
    mail = serve(at("END", said))
    letter = write()
    assert letters.deliver(timezone.now()) == 0
    assert state(letter) == State.UNKNOWN
    assert letter.text  # so that it can be sent again
    mail.script = at("", "")
    assert letters.deliver(timezone.now() + LATER) == 0
    assert len(mail.accepted) == (said == CUT_AFTER)
    assert letters.again(letter, timezone.now())
    assert not letters.again(letter, timezone.now())  # the button pressed twice
    assert letters.deliver(timezone.now() + LATER) == 1
    assert set(mail.ids) == {postmarks.message_id(letter)}


def test_what_was_sent_or_refused_or_waits_is_not_sent_again_by_the_button(serve: Serve):
    serve(lambda step, about: "550 no" if step == "RCPT" and about.startswith("bob") else "")
    sent, refused = write(), write("bob@example.org")
    letters.deliver(timezone.now())
    waiting = write()
    for letter in (sent, refused, waiting):
        letter.refresh_from_db()
        assert not letters.again(letter, timezone.now())


def test_a_worker_that_lost_its_letter_meanwhile_withholds_the_last_line(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    mail, letter = serve(), write()
    written = letters.message_of

    def meanwhile(letter: Letter) -> Any:
        Letter.objects.filter(pk=letter.pk).update(tries=7)  # another took it, since this one took so long
        return written(letter)

    monkeypatch.setattr(letters, "message_of", meanwhile)
    assert letters.deliver(timezone.now()) == 0
    assert mail.steps[-1] == "DATA"
    assert mail.accepted == []
    letter.refresh_from_db()
    assert (letter.tries, letter.handed_at, letter.sent_at, letter.problem) == (7, None, None, "")


def test_a_worker_that_died_before_the_last_line_leaves_a_letter_to_others_and_one_that_died_after_it_does_not(
    serve: Serve,
):
    mail = serve()
    now = timezone.now()
    before, after = write(), write()
    Letter.objects.filter(pk=before.pk).update(tries=1, taken_until=now + timedelta(minutes=5))
    Letter.objects.filter(pk=after.pk).update(tries=1, taken_until=now + timedelta(minutes=5), handed_at=now)
    assert letters.deliver(now) == 0
    assert (state(before, now), state(after, now)) == (State.WAITING, State.WAITING)
    assert letters.deliver(now + timedelta(minutes=6)) == 1
    assert set(mail.ids) == {postmarks.message_id(before)}
    assert state(after, now + timedelta(minutes=6)) == State.UNKNOWN


def test_an_address_or_a_header_with_a_line_break_is_refused_and_others_go_on(serve: Serve):
    mail = serve()
    hiding = write("ada@example.org\nBcc: eve@example.org")
    header = letters.keep_bulk("ada@example.org", "Papers", "Text", "", {"List-Id": "x\r\nBcc: eve@example.org"})
    fine = write()
    assert letters.deliver(timezone.now()) == 1
    assert [state(each) for each in (hiding, header, fine)] == [State.REFUSED, State.REFUSED, State.SENT]
    assert [to for _from, to in mail.envelopes] == [["ada@example.org"]]


def test_the_envelope_says_where_to_what_comes_back_and_the_letter_who_wrote_it(serve: Serve, settings: Any):
    settings.BOUNCES_TO = "bounces@bzpeer.example"
    mail = serve()
    letter = write()
    letters.deliver(timezone.now())
    ((sender, _to),) = mail.envelopes
    assert sender == postmarks.return_path(letter)
    assert sender.startswith(f"bounces+letter-{letter.pk}-")
    assert len(sender.partition("@")[0]) <= 64
    assert mail.accepted[0]["From"] == settings.DEFAULT_FROM_EMAIL


def test_a_mark_is_read_back_only_where_it_was_made_here(settings: Any):
    letter = write()
    marked = postmarks.message_id(letter)
    assert list(postmarks.found_in(f"> {marked.upper()}")) == [letter.pk]
    assert list(postmarks.found_in(marked.replace(f"letter-{letter.pk}-", f"letter-{letter.pk + 1}-"))) == []
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "a new one"
    assert list(postmarks.found_in(marked)) == [letter.pk]
    settings.SECRET_KEY_FALLBACKS = []
    assert list(postmarks.found_in(marked)) == []


class Provider(BaseEmailBackend):
    """A provider's API, which knows no last line."""

    error: Exception | None = None

    def send_messages(self, messages: Any) -> int:
        assert Letter.objects.filter(handed_at__isnull=False).exists()
        if self.error:
            raise self.error
        return len(messages)


class Answered(Exception):
    """As anymail's: with the provider's status."""

    def __init__(self, status_code: int) -> None:
        super().__init__(status_code)
        self.status_code = status_code


@pytest.mark.parametrize(
    ("error", "became"),
    [
        (None, State.SENT),
        (ConnectionRefusedError(), State.WAITING),
        (socket.gaierror(), State.WAITING),
        (Answered(429), State.WAITING),
        (Answered(502), State.UNKNOWN),
        (ConnectionResetError(), State.UNKNOWN),
        (TimeoutError(), State.UNKNOWN),
    ],
)
def test_of_a_provider_that_may_have_got_it_a_letter_is_unknown(
    settings: Any, monkeypatch: pytest.MonkeyPatch, error: Exception | None, became: State
):
    settings.MAIL_KEPT, settings.EMAIL_BACKEND = False, f"{HERE}.Provider"
    monkeypatch.setattr(Provider, "error", error)
    letter = write()
    letters.deliver(timezone.now())
    assert state(letter) == became
    assert (letter.handed_at is None) == (became == State.WAITING)
