"""Cells of CSV files that spreadsheets open. Entry point: `no_formula`."""

from __future__ import annotations


def no_formula(cell: str) -> str:
    """A spreadsheet runs a cell that begins like a formula; a quote before it makes it text."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
