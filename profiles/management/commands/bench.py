"""manage.py bench disambiguate FILE: the engine's speed on real records, beside limits of the same run."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from papers import sources
from papers.records import Numbered
from papers.streams import UnreadableFile, open_stream
from profiles.disambiguation.benchmark import measure, signatures_of
from profiles.disambiguation.evaluation import peak_megabytes


class Command(BaseCommand):
    """Benchmarks that anyone can run; figures of other machines compare by their ratios only."""

    help = "Measure signatures per CPU second on a file of records; needs no database."
    requires_system_checks: list[str] = []
    needs_services = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["disambiguate"])
        parser.add_argument("file", type=Path)
        parser.add_argument("--records", type=int, default=20_000, help="how many to read (20,000)")

    def handle(self, *args: Any, file: Path, records: int, **options: Any) -> None:
        try:
            head, stream = sources.peek(open_stream(file))
            found = (item.record for item in sources.detect(head).read(stream) if isinstance(item, Numbered))
            signatures = signatures_of(islice(found, records))
        except (OSError, UnreadableFile) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        speed = measure(signatures)
        self.stdout.write(
            f"{speed.signatures:,} signatures in {speed.blocks:,} blocks (largest {speed.largest_block:,}) "
            f"are {speed.people:,} people: {speed.rate:,.0f} signatures per CPU second, {peak_megabytes():.0f} MB"
        )
        for limit, spent in (("comparing their names", speed.names), ("clustering them", speed.linkage)):
            self.stdout.write(
                f"{speed.engine / max(spent, 1e-9):.1f} times what bare {limit} takes ({spent:.2f} CPU s)"
            )
