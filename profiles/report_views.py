"""Reports: the form behind "Report a problem", one's own reports with their answers, and the curators' queue."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from papers import limits
from papers.fragments import wants_fragment
from papers.institutions import heir_of
from papers.methods import read_or_post
from papers.models import Institution, Paper
from papers.permissions import needs

from . import inbox, queue, reports
from .curation import LISTED, around, filters_of
from .models import Account, Report
from .views import find_author

for_curators = needs("profiles.change_report")
SUBJECTS = ("author", "paper", "institution")


class ReportForm(forms.Form):
    """What is wrong, in whose words it is."""

    kind = forms.ChoiceField(label=gettext_lazy("What is wrong?"), widget=forms.RadioSelect)
    text = forms.CharField(
        label=gettext_lazy("In your words"), max_length=reports.LONGEST, widget=forms.Textarea({"rows": 6})
    )

    def __init__(self, subject: reports.Subject, *args: Any) -> None:
        super().__init__(*args)
        kind = cast(forms.ChoiceField, self.fields["kind"])
        kind.choices = [(kind.value, kind.label) for kind in reports.kinds_of(subject)]


@read_or_post
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Report a problem on a profile."""
    return _report(request, find_author(pk))


@read_or_post
def work(request: HttpRequest, pk: int) -> HttpResponse:
    """Report a problem on a paper's page."""
    return _report(request, get_object_or_404(Paper, pk=pk))


@read_or_post
def institution(request: HttpRequest, pk: int) -> HttpResponse:
    """Report a problem on an institution's page; of one that was merged, on its heir's."""
    return _report(request, heir_of(get_object_or_404(Institution.objects.select_related("merged_into"), pk=pk)))


def _report(request: HttpRequest, subject: reports.Subject) -> HttpResponse:
    """The form. Past the hour's limit the answer is 429, with the limit and what was written."""
    form = ReportForm(subject, request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form, "subject": subject, "longest": reports.LONGEST}
    if not form.is_bound:
        return render(request, "profiles/report.html", context)
    if not form.is_valid():
        return render(request, "profiles/report.html", context, status=400)
    account = cast(Account, request.user)
    if (wait := reports.allow(request)) is not None:
        most = reports.limit_of(account)
        context["refused"] = ngettext("%d report an hour can be sent.", "%d reports an hour can be sent.", most) % most
        return limits.answered(render(request, "profiles/report.html", context), wait)
    reports.submit(subject, form.cleaned_data["kind"], form.cleaned_data["text"], account)
    messages.success(request, _("Thank you: a curator will look at it."))
    return redirect("reports" if account.is_authenticated else subject)


@require_safe
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """One's own reports and what was answered, the newest first."""
    rows = Report.objects.filter(reporter=cast(Account, request.user)).select_related(*SUBJECTS)
    found, following = queue.page(rows, ("-pk", "-pk"), request.GET.get("after", ""), LISTED)
    return render(request, "profiles/reports.html", {"reports": found, "following": following})


@require_safe
@for_curators
def open_reports(request: HttpRequest) -> HttpResponse:
    """The queue of open reports, the newest first."""
    filters, kind = filters_of(request, inbox.REPORTS), inbox.REPORTS
    found, following = queue.page(filters.rows(kind), kind.order, request.GET.get("after", ""), LISTED)
    context = around(filters) | {"cases": inbox.cases_of(kind, found), "following": following}
    return render(request, "profiles/curate_reports.html", context)


@require_safe
@for_curators
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """One report: what was said, and the answer or the form for it."""
    return _one(request, _find(pk))


@require_POST
@for_curators
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a report with an answer."""
    found, problems = _find(pk), []
    try:
        found = reports.close(found, cast(Account, request.user), request.POST.get("answer", "").replace("\0", ""))
    except ValidationError as error:
        problems = error.messages
    if wants_fragment(request):
        return render(request, "profiles/_answer.html", {"report": found, "problems": problems})
    return _one(request, found, problems) if problems else redirect("curate_report", found.pk)


def _find(pk: int) -> Report:
    return get_object_or_404(Report.objects.select_related(*SUBJECTS, "reporter", "closed_by"), pk=pk)


def _one(request: HttpRequest, found: Report, problems: list[str] | None = None) -> HttpResponse:
    case = inbox.cases_of(inbox.REPORTS, [found])[0]
    context = {"case": case, "report": found, "problems": problems, "curators": list(inbox.curators())}
    return render(request, "profiles/curate_report.html", context, status=400 if problems else 200)
