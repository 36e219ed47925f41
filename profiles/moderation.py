"""Moderation of what people write: a complaint of whoever read it, a curator's decision, suspensions.

Problem: a curator must be able to judge a message, and nobody's conversation is a curator's to read; what stands in
public may be changed or withdrawn before a curator has read it. Idea: a complaint is about one text. An invitation or a
message is reported by who received it, and the curator reads that text and, where the reporter says so, the few
messages just before it. What is public, a post or a collection, is reported by any account but its writer's, and its
words are kept as they were. All kinds go one way: what differs between them is a row of `ABOUT`. What follows is told
to both sides by letter with its reason, and is in the journal.
Entry points: `complain`, `before`, `decide`, `put_back`, `object_to`, `lift`; `judge` for who may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from papers import journal, limits

from . import decisions, letters
from .conversing import readable, suspension_of
from .feedback import collecting, posting, trending
from .models import Account, Collection, Complaint, Invitation, Message, Post, Suspension

LONGEST = 2_000  # characters of a complaint, an answer and a reason
BEFORE = 5  # messages before the reported one that a reporter can show
DAYS = (7, 30, 365)  # that a suspension lasts
NOTES = 50  # notes of a collection that are kept with a complaint about it
State = Complaint.State
Subject = Invitation | Message | Post | Collection


@dataclass(frozen=True, slots=True)
class About:
    """One kind of text that can be reported: what is said of it, and the column that takes it `out` of sight, if any.

    `said` is for the inbox, `report` heads the form, `back` leads to the text, `told` is for the curator, `taking` is
    the box beside the decision; the letter to who wrote it says `objected`, `agreed` and `gone`.
    """

    said: str | Promise
    report: str | Promise
    back: str | Promise
    told: str | Promise
    objected: str | Promise
    agreed: str | Promise
    out: str = ""
    taking: str | Promise = ""
    gone: str | Promise = ""


# By `Complaint.column`.
ABOUT: Mapping[str, About] = {
    "invitation": About(
        gettext_lazy("about an invitation"),
        gettext_lazy("Report an invitation"),
        gettext_lazy("The invitation"),
        gettext_lazy("An invitation was reported by whoever got it."),
        gettext_lazy("An invitation of yours on BZPEER was objected to"),
        gettext_lazy("Whoever got an invitation of yours reported it, and a curator agrees."),
    ),
    "message": About(
        gettext_lazy("about a message"),
        gettext_lazy("Report a message"),
        gettext_lazy("The conversation"),
        gettext_lazy("A message was reported by whoever got it."),
        gettext_lazy("A message of yours on BZPEER was objected to"),
        gettext_lazy("Whoever got a message of yours reported it, and a curator agrees."),
        "removed_at",
        gettext_lazy("Remove the message: both sides see that a curator did"),
        gettext_lazy("The message was removed."),
    ),
    "post": About(
        gettext_lazy("about a review or a comment"),
        gettext_lazy("Report a post"),
        gettext_lazy("The discussion"),
        gettext_lazy("A review or a comment was reported by a reader."),
        gettext_lazy("A post of yours on BZPEER was objected to"),
        gettext_lazy("A reader reported a review or a comment of yours, and a curator agrees."),
        "hidden_at",
        gettext_lazy("Hide it: readers see that a curator did, and its writer goes on seeing it"),
        gettext_lazy("It was hidden: you alone still see it."),
    ),
    "collection": About(
        gettext_lazy("about a collection"),
        gettext_lazy("Report a collection"),
        gettext_lazy("The collection"),
        gettext_lazy("A collection was reported by a reader."),
        gettext_lazy("A collection of yours on BZPEER was objected to"),
        gettext_lazy("A reader reported a collection of yours, and a curator agrees."),
        "hidden_at",
        gettext_lazy("Hide it: nobody sees it but its owner"),
        gettext_lazy("It was hidden: you alone still see it."),
    ),
}


def column_of(subject: Subject) -> str:
    """The column of a complaint about it, and its row of `ABOUT`."""
    return str(subject._meta.model_name)


def writer_of(subject: Subject) -> Account | None:
    """Whose words they are."""
    return subject.account if isinstance(subject, Post | Collection) else subject.sender


def words_of(subject: Subject) -> str:
    """The words of it that somebody may object to."""
    if isinstance(subject, Post):
        return "\n\n".join(f"{heading}\n{text}".strip() for heading, text in posting.parts(subject))
    if isinstance(subject, Collection):
        notes = subject.items.exclude(note="").order_by("-added_at", "-pk").values_list("note", flat=True)[:NOTES]
        return "\n\n".join(filter(None, (subject.name, subject.about, *notes)))
    return subject.text


def may_report(account: Account, subject: Subject) -> bool:
    """Whether the account may report the text: it received it, or it is public and somebody else's."""
    if isinstance(subject, Post):
        return subject.is_shown and subject.account_id != account.pk
    if isinstance(subject, Collection):
        return subject.account_id != account.pk and collecting.shared().filter(pk=subject.pk).exists()
    return subject.recipient_id == account.pk


def of(reporter: Account, subject: Subject) -> Complaint | None:
    """The newest complaint of this account about this text."""
    return subject.complaints.filter(reporter=reporter).order_by("-pk").first()


@transaction.atomic
def complain(reporter: Account, subject: Subject, kind: str, text: str, *, shows_before: bool = False) -> Complaint:
    """Report a text, once. Raises PermissionDenied where the account may not, ValidationError with the reason why
    nothing was kept, `limits.TooMany` past the limit."""
    # One complaint at a time; and its words stay until they are kept.
    found = type(subject)._default_manager.select_for_update(of=("self",)).filter(pk=subject.pk).first()
    if found is None:
        raise ValidationError(_("This is not there any more."))
    subject = found
    if of(reporter, subject):
        raise ValidationError(_("You reported this already."))
    if not may_report(reporter, subject):
        raise PermissionDenied("Only who received it, or reads what is public, can report it.")
    if kind not in Complaint.Kind.values:
        raise ValidationError(_("Say what is wrong with it."))
    text = readable(text, LONGEST) if text.strip() else ""
    limits.spend("complaint", reporter.pk)
    return Complaint.objects.create(
        **{column_of(subject): subject},
        reporter=reporter,
        about=writer_of(subject),
        kind=kind,
        text=text,
        quoted=words_of(subject) if isinstance(subject, Post | Collection) else "",
        shows_before=shows_before and isinstance(subject, Message),
    )


def before(complaint: Complaint) -> Sequence[Message]:
    """The messages just before the reported one, in order, where its reporter shows them."""
    if not (complaint.shows_before and complaint.message):
        return []
    earlier = Message.objects.filter(conversation=complaint.message.conversation_id, pk__lt=complaint.message_id)
    return list(earlier.order_by("-pk")[:BEFORE])[::-1]


def judge(account: Account | AnonymousUser, complaint: Complaint) -> Account:
    """The account, which may judge this complaint: a curator who is no side of it. Raises PermissionDenied.

    A side is also who reported the same text, and who holds the record of an author of the paper that it is about.
    """
    account = decisions.curator(account)
    reported = Complaint.objects.filter(reporter=account, **{complaint.column: complaint.subject})
    if (
        account.pk == complaint.about_id
        or reported.exists()
        or (complaint.post and posting.wrote(account, complaint.post.paper))
    ):
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
    """Dismiss it, or uphold it: then whoever wrote the text is told the `reason`, and the text is taken out of sight or
    the account suspended for so many days where that is asked for. The reporter reads the `answer`.

    Raises PermissionDenied, and ValidationError where it is decided, a text is missing, or nobody can be suspended.
    """
    account = judge(account, complaint)
    complaint = _locked(complaint)
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
    removed = removes and bool(ABOUT[complaint.column].out)
    if removed and not is_out(complaint):
        _put(complaint, now)
        journal.write(account, "removed", complaint.subject, complaint=complaint.pk)
    suspension = _suspend(account, complaint, about, reason, now, days) if days and about else None
    if about and about.is_active:
        told = {"complaint": complaint, "reason": reason, "removed": removed, "suspension": suspension}
        letters.write(about, "complaint_upheld", told | {"words": ABOUT[complaint.column]})
    return complaint


@transaction.atomic
def put_back(account: Account | AnonymousUser, complaint: Complaint) -> None:
    """Show again what was taken out of sight; whoever wrote it is told. Raises what `decide` raises."""
    account = judge(account, complaint)
    complaint = _locked(complaint)
    if not is_out(complaint):
        raise ValidationError(_("It is in its place already."))
    _put(complaint, None)
    journal.write(account, "put back", complaint.subject, complaint=complaint.pk)
    if complaint.about and complaint.about.is_active:
        letters.write(complaint.about, "complaint_put_back", {"subject": complaint.subject})


def is_out(complaint: Complaint) -> bool:
    """Whether the text is out of sight."""
    column = ABOUT[complaint.column].out
    return bool(column) and getattr(complaint.subject, column) is not None


def _put(complaint: Complaint, out_at: datetime | None) -> None:
    """Take the text out of sight, or put it back."""
    subject, column = complaint.subject, ABOUT[complaint.column].out
    setattr(subject, column, out_at)
    subject.save(update_fields=[column])
    if isinstance(subject, Post):
        trending.refresh([subject.paper_id], by=subject.account_id)


def _locked(complaint: Complaint) -> Complaint:
    """The complaint and what it is about, as they are now."""
    rows = Complaint.objects.select_for_update(of=("self",)).select_related("reporter", "about")
    found, subject = rows.get(pk=complaint.pk), complaint.subject
    setattr(found, found.column, type(subject)._default_manager.select_for_update(of=("self",)).get(pk=subject.pk))
    return found


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
