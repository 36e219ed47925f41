"""Child processes that stop in order, tell why they failed, and do not outlive us.

Problem: a server, a worker and web processes must stop with the command that started them, even when that command is
killed (SIGKILL runs no clean-up).
Idea: on Linux the kernel sends each child a signal at our death (`PR_SET_PDEATHSIG`); elsewhere, and for grandchildren,
the next start finds what is left by its command line and ends it. Each child leads a session of its own, so a Ctrl-C
in the terminal reaches only us and the order of stopping is ours.
Entry points: `launch`, `until_ready`, `Child.stop`, `end_leftovers`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .account import Account
from .failures import NO_SPACE, ServiceError, end_of, failure

LOG_LIMIT = 5_000_000  # bytes; a larger log becomes .old at the next start: two such files are weeks of normal use
PATIENCE = 60.0  # seconds for a server to answer: crash recovery on a slow disk takes tens of seconds
GRACE = 15.0  # seconds in which a server that ends at once is started again: a killed run's backends hold its memory
KILLED = 5.0  # seconds to wait after SIGKILL, which only a process stuck in the kernel outlives
_PR_SET_PDEATHSIG = 1

Ladder = Sequence[tuple[signal.Signals, float]]


@dataclass
class Child:
    """A process we started: its log, and the ladder of (signal, seconds to wait) by which it is stopped."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ladder: Ladder

    def stop(self) -> None:
        """Climb the ladder until it ends; at its top the whole session is killed."""
        for step, seconds in self.ladder:
            if self.process.poll() is not None:
                break
            self.process.send_signal(step)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        if self.process.returncode != 0:
            self._sweep()

    def _sweep(self) -> None:
        """What a process that did not end well may have left in its session."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(KILLED)

    def failure(self) -> ServiceError:
        """The sentence about its unexpected end, with the end of its log."""
        code = self.process.returncode
        how = f"was killed by {signal.Signals(-code).name}" if code and code < 0 else f"ended with code {code}"
        return failure(f"{self.name} {how} while BZPEER ran", self.log)


def launch(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    ladder: Ladder,
    at_our_death: signal.Signals,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path = Path("/"),
) -> Child:
    """Start `command` in the background, writing to `log`. `account` is whom it runs as, where not as ourselves."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.old"))
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=before_exec(at_our_death, account),
            **(account.popen_options() if account else {}),
        )
    return Child(name, process, log, ladder)


def before_exec(at_our_death: signal.Signals, account: Account | None = None) -> Callable[[], None]:
    """What the child does between fork and exec: leave uid 0 where it must, and tie its life to ours (Linux)."""
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def prepare() -> None:
        if account and account.namespace:
            account.enter_namespace()
        if libc:
            libc.prctl(_PR_SET_PDEATHSIG, int(at_our_death))
            if os.getppid() != parent:  # we died between the fork and the line above
                os.kill(os.getpid(), at_our_death)

    return prepare


def until_ready(start: Callable[[], Child], ready: Callable[[], bool]) -> Child:
    """Start a server and return it once it answers; one that ends at once is started again during the grace.

    Raises ServiceError, with the end of its log, when it does not answer in time."""
    began = time.monotonic()
    child = start()
    try:
        while not ready():
            waited = time.monotonic() - began
            ended = child.process.poll() is not None
            if ended and (waited > GRACE or NO_SPACE in end_of(child.log)):
                raise failure(f"{child.name} did not start", child.log)
            if waited > PATIENCE:
                raise failure(f"{child.name} did not answer within {PATIENCE:.0f} seconds", child.log)
            if ended:
                time.sleep(0.3)
                child = start()
            time.sleep(0.03)
    except BaseException:
        child.stop()
        raise
    return child


def end_leftovers(phrase: str, ladder: Ladder) -> int:
    """End the processes of a killed run, those whose command line holds `phrase`; returns how many there were.

    Only for the holder of the instance lock: nobody else's process can then carry the phrase."""
    found = [pid for pid, command in _running() if phrase in command and pid != os.getpid()]
    for step, seconds in (*ladder, (signal.SIGKILL, KILLED)):
        left = [pid for pid in found if _alive(pid)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, step)
        _wait_for(left, seconds)
    return len(found)


def _wait_for(pids: Sequence[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(map(_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError, IndexError):  # a zombie answers signal 0 until its new parent reaps it
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    return True


def _running() -> list[tuple[int, str]]:
    """(pid, command line) of the processes we can see; slim Linux images have no `ps`, other systems no /proc."""
    if sys.platform == "linux":
        return [(int(entry.name), _command_line(entry)) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    listing = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,command="], capture_output=True, text=True).stdout
    rows = (line.strip().partition(" ") for line in listing.splitlines())
    return [(int(pid), command) for pid, _, command in rows if pid.isdecimal()]


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="surrogateescape")
    except OSError:
        return ""
