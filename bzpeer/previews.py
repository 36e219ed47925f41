"""Previews: what an import would do, found out by doing it in a transaction that is rolled back.

Problem: a merge of records and what follows for who is who depend on everything that is there, and a second program
that foretells it would be wrong wherever it differs from the first. Idea: run the import itself, and the resolving of
the names that it touches, look at the rows, and roll back. So it is exact, as long as nothing else changes before the
import is applied; killed in the middle, nothing was written. What is looked at is bounded: some records of each fate,
some people and moves, each with the true count beside it; and people only where the names to be resolved are few enough
for the rows of authors not to be held for long.

Entry points: `preview` tries and writes nothing; `propose` keeps the result with the batch, for a curator to decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef

from papers import differences, importing
from papers.models import Batch, BatchRecord
from papers.streams import UnreadableFile
from profiles import moves, resolving
from profiles.models import Assignment, Author, Move

# Signatures whose people are worked out: about 20 seconds. Beyond it only the records are previewed.
MOST_SIGNATURES = 40_000
# Records of each fate, people and moves that a preview names; all are counted.
RECORDS = 500
PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: `counts` of records by fate, some `records` with `before` and `after`, the `report` on
    people (JSON, see `_people`), and the `problem` of a file that breaks off."""

    source: str
    counts: dict[str, int]
    records: list[BatchRecord]
    report: dict[str, Any]
    problem: str = ""


def preview(batch: Batch, stream: BinaryIO) -> Preview:
    """Try the import of `stream`. Nothing is written, the batch neither. The caller lets nobody else resolve meanwhile.

    Raises `papers.streams.UnreadableFile` where nothing of it can be read.
    """
    before = _Newest.now()
    with transaction.atomic():
        trial = Batch(label=batch.label, source=batch.source)
        trial.save()
        found = _tried(trial, stream, before)
        transaction.set_rollback(True)
    return found


@transaction.atomic
def propose(batch: Batch, found: Preview) -> None:
    """Keep the preview with the batch; the caller enters the stage."""
    batch.records.all().delete()
    for record in found.records:
        record.pk, record.batch = None, batch
        if record.fate == BatchRecord.Fate.NEW:
            record.paper_id = None  # it has no number yet
    BatchRecord.objects.bulk_create(found.records, batch_size=100)
    batch.source, batch.preview, batch.problem = found.source, found.report, found.problem
    for fate, count in found.counts.items():
        setattr(batch, fate, count)
    batch.save(update_fields=["source", "preview", "problem", *found.counts])


def told(found: Preview, most: int) -> Iterator[str]:
    """The preview as lines of text; `most` changed records, and as many moves, are named."""
    if found.problem:
        yield found.problem
    for record in found.records:
        if record.fate == BatchRecord.Fate.REFUSED:
            yield f"  record {record.number} {record.source_id} would be refused: {record.reason}"
    changed = [record for record in found.records if record.fate == BatchRecord.Fate.UPDATED]
    for record in changed[:most]:
        yield f"  record {record.number} {record.source_id} would be updated:"
        for difference in differences.differences(record.before, record.after):
            yield f"    {difference}"
    if (more := found.counts[BatchRecord.Fate.UPDATED] - len(changed[:most])) > 0:
        yield f"  and {more:,} more would be updated"
    if not found.report["previewed"]:
        yield f"Who is who was not worked out: {found.report['signatures']:,} names would be resolved."
        return
    counts = found.report["counts"]
    yield "People: " + ", ".join(f"{counts[word]:,} {word}" for word in ("made", "merged", "split"))
    for move in found.report["moves"][:most]:
        target = f"to {move['target']['name']}" if move["target"] else "to nobody"
        yield f"  {move['count']:,} from {move['source']['name']} {target}, {move['reason']}"
    for address in found.report["addresses"][:most]:
        heir = address["target"]
        leads = f"would lead to /people/{heir['id']}/" if heir else "would be gone"
        yield f"  /people/{address['source']['id']}/ ({address['source']['name']}) {leads}"


def _tried(trial: Batch, stream: BinaryIO, before: _Newest) -> Preview:
    problem = ""
    try:
        importing.run(trial, stream, losing=moves.removed)
    except UnreadableFile as error:
        if not trial.total:
            raise
        problem = str(error)
    counts = {str(fate): getattr(trial, fate) for fate in BatchRecord.Fate.values}
    records = [
        record
        for fate in BatchRecord.Fate.values
        for record in trial.records.filter(fate=fate).order_by("number")[:RECORDS]
    ]
    told = differences.afters(records)
    for record in records:
        record.after = told.get(record.pk)
    signatures = resolving.plan(trial)
    report: dict[str, Any] = {"signatures": signatures, "previewed": signatures <= MOST_SIGNATURES}
    if report["previewed"]:
        report |= _people(trial, before)
    return Preview(trial.source, counts, records, report, problem)


@dataclass(frozen=True, slots=True)
class _Newest:
    """What was there before: newer ids are the import's own."""

    author: int
    move: int

    @staticmethod
    def now() -> _Newest:
        newest = [model.objects.aggregate(newest=Max("pk", default=0))["newest"] for model in (Author, Move)]
        return _Newest(*newest)


def _people(trial: Batch, before: _Newest) -> dict[str, Any]:
    """Resolve, and tell: counts, who would be `made`, the `moves`, and the `addresses` that would lead elsewhere."""
    groups = [group.surnames for group in trial.pending_groups.order_by("pk")]
    # All at once and so in one order: whoever decides about two of them never waits crosswise.
    resolving.lock([name for group in groups for name in group])
    total = sum((resolving.resolve(group, trial.pk) for group in groups), resolving.Report())
    made = Author.objects.filter(pk__gt=before.author).annotate(assigned=Count("assignments")).filter(assigned__gt=0)
    moved = Move.objects.filter(pk__gt=before.move)
    addresses = _addresses(moved, before)
    kinds = moved.order_by().values_list("kind").annotate(Count("pk"))
    return {
        "counts": {"kept": total.kept, "made": total.made, "merged": total.merged, "split": total.split},
        "made": [
            {"name": name, "works": works}
            for name, works in made.order_by("-assigned", "pk").values_list("name", "assigned")[:PEOPLE]
        ],
        "moved": dict(kinds),
        "moves": [_move(move, before) for move in moved.select_related("source", "target").order_by("pk")[:PEOPLE]],
        "addresses": addresses[:PEOPLE],
        "addresses_count": len(addresses),
    }


def _move(move: Move, before: _Newest) -> dict[str, Any]:
    return {
        "kind": move.kind,
        "count": move.count,
        "source": _person(move.source, before),
        "target": _person(move.target, before),
        "reason": move.reason,
    }


def _addresses(moved: Any, before: _Newest) -> list[dict[str, Any]]:
    """Records that would be left without works, and the one that their address would lead to, if to one."""
    works = Assignment.objects.filter(author=OuterRef("pk"))
    left = Author.objects.filter(pk__in=moved.values("source"), pk__lte=before.author).exclude(Exists(works))
    return [
        {"source": _person(author, before), "target": _person(author.merged_into, before)}
        for author in left.select_related("merged_into").order_by("pk")
    ]


def _person(author: Author | None, before: _Newest) -> dict[str, Any] | None:
    """Name and id; no id for one that is not there yet."""
    if author is None:
        return None
    return {"id": author.pk if author.pk <= before.author else None, "name": author.name}
