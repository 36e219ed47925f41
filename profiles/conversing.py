"""Conversations: what an accepted invitation becomes, who may write to whom, and who somebody is to others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from papers import limits

from .models import Account, Author, Block, Claim, Conversation, Invitation, Suspension


class TooMany(ValidationError):
    """A limit is used up; `wait` are the seconds until it is not."""

    def __init__(self, wait: float) -> None:
        super().__init__(_("That is too much at once. Try again %(wait)s.") % {"wait": limits.words(wait)})
        self.wait = wait


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


def obstacle(account: Account, other: Account | None) -> str:
    """Why the account may not write to the other or invite it now, as a sentence; "" where it may."""
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
    told = {"until": date_format(timezone.localtime(suspension.until), "DATETIME_FORMAT"), "why": suspension.reason}
    return _("A curator suspended you from inviting and writing until %(until)s. The reason: %(why)s") % told


def begin(invitation: Invitation, now: datetime) -> Conversation:
    """The conversation that comes of an accepted invitation, whose row the caller has locked."""
    return Conversation.objects.get_or_create(invitation=invitation, defaults={"began_at": now})[0]
