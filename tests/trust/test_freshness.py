"""Whatever changes a fact, stored trust is what a full recomputation gives, and only what changed is rewritten."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount import signals
from allauth.socialaccount.models import SocialAccount
from celery import current_app
from django.core.management import call_command
from django.utils import timezone

from bzpeer import pipeline, rollbacks
from papers import limits
from papers.models import Batch, Signature
from profiles import bulk, changesets, claims, decisions, disputes, grounds, levels, proofs, renaming, rights
from profiles.accounts import leaving
from profiles.models import Account, Assignment, Author, BulkReview, Claim, Letter, Proof, RightsRequest
from profiles.proofs import attestation
from profiles.proposals import Merge, MoveWorks, SetIdentifier
from tests.conftest import fact, with_role
from trust import verifying
from trust.models import TrustScore
from trust.scores import facts_of
from trust.scoring import assess

pytestmark = pytest.mark.django_db
Act = Callable[[], Any]
Capture = Callable[..., AbstractContextManager[Any]]

ADA, BEA, CEM, DORA, ELI, SMITH, ZOE = (
    "Ada Lovelace", "Bea Holm", "Cem Aydin", "Dora Quist", "Eli Faro", "John Smith", "Zoe Yamamoto"
)  # fmt: skip
ID = "0000-0002-1825-0097"
PRINTED = "Mail: ada.lovelace@a.example.org, bea.holm@b.example.org, cem.aydin@c.example.org."
RECORDS = [
    fact("2001.00001", [ADA, BEA], "Engines and looms", abstract=PRINTED),
    fact("2001.00002", [ADA, CEM], "Engines and tables", abstract=PRINTED),
    fact("2001.00003", [ADA, BEA, CEM], "Engines and notes", abstract=PRINTED),
    fact("2001.00004", [SMITH, DORA], "Neural machine translation", categories=["cs.CL"]),
    fact("2001.00005", [SMITH, DORA], "Neural translation of rare words", categories=["cs.CL"]),
    fact("2001.00006", [SMITH, ELI], "Dark matter in dwarf galaxies", categories=["astro-ph.GA"]),
    fact("2001.00007", [SMITH, ELI], "Dark matter halos of galaxies", categories=["astro-ph.GA"]),
    fact("2001.00008", [ZOE, "Ken Ito"], "Of eels"),
]


class World:
    """The records above, and what their people do, each through the services."""

    def __init__(self, bring: Callable[..., Batch]) -> None:
        self.bring = bring
        self.batch = bring(*RECORDS)
        self.curator = with_role("curator")

    def author(self, name: str, work: str = "") -> Author:
        found = Author.objects.filter(name=name, works_count__gt=0)
        return found.filter(assignments__signature__paper__arxiv_id=work).get() if work else found.get()

    def name_on(self, work: str, family: str) -> Signature:
        return Signature.objects.get(paper__arxiv_id=f"2001.0000{work}", family=family)

    def account(self, name: str) -> Account:
        account = Account.objects.create_user(name, f"{name}@home.example.org")
        EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
        return account

    def claim(self, name: str, by: str = "") -> Claim:
        now = timezone.now()
        return claims.hold(claims.begin(self.account(by or name.split()[0].lower()), self.author(name), now), now)

    def prove(self, claim: Claim) -> Proof:
        """Control, by the code that went to the address which the papers print."""
        kind, now = proofs.BY_SLUG["mail"], timezone.now()
        proof = kind.begin(claim, kind.offers(claim)[0].subject, now)
        [code] = re.findall(r"\b\d{8}\b", Letter.objects.filter(to=proof.subject).latest("pk").text)
        assert kind.complete(proof, {"code": code}, now)
        claims.prove(proof, now)
        return proof

    def proved(self, name: str) -> Claim:
        claim = self.claim(name)
        self.prove(claim)
        return Claim.objects.get(pk=claim.pk)

    def checked(self, claim: Claim) -> Proof:
        """A curator looked at it."""
        proof = proofs.BY_SLUG["review"].begin(claim, "Ask my head of department.", timezone.now())
        disputes.answer_check(proof, self.curator, True, "Asked.", timezone.now())
        return proof

    def all_mine(self, claim: Claim) -> None:
        claims.mark(claim, dict.fromkeys(self.works(claim), "mine"), timezone.now())

    def works(self, claim: Claim) -> list[int]:
        return list(Assignment.objects.filter(author=claim.author).standing().values_list("signature", flat=True))

    def asked(self, claim: Claim, of: Claim) -> Proof:
        return attestation.KIND.begin(claim, str(of.author_id), timezone.now())

    def attested(self) -> dict[str, Claim]:
        """Ada at level 4 by the word of Bea and of Cem about two papers."""
        found = {name: self.proved(name) for name in (ADA, BEA, CEM)}
        self.all_mine(found[ADA])
        for name in (BEA, CEM):
            attestation.attest(self.asked(found[ADA], found[name]), found[name].account, timezone.now())
        found[ADA].refresh_from_db()
        assert found[ADA].level == levels.REVIEWED
        return found

    def rival(self, name: str) -> Claim:
        """A second claim on a record that somebody holds."""
        return self.claim(name, by="rival")


# --- what is done: each sets its scene and returns the act -----------------------------------------------------------


def begun(w: World) -> Act:
    account = w.account("ada")
    return lambda: claims.begin(account, w.author(ADA), timezone.now())


def held(w: World) -> Act:
    claim = claims.begin(w.account("ada"), w.author(ADA), timezone.now())
    return lambda: claims.hold(claim, timezone.now())


def released(w: World) -> Act:
    claim = w.proved(ADA)
    return lambda: claims.release(claim, claim.account, timezone.now())


def lapsed(w: World) -> Act:
    claim, long_ago = w.claim(ADA), timezone.now() - claims.UNPROVED - claims.WARNING
    Claim.objects.filter(pk=claim.pk).update(held_at=long_ago)
    claims.expire(timezone.now())
    claim.events.filter(what="lapsing").update(at=long_ago + claims.UNPROVED - claims.WARNING)
    return lambda: claims.expire(timezone.now())


def proof_given(w: World) -> Act:
    claim = w.claim(ADA)
    return lambda: w.prove(claim)


def proof_withdrawn(w: World) -> Act:
    claim = w.proved(ADA)
    return lambda: claims.withdraw(claim.proofs.get(), claim.account, timezone.now())


def proof_refused(w: World) -> Act:
    claim = w.claim(ADA)
    proof = proofs.BY_SLUG["review"].begin(claim, "It is me.", timezone.now())
    return lambda: disputes.answer_check(proof, w.curator, False, "No.", timezone.now())


def proof_expired(w: World) -> Act:
    proof = w.checked(w.claim(ADA))

    def act() -> None:
        Proof.objects.filter(pk=proof.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        claims.expire(timezone.now())

    return act


def orcid_disconnected(w: World) -> Act:
    Signature.objects.filter(pk=w.name_on("1", "Lovelace").pk).update(orcid=ID)
    claim = w.claim(ADA)
    connected = SocialAccount.objects.create(user=claim.account, provider="orcid", uid=ID)
    proofs.BY_SLUG["orcid"].begin(claim, ID, timezone.now())

    def act() -> None:
        connected.delete()
        signals.social_account_removed.send(SocialAccount, request=None, socialaccount=connected)

    return act


def disputed_without_proof(w: World) -> Act:
    w.proved(ADA)
    return lambda: w.rival(ADA)


def disputed_with_proof(w: World) -> Act:
    w.proved(ADA)
    rival = w.rival(ADA)
    return lambda: w.prove(rival)


def _dispute(w: World) -> Claim:
    held = w.proved(ADA)
    w.all_mine(held)
    rival = w.rival(ADA)
    w.prove(rival)
    return rival


def dispute_confirmed(w: World) -> Act:
    rival = _dispute(w)
    return lambda: disputes.confirm(rival, w.curator, "The holder is right.", timezone.now())


def dispute_transferred(w: World) -> Act:
    rival = _dispute(w)
    return lambda: disputes.transfer(rival, w.curator, "The rival is right.", timezone.now(), take_back=True)


def dispute_released(w: World) -> Act:
    rival = _dispute(w)
    return lambda: disputes.release_both(rival, w.curator, "Neither is.", timezone.now())


def attested(w: World) -> Act:
    ada, bea = w.proved(ADA), w.proved(BEA)
    proof = w.asked(ada, bea)
    return lambda: attestation.attest(proof, bea.account, timezone.now())


def attestation_taken_back(w: World) -> Act:
    found = w.attested()
    proof = Proof.objects.get(by=found[BEA].account)
    return lambda: attestation.take_back(proof, found[BEA].account, timezone.now())


def attester_loses_control(w: World) -> Act:
    bea = w.attested()[BEA]
    return lambda: claims.withdraw(bea.proofs.get(), bea.account, timezone.now())


def attester_gains_control_again(w: World) -> Act:
    bea = w.attested()[BEA]
    claims.withdraw(bea.proofs.get(), bea.account, timezone.now())
    return lambda: w.prove(bea)


def attester_deletes_the_account(w: World) -> Act:
    bea = w.attested()[BEA]
    return lambda: leaving.delete(bea.account, timezone.now())


def attester_renamed(w: World) -> Act:
    bea = w.attested()[BEA]
    return lambda: renaming.rename(bea, "Bea Berg", True, timezone.now())


def _hide(w: World, name: str) -> RightsRequest:
    claim = Claim.objects.get(author=w.author(name))
    [way] = rights.ways(claim.author, claim.account)
    return rights.begin(claim.author, RightsRequest.Kind.HIDE, way, timezone.now(), account=claim.account)[0]


def attester_hidden(w: World) -> Act:
    w.attested()
    return lambda: _hide(w, BEA)


def attester_shown(w: World) -> Act:
    w.attested()
    request = _hide(w, BEA)
    return lambda: rights.withdraw(request, timezone.now())


def attester_merged(w: World) -> Act:
    w.attested()
    w.bring(fact("2001.00009", ["Beatrix Holm", ZOE], "Of looms", abstract="Looms."))
    proposal = Merge(((w.author(BEA).pk, w.author("Beatrix Holm").pk),))
    return lambda: changesets.apply(w.curator, proposal, "One woman.").touched


def owner_says_not_mine(w: World) -> Act:
    claim = w.proved(ADA)
    work = w.name_on("3", "Lovelace").pk
    return lambda: claims.mark(claim, {work: "not"}, timezone.now())


def owner_says_mine(w: World) -> Act:
    claim = w.proved(ADA)
    return lambda: w.all_mine(claim)


def curator_decides(w: World) -> Act:
    work, author = w.name_on("3", "Holm"), w.author(BEA)
    return lambda: decisions.decide(w.curator, work, author, same=False).authors


def curator_withdraws(w: World) -> Act:
    decided = decisions.decide(w.curator, w.name_on("3", "Holm"), w.author(BEA), same=True).correction
    return lambda: decisions.withdraw(decided, w.curator).authors


def curators_contradict_each_other(w: World) -> Act:
    work, author = w.name_on("3", "Holm"), w.author(BEA)
    decisions.decide(w.curator, work, author, same=True)
    return lambda: decisions.decide(with_role("second"), work, author, same=False).authors


def curator_types_an_identifier(w: World) -> Act:
    proposal = SetIdentifier(w.author(ADA).pk, "orcid", ID)
    return lambda: changesets.apply(w.curator, proposal, "From the paper.").touched


def _smiths(w: World) -> tuple[int, int]:
    return w.author(SMITH, "2001.00004").pk, w.author(SMITH, "2001.00006").pk


def merged(w: World) -> Act:
    proposal = Merge((_smiths(w),))
    return lambda: changesets.apply(w.curator, proposal, "One man.").touched


def merge_undone(w: World) -> Act:
    change_set = changesets.apply(w.curator, Merge((_smiths(w),)), "One man.")
    return lambda: changesets.undo(w.curator, change_set).touched


def merge_redone(w: World) -> Act:
    change_set = changesets.undo(w.curator, changesets.apply(w.curator, Merge((_smiths(w),)), "One man."))
    return lambda: changesets.redo(w.curator, change_set).touched


def work_split_off(w: World) -> Act:
    proposal = MoveWorks(w.author(ADA).pk, (w.name_on("3", "Lovelace").pk,), None)
    return lambda: changesets.apply(w.curator, proposal, "Another Ada.").touched


def merged_by_rule(w: World) -> Act:
    pairs = [[*_smiths(w), "the same name"]]
    review = BulkReview.objects.create(rule="coauthors", seed=1, pairs=pairs, made_by=w.curator)
    bulk.mark(review, w.curator, 0, right=True)
    return lambda: bulk.accept(BulkReview.objects.get(pk=review.pk), w.curator, "The sample is right.")


def second_record_merged(w: World) -> Act:
    """A merge that who holds one of the two had asked for."""
    claim = w.proved(ADA)
    w.bring(fact("2001.00009", ["Augusta Lovelace", ZOE], "Of poems", abstract="Poems."))
    second = claims.begin(claim.account, w.author("Augusta Lovelace"), timezone.now(), "I am both.")
    return lambda: disputes.answer_request(second, w.curator, True, "They are.", timezone.now())


def new_work_imported(w: World) -> Act:
    w.attested()  # all works of Ada are reviewed, but this
    return lambda: w.bring(fact("2001.00009", [ADA, BEA], "Engines again", abstract="Engines."))


def work_of_a_stranger_imported(w: World) -> Act:
    return lambda: w.bring(fact("2001.00009", ["Mia Olsen"], "Of cells", abstract="Cells."))


def new_version_drops_a_name(w: World) -> Act:
    newer = fact("2001.00003", [ADA, CEM], "Engines and notes", abstract="Notes.", updated="2021-01-01")
    return lambda: w.bring(newer)


def new_version_gains_an_abstract(w: World) -> Act:
    newer = fact("2001.00008", [ZOE, "Ken Ito"], "Of eels", abstract="Eels.", updated="2021-01-01")
    return lambda: w.bring(newer)


def _second_batch(w: World) -> Batch:
    return w.bring(fact("2001.00009", [ADA, BEA], "Engines again", abstract="Engines."))


def import_rolled_back(w: World) -> Act:
    batch = _second_batch(w)

    def act() -> None:
        Batch.objects.filter(pk=batch.pk).update(stage=Batch.Stage.UNDOING, rolled_back_at=timezone.now())
        pipeline.process(batch.pk)

    return act


def record_rolled_back(w: World) -> Act:
    record = _second_batch(w).records.get()

    def act() -> None:
        outcome = rollbacks.undo([record.pk], w.curator)
        current_app.send_task("bzpeer.resolve_surnames", [sorted(outcome.surnames)])

    return act


CASES: list[tuple[Callable[[World], Act], set[str]]] = [
    (begun, set()),
    (held, {ADA}),
    (released, {ADA}),
    (lapsed, {ADA}),
    (proof_given, {ADA}),
    (proof_withdrawn, {ADA}),
    (proof_refused, set()),
    (proof_expired, {ADA}),
    (orcid_disconnected, {ADA}),
    (disputed_without_proof, set()),
    (disputed_with_proof, {ADA}),
    (dispute_confirmed, {ADA}),
    (dispute_transferred, {ADA}),
    (dispute_released, {ADA}),
    (attested, {ADA}),
    (attestation_taken_back, {ADA}),
    (attester_loses_control, {ADA, BEA}),
    (attester_gains_control_again, {ADA, BEA}),
    (attester_deletes_the_account, {ADA, BEA}),
    (attester_renamed, set()),
    (attester_hidden, set()),
    (attester_shown, set()),
    (attester_merged, {BEA, "Beatrix Holm"}),
    (owner_says_not_mine, {ADA, BEA, "new"}),  # the work with Cem goes along, so that he keeps a close collaborator
    (owner_says_mine, {ADA}),
    (curator_decides, {ADA, BEA, "new"}),
    (curator_withdraws, {BEA}),
    (curators_contradict_each_other, {ADA, BEA, "new"}),
    (curator_types_an_identifier, set()),
    (merged, {SMITH}),
    (merge_undone, {SMITH}),
    (merge_redone, {SMITH}),
    (work_split_off, {ADA, BEA, CEM, "new"}),
    (merged_by_rule, {SMITH}),
    (second_record_merged, {ADA, "Augusta Lovelace"}),
    (new_work_imported, {ADA, BEA}),
    (work_of_a_stranger_imported, {"new"}),
    (new_version_drops_a_name, {ADA, BEA}),
    (new_version_gains_an_abstract, {ZOE, "Ken Ito"}),
    (import_rolled_back, {ADA, BEA}),
    (record_rolled_back, {ADA, BEA}),
]


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """What a worker is asked to do it does at once; letters stay, and nobody is limited."""
    settings.MAIL_KEPT = True
    tasks: dict[str, Callable[[list[Any]], Any]] = {
        "bzpeer.refresh_authors": pipeline.refresh,
        "bzpeer.resolve_surnames": lambda names: pipeline.rerun(names, lambda *_: None),
        "bzpeer.deliver_letters": lambda nothing: None,
    }
    monkeypatch.setattr(current_app, "send_task", lambda name, given=((),): tasks[name](given[0]))
    monkeypatch.setattr(limits, "take", lambda name, key: None)


def stored() -> dict[int, tuple[Any, ...]]:
    return {row.author_id: (row.score, row.level, row.components, row.computed_at) for row in TrustScore.objects.all()}


def recomputed() -> dict[int, tuple[int, int, dict[str, int]]]:
    """Of every author, from the facts alone."""
    found = facts_of(list(Author.objects.values_list("pk", flat=True)))
    sums = {author: assess(facts) for author, facts in found.items()}
    return {author: (it.score, it.level, {c.rule: c.points for c in it.components}) for author, it in sums.items()}


def refreshed(done: Any) -> None:
    """What a view does with the authors that a service says are touched."""
    if isinstance(done, list):
        claims.refresh_soon(done)


@pytest.mark.parametrize(("scene", "expected"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_what_an_action_touches_is_computed_again_and_nothing_else(
    scene: Callable[[World], Act],
    expected: set[str],
    bring: Callable[..., Batch],
    django_capture_on_commit_callbacks: Capture,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        world = World(bring)
    with django_capture_on_commit_callbacks(execute=True):
        act = scene(world)
    pipeline.refresh([*Author.objects.values_list("pk", flat=True)])  # scenes refresh nothing that a view would
    before, names = stored(), dict(Author.objects.values_list("pk", "name"))
    assert {author: row[:3] for author, row in before.items()} == recomputed()
    with django_capture_on_commit_callbacks(execute=True):
        refreshed(act())
    after = stored()
    assert {author: row[:3] for author, row in after.items()} == recomputed()
    for claim in Claim.objects.filter(state=Claim.State.HELD):
        now = timezone.now()
        assert claim.level == levels.level(grounds.given(claim, now), not grounds.unreviewed(claim.author_id))
    assert not Author.objects.filter(stale=True).exists()
    assert [*verifying.problems(), *verifying.differing()] == []
    assert {names.get(author, "new") for author, row in after.items() if row != before.get(author)} == expected


def test_a_full_recomputation_gives_the_identical_table(bring: Callable[..., Batch], monkeypatch: Any) -> None:
    world = World(bring)
    pipeline.refresh([claim.author_id for claim in world.attested().values()])
    expected = stored()
    monkeypatch.setattr("profiles.authors.BIN", 3)  # more than one, each a little
    out = io.StringIO()
    call_command("refresh_trust", stdout=out)
    assert stored() == expected
    assert f"{len(expected)} authors" in out.getvalue()
    assert " 0 rows changed" in out.getvalue()
    TrustScore.objects.filter(author=world.author(ADA).pk).update(score=99, components={})
    TrustScore.objects.filter(author=world.author(ZOE).pk).delete()
    call_command("refresh_trust", stdout=out)
    assert {a: row[:3] for a, row in stored().items()} == {a: row[:3] for a, row in expected.items()}
    assert " 2 rows changed" in out.getvalue()
