"""Measure the disambiguation on gold sets: B³ and pairwise figures, hard strata, calibration, speed, memory."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from profiles.disambiguation.calibration import Stated
from profiles.disambiguation.evaluation import KINDS, PRF, Run, run, score_clusters
from profiles.disambiguation.gold import Gold, GoldError, Key, find_sets, read_clusters, read_gold, write_clusters
from profiles.disambiguation.strata import STRATA

WIDTH = 160  # the tables' own; a file or a pipe has none to ask for


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
            "--predictions",
            type=Path,
            help="write the clusters to this file, a line for each signature: paper_id, position, cluster_id, and the "
            "set where there are several",
        )
        parser.add_argument(
            "--score", type=Path, help="score the clusters of this file, in the form of --predictions, and resolve none"
        )
        parser.add_argument("--tier", default="", help="count only labels of these tiers, for example EO")
        parser.add_argument("--json", type=Path, help="write the figures to this file too")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            runs = list(_runs(find_sets(options["gold"]), options["score"], options["tier"]))
            if options["predictions"]:
                write_clusters(options["predictions"], [(r.name, r.clusters) for r in runs])
            if options["json"]:
                options["json"].write_text(json.dumps([_figures(r) for r in runs], indent=1) + "\n", "utf-8")
        except (GoldError, OSError) as error:
            raise CommandError(str(error)) from error
        console = Console(file=cast(IO[str], self.stdout), width=WIDTH)
        console.print(_table(runs))
        console.print(_strata_table(runs))
        if any(len(r.pairs.true) for r in runs):
            console.print(_reliability_table(runs))


def _runs(folders: list[Path], given: Path | None, tier: str) -> list[Run]:
    if not given:
        return [run(read_gold(folder, tier)) for folder in folders]
    clusters = read_clusters(given)
    if set(clusters) == {""} and len(folders) > 1:
        raise GoldError(f"{given} says of no cluster which of {len(folders)} gold sets it is of; name one with --gold")
    sets = [read_gold(folder, tier) for folder in folders]
    return [score_clusters(gold, _clusters_of(gold, clusters)) for gold in sets]


def _clusters_of(gold: Gold, clusters: Mapping[str, Mapping[Key, Hashable]]) -> Mapping[Key, Hashable]:
    return clusters.get(gold.name) or clusters.get("", {})


def _table(runs: Sequence[Run]) -> Table:
    table = Table(title="Disambiguation on gold data, × 100 (B³ and pairwise: precision / recall / F1; kinds: B³ F1)")
    headings = ("B³", "pairwise", *KINDS, "signatures", "per CPU-\nsecond", "peak MB")
    table.add_column("set")
    for heading in headings:
        table.add_column(heading, justify="right")
    for r in runs:
        table.add_row(
            r.name,
            _three(r.score.b3),
            _three(r.score.pairwise),
            *(f"{100 * r.score.strata[kind][1].f1:.1f}" if kind in r.score.strata else "–" for kind in KINDS),
            f"{r.resolved:,}",
            f"{r.resolved / r.cpu_seconds:,.0f}" if r.cpu_seconds else "–",
            f"{r.peak_megabytes:,.0f}",
        )
    return table


def _strata_table(runs: Sequence[Run]) -> Table:
    table = Table(
        title="Hard strata: B³ precision / recall / F1 × 100, and how many labelled signatures; one may be of several"
    )
    table.add_column("stratum")
    for r in runs:
        table.add_column(r.name, justify="right")
    for name, _rule in STRATA:
        found = [r.score.strata.get(name) for r in runs]
        table.add_row(name, *(f"{_three(of[1])}\n{of[0]:,}" if of else "–" for of in found))
    return table


def _reliability_table(runs: Sequence[Run]) -> Table:
    """What was stated beside what is true, by set and pooled."""
    table = Table(
        title="Reliability: stated → true × 100 (number). Pairs: labelled pairs that blocking compares, each alike, of "
        "a set at most\nthose that training draws. Links: of each labelled signature the one its receipt states. ECE: "
        "expected calibration error."
    )
    columns = [(f"{r.name}\n{what}", stated) for r in runs for what, stated in (("pairs", r.pairs), ("links", r.links))]
    if len(runs) > 1:
        columns += [
            ("all sets\npairs", Stated.joined([r.pairs for r in runs])),
            ("all sets\nlinks", Stated.joined([r.links for r in runs])),
        ]
    table.add_column("set")
    table.add_column("ECE", justify="right")
    for tenth in range(10):
        table.add_column(f"{tenth}0–", justify="right")
    for heading, stated in columns:
        cells = {
            int(b.stated * 10): f"{100 * b.stated:.0f}→{100 * b.true:.0f}\n{b.pairs:,}" for b in stated.reliability
        }
        table.add_row(heading, f"{100 * stated.error:.1f}", *(cells.get(tenth, "–") for tenth in range(10)))
    return table


def _three(figures: PRF) -> str:
    return f"{100 * figures.precision:.1f} / {100 * figures.recall:.1f} / {100 * figures.f1:.1f}"


def _figures(r: Run) -> dict[str, Any]:
    return {
        "set": r.name,
        "b3": _prf(r.score.b3),
        "pairwise": _prf(r.score.pairwise),
        "labelled": r.score.labelled,
        "authors": r.score.authors,
        "clusters": r.score.clusters,
        "strata": {name: {"signatures": n, **_prf(b3)} for name, (n, b3) in r.score.strata.items()},
        "signatures": r.resolved,
        "cpu_seconds": r.cpu_seconds,
        "peak_megabytes": r.peak_megabytes,
        "pairs": _honesty(r.pairs),
        "links": _honesty(r.links),
    }


def _prf(figures: PRF) -> dict[str, float]:
    return {"precision": figures.precision, "recall": figures.recall, "f1": figures.f1}


def _honesty(stated: Stated) -> dict[str, Any]:
    return {"calibration_error": stated.error, "reliability": [asdict(b) for b in stated.reliability]}
