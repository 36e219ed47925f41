"""The page of a digest: what its letter said, where that letter is, and the button to ask for it once more.

Its address is in the letter and opens nothing else; who has it needs no account. A GET changes nothing.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from papers import limits

from . import letters
from .hidden import ROBOTS
from .subscriptions import digests, links


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def page(request: HttpRequest, token: str, pk: int) -> HttpResponse:
    """A digest; by POST its letter is sent again, where nobody knows whether it went."""
    digest = digests.find(token, pk)
    if digest is None:
        raise Http404
    now = timezone.now()
    if request.method == "POST":
        if (wait := limits.take("digest_again", str(digest.subscriber_id))) is not None:
            return limits.refused(request, wait)
        if digests.again(digest, now):
            messages.success(request, _("The letter is sent again."))
        else:
            messages.info(request, _("Nothing was sent: it is known what became of this letter."))
        return redirect("digest", token, pk)
    of = digest.subscriber.subscriptions.live().filter(frequency=digest.frequency)
    context = {
        "digest": digest,
        "picks": digests.shown(digest),
        "state": letters.state(digest.letter, now).name if digest.letter else "",
        "manage": links.manage(digest.subscriber),
        "asked": [digests.named(one) for one in of.select_related("topic", "author__merged_into").order_by("pk")],
    }
    response = render(request, "profiles/digest.html", context)
    response["X-Robots-Tag"] = ROBOTS
    response["Referrer-Policy"] = "no-referrer"  # the address is the key
    return response
