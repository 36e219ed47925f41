"""manage.py evaluate_search: does the search find what is known to be there?"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from bzpeer import searchbench
from bzpeer.importbench import scratch_database
from bzpeer.knownitems import KINDS
from bzpeer.services.places import CHECKOUT
from papers import meaning
from papers.streams import UnreadableFile

CORPUS = CHECKOUT.parent / "shared" / "corpora" / "arxiv-120k.jsonl.xz"
MISSES = 10


class Command(BaseCommand):
    """Known-item search by words, by meaning and by both, in a database of its own."""

    help = "Ask for papers whose place is known, by sentences of their abstracts and by their titles in other words."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", default=CORPUS, help="records with abstracts, packed or not")
        parser.add_argument("--papers", type=int, default=12_000, help="how many to load (12,000); all are embedded")
        parser.add_argument("--queries", type=int, default=500, help="at most so many of each kind (500)")
        parser.add_argument("--tuning", action="store_true", help="ask the half of the queries that may be tuned on")

    def handle(self, *args: Any, file: Path, papers: int, queries: int, tuning: bool, **options: Any) -> None:
        if not meaning.enabled():
            raise CommandError("Embeddings are switched off (EMBEDDINGS), or the model's packages are missing.")
        if not file.is_file():
            raise CommandError(f"There are no records at {file}: name a file of records with abstracts.")
        with Console(stderr=True).status("reading") as status:
            try:
                lines = searchbench.records(file, papers)
            except (OSError, UnreadableFile) as error:
                raise CommandError(f"{file} cannot be read: {error}") from error
            if not lines:
                raise CommandError(f"No record of {file} has an abstract.")
            with scratch_database():
                found = searchbench.measure(lines, queries, tuning, status.update)
        self._print(found, "tuning" if tuning else "held out")

    def _print(self, found: searchbench.Measured, half: str) -> None:
        table = Table("query", "papers asked for", "by", "recall@1", "recall@10", "MRR", title=f"known items, {half}")
        for kind in (*KINDS, "all"):
            for by in searchbench.WAYS:
                if score := found.scores.get((kind, by)):
                    figures = (f"{figure:.3f}" for figure in (score.recall(1), score.recall(10), score.mrr))
                    table.add_row(kind, f"{len(score.ranks):,} of {found.papers:,}", by, *figures)
        Console(file=cast(IO[str], self.stdout), width=100).print(table)
        recall = {by: found.scores["all", by].recall(10) for by in searchbench.WAYS}
        reached = recall["hybrid"] >= searchbench.TARGET and recall["hybrid"] > max(recall["words"], recall["meaning"])
        self.stdout.write(
            f"target: recall@10 of hybrid at least {searchbench.TARGET}, and above both parts:"
            f" {'reached' if reached else 'missed'}"
        )
        for item in found.missed[:MISSES]:
            self.stdout.write(f"  not among the first ten, {item.kind}: {item.query[:100]}")
        embedded, bare = found.embedded, found.bare
        self.stdout.write(
            f"embedding: {embedded.records / max(embedded.cpu, 1e-9):.1f} papers a CPU second, stored and indexed;"
            f" {found.ratio:.2f} of the bare model's {bare.records / max(bare.cpu, 1e-9):.1f} on the same texts"
        )
