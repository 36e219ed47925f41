"""The pipeline: an import batch is read, resolved, linked, scored and told of, in that order, by who holds its lock.

Every step works on what is in the database and may be repeated: a run that was killed is taken up by the next. The
batch's stage says how far it is, and the advisory lock, which Postgres gives back when its holder dies, that someone
works on it. Entry point: `process`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from django.db import DatabaseError, connection
from django.db.models import Sum
from django.utils import timezone

from graph import coauthorships, topics
from papers import harvesting, importing, stages
from papers.models import Batch, BatchRecord, DailyListing
from papers.streams import UnreadableFile
from profiles import alerts, authors, claims, moves, resolving
from profiles.feedback import trending
from profiles.models import Author, Trend
from trust import scores

from . import previews, rollbacks

POLL_SECONDS = 0.2
TOLD = 5_000  # papers that followers are told of in one transaction
_LOCK_SPACE = 0x425A  # "BZ": keeps these locks apart from others in the database
_RESOLVING = 0  # no batch has this id
_STEP = ("step_done", "step_total", "step_began", "step_from")

logger = logging.getLogger(__name__)
Report = Callable[[Batch], None]
Read = Callable[..., None]  # called with the batch, the report, and who is told of lost signatures as `losing`


class Busy(Exception):
    """Another process works on the batch."""


@contextmanager
def lock(batch_id: int) -> Iterator[None]:
    """Hold the batch for this database session; raises `Busy` where another one holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, batch_id])
        if cursor.fetchone() != (True,):
            raise Busy(f"batch {batch_id} is being worked on")
        with _held(batch_id):
            yield


@contextmanager
def _alone(wait: bool = True) -> Iterator[None]:
    """Wait until no other batch is being resolved: two at once would settle the same authors in different order.

    Without waiting, raises `Busy`.
    """
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [_LOCK_SPACE, _RESOLVING])
        else:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, _RESOLVING])
            if cursor.fetchone() != (True,):
                raise Busy("a batch is being resolved")
        with _held(_RESOLVING):
            yield


@contextmanager
def _held(key: int) -> Iterator[None]:
    """Give the advisory lock back at the end; a connection that is lost has given it back already."""
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, key])


def process(
    batch_id: int,
    stream: BinaryIO | None = None,
    report: Report = lambda batch: None,
    call: Callable[[int], None] = lambda groups: None,
    again: bool = False,
    read: Read | None = None,
) -> Batch:
    """Take the batch to its end, with `read`, or `stream`, or else its own harvest or file. Returns it as it then is.

    `report` gets the batch whenever it has moved on. `call` gets the number of groups to resolve, and may call other
    processes to `profiles.resolving.resolve_next`; whatever becomes of them, this one goes on until none is left.

    `again` takes up a batch that had stopped: what it has read stays read.

    A file that cannot be read ends the batch as stopped, with a sentence; what was read before stays in. Raises `Busy`,
    and DatabaseError where the database went away (the next run goes on).
    """
    with lock(batch_id):
        batch = Batch.objects.get(pk=batch_id)
        if again and batch.stage == Batch.Stage.FAILED:
            batch.stage, batch.problem, batch.finished_at = Batch.Stage.READING, "", None
        if not batch.is_running:
            return batch
        try:
            if batch.stage == Batch.Stage.PREVIEWING:
                _preview(batch, stream)
                _enter(batch, Batch.Stage.PROPOSED, report)
                return batch
            if batch.stage in {Batch.Stage.WAITING, Batch.Stage.READING}:
                _read(batch, stream, report, read)
            if batch.stage == Batch.Stage.UNDOING:
                _undo(batch, report)
            _finish(batch, report, call)
        except DatabaseError:
            raise
        except Exception as error:
            known = isinstance(error, UnreadableFile)
            batch.problem = (
                str(error) if known else f"An unexpected fault ended it ({type(error).__name__}); see the log."
            )
            # The records read so far are in: they are resolved and scored all the same.
            if batch.total and batch.stage == Batch.Stage.READING:
                _finish(batch, report, call)
            _enter(batch, Batch.Stage.FAILED, report)
            if not known:
                logger.exception("Batch %s stopped", batch_id)
        return batch


@_alone(wait=False)
def refresh(ids: Collection[int] = ()) -> None:
    """Compute again what is shown of these authors, and of all that are stale; raises `Busy` while a batch does so.

    This is for who wrote what. Whatever changes the papers themselves ends in `process` or in `rerun`.

    They are named because a batch that ended meanwhile may have settled them with what it had read before.
    """
    Author.objects.filter(pk__in=ids, stale=False).update(stale=True)
    _refresh()


def _refresh() -> None:
    waiting = list(authors.stale_ids())
    for ids in waiting:
        authors.refresh(ids)
        coauthorships.refresh(ids)
        topics.refresh(ids)
    for ids in waiting:
        _score(ids)


def _score(ids: list[int]) -> None:
    """Levels of claims, which follow the works, then trust, then followers are told; with that they are computed."""
    claims.recheck(ids, timezone.now())
    scores.refresh(ids)
    alerts.raise_of(ids, timezone.now())
    authors.settle(ids)


@_alone()
def rescore(report: Callable[[int], None] = lambda done: None) -> int:
    """Compute the trust of every author anew, `authors.BIN` of them at a time; returns how many there are.

    `report` gets how many are done.
    """
    done, last = 0, 0
    while ids := list(Author.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[: authors.BIN]):
        scores.refresh(ids)
        done, last = done + len(ids), ids[-1]
        report(done)
    return done


@_alone()
def relink(report: Callable[[int], None] = lambda done: None) -> int:
    """Compute the ties of every author anew (`coauthorships.rebuild`); returns how many were wrong."""
    return coauthorships.rebuild(report)


@_alone()
def rerun(surnames: Collection[str], report: Callable[[resolving.Report, int, int], None]) -> resolving.Report:
    """Resolve these surnames anew, with all that are tied to them, and refresh whose works changed; count the topics.

    Single records that are rolled back, brought back or fixed end here, also where nobody's name is on the paper.
    `report` gets what was done so far, and the signatures resolved, of how many.
    """
    groups = resolving.groups(surnames)
    done, total, so_far = 0, sum(size for _surnames, size in groups), resolving.Report()
    for group, size in groups:
        so_far += resolving.resolve(group)
        done += size
        report(so_far, done, total)
    _refresh()
    topics.sum_up()
    return so_far


def stop(batch: Batch, problem: str) -> None:
    """End a batch that cannot go on, for the reason given."""
    batch.problem = problem
    _enter(batch, Batch.Stage.FAILED, lambda batch: None)


def _read(batch: Batch, stream: BinaryIO | None, report: Report, read: Read | None) -> None:
    if read is None and batch.harvest_id:
        read = harvesting.run
    if read is not None:
        read(batch, report, losing=moves.removed)
        return
    with _opened(batch, stream) as records:
        importing.run(batch, records, report, moves.removed)


@contextmanager
def _opened(batch: Batch, stream: BinaryIO | None) -> Iterator[BinaryIO]:
    """`stream`, or else the batch's own file."""
    if stream is not None:
        yield stream
        return
    try:
        with batch.file.open("rb") as opened:
            yield opened.file
    except OSError as error:
        raise UnreadableFile(f"The uploaded file cannot be read: {error.strerror}.") from error


def _preview(batch: Batch, stream: BinaryIO | None) -> None:
    with _opened(batch, stream) as records:
        previews.propose(batch, tried(batch, records))


@_alone()
def tried(batch: Batch, stream: BinaryIO) -> previews.Preview:
    """What the import of `stream` would do (see `bzpeer.previews`); the batch need not be stored."""
    return previews.preview(batch, stream)


def _undo(batch: Batch, report: Report) -> None:
    _enter(batch, Batch.Stage.UNDOING, report, total=stages.standing(batch))
    rollbacks.whole(batch, lambda count: _advance(batch, count, report))
    batch.refresh_from_db(fields=["undone"])
    batch.removed_surnames = rollbacks.surnames(batch)
    batch.save(update_fields=["removed_surnames"])


@_alone()
def _finish(batch: Batch, report: Report, call: Callable[[int], None]) -> None:
    _enter(batch, Batch.Stage.RESOLVING, report, total=resolving.plan(batch))
    call(batch.pending_groups.count())
    while batch.pending_groups.exists():
        if not resolving.resolve_next(batch.pk):
            time.sleep(POLL_SECONDS)  # the last groups are with others
        left = batch.pending_groups.aggregate(left=Sum("signatures", default=0))["left"]
        _advance(batch, batch.step_total - left - batch.step_done, report)
    waiting = list(authors.stale_ids())
    _enter(batch, Batch.Stage.GRAPH, report, total=sum(map(len, waiting)))
    for ids in waiting:
        authors.refresh(ids)
        coauthorships.refresh(ids)
        topics.refresh(ids)
        _advance(batch, len(ids), report)
    topics.sum_up()
    _enter(batch, Batch.Stage.TRUST, report, total=sum(map(len, waiting)))
    for ids in waiting:
        _score(ids)
        _advance(batch, len(ids), report)
    for papers in _listed(batch):
        trending.refresh(papers)
    for papers in () if batch.rolled_back_at else _brought(batch):
        alerts.raise_for(papers, timezone.now())
    _enter(batch, Batch.Stage.UNDONE if batch.rolled_back_at else Batch.Stage.DONE, report)


def _brought(batch: Batch) -> Iterator[list[int]]:
    """Ids of the papers that the batch brought and that stand, `TOLD` at a time, those read last first."""
    records = batch.records.filter(fate=BatchRecord.Fate.NEW, rolled_back_at=None, paper__isnull=False)
    below = records.order_by("-number").values_list("number", "paper")
    while rows := list(below[:TOLD]):
        yield [paper for _number, paper in rows]
        below = below.filter(number__lt=rows[-1][0])


def _listed(batch: Batch) -> Iterator[list[int]]:
    """Ids of its papers that stand or stood on a list of daily papers with votes, `trending.SETTLED` at a time."""
    met = batch.records.filter(paper__isnull=False).values("paper")
    ids = sorted(
        {
            *DailyListing.objects.filter(votes__gt=0, paper__in=met).values_list("paper", flat=True),
            *Trend.objects.filter(paper__in=met).values_list("paper", flat=True),
        }
    )
    yield from (ids[start : start + trending.SETTLED] for start in range(0, len(ids), trending.SETTLED))


def _enter(batch: Batch, stage: Batch.Stage, report: Report, total: int = 0) -> None:
    batch.stage, batch.step_done, batch.step_total = stage, 0, total
    batch.step_began, batch.step_from = timezone.now(), 0
    if not batch.is_running:
        batch.finished_at = timezone.now()
    batch.save(update_fields=["stage", *_STEP, "problem", "finished_at"])
    report(batch)


def _advance(batch: Batch, count: int, report: Report) -> None:
    batch.step_done += count
    batch.save(update_fields=["step_done"])
    report(batch)
