"""The account's hub: what belongs to it, everything in one archive, and the way out."""

from __future__ import annotations

from typing import cast

from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from papers import journal
from papers.methods import read_or_post
from profiles.models import Account, Author, Claim

from .archive import archive
from .leaving import delete as end


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """What belongs to the account, and where each part is changed."""
    account = cast(Account, request.user)
    factors = Authenticator.objects.filter(user=account).exclude(type=Authenticator.Type.RECOVERY_CODES)
    context = {
        "addresses": EmailAddress.objects.filter(user=account).order_by("-primary", "email"),
        "has_factor": factors.exists(),
        "connections": SocialAccount.objects.filter(user=account).order_by("pk"),
        "may_connect": bool(settings.ORCID_CLIENT_ID),
        "author": Author.objects.filter(account=account).first(),
        "claims": Claim.objects.filter(account=account).live().count(),
        "follows": account.follows.count() + account.topic_follows.count() + account.name_watches.count(),
        "collections": account.collections.filter(is_saved=False).count(),
        "reports": account.reports.count(),
    }
    return render(request, "account/hub.html", context)


@require_POST
@login_required
@reauthentication_required  # type: ignore[untyped-decorator]
def export(request: HttpRequest) -> FileResponse:
    """One archive of everything, once the password or a second factor was shown again."""
    account, now = cast(Account, request.user), timezone.now()
    journal.write(account, "took an archive", account)
    file = archive(account, now)
    return FileResponse(file, as_attachment=True, filename=f"bzpeer-{now:%Y-%m-%d}.zip", content_type="application/zip")


class LeaveForm(forms.Form):
    """The word that nobody types by mistake."""

    WORD = gettext_lazy("delete")

    word = forms.CharField(
        label=gettext_lazy("Type the word “delete”"), max_length=20, widget=forms.TextInput({"autocomplete": "off"})
    )

    def clean_word(self) -> str:
        if self.cleaned_data["word"].strip().casefold() != str(self.WORD).casefold():
            raise ValidationError(_("That is another word. Nothing was deleted."))
        return str(self.WORD)


@read_or_post
@login_required
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
def delete(request: HttpRequest) -> HttpResponse:
    """What would happen, and the button."""
    account = cast(Account, request.user)
    form = LeaveForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        end(account, timezone.now())
        logout(request)
        messages.success(request, _("Your account is deleted."))
        return redirect("home")
    held = Claim.objects.filter(account=account).live().select_related("author")
    return render(request, "account/delete.html", {"form": form, "claims": held}, status=400 if form.is_bound else 200)
