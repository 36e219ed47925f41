"""Change sets: merge, split, move works, correct a name, set an identifier - each undone whole or row by row.

Problem: what one curator changes, the next run of the machine, a third curator and second thoughts all touch again.
Idea: a change is rows, one for each work, name or identifier, and the rows of works are held by decisions that the
matcher cannot break; undoing a row withdraws what holds it and gives back what it had set aside. A change does what
its rows say and nothing else: a work that the evidence would draw along is held where it was. Rows about one work are
undone last in, first out; what stands in the way is named. Entry points: `apply` for a proposal (`profiles.proposals`),
`merge` for many pairs, `undo`, `redo`; `bzpeer.changes.preview` shows beforehand what would come of it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from papers import journal
from papers.models import Signature

from . import anchors, authors, parting, resolving
from .addresses import heir_of
from .arrays import ids
from .decisions import LONGEST_REASON, curator
from .holding import Statement, give_back, hold, set_aside, statements
from .models import (
    Account,
    Assignment,
    Author,
    Change,
    ChangeSet,
    ChangeStep,
    Contradiction,
    Correction,
    FollowQuestion,
    Identifier,
)
from .obstacles import Obstacle, obstacles
from .proposals import (
    NAMED,
    Merge,
    MoveWorks,
    Proposal,
    refuse_one_paper,
    refuse_owners_name,
    rows_of,
    shown_name,
)

# Times that the surnames are resolved until nothing is drawn along any more; seldom more than two.
PASSES = 4


class InTheWay(ValidationError):
    """A row cannot be undone or done again; `obstacles` say why."""

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        self.obstacles = obstacles
        super().__init__([obstacle.sentence for obstacle in obstacles])


class Changed(ValidationError):
    """The records are no longer what they were when the change was looked at."""


@transaction.atomic
def apply(account: Account | AnonymousUser, proposal: Proposal, reason: str, seen: str = "") -> ChangeSet:
    """Do it. `seen` is the `state` that the curator looked at.

    The ids to refresh after commit are in `touched`. Raises PermissionDenied; ValidationError for what cannot be done,
    in sentences; `Changed` where somebody was faster.
    """
    account = curator(account)
    reason = _reason(reason)
    surnames = _lock(proposal.authors)
    if seen and seen != state(proposal):
        raise Changed(_("Somebody changed these records meanwhile. This is how it looks now; nothing was done."))
    rows = rows_of(proposal)
    change_set = ChangeSet.objects.create(kind=proposal.kind, reason=reason, made_by=account)
    anchors.choose(proposal.authors)
    if isinstance(proposal, MoveWorks) and proposal.target is None:
        _give_a_person(rows)
    for row in rows:
        row.change_set = change_set
    Change.objects.bulk_create(rows, batch_size=2_000)
    _put(change_set, rows, surnames, account)
    journal.write(account, "apply", change_set, rows=len(rows), reason=reason)
    return change_set


def merge(
    account: Account | AnonymousUser, pairs: Iterable[tuple[int, int]], reason: str, *, by_rule: bool = True
) -> ChangeSet:
    """Each pair is one person: `apply` for many pairs at once."""
    return apply(account, Merge(tuple(pairs), by_rule), reason)


@transaction.atomic
def undo(account: Account | AnonymousUser, change_set: ChangeSet, row: int | None = None) -> ChangeSet:
    """Take back one row, or all that are not yet. Undone twice, nothing changes.

    The works go back; where the evidence alone would keep one, it is decided that it is the old author's. When no row
    is left, everything is withdrawn and the people are who they were. Raises PermissionDenied and `InTheWay`.
    """
    account = curator(account)
    change_set, rows, surnames = _taken_up(change_set, row, live=True)
    if not rows:
        return change_set
    whole = not change_set.rows.filter(undone_at=None).exclude(pk__in=[r.pk for r in rows]).exists()
    now = timezone.now()
    expected, row_of = _homes(rows), {row.signature_id: row for row in rows}
    held = Correction.objects.live().filter(change_set=change_set)
    if not whole:
        held = held.filter(change__in=_pks(rows))
    held.update(withdrawn_at=now, withdrawn_by=account)
    give_back(rows)
    Change.objects.filter(pk__in=_pks(rows)).update(undone_at=now, undone_by=account)
    if change_set.kind == ChangeSet.Kind.NAME:
        _name(rows[0].target, rows[0].old)
    elif change_set.kind == ChangeSet.Kind.IDENTIFIER:
        _identify(rows[0], rows[0].old)
    else:
        _anchor(change_set, {s: (row_of[s].target_id, home) for s, home in expected.items()})
    _settle(change_set, rows, expected, surnames, account, back=True, alone=whole)
    if whole:
        FollowQuestion.objects.filter(change_set=change_set, answer=FollowQuestion.Answer.OPEN).delete()
    _noted(change_set, ChangeStep.Kind.UNDONE, rows, whole, account)
    return change_set


@transaction.atomic
def redo(account: Account | AnonymousUser, change_set: ChangeSet, row: int | None = None) -> ChangeSet:
    """Do again one row that was undone, or all that were. Raises as `undo` does, and as `apply`."""
    account = curator(account)
    change_set, rows, surnames = _taken_up(change_set, row, live=False)
    if not rows:
        return change_set
    rows_of_works = [r for r in rows if r.signature_id is not None]
    if change_set.kind not in {ChangeSet.Kind.NAME, ChangeSet.Kind.IDENTIFIER}:
        refuse_one_paper([(r.signature_id or 0, r.target_id) for r in rows_of_works])
    Correction.objects.live().filter(change__in=_pks(rows)).update(withdrawn_at=timezone.now(), withdrawn_by=account)
    Change.objects.filter(pk__in=_pks(rows)).update(undone_at=None, undone_by=None)
    whole = not change_set.rows.exclude(undone_at=None).exists()
    _put(change_set, rows, surnames, account)
    _noted(change_set, ChangeStep.Kind.REDONE, rows, whole, account)
    return change_set


def state(proposal: Proposal) -> str:
    """A digest of what the proposal builds on: whose the works are now, names and identifiers."""
    works = (
        Assignment.objects.filter(author__in=proposal.authors).order_by("signature").values_list("signature", "author")
    )
    about = Author.objects.filter(pk__in=proposal.authors).order_by("pk")
    typed = Identifier.objects.filter(author__in=proposal.authors).order_by("pk").values_list("scheme", "value")
    text = repr([list(works), list(about.values_list("preferred_name", "account", "merged_into")), list(typed)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _reason(reason: str) -> str:
    text = reason.replace("\0", "").strip()
    if not text:
        raise ValidationError(_("Say why: the reason is kept with the change and shown in its history."))
    if len(text) > LONGEST_REASON:
        raise ValidationError(_("A reason has at most %(n)s characters.") % {"n": LONGEST_REASON})
    return text


def _lock(concerned: Collection[int]) -> list[str]:
    """Nobody else resolves or changes these authors until the end of the transaction; the surnames that hold them."""
    while True:
        surnames = _surnames(concerned)
        resolving.lock(surnames)
        # Whoever held the lock before may have given them works under another surname.
        if set(_surnames(concerned)) <= set(surnames):
            return surnames


def _surnames(concerned: Collection[int]) -> list[str]:
    printed = Signature.objects.filter(assignment__author__in=ids(concerned)).values_list("surname_key", flat=True)
    anchored = Author.objects.filter(pk__in=concerned, anchor__isnull=False).values_list(
        "anchor__surname_key", flat=True
    )
    found = {*printed.distinct(), *anchored}
    return sorted({name for unit in resolving.related(found) for name in unit})


# Doing it


def _give_a_person(rows: Sequence[Change]) -> None:
    """A new author for works that are split off, known by one of them from the start, so that its id is sure."""
    signatures = [row.signature for row in rows if row.signature is not None]
    taken = set(Author.objects.filter(anchor__in=signatures).values_list("anchor", flat=True))
    anchor = min(signatures, key=lambda signature: (signature.pk in taken, signature.pk))
    source = rows[0].source
    assert source is not None  # a split has one
    author = Author.objects.create(name=anchor.name, anchor=anchor, visibility=source.visibility)
    for row in rows:
        row.target = author


def _put(change_set: ChangeSet, rows: Sequence[Change], surnames: Sequence[str], account: Account) -> None:
    """Bring about what the rows say."""
    if change_set.kind == ChangeSet.Kind.NAME:
        [row] = rows
        _renew_old(row, shown_name(row.target))
        _name(row.target, row.new)
    elif change_set.kind == ChangeSet.Kind.IDENTIFIER:
        [row] = rows
        _renew_old(row, row.target.identifiers.filter(scheme=row.scheme).values_list("value", flat=True).first() or "")
        _identify(row, row.new)
    else:
        rows = [row for row in rows if row.signature_id is not None]
        set_aside(rows, account)
        if not change_set.rows.filter(undone_at=None).exclude(pk__in=_pks(rows)).exists():
            _remember_anchors(
                change_set, {author for row in rows for author in (row.source_id, row.target_id) if author}
            )
        _anchor(change_set, {row.signature_id or 0: (row.source_id or 0, row.target_id) for row in rows})
        hold(change_set, statements(change_set, rows), account)
    expected = {row.signature_id: row.target_id for row in rows if row.signature_id is not None}
    _settle(change_set, rows, expected, surnames, account)
    if change_set.kind == ChangeSet.Kind.SPLIT:
        parting.ask({(row.source_id, row.target_id) for row in rows if row.source_id}, change_set)


def _renew_old(row: Change, value: str) -> None:
    """Done again, a row goes back to what is there now and not to what was there at first."""
    if row.old != value:
        row.old = value
        row.save(update_fields=["old"])


def _name(author: Author, name: str) -> None:
    refuse_owners_name(author)
    authors.prefer(author, name)


def _identify(row: Change, value: str) -> None:
    if value:
        row.target.identifiers.update_or_create(scheme=row.scheme, defaults={"value": value, "change": row})
    else:
        row.target.identifiers.filter(scheme=row.scheme).delete()


def _anchor(change_set: ChangeSet, moves: Mapping[int, tuple[int, int]]) -> None:
    """See that everybody is known by a work that they keep or get. `moves`: from and to, by signature.

    It is the one that they were known by before the change set, where they have that: decisions about a person are held
    by it. Who has nothing left keeps the anchor, and so is led to whoever has that.
    """
    concerned = {author for ends in moves.values() for author in ends}
    own: defaultdict[int, set[int]] = defaultdict(set)
    for author, signature in Assignment.objects.filter(author__in=concerned).values_list("author", "signature"):
        own[author].add(signature)
    coming: defaultdict[int, set[int]] = defaultdict(set)
    for signature, (source, target) in moves.items():
        own[source].discard(signature)
        coming[target].add(signature)
    anchored = Author.objects.filter(Q(pk__in=concerned) | Q(anchor__in=ids(moves)), anchor__isnull=False)
    known = dict(anchored.values_list("pk", "anchor"))
    chosen, anew = {}, []
    for author in sorted(concerned):
        has = own[author] | coming[author]
        if (before := change_set.anchors.get(str(author))) in has:
            chosen[author] = before
        elif not has or known.get(author) in has:
            continue
        elif own[author]:
            anew.append(author)
        else:
            taken = {anchor for other, anchor in known.items() if other != author}
            chosen[author] = min(has, key=lambda signature: (signature in taken, signature))
    Author.objects.filter(pk__in=anew).update(anchor=None)
    anchors.choose(anew, leaving=moves.keys())
    for pk in Author.objects.filter(pk__in=anew, anchor=None).values_list("pk", flat=True):
        chosen[pk] = min(own[pk])
    Author.objects.bulk_update([Author(pk=pk, anchor_id=anchor) for pk, anchor in chosen.items()], ["anchor"])


def _remember_anchors(change_set: ChangeSet, concerned: Collection[int]) -> None:
    known = Author.objects.filter(pk__in=concerned, anchor__isnull=False).values_list("pk", "anchor")
    change_set.anchors = {str(author): anchor for author, anchor in known}
    change_set.save(update_fields=["anchors"])


def _settle(
    change_set: ChangeSet,
    rows: Sequence[Change],
    expected: Mapping[int, int],
    surnames: Sequence[str],
    account: Account,
    *,
    back: bool = False,
    alone: bool = False,
) -> None:
    """Resolve until every work is where it is `expected` and nothing was drawn along; then refresh who is concerned.

    A try that misses leaves no trace but the decision that the next one holds to. On the way `back`, a work that the
    evidence keeps is decided to be its old author's; `alone`, nothing else is held. Raises ValidationError where an
    earlier decision does not let a work go.
    """
    concerned = {row.target_id for row in rows} | {row.source_id for row in rows if row.source_id is not None}
    if not expected:
        authors.refresh(sorted(concerned))
        change_set.touched = sorted(concerned)
        return
    concerned |= set(expected.values())
    row_of = {row.signature_id: row for row in rows}
    before, open_before = _holders(surnames), _contradictions(surnames)
    first = set(expected.values()) | {a for s, a in before.items() if a in concerned and s not in expected}
    for last in (False,) * (PASSES - 1) + (True,):
        with transaction.atomic():
            report = resolving.resolve(surnames, change_set=change_set, first=first)
            now = _holders(surnames)
            missed = [s for s, author in expected.items() if now.get(s) != author]
            strays = [
                s
                for s, author in now.items()
                if not alone and s not in expected and author != before.get(s) and {author, before.get(s)} & concerned
            ]
            against = _contradictions(surnames) - open_before if not back else set()
            if against or (missed and (last or not back)):
                raise ValidationError(_why_not(missed, against))
            if last or not (missed or strays):
                break
            transaction.set_rollback(True)
        held = [Statement(s, before[s], True) for s in strays if s in before]
        held += [Statement(s, now[s], False) for s in strays if now[s] in concerned]
        for s in missed:
            held += [Statement(s, expected[s], True, row_of[s]), Statement(s, row_of[s].target_id, False, row_of[s])]
        hold(change_set, held, account)
    owners = {a for s in report.signatures for a in (before.get(s), now.get(s)) if a is not None} | concerned
    authors.refresh(sorted(owners))
    beside = Assignment.objects.filter(signature__paper__signatures__in=ids(report.signatures))
    change_set.touched = sorted(owners | set(beside.values_list("author", flat=True).distinct()))


def _holders(surnames: Sequence[str]) -> dict[int, int]:
    """The author of each signature under these surnames."""
    rows = Assignment.objects.filter(signature__surname_key__in=surnames)
    return dict(rows.values_list("signature", "author"))


def _contradictions(surnames: Sequence[str]) -> set[str]:
    """Sentences of decisions that cannot all hold."""
    found = Contradiction.objects.filter(kind=Contradiction.Kind.DECISIONS, surnames__overlap=list(surnames))
    return set(found.values_list("sentence", flat=True))


def _why_not(missed: Sequence[int], against: Collection[str]) -> list[str]:
    """Sentences for what earlier decisions forbid, and for works that they hold elsewhere."""
    names = Signature.objects.filter(pk__in=missed[:NAMED]).values_list("paper__title_text", flat=True)
    sentences = [_("Earlier decisions say otherwise. Withdraw those first, if they are wrong; nothing was done.")]
    if missed:
        sentences.append(_("What they do not let go: %(titles)s.") % {"titles": "; ".join(names)})
    return sentences + sorted(against)[:NAMED]


# Undoing it


def _taken_up(change_set: ChangeSet, row: int | None, live: bool) -> tuple[ChangeSet, list[Change], list[str]]:
    """The change set, locked, with the rows to undo (`live`) or to do again; raises `InTheWay`."""
    ends = change_set.rows.values_list("source", "target")
    surnames = _lock({author for pair in ends.distinct() for author in pair if author is not None})
    change_set = ChangeSet.objects.select_for_update(of=("self",)).select_related("made_by").get(pk=change_set.pk)
    found = (
        change_set.rows.filter(undone_at__isnull=live).select_related("source", "target", "signature").order_by("pk")
    )
    rows = list(found if row is None else found.filter(pk=row))
    if in_the_way := obstacles(change_set, rows, live):
        raise InTheWay(in_the_way)
    return change_set, rows, surnames


def _homes(rows: Sequence[Change]) -> dict[int, int]:
    """To whom each work goes back: its old author, or who became of that one by another change."""
    heirs: dict[int, int] = {}

    def heir(author: Author) -> int:
        if author.pk not in heirs:
            heirs[author.pk] = heir_of(author).pk
        return heirs[author.pk]

    return {
        row.signature_id: row.source.pk if heir(row.source) == heir(row.target) else heir(row.source)
        for row in rows
        if row.signature_id is not None and row.source is not None
    }


def _noted(change_set: ChangeSet, kind: ChangeStep.Kind, rows: Sequence[Change], whole: bool, account: Account) -> None:
    one = rows[0] if len(rows) == 1 else None
    ChangeStep.objects.create(change_set=change_set, kind=kind, rows=len(rows), whole=whole, one=one, made_by=account)
    verb = "undo" if kind == ChangeStep.Kind.UNDONE else "redo"
    journal.write(account, verb, change_set, rows=len(rows), row=one.pk if one else None)


def _pks(rows: Iterable[Change]) -> list[int]:
    return [row.pk for row in rows]
