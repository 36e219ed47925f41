"""What holds for every address of the interface, whatever answers it: limits, errors, HEAD, ETag, other sites' pages.

Problem: an error of a middleware, a forgotten path and a crash are pages for people, and a program cannot read them.
Idea: one middleware, outside of all that know of sessions, stands before `/api/v1/` and the schema: it counts the
client or its key, and makes a problem document of whatever came back as an error. Pages of other sites may read here,
since nothing depends on who asks: no cookie is looked at, and none is allowed along. Entry point: `Interface`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers, set_response_etag
from django.utils.translation import gettext as _

from papers import limits
from profiles.accounts import keys

from .problems import Problem, answer, instead_of

READING = ("GET", "HEAD", "OPTIONS")
# To be read by pages of other sites, and what they may send along and see.
OPEN = ("/api/", "/oai", "/changes.atom")
ALLOWED = "Accept, Authorization, If-None-Match"
EXPOSED = "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After"


class Interface:
    """Middleware before the sessions'."""

    PLACES = ("/api/v1/", "/api/schema/")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(OPEN):
            return self.get_response(request)
        response = self._answered(request) if request.path.startswith(self.PLACES) else self.get_response(request)
        if request.method in READING:
            response["Access-Control-Allow-Origin"] = "*"
            response["Access-Control-Expose-Headers"] = EXPOSED
        return response

    def _answered(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204, headers={"Allow": ", ".join(READING)})
            response["Access-Control-Allow-Methods"] = ", ".join(READING)
            response["Access-Control-Allow-Headers"] = ALLOWED
            response["Access-Control-Max-Age"] = "86400"
            return response
        try:
            name, key = _counted_as(request)
        except Problem as problem:
            response = answer(problem)
            response["WWW-Authenticate"] = 'Bearer realm="BZPEER"'
            return response
        if (wait := limits.take(name, key)) is not None:
            response = answer(_too_many(wait))
            response["Retry-After"] = str(ceil(wait))
        else:
            response = self._read(request)
        limit, (rest, seconds) = limits.LIMITS[name][0], limits.left(name, key)
        response["RateLimit-Policy"] = f'"{name}";q={limit.most};w={limit.seconds}'
        response["RateLimit"] = f'"{name}";r={rest};t={seconds}'
        patch_vary_headers(response, ["Authorization"])
        return response

    def _read(self, request: HttpRequest) -> HttpResponse:
        """The answer to a GET, without its body where only that was not asked for."""
        only_head = request.method == "HEAD"
        if only_head:
            request.method = "GET"
        response = instead_of(self.get_response(request))
        assert isinstance(response, HttpResponse)  # nothing here is streamed
        if request.method == "GET" and response.status_code == 200:
            set_response_etag(response)
            response = get_conditional_response(request, etag=response["ETag"], response=response) or response
        if response.status_code >= 400:
            response.headers.setdefault("Cache-Control", "no-store")
        if only_head:
            request.method = "HEAD"
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
        return response


def _too_many(wait: float) -> Problem:
    return Problem(429, _("Too many requests: ask again %(when)s.") % {"when": limits.words(wait)})


def _counted_as(request: HttpRequest) -> tuple[str, str]:
    """(limit, what it is kept for): the key, or the client where it sends none. Raises Problem for one that does not
    hold, which counts for the client all the same."""
    given = request.headers.get("Authorization", "")
    if not given:
        return "api", limits.client(request)
    scheme, _space, text = given.partition(" ")
    key = keys.holder(text.strip(), timezone.now().date()) if scheme.lower() == "bearer" else None
    if key is not None:
        return "api_key", f"key {key.pk}"
    if (wait := limits.take("api", limits.client(request))) is not None:
        raise _too_many(wait)
    raise Problem(401, _("This API key does not hold. Make one at /account/keys/, or send none."))
