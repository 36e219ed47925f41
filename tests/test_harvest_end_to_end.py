"""A harvest that is due is begun by Celery beat, worked off by a real worker, and survives the worker's death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from papers.models import Batch, Harvest, Paper
from profiles.models import Author
from tests.conftest import REPO_ROOT
from tests.papers.http_server import Answer, Repository, record, serving
from tests.test_end_to_end import PATIENCE, start_worker, until

pytestmark = pytest.mark.django_db(transaction=True)

RECORDS = [
    (f"2026-09-{day}", record(f"2609.000{day}", "Ada Lovelace, Mary Shelley", stamp=f"2026-09-{day}"))
    for day in range(11, 18)
]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BEAT_SECONDS": "1", "HARVEST_LOOPBACK": "yes", "HARVEST_PACE": "0"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def beat(tmp_path: Path) -> Iterator[None]:
    """The scheduler, on the test database and the test broker."""
    database = connection.settings_dict
    address = (
        f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}"
        f"&password={database['PASSWORD']}&port={database['PORT']}"
    )
    with (tmp_path / "beat.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "bzpeer", "beat", "-s", str(tmp_path / "schedule"), "--pidfile="],
            cwd=REPO_ROOT,
            env=os.environ | {"DATABASE_URL": address},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        yield
        process.terminate()
        process.wait(PATIENCE)


def test_beat_begins_what_is_due_and_a_killed_worker_costs_a_page(beat: None, tmp_path: Path):
    reached, killed = threading.Event(), threading.Event()
    repository = Repository(RECORDS, 2)

    def answer(path: str) -> Answer:
        if repository.asked == 2 and not killed.is_set():
            reached.set()
            killed.wait(PATIENCE)
        return repository(path)

    with serving(answer) as server, (tmp_path / "worker.log").open("wb") as log:
        harvest = Harvest.objects.create(endpoint=server.url, every_hours=24, next_attempt=timezone.now())
        first = start_worker(tmp_path, log)
        assert reached.wait(PATIENCE)
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
        for pid in (first.pid, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        first.wait(PATIENCE)
        killed.set()
        batch = Batch.objects.get()
        assert (batch.stage, batch.new, Paper.objects.count()) == (Batch.Stage.READING, 4, 4)
        second = start_worker(tmp_path, log)
        try:
            until(lambda: Batch.objects.filter(stage=Batch.Stage.DONE).exists())
        finally:
            second.terminate()
            second.wait(PATIENCE)
    batch, harvest = Batch.objects.get(), Harvest.objects.get()
    assert (batch.new, batch.total, batch.records.count(), harvest.records) == (7, 7, 7, 7)
    assert sum("resumptionToken" not in path for path in server.requests) == 1  # never from the start again
    assert Author.objects.get(name="Ada Lovelace").works_count == 7
    assert harvest.next_attempt
    assert harvest.next_attempt > timezone.now()
