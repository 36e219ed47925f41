"""Alerts on pages: the inbox, what waits, "that is another person", how to stop, the counts in the header.

A GET changes nothing, nor marks anything as read. Each POST says one thing about what belongs to who asks; without HTMX
it leads back to where it was said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from papers import limits
from papers.fragments import wants_fragment
from papers.models import Signature

from . import alert_feed, alerted, conversing, doubts, following
from .addresses import heir_of
from .alerts import TOPIC_DAYS, TOPIC_MOST
from .curation import next_of
from .models import Account, AlertReason, AlertSettings, Assignment, Doubt, Follow, NameWatch, TopicFollow
from .views import find_author

SAID = 20  # doubts that the page lists

# What the header counts, by the place there (`#waiting-…`).
COUNTS: tuple[tuple[str, Callable[[Account], int]], ...] = (
    ("alerts", alerted.unread),
    ("conversations", conversing.unread),
)


@require_safe
@login_required
def alerts(request: HttpRequest) -> HttpResponse:
    """The inbox, newest first; with ?waiting=1 the works whose attribution is not sure enough for this reader."""
    account = cast(Account, request.user)
    settings = AlertSettings.objects.filter(account=account).first() or AlertSettings(account=account)
    waits = request.GET.get("waiting") == "1"
    items, following = alerted.listed(account, request.GET.get("after", ""), waits=waits, least=settings.least)
    said = Doubt.objects.live().filter(account=account).select_related("author", "signature__paper").order_by("-pk")
    context = {
        "items": items,
        "next_page": f"{'waiting=1&' if waits else ''}after={following}" if following else "",
        "waits": waits,
        "least": settings.least,
        "unread": alerted.unread(account, settings.least),
        "waiting": alerted.waiting(account, settings.least),
        "counted": alerted.COUNTED,
        "follows": bool(items) or _follows(account),
        "said": said[:SAID],
        "feed": alert_feed.address_of(settings),
        "topic_days": TOPIC_DAYS,
        "topic_most": TOPIC_MOST,
    }
    return render(request, "profiles/alerts.html", context)


def _follows(account: Account) -> bool:
    return any(model.objects.filter(account=account).exists() for model in (Follow, TopicFollow, NameWatch))


@require_POST
@login_required
def read(request: HttpRequest) -> HttpResponse:
    """One alert is read (`alert`), or all that are shown, up to the `newest` that was on the page."""
    one, newest = (_number(request, key) for key in ("alert", "newest"))
    alerted.mark_read(cast(Account, request.user), timezone.now(), one, newest)
    return redirect(next_of(request.POST) or "alerts")


@require_POST
@login_required
def stop(request: HttpRequest) -> HttpResponse:
    """Stop what a `reason` came from: no longer follow the person or the topic, no longer wait for the name."""
    if (pk := _number(request, "reason")) is None:
        raise BadRequest("Say which of your alerts.")
    account = cast(Account, request.user)
    rows = AlertReason.objects.select_related("follow__author__merged_into", "topic_follow__topic", "watch")
    reason = get_object_or_404(rows, pk=pk, alert__account=account)
    if reason.follow:
        heir = heir_of(reason.follow.author)
        following.unfollow(account, heir)
        name = heir.name if heir.is_public else _("a person whose record is hidden")
        done = _("You no longer follow %(name)s.") % {"name": name}
    elif reason.topic_follow:
        topic = reason.topic_follow.topic
        following.unfollow_topic(account, topic)
        done = _("You no longer follow the topic %(name)s.") % {"name": topic}
    else:
        watch = cast(NameWatch, reason.watch)
        watch.delete()
        done = _("You no longer watch the name %(name)s.") % {"name": watch.name}
    messages.success(request, done)
    return redirect(next_of(request.POST) or "alerts")


@require_POST
@login_required
def doubt(request: HttpRequest) -> HttpResponse:
    """The name (`signature`) of a work is another's than the `author`'s, or is theirs after all: `said`."""
    account, now = cast(Account, request.user), timezone.now()
    signature, author = (_number(request, key) for key in ("signature", "author"))
    said = request.POST.get("said", "")
    if signature is None or author is None or said not in {"another", "this"}:
        raise BadRequest("Say of which work, and whose it is.")
    work = get_object_or_404(Signature.objects.select_related("paper"), pk=signature)
    doubted: Doubt | None = None
    problem = ""
    if said == "another":
        person = find_author(author)
        get_object_or_404(Assignment, signature=work, author=person)
        if (wait := limits.take("doubt", limits.who(request))) is not None:
            return limits.refused(request, wait)
        try:
            doubts.say(account, work, person, now)
            doubted = Doubt(signature=work, author=person)
        except ValidationError as error:
            problem = " ".join(error.messages)
    elif mine := Doubt.objects.live().filter(account=account, signature=work, author=author).first():
        doubts.take_back(account, work, mine.author, now)
    if wants_fragment(request):
        waits = request.POST.get("waiting") == "1"
        item = alerted.about(account, work.paper_id, waits)
        context = {"item": item, "doubted": doubted, "waits": waits, "said": said, "problem": problem}
        return render(request, "profiles/_alert.html", context | _counts(account))
    if problem:
        messages.error(request, problem)
    else:
        done = _("You will hear no more of this work for this person.") if doubted else _("You took it back.")
        messages.success(request, done)
    return redirect(next_of(request.POST) or "alerts")


@require_POST
@login_required
def feed(request: HttpRequest) -> HttpResponse:
    """Make the feed or give it a new address (`do` = make), or switch it off."""
    do = request.POST.get("do", "")
    if do not in {"make", "off"}:
        raise BadRequest("Say what shall become of the feed.")
    alert_feed.switch(cast(Account, request.user), on=do == "make")
    return redirect(f"{reverse('alerts')}#feed")


@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """What the header counts; nothing for a visitor. A session that has ended leaves the page as it is."""
    if not isinstance(request.user, Account):
        return HttpResponse(status=204)
    return render(request, "profiles/_waiting.html", _counts(request.user))


def _counts(account: Account) -> dict[str, object]:
    return {"counts": [(place, count(account)) for place, count in COUNTS], "counted": alerted.COUNTED}


def _number(request: HttpRequest, key: str) -> int | None:
    value = request.POST.get(key, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= 18 else None
