"""Letters: mail is written with what it tells, in one transaction, and delivered by a worker afterwards.

Problem: mail that is sent from a request is lost with the mail server, or tells of what was then rolled back. Idea: a
row, delivered once it is committed and again until it is; its text is emptied when it has gone. Entry points: `write`
for text from `templates/mail/<name>.txt` (first line: the subject), `keep` for text that is there already, `deliver`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string

from .models import Account, Letter

MOST_TRIES = 8
KEPT = timedelta(days=30)  # that a letter went, and to whom: as long as somebody may ask where it is
DELIVERED_AT_ONCE = 100  # letters that one run of the worker takes


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
    letter = Letter.objects.create(to=to, subject=" ".join(subject.split())[:300], text=text.strip() + "\n")
    transaction.on_commit(lambda: current_app.send_task("bzpeer.deliver_letters"))
    return letter


def deliver(now: datetime) -> int:
    """Send what waits, each letter by one worker only; returns how many went. A failure is kept and tried again."""
    if not settings.MAIL_KEPT:
        Letter.objects.filter(sent_at__lt=now - KEPT).delete()
    went = 0
    for _ in range(DELIVERED_AT_ONCE):
        with transaction.atomic():
            waiting = Letter.objects.select_for_update(skip_locked=True).filter(sent_at=None, tries__lt=MOST_TRIES)
            letter = waiting.order_by("tries", "pk").first()
            if letter is None:
                break
            letter.tries += 1
            try:
                EmailMessage(letter.subject, letter.text, to=[letter.to]).send()
            except Exception as error:  # whatever a mail provider's library raises
                letter.problem = f"{type(error).__name__}: {error}"[:500]
            else:
                letter.sent_at, letter.problem = now, ""
                letter.text = letter.text if settings.MAIL_KEPT else ""
                went += 1
            letter.save()
            if letter.problem:
                break  # the server is not well: the next run tries again
    return went
