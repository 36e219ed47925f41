"""What every page shows."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from . import __version__


def version(request: HttpRequest) -> dict[str, str | bool]:
    """For the footer the running version, and whether mail stays on this machine; the address of the site."""
    return {"bzpeer_version": __version__, "mail_is_kept": settings.MAIL_KEPT, "site_url": settings.SITE_URL}
