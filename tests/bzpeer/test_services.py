"""The embedded servers: started anywhere, stopped in order, and back after any kill."""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from bzpeer.services import Busy, ServiceError, Services
from bzpeer.services.account import Account
from bzpeer.services.failures import refusal
from bzpeer.services.places import SOCKET_LIMIT, Places, secret_key
from bzpeer.services.processes import LOG_LIMIT, launch
from tests.conftest import REPO_ROOT

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0  # seconds for a loaded machine


@pytest.fixture(autouse=True)
def _no_servers_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test run's own servers must not stand in for the ones under test."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("BZPEER_HOME", raising=False)


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder that PostgreSQL's account can reach even when root runs the tests."""
    parent = Path(tempfile.mkdtemp(prefix="bzpeer-test-", dir="/tmp"))
    parent.chmod(0o711)
    yield parent / ".bzpeer"
    shutil.rmtree(parent, ignore_errors=True)


def _running(home: Path) -> Iterator[Services]:
    services = Services(home)
    services.start("a test")
    yield services
    services.stop()


@pytest.fixture
def services(home: Path) -> Iterator[Services]:
    """Servers that run in `home`, for a test that stops or kills them."""
    yield from _running(home)


@pytest.fixture(scope="module")
def lasting() -> Iterator[Services]:
    """Servers that many tests look at and none stops."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        patch.delenv("REDIS_URL", raising=False)
        services = Services(ephemeral=True)
    services.start("a test")
    yield services
    services.stop()


def _database(services: Services) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(services.urls()["DATABASE_URL"], autocommit=True)


def _broker(services: Services) -> redis.Redis:
    return redis.Redis.from_url(services.urls()["REDIS_URL"])


def _remember(services: Services) -> None:
    with _database(services) as connection:
        connection.execute("CREATE TABLE memory (word text)")
        connection.execute("INSERT INTO memory VALUES ('kept')")
    with _broker(services) as broker:
        broker.set("memory", "kept")


def _remembered(services: Services) -> tuple[object, object]:
    with _database(services) as connection, _broker(services) as broker:
        row = connection.execute("SELECT word FROM memory").fetchone()
        return row and row[0], broker.get("memory")


def test_data_are_there_after_a_stop_and_a_start(services: Services, home: Path) -> None:
    _remember(services)
    services.stop()
    for again in _running(home):
        assert _remembered(again) == ("kept", b"kept")


def test_upper_and_lower_case_hold_for_all_of_unicode(lasting: Services) -> None:
    with _database(lasting) as connection:
        assert connection.execute("SELECT lower('GÖDEL ŁUKASIEWICZ')").fetchone() == ("gödel łukasiewicz",)


@pytest.mark.parametrize("extension", ["pg_trgm", "unaccent", "vector"])
def test_the_extensions_of_the_migrations_are_on_board(lasting: Services, extension: str) -> None:
    with _database(lasting) as connection:
        connection.execute(f"CREATE EXTENSION {extension}")


def test_a_stop_leaves_no_server_and_may_be_repeated(services: Services) -> None:
    processes = [child.process for child in services.children]
    services.stop()
    services.stop()
    assert [process.returncode for process in processes] == [0, 0]


def test_ephemeral_servers_leave_no_folder() -> None:
    services = Services(ephemeral=True)
    services.start("a test")
    folder = services.places.home
    assert folder.exists()
    services.stop()
    assert not folder.exists()


@pytest.mark.parametrize("name", ["ünusual, #1 ?", "long" * 30])
def test_any_path_will_do(home: Path, name: str) -> None:
    for services in _running(home.parent / name / ".bzpeer"):
        _remember(services)
        assert _remembered(services) == ("kept", b"kept")


def test_a_second_instance_is_refused_and_told_who_runs(lasting: Services) -> None:
    with pytest.raises(Busy, match=f"process {os.getpid()}, a test"):
        Services(lasting.places.home).start("a second")


def test_a_command_joins_the_servers_that_run_and_leaves_them_running(lasting: Services) -> None:
    _remember(lasting)
    guest = Services(lasting.places.home)
    guest.start_or_join("a command")
    assert guest.children == []
    assert _remembered(guest) == ("kept", b"kept")
    guest.stop()
    assert _remembered(lasting) == ("kept", b"kept")


@pytest.mark.parametrize("index", [0, 1], ids=["PostgreSQL", "Valkey"])
def test_a_killed_server_is_back_with_its_data_at_the_next_start(services: Services, home: Path, index: int) -> None:
    _remember(services)
    services.children[index].process.kill()
    services.children[index].process.wait()
    services.stop()
    for again in _running(home):
        assert _remembered(again) == ("kept", b"kept")


def test_a_killed_owner_and_its_orphans_do_not_hinder_the_next_start(home: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from bzpeer.services import Services\n"
        "Services(Path(sys.argv[1])).start('the first'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, home], cwd=CHECKOUT)
    assert killed.returncode == -signal.SIGKILL
    for again in _running(home):
        _remember(again)
        assert _remembered(again) == ("kept", b"kept")


def test_an_interrupted_initialisation_is_done_again(home: Path) -> None:
    services = Services(home)
    draft = services.places.postgres / "data.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    for again in _running(home):
        _remember(again)


def test_a_server_that_cannot_start_is_explained_by_its_log(services: Services, home: Path) -> None:
    services.stop()
    (services.postgres.data / "PG_VERSION").write_text("12\n")  # type: ignore[union-attr]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bzpeer.services.processes.GRACE", 0.0)
        with pytest.raises(ServiceError, match=r"(?s)PostgreSQL did not start.*not compatible"):
            Services(home).start("a test")


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="bzpeer-test-", dir="/tmp"))
    folder.chmod(0o711)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=711", "tmpfs", folder], capture_output=True)
    try:
        if mounted.returncode:
            pytest.skip("a small file system can be mounted by root only")
        with pytest.raises(ServiceError, match="is full: make room"):
            Services(folder / ".bzpeer").start("a test")
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", folder], check=True)
        folder.rmdir()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(28, "No space left on device"), "is full: make room"),
        (PermissionError(13, "Permission denied", "/x"), "cannot use /x: Permission denied"),
    ],
)
def test_an_error_of_the_file_system_becomes_a_sentence(tmp_path: Path, error: OSError, sentence: str) -> None:
    assert sentence in str(refusal(error, tmp_path))


def test_servers_named_by_the_environment_are_not_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/bzpeer")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    services = Services(home)
    services.start("a test")
    assert services.urls() == {}
    assert services.children == []
    services.stop()


@pytest.mark.parametrize("length", [10, 60, 200])
def test_socket_addresses_are_short_whatever_the_path(length: int) -> None:
    places = Places.of(Path("/tmp") / ("x" * length) / ".bzpeer", Account(os.geteuid(), os.getegid()))
    assert len(os.fsencode(places.postgres_sockets / ".s.PGSQL.5432.lock")) <= SOCKET_LIMIT
    assert len(os.fsencode(places.valkey_socket)) <= SOCKET_LIMIT


def test_a_private_checkout_of_root_keeps_its_mode_and_postgresql_goes_elsewhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    nobody = Account(uid=65534, gid=65534, switch=True)
    places = Places.of(tmp_path / ".bzpeer", nobody)
    assert places.postgres.is_relative_to("/var/lib")
    assert places.valkey.is_relative_to(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").symlink_to("/tmp")
    with pytest.raises(PermissionError, match="belongs to someone else"):
        Account(os.geteuid(), os.getegid()).private_folder(tmp_path / "folder")


def test_the_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert len(key) >= 50
    assert secret_key(tmp_path) == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_large_log_is_put_aside_at_the_start(tmp_path: Path) -> None:
    log = tmp_path / "true.log"
    log.write_bytes(b"x" * (LOG_LIMIT + 1))
    launch("true", ["true"], log, ladder=(), at_our_death=signal.SIGTERM).process.wait()
    assert log.stat().st_size == 0
    assert (tmp_path / "true.log.old").stat().st_size == LOG_LIMIT + 1


def _manage(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """manage.py as from a terminal: it hears SIGHUP, which it would ignore if the tests run under nohup."""
    return subprocess.Popen(
        [sys.executable, CHECKOUT / "manage.py", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"BZPEER_HOME": str(home), "BZPEER_WORKERS": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )


def _read_until(stream: io.TextIOBase, word: str) -> None:
    for line in stream:
        if word in line:
            return
    pytest.fail(f"{word!r} was never said")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("moment", "request_to_stop"),
    [("web started", signal.SIGINT), ("Valkey", signal.SIGTERM), ("PostgreSQL", signal.SIGHUP)],
)
def test_up_stops_all_it_started_when_asked(home: Path, moment: str, request_to_stop: signal.Signals) -> None:
    process = _manage(home, "up", "--bind", f"127.0.0.1:{_free_port()}")
    _read_until(process.stdout, moment)  # type: ignore[arg-type]
    process.send_signal(request_to_stop)
    assert process.communicate(timeout=PATIENCE)[1] == ""
    assert process.returncode == 0
    assert _processes_of(home) == []


def test_a_request_to_stop_that_reaches_a_destructor_is_heard_all_the_same() -> None:
    script = """
import os, signal, time
from bzpeer.up import Stop, _signals

class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

try:
    with _signals():
        Dying()
        time.sleep(30)
except Stop:
    print("stopped")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPO_ROOT, capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.stdout, done.stderr, done.returncode) == ("stopped\n", "", 0)


def test_up_ends_with_a_sentence_when_a_child_dies(home: Path) -> None:
    process = _manage(home, "up", "--bind", f"127.0.0.1:{_free_port()}")
    _read_until(process.stdout, "Valkey")  # type: ignore[arg-type]
    [valkey] = [pid for pid, command in _processes_of(home) if "valkey-server" in command]
    os.kill(valkey, signal.SIGKILL)
    errors = process.communicate(timeout=PATIENCE)[1]
    # A child that Valkey left in mid-sentence may say so first, in words of its own.
    assert any(line.startswith("Valkey was killed by SIGKILL") for line in errors.splitlines()), errors
    assert process.returncode == 1
    assert _processes_of(home) == []


def test_a_port_in_use_is_told_before_anything_is_started(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        output, errors = _manage(home, "up", "--bind", f"127.0.0.1:{port}").communicate(timeout=PATIENCE)
    assert errors.startswith(f"Port {port} of 127.0.0.1 is in use")
    assert len(errors.splitlines()) == 1
    assert "PostgreSQL" not in output


def test_a_command_brings_its_own_servers_and_passes_its_input_on(home: Path) -> None:
    script = "import sys; from django.db import connection as c; c.ensure_connection(); print(sys.stdin.read().upper())"
    process = _manage(home, "shell", "--no-imports", "-c", script)
    output, errors = process.communicate("a pipe", timeout=PATIENCE)
    assert (process.returncode, output, errors) == (0, "A PIPE\n", "")
    assert _processes_of(home) == []


def test_a_command_that_needs_no_server_starts_none(home: Path) -> None:
    process = _manage(home, "version")
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert not (home / "pg").exists()


def _processes_of(home: Path) -> list[tuple[int, str]]:
    """What still runs with this state folder in its command line (Linux; nothing to see elsewhere)."""
    mark = Places.of(home, Account.current()).mark
    found: list[tuple[int, str]] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home) in command or mark in command:
            found.append((int(entry.name), command))
    return found
