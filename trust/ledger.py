"""The ledger of trust: what each rule gave each author, from when on, resting on which rows. It only grows.

Problem: a score that is only ever the newest cannot be asked what it was in March, or who changed it. Idea: an entry is
added where a rule gives other points than before, or where a row that it named carries them no longer; so the newest
entry of an author and rule holds, and further works beyond a cap write nothing. Entries are chained by hash
(`trust.chain`), and the end of the chain is sealed with the secret key of the site: who can only write to the database
can neither cut it off nor write it anew unnoticed. Entry points: `append`, `due`, `standing`, `is_sealed`.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from .chain import ZEROS, Link, digest, hashed, moment
from .models import LedgerEntry, LedgerHead
from .scoring import MODEL, Assessment, Component, band

_HEAD = 1  # the id of the one row

_STANDING = """
SELECT DISTINCT ON (author_id, rule) seq, author_id, rule, model, points, sources, at, hash
  FROM trust_ledgerentry
 WHERE author_id = ANY(%s) AND (%s::timestamptz IS NULL OR at < %s)
 ORDER BY author_id, rule, seq DESC
"""
_SUMS = """
SELECT score, count(*) FROM (
    SELECT author_id, sum(points) AS score FROM (
        SELECT DISTINCT ON (author_id, rule) author_id, points FROM trust_ledgerentry
         WHERE at < %s ORDER BY author_id, rule, seq DESC) AS standing
     GROUP BY author_id) AS summed
 WHERE score > 0 GROUP BY score ORDER BY score
"""
_COLUMNS = "seq, author_id, rule, model, points, sources, salt, at, previous, hash"


@dataclass(frozen=True, slots=True)
class Standing:
    """What one rule gives one author by the newest entry."""

    seq: int
    author: int
    rule: str
    model: str
    points: int
    sources: list[str]
    at: datetime
    hash: str


@dataclass(frozen=True, slots=True)
class Due:
    """An entry that is to be written."""

    author: int
    rule: str
    points: int
    sources: list[str]


def standing(authors: Collection[int], before: datetime | None = None) -> dict[int, dict[str, Standing]]:
    """By author and rule, the entry that holds, or that held just `before` a time."""
    found: dict[int, dict[str, Standing]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [list(authors), before, before])
        for row in cursor.fetchall():
            found[row[1]][row[2]] = Standing(*row)
    return found


def end() -> tuple[int, str]:
    """How many entries there are, and the hash of the newest, as the head says."""
    return LedgerHead.objects.filter(pk=_HEAD).values_list("entries", "hash").first() or (0, ZEROS)


def sums(before: datetime) -> tuple[dict[str, int], int, int]:
    """(people by band, people, points) of all who had any points just before a time."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, [before])
        rows = cursor.fetchall()
    bands: dict[str, int] = {}
    for score, people in rows:
        name = band(min(score, 100))  # what somebody changed by hand may add up to anything
        bands[name] = bands.get(name, 0) + people
    return bands, sum(people for _score, people in rows), sum(score * people for score, people in rows)


def end_of(day: date) -> datetime:
    """The moment after the last of that day, in UTC. Raises OverflowError for the last day that there is."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)


def append(assessed: Mapping[int, Assessment]) -> None:
    """Enter what changed, in the caller's transaction. The rest of it waits for whoever else is entering something:
    this must be its last step."""
    entries = [(entry, secrets.token_hex(16)) for entry in due(assessed)]
    if not entries:
        return
    digests = [digest(entry.sources, salt) for entry, salt in entries]
    head = _head()
    sealed, at = is_sealed(head), timezone.now()
    written = moment(at)
    with connection.cursor() as cursor:
        copying = cursor.copy(f"COPY trust_ledgerentry ({_COLUMNS}) FROM STDIN")
        with connection.wrap_database_errors, copying as copy:  # Django does it for `execute` only
            for (entry, salt), told in zip(entries, digests, strict=True):
                previous, seq = head.hash, head.entries + 1
                hash = hashed(seq, entry.author, entry.rule, MODEL, entry.points, told, written, previous)
                copy.write_row(
                    (seq, entry.author, entry.rule, MODEL, entry.points, entry.sources, salt, at, previous, hash)
                )
                head.entries, head.hash = seq, hash
    if sealed:  # a seal that does not fit is not made good by going on
        head.seal = seal(head)
    head.save(update_fields=["entries", "hash", "seal"])


def due(assessed: Mapping[int, Assessment]) -> Iterator[Due]:
    """The entries that these assessments call for."""
    known = standing(assessed)
    for author, assessment in assessed.items():
        before = known.get(author, {})
        for component in assessment.components:
            stands = before.get(component.rule)
            if stands is None:
                if component.points:
                    yield Due(author, component.rule, component.points, _bearing(component, ()))
            elif (stands.points, stands.model) != (component.points, MODEL) or _lost(component, stands.sources):
                yield Due(author, component.rule, component.points, _bearing(component, stands.sources))
        for rule in before.keys() - assessment.points.keys():  # the rulebook has it no longer
            if before[rule].points:
                yield Due(author, rule, 0, [])


def _lost(component: Component, named: Sequence[str]) -> bool:
    """Whether a row that the entry names carries its points no longer."""
    return bool(Counter(named) - Counter(row.source for row in component.rows))


def _bearing(component: Component, named: Sequence[str]) -> list[str]:
    """As many rows as carry the points: those already named before others, then the lowest numbers, in that order."""
    if not component.points:
        return []
    kept = frozenset(named)
    sources = sorted(
        (row.source for row in component.rows if row.source), key=lambda source: (source not in kept, *_order(source))
    )
    needed = -(-component.points // component.each) if component.each else len(sources)
    return sorted(sources[:needed], key=_order)


def _order(source: str) -> tuple[str, int, str]:
    kind, _, which = source.partition(":")
    return kind, int(which) if which.isdecimal() else 0, which


def _head() -> LedgerHead:
    """The end of the chain, locked until the transaction ends."""
    locked = LedgerHead.objects.select_for_update()
    if (head := locked.filter(pk=_HEAD).first()) is None:
        head = LedgerHead(pk=_HEAD, entries=0, hash=ZEROS)
        head.seal = seal(head)
        LedgerHead.objects.bulk_create([head], ignore_conflicts=True)
        head = locked.get(pk=_HEAD)
    return head


def seal(head: LedgerHead, key: str | bytes = "") -> str:
    """The keyed hash of length and end of the chain."""
    told = f"{head.entries}:{head.hash}"
    return salted_hmac("trust.ledger", told, secret=key or settings.SECRET_KEY, algorithm="sha256").hexdigest()


def is_sealed(head: LedgerHead) -> bool:
    """Whether the seal was made with the secret key of this site, or one that it had before."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(head.seal, seal(head, key)) for key in keys)


def link(entry: LedgerEntry) -> Link:
    """The entry as its hash binds it."""
    return Link(
        entry.seq,
        entry.author_id,
        entry.rule,
        entry.model,
        entry.points,
        digest(entry.sources, entry.salt),
        moment(entry.at),
        entry.previous,
        entry.hash,
    )
