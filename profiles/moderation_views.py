"""Complaints: the form of whoever reports a text, and the curators' side; objections to suspensions."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from papers import limits
from papers.methods import read_or_post

from . import conversing, inbox, moderation, queue
from .conversing_views import number
from .curation import LISTED, around, filters_of, for_curators
from .feedback import collecting
from .models import Account, Collection, Complaint, Invitation, Message, Post, Suspension
from .moderation import Subject


@read_or_post
@login_required
def invitation(request: HttpRequest, pk: int) -> HttpResponse:
    """Report an invitation that one received."""
    rows = Invitation.objects.filter(recipient=cast(Account, request.user)).select_related("sender")
    return _complain(request, get_object_or_404(rows, pk=pk))


@read_or_post
@login_required
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """Report a message that one received."""
    rows = Message.objects.filter(recipient=cast(Account, request.user)).select_related("sender", "conversation")
    return _complain(request, get_object_or_404(rows, pk=pk))


@read_or_post
@login_required
def post(request: HttpRequest, pk: int) -> HttpResponse:
    """Report a review or a comment of somebody else's."""
    return _complain(request, get_object_or_404(Post.objects.select_related("account", "paper"), pk=pk))


@read_or_post
@login_required
def collection(request: HttpRequest, pk: int) -> HttpResponse:
    """Report a collection of somebody else's: a public one, one with its `key`, or one that was reported before."""
    key, account = request.GET.get("key", ""), cast(Account, request.user)
    seen = collecting.seen_by(account, key).values("pk")
    rows = Collection.objects.filter(Q(pk__in=seen) | Q(complaints__reporter=account)).select_related("account")
    found = get_object_or_404(rows.distinct(), pk=pk)
    by_link = key and found.key == key
    return _complain(request, found, reverse("collection_shared", args=[key]) if by_link else found.get_absolute_url())


def _complain(request: HttpRequest, subject: Subject, back: str = "") -> HttpResponse:
    """The form; of what one reported already, where that stands. `back` leads to it, where that is not its own page."""
    account, status, problems = cast(Account, request.user), 200, list[str]()
    if not (moderation.may_report(account, subject) or moderation.of(account, subject)):
        raise Http404("There is nothing to report here.")
    kind, text = request.POST.get("kind", ""), request.POST.get("text", "")
    shows_before, wait = bool(request.POST.get("shows_before")), None
    if request.method == "POST":
        try:
            made = moderation.complain(account, subject, kind, text, shows_before=shows_before)
        except ValidationError as error:
            problems, status = error.messages, 400
            wait = error.wait if isinstance(error, limits.TooMany) else None
        else:
            if request.POST.get("block"):
                _block(request, account, subject)
            messages.success(request, _("A curator will look at it. You get a letter with the answer."))
            return redirect(made)
    context = {
        "subject": subject,
        "about": moderation.ABOUT[moderation.column_of(subject)],
        "words": moderation.words_of(subject) if moderation.may_report(account, subject) else "",
        "back": back or (subject.conversation if isinstance(subject, Message) else subject).get_absolute_url(),
        "is_message": isinstance(subject, Message),
        "is_private": isinstance(subject, Invitation | Message),
        "other": conversing.shown_as(moderation.writer_of(subject)),
        "made": moderation.of(account, subject),
        "kinds": Complaint.Kind.choices,
        "before": moderation.BEFORE,
        "longest": moderation.LONGEST,
        "problems": problems,
        "given": {"kind": kind, "text": text, "shows_before": shows_before, "block": bool(request.POST.get("block"))},
    }
    response = render(request, "profiles/complaint.html", context, status=status)
    return response if wait is None else limits.answered(response, wait)


def _block(request: HttpRequest, account: Account, subject: Subject) -> None:
    try:
        conversing.block(account, moderation.writer_of(subject), timezone.now())
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))


@require_POST
@login_required
def objection(request: HttpRequest) -> HttpResponse:
    """What a suspended account answers."""
    try:
        moderation.object_to(cast(Account, request.user), request.POST.get("text", ""), timezone.now())
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))
    else:
        messages.success(request, _("A curator will read it."))
    return redirect("conversations")


@require_safe
@for_curators
def waiting(request: HttpRequest) -> HttpResponse:
    """The complaints that wait for a curator, the oldest first; who is suspended; what was decided last."""
    filters, kind = filters_of(request, inbox.COMPLAINTS), inbox.COMPLAINTS
    found, following = queue.page(filters.rows(kind), kind.order, request.GET.get("after", ""), LISTED)
    suspensions = Suspension.objects.filter(lifted_at=None, until__gt=timezone.now(), complaint__isnull=False)
    context = around(filters) | {
        "cases": inbox.cases_of(kind, found),
        "following": following,
        "suspensions": suspensions.order_by("-pk")[:LISTED],
        "decided": Complaint.objects.exclude(decided_at=None).order_by("-decided_at", "-pk")[:LISTED],
    }
    return render(request, "profiles/curate_complaints.html", context)


@read_or_post
@for_curators
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """One complaint with the text that it is about: dismiss, uphold, put back, or lift a suspension that came of it."""
    rows = Complaint.objects.select_related(*Complaint.COLUMNS, "post__paper", "reporter", "about", "decided_by")
    found = get_object_or_404(rows, pk=pk)
    account, problems = moderation.judge(cast(Account, request.user), found), list[str]()
    if request.method == "POST":
        try:
            _step(request, account, found)
        except ValidationError as error:
            problems = error.messages
        else:
            return redirect("curate_complaint", pk)
    people = conversing.shown([found.reporter, found.about])
    earlier = Complaint.objects.filter(about=found.about).exclude(pk=pk) if found.about else Complaint.objects.none()
    context = {
        "complaint": found,
        "words": moderation.ABOUT[found.column],
        "now_said": moderation.words_of(found.subject),
        "is_out": moderation.is_out(found),
        "case": inbox.cases_of(inbox.COMPLAINTS, [found])[0] if found.is_open else None,
        "curators": list(inbox.curators()),
        "reporter": people[found.reporter_id],
        "about": people[found.about_id],
        "before": moderation.before(found),
        "earlier": list(earlier.order_by("-pk")[:LISTED]),
        "suspensions": list(found.suspensions.order_by("-pk")),
        "now": timezone.now(),
        "days": moderation.DAYS,
        "longest": moderation.LONGEST,
        "problems": problems,
        "given": request.POST,
    }
    return render(request, "profiles/curate_complaint.html", context, status=400 if problems else 200)


def _step(request: HttpRequest, account: Account, found: Complaint) -> None:
    step, now = request.POST.get("step", ""), timezone.now()
    if step == "lift":
        suspension = get_object_or_404(found.suspensions, pk=number(request.POST.get("suspension", "")))
        return moderation.lift(account, suspension, now)
    if step == "put back":
        return moderation.put_back(account, found)
    if step not in {"dismiss", "uphold"}:
        raise BadRequest("There is no such step.")
    moderation.decide(
        account,
        found,
        request.POST.get("answer", ""),
        now,
        upheld=step == "uphold",
        reason=request.POST.get("reason", ""),
        removes=bool(request.POST.get("removes")),
        days=number(request.POST.get("days", "") or "0"),
    )
