"""What a page shows, in other formats: by the suffix of its address, or at the page's own by what `Accept` asks for.

Problem: five kinds of pages in eight formats are forty answers, each of which must redirect, hide and be gone as its
page does. Idea: a finder for each kind says what it is about and which works are its own, and leaves to the page's view
whatever has no such answer; the formats know nothing of pages (`papers.exports`, and `feeds`, which go by the pages of
the page). Works come in pieces, so that a long list costs no memory; of a topic, an institution and a search they are
the newest `MOST`, and a header says so. Entry points: the views, and `Formats` for `Accept`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

import papers.views
import profiles.views
from papers import limits, signposting
from papers.bounded import TooSlow
from papers.exports import FORMATS, MEDIA_TYPES, PIECE, jsonld, lists, streamed, work_of
from papers.exports.jsonld import Node
from papers.institutions import heir_of
from papers.models import Institution, Paper, PaperQuerySet, Topic
from papers.paging import newest
from papers.searching.addresses import Asked
from papers.signposting import LINKSET, Link, signposted
from papers.syndication import FEEDS, entry_of
from profiles import conversing, editing, identifiers
from profiles.collecting_views import find_shared
from profiles.feedback import collecting
from profiles.hidden import Hidden, notice
from profiles.models import Collection
from profiles.unlisted import unlisted

from . import dailies, described, feeds, trends
from .api import shapes
from .searching import SearchForm

MOST = 1_000  # works of a topic, an institution or a search: who wants all of them harvests (/oai)
LONGEST_ACCEPT = 1_000  # characters; browsers send some 150
LONGEST_QUERY = 1_000  # characters that a header repeats
FEED_TYPES: Mapping[str, str] = {suffix: form.media_type for suffix, form in FEEDS.items()}
ALL: Mapping[str, str] = {**MEDIA_TYPES, **FEED_TYPES}


def _either(suffixes: Iterable[str]) -> str:
    return "|".join(suffix.replace(".", r"\.") for suffix in suffixes)


class Suffix:
    """Path converter: one of the formats that state works."""

    regex = _either(MEDIA_TYPES)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class FeedSuffix(Suffix):
    """Path converter: one of the formats of feeds."""

    regex = _either(FEEDS)


@dataclass(frozen=True, slots=True)
class Found:
    """What an address is about. `name` is that of the file, without suffix; `page` the path of its page."""

    name: str
    page: str
    papers: Iterable[Paper]
    record: Callable[[], Iterable[str]]
    node: Callable[[], Node] | None = None
    links: tuple[Link, ...] = ()
    linkset: str = ""
    capped: bool = False


@require_safe
def person(request: HttpRequest, pk: int, suffix: str) -> HttpResponseBase:
    """/people/12.bib: the works of a person, or the person."""
    author = profiles.views.find_author(pk)
    if pk != author.pk or not (author.works_count or author.is_claimed):
        response = profiles.views.person(request, pk)  # gone, or several people, or the heir
        return (
            redirect(_address("person", suffix), author.pk, suffix, permanent=True)
            if response.status_code == 301
            else response
        )
    page = author.get_absolute_url()
    works = Paper.objects.filter(pk__in=author.assignments.standing().values("signature__paper"))
    if suffix in FEEDS:
        rows, following = newest(works.with_people(), request.GET.get("after", ""))
        entries = [feeds.because(paper, pk) for paper in rows]
        told = feeds.Told(f"people/{pk}", author.name, page, "person", [pk], entries, following)
        return feeds.answer(request, told, suffix)
    found = Found(
        name=author.slug,
        page=page,
        papers=streamed(works),
        record=lambda: [_json(shapes.people([author])[0])],
        node=lambda: described.person(author, editing.own(author), identifiers.of(author)),
        links=tuple(signposting.person(f"{settings.SITE_URL}{page}", author.pk)),
    )
    return _answer(request, found, suffix)


@require_safe
def work(request: HttpRequest, pk: int, suffix: str) -> HttpResponseBase:
    """/works/12.bib: a paper."""
    paper = Paper.objects.with_people().filter(pk=pk).first()
    if paper is None:
        return papers.views.work(request, pk)  # gone, or never there
    stated = work_of(paper)
    found = Found(
        name=stated.key,
        page=paper.get_absolute_url(),
        papers=[paper],
        record=lambda: [_json(shapes.works([paper])[0])],
        links=tuple(signposting.work(stated)),
        linkset=signposting.linkset_of(pk),
    )
    return _answer(request, found, suffix)


@require_safe
def linkset(request: HttpRequest, pk: int) -> HttpResponseBase:
    """/works/12.linkset.json: all links of a paper's page, as many as it has authors."""
    paper = Paper.objects.with_people().filter(pk=pk).first()
    if paper is None:
        return papers.views.work(request, pk)
    stated = work_of(paper)
    return HttpResponse(json.dumps(signposting.linkset(stated.page, signposting.work(stated))), content_type=LINKSET)


@require_safe
def topic(request: HttpRequest, slug: str, suffix: str) -> HttpResponseBase:
    """/topics/machine-learning.bib: the newest works about a topic."""
    found = get_object_or_404(Topic, slug=slug)
    if suffix in FEEDS:
        return _newest(request, f"topics/{found.pk}", found, found.papers.all(), "topic", slug, suffix)
    return _answer(
        request,
        Found(
            name=found.slug,
            page=found.get_absolute_url(),
            papers=streamed(found.papers.all(), MOST),
            record=lambda: [_json(shapes.topics([found])[0])],
            node=lambda: described.topic(found),
            capped=True,
        ),
        suffix,
    )


@require_safe
def institution(request: HttpRequest, pk: int, suffix: str) -> HttpResponseBase:
    """/institutions/12.bib: the newest works that print an institution, or whom it was merged to."""
    found = heir_of(get_object_or_404(Institution, pk=pk))
    if pk != found.pk:
        return redirect(_address("institution", suffix), found.pk, suffix, permanent=True)
    printing = Paper.objects.filter(pk__in=found.signatures.values("paper"))
    if suffix in FEEDS:
        return _newest(request, f"institutions/{pk}", found, printing, "institution", pk, suffix)
    return _answer(
        request,
        Found(
            name=found.slug,
            page=found.get_absolute_url(),
            papers=streamed(printing, MOST),
            record=lambda: [_json(shapes.institutions([found])[0])],
            node=lambda: described.institution(found),
            capped=True,
        ),
        suffix,
    )


@require_safe
def collection(request: HttpRequest, pk: int, suffix: str) -> HttpResponseBase:
    """/collections/12.bib: the works of a collection, for whom its page is, added last first."""
    found = get_object_or_404(collecting.seen_by(request.user), pk=pk)
    return _answer(request, _collected(found, found.get_absolute_url()), suffix)


@require_safe
def shared_collection(request: HttpRequest, key: str, suffix: str) -> HttpResponseBase:
    """/collections/shared/….bib: the same by a link."""
    found = find_shared(key)
    return unlisted(_answer(request, _collected(found, reverse("collection_shared", args=[key])), suffix))


def _collected(found: Collection, page: str) -> Found:
    by = conversing.shown_as(found.account)

    stated = {"name": str(found), "about": found.about, "url": f"{settings.SITE_URL}{page}"}
    return Found(
        name=found.slug,
        page=page,
        papers=collecting.streamed(found),
        record=lambda: _works(collecting.streamed(found), {"collection": stated}),
        node=lambda: described.collection(found, page, by),
    )


@require_safe
def search(request: HttpRequest, suffix: str) -> HttpResponseBase:
    """/search.bib?q=…: the first works that a search finds, in its order and with the filters of its page."""
    form = SearchForm(request.GET)
    if not form.is_valid():
        raise BadRequest(" ".join(str(error) for errors in form.errors.values() for error in errors))
    question = form.asked
    try:
        if suffix in FEEDS:
            return _search_feed(request, question, suffix)
        found_ids = question.numbers(MOST)
    except TooSlow:
        return feeds.too_slow()
    found = Found(
        name="search",
        page=reverse("search") + _query(request),
        papers=_in_order(found_ids),
        record=lambda: _works(_in_order(found_ids), {"meta": {"most": MOST}}),
        capped=True,
    )
    return _answer(request, found, suffix)


def _search_feed(request: HttpRequest, question: Asked, suffix: str) -> HttpResponse:
    """The page of the search, hit by hit. Raises `TooSlow`; BadRequest where nothing is asked."""
    if not question.query:
        raise BadRequest(_("A feed of a search needs something to search for."))
    asking = question.canonical
    page = question.page(request.GET.get("after", ""))
    entries = [entry_of(hit.paper) for hit in page.hits]
    path = f"{reverse('search')}?{asking}"
    told = feeds.Told(f"search?{asking}", question.query, path, "search", [], entries, page.following, asking)
    return feeds.answer(request, told, suffix)


def _newest(
    request: HttpRequest, id: str, about: Topic | Institution, works: PaperQuerySet, kind: str, key: object, suffix: str
) -> HttpResponse:
    """The feed of a topic or an institution."""
    rows, following = newest(works.with_people(), request.GET.get("after", ""))
    entries = [entry_of(paper) for paper in rows]
    told = feeds.Told(id, about.name, about.get_absolute_url(), kind, [key], entries, following)
    return feeds.answer(request, told, suffix)


def _address(kind: str, suffix: str) -> str:
    """The name of the address of a kind of page in that format."""
    return f"{kind}_feed" if suffix in FEEDS else f"{kind}_as"


def _in_order(ids: Sequence[int]) -> Iterator[Paper]:
    """The papers of these ids with their people, of which few are in memory at once."""
    for start in range(0, len(ids), PIECE):
        piece = ids[start : start + PIECE]
        loaded = Paper.objects.with_people().in_bulk(piece)
        yield from (loaded[pk] for pk in piece if pk in loaded)


def _works(found: Iterator[Paper], before: Mapping[str, object]) -> Iterator[str]:
    """What stands `before` a list of works, and those as the API gives them."""
    pieces = iter(lambda: list(islice(found, PIECE)), [])
    works = chain.from_iterable(map(shapes.works, pieces))
    return lists.written(works, f'{_json(before)[:-1]}, "results": [', "]}")


def _query(request: HttpRequest) -> str:
    """What a header may say of the query; nothing of a very long one."""
    query = request.GET.urlencode()
    return f"?{query}" if 0 < len(query) <= LONGEST_QUERY else ""


# --- the answer ------------------------------------------------------------------------------------------------------


def _answer(request: HttpRequest, found: Found, suffix: str) -> HttpResponseBase:
    """In the format of that suffix; 429 where the client has asked for too many."""
    if (wait := limits.take("export_works", limits.client(request))) is not None:
        return limits.refused(request, wait)
    page = f"{settings.SITE_URL}{found.page}"
    media_type = MEDIA_TYPES[suffix]
    response = StreamingHttpResponse(_pieces(found, suffix), content_type=f"{media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.name}.{suffix}"'
    response["X-Robots-Tag"] = "noindex"  # the page is what a search engine is to find
    if found.capped:
        response["X-Most-Works"] = str(MOST)
    return signposted(response, [Link("describes", page), *found.links], found.linkset)


def _json(record: object) -> str:
    return json.dumps(record, ensure_ascii=False)


def _pieces(found: Found, suffix: str) -> Iterator[str]:
    if suffix == "json":
        return iter(found.record())
    if suffix == "jsonld" and found.node:
        return jsonld.graph(chain([found.node()], map(jsonld.article, map(work_of, found.papers))))
    return FORMATS[suffix].write(found.papers)


class Formats:
    """Middleware: at the address of a page, what `Accept` prefers to HTML. Whoever names no type of ours gets the page.

    Media types and their weights are Django's to read (RFC 9110, 12.5.1).
    """

    # By the name of the page's address: the view of its formats, and which there are.
    VIEWS: Mapping[str, tuple[Callable[..., HttpResponseBase], Mapping[str, str]]] = {
        "person": (person, ALL),
        "work": (work, MEDIA_TYPES),
        "topic": (topic, ALL),
        "institution": (institution, ALL),
        "search": (search, ALL),
        "papers_today": (dailies.latest_feed, FEED_TYPES),
        "papers_day": (dailies.day_feed, FEED_TYPES),
        "trending": (trends.feed, FEED_TYPES),
        "collection": (collection, MEDIA_TYPES),
        "collection_shared": (shared_collection, MEDIA_TYPES),
    }

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.resolver_match and request.resolver_match.view_name in self.VIEWS:
            patch_vary_headers(response, ["Accept"])
        return response

    def process_view(
        self, request: HttpRequest, view: object, args: Sequence[object], kwargs: Mapping[str, Any]
    ) -> HttpResponseBase | None:
        """Before the page's view is called. None: go on."""
        assert request.resolver_match is not None
        name = request.resolver_match.view_name
        if name not in self.VIEWS:
            return None
        other_view, media_types = self.VIEWS[name]
        if (suffix := preferred(request, media_types)) is None:
            return None
        # An id decides, whatever slug stands after it.
        key = next((kwargs[part] for part in ("pk", "slug", "key", "name") if part in kwargs), None)
        keys = [] if key is None else [key]
        try:
            response = other_view(request, *keys, suffix)
        except Hidden as hidden:
            return notice(request, hidden.author)
        query = _query(request) if media_types is not MEDIA_TYPES else ""
        response["Content-Location"] = reverse(_address(name, suffix), args=[*keys, suffix]) + query
        return response


def preferred(request: HttpRequest, media_types: Mapping[str, str] = MEDIA_TYPES) -> str | None:
    """The suffix of the format that is asked for rather than HTML."""
    if len(request.headers.get("Accept", "")) > LONGEST_ACCEPT:
        return None
    suffixes = {media_type: suffix for suffix, media_type in media_types.items()}
    return suffixes.get(request.get_preferred_type(["text/html", *suffixes]) or "")
