"""The headers of pages that no search engine is to keep, and of addresses that are secrets."""

from __future__ import annotations

from typing import TypeVar

from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control

ROBOTS = "noindex, noarchive"
R = TypeVar("R", bound=HttpResponseBase)


def unlisted(response: R) -> R:
    """For an address that is a secret: nobody keeps what it shows, lists it, or is told that one came from there.

    Not `no-referrer`: a form would then be sent with the origin `null`, which the check against forged forms refuses.
    """
    response["X-Robots-Tag"] = ROBOTS
    response["Referrer-Policy"] = "same-origin"
    patch_cache_control(response, private=True, no_store=True)
    return response
