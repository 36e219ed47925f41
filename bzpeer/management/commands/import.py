"""manage.py import FILE…: records from files or a pipe, through the whole pipeline."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from rich.console import Console
from rich.table import Table

from bzpeer import demo, pipeline
from bzpeer.previews import told
from papers import sources
from papers.models import Batch, BatchRecord
from papers.streams import UnreadableFile

# Reasons shown on the terminal; the batch page lists every refused record.
REASONS_SHOWN = 5
# Of a dry run: changed records, and moves of works.
CHANGES_SHOWN = 20


class Command(BaseCommand):
    """Import records and work out who is who. Refused records never stop the others."""

    help = "Import arXiv snapshot lines, an author listing or bare facts (plain, .gz, .zip, .xz; - reads a pipe)."

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
        if problems := [problem for problem in stopped if problem]:
            raise CommandError(" ".join(problems))

    def _import(self, path: Path | None, source: str) -> str:
        """Import one file; returns the problem that stopped it, or an empty string."""
        label = path.name if path else "standard input"
        batch = Batch.objects.create(label=label[:200], source=source)
        console = Console(stderr=True)
        try:
            with console.status(label) as status, _opened(path) as stream:
                batch = pipeline.process(batch.pk, stream, lambda batch: status.update(f"{label}: {_progress(batch)}"))
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


def _progress(batch: Batch) -> str:
    if batch.step_total:
        return f"{batch.get_stage_display()} {batch.step_done:,} of {batch.step_total:,}"
    return f"{batch.get_stage_display()} {batch.total:,}"
