"""Reviews and comments on pages: the sections of a paper's page, each on a page of its own, and what their forms say.

A form without HTMX leads back to the post that it made; one that was refused comes back on the section's own page with
all that was typed. HTMX swaps the section, or the one post that changed. Visitors get no form: their pages are shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from papers import limits
from papers.fragments import wants_fragment
from papers.methods import read_or_post
from papers.models import Paper
from profiles import queue
from profiles.models import Account, Post

from . import posting
from .posting import PARTS, Kind

LISTED = 30  # lines of what an account wrote
NEWEST: queue.Order = ("-pk", "-pk")


@dataclass(frozen=True, slots=True)
class Form:
    """A form that writes or edits: `parts` are (column, label, what was typed), `swaps` is what HTMX puts the answer
    in place of, `cancel` leads back to what is edited."""

    id: str
    action: str
    swaps: str
    button: str | Promise
    parts: list[tuple[str, str | Promise, str]]
    token: UUID | None = None
    problems: Sequence[str] = ()
    cancel: str = ""
    longest: int = posting.LONGEST


@dataclass(frozen=True, slots=True)
class Section:
    """What was written about a paper, as far as one page shows it. `refusal` says why there is no form; `fresh` is the
    post that was just made."""

    paper: Paper
    url: str
    page: posting.Page
    cursor: str
    form: Form | None
    refusal: str
    mine: Post | None
    fresh: int = 0


def section(request: HttpRequest, paper: Paper, kind: str, cursor: str = "", **more: Any) -> Section:
    """One of the two sections, for who asks. `more`: `form` in place of an empty one, `fresh`."""
    reader, url = request.user, reverse(_SECTIONS[kind], args=[paper.pk])
    form, refusal, mine = more.pop("form", None), "", None
    if isinstance(reader, Account):
        mine = posting.own_review(reader, paper) if kind == Kind.REVIEW else None
        refusal = posting.refusal(reader, paper, kind, now=timezone.now()) if mine is None and form is None else ""
        form = form or (None if refusal or mine else _form(kind, url, {}))
    return Section(paper, url, posting.page(paper, kind, reader, cursor), cursor, form, refusal, mine, **more)


_SECTIONS: Mapping[str, str] = {Kind.REVIEW: "reviews", Kind.COMMENT: "discussion"}
_BUTTONS: Mapping[str, str | Promise] = {
    Kind.REVIEW: gettext_lazy("Publish the review"),
    Kind.COMMENT: gettext_lazy("Publish the comment"),
}


def _form(kind: str, url: str, words: Mapping[str, str], **more: Any) -> Form:
    """To write: what was typed, or nothing yet."""
    parts = [(column, label, words.get(column, "")) for column, label in PARTS[kind].items()]
    given: dict[str, Any] = {"id": kind, "token": uuid4(), "swaps": f"#{_SECTIONS[kind]}", "button": _BUTTONS[kind]}
    return Form(action=url, parts=parts, **given | more)


# --- the sections -----------------------------------------------------------------------------------------------------


@read_or_post
def reviews(request: HttpRequest, pk: int) -> HttpResponse:
    """The structured reviews of a paper; one's own."""
    return _section(request, pk, Kind.REVIEW)


@read_or_post
def discussion(request: HttpRequest, pk: int) -> HttpResponse:
    """The comments on a paper; one more."""
    return _section(request, pk, Kind.COMMENT)


def _section(request: HttpRequest, pk: int, kind: Post.Kind) -> HttpResponse:
    paper = get_object_or_404(Paper, pk=pk)
    if request.method != "POST":
        return _shown(request, kind, section(request, paper, kind, request.GET.get("after", "")))
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    token = _token(request)
    try:
        made = posting.write(request.user, paper, kind, request.POST, token, timezone.now())
    except ValidationError as error:
        url = reverse(_SECTIONS[kind], args=[pk])
        form = _form(kind, url, request.POST.dict(), token=token, problems=error.messages)
        return _refused(request, error, _shown(request, kind, section(request, paper, kind, form=form)))
    return _made(request, made)


def _shown(request: HttpRequest, kind: Post.Kind, found: Section) -> HttpResponse:
    template = f"profiles/_{_SECTIONS[kind]}.html" if wants_fragment(request) else "profiles/section.html"
    return render(request, template, {"section": found, "fragment": f"profiles/_{_SECTIONS[kind]}.html"})


def _made(request: HttpRequest, made: Post) -> HttpResponse:
    """The section with the new post in it, or the way there."""
    if not wants_fragment(request):
        return redirect(made)
    return _shown(request, Kind(made.kind), section(request, made.paper, made.kind, posting.place(made), fresh=made.pk))


def _refused(request: HttpRequest, error: ValidationError, response: HttpResponse) -> HttpResponse:
    """The form with its problems. HTMX leaves the page as it is for what is no success."""
    response.status_code = 400
    if isinstance(error, limits.TooMany):
        limits.answered(response, error.wait)
    response.status_code = 200 if wants_fragment(request) else response.status_code
    return response


def _token(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("token", ""))
    except ValueError:
        return uuid4()


# --- one post ---------------------------------------------------------------------------------------------------------


@require_safe
def post(request: HttpRequest, pk: int) -> HttpResponse:
    """Leads to its place on the paper's page, or on the page of its section where it is not among the first there."""
    found = get_object_or_404(Post.objects.select_related("paper", "account"), pk=pk)
    if wants_fragment(request):
        return _one(request, found)
    cursor, name = posting.place(found), _SECTIONS[found.kind]
    page = f"{reverse(name, args=[found.paper_id])}?after={cursor}" if cursor else found.paper.get_absolute_url()
    return redirect(f"{page}#post-{pk}")


@read_or_post
@login_required
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer a comment."""
    rows = Post.objects.filter(kind=Kind.COMMENT).select_related("paper", "account", "answers__account")
    found, account, token = get_object_or_404(rows, pk=pk), cast(Account, request.user), _token(request)
    typed, problems = request.POST.get("text", ""), list[str]()
    error: ValidationError | None = None
    if request.method == "POST":
        try:
            made = posting.write(account, found.paper, Kind.COMMENT, request.POST, token, timezone.now(), found)
        except ValidationError as refusal:
            error, problems = refusal, refusal.messages
        else:
            return _made(request, made)
    said = posting.refusal(account, found.paper, Kind.COMMENT, found, timezone.now())
    form = None
    if not said or error:
        form = Form(
            f"answer-{pk}",
            request.path,
            f"#{_SECTIONS[Kind.COMMENT]}",
            _("Publish the answer"),
            [("text", _("Your answer"), typed)],
            token,
            problems,
        )
    seen = posting.seen(found.paper, [found], account)[0]
    context = {"form": form, "refusal": said, "seen": seen, "paper": found.paper, "heading": _("Answer a comment")}
    response = render(request, _page_of_form(request), context)
    if error is None:
        return response
    response["HX-Retarget"], response["HX-Reswap"] = f"#answer-to-{pk}", "innerHTML"
    return _refused(request, error, response)


@read_or_post
@login_required
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit what one wrote."""
    account, now = cast(Account, request.user), timezone.now()
    found = get_object_or_404(posting.own(account).select_related("paper", "account"), pk=pk)
    words: Mapping[str, Any] = {column: getattr(found, column) for column in PARTS[found.kind]}
    error: ValidationError | None = None
    if request.method == "POST":
        try:
            made = posting.edit(account, found, request.POST, now)
        except ValidationError as refusal:
            error, words = refusal, request.POST.dict()
        else:
            return _one(request, made) if wants_fragment(request) else redirect(made)
    said = posting.unchangeable(account, found, now)
    form = _form(
        found.kind,
        request.path,
        words,
        id=f"post-{pk}",
        token=None,
        swaps=f"#post-{pk}",
        button=_("Save"),
        problems=error.messages if error else (),
        cancel=found.get_absolute_url(),
    )
    context = {"form": form if not said or error else None, "refusal": said, "paper": found.paper, "edited": found}
    response = render(request, _page_of_form(request), context | {"heading": _("Edit what you wrote")})
    return _refused(request, error, response) if error else response


@require_POST
@login_required
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Empty what one wrote."""
    account = cast(Account, request.user)
    found = posting.withdraw(account, get_object_or_404(posting.own(account), pk=pk), timezone.now())
    if request.POST.get("from") == "list":
        return redirect("posts")
    return _one(request, found) if wants_fragment(request) else redirect(found)


def _one(request: HttpRequest, found: Post) -> HttpResponse:
    """The one post, as HTMX puts it in its place."""
    seen = posting.seen(found.paper, [found], request.user)[0]
    return render(request, "profiles/_post.html", {"seen": seen, "fresh": found.pk})


def _page_of_form(request: HttpRequest) -> str:
    return "profiles/_post_form.html" if wants_fragment(request) else "profiles/post_form.html"


@require_safe
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """All that the account wrote, the newest first."""
    rows = posting.own(cast(Account, request.user)).select_related("paper")
    found, following = queue.page(rows, NEWEST, request.GET.get("after", ""), LISTED)
    said = [(each, " ".join(text for _label, text in posting.parts(each))) for each in found]
    return render(request, "profiles/posts.html", {"posts": said, "following": following})
