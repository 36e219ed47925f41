"""The pages of imports: what each did or would do, record by record, and the ways to apply it and to take it back.

They stand in the roof because an import is looked at through all rooms: papers, and the people behind them. All are for
those who may import (`papers.permissions`); whatever changes something is a POST that writes one row of the journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from celery import current_app
from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from papers import differences, journal, paging, retrying, sources, stages
from papers.methods import read_or_post
from papers.models import Batch, BatchRecord, JournalEntry
from papers.permissions import for_importers
from papers.progress import progress
from profiles import moves
from profiles.models import Account, Author, Move

from . import previews, rollbacks

BATCHES = 30
RECORDS = 20  # each with its differences
MOVES = 50
ENTRIES = 50

_SHELVES: dict[str, tuple[Any, Sequence[str]]] = {
    "decide": (gettext_lazy("To decide"), [Batch.Stage.PROPOSED]),
    "work": (gettext_lazy("At work"), [s for s in Batch.Stage.values if s not in Batch.ENDED]),
    "done": (gettext_lazy("Done"), [Batch.Stage.DONE]),
    "stopped": (gettext_lazy("Stopped"), [Batch.Stage.FAILED]),
    "undone": (gettext_lazy("Rolled back or thrown away"), [Batch.Stage.UNDONE, Batch.Stage.DISCARDED]),
}


class UploadForm(forms.Form):
    """A file, what it is where that cannot be recognised from its content, and whether to look first."""

    file = forms.FileField(label=gettext_lazy("File"))
    source = forms.ChoiceField(
        label=gettext_lazy("Format"),
        required=False,
        choices=[("", gettext_lazy("Recognise from the content")), *((s.slug, s.label) for s in sources.SOURCES)],
    )
    at_once = forms.TypedChoiceField(
        label=gettext_lazy("What to do"),
        choices=[("", gettext_lazy("Preview first")), ("1", gettext_lazy("Import at once"))],
        coerce=bool,
        required=False,
        widget=forms.RadioSelect,
    )


# --- all imports ------------------------------------------------------------------------------------------------------


@read_or_post
@for_importers
def imports(request: HttpRequest) -> HttpResponse:
    """All batches, the newest first, and the form that uploads one."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        batch = stages.upload(_account(request), given["file"], given["source"], bool(given["at_once"]))
        _send("bzpeer.process_batch", batch.pk)
        return redirect(batch)
    shelf = request.GET.get("stage", "")
    counts = dict(Batch.objects.order_by().values_list("stage").annotate(Count("pk")))
    shelves = [
        {"slug": slug, "label": label, "count": sum(counts.get(stage, 0) for stage in among)}
        for slug, (label, among) in _SHELVES.items()
    ]
    rows = Batch.objects.select_related("created_by")
    if shelf in _SHELVES:
        rows = rows.filter(stage__in=_SHELVES[shelf][1])
    found, following = _after(rows.order_by("-pk"), "pk__lt", request.GET.get("before", ""), BATCHES)
    context = {
        "form": form,
        "batches": found,
        "following": found[-1].pk if following else "",
        "shelf": shelf if shelf in _SHELVES else "",
        "shelves": shelves,
        "count": sum(counts.values()),
    }
    return render(request, "papers/imports.html", context, status=400 if form.errors else 200)


# --- one import -------------------------------------------------------------------------------------------------------


@require_safe
@for_importers
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """What an import did or would do: its records by fate, or the people it touches."""
    found = get_object_or_404(Batch.objects.select_related("created_by", "rolled_back_by"), pk=pk)
    people = _people(found)
    tab = request.GET.get("show", "")
    if tab not in {*BatchRecord.Fate.values, "people"}:
        order = (BatchRecord.Fate.UPDATED, BatchRecord.Fate.NEW, BatchRecord.Fate.REFUSED)
        tab = next((fate for fate in order if getattr(found, fate)), BatchRecord.Fate.UNCHANGED)
    records: list[BatchRecord] = []
    following = False
    if tab != "people":
        rows = found.records.filter(fate=tab).select_related("paper").order_by("number")
        records, following = _after(rows, "number__gt", request.GET.get("after", ""), RECORDS)
        _describe(records)
        for new in records if tab == BatchRecord.Fate.NEW else ():
            # The title stands above; the record's own page says the rest.
            new.differences = [found for found in new.differences if found.names]  # type: ignore[attr-defined]
    context = {
        "batch": found,
        "progress": progress(found, timezone.now()),
        "proposed": found.stage in Batch.UNAPPLIED,
        "tab": tab,
        "tabs": [(fate.value, fate.label, getattr(found, fate)) for fate in BatchRecord.Fate],
        "records": records,
        "following": records[-1].number if following else "",
        "most": previews.RECORDS if found.stage in Batch.UNAPPLIED and getattr(found, tab, 0) > previews.RECORDS else 0,
        "people": people,
        "can_roll_back": stages.can_roll_back(found),
        "standing": stages.standing(found),
    }
    return render(request, "papers/batch.html", context)


@require_POST
@for_importers
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what the preview said."""
    found = get_object_or_404(Batch, pk=pk)
    if stages.apply(found, _account(request)):
        _send("bzpeer.process_batch", found.pk)
    else:
        messages.info(request, _("This import does not wait for a decision any more."))
    return redirect(found)


@require_POST
@for_importers
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Do nothing of what the preview said."""
    found = get_object_or_404(Batch, pk=pk)
    if not stages.discard(found, _account(request)):
        messages.info(request, _("This import does not wait for a decision any more."))
    return redirect(found)


@read_or_post
@for_importers
def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    """What rolling the whole import back would do; then do it."""
    found = get_object_or_404(Batch, pk=pk)
    if request.method != "POST":
        possible = stages.can_roll_back(found)
        context = {
            "batch": found,
            "possible": possible,
            "standing": stages.standing(found),
            "outlook": rollbacks.outlook(found) if possible else None,
        }
        return render(request, "papers/rollback.html", context)
    if stages.roll_back(found, _account(request)):
        _send("bzpeer.process_batch", found.pk)
    else:
        messages.info(request, _("There is nothing to roll back."))
    return redirect(found)


# --- one record -------------------------------------------------------------------------------------------------------


@require_safe
@for_importers
def record(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One record: what it changed, what forbids to take it back, and what was read of one that was refused."""
    return _record_page(request, _record(pk, number))


@require_POST
@for_importers
def undo_record(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Take one record back."""
    found = _record(pk, number)
    if problem := _at_work(found.batch):
        messages.error(request, problem)
        return redirect(found)
    with transaction.atomic():
        outcome = rollbacks.undo([found.pk], _account(request))
        if outcome.records:
            journal.write(request.user, "rolled back a record", found.batch, record=number)  # type: ignore[arg-type]
            if outcome.papers:
                _resolve(outcome.surnames)
    if outcome.records:
        messages.success(request, _("Record %(number)s is rolled back.") % {"number": number})
    return redirect(found)


@require_POST
@for_importers
def redo_record(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Bring one record back."""
    found = _record(pk, number)
    if problem := _at_work(found.batch):
        messages.error(request, problem)
        return redirect(found)
    with transaction.atomic():
        outcome = rollbacks.redo(found, _account(request))
        if outcome.records:
            journal.write(request.user, "brought back a record", found.batch, record=number)  # type: ignore[arg-type]
            if outcome.papers:
                _resolve(outcome.surnames)
    if outcome.records:
        messages.success(request, _("Record %(number)s is brought back.") % {"number": number})
    if kept := outcome.kept.get(found.pk):
        return _record_page(request, _record(pk, number), hindrances=kept, status=409)
    return redirect(found)


@require_POST
@for_importers
def retry_record(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Read the fixed text of a refused record."""
    found = _record(pk, number)
    text = request.POST.get("raw", "").replace("\r\n", "\n")
    with transaction.atomic():
        outcome = retrying.retry(found, text, _account(request), moves.removed)
        if not outcome.problem:
            _resolve(outcome.surnames)
    if outcome.problem:
        return _record_page(request, _record(pk, number), problem=outcome.problem, text=text, status=400)
    messages.success(request, _("The record is taken in."))
    return redirect(_record(pk, number))


def _record(pk: int, number: int) -> BatchRecord:
    return get_object_or_404(
        BatchRecord.objects.select_related("batch", "paper", "rolled_back_by"), batch=pk, number=number
    )


def _record_page(request: HttpRequest, found: BatchRecord, status: int = 200, **more: Any) -> HttpResponse:
    _describe([found])
    entries = JournalEntry.objects.filter(
        subject_kind=Batch._meta.label_lower, subject_id=found.batch_id, details__record=found.number
    )
    applied = found.batch.stage not in Batch.UNAPPLIED
    was_taken_in = applied and found.fate != BatchRecord.Fate.REFUSED
    context = {
        "batch": found.batch,
        "record": found,
        "proposed": not applied,
        "undoable": was_taken_in and found.is_live,
        "forbids": rollbacks.against(found) if was_taken_in and found.is_live and found.paper_id else [],
        "unfixable": retrying.unfixable(found),
        "text": found.raw,
        "entries": entries.order_by("-pk")[:ENTRIES],
    }
    return render(request, "papers/batch_record.html", context | more, status=status)


# --- shared -----------------------------------------------------------------------------------------------------------


def _describe(records: Sequence[BatchRecord]) -> None:
    """Give each record its `title` and `differences`."""
    after = differences.afters(records)
    for found in records:
        found.differences = differences.differences(found.before, after.get(found.pk))  # type: ignore[attr-defined]
        state = {**(found.before or {}), **after.get(found.pk, {})}
        found.title = found.paper.title_text if found.paper else state.get("title_text", "")  # type: ignore[attr-defined]


def _people(found: Batch) -> dict[str, Any]:
    """Who would be made, merged, split and moved, as the preview found; of an applied import the moves there were."""
    if found.stage in Batch.UNAPPLIED:
        return found.preview or {}
    rows = Move.objects.filter(batch=found)
    counts = dict(rows.order_by().values_list("kind").annotate(Count("pk")))
    shown = rows.select_related("source", "target").order_by("pk")[:MOVES]
    return {
        "previewed": True,
        "moved": counts,
        "moves": [
            {"kind": m.kind, "count": m.count, "source": _who(m.source), "target": _who(m.target), "reason": m.reason}
            for m in shown
        ],
    }


def _who(author: Author | None) -> dict[str, Any] | None:
    return {"id": author.pk, "name": author.name} if author else None


def _after(rows: QuerySet[Any], key: str, cursor: str, size: int) -> tuple[list[Any], bool]:
    """(a page of rows behind the cursor, whether there are more)."""
    if cursor:
        rows = rows.filter(**{key: paging.key(cursor)})
    found = list(rows[: size + 1])
    return found[:size], len(found) > size


def _at_work(found: Batch) -> str:
    return _("The import is still at work; try again when it has ended.") if found.is_running else ""


def _account(request: HttpRequest) -> Account:
    return cast(Account, request.user)


def _resolve(surnames: set[str]) -> None:
    """Papers changed: also where nobody's name is on them, they are counted anew."""
    _send("bzpeer.resolve_surnames", sorted(surnames))


def _send(task: str, *given: Any) -> None:
    transaction.on_commit(lambda: current_app.send_task(task, list(given)))
