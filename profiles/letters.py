"""Letters: mail is written with what it tells, in one transaction, and delivered by a worker afterwards, never twice.

Problem: mail that is sent from a request is lost with the mail server, or tells of what was then rolled back; and a
worker may die after the server has accepted a letter and before that is noted. Idea: a row, delivered once it is
committed, in steps that are each committed before the next begins:

1. A worker *takes* the letter for a while (`taken_until`), longer than a conversation with the mail server lasts.
2. When all but the letter's last line is transmitted it is *handed* over (`handed_at`), if the worker still has it;
   only then the last line follows (`profiles.smtp`).
3. The server's answer is noted: *sent*, *refused*, or to be tried again later.

Who dies before step 2 leaves a letter that another worker takes when the time is over: nothing was accepted. Who dies
after it, or gets no answer, leaves one of which nobody can know whether it went (RFC 1047). That is never sent again by
itself. A digest says so on its page, where its reader may ask for it again; of other letters people ask again anyway.
So a letter goes at most once, and once unless the connection breaks in that very moment. The two statements of step 1
and 2 compare what they find with what they expect, so that no clock has to be right for this: those only say when.

A provider's API (django-anymail), and where mail is kept, know no last line: there a letter is handed over before it
is sent. Where nothing can have left, since nobody answered the connection, it is tried again all the same.

Letters that came back are read by `profiles.subscriptions.bounces`. Entry points: `write` for text from
`templates/mail/<name>.txt` (first line: the subject), `keep` for text that is there already, `deliver`; `state` and
`again` for pages.
"""

from __future__ import annotations

import contextlib
import logging
import smtplib
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from time import monotonic
from typing import Any

from anymail.exceptions import AnymailRecipientsRefused
from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from papers.text import clean, storable

from . import postmarks
from .models import Account, Letter
from .smtp import Withheld
from .subscriptions import bounces

_LOG = logging.getLogger(__name__)

KEPT = timedelta(days=30)  # that a letter was written, and to whom: as long as somebody may ask where it is
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 15, 30, 60))  # between tries; the last one stays
MOST_TRIES = 125  # with these pauses five days, as long as mail servers try (RFC 5321, 4.5.4.1)
DELIVERED_AT_ONCE = 100  # letters that one run of the worker takes
FORGOTTEN_AT_ONCE = 2 * DELIVERED_AT_ONCE  # faster than they come
# Answers that one letter waits for at most: connection, greeting, EHLO, STARTTLS, its handshake, EHLO, AUTH (3), MAIL,
# RCPT, DATA, the text, the last line; the connection once more where the server had grown tired of the first one.
ANSWERS = 24
_TOO_LARGE = 552


def write(to: Account | str, name: str, context: Mapping[str, Any]) -> Letter | None:
    """Write the letter `name` to an address, or to the address of an account; None where that has none."""
    address = to if isinstance(to, str) else to.email
    if not address:
        return None
    subject, _blank, text = (
        render_to_string(f"mail/{name}.txt", {"site": settings.SITE_URL, **context}).strip().partition("\n")
    )
    return keep(address, subject, text)


def keep(to: str, subject: str, text: str) -> Letter:
    """Keep the letter for delivery after commit. Line breaks in the subject, where headers could be hidden, go."""
    letter = Letter.objects.create(to=to, subject=_line(subject), text=text.strip() + "\n")
    transaction.on_commit(lambda: current_app.send_task("bzpeer.deliver_letters"))
    return letter


def keep_bulk(to: str, subject: str, text: str, html: str, headers: Mapping[str, str]) -> Letter:
    """Keep one letter of many, which goes when no other waits. Whoever keeps them sends for a worker, once for all."""
    return Letter.objects.create(
        to=to, subject=_line(subject), text=text.strip() + "\n", html=html, headers=dict(headers), is_bulk=True
    )


def _line(subject: str) -> str:
    return " ".join(subject.split())[:300]


# --- what became of a letter ------------------------------------------------------------------------------------------


class State(Enum):
    """Where a letter is."""

    WAITING = auto()
    SENT = auto()
    UNKNOWN = auto()  # handed over, and no answer came
    REFUSED = auto()  # for good, or it came back
    GIVEN_UP = auto()


def state(letter: Letter, now: datetime) -> State:
    """Of a letter as it was loaded."""
    if letter.refused_at:
        return State.REFUSED
    if letter.sent_at:
        return State.SENT
    if letter.handed_at:
        return State.UNKNOWN if not letter.taken_until or letter.taken_until <= now else State.WAITING
    return State.WAITING if letter.tries < MOST_TRIES else State.GIVEN_UP


def again(letter: Letter, now: datetime) -> bool:
    """Send a letter again of which nobody knows whether it went; False where that is not so, or not so any more."""
    unknown = Letter.objects.filter(
        Q(taken_until=None) | Q(taken_until__lte=now),
        pk=letter.pk,
        handed_at__isnull=False,
        sent_at=None,
        refused_at=None,
        tries__lt=MOST_TRIES,
    )
    if not unknown.update(handed_at=None, taken_until=None, problem=""):
        return False
    transaction.on_commit(lambda: current_app.send_task("bzpeer.deliver_letters"))
    return True


# --- delivery ---------------------------------------------------------------------------------------------------------


class Fate(Enum):
    """What came of one try."""

    SENT = auto()
    LATER = auto()  # this letter is tried again
    UNWELL = auto()  # this letter is, and so would be all others: the run ends
    REFUSED = auto()
    UNKNOWN = auto()
    LOST = auto()  # to another worker: this one took too long


def deliver(now: datetime) -> int:
    """Send what waits; returns how many letters went. What fails is tried again, what is refused is told of."""
    _forget(now)
    went, began = 0, monotonic()
    with contextlib.closing(_Post(get_connection(), lambda: now + timedelta(seconds=monotonic() - began))) as post:
        for _number in range(DELIVERED_AT_ONCE):
            letter = _take(post.now())
            if letter is None:
                break
            fate = post.send(letter)
            went += fate == Fate.SENT
            if fate in {Fate.UNWELL, Fate.UNKNOWN}:
                break  # the next run tries again
    return went


def _forget(now: datetime) -> None:
    """The oldest letters, where they are too old: some at each run, which reads no more than those."""
    if not settings.MAIL_KEPT:
        oldest = Letter.objects.order_by("pk").values_list("pk", "made_at")[:FORGOTTEN_AT_ONCE]
        Letter.objects.filter(pk__in=[pk for pk, made_at in oldest if made_at < now - KEPT]).delete()


def waiting(now: datetime) -> QuerySet[Letter]:
    """Letters that a worker may take, those first that somebody waits for."""
    free = Letter.objects.filter(sent_at=None, handed_at=None, refused_at=None, tries__lt=MOST_TRIES)
    return free.filter(Q(taken_until=None) | Q(taken_until__lte=now)).order_by("is_bulk", "pk")


def _take(now: datetime) -> Letter | None:
    """The next letter, which nobody else takes as long as a conversation lasts. It is committed when this returns."""
    with transaction.atomic(durable=True):
        letter = waiting(now).select_for_update(skip_locked=True).first()
        if letter is not None:
            letter.tries += 1
            letter.taken_until = now + timedelta(seconds=ANSWERS * settings.EMAIL_TIMEOUT)
            letter.save(update_fields=["tries", "taken_until"])
    return letter


@dataclass
class _Post:
    """The way to the mail server, for one run."""

    connection: BaseEmailBackend
    now: Callable[[], datetime]  # a run takes minutes

    def close(self) -> None:
        with contextlib.suppress(Exception):  # all that matters was noted
            self.connection.close()

    def send(self, letter: Letter) -> Fate:
        """Send the letter, and note what came of it."""
        mine = Letter.objects.filter(pk=letter.pk, tries=letter.tries, taken_until=letter.taken_until)
        handed = False

        def hand() -> bool:
            nonlocal handed
            handed = bool(mine.filter(handed_at=None).update(handed_at=self.now()))
            return handed

        if bounces.is_unwanted(letter):
            return self._note(letter, mine, Fate.REFUSED, _("Its reader wanted no more mail before it went."))
        try:
            message = message_of(letter)
            if getattr(self.connection, "asks_before_last_line", False):
                message.before_last_line = hand  # type: ignore[attr-defined]
            else:
                message.message()  # headers that hide others are refused here, before anything is handed over
                if not hand():
                    return Fate.LOST
            self.connection.open()
            self.connection.send_messages([message])
        except Exception as error:  # whatever a mail provider's library raises
            with transaction.atomic():
                fate = self._note(letter, mine, judge(error, handed), said(error))
                if fate == Fate.REFUSED:
                    bounces.count(letter.pk, *_of_address(error))
            return fate
        return self._note(letter, mine, Fate.SENT)

    def _note(self, letter: Letter, mine: QuerySet[Letter], fate: Fate, problem: str = "") -> Fate:
        now = self.now()
        changes: dict[str, Any] = {"taken_until": None, "problem": problem}
        if fate in {Fate.LATER, Fate.UNWELL}:
            pause = PAUSES[min(letter.tries, len(PAUSES)) - 1]
            changes |= {"handed_at": None, "taken_until": now + pause}
        elif fate == Fate.SENT:
            changes |= {"sent_at": now}
        elif fate == Fate.REFUSED:
            changes |= {"refused_at": now}
        if fate in {Fate.SENT, Fate.REFUSED} and not settings.MAIL_KEPT:
            changes |= {"text": "", "html": "", "headers": {}}
        if fate != Fate.LOST:
            mine.update(**changes)
        if fate == Fate.UNKNOWN:
            _LOG.warning("Letter %s was handed over and no answer came: %s It is not sent again.", letter.pk, problem)
        return fate


def message_of(letter: Letter) -> EmailMessage:
    """The letter as it is sent: the same at every try. Django refuses line breaks in headers."""
    headers = {"Message-ID": postmarks.message_id(letter), "Date": format_datetime(letter.made_at)}
    headers |= {"Auto-Submitted": "auto-generated"} | letter.headers
    sender = None
    if back := postmarks.return_path(letter):
        sender, headers["From"] = back, settings.DEFAULT_FROM_EMAIL  # the envelope's, and the one that is shown
    message = EmailMultiAlternatives(letter.subject, letter.text, sender, [letter.to], headers=headers)
    if letter.html:
        message.attach_alternative(letter.html, "text/html")
    return message


def judge(error: Exception, handed: bool) -> Fate:
    """What an error says of a letter that was, or was not, handed over."""
    if isinstance(error, Withheld):
        return Fate.LOST
    if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
        return _of_answer(error, handed)
    if _never_left(error):
        return Fate.UNWELL
    if isinstance(error, smtplib.SMTPNotSupportedError | AnymailRecipientsRefused):
        return Fate.REFUSED
    if handed:
        status = getattr(error, "status_code", None)  # a provider's: 4xx is its word that it did not take the letter
        return Fate.LATER if isinstance(status, int) and 400 <= status < 500 else Fate.UNKNOWN
    # Not the server's fault: an address or a header that cannot be written.
    return Fate.REFUSED if isinstance(error, ValueError) else Fate.UNWELL


def _of_answer(error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused, handed: bool) -> Fate:
    code, _reply = _answer(error)
    if isinstance(error, smtplib.SMTPDataError):
        if 200 <= code < 300:
            return Fate.SENT
        if not 400 <= code < 600:
            return Fate.UNKNOWN if handed else Fate.UNWELL
    if code == 421:
        return Fate.UNWELL
    if isinstance(error, smtplib.SMTPDataError | smtplib.SMTPRecipientsRefused):
        return Fate.REFUSED if code >= 500 else Fate.LATER
    # At the greeting, the login or the sender it is about us, and no letter is lost for that, unless it is too large.
    return Fate.REFUSED if code == _TOO_LARGE else Fate.UNWELL


def _never_left(error: BaseException) -> bool:
    """Whether nobody answered the connection, as a library may say in its own words."""
    return any(isinstance(each, ConnectionRefusedError | socket.gaierror) for each in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _depth in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _answer(error: Exception) -> tuple[int, str]:
    """The server's code and words; 0 where it said nothing."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
        return code, _text(reply)
    return (error.smtp_code, _text(error.smtp_error)) if isinstance(error, smtplib.SMTPResponseException) else (0, "")


def _text(reply: bytes | str) -> str:
    return reply.decode(errors="replace") if isinstance(reply, bytes) else reply


def _of_address(error: Exception) -> tuple[str, bool]:
    """(what was said, whether it was said of the address: at the recipient's name)."""
    code, reply = _answer(error)
    return f"{code} {reply}" if code else said(error), isinstance(error, smtplib.SMTPRecipientsRefused)


def said(error: Exception) -> str:
    """An error as a line."""
    code, reply = _answer(error)
    words = f"{code} {reply}" if code else str(error)
    return clean(storable(f"{type(error).__name__}: {words}"))[:500]
