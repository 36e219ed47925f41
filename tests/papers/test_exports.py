"""What is exported is read back, by the libraries of the field and by our own importers, as what it was."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest
import rispy
from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import SeparateCoAuthors, SplitNameParts
from hypothesis import given, settings
from hypothesis import strategies as st

from papers import exports
from papers.exports import FORMATS, bibtex, csl, jsonld, ris, streamed, work_of
from papers.exports.work import Name, Work
from papers.models import Paper
from papers.names import fold, split_name
from papers.sources import bibtex as bibtex_source
from papers.sources import ris as ris_source
from papers.text import clean, plain
from tests.conftest import fact

TODAY = date(2030, 1, 1)
READERS: dict[str, tuple[ModuleType, ModuleType]] = {"bib": (bibtex, bibtex_source), "ris": (ris, ris_source)}

TITLES = [
    "AU  - Nobody, Nemo",
    "x\nER  - \nTY  - JOUR\nAU  - Nobody, Nemo",
    "}} @article{x, title={taken over}}",
    "75.3% of $0.52 & more_or_less #1 ~ ^ \\input{/etc/passwd}",
    "{ unbalanced",
    "\\",
    "עברית and العربية \u202e reversed",
    'A "quoted" title, with {braces} and $x^2$',
    "two\r\nlines \u2028 or three",
    "R&D; &amp; AT&T;",
    "0",
]
NAMES = [
    ("Chen", "Xiangning", ""),
    ("van der Berg", "Jan", ""),
    ("Davis", "Sam", "Jr."),
    ("García Márquez", "Gabriel José", ""),
    ("Łoś", "Å. Ø.", ""),
    ("青", "金石", ""),
    ("כהן", "דוד", ""),
    ("O’Neill", "M.-J.", ""),
    ("Suharto", "", ""),
    ("World Health Organization", "", ""),
]
WORK = Work(
    number=7,
    title="Symbolic discovery",
    authors=(Name("Chen", "Xiangning"), Name("Hsieh", "Cho-Jui")),
    published=date(2023, 2, 13),
    arxiv_id="2302.06675",
    primary_class="cs.LG",
    doi="10.1000/a_b",
    journal="Journal of Tests 3 (2023)",
    url="https://arxiv.org/abs/2302.06675",
    page="https://bzpeer.example.org/works/7/symbolic-discovery/",
    abstract="We discover.",
    keywords=("Machine Learning", "Neural Networks"),
    license="https://creativecommons.org/licenses/by/4.0/",
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(lambda t: any(map(str.isalnum, clean(t))))
hostile = st.lists(st.sampled_from([*TITLES, "TY  - ", "@misc{", "#", "and", ",", "\t"]) | text, min_size=1, max_size=4)
hostile = hostile.filter(lambda parts: plain(clean(" ".join(parts))))  # a tab alone is no title, and is refused


def imported(form: str, works: list[Work]) -> list[Any]:
    """The records that our own importer finds in what we write."""
    writer, source = READERS[form]
    found = list(source.read(io.BytesIO("".join(writer.entries(works)).encode()), TODAY))
    assert all(hasattr(item, "record") for item in found), found
    return [item.record for item in found]


def expected(form: str, title: str) -> str:
    """RIS is no TeX, but whatever title is imported is read as if it were."""
    return title if form == "bib" else plain(title)


@pytest.mark.parametrize("form", READERS)
def test_our_own_importer_reads_the_same_facts(form: str):
    (record,) = imported(form, [WORK])
    assert (record.arxiv_id, record.doi, record.title.strip("{}")) == (WORK.arxiv_id, WORK.doi, WORK.title)
    assert [(name.given, name.family) for name in record.authors] == [("Xiangning", "Chen"), ("Cho-Jui", "Hsieh")]
    assert (record.created.year, record.created.month) == (2023, 2)
    assert (record.created == WORK.published) == (form == "ris")  # BibTeX knows no day


@pytest.mark.parametrize("form", READERS)
def test_of_a_date_whose_day_is_not_known_the_year_alone_is_stated(form: str):
    (record,) = imported(form, [replace(WORK, day_known=False)])
    assert (record.created, record.day_known) == (date(2023, 1, 1), False)


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("title", TITLES)
def test_a_hostile_title_is_a_title_and_the_next_work_stands(form: str, title: str):
    first, second = imported(form, [replace(WORK, title=clean(title)), replace(WORK, number=8, title="Next")])
    assert plain(first.title) == expected(form, clean(title))
    assert (plain(second.title), len(first.authors)) == ("Next", 2)


@pytest.mark.parametrize("form", READERS)
@settings(max_examples=40, deadline=None)
@given(parts=hostile)
def test_any_text_is_a_title_and_leaves_the_names_alone(form: str, parts: list[str]):
    title = clean(" ".join(parts))
    first, second = imported(form, [replace(WORK, title=" ".join(parts)), replace(WORK, number=8, title="Next")])
    assert plain(first.title) == expected(form, title)
    assert (plain(second.title), len(first.authors), first.doi) == ("Next", 2, WORK.doi)


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("parts", NAMES, ids=lambda parts: parts[0])
def test_a_name_comes_back_in_its_parts(form: str, parts: tuple[str, str, str]):
    (record,) = imported(form, [replace(WORK, authors=(Name(*parts), Name("Chen", "Xi")))])
    assert [(name.family, name.given, name.suffix) for name in record.authors] == [parts, ("Chen", "Xi", "")]


@pytest.mark.parametrize("form", READERS)
@settings(max_examples=40, deadline=None)
@given(names=st.lists(text, min_size=1, max_size=4))
def test_any_names_come_back_as_many_and_in_order(form: str, names: list[str]):
    authors = tuple(Name(*parts) for parts in map(split_name, names) if fold(parts[0]))
    (record,) = imported(form, [replace(WORK, authors=(*authors, Name("Chen", "Xi")))])
    assert len(record.authors) == len(authors) + 1
    assert record.authors[-1].family == "Chen"


def test_rispy_reads_what_rispy_wrote():
    (record,) = rispy.loads("".join(ris.entries([WORK])), newline="\r\n")
    assert record["type_of_reference"] == "JOUR"
    assert record["id"] == "chen2023w7"
    assert record["authors"] == ["Chen, Xiangning", "Hsieh, Cho-Jui"]
    assert (record["title"], record["doi"], record["date"]) == (WORK.title, WORK.doi, "2023/02/13/")
    assert (record["urls"], record["keywords"]) == ([WORK.url], [*WORK.keywords])
    assert record["abstract"] == WORK.abstract


def test_bibtexparser_reads_what_it_wrote():
    parts = [SeparateCoAuthors(), SplitNameParts()]
    (entry,) = parse_string("".join(bibtex.entries([WORK])), append_middleware=parts).entries
    assert (entry.entry_type, entry.key, entry["month"]) == ("article", "chen2023w7", "feb")
    assert [(name.first, name.last) for name in entry["author"]] == [
        (["Xiangning"], ["Chen"]),
        (["Cho-Jui"], ["Hsieh"]),
    ]
    assert (entry["eprint"], entry["archiveprefix"], entry["primaryclass"]) == ("2302.06675", "arXiv", "cs.LG")


# What CSL 1.0.2 (csl-data.json) says of the variables that are written; it allows no others.
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
CSL: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["type", "id"],
        "additionalProperties": False,
        "properties": {
            "type": {"enum": ["article", "article-journal"]},
            "author": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": dict.fromkeys(("family", "given", "suffix", "literal"), TEXT),
                },
            },
            "issued": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "date-parts": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 1,
                        "items": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "integer"}},
                    }
                },
            },
            **dict.fromkeys(
                ("id", "title", "number", "publisher", "container-title", "DOI", "URL", "abstract", "keyword"), TEXT
            ),
        },
    },
}


@settings(max_examples=40, deadline=None)
@given(title=text, names=st.lists(text, max_size=3), journal=st.just("") | text, known=st.booleans())
def test_csl_json_keeps_to_its_schema_whatever_is_written(title: str, names: list[str], journal: str, known: bool):
    authors = tuple(Name(*parts) for parts in map(split_name, names) if parts[0])
    work = replace(WORK, title=title, authors=authors, journal=journal, day_known=known)
    written = json.loads("".join(csl.entries([work, replace(WORK, published=None, arxiv_id="", doi="", url="")])))
    jsonschema_rs.validator_for(CSL).validate(written)
    assert (written[0]["title"], len(written[0]["author"]), written[0]["DOI"]) == (title, len(authors), WORK.doi)
    assert [name.get("literal") or name["family"] for name in written[0]["author"]] == [
        name.family if name.given else name.whole for name in authors
    ]


def test_csl_json_states_the_facts():
    (item,) = json.loads("".join(csl.entries([WORK])))
    assert item["issued"] == {"date-parts": [[2023, 2, 13]]}
    assert item["author"] == [{"family": "Chen", "given": "Xiangning"}, {"family": "Hsieh", "given": "Cho-Jui"}]
    assert (item["id"], item["number"], item["URL"]) == ("chen2023w7", "arXiv:2302.06675", WORK.url)


def test_json_ld_is_a_graph_of_articles_whose_known_authors_are_addresses():
    known = Name("Chen", "Xiangning", page="https://bzpeer.example.org/people/1/xiangning-chen/")
    found = json.loads("".join(jsonld.entries([replace(WORK, authors=(known, Name("Hsieh", "Cho-Jui")))])))
    assert found["@context"] == "https://schema.org"
    (article,) = found["@graph"]
    assert (article["@type"], article["@id"], article["datePublished"]) == ("ScholarlyArticle", WORK.page, "2023-02-13")
    assert article["author"][0]["@id"] == known.page
    assert article["author"][1] == {
        "@type": "Person", "name": "Cho-Jui Hsieh", "familyName": "Hsieh", "givenName": "Cho-Jui"
    }  # fmt: skip
    assert {(row["propertyID"], row["value"]) for row in article["identifier"]} == {
        ("doi", WORK.doi), ("arxiv", WORK.arxiv_id)
    }  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_no_work_at_all_is_a_whole_document(form: str):
    written = "".join(FORMATS[form].write([]))
    assert (
        json.loads(written) in ([], {"@context": "https://schema.org", "@graph": []}) if "json" in form else not written
    )


@pytest.mark.parametrize("form", FORMATS)
def test_an_author_list_is_never_cut(form: str):
    authors = tuple(Name(f"Family{n}x", "Given") for n in range(3_000))
    written = "".join(FORMATS[form].entries([replace(WORK, authors=authors)]))
    assert all(f"Family{n}x" in written for n in range(3_000))


# --- of papers in the database ---------------------------------------------------------------------------------------


@pytest.fixture
def two(bring: Callable[..., object]) -> None:
    bring(
        fact("2001.00001", ["Ada Lovelace", "Jan van der Berg"], "On engines", doi="10.1000/1", created="2020-01-02"),
        fact("2002.00002", ["Ada Lovelace"], "More on engines", created="2020-02-03"),
    )


@pytest.mark.django_db
@pytest.mark.parametrize("form", READERS)
def test_papers_come_back_newest_first_with_their_ids(two: None, form: str):
    written = "".join(FORMATS[form].write(streamed(Paper.objects.all())))
    records = [item.record for item in READERS[form][1].read(io.BytesIO(written.encode()), TODAY)]
    assert [(record.arxiv_id, record.doi) for record in records] == [("2002.00002", None), ("2001.00001", "10.1000/1")]
    assert [(name.family, name.given) for name in records[1].authors] == [("Lovelace", "Ada"), ("van der Berg", "Jan")]


@pytest.mark.django_db
def test_papers_are_read_in_pieces_and_no_more_than_asked(
    two: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
):
    monkeypatch.setattr(exports, "PIECE", 1)
    with django_assert_num_queries(6):  # three for each piece
        assert [paper.arxiv_id for paper in streamed(Paper.objects.all())] == ["2002.00002", "2001.00001"]
    assert [paper.arxiv_id for paper in streamed(Paper.objects.all(), most=1)] == ["2002.00002"]


@pytest.mark.django_db
def test_a_name_that_its_owner_left_is_split_and_written_as_the_new_one(two: None):
    paper = Paper.objects.with_people().get(arxiv_id="2002.00002")
    author = paper.signatures.all()[0].assignment.author
    author.name, author.hides_printed = "Iris de la Cruz", True
    (name,) = work_of(paper).authors
    assert (name.family, name.given) == ("de la Cruz", "Iris")


@pytest.mark.django_db
def test_a_hidden_person_is_a_name_without_an_address(two: None):
    paper = Paper.objects.with_people().get(arxiv_id="2002.00002")
    author = paper.signatures.all()[0].assignment.author
    assert work_of(paper).authors[0].page.endswith(author.get_absolute_url())
    author.visibility = "notice"
    assert work_of(paper).authors[0] == Name("Lovelace", "Ada")
