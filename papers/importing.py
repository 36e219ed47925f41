"""Importing: a stream of records becomes papers, in chunks that are each one transaction.

Problem: a file of millions of records must get in at the speed of the database, in little memory, and whatever kills
the import must cost a chunk at most. Idea: the input is cut into chunks by counting only, so that it is always cut at
the same places. A chunk of lines that were met before is recognised by their digests; one of new lines is parsed by a
second process while the chunk before it is merged (`papers.reading`). Which of the two is tried first follows from what
the last chunk was, and changes how long it takes, never what comes out.

A batch keeps its checkpoint in the same transaction as the rows, so a run that was killed goes on where it was and ends
as an uninterrupted one would. A row that PostgreSQL refuses is found by halving and refused alone. Memory is bounded by
the chunk. Entry point: `run`.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

import psycopg
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.text import slugify

from . import merging, reading, sources
from .models import Batch, BatchRecord, ClockTimestamp, Paper, Topic
from .reading import Item
from .records import Deletion, Line, Record, Refusal
from .sources import jsonlines
from .staging import Staged, stage
from .streams import UnreadableFile, open_stream

# Measured on 50,000 snapshot records: 2,000 a chunk is within 5 % of 10,000 and holds a page view up for less long.
CHUNK = 2_000
# As many records with abstracts are 4 MB. Lines may be 16 MiB each, and two chunks are under way at a time.
CHUNK_BYTES = 8 * 1024 * 1024

_ADVISORY_LOCK = 0x425A50  # "BZP": one merge at a time, or two batches could insert one paper twice
# SQLSTATE classes that speak of a value: data exception, constraint violation, limit exceeded (a key too long).
_OF_A_ROW = ("22", "23", "54")

Report = Callable[[Batch], None]
Losing = Callable[[int, Collection[int]], None]


def nobody(batch: int, signatures: Collection[int]) -> None:
    """Who is told of signatures that go, where nobody has built on them."""


def run(
    batch: Batch,
    stream: BinaryIO,
    report: Report = lambda batch: None,
    losing: Losing = nobody,
) -> None:
    """Import everything in `stream` that lies behind the batch's checkpoint; `report` is called after each chunk.

    `losing` gets the batch's id and the ids of signatures that a newer version no longer prints, just before they go.
    Raises `papers.streams.UnreadableFile` when the file as a whole cannot be read (what was read before stays in), or
    is not the one that the batch had begun to read.
    """
    size = _size(stream)
    head, unpacked = sources.peek(open_stream(stream))
    source = sources.by_slug(batch.source) if batch.source else sources.detect(head)
    batch.source, batch.stage, batch.step_total = source.slug, Batch.Stage.READING, size or 0
    items: Iterator[Item] = (
        _unread(batch, jsonlines.numbered(unpacked))
        if source.parse
        else (item for item in source.read(unpacked) if item.number > batch.checkpoint)
    )
    chunks = _chunks(items)
    chunk = next(chunks, [])
    batch.step_began, batch.step_from = timezone.now(), stream.tell() if size else batch.checkpoint
    batch.step_done = batch.step_from
    batch.save()
    report(batch)
    with reading.Parser(source.slug) as parser:
        ahead: list[Staged | Refusal] | None = None  # the chunk, where it was sent to be parsed
        sent = met_before = False
        while chunk:
            if sent:
                ahead = parser.receive()
            following, broken = _next(chunks)
            sent = bool(source.parse and following and not met_before)
            if sent:
                parser.send(following)
            batch.step_done = stream.tell() if size else chunk[-1].number
            met_before = _store(batch, chunk, ahead, losing) * 2 > len(chunk)
            report(batch)
            if broken:
                raise broken
            chunk, ahead = following, None


def store(batch: Batch, items: Iterable[Item], losing: Losing = nobody) -> None:
    """Import items that were read already; their numbers grow, from behind the batch's checkpoint."""
    for chunk in _chunks(iter(items)):
        _store(batch, chunk, None, losing)


def content_key(stream: BinaryIO) -> tuple[str, BinaryIO]:
    """What an input is known by when it comes again, its first bytes and its size, and a stream that gives all of it.

    Of a pipe only the first bytes are known: whether the rest is the same shows when the checkpoint is reached.
    """
    if size := _size(stream):
        at = stream.tell()
        head = stream.read(sources.HEAD_BYTES)
        stream.seek(at)
    else:
        head, stream = sources.peek(stream)
    return hashlib.blake2b(b"%d " % size + head, digest_size=32).hexdigest(), stream


def _size(stream: BinaryIO) -> int:
    """Bytes of the input as it was sent, packed or not; 0 for a pipe."""
    if not stream.seekable():
        return 0
    at = stream.tell()
    size = stream.seek(0, io.SEEK_END)
    stream.seek(at)
    return size


def _unread(batch: Batch, lines: Iterable[Line]) -> Iterator[Line]:
    """The lines behind the checkpoint. Those before it are not parsed, but must be what was read then.

    Raises `UnreadableFile` where they are not: the first lines of a new file may be those of an old one.
    """
    checksum = number = 0
    for line in lines:
        number = line.number
        if number > batch.checkpoint:
            yield line
            continue
        checksum = _checksum([line], checksum)
        if number == batch.checkpoint and batch.checksum not in {None, checksum}:
            raise _another(batch)
    if number < batch.checkpoint:
        raise _another(batch)


def _another(batch: Batch) -> UnreadableFile:
    return UnreadableFile(
        f"This is not the input that import {batch.pk} read {batch.checkpoint:,} records of; import it as a new one."
    )


def _checksum(lines: Iterable[Line], start: int) -> int:
    """CRC-32 of the lines, going on from `start`."""
    return zlib.crc32(b"".join([(line.content or b"") + b"\n" for line in lines]), start)


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in chunks; where the input breaks off, what was read of the last comes before the exception."""
    chunk: list[Item] = []
    size = 0
    try:
        for item in items:
            chunk.append(item)
            size += len(item.content or b"") if isinstance(item, Line) else 0
            if len(chunk) == CHUNK or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
    except UnreadableFile:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def _next(chunks: Iterator[list[Item]]) -> tuple[list[Item], UnreadableFile | None]:
    """The next chunk, or none and why: what stands before a break is stored first."""
    try:
        return next(chunks, []), None
    except UnreadableFile as error:
        return [], error


# --- one chunk -------------------------------------------------------------------------------------------------------


@dataclass
class _Part:
    """Records no two of which can be the same paper, and what is already known of the others."""

    records: dict[int, Staged] = field(default_factory=dict)
    repeats: list[tuple[Staged, int]] = field(default_factory=list)  # (the record, the number it repeats)
    keys: dict[tuple[str, str], int] = field(default_factory=dict)

    def admits(self, record: Staged) -> bool:
        """False where another record here may be the same paper, but only the stored one would tell."""
        met = [self.records[self.keys[key]] for key in _keys(record) if self.keys.get(key) in self.records]
        return not any(record.arxiv_id is None or other.arxiv_id is None for other in met)

    def add(self, record: Staged) -> None:
        earlier = self.keys.get(("arxiv", record.arxiv_id)) if record.arxiv_id else None
        if earlier is not None and not _is_newer(record, self.records[earlier]):
            self.repeats.append((record, earlier))
            self.records[earlier] = self.records[earlier].listed_too(record)
            return
        if earlier is not None:  # the newer record takes the place of the older one
            record = record.listed_too(self.records[earlier])
            self.repeats.append((self.records.pop(earlier), record.number))
        self.records[record.number] = record
        self.keys |= dict.fromkeys(_keys(record), record.number)


def _is_newer(record: Staged, other: Staged) -> bool:
    return record.updated is not None and (other.updated is None or record.updated > other.updated)


def _keys(record: Staged) -> Iterator[tuple[str, str]]:
    """What identifies a record within a chunk."""
    if record.arxiv_id:
        yield "arxiv", record.arxiv_id
    if record.doi:
        yield "doi", record.doi
    yield "fingerprint", record.fingerprint


def _parts(records: Iterable[Staged]) -> Iterator[_Part]:
    part = _Part()
    for record in records:
        if not part.admits(record):
            yield part
            part = _Part()
        part.add(record)
    yield part


def alone() -> None:
    """Until the transaction ends nobody else writes papers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])


@transaction.atomic
def _store(
    batch: Batch,
    chunk: Sequence[Item],
    ahead: list[Staged | Refusal] | None,
    losing: Losing = nobody,
) -> int:
    """Store a chunk, parsed `ahead` or else here; returns how many of its records changed nothing."""
    alone()
    before = batch.unchanged
    found = _parsed(batch, chunk) if ahead is None else ahead
    deletions = [item for item in found if isinstance(item, Deletion)]
    refusals = [item for item in found if isinstance(item, Refusal) and not isinstance(item, Deletion)]
    removed = set(batch.removed_surnames)
    for part in _parts(item for item in found if isinstance(item, Staged)):
        waiting = part.records
        while waiting:
            set_aside: set[int] = set()
            for merged in _merged(batch, list(waiting.values()), refusals, losing):
                for fate, count in merged.fates.items():
                    setattr(batch, fate, getattr(batch, fate) + count)
                removed |= merged.removed_surnames
                set_aside |= merged.set_aside
            waiting = {number: waiting[number] for number in sorted(set_aside)}
        BatchRecord.objects.bulk_create(_repeated(batch, item, other) for item, other in part.repeats)
        batch.unchanged += len(part.repeats)
    BatchRecord.objects.bulk_create(_refused(batch, refusal) for refusal in refusals)
    batch.refused += len(refusals)
    if deletions:
        _withdraw(batch, deletions, {item.arxiv_id: item.number for item in found if isinstance(item, Staged)})
    batch.removed_surnames = sorted(removed)
    batch.checkpoint = chunk[-1].number
    if isinstance(chunk[-1], Line):
        batch.checksum = _checksum((item for item in chunk if isinstance(item, Line)), batch.checksum or 0)
    batch.save()
    return batch.unchanged - before


def _parsed(batch: Batch, chunk: Sequence[Item]) -> list[Staged | Refusal]:
    """The records of a chunk, less those that are known again, which are noted as unchanged."""
    lines = (item for item in chunk if isinstance(item, Line))
    known = merging.recognise(batch.pk, reading.digests(lines, batch.source))
    batch.unchanged += len(known)
    return reading.parsed((item for item in chunk if item.number not in known), batch.source)


def _merged(
    batch: Batch, records: Sequence[Staged], refusals: list[Refusal], losing: Losing
) -> Iterator[merging.Merged]:
    """Merge the records, by halves where PostgreSQL refuses a row of them; the row is added to `refusals`."""
    try:
        with transaction.atomic():
            yield _merge(batch, records, losing)
        return
    except DatabaseError as error:
        said = _refusal_of_a_row(error)
        if said is None:
            raise
    if len(records) == 1:
        refusals.append(Refusal(records[0].number, said, source_id=records[0].arxiv_id or ""))
        return
    middle = len(records) // 2
    yield from _merged(batch, records[:middle], refusals, losing)
    yield from _merged(batch, records[middle:], refusals, losing)


def _merge(batch: Batch, records: Sequence[Staged], losing: Losing) -> merging.Merged:
    topics = _topic_ids({name for record in records for name in record.topics})
    return merging.merge(batch.pk, records, topics, partial(losing, batch.pk))


def _refusal_of_a_row(error: DatabaseError) -> str | None:
    """The sentence for the curator where the fault lies in a value; None where it lies elsewhere."""
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error) or not (cause.sqlstate or "").startswith(_OF_A_ROW):
        return None
    return f"The database refuses this record: {cause.diag.message_primary}."


def _withdraw(batch: Batch, deletions: Sequence[Deletion], brought: Mapping[str | None, int]) -> None:
    """Mark the papers whose records the source has deleted, unless it `brought` them back further on in the chunk."""
    found = Paper.objects.filter(arxiv_id__in=[deletion.source_id for deletion in deletions])
    known = {paper.arxiv_id: paper for paper in found.only("arxiv_id", "withdrawn", "digest")}
    known |= _named(batch, [deletion.source_id for deletion in deletions if deletion.source_id not in known])
    rows, marked = [], []
    for deletion in deletions:
        paper = known.get(deletion.source_id)
        fate, before = BatchRecord.Fate.UNCHANGED, None
        if paper and not paper.withdrawn and brought.get(paper.arxiv_id, 0) < deletion.number:
            fate, paper.withdrawn = BatchRecord.Fate.UPDATED, True
            before = {"withdrawn": False, "digest": rf"\x{bytes(paper.digest).hex()}" if paper.digest else None}
            marked.append(paper.pk)
        kept = {"batch": batch, "number": deletion.number, "source_id": deletion.source_id, "reason": deletion.reason}
        rows.append(BatchRecord(fate=fate, paper=paper, before=before, **kept))
    Paper.objects.filter(pk__in=marked).update(withdrawn=True, digest=None, changed_at=ClockTimestamp())
    BatchRecord.objects.bulk_create(rows)
    batch.updated += len(marked)
    batch.unchanged += len(rows) - len(marked)


def _named(batch: Batch, names: Sequence[str]) -> dict[str | None, Paper]:
    """Papers by what the repository of this harvest calls them, where that is no arXiv id."""
    told = BatchRecord.objects.filter(batch__harvest=batch.harvest_id, rolled_back_at=None, paper__isnull=False)
    told = told.filter(source_id__startswith="oai:", source_id__in=names)
    found: dict[str, int] = dict(told.order_by("pk").values_list("source_id", "paper_id")) if names else {}
    papers = Paper.objects.only("arxiv_id", "withdrawn", "digest").in_bulk(found.values())
    return {name: papers[pk] for name, pk in found.items() if pk in papers}


def _refused(batch: Batch, refusal: Refusal) -> BatchRecord:
    return BatchRecord(
        batch=batch,
        number=refusal.number,
        fate=BatchRecord.Fate.REFUSED,
        source_id=refusal.source_id[:255],
        reason=refusal.reason,
        raw=refusal.raw,
    )


def _repeated(batch: Batch, item: Staged, other: int) -> BatchRecord:
    return BatchRecord(
        batch=batch,
        number=item.number,
        fate=BatchRecord.Fate.UNCHANGED,
        source_id=item.arxiv_id or "",
        reason=f"The same paper as record {other} of this file, which is at least as new.",
    )


def store_one(batch: Batch, number: int, record: Record, losing: Losing) -> merging.Merged:
    """Merge one record by itself, in the caller's transaction; the counts of the batch are the caller's."""
    alone()
    return _merge(batch, [stage(number, record, batch.source)], losing)


def _topic_ids(names: set[str]) -> dict[str, int]:
    """Topics by name. Names that would have one address are one topic: sources differ in capitals and hyphens."""
    slugs = {name: slug for name in names if (slug := slugify(name)[: Topic._meta.get_field("slug").max_length])}
    known = dict(Topic.objects.filter(slug__in=slugs.values()).values_list("slug", "pk"))
    for name, slug in sorted(slugs.items()):
        if slug not in known:
            known[slug] = Topic.objects.create(name=name, slug=slug).pk
    return {name: known[slug] for name, slug in slugs.items()}
