"""The pages of saved searches: the list, and the forms that save, open, change and delete one.

Opening by the button says that its papers were seen, and leads to the search; the link leads there and says nothing.
"""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from papers.limits import limited
from papers.methods import read_or_post
from papers.paging import key

from . import asking
from .models import Account, Subscription
from .subscriptions import searches, subscribing


@read_or_post
@login_required
@limited("save_search")
def page(request: HttpRequest) -> HttpResponse:
    """My saved searches; by POST one more."""
    account = cast(Account, request.user)
    if request.method == "POST":
        return _save(request, account)
    after = request.GET.get("after", "")
    found, following = searches.saved(account, key(after) if after else None)
    context = {
        "searches": found,
        "following": following,
        "frequencies": Subscription.Frequency.choices,
        "most": searches.MOST,
    }
    return render(request, "profiles/searches.html", context)


def _save(request: HttpRequest, account: Account) -> HttpResponse:
    address, given = request.POST.get("search", ""), request.POST
    try:
        row = searches.save(account, address, given.get("name", ""), given.get("frequency", ""))
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
        # Back to where it was asked from, if that was a search: what is typed there is not lost.
        question = asking.asked(address)
        return redirect(f"{reverse('search')}?{question.canonical}" if question.query else "saved_searches")
    messages.success(request, _("Saved: %(name)s.") % {"name": row.name or asking.asked(row.query).query})
    return redirect("saved_searches")


@require_POST
@login_required
def opened(request: HttpRequest, pk: int) -> HttpResponse:
    """To the search; what is there has been seen."""
    row = _own(request, pk)
    searches.opened(row)
    return redirect(f"{reverse('search')}?{asking.asked(row.query).canonical}")


@require_POST
@login_required
@limited("save_search")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name, another frequency."""
    row = _own(request, pk)
    try:
        searches.change(row, request.POST.get("name", ""), request.POST.get("frequency", ""))
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
    else:
        messages.success(request, _("Saved."))
    return redirect("saved_searches")


@require_POST
@login_required
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """End it, with its mail. One that is not there any more is what was wanted."""
    if row := searches.of(cast(Account, request.user)).filter(pk=pk).first():
        subscribing.end(row, timezone.now())
    messages.success(request, _("Deleted."))
    return redirect("saved_searches")


def _own(request: HttpRequest, pk: int) -> Subscription:
    return get_object_or_404(searches.of(cast(Account, request.user)), pk=pk)
