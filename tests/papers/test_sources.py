"""Telling the formats apart."""

from __future__ import annotations

import io

import pytest

from papers.sources import SOURCES, by_slug, detect, peek
from papers.streams import UnreadableFile

SAMPLES = {
    "snapshot": b'{"id": "0704.0001", "authors": "A. Li", "title": "T", "authors_parsed": [["Li", "A.", ""]]}\n',
    "facts": b'\xef\xbb\xbf {"id": "0704.0001", "title": "T", "authors": ["A. Li"]}\n',
    "daily": b'[\n {\n  "paper": {"id": "2410.08196", "title": "T", "authors": [{"name": "Zimu Lu"}]}}]',
    "daily lines": b'{"date": "2024-05-27", "id": "2405.14906", "title": "T", "authors": [], "upvotes": 7}\n',
    "openalex": b'{"id": "https://openalex.org/W1", "title": "T", "authorships": []}\n',
    "openalex answer": b'{"meta": {"count": 1}, "results": [\n {"id": "https://openalex.org/W1", "authorships": []}]}',
    "bibtex": b"% by hand\n@string{j = {J}}\n@article{a, author = {A. Li}, title = {T}}\n",
    "ris": b"\xef\xbb\xbfTY  - JOUR\nAU  - Li, A.\nTI  - T\nER  - \n",
    "oai": b'<?xml version="1.0"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords/></OAI-PMH>',
    "atom": b'<?xml version="1.0"?>\n<feed xmlns:a="http://a9.com/" xmlns="http://www.w3.org/2005/Atom"></feed>',
    "listing": b"Ding, Zixiang\n\nOn Widgets\nGuo, Lin, Ding, Zixiang\nText.\n",
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_each_format_is_known_by_its_start_and_by_no_other_source(sample: str) -> None:
    slug = sample.split()[0]
    assert detect(SAMPLES[sample]) is by_slug(slug)
    assert [source.slug for source in SOURCES if source.recognises(SAMPLES[sample])] == [slug]


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (b"", "The file is empty."),
        (b" \n", "The file is empty."),
        (b"<html>", "none of the formats"),
        (b"\xff\x00", "save it as UTF-8"),
        ('{"id": 1}'.encode("utf-16"), "save it as UTF-8"),
        (b"\xff\xfa", "none of"),
    ],
)
def test_what_no_source_knows_is_a_sentence(head: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        detect(head)


def test_a_broken_first_line_does_not_hide_the_format() -> None:
    assert detect(b"oops\n" + SAMPLES["facts"]) is by_slug("facts")


@pytest.mark.parametrize(
    "head", [b'[{"id": "x", "authors": ["A"]}]', b'[\n {\n  "id": "x",\n  "authors": ["A"]\n }\n]']
)
def test_a_json_array_is_not_json_lines(head: bytes) -> None:
    with pytest.raises(UnreadableFile, match="none of the formats"):
        detect(head)


def test_peeking_leaves_everything_to_be_read() -> None:
    head, stream = peek(io.BytesIO(SAMPLES["facts"] * 10_000))
    assert head.startswith(SAMPLES["facts"])
    assert len(list(by_slug("facts").read(stream))) == 10_000
