"""OpenAlex works: lines, one work, an answer of the API; author lists that are never cut."""

from __future__ import annotations

import csv
import io
import json
import lzma
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from papers.records import Numbered, PrintedAuthor, Record, Refusal
from papers.sources import openalex

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
TODAY = date(2026, 12, 31)


def authorship(name: str, **more: Any) -> dict[str, Any]:
    return {"author_position": "middle", "author": {"display_name": name}, "raw_author_name": name} | more


# Facts of a real work of 1997; the abstract is ours.
KATZ: dict[str, Any] = {
    "id": "https://openalex.org/W2037925493", "doi": "https://doi.org/10.1016/S0048-7333(96)00917-1",
    "title": "What is research collaboration?", "publication_year": 1997, "publication_date": "1997-03-01",
    "type": "article", "is_paratext": False,
    "primary_location": {"source": {"display_name": "Research Policy", "type": "journal"}},
    "biblio": {"volume": "26", "issue": "1", "first_page": "1", "last_page": "18"},
    "authorships": [
        {"author_position": "first", "raw_author_name": "J.Sylvan Katz",
         "author": {"display_name": "J. Sylvan Katz", "orcid": "https://orcid.org/0000-0002-8966-3630"},
         "raw_affiliation_strings": ["Science Policy Research Unit, University of Sussex"],
         "institutions": [{"display_name": "University of Sussex"}]},
        {"author_position": "last", "raw_author_name": None, "raw_orcid": "https://orcid.org/0000-0002-5186-0903",
         "author": {"display_name": "Ben R. Martin", "orcid": "https://orcid.org/0000-0002-5186-0903"},
         "raw_affiliation_strings": [], "institutions": [{"display_name": "University of Sussex"}]},
    ],
    "topics": [{"display_name": "scientometrics and bibliometrics research", "score": 0.998},
               {"display_name": "Innovation and Knowledge Management"}],
    "abstract_inverted_index": {"Two": [0, 4], "is": [1], "more": [2], "than": [3], "minus": [5], "one.": [6]},
    "locations": [{"landing_page_url": "https://doi.org/10.1016/S0048-7333(96)00917-1", "pdf_url": None}],
}  # fmt: skip


def read(data: object, indent: int | None = None) -> list[Numbered | Refusal]:
    return list(openalex.read(io.BytesIO(json.dumps(data, indent=indent).encode()), TODAY))


def record(**changes: Any) -> Record:
    (found,) = read(KATZ | changes)
    assert isinstance(found, Numbered), found
    return found.record


def refusal(**changes: Any) -> str:
    (found,) = read(KATZ | changes)
    assert isinstance(found, Refusal), found
    return found.reason


def test_a_work_becomes_a_record() -> None:
    assert record() == Record(
        title="What is research collaboration?",
        authors=(
            PrintedAuthor(
                "J.Sylvan Katz", "Katz", "J. Sylvan",
                affiliations=("Science Policy Research Unit, University of Sussex",),
                inferred_orcid="0000-0002-8966-3630",
            ),
            PrintedAuthor(
                "Ben R. Martin", "Martin", "Ben R.", affiliations=("University of Sussex",), orcid="0000-0002-5186-0903"
            ),
        ),
        doi="10.1016/s0048-7333(96)00917-1",
        abstract="Two is more than Two minus one.",
        created=date(1997, 3, 1),
        journal_ref="Research Policy 26(1), 1-18 (1997)",
        topics=("scientometrics and bibliometrics research", "Innovation and Knowledge Management"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "data", [{"meta": {"count": 2}, "results": [KATZ, KATZ], "group_by": []}, [KATZ, KATZ]], ids=["answer", "array"]
)
@pytest.mark.parametrize("indent", [None, 1])
def test_an_answer_gives_each_of_its_works(data: object, indent: int | None) -> None:
    assert [(each.number, each.record) for each in read(data, indent) if isinstance(each, Numbered)] == [
        (1, record()),
        (2, record()),
    ]


def test_one_work_may_stand_on_many_lines_and_many_works_on_one_each() -> None:
    assert read(KATZ, indent=2) == [Numbered(1, record())]
    lines = json.dumps(KATZ).encode() + b"\nbroken\n" + json.dumps(KATZ).encode()
    assert [type(each) for each in openalex.read(io.BytesIO(lines), TODAY)] == [Numbered, Refusal, Numbered]


HUNDRED = [authorship(f"Ada Number{chr(97 + n // 26)}{chr(97 + n % 26)}") for n in range(100)]


def test_a_list_of_authors_that_is_cut_short_is_refused_with_where_the_whole_is() -> None:
    sentence = refusal(authorships=HUNDRED, is_authors_truncated=True)
    assert sentence.startswith("The list of authors is cut short at 100 names")
    assert sentence.endswith("https://api.openalex.org/works/W2037925493")


def test_just_a_hundred_authors_are_believed_only_where_lists_are_not_cut() -> None:
    work = KATZ | {"authorships": HUNDRED}
    assert len(record(authorships=HUNDRED).authors) == 100
    (found,) = read({"meta": {}, "results": [work]})
    assert isinstance(found, Refusal)
    assert "may be cut short" in found.reason
    assert isinstance(read({"meta": {}, "results": [work | {"is_authors_truncated": False}]})[0], Numbered)
    assert isinstance(read({"meta": {}, "results": [work | {"authorships": HUNDRED[:99]}]})[0], Numbered)


@pytest.mark.parametrize("iD", ["0000-0002-8966-3631", "0100-0200-0030-0001", "not one", None, 7])
def test_an_identifier_of_a_person_with_a_wrong_check_digit_or_block_is_none(iD: object) -> None:
    found = record(authorships=[authorship("Ada Lovelace", raw_orcid=iD, author={"orcid": iD})])
    assert (found.authors[0].orcid, found.authors[0].inferred_orcid) == (None, None)


@pytest.mark.parametrize(
    ("changes", "arxiv", "doi"),
    [
        ({"doi": "https://doi.org/10.48550/arXiv.2106.01548"}, "2106.01548", None),
        ({"doi": None, "locations": [{"landing_page_url": "http://arxiv.org/abs/2106.01548v2"}]}, "2106.01548", None),
        ({"doi": None, "locations": [{"pdf_url": "https://arxiv.org/pdf/hep-th/9901001"}]}, "hep-th/9901001", None),
        (
            {"doi": None, "locations": [{"pdf_url": f"https://arxiv.org/pdf/2106.0154{n}"} for n in (7, 8)]},
            None,
            None,
        ),
    ],
)
def test_the_arxiv_identifier_is_taken_from_the_locations_where_they_agree(
    changes: dict[str, Any], arxiv: str | None, doi: str | None
) -> None:
    found = record(**changes)
    assert (found.arxiv_id, found.doi) == (arxiv, doi)


def test_the_first_of_january_says_only_the_year() -> None:
    assert record(publication_date="1997-01-01").day_known is False
    assert record(publication_date="1997-01-02").day_known is True


def test_a_repository_is_no_place_of_publication() -> None:
    assert record(primary_location={"source": {"display_name": "arXiv", "type": "repository"}}).journal_ref == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"title": None}, "The record has no title."),
        ({"is_paratext": True}, "This is no paper"),
        ({"authorships": []}, "The record has no authors."),
        ({"authorships": None}, "The record has no authors."),
        ({"authorships": "Katz"}, "“authorships” is not a list"),
        ({"authorships": [None]}, "“authorships” is not a list"),
        ({"authorships": [{}] * 20_001}, "“authorships” is not a list of at most 20,000 objects."),
        ({"authorships": [authorship("A. Li"), {}]}, "The list of authors has a gap"),
        ({"authorships": [authorship("A. Li", author="x")]}, "“author” is not an object."),
        ({"authorships": [authorship("x" * 1001)]}, "“raw_author_name” is longer"),
        ({"authorships": [authorship("A. Li", raw_affiliation_strings="MIT")]}, "“raw_affiliation_strings” is not"),
        ({"abstract_inverted_index": ["a"]}, "“abstract_inverted_index” does not give"),
        ({"abstract_inverted_index": {"a": 1}}, "“abstract_inverted_index” does not give"),
        ({"abstract_inverted_index": {"a": ["0"]}}, "“abstract_inverted_index” does not give"),
        ({"abstract_inverted_index": {"a": list(range(50_001))}}, "The abstract has more than 50,000 words."),
        ({"abstract_inverted_index": {"a" * 60_000: [0, 1]}}, "“abstract” is longer"),
        ({"publication_date": "2030-01-01"}, "“publication_date” lies in the future"),
        ({"topics": [{"display_name": 1}]}, "“display_name” is not text."),
        ({"topics": [{}] * 11}, "“topics” is not a list of at most 10 objects."),
        ({"locations": {}, "doi": None}, "“locations” is not a list"),
        ({"biblio": "26"}, "“biblio” is not an object."),
    ],
)
def test_what_this_format_can_get_wrong_is_refused(changes: dict[str, Any], reason: str) -> None:
    assert refusal(**changes).startswith(reason)


def test_a_word_said_to_stand_at_a_huge_place_costs_nothing() -> None:
    assert record(abstract_inverted_index={"end": [10**18], "a": [0]}).abstract == "a end"


def rebuilt() -> Iterator[dict[str, Any]]:
    """The documented shape, put together again from the flattened table of real works; "|" parts its lists."""
    csv.field_size_limit(10**8)
    with lzma.open(SHARED / "formats" / "openalex" / "works-613-flattened.csv.xz", "rt", encoding="utf-8") as table:
        for row in csv.DictReader(table):
            names, entities, iDs = (
                [None if part in ("", "None", "nan") else part for part in row[f"authorships.{key}"].split("|")]
                for key in ("raw_author_name", "author.display_name", "author.orcid")
            )
            named = any(entities) and len(names) == len(entities)
            yield {
                "id": row["id"],
                "doi": row["doi"] or None,
                "title": row["title"] or None,
                "publication_date": row["publication_date"],
                "is_paratext": row["is_paratext"] == "True",
                "authorships": [
                    {"raw_author_name": name, "author": {"display_name": entity, "orcid": iD}}
                    for name, entity, iD in zip(
                        names, entities, iDs if len(iDs) == len(names) else [None] * len(names), strict=True
                    )
                ]
                if named
                else [],
                "topics": [{"display_name": name} for name in row["topics.display_name"].split("|") if name],
                "locations": [{"landing_page_url": url} for url in row["locations.landing_page_url"].split("|")],
            }


def test_real_works_are_taken_in_or_refused_for_what_they_lack() -> None:
    if not (SHARED / "formats" / "openalex").exists():
        pytest.skip("The shared samples are not beside this checkout.")
    found = read({"meta": {}, "results": list(rebuilt())})
    reasons = [re.split("[:;]", each.reason)[0] for each in found if isinstance(each, Refusal)]
    assert len(found) == 613
    assert sorted(set(reasons)) == [
        "The record has no authors.",
        "The record has no title.",
        "This is no paper but what surrounds one",
    ]
    assert len(reasons) == 15
