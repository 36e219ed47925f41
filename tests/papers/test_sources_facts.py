"""Bare facts as JSON lines."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from papers.records import Numbered, PrintedAuthor, Record
from papers.sources import facts

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SYMBOL_TUNING = {
    "id": "2305.08298v2", "title": "Symbol tuning improves\n  in-context learning in language models",
    "authors": ["Jerry Wei", "Quoc V. Le"], "categories": ["cs.CL", "cs.CL"], "created": "2023-05-15",
    "updated": "2023-12-30", "doi": "https://doi.org/10.18653/V1/x", "votes": 3,
}  # fmt: skip


def record(fields: dict[str, Any]) -> Record:
    (found,) = facts.read(io.BytesIO(json.dumps(fields).encode()), date(2026, 1, 1))
    assert isinstance(found, Numbered)
    return found.record


def test_a_line_of_facts_becomes_a_record() -> None:
    assert record(SYMBOL_TUNING) == Record(
        title="Symbol tuning improves in-context learning in language models",
        authors=(PrintedAuthor("Jerry Wei", "Wei", "Jerry"), PrintedAuthor("Quoc V. Le", "Le", "Quoc V.")),
        arxiv_id="2305.08298",
        doi="10.18653/v1/x",
        categories=("cs.CL",),
        created=date(2023, 5, 15),
        updated=date(2023, 12, 30),
    )


def test_absent_facts_stay_absent() -> None:
    found = record({"id": "2305.08298", "title": "T", "authors": ["A"], "doi": None, "updated": ""})
    assert (found.created, found.updated, found.doi, found.categories, found.abstract) == (None, None, None, (), "")


def test_what_names_nobody_is_left_out_and_a_group_stays() -> None:
    printed = ["", "😀", "et al.", "The ATLAS Collaboration", "X", "Ada Lovelace et al.", "Unknown"]
    found = record({"id": "2305.08298", "title": "T", "authors": printed})
    assert [(a.family, a.given) for a in found.authors] == [
        ("The ATLAS Collaboration", ""),
        ("X", ""),
        ("Lovelace", "Ada"),
    ]


@pytest.mark.parametrize(
    ("fields", "known"), [({}, True), ({"date_from_id": True}, False), ({"date_from_id": False}, True)]
)
def test_a_date_taken_from_the_identifier_gives_only_the_month(fields: dict[str, Any], known: bool) -> None:
    assert record(SYMBOL_TUNING | fields).day_known is known


def test_the_demonstration_corpus_is_taken_in_whole() -> None:
    path = SHARED / "corpora" / "demo-facts.jsonl"
    if not path.exists():
        pytest.skip("The shared corpora are not beside this checkout.")
    with path.open("rb") as stream:
        assert all(isinstance(found, Numbered) for found in facts.read(stream, date(2026, 12, 31)))
