"""Decisions: what people say about who is who is recorded, and holds from that moment on.

Problem: the machine recomputes authors, and people speak of them. Idea: an author that a decision names is anchored on
one of its signatures, so that every decision comes down to pairs of signatures that no run can break. A decision is
recorded with what the matcher had said, and the surnames concerned are resolved again in the same transaction; whose
counts, coauthorships and trust it touches is returned for the caller to have refreshed once that is committed
(`bzpeer.tasks.refresh_authors`). Entry points: `decide`, `withdraw`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from papers import journal
from papers.models import Signature
from papers.names import fold

from . import anchors, authors, resolving
from .disambiguation.engine import pair_probabilities
from .disambiguation.model import Model
from .disambiguation.rarity import NameCounts
from .models import Account, Assignment, Author, Contradiction, Correction
from .rulings import snapshot, surname_keys

# The newest works of an author that are weighed for what the matcher says of two people: at most 40,000 pairs.
WEIGHED = 200
# Characters of a reason.
LONGEST_REASON = 2_000

End = Signature | Author


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision, the ids of authors to be refreshed after commit, and the contradictions it stands in."""

    correction: Correction
    authors: list[int]
    contradictions: list[Contradiction]


def curator(account: Account | AnonymousUser) -> Account:
    """The account, if it may decide. Raises PermissionDenied."""
    # An inactive account has no permission, whatever it was given.
    if isinstance(account, Account) and account.has_perm("profiles.add_correction"):
        return account
    raise PermissionDenied("Only curators decide who is who.")


@transaction.atomic
def decide(account: Account | AnonymousUser, one: End, other: End, *, same: bool, reason: str = "") -> Outcome:
    """Record that the two are, or are not, one person, and resolve the surnames concerned again.

    Two signatures, a signature and an author, or two authors, in any order. Said twice by anybody, it is recorded once.
    An account that says the opposite of what it said before withdraws that; what another account said stands, and the
    contradiction is reported. Raises PermissionDenied, and ValidationError for what cannot be decided.
    """
    account = curator(account)
    if len(reason) > LONGEST_REASON:
        raise ValidationError(f"A reason has at most {LONGEST_REASON} characters.")
    resolving.lock(surnames := _related(_surnames(one) | _surnames(other)))
    ends = _ends(one, other, same)
    said = Correction.objects.live().filter(**ends)
    if (already := said.filter(same=same).first()) is not None:
        return Outcome(already, [], _contradictions(already))
    for opposite in said.filter(made_by=account):
        _withdraw(opposite, account)
    stated, frequency = _stated(one, other)
    correction = Correction.objects.create(
        **ends,
        kind=_kind(ends),
        same=same,
        reason=reason.strip(),
        made_by=account,
        stated=stated,
        model="" if stated is None else str(Model.shipped().card["version"]),
        name_frequency=frequency,
    )
    _anchor(correction)
    printed = {
        "signature": correction.signature,
        "other": correction.other,
        "author": correction.author.anchor if correction.author else None,
        "other_author": correction.other_author.anchor if correction.other_author else None,
    }
    correction.printed = {end: snapshot(signature) for end, signature in printed.items() if signature is not None}
    correction.save(update_fields=["printed"])
    journal.write(account, "decided", correction, same=same, reason=correction.reason)
    return _resolved(correction, surnames)


@transaction.atomic
def withdraw(correction: Correction, account: Account | AnonymousUser) -> Outcome:
    """The decision no longer holds; its row stays. Withdrawn twice, nothing changes. Raises PermissionDenied."""
    account = curator(account)
    resolving.lock(surnames := _related(surname_keys(correction)))
    correction = Correction.objects.select_related("author", "other_author", "made_by").get(pk=correction.pk)
    if not correction.is_live:
        return Outcome(correction, [], [])
    if correction.change_set_id is not None:
        raise PermissionDenied("This decision is a row of a change set, and is undone there.")
    _withdraw(correction, account)
    return _resolved(correction, surnames)


def _withdraw(correction: Correction, account: Account) -> None:
    correction.withdrawn_at, correction.withdrawn_by = timezone.now(), account
    correction.save(update_fields=["withdrawn_at", "withdrawn_by"])
    journal.write(account, "withdrew", correction)


def _ends(one: End, other: End, same: bool) -> dict[str, Any]:
    """The columns that name the two ends. Raises ValidationError where they are no two that could be decided."""
    if isinstance(one, Author) and isinstance(other, Signature):
        one, other = other, one
    if type(one) is type(other):
        if one.pk == other.pk:
            raise ValidationError("A decision is about two, not about one and itself.")
        one, other = sorted((one, other), key=lambda end: end.pk)
    for end in (one, other):
        if isinstance(end, Author) and end.anchor_id is None and not end.assignments.exists():
            raise ValidationError("This author has no works; decide about the one who has them now.")
    ends: dict[str, Any] = dict.fromkeys(("signature", "other", "author", "other_author"))
    if isinstance(one, Signature) and isinstance(other, Signature):
        if same and one.paper_id == other.paper_id:
            raise ValidationError("Two names on one paper are two people.")
        return ends | {"signature": one, "other": other}
    if isinstance(one, Signature) and isinstance(other, Author):
        if not (same or _signatures(other, one)):
            raise ValidationError("This is the author's only work: there is nothing to keep it apart from.")
        return ends | {"signature": one, "author": other}
    return ends | {"author": one, "other_author": other}


def _kind(ends: dict[str, Any]) -> str:
    if ends["other_author"]:
        return Correction.Kind.AUTHORS
    return Correction.Kind.ATTRIBUTION if ends["author"] else Correction.Kind.SIGNATURES


def _surnames(end: End) -> set[str]:
    """The surname keys of a signature, or of all that an author has."""
    if isinstance(end, Signature):
        return {end.surname_key}
    found = set(end.assignments.values_list("signature__surname_key", flat=True).distinct())
    return found | ({end.anchor.surname_key} if end.anchor else set())


def _related(surnames: set[str]) -> list[str]:
    """These surnames, which the decision ties, with all that earlier ones tie to them."""
    return sorted({name for unit in resolving.related(surnames) for name in unit})


def _anchor(correction: Correction) -> None:
    """See that each author named has an anchor, and none that the decision takes from it.

    Raises ValidationError where an author has no signature left to be known by.
    """
    signature, author = correction.signature, correction.author
    if signature is not None and author is not None:
        for holder in Author.objects.filter(anchor=signature):
            if (holder == author) != correction.same and holder.assignments.exclude(signature=signature).exists():
                Author.objects.filter(pk=holder.pk).update(anchor=None)
                anchors.choose([holder.pk])
                # Another author with nothing else to be known by goes where its anchor goes.
                Author.objects.filter(pk=holder.pk, anchor=None).exclude(pk=author.pk).update(anchor=signature)
    named = [author for author in (correction.author, correction.other_author) if author is not None]
    anchors.choose([author.pk for author in named])
    for author in named:
        author.refresh_from_db(fields=["anchor"])
        if author.anchor_id is None:
            raise ValidationError("People said of every work of this author that it is somebody else's.")


def _stated(one: End, other: End) -> tuple[float | None, float]:
    """The probability that the matcher gives the likeliest link between the two, and the rarer name's frequency."""
    sides = [_signatures(one, other), _signatures(other, one)]
    known = resolving.load(Signature.objects.filter(pk__in={s for side in sides for s in side}))
    stated = [
        probability
        for (a, b), probability in pair_probabilities(known).items()
        if (a in sides[0] and b in sides[1]) or (a in sides[1] and b in sides[0])
    ]
    counts = NameCounts.shipped()
    frequency = min(counts.people(fold(s.family), fold(s.given)) for s in known)
    return round(max(stated), 4) if stated else None, frequency


def _signatures(end: End, other: End) -> set[int]:
    """The ids of an end's signatures, without the one that it is compared with; of a merged author its anchor."""
    if isinstance(end, Signature):
        return {end.pk}
    rows = Assignment.objects.filter(author=end).order_by(F("signature__paper__updated").desc(nulls_last=True), "-pk")
    found = set(rows.values_list("signature", flat=True)[:WEIGHED])
    if not found and end.anchor_id is not None:
        found = {end.anchor_id}
    return found - {other.pk} if isinstance(other, Signature) else found


def _resolved(correction: Correction, surnames: Sequence[str]) -> Outcome:
    """Resolve, and compute again at once what the pages of those who gained or lost works count and name."""
    before = dict(Assignment.objects.filter(signature__surname_key__in=surnames).values_list("signature", "author"))
    report = resolving.resolve(surnames, correction=correction)
    changed = Assignment.objects.filter(signature__in=report.signatures)
    owners = set(changed.values_list("author", flat=True)) | {before[s] for s in report.signatures if s in before}
    authors.refresh(sorted(owners))
    beside = Assignment.objects.filter(signature__paper__signatures__in=report.signatures)
    return Outcome(
        correction,
        sorted(owners | set(beside.values_list("author", flat=True))),
        _contradictions(correction),
    )


def _contradictions(correction: Correction) -> list[Contradiction]:
    return list(Contradiction.objects.filter(chain__contains=[{"correction": correction.pk}]).order_by("pk"))
