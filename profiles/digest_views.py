"""The page of a digest: what its letter said, where that letter is, and the button to ask for it once more.

It is opened by its reader's own link and needs no account. A GET changes nothing.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from papers import limits
from papers.methods import read_or_post

from . import letters
from .subscription_views import unknown
from .subscriptions import digests, links
from .unlisted import unlisted


@read_or_post
def page(request: HttpRequest, token: str, pk: int) -> HttpResponse:
    """A digest; by POST its letter is sent again, where nobody knows whether it went."""
    given = links.read(token)
    if given is None:
        return unknown(request)
    digest = digests.of(given[0], pk)
    if digest is None:  # the address is a secret, and those of refused requests stand in the log
        return unlisted(redirect("subscriptions_manage", token))
    now = timezone.now()
    if request.method == "POST":
        if (wait := limits.take("digest_again", str(digest.subscriber_id))) is not None:
            messages.error(request, _("That is too often. Try again %(wait)s.") % {"wait": limits.words(wait)})
        elif digests.again(digest, now):
            messages.success(request, _("The letter is sent again."))
        else:
            messages.info(request, _("Nothing was sent: it is known what became of this letter."))
        return unlisted(redirect("digest", token, pk))
    subscriptions = digest.subscriber.subscriptions.live().filter(frequency=digest.frequency)
    context = {
        "digest": digest,
        "picks": digests.shown(digest),
        "state": letters.state(digest.letter, now).name if digest.letter else "",
        "manage": links.manage(digest.subscriber),
        "asked": [
            digests.named(one) for one in subscriptions.select_related("topic", "author__merged_into").order_by("pk")
        ],
    }
    return unlisted(render(request, "profiles/digest.html", context))
