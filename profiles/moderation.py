"""Moderation of what people write to each other: a complaint of whoever got it, a curator's decision, suspensions.

Problem: a curator must be able to judge a message, and nobody's conversation is a curator's to read. Idea: a complaint
is about one text that its reporter received; the curator reads that text and, where the reporter says so, the few
messages just before it. What follows is told to both sides by letter with its reason, and is in the journal.
Entry points: `complain`, `before`, `decide`, `object_to`, `lift`; `judge` for who may.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from papers import journal, limits

from . import decisions, letters
from .conversing import TooMany, readable, suspension_of
from .models import Account, Complaint, Invitation, Message, Suspension

LONGEST = 2_000  # characters of a complaint, an answer and a reason
BEFORE = 5  # messages before the reported one that a reporter can show
DAYS = (7, 30, 365)  # that a suspension lasts
State = Complaint.State


def of(reporter: Account, subject: Invitation | Message) -> Complaint | None:
    """The newest complaint of this account about this text."""
    return subject.complaints.filter(reporter=reporter).order_by("-pk").first()


@transaction.atomic
def complain(
    reporter: Account, subject: Invitation | Message, kind: str, text: str, *, shows_before: bool = False
) -> Complaint:
    """Report a text that the account received, once. Raises PermissionDenied where it received none, ValidationError
    with the reason why nothing was kept, `TooMany` past the limit."""
    if subject.recipient_id != reporter.pk:
        raise PermissionDenied("Only who received it can report it.")
    if kind not in Complaint.Kind.values:
        raise ValidationError(_("Say what is wrong with it."))
    text = readable(text, LONGEST) if text.strip() else ""
    type(subject)._default_manager.select_for_update(of=("self",)).get(pk=subject.pk)  # one complaint at a time
    if of(reporter, subject):
        raise ValidationError(_("You reported this already."))
    if (wait := limits.take("complaint", f"account {reporter.pk}")) is not None:
        raise TooMany(wait)
    return Complaint.objects.create(
        message=subject if isinstance(subject, Message) else None,
        invitation=subject if isinstance(subject, Invitation) else None,
        reporter=reporter,
        about=subject.sender,
        kind=kind,
        text=text,
        shows_before=shows_before and isinstance(subject, Message),
    )


def before(complaint: Complaint) -> Sequence[Message]:
    """The messages just before the reported one, in order, where its reporter shows them."""
    if not (complaint.shows_before and complaint.message):
        return []
    earlier = Message.objects.filter(conversation=complaint.message.conversation_id, pk__lt=complaint.message_id)
    return list(earlier.order_by("-pk")[:BEFORE])[::-1]


def judge(account: Account | AnonymousUser, complaint: Complaint) -> Account:
    """The account, which may judge this complaint: a curator who is no side of it. Raises PermissionDenied."""
    account = decisions.curator(account)
    if account.pk in (complaint.about_id, complaint.reporter_id):
        raise PermissionDenied(_("This complaint concerns you: another curator decides."))
    return account


@transaction.atomic
def decide(
    account: Account | AnonymousUser,
    complaint: Complaint,
    answer: str,
    now: datetime,
    *,
    upheld: bool,
    reason: str = "",
    removes: bool = False,
    days: int = 0,
) -> Complaint:
    """Dismiss it, or uphold it: then whoever wrote the text is told the `reason`, and the message is removed or the
    account suspended for so many days where that is asked for. The reporter reads the `answer`.

    Raises PermissionDenied, and ValidationError where it is decided, a text is missing, or nobody can be suspended.
    """
    account = judge(account, complaint)
    complaint = (
        Complaint.objects.select_for_update(of=("self",))
        .select_related("message", "invitation", "reporter", "about")
        .get(pk=complaint.pk)
    )
    if not complaint.is_open:
        raise ValidationError(_("This complaint was decided meanwhile."))
    if not answer.strip():
        raise ValidationError(_("Answer whoever reported it in a sentence."))
    answer, reason = readable(answer, LONGEST), readable(reason, LONGEST) if reason.strip() else ""
    about = complaint.about
    if upheld and not reason:
        raise ValidationError(_("Give the reason, which whoever wrote the text reads."))
    if days and days not in DAYS:
        raise ValidationError(_("Choose one of the times offered."))
    if upheld and days and (about is None or not about.is_active):
        raise ValidationError(_("The account that wrote it is no more: nobody can be suspended."))
    complaint.state, complaint.answer = State.UPHELD if upheld else State.DISMISSED, answer
    complaint.decided_by, complaint.decided_at = account, now
    complaint.save(update_fields=["state", "answer", "decided_by", "decided_at"])
    journal.write(account, complaint.state, complaint, answer=answer, **({"reason": reason} if upheld else {}))
    if complaint.reporter and complaint.reporter.is_active:
        letters.write(complaint.reporter, "complaint_answered", {"complaint": complaint})
    if not upheld:
        return complaint
    removed = complaint.message if removes else None
    if removed and removed.removed_at is None:
        removed.removed_at = now
        removed.save(update_fields=["removed_at"])
        journal.write(account, "removed", removed, complaint=complaint.pk)
    suspension = _suspend(account, complaint, about, reason, now, days) if days and about else None
    if about and about.is_active:
        told = {"complaint": complaint, "reason": reason, "removed": removed, "suspension": suspension}
        letters.write(about, "complaint_upheld", told)
    return complaint


def _suspend(
    account: Account, complaint: Complaint, about: Account, reason: str, now: datetime, days: int
) -> Suspension:
    until = now + timedelta(days=days)
    made = Suspension.objects.create(account=about, until=until, reason=reason, complaint=complaint, made_by=account)
    journal.write(account, "suspended", made, days=days, reason=reason)
    return made


def object_to(account: Account, text: str, now: datetime) -> None:
    """What a suspended account answers, once for each suspension. Raises ValidationError."""
    text, suspension = readable(text, LONGEST), suspension_of(account, now)
    if suspension is None:
        raise ValidationError(_("You are not suspended any more."))
    if not Suspension.objects.filter(pk=suspension.pk, objection="").update(objection=text):
        raise ValidationError(_("You objected already."))


@transaction.atomic
def lift(account: Account | AnonymousUser, suspension: Suspension, now: datetime) -> None:
    """End a suspension early; the account is told. Raises PermissionDenied, also for one's own, and ValidationError."""
    account = decisions.curator(account)
    suspension = Suspension.objects.select_for_update(of=("self",)).select_related("account").get(pk=suspension.pk)
    if suspension.account_id == account.pk:
        raise PermissionDenied(_("This suspension is yours: another curator decides."))
    if suspension.lifted_at or suspension.until <= now:
        raise ValidationError(_("This suspension has ended already."))
    suspension.lifted_at = now
    suspension.save(update_fields=["lifted_at"])
    journal.write(account, "lifted", suspension)
    letters.write(suspension.account, "complaint_lifted", {"suspension": suspension})
