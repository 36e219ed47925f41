"""What a line of JSON can do wrong, in either of the formats that are JSON lines."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

import pytest

from papers.records import Numbered, Refusal
from papers.sources import facts, jsonlines, snapshot

TODAY = date(2026, 1, 10)
GOOD: dict[str, Any] = {"id": "2106.00221", "title": "On Widgets", "authors": ["Ada Lovelace"], "created": "2021-06-01"}


def read(*records: dict[str, Any] | bytes) -> list[Numbered | Refusal]:
    data = b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in records)
    return list(facts.read(io.BytesIO(data), TODAY))


def refusal(record: dict[str, Any] | bytes) -> Refusal:
    (found,) = read(record)
    assert isinstance(found, Refusal)
    return found


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "The line is not JSON: "),
        (b"not json", "The line is not JSON: "),
        (b'{"id": "\xff"}', "The line is not UTF-8 (byte 9)."),
        (b'["a"]', "The line is not a JSON object."),
        (b"null", "The line is not a JSON object."),
        (b'{"id": "1", "id": "2"}', "The same key stands twice"),
        (b'{"x": {"a": 1, "a": 1}}', "The same key stands twice"),
        (b'{"x": NaN}', "The line holds NaN"),
        (b'{"x": -Infinity}', "The line holds -Infinity"),
        (b'{"x": ' + b"9" * 5000 + b"}", "The line holds a number too long"),
        (b"[" * 200_000, "The line is nested too deeply."),
        (b'{"a":' * 200_000, "The line is nested too deeply."),
    ],
)
def test_a_broken_line_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    assert refusal(line).reason.startswith(reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "The record has no identifier."),
        ({"id": 2106.00221}, "The identifier is a number"),
        ({"id": 210600221}, "The identifier is a number"),
        ({"id": ["2106.00221"]}, "“id” is not text."),
        ({"id": "2106.0022100"}, "“2106.0022100” is not an arXiv identifier."),
        ({"title": None}, "The record has no title."),
        ({"title": "\x00 \u200b"}, "The record has no title."),
        ({"title": 7}, "“title” is not text."),
        ({"title": "x" * 5001}, "“title” is longer than 5,000 characters."),
        ({"authors": None}, "The record has no authors."),
        ({"authors": []}, "The record has no authors."),
        ({"authors": [":", "***"]}, "The record has no authors."),
        ({"authors": "Ada Lovelace"}, "“authors” is not a list of texts."),
        ({"authors": [None]}, "“authors” is not a list of texts."),
        ({"authors": ["A"] * 20_001}, "“authors” has more than 20,000 entries."),
        ({"authors": ["A" * 1001]}, "An author's name is longer than 1,000 characters."),
        ({"abstract": "x" * 100_001}, "“abstract” is longer than 100,000 characters."),
        ({"created": "2026-01-12"}, "“created” lies in the future: 2026-01-12."),
        ({"updated": "9999-12-31"}, "“updated” lies in the future: 9999-12-31."),
        ({"created": "1899-12-31"}, "“created” is before 1900: 1899-12-31."),
        ({"created": "June 2021"}, "“created” is not a date of the form YYYY-MM-DD."),
        ({"created": 20210601}, "“created” is not a date of the form YYYY-MM-DD."),
        ({"created": "2021-02-30"}, "“created” is not a date of the form YYYY-MM-DD."),
        ({"categories": "cs.LG"}, "“categories” is not a list of texts."),
        ({"categories": ["cs.LG"] * 101}, "“categories” has more than 100 entries."),
    ],
)
def test_a_record_that_cannot_be_believed_is_refused_with_its_reason(change: dict[str, Any], reason: str) -> None:
    assert refusal(GOOD | change).reason.startswith(reason)


def test_one_bad_line_stops_no_other_and_blank_lines_do_not_count() -> None:
    found = read(GOOD, b"", b"broken", b"  ", GOOD)
    assert [(type(item), item.number) for item in found] == [(Numbered, 1), (Refusal, 2), (Numbered, 3)]


def test_a_refusal_carries_what_was_read_and_its_identifier() -> None:
    line = GOOD | {"title": "x" * 6000}
    found = refusal(line)
    assert found.source_id == "2106.00221"
    assert json.loads(found.raw) == line


def test_of_a_record_too_long_to_be_fixed_in_place_only_the_start_is_kept() -> None:
    assert len(refusal(GOOD | {"title": "x" * 100_000}).raw) == jsonlines.RAW_SHOWN


def test_a_line_without_end_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonlines, "lines", lambda stream: [(1, None), (2, json.dumps(GOOD).encode())])
    first, second = read(b"")
    assert isinstance(first, Refusal)
    assert first.reason == "The line is longer than 16 MiB."
    assert isinstance(second, Numbered)


def test_tomorrow_is_a_date_somewhere_already() -> None:
    assert isinstance(read(GOOD | {"created": "2026-01-11"})[0], Numbered)


def test_nul_and_lone_surrogates_are_taken_out_of_texts() -> None:
    (found,) = read(b'{"id": "2106.00221", "title": "On \\u0000Wid\\ud800gets", "authors": ["A\\u0000da"]}')
    assert isinstance(found, Numbered)
    assert (found.record.title, found.record.authors[0].printed) == ("On Widgets", "Ada")


def test_markup_in_a_name_is_just_text() -> None:
    (found,) = read(GOOD | {"authors": ["<script>alert(1)</script>"]})
    assert isinstance(found, Numbered)
    assert found.record.authors[0].printed == "<script>alert(1)</script>"


def test_subject_classes_of_other_schemes_are_no_categories() -> None:
    (found,) = read(GOOD | {"categories": ["cs.LG", "68T05,", "I.2.6", "hep-th", "cs.LG", "cs.NEW", "<b>", "and"]})
    assert isinstance(found, Numbered)
    assert found.record.categories == ("cs.LG", "hep-th", "cs.NEW")


def test_ten_thousand_authors_are_taken_in() -> None:
    (found,) = read(GOOD | {"authors": [f"Ada {i} Lovelace" for i in range(10_000)]})
    assert isinstance(found, Numbered)
    assert len(found.record.authors) == 10_000


def test_the_snapshot_is_read_with_the_same_care() -> None:
    (found,) = snapshot.read(io.BytesIO(json.dumps({"id": 704.0001, "title": "x", "authors": "A. B"}).encode()), TODAY)
    assert isinstance(found, Refusal)
    assert found.reason.startswith("The identifier is a number")
