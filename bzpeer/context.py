"""What every page shows."""

from __future__ import annotations

from django.http import HttpRequest

from . import __version__


def version(request: HttpRequest) -> dict[str, str]:
    """The running version, for the footer."""
    return {"bzpeer_version": __version__}
