"""RIS: records of one author's own file."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest

from papers.records import Numbered, PrintedAuthor, Record, Refusal
from papers.sources import ris

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
TODAY = date(2026, 6, 15)
# Facts of a real record of 2009; the title is a part of its own.
RECEPTORS = """TY  - Journal Article
AU  - Dobrokhotova, Yu E.
AU  - Yusupova, R. O.
AU  - World Health Organization,
TI  - The state of the receptor apparatus
PY  - 2009/03/12/
AB  - Line one
line two
JO  - Gynecology, Obstetrics and Perinatology
VL  - 8
IS  - 3
SP  - 52
EP  - 57
DO  - https://doi.org/10.1000/ABC
ER  -
"""


def read(text: str | bytes) -> list[Numbered | Refusal]:
    return list(ris.read(io.BytesIO(text if isinstance(text, bytes) else text.encode()), TODAY))


def record(*lines: str) -> Record:
    (found,) = read("\n".join(["TY  - JOUR", "AU  - Lovelace, Ada", "TI  - Notes", *lines, "ER  - "]))
    assert isinstance(found, Numbered), found
    return found.record


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_record_is_read_whatever_ends_its_lines(newline: str, mark: bytes) -> None:
    assert read(mark + RECEPTORS.replace("\n", newline).encode()) == [
        Numbered(
            1,
            Record(
                title="The state of the receptor apparatus",
                authors=(
                    PrintedAuthor("Dobrokhotova, Yu E.", "Dobrokhotova", "Yu E."),
                    PrintedAuthor("Yusupova, R. O.", "Yusupova", "R. O."),
                    PrintedAuthor("World Health Organization,", "World Health Organization"),
                ),
                doi="10.1000/abc",
                abstract="Line one line two",
                created=date(2009, 3, 12),
                journal_ref="Gynecology, Obstetrics and Perinatology 8(3), 52-57 (2009)",
                source_authors="Dobrokhotova, Yu E.; Yusupova, R. O.; World Health Organization,",
            ),
        )
    ]


@pytest.mark.parametrize(
    ("line", "created", "day_known"),
    [
        ("PY  - 2009", date(2009, 1, 1), False),
        ("Y1  - 2009/03//", date(2009, 3, 1), False),
        ("DA  - 2009/03/12/Spring", date(2009, 3, 12), True),
        ("DA  - Spring", None, True),
    ],
)
def test_a_date_states_no_more_than_the_record_does(line: str, created: date | None, day_known: bool) -> None:
    assert (record(line).created, record(line).day_known) == (created, day_known)


def test_other_tags_for_the_same_are_read() -> None:
    (found,) = read("TY  - CONF\nA1  - King, Martin Luther, Jr.\nT1  - T\nN2  - In short.\nT2  - Proc.\nER  - \n")
    assert isinstance(found, Numbered)
    author = found.record.authors[0]
    assert (author.family, author.given, author.suffix) == ("King", "Martin Luther", "Jr.")
    assert (found.record.abstract, found.record.journal_ref) == ("In short.", "Proc.")


@pytest.mark.parametrize("line", ["UR  - https://arxiv.org/abs/1412.6980v9", "JO  - arXiv preprint arXiv:1412.6980"])
def test_the_arxiv_identifier_is_found_where_managers_put_it(line: str) -> None:
    assert (record(line).arxiv_id, record(line).journal_ref) == ("1412.6980", "")


def test_a_record_without_its_end_is_refused_and_the_next_one_is_read() -> None:
    found = read("TY  - JOUR\nAU  - Lovelace, Ada\nTI  - Cut\n" + RECEPTORS + "TY  - JOUR\nTI  - Cut too\nAU  - Love")
    assert [type(each) for each in found] == [Refusal, Numbered, Refusal]
    assert isinstance(found[0], Refusal)
    assert found[0].reason.startswith("The record does not end in a line “ER  -”")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("TY  - JOUR\nTI  - T\nER  - ", "The entry has no authors."),
        ("TY  - JOUR\nAU  - A. Li\nER  - ", "The record has no title."),
        ("TY  - JOUR\nA2  - Editor, An\nTI  - T\nER  - ", "The entry has no authors."),
        ("TY  - JOUR\nAU  - A. Li\nTI  - T\nPY  - 1850\nER  - ", "The year 1850 is before 1900."),
    ],
)
def test_what_this_format_can_get_wrong_is_refused(text: str, reason: str) -> None:
    (found,) = read(text)
    assert isinstance(found, Refusal)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("name", "expected"),
    [("example_endnote.ris", [Numbered]), ("example_utf_chars.ris", [Refusal])],  # the second has no title
)
def test_real_records_are_read(name: str, expected: list[type]) -> None:
    path = SHARED / "formats" / "bibtex_ris" / name
    if not path.exists():
        pytest.skip("The shared samples are not beside this checkout.")
    assert [type(each) for each in read(path.read_bytes())] == expected
