"""Who may bring records in, see what they did, and take them back.

Entry point: `for_importers`, around each view.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponseBase]


def for_importers(view: View) -> View:
    """A view that a visitor must log in for, and that refuses (403) who may not import (`papers.add_batch`)."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.has_perm("papers.add_batch"):
            raise PermissionDenied("Only those who may import see imports.")
        return view(request, *args, **kwargs)

    return cast(View, guarded)
