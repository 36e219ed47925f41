"""Rulings: what people decided about some surnames, as the pairs of signatures that the matcher holds to.

Problem: decisions name signatures and authors, signatures come and go with new versions of a paper, and decisions
contradict each other. Idea: an author stands for its anchor, a name that a source took off and prints again is found
again, and what cannot all hold is written down as a chain of who said what. Entry points: `Rulings.about`, `report`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from papers.models import Signature

from .arrays import array, texts
from .disambiguation.clustering import Contradiction as Found
from .disambiguation.clustering import Decisions, Step
from .disambiguation.signatures import Signature as Printed
from .models import Assignment, Author, Claim, Contradiction, Correction, Proof

Pair = tuple[int, int]

_KINDS = {"evidence": Contradiction.Kind.CLAIMED, "orcid": Contradiction.Kind.ORCID}


@dataclass(frozen=True, slots=True)
class Rulings:
    """The live decisions about some surnames: those that bind, by the pair of signatures they come to, and the rest.

    `attested` are not decided but told by coauthors: (anchor of the claimant's record, a name on the paper).
    """

    bound: Mapping[Pair, Sequence[Correction]]
    unbound: Sequence[Correction]
    claimed: frozenset[int]
    attested: Sequence[Pair] = ()

    @staticmethod
    def about(surnames: Sequence[str]) -> Rulings:
        """Load them; a name that is printed again is bound again."""
        rebind(surnames)
        here = texts(surnames)
        corrections = Correction.objects.live().filter(
            Q(signature__surname_key__in=here)
            | Q(other__surname_key__in=here)
            | Q(author__anchor__surname_key__in=here)
            | Q(other_author__anchor__surname_key__in=here)
            | Q(signature=None)
            | Q(author__isnull=False, author__anchor=None)
        )
        bound: defaultdict[Pair, list[Correction]] = defaultdict(list)
        unbound: list[Correction] = []
        ends = ("signature__assignment__author", "other__assignment__author", "author__anchor", "other_author__anchor")
        for correction in corrections.select_related(*ends, "made_by", "change_set").order_by("made_at", "pk"):
            pair = pair_of(correction)
            if pair and (correction.same or pair[0] != pair[1]):
                bound[pair].append(correction)
            elif surname_keys(correction).intersection(surnames):
                unbound.append(correction)
        claimed = Author.objects.keeping_their_ids().filter(anchor__surname_key__in=here)
        return Rulings(bound, unbound, frozenset(claimed.values_list("anchor", flat=True)), _attested(here))

    @property
    def decisions(self) -> Decisions:
        """As the matcher reads them."""
        pairs: dict[str, set[Pair]] = {"same": set(), "different": set(), "joined": set()}
        for pair, corrections in self.bound.items():
            for correction in corrections:
                pairs[_says(correction)].add(pair)
        return Decisions(**{says: frozenset(found) for says, found in pairs.items()}, claimed=self.claimed)

    def confirmed(self, now: Mapping[int, int]) -> dict[int, str]:
        """The state of each signature of which people said whose it is, where that holds; disputed where they said of
        one author both that it is theirs and that it is not."""
        states: dict[int, str] = {}
        disputed: set[int] = set()
        for (one, other), corrections in self.bound.items():
            said: defaultdict[int, set[bool]] = defaultdict(set)
            for c in corrections:
                if c.kind == Correction.Kind.ATTRIBUTION and c.change_set_id is None:
                    said[c.signature_id or 0].add(c.same)
                if c.same and not c.joins_wholes and c.author and now[one] == now[other]:
                    states[c.signature_id or 0] = Assignment.State.OWNER if c.as_owner else Assignment.State.CURATOR
            disputed.update(signature for signature, words in said.items() if len(words) > 1)
        for anchor, signature in self.attested:
            if anchor in now and now[anchor] == now.get(signature):
                states.setdefault(signature, Assignment.State.COAUTHOR)
        return states | dict.fromkeys(disputed, Assignment.State.DISPUTED)

    def report(self, surnames: Sequence[str], found: Iterable[Found], signatures: Mapping[int, Printed]) -> None:
        """Replace the contradictions of these surnames; nothing is written where nothing changed."""
        keys = dict(
            Signature.objects.filter(pk__in={s for c in found for s in c.signatures}).values_list("pk", "surname_key")
        )
        rows = [self._row(c, sorted({keys[s] for s in c.signatures}), signatures) for c in found]
        rows += [_unbound(correction) for correction in self.unbound]
        new = {(row.kind, row.sentence): row for row in rows}
        for old in Contradiction.objects.filter(surnames__overlap=array(surnames)):
            if new.pop((old.kind, old.sentence), None) is None:
                old.delete()
        Contradiction.objects.bulk_create(new.values())

    def _row(self, found: Found, surnames: list[str], signatures: Mapping[int, Printed]) -> Contradiction:
        said = [self._correction(step) for step in found.chain]
        sentences = [
            _sentence(correction) if correction else _about(step, signatures)
            for step, correction in zip(found.chain, said, strict=True)
        ]
        left_out = sentences[found.chain.index(found.left_out)]
        return Contradiction(
            kind=_KINDS.get(found.left_out.says.removeprefix("other "), Contradiction.Kind.DECISIONS),
            surnames=surnames,
            sentence=f"{'; '.join(sentences)}. Left out until that is settled: {left_out}.",
            chain=[
                {"left": s.left, "right": s.right, "says": s.says, "correction": correction and correction.pk}
                for s, correction in zip(found.chain, said, strict=True)
            ],
        )

    def _correction(self, step: Step) -> Correction | None:
        """The decision that a step rests on, the first of several."""
        told = self.bound.get((min(step.left, step.right), max(step.left, step.right)), ())
        return next((correction for correction in told if _says(correction) == step.says), None)


def _attested(surnames: Any) -> list[Pair]:
    """The names on papers of which a coauthor who controls their own record says that the claimant wrote them."""
    told = Proof.objects.filter(
        Proof.given_in_control(),
        kind="attestation",
        state=Proof.State.VALID,
        claim__state=Claim.State.HELD,
        claim__author__anchor__surname_key__in=surnames,
    )
    anchors = list(told.values_list("claim__author__anchor", "paper"))
    if not anchors:
        return []
    printed = Signature.objects.filter(paper__in={paper for _anchor, paper in anchors}, surname_key__in=surnames)
    names = list(printed.values_list("pk", "paper"))
    return [(anchor, name) for anchor, paper in anchors if anchor for name, other in names if other == paper]


def ends_of(correction: Correction) -> list[Signature | None]:
    """The signatures that the decision comes to, an author's being its anchor; None for one that is not printed."""
    anchored = [author.anchor if author else None for author in (correction.author, correction.other_author)]
    if correction.kind == Correction.Kind.AUTHORS:
        return anchored
    return [correction.signature, anchored[0] if correction.author else correction.other]


def pair_of(correction: Correction) -> Pair | None:
    """The ids of these two signatures, ascending; None while one is missing."""
    one, other = ends_of(correction)
    return None if one is None or other is None else (min(one.pk, other.pk), max(one.pk, other.pk))


def surname_keys(correction: Correction) -> set[str]:
    """The surname keys that the decision speaks of, as printed now and when it was made."""
    then = {str(end["surname_key"]) for end in correction.printed.values()}
    return then | {end.surname_key for end in ends_of(correction) if end is not None}


def rebind(surnames: Sequence[str]) -> None:
    """Bind live decisions again to names that are printed again: the same name on the same paper, nearest its place."""
    waiting = Correction.objects.live().filter(
        Q(kind=Correction.Kind.SIGNATURES, other=None) | Q(signature=None), kind__in=("signatures", "attribution")
    )
    for correction in waiting:
        for end in ("signature", "other"):
            then = correction.printed.get(end)
            if getattr(correction, f"{end}_id") is None and then and then["surname_key"] in surnames:
                again = Signature.objects.filter(
                    paper=then["paper"], family_key=then["family_key"], given_key=then["given_key"]
                )
                near = min(again, key=lambda s: (abs(s.position - then["position"]), s.pk), default=None)
                setattr(correction, end, near)
        _store(correction)


def _store(correction: Correction) -> None:
    """Save the ends in ascending order, unless the same was decided about them meanwhile."""
    one, other = correction.signature_id, correction.other_id
    if one is not None and other is not None and one > other:
        correction.signature, correction.other = correction.other, correction.signature
        printed = correction.printed
        correction.printed = {"signature": printed["other"], "other": printed["signature"]}
    ends = {"signature": correction.signature_id, "other": correction.other_id, "author": correction.author_id}
    others = Correction.objects.live().filter(same=correction.same, **ends).exclude(pk=correction.pk)
    if correction.signature_id is None or not others.exists():
        correction.save(update_fields=["signature", "other", "printed"])


def snapshot(signature: Signature) -> dict[str, object]:
    """What `Correction.printed` keeps of a signature."""
    return {
        "paper": signature.paper_id,
        "work": signature.paper.arxiv_id or signature.paper.title_text[:80],
        "position": signature.position,
        "name": signature.name,
        "family_key": signature.family_key,
        "given_key": signature.given_key,
        "surname_key": signature.surname_key,
    }


def _says(correction: Correction) -> str:
    if not correction.same:
        return "different"
    return "joined" if correction.joins_wholes else "same"


def _sentence(correction: Correction) -> str:
    day = correction.made_at
    return f"{correction} by {correction.by} on {day.day} {day:%B %Y}"


def _about(step: Step, signatures: Mapping[int, Printed]) -> str:
    one, other = (f"“{signatures[s].name}” (signature {s})" for s in (step.left, step.right))
    return f"{one} and {other} {step.meaning}"


def _unbound(correction: Correction) -> Contradiction:
    gone = "a name that its paper no longer prints, or a person who has no other work"
    return Contradiction(
        kind=Contradiction.Kind.UNBOUND,
        surnames=sorted(surname_keys(correction)),
        sentence=f"{_sentence(correction)} speaks of {gone}. It is kept, and holds again when the name is back.",
        chain=[{"left": None, "right": None, "says": _says(correction), "correction": correction.pk}],
    )
