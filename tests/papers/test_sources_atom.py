"""arXiv's API: what its feeds say, and what they leave out."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest

from papers.records import Numbered, PrintedAuthor, Record, Refusal, Version
from papers.sources import atom
from papers.streams import Refused, UnreadableFile

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "formats" / "atom" / "xml"
TODAY = date(2026, 11, 21)
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" '
    'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom"><title>arXiv Query</title>'
)
ENTRY = """<entry><id>http://arxiv.org/abs/astro-ph/0601001v3</id><title>Frequency of
  Planets</title><updated>2006-03-09T00:00:00Z</updated><published>2006-01-02T12:00:00Z</published>
  <summary>We find &lt;b&gt; &amp; $x$.</summary><author><name>Andrew Gould</name><arxiv:affiliation>Ohio State
  </arxiv:affiliation><arxiv:affiliation>MPIA</arxiv:affiliation></author><author><name>S. Dong, Jr.</name></author>
  <category term="hep-th"/><arxiv:primary_category term="astro-ph"/><category term="astro-ph"/><category term="68T05"/>
  <arxiv:comment>62 pages</arxiv:comment><arxiv:journal_ref>ActaAstron.56</arxiv:journal_ref>
  <arxiv:doi>10.1000/X</arxiv:doi></entry>"""


def read(*entries: str) -> list[Numbered | Refusal]:
    return list(atom.read(io.BytesIO(f"{HEAD}{''.join(entries)}</feed>".encode()), TODAY))


def test_an_entry_becomes_a_record():
    (found,) = read(ENTRY)
    assert found == Numbered(
        1,
        Record(
            title="Frequency of Planets",
            authors=(
                PrintedAuthor("Andrew Gould", "Gould", "Andrew", "", ("Ohio State", "MPIA")),
                PrintedAuthor("S. Dong, Jr.", "Dong", "S.", "Jr."),
            ),
            arxiv_id="astro-ph/0601001",
            doi="10.1000/x",
            abstract="We find <b> & $x$.",
            categories=("astro-ph", "hep-th"),
            created=date(2006, 1, 2),
            updated=date(2006, 3, 9),
            versions=(Version(1, date(2006, 1, 2)), Version(3, date(2006, 3, 9))),
            comments="62 pages",
            journal_ref="ActaAstron.56",
        ),
    )


def test_zero_is_a_title():
    (found,) = read(ENTRY.replace("Frequency of\n  Planets", "0"))
    assert isinstance(found, Numbered)
    assert found.record.title == "0"


def test_a_first_version_is_the_only_one():
    (found,) = read(ENTRY.replace("0601001v3", "0601001v1").replace("2006-03-09", "2006-01-02"))
    assert isinstance(found, Numbered)
    assert found.record.versions == (Version(1, date(2006, 1, 2)),)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("http://arxiv.org/abs/astro-ph/0601001v3", "", "The record has no identifier."),
        ("http://arxiv.org/abs/astro-ph/0601001v3", "http://arxiv.org/abs/abc", "is not an arXiv identifier"),
        ("Frequency of\n  Planets", "", "The record has no title."),
        ("2006-01-02", "2099-01-02", "lies in the future"),
        ("2006-01-02", "soon", "is not a date"),
        ("<name>", "<name><", "not well-formed"),
    ],
)
def test_a_broken_entry_leaves_the_others_alone(old: str, new: str, sentence: str):
    broken, whole = read(ENTRY.replace(old, new), ENTRY)
    assert isinstance(broken, Refusal)
    assert sentence in broken.reason
    assert isinstance(whole, Numbered)
    assert whole.number == 2


def test_the_entry_that_is_an_error_is_one():
    error = (
        "<entry><id>https://arxiv.org/api/errors#incorrect_id_format_for_abc</id><title>Error</title><summary>"
        "incorrect id format for abc</summary><author><name>arXiv api core</name></author></entry>"
    )
    with pytest.raises(Refused, match="arXiv refuses the request: incorrect id format for abc"):
        read(error)


def test_a_page_says_how_many_there_are_in_all():
    total = "<opensearch:totalResults>321</opensearch:totalResults>"
    page = atom.page(f"{HEAD}{total}{ENTRY}</feed>".encode(), TODAY)
    assert (page.total, len(page.items)) == (321, 1)


@pytest.mark.parametrize("answer", [b"", b"<html>", f"{HEAD}{ENTRY}".encode(), 2 * f"{HEAD}</feed>".encode()])
def test_a_page_is_one_whole_feed(answer: bytes):
    with pytest.raises(UnreadableFile):
        atom.page(answer, TODAY)


def test_real_feeds_are_read_whole():
    if not SAMPLES.is_dir():
        pytest.skip("the samples of ../shared are not here")
    refused: list[str] = []
    found: dict[str | None, Record] = {}
    for path in sorted(SAMPLES.glob("*.xml")):
        try:
            items = list(atom.read(path.open("rb"), TODAY))
        except Refused as error:
            refused.append(str(error))
            continue
        assert all(isinstance(item, Numbered) for item in items)
        found |= {item.record.arxiv_id: item.record for item in items if isinstance(item, Numbered)}
    assert refused == ["arXiv refuses the request: incorrect id format for abc."]
    assert len(found) == 105
    assert found["2104.12255"].title == "0"
    assert found["astro-ph/0601001"].authors[0].affiliations == ("Ohio State",)
