"""Reversal: what an import did is taken back, by record or whole, and can be brought back again.

Problem: a record may have written a paper, changed it, or only found it as it is, and other records met the same paper
before and after. Idea: the records that met a paper are a stack, in the order of their ids. One that is rolled back
gives up its mark at once; what it did is taken back as soon as nothing that stands lies above it. So a paper stays for
as long as some record vouches for it, and undoing everything, in any order that is allowed, leads back to where it
began. A record is not rolled back while a later one has changed the paper, or while something outside this app has
been built on a name or a paper that would go: `Rules` say so, each with a sentence and a link. What is taken away is
kept with its ids (`BatchRecord.after`), so bringing it back restores addresses and what people said about them.

Entry points: `undo`, `redo`; `objections` says beforehand what forbids.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import F, Model
from django.utils import timezone
from django.utils.translation import gettext as _

from . import datestamps, institutions
from .importing import Losing, alone
from .models import Batch, BatchRecord, Paper, Signature

# Records that one transaction takes back: some 2,500 names, through the ORM because other apps build on them.
CHUNK = 500

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Objection:
    """What forbids: a sentence, and the address of what stands in the way."""

    sentence: str
    url: str


# Given ids of what would go: what forbids that, by id.
Rule = Callable[[Collection[int]], Mapping[int, Objection]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What forbids that `names` (signatures) go, and what forbids that whole `papers` go."""

    names: tuple[Rule, ...] = ()
    papers: tuple[Rule, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What was done: ids of `records` whose mark changed; by record, what forbade (`kept`); ids of the `papers` whose
    content changed, and the surname keys of all names on them, before and after."""

    records: list[int] = field(default_factory=list)
    kept: dict[int, list[Objection]] = field(default_factory=dict)
    papers: set[int] = field(default_factory=set)
    surnames: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Step:
    """What rolling one record back comes to: `popped` records are taken back, the latest first."""

    record: BatchRecord
    changed_by: BatchRecord | None = None
    popped: list[BatchRecord] = field(default_factory=list)

    @property
    def takes_all(self) -> bool:
        """Whether the paper goes."""
        return any(record.fate == BatchRecord.Fate.NEW for record in self.popped)


def objections(records: Sequence[BatchRecord], rules: Rules, whole: bool = False) -> dict[int, list[Objection]]:
    """What forbids to roll each of these records back, by its id; `whole`: with all of its batch that came after."""
    steps = _steps(records, whole)
    return _forbidden(steps, states_of({s.record.paper_id for s in steps if s.popped and s.record.paper_id}), rules)


@transaction.atomic
def undo(records: Collection[int], account: AbstractBaseUser | None, losing: Losing, rules: Rules) -> Outcome:
    """Roll back these records (ids), the latest first, as far as nothing forbids; twice, it changes nothing."""
    alone()
    outcome = Outcome()
    found = BatchRecord.objects.select_for_update(of=("self",)).filter(pk__in=records, rolled_back_at=None)
    rounds: list[dict[int, BatchRecord]] = []
    found = found.exclude(fate=BatchRecord.Fate.REFUSED).exclude(batch__stage__in=Batch.UNAPPLIED)
    for record in found.select_related("batch").order_by("-pk"):
        # A round holds one record of each paper, for what becomes of an earlier one depends on the later.
        place = sum(record.paper_id in earlier for earlier in rounds) if record.paper_id else 0
        if place == len(rounds):
            rounds.append({})
        rounds[place][record.paper_id or -record.pk] = record
    for one in rounds:
        _undo(list(one.values()), account, losing, rules, outcome)
    return outcome


def _undo(
    records: list[BatchRecord],
    account: AbstractBaseUser | None,
    losing: Losing,
    rules: Rules,
    outcome: Outcome,
) -> None:
    steps = _steps(records)
    states = states_of({s.record.paper_id for s in steps if s.popped and s.record.paper_id})
    _hold(states)
    outcome.kept |= _forbidden(steps, states, rules)
    now, marked = timezone.now(), []
    targets: dict[int, State | None] = {}
    changed: dict[int, BatchRecord] = {}
    for step in steps:
        if step.record.pk in outcome.kept:
            continue
        step.record.rolled_back_at, step.record.rolled_back_by_id = now, account.pk if account else None
        marked.append(step.record)
        paper = step.record.paper_id or 0
        state = states.get(paper)
        for record in step.popped if state is not None else ():
            changed[record.pk] = record
            if state is None or record.fate == BatchRecord.Fate.NEW:
                record.after, state = state, None
            else:
                before = record.before or {}
                record.after = {key: state[key] for key in before}
                state = state | before
            targets[paper] = state
    BatchRecord.objects.bulk_update(marked, ["rolled_back_at", "rolled_back_by"], batch_size=CHUNK)
    BatchRecord.objects.bulk_update(changed.values(), ["after"], batch_size=CHUNK)
    _put(records[0].batch_id, states, targets, losing, outcome)
    _count(marked, +1)
    outcome.records += [record.pk for record in marked]


@transaction.atomic
def redo(record: BatchRecord, account: AbstractBaseUser | None, losing: Losing, rules: Rules) -> Outcome:
    """Bring back a record that was rolled back, with the ids it had, unless the paper has changed since."""
    alone()
    record = BatchRecord.objects.select_for_update(of=("self",)).select_related("batch").get(pk=record.pk)
    outcome = Outcome()
    if record.is_live:
        return outcome
    states = states_of({record.paper_id} if record.paper_id else set())
    _hold(states)
    if found := _stands_against(record, states.get(record.paper_id or 0), rules):
        outcome.kept[record.pk] = found
        return outcome
    after, record.after, record.rolled_back_at, record.rolled_back_by = record.after, None, None, None
    record.save(update_fields=["after", "rolled_back_at", "rolled_back_by"])
    if after is not None and record.paper_id:
        _put(record.batch_id, states, {record.paper_id: states.get(record.paper_id, {}) | after}, losing, outcome)
    _count([record], -1)
    outcome.records.append(record.pk)
    return outcome


def _stands_against(record: BatchRecord, state: State | None, rules: Rules) -> list[Objection]:
    if record.paper_id is None:
        return []
    if record.after is None or record.fate != BatchRecord.Fate.NEW:
        if state is None:
            return [Objection(_("The paper itself was taken away; bring back the record that it came with."), "")]
        if record.after is not None and any(state[key] != value for key, value in (record.before or {}).items()):
            paper = Paper.objects.get(pk=record.paper_id)
            return [Objection(_("The paper has been changed since."), paper.get_absolute_url())]
        going = _names(state) - _names(record.after) if "signatures" in (record.after or {}) else set()
        return _unique(found for rule in rules.names for found in rule(going).values())
    same = Paper.objects.filter(fingerprint=record.after["fingerprint"])
    if record.after["arxiv_id"]:  # as the merge has it: of two that are told by title and authors, one has no such id
        same = same.filter(arxiv_id=None) | Paper.objects.filter(arxiv_id=record.after["arxiv_id"])
    again = same.first()
    return [Objection(_("Another import has brought this paper since."), again.get_absolute_url())] if again else []


# --- what a step comes to ---------------------------------------------------------------------------------------------


def _steps(records: Sequence[BatchRecord], whole: bool = False) -> list[_Step]:
    """The steps of records no two of which are about one paper, unless each is looked at by itself."""
    stacks: defaultdict[int | None, list[BatchRecord]] = defaultdict(list)
    met = BatchRecord.objects.filter(paper__in={r.paper_id for r in records if r.paper_id}).select_related("batch")
    for other in met.order_by("-pk"):
        stacks[other.paper_id].append(other)
    return [_step(record, stacks[record.paper_id] if record.paper_id else [], whole) for record in records]


def _step(record: BatchRecord, stack: Sequence[BatchRecord], whole: bool) -> _Step:
    step = _Step(record)
    for other in stack:
        dead = other.pk == record.pk or not other.is_live or (whole and other.batch_id == record.batch_id)
        if other.batch.stage in Batch.UNAPPLIED:
            continue
        if dead:
            if other.fate in {BatchRecord.Fate.NEW, BatchRecord.Fate.UPDATED} and other.after is None:
                step.popped.append(record if other.pk == record.pk else other)
        elif other.pk > record.pk and other.fate in {BatchRecord.Fate.NEW, BatchRecord.Fate.UPDATED}:
            step.changed_by, step.popped = other, []
            break
        else:
            break  # it vouches for what lies below
    return step


def _forbidden(steps: Iterable[_Step], states: Mapping[int, State], rules: Rules) -> dict[int, list[Objection]]:
    found: dict[int, list[Objection]] = {}
    by_signature: defaultdict[int, list[int]] = defaultdict(list)
    by_paper: defaultdict[int, list[int]] = defaultdict(list)
    for step in steps:
        if any(record.fate == BatchRecord.Fate.UPDATED and record.before is None for record in step.popped):
            sentence = _("What it overwrote was not kept: it was imported before BZPEER could roll back.")
            found[step.record.pk] = [Objection(sentence, "")]
        if (other := step.changed_by) is not None:
            sentence = _("A later import, “%(label)s”, has changed the paper since; roll that back first.")
            found[step.record.pk] = [Objection(sentence % {"label": other.batch.label}, other.get_absolute_url())]
        for signature in _going(step, states.get(step.record.paper_id or 0)):
            by_signature[signature].append(step.record.pk)
        if step.takes_all and step.record.paper_id in states:
            by_paper[step.record.paper_id or 0].append(step.record.pk)
    for going, of_them in ((by_signature, rules.names), (by_paper, rules.papers)):
        for rule in of_them if going else ():
            for gone, objection in rule(going.keys()).items():
                for pk in going[gone]:
                    found[pk] = _unique([*found.get(pk, []), objection])
    return found


def _going(step: _Step, state: State | None) -> set[int]:
    """The ids of signatures that the step takes off the paper."""
    if state is None:
        return set()
    left = _names(state)
    for record in step.popped:
        if record.fate == BatchRecord.Fate.NEW:
            left = set()
        elif "signatures" in (record.before or {}):
            left = _names(record.before)
    return _names(state) - left


def _names(state: State | None) -> set[int]:
    return {row["id"] for row in (state or {}).get("signatures", ())}


def _unique(found: Iterable[Objection]) -> list[Objection]:
    return list(dict.fromkeys(found))


def _count(records: Iterable[BatchRecord], by: int) -> None:
    counts: defaultdict[int, int] = defaultdict(int)
    for record in records:
        counts[record.batch_id] += by
    for batch, count in counts.items():
        Batch.objects.filter(pk=batch).update(undone=F("undone") + count)


# --- states of papers -------------------------------------------------------------------------------------------------


def _columns(model: type[Model]) -> list[str]:
    fields = model._meta.concrete_fields
    return [f.column for f in fields if f.column and not (f.primary_key or f.generated)]


# When a paper changed is no part of what it was: whatever is put back changes now (`papers.datestamps`).
_OF_PAPER = [column for column in _columns(Paper) if column != "changed_at"]
_PAPER = ", ".join(_OF_PAPER)
_SIGNATURE = ", ".join(_columns(Signature))

_LOAD = f"""
SELECT p.id, (SELECT to_jsonb(plain) FROM (SELECT {", ".join(f"p.{c}" for c in _OF_PAPER)}) plain)
       || jsonb_build_object(
           'signatures', (SELECT coalesce(jsonb_agg(to_jsonb(g) ORDER BY g.position), '[]')
                            FROM papers_signature g WHERE g.paper_id = p.id),
           'topics', (SELECT coalesce(jsonb_agg(t.topic_id ORDER BY t.topic_id), '[]')
                        FROM papers_papertopic t WHERE t.paper_id = p.id),
           'listings', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                   'day', d.day, 'votes', d.votes, 'comments', d.comments) ORDER BY d.day), '[]')
                          FROM papers_dailylisting d WHERE d.paper_id = p.id))
  FROM papers_paper p WHERE p.id = ANY(%s)
"""

_STORE = f"""
CREATE TEMPORARY TABLE given ON COMMIT DROP AS
SELECT * FROM jsonb_to_recordset(%s::jsonb) AS g(id bigint, state jsonb);
UPDATE papers_paper p
   SET ({_PAPER}, changed_at) = (SELECT {_PAPER}, clock_timestamp() FROM jsonb_populate_record(p, given.state))
  FROM given WHERE given.id = p.id;
INSERT INTO papers_paper (id, {_PAPER})
SELECT given.id, {", ".join(f"r.{c}" for c in _OF_PAPER)}
  FROM given, LATERAL jsonb_populate_record(NULL::papers_paper, given.state) r
 WHERE NOT EXISTS (SELECT FROM papers_paper p WHERE p.id = given.id);
DELETE FROM papers_removedpaper r USING given WHERE r.paper_id = given.id;
INSERT INTO papers_signature AS s (id, {_SIGNATURE})
SELECT r.id, {", ".join(f"r.{c}" for c in _columns(Signature))}
  FROM given, LATERAL jsonb_populate_recordset(NULL::papers_signature, given.state -> 'signatures') r
    ON CONFLICT (id) DO UPDATE
   SET ({_SIGNATURE}) = ROW ({", ".join(f"excluded.{c}" for c in _columns(Signature))})
 WHERE ({", ".join(f"s.{c}" for c in _columns(Signature))})
       IS DISTINCT FROM ({", ".join(f"excluded.{c}" for c in _columns(Signature))});
DELETE FROM papers_papertopic t USING given
 WHERE given.id = t.paper_id AND NOT given.state -> 'topics' @> to_jsonb(t.topic_id);
INSERT INTO papers_papertopic (paper_id, topic_id)
SELECT given.id, topic::bigint FROM given, LATERAL jsonb_array_elements_text(given.state -> 'topics') topic
    ON CONFLICT DO NOTHING;
DELETE FROM papers_dailylisting d USING given
 WHERE given.id = d.paper_id
   AND NOT EXISTS (SELECT FROM jsonb_to_recordset(given.state -> 'listings') AS l(day date) WHERE l.day = d.day);
INSERT INTO papers_dailylisting AS d (paper_id, day, votes, comments)
SELECT given.id, l.day, l.votes, l.comments
  FROM given, LATERAL jsonb_to_recordset(given.state -> 'listings') AS l(day date, votes int, comments int)
    ON CONFLICT (paper_id, day) DO UPDATE SET votes = excluded.votes, comments = excluded.comments
 WHERE (d.votes, d.comments) IS DISTINCT FROM (excluded.votes, excluded.comments);
DROP TABLE given;
"""


def states_of(papers: Collection[int]) -> dict[int, State]:
    """Columns, `signatures`, `topics` and `listings` of these papers, by id; none for a paper that is not there."""
    if not papers:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, [list(papers)])
        return {pk: json.loads(state) for pk, state in cursor.fetchall()}


def _hold(states: Mapping[int, State]) -> None:
    """Nobody can build on these names and papers until the transaction ends: who refers to a row waits for its lock."""
    list(Paper.objects.filter(pk__in=states).order_by("pk").select_for_update().values_list("pk"))
    names = sorted(name for state in states.values() for name in _names(state))
    list(Signature.objects.filter(pk__in=names).order_by("pk").select_for_update().values_list("pk"))


def _put(
    batch: int,
    states: Mapping[int, State],
    targets: Mapping[int, State | None],
    losing: Losing,
    outcome: Outcome,
) -> None:
    """Bring each paper from its state, none where it is not there, to the target, none where it shall not be."""
    kept = {name for target in targets.values() for name in _names(target)}
    going = {name for paper in targets for name in _names(states.get(paper))} - kept
    if going:
        losing(batch, going)
    datestamps.remove([paper for paper, target in targets.items() if target is None])
    Signature.objects.filter(pk__in=going).delete()
    given = [{"id": paper, "state": target} for paper, target in targets.items() if target is not None]
    if given:
        with connection.cursor() as cursor:
            cursor.execute(_STORE, [json.dumps(given)])
        institutions.link([paper for paper, target in targets.items() if target is not None])
    outcome.papers |= targets.keys()
    for paper, target in targets.items():
        for state in (states.get(paper), target):
            outcome.surnames |= {row["surname_key"] for row in (state or {}).get("signatures", ())}
