"""Conversations: the list, one of them with its form, and the ways out; blocks.

Each is for its two sides alone: anybody else, a curator too, gets 404. A GET changes nothing: what was read is marked
by a form, which HTMX sends as soon as it is there.
"""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from papers import limits
from papers.fragments import wants_fragment
from papers.methods import read_or_post

from . import conversing, inviting, moderation
from .models import Account, Block, Conversation, Invitation, Message, Post

PAGE = 50  # messages on a page
BLOCKED = 500  # blocks that are listed: more than anyone has


@require_safe
@login_required
def conversations(request: HttpRequest) -> HttpResponse:
    """One's conversations, where something was said last first; whom one blocked; and a suspension."""
    account = cast(Account, request.user)
    found, following = conversing.listed(account, request.GET.get("after", ""))
    blocks = list(Block.objects.filter(account=account).select_related("blocked").order_by("-pk")[:BLOCKED])
    people = conversing.shown(block.blocked for block in blocks)
    context = {
        "conversations": found,
        "invited": inviting.waiting(account),
        "following": following,
        "blocks": [(block, people[block.blocked_id]) for block in blocks],
        "suspension": conversing.suspension_of(account, timezone.now()),
        "longest": moderation.LONGEST,
    }
    return render(request, "profiles/conversations.html", context)


@read_or_post
@login_required
def conversation(request: HttpRequest, pk: int) -> HttpResponse:
    """One conversation, the newest messages last; a message of one's own."""
    account, found = cast(Account, request.user), _find(request, pk)
    if request.method != "POST":
        return _page(request, found)
    text, token, now = request.POST.get("text", ""), _token(request), timezone.now()
    try:
        conversing.send(found, account, text, token, now)
    except ValidationError as error:
        response = _page(request, _find(request, pk), text, error.messages, token)
        if isinstance(error, limits.TooMany):
            limits.answered(response, error.wait)
        # HTMX leaves the page as it is for what is no success.
        response.status_code = 200 if wants_fragment(request) else response.status_code
        return response
    conversing.mark_read(found, account, number(request.POST.get("upto", "0")), now)
    return (
        _page(request, _find(request, pk)) if wants_fragment(request) else redirect(f"{found.get_absolute_url()}#talk")
    )


@require_safe
@login_required
def new(request: HttpRequest, pk: int) -> HttpResponse:
    """The messages after `after`, for a page that is open."""
    found, account = _find(request, pk), cast(Account, request.user)
    after = number(request.GET.get("after", "0"))
    rows = list(found.messages.filter(pk__gt=after).order_by("pk")[:PAGE])
    context = _said(found, account, rows, after) | {
        "other": conversing.shown_as(found.other_than(account)),
        "polls": True,
    }
    return render(request, "profiles/_conversation_new.html", context)


@require_POST
@login_required
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """What one got up to the message `upto` is read."""
    found = _find(request, pk)
    conversing.mark_read(found, cast(Account, request.user), number(request.POST.get("upto", "")), timezone.now())
    return HttpResponse() if wants_fragment(request) else redirect(found)


@require_POST
@login_required
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a conversation for both sides."""
    found = _find(request, pk)
    conversing.leave(found, cast(Account, request.user), timezone.now())
    return redirect(found)


@require_POST
@login_required
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """Letters about this conversation: `wanted` is "yes" or "no"."""
    found, wanted = _find(request, pk), request.POST.get("wanted", "")
    if wanted not in {"yes", "no"}:
        raise BadRequest("Say yes or no.")
    conversing.set_mail(found, cast(Account, request.user), wanted == "yes")
    return redirect(found)


@require_POST
@login_required
def block(request: HttpRequest) -> HttpResponse:
    """Block the other side of the `conversation`, who sent the `invitation`, or who wrote the `post`."""
    account = cast(Account, request.user)
    if given := request.POST.get("conversation", ""):
        found = _find(request, number(given))
        other, back = found.other_than(account), found.get_absolute_url()
    elif given := request.POST.get("invitation", ""):
        received = Invitation.objects.filter(recipient=account).select_related("sender")
        other, back = get_object_or_404(received, pk=number(given)).sender, "conversations"
    elif given := request.POST.get("post", ""):
        written = get_object_or_404(Post.objects.select_related("account"), pk=number(given))
        other, back = written.account, written.get_absolute_url()
    else:
        raise BadRequest("Say by a conversation, an invitation or a post who is to be blocked.")
    try:
        conversing.block(account, other, timezone.now())
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))
    else:
        messages.success(request, _("Blocked. The other side is not told; you can take it back under “Conversations”."))
    return redirect(back)


@require_POST
@login_required
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """End a block of one's own; back to the `post` that it hid, where one is named."""
    back = request.POST.get("post", "")
    if not conversing.take_back(cast(Account, request.user), pk):
        raise Http404("There is no such block.")
    messages.success(request, _("The block is taken back: this account can invite and answer you again."))
    return redirect("post", number(back)) if back else redirect("conversations")


def _find(request: HttpRequest, pk: int) -> Conversation:
    """A conversation of who asks. Raises Http404."""
    rows = conversing.of(cast(Account, request.user)).select_related("invitation__author")
    return get_object_or_404(rows, pk=pk)


def _page(
    request: HttpRequest,
    found: Conversation,
    text: str = "",
    problems: list[str] | None = None,
    token: UUID | None = None,
) -> HttpResponse:
    """The whole page, or what HTMX swaps in: the newest messages and the form."""
    account = cast(Account, request.user)
    rows, before = found.messages.order_by("-pk"), request.GET.get("before", "")
    if before:
        rows = rows.filter(pk__lt=number(before))
    newest = list(rows[: PAGE + 1])
    other = found.other_than(account)
    context = _said(found, account, newest[:PAGE][::-1]) | {
        "other": conversing.shown_as(other),
        "is_sender": found.invitation.sender_id == account.pk,
        "earlier": newest[PAGE - 1].pk if len(newest) > PAGE else 0,
        "is_newest": not before,
        "polls": not before and found.closed_at is None,
        "stop": conversing.closed(found, account) or conversing.obstacle(account, other),
        "my_block": Block.objects.filter(account=account, blocked=other).first() if other else None,
        "is_there": bool(other and other.is_active),
        "muted": getattr(found, found.mute_of(account)),
        "text": text,
        "problems": problems or [],
        "token": token or uuid4(),
        "longest": conversing.LONGEST,
    }
    template = "profiles/_conversation.html" if wants_fragment(request) else "profiles/conversation.html"
    return render(request, template, context, status=400 if problems else 200)


def _said(found: Conversation, account: Account, rows: list[Message], after: int = 0) -> dict[str, Any]:
    """What the list of messages needs; `unread`, whether some of them are."""
    return {
        "conversation": found,
        "said": rows,
        "upto": rows[-1].pk if rows else after,
        "unread": any(row.recipient_id == account.pk and row.read_at is None for row in rows),
    }


def _token(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("token", ""))
    except ValueError:
        return uuid4()


def number(value: str) -> int:
    """An id of a form or an address. Raises BadRequest."""
    if not value.isdecimal() or len(value) > 18:
        raise BadRequest("This is no number.")
    return int(value)
