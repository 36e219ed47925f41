"""The WSGI entry point: `gunicorn bzpeer.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bzpeer.settings")
application = get_wsgi_application()

from .caching import raise_generation  # noqa: E402 - after the set-up of Django

raise_generation()  # another version of the code may write other pages
