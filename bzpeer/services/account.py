"""Whom PostgreSQL runs as. It refuses to be root, so root needs somebody else for it.

Idea: an existing unprivileged account (`BZPEER_RUN_AS`, by default nobody). No account is added and the mode of no
existing folder is changed. Where root has no other uid to change to (a sandbox that maps a single one), the child
enters a user namespace of its own and is nobody in there; a real other uid separates better, so that comes second.
Entry point: `Account.current`.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failures import ServiceError

_CLONE_NEWUSER = 0x10000000
NOBODY = 65534  # the kernel's overflow uid: what unmapped owners are shown as inside a namespace


@dataclass(frozen=True)
class Account:
    """A uid and gid. `switch`: they are not ours, so the child must change to them."""

    uid: int
    gid: int
    switch: bool = False
    namespace: bool = False

    @classmethod
    def current(cls) -> Account:
        """Ourselves, or the account that stands in for root. Raises ServiceError for an unknown BZPEER_RUN_AS."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        name = os.environ.get("BZPEER_RUN_AS") or "nobody"
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise ServiceError(f"BZPEER_RUN_AS must name an account of this machine; there is no {name!r}.") from None
        if _can_give_away(entry.pw_uid, entry.pw_gid):
            return cls(entry.pw_uid, entry.pw_gid, switch=True)
        return cls(0, 0, namespace=True)

    def popen_options(self) -> dict[str, Any]:
        """The arguments of subprocess.Popen that change to this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def enter_namespace(self) -> None:
        """Be nobody in a user namespace of our own. Runs between fork and exec."""
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWUSER):
            raise OSError(ctypes.get_errno(), "a user namespace was refused")
        for name, line in (("setgroups", "deny"), ("uid_map", f"{NOBODY} 0 1"), ("gid_map", f"{NOBODY} 0 1")):
            Path(f"/proc/self/{name}").write_text(line)

    def can_reach(self, path: Path) -> bool:
        """May this account walk down to `path` (and enter or run it)? Parts that do not exist yet count as open."""
        return not self.switch or all(self._may_enter(part.stat()) for part in (path, *path.parents) if part.exists())

    def _may_enter(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        return bool(status.st_mode & (stat.S_IXGRP if status.st_gid == self.gid else stat.S_IXOTH))

    def private_folder(self, path: Path) -> Path:
        """Make `path` a folder that only this account can enter. Raises PermissionError if it is someone else's."""
        path.mkdir(parents=True, exist_ok=True)
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (self.uid, os.geteuid()):
            raise PermissionError(f"{path} belongs to someone else")
        if self.switch:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700)
        return path


def _can_give_away(uid: int, gid: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            os.chown(folder, uid, gid)
        except OSError:
            return False
    return True
