"""Train the disambiguation model on gold sets, measure it, and write its artefact and its card."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from profiles.disambiguation.card import document
from profiles.disambiguation.gold import GoldError, find_sets, read_gold
from profiles.disambiguation.training import learn
from profiles.disambiguation.validation import measure


class Command(BaseCommand):
    """`train_disambiguation --gold DIR --output model.json --document model-card.md`."""

    help = "Train the disambiguation model on gold data, and measure it by cross-validation; needs no database."
    requires_system_checks: list[str] = []
    needs_services = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--gold", type=Path, required=True, help="a folder that holds gold sets")
        parser.add_argument("--output", type=Path, required=True, help="where to write the model")
        parser.add_argument("--document", type=Path, help="where to write its card, as Markdown")
        parser.add_argument(
            "--folds", type=int, default=3, help="of the cross-validation; 0 measures nothing, and is soon done"
        )
        parser.add_argument(
            "--worth", action="store_true", help="also train once without each rule; a quarter of an hour or more"
        )
        parser.add_argument(
            "--date", type=date.fromisoformat, default=datetime.now(UTC).date(), help="to state on the card; today's"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["folds"] == 1 or options["folds"] < 0 or (options["worth"] and not options["folds"]):
            raise CommandError("--folds is 2 or more, or 0 without --worth")
        try:
            sets = [read_gold(folder) for folder in find_sets(options["gold"])]
            model = learn(sets, options["date"].isoformat())
            self._tell(f"learnt from {len(sets)} gold sets")
            if options["folds"]:
                measured = measure(model, sets, options["folds"], options["worth"], self._tell)
                model = replace(model, card={**model.card, **measured})
            model.write(options["output"])
            if options["document"]:
                options["document"].write_text(document(model), "utf-8")
        except (GoldError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"trained on {len(sets)} gold sets: {options['output']}")

    def _tell(self, progress: str) -> None:
        self.stderr.write(progress)
