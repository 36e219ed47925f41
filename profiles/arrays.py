"""Thousands of values as one parameter of a query; Django makes a parameter of each, which costs more than the query.

Entry points: `texts` and `ids` for `field__in=`, `array` for `field__overlap=`.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models.expressions import RawSQL


def texts(values: Iterable[str]) -> RawSQL:
    """The values as the rows of a subquery."""
    return RawSQL("SELECT unnest(%s::text[])", [list(values)])


def ids(values: Iterable[int]) -> RawSQL:
    """The values as the rows of a subquery."""
    return RawSQL("SELECT unnest(%s::bigint[])", [list(values)])


def array(values: Iterable[str]) -> RawSQL:
    """The values as one array."""
    return RawSQL("%s::text[]", [list(values)])
