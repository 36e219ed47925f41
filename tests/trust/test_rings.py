"""What rings of invented accounts gain is what the formula says; what proves nothing comes to no control."""

from __future__ import annotations

import io
from typing import Any

import pytest
from celery import current_app
from django.apps import apps
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from profiles import claims, proofs
from profiles.models import Author, Claim, Correction, Proof
from trust import attempts, rings
from trust.scores import facts_of
from trust.scoring import level

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What workers were asked to do."""
    asked: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, *arguments: asked.append(name))
    return asked


def rows() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


# --- rings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "proved"), [(5, 1), (5, 2), (8, 7)])
def test_a_ring_gains_what_the_formula_says(size: int, proved: int) -> None:
    with rings.rolled_back():
        found = rings.play(size, proved, timezone.now())
    assert found.gained == found.expected
    assert found.highest_unproved <= 2


def test_who_prove_nothing_gain_five_each_and_nothing_else_however_many() -> None:
    """Two hundred are played by `simulate_rings`; docs/verification.md has its table."""
    with rings.rolled_back():
        found = rings.play(20, 0, timezone.now())
    assert set(found.gained) == {5}
    assert found.highest_unproved == 2
    assert found.refused == 20 * 4  # a code, two words of coauthors, a second record


def test_the_formula_is_the_documents() -> None:
    assert [rings.gain(False, n) for n in (0, 1, 5, 199)] == [5, 7, 15, 15]
    assert [rings.gain(True, n) for n in (0, 1, 2, 5, 199)] == [43, 45, 57, 63, 63]


def test_the_command_tells_and_leaves_nothing_behind(
    sent: list[str], mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    before, out = rows(), io.StringIO()
    with django_capture_on_commit_callbacks(execute=True):
        call_command("simulate_rings", "--to", "5", "--attempts", "100", stdout=out)
    assert rows() == before
    assert sent == []
    assert mailoutbox == []
    told = out.getvalue()
    assert told.count(" yes\n") == 3  # none, two and all five proved
    assert " NO\n" not in told
    assert "100 actions of accounts that prove nothing (seed 1)" in told


# --- attempts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_no_sequence_of_actions_without_a_proof_reaches_control(seed: int) -> None:
    with rings.rolled_back():
        walk = attempts.Walk(seed)
        walk.take(400)
        assert walk.highest == 2  # it did get as far as a claim
        assert set(walk.done) - set(walk.refused)  # and some of it was granted
        assert len(walk.done) == len(walk.actions)


def test_the_walk_notices_a_break_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were any code right, it would say so."""
    monkeypatch.setattr("profiles.codes.redeem", lambda *given: True)
    with rings.rolled_back(), pytest.raises(attempts.BreakIn):
        attempts.Walk(1).take(2_000)


MORE = {
    "level": "5", "state": "held", "verified": "1", "score": "100", "is_staff": "on", "is_superuser": "on",
    "proved": "1", "account": "1", "author": "1", "by": "1", "kind": "mail", "proved_at": "2026-01-01",
    "expires_at": "", "answer": "mine", "decided_by": "1", "as_owner": "1",
    "visibility": "gone", "right": "1", "do": "accept", "go": "done", "grant": "1",
}  # fmt: skip


def test_fields_that_no_form_has_give_nothing() -> None:
    """Every form of a claim, and those around it, with every field that a model has."""
    mine, other = rings.invent(2)
    claim = claims.hold(claims.begin(other.account, other.author, timezone.now()), timezone.now())
    theirs = proofs.BY_SLUG["mail"].begin(claim, other.address, timezone.now())
    client = Client()
    client.force_login(mine.account)
    client.post(reverse("person_claim", args=[mine.author.pk]), MORE)
    own = Claim.objects.get(account=mine.account)
    works = {f"work-{pk}": "mine" for pk in mine.author.assignments.values_list("signature", flat=True)}
    client.post(reverse("claim_works", args=[own.pk]), MORE | works | {"go": "rest"})
    own.refresh_from_db()
    assert (own.state, own.level) == (Claim.State.HELD, 2)
    for kind in proofs.BY_SLUG:
        for subject in (mine.address, other.address, f"me@{mine.address.partition('@')[2]}", str(other.author.pk)):
            client.post(reverse("proof_begin", args=[own.pk, kind]), MORE | {"subject": subject})
    begun = Proof.objects.filter(claim=own)
    assert begun.exists()
    for proof in [*begun, theirs]:
        for name in ("proof", "proof_again", "proof_withdraw"):
            for pk in (own.pk, claim.pk):
                client.post(reverse(name, args=[pk, proof.pk]), MORE | {"code": "00000000"})
        client.post(reverse("attestation", args=[proof.pk]), MORE | {"answer": "attest"})
    for pk in (mine.author.pk, other.author.pk):
        for name in ("person_mine", "person_edit", "person_name", "person_add_work", "person_rights", "person_claim"):
            client.post(reverse(name, args=[pk]), MORE | {"signature": next(iter(works)).partition("-")[2]})
    for pk in (own.pk, claim.pk):
        for name in ("claim_hold", "claim_works", "claim", "curate_claim"):
            client.post(reverse(name, args=[pk]), MORE)
    for name in ("curate_decide", "change_preview", "change_apply", "curate_proposals"):
        client.post(reverse(name), MORE)
    own.refresh_from_db()
    mine.account.refresh_from_db()
    assert (own.state, own.level, own.account_id) == (Claim.State.HELD, 2, mine.account.pk)
    assert not mine.account.is_entrusted
    assert not Proof.objects.filter(state=Proof.State.VALID).exists()
    assert not Correction.objects.filter(made_by=mine.account).exists()
    assert set(Author.objects.values_list("visibility", flat=True)) == {"public"}
    facts = facts_of([mine.author.pk, other.author.pk])
    assert [level(found) for found in facts.values()] == [2, 2]
