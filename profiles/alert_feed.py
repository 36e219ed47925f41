"""The private Atom feed of an account's alerts: who knows its address may read it, and a new address ends the old one.

It says what the inbox says, in the same words: why each came, how sure it is, and where to stop it. Nothing in it
depends on when it is asked, so that a reader that asks again gets 304. Entry points: `feed`, `switch`, `address_of`.
"""

from __future__ import annotations

import re
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.feedgenerator import Atom1Feed, get_tag_uri
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page, require_safe

from papers import text

from . import alerted
from .models import Account, AlertSettings

SHOWN = 50
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
    response = HttpResponse(_atom(kept), content_type="application/atom+xml; charset=utf-8")
    response["X-Robots-Tag"] = "noindex, noarchive"
    patch_cache_control(response, private=True, no_cache=True)  # kept by its reader alone, who asks each time
    return response


class _Atom(Atom1Feed):
    """Of an account that began at `began`, which is when an empty feed last changed."""

    def __init__(self, began: datetime, **given: Any) -> None:
        super().__init__(**given)
        self.began = began

    def latest_post_date(self) -> datetime:
        return super().latest_post_date() if self.items else self.began


def _atom(kept: AlertSettings) -> str:
    site, page = settings.SITE_URL, reverse("alerts")
    items, _more = alerted.listed(kept.account, size=SHOWN, least=kept.least)
    atom = _Atom(
        kept.account.date_joined,
        title=_("BZPEER: your alerts"),
        link=f"{site}{page}",
        description=None,
        author_name="BZPEER",
        feed_url=address_of(kept),
        feed_guid=get_tag_uri(f"{site}{page}{kept.account_id}", kept.account.date_joined),
    )
    for item in items:
        made = item.alert.made_at
        said = render_to_string("profiles/alert_entry.html", {"item": item, "paper": item.paper, "site": site})
        atom.add_item(
            title=_readable(text.plain(item.paper.title)) or _("Untitled"),
            link=f"{site}{item.paper.get_absolute_url()}",
            description=_readable(said),
            unique_id=get_tag_uri(f"{site}{page}{item.alert.pk}", made),
            pubdate=made,
            updateddate=made,
        )
    return atom.writeString("utf-8")


def _readable(value: str) -> str:
    """Without the characters that XML cannot hold."""
    return _NOT_XML.sub("", value).strip()
