"""Caches must not mix a whole page with the fragment that HTMX gets under the same address."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers


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
