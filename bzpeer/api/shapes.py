"""People, works, topics and institutions as the plain values that the API and the JSON exports give.

Problem: five addresses describe one paper, and two descriptions of it drift apart. Idea: one function for each kind of
thing, from a list of rows to a list of dicts, in a number of queries that depends neither on how many rows there are
nor on what they hold; the dicts are typed, and the OpenAPI schema is read off the types. What is hidden is not here: of
a hidden person neither name nor number, of a hidden name only the one shown instead (`Signature.shown_name`). Entry
points: `people`, `works`, `topics`, `institutions`, and `brief_person` for a mention.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from django.db import connection
from django.db.models import Count, Model, Prefetch, prefetch_related_objects
from django.urls import reverse
from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from papers.models import Institution, Paper, Signature, Topic
from papers.text import plain
from profiles import editing, identifiers
from profiles.levels import CONTROLLED
from profiles.models import Assignment, Author, Identifier

TOPICS = 10  # of a person: those with most works
API = "/api/v1"  # the addresses below stand in documents that are kept: the version is part of them


def _optional(schema: dict[str, Any]) -> None:
    """In the OpenAPI schema no field is required: `select` may leave out any."""
    schema.pop("required", None)


_selectable = with_config(ConfigDict(json_schema_extra=_optional))
Id = Annotated[int, Field(description="number of the record here")]
Url = Annotated[str, Field(description="address of the page")]
ApiUrl = Annotated[str, Field(description="address of the record in this interface")]


class BriefPerson(TypedDict):
    """A person, where another record mentions them."""

    id: Id
    display_name: str
    url: Url
    api_url: ApiUrl


class BriefTopic(TypedDict):
    """A topic, where another record mentions it."""

    id: Id
    display_name: str
    url: Url
    api_url: ApiUrl


class TopicOfPerson(BriefTopic):
    """A topic and how many works of the person are about it."""

    works_count: int


class BriefInstitution(TypedDict):
    """An institution, where another record mentions it."""

    id: Id
    display_name: str
    url: Url
    api_url: ApiUrl


class Attribution(TypedDict):
    """The inference or the decision that a printed name is this person's."""

    state: Annotated[str, Field(description="who or what says so: source, owner, curator, coauthor, strong, weak, …")]
    confidence: Annotated[float, Field(ge=0, le=1, description="the matcher’s probability, whatever people said since")]
    evidence_url: Annotated[str, Field(description="address of the page that gives the reasons")]


class Authorship(TypedDict):
    """One name on a paper, in printed order, and whose it is held to be."""

    position: Annotated[int, Field(ge=1, description="from 1")]
    raw_author_name: Annotated[str, Field(description="as printed, or as its owner has it shown instead")]
    raw_affiliation_strings: list[str]
    institutions: list[BriefInstitution]
    author: Annotated[BriefPerson | None, Field(description="null where nobody is known or may be named")]
    attribution: Attribution | None


class WorkIds(TypedDict):
    """Identifiers elsewhere, as addresses."""

    arxiv: str | None
    doi: str | None


class Version(TypedDict):
    """A version of a preprint."""

    number: int | None
    created: Annotated[str | None, Field(description="date, as the source gives it")]


@_selectable
class Work(TypedDict):
    """A paper. All names on it are given, however many there are."""

    id: Id
    url: Url
    api_url: ApiUrl
    title: Annotated[str, Field(description="as readable text")]
    abstract: Annotated[str, Field(description="as readable text, empty where the source gives none")]
    type: Literal["preprint", "article"]
    publication_date: Annotated[str | None, Field(description="of the first version; a year where no day is known")]
    updated_date: Annotated[str | None, Field(description="date of the latest version")]
    changed_at: Annotated[
        str, Field(description="when what is stated of it here last changed; who is behind a name is told in /changes")
    ]
    publication_year: Annotated[int | None, Field(description="year of the latest version")]
    ids: WorkIds
    arxiv_id: str | None
    doi: str | None
    journal_ref: str
    license: str
    categories: list[str]
    topics: list[BriefTopic]
    is_withdrawn: bool
    versions: list[Version]
    authors_count: int
    authorships: list[Authorship]


class NameVariant(TypedDict):
    """A form in which papers print the name."""

    display_name: str
    works_count: int


class OtherId(TypedDict):
    """An identifier elsewhere, and whether a source of papers states it or a curator typed it."""

    scheme: str
    value: str
    url: str
    said_by: Literal["source", "curator"]


class AffiliationOfPerson(TypedDict):
    """Where somebody works: in the owner's own words, or as the newest paper that says it prints it."""

    display_name: str
    role: str
    from_year: int | None
    to_year: int | None
    said_by: Literal["owner", "paper"]


class Trust(TypedDict):
    """How well the record is supported; the page shows the sum behind it."""

    level: Annotated[int, Field(ge=0, le=5, description="verification level")]
    score: Annotated[int, Field(ge=0)]
    band: str
    url: Url


class Link(TypedDict):
    """A link of the owner's."""

    label: str
    url: str


@_selectable
class Person(TypedDict):
    """A person as far as the records show. What its owner keeps off the page is null or empty here too."""

    id: Id
    url: Url
    api_url: ApiUrl
    display_name: str
    name_variants: list[NameVariant]
    native_name: str
    orcid: Annotated[str | None, Field(description="as an address; null where none or more than one is known")]
    ids: list[OtherId]
    works_count: int | None
    first_year: int | None
    last_year: int | None
    topics: list[TopicOfPerson]
    affiliations: list[AffiliationOfPerson]
    trust: Trust
    claimed: Annotated[bool, Field(description="an account holds the record")]
    verified: Annotated[bool, Field(description="and has proved control of it (level 3 or more)")]
    bio: str
    pronouns: str
    links: list[Link]
    open_to_collaborate: bool
    works_api_url: Annotated[str, Field(description="the person’s works in this interface")]


@_selectable
class TopicRecord(TypedDict):
    """A subject of papers."""

    id: Id
    url: Url
    api_url: ApiUrl
    slug: str
    display_name: str
    works_count: int
    works_api_url: str


@_selectable
class InstitutionRecord(TypedDict):
    """A place that papers print beside names."""

    id: Id
    url: Url
    api_url: ApiUrl
    display_name: Annotated[str, Field(description="as first printed")]
    works_count: int
    works_api_url: str


# --- addresses -------------------------------------------------------------------------------------------------------


def absolute(path: str) -> str:
    """The address of a path of this site."""
    return f"{settings.SITE_URL}{path}"


def api_url(kind: str, pk: int) -> str:
    """The address of one record here; `kind` as the address names it ("people")."""
    return absolute(f"{API}/{kind}/{pk}")


def moment(at: datetime) -> str:
    """As RFC 3339 has it, in UTC.

    >>> from datetime import timezone
    >>> moment(datetime(2026, 1, 31, 12, 0, tzinfo=timezone.utc))
    '2026-01-31T12:00:00Z'
    """
    return at.isoformat().replace("+00:00", "Z")


def _page(thing: Model) -> str:
    return absolute(thing.get_absolute_url())  # type: ignore[attr-defined]


# --- mentions --------------------------------------------------------------------------------------------------------


def brief_person(author: Author) -> BriefPerson:
    """Of an author who may be named."""
    return {
        "id": author.pk,
        "display_name": author.name,
        "url": _page(author),
        "api_url": api_url("people", author.pk),
    }


def _brief_topic(topic: Topic) -> BriefTopic:
    return {
        "id": topic.pk,
        "display_name": topic.name,
        "url": _page(topic),
        "api_url": api_url("topics", topic.pk),
    }


def brief_institution(institution: Institution) -> BriefInstitution:
    return {
        "id": institution.pk,
        "display_name": institution.name,
        "url": _page(institution),
        "api_url": api_url("institutions", institution.pk),
    }


# --- works -----------------------------------------------------------------------------------------------------------


def works(papers: Iterable[Paper]) -> list[Work]:
    """Of each paper; at most four queries, fewer where the papers were loaded `with_people`."""
    rows = list(papers)
    everyone = Signature.objects.order_by("position").select_related("assignment__author")
    prefetch_related_objects(rows, "topics", Prefetch("signatures", everyone))
    signatures = [signature for paper in rows for signature in paper.signatures.all()]
    prefetch_related_objects(signatures, "institutions")
    return [_work(paper) for paper in rows]


def _work(paper: Paper) -> Work:
    authorships = [_authorship(paper, signature) for signature in paper.signatures.all()]
    first = paper.created
    return {
        "id": paper.pk,
        "url": _page(paper),
        "api_url": api_url("works", paper.pk),
        "title": paper.title_text,
        "abstract": plain(paper.abstract),
        "type": "preprint" if paper.arxiv_id else "article",
        "publication_date": (first.isoformat() if paper.day_known else str(first.year)) if first else None,
        "updated_date": paper.updated.isoformat() if paper.updated else None,
        "changed_at": moment(paper.changed_at),
        "publication_year": paper.year,
        "ids": {"arxiv": paper.arxiv_url, "doi": paper.doi_url},
        "arxiv_id": paper.arxiv_id,
        "doi": paper.doi,
        "journal_ref": plain(paper.journal_ref),
        "license": paper.license,
        "categories": list(paper.categories),
        "topics": [_brief_topic(topic) for topic in sorted(paper.topics.all(), key=lambda topic: topic.name)],
        "is_withdrawn": paper.withdrawn,
        "versions": [{"number": v.get("number"), "created": v.get("created")} for v in paper.versions],
        "authors_count": len(authorships),
        "authorships": authorships,
    }


def _authorship(paper: Paper, signature: Signature) -> Authorship:
    assignment: Assignment | None = getattr(signature, "assignment", None)
    # A hidden person, and a name that nobody is known to bear, look alike.
    named = assignment is not None and assignment.author.is_public and assignment.state != Assignment.State.REJECTED
    return {
        "position": signature.position + 1,
        "raw_author_name": signature.shown_name,
        "raw_affiliation_strings": list(signature.affiliations),
        "institutions": [brief_institution(place) for place in signature.institutions.all()],
        "author": brief_person(assignment.author) if assignment and named else None,
        "attribution": _attribution(paper, assignment) if assignment and named else None,
    }


def _attribution(paper: Paper, assignment: Assignment) -> Attribution:
    return {
        "state": assignment.state,
        "confidence": assignment.probability,
        "evidence_url": absolute(reverse("attribution", args=[paper.pk, assignment.author_id])),
    }


# --- people ----------------------------------------------------------------------------------------------------------


def people(authors: Iterable[Author]) -> list[Person]:
    """Of each author, who may be named: seven queries."""
    rows = list(authors)
    prefetch_related_objects(rows, "trust", "variants", "own_words", "own_affiliations")
    ids = [author.pk for author in rows]
    topics, stated, typed = _topics_of(ids), _stated(ids), _typed(ids)
    return [_person(author, topics[author.pk], stated[author.pk], typed[author.pk]) for author in rows]


def _person(author: Author, topics: list[TopicOfPerson], stated: list[str], typed: list[tuple[str, str]]) -> Person:
    words = getattr(author, "own_words", None) if author.is_claimed else None
    off = frozenset(words.hidden) if words else frozenset()
    trust = getattr(author, "trust", None)
    ids = [] if "identifiers" in off else _ids(stated, typed)
    orcids = {shown["url"] for shown in ids if shown["scheme"] == "orcid"}
    variants = [] if author.hides_printed else [variant for variant in author.variants.all() if variant.works]
    level = trust.level if trust else 0
    return {
        "id": author.pk,
        "url": _page(author),
        "api_url": api_url("people", author.pk),
        "display_name": editing.in_order(author.name, words.name_order) if words else author.name,
        "name_variants": [
            {"display_name": variant.printed, "works_count": variant.works}
            for variant in sorted(variants, key=lambda variant: (-variant.works, variant.printed))
        ],
        "native_name": words.native_name if words and "native_name" not in off else "",
        "orcid": orcids.pop() if len(orcids) == 1 else None,
        "ids": ids,
        "works_count": None if "works" in off else author.works_count,
        "first_year": author.first_year,
        "last_year": author.last_year,
        "topics": [] if "topics" in off else topics,
        "affiliations": [] if "affiliation" in off else _affiliations(author),
        "trust": {
            "level": level,
            "score": trust.score if trust else 0,
            "band": trust.band if trust else "",
            "url": absolute(reverse("person_trust", args=[author.pk])),
        },
        "claimed": author.is_claimed,
        "verified": level >= CONTROLLED,
        "bio": "" if "bio" in off else author.bio,
        "pronouns": words.pronouns if words and "pronouns" not in off else "",
        "links": [{"label": link["label"], "url": link["url"]} for link in words.links]
        if words and "links" not in off
        else [],
        "open_to_collaborate": author.open_to_collaborate,
        "works_api_url": absolute(f"{API}/works?filter=author:{author.pk}"),
    }


def _affiliations(author: Author) -> list[AffiliationOfPerson]:
    """In the owner's words, where somebody holds the record; then the printed one."""
    own: list[AffiliationOfPerson] = [
        {
            "display_name": place.institution,
            "role": place.role,
            "from_year": place.from_year,
            "to_year": place.to_year,
            "said_by": "owner",
        }
        for place in (author.own_affiliations.all() if author.is_claimed else ())
    ]
    printed: AffiliationOfPerson = {
        "display_name": author.affiliation,
        "role": "",
        "from_year": None,
        "to_year": None,
        "said_by": "paper",
    }
    return [*own, printed] if author.affiliation else own


def _ids(stated: Iterable[str], typed: Iterable[tuple[str, str]]) -> list[OtherId]:
    """Each once; what a source states counts before what a curator typed."""
    order = [scheme.key for scheme in identifiers.SCHEMES]
    said: dict[tuple[str, str], Literal["source", "curator"]] = dict.fromkeys(typed, "curator")
    said |= {("orcid", value): "source" for value in stated}
    return [
        {"scheme": scheme, "value": value, "url": identifiers.BY_KEY[scheme].url(value), "said_by": by}
        for (scheme, value), by in sorted(said.items(), key=lambda row: (order.index(row[0][0]), row[0][1]))
    ]


def _topics_of(authors: Collection[int]) -> defaultdict[int, list[TopicOfPerson]]:
    """The topics of each author's works, most works first, at most `TOPICS`."""
    rows: list[tuple[int, int, int]] = []
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT author_id, topic_id, works
                 FROM (SELECT s.author_id, t.topic_id, count(DISTINCT g.paper_id) AS works,
                              row_number() OVER (PARTITION BY s.author_id
                                                 ORDER BY count(DISTINCT g.paper_id) DESC, t.topic_id) AS place
                         FROM profiles_assignment s
                         JOIN papers_signature g ON g.id = s.signature_id
                         JOIN papers_papertopic t ON t.paper_id = g.paper_id
                        WHERE s.author_id = ANY(%s) AND s.state <> 'rejected'
                        GROUP BY 1, 2) ranked
                WHERE place <= %s ORDER BY author_id, place""",
            [list(authors), TOPICS],
        )
        rows = cursor.fetchall()
    topics = Topic.objects.in_bulk({topic for _author, topic, _works in rows})
    found: defaultdict[int, list[TopicOfPerson]] = defaultdict(list)
    for author, topic, count in rows:
        found[author].append({**_brief_topic(topics[topic]), "works_count": count})
    return found


def _stated(authors: Collection[int]) -> defaultdict[int, list[str]]:
    """The ORCID iDs that sources state beside each author's names."""
    rows = Assignment.objects.filter(author__in=authors, signature__orcid__isnull=False).standing()
    found: defaultdict[int, list[str]] = defaultdict(list)
    for author, value in rows.order_by().values_list("author", "signature__orcid").distinct():
        found[author].append(str(value))
    return found


def _typed(authors: Collection[int]) -> defaultdict[int, list[tuple[str, str]]]:
    """(scheme, value) of what curators typed."""
    found: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for author, scheme, value in Identifier.objects.filter(author__in=authors).values_list("author", "scheme", "value"):
        found[author].append((scheme, value))
    return found


# --- topics and institutions -----------------------------------------------------------------------------------------


def topics(rows: Iterable[Topic]) -> list[TopicRecord]:
    """Of each topic, with its number of works: one query."""
    rows = list(rows)
    counted = Topic.objects.filter(pk__in=[row.pk for row in rows]).annotate(n=Count("papers"))
    counts = dict(counted.values_list("pk", "n"))
    return [
        {
            "id": row.pk,
            "url": _page(row),
            "api_url": api_url("topics", row.pk),
            "slug": row.slug,
            "display_name": row.name,
            "works_count": counts.get(row.pk, 0),
            "works_api_url": absolute(f"{API}/works?filter=topic:{row.slug}"),
        }
        for row in rows
    ]


def institutions(rows: Iterable[Institution]) -> list[InstitutionRecord]:
    """Of each institution, with its number of works: one query."""
    rows = list(rows)
    counted = Institution.objects.filter(pk__in=[row.pk for row in rows])
    counts = dict(counted.annotate(n=Count("signatures__paper", distinct=True)).values_list("pk", "n"))
    return [
        {
            "id": row.pk,
            "url": _page(row),
            "api_url": api_url("institutions", row.pk),
            "display_name": row.name,
            "works_count": counts.get(row.pk, 0),
            "works_api_url": absolute(f"{API}/works?filter=institution:{row.pk}"),
        }
        for row in rows
    ]
