"""What a claim rests on: its valid proofs as the level reads them, the works to answer for, and those reviewed.

Entry points: `given`, `stands`, `unreviewed`, `answerable`, `perhaps`. Nothing is written.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from papers.models import Signature

from . import levels, proofs
from .models import Assignment, Author, Claim, Correction, NameVariant, Proof, Suggestion


def given(claim: Claim, now: datetime) -> list[levels.Given]:
    """The valid proofs as the level reads them; an attestation counts while the coauthor controls a record."""
    found = []
    valid = claim.proofs.valid(now).annotate(by_controls=Proof.given_in_control())
    for slug, by, paper, by_controls in valid.values_list("kind", "by", "paper", "by_controls"):
        kind = proofs.BY_SLUG.get(slug)
        if kind is not None and (by_controls or kind.route is not levels.Route.ATTESTED):
            found.append(levels.Given(slug, kind.route, by, paper))
    return found


def stands(proof: Proof) -> bool:
    """Whether what the proof rests on is still so; of kinds that cannot tell it is."""
    kind = proofs.BY_SLUG.get(proof.kind)
    return kind is None or kind.still is None or kind.still(proof)


def unreviewed(author: int) -> int:
    """How many of the author's works neither the owner nor a curator said anything about."""
    works = Assignment.objects.filter(author=author).standing()
    return works.exclude(reviewed(author)).count()


def reviewed(author: int) -> Q:
    """Of assignments: those of which the owner, or a curator, said whether the work is this author's."""
    said = Correction.objects.live().filter(
        author=author, signature=OuterRef("signature"), kind=Correction.Kind.ATTRIBUTION, change_set=None
    )
    return Q(state__in=(Assignment.State.OWNER, Assignment.State.CURATOR)) | Q(Exists(said))


def answerable(claim: Claim) -> QuerySet[Signature]:
    """The names on papers of which the claimant can be asked: the record's, those proposed, and those answered."""
    on_it = Q(assignment__author=claim.author_id) | Q(pk__in=claim.marks.values("signature"))
    return Signature.objects.filter(
        on_it | Q(assignment__author__in=Author.objects.filter(perhaps(claim)).values("pk"))
    )


def perhaps(claim: Claim) -> Q:
    """Which authors may be the claimant's too: unclaimed, and suggested to be one person or printed the same."""
    pairs = Suggestion.objects.filter(Q(left=claim.author_id) | Q(right=claim.author_id))
    printed = NameVariant.objects.filter(author=claim.author_id).values("folded")
    near = (
        Q(pk__in=pairs.values("left"))
        | Q(pk__in=pairs.values("right"))
        | Q(pk__in=NameVariant.objects.filter(folded__in=printed).values("author"))
    )
    return near & ~Q(pk=claim.author_id) & Q(account=None, merged_into=None, visibility=Author.Visibility.PUBLIC)
