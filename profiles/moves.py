"""Moves: which works went from one author to another, and why, for everyone who had the old page in mind.

Problem: a re-run may move thousands of signatures, and nobody reads thousands of rows. Idea: one row for each two
authors and step, with one reason: the decision, the model's version, the link that joined, or the link that no longer
holds. A name that its paper no longer prints goes to nobody. Entry points: `record`, `removed`,
`give_back`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from papers.models import BatchRecord, Signature

from .arrays import ids
from .disambiguation.engine import pair_probabilities
from .disambiguation.signatures import Signature as Printed
from .models import Assignment, ChangeSet, Correction, Move

# Rows kept in all: a full re-run of a million signatures with a new model writes some tens of thousands.
MOVES = 200_000
# Signatures named in a row; more are counted.
NAMED = 100
# Splits of one step whose link is weighed again, for the reason: a millisecond each.
WEIGHED = 200
# Evidence that says nothing of its own.
_BEFORE_EVIDENCE = frozenset({"prior", "name", "two by two", "others"})


@dataclass(frozen=True, slots=True)
class Change:
    """The assignment of one signature before and after, to different authors."""

    was: Assignment
    now: Assignment


def record(
    changes: Sequence[Change],
    rows: Sequence[Assignment],
    stored: Mapping[int, Assignment],
    signatures: Sequence[Printed],
    batch: int | None,
    corrections: Sequence[Correction] = (),
    change_set: ChangeSet | None = None,
) -> None:
    """Write the moves of one step. `rows` are all assignments as they are now, `stored` as they were, by signature."""
    if not changes:
        return
    grouped: defaultdict[tuple[int, int], list[Change]] = defaultdict(list)
    for change in changes:
        grouped[change.was.author_id, change.now.author_id].append(change)
    before, after = {row.author_id for row in stored.values()}, {row.author_id for row in rows}
    why = _Reasons(rows, stored, signatures, corrections, change_set)
    moves = []
    for (source, target), group in sorted(grouped.items()):
        stays = Move.Kind.MOVED if target in before else Move.Kind.SPLIT
        kind = stays if source in after else Move.Kind.MERGED
        moves.append(
            Move(
                source_id=source,
                target_id=target,
                kind=kind,
                count=len(group),
                signatures=sorted(change.now.signature_id for change in group)[:NAMED],
                reason=why.of(group, kind),
                batch_id=batch,
                correction=why.decision(group),
                change_set=change_set,
            )
        )
    _write(moves)


def removed(batch: int, signatures: Collection[int], undone: bool = False) -> None:
    """Write, before these signatures go, whose they were: a newer version dropped them, or the import is `undone`."""
    lost: defaultdict[int, list[Assignment]] = defaultdict(list)
    rows = Assignment.objects.filter(signature__in=ids(signatures)).select_related("signature__paper")
    told = ("given", "family", "suffix", "paper__arxiv_id", "paper__title_text")
    for row in rows.only("author", *(f"signature__{field}" for field in told)).order_by("signature"):
        lost[row.author_id].append(row)
    _write(
        [
            Move(
                source_id=author,
                kind=Move.Kind.REMOVED,
                count=len(gone),
                signatures=[row.signature_id for row in gone[:NAMED]],
                reason=_gone(gone, undone),
                batch_id=batch,
            )
            for author, gone in sorted(lost.items())
        ]
    )


def give_back(papers: Collection[int]) -> None:
    """Names that are on these papers again are, until they are resolved, of whoever lost them: so addresses last."""
    bare = set(Signature.objects.filter(paper__in=ids(papers), assignment=None).values_list("pk", flat=True))
    met = BatchRecord.objects.filter(paper__in=ids(papers)).values("batch")
    lost = Move.objects.filter(kind=Move.Kind.REMOVED, batch__in=met, source__merged_into=None)
    had: dict[int, int] = {}
    for author, signatures in (
        lost.filter(signatures__overlap=list(bare)).order_by("pk").values_list("source", "signatures") if bare else ()
    ):
        had |= dict.fromkeys(bare.intersection(signatures), author)
    Assignment.objects.bulk_create(
        (
            Assignment(signature_id=signature, author_id=author, state=Assignment.State.WEAK, probability=0)
            for signature, author in sorted(had.items())
        ),
        batch_size=2_000,
    )


def _gone(gone: Sequence[Assignment], undone: bool) -> str:
    first = gone[0].signature
    work = f"“{first.name}” on {first.paper.arxiv_id or first.paper.title_text[:80]}"
    more = f" and {len(gone) - 1:,} more" if len(gone) > 1 else ""
    why = "the import that brought it was rolled back" if undone else "a newer version no longer prints it"
    return f"{work}{more}: {why}"


def _write(moves: Sequence[Move]) -> None:
    if moves:
        newest = Move.objects.bulk_create(moves, batch_size=2_000)[-1]
        # What people did stays: it says where the works of an old address went.
        Move.objects.filter(pk__lte=newest.pk - MOVES, change_set=None).delete()


class _Reasons:
    """Why groups of signatures changed their author."""

    def __init__(
        self,
        rows: Sequence[Assignment],
        stored: Mapping[int, Assignment],
        signatures: Sequence[Printed],
        corrections: Sequence[Correction],
        change_set: ChangeSet | None,
    ) -> None:
        self.stored, self.corrections, self.change_set = stored, corrections, change_set
        self.printed = {signature.id: signature for signature in signatures}
        self.after: defaultdict[int, list[Assignment]] = defaultdict(list)
        self.before: defaultdict[int, list[Assignment]] = defaultdict(list)
        for row in rows:
            self.after[row.author_id].append(row)
        for row in stored.values():
            self.before[row.author_id].append(row)
        self.left_to_weigh = WEIGHED

    def decision(self, group: Sequence[Change]) -> Correction | None:
        """Of the decisions of this step the first that names one of these signatures, else the first."""
        went = {change.now.signature_id for change in group}
        about = (c for c in self.corrections if c.signature_id in went or c.other_id in went)
        return next(about, next(iter(self.corrections), None))

    def of(self, group: Sequence[Change], kind: str) -> str:
        """One sentence for signatures that went the same way."""
        if self.change_set is not None:
            return f"{self.change_set} of {self.change_set.made_by.get_username()}"
        if (correction := self.decision(group)) is not None:
            word = "decision" if correction.is_live else "withdrawn decision"
            return f"{word} of {correction.by}: {correction}"
        was, now = group[0].was.model, group[0].now.model
        if was != now:
            return f"model version {was} → {now}"
        return self._split(group) if kind == Move.Kind.SPLIT else self._joined(group)

    def _joined(self, group: Sequence[Change]) -> str:
        """The surest link between what came and what was not the old author's."""
        source, target = group[0].was.author_id, group[0].now.author_id
        old = {row.signature_id for row in self.before[source]}
        links = [
            row
            for row in self.after[target]
            if row.compared_with_id is not None and (row.signature_id in old) != (row.compared_with_id in old)
        ]
        if not links:
            return "joined: other works link them"
        best = max(links, key=lambda row: (row.probability, -row.signature_id))
        told = [item for item in best.evidence if item["weight"] > 0 and item["rule"] not in _BEFORE_EVIDENCE]
        reasons = [str(item["sentence"]) for item in sorted(told, key=lambda item: -item["weight"])[:2]]
        return f"joined by evidence: {'; '.join(reasons) or 'the same rare name'}"

    def _split(self, group: Sequence[Change]) -> str:
        """The surest of the old links between what went and what stayed, and what is said of it now."""
        went = {change.now.signature_id for change in group}
        links = [
            row
            for row in self.before[group[0].was.author_id]
            if row.compared_with_id is not None and (row.signature_id in went) != (row.compared_with_id in went)
        ]
        if not links:
            return "split: what linked them is no longer printed"
        best = max(links, key=lambda row: (row.probability, -row.signature_id))
        ends = [self.printed[s] for s in (best.signature_id, best.compared_with_id) if s in self.printed]
        if len(ends) < 2 or self.left_to_weigh == 0:
            return f"split: the link that held them (stated {best.probability:.2f}) no longer does"
        self.left_to_weigh -= 1
        now = next(iter(pair_probabilities(ends).values()), 0.0)
        if round(now, 2) < round(best.probability, 2):
            return f"split: the link that held them fell from {best.probability:.2f} to {now:.2f}"
        return f"split: the link that held them is still {now:.2f}, but other works now stand between them"
