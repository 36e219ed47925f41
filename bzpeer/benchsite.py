"""The site as `bench pages` serves it: an empty view beside, behind the same middleware. Entry point: `application`.

Importing it changes nothing: the collector of doctests does so in the process of all tests.
"""

import os

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path


def empty(request: HttpRequest) -> HttpResponse:
    """The least that Django can answer."""
    return HttpResponse()


def application() -> WSGIHandler:
    """What gunicorn serves; it changes the settings and addresses of the process, which is to be its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bzpeer.settings")
    site = get_wsgi_application()
    from . import urls  # both need the set-up of Django
    from .pagebench import own_cache

    urls.urlpatterns.insert(0, path("empty", empty))
    settings.CACHES = own_cache(settings.CACHES)  # not read before the first request
    return site
