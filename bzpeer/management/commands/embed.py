"""manage.py embed: the embeddings that papers lack, now and here instead of in the background."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from papers import meaning


class Command(BaseCommand):
    """`embed`: started several times, or beside a worker, they share the work; stopped, it goes on when run again."""

    help = "Embed all papers that lack it, so that they are found by meaning. It takes one core, and may run twice."

    def handle(self, *args: Any, **options: Any) -> None:
        if not meaning.enabled():
            raise CommandError("Embeddings are switched off (EMBEDDINGS), or the model's packages are missing.")
        embedded, papers = meaning.count()
        done, wall, used = 0, time.perf_counter(), time.process_time()
        columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("papers", total=papers - embedded)
            for _, count in meaning.embed_missing():
                done += count
                bar.advance(task, count)
        wall, used = time.perf_counter() - wall, time.process_time() - used
        embedded, papers = meaning.count()
        self.stdout.write(
            f"{done:,} papers embedded, {done / max(wall, 1e-9):,.1f} a second ({done / max(used, 1e-9):,.1f} a second"
            f" of CPU); {embedded:,} of {papers:,} papers have an embedding, {papers - embedded:,} are left."
        )
