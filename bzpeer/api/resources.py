"""What the interface lists: people, works, topics, institutions and names, with the filters and orders of each.

Problem: six lists that each find, order, page and count in a way of their own are six places for a hole. Idea: a list
is a row of this table; one function answers them all, in a transaction whose statements end after `TIMEOUT_MS`. What a
list starts from holds nothing that is hidden, so no filter can reach it. Entry points: `RESOURCES`, `listed`, `single`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.core.exceptions import BadRequest
from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from typing_extensions import TypedDict

from papers import datestamps, paging, searching
from papers import institutions as places
from papers.bounded import TooSlow, within
from papers.identifiers import arxiv_id, doi
from papers.identifiers import orcid as read_orcid
from papers.models import BatchRecord, Institution, Paper, PaperTopic, RemovedPaper, Signature, Topic
from papers.names import fold
from profiles.addresses import heir_of, successors
from profiles.levels import CONTROLLED
from profiles.models import Assignment, Author, Identifier, NameVariant
from profiles.search import find_people

from . import shapes
from .listing import (
    MOST,
    CountIs,
    Cursors,
    Filter,
    asked,
    by_key,
    chosen,
    conditions,
    counted,
    moment,
    whole,
    year,
    yes_or_no,
)
from .problems import Problem, too_slow

TIMEOUT_MS = 5_000


@dataclass(frozen=True, slots=True)
class Query:
    """What a list was asked for, as typed."""

    cursor: str = ""
    per_page: int = 25
    filter: str = ""
    search: str = ""
    select: str = ""
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of records, the key of the next one or "", and how many there are in all."""

    records: Sequence[Mapping[str, Any]]
    following: str
    count: int
    count_is: CountIs


@dataclass(frozen=True)
class Resource:
    """A list, and one of it: `find` gives the page of (condition, query, order, key), `one` the record of an id and
    raises Problem. `orders` are columns by the name that `sort` has for them, the first the usual
    one; `search_order` is how what was found by words stands, `searched` what the words are looked for in."""

    slug: str
    shape: Any
    find: Callable[[Q, Query, str, str], Page]
    one: Callable[[Any], Mapping[str, Any]]
    filters: Mapping[str, Filter]
    orders: Mapping[str, str]
    searched: str
    search_order: str = ""

    @property
    def fields(self) -> Collection[str]:
        return list(self.shape.__annotations__)


def listed(resource: Resource, query: Query) -> dict[str, Any]:
    """The document of a list. Raises Problem."""
    wanted = chosen(resource.fields, query.select)
    condition = conditions(resource.filters, query.filter)
    query = replace(query, search=query.search.strip())
    words = query.search
    sort = query.sort or (words and resource.search_order) or next(iter(resource.orders))
    known = [*resource.orders, *([resource.search_order] if words and resource.search_order else [])]
    if sort not in known:
        said = {"sort": sort[:40], "known": ", ".join(known)}
        raise Problem(400, _("There is no order “%(sort)s” here. Known: %(known)s.") % said, known=known)
    cursors = Cursors(resource.slug, query.filter, words, sort)
    after = cursors.read(query.cursor)
    try:
        with within(TIMEOUT_MS):
            page = resource.find(condition, query, resource.orders.get(sort, ""), after)
    except TooSlow:
        raise too_slow() from None
    return {
        "meta": {
            "count": page.count,
            "count_is": page.count_is,
            "per_page": query.per_page,
            "next_cursor": cursors.write(page.following),
        },
        "results": [{name: value for name, value in row.items() if name in wanted} for row in page.records],
    }


# --- people ----------------------------------------------------------------------------------------------------------


def _with_orcid(value: str) -> Q:
    iD = read_orcid(value)
    if iD is None:
        raise ValueError("an ORCID iD such as 0000-0002-1825-0097")
    # Not of those who keep their identifiers off the page.
    typed = Identifier.objects.filter(scheme="orcid", value=iD).values("author")
    stated = Assignment.objects.filter(signature__orcid=iD).standing().values("author")
    return (Q(pk__in=typed) | Q(pk__in=stated)) & ~Q(account__isnull=False, own_words__hidden__contains=["identifiers"])


def _on_papers(papers: Q) -> Q:
    """People with a work for which `papers`, asked of an assignment, holds."""
    return Q(pk__in=Assignment.objects.filter(papers).standing().values("author"))


PEOPLE = {
    "topic": Filter("slug of a topic of their works", lambda v: _on_papers(Q(signature__paper__topics__slug=v))),
    "institution": Filter(
        "id of one that is printed beside their name", lambda v: _on_papers(Q(signature__institutions=whole(v)))
    ),
    "coauthor": Filter("id of a person with whom they wrote a work", lambda v: _beside(whole(v))),
    "name": Filter("a printed name, in any case", lambda v: Q(pk__in=_names().filter(folded=fold(v)).values("author"))),
    "orcid": Filter("an ORCID iD", _with_orcid),
    "claimed": Filter("true or false", lambda v: Q(account__isnull=not yes_or_no(v))),
    "verified": Filter(
        "true or false",
        lambda v: Q(trust__level__gte=CONTROLLED) if yes_or_no(v) else ~Q(trust__level__gte=CONTROLLED),
    ),
}


def _beside(pk: int) -> Q:
    """Nobody, where the person asked about is hidden."""
    public = Author.objects.listed().filter(pk=pk).values("pk")
    papers = Assignment.objects.filter(author__in=public).standing().values("signature__paper")
    return _on_papers(Q(signature__paper__in=papers)) & ~Q(pk=pk)


def _people(condition: Q, query: Query, order: str, after: str) -> Page:
    words, size = query.search, query.per_page
    rows = Author.objects.listed().filter(condition)
    if not words:
        found, following = by_key(rows, order, after, size)
        return Page(shapes.people(found), following, *counted(rows))
    ranked = [author.pk for author in find_people(words, MOST).people]
    kept = rows.in_bulk(ranked)
    best = [kept[pk] for pk in ranked if pk in kept]
    start = int(after or 0)
    following = str(start + size) if start + size < len(best) else ""
    return Page(
        shapes.people(best[start : start + size]),
        following,
        len(best),
        "exact" if len(ranked) < MOST else "at_least",
    )


def person(pk: int) -> Author:
    """The person of that id, who may be named and is merged into nobody. Raises Problem, and `Merged`."""
    author = Author.objects.select_related("merged_into").filter(pk=pk).first()
    if author is None:
        raise Problem(404, _("There is nobody of this number."))
    heir = heir_of(author)
    for one in (heir, author):
        if one.visibility == Author.Visibility.GONE:
            raise Problem(410, _("This record was removed."))
        if not one.is_public:
            raise Problem(404, _("There is nobody of this number."))
    if heir != author:
        raise Merged(pk, shapes.brief_person(heir))
    if not (author.works_count or author.is_claimed):
        now = [shapes.brief_person(one.author) for one in successors(author) if one.author.is_public]
        raise Problem(410, _("No work is attributed to this record any more."), successors=now)
    return author


class Merged(Exception):
    """The record became another one."""

    def __init__(self, pk: int, into: shapes.BriefPerson | shapes.BriefInstitution) -> None:
        super().__init__(f"{pk} → {into['id']}")
        self.pk, self.into = pk, into


# --- works -----------------------------------------------------------------------------------------------------------


def _arxiv(value: str) -> Q:
    found = arxiv_id(value)
    if found is None:
        raise ValueError("an arXiv id such as 2106.00221")
    return Q(arxiv_id=found)


def _doi(value: str) -> Q:
    found = doi(value)
    if found is None:
        raise ValueError("a DOI such as 10.1000/182")
    return Q(doi=found)


def _kind(value: str) -> Q:
    if value not in {"preprint", "article"}:
        raise ValueError("preprint or article")
    return Q(arxiv_id__isnull=value == "article")


def _of_author(value: str) -> Q:
    public = Author.objects.listed().filter(pk=whole(value)).values("pk")
    return Q(pk__in=Assignment.objects.filter(author__in=public).standing().values("signature__paper"))


def _years(first: str | None, last: str | None) -> Q:
    """The year of the latest version, as `Paper.year` has it."""
    found = Q()
    for end, value in (("gte", first), ("lte", last)):
        if value:
            found &= Q(**{f"updated__year__{end}": year(value)}) | Q(
                **{"updated": None, f"created__year__{end}": year(value)}
            )
    return found


def _changed_since(since: datetime) -> Q:
    """Up to the horizon: a change that is being written now must not be dated before what was given out already."""
    return Q(changed_at__gte=since, changed_at__lt=datestamps.horizon())


WORKS = {
    "author": Filter("id of a person to whom a name on it is attributed", _of_author),
    "topic": Filter("slug of a topic", lambda v: Q(pk__in=PaperTopic.objects.filter(topic__slug=v).values("paper"))),
    "institution": Filter(
        "id of an institution printed on it",
        lambda v: Q(pk__in=Signature.objects.filter(institutions=whole(v)).values("paper")),
    ),
    "year": Filter("year of the latest version", lambda v: _years(v, v)),
    "year_from": Filter("that year or later", lambda v: _years(v, None)),
    "year_to": Filter("that year or earlier", lambda v: _years(None, v)),
    "type": Filter("preprint or article", _kind),
    "arxiv": Filter("an arXiv id", _arxiv),
    "doi": Filter("a DOI", _doi),
    "withdrawn": Filter("true or false", lambda v: Q(withdrawn=yes_or_no(v))),
    "from_changed_at": Filter(
        "a moment or a day: works that changed then or since, as far as nothing can be dated earlier any more",
        lambda v: _changed_since(moment(v)),
    ),
}


def _works(condition: Q, query: Query, order: str, after: str) -> Page:
    if query.search:
        return _searched(query, order, after)
    rows = Paper.objects.filter(condition)
    if order == "newest":
        found, following = paging.newest(rows.with_people(), after, size=query.per_page)
    else:
        found, following = by_key(rows.with_people(), order, after, query.per_page)
    return Page(shapes.works(found), following, *counted(rows))


SEARCHED = ("author", "topic", "year", "year_from", "year_to")  # the filters that go with words


def _searched(query: Query, order: str, after: str) -> Page:
    """By word and by meaning, as the page /search/ does it."""
    given: dict[str, Any] = {}
    for key, value in asked(query.filter):
        if key not in SEARCHED or key in given:
            said = {"known": ", ".join(SEARCHED)}
            raise Problem(400, _("Filters that go with search, each once: %(known)s.") % said, known=list(SEARCHED))
        given[key] = value if key == "topic" else int(value)
    if order not in {"", "newest"}:
        raise Problem(400, _("What is searched stands by relevance or by date."))
    filters = searching.Filters(
        year_from=max((given[key] for key in ("year", "year_from") if key in given), default=None),
        year_to=min((given[key] for key in ("year", "year_to") if key in given), default=None),
        topic=given.get("topic", ""),
        person=given.get("author"),
    )
    try:
        page = searching.search(query.search, filters, order or "relevance", after, size=query.per_page)
    except BadRequest:
        raise Problem(400, _("This cursor was not made for this question. Begin again with cursor=*.")) from None
    found = shapes.works(hit.paper for hit in page.hits)
    return Page(found, page.following, page.counted, "at_least" if page.capped else "exact")


def work(pk: int) -> Paper:
    """The paper of that id. Raises Problem."""
    paper = Paper.objects.with_people().filter(pk=pk).first()
    if paper is None and (RemovedPaper.objects.filter(pk=pk).exists() or BatchRecord.objects.filter(paper=pk).exists()):
        raise Problem(410, _("This work was removed."))
    if paper is None:
        raise Problem(404, _("There is no work of this number."))
    return paper


# --- topics and institutions -----------------------------------------------------------------------------------------


def _topics(condition: Q, query: Query, order: str, after: str) -> Page:
    words, size = query.search, query.per_page
    rows = Topic.objects.filter(condition)
    if words:
        rows = rows.filter(name__icontains=words)
    found, following = by_key(rows, order, after, size)
    return Page(shapes.topics(found), following, *counted(rows))


def _institutions(condition: Q, query: Query, order: str, after: str) -> Page:
    words, size = query.search, query.per_page
    rows = Institution.objects.filter(condition, merged_into=None)
    if words:
        rows = rows.filter(name__icontains=words)
    found, following = by_key(rows, order, after, size)
    return Page(shapes.institutions(found), following, *counted(rows))


def topic(pk: int) -> Topic:
    """Raises Problem."""
    found = Topic.objects.filter(pk=pk).first()
    if found is None:
        raise Problem(404, _("There is no topic of this number."))
    return found


def institution(pk: int) -> Institution:
    """Raises Problem, and `Merged`."""
    found = Institution.objects.filter(pk=pk).first()
    if found is None:
        raise Problem(404, _("There is no institution of this number."))
    if (heir := places.heir_of(found)) != found:
        raise Merged(pk, shapes.brief_institution(heir))
    return found


# --- names -----------------------------------------------------------------------------------------------------------


class NameRecord(TypedDict):
    """A name as papers print it, and how many people are known by it. Case, accents and hyphens make no other name."""

    display_name: str
    folded: str
    people_count: int
    url: str
    api_url: str
    people_api_url: str


def _names() -> Any:
    """The forms of those whom a list may show."""
    listed = {"author__works_count__gt": 0}
    return NameVariant.objects.public().filter(**listed)


def _name_records(rows: Iterable[Mapping[str, Any]]) -> list[NameRecord]:
    return [
        {
            "display_name": row["display"],
            "folded": row["folded"],
            "people_count": row["people"],
            "url": shapes.absolute(reverse("name", args=[row["folded"]])),
            "api_url": shapes.absolute(f"{shapes.API}/names/{quote(row['folded'])}"),
            "people_api_url": shapes.absolute(f"{shapes.API}/people?filter=name:{quote(row['folded'])}"),
        }
        for row in rows
    ]


def _counted_names(rows: Any) -> Any:
    """With the people of each folded form, who may be one in several spellings."""
    return rows.values("folded").annotate(display=Min("printed"), people=Count("author", distinct=True))


def _named(condition: Q, query: Query, order: str, after: str) -> Page:
    words, size = query.search, query.per_page
    rows = _names().filter(condition).exclude(folded="")
    if words:
        rows = rows.filter(folded__startswith=fold(words))
    page = rows.filter(folded__gt=json.loads(after)) if after else rows
    found = list(_counted_names(page).order_by("folded")[: size + 1])
    following = json.dumps(found[size - 1]["folded"]) if len(found) > size else ""
    return Page(_name_records(found[:size]), following, *counted(rows.values("folded").distinct()))


def name(text: str) -> NameRecord:
    """The record of a name. Raises Problem."""
    folded = fold(text)
    found = _name_records(_counted_names(_names().filter(folded=folded))) if folded else []
    if not found:
        raise Problem(404, _("Nobody here is known by this name."))
    return found[0]


RESOURCES = {
    resource.slug: resource
    for resource in (
        Resource(
            "people",
            shapes.Person,
            _people,
            lambda pk: shapes.people([person(pk)])[0],
            PEOPLE,
            {"works_count:desc": "-works_count", "id": "pk"},
            "a name: in any order of its parts, with initials or misprints",
            "relevance",
        ),
        Resource(
            "works",
            shapes.Work,
            _works,
            lambda pk: shapes.works([work(pk)])[0],
            WORKS,
            {"date:desc": "newest", "id": "pk", "changed_at": "changed_at"},
            "words of the title or the abstract, or what it is about; with the filters " + ", ".join(SEARCHED),
            "relevance",
        ),
        Resource(
            "topics",
            shapes.TopicRecord,
            _topics,
            lambda pk: shapes.topics([topic(pk)])[0],
            {"slug": Filter("the topic of that slug", lambda v: Q(slug=v))},
            {"display_name": "name", "id": "pk"},
            "part of the name",
        ),
        Resource(
            "institutions",
            shapes.InstitutionRecord,
            _institutions,
            lambda pk: shapes.institutions([institution(pk)])[0],
            {},
            {"id": "pk", "display_name": "name"},
            "part of the name",
        ),
        Resource(
            "names",
            NameRecord,
            _named,
            name,
            {"person": Filter("id of a person known by it", lambda v: Q(author=whole(v)))},
            {"name": "folded"},
            "the beginning of the name",
        ),
    )
}
