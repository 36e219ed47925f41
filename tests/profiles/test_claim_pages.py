"""The pages of a claim, as the claimant, a stranger and a curator see them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from celery import current_app
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from papers.models import JournalEntry
from profiles import claims
from profiles.models import Account, Author, Claim, ClaimEvent, Correction, Letter, Proof
from profiles.proofs import review
from tests.conftest import fact, with_role

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is asked, and no limit is left from another test."""
    monkeypatch.setattr(current_app, "send_task", lambda *sent: None)
    cache.clear()


@pytest.fixture
def author(bring: Callable[..., Any]) -> Author:
    bring(fact("2001.00001", ["Noor Rahimi", "Ada Berg"]), fact("2001.00002", ["Noor Rahimi", "Ada Berg"]))
    return Author.objects.get(name="Noor Rahimi")


def someone(name: str) -> Account:
    account = Account.objects.create_user(name, f"{name}@home.example")
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return account


@pytest.fixture
def noor(client: Client, author: Author) -> Account:
    account = someone("noor")
    client.force_login(account)
    return account


def held(author: Author, account: Account) -> Claim:
    return claims.hold(claims.begin(account, author, NOW), NOW)


def prove(claim: Claim, by: Account | None = None) -> Proof:
    """By a curator's check, which is strong enough for level 3."""
    proof = review.begin(claim, "Ask the dean.", NOW)
    claims.prove(proof, NOW, by or someone("checker"))
    return proof


def test_a_visitor_is_led_through_the_log_in_to_the_claim(client: Client, author: Author) -> None:
    page = client.get(author.get_absolute_url()).content.decode()
    address = reverse("person_claim", args=[author.pk])
    assert f"?next={address.replace('/', '%2F')}" in page
    assert client.get(address).status_code == 302


def test_the_whole_way_from_the_profile_to_the_held_record(client: Client, noor: Account, author: Author) -> None:
    assert "Claim this record" in client.get(author.get_absolute_url()).content.decode()
    begun = client.post(reverse("person_claim", args=[author.pk]))
    claim = Claim.objects.get()
    assert begun["Location"] == reverse("claim_works", args=[claim.pk])
    page = client.get(begun["Location"]).content.decode()
    one, two = author.assignments.order_by("pk").values_list("signature", flat=True)
    assert f'name="work-{one}"' in page
    client.post(begun["Location"], {f"work-{one}": "mine", f"work-{two}": "unsure", "go": "done"})
    claim.refresh_from_db()
    assert (claim.state, claim.level, claim.marks.count()) == (Claim.State.HELD, 2, 2)
    assert "verification L2" in client.get(claim.get_absolute_url()).content.decode()
    assert "Your claim" in client.get(author.get_absolute_url()).content.decode()


def test_a_get_begins_nothing(client: Client, noor: Account, author: Author) -> None:
    client.get(reverse("person_claim", args=[author.pk]))
    assert not Claim.objects.exists()


def test_all_the_rest_are_mine_leaves_what_was_answered(client: Client, noor: Account, author: Author) -> None:
    claim = claims.begin(noor, author, NOW)
    one, two = author.assignments.order_by("pk").values_list("signature", flat=True)
    client.post(reverse("claim_works", args=[claim.pk]), {f"work-{one}": "not", "go": "rest"})
    assert dict(claim.marks.values_list("signature", "answer")) == {one: "not", two: "mine"}


def test_who_says_that_no_work_is_theirs_does_not_hold_the_record(
    client: Client, noor: Account, author: Author
) -> None:
    claim = claims.begin(noor, author, NOW)
    signatures = author.assignments.values_list("signature", flat=True)
    answers = {f"work-{signature}": "not" for signature in signatures} | {"go": "done"}
    page = client.post(reverse("claim_works", args=[claim.pk]), answers, follow=True).content.decode()
    assert "somebody else’s record" in page
    claim.refresh_from_db()
    assert claim.state == Claim.State.BEGUN


def test_works_of_a_like_name_are_offered_as_perhaps_yours(client: Client, noor: Account, author: Author) -> None:
    like = Author.objects.get(name="Ada Berg")
    like.variants.create(
        printed="Noor Rahimi", folded="noor rahimi", family_key="rahimi", surname_key="rahimi", works=1
    )
    claim = claims.begin(noor, author, NOW)
    page = client.get(f"{reverse('claim_works', args=[claim.pk])}?part=perhaps").content.decode()
    theirs = like.assignments.values_list("signature", flat=True)[0]
    assert f'name="work-{theirs}"' in page
    claims.mark(claim, {theirs: "mine"}, NOW)
    assert claim.marks.get().signature_id == theirs


def test_marks_are_decided_once_control_is_proved(noor: Account, author: Author) -> None:
    claim = held(author, noor)
    one, two = author.assignments.order_by("pk").values_list("signature", flat=True)
    claims.mark(claim, {one: "mine", two: "unsure"}, NOW)
    assert not Correction.objects.exists()
    prove(claim)
    said = Correction.objects.get()
    assert (said.signature_id, said.same, said.as_owner, said.made_by) == (one, True, True, noor)
    assert [mark.answer for mark in claim.marks.all()] == ["unsure"]


def test_the_works_page_costs_as_much_for_many_works_as_for_few(
    client: Client, noor: Account, author: Author, bring: Callable[..., Any]
) -> None:
    address = reverse("claim_works", args=[claims.begin(noor, author, NOW).pk])

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    client.get(address)
    few = queries()
    bring(*(fact(f"2002.{n:05}", ["Noor Rahimi", "Ada Berg"]) for n in range(1, 60)))
    assert queries() == few
    page = client.get(address).content.decode()
    assert page.count('<fieldset class="answer">') == 50
    assert "Save and go on" in page


@pytest.mark.parametrize("name", ["claim", "claim_works", "claim_hold", "claim_release"])
def test_somebody_elses_claim_has_no_page(client: Client, noor: Account, author: Author, name: str) -> None:
    claim = held(author, someone("bob"))
    address = reverse(name, args=[claim.pk])
    answer = client.post(address) if name == "claim_hold" else client.get(address)
    assert answer.status_code == 404


def test_somebody_elses_proof_cannot_be_withdrawn(client: Client, noor: Account, author: Author) -> None:
    claim = held(author, someone("bob"))
    proof = prove(claim)
    assert client.post(reverse("proof_withdraw", args=[claim.pk, proof.pk])).status_code == 404
    own = claims.begin(noor, author, NOW)
    assert client.post(reverse("proof_withdraw", args=[own.pk, proof.pk])).status_code == 404


@pytest.fixture
def second(author: Author, bring: Callable[..., Any]) -> Author:
    """Another record: of the same person, by a name that no matcher joins."""
    bring(fact("2003.00001", ["Noor Lindqvist", "Omar Haddad"]))
    return Author.objects.get(name="Noor Lindqvist")


def test_a_second_record_is_offered_as_a_merge_and_needs_a_reason(
    client: Client, noor: Account, author: Author, second: Author
) -> None:
    held(author, noor)
    address = reverse("person_claim", args=[second.pk])
    assert "Is this also you?" in client.get(address).content.decode()
    assert client.post(address).status_code == 400
    assert not Claim.objects.filter(author=second).exists()


@pytest.mark.parametrize(("do", "state", "heir"), [("merge", "released", True), ("reject", "refused", False)])
def test_a_curator_answers_a_merge_that_was_asked_for(
    client: Client, noor: Account, author: Author, second: Author, do: str, state: str, heir: bool
) -> None:
    held(author, noor)
    client.post(reverse("person_claim", args=[second.pk]), {"note": "My name before I married."})
    request = Claim.objects.get(author=second)
    client.force_login(with_role("curator"))
    assert "My name before I married." in client.get(reverse("curate_claims")).content.decode()
    page = reverse("curate_claim", args=[request.pk])
    assert "One person’s two records?" in client.get(page).content.decode()
    client.post(page, {"do": do, "reason": "Her list of works says so."})
    request.refresh_from_db()
    second.refresh_from_db()
    assert (request.state, second.merged_into == author) == (state, heir)
    assert "Her list of works says so." in Letter.objects.filter(to="noor@home.example").latest("pk").text


def test_marks_that_would_empty_the_record_are_refused_with_a_sentence(
    client: Client, noor: Account, author: Author
) -> None:
    claim = held(author, noor)
    prove(claim)
    signatures = author.assignments.values_list("signature", flat=True)
    page = client.post(
        reverse("claim_works", args=[claim.pk]), {f"work-{pk}": "not" for pk in signatures}, follow=True
    ).content.decode()
    assert 'role="status"' in page
    assert "Saved." not in page
    assert not claim.marks.exists()


def test_a_release_is_asked_for_first_and_then_done(client: Client, noor: Account, author: Author) -> None:
    claim = held(author, noor)
    address = reverse("claim_release", args=[claim.pk])
    assert "Release the record?" in client.get(address).content.decode()
    client.post(address)
    claim.refresh_from_db()
    assert claim.state == Claim.State.RELEASED
    assert "Claim it again" in client.get(claim.get_absolute_url()).content.decode()


def test_an_institutions_code_is_sent_typed_and_withdrawn_on_the_pages(
    client: Client, noor: Account, author: Author
) -> None:
    claim = held(author, noor)
    begun = client.post(reverse("proof_begin", args=[claim.pk, "institution"]), {"subject": "noor@uni.example"})
    assert "The code of eight digits" in client.get(begun["Location"]).content.decode()
    code = Letter.objects.get(to="noor@uni.example").subject.removeprefix("Your code: ")
    assert client.post(begun["Location"], {"code": "00000000" if code != "00000000" else "1"}).status_code == 400
    assert client.post(begun["Location"], {"code": code}).status_code == 302
    proof = claim.proofs.get()
    assert proof.state == Proof.State.VALID
    assert "noor@uni.example" in client.get(claim.get_absolute_url()).content.decode()
    client.post(reverse("proof_withdraw", args=[claim.pk, proof.pk]))
    proof.refresh_from_db()
    assert proof.state == Proof.State.WITHDRAWN


def test_a_proof_that_is_not_offered_is_refused_with_a_way_on(client: Client, noor: Account, author: Author) -> None:
    claim = held(author, noor)
    address = reverse("proof_begin", args=[claim.pk, "mail"])
    page = client.post(address, {"subject": "noor@cs.example.edu"}, follow=True).content.decode()
    assert "not offered any more" in page
    assert not Letter.objects.filter(to="noor@cs.example.edu").exists()


# --- curators ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def dispute(author: Author) -> tuple[Claim, Claim]:
    """The claim that holds the record, and the one that disputes it."""
    return held(author, someone("ann")), held(author, someone("bob"))


def test_both_sides_proofs_stand_side_by_side(client: Client, curator: Account, dispute: tuple[Claim, Claim]) -> None:
    first, second = dispute
    Proof.objects.create(claim=first, kind="mail", subject="noor@cs.example.edu", state=Proof.State.VALID)
    page = client.get(reverse("curate_claim", args=[second.pk])).content.decode()
    assert "noor@cs.example.edu" in page
    assert page.count('<section class="side"') == 2
    assert "Disputed records" in client.get(reverse("curate")).content.decode()


def test_a_decision_needs_a_reason(client: Client, curator: Account, dispute: tuple[Claim, Claim]) -> None:
    assert client.post(reverse("curate_claim", args=[dispute[1].pk]), {"do": "transfer"}).status_code == 400


@pytest.mark.parametrize(
    ("do", "states", "steps"),
    [
        ("confirm", ("held", "refused"), ("confirmed", "rejected")),
        ("transfer", ("released", "held"), ("lost", "given")),
        ("release", ("released", "refused"), ("released", "rejected")),
    ],
)
def test_a_curator_decides_a_dispute_and_both_sides_are_told(
    client: Client,
    curator: Account,
    dispute: tuple[Claim, Claim],
    do: str,
    states: tuple[str, str],
    steps: tuple[str, str],
) -> None:
    first, second = dispute
    client.post(reverse("curate_claim", args=[second.pk]), {"do": do, "reason": "The dean confirms it."})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == states
    told = [ClaimEvent.objects.filter(claim=claim).latest("pk").what for claim in dispute]
    assert tuple(told) == steps
    holder = next((claim.account for claim in (first, second) if claim.state == "held"), None)
    assert Author.objects.get(pk=first.author_id).account == holder
    assert {"ann@home.example", "bob@home.example"} <= set(Letter.objects.values_list("to", flat=True))
    assert JournalEntry.objects.filter(account_name="curator", details__reason="The dean confirms it.").exists()


def test_a_transfer_takes_back_what_the_loser_decided_if_asked(
    client: Client, curator: Account, dispute: tuple[Claim, Claim]
) -> None:
    first, second = dispute
    claims.mark(first, dict.fromkeys(first.author.assignments.values_list("signature", flat=True)[:1], "mine"), NOW)
    prove(first)
    assert Correction.objects.live().count() == 1
    client.post(reverse("curate_claim", args=[second.pk]), {"do": "transfer", "reason": "No.", "take_back": "1"})
    assert Correction.objects.live().count() == 0


def test_nobody_decides_about_a_claim_of_their_own(client: Client, author: Author) -> None:
    judge = with_role("judge", email="judge@home.example")
    EmailAddress.objects.create(user=judge, email=judge.email, verified=True, primary=True)
    held(author, someone("ann"))
    own = held(author, judge)
    client.force_login(judge)
    answer = client.post(reverse("curate_claim", args=[own.pk]), {"do": "transfer", "reason": "It is me."})
    assert answer.status_code == 400
    own.refresh_from_db()
    assert own.state == Claim.State.DISPUTED


def test_a_check_gives_level_three_and_names_the_curator(client: Client, curator: Account, author: Author) -> None:
    claim = held(author, someone("ann"))
    review.begin(claim, "Ask the dean.", NOW)
    page = reverse("curate_claim", args=[claim.pk])
    assert "Ask the dean." in client.get(page).content.decode()
    client.post(page, {"do": "check", "reason": "The dean says so."})
    claim.refresh_from_db()
    assert (claim.level, claim.proofs.get().by) == (3, curator)


def test_a_refused_check_tells_the_claimant_why(client: Client, curator: Account, author: Author) -> None:
    claim = held(author, someone("ann"))
    review.begin(claim, "Ask the dean.", NOW)
    client.post(reverse("curate_claim", args=[claim.pk]), {"do": "refuse", "reason": "The dean knows nobody."})
    assert claim.proofs.get().state == Proof.State.REFUSED
    assert "The dean knows nobody." in Letter.objects.filter(to="ann@home.example").latest("pk").text


def test_a_claimant_does_not_see_the_curators_page(client: Client, noor: Account, author: Author) -> None:
    assert client.get(reverse("curate_claim", args=[held(author, noor).pk])).status_code == 403
