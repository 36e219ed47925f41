"""manage.py import, killed at random moments and started again, ends as if it had never been killed."""

from __future__ import annotations

import io
import json
import multiprocessing
import random
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from papers import importing
from papers.models import Batch, BatchRecord, Paper, PaperTopic, Signature
from profiles.models import Assignment, Author
from tests.conftest import fact

NAMES = ("Ada Lovelace", "Charles Babbage", "Mary Somerville", "Luigi Menabrea", "Wei Wang", "A. Lovelace", "Li Na")
SUBJECTS = ("cs.LG", "stat.ML", "math.AG", "hep-th")
# Moments at which a run is killed, in seconds from its start; they grow, so that a slow machine gets there too.
EARLIEST, LATER = 0.4, 0.1


def records(rng: random.Random) -> list[bytes]:
    """300 lines: papers, newer and older versions of them with other names, repeats, and lines that are refused."""
    lines: list[dict[str, Any]] = []
    for number in range(300):
        id = rng.randrange(number + 1) if rng.random() < 0.3 else number
        more = {"categories": rng.sample(SUBJECTS, 2), "updated": f"20{rng.randrange(20, 24)}-05-05"}
        lines.append(fact(f"2001.{id:05}", rng.sample(NAMES, 3), title=f"Notes {id}", **more))
    broken = {rng.randrange(300) for _ in range(8)}
    return [b"{broken" if at in broken else json.dumps(line).encode() for at, line in enumerate(lines)]


def state() -> dict[str, list[Any]]:
    """All that an import leaves, by what was printed and not by row ids or by when it was written."""
    left_out = {"id", "search", "digest", "changed_at"}
    columns = [field.name for field in Paper._meta.concrete_fields if field.name not in left_out]
    clusters: dict[int, list[tuple[str, int]]] = {}
    for author, *printed in Assignment.objects.values_list(
        "author", "signature__paper__arxiv_id", "signature__position"
    ):
        clusters.setdefault(author, []).append(tuple(printed))  # type: ignore[arg-type]
    signatures = ("paper__arxiv_id", "position", "printed", "family_key", "given_key", "surname_key")
    found: dict[str, Any] = {
        "papers": Paper.objects.values_list(*columns),
        "digests": ((id, bytes(digest or b"")) for id, digest in Paper.objects.values_list("arxiv_id", "digest")),
        "signatures": Signature.objects.values_list(*signatures),
        "topics": PaperTopic.objects.values_list("paper__arxiv_id", "topic__name"),
        "fates": BatchRecord.objects.values_list("number", "fate", "source_id", "reason", "paper__arxiv_id"),
        "counts": Batch.objects.values_list("stage", "new", "updated", "unchanged", "refused", "checkpoint"),
        "clusters": map(sorted, clusters.values()),
        "authors": Author.objects.filter(works_count__gt=0).values_list(
            "name", "works_count", "trust__score", "trust__level"
        ),
    }
    return {what: sorted(map(repr, rows)) for what, rows in found.items()}


def _import(path: Path) -> None:
    connections.close_all()
    call_command("import", str(path), stdout=io.StringIO())


def run_with_kills(path: Path, rng: random.Random) -> int:
    """Start the command until it comes to its end; returns how often it was killed."""
    kills = 0
    while True:
        connections.close_all()
        process = multiprocessing.get_context("fork").Process(target=_import, args=(path,))
        process.start()
        process.join(rng.uniform(0, EARLIEST + LATER * kills))
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
        # Killed between its last commit and its exit it had come to its end: run again, it would be another import.
        if process.exitcode == 0 or Batch.objects.filter(stage=Batch.Stage.DONE).exists():
            return kills


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_moment_the_same_command_goes_on_and_ends_as_if_never_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(importing, "CHUNK", 20)
    kills, seeds = 0, count(1)
    while kills < 20:  # a fast machine comes to the end after fewer of them
        seed = next(seeds)
        path = tmp_path / f"{seed}.jsonl"
        path.write_bytes(b"\n".join(records(random.Random(seed))))
        call_command("flush", verbosity=0, interactive=False)
        _import(path)
        uninterrupted = state()
        call_command("flush", verbosity=0, interactive=False)
        kills += run_with_kills(path, random.Random(f"kills {seed}"))
        assert state() == uninterrupted, f"seed {seed}"


@pytest.mark.django_db
def test_a_pipe_that_goes_on_must_be_the_one_that_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from types import SimpleNamespace

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(importing, "CHUNK", 3)
    monkeypatch.setattr("papers.sources.HEAD_BYTES", 200)
    lines = [json.dumps(fact(f"2001.{n:05}", ["Ada Lovelace"], title=f"Notes {n}")).encode() for n in range(10)]

    def pipe(lines: list[bytes]) -> None:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Pipe(b"\n".join(lines))))
        call_command("import", "-", stdout=io.StringIO())

    def killed(*args: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr("bzpeer.pipeline._finish", killed)
        with pytest.raises(KeyboardInterrupt):
            pipe(lines[:6])
    with pytest.raises(CommandError, match="This is not the input that import"):
        pipe([*lines[:3], lines[9], *lines[4:]])
    assert Paper.objects.count() == 6
    pipe(lines)
    assert Paper.objects.count() == 10
    batch = Batch.objects.get()
    assert (batch.stage, batch.new, batch.unchanged) == (Batch.Stage.DONE, 10, 0)
