"""Importing: a stream of records becomes papers, in chunks that are each one transaction.

A batch keeps its checkpoint in the same transaction as the rows, so a run that was killed goes on where it was and ends
as an uninterrupted one would. Memory is bounded by the chunk. Entry point: `run`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from django.db import connection, transaction
from django.utils.text import slugify

from . import merging, sources
from .models import Batch, BatchRecord, Paper, Topic
from .names import fold, surname_key
from .records import Deletion, Numbered, PrintedAuthor, Record, Refusal
from .streams import UnreadableFile, open_stream
from .taxonomy import is_category, topic_name
from .text import plain

# Measured on 50,000 snapshot records: 2,000 a chunk is within 5 % of 10,000 and holds a page view up for less long.
CHUNK = 2_000
# A B-tree entry holds at most 2,704 bytes; no real family name is as long as this.
KEY_LENGTH = 200

_ADVISORY_LOCK = 0x425A50  # "BZP": one merge at a time, or two batches could insert one paper twice

Report = Callable[[Batch], None]


def run(batch: Batch, stream: BinaryIO, report: Report = lambda batch: None) -> None:
    """Import everything in `stream` that lies behind the batch's checkpoint; `report` is called after each chunk.

    Raises `papers.streams.UnreadableFile` when the file as a whole cannot be read (what was read before stays in).
    """
    head, stream = sources.peek(open_stream(stream))
    source = sources.by_slug(batch.source) if batch.source else sources.detect(head)
    batch.source = source.slug
    batch.stage = Batch.Stage.READING
    batch.save(update_fields=["source", "stage"])
    items = (item for item in source.read(stream) if item.number > batch.checkpoint)
    store(batch, items, report)


def store(batch: Batch, items: Iterable[Numbered | Refusal], report: Report = lambda batch: None) -> None:
    """Import items whose numbers lie behind the batch's checkpoint and grow."""
    for chunk in _chunks(items):
        _store(batch, chunk)
        report(batch)


@dataclass
class _Chunk:
    """Records no two of which can be the same paper, and what is already known of the others."""

    last: int = 0
    records: dict[int, Record] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    deletions: list[Deletion] = field(default_factory=list)
    repeats: list[tuple[Numbered, int]] = field(default_factory=list)  # (the record, the number it repeats)
    keys: dict[tuple[str, str], int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.records) + len(self.refusals) + len(self.deletions) + len(self.repeats)

    def admits(self, record: Record) -> bool:
        """False where another record here may be the same paper, but only the stored one would tell."""
        met = [self.records[self.keys[key]] for key in _keys(record) if self.keys.get(key) in self.records]
        return not any(record.arxiv_id is None or other.arxiv_id is None for other in met)

    def add(self, item: Numbered | Refusal) -> None:
        self.last = item.number
        if isinstance(item, Deletion):
            self.deletions.append(item)
            return
        if isinstance(item, Refusal):
            self.refusals.append(item)
            return
        record = item.record
        earlier = self.keys.get(("arxiv", record.arxiv_id)) if record.arxiv_id else None
        if earlier is not None and not _is_newer(record, self.records[earlier]):
            self.repeats.append((item, earlier))
            return
        if earlier is not None:  # the newer record takes the place of the older one
            self.repeats.append((Numbered(earlier, self.records.pop(earlier)), item.number))
        self.records[item.number] = record
        self.keys |= dict.fromkeys(_keys(record), item.number)


def _is_newer(record: Record, other: Record) -> bool:
    return record.updated is not None and (other.updated is None or record.updated > other.updated)


def _keys(record: Record) -> Iterator[tuple[str, str]]:
    """What identifies a record within a chunk."""
    if record.arxiv_id:
        yield "arxiv", record.arxiv_id
    if record.doi:
        yield "doi", record.doi
    yield "fingerprint", fingerprint(record)


def _chunks(items: Iterable[Numbered | Refusal]) -> Iterator[_Chunk]:
    """The items in chunks; where the input breaks off, what was read of the last one comes before the exception."""
    chunk = _Chunk()
    try:
        for item in items:
            if len(chunk) >= CHUNK or (isinstance(item, Numbered) and not chunk.admits(item.record)):
                yield chunk
                chunk = _Chunk()
            chunk.add(item)
    except UnreadableFile:
        if len(chunk):
            yield chunk
        raise
    if len(chunk):
        yield chunk


def fingerprint(record: Record) -> str:
    """32 hex digits of the folded title and the set of author names: finds a paper whose record has no identifier.

    The title alone is no key: in arXiv 703 titles stand on several papers.
    """
    names = sorted({f"{fold(a.family)} {fold(a.given)}" for a in record.authors})
    return hashlib.blake2b("\n".join([fold(plain(record.title)), *names]).encode(), digest_size=16).hexdigest()


@transaction.atomic
def _store(batch: Batch, chunk: _Chunk) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
    waiting = chunk.records
    removed = set(batch.removed_surnames)
    while waiting:
        merged = _merge(batch, waiting)
        for fate, count in merged.fates.items():
            setattr(batch, fate, getattr(batch, fate) + count)
        removed |= merged.removed_surnames
        waiting = {number: waiting[number] for number in merged.set_aside}
    BatchRecord.objects.bulk_create(
        [
            *(_refused(batch, refusal) for refusal in chunk.refusals),
            *(_repeated(batch, item, other) for item, other in chunk.repeats),
        ]
    )
    batch.refused += len(chunk.refusals)
    batch.unchanged += len(chunk.repeats)
    if chunk.deletions:
        _withdraw(batch, chunk)
    batch.removed_surnames = sorted(removed)
    batch.checkpoint = chunk.last
    batch.save()


def _withdraw(batch: Batch, chunk: _Chunk) -> None:
    """Mark the papers whose records the source has deleted, unless it brought them back further on in the chunk."""
    found = Paper.objects.filter(arxiv_id__in=[deletion.source_id for deletion in chunk.deletions])
    known = {paper.arxiv_id: paper for paper in found.only("arxiv_id", "withdrawn")}
    brought = {record.arxiv_id: number for number, record in chunk.records.items()}
    rows, marked = [], []
    for deletion in chunk.deletions:
        paper = known.get(deletion.source_id)
        fate = BatchRecord.Fate.UNCHANGED
        if paper and not paper.withdrawn and brought.get(paper.arxiv_id, 0) < deletion.number:
            fate, paper.withdrawn = BatchRecord.Fate.UPDATED, True
            marked.append(paper.pk)
        kept = {"batch": batch, "number": deletion.number, "source_id": deletion.source_id, "reason": deletion.reason}
        rows.append(BatchRecord(fate=fate, paper=paper, **kept))
    Paper.objects.filter(pk__in=marked).update(withdrawn=True)
    BatchRecord.objects.bulk_create(rows)
    batch.updated += len(marked)
    batch.unchanged += len(rows) - len(marked)


def _refused(batch: Batch, refusal: Refusal) -> BatchRecord:
    return BatchRecord(
        batch=batch,
        number=refusal.number,
        fate=BatchRecord.Fate.REFUSED,
        source_id=refusal.source_id[:255],
        reason=refusal.reason,
        raw=refusal.raw,
    )


def _repeated(batch: Batch, item: Numbered, other: int) -> BatchRecord:
    return BatchRecord(
        batch=batch,
        number=item.number,
        fate=BatchRecord.Fate.UNCHANGED,
        source_id=item.record.arxiv_id or "",
        reason=f"The same paper as record {other} of this file, which is at least as new.",
    )


def _merge(batch: Batch, records: dict[int, Record]) -> merging.Merged:
    topics = _topic_ids({name for record in records.values() for name in _topic_names(record)})
    return merging.merge(
        batch.pk,
        (_paper_row(number, record, batch.source) for number, record in records.items()),
        (
            _signature_row(number, position, author)
            for number, record in records.items()
            for position, author in enumerate(record.authors)
        ),
        ((number, topics[name]) for number, record in records.items() for name in _topic_names(record)),
    )


def _paper_row(number: int, record: Record, source: str) -> tuple[Any, ...]:
    versions = [{"number": v.number, "created": v.created.isoformat()} for v in record.versions]
    authors_key = ";".join(f"{family}|{given}" for family, given in map(_name_keys, record.authors))
    return (
        number, record.arxiv_id, record.doi, fingerprint(record), record.title, plain(record.title), record.abstract,
        list(record.categories), record.created, record.updated, record.day_known, json.dumps(versions),
        record.comments, record.journal_ref, record.license, record.source_authors, record.withdrawn, source,
        authors_key or None,
    )  # fmt: skip


def _signature_row(number: int, position: int, author: PrintedAuthor) -> tuple[Any, ...]:
    surname = surname_key(author.family) or author.printed.casefold()
    return (
        number, position, author.printed, author.family, author.given, author.suffix, *_name_keys(author),
        surname[:KEY_LENGTH], list(author.affiliations), author.orcid,
    )  # fmt: skip


def _name_keys(author: PrintedAuthor) -> tuple[str, str]:
    """(family key, given key). A name without a letter or digit, an emoji perhaps, is its own key."""
    return (fold(author.family) or author.printed.casefold())[:KEY_LENGTH], fold(author.given)[:KEY_LENGTH]


def _topic_names(record: Record) -> set[str]:
    """Topics by display name. A code outside the taxonomy stays among the paper's categories only."""
    return {topic_name(code) for code in record.categories if is_category(code)}


def _topic_ids(names: set[str]) -> dict[str, int]:
    known = dict(Topic.objects.filter(name__in=names).values_list("name", "pk"))
    for name in sorted(names - known.keys()):
        known[name] = Topic.objects.create(name=name, slug=slugify(name)).pk
    return known
