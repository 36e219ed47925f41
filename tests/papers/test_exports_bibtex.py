"""BibTeX that is read back is what was written, whatever the titles and names are."""

from __future__ import annotations

import io
import re
from datetime import date
from typing import Any

import pytest
from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import SeparateCoAuthors, SplitNameParts
from hypothesis import given
from hypothesis import strategies as st

from papers.exports.bibtex import entries
from papers.exports.work import Name, Work
from papers.sources import bibtex as source

HARD = [
    "75.3% of $0.52 & more_or_less #1 ~ ^ \\input{/etc/passwd}",
    "}} @article{x, title={taken over}}",
    "{",
    "\\",
    'A "quoted" title',
    "Über Größen: 青金石, наука",
    "  two\nlines ",
]


def read_back(works: list[Work]) -> Any:
    parts = [SeparateCoAuthors(), SplitNameParts()]
    library = parse_string("\n".join(entries(works)), append_middleware=parts)
    assert not library.failed_blocks
    return library.entries


TYPESET = {
    "textbackslash": "\\", "textbraceleft": "{", "textbraceright": "}", "textasciicircum": "^", "textasciitilde": "~",
}  # fmt: skip


def typeset(value: str) -> str:
    """What LaTeX prints of a field in double braces: commands by name, escaped signs, nothing else is special."""
    inner = value.removeprefix("{").removesuffix("}")
    assert not re.search(r"(?<!\\)[$&%#_^~]", inner)
    return re.sub(r"\\([a-z]+){}|\\([$&%#_])", lambda sign: TYPESET.get(sign[1]) or sign[2], inner)


def folded(value: str) -> str:
    return " ".join(value.split())


@pytest.mark.parametrize("title", HARD)
def test_a_title_comes_back_and_the_next_entry_stands(title: str):
    first, second = read_back([Work(1, title, (Name("Lovelace", "Ada"),)), Work(2, "Next", ())])
    assert typeset(first["title"]) == folded(title)
    assert typeset(second["title"]) == "Next"


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40), max_size=4))
def test_any_text_leaves_every_entry_whole(titles: list[str]):
    works = [Work(number, title, (Name(title, title),)) for number, title in enumerate(titles)]
    library = parse_string("\n".join(entries(works)))
    assert not library.failed_blocks
    assert len(library.entries) == len(titles)


def test_names_come_back_in_their_parts():
    names = (Name("Chen", "Xiangning"), Name("van der Berg", "Jan"), Name("Davis", "Sam", "Jr."))
    (entry,) = read_back([Work(1, "On names", names)])
    parts = [(" ".join(n.von + n.last), " ".join(n.first), " ".join(n.jr)) for n in entry["author"]]
    assert parts == [("Chen", "Xiangning", ""), ("van der Berg", "Jan", ""), ("Davis", "Sam", "Jr.")]


@pytest.mark.parametrize("name", ["Research and Development", "Inst. of X, Y and Z", "World Health Organization"])
def test_a_name_in_one_piece_stays_in_one_piece(name: str):
    (entry,) = read_back([Work(1, "On names", (Name(name), Name("Chen", "Xi")))])
    assert len(entry["author"]) == 2


def test_our_own_reader_finds_the_same_work():
    work = Work(
        7,
        "Symbolic discovery of 100% more & better",
        (Name("Chen", "Xiangning"), Name("Hsieh", "Cho-Jui")),
        date(2023, 2, 13),
        arxiv_id="2302.06675",
        primary_class="cs.LG",
        doi="10.1000/a_b",
        journal="Journal of Tests 3 (2023)",
        url="https://arxiv.org/abs/2302.06675",
    )
    (numbered,) = source.read(io.BytesIO("".join(entries([work])).encode()), date(2026, 1, 1))
    record: Any = numbered.record  # type: ignore[union-attr]
    assert (record.arxiv_id, record.doi, record.created.year) == ("2302.06675", "10.1000/a_b", 2023)
    assert [(author.family, author.given) for author in record.authors] == [("Chen", "Xiangning"), ("Hsieh", "Cho-Jui")]


def test_a_key_is_plain_and_one_of_a_kind():
    texts = list(entries([Work(n, "x", (Name("Gärtner-Łoś", "A"),), date(2021, 1, 1)) for n in (1, 2)]))
    assert texts[0].startswith("@misc{gartneros2021w1,")
    assert texts[1].startswith("@misc{gartneros2021w2,")
