"""How fast records are imported, beside a bare COPY of the same rows in the same run.

Problem: records a second say more about the machine than about the program. Idea: a limit of the same run. Whatever the
import writes (papers, signatures, topics of papers, records of the batch) is copied out once and back by `COPY … FROM
STDIN`, already parsed and formatted, into tables made `LIKE` the real ones; the ratio of the two rates is what the
import makes of the database.

Two kinds of target are measured. `INCLUDING ALL` has the same indexes, keys and generated columns (foreign keys cannot
be copied: the import checks them, the limit does not). Without them a COPY only appends lines to a heap: nothing there
can be found by its identifier, met again or searched, so it is no limit of an import whose next chunk must find this
one, and the first kind is what the ratio is judged by; the second is printed as the floor that no index maintenance
could reach.

All happens in a database made for it beside the one that the settings name, and dropped again. Entry point: `measure`.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management import call_command
from django.db import DatabaseError, connection

from papers import importing
from papers.models import Batch
from papers.streams import open_stream

TABLES = (
    "papers_paper",
    "papers_signature",
    "papers_papertopic",
    "papers_institution",
    "papers_institutionname",
    "papers_affiliation",
    "papers_batchrecord",
)
WINDOWS = 10  # of a pass, for each of which its rate and the memory are kept
_BUFFER = 1 << 16


@dataclass
class Cost:
    """What so many records cost: seconds of wall clock, and CPU seconds of the client's processes and the backend."""

    records: int
    wall: float = 0.0
    client: float = 0.0
    backend: float = 0.0

    @property
    def rate(self) -> float:
        return self.records / max(self.wall, 1e-9)

    @property
    def cpu(self) -> float:
        return self.client + self.backend


@dataclass
class Pass:
    """One import of the sample. `windows` are (records so far, records a second since the last, MB then); `written` are
    row versions by table, inserted, updated and deleted; `fates` as the batch counts them."""

    cost: Cost
    peak: float
    windows: list[tuple[int, float, float]]
    written: dict[str, tuple[int, int, int]]
    fates: dict[str, int]


@dataclass
class Measured:
    """`fresh` and `again`, the bare COPY `bare` without indexes and `keyed` with them, and (table, index) bytes."""

    fresh: Pass
    again: Pass
    bare: Cost
    keyed: Cost
    disk: dict[str, tuple[int, int]] = field(default_factory=dict)


@contextlib.contextmanager
def scratch_database(keep: bool = False) -> Iterator[str]:
    """Work in an empty database of our own on the same server, of that name; it is dropped at the end."""
    name, scratch = connection.settings_dict["NAME"], f"bzpeer_bench_{os.getpid()}"
    _on_server(f'CREATE DATABASE "{scratch}"')
    try:
        connection.close()
        connection.settings_dict["NAME"] = scratch
        call_command("migrate", verbosity=0)
        yield scratch
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
        if not keep:
            _on_server(f'DROP DATABASE IF EXISTS "{scratch}" WITH (FORCE)')
        connection.close()


def _on_server(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def measure(sample: Path, say: Callable[[str], None] = lambda line: None) -> Measured:
    """Import the sample twice and copy its rows twice, in the scratch database."""
    say("importing for the first time")
    fresh = _import(sample)
    disk = _disk()
    say("copying the same rows, without indexes and with them")
    with tempfile.TemporaryDirectory() as folder:
        rows = [(table, *_copied_out(table, Path(folder) / table)) for table in TABLES]
        bare = _copied_in(rows, "INCLUDING DEFAULTS", fresh.cost.records)
        keyed = _copied_in(rows, "INCLUDING ALL", fresh.cost.records)
    say("importing again")
    return Measured(fresh, _import(sample), bare, keyed, disk)


# --- one import ------------------------------------------------------------------------------------------------------


def _import(sample: Path) -> Pass:
    _settle()
    batch = Batch.objects.create(label=sample.name[:200])
    size, before = sample.stat().st_size, _written()
    windows: list[tuple[int, float, float]] = []
    peak, last = 0.0, (0, time.perf_counter())

    def report(batch: Batch) -> None:
        nonlocal peak, last
        memory = _memory()
        peak = max(peak, memory)
        if batch.step_done * WINDOWS >= size * (len(windows) + 1):
            now = time.perf_counter()
            windows.append((batch.total, (batch.total - last[0]) / (now - last[1]), memory))
            last = batch.total, now

    with timed(Cost(0)) as cost, sample.open("rb") as stream:
        importing.run(batch, stream, report)
    cost.records = batch.total
    after = _written()
    written = {
        table: tuple(now - then for now, then in zip(after[table], before[table], strict=True)) for table in TABLES
    }
    fates = {fate: getattr(batch, fate) for fate in ("new", "updated", "unchanged", "refused")}
    return Pass(cost, peak, windows, written, fates)  # type: ignore[arg-type]


@contextlib.contextmanager
def timed(cost: Cost) -> Iterator[Cost]:
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    began = time.perf_counter(), _client_seconds(), _process_seconds(backend)
    yield cost
    cost.wall += time.perf_counter() - began[0]
    cost.client += _client_seconds() - began[1]
    cost.backend += _process_seconds(backend) - began[2]


def _client_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _process_seconds(pid: int) -> float:
    """CPU seconds of a process of this machine; 0 where it is on another or the system does not tell."""
    try:
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def _memory() -> float:
    """Resident megabytes of this process and the one that parses for it; 0 where the system does not tell."""
    try:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        parsers = [pid for pid in children if b"papers.reading" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in ("self", *parsers))
    except OSError:
        return 0.0
    return pages * resource.getpagesize() / 1e6


def _written() -> dict[str, tuple[int, int, int]]:
    """Row versions inserted, updated and deleted since the database was made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE relname = ANY (%s)",
            [list(TABLES)],
        )
        return {table: (inserted, updated, deleted) for table, inserted, updated, deleted in cursor.fetchall()}


def _settle() -> None:
    """Write out what earlier steps left in the buffers, so that each pays for its own."""
    with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def _disk() -> dict[str, tuple[int, int]]:
    with connection.cursor() as cursor:
        found = {}
        for table in TABLES:
            cursor.execute("SELECT pg_table_size(%s::regclass), pg_indexes_size(%s::regclass)", [table, table])
            found[table] = cursor.fetchone()
        return found


# --- the limit -------------------------------------------------------------------------------------------------------


def _copied_out(table: str, path: Path) -> tuple[str, Path]:
    """The table's stored columns, and the file that holds its rows."""
    with connection.cursor() as cursor, path.open("wb") as file:
        cursor.execute(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            [table],
        )
        (columns,) = cursor.fetchone()
        with cursor.copy(f"COPY {table} ({columns}) TO STDOUT") as copy:
            for data in copy:
                file.write(data)
    return columns, path


def _copied_in(rows: Sequence[tuple[str, str, Path]], like: str, records: int) -> Cost:
    cost = Cost(records)
    for table, columns, path in rows:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE bare (LIKE {table} {like})")
            _settle()
            copying = cursor.copy(f"COPY bare ({columns}) FROM STDIN")
            with path.open("rb") as file, timed(cost), copying as copy:
                while data := file.read(_BUFFER):
                    copy.write(data)
            cursor.execute("DROP TABLE bare")
    return cost


# --- the sample ------------------------------------------------------------------------------------------------------


def write_sample(source: Path, target: BinaryIO, records: int | None, multiply: int) -> int:
    """Write the first `records` lines of `source` (all), `multiply` times, each copy with people and identifiers of its
    own; returns the number of lines.

    A copy is another community of the same shape: every family name is respelt by one substitution of letters a copy,
    so that coauthors stay together and names are as frequent among themselves as before, while blocks do not grow with
    the number of copies. Copies get identifiers of months that are yet to come.
    """
    written = 0
    for copy in range(multiply):
        with contextlib.closing(open_stream(source)) as stream:
            for line in islice(stream, records):
                written += 1
                target.write(_respelt(line, copy, written) if copy else line.rstrip(b"\n") + b"\n")
    return written


_VOWELS, _CONSONANTS = "aeiou", "bcdfghjklmnpqrstvwxyz"


def _respelt(line: bytes, copy: int, number: int) -> bytes:
    fields: dict[str, Any] = json.loads(line)
    month, serial = divmod(number, 99_999)
    fields["id"] = f"{27 + month // 12:02}{month % 12 + 1:02}.{serial + 1:05}"
    if isinstance(fields.get("doi"), str):
        fields["doi"] += f".{copy}"
    letters = _substitution(copy)
    if isinstance(parsed := fields.get("authors_parsed"), list):
        printed = fields.get("authors") or ""
        for author in parsed:
            family, author[0] = author[0], author[0].translate(letters)
            printed = printed.replace(family, author[0])
        fields["authors"] = printed
    elif isinstance(fields.get("authors"), list):
        cut = (name.rpartition(" ") for name in fields["authors"])
        fields["authors"] = [f"{given}{space}{family.translate(letters)}" for given, space, family in cut]
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _substitution(copy: int) -> dict[int, int]:
    table: dict[int, int] = {}
    for letters in (_VOWELS, _CONSONANTS):
        at = copy % len(letters)
        turned = letters[at:] + letters[:at]
        table |= str.maketrans(letters + letters.upper(), turned + turned.upper())
    return table
