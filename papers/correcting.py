"""What curators correct of institutions: where a printed form belongs, which two are one, what one is called.

Problem: no rule knows all places, and what a curator said must outlast every later import and be easy to take back.
Idea: a correction is a value, looked at first (`preview`), applied in one transaction with its journal row, and kept
with what it takes to undo it. It says where forms are at home and who stands for whom; the rows of `Affiliation` are
then made again for the papers concerned (`papers.institutions.link`), by the rule that imports follow too.

Entry points: `preview`, `apply`, `undo`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from . import institutions, journal
from .affiliations import key_of, name_of
from .importing import alone
from .models import Affiliation, Institution, InstitutionChange, InstitutionName, Paper

MOST_ROWS = 50_000  # names on papers that one correction may lead elsewhere: some ten seconds of work
MOST_FORMS = 1_000
LONGEST_NAME = 300  # characters
LONGEST_REASON = 500
TITLES = 10
_BATCH = 2_000

Kind = InstitutionChange.Kind


@dataclass(frozen=True, slots=True)
class Move:
    """These forms (ids of `InstitutionName`) are not `source`'s but `target`'s; without one, a place's of its own."""

    source: int
    names: tuple[int, ...]
    target: int | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """`source` is the same place as `target`, which stands for both."""

    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Rename:
    """`source` is called so."""

    source: int
    name: str


Proposal = Move | Merge | Rename


@dataclass(frozen=True, slots=True)
class Preview:
    """What would come of it. `target` is None for a place of its own, and where nothing moves. `signatures` are the
    names on papers that would be led elsewhere; `seen` tells this state from any later one."""

    source: Institution
    target: Institution | None
    forms: tuple[InstitutionName, ...]
    signatures: frozenset[int]
    works: int
    titles: tuple[str, ...]
    seen: str


def preview(proposal: Proposal) -> Preview:
    """Look at it. Raises ValidationError, in sentences, for what cannot be done."""
    source, target, forms = _checked(proposal)
    printing = {} if isinstance(proposal, Rename) else _printing(source, forms)
    papers = set(printing.values())
    titles = Paper.objects.filter(pk__in=sorted(papers)[:TITLES]).order_by("pk").values_list("title_text", flat=True)
    return Preview(
        source, target, forms, frozenset(printing), len(papers), tuple(titles), _state(source, target, forms)
    )


@transaction.atomic
def apply(
    account: AbstractBaseUser | AnonymousUser, proposal: Proposal, reason: str, seen: str = ""
) -> InstitutionChange:
    """Do it; `seen` is of the preview. Raises PermissionDenied, and ValidationError for what cannot be done, or where
    somebody was faster."""
    curator = _curator(account)
    reason = " ".join(reason.split())
    if not reason:
        raise ValidationError(_("Say why: it is kept with the change."))
    if len(reason) > LONGEST_REASON:
        raise ValidationError(_("A reason has at most %(n)d characters.") % {"n": LONGEST_REASON})
    alone()
    source, target, forms = _checked(proposal)
    if seen and seen != _state(source, target, forms):
        raise ValidationError(_("Somebody changed this meanwhile. This is how it looks now; nothing was done."))
    change = InstitutionChange(source=source, target=target, reason=reason, made_by_id=curator.pk)
    if isinstance(proposal, Rename):
        change.kind, change.before, change.after = Kind.RENAME, {"name": source.name}, proposal.name
        source.name = proposal.name
        source.save(update_fields=["name"])
    else:
        papers = set(_printing(source, forms).values())
        if isinstance(proposal, Merge):
            change.kind = Kind.MERGE
            source.merged_into = target
            source.save(update_fields=["merged_into"])
        else:
            change.kind = Kind.MOVE
            if target is None:
                change.target = target = Institution.objects.create(name=name_of(forms[0].printed))
            change.before = {str(form.pk): [form.institution_id, form.held] for form in forms}
            InstitutionName.objects.filter(pk__in=[form.pk for form in forms]).update(institution=target, held=True)
        _link(papers)
    change.save()
    journal.write(curator, change.kind, source, target=change.target_id, name=change.after, reason=reason)
    return change


@transaction.atomic
def undo(account: AbstractBaseUser | AnonymousUser, change: InstitutionChange) -> InstitutionChange:
    """Take it back. Undone twice, nothing changes. Raises PermissionDenied, and ValidationError where something that
    was done since stands in the way."""
    curator = _curator(account)
    alone()
    change = InstitutionChange.objects.select_related("source", "target").get(pk=change.pk)
    if change.undone_at is not None:
        return change
    source, target = change.source, change.target
    if change.kind == Kind.RENAME:
        _refuse_unless(source.name == change.after)
        source.name = change.before["name"]
        source.save(update_fields=["name"])
    elif target is not None:
        at = institutions.heir_of(target)
        if change.kind == Kind.MERGE:
            _refuse_unless(source.merged_into_id == target.pk)
            papers = set(_printing(at, institutions.forms_of(source)).values())
            source.merged_into = None
            source.save(update_fields=["merged_into"])
        else:
            forms = list(InstitutionName.objects.filter(pk__in=map(int, change.before)))
            _refuse_unless(all((form.institution_id, form.held) == (target.pk, True) for form in forms))
            papers = set(_printing(at, forms).values())
            for form in forms:
                form.institution_id, form.held = change.before[str(form.pk)]
            InstitutionName.objects.bulk_update(forms, ["institution", "held"])
            _close(target, source)
        _link(papers)
    change.undone_by_id, change.undone_at = curator.pk, timezone.now()
    change.save(update_fields=["undone_by", "undone_at"])
    journal.write(curator, "undo", source, change=change.pk, kind=change.kind)
    return change


def _curator(account: AbstractBaseUser | AnonymousUser) -> AbstractBaseUser:
    if isinstance(account, AnonymousUser) or not account.has_perm("profiles.add_correction"):  # type: ignore[attr-defined]
        raise PermissionDenied("Only curators correct institutions.")
    return account


def _refuse_unless(unchanged: bool) -> None:
    if not unchanged:
        raise ValidationError(_("Something was changed here since. Undo that first; nothing was done."))


def _checked(proposal: Proposal) -> tuple[Institution, Institution | None, tuple[InstitutionName, ...]]:
    """(source, target, the forms that go) as they are now."""
    source = _standing(proposal.source)
    if isinstance(proposal, Rename):
        if not proposal.name.strip() or len(proposal.name) > LONGEST_NAME:
            raise ValidationError(_("A name has 1 to %(n)d characters.") % {"n": LONGEST_NAME})
        if proposal.name == source.name:
            raise ValidationError(_("It has this name already."))
        return source, None, ()
    target = None
    if proposal.target is not None:
        found = Institution.objects.filter(pk=proposal.target).first()
        if found is None:
            raise ValidationError(_("There is no institution of this number."))
        target = institutions.heir_of(found)
        if target == source:
            raise ValidationError(_("This is one institution already."))
    forms = {form.pk: form for form in institutions.forms_of(source)}
    if isinstance(proposal, Move):
        if not proposal.names:
            raise ValidationError(_("Choose at least one printed form."))
        if not set(proposal.names) <= forms.keys():
            raise ValidationError(_("A form that you chose does not belong here any more."))
        if target is None and set(proposal.names) == forms.keys():
            raise ValidationError(_("These are all forms of this institution: it is a place of its own already."))
        forms = {pk: forms[pk] for pk in dict.fromkeys(proposal.names)}
    if len(forms) > MOST_FORMS:
        raise ValidationError(_("These are too many forms for one change; at most %(n)d.") % {"n": MOST_FORMS})
    return source, target, tuple(forms.values())


def _standing(pk: int) -> Institution:
    found = Institution.objects.filter(pk=pk).first()
    if found is None:
        raise ValidationError(_("There is no institution of this number."))
    if found.merged_into_id is not None:
        raise ValidationError(_("This institution was merged into another one."))
    return found


def _printing(at: Institution, forms: Collection[InstitutionName]) -> dict[int, int]:
    """Papers by signature: those at the institution that print one of these forms."""
    keys = {form.key for form in forms}
    rows = Affiliation.objects.filter(institution=at)
    found: dict[int, int] = {}
    columns = ("signature", "signature__paper", "signature__affiliations")
    for count, (signature, paper, printed) in enumerate(rows.values_list(*columns).iterator()):
        if count == MOST_ROWS:
            raise ValidationError(_("Too many names are printed at this institution for one change."))
        if not keys.isdisjoint(map(key_of, printed)):
            found[signature] = paper
    return found


def _link(papers: Collection[int]) -> None:
    ordered = sorted(papers)
    for start in range(0, len(ordered), _BATCH):
        institutions.link(ordered[start : start + _BATCH])


def _close(made: Institution, source: Institution) -> None:
    """A place that was set apart and has no form any more leads to where the forms went back to."""
    if made.key is None and made.merged_into_id is None and not made.names.exists() and not made.merged.exists():
        made.merged_into = institutions.heir_of(source)
        made.save(update_fields=["merged_into"])


def _state(source: Institution, target: Institution | None, forms: Collection[InstitutionName]) -> str:
    """Tells the records concerned, as they are, from what somebody made of them meanwhile."""
    told: Mapping[str, object] = {
        "source": [source.pk, source.name, source.merged_into_id],
        "target": target and target.pk,
        "forms": sorted((form.pk, form.institution_id, form.held) for form in forms),
    }
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
