"""Statements: what a page reads in SQL of its own. Entry point: `rows`."""

from __future__ import annotations

from typing import Any

from django.db import connection


def rows(sql: str, **given: Any) -> list[Any]:
    """All rows of one statement, its `%(name)s` given by name."""
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return list(cursor.fetchall())
