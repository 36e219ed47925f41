"""How a failure is told: one sentence that says what to do, then the end of the log that belongs to it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

TAIL = 1_500  # bytes of a log shown when its process fails: about fifteen lines
FULL = 32_000_000  # bytes; PostgreSQL cannot make a WAL segment (16 MB) and its spare below this
NO_SPACE = "No space left on device"


class ServiceError(Exception):
    """One sentence for the person at the terminal; `tail` is the end of the log that belongs to it."""

    def __init__(self, sentence: str, tail: str = "") -> None:
        super().__init__(sentence)
        self.tail = tail

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.args[0], self.tail)))


def failure(sentence: str, log: Path) -> ServiceError:
    """`sentence` with the end of the log; or the full disk, which explains any other sentence."""
    tail = end_of(log)
    if NO_SPACE in tail or is_full(log.parent):
        return disk_full(log.parent)
    return ServiceError(f"{sentence}. The end of its log ({log}):", tail) if tail else ServiceError(f"{sentence}.")


def disk_full(folder: Path) -> ServiceError:
    """The sentence about a full disk."""
    return ServiceError(f"The disk that holds {folder} is full: make room and run the command again.")


def is_full(folder: Path) -> bool:
    """Is there too little room in `folder` for a server to start?"""
    return shutil.disk_usage(folder).free < FULL


def refusal(error: OSError, folder: Path) -> ServiceError:
    """The sentence for an error of the file system while working in `folder`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(folder)
    return ServiceError(f"BZPEER cannot use {error.filename or folder}: {error.strerror or error}.")


def end_of(log: Path) -> str:
    """The last lines of a log, "" where there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        start = max(0, log.stat().st_size - TAIL)
        file.seek(start)
        if start:
            file.readline()  # most likely not a whole one
        return file.read().decode(errors="replace").strip()
