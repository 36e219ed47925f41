"""What the claims on records prove, as the trust score reads it.

Entry point: `proved_of`, two queries for all authors, and some for each that has a proved address: of those are few.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.utils import timezone

from profiles.models import Author, Claim, Proof
from profiles.powers import CONTROL
from profiles.proofs import BY_SLUG
from profiles.proofs.printed import addresses

from .scoring import agrees

HIDDEN = "a person whose record is hidden"  # counts like any other, and is named nowhere


@dataclass(slots=True)
class Proved:
    """Of one author: the level of the claim that holds it, whether a second account proved control too, the iDs that
    its holder signed in with, the coauthors who attest (by id), the addresses that were proved, the works that print
    them, in words each proof that counts, and by rule the rows behind all that (`Row.source`)."""

    level: int = 0
    disputed: bool = False
    iDs: set[str] = field(default_factory=set)
    attesting: dict[int, str] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    papers: set[int] = field(default_factory=set)
    proofs: list[str] = field(default_factory=list)
    sources: dict[str, list[str]] = field(default_factory=lambda: {"control": [], "attestation": []})
    signed_in: dict[str, str] = field(default_factory=dict)

    def agreeing(self, affiliations: Iterable[tuple[str, int]]) -> frozenset[str]:
        """Those of the affiliations (as printed, work) that name the place of a proved address, or stand beside it."""
        return frozenset(
            text
            for text, work in affiliations
            if work in self.papers or any(agrees(address, text) for address in self.addresses)
        )


def proved_of(authors: Collection[int]) -> dict[int, Proved]:
    """What is proved of each of these authors now."""
    found = {author: Proved() for author in authors}
    live = Claim.objects.filter(author__in=authors, state__in=(Claim.State.HELD, Claim.State.DISPUTED))
    for pk, author, state, level in live.values_list("pk", "author", "state", "level"):
        if state == Claim.State.HELD:
            found[author].level = level
            found[author].sources["control"].append(f"claim:{pk}")
        elif level >= CONTROL:
            found[author].disputed = True
    valid = Proof.objects.valid(timezone.now()).filter(claim__author__in=authors, claim__state=Claim.State.HELD)
    by_mail: dict[int, set[str]] = {}
    heard: set[tuple[int, int | None]] = set()  # one account is one coauthor, whatever its record was merged into
    rows = valid.annotate(by_controls=Proof.given_in_control()).order_by("pk")
    about = ("author", "author__name", "author__visibility", "by")
    for pk, author, kind, subject, proved_at, by_controls, coauthor, name, visibility, by in rows.values_list(
        "pk", "claim__author", "kind", "subject", "proved_at", "by_controls", *about
    ):
        it, source = found[author], f"proof:{pk}"
        if kind in BY_SLUG and kind != "attestation":
            since = f", since {proved_at.day} {proved_at:%B %Y}" if proved_at else ""
            it.proofs.append(f"{BY_SLUG[kind].label}{since}")
            it.sources["control"].append(source)
        if kind == "orcid":
            it.iDs.add(subject)
            it.signed_in.setdefault(subject, source)
        elif kind == "attestation" and by_controls and coauthor is not None and (author, by) not in heard:
            heard.add((author, by))
            if coauthor not in it.attesting:
                it.sources["attestation"].append(source)
            it.attesting[coauthor] = name if visibility == Author.Visibility.PUBLIC else HIDDEN
        elif kind in ("mail", "institution"):
            it.addresses.add(subject)
            by_mail.setdefault(author, set()).add(subject.rpartition("@")[2].casefold())
    for person in Author.objects.filter(pk__in=by_mail):
        found[person.pk].papers = {
            each.paper.pk
            for each in addresses(person)
            if each.own and each.value.rpartition("@")[2].casefold() in by_mail[person.pk]
        }
    return found
