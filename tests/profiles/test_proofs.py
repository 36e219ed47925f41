"""Kinds of proof: who gets the code, what is refused, and when a proof ends by itself."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from celery import current_app
from django.core.cache import cache
from django.core.exceptions import ValidationError

from papers.models import Signature
from profiles import claims, proofs
from profiles.models import Account, Author, Claim, Letter, Proof
from profiles.proofs import institution, mail, orcid, review
from profiles.proofs.printed import Printed
from tests.conftest import fact

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = "0000-0002-1825-0097"


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is asked, and no limit is left from another test."""
    monkeypatch.setattr(current_app, "send_task", lambda *sent: None)
    cache.clear()


@pytest.fixture
def claim(bring: Callable[..., Any]) -> Claim:
    bring(fact("2001.00001", ["Noor Rahimi", "Ada Berg"]))
    return held("Noor Rahimi")


def held(name: str) -> Claim:
    account = Account.objects.create_user(name.replace(" ", ""), f"{name.split()[0].lower()}@home.example")
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return claims.hold(claims.begin(account, Author.objects.get(name=name), NOW), NOW)


@pytest.fixture
def prints(claim: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record prints one address of the claimant's, and one of a coauthor's."""
    paper = Signature.objects.filter(assignment__author=claim.author)[0].paper
    found = [Printed("noor@cs.example.edu", paper, True), Printed("ada@cs.example.edu", paper, False)]
    monkeypatch.setattr(mail, "addresses", lambda author: found)


def code_to(address: str) -> str:
    text = Letter.objects.filter(to=address).latest("pk").text
    found = re.search(r"\b\d{8}\b", text)
    assert found, text
    return found[0]


def test_the_kinds_are_offered_the_surest_first() -> None:
    order = ["orcid", "mail", "page", "attestation", "institution", "review"]
    slugs = [kind.slug for kind in proofs.KINDS]
    assert slugs == [slug for slug in order if slug in slugs]


@pytest.mark.usefixtures("prints")
def test_only_an_own_printed_address_is_offered_and_masked(claim: Claim) -> None:
    assert [(offer.subject, offer.label) for offer in mail.offers(claim)] == [
        ("noor@cs.example.edu", "n…@cs.example.edu")
    ]


@pytest.mark.usefixtures("prints")
def test_the_code_goes_to_the_printed_address_and_opens_once(claim: Claim) -> None:
    proof = mail.begin(claim, "noor@cs.example.edu", NOW)
    code = code_to("noor@cs.example.edu")
    assert not Letter.objects.filter(to=claim.account.email, text__contains=code).exists()
    assert mail.KIND.complete(proof, {"code": f"{code[:4]} {code[4:]}"}, NOW)
    with pytest.raises(ValidationError):
        mail.KIND.complete(proof, {"code": code}, NOW)


@pytest.mark.usefixtures("prints")
def test_a_code_is_too_old_after_half_an_hour(claim: Claim) -> None:
    proof = mail.begin(claim, "noor@cs.example.edu", NOW)
    with pytest.raises(ValidationError, match="too old"):
        mail.KIND.complete(proof, {"code": code_to("noor@cs.example.edu")}, NOW + timedelta(minutes=30))


@pytest.mark.usefixtures("prints")
def test_sent_again_the_old_code_no_longer_opens(claim: Claim) -> None:
    first = mail.begin(claim, "noor@cs.example.edu", NOW)
    old = code_to("noor@cs.example.edu")
    assert mail.begin(claim, "noor@cs.example.edu", NOW) == first
    with pytest.raises(ValidationError):
        mail.KIND.complete(first, {"code": old}, NOW)


@pytest.mark.usefixtures("prints")
@pytest.mark.parametrize("address", ["ada@cs.example.edu", "someone@else.example"])
def test_an_address_that_is_not_printed_as_the_claimants_gets_no_code(claim: Claim, address: str) -> None:
    with pytest.raises(ValidationError):
        mail.begin(claim, address, NOW)
    assert not Letter.objects.filter(to=address).exists()


def test_a_letter_box_gets_no_more_than_a_few_codes(claim: Claim) -> None:
    for _ in range(3):
        institution.begin(claim, "noor@uni.example", NOW)
    with pytest.raises(ValidationError, match="Too many codes"):
        institution.begin(claim, "noor@uni.example", NOW)
    assert Letter.objects.filter(to="noor@uni.example").count() == 3


@pytest.mark.parametrize(
    "address", ["noor@gmail.com", "noor@GMAIL.com", "noor", "noor@", "a@b@c", "noor@uni\n.example"]
)
def test_free_mail_and_what_is_no_address_is_refused(claim: Claim, address: str) -> None:
    with pytest.raises(ValidationError):
        institution.begin(claim, address, NOW)


def test_an_institution_raises_no_level_and_lasts_a_year(claim: Claim) -> None:
    proof = institution.begin(claim, "noor@Uni.example", NOW)
    assert proof.subject == "noor@uni.example"
    claims.prove(proof, NOW)
    proof.refresh_from_db()
    claim.refresh_from_db()
    assert (claim.level, proof.expires_at) == (2, NOW + timedelta(days=365))


def state_orcid(claim: Claim) -> SocialAccount:
    Signature.objects.filter(assignment__author=claim.author).update(orcid=ID)
    return SocialAccount.objects.create(user=claim.account, provider="orcid", uid=ID)


def test_a_connected_orcid_that_a_source_states_proves_control_at_once(claim: Claim) -> None:
    state_orcid(claim)
    [offer] = orcid.offers(claim)
    assert orcid.begin(claim, offer.subject, NOW).state == Proof.State.VALID
    claim.refresh_from_db()
    assert claim.level == 3


def test_an_orcid_that_no_work_states_is_not_offered(claim: Claim) -> None:
    SocialAccount.objects.create(user=claim.account, provider="orcid", uid=ID)
    assert orcid.offers(claim) == []
    with pytest.raises(ValidationError):
        orcid.begin(claim, ID, NOW)


def test_an_orcid_that_stands_on_another_claimed_record_is_not_offered(claim: Claim) -> None:
    state_orcid(claim)
    Signature.objects.filter(assignment__author=held("Ada Berg").author).update(orcid=ID)
    assert orcid.offers(claim) == []


def test_disconnected_the_orcid_counts_no_longer(claim: Claim) -> None:
    connected = state_orcid(claim)
    orcid.begin(claim, ID, NOW)
    connected.delete()
    assert claims.expire(NOW) == 1
    claim.refresh_from_db()
    assert (claim.level, claim.proofs.get().state) == (2, Proof.State.WITHDRAWN)


def test_a_text_for_a_curator_is_kept_and_proves_nothing(claim: Claim) -> None:
    proof = review.begin(claim, "Ask the dean.", NOW)
    with pytest.raises(ValidationError):
        review.KIND.complete(proof, {}, NOW)
    with pytest.raises(ValidationError, match="already"):
        review.begin(claim, "And the rector.", NOW)


@pytest.mark.parametrize("text", ["", "x" * 2_001])
def test_an_empty_or_endless_text_is_refused(claim: Claim, text: str) -> None:
    with pytest.raises(ValidationError):
        review.begin(claim, text, NOW)


def test_the_expected_wait_is_the_median_of_decided_reviews(claim: Claim) -> None:
    assert review.expected_wait() is None
    assert "No review has been decided yet" in str(review.KIND.about)
    for days in (1, 3, 20):
        proof = Proof.objects.create(claim=claim, kind="review", note="x", state="refused", by=claim.account)
        Proof.objects.filter(pk=proof.pk).update(begun_at=NOW, ended_at=NOW + timedelta(days=days))
    assert review.expected_wait() == timedelta(days=3)
    assert "within 3 days" in str(review.KIND.about)
