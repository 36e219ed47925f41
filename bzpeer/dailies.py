"""The day's papers, and those of a week and a month: what came out and what daily lists name, of all fields.

Rows show what readers said of a paper, and to who is signed in what they follow, so these pages stand under the roof.
`papers.daily` says which papers a span holds, and in which order. A span without papers is a page that says so; one
that does not exist or has not come yet is not found, and both lead to the nearest day that has some.
Entry points: the views, `listed`, `top` for the home page.
"""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from papers import daily
from papers.bounded import TooSlow, within
from papers.daily import Kind, Span
from papers.fragments import wants_fragment
from papers.models import Paper, Topic
from papers.paging import PAGE, ForeignCursor
from papers.syndication import entry_of
from profiles.following import marks

from . import feeds

TOPICS_SHOWN = 16  # beside the papers; the rest, of some 170, opens
DAYS = 7  # that a feed of the latest days looks through at once: a week of a field where little appears
# What readers said of a paper here.
_SAID = "SELECT paper_id, likes::bigint + comments + reviews FROM profiles_trend"


def listed(span: Span, topic: Topic | None = None, cursor: str = "", size: int = PAGE) -> tuple[list[Paper], str]:
    """What a page and a feed of a span hold, with what rows show: see `papers.daily.page`."""
    return daily.page(span, Paper.objects.select_related("trend"), _SAID, topic, cursor, size)


def top(today: date, size: int) -> tuple[Span | None, list[Paper]]:
    """The last day that has papers, and the first of them."""
    try:
        with within(daily.TIMEOUT_MS):
            day = daily.latest(today)
            span = daily.around("day", day) if day else None
            return span, listed(span, size=size)[0] if span else []
    except TooSlow:
        return None, []


@require_safe
def latest(request: HttpRequest) -> HttpResponse:
    """/papers/: the last day that has papers (of the topic); with ?date=, as the form asks, the way to that day."""
    today, topic = timezone.localdate(), _topic(request)
    if "date" in request.GET:
        try:
            return redirect(_address(_come("day", request.GET["date"].strip(), today), topic))
        except _NoSuch as problem:
            return _missing(request, problem, request.GET["date"], today, status=400)
    try:
        with within(daily.TIMEOUT_MS):
            day = daily.latest(today, topic)
    except TooSlow:
        day = None
    return _page(request, daily.around("day", day or today), topic, today)


@require_safe
def of(request: HttpRequest, kind: Kind, name: str) -> HttpResponse:
    """/papers/date/2025-12-15/, /papers/week/2025-W51/, /papers/month/2025-12/, and ?topic= of them."""
    today = timezone.localdate()
    try:
        return _page(request, _come(kind, name, today), _topic(request), today)
    except _NoSuch as problem:
        return _missing(request, problem, name, today, status=404)


class _NoSuch(Exception):
    """A sentence: there is no such time, or it has not come."""


def _come(kind: Kind, name: str, today: date) -> Span:
    """The span, which has begun."""
    try:
        span = daily.read(kind, name)
    except ValueError:
        raise _NoSuch(
            {
                "day": _("There is no such day. A day is written as year, month and day: 2025-12-15."),
                "week": _("There is no such week. A week is written as year and number: 2025-W51."),
                "month": _("There is no such month. A month is written as year and month: 2025-12."),
            }[kind]
        ) from None
    if span.first > today:
        raise _NoSuch(_("This lies in the future, and nothing is known of its papers yet."))
    return span


def _page(request: HttpRequest, span: Span, topic: Topic | None, today: date) -> HttpResponse:
    url, cursor = _address(span, topic), request.GET.get("after", "")
    context: dict[str, object] = {"span": span, "topic": topic, "url": url, "query": _query(topic), "paged": cursor}
    try:
        with within(daily.TIMEOUT_MS):
            found, following = listed(span, topic, cursor)
            if not wants_fragment(request):
                context |= _around(span, topic, today)
    except TooSlow:
        return render(request, "bzpeer/day.html", context | _ways(span, today) | {"slow": True}, status=503)
    mine = marks(request.user, found)
    context |= {
        "rows": [(paper, mine.get(paper.pk, [])) for paper in found],
        "following": f"{url}{'&' if topic else '?'}{urlencode({'after': following})}" if following else "",
    }
    return render(request, "bzpeer/_day.html" if wants_fragment(request) else "bzpeer/day.html", context)


def _around(span: Span, topic: Topic | None, today: date) -> dict[str, object]:
    """What the page says of the whole span, and where else one can go."""
    topics = daily.topics(span)
    previous, next_ = daily.neighbours(span, today, topic)
    days = daily.days(span) if span.kind != "day" else []
    total = daily.count(span)
    return _ways(span, today, days) | {
        "total": total,
        "shown": total if topic is None else next((n for found, n in topics if found == topic), 0),
        "topics": topics[:TOPICS_SHOWN],
        "more_topics": topics[TOPICS_SHOWN:],
        "days": [daily.around("day", day) for day in days],
        "previous": previous,
        "next": next_,
    }


def _ways(span: Span, today: date, days: list[date] | None = None) -> dict[str, object]:
    """The day, the week and the month that the span has to do with: of a longer one its last day."""
    day = (days or [min(span.last, today)])[-1]
    return {"kinds": [span if span.kind == kind else daily.around(kind, day) for kind in ("day", "week", "month")]}


def _topic(request: HttpRequest) -> Topic | None:
    """The topic that the address names. Raises Http404 where there is none such."""
    slug = request.GET.get("topic", "")
    if not slug:
        return None
    found = Topic.objects.filter(slug=slug).first() if re.fullmatch(r"[-\w]+", slug, re.ASCII) else None
    if found is None:
        raise Http404("There is no such topic.")
    return found


def _query(topic: Topic | None) -> str:
    return f"?{urlencode({'topic': topic.slug})}" if topic else ""


def _address(span: Span, topic: Topic | None) -> str:
    return span.get_absolute_url() + _query(topic)


def _missing(request: HttpRequest, problem: _NoSuch, name: str, today: date, status: int) -> HttpResponse:
    """The sentence, and the way to the nearest day that has papers: of a day that no month has, near its month."""
    try:
        about = daily.read("month", name[:7]).last
    except ValueError:
        about = today
    near = daily.nearest(about, today)
    context = {"problem": str(problem), "near": daily.around("day", near) if near else None, "status": status}
    return render(request, "bzpeer/day_missing.html", context, status=status)


# --- as feeds --------------------------------------------------------------------------------------------------------


@require_safe
def day_feed(request: HttpRequest, name: str, suffix: str) -> HttpResponse:
    """/papers/date/2025-12-15.atom: what the page shows, in its order. A day that is not found is not found here."""
    today, topic = timezone.localdate(), _topic(request)
    try:
        span = _come("day", name, today)
    except _NoSuch:
        return of(request, "day", name)
    try:
        with within(daily.TIMEOUT_MS):
            found, following = listed(span, topic, request.GET.get("after", ""))
    except TooSlow:
        return feeds.too_slow()
    url = _address(span, topic)
    return _feed(request, suffix, f"papers/{span.name}", span.name, url, "papers_day", [name], topic, found, following)


@require_safe
def latest_feed(request: HttpRequest, suffix: str) -> HttpResponse:
    """/papers.atom: the latest day that has papers, then the days before it, each in the order of its page."""
    today, topic = timezone.localdate(), _topic(request)
    try:
        with within(daily.TIMEOUT_MS):
            found, following = _backwards(request.GET.get("after", ""), topic, today)
    except TooSlow:
        return feeds.too_slow()
    url, about = reverse("papers_today") + _query(topic), _("the latest days")
    return _feed(request, suffix, "papers", about, url, "papers_today", [], topic, found, following)


def _backwards(after: str, topic: Topic | None, today: date) -> tuple[list[Paper], str]:
    """(papers of `DAYS` days and at most of a page, the next cursor or ""). It names a day, and where in it to go on
    as the day's own cursor does. Raises BadRequest for one that was not made here."""
    begun, _mark, cursor = after.partition("~")
    try:
        start = daily.read("day", begun) if begun else daily.around("day", daily.latest(today, topic) or today)
    except ValueError:
        raise ForeignCursor from None
    found: list[Paper] = []
    span: Span | None = start
    for _day in range(DAYS):
        assert span is not None
        rows, cursor = listed(span, topic, cursor, PAGE - len(found))
        found += rows
        if cursor:
            return found, f"{span.name}~{cursor}"
        span, _later = daily.neighbours(span, today, topic)
        if span is None or len(found) == PAGE:
            break
    return found, span.name if span else ""


def _feed(
    request: HttpRequest,
    suffix: str,
    id: str,
    about: str,
    url: str,
    kind: str,
    keys: list[str],
    topic: Topic | None,
    found: list[Paper],
    following: str,
) -> HttpResponse:
    title = _("Papers of %(days)s") % {"days": about} + (f": {topic}" if topic else "")
    query = _query(topic).removeprefix("?")
    entries = [entry_of(paper) for paper in found]
    told = feeds.Told(id + (f"/{topic.pk}" if topic else ""), title, url, kind, keys, entries, following, query)
    return feeds.answer(request, told, suffix)
