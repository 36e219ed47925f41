"""Daily papers: the API's array, its items as lines, and flattened lines."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from papers.records import Listing, Numbered, PrintedAuthor, Record, Refusal
from papers.sources import daily, facts
from papers.streams import open_stream

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
TODAY = date(2026, 12, 31)
# Facts of real items of October 2024 and August 2026; the summaries are ours.
MATHCODER: dict[str, Any] = {
    "paper": {
        "id": "2410.08196", "title": "MathCoder2: Better Math Reasoning from Continued\n  Pretraining",
        "authors": [
            {"_id": "6708bbc0d1c640e5586d21fe", "name": "Zimu Lu", "hidden": False},
            {"_id": "6708bbc0d1c640e5586d21ff", "name": "Aojun Zhou", "hidden": True, "status": "claimed_verified",
             "user": {"_id": "637de1520d5bb06fbe5207a9", "fullname": "AJ.Zhou", "isPro": False}},
        ],
        "publishedAt": "2024-10-10T17:58:40.000Z", "summary": "Code helps\nmathematics.", "upvotes": 27,
    },
    "publishedAt": "2024-10-11T04:16:58.007Z", "title": "MathCoder2", "numComments": 1, "thumbnail": "https://x/y.png",
}  # fmt: skip
AUTOCODER: dict[str, Any] = {
    "date": "2024-05-27", "id": "2405.14906", "title": "AutoCoder", "upvotes": 7, "num_comments": 0,
    "published_at": "2024-05-23T02:53:25.000Z", "summary": "A model.",
    "authors": [{"name": "Bin Lei", "hf_user": None, "status": None, "hidden": False}],
}  # fmt: skip


def read(data: object) -> list[Numbered | Refusal]:
    return list(daily.read(io.BytesIO(json.dumps(data).encode()), TODAY))


def record(item: dict[str, Any]) -> Record:
    (found,) = read(item)
    assert isinstance(found, Numbered), found
    return found.record


def item(paper: dict[str, Any], **outside: Any) -> dict[str, Any]:
    return MATHCODER | {"paper": MATHCODER["paper"] | paper} | outside


def test_an_item_of_the_api_becomes_a_record_with_its_day_votes_and_comments() -> None:
    assert record(MATHCODER) == Record(
        title="MathCoder2: Better Math Reasoning from Continued Pretraining",
        authors=(PrintedAuthor("Zimu Lu", "Lu", "Zimu"), PrintedAuthor("Aojun Zhou", "Zhou", "Aojun")),
        arxiv_id="2410.08196",
        abstract="Code helps mathematics.",
        created=date(2024, 10, 10),
        listings=(Listing(date(2024, 10, 11), 27, 1),),
    )


def test_a_flattened_line_becomes_the_same_kind_of_record() -> None:
    found = record(AUTOCODER)
    assert (found.arxiv_id, found.created, found.updated) == ("2405.14906", date(2024, 5, 23), None)
    assert found.listings == (Listing(date(2024, 5, 27), 7, 0),)


def test_an_array_and_lines_give_the_same_records() -> None:
    lines = b"\n".join(json.dumps(each).encode() for each in (MATHCODER, AUTOCODER))
    assert read([MATHCODER, AUTOCODER]) == list(daily.read(io.BytesIO(lines), TODAY))


@pytest.mark.parametrize(
    ("paper", "outside", "day"),
    [
        ({}, {}, date(2024, 10, 11)),
        ({"submittedOnDailyAt": "2024-10-14T00:00:00.000Z"}, {}, date(2024, 10, 14)),
        ({"publishedAt": "2026-08-20T00:00:00.000Z"}, {"publishedAt": "2026-08-19T20:00:00.000Z"}, None),
        ({}, {"publishedAt": None}, None),
    ],
)
def test_the_day_of_the_listing_is_the_stated_one(
    paper: dict[str, Any], outside: dict[str, Any], day: date | None
) -> None:
    assert [listing.day for listing in record(item(paper, **outside)).listings] == ([day] if day else [])


def test_votes_and_comments_that_are_not_counted_stay_unknown() -> None:
    assert record(item({"upvotes": None}, numComments=None)).listings == (Listing(date(2024, 10, 11)),)


def test_the_summary_may_stand_outside_of_the_paper() -> None:
    assert record(item({"summary": None}, summary="Outside.")).abstract == "Outside."


@pytest.mark.parametrize("authors", [None, [], [{"name": "Zimu Lu"}, {"hidden": True}], [{"name": ""}], [None]])
def test_a_list_of_authors_with_a_gap_is_no_list(authors: object) -> None:
    assert record(item({"authors": authors})).authors == ()


@pytest.mark.parametrize(
    ("paper", "reason"),
    [
        ({"id": None}, "The record has no identifier."),
        ({"id": 2410.08196}, "The identifier is a number"),
        ({"authors": "Zimu Lu"}, "“authors” is not a list"),
        ({"authors": ["Zimu Lu"]}, "“authors” holds something other than objects."),
        ({"authors": [{"name": 7}]}, "“name” is not text."),
        ({"authors": [{"name": "x" * 1001}]}, "“name” is longer than 1,000 characters."),
        ({"upvotes": -1}, "“upvotes” is not a count."),
        ({"upvotes": True}, "“upvotes” is not a count."),
        ({"upvotes": 2**31}, "“upvotes” is not a count."),
        ({"upvotes": 1.5}, "“upvotes” is not a count."),
        ({"publishedAt": "2027-06-01"}, "“publishedAt” lies in the future"),
        ({"submittedOnDailyAt": "soon"}, "“submittedOnDailyAt” is not a date"),
    ],
)
def test_what_this_format_can_get_wrong_is_refused(paper: dict[str, Any], reason: str) -> None:
    (found,) = read(item(paper))
    assert isinstance(found, Refusal)
    assert found.reason.startswith(reason)


def test_one_bad_item_of_an_array_costs_only_itself() -> None:
    found = read([MATHCODER, {"paper": 7}, 8, AUTOCODER])
    assert [(type(each), each.number) for each in found] == [(Numbered, 1), (Refusal, 2), (Refusal, 3), (Numbered, 4)]


def test_facts_may_carry_a_listing_too() -> None:
    line = {"id": "2405.18377", "title": "T", "authors": ["A. Sarah"]}
    (found,) = facts.read(
        io.BytesIO(json.dumps(line | {"daily": {"date": "2024-05-29", "votes": 5, "comments": 0}}).encode()), TODAY
    )
    assert isinstance(found, Numbered)
    assert found.record.listings == (Listing(date(2024, 5, 29), 5, 0),)
    (found,) = facts.read(io.BytesIO(json.dumps(line | {"daily": "yes"}).encode()), TODAY)
    assert isinstance(found, Refusal)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("formats/hf/api_daily_papers_2024-10-11_first3.json", 3),
        ("formats/hf/api_daily_papers_2026-08-21_first3.json", 3),
        ("corpora/hf_daily_papers.jsonl.xz", 9872),
    ],
)
def test_real_lists_are_taken_in_whole_each_with_its_day(name: str, count: int) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip("The shared samples are not beside this checkout.")
    found = list(daily.read(open_stream(path), TODAY))
    assert len(found) == count
    assert all(isinstance(each, Numbered) and each.record.authors and each.record.listings for each in found)
