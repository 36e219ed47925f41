"""Trust scores: the facts of authors are loaded, the pure room assesses them, and what changed is stored.

Entry points: `facts_of` (for a page) and `refresh` (for the pipeline); both read the same facts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from graph.models import Coauthorship
from profiles.models import Assignment, Author

from . import ledger
from .models import TrustScore
from .proved import HIDDEN, Proved, proved_of
from .scoring import MODEL, Facts, Work, assess

_CONFIRMED = (Assignment.State.OWNER, Assignment.State.CURATOR)


def facts_of(authors: Sequence[int]) -> dict[int, Facts]:
    """The facts of each author, from a handful of queries for all. Rejected works are not on the record."""
    works: dict[int, list[Work]] = defaultdict(list)
    affiliations: dict[int, list[tuple[str, int]]] = defaultdict(list)
    orcids: dict[int, dict[str, int]] = defaultdict(dict)  # iD: the first work that states it
    rows = (
        Assignment.objects.filter(author__in=authors)
        .standing()
        .annotate(abstracted=~Q(signature__paper__abstract=""))
        .order_by("-signature__paper__updated", "-signature__paper_id")
        .values_list(
            "author_id",
            "state",
            "signature__affiliations",
            "signature__orcid",
            "signature__paper_id",
            "signature__paper__title_text",
            "signature__paper__arxiv_id",
            "signature__paper__doi",
            "signature__paper__created",
            "signature__paper__categories",
            "abstracted",
        )
    )
    for author, state, printed, orcid, paper, title, arxiv_id, doi, created, categories, abstract in rows:
        works[author].append(
            Work(
                paper,
                title,
                strong=state in Assignment.STRONG_OR_BETTER,
                confirmed=state in _CONFIRMED,
                identifier=bool(arxiv_id or doi),
                date=created is not None,
                abstract=abstract,
                authors=True,  # a record without its author list is refused at import
                category=bool(categories),
                disputed=state == Assignment.State.DISPUTED,
                by_owner=state == Assignment.State.OWNER,
            )
        )
        if created is not None:
            known = {text for text, _ in affiliations[author]}
            affiliations[author] += [(text, paper) for text in printed if text not in known]
        if orcid:
            orcids[author][orcid] = min(paper, orcids[author].get(orcid, paper))
    close: dict[int, list[tuple[int | None, str, int]]] = defaultdict(list)
    people: dict[int, list[str]] = defaultdict(list)
    for author, coauthor, name, visibility, shared in (
        Coauthorship.objects.close()
        .strongest_first()
        .filter(author__in=authors)
        .values_list("author_id", "coauthor_id", "coauthor__name", "coauthor__visibility", "works")
    ):
        public = visibility == Author.Visibility.PUBLIC
        close[author].append((coauthor, name, shared) if public else (None, HIDDEN, shared))
        people[author].append(f"person:{coauthor}")
    proved = proved_of(authors)
    return {
        author: Facts(
            tuple(works[author]),
            tuple(close[author]),
            tuple(affiliations[author]),
            _identifiers(set(orcids[author]), proved[author].iDs),
            proved[author].level,
            tuple(proved[author].attesting.values()),
            proved[author].agreeing(affiliations[author]),
            proved[author].disputed,
            tuple(proved[author].proofs),
            () if proved[author].iDs else _conflicting(orcids[author]),
            sources=proved[author].sources
            | {"collaborators": people[author], "identifiers": _stating(orcids[author], proved[author])},
        )
        for author in authors
    }


def _identifiers(stated: set[str], signed_in: set[str]) -> tuple[str, ...]:
    """Those that count: what the holder signed in with, else what sources state where nothing contradicts it."""
    if signed_in:
        return tuple(f"ORCID {iD}, signed in" for iD in sorted(signed_in))
    return tuple(f"ORCID {iD}" for iD in stated) if len(stated) == 1 else ()


def _conflicting(stated: Collection[str]) -> tuple[str, ...]:
    """Two different iDs on one record contradict each other: neither counts until that is settled, by a sign-in."""
    return tuple(f"ORCID {iD}" for iD in sorted(stated)) if len(stated) > 1 else ()


def _stating(stated: Mapping[str, int], proved: Proved) -> list[str]:
    """The rows behind `_identifiers`, in its order."""
    if proved.iDs:
        return [proved.signed_in[iD] for iD in sorted(proved.iDs)]
    return [f"work:{work}" for work in stated.values()]


@transaction.atomic
def refresh(authors: Sequence[int]) -> None:
    """Assess these authors, store the scores that changed, and enter in the ledger what changed behind them."""
    now = timezone.now()
    # Locked before the facts are read, and in one order: whoever comes second at the same time reads newer ones.
    locked = TrustScore.objects.filter(author__in=authors).order_by("author").select_for_update()
    stored = {row.author_id: row for row in locked}
    assessed = {author: assess(facts) for author, facts in sorted(facts_of(authors).items())}
    changed = []
    for author, assessment in assessed.items():
        row = stored.get(author)
        if row and (row.score, row.level, row.components, row.model) == (
            assessment.score,
            assessment.level,
            assessment.points,
            MODEL,
        ):
            continue
        changed.append(
            TrustScore(
                author_id=author,
                score=assessment.score,
                level=assessment.level,
                components=assessment.points,
                model=MODEL,
                computed_at=now,
            )
        )
    TrustScore.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["author"],
        update_fields=["score", "level", "components", "model", "computed_at"],
        batch_size=2_000,
    )
    ledger.append(assessed)
