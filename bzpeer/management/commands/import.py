"""manage.py import FILE…: records from files or a pipe, through the whole pipeline.

Whatever ends it, the same command goes on where it was: an import that did not come to its end is known by the first
bytes and the size of its input.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import rich.progress
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.table import Table

from bzpeer import demo, pipeline
from bzpeer.previews import told
from graph import snapshots
from papers import importing, sources
from papers.models import Batch, BatchRecord
from papers.progress import progress
from papers.streams import UnreadableFile

# Reasons shown on the terminal; the batch page lists every refused record.
REASONS_SHOWN = 5
# Of a dry run: changed records, and moves of works.
CHANGES_SHOWN = 20
LINE_SECONDS = 30  # between two lines of a log
PATIENCE = 20.0  # seconds in which PostgreSQL ends the session of a process that was killed


class Command(BaseCommand):
    """Import records and work out who is who. Refused records never stop the others."""

    help = "Import records in any format that is read (plain, .gz, .zip, .xz; - reads a pipe)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="a file, or - for standard input")
        parser.add_argument("--replace-demo", action="store_true", help="take the demo records out first")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and leave nothing behind")
        parser.add_argument("--source", choices=[source.slug for source in sources.SOURCES], default="")

    def handle(
        self, *args: Any, files: list[str], source: str, replace_demo: bool, dry_run: bool, **options: Any
    ) -> None:
        paths = [None if name == "-" else Path(name) for name in files]
        if missing := [str(path) for path in paths if path and not path.is_file()]:
            raise CommandError(f"There is no file at {', '.join(missing)}.")
        if Batch._meta.db_table not in connection.introspection.table_names():
            raise CommandError("The database has no tables yet: run `python3 manage.py migrate` first.")
        if dry_run and replace_demo:
            raise CommandError("A dry run takes nothing out: give --dry-run or --replace-demo, not both.")
        if dry_run:
            for path in paths:
                self._preview(path, source)
            return
        if replace_demo:
            self.stdout.write(f"{demo.remove():,} demo records taken out")
        stopped = [self._import(path, source) for path in paths]
        snapshots.catch_up()
        if problems := [problem for problem in stopped if problem]:
            raise CommandError(" ".join(problems))

    def _import(self, path: Path | None, source: str) -> str:
        """Import one file; returns the problem that stopped it, or an empty string."""
        label = path.name if path else "standard input"
        with _opened(path) as opened:
            try:
                key, stream = importing.content_key(opened)
            except OSError as error:
                return f"{label} cannot be read: {error.strerror}."
            batch = Batch.objects.begun_with(key, source)
            if batch:
                self.stdout.write(f"Going on with import {batch.pk}, {batch.checkpoint:,} records of which are in.")
            else:
                batch = Batch.objects.create(label=label[:200], source=source, content_key=key)
            try:
                with _Display(label) as display:
                    batch = _processed(batch.pk, stream, display.show)
            except OSError as error:
                pipeline.stop(batch, f"{label} cannot be read: {error.strerror}.")
            except KeyboardInterrupt:
                pipeline.stop(batch, "Interrupted; run the same command again to go on.")
                raise
        self._summary(batch)
        return batch.problem

    def _preview(self, path: Path | None, source: str) -> None:
        """Print what importing the file would do. Several files are each compared with what is there now."""
        label = path.name if path else "standard input"
        try:
            with Console(stderr=True).status(label), _opened(path) as stream:
                found = pipeline.tried(Batch(label=label[:200], source=source), stream)
        except (OSError, UnreadableFile) as error:
            raise CommandError(f"{label} cannot be read: {error}") from error
        self._table(f"{label}: what it would do", found.counts)
        for line in told(found, CHANGES_SHOWN):
            self.stdout.write(line)

    def _table(self, title: str, counts: Mapping[str, int]) -> None:
        table = Table(title=title)
        for fate in BatchRecord.Fate:
            table.add_column(str(fate.label), justify="right")
        table.add_column("Records", justify="right")
        table.add_row(*(f"{counts[fate]:,}" for fate in BatchRecord.Fate), f"{sum(counts.values()):,}")
        Console(file=cast(IO[str], self.stdout)).print(table)

    def _summary(self, batch: Batch) -> None:
        counts = {str(fate): getattr(batch, fate) for fate in BatchRecord.Fate.values}
        self._table(f"{batch.label} (batch {batch.pk})", counts)
        refused = batch.records.filter(fate=BatchRecord.Fate.REFUSED).order_by("number")
        for record in refused[:REASONS_SHOWN]:
            self.stdout.write(f"  record {record.number} {record.source_id}: {record.reason}")
        if batch.refused > REASONS_SHOWN:
            self.stdout.write(f"  … all {batch.refused:,} at {batch.get_absolute_url()}")


def _opened(path: Path | None) -> BinaryIO:
    return path.open("rb") if path else sys.stdin.buffer


def _processed(batch_id: int, stream: BinaryIO, report: Callable[[Batch], None]) -> Batch:
    """Take the batch to its end. The database may not have noticed yet that a run before us was killed."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return pipeline.process(batch_id, stream, report, again=True)
        except pipeline.Busy:
            if time.monotonic() > deadline:
                raise CommandError(f"Another process works on import {batch_id}.") from None
            time.sleep(0.2)


class _Display:
    """The progress of a batch: a bar on a terminal, elsewhere a line now and then."""

    def __init__(self, label: str) -> None:
        self.label, self.console = label, Console(stderr=True)
        self.stage, self.said = "", 0.0
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
        self.bar = rich.progress.Progress(*columns, console=self.console, transient=True)
        self.task = self.bar.add_task(label, total=None, said="")

    def __enter__(self) -> _Display:
        if self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def show(self, batch: Batch) -> None:
        """Tell where the batch now is."""
        now, stage = progress(batch, timezone.now()), str(batch.get_stage_display())
        done = f"{now.done} of {now.total}" if now.total else ""
        met = f"{batch.total:,} records" if batch.stage == Batch.Stage.READING else ""
        said = ", ".join(filter(None, (met, done, now.pace, now.time_left)))
        if self.console.is_terminal:
            total = batch.step_total or None
            self.bar.update(
                self.task, description=f"{self.label}: {stage}", total=total, completed=batch.step_done, said=said
            )
        elif stage != self.stage or time.monotonic() - self.said > LINE_SECONDS:
            self.stage, self.said = stage, time.monotonic()
            self.console.print(f"{self.label}: {stage.lower()}{' ' * bool(said)}{said}", highlight=False)
