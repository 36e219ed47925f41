"""Conversations: what two accounts write to each other once an invitation was accepted, and how either ends it.

Problem: who is written to must be able to stop it at once, for good and without a quarrel; two browsers write at the
same moment, send twice, or send after the end. Idea: whatever changes what is between two accounts first locks the rows
it hangs on - accounts, invitations, then the conversations that came of them - so that a message, an end and a block
stand in one order, and what came too late is refused with a sentence. Blocking ends a conversation just as leaving it
does: the other side sees no difference. Nobody is told an address, or when a message was read.
Entry points: `begin`, `send`, `mark_read`, `leave`, `block`, `take_back`; `obstacle` for whoever writes or invites;
`shown_as` and `shown` for who somebody is; `unread` for the badge.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from papers import limits, paging
from papers.text import clean

from . import letters, levels
from .models import Account, Author, Block, Claim, Conversation, Invitation, Message, Suspension

LONGEST = 10_000  # characters of a message
LISTED = 30  # conversations on a page
YOUNG = timedelta(days=7)  # an account that may write little
State = Invitation.State


# --- who is who -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """Who an account is to others: by the public record that it holds (`url`, verification `level`), or by its age."""

    name: str
    url: str = ""
    level: int = 0


def shown_as(account: Account | None) -> Shown:
    """Who the account is to others: one query."""
    return shown([account])[account.pk if account else None]


def shown(accounts: Iterable[Account | None]) -> dict[int | None, Shown]:
    """Who each account is to others, by its id: one query. None stands for one whose row is gone."""
    accounts = list(accounts)
    there = {account.pk: account for account in accounts if account and account.is_active}
    level = Claim.objects.filter(author=OuterRef("pk"), state=Claim.State.HELD).values("level")[:1]
    records = Author.objects.filter(account__in=there, visibility=Author.Visibility.PUBLIC)
    held = {author.account_id: author for author in records.annotate(level=Subquery(level))}
    found: dict[int | None, Shown] = dict.fromkeys(
        (account.pk if account else None for account in accounts), Shown(_("an account that is no more"))
    )
    for pk, account in there.items():
        if author := held.get(pk):
            found[pk] = Shown(author.name, author.get_absolute_url(), author.level or 0)  # type: ignore[attr-defined]
        else:
            since = date_format(account.date_joined, "F Y")
            found[pk] = Shown(_("an account without a record here, since %(month)s") % {"month": since})
    return found


# --- who may write ----------------------------------------------------------------------------------------------------


def obstacle(account: Account, other: Account | None) -> str:
    """Why the account may not write to the other or invite it now, as a sentence; "" where it may.

    Who is blocked reads what is said of an account that is no more.
    """
    if suspension := suspension_of(account, timezone.now()):
        return suspended(suspension)
    blocks = Block.objects.filter(Q(account=account, blocked=other) | Q(account=other, blocked=account))
    by = set(blocks.values_list("account", flat=True)) if other else set()
    if account.pk in by:
        return _("You blocked this account. Take the block back first.")
    if by or other is None or not other.is_active:
        return _("Nothing can be sent to this account.")
    return ""


def suspension_of(account: Account, now: datetime) -> Suspension | None:
    """The suspension that holds, of several the longest."""
    return Suspension.objects.filter(account=account, lifted_at=None, until__gt=now).order_by("-until").first()


def suspended(suspension: Suspension) -> str:
    """What a suspended account reads where it would write."""
    told = {"until": date_format(timezone.localtime(suspension.until)), "why": suspension.reason}
    return _("A curator suspended you from inviting and writing until %(until)s. The reason: %(why)s") % told


def closed(conversation: Conversation, account: Account) -> str:
    """Why nobody writes in this conversation any more; "" where it is open. A block is not told from leaving."""
    if conversation.closed_at is None:
        return ""
    if conversation.closed_by_id == account.pk:
        return _("You closed this conversation. It can be read, and not be written in any more.")
    return _("The other side closed this conversation. It can be read, and not be written in any more.")


def limit_of(account: Account, now: datetime, of: str = "message") -> str:
    """The name of the limit that holds for what this account does: `of`, or its stricter "…_new" for one that is young
    or has proved nothing."""
    proved = Claim.objects.filter(account=account, state=Claim.State.HELD, level__gte=levels.CONTROLLED)
    return of if now - account.date_joined >= YOUNG and proved.exists() else f"{of}_new"


# --- a conversation ---------------------------------------------------------------------------------------------------


def begin(invitation: Invitation, now: datetime) -> Conversation:
    """What comes of an accepted invitation, whose row the caller has locked. Who invited gets a letter.

    There already, it is returned as it is. Raises ValidationError where the two may not write to each other.
    """
    if found := Conversation.objects.filter(invitation=invitation).first():
        return found
    sender, recipient = invitation.sender, invitation.recipient
    if sender is None or recipient is None:
        raise ValidationError(_("The account that invited you is no more."))
    if problem := obstacle(recipient, sender):
        raise ValidationError(problem)
    made = Conversation.objects.create(invitation=invitation, began_at=now, latest_at=now)
    letters.write(sender, "conversation_begun", {"conversation": made, "other": shown_as(recipient)})
    return made


def of(account: Account) -> QuerySet[Conversation]:
    """The conversations that the account is a side of."""
    sides = Q(invitation__sender=account) | Q(invitation__recipient=account)
    people = ("invitation__sender", "invitation__recipient")
    return Conversation.objects.filter(sides).select_related("invitation", *people)


def listed(account: Account, cursor: str = "") -> tuple[list[Conversation], str]:
    """(a page of the account's conversations, where something was said last first, the next cursor or "").

    Each has `other` (`Shown`) and `waiting`, the number of its unread messages. Raises BadRequest for a cursor not made
    here. Three queries.
    """
    rows = of(account).order_by("-latest_at", "-pk")
    if cursor:
        at, below = paging.moment(cursor)
        rows = rows.filter(Q(latest_at__lt=at) | Q(latest_at=at, pk__lt=below))
    found = list(rows[: LISTED + 1])
    following = f"{found[LISTED - 1].latest_at.isoformat()}~{found[LISTED - 1].pk}" if len(found) > LISTED else ""
    people = shown(row.other_than(account) for row in found[:LISTED])
    waiting = Message.objects.filter(conversation__in=found, recipient=account, read_at=None)
    counts = dict(waiting.values_list("conversation").annotate(Count("pk")).order_by())
    for row in found[:LISTED]:
        other = row.other_than(account)
        row.other = people[other.pk if other else None]  # type: ignore[attr-defined]
        row.waiting = counts.get(row.pk, 0)  # type: ignore[attr-defined]
    return found[:LISTED], following


def unread(account: Account) -> int:
    """Messages and invitations that wait for the account: two queries, each of an index."""
    messages = Message.objects.filter(recipient=account, read_at=None).count()
    return messages + Invitation.objects.filter(recipient=account, state=State.OPEN).count()


def readable(text: str, longest: int) -> str:
    """Text as it is kept: NFC, without controls and characters that turn a line around, one empty line at most.

    Raises ValidationError where nothing is left, or too much.
    """
    too_long = ValidationError(_("At most %(n)s characters.") % {"n": f"{longest:,}"})
    if len(text) > 4 * longest:
        raise too_long
    kept: list[str] = []
    for line in unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = line.expandtabs(4)
        said = clean(line)
        indent = len(line) - len(line.lstrip(" ")) if said else 0
        if said or (kept and kept[-1]):
            kept.append(" " * indent + said)
    found = "\n".join(kept).rstrip()
    if not found:
        raise ValidationError(_("Write something first."))
    if len(found) > longest:
        raise too_long
    return found


@transaction.atomic
def send(conversation: Conversation, sender: Account, text: str, token: UUID, now: datetime) -> Message:
    """Write a message. Sent twice (the same `token`), it is the same one. The other side gets a letter, unless it has
    one about an earlier message and not read that yet.

    Raises ValidationError with the reason why nothing was written; `limits.TooMany` where that is a limit.
    """
    conversation = of(sender).select_for_update(of=("self",)).get(pk=conversation.pk)
    if sent := Message.objects.filter(token=token).first():
        if (sent.conversation_id, sent.sender_id) == (conversation.pk, sender.pk):
            return sent
        raise ValidationError(_("This form was sent already. Send your text once more."))
    text, other = readable(text, LONGEST), conversation.other_than(sender)
    if problem := closed(conversation, sender) or obstacle(sender, other):
        raise ValidationError(problem)
    limits.spend(limit_of(sender, now), sender.pk)
    unread_before = Message.objects.filter(conversation=conversation, recipient=other, read_at=None).exists()
    message = Message.objects.create(conversation=conversation, sender=sender, recipient=other, text=text, token=token)
    conversation.latest_at = message.made_at
    conversation.save(update_fields=["latest_at"])
    if other and not unread_before and not getattr(conversation, conversation.mute_of(other)):
        letters.write(other, "message_new", {"conversation": conversation, "other": shown_as(sender)})
    return message


def mark_read(conversation: Conversation, account: Account, upto: int, now: datetime) -> int:
    """The account has read what it got in this conversation up to that message; returns how many were unread."""
    messages = Message.objects.filter(conversation=conversation, recipient=account, read_at=None, pk__lte=upto)
    return messages.update(read_at=now)


@transaction.atomic
def leave(conversation: Conversation, account: Account, now: datetime) -> None:
    """Close it for both sides; both go on reading it."""
    _close(of(account).select_for_update(of=("self",)).get(pk=conversation.pk), account, now)


def _close(conversation: Conversation, account: Account, now: datetime) -> None:
    if conversation.closed_at is None:
        conversation.closed_at, conversation.closed_by = now, account
        conversation.save(update_fields=["closed_at", "closed_by"])
    Message.objects.filter(conversation=conversation, recipient=account, read_at=None).update(read_at=now)


def set_mail(conversation: Conversation, account: Account, wanted: bool) -> None:
    """Whether the account wants letters about new messages of this conversation."""
    Conversation.objects.filter(pk=conversation.pk).update(**{conversation.mute_of(account): not wanted})


# --- blocks -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def block(account: Account, other: Account | None, now: datetime) -> Block:
    """The account wants nothing from the other any more: what is open between the two ends.

    What the other asked stays unanswered, what it was asked is withdrawn, conversations are closed. Raises
    ValidationError where there is nobody to be blocked.
    """
    if other is None or not other.is_active or other == account:
        raise ValidationError(_("This account is no more: there is nobody to block."))
    # The accounts, so that no invitation is being sent meanwhile; then what hangs on them, in one order.
    list(Account.objects.select_for_update(no_key=True).filter(pk__in=[account.pk, other.pk]).order_by("pk"))
    pair = Q(sender=other, recipient=account) | Q(sender=account, recipient=other)
    between = list(Invitation.objects.select_for_update(no_key=True).filter(pair).order_by("pk"))
    made, _is_new = Block.objects.get_or_create(account=account, blocked=other)
    of_them = Invitation.objects.filter(pk__in=[invitation.pk for invitation in between])
    of_them.filter(sender=other, state=State.OPEN).update(state=State.IGNORED, answered_at=now)
    of_them.filter(sender=account, state__in=Invitation.UNANSWERED).update(state=State.WITHDRAWN, answered_at=now)
    conversations = Conversation.objects.select_for_update(of=("self",)).filter(invitation__in=between)
    for conversation in conversations.order_by("pk"):
        _close(conversation, account, now)
    return made


def take_back(account: Account, pk: int) -> bool:
    """End a block of the account's; what it had ended stays so. False where there is none."""
    return bool(Block.objects.filter(account=account, pk=pk).delete()[0])
