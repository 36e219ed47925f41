"""An upload in the admin is worked off by a real Celery worker while its page shows the progress."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from bzpeer import pipeline, tasks
from papers import importing
from papers.models import Batch
from profiles import resolving
from profiles.models import Account, Assignment, Author, PendingGroup
from tests.bzpeer.test_pipeline import people
from tests.conftest import PARITY, REPO_ROOT, with_second_factor, without_ledger

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 300  # seconds; a worker takes about three to start


@pytest.fixture
def media(tmp_path: Path, settings) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def worker(media: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process on the test database and the test broker."""
    with (tmp_path / "worker.log").open("wb") as log:
        process = start_worker(media, log)
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def start_worker(media: Path, log: io.BufferedWriter) -> subprocess.Popen[bytes]:
    database = connection.settings_dict
    address = f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}&password={database['PASSWORD']}&port={database['PORT']}"
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "bzpeer", "worker", "-c", "1", "-l", "INFO"],
        cwd=REPO_ROOT,
        env=os.environ | {"DATABASE_URL": address, "MEDIA_ROOT": str(media)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )


def upload(client: Client, content: bytes, name: str = "records.jsonl") -> Batch:
    response = client.post(
        reverse("admin:papers_batch_add"), {"file": SimpleUploadedFile(name, content), "source": ""}, follow=True
    )
    assert response.status_code == 200
    return Batch.objects.latest("pk")


def wait(batch: Batch) -> Batch:
    deadline = time.monotonic() + PATIENCE
    while batch.is_running and time.monotonic() < deadline:
        time.sleep(0.1)
        batch.refresh_from_db()
    return batch


def test_an_upload_is_worked_off_shown_and_its_refusals_downloaded(client: Client, worker):
    client.force_login(with_second_factor(Account.objects.create_superuser("curator")))
    batch = upload(client, PARITY.read_bytes() + b'{"id": "2001.00001"}\n{"half a record\n')
    assert batch.created_by is not None
    assert client.get(reverse("batch_progress", args=[batch.pk])).status_code == 200
    wait(batch)
    assert (batch.stage, batch.new, batch.refused, batch.total) == (Batch.Stage.DONE, 7, 2, 9)
    assert Author.objects.get(name="Xiangning Chen").trust.score == 21
    page = client.get(batch.get_absolute_url(), {"show": "refused"}).content.decode()
    assert all(record.reason in page for record in batch.records.filter(fate="refused"))
    rows = list(csv.reader(io.StringIO(client.get(reverse("batch_refused", args=[batch.pk])).getvalue().decode())))
    assert [row[0] for row in rows] == ["number", "8", "9"]


def test_a_file_that_cannot_be_read_says_why_on_the_page(client: Client, worker):
    client.force_login(with_second_factor(Account.objects.create_superuser("curator")))
    batch = wait(upload(client, b"\x1f\x8b\x08\x00 this is not gzip", "records.jsonl.gz"))
    assert batch.stage == Batch.Stage.FAILED
    assert batch.problem in client.get(batch.get_absolute_url()).content.decode().replace("&#x27;", "'")


def test_a_batch_whose_message_was_lost_is_sent_again(client: Client, media: Path, worker):
    batch = Batch.objects.create(label="lost", file=SimpleUploadedFile("records.jsonl", PARITY.read_bytes()))
    from bzpeer.tasks import resume_batches

    resume_batches.delay()
    assert wait(batch).stage == Batch.Stage.DONE


def test_a_worker_killed_in_the_middle_of_a_group_loses_nothing_and_repeats_only_that(
    media: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(resolving, "BIN", 5)
    batch = Batch.objects.create(label="killed", stage=Batch.Stage.RESOLVING)
    importing.run(batch, io.BytesIO(PARITY.read_bytes()), lambda batch: None)
    resolving.plan(batch)
    groups = list(batch.pending_groups.order_by("pk"))
    with connection.cursor() as cursor, (tmp_path / "worker.log").open("wb") as log:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [groups[1].surnames[0]])  # there the worker will wait
        process = start_worker(media, log)
        tasks.resolve_groups.delay(batch.pk)
        until(lambda: waits_for_a_surname(cursor))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for pid in (process.pid, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        process.wait(PATIENCE)
        done = dict(Assignment.objects.values_list("signature", "author"))
        assert len(done) == groups[0].signatures
        assert set(batch.pending_groups.values_list("pk", flat=True)) == {group.pk for group in groups[1:]}
        cursor.execute("SELECT pg_advisory_unlock_all()")
    until(lambda: not (resolving.resolve_next(batch.pk) or PendingGroup.objects.exists()))
    assert done.items() <= dict(Assignment.objects.values_list("signature", "author")).items()
    after_the_kill = people()
    without_ledger()
    Author.objects.all().delete()
    pipeline.process(Batch.objects.create(label="by one").pk, io.BytesIO(PARITY.read_bytes()))
    assert people() == after_the_kill


def waits_for_a_surname(cursor) -> bool:
    """Whether somebody waits in this database: pg_locks shows those that other runs of the tests wait for as well."""
    cursor.execute(
        "SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
    )
    return cursor.fetchone() is not None


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_batches_are_for_those_who_may_import(client: Client):
    batch = Batch.objects.create(label="secret")
    for name in ("batch", "batch_progress", "batch_refused"):
        address = reverse(name, args=[batch.pk])
        assert client.get(address).status_code == 302
    client.force_login(Account.objects.create_user("reader"))
    assert client.get(batch.get_absolute_url()).status_code == 403
