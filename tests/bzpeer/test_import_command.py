"""manage.py import: files, several of them, pipes, and what cannot be read."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from papers.models import Batch, Paper
from tests.conftest import PARITY, fact

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("import", *arguments, stdout=out)
    return out.getvalue()


def packed(kind: str, folder: Path) -> Path:
    data, path = PARITY.read_bytes(), folder / f"records.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../../escape.jsonl", data)
    else:
        path.write_bytes({"jsonl": data, "gz": gzip.compress(data), "xz": lzma.compress(data)}[kind])
    return path


@pytest.mark.parametrize("kind", ["jsonl", "gz", "xz", "zip"])
def test_a_file_plain_or_packed(kind: str, tmp_path: Path):
    output = run(str(packed(kind, tmp_path)))
    assert Paper.objects.count() == 7
    assert "7" in output


@pytest.mark.parametrize("kind", ["jsonl", "gz", "xz", "zip"])
def test_a_pipe_plain_or_packed(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *args: int) -> int:
            raise io.UnsupportedOperation

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Pipe(packed(kind, tmp_path).read_bytes())))
    run("-")
    assert Paper.objects.count() == 7
    assert Batch.objects.get().label == "standard input"


def test_reasons_are_printed_and_counted(tmp_path: Path):
    lines = [json.dumps(fact(f"2001.{n:05}", ["Ada Lovelace"], created="2999-01-01")) for n in range(9)]
    path = tmp_path / "future.jsonl"
    path.write_text("\n".join([*lines, json.dumps(fact("2001.00099", ["Ada Lovelace"]))]))
    output = run(str(path))
    assert output.count("lies in the future") == 5
    assert f"all 9 at /imports/{Batch.objects.get().pk}/" in output


def test_a_file_that_is_not_there_is_said_before_anything_is_read(tmp_path: Path):
    with pytest.raises(CommandError, match="There is no file at"):
        run(str(PARITY), str(tmp_path / "absent.jsonl"))
    assert not Batch.objects.exists()


def test_a_file_that_cannot_be_read_does_not_stop_the_next(tmp_path: Path):
    broken = tmp_path / "broken.gz"
    broken.write_bytes(b"\x1f\x8b\x08\x00nonsense")
    with pytest.raises(CommandError):
        run(str(broken), str(PARITY))
    assert Paper.objects.count() == 7


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_bomb_is_refused_and_what_came_before_it_is_kept(pack, tmp_path: Path):
    bomb = tmp_path / "bomb"
    bomb.write_bytes(pack(PARITY.read_bytes() + b'{"id": "2001.00001", "title": "' + b"a" * 200_000_000))
    with pytest.raises(CommandError, match=r"bomb|unpack|times"):
        run(str(bomb))
    assert Paper.objects.count() == 7


def test_a_log_gets_a_line_a_step_and_no_control_characters(capsys: pytest.CaptureFixture[str]):
    run(str(PARITY))
    said = capsys.readouterr().err
    assert "xiangning_chen.jsonl: reading records" in said.splitlines()[0]
    assert "xiangning_chen.jsonl: done" in said
    assert "\x1b" not in said
    assert "\r" not in said


def test_the_same_command_again_after_the_end_is_a_new_import():
    run(str(PARITY))
    run(str(PARITY))
    assert list(Batch.objects.order_by("pk").values_list("new", "unchanged")) == [(7, 0), (0, 7)]


def test_an_import_of_another_file_or_another_source_is_not_gone_on_with(tmp_path: Path):
    run(str(PARITY))
    Batch.objects.update(stage=Batch.Stage.FAILED, problem="Interrupted.")
    (tmp_path / "more.jsonl").write_bytes(PARITY.read_bytes() + b"\n")
    run(str(tmp_path / "more.jsonl"))
    assert Batch.objects.count() == 2
    assert "Going on with import" in run(str(PARITY))
    assert Batch.objects.count() == 2
