"""Rings: what k invented accounts gain by claiming k invented records and attesting one another, played for real.

Problem: whether trust can be bought is a claim about all the code between a form and a score. Idea: invent the papers
and the accounts, let everybody do through the services whatever helps the ring, and compare what each record gained
with a formula (docs/verification.md); then all of it is rolled back, letters and tasks with it. Entry points:
`invent`, `play`, `gain`, and `rolled_back` around them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction

from graph import coauthorships
from papers.identifiers import orcid
from papers.models import Paper, Signature
from papers.names import fold, surname_key
from profiles import authors, claims, proofs, resolving
from profiles.models import Account, Assignment, Author, Claim, Letter, Proof
from profiles.proofs import attestation

from . import scoring
from .scores import facts_of

TEAM = 7  # authors of a paper: six coauthors who attest, of whom five count
PAPERS = 6  # that a team writes: as many works as count
GIVEN = "Ringo"
_INVENTED = (Paper, Signature, Author, Assignment, Account, EmailAddress)
_LETTERS = "bcdfghjklm"  # without vowels, which would make umlauts


@dataclass(slots=True)
class Member:
    """An invented author, the account that claims the record, the address that its papers print, and the claim."""

    author: Author
    account: Account
    address: str
    team: int
    proves: bool = False
    claim: Claim | None = None

    @property
    def held(self) -> Claim:
        assert self.claim is not None
        return self.claim


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one ring: the points that each record gained and those that the formula says, and what was refused."""

    members: int
    proved: int
    gained: tuple[int, ...]
    expected: tuple[int, ...]
    highest_unproved: int
    refused: int

    @property
    def agrees(self) -> bool:
        return self.gained == self.expected


@contextmanager
def rolled_back() -> Iterator[None]:
    """Nothing that is done within stays: no row, no letter, no task; only sequences have moved on."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def gain(proves: bool, attesting: int) -> int:
    """The points that a record gains, by whether its account proved control and how many such coauthors attest.

    The word of who proved control counts 2, of at most five, and no other word counts anything. Without a proof there
    is nothing else but the claim. With one: control, the whole review, and what is missing to an affiliation that
    agrees with the proved address; two who attest, and every work reviewed, are level 4.
    """
    word = min(scoring.PER_ATTESTATION * attesting, scoring.MOST_ATTESTATIONS)
    if not proves:
        return scoring.CONTROL[2] + word
    control = scoring.CONTROL[4 if attesting > 1 else 3]
    return control + scoring.MOST_REVIEW + scoring.MOST_AFFILIATION - scoring.PER_AFFILIATION + word


def play(size: int, proved: int, now: datetime) -> Outcome:
    """Have a ring of that size do what it can; `proved` of its accounts read the mail that their papers print.

    To be called within `rolled_back`.
    """
    members = invent(size)
    for member in members[:proved]:
        member.proves = True
    before = _scores(members)
    tries = _Tries()
    for member in members:
        member.claim = claims.hold(claims.begin(member.account, member.author, now), now)
    for member in members:
        _prove(member, now, tries)
        signatures = Assignment.objects.filter(author=member.author).standing().values_list("signature", flat=True)
        claims.mark(member.held, dict.fromkeys(signatures, "mine"), now)
    for member, neighbour in zip(members, [*members[1:], members[0]], strict=True):
        _ask_and_attest(member, members, now, tries)
        second = claims.begin(member.account, neighbour.author, now)
        tries.refused_is_right(lambda second=second: claims.hold(second, now))  # type: ignore[misc]
        claims.release(second, member.account, now)
    after = _scores(members)
    beside = [
        sum(other.proves and other.team == member.team and other is not member for other in members)
        for member in members
    ]
    return Outcome(
        size,
        proved,
        tuple(after[member.author.pk] - before[member.author.pk] for member in members),
        tuple(gain(member.proves, others) for member, others in zip(members, beside, strict=True)),
        max(
            (claim.level for claim in Claim.objects.filter(account__in=[m.account for m in members if not m.proves])),
            default=0,
        ),
        tries.refused,
    )


def invent(size: int) -> list[Member]:
    """That many people who exist nowhere, in teams of at most `TEAM`, each team with `PAPERS` papers, each person with
    an account whose own address is confirmed. Of two calls no name or address is the same: limits count addresses."""
    call = "".join(secrets.choice(_LETTERS) for _ in range(6))
    members: list[Member] = []
    for start in range(0, size, TEAM):
        families = [_family(call, number) for number in range(start, min(start + TEAM, size))]
        signatures = _papers(families)
        for family in families:
            resolving.resolve([surname_key(family)])
            author = Author.objects.get(assignments__signature=signatures[family])
            members.append(Member(author, invent_account(family), address_of(family), start))
    with connection.cursor() as cursor:  # what is not committed yet the planner knows nothing of
        cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in _INVENTED)}")
    ids = [member.author.pk for member in members]
    authors.refresh(ids)
    coauthorships.refresh(ids)
    for member in members:
        member.author.refresh_from_db()
    return members


def invent_account(name: str) -> Account:
    """An account with a confirmed address that no paper prints."""
    account = Account.objects.create(username=f"invented {name}", email=f"{name.lower()}@account.invalid")
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return account


def invent_orcid() -> str:
    """An iD with the right check digit, from the end of what is given out: nobody's yet."""
    digits = f"000900{99_000_000 + secrets.randbelow(1_000_000):09}"
    right = (orcid("-".join(re.findall("....", f"{digits}{check}"))) for check in "0123456789X")
    return next(filter(None, right))


def code_to(address: str) -> str:
    """The newest code that was written to the address: what who reads that mail can type."""
    for text in Letter.objects.filter(to=address).order_by("-pk").values_list("text", flat=True)[:10]:
        if (found := re.search(r"\b\d{8}\b", text)) is not None:
            return found[0]
    return ""


def address_of(family: str) -> str:
    return f"{GIVEN.lower()}.{family.lower()}@{family.lower()}.example"


def _family(call: str, number: int) -> str:
    """A family name that is nobody's.

    >>> _family("bcd", 0), _family("bcd", 123)
    ('Xqzbcdbbb', 'Xqzbcdcdf')
    """
    return f"Xqz{call}{''.join(_LETTERS[int(digit)] for digit in f'{number:03}')}"


def _papers(families: Sequence[str]) -> dict[str, int]:
    """`PAPERS` papers by these people, each with all that a source can give; one signature (id) of each."""
    found: dict[str, int] = {}
    for number in range(PAPERS):
        key = f"{families[0].lower()}.{number}"
        paper = Paper.objects.create(
            doi=f"10.5555/{key}",
            fingerprint=key,
            title=f"Invented {key}",
            title_text=f"Invented {key}",
            abstract="Invented.",
            categories=["cs.LG"],
            created=date(2020, 1, 1),
            updated=date(2020, 1, 1),
            source="simulation",
        )
        for position, family in enumerate(families):
            signature = Signature.objects.create(
                paper=paper,
                position=position,
                printed=f"{GIVEN} {family}",
                family=family,
                given=GIVEN,
                family_key=fold(family),
                given_key=fold(GIVEN),
                surname_key=surname_key(family),
                affiliations=[f"University of {family}, {address_of(family)}"],
            )
            found[family] = signature.pk
    return found


@dataclass(slots=True)
class _Tries:
    """What was tried in vain."""

    refused: int = 0

    def refused_is_right(self, act: Callable[[], Any]) -> None:
        try:
            with transaction.atomic():
                act()
        except (PermissionDenied, ValidationError):
            self.refused += 1


def _prove(member: Member, now: datetime, tries: _Tries) -> None:
    """A code goes to the printed address: who reads it types it, who does not guesses."""
    kind = proofs.BY_SLUG["mail"]
    proof = kind.begin(member.held, member.address, now)
    if not member.proves:
        tries.refused_is_right(lambda: kind.complete(proof, {"code": "no code"}, now))
        return
    if kind.complete(proof, {"code": code_to(member.address)}, now):
        claims.prove(proof, now)


def _ask_and_attest(member: Member, members: Sequence[Member], now: datetime, tries: _Tries) -> None:
    """Ask all coauthors who proved control for their word, which they give, and one who did not."""
    coauthors = [other for other in members if other.team == member.team and other is not member]
    for other in (other for other in coauthors if other.proves):
        asked = attestation.KIND.begin(member.held, str(other.author.pk), now)
        attestation.attest(asked, other.account, now)
    if (unproved := next((other for other in coauthors if not other.proves), None)) is not None:
        tries.refused_is_right(lambda: attestation.KIND.begin(member.held, str(unproved.author.pk), now))
        word = Proof(claim=member.held, kind=attestation.SLUG, author=unproved.author)
        tries.refused_is_right(lambda: attestation.attest(word, unproved.account, now))


def _scores(members: Sequence[Member]) -> dict[int, int]:
    facts = facts_of([member.author.pk for member in members])
    return {author: scoring.assess(found).score for author, found in facts.items()}
