"""The site as `bench pages` serves it: an empty view beside, behind the same middleware. Entry point: `application`."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from .wsgi import application

__all__ = ["application", "urlpatterns"]

from .pagebench import own_cache
from .urls import urlpatterns as site


def empty(request: HttpRequest) -> HttpResponse:
    """The least that Django can answer."""
    return HttpResponse()


urlpatterns = [path("empty", empty), *site]
settings.ROOT_URLCONF = __name__  # neither is read before the first request
settings.CACHES = own_cache(settings.CACHES)
