"""Reactions: what an account says of a paper with one click, and takes back with another.

Problem: a click comes twice, from two tabs, or late, and must not turn into its contrary. Idea: whoever asks says the
state that is wanted, and there it stays however often it is asked for. Requests of one account go one after the other.
Entry points: `react`; `said_of` for the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.aggregates import BoolOr
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q

from papers import limits
from papers.models import Paper
from profiles import conversing
from profiles.models import Account, Reaction

from . import trending

Kind = Reaction.Kind
OPPOSITE = {Kind.LIKE: Kind.DISLIKE, Kind.DISLIKE: Kind.LIKE}


@dataclass(frozen=True, slots=True)
class Said:
    """How many say it of a paper, and whether who asks does."""

    kind: Kind
    count: int
    mine: bool

    @property
    def other(self) -> int:
        """What a click asks for: 1 to say it, 0 to take it back."""
        return int(not self.mine)


@transaction.atomic
def react(account: Account, paper: Paper, kind: Kind, wanted: bool, now: datetime) -> None:
    """Let the account say it of the paper, or no longer. Again changes nothing; a like ends a dislike, and it a like.

    Raises ValidationError with the reason why nothing was changed; `limits.TooMany` where that is a limit.
    """
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    mine = Reaction.objects.filter(account=account, paper=paper)
    if mine.filter(kind=kind).exists() == wanted:
        return
    if wanted and (suspension := conversing.suspension_of(account, now)):
        raise ValidationError(conversing.suspended(suspension))
    limits.spend(conversing.limit_of(account, now, "reaction"), account.pk)
    ended = OPPOSITE.get(kind) if wanted else kind
    unliked = bool(mine.filter(kind=ended).delete()[0]) and ended == Kind.LIKE
    if wanted:
        Reaction.objects.create(account=account, paper=paper, kind=kind)
    if Kind.LIKE in {kind, ended}:
        trending.refresh([paper.pk], by=account.pk if unliked else None)


def said_of(paper: Paper, account: Account | AnonymousUser) -> list[Said]:
    """All kinds, in their order: one query."""
    mine = BoolOr(Q(account=account.pk)) if account.is_authenticated else BoolOr(Q(pk=None))
    rows = Reaction.objects.filter(paper=paper).values("kind").annotate(count=Count("pk"), mine=mine)
    found = {row["kind"]: row for row in rows.order_by()}
    return [
        Said(kind, found[kind]["count"], found[kind]["mine"]) if kind in found else Said(kind, 0, False)
        for kind in Kind
    ]
