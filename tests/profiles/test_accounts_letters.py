"""Letters are delivered once, again until they are, by any number of workers, and read at /outbox/ on one's machine."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.locmem import EmailBackend as LocalBackend
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from profiles import letters
from profiles.models import Account, Letter
from tests.conftest import REPO_ROOT, with_role

pytestmark = pytest.mark.django_db

HERE = "tests.profiles.test_accounts_letters"


class Broken(BaseEmailBackend):
    """A mail server that refuses."""

    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError("no mail server here")


class Counting(BaseEmailBackend):
    """Counts, for all threads, and is slow enough for two workers to meet."""

    sent: list[str] = []
    lock = threading.Lock()

    def send_messages(self, messages: Any) -> int:
        with self.lock:
            self.sent.extend(message.subject for message in messages)
        return len(messages)


@pytest.fixture
def sending(settings: Any) -> None:
    settings.MAIL_KEPT = False
    settings.EMAIL_BACKEND = f"{LocalBackend.__module__}.EmailBackend"


def test_a_letter_goes_once_and_its_text_is_emptied(sending: None):
    letters.keep("ada@example.org", "Hello", "Good day.")
    assert (letters.deliver(timezone.now()), letters.deliver(timezone.now())) == (1, 0)
    (message,) = mail.outbox
    assert (message.to, message.subject, message.body) == (["ada@example.org"], "Hello", "Good day.\n")
    assert Letter.objects.get().text == ""


def test_where_mail_is_kept_the_text_stays():
    letters.keep("ada@example.org", "Hello", "Good day.")
    assert letters.deliver(timezone.now()) == 1
    assert Letter.objects.get().text == "Good day.\n"


@pytest.mark.parametrize(
    ("environment", "backend"),
    [
        ({}, "profiles.smtp.EmailBackend"),
        ({"MAIL_BACKEND": "anymail.backends.mailgun.EmailBackend"}, "anymail.backends.mailgun.EmailBackend"),
        (
            {"MAIL_KEPT": "1", "MAIL_BACKEND": "anymail.backends.mailgun.EmailBackend"},
            "django.core.mail.backends.dummy.EmailBackend",
        ),
    ],
)
def test_the_transport_is_chosen_by_the_environment_and_nothing_leaves_where_mail_is_kept(
    environment: dict[str, str], backend: str
):
    kept = {name: value for name, value in os.environ.items() if name not in {"MAIL_KEPT", "DJANGO_SETTINGS_MODULE"}}
    code = "from bzpeer import settings; print(settings.EMAIL_BACKEND, settings.ANYMAIL.get('MAILGUN_API_KEY'))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | environment | {"ANYMAIL_MAILGUN_API_KEY": "k-1"},
        cwd=REPO_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == [backend, "k-1"]


def test_what_fails_is_kept_with_the_reason_and_tried_again(sending: None, settings: Any):
    letters.keep("ada@example.org", "Hello", "Good day.")
    working, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{HERE}.Broken"
    assert letters.deliver(timezone.now()) == 0
    letter = Letter.objects.get()
    assert (letter.sent_at, letter.tries) == (None, 1)
    assert "no mail server here" in letter.problem
    assert letter.text
    settings.EMAIL_BACKEND = working
    assert letters.deliver(timezone.now()) == 0  # not so soon
    assert letters.deliver(timezone.now() + letters.PAUSES[0] + timedelta(seconds=5)) == 1
    letter.refresh_from_db()
    assert (letter.problem, letter.tries, letter.sent_at is None) == ("", 2, False)


def test_that_a_letter_went_is_forgotten_after_a_month(sending: None):
    letters.keep("ada@example.org", "Hello", "Good day.")
    letters.deliver(timezone.now())
    letters.deliver(timezone.now() + letters.KEPT - timedelta(hours=1))
    assert Letter.objects.exists()
    letters.deliver(timezone.now() + letters.KEPT + timedelta(hours=1))
    assert not Letter.objects.exists()


def test_what_never_goes_is_given_up(sending: None, settings: Any):
    letters.keep("ada@example.org", "Hello", "Good day.")
    settings.EMAIL_BACKEND = f"{HERE}.Broken"
    for hours in range(letters.MOST_TRIES + 2):
        letters.deliver(timezone.now() + timedelta(hours=2 * hours))
    letter = Letter.objects.get()
    assert letter.tries == letters.MOST_TRIES
    assert letters.state(letter, timezone.now()) == letters.State.GIVEN_UP


@pytest.mark.django_db(transaction=True)
def test_of_several_workers_each_letter_goes_by_one(sending: None, settings: Any):
    settings.EMAIL_BACKEND = f"{HERE}.Counting"
    Counting.sent.clear()
    for number in range(20):
        letters.keep("ada@example.org", f"letter {number}", "Good day.")

    def work(_: int) -> int:
        try:
            return letters.deliver(timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        went = sum(pool.map(work, range(6)))
    assert went == 20
    assert sorted(Counting.sent) == sorted(f"letter {number}" for number in range(20))


def test_a_subject_hides_no_header(sending: None):
    letters.keep("ada@example.org", "Hello\r\nBcc: eve@example.org\n\nbody", "Good day.")
    letters.deliver(timezone.now())
    (message,) = mail.outbox
    assert message.recipients() == ["ada@example.org"]
    assert "Bcc" not in message.message()
    assert message.subject == "Hello Bcc: eve@example.org body"


def test_an_address_that_hides_a_header_is_refused_and_others_still_go(sending: None):
    letters.keep("ada@example.org\nBcc: eve@example.org", "Hello", "Good day.")
    assert letters.deliver(timezone.now()) == 0
    assert mail.outbox == []
    letters.keep("ada@example.org", "Hello", "Good day.")
    assert letters.deliver(timezone.now()) == 1


# The outbox


def test_staff_read_the_mail_of_this_machine_as_text(client: Client):
    letters.keep(
        "ada@example.org", "<b>Hello</b>", "<script>alert(1)</script> javascript:alert(2) http://a.example/x?y=1"
    )
    client.force_login(with_role("curator"))
    page = client.get(reverse("outbox")).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert 'href="http://a.example/x?y=1"' in page
    assert 'href="javascript' not in page
    assert "<b>Hello" not in page


def test_the_outbox_is_for_staff_and_only_where_mail_is_kept(client: Client, settings: Any):
    assert client.get(reverse("outbox"))["Location"].startswith(reverse("account_login"))
    client.force_login(Account.objects.create_user("ada"))
    assert client.get(reverse("outbox")).status_code == 403
    client.force_login(with_role("curator"))
    assert client.get(reverse("outbox")).status_code == 200
    settings.MAIL_KEPT = False
    assert client.get(reverse("outbox")).status_code == 404
    assert Client().get(reverse("outbox")).status_code == 404


def test_the_outbox_pages_by_key(client: Client):
    for number in range(25):
        letters.keep("ada@example.org", f"letter {number:02}", "Good day.")
    client.force_login(with_role("curator"))
    first = client.get(reverse("outbox"))
    second = client.get(reverse("outbox"), {"before": first.context["following"]})
    subjects = [letter.subject for page in (first, second) for letter in page.context["letters"]]
    assert subjects == [f"letter {number:02}" for number in reversed(range(25))]
    assert client.get(reverse("outbox"), {"before": "٣"}).status_code == 400
