"""Inviting: an account asks the holder of a record for a conversation, and what becomes of that.

Problem: a door that is open to strangers is open to advertising, insistence and harassment, and one that closes tells
the stranger why. Idea: an invitation is text that leads nowhere (`links`), a few a day by how well the sender is
known, one at a time between two accounts and none for `AGAIN` after a no. Whatever is the other side's own affair (not
open, blocked, full for today, gone) is one and the same sentence, and who is ignored sees an unanswered invitation. An
invitation goes to the account that holds the record and ends with the hold of it; a dispute alone changes nothing until
a curator has decided. Neither side learns an address, on pages or in letters. Entry points: `send`, `answer`, `door`
(whether one may invite), `worded`, `starting_text`, `received` and `sent` with `seen_by` for the pages, `end`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from papers import limits
from papers.text import clean

from . import conversing, letters, links, powers
from .conversing import Shown
from .models import Account, Author, Block, Conversation, Invitation

Purpose, State = Invitation.Purpose, Invitation.State

LONGEST, SHORTEST = 2_000, 10  # characters; letters and digits: in Chinese ten are a sentence
AGAIN = timedelta(days=90)  # after a no, a withdrawal or a conversation that the other side left: as for attestations
YOUNG = timedelta(days=7)  # an account younger than that sends fewer
MOST_RECEIVED = 20  # in `DAY`, from whomever: who opens a hundred accounts fills no letter box, and can close one a day
DAY = timedelta(days=1)
QUOTED, QUOTED_LINES = 300, 4  # of the text in a letter: enough to see what it is, no room for what a page would refuse
BETWEEN = 20  # the newest invitations between two accounts that matter

STARTING_TEXTS: Mapping[str, Promise] = {
    Purpose.COAUTHOR: gettext_lazy(
        "I read your work on … and would like to write a paper with you about ….\n\n"
        "I would bring …. From you I hope for …. It should be ready by …."
    ),
    Purpose.REVIEW: gettext_lazy(
        "I am looking for a reviewer for a paper about …. I ask you because ….\n\n"
        "It has … pages, and the review is due by …."
    ),
    Purpose.QUESTION: gettext_lazy("I have a question about your paper “…”:\n\n…\n\nI have already tried …."),
    Purpose.TALK: gettext_lazy(
        "I would like to invite you to give a talk about … at ….\n\n"
        "It would be on …, in … or online, before … people. Travel is paid by …."
    ),
    Purpose.DATASET: gettext_lazy(
        "I would like to use the data or code of your paper “…” for ….\n\nI need …, and would name you by …."
    ),
}

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # where `clean` left them, they spell a word


@dataclass(frozen=True, slots=True)
class Door:
    """Whether an account may invite the holder of a record: `refusal` says why not, `invitation` is what there is
    already between the two, `waiting` how many wait for the holder's answer (None: the record is somebody else's)."""

    refusal: str = ""
    invitation: Invitation | None = None
    waiting: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """An invitation as one side of it sees it: who the `other` side is, its state, and what they can answer."""

    invitation: Invitation
    by_me: bool
    other: Shown
    state: Invitation.State
    answers: tuple[str, ...]


# --- the text ---------------------------------------------------------------------------------------------------------


def starting_text(purpose: str) -> str:
    """What an invitation of that purpose may begin with, with gaps; "" for no purpose."""
    return str(STARTING_TEXTS.get(purpose, ""))


def is_starting_text(text: str) -> bool:
    """Whether nothing was filled in."""
    return " ".join(text.split()) in {" ".join(str(each).split()) for each in STARTING_TEXTS.values()}


def worded(text: str) -> str:
    """The text as it is kept: lines, at most one of them empty in a row, without what cannot be seen.

    That is taken out and not refused: people paste, in any script. Raises ValidationError for a text that is too long
    or too short, that nothing was filled in, and that holds a link.
    """
    # What is far too long is not read: taking out what cannot be seen does not shorten honest text to a quarter.
    found = _paragraphs(text) if len(text) <= 4 * LONGEST else text
    if len(found) > LONGEST:
        numbers = {"most": number_format(LONGEST, force_grouping=True), "has": number_format(len(found))}
        raise ValidationError(_("At most %(most)s characters. Yours has %(has)s: make it shorter.") % numbers)
    if sum(character.isalnum() for character in found) < SHORTEST:
        raise ValidationError(_("Say in a sentence or two what you want."))
    if is_starting_text(found):
        raise ValidationError(_("This is the starting text still. Fill in what you mean."))
    if link := links.first(found):
        raise ValidationError(
            _(
                "Leave out links and addresses (“%(link)s”), so that no stranger leads anybody anywhere. Name a paper "
                "by its DOI or arXiv number, and send links once the conversation is open."
            )
            % {"link": link}
        )
    return found


def _paragraphs(text: str) -> str:
    lines = [_visible(clean(line)) for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _visible(line: str) -> str:
    kept = (
        one
        for one in line
        if one in _JOINERS or (one not in links.FILLERS and unicodedata.category(one) not in _UNSEEN)
    )
    return " ".join("".join(kept).split())


# --- who may invite whom ----------------------------------------------------------------------------------------------


def door(account: Account | AnonymousUser, author: Author, now: datetime) -> Door:
    """Whether the account may invite who holds the author. For a visitor, what the record itself says, unasked.

    Seven queries where nothing is in the way. What the account has to do with the other side already comes before all
    that is the other side's affair, so that a block changes nothing in what was there before it.
    """
    if not author.is_claimed:
        return Door(_("Claim this author entity first to unlock direct invitations."))
    if not isinstance(account, Account):
        return Door("" if author.open_to_collaborate else _closed(author))
    if author.account_id == account.pk:
        return Door(_("This is your own record."), waiting=waiting(account))
    if author.merged_into_id is not None or not author.is_public:
        return Door(_("This record is not shown any more."))
    holder = author.account
    assert holder is not None
    if not account.is_active or not EmailAddress.objects.filter(user=account, verified=True).exists():
        return Door(_("Confirm an e-mail address of your account first: an invitation is answered by mail."))
    if (found := _between(account, holder, author, now)) is not None:
        return found
    if suspension := conversing.suspension_of(account, now):
        return Door(conversing.suspended(suspension))
    problem = conversing.obstacle(account, holder)
    if problem and Block.objects.filter(account=account, blocked=holder).exists():
        return Door(problem)
    if problem or not author.open_to_collaborate or _received_lately(holder, now) >= MOST_RECEIVED:
        return Door(_closed(author))
    return Door()


def _closed(author: Author) -> str:
    """What is said of whoever is not open, has blocked, gets too many or is gone: it is theirs to know which."""
    return _("%(name)s takes no invitations from you at present.") % {"name": author.name}


def _received_lately(holder: Account, now: datetime) -> int:
    return Invitation.objects.filter(recipient=holder, made_at__gt=now - DAY).count()


def _between(account: Account, holder: Account, author: Author, now: datetime) -> Door | None:
    """What stands between the two already: an invitation that waits, a conversation, or a no that is not old."""
    pair = [account.pk, holder.pk]
    rows = list(
        Invitation.objects.filter(sender__in=pair, recipient__in=pair)
        .select_related("conversation")
        .order_by("-pk")[:BETWEEN]
    )
    for row in rows:
        if row.state in Invitation.UNANSWERED:
            said = (
                _("You have invited %(name)s, and the answer is still to come.")
                if row.sender_id == account.pk
                else _("%(name)s has invited you: that waits for your answer.")
            )
            return Door(said % {"name": author.name}, row)
        conversation = _conversation(row)
        if row.state == State.ACCEPTED and conversation is not None and conversation.closed_at is None:
            return Door(_("You are in a conversation with %(name)s.") % {"name": author.name}, row)
    until = max((ended + AGAIN for row in rows if (ended := _refused_at(row, account)) is not None), default=now)
    if until > now:
        when = date_format(until, "DATE_FORMAT")
        said = _("You have invited %(name)s before. You can do so again from %(when)s.")
        return Door(said % {"name": author.name, "when": when}, rows[0])
    return None


def _refused_at(row: Invitation, account: Account) -> datetime | None:
    """When the account's invitation was declined or withdrawn, or the other side left the conversation."""
    if row.state in (State.DECLINED, State.WITHDRAWN):
        return row.answered_at if row.sender_id == account.pk else None
    conversation = _conversation(row)
    if conversation is None or conversation.closed_by_id == account.pk:
        return None
    return conversation.closed_at


def _conversation(row: Invitation) -> Conversation | None:
    return getattr(row, "conversation", None)


# --- what is done -----------------------------------------------------------------------------------------------------


@transaction.atomic
def send(account: Account, author: Author, purpose: str, text: str, token: UUID, now: datetime) -> Invitation:
    """Invite who holds the author, and write them a letter. The same `token` again gives the same invitation.

    Raises ValidationError with all that is wrong, `limits.TooMany` where the sender's share of the day is used up.
    """
    # In one order: neither the share of the recipient nor "one at a time" can be outrun, and nobody waits in a circle.
    holder = Author.objects.filter(pk=author.pk).values_list("account", flat=True).first()
    people = Account.objects.select_for_update(no_key=True).filter(pk__in=[account.pk, holder or account.pk])
    account = {one.pk: one for one in people.order_by("pk")}[account.pk]
    if (before := Invitation.objects.filter(token=token).first()) is not None:
        if before.sender_id == account.pk:
            return before
        raise ValidationError(_("This form was used before. Open it again."))
    author = Author.objects.select_related("account").get(pk=author.pk)
    problems = [refusal] if (refusal := door(account, author, now).refusal) else []
    if purpose not in Purpose.values:
        problems.append(_("Choose what it is about."))
    try:
        text = worded(text)
    except ValidationError as error:
        problems += error.messages
    if problems:
        raise ValidationError(problems)
    limits.spend(limit_of(account, now), account.pk)
    invitation = Invitation.objects.create(
        author=author, sender=account, recipient=author.account, purpose=purpose, text=text, token=token
    )
    assert author.account is not None
    context = {"invitation": invitation, "author": author, "quoted": quoted(text)}
    letters.write(author.account, "invitation_received", context | {"who": conversing.shown_as(account)})
    return invitation


def limit_of(account: Account, now: datetime) -> str:
    """The name of the limit (`papers.limits`) that the account's invitations count for."""
    claim = powers.held_by(account)
    if claim is not None and claim.level >= powers.CONTROL:
        return "invitation_proved"
    return "invitation_new" if now - account.date_joined < YOUNG else "invitation"


@transaction.atomic
def answer(account: Account, invitation: Invitation, word: str, now: datetime) -> Invitation:
    """The recipient accepts, declines or ignores; the sender may withdraw. The same word again changes nothing.

    What was ignored can still be answered or withdrawn; the other answers are final. Raises ValidationError for what
    is not, or not any more, theirs to say.
    """
    invitation = (
        Invitation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("author", "sender", "recipient")
        .get(pk=invitation.pk)
    )
    becomes = _ANSWERS.get((invitation.sender_id == account.pk, invitation.recipient_id == account.pk), {}).get(word)
    if becomes is None:
        raise ValidationError(_("Choose one of the answers."))
    if invitation.state == becomes:
        return invitation
    if invitation.state not in Invitation.UNANSWERED:
        raise ValidationError(str(_FINAL[State(invitation.state)]))
    if becomes == State.ACCEPTED and (problem := obstacle(account, invitation)):
        raise ValidationError(problem)
    invitation.state, invitation.answered_at = becomes, now
    invitation.save(update_fields=["state", "answered_at"])
    if becomes == State.ACCEPTED:
        conversing.begin(invitation, now)
    elif becomes == State.DECLINED and invitation.sender is not None:
        context = {"invitation": invitation, "author": invitation.author, "days": AGAIN.days}
        letters.write(invitation.sender, "invitation_declined", context)
    return invitation


# (is the sender, is the recipient): what they may say, and what the invitation becomes by it.
_ANSWERS: Mapping[tuple[bool, bool], Mapping[str, Invitation.State]] = {
    (False, True): {"accept": State.ACCEPTED, "decline": State.DECLINED, "ignore": State.IGNORED},
    (True, False): {"withdraw": State.WITHDRAWN},
}
_FINAL: Mapping[Invitation.State, Promise] = {
    State.ACCEPTED: gettext_lazy("It was accepted already: there is a conversation."),
    State.DECLINED: gettext_lazy("It was declined already."),
    State.WITHDRAWN: gettext_lazy("It was withdrawn, or the record it went to has changed hands."),
}


def obstacle(account: Account, invitation: Invitation) -> str:
    """Why its recipient cannot accept the invitation now; "" where they can."""
    if invitation.sender is None or not invitation.sender.is_active:
        return _("The account that sent this is gone: there is nobody to talk to.")
    if invitation.author.account_id != account.pk:
        return _("You do not hold the record any more that this went to.")
    return conversing.obstacle(account, invitation.sender)


def end(invitations: QuerySet[Invitation], now: datetime) -> None:
    """Those of them that nobody has answered are over: the record was released, or the sender is leaving."""
    invitations.filter(state__in=Invitation.UNANSWERED).update(state=State.WITHDRAWN, answered_at=now)


# --- what each side sees ----------------------------------------------------------------------------------------------


def received(account: Account) -> QuerySet[Invitation]:
    """What the account was invited to."""
    return Invitation.objects.filter(recipient=account).select_related("author", "sender", "conversation")


def sent(account: Account) -> QuerySet[Invitation]:
    """What the account invited others to."""
    return Invitation.objects.filter(sender=account).select_related("author", "conversation")


def waiting(account: Account) -> int:
    """How many invitations wait for the account's answer."""
    return received(account).filter(state=State.OPEN).count()


def seen_by(account: Account, invitations: Collection[Invitation]) -> list[Seen]:
    """The invitations as the account, which is a side of each, sees them. One query."""
    senders = conversing.shown(row.sender for row in invitations if row.sender_id != account.pk)
    return [_seen(account, row, senders) for row in invitations]


def _seen(account: Account, row: Invitation, senders: Mapping[int | None, Shown]) -> Seen:
    is_open = row.state in Invitation.UNANSWERED
    if row.sender_id == account.pk:
        author = row.author
        other = Shown(author.name, author.get_absolute_url()) if author.is_public else Shown(_("a hidden record"))
        return Seen(row, True, other, State.OPEN if is_open else State(row.state), ("withdraw",) if is_open else ())
    answers = tuple(_ANSWERS[False, True]) if is_open else ()
    return Seen(row, False, senders[row.sender_id], State(row.state), answers)


def quoted(text: str) -> str:
    """The beginning of the text for a letter, where each line says that it is somebody else's.

    >>> print(quoted("One\\n\\nTwo"))
    > One
    >
    > Two
    """
    lines = text[:QUOTED].split("\n")[:QUOTED_LINES]
    cut = "\n".join(lines)
    return "\n".join(f"> {line}".rstrip() for line in (cut if cut == text else f"{cut} …").split("\n"))
