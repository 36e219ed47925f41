"""The verification level of a held claim: what its proofs show about who controls the record.

Problem: a badge must mean one thing, whoever gave the proofs and in whatever order, and fall back by itself when one of
them ends. Idea: a level is a function of the proofs that are valid now and of whether every work was looked at; nothing
else is remembered. Weak proofs and attestations alone prove nothing. Entry points: `level`, `missing`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

HELD, CONTROLLED, REVIEWED, CHECKED = 2, 3, 4, 5
ATTESTERS = 2  # coauthors who together are as good as a second strong proof


class Route(Enum):
    """What a proof is worth for the level."""

    STRONG = "strong"  # proves control by itself
    WEAK = "weak"  # says something, proves nothing
    ATTESTED = "attested"  # a coauthor's word
    CHECKED = "checked"  # a curator's


@dataclass(frozen=True, slots=True)
class Given:
    """A valid proof, as the level reads it. Of an attestation: the account `by` whom, of control proved, and about
    which `paper`."""

    kind: str
    route: Route
    by: int | None = None
    paper: int | None = None


def level(proofs: Collection[Given], all_reviewed: bool) -> int:
    """The level, 2 to 5, of a claim that is held by an account with a confirmed address."""
    strong, checked, attested = _strong(proofs), _checked(proofs), _attested(proofs)
    if not (strong or checked):
        return HELD
    if not (all_reviewed and (len(strong) > 1 or attested)):
        return CONTROLLED
    # A check that stands in for the strong proof is not counted a second time.
    return CHECKED if strong and checked else REVIEWED


def missing(proofs: Collection[Given], unreviewed: int) -> list[tuple[int, list[str]]]:
    """What is missing for each level above the present one: (level, sentences). `unreviewed` counts works."""
    strong, checked, attested = _strong(proofs), _checked(proofs), _attested(proofs)
    now = level(proofs, not unreviewed)
    steps: list[tuple[int, list[str]]] = []
    if now < CONTROLLED:
        steps.append((CONTROLLED, ["One strong proof; or, where there is none to give, a curator’s check."]))
    if now < REVIEWED:
        wanted = []
        if len(strong) < 2 and not attested:
            wanted.append("A second strong proof of another kind, or two proved coauthors who attest different papers.")
        if unreviewed:
            works = "1 work that is" if unreviewed == 1 else f"{unreviewed:,} works that are"
            wanted.append(f"Your answer, mine or not mine, for {works} not reviewed yet.")
        steps.append((REVIEWED, wanted or ["One strong proof."]))
    if now < CHECKED:
        wanted = [] if checked else ["A check by a curator, which holds for 24 months."]
        if checked and not strong:
            wanted.append("A strong proof, so that the curator’s check stands beside it and not in its place.")
        steps.append((CHECKED, wanted or ["All that level 4 needs."]))
    return steps


def _strong(proofs: Collection[Given]) -> set[str]:
    """The kinds of strong proof that were given."""
    return {proof.kind for proof in proofs if proof.route is Route.STRONG}


def _checked(proofs: Collection[Given]) -> bool:
    return any(proof.route is Route.CHECKED for proof in proofs)


def _attested(proofs: Collection[Given]) -> bool:
    """Whether as many coauthors as are needed attest, no two of them about the same paper only."""
    told = {(p.by, p.paper) for p in proofs if p.route is Route.ATTESTED and p.by and p.paper}
    return any(one != other and paper != another for one, paper in told for other, another in told)
