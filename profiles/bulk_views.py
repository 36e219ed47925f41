"""Bulk accept: the rules, a rule's preview, the sample that a curator looks at, and the accept that follows it."""

from __future__ import annotations

import secrets
from typing import cast

from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import BadRequest, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from . import bulk, queue
from .curation import for_curators, refresh_soon
from .models import Account, Author, BulkReview

LISTED = 20  # reviews on the page of rules
LARGEST_SEED = 2**31
COUNTS_SECONDS = 600  # asking thousands of pairs costs more than being ten minutes late


@require_safe
@for_curators
def rules(request: HttpRequest) -> HttpResponse:
    """The rules with their counts, and the newest reviews."""
    counts: dict[str, int] = cache.get_or_set("bulk", bulk.counts, COUNTS_SECONDS) or {}
    numbers = [(rule, counts.get(rule.slug, 0)) for rule in bulk.RULES]
    found = [(rule, min(number, bulk.COUNTED), number > bulk.COUNTED) for rule, number in numbers]
    reviews = [
        (review, bulk.BY_SLUG.get(review.rule))
        for review in BulkReview.objects.select_related("made_by").defer("pairs", "left_out").order_by("-pk")[:LISTED]
    ]
    return render(request, "profiles/curate_bulk.html", {"rules": found, "reviews": reviews})


@require_safe
@for_curators
def rule(request: HttpRequest, slug: str) -> HttpResponse:
    """The preview of a rule: whom it would join, what is left out and why."""
    return _preview(request, _rule(slug))


def _preview(request: HttpRequest, found: bulk.Rule, problems: list[str] | None = None) -> HttpResponse:
    rows = found.pairs(bulk.PAIRS + 1)
    why = bulk.left_out([row[:2] for row in rows[: bulk.PAIRS]])
    joined = [row for row in rows[: bulk.PAIRS] if row[:2] not in why]
    names = Author.objects.in_bulk({author for pair in why for author in pair})
    people, works = bulk.works_of(joined)
    context = {
        "rule": found,
        "pairs": len(joined),
        "more": len(rows) > bulk.PAIRS,
        "most": bulk.PAIRS,
        "size": min(bulk.SAMPLE, len(joined)),
        "people": people,
        "works": works,
        "left_out": [(names.get(left), names.get(right), text) for (left, right), text in why.items()],
        "problems": problems,
    }
    return render(request, "profiles/curate_rule.html", context, status=400 if problems else 200)


@require_POST
@for_curators
def draw(request: HttpRequest, slug: str) -> HttpResponse:
    """Draw a sample, from a seed that is given or made."""
    found, given = _rule(slug), request.POST.get("seed", "").strip()
    if given and not (given.isdecimal() and len(given) <= 10 and int(given) < LARGEST_SEED):
        return _preview(request, found, [_("A seed is a whole number below 2,147,483,648.")])
    seed = int(given) if given else secrets.randbelow(LARGEST_SEED)
    try:
        review = bulk.draw(cast(Account, request.user), found, seed)
    except ValidationError as error:
        return _preview(request, found, error.messages)
    return redirect("curate_review", review.pk)


@require_safe
@for_curators
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """The sample, what was marked, and the error it lets expect."""
    return _review(request, get_object_or_404(BulkReview, pk=pk))


def _review(request: HttpRequest, found: BulkReview, problems: list[str] | None = None) -> HttpResponse:
    sampled = bulk.sampled(found)
    pairs = queue.described([suggestion for _place, suggestion in sampled])
    left_to_mark = sum(str(place) not in found.marks for place in bulk.sample(found.pairs, found.seed))
    context = {
        "review": found,
        "rule": bulk.BY_SLUG.get(found.rule),
        "sample": [
            (place, pair, found.marks.get(str(place)))
            for (place, _suggestion), pair in zip(sampled, pairs, strict=True)
        ],
        "estimate": bulk.estimate(found),
        "left_to_mark": left_to_mark,
        "problems": problems,
    }
    return render(request, "profiles/curate_review.html", context, status=400 if problems else 200)


@require_POST
@for_curators
def mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a sampled pair right or wrong."""
    found, place = get_object_or_404(BulkReview, pk=pk), request.POST.get("place", "")
    if not place.isdecimal() or len(place) > 9 or request.POST.get("right") not in {"0", "1"}:
        raise BadRequest("Say which pair, and whether the rule is right.")
    try:
        outcome = bulk.mark(found, cast(Account, request.user), int(place), right=request.POST["right"] == "1")
    except ValidationError as error:
        return _review(request, found, error.messages)
    if outcome:
        refresh_soon(outcome.authors)
    return redirect(f"{request.path.removesuffix('mark/')}#pair-{int(place)}")


@require_POST
@for_curators
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Join what is left, with a reason, as one unit."""
    found = get_object_or_404(BulkReview, pk=pk)
    try:
        touched = bulk.accept(found, cast(Account, request.user), request.POST.get("reason", "").replace("\0", ""))
    except ValidationError as error:
        return _review(request, found, error.messages)
    refresh_soon(touched)
    cache.delete("bulk")
    found.refresh_from_db()
    said = ngettext("%d pair of people was joined.", "%d pairs of people were joined.", found.applied)
    messages.success(request, said % found.applied)
    return redirect("curate_review", found.pk)


def _rule(slug: str) -> bulk.Rule:
    if slug not in bulk.BY_SLUG:
        raise Http404("There is no such rule.")
    return bulk.BY_SLUG[slug]
