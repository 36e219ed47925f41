"""Statements that end: a question that costs more than a page is worth is given up.

Entry point: `within`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def within(milliseconds: int) -> Iterator[None]:
    """Each statement inside ends after so long with an OperationalError, and the transaction with it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
        yield
