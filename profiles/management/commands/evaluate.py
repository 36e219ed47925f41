"""Measure the disambiguation on gold sets: B³ and pairwise figures, speed, memory, calibration."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from profiles.disambiguation.evaluation import (
    PRF,
    GoldError,
    Run,
    Score,
    find_sets,
    labelled_names,
    read_gold,
    read_predictions,
    run,
    score,
)

WIDTH = 150  # the table's own; a file or a pipe has none to ask for


class Command(BaseCommand):
    """`evaluate --gold DIR`: DIR is one gold set, or holds several."""

    help = "Measure the disambiguation on gold data; needs no database."
    requires_system_checks: list[str] = []
    needs_services = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--gold",
            type=Path,
            required=True,
            help="a folder with papers.jsonl.gz and gold.jsonl.gz, or one that holds several",
        )
        parser.add_argument(
            "--predictions", type=Path, help="score this clustering (JSON lines) instead of resolving; for a single set"
        )
        parser.add_argument("--tier", default="", help="count only labels of these tiers, for example EO")
        parser.add_argument("--json", type=Path, help="write the figures to this file too")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            runs = [
                _measure(folder, options["predictions"], options["tier"])
                for folder in _folders(options["gold"], options["predictions"])
            ]
        except GoldError as error:
            raise CommandError(str(error)) from error
        Console(file=cast(IO[str], self.stdout), width=WIDTH).print(_table(runs))
        if options["json"]:
            try:
                options["json"].write_text(json.dumps([_figures(r) for r in runs], indent=1) + "\n", "utf-8")
            except OSError as error:
                raise CommandError(f"cannot write {options['json']}: {error}") from error


def _folders(gold: Path, predictions: Path | None) -> list[Path]:
    folders = find_sets(gold)
    if predictions and len(folders) > 1:
        raise GoldError(f"{gold} holds {len(folders)} gold sets; name the one that {predictions} clusters")
    return folders


def _measure(folder: Path, predictions: Path | None, tier: str) -> Run:
    gold = read_gold(folder, tier)
    if predictions is None:
        return run(gold)
    return Run(gold.name, score(gold.labels, read_predictions(predictions), labelled_names(gold)), 0, 0.0, 0.0, [])


def _table(runs: list[Run]) -> Table:
    table = Table(title="Disambiguation on gold data, × 100 (B³ and pairwise: precision / recall / F1; strata: B³ F1)")
    for heading in (
        "set",
        "B³",
        "pairwise",
        *_STRATA,
        "calibration\nerror",
        "signatures",
        "per CPU-\nsecond",
        "peak MB",
    ):
        table.add_column(heading, justify="left" if heading == "set" else "right")
    for r in runs:
        s = r.score
        speed = f"{r.resolved / r.cpu_seconds:,.0f}" if r.cpu_seconds else "–"
        strata = [f"{100 * s.strata[kind][1].f1:.1f}" if kind in s.strata else "–" for kind in _STRATA]
        error = f"{100 * r.calibration_error:.1f}" if r.reliability else "–"
        table.add_row(
            r.name,
            _three(s.b3),
            _three(s.pairwise),
            *strata,
            error,
            f"{r.resolved:,}",
            speed,
            f"{r.peak_megabytes:,.0f}",
        )
    return table


_STRATA = ("homonym", "synonym", "both", "plain")


def _three(figures: PRF) -> str:
    return f"{100 * figures.precision:.1f} / {100 * figures.recall:.1f} / {100 * figures.f1:.1f}"


def _figures(r: Run) -> dict[str, Any]:
    s: Score = r.score
    three = {
        name: {"precision": f.precision, "recall": f.recall, "f1": f.f1}
        for name, f in (("b3", s.b3), ("pairwise", s.pairwise))
    }
    return {
        "set": r.name,
        **three,
        "labelled": s.labelled,
        "authors": s.authors,
        "clusters": s.clusters,
        "strata": {
            kind: {"signatures": n, "precision": f.precision, "recall": f.recall, "f1": f.f1}
            for kind, (n, f) in s.strata.items()
        },
        "signatures": r.resolved,
        "cpu_seconds": r.cpu_seconds,
        "peak_megabytes": r.peak_megabytes,
        "calibration_error": r.calibration_error,
        "reliability": [asdict(b) for b in r.reliability],
    }
