"""Resolving: the signatures of some surnames are clustered and become, or stay, authors.

Values are loaded, the pure room `profiles.disambiguation` decides, and one transaction stores what changed and why. A
run over the same records writes nothing; author ids follow their anchor or the larger part of a cluster. Authors whose
works changed, and those who share papers with them, are left marked `stale` for the steps that compute counts,
coauthorship and trust. Entry points: `plan`, then `resolve_next` until there is none, by as many processes as there
are; or `groups`, and `resolve` each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

import networkx as nx
from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from papers.models import Batch, BatchRecord, Paper, Signature

from . import anchors, arrays, authors, doubts, hidden, parting
from .disambiguation import engine, variants
from .disambiguation.model import Model
from .disambiguation.reconcile import reconcile
from .disambiguation.signatures import Signature as Printed
from .disambiguation.signatures import coauthor_key
from .models import (
    Assignment,
    Author,
    ChangeSet,
    Correction,
    KinKey,
    PendingGroup,
    Suggestion,
    SurnameTie,
)
from .moves import Change, record
from .rulings import Rulings

# Signatures that are resolved in one transaction, and so the unit of work that a kill can cost (about two seconds).
BIN = 4_000
# New names that are tied at a time: bounds the memory of a first import.
NAMES = 5_000
# The matcher compares no more of them; all of them for each name of a team of 10,000 would be 10^8.
COAUTHORS = 64


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did. Authors `kept` had works before and after, `made` are new, `merged` gave all to one other author,
    `split` lost works to others and stayed; `moved` counts signatures that changed their author. `signatures` are all
    whose author or state changed or is new."""

    kept: int = 0
    made: int = 0
    merged: int = 0
    split: int = 0
    moved: int = 0
    signatures: tuple[int, ...] = ()

    def __add__(self, other: Report) -> Report:
        return Report(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@transaction.atomic
def plan(batch: Batch) -> int:
    """Lay out what the batch gives to resolve as pending groups; returns the number of signatures in all of them.

    Surnames of papers that the batch updated, of names it removed, and of any signature that has no author yet: also
    those that an earlier batch left behind when it was ended early. Surnames that a decision or kin names tie stay
    together: who may be joined is resolved together, whatever the batch. A group has about `BIN` signatures; a larger
    surname is a group of its own, and the largest come first.
    """
    batch.pending_groups.all().delete()
    updated = BatchRecord.objects.filter(batch=batch, fate=BatchRecord.Fate.UPDATED).values("paper")
    _mark_updated(batch, updated)
    waiting = Signature.objects.filter(Q(assignment=None) | Q(paper__in=updated))
    _tie_names(waiting)
    found = groups({*waiting.values_list("surname_key", flat=True).distinct(), *batch.removed_surnames})
    PendingGroup.objects.bulk_create(
        PendingGroup(batch=batch, surnames=surnames, signatures=size) for surnames, size in found
    )
    return sum(size for _surnames, size in found)


def _tie_names(printed: QuerySet[Signature]) -> None:
    """Note which surnames the names of `printed` tie, among themselves and to what was met before.

    The work is that of the new names, whatever is stored: their kin are found by the words they share. A name that is
    printed no more goes on tying its surname as long as anyone bears that: more is then resolved together than must be,
    with the same result.
    """
    if not KinKey.objects.exists():  # the first time, also in a database from before there were keys
        printed = Signature.objects.all()
    names = printed.order_by().values_list("family", "given").distinct()
    for new in _batched(names.iterator(), NAMES):
        keys = {name: variants.kin_keys(name) for name in new}
        wanted = {key for found in keys.values() for key in found}
        known = set(KinKey.objects.filter(words__in=wanted).values_list("family", "given").distinct())
        KinKey.objects.bulk_create(
            (
                KinKey(words=key, family=name[0], given=name[1])
                for name, found in keys.items()
                if name not in known
                for key in found
            ),
            batch_size=2_000,
        )
        found = variants.ties(new, known)
        SurnameTie.objects.bulk_create(
            (SurnameTie(one=one, other=other) for one, other in sorted(found)), ignore_conflicts=True, batch_size=2_000
        )
    borne = (Exists(Signature.objects.filter(surname_key=OuterRef(end))) for end in ("one", "other"))
    SurnameTie.objects.exclude(*borne).delete()


def _batched(names: Iterable[tuple[str, str]], size: int) -> Iterator[tuple[tuple[str, str], ...]]:
    """The names in tuples of at most `size`."""
    rest = iter(names)
    while batch := tuple(islice(rest, size)):
        yield batch


def groups(surnames: Iterable[str]) -> list[tuple[list[str], int]]:
    """These surnames, with all that are tied to them, as groups of about `BIN` signatures; with sizes, largest first.

    What is tied stays together; a unit larger than `BIN` is a group of its own.
    """
    units = related(surnames)
    found = Signature.objects.filter(surname_key__in=[name for unit in units for name in unit])
    counts = dict(found.values_list("surname_key").annotate(Count("pk")).order_by())
    filled: list[tuple[list[str], int]] = []
    for unit in units:
        size = sum(counts.get(name, 0) for name in unit)
        if filled and filled[-1][1] + size <= BIN:
            filled[-1] = (filled[-1][0] + unit, filled[-1][1] + size)
        else:
            filled.append((unit, size))
    return sorted(filled, key=lambda group: -group[1])


def related(surnames: Iterable[str]) -> list[list[str]]:
    """The surnames in units that can only be resolved together: a decision, an iD or kin names tie them.

    Withdrawn decisions tie as well: what they joined must be there to be parted.
    """
    wanted = set(surnames)
    ties = nx.Graph(list(SurnameTie.objects.values_list("one", "other")))
    for keys in _tied_by_decisions():
        nx.add_path(ties, sorted(keys))
    seen: set[str] = set()
    while frontier := {*wanted, *_reached(ties, wanted)} - seen:
        seen |= frontier
        ties.add_edges_from(_tied_by_iDs(frontier))
    tied = [unit for unit in nx.connected_components(ties) if unit & wanted]
    return [sorted(unit) for unit in tied] + [[name] for name in sorted(wanted.difference(*tied))]


def _reached(ties: nx.Graph, surnames: set[str]) -> set[str]:
    return {name for unit in nx.connected_components(ties) if unit & surnames for name in unit}


def _tied_by_decisions() -> Iterator[set[str]]:
    """The surname keys that each decision speaks of, as printed now and when it was made."""
    ends = ("signature", "other", "author__anchor", "other_author__anchor")
    for *now, printed in Correction.objects.values_list(*(f"{end}__surname_key" for end in ends), "printed"):
        yield {key for key in now if key} | {then["surname_key"] for then in printed.values()}


def _tied_by_iDs(surnames: Collection[str]) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT g.surname_key, h.surname_key
                 FROM papers_signature g JOIN papers_signature h ON h.orcid = g.orcid AND h.surname_key <> g.surname_key
                WHERE g.orcid IS NOT NULL AND g.surname_key = ANY(%s)""",
            [list(surnames)],
        )
        return [(one, other) for one, other in cursor.fetchall()]


def _mark_updated(batch: Batch, papers: QuerySet[BatchRecord, Any]) -> None:
    """Mark the authors of the papers that the batch updated, and those whose name it took off a paper."""
    sharing = Assignment.objects.filter(signature__paper__in=papers).values("author")
    Author.objects.filter(pk__in=sharing, stale=False).update(stale=True)
    counted = Author.objects.filter(
        Q(variants__surname_key__in=batch.removed_surnames) | Q(hides_printed=True), stale=False
    ).distinct()
    standing = ~Q(assignments__state=Assignment.State.REJECTED)
    now = Count("assignments__signature__paper", filter=standing, distinct=True)
    losers = counted.annotate(now=now).exclude(works_count=F("now"))
    Author.objects.filter(pk__in=losers.values("pk")).update(stale=True)


@transaction.atomic
def resolve_next(batch_id: int) -> bool:
    """Resolve one pending group that nobody else is at; False where there is none.

    Any number of processes may call this at once: a group is locked while it is worked on, and back in the queue the
    moment its process dies.
    """
    pending = PendingGroup.objects.select_for_update(skip_locked=True).filter(batch=batch_id).order_by("pk").first()
    if pending is None:
        return False
    resolve(pending.surnames, batch_id)
    pending.delete()
    return True


@transaction.atomic
def resolve(
    surnames: Sequence[str],
    batch: int | None = None,
    corrections: Sequence[Correction] = (),
    change_set: ChangeSet | None = None,
    first: Collection[int] = (),
) -> Report:
    """Work out who is who among all signatures with these surname keys, and store what changed.

    `surnames` hold all that is tied to them (`related`). `batch`, `corrections` or `change_set` is what gave the
    occasion; `first` are authors who keep their id before all others that are known by a signature of their cluster.
    """
    lock(surnames)
    signatures = load(Signature.objects.filter(surname_key__in=surnames))
    stored = Assignment.objects.in_bulk([signature.id for signature in signatures], field_name="signature_id")
    previous = {signature: assignment.author_id for signature, assignment in stored.items()}
    anchors.settle(set(previous.values()))
    rulings = Rulings.about(surnames)
    model = Model.shipped()
    resolution = engine.resolve(signatures, rulings.decisions, model)
    names = {signature.id: signature.name for signature in signatures}
    anchored = anchors.known(previous, names)
    # What the machine parts from somebody who hides a printed name goes on hiding it; people may part it as printed.
    by_machine = not corrections and change_set is None
    were = arrays.ids(set(previous.values()) if by_machine else ())
    hiding = Author.objects.filter(pk__in=were, hides_printed=True)
    now = _authors(resolution.clusters, previous, anchored, names, first, hiding.in_bulk())
    hidden.inherit(previous, now, decided=not by_machine)
    confirmed = rulings.confirmed(now)
    rows = [
        Assignment(
            signature_id=attribution.signature,
            author_id=now[attribution.signature],
            state=confirmed.get(attribution.signature)
            or (Assignment.State.WEAK if attribution.weak else Assignment.State.STRONG),
            compared_with_id=attribution.linked_to,
            probability=round(attribution.probability, 4),
            evidence=[_item(reason) for reason in attribution.evidence],
            model=str(model.card["version"]),
        )
        for cluster in resolution.clusters
        for attribution in cluster.attributions
    ]
    doubts.carry(rows, stored)
    changed = [row for row in rows if not _same(row, stored.get(row.signature_id))]
    Assignment.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["signature"],
        update_fields=["author", "state", "compared_with", "probability", "evidence", "model"],
        batch_size=2_000,
    )
    moved = [row.signature_id for row in changed if not _agrees(row, stored.get(row.signature_id))]
    heirs = _heirs(previous, now)
    moved += doubts.weigh(doubts.among(surnames), heirs | anchors.leads(anchored, now))
    had = {previous[signature] for signature in moved if signature in previous}
    _mark_stale(moved, had, heirs)
    has = {now[signature] for signature in moved if signature in now}
    authors.redate(moved, had | has, decided=not by_machine)
    anchors.follow(anchored, now)
    _suggest(resolution.suggestions, now)
    rulings.report(surnames, resolution.contradictions, {signature.id: signature for signature in signatures})
    changes = [
        Change(stored[row.signature_id], row)
        for row in changed
        if row.signature_id in stored and row.author_id != stored[row.signature_id].author_id
    ]
    record(changes, rows, stored, signatures, batch, corrections, change_set)
    if change_set is None:
        parting.by_evidence(changes, stored)
    before, after = set(previous.values()), set(now.values())
    return Report(
        kept=len(before & after),
        made=len(after - before),
        merged=sum(heir is not None for heir in heirs.values()),
        split=len({change.was.author_id for change in changes} & after),
        moved=len(changes),
        signatures=tuple(moved),
    )


def lock(surnames: Sequence[str]) -> None:
    """One resolver at a time for a surname; sorted, so that two never wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT pg_advisory_xact_lock(h)
                 FROM (SELECT DISTINCT hashtext(f) AS h FROM unnest(%s::text[]) f ORDER BY 1) t""",
            [list(surnames)],
        )


def load(signatures: QuerySet[Signature]) -> list[Printed]:
    """What the matcher knows of these signatures, by id."""
    rows = list(
        signatures.order_by("pk").values_list(
            "pk", "paper_id", "family", "given", "suffix", "affiliations", "orcid", "position"
        )
    )
    papers = {row[1] for row in rows}
    about = {
        pk: (title, abstract, (created or updated), tuple(categories))
        for pk, title, abstract, created, updated, categories in Paper.objects.filter(pk__in=papers).values_list(
            "pk", "title_text", "abstract", "created", "updated", "categories"
        )
    }
    teams: dict[int, list[tuple[int, str]]] = defaultdict(list)
    printed = Signature.objects.filter(paper__in=papers).order_by("paper", "position")
    for paper, position, family, given in printed.values_list("paper_id", "position", "family", "given"):
        teams[paper].append((position, coauthor_key(family, given)))
    return [_printed(row, about[row[1]], teams[row[1]]) for row in rows]


def _printed(row: tuple[Any, ...], about: tuple[Any, ...], team: list[tuple[int, str]]) -> Printed:
    pk, paper, family, given, suffix, affiliations, orcid, position = row
    title, abstract, date, categories = about
    return Printed(
        id=pk,
        paper=paper,
        family=family,
        given=given,
        suffix=suffix,
        coauthors=tuple(key for place, key in team[: COAUTHORS + 1] if place != position)[:COAUTHORS],
        title=title,
        year=date.year if date else None,
        topics=categories,
        abstract=abstract,
        affiliations=tuple(affiliations),
        orcid=orcid,
        team=len(team),
    )


def _authors(
    clusters: Sequence[engine.Cluster],
    previous: Mapping[int, int],
    anchored: Sequence[Author],
    names: Mapping[int, str],
    first: Collection[int],
    hiding: Mapping[int, Author],
) -> dict[int, int]:
    """The author id of each signature: kept where it can be, else new."""
    members = [cluster.members for cluster in clusters]
    kept = reconcile(
        members,
        previous,
        {author.pk: author.anchor_id for author in anchored if author.anchor_id is not None},
        frozenset(author.pk for author in anchored if author.keeps_its_id),
        first,
    )
    new = []
    for part in (part for part, author in zip(members, kept, strict=True) if author is None):
        had = next((hiding[previous[s]] for s in sorted(part) if previous.get(s) in hiding), None)
        name = had.preferred_name if had else ""
        new.append(Author(name=name or names[min(part)], preferred_name=name, hides_printed=bool(name)))
    made = iter(Author.objects.bulk_create(new, batch_size=2_000))
    now: dict[int, int] = {}
    for part, author in zip(members, kept, strict=True):
        now |= dict.fromkeys(part, next(made).pk if author is None else author)
    return now


def _item(reason: engine.Evidence) -> dict[str, Any]:
    """A reason as it is stored: what the receipt reads."""
    item = {"rule": reason.rule, "weight": reason.weight, "sentence": reason.sentence}
    return item | {"parts": [_item(part) for part in reason.parts]} if reason.parts else item


def _agrees(row: Assignment, stored: Assignment | None) -> bool:
    """True where the pages that count and draw would show the same."""
    return stored is not None and (row.author_id, row.state) == (stored.author_id, stored.state)


def _same(row: Assignment, stored: Assignment | None) -> bool:
    return (
        stored is not None
        and _agrees(row, stored)
        and (row.compared_with_id, row.probability) == (stored.compared_with_id, stored.probability)
        and (row.evidence, row.model) == (stored.evidence, stored.model)
    )


def _heirs(previous: dict[int, int], now: dict[int, int]) -> dict[int, int | None]:
    """For each author who has lost every signature: the author who has all of them now, or None for several."""
    found: dict[int, set[int]] = defaultdict(set)
    for signature, author in previous.items():
        found[author].add(now[signature])
    return {author: max(heirs) if len(heirs) == 1 else None for author, heirs in found.items() if author not in heirs}


def _mark_stale(moved: Sequence[int], had: Collection[int], heirs: dict[int, int | None]) -> None:
    """Mark the authors of the moved signatures' papers, and those who `had` them, who may stand on them no longer; and
    lead from those who lost everything to their heirs."""
    papers = Signature.objects.filter(pk__in=moved).values("paper")
    sharing = Assignment.objects.filter(signature__paper__in=papers).values("author")
    # In one order, or two processes that share authors could wait for each other.
    concerned = Q(pk__in=sharing) | Q(pk__in=arrays.ids(had))
    rows = Author.objects.filter(Q(concerned, stale=False) | Q(pk__in=heirs)).order_by("pk")
    locked = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    Author.objects.filter(pk__in=locked).update(stale=True)
    for author, heir in heirs.items():
        Author.objects.filter(pk=author).update(merged_into=heir)


def _suggest(suggestions: Sequence[engine.Suggestion], now: dict[int, int]) -> None:
    """Replace the suggestions about these signatures' authors."""
    authors = set(now.values())
    Suggestion.objects.filter(Q(left__in=authors) | Q(right__in=authors)).delete()
    pairs = {(min(now[s.left], now[s.right]), max(now[s.left], now[s.right])): s for s in reversed(suggestions)}
    works = Counter(now.values())
    Suggestion.objects.bulk_create(
        Suggestion(
            left_id=left,
            right_id=right,
            probability=round(s.probability, 4),
            works=min(works[left], works[right]),
            sentence=s.sentence,
        )
        for (left, right), s in pairs.items()
    )
