"""What a change would do, shown before it is done: the change itself, rolled back.

Problem: a forecast of a merge that is computed in another way than the merge is wrong sooner or later. Idea: do it, and
compute counts, coauthorships and trust of those concerned again, in a transaction that is then rolled back; what is
shown is what was there for a moment. Bounded: the coauthors' own pages are not computed. Entry point: `preview`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Sum

from graph import coauthorships
from graph.models import Coauthorship
from profiles import authors, changesets, identifiers, proposals
from profiles.addresses import successors
from profiles.models import Account, Author, ChangeSet, Contradiction, Correction, Follow, FollowQuestion, Move
from trust import scores
from trust.models import TrustScore

PEOPLE = 20  # whose before and after is shown; a merge by rule of a thousand pairs is sampled
WORKS = 30  # rows named


@dataclass(frozen=True, slots=True)
class Record:
    """What the pages say of an author. `leads_to` is where the address leads: nowhere else, to one heir, or to several
    (their names)."""

    name: str
    works: int
    followers: int
    claimed: bool
    score: int | None
    level: int | None
    band: str
    close: tuple[str, ...]
    identifiers: tuple[str, ...]
    leads_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """An author before and after; no `before` for a person who is new. `changed` names the fields that differ."""

    author: Author
    before: Record | None
    after: Record

    @property
    def changed(self) -> set[str]:
        fields = Record.__slots__
        return {name for name in fields if self.before and getattr(self.before, name) != getattr(self.after, name)}


@dataclass(slots=True)
class Preview:
    """What would come of a change. `along` are works that go although the change does not name them; `clashes` are
    people known by the same identifier; `asked` is how many followers would be asked."""

    kind: str
    rows: int
    titles: list[str]
    people: list[Compared] = field(default_factory=list)
    others: int = 0
    along: int = 0
    set_aside: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    clashes: list[str] = field(default_factory=list)
    asked: int = 0
    seen: str = ""


def preview(account: Account | AnonymousUser, proposal: proposals.Proposal) -> Preview:
    """Do it and roll it back. Raises as `changesets.apply` does."""
    with transaction.atomic():
        seen, old = changesets.state(proposal), set(Contradiction.objects.values_list("pk", flat=True))
        before = records(proposal.authors)
        change_set = changesets.apply(account, proposal, "preview", seen)
        concerned = proposal.authors | set(change_set.rows.values_list("target", flat=True).distinct())
        ordered = sorted(concerned)[:PEOPLE]
        refresh(ordered)
        after = records(ordered)
        people = Author.objects.in_bulk(ordered)
        works = change_set.rows.filter(signature__isnull=False)
        found = Preview(
            kind=change_set.kind,
            rows=works.count(),
            titles=list(works.order_by("pk").values_list("signature__paper__title_text", flat=True)[:WORKS]),
            people=[Compared(people[pk], before.get(pk), after[pk]) for pk in ordered],
            others=len(concerned) - len(ordered),
            along=_moved(change_set) - works.count(),
            set_aside=_set_aside(change_set),
            contradictions=list(Contradiction.objects.exclude(pk__in=old).values_list("sentence", flat=True)),
            clashes=_clashes(people.values()),
            asked=FollowQuestion.objects.filter(change_set=change_set).count(),
            seen=seen,
        )
        transaction.set_rollback(True)
    return found


def refresh(ids: Collection[int]) -> None:
    """Compute again what the pages of these authors show, as the pipeline does; the topics' pages are left to that."""
    authors.refresh(sorted(ids))
    coauthorships.refresh(sorted(ids))
    scores.refresh(sorted(ids))


def records(ids: Collection[int]) -> dict[int, Record]:
    """What the pages say of these authors now."""
    close: dict[int, list[str]] = {pk: [] for pk in ids}
    for author, name in (
        Coauthorship.objects.close().strongest_first().filter(author__in=ids).values_list("author", "coauthor__name")
    ):
        close[author].append(name)
    trust = TrustScore.objects.in_bulk(ids, field_name="author_id")
    return {author.pk: _record(author, close[author.pk], trust.get(author.pk)) for author in _authors(ids)}


def _authors(ids: Collection[int]) -> Iterable[Author]:
    return Author.objects.filter(pk__in=ids).select_related("merged_into").order_by("pk")


def _record(author: Author, close: list[str], trust: TrustScore | None) -> Record:
    gone = not author.works_count and not author.is_claimed
    led = author.merged_into is not None or gone
    return Record(
        name=author.name,
        works=author.works_count,
        followers=0 if led else Follow.objects.of(author).followers(),
        claimed=author.is_claimed,
        score=trust.score if trust and not led else None,
        level=trust.level if trust and not led else None,
        band=trust.band if trust and not led else "",
        close=() if led else tuple(close),
        identifiers=() if led else tuple(f"{shown.scheme.label} {shown.value}" for shown in identifiers.of(author)),
        leads_to=tuple(f"{heir.author.name} #{heir.author.pk}" for heir in successors(author)) if led else (),
    )


def _moved(change_set: ChangeSet) -> int:
    return int(Move.objects.filter(change_set=change_set).aggregate(n=Sum("count", default=0))["n"])


def _set_aside(change_set: ChangeSet) -> list[str]:
    """Decisions that would be; not those that only keep in place what an earlier change set left alone."""
    rows = Correction.objects.filter(superseded_by__change_set=change_set)
    rows = rows.exclude(change_set__isnull=False, change=None)
    aside = rows.select_related("made_by", "author", "other_author", "signature", "other").order_by("pk")
    return [f"{correction} ({correction.by})" for correction in aside[:WORKS]]


def _clashes(people: Iterable[Author]) -> list[str]:
    return [
        f"{shown.scheme.label} {shown.value}: {author.name} #{author.pk}, "
        + ", ".join(f"{other.name} #{other.pk}" for other in shown.others)
        for author in people
        if author.merged_into_id is None
        for shown in identifiers.of(author)
        if shown.others
    ]
