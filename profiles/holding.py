"""Holding: the decisions by which the rows of a change set hold, and those that they set aside while they do.

A row is statements, "this signature is that author's" or is not, recorded as decisions that the matcher cannot break;
what people had decided otherwise before is withdrawn for the sake of the row, and comes back with its undoing.
Entry points: `statements`, `hold`, `set_aside`, `give_back`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from papers.models import Signature

from .arrays import ids
from .models import Account, Assignment, Author, Change, ChangeSet, Correction
from .rulings import snapshot


@dataclass(frozen=True, slots=True)
class Statement:
    """A signature is, or is not, an author's; for the sake of a row, or (none) to keep it where it is."""

    signature: int
    author: int
    same: bool
    row: Change | None = None


def statements(change_set: ChangeSet, rows: Sequence[Change]) -> Iterator[Statement]:
    """What holds these rows: the work is the target's; and, but in a merge, not the source's.

    What stays with the source is not the target's either: the evidence that had joined it to the works that go would
    take it along.
    """
    for row in rows:
        yield Statement(row.signature_id or 0, row.target_id, True, row)
        if not change_set.merges:
            yield Statement(row.signature_id or 0, row.source_id or 0, False, row)
    if not change_set.merges:
        going = {row.signature_id for row in rows}
        for source, target in sorted({(row.source_id or 0, row.target_id) for row in rows}):
            staying = Assignment.objects.filter(author=source).values_list("signature", flat=True)
            yield from (Statement(signature, target, False) for signature in staying if signature not in going)


def hold(change_set: ChangeSet, stated: Iterable[Statement], account: Account) -> None:
    """Record the statements as decisions; what is said already is not said again."""
    said = list(stated)
    signatures = Signature.objects.select_related("paper").in_bulk({s.signature for s in said})
    people = Author.objects.select_related("anchor__paper").in_bulk({s.author for s in said})
    known = {pk: snapshot(author.anchor) if author.anchor else {} for pk, author in people.items()}
    printed = {pk: snapshot(signature) for pk, signature in signatures.items()}
    Correction.objects.bulk_create(
        (
            Correction(
                signature_id=s.signature,
                author_id=s.author,
                kind=Correction.Kind.ATTRIBUTION,
                same=s.same,
                reason=change_set.reason,
                made_by=account,
                change_set=change_set,
                change=s.row,
                printed={"signature": printed[s.signature]} | ({"author": known[s.author]} if known[s.author] else {}),
            )
            for s in said
        ),
        ignore_conflicts=True,
        batch_size=2_000,
    )


def set_aside(rows: Sequence[Change], account: Account) -> None:
    """Withdraw what was decided before and these rows decide otherwise, each to come back with the row's undoing."""
    row_of = {row.signature_id or 0: row for row in rows}
    target_of = {signature: row.target_id for signature, row in row_of.items()}
    lineage = _lineage({row.target_id for row in rows})
    live = Correction.objects.live()
    moved = ids(row_of)
    aside: dict[int, Change] = {}
    for pk, signature, author, same in live.filter(signature__in=moved, kind=Correction.Kind.ATTRIBUTION).values_list(
        "pk", "signature", "author", "same"
    ):
        mover = row_of[signature]
        if same or author == mover.source_id or author in lineage[mover.target_id]:
            aside[pk] = mover
    pairs = live.filter(kind=Correction.Kind.SIGNATURES).filter(Q(signature__in=moved) | Q(other__in=moved))
    of_pairs = pairs.values_list(
        "pk", "same", "signature", "other", "signature__assignment__author", "other__assignment__author"
    )
    for pk, same, one, other, holder, other_holder in of_pairs:
        if (target_of.get(one, holder) == target_of.get(other, other_holder)) != same:
            aside[pk] = row_of.get(one) or row_of[other]
    if rows[0].change_set.merges:
        aside |= _kept_apart(rows)
    by_row: defaultdict[int, list[int]] = defaultdict(list)
    for pk, row in aside.items():
        by_row[row.pk].append(pk)
    now = timezone.now()
    withdrawn = [
        Correction(pk=pk, withdrawn_at=now, withdrawn_by=account, superseded_by_id=row)
        for row, pks in by_row.items()
        for pk in pks
    ]
    Correction.objects.bulk_update(withdrawn, ["withdrawn_at", "withdrawn_by", "superseded_by"], batch_size=1_000)


def _kept_apart(rows: Sequence[Change]) -> dict[int, Change]:
    """Decisions that keep apart what a merge makes one person, by id: two authors, or one and a work of the other."""
    merging = {row.target_id: row for row in reversed(rows)}
    target_of = {author: row.target_id for row in rows for author in (row.source_id or 0, row.target_id)}
    group = {one: target_of[root] for root, members in _lineage(target_of.keys()).items() for one in members}
    apart = Correction.objects.live().filter(same=False, author__in=ids(group))
    of_works = apart.filter(kind=Correction.Kind.ATTRIBUTION).values_list(
        "pk", "author", "signature__assignment__author"
    )
    of_authors = apart.filter(kind=Correction.Kind.AUTHORS).values_list("pk", "author", "other_author")
    return {
        pk: merging[group[one]]
        for pk, one, other in chain(of_works, of_authors)
        if one in group and group[one] == group.get(other or 0)
    }


def _lineage(roots: Collection[int]) -> dict[int, set[int]]:
    """Each of these authors with all that were merged into it."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH RECURSIVE was(root, id) AS (
                   SELECT r, r FROM unnest(%s::bigint[]) r
                    UNION SELECT was.root, a.id FROM profiles_author a JOIN was ON a.merged_into_id = was.id
               ) SELECT root, id FROM was""",
            [list(roots)],
        )
        for root, one in cursor.fetchall():
            found[root].add(one)
    return found


def give_back(rows: Sequence[Change]) -> None:
    """What these rows had set aside holds again."""
    with connection.cursor() as cursor:
        # Not where the same was decided anew meanwhile.
        cursor.execute(
            """UPDATE profiles_correction c SET withdrawn_at = NULL, withdrawn_by_id = NULL, superseded_by_id = NULL
                WHERE c.superseded_by_id = ANY(%s)
                  AND NOT EXISTS (SELECT FROM profiles_correction d WHERE d.withdrawn_at IS NULL AND d.same = c.same
                      AND (d.signature_id, d.other_id, d.author_id, d.other_author_id)
                          IS NOT DISTINCT FROM (c.signature_id, c.other_id, c.author_id, c.other_author_id))""",
            [[row.pk for row in rows]],
        )
