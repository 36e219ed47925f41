"""Statements that cost no more than they may.

Problem: what one reader asks may cost the database minutes. Idea: a transaction in which PostgreSQL itself ends each
statement that takes longer. Entry point: `within`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.errors import QueryCanceled


class TooSlow(Exception):
    """A statement took longer than it may; what its transaction did is undone."""


@contextmanager
def within(milliseconds: int) -> Iterator[CursorWrapper]:
    """A transaction, and a cursor in it, whose every statement may take so long. Raises `TooSlow`.

    Inside another transaction the limit ends with the block, and the one that held before holds again.
    """
    nested = connection.in_atomic_block
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # What holds is read before it is set anew: SET LOCAL outlives a savepoint that is released.
            cursor.execute(
                "SELECT held, set_config('statement_timeout', %s, true)"
                " FROM (SELECT current_setting('statement_timeout') AS held OFFSET 0) AS before",
                [str(milliseconds)],
            )
            before = cursor.fetchone()[0]
            yield cursor
            if nested:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooSlow(f"A statement took more than {milliseconds} ms.") from error
        raise
