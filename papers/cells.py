"""Cells of CSV files that spreadsheets open. Entry points: `as_csv`, `no_formula`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

from django.http import HttpResponse


def no_formula(cell: str) -> str:
    """A spreadsheet runs a cell that begins like a formula; a quote before it makes it text."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def as_csv(name: str, rows: Iterable[Sequence[str]]) -> HttpResponse:
    """A file of that name, none of whose cells a spreadsheet runs."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    csv.writer(response).writerows([no_formula(cell) for cell in row] for row in rows)
    return response
