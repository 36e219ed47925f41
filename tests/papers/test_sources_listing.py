"""The author listing: whose it is, then title, names in pairs, abstract."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from papers.records import Numbered, Refusal
from papers.sources import listing
from papers.streams import UnreadableFile

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
FIRST = (
    "On Widgets, Gears, and Springs",
    "Guo, Lin, Lin, Wei, Ding, Zixiang",
    "We gain $0.52pp$, see Ding, Zixiang, 2020.",
)
SECOND = ("Faster Widgets", "Ding, Zixiang, Jiang, Guo-qing", "They are 75.3\\% faster.")


def text(*works: tuple[str, ...]) -> bytes:
    return "\n".join(["Ding, Zixiang", *(line for work in works for line in work)]).encode()


def read(data: bytes) -> list[Numbered | Refusal]:
    return list(listing.read(io.BytesIO(data)))


def titles(found: list[Numbered | Refusal]) -> list[str]:
    return [item.record.title if isinstance(item, Numbered) else item.reason for item in found]


def test_each_work_becomes_a_record_with_names_read_in_pairs() -> None:
    first, second = read(text(FIRST, SECOND))
    assert isinstance(first, Numbered)
    assert isinstance(second, Numbered)
    assert (first.number, first.record.title, first.record.abstract) == (1, FIRST[0], FIRST[2])
    assert [(a.family, a.given) for a in first.record.authors] == [("Guo", "Lin"), ("Lin", "Wei"), ("Ding", "Zixiang")]
    assert second.record.authors[1].printed == "Jiang, Guo-qing"
    assert second.record.source_authors == SECOND[1]


def test_an_odd_number_of_parts_goes_to_the_curator_and_the_others_go_on() -> None:
    odd = ("Odd Widgets", "Ding, Zixiang, Madonna", "An abstract.")
    assert titles(read(text(FIRST, odd, SECOND))) == [
        FIRST[0],
        "The line of authors has 3 parts, so family and given names cannot be read in pairs.",
        SECOND[0],
    ]


def test_a_line_of_names_without_the_owner_is_refused_and_spoils_no_neighbour() -> None:
    foreign = ("Other Widgets", "Zhao, Dongbin, Chen, Yaran", "An abstract.")
    found = read(text(FIRST, foreign, SECOND))
    assert titles(found) == [FIRST[0], "The authors do not include Ding, Zixiang, whose listing this is.", SECOND[0]]
    assert isinstance(found[0], Numbered)
    assert found[0].record.abstract == FIRST[2]


def test_blank_lines_paragraphs_and_windows_line_ends_mean_nothing() -> None:
    data = b"\xef\xbb\xbf" + text(FIRST, (*SECOND, "A second paragraph, of two, parts.")).replace(b"\n", b"\r\n\r\n")
    found = read(data)
    assert titles(found) == [FIRST[0], SECOND[0]]
    assert isinstance(found[1], Numbered)
    assert found[1].record.abstract == "They are 75.3\\% faster. A second paragraph, of two, parts."


def test_a_work_may_lack_its_abstract_but_not_its_title() -> None:
    found = read(text(FIRST[:2], SECOND[:2], SECOND[1:]))
    assert titles(found) == [FIRST[0], SECOND[0], "The work has no title: two lines of authors follow each other."]
    assert isinstance(found[0], Numbered)
    assert found[0].record.abstract == ""


def test_the_owner_is_found_whatever_the_accents_and_case() -> None:
    data = "Müller, Ada\nOn Widgets\nMULLER, Ada, Li, Bo\nText.".encode()
    assert titles(read(data)) == ["On Widgets"]


@pytest.mark.parametrize("data", [b"", b"A title\nmore", b"Ding, Zixiang\nNothing\nhere"])
def test_what_is_no_listing_is_a_sentence(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"listing"):
        read(data)


def test_the_reference_listing_is_seven_works() -> None:
    samples = sorted((SHARED / "seeds").glob("004_*.txt"))
    if not samples:
        pytest.skip("The reference pages are not beside this checkout.")
    found = read(samples[0].read_bytes())
    assert [len(item.record.authors) for item in found if isinstance(item, Numbered)] == [5, 7, 5, 5, 8, 6, 4]
