"""The roof as a Django app: every connection to the database tells the kept pages what was written."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.signals import connection_created


class BzpeerConfig(AppConfig):
    name = "bzpeer"

    def ready(self) -> None:
        from . import caching

        connection_created.connect(caching.watch, dispatch_uid="bzpeer.caching.watch")
