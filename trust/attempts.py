"""Attempts: whatever accounts without a proof may do, in random order, and that none of it gives them control.

Problem: a level is guarded in many places, and the sequence that nobody thought of is the one that gets through. Idea:
a seeded walk over all actions of such accounts, through the services and with friends who did prove control and attest
all they are asked, and time that passes. After each step what would be a break-in is looked for in the database. To be
run within `rings.rolled_back`. Entry point: `Walk`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from papers.models import Signature
from profiles import changesets, claims, decisions, disputes, owning, powers, proofs, renaming, rights, wishes
from profiles.models import (
    Account,
    Author,
    Claim,
    ClaimMark,
    Correction,
    Proof,
    RightsRequest,
    WorkProposal,
)
from profiles.proofs import attestation
from profiles.proposals import Merge

from . import rings
from .scores import facts_of
from .scoring import level

WORLD = 500  # actions; then all begins anew, with addresses that no limit has counted yet
ACCOUNTS = 3  # that are used in turn
VICTIMS, FREE = 3, 4  # records whose owners proved control, and records that nobody holds


class BreakIn(AssertionError):
    """An account that proved nothing got what only a proof gives."""


class Walk:
    """A walk of `seed` through a world made for it. `take` raises `BreakIn`."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311
        self.seed, self.steps, self.highest = seed, 0, 0
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.actions = [getattr(self, name) for name in sorted(vars(Walk)) if name.startswith("do_")]

    def _begin(self) -> None:
        """A world of new people."""
        self.now = timezone.now()
        self.members = rings.invent(VICTIMS + FREE)
        self.friends = [member.account for member in self.members[:VICTIMS]]
        for member in self.members[:VICTIMS]:
            member.claim = claims.hold(claims.begin(member.account, member.author, self.now), self.now)
            proof = proofs.BY_SLUG["mail"].begin(member.claim, member.address, self.now)
            proofs.BY_SLUG["mail"].complete(proof, {"code": rings.code_to(member.address)}, self.now)
            claims.prove(proof, self.now)
        self.records = [member.author.pk for member in self.members]
        # An iD that papers print, and the attackers' own; of each world others, or its people would be one.
        self.stolen, self.own = rings.invent_orcid(), rings.invent_orcid()
        Signature.objects.filter(assignment__author=self.members[-1].author).update(orcid=self.stolen)
        self.signatures = list(
            Signature.objects.filter(assignment__author__in=self.records).values_list("pk", flat=True)
        )
        self.accounts: list[Account] = []
        for _account in range(ACCOUNTS):
            self._arrive()

    def take(self, steps: int) -> None:
        """So many actions, each looked at after it. Raises `BreakIn`."""
        for step in range(steps):
            if step % WORLD == 0:
                self._begin()
            self.account = self.random.choice(self.accounts)
            action = self.random.choice(self.actions)
            name = action.__name__.removeprefix("do_").replace("_", " ")
            self.steps += 1
            self.done[name] += 1
            try:
                with transaction.atomic():
                    action()
            except (PermissionDenied, ValidationError):
                self.refused[name] += 1
            self._look(name)
        self._look_at_all()

    def report(self) -> Iterator[str]:
        """The walk as lines of text."""
        yield f"{self.steps:,} actions of accounts that prove nothing (seed {self.seed}); of each, so many refused:"
        for name, count in sorted(self.done.items()):
            yield f"  {name:28} {count:6,} {self.refused[name]:6,}"
        yield f"Highest level of such an account: L{self.highest}. Control, decisions as owner, badges gained: 0."

    # --- what is looked for ------------------------------------------------------------------------------------------

    def _look(self, name: str) -> None:
        strangers = Account.objects.exclude(pk__in=[friend.pk for friend in self.friends])
        mine = Claim.objects.filter(author__in=self.records, account__in=strangers)
        highest = mine.aggregate(most=Max("level", default=0))["most"]
        self.highest = max(self.highest, highest)
        said = Correction.objects.filter(made_by__in=[account.pk for account in self.accounts])
        if highest >= powers.CONTROL or said.exists():
            raise BreakIn(f"step {self.steps}, {name}: level {highest}, {said.count()} decisions")
        if self.steps % 50 == 0:
            self._look_at_all()

    def _look_at_all(self) -> None:
        """The level that each record shows, from the facts; and that what friends hold is still as it was."""
        proved = set(self.records[:VICTIMS])
        for author, facts in facts_of(self.records).items():
            if level(facts) >= powers.CONTROL and author not in proved:
                raise BreakIn(f"step {self.steps}: record {author} shows level {level(facts)}")
        for member in self.members[:VICTIMS]:
            if not Author.objects.filter(pk=member.author.pk, account=member.account, visibility="public").exists():
                raise BreakIn(f"step {self.steps}: record {member.author.pk} is not its owner's any more")

    # --- what such an account may do ---------------------------------------------------------------------------------

    def _author(self) -> Author:
        return Author.objects.get(pk=self.random.choice(self.records))

    def _claim(self) -> Claim:
        """One of the account's, mostly a live one."""
        own = Claim.objects.filter(account=self.account).order_by("pk")
        found = list(own.live() if self.random.random() < 0.9 else own)
        if not found:
            raise ValidationError("There is no claim yet.")
        return self.random.choice(found)

    def _proof(self, **of: object) -> Proof:
        found = list(Proof.objects.filter(**of).select_related("claim__author", "claim__account").order_by("pk"))
        if not found:
            raise ValidationError("There is no proof yet.")
        return self.random.choice(found)

    def _code(self) -> str:
        """Nothing, a guess, or a code that the account really got, for whatever that was."""
        typed = ["", "00000000", f"{self.random.randrange(10**8):08}", rings.code_to(self._workplace())]
        return self.random.choice(typed)

    def _workplace(self) -> str:
        """An address at an institution that the account reads."""
        return f"{self.account.username.split()[-1]}@{self.members[0].address.partition('@')[2]}".lower()

    def _arrive(self) -> None:
        name = (
            f"attacker{self.steps}of{self.members[0].address.partition('@')[2].partition('.')[0]}{len(self.accounts)}"
        )
        self.accounts = [*self.accounts[1 - ACCOUNTS :], rings.invent_account(name)]  # the oldest is given up

    def do_arrive_with_another_account(self) -> None:
        if self.random.random() < 0.2:
            self._arrive()

    def do_begin(self) -> None:
        claims.begin(self.account, self._author(), self.now, self.random.choice(["", "I am both."]))

    def do_hold(self) -> None:
        claims.hold(self._claim(), self.now)

    def do_mark(self) -> None:
        answers = [*ClaimMark.Answer.values, "held"]
        some = self.random.sample(self.signatures, self.random.randrange(1, 6))
        claims.mark(self._claim(), {pk: self.random.choice(answers) for pk in some}, self.now)

    def do_say_all_are_mine(self) -> None:
        claim = self._claim()
        own = claim.author.assignments.standing().values_list("signature", flat=True)
        claims.mark(claim, dict.fromkeys(own, "mine"), self.now)

    def do_release(self) -> None:
        if self.random.random() < 0.3:
            claims.release(self._claim(), self.account, self.now)

    def do_begin_a_proof(self) -> None:
        claim, kind = self._claim(), self.random.choice(proofs.KINDS)
        if claim.state not in (Claim.State.HELD, Claim.State.DISPUTED):
            raise ValidationError("The page asks for the works first.")
        offered = [offer.subject for offer in kind.offers(claim)]
        others = [
            self.random.choice(self.members).address,
            self._workplace(),
            self.stolen,
            self.own,
            str(claim.author_id),
        ]
        kind.begin(claim, self.random.choice([*offered, *others]), self.now)

    def do_begin_the_best_proof(self) -> None:
        claim = self._claim()
        proofs.BY_SLUG["mail"].begin(claim, proofs.BY_SLUG["mail"].offers(claim)[0].subject, self.now)

    def do_prove_the_workplace(self) -> None:
        proof = proofs.BY_SLUG["institution"].begin(self._claim(), self._workplace(), self.now)
        if proofs.BY_SLUG["institution"].complete(proof, {"code": rings.code_to(proof.subject)}, self.now):
            claims.prove(proof, self.now)

    def do_complete_a_proof(self) -> None:
        proof = self._proof(claim__account=self.account, state=Proof.State.BEGUN)
        sent = {"code": self._code(), "state": "valid", "level": "5", "verified": "1"}
        if proofs.BY_SLUG[proof.kind].complete(proof, sent, self.now):
            claims.prove(proof, self.now)

    def do_withdraw_a_proof(self) -> None:
        if self.random.random() < 0.3:
            claims.withdraw(self._proof(claim__account=self.account), self.account, self.now)

    def do_have_friends_attest(self) -> None:
        claim = self._claim()
        offered = attestation.KIND.offers(claim)
        if not offered:
            raise ValidationError("Nobody can be asked.")
        proof = attestation.KIND.begin(claim, self.random.choice(offered).subject, self.now)
        attestation.attest(proof, self.random.choice(self.friends), self.now)

    def do_attest_oneself(self) -> None:
        proof = self._proof(kind=attestation.SLUG)
        attestation.attest(proof, self.random.choice(self.accounts), self.now)

    def do_decide_a_dispute(self) -> None:
        claim = self._claim()
        step = self.random.choice([disputes.confirm, disputes.transfer, disputes.release_both])
        step(claim, self.account, "I say so.", self.now)

    def do_check_oneself(self) -> None:
        proof = self._proof(kind="review", claim__account__in=self.accounts)
        disputes.answer_check(proof, self.random.choice(self.accounts), True, "Right.", self.now)

    def do_answer_a_request(self) -> None:
        disputes.answer_request(self._claim(), self.account, True, "Right.", self.now)

    def do_decide_who_is_who(self) -> None:
        work = Signature.objects.get(pk=self.random.choice(self.signatures))
        decisions.decide(self.account, work, self._author(), same=self.random.random() < 0.5)

    def do_merge(self) -> None:
        one, other = self.random.sample(self.records, 2)
        changesets.apply(self.account, Merge(((one, other),)), "They are one.")

    def do_say_mine_or_not(self) -> None:
        some = self.random.sample(self.signatures, 2)
        owning.review(self._held(), {pk: self.random.random() < 0.5 for pk in some}, self.now)

    def do_take_back(self) -> None:
        owning.take_back(self._held(), self.random.sample(self.signatures, 2))

    def do_accept_a_proposal(self) -> None:
        found = list(WorkProposal.objects.filter(claim__author__in=self.records).order_by("pk"))
        if not found:
            raise ValidationError("There is no proposal yet.")
        owning.accept(self.account, self.random.choice(found), "Right.", self.now)

    def do_rename(self) -> None:
        renaming.rename(powers.owner(self.account, self._author()), "Mallory", True, self.now)

    def _held(self) -> Claim:
        if (claim := powers.held_by(self.account)) is None:
            raise PermissionDenied("The pages are for who holds a record.")
        return claim

    def do_ask_for_rights(self) -> None:
        author = self._author()
        way = self.random.choice(rights.ways(author, self.account))
        kind = self.random.choice(RightsRequest.Kind.values)
        given = {"text": "It is me.", "contact": self.account.email, "account": self.account}
        request, _key = rights.begin(author, RightsRequest.Kind(kind), way, self.now, **given)  # type: ignore[arg-type]
        if way.proof == RightsRequest.Proof.CODE:
            rights.prove_by_code(request, self._code(), self.now)

    def do_grant_rights(self) -> None:
        found = list(RightsRequest.objects.filter(author__in=self.records).order_by("pk"))
        if not found:
            raise ValidationError("There is no request yet.")
        rights.decide(self.account, self.random.choice(found), "Right.", self.now, grant=True)

    def do_wish_for_a_work(self) -> None:
        wish = wishes.wish(
            self._held(),
            f"10.5555/{self.members[0].author.name.split()[-1].lower()}.{self.random.randrange(rings.PAPERS)}",
        )
        if (paper := wishes.paper_of(wish)) is not None:
            name = self.random.choice(list(paper.signatures.values_list("pk", flat=True)))
            owning.review(self._held(), {name: True}, self.now)

    def do_type_a_printed_address(self) -> None:
        """As the account's own; it is not confirmed."""
        typed = self.random.choice(self.members).address
        EmailAddress.objects.get_or_create(user=self.account, email=typed, defaults={"verified": False})

    def do_connect_the_own_orcid(self) -> None:
        SocialAccount.objects.get_or_create(provider="orcid", uid=self.own, defaults={"user": self.account})

    def do_let_time_pass(self) -> None:
        self.now += timedelta(days=self.random.choice([0, 1, 40, 100, 200]), minutes=31)
        claims.expire(self.now, Claim.objects.filter(author__in=self.records))
