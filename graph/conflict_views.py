"""Conflicts of interest between two pasted lists, as a page and as CSV. Nothing typed is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from papers import limits
from papers.bounded import TooSlow
from papers.cells import as_csv
from papers.methods import read_or_post

from . import conflicts, listed
from .conflicts import At, Comparison, Pair, Question, Work
from .listed import Listed

SHARED = 40  # people of both lists that an address for sharing holds
PROBLEMS_SHOWN = 100  # lines of a list that are nobody, on the page; the file has all


class ConflictsForm(forms.Form):
    """Two lists, and what counts. Choices among the people of a line come beside it, in fields of the lines."""

    authors = forms.CharField(label=gettext_lazy("Authors"), widget=forms.Textarea({"rows": 8, "spellcheck": "false"}))
    reviewers = forms.CharField(
        label=gettext_lazy("Reviewers"), widget=forms.Textarea({"rows": 8, "spellcheck": "false"})
    )
    years = forms.IntegerField(
        label=gettext_lazy("Years back"), min_value=1, max_value=50, required=False, initial=conflicts.YEARS
    )
    until = forms.DateField(
        label=gettext_lazy("Counted back from"), required=False, widget=forms.DateInput({"type": "date"})
    )
    largest = forms.IntegerField(
        label=gettext_lazy("Leave out longer author lists than"), min_value=2, max_value=1_000_000, required=False
    )
    steps = forms.TypedChoiceField(
        label=gettext_lazy("List pairs as near as"),
        choices=[
            ("0", gettext_lazy("only conflicts")),
            ("1", gettext_lazy("coauthors ever")),
            ("2", gettext_lazy("two steps")),
            ("3", gettext_lazy("three steps")),
        ],
        coerce=int,
        required=False,
        initial="2",
    )
    order = forms.ChoiceField(
        label=gettext_lazy("Sort by"),
        choices=[
            ("strongest", gettext_lazy("strongest first")),
            ("author", gettext_lazy("author")),
            ("reviewer", gettext_lazy("reviewer")),
            ("distance", gettext_lazy("distance")),
        ],
        required=False,
        initial="strongest",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["authors"].error_messages["required"] = _("Write at least one author.")
        self.fields["reviewers"].error_messages["required"] = _("Write at least one reviewer.")

    def clean_until(self) -> date:
        found = cast("date | None", self.cleaned_data["until"]) or timezone.localdate()
        if found.year < 1000:
            raise forms.ValidationError(_("Write the year with four digits."))
        return found

    def question(self) -> Question:
        """Of a valid form."""
        found = self.cleaned_data
        return Question(
            found["until"],
            found["years"] or conflicts.YEARS,
            found["largest"],
            2 if found["steps"] in (None, "") else found["steps"],
            found["order"] or "strongest",
        )


@read_or_post
def conflicts_page(request: HttpRequest) -> HttpResponse:
    """The form, whom its lines mean, and what there is between them; short lists may stand in the address."""
    given = _given(request)
    if given is None:
        form = ConflictsForm(initial={"until": timezone.localdate(), **request.GET.dict()})
        return render(request, "graph/conflicts.html", {"form": form, "limits": _caps()})
    if (wait := limits.take("conflicts", limits.who(request))) is not None:
        return limits.refused(request, wait)
    form = ConflictsForm(given)
    context: dict[str, Any] = {"form": form, "limits": _caps()}
    if not form.is_valid():
        return render(request, "graph/conflicts.html", context, status=400)
    try:
        lists = _lists(form, given)
        context |= {"lists": lists, "question": form.question(), "problems_shown": PROBLEMS_SHOWN}
        context["to_choose"] = any(found.to_choose for _name, found in lists)
        if all(found.people for _name, found in lists):
            comparison = _compared(form, lists, conflicts.LISTED)
            context |= {"comparison": comparison, "share": _address(form, lists)}
            context["clear"] = comparison.total - comparison.conflicts
    except TooSlow:
        context["too_slow"] = True
        return render(request, "graph/conflicts.html", context, status=503)
    return render(request, "graph/conflicts.html", context)


@read_or_post
def conflicts_csv(request: HttpRequest) -> HttpResponse:
    """The same as a file: a row for each pair, reason and paper, and one for each line that is nobody."""
    given = _given(request) or {}
    if given and (wait := limits.take("conflicts", limits.who(request))) is not None:
        return limits.refused(request, wait)
    form = ConflictsForm(given)
    if not form.is_valid():
        sentences = [sentence for errors in form.errors.values() for sentence in map(str, errors)]
        return as_csv("conflicts.csv", [HEAD, *(_said(_("not compared"), sentence) for sentence in sentences)])
    try:
        lists = _lists(form, given)
        comparison = None
        if all(found.people for _name, found in lists):
            comparison = _compared(form, lists, conflicts.IN_FILE)
    except TooSlow:
        return as_csv("conflicts.csv", [HEAD, _said(_("not compared"), _("This takes too long. Try shorter lists."))])
    return as_csv("conflicts.csv", [HEAD, *_rows(comparison, lists)])


def _given(request: HttpRequest) -> Mapping[str, str] | None:
    """What was asked, in a form or in the address; None where no two lists were."""
    if request.method == "POST":
        given = request.POST.dict()
    elif {"authors", "reviewers"} <= set(request.GET):
        given = request.GET.dict()
    else:
        return None
    defaults = {"years": str(conflicts.YEARS), "steps": "2", "until": timezone.localdate().isoformat()}
    return defaults | {name: value.replace("\0", " ") for name, value in given.items()}


def _caps() -> dict[str, int]:
    return {"lines": listed.LINES, "people": listed.PEOPLE, "pairs": conflicts.LISTED}


def _lists(form: ConflictsForm, given: Mapping[str, str]) -> list[tuple[str, Listed]]:
    return [(name, listed.read(form.cleaned_data[name], given, name)) for name in ("authors", "reviewers")]


def _compared(form: ConflictsForm, lists: list[tuple[str, Listed]], most: int) -> Comparison:
    (_a, authors), (_r, reviewers) = lists
    return conflicts.compare(authors.people, reviewers.people, form.question(), most)


def _address(form: ConflictsForm, lists: list[tuple[str, Listed]]) -> str:
    """Where the same is shown again; "" where the lists are too long for an address."""
    if sum(len(found.people) for _name, found in lists) > SHARED:
        return ""
    ids = {name: ",".join(str(author.pk) for author in found.people) for name, found in lists}
    names = ("years", "until", "largest", "steps", "order")
    options = {name: form.data[name] for name in names if form.data.get(name)}
    return f"{reverse('conflicts')}?{urlencode(ids | options, safe=',')}"


# --- the file ---------------------------------------------------------------------------------------------------------

HEAD = [
    "author id", "author", "reviewer id", "reviewer", "reason", "detail", "work id", "work", "year",
    "names on the work", "attribution", "address",
]  # fmt: skip


def _said(reason: str, detail: str, author: str = "", reviewer: str = "") -> list[str]:
    """A row that is about no pair."""
    return ["", author, "", reviewer, reason, detail, *[""] * (len(HEAD) - 6)]


def _rows(comparison: Comparison | None, lists: list[tuple[str, Listed]]) -> Iterator[list[str]]:
    for pair in comparison.pairs if comparison else ():
        head = [str(pair.author.pk), pair.author.name, str(pair.reviewer.pk), pair.reviewer.name]
        for reason, detail, work in _reasons(pair):
            yield [*head, reason, detail, *_cells(work)]
    if comparison:
        for sentence in _about(comparison):
            yield _said(_("not listed"), sentence)
    for name, found in lists:
        for line in found.lines:
            if line.is_open:
                yield _said(_("not understood"), line.meant.problem, **{name[:-1]: line.meant.text})
            elif line.meant.rest:
                yield _said(_("not read"), line.meant.rest, **{name[:-1]: line.meant.text})
        for sentence in _cut(found):
            yield _said(_("not compared"), sentence, **{name[:-1]: "…"})


def _reasons(pair: Pair) -> Iterator[tuple[str, str, Work | None]]:
    if pair.same:
        yield _("same person"), "", None
    for work in pair.works:
        shared = pair.recent or pair.ever
        detail = ngettext("%d shared work", "%d shared works", shared) % shared
        yield _("coauthors") if pair.recent else _("coauthors before"), detail, work
    for place in pair.places:
        for person, at in ((pair.author, place.author), (pair.reviewer, place.reviewer)):
            detail = f"{place.name}: {person.name}, {_stated(at)}"
            yield _("same affiliation"), detail, Work(at.paper, 0, at.weak) if at.paper else None
    for common in pair.common:
        for link in (common.with_author, common.with_reviewer):
            yield _("common coauthor"), f"{common.person.name} ({common.person.pk})", link
    if pair.distance == conflicts.FARTHEST:
        yield _("three steps"), "", None


def _stated(at: At) -> str:
    if at.paper:
        return _("as printed")
    years = f"{at.from_year or ''}–{at.to_year or ''}".strip("–") if at.from_year or at.to_year else ""
    return " ".join(filter(None, (_("as stated by the owner"), years)))


def _cells(work: Work | None) -> list[str]:
    if work is None:
        return [""] * 6
    weak = _("weak") if work.weak else _("sure")
    names = str(work.names or "")
    paper = work.paper
    return [str(paper.pk), paper.title_text, str(paper.year or ""), names, weak, paper.get_absolute_url()]


def _about(comparison: Comparison) -> Iterator[str]:
    if comparison.told > len(comparison.pairs):
        numbers = {"shown": len(comparison.pairs), "told": comparison.told}
        yield _("The first %(shown)s of %(told)s pairs are listed.") % numbers
    if comparison.farthest < conflicts.FARTHEST:
        yield _("Who is three steps apart was not looked for: it takes too long for these lists.")


def _cut(found: Listed) -> Iterator[str]:
    if found.unread:
        yield ngettext("%d line was not read.", "%d lines were not read.", found.unread) % found.unread
    if found.beyond:
        yield ngettext("%d person is not compared.", "%d people are not compared.", found.beyond) % found.beyond
