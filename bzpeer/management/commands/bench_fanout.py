"""manage.py bench_fanout FILE: how much faster two worker processes resolve a corpus than one.

A real Celery pool on the database and the broker that the environment names, which must hold no papers yet:
`BZPEER_HOME=/tmp/fanout python3 manage.py bench_fanout FILE` starts servers for it alone.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from bzpeer import tasks
from bzpeer.celery import app
from papers import importing, streams
from papers.models import Batch, Paper
from profiles import resolving
from profiles.models import Assignment

POLL_SECONDS = 0.1
PATIENCE = 60  # seconds for a worker to start or to end


class Command(BaseCommand):
    """Wall time of the step that fans out, with pools of growing size, and the CPU time they took."""

    help = "Measure the resolving of a file of records by one and by two Celery processes, in an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--lines", type=int, default=20_000, help="how many lines of the file to read (20,000)")
        parser.add_argument("--pools", type=int, nargs="+", default=[1, 2], help="sizes of the pool (1 2)")

    def handle(self, *args: Any, file: Path, lines: int, pools: list[int], **options: Any) -> None:
        call_command("migrate", verbosity=0)
        if Paper.objects.exists():
            raise CommandError("This database holds papers: name another, or another BZPEER_HOME.")
        batch = Batch.objects.create(label=file.name[:200], stage=Batch.Stage.READING)
        try:
            importing.run(batch, BytesIO(b"".join(islice(streams.open_stream(file), lines))), lambda batch: None)
        except (OSError, streams.UnreadableFile) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        first = 0.0
        for size in pools:
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE profiles_author CASCADE")
            signatures = resolving.plan(batch)
            groups = list(batch.pending_groups.order_by("pk").values_list("signatures", flat=True))
            wall, cpu = _resolved_by(size, batch)
            first = first or wall
            people = Assignment.objects.values("author").distinct().count()
            self.stdout.write(
                f"{size} processes: {signatures:,} signatures in {len(groups)} groups (largest {groups[0]:,}) resolved "
                f"to {people:,} authors in {wall:.1f} s, {cpu:.1f} CPU s: "
                f"{first / wall:.2f} times {pools[0]}"
            )


def _resolved_by(size: int, batch: Batch) -> tuple[float, float]:
    """Seconds from the first message until no group is left, and the CPU seconds of the pool's whole life."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "bzpeer", "worker", "-c", str(size), "-l", "WARNING"],
        cwd=settings.BASE_DIR,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not app.control.ping(timeout=1):
            if worker.poll() is not None or time.monotonic() > deadline:
                raise CommandError("The worker did not start; its output stands above.")
        began = time.monotonic()
        for _process in range(size):
            tasks.resolve_groups.delay(batch.pk)
        while batch.pending_groups.exists():
            if worker.poll() is not None:
                raise CommandError("The worker ended before its work did; its output stands above.")
            time.sleep(POLL_SECONDS)
        wall = time.monotonic() - began
    finally:
        worker.terminate()
        worker.wait(PATIENCE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
