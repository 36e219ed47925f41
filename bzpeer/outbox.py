"""The mail that would have been sent, on a machine of one's own: for staff, and only where mail is kept.

The text was written with what strangers typed, so it is shown as text; addresses in it are links, nothing else is.
"""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from papers.paging import key
from profiles.models import Account, Letter

LISTED = 20


@require_safe
@never_cache
def outbox(request: HttpRequest) -> HttpResponse:
    """Letters, the newest first. There is no such page where mail is sent."""
    if not settings.MAIL_KEPT:
        raise Http404
    return _letters(request)


@login_required
def _letters(request: HttpRequest) -> HttpResponse:
    if not cast(Account, request.user).is_staff:
        raise PermissionDenied(_("The mail of this machine is for staff."))
    before = request.GET.get("before", "")
    letters = Letter.objects.order_by("-pk")
    found = list((letters.filter(pk__lt=key(before)) if before else letters)[: LISTED + 1])
    following = str(found[LISTED - 1].pk) if len(found) > LISTED else ""
    return render(request, "bzpeer/outbox.html", {"letters": found[:LISTED], "following": following})
