"""OAI-PMH answers: three metadata formats, deletions, tokens, errors, and what each can be believed about."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest

from papers.records import Deletion, Numbered, PrintedAuthor, Record, Refusal, Version
from papers.sources import oai
from papers.streams import UnreadableFile
from tests.papers.http_server import deleted, document, error, listed, record

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "formats" / "oai_pmh"
TODAY = date(2026, 11, 21)


def read(*records: str) -> list[Numbered | Refusal]:
    return list(oai.read(io.BytesIO(listed(*records)), TODAY))


def one(xml: str) -> Record:
    (found,) = read(xml)
    assert isinstance(found, Numbered), found
    return found.record


def refusal(xml: str) -> Refusal:
    (found,) = read(xml)
    assert isinstance(found, Refusal)
    return found


VERSIONS = (
    '<version version="v2"><date>Fri, 11 Sep 2026 06:31:45 GMT</date><size>1312kb</size></version>'
    '<version version="v1"><date>Fri, 15 Aug 2025 12:57:35 GMT</date><source_type>A</source_type></version>'
)


def test_arxivraw_is_the_snapshot_in_xml():
    xml = record(
        "2508.11450", "Augustine X. W. Lee (Univ. of X), Pak-Hei Yeung and Jagath C. Rajapakse",
        "Subcortical Masks\n  Generation", more=VERSIONS, categories="eess.IV cs.CV", comments="Accepted",
        journal_ref="MIUA 2025", doi="10.1007/978-3-031-98694-9_12", abstract="  Two\nlines. ", license="http://x.org/",
    )  # fmt: skip
    assert one(xml) == Record(
        title="Subcortical Masks Generation",
        authors=(
            PrintedAuthor("Augustine X. W. Lee", "Lee", "Augustine X. W."),
            PrintedAuthor("Pak-Hei Yeung", "Yeung", "Pak-Hei"),
            PrintedAuthor("Jagath C. Rajapakse", "Rajapakse", "Jagath C."),
        ),
        arxiv_id="2508.11450",
        doi="10.1007/978-3-031-98694-9_12",
        abstract="Two lines.",
        categories=("eess.IV", "cs.CV"),
        created=date(2025, 8, 15),
        updated=date(2026, 9, 11),
        versions=(Version(1, date(2025, 8, 15)), Version(2, date(2026, 9, 11))),
        comments="Accepted",
        journal_ref="MIUA 2025",
        license="http://x.org/",
        source_authors="Augustine X. W. Lee (Univ. of X), Pak-Hei Yeung and Jagath C. Rajapakse",
    )


@pytest.mark.parametrize(
    ("types", "withdrawn"), [("D", False), ("I", True), ("AI", True), ("D I", False), ("I D", True), ("", False)]
)
def test_a_source_type_of_the_latest_version_tells_a_withdrawal(types: str, withdrawn: bool):
    latest, *earlier = types.split() or [""]
    more = "".join(
        f'<version version="v{n}"><date>Fri, 11 Sep 2026 06:31:45 GMT</date><source_type>{t}</source_type></version>'
        for n, t in enumerate([*earlier, latest], 1)
    )
    assert one(record("2609.00001", more=more)).withdrawn is withdrawn


def arxiv(inner: str, id: str = "1706.05371", header: str = "") -> str:
    return (
        f"<record><header><identifier>oai:arXiv.org:{id}</identifier><datestamp>2026-09-24</datestamp>{header}</header>"
        f"<metadata><arXiv xmlns='http://arxiv.org/OAI/arXiv/'><id>{id}</id>{inner}<title>T</title>"
        "<categories>hep-ex</categories><msc-class>68T05</msc-class><acm-class>68T05</acm-class></arXiv></metadata></record>"
    )


def author(key: str, given: str = "", suffix: str = "", affiliation: str = "") -> str:
    parts = {"keyname": key, "forenames": given, "suffix": suffix, "affiliation": affiliation}
    return "<author>" + "".join(f"<{n}>{v}</{n}>" for n, v in parts.items() if v) + "</author>"


def test_names_in_parts_stay_paired_where_some_have_no_forenames():
    people = [author("Planck Collaboration"), author("Wang", "Jieci"), author("Nitin"), author("King", "M. L.", "Jr")]
    found = one(arxiv(f"<authors>{''.join(people)}</authors>")).authors
    assert [(a.printed, a.family, a.given, a.suffix) for a in found] == [
        ("Planck Collaboration", "Planck Collaboration", "", ""),
        ("Jieci Wang", "Wang", "Jieci", ""),
        ("Nitin", "Nitin", "", ""),
        ("M. L. King Jr", "King", "M. L.", "Jr"),
    ]


def test_a_person_who_stands_for_a_group_is_a_person_and_a_group_is_a_group():
    montaruli = author("Teresa Maria Montaruli for the IceCube Collaboration")
    dutta = author("Collaboration", "Dipanwita Dutta for the CMS")
    group = author("Collaboration", "Super-Kamiokande", "", "Kamioka Observatory")
    burigana = author("Burigana", "Günter", "", "on behalf of Planck Collaboration")
    found = one(arxiv(f"<authors>{montaruli}{dutta}{group}{burigana}</authors>")).authors
    assert [(a.family, a.given, a.affiliations) for a in found] == [
        ("Montaruli", "Teresa Maria", ()),
        ("Dutta", "Dipanwita", ()),
        ("Super-Kamiokande Collaboration", "", ("Kamioka Observatory",)),
        ("Burigana", "Günter", ()),
    ]


@pytest.mark.parametrize(
    ("created", "updated", "expected"),
    [
        ("2017-06-16", "2017-12-12", (date(2017, 6, 16), date(2017, 12, 12), True)),  # the former server
        ("2017-05-31", "2017-12-12", (date(2017, 5, 31), date(2017, 12, 12), True)),
        ("2023-08-02", "", (date(2017, 6, 1), date(2023, 8, 2), False)),  # the latest version's date
        ("2017-06-16", "", (date(2017, 6, 16), date(2017, 6, 16), False)),  # of version 1, or of one soon after
        ("", "", (date(2017, 6, 1), None, False)),
    ],
)
def test_created_is_believed_where_the_identifier_agrees(created: str, updated: str, expected: tuple):
    dates = "".join(f"<{n}>{v}</{n}>" for n, v in (("created", created), ("updated", updated)) if v)
    found = one(arxiv(f"{dates}<authors>{author('Li', 'A.')}</authors>"))
    assert (found.created, found.updated, found.day_known) == expected


def dublin_core(inner: str, identifier: str = "oai:arXiv.org:0802.3300", sets: str = "") -> str:
    return (
        f"<record><header><identifier>{identifier}</identifier><datestamp>2024-01-18</datestamp>"
        f"{''.join(f'<setSpec>{s}</setSpec>' for s in sets.split())}</header><metadata>"
        "<oai_dc:dc xmlns:oai_dc='http://www.openarchives.org/OAI/2.0/oai_dc/' "
        f"xmlns:dc='http://purl.org/dc/elements/1.1/'>{inner}</oai_dc:dc></metadata></record>"
    )


def dc(**fields: str | list[str]) -> str:
    values = [(n, v) for n, given in fields.items() for v in ([given] if isinstance(given, str) else given)]
    return "".join(f"<dc:{name}>{value}</dc:{name}>" for name, value in values)


def test_dublin_core_is_read_by_order():
    about = ["http://arxiv.org/abs/0802.3300", "J. of Math. Psychology, 53:5 (2009)", "doi:10.1016/j.jmp.2009.02.001"]
    found = one(
        dublin_core(
            dc(title="Projective Expected Utility", creator=["La Mura, Pierfrancesco", "King Jr, Martin"],
               subject=["Quantum Physics", "Computer Science - Computer Science and Game Theory"],
               description=["Motivated.", "Comment: 7 pages"], date=["2008-02-22", "2009-01-01"], identifier=about)
        )
    )  # fmt: skip
    assert found == Record(
        title="Projective Expected Utility",
        authors=(
            PrintedAuthor("La Mura, Pierfrancesco", "La Mura", "Pierfrancesco"),
            PrintedAuthor("King Jr, Martin", "King", "Martin", "Jr"),
        ),
        arxiv_id="0802.3300",
        doi="10.1016/j.jmp.2009.02.001",
        abstract="Motivated.",
        categories=("quant-ph", "cs.GT"),
        created=date(2008, 2, 22),
        updated=date(2009, 1, 1),
        comments="7 pages",
        journal_ref="J. of Math. Psychology, 53:5 (2009)",
    )


@pytest.mark.parametrize(
    ("subjects", "sets", "expected"),
    [
        (["Machine Learning"], "cs:cs:LG stat:stat:ML", ("cs.LG", "stat.ML")),
        (["Machine Learning"], "stat:stat:ML", ("stat.ML",)),
        (["Machine Learning"], "cs", ()),  # one of two, and nobody says which
        (["Statistics - Machine Learning"], "stat", ("stat.ML",)),
        (["High Energy Physics - Theory"], "physics:hep-th", ("hep-th",)),
        (["Mathematical Physics"], "math:math:MP physics:math-ph", ("math.MP",)),
        (["What nobody teaches"], "", ()),
    ],
)
def test_sets_say_which_category_a_name_means(subjects: list[str], sets: str, expected: tuple[str, ...]):
    assert one(dublin_core(dc(title="T", creator="A B", subject=subjects), sets=sets)).categories == expected


def test_a_record_of_another_repository_needs_no_identifier_of_arxiv():
    found = one(dublin_core(dc(title="T", creator="John Doe", date="2010", identifier="x"), "oai:test.example.com:1"))
    assert (found.arxiv_id, found.created, found.authors[0].family, found.journal_ref) == (None, None, "Doe", "")


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        ("<record><header><identifier>oai:x:1</identifier></header></record>", "The record has no metadata."),
        ("<record><header/><metadata/></record>", "The record has no metadata."),
        ("<record><metadata><marc/></metadata></record>", "The metadata are in “marc”"),
        ("<record><header status='deleted'/></record>", "no identifier"),
        (
            record("2609.00001").replace("<id>2609.00001", "<id>2609.00002"),
            "and the record 2609.00002",
        ),
        (record("2609.00001").replace("<title>", "<x>").replace("</title>", "</x>"), "The record has no title."),
        (record("2609.00001", authors=""), "The record has no authors."),
        (record("2609.00001").replace("2026 06:31", "2099 06:31"), "lies in the future"),
        (record("2609.00001").replace("Fri, 11 Sep", "Frx, 11 Spe"), "date is not of the form"),
        (record("2609.00001").replace("<authors>", "<authors><"), "not well-formed XML"),
    ],
)
def test_what_cannot_be_taken_in_is_a_sentence(xml: str, sentence: str):
    found = refusal(xml)
    assert sentence in found.reason
    assert found.reason.endswith(".")


def test_a_deleted_record_is_a_deletion():
    assert read(deleted("2609.00001"), record("2609.00002"))[0] == Deletion(
        1, "The repository has deleted this record on 2026-09-24.", source_id="2609.00001"
    )


@pytest.mark.parametrize(
    ("end", "token", "total"),
    [
        ("", "", None),
        ("<resumptionToken/>", "", None),
        ("<resumptionToken expirationDate='2026-09-26'>verb%3DListRecords%26skip%3D2</resumptionToken>",
         "verb%3DListRecords%26skip%3D2", None),
        ("<resumptionToken cursor='0' completeListSize='249546'>760|10001</resumptionToken>", "760|10001", 249546),
        ("<resumptionToken completeListSize='many'> a&amp;b </resumptionToken>", "a&b", None),
    ],
)  # fmt: skip
def test_tokens_have_several_forms(end: str, token: str, total: int | None):
    page = oai.page(document(f"<ListRecords>{record('2609.00001')}{end}</ListRecords>"), TODAY)
    assert (page.token, page.total, len(page.items)) == (token, total, 1)


def test_a_page_tells_its_dates_and_whether_they_only_grow():
    page = oai.page(listed(record("2609.00001", stamp="2026-09-20"), deleted("2609.00002", "2026-09-18")), TODAY)
    assert (page.first, page.last, page.in_order) == (date(2026, 9, 18), date(2026, 9, 20), False)
    assert page.answered == date(2026, 9, 25)


@pytest.mark.parametrize("answer", [b"", listed() * 2, document(""), document("<Identify/>"), listed()[:-5]])
def test_a_page_is_one_whole_list(answer: bytes):
    with pytest.raises(UnreadableFile):
        oai.page(answer, TODAY)


def test_errors_come_with_their_code():
    assert oai.page(error("badArgument", "Bad <b>date</b>."), TODAY).errors == (("badArgument", "Bad date."),)
    with pytest.raises(UnreadableFile, match=r"refuses the request \(badVerb\)"):
        list(oai.read(io.BytesIO(error("badVerb"))))
    assert list(oai.read(io.BytesIO(error("noRecordsMatch")))) == []


def test_saved_pages_one_after_the_other_are_a_file():
    pages = b"\xef\xbb\xbf" + listed(record("2609.00001"), token="x") + b"\n\n" + listed(record("2609.00002"))
    assert [item.number for item in oai.read(io.BytesIO(pages), TODAY)] == [1, 2]


@pytest.mark.parametrize(
    ("name", "records", "deletions", "refused"),
    [
        ("arxiv_real/arXivRaw_live_records_2026-09.xml", 5, 0, 0),
        ("arxiv_real/oai_dc_ListRecords_2024-01.xml", 2, 0, 0),
        ("tests/unit/responses/arxiv/sample_arxiv_record.xml", 12, 0, 0),
        ("tests/functional/arxiv/fixtures/http_server/records/arxiv-physics-hep-ex.xml", 3, 0, 0),
        ("sample_data/ListRecords.xml", 1, 1, 0),
        ("sample_data/ListRecords4.xml", 1, 0, 1),
        ("sample_data/GetRecord_utf8test.xml", 1, 0, 0),
    ],
)
def test_real_answers_are_read_whole(name: str, records: int, deletions: int, refused: int):
    if not SAMPLES.is_dir():
        pytest.skip("the samples of ../shared are not here")
    found = list(oai.read((SAMPLES / name).open("rb"), TODAY))
    kinds = [type(item) for item in found]
    assert [kinds.count(kind) for kind in (Numbered, Deletion, Refusal)] == [records, deletions, refused]


def test_real_facts_of_a_real_record():
    if not SAMPLES.is_dir():
        pytest.skip("the samples of ../shared are not here")
    found = list(oai.read((SAMPLES / "arxiv_real/arXivRaw_live_records_2026-09.xml").open("rb"), TODAY))
    by_id = {item.record.arxiv_id: item.record for item in found if isinstance(item, Numbered)}
    attention = by_id["1706.03762"]
    assert (attention.created, attention.updated, len(attention.versions)) == (date(2017, 6, 12), date(2023, 8, 2), 7)
    assert by_id["2609.12825"].authors[0] == PrintedAuthor("Mustafa Bora \\c{C}elik", "Çelik", "Mustafa Bora")
