"""`manage.py up`: everything that BZPEER is made of, on this machine, until Ctrl-C.

Order: servers, migrations, then worker, scheduler and web, then the demo records through that worker. Stopping goes
the other way. Ctrl-C, SIGTERM and SIGHUP raise `Stop` wherever we are; the end of a child (SIGCHLD) raises the
sentence about it wherever we are, so that nobody waits for a worker that has died. Where that is a destructor, Python
drops it, so it is raised again until it is heard.
Entry point: `main`.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import http.client
import ipaddress
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError

from .environment import text, whole
from .services import ServiceError, Services
from .services.failures import NO_SPACE, disk_full, failure, refusal
from .services.places import CHECKOUT
from .services.processes import PATIENCE, Child, Ladder, end_leftovers, launch

WEB_PROCESSES, WEB_THREADS = 2, 4  # eight pages at a time; pages wait for PostgreSQL more than for Python
WORKERS_AT_MOST = 4  # a laptop keeps cores for its person; BZPEER_WORKERS asks for more
WEB_LADDER: Ladder = ((signal.SIGTERM, 8.0), (signal.SIGQUIT, 3.0))  # finish the pages, then drop them
BEAT_LADDER: Ladder = ((signal.SIGTERM, 5.0),)
# Finish the task, then drop it: tasks are acknowledged late, so a dropped one runs again at the next start.
WORKER_LADDER: Ladder = ((signal.SIGTERM, 8.0), (signal.SIGQUIT, 5.0))
# Of a killed run: its pool processes have lost their master and do not hear SIGTERM.
LEFTOVER_LADDER: Ladder = ((signal.SIGTERM, 1.0),)
AGAIN_SECONDS = 0.3  # between two attempts to be heard

_began = time.monotonic()


class Stop(BaseException):
    """The person, or the system, asked us to stop."""


@dataclass(frozen=True)
class Address:
    """Where the pages are served."""

    host: str
    port: int

    @classmethod
    def parse(cls, value: str) -> Address:
        """HOST:PORT; raises argparse's error for anything else."""
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise argparse.ArgumentTypeError(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8000")
        return cls(host.strip("[]"), int(port))

    @property
    def bind(self) -> str:
        """As gunicorn and URLs write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> Address:
        """The same address as seen from this machine: one cannot visit "all interfaces"."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
        return Address(everywhere.get(self.host, self.host), self.port)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"

    def refuse_if_taken(self) -> None:
        """Raise ServiceError if nobody could listen there: better now than after the slow work."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise ServiceError(f"BZPEER cannot serve at {self.bind}: {error.strerror}.") from None
                other = Address(self.host, self.port + 1).bind
                raise ServiceError(
                    f"Port {self.port} of {self.host} is in use: stop what uses it, or choose another with "
                    f"`python3 manage.py up --bind {other}`."
                ) from None

    def status(self, path: str) -> int | None:
        """The HTTP status of a page; None while nobody answers."""
        connection = http.client.HTTPConnection(self.local.host, self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()


def main(arguments: Sequence[str]) -> int:
    """Run until stopped; returns the exit code: 0 after Ctrl-C or `--once`, 1 after a failure (told on stderr)."""
    options = _options(arguments)
    try:
        services = Services(report=say)
    except ServiceError as error:
        return _tell(error)
    children: list[Child] = []
    try:
        with _signals(services.children, children):
            _run(options.bind, options.once, services, children)
    except Stop:
        return 0
    except (ServiceError, ImproperlyConfigured) as error:
        return _tell(error)
    except Exception:
        # The sentence about a child that ended is lost if it was raised inside a destructor; this is then its echo.
        if ended := _ended([*services.children, *children]):
            return _tell(ended)
        raise
    finally:
        _stop(children, services)
    return 0


def say(line: str) -> None:
    """One line of progress, with the seconds since the start. A terminal that has gone is no reason to fail."""
    with contextlib.suppress(OSError):
        print(f"[{time.monotonic() - _began:5.1f}s] {line}", flush=True)


def _tell(error: Exception) -> int:
    print(error, file=sys.stderr, flush=True)
    return 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py up", description="Start all of BZPEER; Ctrl-C stops it.")
    parser.add_argument("--once", action="store_true", help="stop when the demo records are in and one page was served")
    default = text("BZPEER_BIND", "127.0.0.1:8000")
    parser.add_argument("--bind", type=Address.parse, default=default, metavar="HOST:PORT", help=f"default {default}")
    return parser.parse_args(arguments)


def _run(address: Address, once: bool, services: Services, children: list[Child]) -> None:
    home = services.places.home
    try:
        services.own("manage.py up")
        end_leftovers(f"bzpeer={services.places.mark} ", LEFTOVER_LADDER)
        address.refuse_if_taken()
        services.configure()
        _make_local(address, services)
        django.setup()
        services.start("manage.py up")
        _migrate(home)
        _launch_all(address, services, children)
        _fill()
    except OSError as error:
        raise refusal(error, home) from error
    if once:
        if (status := address.status("/")) != 200:
            raise failure(f"The first page answered {status} instead of 200", services.places.log("web"))
        say("the first page was served")
        return
    say(f"BZPEER is at http://{address.local.bind} (Ctrl-C stops it)")
    while True:
        time.sleep(1)
        _raise_if_ended([*services.children, *children])


def _make_local(address: Address, services: Services) -> None:
    """Links in mail lead here. Where only this machine comes in, the demo account needs no second factor."""
    os.environ.setdefault("SITE_URL", f"http://{address.local.bind}")
    if services.postgres and address.is_loopback:
        os.environ.setdefault("SECOND_FACTOR_EXEMPT", "demo")


def _migrate(home: Path) -> None:
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        if NO_SPACE in str(error):
            raise disk_full(home) from error
        raise ServiceError(f"The database could not be migrated: {error}") from error
    say("database migrated")


def _launch_all(address: Address, services: Services, children: list[Child]) -> None:
    schedule = services.places.home / "beat-schedule"
    processes = whole("BZPEER_WORKERS", min(WORKERS_AT_MOST, os.cpu_count() or 1), least=1)
    celery = ["celery", "-A", "bzpeer"]
    plans: list[tuple[str, list[str], Ladder]] = [
        ("worker", [*celery, "worker", "-c", str(processes), "-l", "INFO", "-n", "bzpeer@%h"], WORKER_LADDER),
        ("scheduler", [*celery, "beat", "-l", "INFO", "-s", str(schedule), "--pidfile="], BEAT_LADDER),
        ("web", ["gunicorn", "bzpeer.wsgi", *_web_options(address)], WEB_LADDER),
    ]
    for log_name, words, ladder in plans:
        # -X only marks the process, so that the next start can find it if we are killed.
        command = [sys.executable, "-X", f"bzpeer={services.places.mark}", "-m", *words]
        log = services.places.log(log_name)
        child = launch(f"The {log_name}", command, log, ladder=ladder, at_our_death=signal.SIGQUIT, folder=CHECKOUT)
        children.append(child)
    deadline = time.monotonic() + PATIENCE
    while address.status("/healthz") is None:
        if time.monotonic() > deadline:
            raise failure(f"The web process did not answer within {PATIENCE:.0f} seconds", services.places.log("web"))
        time.sleep(0.1)
    say(f"worker ({processes} processes), scheduler and web started")


def _web_options(address: Address) -> list[str]:
    size = ["--workers", str(WEB_PROCESSES), "--threads", str(WEB_THREADS), "--worker-class", "gthread"]
    # The control socket would be made in the person's home.
    return ["--bind", address.bind, *size, "--graceful-timeout", "5", "--no-control-socket"]


def _fill() -> None:
    from . import demo  # its models can be imported only after the set-up of Django

    try:
        demo.ensure(say)
    except (TimeoutError, RuntimeError) as error:
        raise ServiceError(str(error)) from error
    except DatabaseError as error:
        raise ServiceError(f"The database failed while the demo records came in: {error}") from error


def _ended(children: Sequence[Child]) -> ServiceError | None:
    """The sentence about the first child that has ended."""
    return next((child.failure() for child in children if child.process.poll() is not None), None)


def _raise_if_ended(children: Sequence[Child]) -> None:
    if ended := _ended(children):
        raise ended


@contextlib.contextmanager
def _signals(*watched: Sequence[Child]) -> Iterator[None]:
    """Raise `Stop` when asked to stop, and the sentence about a watched child when it ends."""
    asked = False

    def again() -> None:
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS, AGAIN_SECONDS)

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        again()
        raise Stop

    def look(number: int, frame: FrameType | None) -> None:
        for children in watched:
            if ended := _ended(children):
                again()
                raise ended

    def repeat(number: int, frame: FrameType | None) -> None:
        if asked:
            raise Stop
        look(number, frame)

    def unheard(dropped: sys.UnraisableHookArgs) -> None:
        if not isinstance(dropped.exc_value, Stop | ServiceError):
            sys.__unraisablehook__(dropped)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup has SIGHUP ignored, and means it; a shell script's "&" has SIGINT ignored, and does not.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    signal.signal(signal.SIGCHLD, look)
    signal.signal(signal.SIGALRM, repeat)
    sys.unraisablehook = unheard
    try:
        yield
    finally:  # from here on only stopping happens, and nothing may interrupt it
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = sys.__unraisablehook__
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


def _stop(children: list[Child], services: Services) -> None:
    began = bool(children or services.children)
    if began:
        say("stopping")
    while children:
        children.pop().stop()
    services.stop()
    if began:
        say("stopped")
