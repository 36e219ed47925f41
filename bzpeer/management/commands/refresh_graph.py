"""Compute all ties again, and the snapshot that paths and ranks are read from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from bzpeer import pipeline
from graph import snapshots


class Command(BaseCommand):
    """`refresh_graph`: every tie from the assignments; rows that would be the same are not written."""

    help = (
        "Compute the ties of every author again, some thousands at a time, and then the snapshot of the whole graph. "
        "Waits while a batch is resolved. Where ties were wrong, `refresh_trust` counts close collaborators again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        written = pipeline.relink(self._progress)
        self.stdout.write(f"{written:,} ties were not as the works say, and are now.")
        built = snapshots.build()
        self.stdout.write(f"The snapshot has {built.authors:,} authors, {built.papers:,} papers.")

    def _progress(self, done: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"{done:,} authors\r", ending="")
