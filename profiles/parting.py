"""Parting: who followed somebody whose works are with two people now is asked whom to follow.

Problem: a follower meant one person, and nobody but the follower knows which of the two. A curator's split is one
occasion; the evidence is another: a new paper or a better model parts people without anybody deciding it. Idea: ask
once for each two authors, in one statement for a whole step, and only where the follower could have meant the other: a
good share of the works went there. Where the works come back, the question goes. Entry points: `ask`, `by_evidence`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from django.db import connection

from .models import Assignment, ChangeSet
from .moves import Change

# Of the works that stood on a record. Below, it was one work in six or fewer that was put right, and hardly anybody
# followed the record for that one; a question for each of them teaches people to click questions away.
SHARE = 0.2
Pair = tuple[int, int]  # old author, new author


def ask(pairs: Collection[Pair], change_set: ChangeSet | None = None) -> None:
    """Ask each follower of the old author, and of those merged into it, about the new one.

    Nobody is asked twice of one occasion, nor who follows both already.
    """
    if not pairs:
        return
    old, new = zip(*sorted(pairs), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH RECURSIVE was(old, new, id) AS (
                   SELECT old, new, old FROM unnest(%(old)s::bigint[], %(new)s::bigint[]) AS pair(old, new)
                    UNION SELECT was.old, was.new, a.id FROM profiles_author a JOIN was ON a.merged_into_id = was.id
               )
               INSERT INTO profiles_followquestion
                      (account_id, old_author_id, new_author_id, change_set_id, answer, asked_at)
               SELECT DISTINCT f.account_id, was.old, was.new, %(change_set)s::bigint, '', now()
                 FROM was JOIN profiles_follow f ON f.author_id = was.id
                WHERE NOT EXISTS (SELECT FROM profiles_follow g
                                   WHERE g.account_id = f.account_id AND g.author_id = was.new)
                  AND NOT EXISTS (SELECT FROM profiles_followquestion q
                                   WHERE (q.account_id, q.old_author_id, q.new_author_id)
                                         = (f.account_id, was.old, was.new)
                                     AND q.change_set_id IS NOT DISTINCT FROM %(change_set)s::bigint)
               ON CONFLICT DO NOTHING""",
            {"old": list(old), "new": list(new), "change_set": change_set.pk if change_set else None},
        )


def by_evidence(changes: Sequence[Change], stored: Mapping[int, Assignment]) -> None:
    """Ask about whom one step parted, and take back questions about whom it joined again.

    `stored` are all assignments of the step's surnames before it; `moves.record` has written its moves.
    """
    went = Counter((change.was.author_id, change.now.author_id) for change in changes)
    had = Counter(row.author_id for row in stored.values())
    heirs: defaultdict[int, set[int]] = defaultdict(set)
    left = Counter(had)
    for (source, target), count in went.items():
        heirs[source].add(target)
        left[source] -= count
    merged = {source for source, targets in heirs.items() if not left[source] and len(targets) == 1}
    ask({pair for pair, count in went.items() if pair[0] not in merged and count >= SHARE * had[pair[0]]})
    _forget(went, merged)


def _forget(went: Collection[Pair], merged: Collection[int]) -> None:
    """Drop open questions that works answered: all that had gone came back, or the old author is the new one now."""
    if not went:
        return
    source, target = zip(*sorted(went), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM profiles_followquestion q
                USING unnest(%(source)s::bigint[], %(target)s::bigint[]) AS pair(source, target)
                WHERE q.change_set_id IS NULL AND q.answer = ''
                  AND ((q.old_author_id, q.new_author_id) = (pair.source, pair.target)
                       AND pair.source = ANY(%(merged)s::bigint[])
                    OR (q.old_author_id, q.new_author_id) = (pair.target, pair.source)
                       AND NOT EXISTS (SELECT FROM profiles_move m
                                         JOIN profiles_assignment s ON s.signature_id = ANY(m.signatures)
                                        WHERE (m.source_id, m.target_id) = (q.old_author_id, q.new_author_id)
                                          AND s.author_id = q.new_author_id))""",
            {"source": list(source), "target": list(target), "merged": list(merged)},
        )
