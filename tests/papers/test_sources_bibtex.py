"""BibTeX: entries, values, names and dates of one author's own file."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest

from papers.records import Numbered, PrintedAuthor, Record, Refusal
from papers.sources import bibtex
from papers.streams import UnreadableFile

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
TODAY = date(2026, 6, 15)
# Facts of a real entry of 1981.
LAWSON = r"""
@Article{Lawson:TB2-1-20,
  author =       "C. L. Lawson and I. Zabala and M. D{\'\i}az",
  title =        "Brief functional characterization of the procedures in
                 the {\TeX}\slash {Pascal} compilation unit",
  journal =      j-TUGboat,
  volume =       "2",
  number =       "1",
  pages =        "20--31",
  month =        feb,
  year =         "1981",
  acknowledgement = ack-bnb # " and " # ack-nhfb,
}
"""


def read(text: str | bytes) -> list[Numbered | Refusal]:
    return list(bibtex.read(io.BytesIO(text if isinstance(text, bytes) else text.encode()), TODAY))


def entry(fields: str) -> Numbered | Refusal:
    (found,) = read(f"@article{{key,\n{fields}\n}}\n")
    return found


def record(fields: str = "", **given: str) -> Record:
    defaults = {"author": "{Ada Lovelace}", "title": "{Notes}"} | given
    found = entry(fields + "".join(f"\n{name} = {value}," for name, value in defaults.items()))
    assert isinstance(found, Numbered), found
    return found.record


def refusal(fields: str) -> str:
    found = entry(fields)
    assert isinstance(found, Refusal), found
    return found.reason


def names(authors: str) -> list[tuple[str, str, str]]:
    return [(a.family, a.given, a.suffix) for a in record(author="{" + authors + "}").authors]


def test_an_entry_becomes_a_record() -> None:
    (found,) = read(LAWSON)
    assert found == Numbered(
        1,
        Record(
            title="Brief functional characterization of the procedures in the {\\TeX}\\slash {Pascal} compilation unit",
            authors=(
                PrintedAuthor("C. L. Lawson", "Lawson", "C. L."),
                PrintedAuthor("I. Zabala", "Zabala", "I."),
                PrintedAuthor(r"M. D{\'\i}az", "Díaz", "M."),
            ),
            created=date(1981, 2, 1),
            day_known=False,
            journal_ref="j-TUGboat 2(1), 20--31 (1981)",
            source_authors=r"C. L. Lawson and I. Zabala and M. D{\'\i}az",
        ),
    )


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        ("Ada Lovelace AND\n  Babbage, Charles", [("Lovelace", "Ada", ""), ("Babbage", "Charles", "")]),
        ("van Gennep, Arnold", [("van Gennep", "Arnold", "")]),
        ("King, Jr., Martin Luther", [("King", "Martin Luther", "Jr.")]),
        ("Ludwig van Beethoven", [("van Beethoven", "Ludwig", "")]),
        ("{World Health Organization}", [("World Health Organization", "", "")]),
        ("{Barnes and Noble, Inc.} and A. Li", [("Barnes and Noble, Inc.", "", ""), ("Li", "A.", "")]),
        (r"Gabriel {Garc{\'\i}a M{\'a}rquez}", [("García Márquez", "Gabriel", "")]),
        (r"{\'E}variste Galois and {\"O}fele, Karl", [("Galois", "Évariste", ""), ("Öfele", "Karl", "")]),
        (r"{\c{C}}a{\u{g}}lar G{\"u}l{\c{c}}ehre", [("Gülçehre", "Çağlar", "")]),
        (r"V{\'a}zques{ de }Parga, Luis", [("Vázques de Parga", "Luis", "")]),
        (r"{\relax Ch}arles Babbage", [("Babbage", "Charles", "")]),
        ("Hans~Peter Geerdes", [("Geerdes", "Hans Peter", "")]),
        ("LIU Yong and Yu.V.Ralchenko", [("LIU", "Yong", ""), ("Ralchenko", "Yu. V.", "")]),
        ("given=Ahasver, family=Brandt, prefix=von", [("von Brandt", "Ahasver", "")]),
        ("Nitin and : and 王伟", [("Nitin", "", ""), ("王", "伟", "")]),
    ],
)
def test_names_are_read_as_bibtex_and_people_mean_them(authors: str, expected: list[tuple[str, str, str]]) -> None:
    assert names(authors) == expected


def test_the_printed_name_is_that_of_the_file() -> None:
    assert [a.printed for a in record(author=r'"Jos{\'e} Li and {A B}"').authors] == [r"Jos{\'e} Li", "{A B}"]


@pytest.mark.parametrize(
    ("fields", "created", "day_known"),
    [
        ("year = 1980, month = oct,", date(1980, 10, 1), False),
        ('year = "1980", month = "October",', date(1980, 10, 1), False),
        ('year = 1980, month = oct # "~15",', date(1980, 10, 1), False),
        ("year = 1980, month = 10,", date(1980, 10, 1), False),
        ("year = 1980, month = {spring},", date(1980, 1, 1), False),
        ("year = 1980,", date(1980, 1, 1), False),
        ("date = {2001-05-10}, year = 1999,", date(2001, 5, 10), True),
        ("date = {2001-05},", date(2001, 5, 1), False),
        ("date = {1988/1990},", date(1988, 1, 1), False),
        ("date = {2001-02-30},", date(2001, 2, 1), False),
        ("year = {in press},", None, True),
        ("year = 2027,", None, True),
        ("year = 2026, month = dec,", None, True),
        ("", None, True),
    ],
)
def test_a_date_states_no_more_than_the_entry_does(fields: str, created: date | None, day_known: bool) -> None:
    found = record(fields)
    assert (found.created, found.updated, found.day_known) == (created, None, day_known)


@pytest.mark.parametrize(
    ("fields", "arxiv", "doi"),
    [
        ("eprint = {2106.01548v2}, archivePrefix = {arXiv},", "2106.01548", None),
        ("eprint = {math/0307200v3}, eprinttype = {arxiv}, eprintclass = {math},", "math/0307200", None),
        ("eprint = {2106.01548}, eprinttype = {jstor},", None, None),
        ("journal = {arXiv preprint arXiv:1412.6980},", "1412.6980", None),
        ("journal = {CoRR}, volume = {abs/1412.6980},", "1412.6980", None),
        ("journal = {arXiv e-prints}, pages = {arXiv:1412.6980},", "1412.6980", None),
        ("url = {https://arxiv.org/abs/1412.6980},", "1412.6980", None),
        ("note = {arXiv:1412.6980 [cs.LG], 2014},", "1412.6980", None),
        ("note = {Corrects arXiv:1412.6980},", None, None),
        ("doi = {https://doi.org/10.1000/A\\_1},", None, "10.1000/a_1"),
        ("doi = {10.48550/arXiv.1412.6980},", "1412.6980", None),
    ],
)
def test_identifiers_are_found_where_people_put_them(fields: str, arxiv: str | None, doi: str | None) -> None:
    found = record(fields)
    assert (found.arxiv_id, found.doi) == (arxiv, doi)
    assert "arXiv" not in found.journal_ref
    assert "CoRR" not in found.journal_ref


def test_abbreviations_are_put_together_and_an_unknown_one_stands_for_itself() -> None:
    text = r'@string{ACM = "Assoc." # { Comput. } # "Mach."} @STRING(j = acm # " J.")' + "\n@article{a, author={A. Li},"
    (found,) = read(text + "title={T}, journal = J # {, } # other, year=1990}")
    assert isinstance(found, Numbered)
    assert found.record.journal_ref == "Assoc. Comput. Mach. J., other (1990)"


def test_the_title_has_its_subtitle() -> None:
    assert record('subtitle = "A Study", abstract = {In short.},').title == "Notes: A Study"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("title = {T}", "The entry has no authors."),
        ("author = {}, title = {T}", "The entry has no authors."),
        ("author = {:}, title = {T}", "The entry has no authors."),
        ("editor = {A. Li}, title = {T}", "The entry has no authors."),
        ("author = {A. Li}", "The record has no title."),
        ("author = {A. Li and others}, title = {T}", "The list of authors is cut short (“and others”)"),
        ("author = knuth, title = {T}", "“author” is the abbreviation “knuth”, which the file does not define."),
        ("author = {A. Li}, title = t", "“title” is the abbreviation “t”"),
        ("author = {A. Li}, author = {B. Xu}, title = {T}", "“author” stands twice in the entry, and not alike."),
        ("author = {A. Li}, title = {T}, year = 1776", "The year 1776 is before 1900."),
        ("author = {A. Li}, title = {T}, year = 2206", "The year 2206 lies in the future."),
        ("author = {A. Li}, title = {T}, year 1990", "The entry does not end"),
        ("author = {A. Li}, title = {T", "The entry does not end"),
        ('author = "A. Li, title = {T}', "The entry does not end"),
        ("author = {" + "x" * 1001 + "}, title = {T}", "An author's name is longer than 1,000 characters."),
        ("author = {A. Li}, title = {" + "x" * 5001 + "}", "“title” is longer than 5,000 characters."),
        ("author = {" + " and ".join(["A. Li"] * 20_001) + "}, title = {T}", "The entry has more than 20,000 authors."),
        ("author = {" + "x" * 1024 * 1024 + "}", "The entry is longer than 1 MiB."),
    ],
)
def test_what_this_format_can_get_wrong_is_refused(fields: str, reason: str) -> None:
    assert refusal(fields).startswith(reason)


def test_a_field_that_stands_twice_is_taken_from_the_first_as_bibtex_does() -> None:
    found = record("note = {x}, Note = {y}, journal = {A}, JOURNAL = {B}, year = 1990, year = {1990},")
    assert found.journal_ref == "A (1990)"


def test_one_broken_entry_costs_only_itself_and_the_refusal_names_it() -> None:
    good = "@article{good, author = {A. Li}, title = {T}}\n"
    text = good + "@article{bad, author = {A. Li, title = {T}\n" + good + "@book{latin, author = {Mu\xa0ller}}\n" + good
    found = read(text.encode().replace("\xa0".encode(), b"\xfc"))
    assert [type(each) for each in found] == [Numbered, Refusal, Numbered, Refusal, Numbered]
    assert [each.number for each in found] == [1, 2, 3, 4, 5]
    assert isinstance(found[1], Refusal)
    assert found[1].raw.startswith("@article{bad")
    assert isinstance(found[3], Refusal)
    assert found[3].reason == "The entry is not UTF-8 (byte 26)."


def test_the_key_of_a_refused_entry_is_its_name_and_one_key_may_stand_twice() -> None:
    found = read("@book{a, title = {T}}\n@book{a, author = {A. Li}, title = {T}}\n")
    assert [getattr(each, "source_id", None) for each in found] == ["a", None]


def test_comments_preambles_and_text_between_entries_are_no_entries() -> None:
    text = "% Encoding: UTF-8\n@preamble{ {x} }\n@comment{jabref-meta: x}\nby hand\n" + LAWSON + "more text"
    assert len(read(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())) == 1


def test_a_file_too_large_for_one_person_or_without_entries_is_a_sentence() -> None:
    with pytest.raises(UnreadableFile, match="larger than 16 MiB; a file of references is read as one person's own"):
        read("@a{b}" + " " * 16 * 1024 * 1024)
    with pytest.raises(UnreadableFile, match="holds no entry"):
        read("nothing here")
    with pytest.raises(UnreadableFile, match="save it as UTF-8"):
        read(LAWSON.encode("utf-16"))


@pytest.mark.parametrize(
    ("name", "taken", "reasons"),
    [
        ("tugboat_40_accented.bib", 40, {}),
        ("biblatex-examples.bib", 77, {"The entry has no authors.": 11, "The year": 4}),
    ],
)
def test_real_files_are_taken_in_or_refused_for_what_they_lack(name: str, taken: int, reasons: dict[str, int]) -> None:
    path = SHARED / "formats" / "bibtex_ris" / name
    if not path.exists():
        pytest.skip("The shared samples are not beside this checkout.")
    found = read(path.read_bytes())
    refused = [each.reason for each in found if isinstance(each, Refusal)]
    assert len(found) - len(refused) == taken
    assert {start: sum(reason.startswith(start) for reason in refused) for start in reasons} == reasons
    assert sum(reasons.values()) == len(refused)
    printed = [a for each in found if isinstance(each, Numbered) for a in each.record.authors]
    assert not [author for author in printed if set("{}\\") & set(author.family + author.given)]
