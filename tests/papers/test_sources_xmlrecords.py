# ruff: noqa: E501 - a row of the table is a line
"""Hostile XML: a sentence each, in bounded memory, and nothing is read or called that is not the document."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from papers.records import Numbered, Refusal
from papers.sources import oai, xmlrecords
from papers.sources.xmlrecords import Broken, Envelope
from papers.streams import UnreadableFile
from tests.papers.http_server import listed, record, scripted, serving

REPO_ROOT = Path(__file__).resolve().parents[2]
OPEN, CLOSE = "<OAI-PMH xmlns='http://www.openarchives.org/OAI/2.0/'><ListRecords>", "</ListRecords></OAI-PMH>"
GOOD = record("2609.00001")


def outcome(data: bytes) -> str:
    """What a curator is told, or "taken in"."""
    try:
        found = list(oai.read(io.BytesIO(data)))
    except UnreadableFile as error:
        return str(error)
    return next((item.reason for item in found if isinstance(item, Refusal)), "taken in" if found else "nothing")


def page(inner: str, head: str = "") -> bytes:
    return f"{head}{OPEN}{inner}{CLOSE}".encode()


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPE = "declares a document type"
HOSTILE: list[tuple[str, bytes, str]] = [
    ("billion laughs", page(GOOD, f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>'), DOCTYPE),
    ("quadratic blow-up", page("&a;" * 1000, f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'), DOCTYPE),
    ("parameter entity", page(GOOD, '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/">%p;]>'), DOCTYPE),
    ("local file", page("&f;", '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'), DOCTYPE),
    ("outside DTD", page(GOOD, '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">'), DOCTYPE),
    ("public DTD", page(GOOD, '<!DOCTYPE x PUBLIC "-//W3C//DTD" "http://127.0.0.1/x.dtd">'), DOCTYPE),
    ("bare doctype", page(GOOD, "<!DOCTYPE OAI-PMH>"), DOCTYPE),
    ("doctype in lower case", page(GOOD, "<!doctype x>"), DOCTYPE),
    ("doctype in a record", page(GOOD.replace("<title>", "<!DOCTYPE x><title>")), DOCTYPE),
    ("doctype after the root", page(GOOD) + b"<!DOCTYPE x>", DOCTYPE),
    ("doctype after a comment", page(GOOD, "<!-- x --><!DOCTYPE x>"), DOCTYPE),
    ("entity outside a doctype", page("<!ENTITY a 'b'>"), DOCTYPE),
    ("element declaration", page("<!ELEMENT a ANY>"), DOCTYPE),
    ("entity nobody defined", page(GOOD.replace("On the", "&nosuch;")), "not well-formed XML: Entity 'nosuch' not defined"),
    ("bare ampersand", page(GOOD.replace("On the", "A & B")), "not well-formed XML"),
    ("character 0", page(GOOD.replace("On the", "&#0;")), "not well-formed XML"),
    ("control character", page(GOOD.replace("On the", "\x0b")), "not well-formed XML"),
    ("NUL byte", page(GOOD.replace("On the", "\0")), "not well-formed XML"),
    ("surrogate", page(GOOD.replace("On the", "&#xD800;")), "not well-formed XML"),
    ("surrogate in bytes", page(GOOD).replace(b"On the", b"\xed\xa0\x80"), "not well-formed XML"),
    ("overlong bytes", page(GOOD).replace(b"On the", b"\xc0\xbcscript"), "not well-formed XML"),
    ("bytes of latin-1", page(GOOD).replace(b"On the", b"\xe9\xe8"), "not well-formed XML"),
    ("depth of 100,000", page(GOOD.replace("<title>", "<a>" * 100_000)), "Excessive depth"),
    ("closed depth of 100,000", page(GOOD.replace("<title>", "<a>" * 10**5 + "</a>" * 10**5 + "<title>")), "Excessive depth"),
    ("depth of the envelope", f"{OPEN}{'<a>' * 100_000}".encode(), "Excessive depth"),
    ("a record in a record", page(GOOD.replace("<title>", "<record>x</record><title>")), "taken in"),
    ("records that never close", page("<record>" * 10_000), "cut short"),
    ("closing without opening", page("</record>" * 10), "not well-formed XML"),
    ("smuggled end", page("<record></in><in></record>"), "not well-formed XML"),
    ("record before the root", b"<record/>" + page(GOOD), "outside of any document"),
    ("tag in an attribute", page(GOOD.replace("<title>", '<title a="</record>">')), "not well-formed XML"),
    ("attribute twice", page(GOOD.replace("<title>", '<title a="1" a="2">')), "not well-formed XML"),
    ("namespace twice", page(GOOD.replace("<title>", '<title xmlns:a="u" xmlns:b="u" a:x="1" b:x="1">')), "not well-formed XML"),
    ("prefix nobody declared", page(GOOD.replace("<title>", "<q:x>y</q:x><title>")), "not well-formed XML"),
    ("xml namespace stolen", page(GOOD.replace("<title>", '<title xmlns:xml="http://evil/">')), "not well-formed XML"),
    ("namespace that is no address", page(GOOD).replace(b"<OAI-PMH", b"<OAI-PMH xmlns:z='u&amp;&quot;'"), "is not a valid URI"),
    ("another namespace", page(GOOD.replace("http://arxiv.org/OAI/arXivRaw/", "http://evil.example/")), "taken in"),
    ("no namespace", page(GOOD.replace("xmlns='http://arxiv.org/OAI/arXivRaw/'", "")), "taken in"),
    ("prefixed all over", b'<o:OAI-PMH xmlns:o="http://www.openarchives.org/OAI/2.0/"><o:ListRecords>'
     + GOOD.replace("<record", "<o:record").replace("</record", "</o:record").encode() + b"</o:ListRecords></o:OAI-PMH>", "taken in"),
    ("CDATA that holds tags", page(GOOD.replace("On the", "<![CDATA[</record></OAI-PMH><record>]]>")), "taken in"),
    ("CDATA without end", page(GOOD.replace("On the", "<![CDATA[")), "cut short"),
    ("comment that holds tags", page(GOOD.replace("<title>", "<!-- </record> <!DOCTYPE x> --><title>")), "taken in"),
    ("comment without end", page("<!-- " + GOOD), "cut short"),
    ("comment with two hyphens", page(GOOD.replace("<title>", "<!-- -- --><title>")), "not well-formed XML"),
    ("instruction that holds tags", page(GOOD.replace("<title>", "<?x </record> ?><title>")), "taken in"),
    ("stylesheet", page(GOOD, '<?xml-stylesheet href="http://127.0.0.1/x.xsl" type="text/xsl"?>'), "taken in"),
    ("inclusion", page(GOOD.replace("<title>", '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/><title>')), "taken in"),
    ("place of a schema", page(GOOD, "").replace(b"<OAI-PMH ", b'<OAI-PMH xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="x http://127.0.0.1/" '), "taken in"),
    ("UTF-8 with a mark", b"\xef\xbb\xbf" + page(GOOD), "taken in"),
    ("UTF-16 with a mark", page(GOOD).decode().encode("utf-16"), "UTF-16 or UTF-32"),
    ("UTF-16 without a mark", page(GOOD).decode().encode("utf-16-le"), "UTF-16 or UTF-32"),
    ("UTF-32", page(GOOD).decode().encode("utf-32"), "UTF-16 or UTF-32"),
    ("UTF-7", page(GOOD, '<?xml version="1.0" encoding="UTF-7"?>'), "says that it is in UTF-7"),
    ("UTF-7 without saying so", page("+ADw-record+AD4-"), "nothing"),
    ("EBCDIC", page(GOOD, '<?xml version="1.0" encoding="cp037"?>'), "says that it is in cp037"),
    ("latin-1", page(GOOD, '<?xml version="1.0" encoding="ISO-8859-1"?>'), "says that it is in ISO-8859-1"),
    ("XML 1.1", page(GOOD, '<?xml version="1.1"?>'), "taken in"),
    ("declaration twice", page(GOOD, '<?xml version="1.0"?><?xml version="1.0"?>'), "not well-formed XML"),
    ("white space before the declaration", page(GOOD, '\n <?xml version="1.0"?>'), "taken in"),
    ("a web page", b"<!DOCTYPE html><html></html>", "A web page came"),
    ("a web page in capitals", b"<HTML><BODY>", "A web page came"),
    ("a feed", b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "is <feed> where <OAI-PMH> was expected"),
    ("text", b"Service Unavailable", "not well-formed XML"),
    ("text after the end", page(GOOD) + b"tail", "cut short"),
    ("nothing", b"", "nothing"),
    ("half a tag", b"<OAI-PM", "cut short"),
    ("only the root", b"<OAI-PMH>", "cut short"),
    ("root in another case", b"<oai-pmh></oai-pmh>", "where <OAI-PMH> was expected"),
]  # fmt: skip


def test_there_are_sixty_rows_and_more():
    assert len({name for name, _, _ in HOSTILE}) >= 60


@pytest.mark.parametrize(("data", "sentence"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_every_hostile_document_is_a_sentence_or_harmless(data: bytes, sentence: str):
    found = outcome(data)
    assert sentence in found
    assert "root:" not in found


@pytest.mark.parametrize("at", range(1, len(page(GOOD)), 7))
def test_a_document_cut_anywhere_is_never_whole(at: int):
    with pytest.raises(UnreadableFile):
        list(oai.read(io.BytesIO(page(GOOD)[:at])))


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1299, 1300, 1301, 4096])
def test_it_does_not_matter_where_the_reading_stops_for_more(size: int, monkeypatch: pytest.MonkeyPatch):
    tricky = GOOD.replace("On the", "<![CDATA[</record>]]>" + "long " * 500 + "<!-- </record> -->")
    data = listed(tricky, GOOD, token="x") + listed(GOOD)
    whole = list(oai.read(io.BytesIO(data)))
    monkeypatch.setattr(xmlrecords, "_CHUNK", size)
    assert [type(item) for item in whole] == [Numbered] * 3
    assert list(oai.read(io.BytesIO(data))) == whole


def test_nothing_is_called_and_nothing_is_read():
    with serving(scripted(b"secret")) as canary:
        for _, data, _ in HOSTILE:
            outcome(data.replace(b"http://127.0.0.1/", canary.url.encode()))
            outcome(data.replace(b"file:///etc/passwd", canary.url.encode()))
        assert canary.requests == []


def test_a_record_keeps_the_namespaces_it_stood_under():
    data = b'<a:r xmlns:a="urn:u" xmlns="v"><x xmlns:b="w"><rec b:c="1"><a:d/><e/></rec></x></a:r>'
    element, envelope = xmlrecords.read(io.BytesIO(data), "r", "rec")
    assert not isinstance(element, Broken | Envelope)
    assert element.tag == "{v}rec"
    assert element.get("{w}c") == "1"
    assert [child.tag for child in element] == ["{urn:u}d", "{v}e"]
    assert isinstance(envelope, Envelope)


# What is too large to be made in a table: (what, expression for the bytes). Each runs alone under a ceiling on memory.
LARGE = {
    "200 MB attribute": 'o + b"<record a=\'" + pad(200) + b"\'/>" + c',
    "200 MB attribute of the root": 'b"<OAI-PMH a=\'" + pad(200) + b"\'/>"',
    "300 MB text": 'o + b"<record>" + pad(300) + b"</record>" + good + c',
    "300 MB text of the envelope": 'o + pad(300) + c',
    "300 MB comment": 'o + b"<!--" + pad(300) + b"-->" + c',
    "300 MB name": 'o + b"<" + pad(300) + b"/>" + c',
    "a million attributes": 'o + b"<record " + b" ".join(b"a%d=\'\'" % n for n in range(10**6)) + b"/>" + c',
    "depth of a million": 'o + b"<record>" + b"<a>" * 10**6 + b"</a>" * 10**6 + b"</record>" + good + c',
    "a million openings": 'o + b"<" * 10**8 + c',
    "300,000 empty records": 'o + b"<record/>" * 300000 + c',
    "20 MB of white space in a tag": 'o + b"<record" + b" " * 2 * 10**7 + b"/>" + c',
}  # fmt: skip
SCRIPT = """
import io, json, resource, sys
from papers.sources import oai
o, c, good = json.loads(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
o, c, good, pad = o.encode(), c.encode(), good.encode(), lambda mb: b"x" * (mb * 10**6)
data = io.BytesIO(eval(sys.argv[4]))
held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
said = kept = ""
try:
    for item in oai.read(data):
        kept += "." * hasattr(item, "record") if len(kept) < 9 else ""
        said = said or getattr(item, "reason", "")
except Exception as error:
    said = said or f"{type(error).__name__}: {error}"
print(json.dumps([said, kept, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held]))
"""


@pytest.mark.parametrize("what", LARGE)
def test_what_is_huge_is_a_sentence_in_little_memory(what: str):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 * 1024**3, 2 * 1024**3))

    arguments = [json.dumps(OPEN), json.dumps(CLOSE), json.dumps(GOOD), LARGE[what]]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], cwd=REPO_ROOT, capture_output=True, text=True, preexec_fn=limit,
        timeout=300, check=True,
    )  # fmt: skip
    said, kept, grown = json.loads(done.stdout)
    assert said.endswith(".")
    assert "Memory" not in said
    assert grown < 100 * 1024  # KiB, beside the document itself
    if "good" in LARGE[what]:
        assert kept == "."
