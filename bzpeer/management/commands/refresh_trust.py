"""Compute all trust again, as after an upgrade that changed the model."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from bzpeer import pipeline
from trust.models import TrustScore
from trust.scoring import MODEL


class Command(BaseCommand):
    """`refresh_trust`: every author's score from the facts; rows that would be the same are not written."""

    help = "Compute the trust of every author again, some thousands at a time. Waits while a batch is resolved."

    def handle(self, *args: Any, **options: Any) -> None:
        began = timezone.now()
        done = pipeline.rescore(self._progress)
        changed = TrustScore.objects.filter(computed_at__gte=began).count()
        self.stdout.write(f"{done:,} authors by the model {MODEL}: {changed:,} rows changed.")

    def _progress(self, done: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"{done:,} authors\r", ending="")
