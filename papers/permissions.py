"""Who may see a page of staff: a view is wrapped in what it needs.

Entry points: `needs`, and `for_importers`: who may bring records in, see what they did, and take them back.
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


def needs(permission: str, otherwise: str = "This page is for curators.") -> Callable[[View], View]:
    """A view that a visitor must log in for, and that refuses (403) who has not the permission."""

    def guard(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied(otherwise)
            return view(request, *args, **kwargs)

        return cast(View, guarded)

    return guard


for_importers = needs("papers.add_batch", "Only those who may import see imports.")
