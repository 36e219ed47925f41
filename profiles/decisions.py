"""Decisions: what people say about who is who is recorded, and holds from that moment on.

Problem: the machine recomputes authors, and people speak of them. Idea: an author that a decision names is anchored on
one of its signatures, so that every decision comes down to pairs of signatures that no run can break. A decision is
recorded with what the matcher had said, and the surnames concerned are resolved again in the same transaction; whose
counts, coauthorships and trust it touches is returned for the caller to have refreshed once that is committed
(`bzpeer.tasks.refresh_authors`). Entry points: `decide` and `withdraw` for curators; `decide_works` and `take_back` for
many works of one author at once, by who may.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from papers import journal
from papers.models import Paper, Signature
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
NAMED = 5  # works named in a sentence

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
    correction = Correction(
        **ends,
        kind=_kind(ends),
        same=same,
        reason=reason.strip(),
        made_by=account,
        stated=stated,
        model=_version(stated),
        name_frequency=frequency,
    )
    _record([correction])
    journal.write(account, "decided", correction, same=same, reason=correction.reason)
    return Outcome(correction, _resolved([correction], surnames), _contradictions(correction))


@transaction.atomic
def decide_works(
    account: Account,
    author: Author,
    verdicts: Mapping[int, bool],
    aside: Q,
    *,
    reason: str = "",
    as_owner: bool = False,
) -> list[int]:
    """Record of many signatures that they are, or are not, the author's, and resolve once for all of them.

    Who calls has seen to it that the account may. What `aside` finds among earlier decisions that say otherwise is
    withdrawn; a merge that holds a work, where nobody had looked at it, gives way to the word about the work. Returns
    the authors to be refreshed after commit. Raises ValidationError for what cannot be decided.
    """
    resolving.lock(surnames := _related(_surnames(author) | _surnames_of(verdicts)))
    works = Signature.objects.select_related("paper").in_bulk(verdicts)
    live = Correction.objects.live().filter(signature__in=works, kind=Correction.Kind.ATTRIBUTION)
    gives_way = set(live.filter(aside).values_list("pk", flat=True))
    for earlier in live.select_related("change_set"):
        same, is_here = verdicts[earlier.signature_id or 0], earlier.author_id == author.pk
        says_otherwise = earlier.same != same if is_here else earlier.same and same
        is_confirmed = is_here and earlier.same and same and earlier.joins_wholes
        if is_confirmed or (says_otherwise and earlier.pk in gives_way):
            _withdraw(earlier, account)
    said = set(live.filter(author=author).values_list("signature", "same"))
    new = {pk: work for pk, work in works.items() if (pk, verdicts[pk]) not in said}
    _refuse(author, {pk: verdicts[pk] for pk in new})
    stated = _stated_of(author, new, leaving={pk for pk in new if not verdicts[pk]})
    corrections = [
        Correction(
            signature=work,
            author=author,
            kind=Correction.Kind.ATTRIBUTION,
            same=verdicts[pk],
            reason=reason.strip(),
            made_by=account,
            as_owner=as_owner,
            stated=stated[pk][0],
            model=_version(stated[pk][0]),
            name_frequency=stated[pk][1],
        )
        for pk, work in sorted(new.items())
    ]
    if not corrections:
        return []
    _record(corrections)
    return _resolved(corrections, surnames)


def _refuse(author: Author, verdicts: Mapping[int, bool]) -> None:
    """Raises ValidationError where nothing would be left, or where one person would be two names on one paper."""
    own = dict(author.assignments.values_list("signature", "signature__paper"))
    coming = [pk for pk, same in verdicts.items() if same]
    papers = {pk: paper for pk, paper in own.items() if verdicts.get(pk, True)}
    papers |= dict(Signature.objects.filter(pk__in=coming).values_list("pk", "paper"))
    if own and not papers:
        raise ValidationError(_("This would take off every work: then there is nothing left to be known by."))
    if len({*papers.values()}) < len(papers) and coming:
        twice = {paper for paper, names in Counter(papers.values()).items() if names > 1}
        titles = Paper.objects.filter(pk__in=twice & {papers[pk] for pk in coming}).values_list("title_text", flat=True)
        if titles:
            raise ValidationError(
                _("Two names on one paper are two people. You can be only one of them: %(titles)s.")
                % {"titles": "; ".join(titles[:NAMED])}
            )


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
    return Outcome(correction, _resolved([correction], surnames), _contradictions(correction))


@transaction.atomic
def take_back(account: Account, corrections: Sequence[Correction]) -> list[int]:
    """These no longer hold, for an account that may say so; returns the authors to be refreshed after commit."""
    resolving.lock(surnames := _related({key for correction in corrections for key in surname_keys(correction)}))
    live = Correction.objects.live().filter(pk__in=[correction.pk for correction in corrections])
    found = list(live.select_related("author__anchor", "signature", "made_by").order_by("pk"))
    for correction in found:
        _withdraw(correction, account)
    return _resolved(found, surnames) if found else []


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


def _surnames_of(signatures: Collection[int]) -> set[str]:
    return set(Signature.objects.filter(pk__in=signatures).values_list("surname_key", flat=True))


def _surnames(end: End) -> set[str]:
    """The surname keys of a signature, or of all that an author has."""
    if isinstance(end, Signature):
        return {end.surname_key}
    found = set(end.assignments.values_list("signature__surname_key", flat=True).distinct())
    return found | ({end.anchor.surname_key} if end.anchor else set())


def _related(surnames: set[str]) -> list[str]:
    """These surnames, which the decision ties, with all that earlier ones tie to them."""
    return sorted({name for unit in resolving.related(surnames) for name in unit})


def _record(corrections: Sequence[Correction]) -> None:
    """Store them, see that everybody named has an anchor, and keep what is printed now."""
    Correction.objects.bulk_create(corrections, batch_size=2_000)
    _anchor(corrections)
    for correction in corrections:
        printed = {
            "signature": correction.signature,
            "other": correction.other,
            "author": correction.author.anchor if correction.author else None,
            "other_author": correction.other_author.anchor if correction.other_author else None,
        }
        correction.printed = {end: snapshot(signature) for end, signature in printed.items() if signature is not None}
    Correction.objects.bulk_update(corrections, ["printed"], batch_size=1_000)


def _anchor(corrections: Sequence[Correction]) -> None:
    """See that each author named has an anchor, and none that a decision takes from it.

    Raises ValidationError where an author has no signature left to be known by.
    """
    about = {c.signature_id: c for c in corrections if c.signature_id is not None and c.author is not None}
    for holder in Author.objects.filter(anchor__in=[*about]):
        correction = about[holder.anchor_id or 0]
        going = [s for s, c in about.items() if (holder == c.author) != c.same]
        if holder.anchor_id in going and holder.assignments.exclude(signature__in=going).exists():
            Author.objects.filter(pk=holder.pk).update(anchor=None)
            anchors.choose([holder.pk])
            # Another author with nothing else to be known by goes where its anchor goes.
            lost = Author.objects.filter(pk=holder.pk, anchor=None).exclude(pk=correction.author_id or 0)
            lost.update(anchor=correction.signature)
    named = {a.pk: a for c in corrections for a in (c.author, c.other_author) if a is not None}
    anchors.choose(named)
    for author in named.values():
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


def _stated_of(
    author: Author, works: Collection[int], leaving: Collection[int]
) -> dict[int, tuple[float | None, float]]:
    """`_stated` of each of these signatures and the author's other works, without those that are `leaving`."""
    own = _signatures(author, author) - set(leaving)
    known = resolving.load(Signature.objects.filter(pk__in=own.union(works)))
    best: dict[int, float] = {}
    for pair, probability in pair_probabilities(known).items():
        for one, other in (pair, pair[::-1]):
            if other in own:
                best[one] = max(best.get(one, 0.0), probability)
    counts = NameCounts.shipped()
    frequency = {s.id: counts.people(fold(s.family), fold(s.given)) for s in known}
    rarest = min((frequency[s] for s in own if s in frequency), default=float("inf"))
    return {
        pk: (round(best[pk], 4) if pk in best else None, min(frequency[pk], rarest)) for pk in works if pk in frequency
    }


def _version(stated: float | None) -> str:
    return "" if stated is None else str(Model.shipped().card["version"])


def _signatures(end: End, other: End) -> set[int]:
    """The ids of an end's signatures, without the one that it is compared with; of a merged author its anchor."""
    if isinstance(end, Signature):
        return {end.pk}
    rows = Assignment.objects.filter(author=end).order_by(F("signature__paper__updated").desc(nulls_last=True), "-pk")
    found = set(rows.values_list("signature", flat=True)[:WEIGHED])
    if not found and end.anchor_id is not None:
        found = {end.anchor_id}
    return found - {other.pk} if isinstance(other, Signature) else found


def _resolved(corrections: Sequence[Correction], surnames: Sequence[str]) -> list[int]:
    """Resolve, and compute again at once what the pages of those who gained or lost works count and name.

    Returns the authors whose coauthorships and trust are to be refreshed.
    """
    before = dict(Assignment.objects.filter(signature__surname_key__in=surnames).values_list("signature", "author"))
    report = resolving.resolve(surnames, corrections=corrections)
    changed = Assignment.objects.filter(signature__in=report.signatures)
    owners = set(changed.values_list("author", flat=True)) | {before[s] for s in report.signatures if s in before}
    authors.refresh(sorted(owners))
    beside = Assignment.objects.filter(signature__paper__signatures__in=report.signatures)
    return sorted(owners | set(beside.values_list("author", flat=True)))


def _contradictions(correction: Correction) -> list[Contradiction]:
    return list(Contradiction.objects.filter(chain__contains=[{"correction": correction.pk}]).order_by("pk"))
