"""Proposals: what a curator may change, and the rows that it comes to.

Problem: most of what can be asked for cannot be - of somebody who is gone, of both names on one paper, of two people
who each have an owner. Idea: a proposal is a value; turned into rows it is checked against the records as they are, and
what cannot be is said in a sentence. Entry points: `Merge`, `MoveWorks`, `CorrectName`, `SetIdentifier`; `rows_of`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import networkx as nx
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from papers.models import Paper, Signature

from . import identifiers, wording
from .arrays import ids
from .models import Assignment, Author, Change, ChangeSet, Correction
from .rulings import snapshot

# Rows of a change set: four times the longest record of the field, and some ten seconds of work.
MOST_ROWS = 20_000
LONGEST_NAME = 200  # characters
NAMED = 5  # works named in a sentence, the rest is counted


@dataclass(frozen=True, slots=True)
class Merge:
    """Each pair of authors is one person. Which record stays is not asked: a hidden one, then a claimed one, then the
    one of more works, then the older. Many pairs at once are a change `by_rule`."""

    pairs: tuple[tuple[int, int], ...]
    by_rule: bool = False

    @property
    def authors(self) -> set[int]:
        return set(chain.from_iterable(self.pairs))

    @property
    def kind(self) -> ChangeSet.Kind:
        return ChangeSet.Kind.BULK if self.by_rule else ChangeSet.Kind.MERGE


@dataclass(frozen=True, slots=True)
class MoveWorks:
    """These signatures are not `source`'s but `target`'s; without a target, a new person's: a split."""

    source: int
    signatures: tuple[int, ...]
    target: int | None = None

    @property
    def authors(self) -> set[int]:
        return {self.source} | ({self.target} if self.target is not None else set())

    @property
    def kind(self) -> ChangeSet.Kind:
        return ChangeSet.Kind.SPLIT if self.target is None else ChangeSet.Kind.MOVE


@dataclass(frozen=True, slots=True)
class CorrectName:
    """The author is shown by this name; "" gives back what is printed."""

    author: int
    name: str

    kind = ChangeSet.Kind.NAME

    @property
    def authors(self) -> set[int]:
        return {self.author}


@dataclass(frozen=True, slots=True)
class SetIdentifier:
    """The author has this identifier of the scheme; "" takes it away."""

    author: int
    scheme: str
    value: str

    kind = ChangeSet.Kind.IDENTIFIER

    @property
    def authors(self) -> set[int]:
        return {self.author}


Proposal = Merge | MoveWorks | CorrectName | SetIdentifier


def rows_of(proposal: Proposal) -> list[Change]:
    """The rows, not yet stored. Raises ValidationError for what cannot be."""
    people = Author.objects.select_related("account", "merged_into").in_bulk(proposal.authors)
    for pk in sorted(proposal.authors - people.keys()):
        raise ValidationError(_("There is no person #%(id)s.") % {"id": pk})
    for author in people.values():
        if author.merged_into is not None:
            heir = {
                "name": author.name,
                "id": author.pk,
                "heir": author.merged_into.name,
                "heir_id": author.merged_into.pk,
            }
            raise ValidationError(
                _("%(name)s (#%(id)s) has been merged into %(heir)s (#%(heir_id)s): change that record.") % heir
            )
    if isinstance(proposal, CorrectName):
        return [_name_row(people[proposal.author], proposal)]
    if isinstance(proposal, SetIdentifier):
        return [_identifier_row(people[proposal.author], proposal)]
    return _merge_rows(proposal, people) if isinstance(proposal, Merge) else _move_rows(proposal, people)


def _works(concerned: Collection[int]) -> dict[int, set[int]]:
    """The signatures of each of these authors. Raises ValidationError where one has none."""
    found: dict[int, set[int]] = {author: set() for author in concerned}
    for author, signature in Assignment.objects.filter(author__in=concerned).values_list("author", "signature"):
        found[author].add(signature)
    for author, signatures in found.items():
        if not signatures:
            raise ValidationError(_("#%(id)s has no works: there is nothing to merge, split or move.") % {"id": author})
    return found


def _merge_rows(proposal: Merge, people: Mapping[int, Author]) -> list[Change]:
    if not proposal.pairs:
        raise ValidationError(_("Choose whom to merge."))
    if any(one == other for one, other in proposal.pairs):
        raise ValidationError(_("A person cannot be merged with itself."))
    works = _works(people)
    rows: list[tuple[int, int, int]] = []
    for group in nx.connected_components(nx.Graph(proposal.pairs)):
        claimed = sorted(author for author in group if people[author].is_claimed)
        if len(claimed) > 1:
            both = {"one": people[claimed[0]].name, "other": people[claimed[1]].name}
            raise ValidationError(
                _(
                    "%(one)s and %(other)s are both claimed, so two people hold that these are two records. They are "
                    "never merged over their heads: open a dispute, which asks both, or ask one to give up the claim."
                )
                % both
            )
        if any(people[pk].is_public for pk in claimed) and not all(people[pk].is_public for pk in group):
            raise ValidationError(
                _(
                    "%(name)s is claimed and public, and the other record is hidden at its person’s request: merged, "
                    "either the one would vanish or the other come back. Settle first who the person is."
                )
                % {"name": people[claimed[0]].name}
            )
        keeper = min(group, key=lambda author: _rank(people[author], len(works[author])))
        rows += [
            (signature, author, keeper) for author in sorted(group - {keeper}) for signature in sorted(works[author])
        ]
    refuse_one_paper([(signature, keeper) for signature, _source, keeper in rows])
    return _work_rows(rows)


def _rank(author: Author, works: int) -> tuple[bool, bool, bool, int, int]:
    """Who stays, first to last: a hidden record, so that none comes back by a merge, a claimed one, one that hides a
    name, which stays hidden so, the larger."""
    return author.is_public, not author.is_claimed, not author.hides_printed, -works, author.pk


def _move_rows(proposal: MoveWorks, people: Mapping[int, Author]) -> list[Change]:
    if proposal.source == proposal.target:
        raise ValidationError(_("The works are that person’s already."))
    chosen, works = set(proposal.signatures), _works(people)
    if not chosen:
        raise ValidationError(_("Choose at least one work."))
    if gone := chosen - works[proposal.source]:
        raise ValidationError(
            ngettext(
                "%(n)s of the chosen works is no longer on this record.",
                "%(n)s of the chosen works are no longer on this record.",
                len(gone),
            )
            % {"n": len(gone)}
        )
    if chosen == works[proposal.source]:
        raise ValidationError(
            _("That is every work on the record, so nobody would be left to split from: correct the name instead.")
            if proposal.target is None
            else _("That is every work on the record: merge the two people instead, so that its address leads on.")
        )
    if proposal.target is not None:
        refuse_one_paper([(signature, proposal.target) for signature in chosen])
    return _work_rows([(signature, proposal.source, proposal.target or 0) for signature in sorted(chosen)])


def _work_rows(rows: Sequence[tuple[int, int, int]]) -> list[Change]:
    if len(rows) > MOST_ROWS:
        raise ValidationError(_("A change set has at most %(n)s works. Choose fewer.") % {"n": f"{MOST_ROWS:,}"})
    signatures = Signature.objects.select_related("paper").in_bulk([signature for signature, *_ends in rows])
    said = Correction.objects.live().filter(
        signature__in=ids(signatures),
        kind=Correction.Kind.ATTRIBUTION,
        as_owner=True,
        author__account__isnull=False,  # there is somebody to ask
    )
    if (owned := said.select_related("author").first()) is not None:
        raise ValidationError(
            _("%(decision)s: the owner of %(name)s said so. Ask the owner, or open a dispute.")
            % {"decision": owned, "name": owned.author.name if owned.author else ""}
        )
    return [
        Change(
            signature=signatures[signature],
            source_id=source,
            target_id=target,
            printed=snapshot(signatures[signature]),
        )
        for signature, source, target in rows
    ]


def refuse_one_paper(coming: Sequence[tuple[int, int]]) -> None:
    """Raises ValidationError where one person would be two names on one paper. `coming` are (signature, target)."""
    there: defaultdict[tuple[int, int], int] = defaultdict(int)
    moved = dict(coming)
    paper_of = dict(Signature.objects.filter(pk__in=ids(moved)).values_list("pk", "paper"))
    for signature, target in coming:
        there[paper_of[signature], target] += 1
    on_them = Assignment.objects.filter(
        author__in=set(moved.values()), signature__paper__in=ids(set(paper_of.values()))
    ).exclude(signature__in=ids(moved))
    for paper, target in on_them.values_list("signature__paper", "author"):
        there[paper, target] += 1
    if clashes := sorted({paper for (paper, _target), names in there.items() if names > 1}):
        titles = Paper.objects.filter(pk__in=clashes[:NAMED]).order_by("pk").values_list("title_text", flat=True)
        raise ValidationError(
            ngettext(
                "Two names on one paper are two people, and both would be on this one: %(titles)s.",
                "Two names on one paper are two people, and both would be on each of these %(n)s: %(titles)s.",
                len(clashes),
            )
            % {"n": len(clashes), "titles": "; ".join(titles) + (" …" if len(clashes) > NAMED else "")}
        )


def _name_row(author: Author, proposal: CorrectName) -> Change:
    refuse_owners_name(author)
    name = readable(proposal.name)
    old = shown_name(author)
    if name == old or (name and name == author.name):
        raise ValidationError(_("This is the name that is shown already."))
    return Change(target=author, old=old, new=name)


def refuse_owners_name(author: Author) -> None:
    """Raises ValidationError where the name that is shown was chosen by who holds the record."""
    newest = author.renamings.order_by("-pk").first()
    if author.hides_printed or (newest is not None and newest.new and newest.new == author.preferred_name):
        raise ValidationError(_("The owner of this record chose this name: only the owner changes it."))


def shown_name(author: Author) -> str:
    """What to go back to: the preferred name; a claimed author's, which is the owner's word and not computed again; or
    "", what is printed."""
    return author.preferred_name or (author.name if author.is_claimed else "")


def readable(name: str) -> str:
    """The name as it may be shown (`wording.name`). Raises ValidationError for what is no name."""
    return wording.name(name, LONGEST_NAME)


def _identifier_row(author: Author, proposal: SetIdentifier) -> Change:
    value = identifiers.read(proposal.scheme, proposal.value)
    old = author.identifiers.filter(scheme=proposal.scheme).values_list("value", flat=True).first() or ""
    if value == old:
        raise ValidationError(_("The record says so already.") if value else _("Type the identifier."))
    return Change(target=author, scheme=proposal.scheme, old=old, new=value)
