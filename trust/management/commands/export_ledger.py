"""Write the public form of the ledger, whole."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trust.exporting import hidden, lines
from trust.verifying import snapshot


class Command(BaseCommand):
    """`export_ledger [FILE]`: a line of JSON for each entry, as /ledger.jsonl gives them in parts."""

    help = "Write the ledger of trust as everybody may have it: a line of JSON for each entry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="instead of the standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path | None = options["file"]
        try:
            with snapshot(), file.open("w", encoding="utf-8") if file else nullcontext(self.stdout) as out:
                for line in lines(hidden()):
                    out.write(line)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
