"""A preview says exactly what the import then does, and leaves nothing behind."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.management import call_command

from bzpeer import pipeline, previews, tasks
from papers import differences, stages
from papers.models import Batch, Paper
from papers.streams import UnreadableFile
from profiles.models import Account, Assignment, Author, Move
from tests.conftest import fact

pytestmark = pytest.mark.django_db

Bring = Callable[..., Batch]


def rows() -> dict[str, list[dict[str, Any]]]:
    """Everything that BZPEER's own tables hold."""
    models = [m for m in apps.get_models() if m._meta.app_label in {"papers", "profiles", "graph", "trust"}]
    return {m._meta.label: list(m._default_manager.order_by("pk").values()) for m in models}


def data(*records: dict[str, Any] | bytes) -> bytes:
    return b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in records) + b"\n"


def uploaded(content: bytes) -> Batch:
    return Batch.objects.create(label="test", file=ContentFile(content, "test.jsonl"), stage=Batch.Stage.PREVIEWING)


NEWER: list[dict[str, Any] | bytes] = [
    fact("2001.00001", ["Ada Lovelace"], title="Engines", updated="2021-01-01"),
    fact("2001.00002", ["Ada Lovelace", "Mary Somerville"], title="Notes"),
    fact("2001.00003", ["Charles Babbage"], title="Kept"),
    b"{broken",
]


@pytest.fixture
def known(bring: Bring) -> Batch:
    return bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage", "Luigi Menabrea"], title="Engines"),
        fact("2001.00003", ["Charles Babbage"], title="Kept"),
    )


def test_a_preview_writes_nothing(known: Batch):
    before = rows()
    pipeline.tried(Batch(label="test"), io.BytesIO(data(*NEWER)))
    assert rows() == before


def test_what_was_previewed_is_what_applying_does(known: Batch):
    newest = {model: model.objects.order_by("-pk").values_list("pk", flat=True)[0] for model in (Author,)}[Author]
    found = pipeline.tried(Batch(label="test"), io.BytesIO(data(*NEWER)))
    batch = pipeline.process(Batch.objects.create(label="test").pk, io.BytesIO(data(*NEWER)))
    assert found.counts == {"new": 1, "updated": 1, "unchanged": 1, "refused": 1}
    assert found.counts == {fate: getattr(batch, fate) for fate in found.counts}
    done = list(batch.records.order_by("number"))
    foretold = sorted(found.records, key=lambda record: record.number)
    assert [(r.number, r.fate, r.reason, r.before) for r in foretold] == [
        (r.number, r.fate, r.reason, r.before) for r in done
    ]
    written = differences.afters(done)
    said, says = (
        [str(difference) for r in records for difference in differences.differences(r.before, after(r))]
        for records, after in ((foretold, lambda r: r.after), (done, lambda r: written.get(r.pk)))
    )
    assert said == says
    made = Author.objects.filter(pk__gt=newest, assignments__isnull=False).distinct()
    assert sorted(person["name"] for person in found.report["made"]) == sorted(author.name for author in made)
    assert [(m["kind"], m["count"], m["source"]["id"], m["reason"]) for m in found.report["moves"]] == list(
        Move.objects.order_by("pk").values_list("kind", "count", "source", "reason")
    )


def test_people_who_would_be_merged_are_named_with_the_reason_and_the_address_that_moves(bring: Bring):
    bring(
        fact("2001.00001", ["Wei Wang", "Ada Lovelace"], title="Notes on the engine"),
        fact("2001.00002", ["Wei Wang", "Mary Somerville"], title="Knitting by hand", categories=["econ.GN"]),
    )
    apart = Author.objects.filter(name="Wei Wang", merged_into=None).count()
    bridge = [
        fact(f"2002.0000{n}", ["Wei Wang", "Ada Lovelace", "Mary Somerville"], title=f"Notes on knitting {n}")
        for n in range(4)
    ]
    found = pipeline.tried(Batch(label="test"), io.BytesIO(data(*bridge)))
    bring(*bridge)
    merged = Move.objects.get(kind="merged")
    assert (apart, found.report["moved"]) == (2, {"merged": 1})
    [move] = found.report["moves"]
    assert (move["source"]["id"], move["target"]["id"], move["reason"]) == (
        merged.source_id,
        merged.target_id,
        merged.reason,
    )
    [address] = found.report["addresses"]
    assert address["source"]["id"] == merged.source_id
    assert address["target"]["id"] == merged.source.merged_into_id


def test_beyond_the_limit_only_records_are_previewed(known: Batch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(previews, "MOST_SIGNATURES", 2)
    found = pipeline.tried(Batch(label="test"), io.BytesIO(data(*NEWER)))
    assert found.report == {"signatures": 4, "previewed": False}
    assert found.counts["updated"] == 1


def test_a_proposed_batch_waits_for_a_person_and_applies_when_told(known: Batch):
    batch = uploaded(data(*NEWER))
    tasks.process_batch(batch.pk)
    batch.refresh_from_db()
    assert (batch.stage, batch.new, batch.refused) == ("proposed", 1, 1)
    assert not Paper.objects.filter(arxiv_id="2001.00002").exists()
    assert not Batch.objects.running().exists()
    assert stages.apply(batch, Account.objects.create_user("carol"))
    tasks.process_batch(batch.pk)
    batch.refresh_from_db()
    assert (batch.stage, batch.new, batch.total) == ("done", 1, 4)
    assert Paper.objects.filter(arxiv_id="2001.00002").exists()


def test_a_preview_that_was_killed_runs_again(known: Batch, monkeypatch: pytest.MonkeyPatch):
    batch, before = uploaded(data(*NEWER)), rows()

    def killed(*given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(previews, "_people", killed)
        with pytest.raises(KeyboardInterrupt):
            tasks.process_batch(batch.pk)
    assert rows() == before
    tasks.process_batch(batch.pk)
    batch.refresh_from_db()
    assert batch.stage == "proposed"


def test_a_file_that_cannot_be_read_is_said_at_once(db: None):
    with pytest.raises(UnreadableFile):
        pipeline.tried(Batch(label="test"), io.BytesIO(b"%PDF-1.7"))
    batch = uploaded(b"%PDF-1.7")
    tasks.process_batch(batch.pk)
    batch.refresh_from_db()
    assert batch.stage == "failed"
    assert batch.problem.endswith(".")


def test_a_dry_run_prints_the_report_and_leaves_nothing(known: Batch, tmp_path: Path):
    path = tmp_path / "newer.jsonl"
    path.write_bytes(data(*NEWER))
    before, out = rows(), StringIO()
    call_command("import", str(path), dry_run=True, stdout=out)
    assert rows() == before
    said = out.getvalue()
    assert "record 1 2001.00001 would be updated:" in said
    assert "Authors: −Charles Babbage, −Luigi Menabrea" in said
    assert "record 4  would be refused: The line is not JSON" in said
    assert "“Luigi Menabrea” on 2001.00001: a newer version no longer prints it" in said
    assert "would be gone" in said


def test_every_signature_still_has_one_author(known: Batch):
    pipeline.tried(Batch(label="test"), io.BytesIO(data(*NEWER)))
    assert Counter(Assignment.objects.values_list("signature", flat=True)).most_common(1)[0][1] == 1
