"""arXiv's snapshot: raw author strings beside parsed ones, versions, dates, withdrawals."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from papers.records import Numbered, PrintedAuthor, Record, Refusal, Version
from papers.sources import snapshot

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
TODAY = date(2026, 1, 1)
DIPHOTON: dict[str, Any] = {
    "id": "0704.0001", "submitter": "P. N.", "authors": "C. Bal\\'azs, E. L. Berger,\n  and C.-P. Yuan (MSU)",
    "title": "Calculation of prompt diphoton\n  production", "comments": "37 pages",
    "doi": "10.1103/PhysRevD.76.013009",
    "journal-ref": "Phys.Rev.D76:013009,2007", "categories": "hep-ph hep-ex", "license": None,
    "abstract": "  Two photons\nare counted.\n", "update_date": "2008-11-26",
    "versions": [{"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
                 {"version": "v2", "created": "Tue, 24 Jul 2007 20:10:27 GMT"}],
    "authors_parsed": [["Balázs", "C.", ""], ["Berger", "E. L.", ""], ["Yuan", "C. -P.", "", "MSU"]],
}  # fmt: skip


def read(fields: dict[str, Any]) -> Numbered | Refusal:
    (found,) = snapshot.read(io.BytesIO(json.dumps(fields).encode()), TODAY)
    return found


def record(**changes: Any) -> Record:
    found = read(DIPHOTON | changes)
    assert isinstance(found, Numbered), found
    return found.record


def test_a_snapshot_line_becomes_a_record() -> None:
    assert record() == Record(
        title="Calculation of prompt diphoton production",
        authors=(
            PrintedAuthor("C. Bal\\'azs", "Balázs", "C."),
            PrintedAuthor("E. L. Berger", "Berger", "E. L."),
            PrintedAuthor("C.-P. Yuan", "Yuan", "C.-P.", "", ("MSU",)),
        ),
        arxiv_id="0704.0001",
        doi="10.1103/physrevd.76.013009",
        abstract="Two photons are counted.",
        categories=("hep-ph", "hep-ex"),
        created=date(2007, 4, 2),
        updated=date(2007, 7, 24),
        versions=(Version(1, date(2007, 4, 2)), Version(2, date(2007, 7, 24))),
        comments="37 pages",
        journal_ref="Phys.Rev.D76:013009,2007",
        source_authors="C. Bal\\'azs, E. L. Berger,\n  and C.-P. Yuan (MSU)",
    )


V1 = {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}


@pytest.mark.parametrize(
    ("versions", "update_date", "created", "updated"),
    [
        ([V1], "2008-11-26", date(2007, 4, 2), date(2008, 11, 26)),
        ([V1], "2006-01-01", date(2007, 4, 2), date(2007, 4, 2)),
        ([V1], None, date(2007, 4, 2), date(2007, 4, 2)),
        (None, "2008-11-26", None, date(2008, 11, 26)),
        ([], None, None, None),
        ([{"version": "v1", "created": None}], "2008-11-26", None, date(2008, 11, 26)),
        ([{"version": "v1", "created": "Mon, 2 Apr 2007 23:30:00 -0500"}], None, date(2007, 4, 3), date(2007, 4, 3)),
    ],
)
def test_versions_are_believed_before_the_update_date(
    versions: object, update_date: str | None, created: date | None, updated: date | None
) -> None:
    found = record(versions=versions, update_date=update_date)
    assert (found.created, found.updated) == (created, updated)


@pytest.mark.parametrize(
    ("authors", "parsed", "printed"),
    [
        ("M. King, Jr., A. Li", [["King", "M.", "Jr."], ["Li", "A.", ""]], ["M. King, Jr.", "A. Li"]),
        ("X collaboration: A. Li", [["X collaboration", "", ""], ["Li", "A.", ""]], ["X collaboration", "A. Li"]),
        ("A. Li, Zhe (Rita) Liang", [["Li", "A.", ""], ["Zhe", "", "", "Rita"], ["Liang", "", ""]],
         ["A. Li", "Zhe (Rita) Liang"]),
        ("Zhe (MIT), Liang", [["Zhe", "", "", "MIT"], ["Liang", "", ""]], ["Zhe", "Liang"]),
        ("A. Li and B. Xu", [["Xu", "B.", ""], ["Li", "A.", ""]], ["B. Xu", "A. Li"]),
        ("A. Li, : , B. Xu", [["Li", "A.", ""], [":", "", ""], ["Xu", "B.", ""]], ["A. Li", "B. Xu"]),
        ("Ren{\\'e} Fournet", [["Fournet", "Ren{é}", ""]], ["Ren{\\'e} Fournet"]),
        ("", [["Li", "A.", "", "MIT"]], ["A. Li"]),
        ("A. Li (MIT) and B. Xu", None, ["A. Li", "B. Xu"]),
    ],
)  # fmt: skip
def test_a_name_is_printed_as_the_raw_string_has_it_wherever_that_can_be_told(
    authors: str, parsed: object, printed: list[str]
) -> None:
    found = record(authors=authors, authors_parsed=parsed)
    assert [author.printed for author in found.authors] == printed


def test_parts_left_in_tex_by_the_source_are_decoded_and_its_slips_mended() -> None:
    found = record(authors="x", authors_parsed=[["King,", "Ren{é} C. -P.", "Jr."], ["", "Nitin", ""]])
    assert [(a.family, a.given, a.suffix) for a in found.authors] == [("King", "René C.-P.", "Jr."), ("Nitin", "", "")]


@pytest.mark.parametrize(
    ("parsed", "family", "given"),
    [
        (["Berg", "Vincent van den", ""], "van den Berg", "Vincent"),
        (["Santos", "Cicero dos", ""], "dos Santos", "Cicero"),
        (["Beteta", "C. Abellán", ""], "Beteta", "C. Abellán"),
        (["Neto", "João P.", ""], "Neto", "João P."),
    ],
)
def test_a_particle_goes_with_the_family_name(parsed: list[str], family: str, given: str) -> None:
    found = record(authors=" ".join((parsed[1], parsed[0])), authors_parsed=[parsed])
    assert [(a.family, a.given) for a in found.authors] == [(family, given)]
    assert found.authors[0].printed == found.source_authors


def test_a_nickname_is_no_affiliation_and_makes_no_second_author() -> None:
    (author,) = record(authors="Zhe (Rita) Liang", authors_parsed=[["Zhe", "", "", "Rita"], ["Liang", "", ""]]).authors
    assert (author.family, author.given, author.affiliations) == ("Liang", "Zhe", ())


def test_a_collaboration_spoken_for_is_no_affiliation() -> None:
    found = record(authors="J. Ulery (for the STAR Collaboration)",
                   authors_parsed=[["Ulery", "J.", "", "for the STAR Collaboration", "Purdue"]])  # fmt: skip
    assert found.authors[0].affiliations == ("Purdue",)


@pytest.mark.parametrize(
    ("comments", "abstract", "withdrawn"),
    [
        ("This paper has been withdrawn by the authors.", "Anything.", True),
        (None, "  This paper has been withdrawn due to copyright reasons.", True),
        ("paper withdrawn by author", "x", True),
        ("withdrawn by arXiv administrators", "x", True),
        ("This has been withdrawn by arXiv administrators", "x", True),
        ("Withdrawn.", "x", True),
        ("3 pages; version 1 was withdrawn", "x", False),
        (None, "We study the money withdrawn by customers.", False),
        (None, "Withdrawn patients are counted.", False),
    ],
)
def test_a_paper_is_withdrawn_where_its_first_words_say_so(
    comments: str | None, abstract: str, withdrawn: bool
) -> None:
    assert record(comments=comments, abstract=abstract).withdrawn is withdrawn


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"authors": None, "authors_parsed": None}, "The record has no authors."),
        ({"authors": ["A"], "authors_parsed": None}, "“authors” is not text."),
        ({"authors_parsed": "A"}, "“authors_parsed” is not a list."),
        ({"authors_parsed": [[1]]}, "“authors_parsed” holds something other than lists of texts."),
        ({"versions": "v1"}, "“versions” is not a list"),
        ({"versions": [{"version": 1, "created": "x"}]}, "A version has no number of the form v1."),
        ({"versions": [{"version": "v1", "created": "soon"}]}, "A version's date is not of the form"),
        ({"versions": [{"version": "v1", "created": "Mon, 32 Apr 2007 19:18:42 GMT"}]}, "A version's date is not"),
        (
            {"versions": [{"version": "v1", "created": "Fri, 2 Apr 2027 19:18:42 GMT"}]},
            "“created of v1” lies in the future",
        ),
        ({"update_date": "2027-01-01"}, "“update_date” lies in the future"),
        ({"categories": ["cs.LG"]}, "“categories” is not text."),
    ],
)
def test_what_this_format_can_get_wrong_is_refused(changes: dict[str, Any], reason: str) -> None:
    found = read(DIPHOTON | changes)
    assert isinstance(found, Refusal)
    assert found.reason.startswith(reason)


def test_one_of_several_printed_dois_is_kept() -> None:
    assert record(doi="10.1007/ABC 10.1007/DEF").doi == "10.1007/abc"


@pytest.mark.parametrize("name", ["abs_derived_50.jsonl", "hard_authors_80.jsonl", "withdrawn.jsonl"])
def test_real_lines_are_taken_in_and_every_name_stands_in_the_raw_string(name: str) -> None:
    path = SHARED / "formats" / "kaggle" / name
    if not path.exists():
        pytest.skip("The shared samples are not beside this checkout.")
    for found in snapshot.read(io.BytesIO(path.read_bytes()), date(2026, 12, 31)):
        assert isinstance(found, Numbered)
        assert all(author.printed in found.record.source_authors for author in found.record.authors)
        assert found.record.withdrawn is (name == "withdrawn.jsonl")
