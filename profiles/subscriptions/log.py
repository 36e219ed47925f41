"""What was sent to a subscriber: each digest, and what is known of its letter. Entry point: `page`."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from profiles.letters import MOST_TRIES
from profiles.models import Digest, Letter, Subscriber

LISTED = 20

NOTHING = gettext_lazy("Nothing was new, so no letter was sent")
SENT = gettext_lazy("Sent")
WAITS = gettext_lazy("Waits to be sent")
TRIED = gettext_lazy("Could not be sent yet, and is tried again")
GIVEN_UP = gettext_lazy("Could not be sent")
ON_ITS_WAY = gettext_lazy("Is being sent")
UNKNOWN = gettext_lazy("The connection broke at the last word: it may have been sent, and is not sent again")
REFUSED = gettext_lazy("The mail server refused it")
CAME_BACK = gettext_lazy("It came back")


@dataclass(frozen=True, slots=True)
class Sent:
    """A digest as the log shows it."""

    digest: Digest
    picks: int
    state: Promise


def page(subscriber: Subscriber, before: int | None = None) -> tuple[list[Sent], int | None]:
    """(digests, the newest first, those older than `before`; the next `before`, None where there are no more)."""
    rows = Digest.objects.filter(subscriber=subscriber).select_related("letter").annotate(count=Count("picks"))
    older = rows.filter(pk__lt=before) if before is not None else rows
    found = list(older.order_by("-pk")[: LISTED + 1])
    shown = [Sent(digest, digest.count, state(digest.letter, digest.count)) for digest in found[:LISTED]]
    return shown, found[LISTED - 1].pk if len(found) > LISTED else None


def state(letter: Letter | None, picks: int) -> Promise:
    """What is known of a letter. One that is no more on record went: only such are forgotten."""
    if letter is None:
        return SENT if picks else NOTHING
    if letter.refused_at is not None:
        return CAME_BACK if letter.sent_at is not None else REFUSED
    if letter.sent_at is not None:
        return SENT
    is_taken = letter.taken_until is not None and letter.taken_until > timezone.now()
    if letter.handed_at is not None:
        return ON_ITS_WAY if is_taken else UNKNOWN
    if is_taken and not letter.problem:  # with one it waits for its next try
        return ON_ITS_WAY
    if letter.tries >= MOST_TRIES:
        return GIVEN_UP
    return TRIED if letter.problem else WAITS
