"""Mail that is refused or comes back: what stops an address, what does not, and who can make it look so."""

from __future__ import annotations

import io
import mailbox
from datetime import timedelta
from email import message_from_string
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from profiles import letters, postmarks
from profiles.models import Digest, Letter, Subscriber, Subscription
from profiles.subscriptions import bounces
from tests.profiles.test_letters import Serve, at, serve

__all__ = ["serve"]
pytestmark = pytest.mark.django_db
NOBODY = "550 5.1.1 no such user"


def letter_to(name: str, days_ago: int = 0) -> Letter:
    """A digest's letter that went."""
    subscriber, _new = Subscriber.objects.get_or_create(
        address=f"{name}@x.org", defaults={"email": f"{name}@x.org", "key": name}
    )
    if not subscriber.subscriptions.exists():
        Subscription.objects.create(
            subscriber=subscriber, kind="trending", frequency="daily", confirmed_at=timezone.now()
        )
    letter = letters.keep_bulk(subscriber.email, "Papers", "Text", "", {})
    Letter.objects.filter(pk=letter.pk).update(sent_at=timezone.now(), handed_at=timezone.now())
    day = timezone.now().date() - timedelta(days=days_ago)
    Digest.objects.create(subscriber=subscriber, frequency="daily", period=day, letter=letter)
    return letter


def is_stopped(name: str) -> bool:
    return Subscriber.objects.get(address=f"{name}@x.org").stopped_at is not None


def report(letter: Letter, action: str = "failed", status: str = "5.1.1", said: str = "no such user") -> bytes:
    """A delivery status notification (RFC 3464) with the headers of what it is about."""
    whole = MIMEMultipart("report", report_type="delivery-status")
    whole["From"], whole["To"] = "MAILER-DAEMON@mx.example", "bounces@bzpeer.example"
    whole.attach(MIMEText("Your message could not be delivered."))
    of_message = message_from_string("Reporting-MTA: dns; mx.example\n\n")
    of_recipient = message_from_string(
        f"Final-Recipient: rfc822; x@x.org\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; 550 {said}\n\n"
    )
    told = MIMEMessage(of_message, "delivery-status")
    told.set_payload([of_message, of_recipient])
    whole.attach(told)
    whole.attach(MIMEText(f"Message-ID: {postmarks.message_id(letter)}\nSubject: Papers\n", "rfc822-headers"))
    return whole.as_bytes()


# --- at once ----------------------------------------------------------------------------------------------------------


def test_that_there_is_no_such_letter_box_stops_at_once(serve: Serve):
    serve(at("RCPT", NOBODY, "ada"))
    letter = letter_to("ada")
    Letter.objects.update(sent_at=None, handed_at=None)
    letters.deliver(timezone.now())
    letter.refresh_from_db()
    assert letters.state(letter, timezone.now()) == letters.State.REFUSED
    ada = Subscriber.objects.get()
    assert ada.stopped_at
    assert ada.stopped_because == f"Your mail server says that there is no such letter box: {NOBODY}"


@pytest.mark.parametrize(("step", "said"), [("RCPT", "550 5.7.1 not from you"), ("END", "554 5.6.0 looks like spam")])
def test_other_refusals_stop_after_some_in_a_row(serve: Serve, step: str, said: str):
    mail = serve(at(step, said))
    for number in range(bounces.MOST_SOFT):
        assert not is_stopped("ada") if number else True
        letter_to("ada", days_ago=number)
        Letter.objects.filter(refused_at=None).update(sent_at=None, handed_at=None)
        letters.deliver(timezone.now())
    assert is_stopped("ada")
    assert mail.accepted == []


def test_one_letter_that_arrives_begins_the_row_anew():
    for number in range(2 * bounces.MOST_SOFT):
        letter = letter_to("ada", days_ago=number)
        if number != bounces.MOST_SOFT - 1:
            bounces.read(report(letter, status="5.2.2", said="full"))
            assert is_stopped("ada") == (number == 2 * bounces.MOST_SOFT - 1)


def test_who_asked_for_mail_again_has_as_many_letters_again():
    for number in range(bounces.MOST_SOFT):
        bounces.read(report(letter_to("ada", days_ago=number), status="5.2.2", said="full"))
    assert is_stopped("ada")
    Subscriber.objects.update(stopped_at=None, bounces=0)
    bounces.read(report(letter_to("ada", days_ago=9), status="5.2.2", said="full"))
    assert not is_stopped("ada")


# --- what came back ---------------------------------------------------------------------------------------------------


def test_a_report_of_failure_stops_whom_it_is_about_and_nobody_else():
    letter, _other = letter_to("ada"), letter_to("bob")
    assert "nothing more is sent" in bounces.read(report(letter))
    assert (is_stopped("ada"), is_stopped("bob")) == (True, False)
    letter.refresh_from_db()
    assert letter.refused_at
    assert letter.sent_at
    assert "no such user" in letter.problem


def test_the_same_report_read_again_counts_once():
    letter = letter_to("ada")
    for _ in range(5):
        bounces.read(report(letter, status="5.2.2", said="full"))
    assert Subscriber.objects.get().bounces == 1


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_a_report_of_anything_but_failure_counts_nothing(action: str):
    bounces.read(report(letter_to("ada"), action, "4.4.1"))
    assert Letter.objects.get().refused_at is None
    assert Subscriber.objects.get().bounces == 0


def test_a_report_that_the_time_was_over_is_no_word_about_the_address():
    bounces.read(report(letter_to("ada"), status="4.4.7", said="expired"))
    assert (is_stopped("ada"), Subscriber.objects.get().bounces) == (False, 1)


def test_a_message_that_a_server_returned_in_its_own_words_is_understood():
    letter = letter_to("ada")
    returned = (
        "From: Mail Delivery System <mailer-daemon@old.example>\nSubject: failure notice\n\n"
        "Hi. This is the qmail-send program.\n<ada@x.org>:\n192.0.2.1 said: 550 5.1.1 unknown user\n\n"
        f"--- Below this line is a copy of the message.\n\nMessage-ID: {postmarks.message_id(letter)}\n\nText\n"
    )
    bounces.read(returned.encode())
    assert is_stopped("ada")


def test_what_comes_to_the_letters_own_address_needs_no_copy_of_it(settings: Any):
    settings.BOUNCES_TO = "bounces@bzpeer.example"
    letter = letter_to("ada")
    text = b"Return-Path: <>\nFrom: postmaster@x.org\n\n550 5.1.1 unknown\n"
    assert "no mark" in bounces.read(text)
    bounces.read(text, recipient=postmarks.return_path(letter))
    assert is_stopped("ada")


@pytest.mark.parametrize(
    "headers",
    [
        "From: ada@x.org\nAuto-Submitted: auto-replied\nSubject: On holiday: 550 papers",
        "From: ada@x.org\nSubject: Re: Papers",
        "From: postmaster@x.org\nAuto-Submitted: auto-replied",
    ],
)
def test_answers_of_people_and_of_their_programs_count_nothing(headers: str):
    letter = letter_to("ada")
    answer = f"{headers}\nIn-Reply-To: {postmarks.message_id(letter)}\n\nI am away until 550 5.1.1.\n"
    assert "an answer" in bounces.read(answer.encode())
    assert not is_stopped("ada")
    assert Letter.objects.get().refused_at is None


def test_a_complaint_stops_at_once():
    letter = letter_to("ada")
    whole = MIMEMultipart("report", report_type="feedback-report")
    whole.attach(MIMEText("This is an abuse report."))
    told = MIMEText("Feedback-Type: abuse\n")
    told.replace_header("Content-Type", "message/feedback-report")
    whole.attach(told)
    whole.attach(MIMEText(f"Message-ID: {postmarks.message_id(letter)}\n", "rfc822-headers"))
    bounces.read(whole.as_bytes())
    assert is_stopped("ada")
    assert "marked as unwanted" in Subscriber.objects.get().stopped_because


def test_nobody_stops_somebody_elses_mail_with_a_made_up_report():
    letter = letter_to("ada")
    forged = SimpleNamespace(pk=letter.pk)
    real = report(letter).decode()
    mark = postmarks.message_id(forged)  # type: ignore[arg-type]
    for made_up in (f"<letter-{letter.pk}-{'0' * 24}@x>", f"<letter-{letter.pk}@x>", mark[:-20]):
        assert "no mark" in bounces.read(real.replace(mark, made_up).encode())
    assert not is_stopped("ada")


def _nested(depth: int) -> bytes:
    """A message in a message in a message …"""
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(depth)
    )


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\0\xff\xfe" * 1000,
        b"Content-Type: multipart/report; report-type=delivery-status\n\nno parts",
        b"Content-Type: text/plain; charset=no-such\nContent-Transfer-Encoding: base64\n\n!!!!",
        b"Content-Type: message/delivery-status\n\nAction: failed\n",
        b"From: postmaster@x\n\n" + b"550 " * 1_000_000,
        b"A: b\n" * 300_000,
        _nested(2_000),
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\npart\n" * 50_000,
    ],
    ids=["empty", "noise", "no parts", "unknown encoding", "no multipart", "4 MB", "headers", "nested", "parts"],
)
def test_hostile_messages_are_a_sentence(message: bytes):
    letter_to("ada")
    assert bounces.read(message).endswith(".")
    assert not is_stopped("ada")


def test_no_more_than_the_beginning_is_read():
    letter = letter_to("ada")
    assert "no mark" in bounces.read(b"From: postmaster@x\n\n" + b"x" * bounces.LARGEST + report(letter))


# --- the command ------------------------------------------------------------------------------------------------------


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command("bounces", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_reads_one_message_from_its_input(monkeypatch: pytest.MonkeyPatch):
    letter = letter_to("ada")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(report(letter))))
    assert f"Letter {letter.pk} came back" in told()
    assert is_stopped("ada")


@pytest.mark.parametrize("kind", [mailbox.mbox, mailbox.Maildir])
def test_the_command_reads_letter_boxes(tmp_path: Path, kind: Any):
    box = kind(tmp_path / "box")
    for name in ("ada", "bob"):
        box.add(report(letter_to(name)))
    box.add(b"From: a@b\n\nHello.\n")
    box.flush()
    assert told(str(tmp_path / "box")).count("came back") == 2
    assert is_stopped("ada")
    assert is_stopped("bob")


def test_the_command_says_what_is_not_there(tmp_path: Path):
    with pytest.raises(CommandError, match="There is no"):
        told(str(tmp_path / "nothing"))
    with pytest.raises(CommandError, match="is no Maildir"):
        told(str(tmp_path))
