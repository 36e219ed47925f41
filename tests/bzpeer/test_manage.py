"""The set-up of .venv: made once for each lock file, whole or not at all, and failures told in a sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace

import pytest

import manage

CHECKOUT = Path(__file__).resolve().parents[2]
BASE_PYTHON = str(getattr(sys, "_base_executable", sys.executable))
NO_NETWORK = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",  # the discard port: nobody listens
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_RETRIES": "0",
    "BZPEER_INSTALLER": "pip",
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two short lock files and an interpreter in .venv, for the functions of manage."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "requirements.lock").write_text("a==1\n")
    (tmp_path / "requirements-dev.lock").write_text("a==1\nb==2\n")
    # manage.py sets up with the system's interpreter and its pip; the tests' own environment has none.
    monkeypatch.setattr(sys, "executable", BASE_PYTHON)
    monkeypatch.setitem(sys.modules, "pip", SimpleNamespace(__spec__=ModuleSpec("pip", None)))
    monkeypatch.setattr(manage, "CHECKOUT", tmp_path)
    monkeypatch.setattr(manage, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(manage, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(manage, "STAMP", tmp_path / ".venv" / "made-from")
    monkeypatch.setattr(manage, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(manage, "TEST_LOCK", tmp_path / "requirements-dev.lock")
    return tmp_path


def test_an_environment_without_a_stamp_was_interrupted_and_is_not_used(checkout: Path) -> None:
    assert not manage.is_made_from(manage.LOCK)


def test_an_environment_for_running_does_not_serve_for_testing(checkout: Path) -> None:
    manage.STAMP.write_text(manage.stamp(manage.LOCK))
    assert manage.is_made_from(manage.LOCK)
    assert not manage.is_made_from(manage.TEST_LOCK)


def test_an_environment_for_testing_serves_for_running(checkout: Path) -> None:
    manage.STAMP.write_text(manage.stamp(manage.TEST_LOCK))
    assert manage.is_made_from(manage.LOCK)


def test_a_changed_lock_file_makes_the_environment_stale(checkout: Path) -> None:
    manage.STAMP.write_text(manage.stamp(manage.LOCK))
    manage.LOCK.write_text("a==2\n")
    assert not manage.is_made_from(manage.LOCK)


def test_an_environment_whose_interpreter_has_gone_is_stale(checkout: Path) -> None:
    manage.STAMP.write_text(manage.stamp(manage.LOCK))
    manage.PYTHON.unlink()
    manage.PYTHON.symlink_to(checkout / "gone")
    assert not manage.is_made_from(manage.LOCK)


def test_testing_adds_its_tools_to_an_environment_for_running(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manage.STAMP.write_text(manage.stamp(manage.LOCK))
    installed: list[Path] = []
    monkeypatch.setattr(manage, "make_empty", lambda: pytest.fail("it was emptied"))
    monkeypatch.setattr(manage, "install", installed.append)
    manage.set_up(manage.TEST_LOCK)
    assert installed == [manage.TEST_LOCK]
    assert manage.is_made_from(manage.TEST_LOCK)


def test_a_failed_installation_leaves_no_stamp(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manage.STAMP.write_text(manage.stamp(manage.LOCK))
    monkeypatch.setattr(manage, "succeeds", lambda command: "ERROR: no route to host")
    with pytest.raises(manage.SetUpError, match="check the network"):
        manage.set_up(manage.TEST_LOCK)
    assert not manage.STAMP.exists()


def test_a_full_disk_is_named(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(manage, "succeeds", lambda command: "OSError: [Errno 28] No space left on device")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(free=0))
    with pytest.raises(manage.SetUpError, match="is full: the packages need 1 GB"):
        manage.install(manage.LOCK)


def test_pip_stands_in_where_uv_fails(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.delenv("BZPEER_INSTALLER", raising=False)

    def succeeds(command: list[str]) -> str | None:
        commands.append(command)
        return "no such certificate" if command[0].endswith("/uv") else None

    monkeypatch.setattr(manage, "succeeds", succeeds)
    manage.install(manage.LOCK)
    assert [Path(command[0]).name == "uv" for command in commands] == [False, True, False]
    assert "--require-hashes" in commands[-1]


def test_without_a_network_the_start_says_so_in_one_sentence(tmp_path: Path) -> None:
    copy = _copy(tmp_path / "a path with spaces")
    result = subprocess.run(
        [BASE_PYTHON, copy / "manage.py", "up"], capture_output=True, text=True, env=_environment(NO_NETWORK)
    )
    sentence = result.stderr.splitlines()[-1]
    assert result.returncode == 1
    assert sentence.startswith("The packages could not be installed: check the network")
    assert "Traceback" not in result.stderr


def test_a_second_set_up_waits_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = _copy(tmp_path)
    monkeypatch.setattr(manage, "CHECKOUT", copy)
    with manage.only_one_set_up():
        second = subprocess.Popen(
            [BASE_PYTHON, copy / "manage.py", "up"], stderr=subprocess.PIPE, text=True, env=_environment(NO_NETWORK)
        )
        assert second.stderr is not None
        assert second.stderr.readline() == "waiting for another set-up of .venv to end\n"
    assert "setting up .venv" in second.communicate()[1]


def _copy(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name in ("manage.py", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(CHECKOUT / name, folder / name)
    return folder


def _environment(changes: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))}
    return kept | changes
