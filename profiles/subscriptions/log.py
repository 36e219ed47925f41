"""What was sent to a subscriber: each digest, and what is known of its letter. Entry point: `page`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from profiles.letters import State, state
from profiles.models import Digest, Letter, Subscriber

LISTED = 20

NOTHING = gettext_lazy("Nothing was new, so no letter was sent")
LONG_AGO = gettext_lazy("More than a month ago: what became of the letter is no longer on record")
TRIED = gettext_lazy("Could not be sent yet, and is tried again")
CAME_BACK = gettext_lazy("It came back")
TOLD = {
    State.WAITING: gettext_lazy("Waits to be sent"),
    State.SENT: gettext_lazy("Sent"),
    State.UNKNOWN: gettext_lazy("The connection broke at the last word: perhaps it was sent"),
    State.REFUSED: gettext_lazy("The mail server refused it"),
    State.GIVEN_UP: gettext_lazy("Could not be sent, and is not tried any more"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A digest as the log shows it."""

    digest: Digest
    picks: int
    told: Promise


def page(subscriber: Subscriber, now: datetime, before: int | None = None) -> tuple[list[Sent], int | None]:
    """(digests, the newest first, those older than `before`; the next `before`, None where there are no more)."""
    rows = Digest.objects.filter(subscriber=subscriber).select_related("letter").annotate(count=Count("picks"))
    older = rows.filter(pk__lt=before) if before is not None else rows
    found = list(older.order_by("-pk")[: LISTED + 1])
    shown = [Sent(digest, digest.count, told(digest.letter, digest.count, now)) for digest in found[:LISTED]]
    return shown, found[LISTED - 1].pk if len(found) > LISTED else None


def told(letter: Letter | None, picks: int, now: datetime) -> Promise:
    """What is known of the letter of a digest with so many papers."""
    if letter is None:
        return LONG_AGO if picks else NOTHING
    known = state(letter, now)
    if known == State.REFUSED and letter.sent_at:
        return CAME_BACK
    return TRIED if known == State.WAITING and letter.problem else TOLD[known]
