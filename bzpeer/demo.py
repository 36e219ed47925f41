"""The first start: the demo records go through the worker like any upload, and a local account is made."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.core.files import File
from django.db import transaction

import papers
from papers import datestamps
from papers.models import Batch, BatchRecord, Paper
from profiles.models import Account, Author

LABEL = "Demo records"
RECORDS = Path(papers.__file__).parent / "data" / "demo.jsonl"

# Some hundred times what it takes; a worker that does nothing for this long is broken.
PATIENCE_SECONDS = 900


def ensure(report: Callable[[str], None]) -> None:
    """Import the demo records where no import has ever been finished, and wait for the worker; make the account once.

    Raises TimeoutError when the worker does not finish, RuntimeError when it stops with a problem.
    """
    if not Batch.objects.filter(stage__in=(Batch.Stage.DONE, Batch.Stage.UNDONE)).exists():
        _import(report)
        report("their abstracts are on arXiv: `python3 manage.py harvest --known` fetches them, some two minutes")
    if not Account.objects.filter(is_superuser=True).exists():
        password = secrets.token_urlsafe(9)
        Account.objects.create_superuser("demo", password=password)
        report(f"demo account for /admin/ and /outbox/, where mail is kept: name demo, password {password} (told once)")
        if "demo" in settings.SECOND_FACTOR_EXEMPT:
            report("it needs no second factor: it is for trying things out; every other account of staff does")


@transaction.atomic
def remove() -> int:
    """Take out the demo's papers that no other batch has met; returns how many. The next import tells their authors."""
    records = BatchRecord.objects.filter(batch__label=LABEL)
    others = BatchRecord.objects.exclude(batch__label=LABEL).filter(paper__in=records.values("paper"))
    others = others.filter(rolled_back_at=None).exclude(batch__stage__in=Batch.UNAPPLIED)
    papers = Paper.objects.filter(pk__in=records.values("paper")).exclude(pk__in=others.values("paper"))
    found = list(papers.values_list("pk", flat=True))
    Author.objects.filter(assignments__signature__paper__in=found).update(stale=True)
    datestamps.remove(found)
    return len(found)


def _import(report: Callable[[str], None]) -> None:
    batch = Batch.objects.running().filter(label=LABEL).first()
    if batch is None:
        with RECORDS.open("rb") as records:
            batch = Batch.objects.create(label=LABEL, file=File(records, name=RECORDS.name))
    current_app.send_task("bzpeer.process_batch", [batch.pk])
    began, said = time.monotonic(), ""
    while batch.is_running:
        time.sleep(0.2)
        batch.refresh_from_db()
        if batch.get_stage_display() != said:
            said = batch.get_stage_display()
            report(f"demo records: {said.lower()}" + (f" ({batch.total:,} read)" if batch.total else ""))
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise TimeoutError("The worker has not finished the demo records.")
    if batch.problem:
        raise RuntimeError(f"The demo records could not be imported: {batch.problem}")
