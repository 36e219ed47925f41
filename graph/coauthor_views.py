"""The coauthors of a person as funders ask for them, as a page and as CSV."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from papers.bounded import TooSlow
from papers.cells import as_csv
from profiles.views import find_author

from .coauthor_table import LETTER, MONTHS, Coauthor, coauthors

SHOWN = 500  # rows on the page; the file has all

# The columns of table 4 of the form, to be pasted as they are; what comes after them is ours, and is left away.
HEAD = ["4", "Name:", "Organizational Affiliation", "Optional  (email, Department)", "Last Active", "Works", "Note"]


class CoauthorsForm(forms.Form):
    """How far back, and which papers."""

    months = forms.IntegerField(
        label=gettext_lazy("Months back"), min_value=1, max_value=600, required=False, initial=MONTHS
    )
    largest = forms.IntegerField(
        label=gettext_lazy("Leave out longer author lists than"), min_value=2, max_value=1_000_000, required=False
    )


@require_safe
def table(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; a merged id leads to the heir's."""
    author = find_author(pk)
    if author.pk != pk:
        return redirect("coauthor_table", author.pk, permanent=True)
    form = CoauthorsForm({"months": MONTHS, **request.GET.dict()})
    context: dict[str, Any] = {"author": author, "form": form}
    if not form.is_valid():
        return render(request, "graph/coauthors.html", context, status=400)
    months, largest = form.cleaned_data["months"] or MONTHS, form.cleaned_data["largest"]
    try:
        found = coauthors(author, timezone.localdate(), months, largest)
    except TooSlow:
        return render(request, "graph/coauthors.html", context | {"too_slow": True}, status=503)
    context |= {"found": found, "rows": found.rows[:SHOWN], "letter": LETTER, "months": months, "largest": largest}
    context["query"] = urlencode({"months": months} | ({"largest": largest} if largest else {}))
    return render(request, "graph/coauthors.html", context)


@require_safe
def table_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """The same as a file: the form's own columns, then two of ours."""
    author = find_author(pk)
    if author.pk != pk:
        return redirect("coauthor_table_csv", author.pk, permanent=True)
    form = CoauthorsForm(request.GET)
    name = f"coauthors-{author.pk}.csv"
    if not form.is_valid():
        return as_csv(name, [HEAD, *([*[""] * 6, str(error)] for errors in form.errors.values() for error in errors)])
    months, largest = form.cleaned_data["months"] or MONTHS, form.cleaned_data["largest"]
    try:
        found = coauthors(author, timezone.localdate(), months, largest)
    except TooSlow:
        return as_csv(name, [HEAD, [*[""] * 6, _("This takes too long. Ask for fewer months, or shorter lists.")]])
    return as_csv(name, [HEAD, *map(_row, found.rows)])


def _row(row: Coauthor) -> list[str]:
    notes = []
    if row.weak:
        notes.append(_("weak attribution"))
    if row.names > 2:
        notes.append(_("one of %(names)s names") % {"names": row.names})
    if row.stated:
        notes.append(_("affiliation stated by the owner"))
    elif row.affiliation:
        notes.append(_("affiliation as printed, %(year)s") % {"year": row.year or _("no date")})
    return [LETTER, row.name, row.affiliation, "", row.last_active, str(row.works), "; ".join(notes)]
