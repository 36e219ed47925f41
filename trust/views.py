"""The page that explains a trust score, and the ledger for everybody."""

from __future__ import annotations

from hashlib import sha256

from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from profiles.unlisted import ROBOTS
from profiles.views import find_author

from . import explaining, exporting
from . import ledger as entries
from .models import LedgerEntry, TrustScore
from .scores import facts_of
from .scoring import BANDS, LEVELS, MODEL, assess, remedies

PART = 20_000  # entries in one part of the export: some eight megabytes


@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """The sum, re-added from the rows as they are now; what would raise it; how it came about, and what it once was."""
    author = find_author(pk)
    if author.pk != pk:
        return redirect("person_trust", author.pk, permanent=True)
    assessment = assess(facts_of([author.pk])[author.pk])
    stored = TrustScore.objects.filter(author=author).first()
    standing = entries.standing([author.pk]).get(author.pk, {})
    labels = {component.rule: component.label for component in assessment.components}
    history, following = explaining.history(author, labels, request.GET.get("before", ""))
    asked = request.GET.get("on", "").strip()
    context: dict[str, object] = {
        "author": author,
        "score": assessment.score,
        "band": assessment.band,
        "level": assessment.level,
        "components": assessment.components,
        "rows": [(component, standing.get(component.rule)) for component in assessment.components],
        "remedies": remedies(assessment),
        "levels": LEVELS,
        "bands": BANDS,
        "model": MODEL,
        "behind": stored if stored and stored.components != assessment.points else None,
        "history": history,
        "following": following,
        "asked": asked,
    }
    if asked:
        try:
            context["past"] = explaining.on(author, labels, asked)
        except ValidationError as error:
            context["problem"] = error.message
    return render(request, "trust/person.html", context)


@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """What the ledger is, where it ends, and how anybody checks it."""
    count, newest = entries.end()
    export = request.build_absolute_uri(reverse("ledger_export"))
    return render(request, "trust/ledger.html", {"count": count, "newest": newest, "export": export})


@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """A part of the ledger, from entry `from` on: a line of JSON for each; the next part is named by a link."""
    given = request.GET.get("from", "1")
    if not given.isdecimal() or len(given) > 18:
        raise BadRequest("This is no number of an entry.")
    count, newest = entries.end()
    first, end = int(given), int(given) + PART
    is_last = count < end
    if not is_last:
        newest = LedgerEntry.objects.filter(seq__lt=end).order_by("-seq").values_list("hash", flat=True).first() or ""
    hidden = exporting.hidden()
    etag = f'"{sha256(repr((first, newest, is_last, sorted(hidden))).encode()).hexdigest()}"'
    response: HttpResponseBase | None = get_conditional_response(request, etag)
    if response is None:
        lines = exporting.lines(hidden, first if first > 1 else None, None if is_last else end)
        response = StreamingHttpResponse(lines, content_type="application/jsonl")
        if not is_last:
            response["Link"] = f'<{reverse("ledger_export")}?from={end}>; rel="next"'
    response["ETag"] = etag
    response["X-Robots-Tag"] = ROBOTS
    return response
