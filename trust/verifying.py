"""Whether the ledger is as it was written, gives the scores that are shown, and these follow from the facts.

Everything is read in parts of bounded size, and what is wrong is told as it is found. Entry points: `problems`, in one
transaction that sees no later writes (`snapshot`); `differing`, against the facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import Max

from profiles.models import Author

from . import ledger
from .chain import ZEROS, Link, faults
from .models import LedgerEntry, LedgerHead, TrustScore
from .scores import facts_of
from .scoring import assess

PART = 2_000  # entries, or authors, held in memory at a time
_AUTHORS = 50_000  # ids added up in one statement

# The sum of what stands, beside the score that is shown; rules that give nothing are left out on both sides.
_DIFFERENT_SUMS = """
WITH standing AS (
    SELECT DISTINCT ON (author_id, rule) author_id, rule, points
      FROM trust_ledgerentry WHERE author_id > %(after)s AND author_id <= %(to)s
     ORDER BY author_id, rule, seq DESC
), summed AS (
    SELECT author_id, sum(points) AS score, jsonb_object_agg(rule, points) FILTER (WHERE points > 0) AS given
      FROM standing GROUP BY author_id
), shown AS (
    SELECT t.author_id, t.score,
           (SELECT jsonb_object_agg(key, value) FROM jsonb_each(t.components) WHERE value <> '0') AS given
      FROM trust_trustscore t WHERE t.author_id > %(after)s AND t.author_id <= %(to)s
)
SELECT author_id, coalesce(l.score, 0), coalesce(s.score, 0)
  FROM summed l FULL JOIN shown s USING (author_id)
 WHERE (coalesce(l.score, 0), coalesce(l.given, '{}')) <> (coalesce(s.score, 0), coalesce(s.given, '{}'))
 ORDER BY author_id
"""


@contextmanager
def snapshot() -> Iterator[None]:
    """A transaction in which nothing changes while it is read; inside of another one, that one."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def problems() -> Iterator[str]:
    """A sentence for each thing that is wrong: with the seal, with an entry, with the sum of an author."""
    yield from chain_problems()
    yield from _different_sums()


def chain_problems() -> Iterator[str]:
    """The same of the seal and the entries alone."""
    heads = list(LedgerHead.objects.order_by("pk")[:2])
    head = heads[0] if heads else LedgerHead(entries=0, hash=ZEROS)
    if not heads and LedgerEntry.objects.exists():
        yield "The head of the ledger is missing."
    if len(heads) > 1:
        yield "The ledger has more than one head."
    if heads and not ledger.is_sealed(head):
        yield f"The head, at entry {head.entries}, is not sealed with the key of this site."
    for fault in faults(_newest_first(), head.entries, head.hash):
        yield fault.sentence


def _newest_first() -> Iterator[Link]:
    entries = LedgerEntry.objects.order_by("-seq")
    part = list(entries[:PART])
    while part:
        yield from map(ledger.link, part)
        part = list(entries.filter(seq__lt=part[-1].seq)[:PART])


def _different_sums() -> Iterator[str]:
    ends = (LedgerEntry.objects.aggregate(end=Max("author")), TrustScore.objects.aggregate(end=Max("author")))
    last = max(end["end"] or 0 for end in ends)
    for after in range(0, last, _AUTHORS):
        with connection.cursor() as cursor:
            cursor.execute(_DIFFERENT_SUMS, {"after": after, "to": after + _AUTHORS})
            for author, entered, shown in cursor.fetchall():
                yield f"Person {author}: the ledger adds up to {entered}, and the score shown is {shown}" + (
                    "." if entered != shown else ", of other rules."
                )


def differing() -> Iterator[str]:
    """A sentence for each author for whom the facts of now give another score, level or entry than what is stored.

    Those who wait to be counted anew are left out.
    """
    settled = Author.objects.filter(stale=False).order_by("pk").values_list("pk", flat=True)
    part = list(settled[:PART])
    while part:
        shown = TrustScore.objects.in_bulk(part, field_name="author_id")
        assessed = {author: assess(facts) for author, facts in facts_of(part).items()}
        for author, assessment in assessed.items():
            row = shown.get(author)
            now = assessment.score, assessment.level, assessment.points
            if row is None or (row.score, row.level, row.components) != now:
                stored = f"{row.score}, L{row.level}" if row else "nothing"
                yield f"Person {author}: the facts give {assessment.score}, L{assessment.level}; stored is {stored}."
        for entry in ledger.due(assessed):
            yield f"Person {entry.author}: the facts give {entry.points} by “{entry.rule}”, which is not entered so."
        part = list(settled.filter(pk__gt=part[-1])[:PART])
