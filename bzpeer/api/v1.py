"""The addresses of version 1, and their OpenAPI schema.

Problem: a description that is written beside the code says another thing a year later. Idea: each row of
`resources.RESOURCES` becomes two addresses, a list and one of it, and what they take and give is described by the very
types and tables that they are answered with. Everything is JSON and only read. Entry points: `api`, `schema`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import ninja
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja.errors import ValidationError
from ninja.params import functions
from pydantic import Field, TypeAdapter, create_model
from typing_extensions import TypedDict

from papers.limits import LIMITS

from . import feed, problems, shapes
from .listing import LARGEST, MOST, PER_PAGE, chosen, described
from .problems import Problem
from .resources import RESOURCES, Merged, Query, Resource, listed

log = logging.getLogger(__name__)

_NO_NUL = r"^[^\x00]*$"  # PostgreSQL has no such character
_QUERY = functions.Query(...)
_Params = dict[str, Any]


class Meta(TypedDict):
    """About the list."""

    count: int
    count_is: Annotated[
        Literal["exact", "at_least", "estimate"], Field(description="beyond 10,000 it is the planner’s estimate")
    ]
    per_page: int
    next_cursor: Annotated[str | None, Field(description="null on the last page")]


class MergedRecord(TypedDict):
    """The record became another one, which is at `Location` too."""

    id: shapes.Id
    merged_into: shapes.Id
    url: shapes.Url
    api_url: shapes.ApiUrl


def _text(longest: int, about: str) -> tuple[type[str], Any]:
    return str, Field("", max_length=longest, pattern=_NO_NUL, description=about)


_CURSOR = (
    str,
    Field("*", max_length=2_000, pattern=r"^(\*|[\w:=-]+)$", description="`*` begins; then `meta.next_cursor`"),
)
_PER_PAGE = (int, Field(PER_PAGE, ge=1, le=MOST, description="records on a page"))
_SELECT = _text(1_000, "fields to be given, separated by commas; all where it is empty")
_Pk = Annotated[int, functions.Path(ge=1, le=LARGEST)]
_Name = Annotated[str, functions.Path(max_length=300, pattern=_NO_NUL)]

_ABOUT = f"""Who wrote what, and how sure that is. Everything here may be read without an account.

**Lists** give 25 records, or `per_page` up to {MOST}, and a cursor for the next page. **Limits**: \
{LIMITS["api"][0].most} requests a minute; with a key of an account (`Authorization: Bearer …`, from /account/keys/) \
{LIMITS["api_key"][0].most:,}. `RateLimit` says what is left, 429 and `Retry-After` when to ask again. **Errors** are \
problem documents (RFC 9457). **Merged** records answer 301 and name what they became, removed ones 410. **Changes** \
of people and institutions are a feed that misses nothing: keep its last cursor. `ETag` and `If-None-Match` save the \
body."""

api = ninja.NinjaAPI(
    title="BZPEER",
    version="1",
    description=_ABOUT,
    openapi_url=None,
    docs_url=None,
    urls_namespace="api-1",
    openapi_extra={
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"key": []}],
    },
)


# --- errors ----------------------------------------------------------------------------------------------------------


def _problem(request: HttpRequest, raised: Problem) -> HttpResponse:
    return problems.answer(raised)


def _unreadable(request: HttpRequest, raised: ValidationError) -> HttpResponse:
    """400, with each parameter that is wrong and why. What was typed is not repeated."""
    errors = [{"parameter": str(error["loc"][-1]), "detail": str(error["msg"])} for error in raised.errors]
    said = "; ".join(f"{error['parameter']}: {error['detail']}" for error in errors)
    return problems.answer(Problem(400, said, errors=errors))


def _nowhere(request: HttpRequest, raised: Http404) -> HttpResponse:
    return problems.answer(Problem(404, _("There is nothing at this address. What there is stands at /api/.")))


def _failed(request: HttpRequest, raised: Exception) -> HttpResponse:
    log.error("%s failed", request.path, exc_info=raised)
    return problems.answer(Problem(500, _("Something went wrong here. It is noted; ask again later.")))


def _moved(request: HttpRequest, raised: Merged) -> HttpResponse:
    into = raised.into
    body: MergedRecord = {
        "id": raised.pk,
        "merged_into": into["id"],
        "url": into["url"],
        "api_url": into["api_url"],
    }
    return JsonResponse(body, status=301, headers={"Location": into["api_url"]})


for kind, handler in (
    (Problem, _problem),
    (ValidationError, _unreadable),
    (Http404, _nowhere),
    (Merged, _moved),
    (Exception, _failed),
):
    api.add_exception_handler(kind, handler)  # type: ignore[arg-type]


# --- what an address may answer, for the schema ----------------------------------------------------------------------

_LIMIT_HEADERS = {
    name: {"description": about, "schema": {"type": "string"}}
    for name, about in (
        ("RateLimit-Policy", "how many requests in how many seconds"),
        ("RateLimit", "how many are left"),
    )
}
_ERRORS = {
    400: "a parameter is wrong",
    401: "the key does not hold",
    404: "there is no such record",
    410: "the record was removed",
    429: "too many requests",
    503: "the question takes too long to answer",
}


def _answers(*errors: int, more: Mapping[int, Any] | None = None) -> dict[str, Any]:
    """The answers besides 200, in the terms of OpenAPI."""
    schema = TypeAdapter(problems.Document).json_schema()
    found: dict[int, Any] = {
        status: {
            "description": _ERRORS[status],
            "content": {problems.MEDIA_TYPE: {"schema": schema}},
            "headers": _LIMIT_HEADERS if status != 401 else {},
        }
        for status in (400, 401, 429, *errors)
    }
    return {"responses": {200: {"headers": _LIMIT_HEADERS}, **found, **(more or {})}}


_MERGED = {
    301: {
        "description": "the record became another one",
        "headers": {"Location": {"schema": {"type": "string"}}},
        "content": {"application/json": {"schema": TypeAdapter(MergedRecord).json_schema()}},
    }
}


def _get(path: str, response: Any, name: str, about: str, answers: Any) -> Callable[..., Any]:
    return api.get(path, response=response, operation_id=name, url_name=name, summary=about, openapi_extra=answers)


def _takes(view: Callable[..., Any], **types: Any) -> Callable[..., Any]:
    """The view, with the types of what it takes; those of a table are made while the program runs."""
    view.__annotations__ = {"request": HttpRequest, **types}
    return view


# --- addresses -------------------------------------------------------------------------------------------------------


def _lists(resource: Resource) -> None:
    """The address of the list."""
    orders = [*resource.orders, *filter(None, [resource.search_order])]
    said = f"{' or '.join(orders)}" + (f"; {resource.search_order} goes with `search`" if resource.search_order else "")
    params: _Params = {
        "cursor": _CURSOR,
        "per_page": _PER_PAGE,
        "filter": _text(1_000, described(resource.filters)),
        "search": _text(200, resource.searched),
        "select": _SELECT,
        "sort": _text(40, said),
    }
    query = create_model(f"{resource.slug.title()}Query", __base__=ninja.Schema, **params)
    document = create_model(
        f"{resource.slug.title()}List",
        meta=(Meta, ...),
        results=(list[resource.shape], ...),  # type: ignore[name-defined]
    )

    def view(request: HttpRequest, query: Any) -> HttpResponse:
        return JsonResponse(listed(resource, Query(**query.model_dump())))

    view = _takes(view, query=Annotated[query, _QUERY])
    _get(f"/{resource.slug}", document, resource.slug, f"List {resource.slug}", _answers(503))(view)


def _shows(resource: Resource) -> None:
    """The address of one of it."""
    by_name = resource.slug == "names"
    query = create_model(f"{resource.slug.title()}Fields", __base__=ninja.Schema, select=_SELECT)

    def view(request: HttpRequest, pk: Any, query: Any) -> HttpResponse:
        wanted = chosen(resource.fields, query.select)
        return JsonResponse({name: value for name, value in resource.one(pk).items() if name in wanted})

    view = _takes(view, pk=_Name if by_name else _Pk, query=Annotated[query, _QUERY])
    path = f"/{resource.slug}/{{path:pk}}" if by_name else f"/{resource.slug}/{{int:pk}}"
    answers = _answers(404, 410, more=_MERGED if resource.slug in {"people", "institutions"} else None)
    _get(path, resource.shape, f"{resource.slug}_one", f"One of {resource.slug}", answers)(view)


for resource in RESOURCES.values():
    _lists(resource)
    _shows(resource)

ChangesQuery = create_model(
    "ChangesQuery",
    __base__=ninja.Schema,
    cursor=_CURSOR,
    per_page=_PER_PAGE,
    kind=(feed.KindAsked, Field("", description="only of that kind")),
    person=(int | None, Field(None, ge=1, le=LARGEST, description="only about the person of that id")),
    institution=(int | None, Field(None, ge=1, le=LARGEST, description="only about the institution of that id")),
)
ChangesList = create_model("ChangesList", meta=(feed.FeedMeta, ...), results=(list[feed.ChangeRecord], ...))


def _changes(request: HttpRequest, query: Any) -> HttpResponse:
    """What changed who is who, or which institution is which, the oldest first. Keep `next_cursor`: it gives what comes
    after, and misses nothing."""
    return JsonResponse(feed.changes(query.cursor, query.kind, query.person, query.institution, query.per_page))


def _change(request: HttpRequest, pk: int) -> HttpResponse:
    return JsonResponse(feed.change(pk))


_get("/changes", ChangesList, "changes_feed", "List changes", _answers(503))(
    _takes(_changes, query=Annotated[ChangesQuery, _QUERY])
)
_get("/changes/{int:pk}", feed.ChangeRecord, "change_one", "One change", _answers(404))(_takes(_change, pk=_Pk))


def schema() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    return dict(api.get_openapi_schema(path_prefix=f"{shapes.API}/"))
