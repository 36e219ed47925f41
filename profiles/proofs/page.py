"""A page of one's own that a record links to, on which a code stands: who writes that page is who the record names.

Problem: this machine is made to fetch an address, and others write on pages too. Idea: only homes that the record gives
to this person alone (`papers.contacts`); a code that says nothing to anybody else, because it is a keyed hash of claim,
account and page, and so is not kept; and it counts only where a reader sees it, outside of what visitors wrote, or in a
link with rel="me". The fetch happens in the request: 15 seconds at most, ten times an hour for an account, and in no
transaction. A queue and a page that waits for it would be more to break, and gain nothing.
Entry points: `KIND`, `code_of`, `link_of`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import lxml.html
from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from lxml import etree

from papers import fetching, limits
from papers.fetching import Fetcher, Unfetched

from ..models import Claim, Proof
from .kind import Kind, Offer, Route, offered
from .printed import links

# A homepage is some ten kilobytes. A person waits for the answer, and a worker with them.
LIMITS = fetching.Limits(connect=5, read=8, total=15, body=1024 * 1024, whole=15)
TYPES = frozenset({"text/html", "text/plain"})

# What no reader sees, and where visitors of a page write.
_UNSEEN = frozenset(
    {"canvas", "datalist", "embed", "frame", "head", "iframe", "math", "noembed", "noframes", "noscript", "object"}
    | {"option", "script", "select", "style", "svg", "template", "textarea", "title"}
)
_UNSEEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)
_OF_VISITORS = re.compile(r"comment|guest-?book|\brepl(?:y|ies)|disqus|\breviews?\b|webmention", re.IGNORECASE)


def code_of(proof: Proof) -> str:
    """What is put on the page: "bzpeer-" and 100 bits, which hold for this claim, account and page alone."""
    told = f"{proof.claim_id} {proof.claim.account_id} {proof.subject}"
    digest = salted_hmac("profiles.proofs.page", told, algorithm="sha256").digest()
    return f"bzpeer-{base64.b32encode(digest).decode()[:20].lower()}"


def link_of(proof: Proof) -> str:
    """The address of the profile with the code, for a link with rel="me"."""
    return f"{settings.SITE_URL}{reverse('person', args=[proof.claim.author_id])}?proof={code_of(proof)}"


def _offers(claim: Claim) -> Sequence[Offer]:
    return [Offer(page.value, page.value, page.paper) for page in links(claim.author) if page.own]


def _begin(claim: Claim, subject: str, now: datetime) -> Proof:
    """The proof that has begun, a second time the same: the code does not change."""
    offer = offered(_offers(claim), subject)
    if offer is None:
        raise ValidationError(_("No record of yours links to this page as yours alone."))
    begun = Proof.objects.filter(claim=claim, kind=KIND.slug, subject=subject, state=Proof.State.BEGUN).first()
    return begun or Proof.objects.create(claim=claim, kind=KIND.slug, subject=subject, paper=offer.paper)


def _complete(proof: Proof, data: Mapping[str, str], now: datetime) -> bool:
    """Look at the page once. Raises ValidationError with what was in the way."""
    if (wait := limits.take("page_proof", f"account {proof.claim.account_id}")) is not None:
        raise ValidationError(
            _("The page was looked at often enough. Try again %(when)s.") % {"when": limits.words(wait)}
        )
    if not _still(proof):
        raise ValidationError(_("No record of yours links to this page as yours alone any more."))
    if not shows(proof.subject, code_of(proof)):
        raise ValidationError(
            _("The page was read, but the code is not on it. Put it where a reader sees it, then look again.")
        )
    return True


def _still(proof: Proof) -> bool:
    """Whether a work of the record still links to the page as this person's: a work that goes takes its page along."""
    return proof.subject in {offer.subject for offer in _offers(proof.claim)}


def shows(url: str, code: str) -> bool:
    """Whether the page carries the code now. Raises ValidationError where it cannot be read."""
    try:
        return fetcher(url).get(url, lambda body: carries(body, code))
    except Unfetched as error:
        raise ValidationError(_("The page could not be read. %(why)s") % {"why": error}) from error


def fetcher(url: str) -> Fetcher:
    """One that asks the host of the page, with and without "www.", once, and never this network. Raises `Unfetched`."""
    host = fetching.parse(url).host
    here = settings.HARVEST_LOOPBACK and fetching.is_loopback_host(host)
    return Fetcher(
        hosts={host, f"www.{host}", host.removeprefix("www.")},
        allows=fetching.is_public_or_loopback if here else fetching.is_public,
        find=fetching.resolve_soon,
        limits=LIMITS,
        types=TYPES,
        tries=1,
    )


def carries(body: bytes, code: str) -> bool:
    """Whether a reader of the page sees the code, or a link with rel="me" carries it."""
    whole = re.compile(rf"(?<![a-z0-9]){re.escape(code)}(?![a-z0-9])", re.IGNORECASE)
    try:
        page = lxml.html.document_fromstring(body, parser=lxml.html.HTMLParser(no_network=True, remove_pis=True))
    except (etree.LxmlError, ValueError):  # nothing in it, or nothing of HTML
        return False
    return any(whole.search(text) for text in _seen(page))


def _seen(page: lxml.html.HtmlElement) -> Iterator[str]:
    """Texts that a reader sees, each between two tags, and the targets of links with rel="me"."""
    walk = etree.iterwalk(page, events=("start", "end", "comment"))
    for event, element in walk:
        if event == "start":
            tag = str(element.tag).lower()
            if tag in ("a", "link") and _is_me(element) and not _is_of_visitors(element):
                yield element.get("href", "")
            if tag == "head":
                yield from (link.get("href", "") for link in element.iter("link") if _is_me(link))
            if tag in _UNSEEN or _is_hidden(element) or _is_of_visitors(element):
                walk.skip_subtree()
            else:
                yield element.text or ""
        else:
            yield element.tail or ""


def _is_me(element: lxml.html.HtmlElement) -> bool:
    """Whether it says "this is me too", and not about what a visitor wrote ("ugc")."""
    words = element.get("rel", "").lower().split()
    return "me" in words and "ugc" not in words


def _is_hidden(element: lxml.html.HtmlElement) -> bool:
    return "hidden" in element.attrib or bool(_UNSEEN_STYLE.search(element.get("style", "")))


def _is_of_visitors(element: lxml.html.HtmlElement) -> bool:
    told = " ".join((element.get("id", ""), element.get("class", ""), element.get("itemprop", "")))
    return str(element.tag).lower() not in ("html", "body") and bool(_OF_VISITORS.search(told))


KIND = Kind(
    slug="page",
    label=gettext_lazy("A page of yours that a paper links to"),
    about=gettext_lazy("You put a code on the page, and we look for it there."),
    route=Route.STRONG,
    offers=_offers,
    begin=_begin,
    complete=_complete,
    template="profiles/proofs/page.html",
    without=gettext_lazy("No work of this record links to a page that is surely yours alone."),
    still=_still,
    lasts=timedelta(days=730),  # two years, as a curator's check: pages change hands
)
