"""What holds for every page: caches keep fragments apart, and who is entrusted with more shows a second factor.

Entry points: `VaryOnHtmx`, `SecondFactor`.
"""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _

from profiles.models import Account


class VaryOnHtmx:
    """Adds `Vary: HX-Request` to every page that is not static."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        return response


class Headers:
    """Says on every answer that a page uses no device of the reader's, and that nobody keeps what is for one account.

    The Content-Security-Policy and Django's own headers come from their middleware.
    """

    DEVICES = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = ", ".join(f"{device}=()" for device in self.DEVICES)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", self.policy)
        # Whoever has a session is somebody: asked by its cookie, since looking it up would cost a query on every page.
        if settings.SESSION_COOKIE_NAME in {*request.COOKIES, *response.cookies}:
            patch_cache_control(response, private=True, no_store=True)
        return response


class SecondFactor:
    """Leads an entrusted account that has no second factor to where it sets one up, from everywhere else.

    Reading goes there, where a sentence says why; anything else is refused (403). The pages under /accounts/ stay open,
    the rest of the account's room does not: it could be emptied with a stolen password.
    """

    OPEN = ("/accounts/", settings.STATIC_URL, "/healthz", "/favicon.ico", "/robots.txt")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: object) -> HttpResponse | None:
        """Before the view is called. None: go on."""
        if not settings.STAFF_SECOND_FACTOR or request.path.startswith(self.OPEN) or not lacks_second_factor(request):
            return None
        if request.method not in {"GET", "HEAD"}:
            raise PermissionDenied(_("Your account needs a second factor first."))
        return redirect("mfa_index")


def lacks_second_factor(request: HttpRequest) -> bool:
    """Whether who asks is entrusted with more than readers are and has neither one-time codes nor a key."""
    account = request.user
    if not isinstance(account, Account) or account.get_username() in settings.SECOND_FACTOR_EXEMPT:
        return False
    if not account.is_entrusted:
        return False
    strong = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return not Authenticator.objects.filter(user=account, type__in=strong).exists()
