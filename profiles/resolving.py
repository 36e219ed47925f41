"""Resolving: the signatures of some surnames are clustered and become, or stay, authors.

Values are loaded, the pure room `profiles.disambiguation` decides, and one transaction stores what changed. A run over
the same records writes nothing; author ids follow the larger part of a cluster. Authors whose works changed, and those
who share papers with them, are left marked `stale` for the steps that compute counts, coauthorship and trust.
Entry points: `plan`, then `resolve_next` until there is none, by as many processes as there are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import networkx as nx
from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet

from papers.models import Batch, BatchRecord, Paper, Signature

from .disambiguation import engine, reconcile
from .disambiguation.clustering import Decisions
from .disambiguation.model import Model
from .disambiguation.signatures import Signature as Printed
from .disambiguation.signatures import coauthor_key
from .models import Assignment, Author, Correction, PendingGroup, Suggestion

# Signatures that are resolved in one transaction, and so the unit of work that a kill can cost (about two seconds).
BIN = 4_000
# The matcher compares no more of them; all of them for each name of a team of 10,000 would be 10^8.
COAUTHORS = 64


@transaction.atomic
def plan(batch: Batch) -> int:
    """Lay out what the batch gives to resolve as pending groups; returns the number of signatures in all of them.

    Surnames of papers that the batch updated, of names it removed, and of any signature that has no author yet: also
    those that an earlier batch left behind when it was ended early. Surnames that a decision ties stay together. A
    group has about `BIN` signatures; a larger surname is a group of its own, and the largest come first.
    """
    batch.pending_groups.all().delete()
    updated = BatchRecord.objects.filter(batch=batch, fate=BatchRecord.Fate.UPDATED).values("paper")
    _mark_updated(batch, updated)
    waiting = Signature.objects.filter(Q(assignment=None) | Q(paper__in=updated))
    touched = {*waiting.values_list("surname_key", flat=True).distinct(), *batch.removed_surnames}
    ties = nx.Graph(list(Correction.objects.values_list("signature__surname_key", "other__surname_key").distinct()))
    tied = [surnames for surnames in nx.connected_components(ties) if surnames & touched]
    units = [sorted(surnames) for surnames in tied] + [[name] for name in sorted(touched.difference(*tied))]
    found = Signature.objects.filter(surname_key__in=[name for unit in units for name in unit])
    counts = dict(found.values_list("surname_key").annotate(Count("pk")).order_by())
    groups: list[PendingGroup] = []
    for unit in units:
        size = sum(counts.get(name, 0) for name in unit)
        if groups and groups[-1].signatures + size <= BIN:
            groups[-1].surnames += unit
            groups[-1].signatures += size
        else:
            groups.append(PendingGroup(batch=batch, surnames=unit, signatures=size))
    PendingGroup.objects.bulk_create(sorted(groups, key=lambda group: -group.signatures))
    return sum(group.signatures for group in groups)


def _mark_updated(batch: Batch, papers: QuerySet[BatchRecord, Any]) -> None:
    """Mark the authors of the papers that the batch updated, and those whose name it took off a paper."""
    sharing = Assignment.objects.filter(signature__paper__in=papers).values("author")
    Author.objects.filter(pk__in=sharing, stale=False).update(stale=True)
    counted = Author.objects.filter(variants__surname_key__in=batch.removed_surnames, stale=False).distinct()
    losers = counted.annotate(now=Count("assignments", distinct=True)).exclude(works_count=F("now"))
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
    resolve(pending.surnames)
    pending.delete()
    return True


@transaction.atomic
def resolve(surnames: Sequence[str]) -> None:
    """Work out who is who among all signatures with these surname keys, and store what changed."""
    _lock(surnames)
    signatures = _load(surnames)
    stored = Assignment.objects.in_bulk([signature.id for signature in signatures], field_name="signature_id")
    previous = {signature: assignment.author_id for signature, assignment in stored.items()}
    model = Model.shipped()
    resolution = engine.resolve(signatures, _decisions(surnames), model)
    now = _authors(resolution.clusters, previous, {signature.id: signature.name for signature in signatures})
    rows = [
        Assignment(
            signature_id=attribution.signature,
            author_id=now[attribution.signature],
            state=Assignment.State.WEAK if attribution.weak else Assignment.State.STRONG,
            compared_with_id=attribution.linked_to,
            probability=round(attribution.probability, 4),
            evidence=[asdict(item) for item in attribution.evidence],
            model=str(model.card["version"]),
        )
        for cluster in resolution.clusters
        for attribution in cluster.attributions
    ]
    changed = [row for row in rows if not _same(row, stored.get(row.signature_id))]
    Assignment.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["signature"],
        update_fields=["author", "state", "compared_with", "probability", "evidence", "model"],
        batch_size=2_000,
    )
    moved = [row.signature_id for row in changed if not _agrees(row, stored.get(row.signature_id))]
    _mark_stale(moved, _heirs(previous, now))
    _suggest(resolution.suggestions, now)


def _lock(surnames: Sequence[str]) -> None:
    """One resolver at a time for a surname; sorted, so that two never wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT pg_advisory_xact_lock(h)
                 FROM (SELECT DISTINCT hashtext(f) AS h FROM unnest(%s::text[]) f ORDER BY 1) t""",
            [list(surnames)],
        )


def _load(surnames: Sequence[str]) -> list[Printed]:
    rows = list(
        Signature.objects.filter(surname_key__in=surnames)
        .order_by("pk")
        .values_list("pk", "paper_id", "family", "given", "suffix", "affiliations", "orcid", "position")
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


def _decisions(surnames: Sequence[str]) -> Decisions:
    pairs = Correction.objects.filter(signature__surname_key__in=surnames, other__surname_key__in=surnames)
    verdicts: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    for one, other, same in pairs.values_list("signature_id", "other_id", "same"):
        verdicts[same].add((one, other))
    return Decisions(same=frozenset(verdicts[True]), different=frozenset(verdicts[False]))


def _authors(clusters: Iterable[engine.Cluster], previous: dict[int, int], names: dict[int, str]) -> dict[int, int]:
    """The author id of each signature. Ids are kept where they can be, and claimed authors are never merged."""
    claimed = frozenset(
        Author.objects.filter(pk__in=set(previous.values()), account__isnull=False).values_list("pk", flat=True)
    )
    parts = [part for c in clusters for part in reconcile.divided(frozenset(c.members), previous, claimed)]
    kept = reconcile.reconcile(parts, previous, claimed)
    new = [Author(name=names[min(part)]) for part, author in zip(parts, kept, strict=True) if author is None]
    made = iter(Author.objects.bulk_create(new, batch_size=2_000))
    now: dict[int, int] = {}
    for part, author in zip(parts, kept, strict=True):
        now |= dict.fromkeys(part, next(made).pk if author is None else author)
    return now


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


def _mark_stale(moved: Sequence[int], heirs: dict[int, int | None]) -> None:
    """Mark the authors of the moved signatures' papers, and lead from those who lost everything to their heirs."""
    papers = Signature.objects.filter(pk__in=moved).values("paper")
    sharing = Assignment.objects.filter(signature__paper__in=papers).values("author")
    # In one order, or two processes that share authors could wait for each other.
    rows = Author.objects.filter(Q(pk__in=sharing, stale=False) | Q(pk__in=heirs)).order_by("pk")
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
