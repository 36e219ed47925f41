"""Mail that is refused or comes back, and when nothing more is sent to its address.

Problem: who goes on writing to addresses that are no more is taken for a sender of advertising; who stops at the first
temporary trouble loses readers; and anybody can write to the address for returned mail, whatever they like. Idea: a
letter is known again by its mark, which nobody can invent (`profiles.postmarks`), so that whoever forges a return stops
at most what they got themselves. That there is no such address, or a complaint, stops at once; other refusals when
`MOST_SOFT` letters in a row were refused. Of returned mail no more than `LARGEST` bytes and `MOST_PARTS` parts are
read, and only reports of failed delivery (RFC 3464), complaints (RFC 5965) and what a mail server returns in its own
words count: not delays, nor answers of people and of programs that say that somebody is on holiday.
Entry points: `read` for a message, `count` for what the mail server refuses at once, `is_unwanted` before sending.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from itertools import islice

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from papers.text import clean, storable
from profiles import postmarks
from profiles.models import Digest, Letter, Subscriber, Subscription

MOST_SOFT = 3  # letters in a row: of daily ones as many days, which a full letter box or a broken server may last
LARGEST = 1_000_000  # bytes of a message; a report with a whole digest in it has 100 kB
MOST_PARTS = 50
_SHOWN = 200  # characters of what a mail server said
# RFC 3463: no such letter box, domain or name; moved away; switched off. Of other codes a reader may be rid tomorrow.
_NOBODY = re.compile(r"\b5\.(?:1\.[1236]|1\.10|2\.1)\b")
_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_PERMANENT = re.compile(r"\b5(?:\d\d|\.\d{1,3}\.\d{1,3})\b")
_SERVER = re.compile(r"mailer-daemon|postmaster|mail delivery", re.IGNORECASE)


# --- what was refused -------------------------------------------------------------------------------------------------


def is_unwanted(letter: Letter) -> bool:
    """Whether a digest waits for somebody who has stopped since it was written."""
    if not letter.is_bulk:
        return False
    digest = Digest.objects.filter(letter=letter).select_related("subscriber").first()
    if digest is None:
        return False
    live = Subscription.objects.live().filter(subscriber=digest.subscriber)
    return digest.subscriber.stopped_at is not None or not live.exists()


@transaction.atomic
def count(letter: int, reply: str, of_address: bool, *, complaint: bool = False, told_before: bool = False) -> bool:
    """A letter was refused with this reply, `of_address` where that speaks of the recipient. What was `told_before`
    makes the row no longer. Returns whether nothing more is sent to its reader."""
    subscriber = Subscriber.objects.select_for_update(no_key=True).filter(digests__letter=letter).first()
    if subscriber is None or subscriber.stopped_at:
        return subscriber is not None
    # The row begins anew where the reader asked for mail again: then `bounces` was set to none.
    subscriber.bounces = min(_in_a_row(subscriber, letter), subscriber.bounces + (not told_before))
    said = clean(storable(reply))[:_SHOWN]
    if complaint:
        why = _("Your mail provider told us that a letter of ours was marked as unwanted.")
    elif of_address and is_nobody(reply):
        why = _("Your mail server says that there is no such letter box: %(said)s") % {"said": said}
    elif subscriber.bounces >= MOST_SOFT:
        why = _("Your mail server refused %(n)d letters in a row, the last one so: %(said)s") % {
            "n": subscriber.bounces,
            "said": said,
        }
    else:
        subscriber.save(update_fields=["bounces"])
        return False
    subscriber.stopped_at, subscriber.stopped_because = timezone.now(), why[:300]
    subscriber.save(update_fields=["bounces", "stopped_at", "stopped_because"])
    return True


def is_nobody(reply: str) -> bool:
    """Whether a reply says that there is no such letter box: by its code, or for good and with no code that says more.

    >>> is_nobody("550 5.1.1 unknown"), is_nobody("550 unknown"), is_nobody("550 5.7.1 rejected"), is_nobody("450 ?")
    (True, True, False, False)
    """
    return bool(_NOBODY.search(reply) or (_PERMANENT.match(reply) and not _ENHANCED.search(reply)))


def _in_a_row(subscriber: Subscriber, letter: int) -> int:
    """How many letters up to this one were refused, with none between them that was not."""
    letters = Letter.objects.filter(digest__subscriber=subscriber, pk__lte=letter).order_by("-pk")
    refused = 0
    for refused_at in letters.values_list("refused_at", flat=True)[:MOST_SOFT]:
        if refused_at is None:
            break
        refused += 1
    return refused


# --- what came back ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Return:
    """What a message says of letters of ours."""

    letters: frozenset[int] = frozenset()
    reply: str = ""
    of_address: bool = False
    complaint: bool = False
    no_return: str = ""  # why it counts nothing


def read(message: bytes, recipient: str = "") -> str:
    """Count what a message says, and tell of it in a sentence. `recipient` is whom the envelope named."""
    try:
        found = understood(message, recipient)
    except (RecursionError, ValueError, LookupError, AttributeError, TypeError):  # the email package on what is no mail
        return _("This is no message that can be read.")
    if found.no_return:
        return found.no_return
    stopped, now = False, timezone.now()
    letters = list(Letter.objects.filter(pk__in=found.letters).values_list("pk", flat=True))
    for letter in letters:
        with transaction.atomic():
            new = Letter.objects.filter(pk=letter, refused_at=None).update(
                refused_at=now, taken_until=None, problem=clean(storable(found.reply))[:500]
            )
            stopped |= count(letter, found.reply, found.of_address, complaint=found.complaint, told_before=not new)
    if not letters:
        return _("It names no letter that was sent from here in the last month.")
    named = ", ".join(map(str, letters))
    if stopped:
        return _("Letter %(named)s came back; nothing more is sent to its reader.") % {"named": named}
    return _("Letter %(named)s came back.") % {"named": named}


def understood(message: bytes, recipient: str = "") -> Return:
    """What a message says. Raises what the email package raises."""
    whole = message[:LARGEST]
    parsed = message_from_bytes(whole)
    parts = list(islice(_parts(parsed), MOST_PARTS))
    marked = "\n".join([recipient, whole.decode("ascii", "replace"), *map(_decoded, parts)])
    letters = frozenset(islice(postmarks.found_in(marked), 10))
    if not letters:
        return Return(no_return=_("It bears no mark of a letter that was sent from here."))
    kinds = {part.get_content_type() for part in parts}
    if "message/feedback-report" in kinds:
        return Return(letters, _("A complaint."), complaint=True)
    if "message/delivery-status" in kinds:
        for part in parts:
            action = _header(part, "Action").lower()
            if action == "failed":
                status, said = _header(part, "Status"), _header(part, "Diagnostic-Code").partition(";")[2]
                return Return(letters, f"{status} {said}".strip(), status.startswith("5"))
        return Return(letters, no_return=_("It tells of a delay, or that the letter arrived."))
    if _header(parsed, "Auto-Submitted").lower().startswith("auto-replied") or not _is_of_server(parsed):
        return Return(letters, no_return=_("It is an answer, and nothing that came back."))
    told = " ".join(map(_decoded, parts))
    why = _PERMANENT.search(told)
    line = told[max(why.start() - 20, 0) :][:_SHOWN] if why else told[:_SHOWN]
    return Return(letters, line, bool(_NOBODY.search(told)))


def _is_of_server(message: Message) -> bool:
    """A report that is no report: from a mail server's own name, or from nobody."""
    return bool(_SERVER.search(_header(message, "From"))) or _header(message, "Return-Path").strip() == "<>"


def _parts(message: Message, depth: int = 0) -> Iterator[Message]:
    """The message and what it holds, in order, and no deeper than any real report."""
    yield message
    inside = message.get_payload()
    if isinstance(inside, list) and depth < 10:
        for part in inside:
            if isinstance(part, Message):
                yield from _parts(part, depth + 1)


def _decoded(part: Message) -> str:
    """The text of a part that has no parts, and the headers of one, as far as they are text."""
    inside = part.get_payload(decode=True)
    return inside.decode("utf-8", "replace") if isinstance(inside, bytes) else ""


def _header(part: Message, name: str) -> str:
    return str(part.get(name, ""))[:1_000]
