"""A paper in XML: as Dublin Core, and in arXiv's own form, which `papers.sources.oai` reads without loss.

Names are the shown ones (`Signature.shown_name`). arXiv's form has no place for a withdrawal but the comments, and for
subjects but arXiv's categories: a paper's other topics stand in the header, as its sets.
Entry points: `FORMATS`, `named`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from lxml import etree

from ..models import Paper, Signature
from ..names import split_name
from ..sources.snapshot import says_withdrawn
from ..sources.xmlrecords import Element

XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DC, _OAI_DC = "http://purl.org/dc/elements/1.1/", "http://www.openarchives.org/OAI/2.0/oai_dc/"
_ARXIV = "http://arxiv.org/OAI/arXiv/"
# What an XML 1.0 document may not hold, not even as a reference.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Format:
    """A metadata format: `write` puts the paper into the element given."""

    namespace: str
    schema: str
    write: Callable[[Element, Paper], None]


def named(parent: Element, name: str, text: str = "", **attributes: str) -> Element:
    """A child of that name, with what XML allows of the text."""
    child = etree.SubElement(parent, name, {key: storable(value) for key, value in attributes.items()})
    child.text = storable(text) or None
    return child


def storable(text: str) -> str:
    """The text without characters that XML forbids."""
    return _FORBIDDEN.sub("", text)


def _parts(signature: Signature) -> tuple[str, str, str]:
    """Family name, given names and suffix as shown."""
    if signature.hides_printed:
        return split_name(signature.shown_name)
    return signature.family, signature.given, signature.suffix


def _dublin_core(metadata: Element, paper: Paper) -> None:
    spaces = {"oai_dc": _OAI_DC, "dc": _DC, "xsi": XSI}
    root = etree.SubElement(metadata, f"{{{_OAI_DC}}}dc", nsmap=spaces)
    root.set(f"{{{XSI}}}schemaLocation", f"{_OAI_DC} {FORMATS['oai_dc'].schema}")

    def say(name: str, *texts: str) -> None:
        for text in filter(None, texts):
            named(root, f"{{{_DC}}}{name}", text)

    say("title", paper.title)
    for signature in paper.signatures.all():
        family, given, suffix = _parts(signature)
        say("creator", ", ".join(filter(None, (" ".join(filter(None, (family, suffix))), given))))
    say("subject", *sorted(topic.name for topic in paper.topics.all()))
    say("description", paper.abstract, paper.comments if paper.abstract else "")
    say("date", *(day.isoformat() for day in dict.fromkeys((paper.created, paper.updated)) if day))
    say("type", "text")
    say("identifier", settings.SITE_URL + paper.get_absolute_url(), paper.arxiv_url or "", paper.journal_ref)
    say("identifier", f"doi:{paper.doi}" if paper.doi else "")


def _arxiv(metadata: Element, paper: Paper) -> None:
    root = etree.SubElement(metadata, f"{{{_ARXIV}}}arXiv", nsmap={None: _ARXIV, "xsi": XSI})
    root.set(f"{{{XSI}}}schemaLocation", f"{_ARXIV} {FORMATS['arXiv'].schema}")

    def say(name: str, text: str) -> None:
        if text:
            named(root, f"{{{_ARXIV}}}{name}", text)

    say("id", paper.arxiv_id or "")
    say("created", paper.created.isoformat() if paper.created else "")
    say("updated", paper.updated.isoformat() if paper.updated else "")
    authors = named(root, f"{{{_ARXIV}}}authors")
    for signature in paper.signatures.all():
        author = named(authors, f"{{{_ARXIV}}}author")
        texts = list(zip(("keyname", "forenames", "suffix"), _parts(signature), strict=True))
        texts += [("affiliation", place) for place in signature.affiliations]
        for name, text in texts:
            if text:
                named(author, f"{{{_ARXIV}}}{name}", text)
    say("title", paper.title)
    say("categories", " ".join(paper.categories))
    unsaid = paper.withdrawn and not says_withdrawn(paper.comments, paper.abstract)
    say("comments", f"This paper has been withdrawn. {paper.comments}".strip() if unsaid else paper.comments)
    say("journal-ref", paper.journal_ref)
    say("doi", paper.doi or "")
    say("license", paper.license)
    say("abstract", paper.abstract)


FORMATS: dict[str, Format] = {
    "oai_dc": Format(_OAI_DC, "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", _dublin_core),
    "arXiv": Format(_ARXIV, "http://arxiv.org/OAI/arXiv.xsd", _arxiv),
}
