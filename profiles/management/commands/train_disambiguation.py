"""Train the disambiguation model on gold sets and write its artefact."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from profiles.disambiguation.evaluation import GoldError, find_sets, read_gold
from profiles.disambiguation.training import learn


class Command(BaseCommand):
    """`train_disambiguation --gold DIR --output model.json`."""

    help = "Train the disambiguation model on gold data; needs no database."
    requires_system_checks: list[str] = []
    needs_services = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--gold", type=Path, required=True, help="a folder that holds gold sets")
        parser.add_argument("--output", type=Path, required=True, help="where to write the model")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sets = [read_gold(folder) for folder in find_sets(options["gold"])]
            learn(sets, datetime.now(UTC).date().isoformat()).write(options["output"])
        except (GoldError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"trained on {len(sets)} gold sets: {options['output']}")
