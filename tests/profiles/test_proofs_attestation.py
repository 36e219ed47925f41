"""A coauthor's word: who can be asked, who can give it, what it is worth, and that rings of accounts gain nothing."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from celery import current_app
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from papers import limits
from profiles import claims, grounds, proofs
from profiles.levels import Route
from profiles.models import Account, Assignment, Author, Claim, Letter, Proof
from profiles.proofs import attestation
from profiles.proofs.attestation import AGAIN, KIND, MOST_WAITING
from profiles.proofs.kind import Kind
from tests.conftest import fact
from trust.proved import proved_of

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """What workers were asked to do; and nobody is limited."""
    asked = []
    monkeypatch.setattr(current_app, "send_task", lambda name, *more: asked.append((name, more)))
    monkeypatch.setattr(limits, "take", lambda name, key: None)
    return asked


@pytest.fixture(autouse=True)
def strong(monkeypatch):
    """Beside attestations a strong proof that needs nobody."""

    def begin(claim, subject, now):
        return Proof.objects.create(claim=claim, kind="strong", subject=subject)

    kind = Kind("strong", "Strong", "", Route.STRONG, lambda claim: (), begin, lambda *sent: True, "")
    monkeypatch.setattr(proofs, "KINDS", (kind, KIND))
    monkeypatch.setattr(proofs, "BY_SLUG", {"strong": kind, KIND.slug: KIND})


def held(name, *, proved=False):
    """The claim of an account of that name on the author of that name."""
    account = Account.objects.create_user(name.split()[0].lower(), f"{name.split()[0].lower()}@x.org")
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    claim = claims.hold(claims.begin(account, Author.objects.get(name=name), NOW), NOW)
    return prove(claim) if proved else claim


def prove(claim):
    claims.prove(proofs.BY_SLUG["strong"].begin(claim, "", NOW), NOW)
    return fresh(claim)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def ask(claim, of):
    return KIND.begin(claim, str(of.author_id), NOW)


@pytest.fixture
def cast(bring):
    """Ada wrote one paper with Bea, one with Cem, and a newest one with both; Bea and Cem proved control."""
    bring(
        fact("2001.00001", ["Ada Berg", "Bea Holm"], "Of one"),
        fact("2002.00001", ["Ada Berg", "Cem Aydin"], "Of two", created="2020-02-01"),
        fact("2003.00001", ["Ada Berg", "Bea Holm", "Cem Aydin"], "Of three", created="2020-03-01"),
        fact("2004.00001", ["Dora Quist", "Bea Holm"], "Of four"),
    )
    return held("Ada Berg"), held("Bea Holm", proved=True), held("Cem Aydin", proved=True)


# --- asking ----------------------------------------------------------------------------------------------------------


def test_coauthors_who_proved_control_are_offered_by_papers_that_differ(cast):
    ada, _bea, _cem = cast
    offered = [(offer.label, str(offer.paper)) for offer in KIND.offers(ada)]
    assert offered == [("Bea Holm", "Of three"), ("Cem Aydin", "Of two")]


def test_a_coauthor_who_proved_nothing_is_not_offered(cast):
    _ada, bea, _cem = cast
    held("Dora Quist")
    assert [offer.label for offer in KIND.offers(bea)] == ["Cem Aydin"]


def test_a_coauthor_by_a_doubtful_work_is_not_offered(cast):
    ada, *_ = cast
    Assignment.objects.filter(author=ada.author, signature__paper__title="Of two").update(state="weak")
    Assignment.objects.filter(author=ada.author, signature__paper__title="Of three").update(state="rejected")
    assert [offer.label for offer in KIND.offers(ada)] == ["Bea Holm"]


def test_nobody_attests_for_the_own_account(cast):
    ada, bea, _cem = cast
    Claim.objects.filter(pk=bea.pk).update(account=ada.account, author=bea.author, state="disputed")
    other = Claim.objects.create(author=bea.author, account=bea.account, state="begun")
    assert "Bea Holm" not in [offer.label for offer in KIND.offers(ada)]
    assert not attestation.asked_of(ada.account).exists()
    assert other.level == 0


def test_who_is_asked_gets_a_letter_with_the_way_and_no_word_of_the_claimants(cast):
    ada, bea, _cem = cast
    Claim.objects.filter(pk=ada.pk).update(note="buy cheap reviews at http://spam.example")
    Letter.objects.all().delete()
    proof = ask(ada, bea)
    letter = Letter.objects.get()
    assert (letter.to, letter.subject) == ("bea@x.org", "Ada Berg asks for your word as a coauthor")
    assert "Of three" in letter.text
    assert reverse("attestation", args=[proof.pk]) in letter.text
    assert "spam" not in letter.text


def test_somebody_else_cannot_be_asked(cast):
    ada, *_ = cast
    dora = held("Dora Quist", proved=True)
    for subject in (str(dora.author_id), str(ada.author_id), "", "x"):
        with pytest.raises(ValidationError, match="Only coauthors"):
            KIND.begin(ada, subject, NOW)


def test_nobody_is_asked_twice_within_ninety_days_whatever_became_of_it(cast):
    ada, bea, _cem = cast
    proof = ask(ada, bea)
    with pytest.raises(ValidationError, match="asked Bea Holm already"):
        ask(ada, bea)
    attestation.decline(proof, bea.account, NOW)
    with pytest.raises(ValidationError, match="asked Bea Holm already"):
        ask(ada, bea)
    claims.release(ada, ada.account, NOW)
    again = claims.hold(claims.begin(ada.account, ada.author, NOW), NOW)
    with pytest.raises(ValidationError, match="asked Bea Holm already"):
        ask(again, bea)
    Proof.objects.filter(pk=proof.pk).update(begun_at=NOW - AGAIN)
    assert ask(again, bea).state == Proof.State.BEGUN


def test_a_question_that_nobody_answered_is_over_when_it_is_asked_again(cast):
    ada, bea, _cem = cast
    old = ask(ada, bea)
    Proof.objects.filter(pk=old.pk).update(begun_at=NOW - AGAIN)
    ask(ada, bea)
    assert fresh(old).state == Proof.State.WITHDRAWN


@pytest.mark.parametrize(("waiting", "granted"), [(MOST_WAITING - 1, True), (MOST_WAITING, False)])
def test_ten_are_asked_at_a_time(cast, waiting, granted):
    ada, bea, _cem = cast
    Proof.objects.bulk_create(Proof(claim=ada, kind=KIND.slug, author=ada.author) for _ in range(waiting))
    if granted:
        assert ask(ada, bea).pk
    else:
        with pytest.raises(ValidationError, match="10 coauthors have not answered"):
            ask(ada, bea)


def test_an_account_asks_as_often_as_the_limit_says(cast, monkeypatch):
    ada, bea, _cem = cast
    monkeypatch.setattr(limits, "take", lambda name, key: 60.0 if name == "attestation" else None)
    with pytest.raises(ValidationError, match="Try again in"):
        ask(ada, bea)
    assert not Proof.objects.filter(kind=KIND.slug).exists()


def test_what_the_claimant_sends_proves_nothing(cast):
    ada, bea, _cem = cast
    with pytest.raises(ValidationError, match="Bea Holm has not answered yet"):
        KIND.complete(ask(ada, bea), {"answer": "attest"}, NOW)


# --- answering -------------------------------------------------------------------------------------------------------


def test_only_who_was_asked_can_attest(cast):
    ada, bea, cem = cast
    proof = ask(ada, bea)
    for account in (ada.account, cem.account):
        with pytest.raises(PermissionDenied):
            attestation.attest(proof, account, NOW)
        with pytest.raises(PermissionDenied):
            attestation.decline(proof, account, NOW)
    assert fresh(proof).state == Proof.State.BEGUN


def test_who_lost_control_cannot_attest(cast):
    ada, bea, _cem = cast
    proof = ask(ada, bea)
    claims.withdraw(bea.proofs.get(), bea.account, NOW)
    with pytest.raises(PermissionDenied, match="L3"):
        attestation.attest(proof, bea.account, NOW)


def test_what_the_records_do_not_show_any_more_cannot_be_attested(cast):
    ada, bea, _cem = cast
    proof = ask(ada, bea)
    Assignment.objects.filter(author=ada.author, signature__paper=proof.paper).update(state="rejected")
    with pytest.raises(ValidationError, match="do not show"):
        attestation.attest(proof, bea.account, NOW)


def test_one_who_attests_alone_raises_no_level(cast):
    ada, bea, cem = cast
    attestation.attest(ask(ada, bea), bea.account, NOW)
    attestation.attest(ask(ada, cem), cem.account, NOW)
    assert fresh(ada).level == 2


def reviewed(claim):
    for signature in Assignment.objects.filter(author=claim.author).values_list("signature", flat=True):
        claims.mark(fresh(claim), {signature: "mine"}, NOW)
    return fresh(claim)


def test_beside_a_strong_proof_two_who_attest_different_papers_give_level_four(cast):
    ada, bea, cem = cast
    reviewed(prove(ada))
    first = ask(ada, bea)
    attestation.attest(first, bea.account, NOW)
    assert fresh(ada).level == 3
    attestation.attest(ask(ada, cem), cem.account, NOW)
    assert fresh(ada).level == 4
    attestation.take_back(fresh(first), bea.account, NOW)
    assert fresh(ada).level == 3


def test_a_word_counts_no_longer_once_the_attester_loses_control(cast):
    ada, bea, cem = cast
    reviewed(prove(ada))
    for claim in (bea, cem):
        attestation.attest(ask(ada, claim), claim.account, NOW)
    claims.withdraw(cem.proofs.get(kind="strong"), cem.account, NOW)
    claims.expire(NOW)
    assert fresh(ada).level == 3
    prove(cem)
    claims.expire(NOW)
    assert fresh(ada).level == 4


def state(claim, title):
    return Assignment.objects.get(author=claim.author, signature__paper__title=title).state


def test_an_attested_work_says_so_as_long_as_the_word_stands(cast):
    ada, bea, _cem = cast
    proof = ask(ada, bea)
    attestation.attest(proof, bea.account, NOW)
    assert [state(ada, title) for title in ("Of one", "Of three")] == ["strong", "coauthor"]
    assert state(bea, "Of three") == "strong"
    attestation.take_back(fresh(proof), bea.account, NOW)
    assert state(ada, "Of three") == "strong"


def test_what_the_owner_confirmed_stays_the_owners_word(cast):
    ada, bea, _cem = cast
    reviewed(prove(ada))
    attestation.attest(ask(ada, bea), bea.account, NOW)
    assert state(ada, "Of three") == "owner"


def test_only_who_gave_the_word_takes_it_back(cast):
    ada, bea, cem = cast
    proof = ask(ada, bea)
    attestation.attest(proof, bea.account, NOW)
    with pytest.raises(PermissionDenied):
        attestation.take_back(fresh(proof), cem.account, NOW)
    claims.release(bea, bea.account, NOW)
    attestation.take_back(fresh(proof), bea.account, NOW)
    assert fresh(proof).state == Proof.State.WITHDRAWN


# --- rings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [5, 20, 50])
def test_a_ring_of_accounts_without_a_strong_proof_stays_at_level_two(bring, k):
    """Each of k accounts holds a record, and all who can attest to each other: written past every door."""
    names = [f"Ring{n:02} Member{n:02}" for n in range(k)]
    bring(fact("2001.00001", names), fact("2002.00001", names), fact("2003.00001", names))
    papers = list(Author.objects.get(name=names[0]).assignments.values_list("signature__paper", flat=True))
    ring = [
        Claim.objects.create(
            author=Author.objects.get(name=name), account=Account.objects.create_user(f"r{n}"), state="held", level=2
        )
        for n, name in enumerate(names)
    ]
    assert not any(KIND.offers(claim) for claim in ring)
    Proof.objects.bulk_create(
        Proof(
            claim=one, kind=KIND.slug, subject=str(other.author_id), author=other.author, by=other.account,
            paper_id=papers[n % 3], state="valid", proved_at=NOW,
        )
        for one in ring
        for n, other in enumerate(ring)
        if one != other
    )  # fmt: skip
    assert [grounds.given(claim, NOW) for claim in ring] == [[]] * k
    assert not any(proved.attesting for proved in proved_of([claim.author_id for claim in ring]).values())
    claims.expire(NOW)
    assert {claim.level for claim in Claim.objects.all()} == {2}


def test_one_stolen_record_lifts_no_ring(bring):
    """The ring has one member with a strong proof: nobody else gains a level by that one's word."""
    names = [f"Ring{n:02} Member{n:02}" for n in range(6)]
    bring(fact("2001.00001", names), fact("2002.00001", names))
    ring = [held(name) for name in names]
    prove(ring[0])
    for claim in ring[1:]:
        attestation.attest(ask(claim, ring[0]), ring[0].account, NOW)
    assert [claim.level for claim in Claim.objects.order_by("pk")] == [3, 2, 2, 2, 2, 2]
    with pytest.raises(ValidationError, match="Only coauthors"):
        ask(ring[0], ring[1])


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def client_of():
    def client_of(claim):
        client = Client()
        client.force_login(claim.account)
        return client

    return client_of


def page(proof):
    return reverse("attestation", args=[proof.pk])


def test_who_is_asked_sees_who_asks_and_answers_by_post(cast, client_of):
    ada, bea, _cem = cast
    proof, client = ask(ada, bea), client_of(bea)
    shown = client.get(page(proof)).content.decode()
    assert "Ada Berg" in shown
    assert "Of three" in shown
    assert "I know that the person with this account wrote this work with me." in shown
    assert fresh(proof).state == Proof.State.BEGUN
    assert "Ada Berg" in client.get(reverse("attestations")).content.decode()
    assert client.post(page(proof), {"answer": "attest"}).status_code == 302
    assert (fresh(proof).state, fresh(proof).by) == ("valid", bea.account)
    assert client.post(page(proof), {"answer": "take back"}).status_code == 302
    assert fresh(proof).state == "withdrawn"
    assert client.get(page(proof)).status_code == 200


def test_declining_is_an_answer(cast, client_of):
    ada, bea, _cem = cast
    proof, client = ask(ada, bea), client_of(bea)
    assert client.post(page(proof), {"answer": "decline"}).status_code == 302
    assert fresh(proof).state == "refused"
    assert client.post(page(proof), {"answer": "attest"}).status_code == 400
    assert fresh(proof).state == "refused"


def test_nobody_else_finds_the_page(cast, client_of):
    ada, bea, cem = cast
    proof = ask(ada, bea)
    for claim in (ada, cem):
        assert client_of(claim).get(page(proof)).status_code == 404
        assert client_of(claim).post(page(proof), {"answer": "attest"}).status_code == 404
        assert "Of three" not in client_of(claim).get(reverse("attestations")).content.decode()
    assert Client().get(page(proof)).status_code == 302
    assert fresh(proof).state == Proof.State.BEGUN


def test_who_cannot_answer_now_is_told_why(cast, client_of):
    ada, bea, _cem = cast
    proof, client = ask(ada, bea), client_of(bea)
    claims.withdraw(bea.proofs.get(), bea.account, NOW)
    shown = client.get(page(proof)).content.decode()
    assert "verification L3" in shown
    assert 'value="attest"' not in shown
    assert client.post(page(proof), {"answer": "attest"}).status_code == 403


def test_an_answer_that_is_none_is_refused(cast, client_of):
    ada, bea, _cem = cast
    proof = ask(ada, bea)
    assert client_of(bea).post(page(proof), {"answer": "yes"}).status_code == 400


def test_the_list_asks_a_constant_number_of_queries(cast, client_of):
    ada, bea, _cem = cast
    ask(ada, bea)
    client = client_of(bea)
    client.get(reverse("attestations"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("attestations"))
    paper = Proof.objects.get(kind=KIND.slug).paper
    Proof.objects.bulk_create(Proof(claim=ada, kind=KIND.slug, author=bea.author, paper=paper) for _ in range(15))
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("attestations"))
    assert len(few) == len(many)


def test_offers_are_one_query(cast):
    ada, *_ = cast
    with CaptureQueriesContext(connection) as asked:
        KIND.offers(ada)
    assert len(asked) <= 2
