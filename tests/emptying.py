"""A test database as it was made, after each test that commits: cheaply, for there are hundreds of them.

Problem: Django truncates all tables and makes permissions and roles again, a second's work; and what thousands of other
tests roll back stays in the tables as dead rows, which every later scan reads.
Idea: the rows of a new database are copied aside, so that only what a test changed is put back, without triggers (those
of the journal and the ledger would refuse it); and now and then tables that are full of dead rows are truncated.
Entry point: `Emptying`, a pytest plugin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

SWEPT_EVERY = 100  # tests
BLOATED = 64 * 8_192  # bytes of a table without rows
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"


class Emptying:
    """Knows what the database has when this is made."""

    def __init__(self, blocker: DjangoDbBlocker) -> None:
        self.blocker, self.tests = blocker, 0
        with blocker.unblock():
            tables = [str(name) for (name,) in _rows(_TABLES)]
            self.first = _filled(tables)
            self.others = [table for table in tables if table not in self.first]
            self.new = _digests(self.first)
            copies = "; ".join(f"CREATE TABLE first.{table} AS TABLE {table}" for table in self.first)
            _do(f"DROP SCHEMA IF EXISTS first CASCADE; CREATE SCHEMA first; {copies}")

    def empty(self, *_arguments: Any, **_options: Any) -> list[str]:
        """In the place of Django's list of statements that empty a database: does it, and leaves none to do."""
        now = _digests(self.first)
        changed = [table for table in self.first if now[table] != self.new[table]]
        deleted = "; ".join(f"DELETE FROM {table}" for table in (*_filled(self.others), *changed))
        restored = "; ".join(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE first.{table}" for table in changed)
        without_triggers(f"{deleted}; {restored}")
        return []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self.tests += 1
        if self.tests % SWEPT_EVERY == 0 and not connection.in_atomic_block:
            with self.blocker.unblock():
                self.sweep()

    def sweep(self) -> None:
        """Truncate what is bloated, unless a module keeps something for all its tests."""
        if _filled(self.others):
            return
        sizes = " UNION ALL ".join(f"SELECT '{table}', pg_table_size('{table}')" for table in self.others)
        if bloated := [name for name, size in _rows(sizes) if size > BLOATED]:
            without_triggers(f"TRUNCATE {', '.join(bloated)} CASCADE")


def _filled(tables: Sequence[str]) -> list[str]:
    """Those that have rows."""
    each = (f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)
    return [name for (name,) in _rows(" UNION ALL ".join(each))]


def _digests(tables: Sequence[str]) -> dict[str, str]:
    """Of all rows of each table."""
    each = "SELECT '{0}', (SELECT md5(string_agg(row::text, ',' ORDER BY row::text)) FROM {0} row)"
    return dict(_rows(" UNION ALL ".join(each.format(table) for table in tables)))


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def without_triggers(statements: str) -> None:
    """Do what the journal and the ledger would refuse."""
    _do(f"SET session_replication_role = replica; {statements}; RESET session_replication_role")


def _do(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)
