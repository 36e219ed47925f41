"""manage.py import FILE…: records from files or a pipe, through the whole pipeline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from rich.console import Console
from rich.table import Table

from bzpeer import demo, pipeline
from papers import sources
from papers.models import Batch, BatchRecord

# Reasons shown on the terminal; the batch page lists every refused record.
REASONS_SHOWN = 5


class Command(BaseCommand):
    """Import records and work out who is who. Refused records never stop the others."""

    help = "Import records in any format that is read (plain, .gz, .zip, .xz; - reads a pipe)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="a file, or - for standard input")
        parser.add_argument("--replace-demo", action="store_true", help="take the demo records out first")
        parser.add_argument("--source", choices=[source.slug for source in sources.SOURCES], default="")

    def handle(self, *args: Any, files: list[str], source: str, replace_demo: bool, **options: Any) -> None:
        paths = [None if name == "-" else Path(name) for name in files]
        if missing := [str(path) for path in paths if path and not path.is_file()]:
            raise CommandError(f"There is no file at {', '.join(missing)}.")
        if Batch._meta.db_table not in connection.introspection.table_names():
            raise CommandError("The database has no tables yet: run `python3 manage.py migrate` first.")
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

    def _summary(self, batch: Batch) -> None:
        table = Table(title=f"{batch.label} (batch {batch.pk})")
        for fate in BatchRecord.Fate:
            table.add_column(str(fate.label), justify="right")
        table.add_column("Records", justify="right")
        table.add_row(*(f"{getattr(batch, fate):,}" for fate in BatchRecord.Fate), f"{batch.total:,}")
        Console(file=cast(IO[str], self.stdout)).print(table)
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
