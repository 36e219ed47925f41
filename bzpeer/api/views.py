"""The schema, and the page that explains the interface and lets one try it.

The page is ninja's own Swagger UI from files of this site. It needs no exception from the Content-Security-Policy: its
settings are data in the page, its two scripts are files, and what it styles it styles by script.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from papers.limits import LIMITS

from . import v1


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1."""
    return JsonResponse(v1.schema())


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """What can be asked, the limits, and a form for each address."""
    context = {
        "settings": {
            "url": reverse("api_schema"),
            "layout": "BaseLayout",
            "deepLinking": False,
            "validatorUrl": None,
            "defaultModelsExpandDepth": -1,  # each answer shows its own
        },
        "site": settings.SITE_URL,
        "visitors": LIMITS["api"][0],
        "keyed": LIMITS["api_key"][0],
    }
    return render(request, "bzpeer/api.html", context)
