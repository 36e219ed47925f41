"""The private Atom feed of an account's alerts: who knows its address may read it, and a new address ends the old one.

It says what the inbox says, in the same words: why each came, how sure it is, and where to stop it. Nothing in it
depends on when it is asked, so that a reader that asks again gets 304. Entry points: `feed`, `switch`, `address_of`.
"""

from __future__ import annotations

from secrets import token_urlsafe

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page, require_safe

from papers import text
from papers.syndication import Entry, Feed, tag, written

from . import alerted
from .models import Account, AlertSettings
from .unlisted import ROBOTS

SHOWN = 50


def switch(account: Account, on: bool) -> None:
    """Give the account's feed a new address, or none: the old one answers no more."""
    AlertSettings.objects.update_or_create(account=account, defaults={"feed_key": token_urlsafe(32) if on else None})


def address_of(kept: AlertSettings) -> str:
    """The whole address of the feed; "" where it is switched off."""
    return f"{settings.SITE_URL}{reverse('alerts_feed', args=[kept.feed_key])}" if kept.feed_key else ""


@require_safe
@conditional_page
def feed(request: HttpRequest, key: str) -> HttpResponse:
    """The feed of that key."""
    kept = get_object_or_404(AlertSettings.objects.select_related("account"), feed_key=key, account__is_active=True)
    response = written(_feed(kept))
    response["X-Robots-Tag"] = ROBOTS
    patch_cache_control(response, private=True, no_cache=True)  # kept by its reader alone, who asks each time
    return response


def _feed(kept: AlertSettings) -> Feed:
    """The newest alerts; an empty feed last changed when the account began."""
    site, page = settings.SITE_URL, reverse("alerts")
    items, _more = alerted.listed(kept.account, size=SHOWN, least=kept.least)
    return Feed(
        id=tag(f"alerts/of/{kept.account_id}"),
        title=_("BZPEER: your alerts"),
        page=f"{site}{page}",
        address=address_of(kept),
        began=kept.account.date_joined,
        entries=[
            Entry(
                id=tag(f"alerts/{item.alert.pk}"),
                title=text.plain(item.paper.title) or _("Untitled"),
                page=f"{site}{item.paper.get_absolute_url()}",
                html=render_to_string(
                    "profiles/alert_entry.html", {"item": item, "paper": item.paper, "site": site}
                ).strip(),
                updated=item.alert.made_at,
                published=item.alert.made_at,
            )
            for item in items
        ],
    )
