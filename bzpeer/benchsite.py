"""The site as `bench pages` serves it: an empty view beside, behind the same middleware. Entry point: `application`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bzpeer.settings")
application = get_wsgi_application()

from .pagebench import own_cache  # noqa: E402 - after the set-up of Django
from .urls import urlpatterns as site  # noqa: E402


def empty(request: HttpRequest) -> HttpResponse:
    """The least that Django can answer."""
    return HttpResponse()


urlpatterns = [path("empty", empty), *site]
settings.ROOT_URLCONF = __name__  # neither is read before the first request
settings.CACHES = own_cache(settings.CACHES)
