"""What went wrong, as a document that programs read too (RFC 9457, `application/problem+json`).

Entry points: `Problem` to raise, `answer` for the response, `instead_of` for what Django and its middleware answered.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from pydantic import Field
from typing_extensions import TypedDict

MEDIA_TYPE = "application/problem+json"


class Document(TypedDict):
    """A problem. Some have further members: `errors`, `known`, `successors`."""

    type: Annotated[str, Field(description="about:blank: the title says it all")]
    title: str
    status: int
    detail: Annotated[str, Field(description="a sentence")]


class Problem(Exception):
    """The request cannot be answered; `members` stand in the document beside the standard ones."""

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.members = status, detail, members


def too_slow() -> Problem:
    """Where a statement took longer than it may (`papers.bounded.TooSlow`)."""
    return Problem(503, _("This question takes too long to answer. Ask for less at once."))


def answer(problem: Problem) -> HttpResponse:
    """The document."""
    status = HTTPStatus(problem.status)
    document = {"type": "about:blank", "title": status.phrase, "status": problem.status, "detail": problem.detail}
    return JsonResponse(document | problem.members, status=problem.status, content_type=MEDIA_TYPE)


def instead_of(response: HttpResponseBase) -> HttpResponseBase:
    """The problem document in place of an error page; its headers stay, but those about the page itself."""
    if response.status_code < 400 or response.get("Content-Type", "").startswith(MEDIA_TYPE):
        return response
    found = answer(Problem(response.status_code, _sentence(response.status_code)))
    for name, value in response.items():
        if not name.lower().startswith("content-") and name.lower() not in {"location", "etag"}:
            found[name] = value
    return found


def _sentence(status: int) -> str:
    return {
        400: _("The request is not one that can be read."),
        403: _("You may not do this."),
        404: _("There is nothing at this address. What there is stands at /api/."),
        405: _("This address only answers GET, HEAD and OPTIONS."),
        429: _("Too many requests. Retry-After says in how many seconds to ask again."),
    }.get(status, _("Something went wrong here. It is noted; ask again later."))
