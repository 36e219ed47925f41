"""Where BZPEER keeps its state, computed without touching the disk: so addresses are known before anything starts.

All of it lies in one folder, `.bzpeer` in the checkout (or `BZPEER_HOME`), with two exceptions that paths force:
* the address of a Unix socket ends at about 100 bytes and stands inside URLs: for a long or unusual path the sockets
  go to a private folder under /tmp;
* where root keeps the checkout in a folder that nobody else can enter, PostgreSQL's part goes to /var/lib.
Entry points: `Places.of`, `secret_key`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from .account import Account

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SOCKET_LIMIT = 100  # bytes; the kernel's field holds 104 (macOS) to 108 (Linux), with a closing zero
SHORT = Path("/tmp")  # noqa: S108 - the one short path everywhere; only private folders are made in it
PLAIN = re.compile(r"[A-Za-z0-9._/-]+")  # a path that means the same in a path, a URL and a comma-separated list


@dataclass(frozen=True)
class Places:
    """The folders of one instance. `mark` is a word that only this instance's processes carry."""

    home: Path
    mark: str
    shared: Path  # what PostgreSQL's account must be able to reach
    postgres_sockets: Path
    valkey_socket: Path

    @classmethod
    def of(cls, home: Path, account: Account) -> Places:
        """The places of the instance whose state folder is `home`."""
        home = home.resolve()
        mark = "bzpeer-" + hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        shared = home if account.can_reach(home.parent) else Path("/var/lib") / mark
        return cls(
            home=home,
            mark=mark,
            shared=shared,
            postgres_sockets=_socket_folder(shared / "pg", mark + "-pg"),
            valkey_socket=_socket_folder(home / "valkey", mark + "-valkey") / "valkey.sock",
        )

    @property
    def postgres(self) -> Path:
        """The folder that PostgreSQL's account owns."""
        return self.shared / "pg"

    @property
    def valkey(self) -> Path:
        """The folder of Valkey's append-only file."""
        return self.home / "valkey"

    def log(self, name: str) -> Path:
        """The log of the process `name`."""
        return self.home / f"{name}.log"

    def make(self) -> None:
        """Make the folders that others enter: reachable for all, listed by the owner only."""
        for folder in (self.home, self.shared):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(0o711)


def state_folder() -> Path:
    """`BZPEER_HOME`, or `.bzpeer` in the checkout."""
    return Path(os.environ.get("BZPEER_HOME") or CHECKOUT / ".bzpeer")


def _socket_folder(folder: Path, short_name: str) -> Path:
    longest = folder / ".s.PGSQL.5432.lock"
    if len(os.fsencode(longest)) <= SOCKET_LIMIT and PLAIN.fullmatch(str(folder)):
        return folder
    return SHORT / short_name


def secret_key(home: Path) -> str:
    """The key that signs sessions, made once and kept in `home` where only its owner reads it."""
    path = home / "secret_key"
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f"secret_key.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(50))
    with contextlib.suppress(FileExistsError):  # somebody was faster: theirs is the key
        os.link(draft, path)
    draft.unlink()
    return path.read_text()
