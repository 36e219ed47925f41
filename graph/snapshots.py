"""Snapshots: the whole graph read from the database into arrays on disk, for questions that no index answers.

Problem: paths and ranks need every authorship at hand, and no process has the time or the memory to hold its own.

Idea: a worker writes `networks.Incidence`, and what is computed of it, as .npy files into a folder; every process of
the machine maps the newest one, and they share its pages. A folder is written beside, made durable, and renamed: it
is there whole or not at all. The row of `Snapshot` comes last. The two newest folders are kept, so that whoever still
has the older one mapped goes on with it. A machine that lacks the newest folder, or finds it cut short, reads the
database and writes the folder itself.

How fresh: built after each batch, by the worker or the command that took it in, and within the hour after anything
else changed (`bzpeer.tasks.build_graph`). An author may have been hidden or merged since: whoever shows people asks
the database for their names.

Entry points: `build`, `build_if_changed`, `catch_up`, `current`, `built_at`, `central`, `part_of`.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet, SmallIntegerField
from django.db.models.functions import Cast, Coalesce, ExtractYear
from django.utils import timezone
from numpy.typing import NDArray

from papers.models import Paper, Signature
from profiles.models import Assignment, Author

from .models import Snapshot
from .networks import Incidence, components, ranking

KEPT = 2
_LOCK = (0x4752, 0)  # "GR": keeps this advisory lock apart from others in the database
_READ = (Paper, Signature, Assignment, Author)
# psycopg takes 3 µs for a row of COPY, whatever is in it; PostgreSQL packs a row into one of 64 blocks in 0.5 µs. It
# knows that a condition has two values, and so gathers by hashing; by a number it would sort the table first, on disk.
_BLOCK = ", ".join(f"id & {1 << bit} = 0" for bit in range(6))
_FORMS = {"int8": ">i8", "int2": ">i2", "bool": "?"}
_SPARE = 50  # of the most central, for those who were hidden or merged since

logger = logging.getLogger(__name__)


class Busy(Exception):
    """Another process is building a snapshot."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    name: str
    graph: Incidence
    rank: NDArray[np.float64]  # (n,) PageRank
    part: NDArray[np.int32]  # (n,) connected component


_held: _Loaded | None = None
_given_up = ""  # the snapshot that this process could not write: it would fail at each page again


def build() -> Snapshot:
    """Read the graph, write it, and make it the newest snapshot; folders of all but the last two go.

    Raises `Busy` where another process does so, OSError where the folder cannot be written.
    """
    with _advisory_lock(), _folder_lock() as free:
        if not free:
            raise Busy("a snapshot of the graph is being written")
        at, changes = timezone.now(), _changes()
        name = f"{at:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        graph = _write(name)
        counts = {"authors": len(graph.authors), "papers": len(graph.papers), "authorships": len(graph.author_papers)}
        made = Snapshot.objects.create(name=name, built_at=at, changes=changes, **counts)
        kept = list(Snapshot.objects.order_by("-pk").values_list("name", flat=True)[:KEPT])
        Snapshot.objects.exclude(name__in=kept).delete()
        for folder in _root().iterdir():
            if folder.is_dir() and folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
        return made


def build_if_changed(older_than: timedelta = timedelta()) -> Snapshot | None:
    """Build unless the newest snapshot is younger than that, or nothing that it is made of was written since.

    Costs two small queries where there is nothing to do. Raises as `build` does.
    """
    newest = Snapshot.objects.order_by("-pk").first()
    if newest and (newest.built_at > timezone.now() - older_than or newest.changes == _changes()):
        return None
    return build()


def catch_up() -> None:
    """Build after a command that has no worker to ask; what hinders it is left to the hourly build, with a warning."""
    try:
        build()
    except (Busy, OSError) as error:
        logger.warning("The graph was not written: %s", error)


def current() -> Incidence | None:
    """The newest snapshot, mapped from disk; None before the first one, or while it is being written to this machine.

    One small query a call. Where the folder is missing or damaged it is written first, which takes as long as a build:
    call this before a statement timeout is set.
    """
    loaded = _load()
    return loaded.graph if loaded else None


def built_at() -> datetime | None:
    """When the newest snapshot was read from the database."""
    return Snapshot.objects.order_by("-pk").values_list("built_at", flat=True).first()


def central(most: int) -> list[int]:
    """Ids of the authors of highest PageRank who may be shown, highest first; none before the first snapshot."""
    if not (loaded := _load()):
        return []
    rank, ids = loaded.rank, loaded.graph.authors
    first = np.argsort(-rank, kind="stable")[: most + _SPARE]
    found = ids[first].tolist()
    shown = set(Author.objects.listed().filter(pk__in=found).values_list("pk", flat=True))
    return [pk for pk in found if pk in shown][:most]


def part_of(author: int) -> tuple[int, int] | None:
    """(number, authors in it) of the connected component of an author id; None where it is not in the graph.

    Two authors of different numbers are joined by no chain of papers.
    """
    if not (loaded := _load()) or (at := loaded.graph.position(author)) is None:
        return None
    number = int(loaded.part[at])
    return number, int(np.count_nonzero(loaded.part == number))


# --- from the database -----------------------------------------------------------------------------------------------


def read() -> Incidence:
    """The graph as it is in the database: every paper, and the standing authorships of public authors.

    The four statements may see different moments: what one tells of and another does not is left out.
    """
    named = _rows(Signature.objects.all(), id="int8", paper_id="int8")
    held = _rows(Assignment.objects.standing().with_certainty(), signature_id="int8", author_id="int8", sure="bool")
    year = Cast(Coalesce(ExtractYear(Coalesce("updated", "created")), 0), SmallIntegerField())
    papers = _rows(Paper.objects.annotate(latest=year), id="int8", latest="int2")
    papers = papers[np.argsort(papers["id"], kind="stable")]
    unlisted = Author.objects.exclude(merged_into=None, visibility=Author.Visibility.PUBLIC)
    hidden = np.fromiter(unlisted.values_list("pk", flat=True), np.int64)

    order = np.argsort(named["id"], kind="stable")
    signatures, printed_on = named["id"][order], named["paper_id"][order]
    ids, years = np.ascontiguousarray(papers["id"]), np.ascontiguousarray(papers["latest"])
    standing, at = _among(printed_on, ids)
    teams = np.bincount(at[standing], minlength=len(papers)).astype(np.int32)
    found, at = _among(held["signature_id"], signatures)
    kept = found & ~np.isin(held["author_id"], hidden)
    kept[kept] = standing[at[kept]]
    held, paper = held[kept], printed_on[at[kept]]
    return Incidence.of(ids, years, teams, held["author_id"], paper, held["sure"])


def _among(ids: NDArray[np.int64], ascending: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which ids are there, and where they stand (anywhere, for those that are not)."""
    if not len(ascending):
        return np.zeros(len(ids), np.bool_), np.zeros(len(ids), np.intp)
    at = np.minimum(np.searchsorted(ascending, ids), len(ascending) - 1)
    return ascending[at] == ids, at


def _rows(rows: QuerySet[Any], **columns: str) -> NDArray[Any]:
    """The columns, of these types of PostgreSQL and never null, as a structured array in no particular order."""
    layout = np.dtype([(name, _FORMS[kind]) for name, kind in columns.items()])
    sql, values = rows.order_by().values_list("id", *(c for c in columns if c != "id")).query.sql_with_params()
    sent = " || ".join(f"{kind}send({name})" for name, kind in columns.items())
    packed = f"SELECT string_agg({sent}, '') FROM ({sql}) AS rows GROUP BY {_BLOCK}"
    with connection.cursor() as cursor, cursor.copy(f"COPY ({packed}) TO STDOUT (FORMAT BINARY)", values) as copy:
        copy.set_types(["bytea"])
        found = np.frombuffer(b"".join(block for (block,) in copy.rows()), layout)
    return found.astype(layout.newbyteorder("="))


def _changes() -> int:
    """Rows that PostgreSQL has counted as written in the tables that `read` reads: another number, another graph.

    Counts arrive some time after their transaction. They are taken before the tables are read, so that a late one
    leads to a build too many and never to one too few.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int8 FROM pg_stat_user_tables"
            " WHERE schemaname = current_schema() AND relname = ANY (%s)",
            [[model._meta.db_table for model in _READ]],
        )
        return int(cursor.fetchone()[0])


@contextmanager
def _advisory_lock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOCK)
        if cursor.fetchone() != (True,):
            raise Busy("a snapshot of the graph is being built")
        try:
            yield
        finally:
            if connection.is_usable():
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)


# --- on disk ---------------------------------------------------------------------------------------------------------


def _root() -> Path:
    root = Path(settings.GRAPH_DIR)
    root.mkdir(parents=True, exist_ok=True)
    return root


@contextmanager
def _folder_lock() -> Iterator[bool]:
    """Whether no other process of this machine writes a snapshot now; if so, none does until the end."""
    with (_root() / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _write(name: str) -> Incidence:
    """Read the graph into the folder of that name; one that is there is replaced."""
    draft = _root() / f"{name}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        graph = read()
        arrays = {field.name: getattr(graph, field.name) for field in fields(Incidence)}
        arrays |= {"rank": ranking.pagerank(graph), "part": components.of(graph)}
        for label, array in arrays.items():
            with (draft / f"{label}.npy").open("wb") as file:
                np.save(file, array)
                file.flush()
                os.fsync(file.fileno())
        _sync(draft)
        shutil.rmtree(_root() / name, ignore_errors=True)
        draft.rename(_root() / name)
        _sync(_root())
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return graph


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _load() -> _Loaded | None:
    global _held
    name = Snapshot.objects.order_by("-pk").values_list("name", flat=True).first()
    if name is None:
        _held = None
    elif _held is None or _held.name != name:
        _held = _mapped(name) or _written_here(name) or _held
    return _held


def _mapped(name: str) -> _Loaded | None:
    """The snapshot of that name; None where a file is missing, cut short, or of another size than the others say."""
    folder = Path(settings.GRAPH_DIR) / name
    try:
        arrays = {
            # As plain arrays over the same pages: each slice of a memmap makes an object of several microseconds.
            label: np.asarray(np.load(folder / f"{label}.npy", mmap_mode="r"))
            for label in (*(field.name for field in fields(Incidence)), "rank", "part")
        }
        rank, part = arrays.pop("rank"), arrays.pop("part")
        graph = Incidence(**arrays)
        return _Loaded(name, graph, rank, part) if len(rank) == len(part) == len(graph.authors) else None
    except (OSError, ValueError, EOFError):
        return None


def _written_here(name: str) -> _Loaded | None:
    """The snapshot of that name, written on this machine; None while another process does so, and where it failed."""
    global _given_up
    if name == _given_up:
        return None
    try:
        with _folder_lock() as free:
            if not free:
                return None
            found = _mapped(name)  # another process may have written it meanwhile
            if not found:
                _write(name)
                found = _mapped(name)
            return found
    except OSError:
        _given_up = name
        logger.exception("The graph cannot be written to %s", settings.GRAPH_DIR)
        return None
