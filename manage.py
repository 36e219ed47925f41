#!/usr/bin/env python3
"""BZPEER's one door: `python3 manage.py up` starts everything, `python3 manage.py test` runs the tests, and
`python3 manage.py <command>` is any Django command.

Problem: a machine with only CPython 3.11+ and pip must get from a clone to pages with one command.
Idea: where the packages are missing, make .venv from the hash-locked file and go on inside it. uv does that in a third
of pip's time, and pip is the fallback (BZPEER_INSTALLER=pip chooses it). A stamp, written last, says which lock file
.venv was made from: an interrupted set-up leaves none and is done again. A lock on the checkout lets only one process
set up at a time. Where the right packages are installed already (a container), nothing special happens.
Only the standard library is used here.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "made-from"
LOCK = CHECKOUT / "requirements.lock"
TEST_LOCK = CHECKOUT / "requirements-dev.lock"  # all of requirements.lock, and the test tools
UV = "uv==0.13.8"
ROOM = 1_000_000_000  # bytes: the packages take 0.6 GB, and pip unpacks before it moves
# Installed in exactly the locked versions, these stand for all the others.
SIGNS = {LOCK: ("django", "celery", "psycopg", "scipy"), TEST_LOCK: ("django", "celery", "psycopg", "pytest-django")}


class SetUpError(Exception):
    """One sentence for the person at the terminal."""


def main(arguments: list[str]) -> int:
    """Set up if necessary, then run the command. Returns the exit code."""
    lock = TEST_LOCK if arguments[:1] == ["test"] else LOCK
    try:
        enter_environment(lock, arguments)
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("The set-up was interrupted; the next start does it again.", file=sys.stderr)
        return 130
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bzpeer.settings")
    if arguments[:1] == ["up"]:
        from bzpeer.up import main as up

        return up(arguments[1:])
    if arguments[:1] == ["test"]:
        import pytest

        os.chdir(CHECKOUT)
        return int(pytest.main(arguments[1:]))
    from bzpeer.command import run

    return run(arguments)


def enter_environment(lock: Path, arguments: list[str]) -> None:
    """Return where the packages of `lock` are importable; elsewhere, go on in .venv (exec) and do not return."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is what an older Python is started with
        raise SetUpError(f"BZPEER needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if is_installed(lock):
        return
    command = [str(CHECKOUT / "manage.py"), *arguments]
    if Path(sys.prefix).resolve() == VENV.resolve():
        if is_made_from(lock):
            raise SetUpError(f"Packages are missing in {VENV}: delete that folder and run the command again.")
        outside = str(getattr(sys, "_base_executable", "python3"))  # .venv cannot renew itself: it has no pip
        os.execvp(outside, [outside, *command])  # noqa: S606
    if not is_made_from(lock):
        with only_one_set_up():
            if not is_made_from(lock):  # while we waited, another process may have made it
                set_up(lock)
    os.execv(PYTHON, [str(PYTHON), *command])  # noqa: S606 - the same command, in the same process


def is_installed(lock: Path) -> bool:
    """Does this interpreter have the locked packages?"""
    pins = set(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE))
    try:
        return all((name, importlib.metadata.version(name)) in pins for name in SIGNS[lock])
    except importlib.metadata.PackageNotFoundError:
        return False


def is_made_from(lock: Path) -> bool:
    """Is .venv whole and made from `lock`, or from the lock of the tests, which holds all of it?"""
    if not (STAMP.exists() and PYTHON.exists()):
        return False
    return STAMP.read_text() in {stamp(lock), stamp(TEST_LOCK)}


def stamp(lock: Path) -> str:
    """What .venv depends on: the lock's content, its own place, and the interpreter it borrows."""
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()}\n{VENV}\n{PYTHON.resolve()}\n"


@contextlib.contextmanager
def only_one_set_up() -> Iterator[None]:
    """Hold the lock of the checkout; the system releases it with the process, however that ends."""
    import fcntl

    folder = os.open(CHECKOUT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of .venv to end")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def set_up(lock: Path) -> None:
    """Make .venv from `lock`, or add the test tools to one made from the other. Raises SetUpError."""
    began = time.monotonic()
    say("setting up .venv (once; about a minute)")
    try:
        if not (lock == TEST_LOCK and is_made_from(LOCK)):
            make_empty()
        STAMP.unlink(missing_ok=True)
        install(lock)
        STAMP.write_text(stamp(lock))
    except OSError as error:
        raise SetUpError(no_room() or f"The environment {VENV} could not be made: {error}") from error
    say(f".venv is ready after {time.monotonic() - began:.0f} seconds")


def make_empty() -> None:
    """A virtual environment without pip: systems that split ensurepip off can make that too."""
    import venv

    STAMP.unlink(missing_ok=True)
    venv.EnvBuilder(with_pip=False, clear=True, symlinks=True).create(VENV)


def install(lock: Path) -> None:
    """Install the locked packages, checked by their hashes, by uv or else by pip. Raises SetUpError."""
    if importlib.util.find_spec("pip") is None:
        raise SetUpError("pip is missing: install it (python3-pip in Debian and Ubuntu) and run the command again.")
    checked = ["--quiet", "--require-hashes", "--only-binary=:all:", "-r", str(lock)]
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--disable-pip-version-check", "--no-input"]
    if os.environ.get("BZPEER_INSTALLER") != "pip" and succeeds([*pip, "--quiet", UV]) is None:
        uv = [str(VENV / "bin" / "uv"), "pip", "install", "--python", str(PYTHON)]
        if succeeds([*uv, *checked]) is None:
            return
        say("uv did not succeed: trying pip, which takes some minutes")
    if (message := succeeds([*pip, *checked])) is not None:
        raise SetUpError(
            no_room(message)
            or f"The packages could not be installed: check the network (or pip's settings for an index) and run the "
            f"command again. The installer said: {message}"
        )


def succeeds(command: list[str]) -> str | None:
    """None if the command succeeds, else its last line. It gets no input: that belongs to the command to come."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    lines = [line.strip() for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    return None if result.returncode == 0 else (lines[-1] if lines else f"it ended with code {result.returncode}")


def no_room(message: str = "No space left") -> str:
    """The sentence about a full disk, "" if that is not what `message` and the disk say."""
    if "No space left" in message and shutil.disk_usage(CHECKOUT).free < ROOM:
        return f"The disk that holds {CHECKOUT} is full: the packages need 1 GB. Make room and run the command again."
    return ""


def say(line: str) -> None:
    """Progress goes to stderr: a command's output may be read by another program."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
