"""Pages of papers, topics, institutions and import batches."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from django.db.models import Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from . import identifiers, institutions, signposting
from .cells import no_formula
from .exports import work_of
from .fragments import wants_fragment
from .models import Batch, BatchRecord, Institution, Paper, PaperQuerySet, Topic
from .paging import key, newest
from .permissions import for_importers
from .progress import progress

FORMS = 12  # printed forms on an institution's page
ALL_FORMS = 200  # on the page of all of them


@require_safe
def work(request: HttpRequest, pk: int, slug: str = "") -> HttpResponse:
    """A paper's page. The id decides; any other slug redirects to the right one. One that was taken away is gone."""
    paper = Paper.objects.with_people().filter(pk=pk).first()
    if paper is None:
        return gone(request, pk)
    if slug != paper.slug:
        return redirect(paper, permanent=True)
    signatures = list(paper.signatures.all())
    printed = Institution.objects.filter(signatures__paper=paper).annotate(first=Min("signatures__position"))
    stated = work_of(paper)
    page = render(
        request,
        "papers/work.html",
        {
            "paper": paper,
            "stated": stated,
            "signatures": signatures,
            "topics": paper.topics.all(),
            "versions": paper.versions,
            "listings": paper.listings.all(),
            "institutions": printed.order_by("first", "pk"),
        },
    )
    return signposting.signposted(page, signposting.work(stated), signposting.linkset_of(pk))


def gone(request: HttpRequest, pk: int) -> HttpResponse:
    """410 for a paper that was taken away. Raises Http404 where none had the number."""
    if BatchRecord.objects.filter(paper=pk).exists():
        return render(request, "papers/gone.html", status=410)
    raise Http404("There is no paper of this number.")


@require_safe
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    """A topic: its works, newest first, and around them what templates compose (`graph.portraits`)."""
    found = get_object_or_404(Topic, slug=slug)
    return _place(request, "papers/topic.html", {"topic": found}, found.papers.all(), found.get_absolute_url())


@require_safe
def institution(request: HttpRequest, pk: int, slug: str = "") -> HttpResponse:
    """The works that print an institution, newest first. The id decides; another slug redirects to the right one, and
    what was merged to its heir."""
    found = institutions.heir_of(get_object_or_404(Institution, pk=pk))
    if pk != found.pk or slug != found.slug:
        return redirect(found, permanent=True)
    printing = Paper.objects.filter(pk__in=found.signatures.values("paper"))
    context = {"institution": found, "forms": list(institutions.forms_of(found)[: FORMS + 1]), "most_forms": FORMS}
    return _place(request, "papers/institution.html", context, printing, found.get_absolute_url())


def _place(
    request: HttpRequest, template: str, context: dict[str, object], works: PaperQuerySet, url: str
) -> HttpResponse:
    """The page, or for HTMX the next works alone."""
    page, following = newest(works.with_people(), request.GET.get("after", ""))
    context |= {"papers": page, "next_page": f"after={following}" if following else "", "url": url}
    return render(request, "papers/_newest.html" if wants_fragment(request) else template, context)


@require_safe
def institution_names(request: HttpRequest, pk: int) -> HttpResponse:
    """All forms in which papers print an institution."""
    found = institutions.heir_of(get_object_or_404(Institution, pk=pk))
    if pk != found.pk:
        return redirect("institution_names", found.pk, permanent=True)
    forms = institutions.forms_of(found)
    if after := request.GET.get("after", ""):
        forms = forms.filter(pk__gt=key(after))
    page = list(forms[: ALL_FORMS + 1])
    following = page[ALL_FORMS - 1].pk if len(page) > ALL_FORMS else None
    context = {"institution": found, "forms": page[:ALL_FORMS], "following": following}
    return render(request, "papers/institution_names.html", context)


@require_safe
def by_arxiv_id(request: HttpRequest, value: str) -> HttpResponse:
    """/arxiv/2106.00221v2 → the paper."""
    return redirect(get_object_or_404(Paper, arxiv_id=_known(identifiers.arxiv_id(value))))


@require_safe
def by_doi(request: HttpRequest, value: str) -> HttpResponse:
    """/doi/10.1109/… → the paper; the first of them where several carry the DOI."""
    paper = Paper.objects.filter(doi=_known(identifiers.doi(value))).order_by("pk").first()
    if paper is None:
        raise Http404("No paper here has this DOI.")
    return redirect(paper)


def _known(identifier: str | None) -> str:
    if identifier is None:
        raise Http404("This is not an identifier of that kind.")
    return identifier


@require_safe
@for_importers
def batch_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The moving part of the batch page. When the batch has ended the whole page is loaded once more."""
    found = get_object_or_404(Batch, pk=pk)
    context = {"batch": found, "progress": progress(found, timezone.now())}
    response = render(request, "papers/_progress.html", context)
    if not found.is_running:
        response["HX-Refresh"] = "true"
    return response


@require_safe
@for_importers
def batch_refused(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Every refused record as CSV."""
    found = get_object_or_404(Batch, pk=pk)
    response = StreamingHttpResponse(_csv(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="refused-{found.pk}.csv"'
    return response


def _refused(batch: Batch) -> QuerySet[BatchRecord]:
    return batch.records.filter(fate=BatchRecord.Fate.REFUSED).order_by("number")


class _Echo:
    """A file whose `write` gives back what it is given, so that csv rows can be streamed."""

    def write(self, value: str) -> str:
        return value


def _csv(batch: Batch) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["number", "source id", "reason", "raw"])
    for row in _refused(batch).values_list("number", "source_id", "reason", "raw").iterator():
        yield writer.writerow([no_formula(str(cell)) for cell in row])
