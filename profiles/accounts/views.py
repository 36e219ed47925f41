"""The account's hub: what belongs to it, everything in one archive, and the way out."""

from __future__ import annotations

from typing import cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from profiles.models import Account, Author, Claim


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
        "follows": account.follows.count(),
        "reports": account.reports.count(),
    }
    return render(request, "account/hub.html", context)
