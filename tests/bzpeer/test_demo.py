"""The first start: what `up` asks for before it says that BZPEER is ready."""

from __future__ import annotations

import io
import json
import re

import pytest
from celery import current_app
from django.core.files import File
from django.core.management import call_command

from bzpeer import demo, pipeline
from papers.models import Batch, Paper
from profiles.models import Account, Author
from tests.conftest import fact

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch, settings, tmp_path) -> list[int]:
    """Works the batch off at once, in this process, in place of a worker; the ids it was sent."""
    settings.MEDIA_ROOT = tmp_path
    sent: list[int] = []

    def send_task(name: str, arguments: list[int]) -> None:
        assert name == "bzpeer.process_batch"
        sent.extend(arguments)
        pipeline.process(arguments[0])

    monkeypatch.setattr(current_app, "send_task", send_task)
    short = tmp_path / "demo.jsonl"
    short.write_bytes(b"".join(demo.RECORDS.open("rb").readlines()[:20]))
    monkeypatch.setattr(demo, "RECORDS", short)
    return sent


def test_the_first_start_imports_and_makes_an_account_that_is_shown_once(worker: list[int], client):
    said: list[str] = []
    demo.ensure(said.append)
    assert Batch.objects.get().new == 20
    password = re.search(r"password (\S+)", " ".join(said))
    assert password
    assert client.login(username="demo", password=password[1])
    demo.ensure(said.append)
    assert (len(worker), Account.objects.count()) == (1, 1)
    assert sum("password" in line for line in said) == 1


def test_an_import_that_was_cut_short_is_finished_by_the_next_start(worker: list[int]):
    cut = Batch.objects.create(label="Demo records", stage=Batch.Stage.READING)
    with demo.RECORDS.open("rb") as records:
        cut.file.save("demo.jsonl", File(records))
    demo.ensure(lambda line: None)
    assert worker == [cut.pk]
    assert Batch.objects.get().stage == Batch.Stage.DONE


def test_records_of_ones_own_come_instead_of_the_demo(worker: list[int]):
    Batch.objects.create(label="mine", stage=Batch.Stage.DONE)
    demo.ensure(lambda line: None)
    assert worker == []


def test_a_batch_that_stops_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path):
    nonsense = tmp_path / "nonsense.jsonl"
    nonsense.write_text("not a record")
    monkeypatch.setattr(demo, "RECORDS", nonsense)
    with pytest.raises(RuntimeError, match="could not be imported"):
        demo.ensure(lambda line: None)


def test_the_demo_gives_way_to_records_of_ones_own_and_keeps_what_they_share(tmp_path, client):
    demo.ensure(lambda line: None)
    known = demo.RECORDS.read_bytes().splitlines()[0]
    mine = tmp_path / "mine.jsonl"
    mine.write_bytes(known + b"\n")
    call_command("import", str(mine), stdout=io.StringIO())
    kept = Paper.objects.get(arxiv_id=json.loads(known)["id"])
    mine.write_text(json.dumps(fact("2001.00001", ["Ada Lovelace"])))
    call_command("import", str(mine), "--replace-demo", stdout=io.StringIO())
    assert set(Paper.objects.values_list("arxiv_id", flat=True)) == {kept.arxiv_id, "2001.00001"}
    assert Author.objects.filter(works_count__gt=0).count() == kept.signatures.count() + 1
    assert not Author.objects.filter(stale=True).exists()
