"""XML from strangers, cut into its records: each is parsed on its own, so that a broken one takes no other with it.

Problem: one stray byte ends an XML document for any parser, and harvests stand still for years on such a page; an XML
file can also be made to read local files, call other machines, or fill the memory (a 200 MB attribute keeps even a
hardened parser busy for seconds before it gives up).

Idea: the start and end tags of the records are found in the bytes, which is sound because a raw "<" opens markup
wherever no comment, CDATA section or processing instruction is open, and those are followed. Each record, at most
`LARGEST_RECORD`, is parsed alone under the namespaces that were in force; what is left, the envelope, is parsed as it
comes. Both by lxml with everything off that reads more than it is given (defusedxml is not enough: it accepts a depth
of a million and the huge attribute). A DOCTYPE is refused wherever it stands: no entity is ever defined.

Several documents may follow each other, as `cat page1.xml page2.xml` leaves them. Entry point: `read`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

from lxml import etree

from papers.sources.jsonlines import RAW_SHOWN
from papers.streams import UnreadableFile
from papers.text import clean

Element = Any  # lxml.etree._Element; lxml has no types

# A paper of 5,154 authors is under 1 MiB with all its markup.
LARGEST_RECORD = 4 * 1024 * 1024
# All of a document but its records: arXiv's is 1 KiB, one with 10,000 sets in its description would be 1 MiB.
LARGEST_ENVELOPE = 2 * 1024 * 1024

_HARDENED = {
    "resolve_entities": False, "no_network": True, "huge_tree": False, "load_dtd": False, "dtd_validation": False,
    "remove_comments": True, "remove_pis": True, "encoding": "utf-8",
}  # fmt: skip
_CHUNK = 64 * 1024
# What a tag's name, with prefix, and the room before an empty tag's end may take, with some to spare.
_LONGEST_TAG = 1_300
_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_NO_XML = "A web page came where an XML document was expected."
_MARK = b"\xef\xbb\xbf"
_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([^"']{1,40})["']""")
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype\s+)?html[\s>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that is not well-formed, too large or cut short: `reason` is a sentence, `raw` the start of it."""

    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """The root of a document that has ended, its records taken out."""

    root: Element


def read(stream: BinaryIO, root: str, record: str) -> Iterator[Element | Broken | Envelope]:
    """The elements named `record` (whatever their namespace) of every document in `stream`, each before its envelope.

    Raises `UnreadableFile` where a document is no `root`, is cut short, or its envelope cannot be read; the records
    before that have been given.
    """
    document = _Document(root)
    depth, held, size = 0, bytearray(), 0
    for kind, data in _pieces(stream, root, record):
        if depth == 0 and kind in {"text", "end"}:
            if envelope := document.feed(data, ends=kind == "end"):
                yield envelope
                document = _Document(root)
            continue
        depth = max(0, depth + {"open": 1, "close": -1}.get(kind, 0))
        size += len(data)
        if size <= LARGEST_RECORD:
            held += data
        if depth == 0:
            yield document.record(bytes(held)) if size <= LARGEST_RECORD else _too_large(held)
            held, size = bytearray(), 0
    if depth:
        yield Broken("The record is cut short: the document ends before it does.", _shown(held))
    if depth or document.begun:
        raise UnreadableFile("The document is cut short: it ends before its last element is closed.")


def name(element: Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text(element: Element) -> str:
    """All text inside the element, in order."""
    return "".join(element.itertext())


def children(element: Element) -> dict[str, list[Element]]:
    """The element's children by name, in order; namespaces are left out, for repositories forget to declare them."""
    found: dict[str, list[Element]] = {}
    for child in element:
        found.setdefault(name(child), []).append(child)
    return found


class _Document:
    """The envelope of one document as it comes in, and the namespaces that its records stand under."""

    def __init__(self, root: str) -> None:
        self._root, self._size = root, 0
        self._parser = etree.XMLPullParser(events=("start", "end"), **_HARDENED)
        self._open: list[Element] = []
        self._outer: tuple[Element, bytes] | None = None

    @property
    def begun(self) -> bool:
        return self._size > 0

    def feed(self, data: bytes, ends: bool) -> Envelope | None:
        """Take in more of it; the envelope where it `ends`."""
        if not self.begun:
            data = data.removeprefix(_MARK).lstrip()  # white space before a declaration is an error to any parser
            if not data:
                return None
            _refuse_head(data)
        self._size += len(data)
        if self._size > LARGEST_ENVELOPE:
            raise UnreadableFile(
                f"The document has more than {LARGEST_ENVELOPE // 1024 // 1024} MiB that belong to no record."
            )
        try:
            self._parser.feed(data)
            self._follow()
            return Envelope(self._parser.close()) if ends else None
        except etree.XMLSyntaxError as error:
            raise UnreadableFile(f"The document is not well-formed XML: {error.msg}.") from None

    def _follow(self) -> None:
        for event, element in self._parser.read_events():
            if event == "end":
                self._open.pop()
                continue
            if not self._open and name(element) != self._root:
                raise UnreadableFile(f"The document is <{name(element)[:60]}> where <{self._root}> was expected.")
            self._open.append(element)

    def record(self, data: bytes) -> Element | Broken:
        """The record of these bytes, parsed under the namespaces in force here."""
        if not self._open:
            return Broken("The record stands outside of any document.", _shown(data))
        parent = self._open[-1]
        try:
            if self._outer is None or self._outer[0] is not parent:
                self._outer = parent, etree.tostring(etree.Element("in", nsmap=parent.nsmap)).removesuffix(b"/>") + b">"
            outer = etree.fromstring(self._outer[1] + data + b"</in>", etree.XMLParser(**_HARDENED))
        except etree.XMLSyntaxError as error:
            return Broken(f"The record is not well-formed XML: {error.msg}.", _shown(data))
        except ValueError:  # lxml is stricter about the names of namespaces when it writes than when it reads
            return Broken("The record stands under a namespace that is no address.", _shown(data))
        return outer[0]


def _too_large(data: bytes | bytearray) -> Broken:
    return Broken(f"The record is larger than {LARGEST_RECORD // 1024 // 1024} MiB.", _shown(data))


def _shown(data: bytes | bytearray) -> str:
    return clean(bytes(data[: 4 * RAW_SHOWN]).decode("utf-8", "replace"))[:RAW_SHOWN]


def _refuse_head(head: bytes) -> None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head[:4]:
        raise UnreadableFile("The document is in UTF-16 or UTF-32; UTF-8 is read.")
    if (declared := _DECLARED.match(head)) and declared[1].lower() not in {b"utf-8", b"utf8", b"us-ascii", b"ascii"}:
        raise UnreadableFile(
            f"The document says that it is in {declared[1].decode('ascii', 'replace')}; UTF-8 is read."
        )
    if _WEB_PAGE.match(head):
        raise UnreadableFile(_NO_XML)


def _refuse_declaration(declaration: bytes) -> NoReturn:
    if _WEB_PAGE.match(declaration):
        raise UnreadableFile(_NO_XML)
    raise UnreadableFile("The document declares a document type (DOCTYPE) or entities, which no record needs.")


def _pieces(stream: BinaryIO, root: str, record: str) -> Iterator[tuple[str, bytes]]:
    """All bytes in order: the tags of records ("open", "close", "empty"), the root's "end", and the "text" between."""
    names = re.escape(record).encode(), re.escape(root).encode()
    markup = re.compile(
        rb"<!--|<!\[CDATA\[|<\?|<!"
        rb"|<(?:[A-Za-z_][\w.-]{0,99}:)?%s(?=[\s/>])(?:[^<>\"']{0,1000}(?P<empty>/)>)?"
        rb"|</(?:[A-Za-z_][\w.-]{0,99}:)?(?:(?P<close>%s)|(?P<end>%s))\s{0,99}>" % (names[0], *names)
    )
    buffer, until, more = b"", b"", b"-"
    while more:
        more = stream.read(_CHUNK)
        buffer += more
        limit = len(buffer) - _LONGEST_TAG if more else len(buffer)  # what begins before it is here whole
        begin = at = 0
        while at < limit:
            if until:
                found = buffer.find(until, at)
                at, until = (limit, until) if found < 0 else (found + len(until), b"")
                continue
            match = markup.search(buffer, at)
            if match is None or match.start() >= limit:
                at = limit
                continue
            at = match.end()
            if match[0] == b"<!":
                _refuse_declaration(buffer[match.start() : at + _LONGEST_TAG])
            if until := _ENDS.get(match[0], b""):
                continue
            if match.start() > begin:
                yield "text", buffer[begin : match.start()]
            yield match.lastgroup or "open", match[0]
            begin = at
        if at > begin:
            yield "text", buffer[begin:at]
        buffer = buffer[at:]
