"""The pages of invitations: the form behind "Invite", what one got and sent, and the answer.

An invitation is fetched through who asks: for whoever is no side of it there is no page. A refusal is a sentence on the
form, with all that was typed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from papers import limits
from papers.fragments import wants_fragment
from papers.methods import read_or_post

from . import inviting, queue
from .models import Account, Author, Claim, Invitation
from .views import find_author

LISTED = 20
BOXES = ("open", "answered", "sent")


@dataclass(slots=True)
class Typed:
    """What stands in the form."""

    purpose: str
    text: str
    token: UUID


@read_or_post
@login_required
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """The form; `?purpose=` begins with its starting text. POST sends it, or with `start` only fills that in."""
    author, account, now = find_author(pk), cast(Account, request.user), timezone.now()
    if request.method != "POST":
        if author.pk != pk:
            return redirect("invite", author.pk)
        purpose = request.GET.get("purpose", "")
        typed = Typed(purpose, inviting.starting_text(purpose), uuid4())
        return _form(request, author, typed, door=inviting.door(account, author, now))
    typed = Typed(request.POST.get("purpose", ""), request.POST.get("text", ""), _token(request))
    if "start" in request.POST:
        return _started(request, author, typed)
    try:
        if author.pk != pk:
            raise ValidationError(_("The record was merged with this one meanwhile. Send it if it is who you mean."))
        invitation = inviting.send(account, author, typed.purpose, typed.text, typed.token, now)
    except limits.TooMany as refused:
        return limits.answered(_form(request, author, typed, refused.messages), refused.wait)
    except ValidationError as error:
        return _form(request, author, typed, error.messages, status=400)
    messages.success(request, _("Your invitation is sent. You hear of it when it is accepted or declined."))
    return redirect(invitation)


def _token(request: HttpRequest) -> UUID:
    """The form's own, or a new one where that is none."""
    try:
        return UUID(request.POST.get("token", ""))
    except ValueError:
        return uuid4()


def _started(request: HttpRequest, author: Author, typed: Typed) -> HttpResponse:
    """The starting text of the purpose, unless something was written: that stays."""
    stays = bool(typed.text.strip()) and not inviting.is_starting_text(typed.text)
    if not stays:
        typed.text = inviting.starting_text(typed.purpose)
    if wants_fragment(request):
        context = {"typed": typed, "longest": inviting.LONGEST, "stays": stays}
        return render(request, "profiles/_invite_text.html", context)
    return _form(request, author, typed, stays=stays)


def _form(
    request: HttpRequest,
    author: Author,
    typed: Typed,
    problems: list[str] | None = None,
    door: inviting.Door | None = None,
    status: int = 200,
    stays: bool = False,
) -> HttpResponse:
    claims = Claim.objects.filter(author=author, state__in=(Claim.State.HELD, Claim.State.DISPUTED))
    levels = {claim.state: claim.level for claim in claims}
    context = {
        "author": author,
        "typed": typed,
        "problems": problems,
        "door": door,
        "stays": stays,
        "level": levels.get(Claim.State.HELD, 0),
        "is_disputed": Claim.State.DISPUTED in levels,
        "purposes": Invitation.Purpose.choices,
        "longest": inviting.LONGEST,
    }
    return render(request, "profiles/invite.html", context, status=status)


@require_safe
@login_required
def invitations(request: HttpRequest) -> HttpResponse:
    """What waits for my answer, what I answered, and what I sent (`?box=`), the newest first."""
    account, box = cast(Account, request.user), request.GET.get("box", "")
    box = box if box in BOXES else BOXES[0]
    rows = inviting.sent(account) if box == "sent" else inviting.received(account)
    if box == "open":
        rows = rows.filter(state=Invitation.State.OPEN)
    elif box == "answered":
        rows = rows.exclude(state=Invitation.State.OPEN)
    found, following = queue.page(rows, ("-pk", "-pk"), request.GET.get("after", ""), LISTED)
    context = {"box": box, "seen": inviting.seen_by(account, found), "following": following}
    return render(request, "profiles/invitations.html", context)


@require_safe
@login_required
def invitation(request: HttpRequest, pk: int) -> HttpResponse:
    """One invitation, with what its reader may answer."""
    return _one(request, _mine(request, pk))


@require_POST
@login_required
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Say `answer`: accept, decline, ignore, or (the sender) withdraw."""
    found = _mine(request, pk)
    try:
        found = inviting.answer(cast(Account, request.user), found, request.POST.get("answer", ""), timezone.now())
    except ValidationError as error:
        return _one(request, _mine(request, pk), error.messages)
    messages.success(request, _SAID[Invitation.State(found.state)]())
    return redirect(found.conversation if found.state == Invitation.State.ACCEPTED else found)


_SAID = {
    Invitation.State.ACCEPTED: lambda: _("You accepted: the conversation is open."),
    Invitation.State.DECLINED: lambda: _("You declined. The sender is told that, and not why."),
    Invitation.State.IGNORED: lambda: _("It is put away. The sender is told nothing."),
    Invitation.State.WITHDRAWN: lambda: _("Your invitation is withdrawn."),
}


def _mine(request: HttpRequest, pk: int) -> Invitation:
    """An invitation that who asks has sent or received."""
    account = cast(Account, request.user)
    rows = Invitation.objects.select_related("author", "sender", "recipient", "conversation")
    return get_object_or_404(rows.filter(Q(sender=account) | Q(recipient=account)), pk=pk)


def _one(request: HttpRequest, found: Invitation, problems: list[str] | None = None) -> HttpResponse:
    account = cast(Account, request.user)
    [seen] = inviting.seen_by(account, [found])
    context = {"seen": seen, "invitation": found, "problems": problems, "days": inviting.AGAIN.days}
    context["obstacle"] = inviting.obstacle(account, found) if "accept" in seen.answers else ""
    return render(request, "profiles/invitation.html", context, status=400 if problems else 200)
