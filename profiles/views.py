"""The researcher profile and attribution receipts."""

from __future__ import annotations

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from papers import institutions, signposting
from papers.fragments import wants_fragment
from papers.identifiers import orcid as read_orcid
from papers.paging import newest
from papers.signposting import signposted

from . import doubts, editing, identifiers, inviting, owning, shown
from .accuracy import decided, facts, gold_scores, strata, worths
from .addresses import heir_of, successors
from .disambiguation.model import Model, probability_of
from .following import open_questions
from .hidden import Hidden
from .models import Account, Assignment, Author, Change, ChangeSet, Follow, NameVariant
from .receipts import receipt

DECIDED_SECONDS = 60  # counting all decisions costs more than being a minute late
WEAKEST_CLOSE = 2  # works that make a coauthor a close collaborator


def find_author(pk: int, queryset: QuerySet[Author] | None = None, *, even_hidden: bool = False) -> Author:
    """The author of that id, or the one they were merged into. Raises Http404, and `Hidden`, which answers with the
    notice, unless the page is for those who may see `even_hidden` records."""
    authors = Author.objects.all() if queryset is None else queryset
    author = get_object_or_404(authors, pk=pk)
    heir = heir_of(author)
    for one in (heir, author):
        if not (one.is_public or even_hidden):
            raise Hidden(one)
    return author if heir == author else get_object_or_404(authors, pk=heir.pk)


@require_safe
def person(request: HttpRequest, pk: int, slug: str = "") -> HttpResponse:
    """A profile. The id decides: another slug, or a merged id, redirects. Where the works of an id went to several
    people it answers with all of them (300); a record that has nothing left anywhere is gone (410)."""
    close = Count("coauthorships", filter=Q(coauthorships__works__gte=WEAKEST_CLOSE))
    author = find_author(pk, Author.objects.select_related("trust").annotate(close_collaborators=close))
    if pk != author.pk or not (author.works_count or author.is_claimed):
        was = author if pk == author.pk else Author.objects.get(pk=pk)
        if len(heirs := successors(was)) > 1:
            found = {"author": was, "successors": heirs}
            return render(request, "profiles/several.html", found, status=300)
        if pk == author.pk:
            return render(request, "profiles/gone.html", {"author": author}, status=410)
    if pk != author.pk or slug != author.slug:
        return redirect(author, permanent=True)
    works, following = newest(
        author.assignments.standing()
        .select_related("signature__paper")
        .defer("signature__paper__search")  # longer than all else, and on no page
        .prefetch_related("signature__paper__topics"),
        request.GET.get("after", ""),
        path="signature__paper__",
    )
    context = {"author": author, "works": works, "next_page": f"after={following}" if following else ""}
    context["claim"] = owning.with_stands(request.user, author, works)
    if wants_fragment(request):
        return render(request, "profiles/_works.html", context)
    page = render(request, "profiles/person.html", context | _around(request, author))
    return signposted(page, signposting.person(f"{settings.SITE_URL}{author.get_absolute_url()}", pk))


def _around(request: HttpRequest, author: Author) -> dict[str, object]:
    """What the profile says besides the works."""
    variants = list(author.variants.order_by("-works", "printed"))
    same_name = NameVariant.objects.public().filter(
        folded__in=[variant.folded for variant in variants if variant.works or author.hides_printed]
    )
    variants = [variant for variant in variants if variant.works and not author.hides_printed]
    return {
        "own": editing.own(author),
        "institution": institutions.of_form(author.affiliation) if author.affiliation else None,
        "door": inviting.door(request.user, author, timezone.now()),
        "trust": _trust(author),
        "followers": Follow.objects.of(author).followers(),
        "is_following": request.user.is_authenticated
        and Follow.objects.of(author).filter(account=request.user.pk).exists(),
        "identifiers": identifiers.of(author),
        "split_off": Change.objects.filter(
            source=author, undone_at=None, change_set__kind=ChangeSet.Kind.SPLIT
        ).count(),
        "questions": open_questions(request.user, author),
        "close_collaborators": author.close_collaborators,  # type: ignore[attr-defined]
        "weak_works": author.assignments.filter(state=Assignment.State.WEAK).count(),
        "variants": variants,
        "namesakes": same_name.exclude(author=author).values("author").distinct().count(),
    }


def _trust(author: Author) -> object | None:
    try:
        return author.trust
    except ObjectDoesNotExist:
        return None


@require_safe
def attribution(request: HttpRequest, paper: int, author: int) -> HttpResponse:
    """The receipt: why this work stands on this profile. The id of a merged author redirects to the heir's receipt."""
    found = find_author(author)
    assignment = (
        Assignment.objects.filter(author=found, signature__paper=paper)
        .select_related(
            "signature__paper",
            "signature__assignment__author",
            "compared_with__paper",
            "compared_with__assignment__author",
        )
        .order_by("signature__position")
        .first()
    )
    if assignment is None:
        raise Http404("This work is not attributed to this person.")
    if found.pk != author:
        return redirect("attribution", paper, found.pk, permanent=True)
    assignment.author = found
    evidence = shown.evidence(assignment.evidence, found, shown.around(found))
    context = {
        "author": found,
        "paper": assignment.signature.paper,
        "assignment": assignment,
        "receipt": receipt(evidence, Model.shipped().threshold),
        "claim": owning.with_stands(request.user, found, [assignment]),
    }
    if isinstance(request.user, Account):
        context["doubted"] = doubts.live_of(request.user, found).filter(signature=assignment.signature_id).exists()
    return render(request, "profiles/attribution.html", context)


@require_safe
def accuracy(request: HttpRequest) -> HttpResponse:
    """How often the matcher is right: the card of the shipped model, and people's decisions since."""
    model = Model.shipped()
    joins = probability_of(model.threshold)
    scores, (sets, rows) = gold_scores(model.card), worths(model.card)
    context = {
        "version": model.card.get("version"),
        "scores": scores,
        "strata": strata(scores),
        "worth_sets": sets,
        "worths": rows,
        "facts": facts(model.card),
        "joins": joins,
        "decided": cache.get_or_set("accuracy", lambda: decided(joins), DECIDED_SECONDS),
    }
    return render(request, "profiles/accuracy.html", context)


@require_safe
def orcid(request: HttpRequest, iD: str) -> HttpResponse:
    """The person of an ORCID iD, as a source states it or a curator typed it; everyone, where it is not one person."""
    value = read_orcid(iD)
    people = identifiers.holders({value})["orcid", value] if value else []
    if not people:
        raise Http404("Nobody here is known by this ORCID iD.")
    if len(people) == 1:
        return redirect(people[0])
    return render(request, "profiles/orcid.html", {"iD": value, "people": people}, status=300)
