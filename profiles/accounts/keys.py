"""Keys of the API: an account makes them, sees each once, and ends them.

Problem: a key that is kept readable is stolen with the table, and one that is never looked at is used by nobody knows
whom. Idea: 256 random bits, of which only the SHA-256 hash is stored, and looked up; the last day of its use is written
at most once a day. A key opens nothing that a visitor may not read, so that nothing private is lost with one.
Entry points: `make`, `holder`, and the page.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import date
from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from papers import journal
from papers.limits import LIMITS
from papers.methods import read_or_post
from profiles.models import Account, ApiKey

MOST = 10
PREFIX = "bzp_"  # by which a key is found where it does not belong
LONGEST = 100  # characters of a key that are looked at


@transaction.atomic
def make(account: Account, name: str) -> tuple[ApiKey, str]:
    """A new key and its text, which is kept nowhere. Raises ValidationError where the account has `MOST`."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)  # two at once count one after the other
    if account.api_keys.count() >= MOST:
        raise ValidationError(_("An account has at most %(most)s keys. End one first.") % {"most": MOST})
    text = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(account=account, name=name, hash=_hash(text), hint=text[-4:])
    journal.write(account, "made an API key", key)
    return key, text


@transaction.atomic
def end(account: Account, pk: int) -> bool:
    """End the account's key of that id at once; False where it has none."""
    key = ApiKey.objects.filter(account=account, pk=pk).first()
    if key is None:
        return False
    journal.write(account, "ended an API key", key)
    key.delete()
    return True


def holder(text: str, today: date) -> ApiKey | None:
    """The key of that text, if it holds; notes that it was used today."""
    if len(text) > LONGEST or not text.startswith(PREFIX):
        return None
    key = ApiKey.objects.filter(hash=_hash(text), account__is_active=True).first()
    if key is not None and key.used_on != today:
        ApiKey.objects.filter(Q(used_on=None) | Q(used_on__lt=today), pk=key.pk).update(used_on=today)
    return key


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class KeyForm(forms.Form):
    """What a key is called."""

    name = forms.CharField(
        label=gettext_lazy("What the key is for"),
        max_length=60,
        widget=forms.TextInput({"autocomplete": "off", "placeholder": gettext_lazy("weekly copy")}),
    )


@read_or_post
@login_required
def keys(request: HttpRequest) -> HttpResponse:
    """The keys of the account; a POST makes one and shows it, this once."""
    account = cast(Account, request.user)
    form = KeyForm(request.POST if request.method == "POST" else None)
    made, text = None, ""
    if form.is_valid():
        try:
            made, text = make(account, form.cleaned_data["name"])
        except ValidationError as refused:
            form.add_error(None, refused)
        else:
            form = KeyForm()
    context = {
        "form": form,
        "made": made,
        "text": text,
        "keys": account.api_keys.order_by("-pk"),
        "most": MOST,
        "visitors": LIMITS["api"][0],
        "keyed": LIMITS["api_key"][0],
    }
    response = render(request, "account/keys.html", context, status=400 if form.errors else 200)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@login_required
def end_key(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the account's keys. Another's, and one that is gone, are the same nothing."""
    if end(cast(Account, request.user), pk):
        messages.success(request, _("The key is ended. Programs that use it are visitors from now on."))
    return redirect("account_keys")
