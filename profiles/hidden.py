"""Hidden records: what is shown in the place of a record that is not public.

Problem: a person who asked to be taken off has dozens of addresses, and the one that was forgotten names them. Idea:
whoever looks a person up for a public page (`views.find_author`) gets `Hidden` instead of the record, and one piece of
middleware makes of it the same short notice for all of them; it names nobody. Lists ask `Author.objects.listed()`. The
matcher goes on knowing the record, or it would come back under a new number: it keeps its id before others, and what
is split off from it is hidden too (`resolving`). Entry points: `Hidden`, `Notices`, `notice`, `inherit`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from .models import Author
from .unlisted import ROBOTS


class Hidden(Http404):
    """The record asked for is not public. Where nobody makes a notice of it, it is as if there were none."""

    def __init__(self, author: Author) -> None:
        super().__init__("This record is hidden.")
        self.author = author


class Notices:
    """Middleware: the notice, in the place of any page of a hidden record."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return notice(request, exception.author) if isinstance(exception, Hidden) else None


def notice(request: HttpRequest, author: Author) -> HttpResponse:
    """The notice: 200 or 410, as the person chose, and never for a search engine to keep."""
    status = 410 if author.visibility == Author.Visibility.GONE else 200
    response = render(request, "profiles/hidden.html", {"status": status}, status=status)
    response["X-Robots-Tag"] = ROBOTS
    return response


def inherit(previous: Mapping[int, int], now: Mapping[int, int], *, decided: bool) -> None:
    """Hide whom the works of a hidden author went to: a new author, or one who has got more of them than it had.

    `previous` and `now` map signatures to authors before and after a run. Where people `decided` who gets them, it is
    only a new author; who holds an account is never hidden by what the matcher does.
    """
    hidden = dict(
        Author.objects.filter(pk__in=set(previous.values()))
        .exclude(visibility=Author.Visibility.PUBLIC)
        .values_list("pk", "visibility")
    )
    if not hidden:
        return
    had = Counter(previous.values())
    came: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for signature, author in now.items():
        was = previous.get(signature)
        if was in hidden and author != was:
            came[author][was] += 1
    for author, sources in came.items():
        if had[author] and (decided or sources.total() <= had[author]):
            continue
        [(most, _works)] = sources.most_common(1)
        Author.objects.filter(pk=author, account=None, visibility=Author.Visibility.PUBLIC).update(
            visibility=hidden[most]
        )
