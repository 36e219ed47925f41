"""Claims: who can begin, hold, prove and release; what follows; and that of fifty at once one holds."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from celery import current_app
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from bzpeer import tasks
from profiles import claims, proofs
from profiles.levels import Route
from profiles.models import Account, Author, Claim, ClaimEvent, Letter, Proof
from profiles.proofs.kind import Kind
from tests.conftest import fact

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What workers were asked to do."""
    asked: list[tuple[str, Any]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, *arguments: asked.append((name, arguments)))
    return asked


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three kinds of proof that need nobody: two strong ones, of which one lasts ten days, and a weak one."""

    def kind(slug: str, route: Route, **more: Any) -> Kind:
        def begin(claim: Claim, subject: str, now: datetime) -> Proof:
            return Proof.objects.create(claim=claim, kind=slug, subject=subject)

        return Kind(slug, slug.title(), "", route, lambda claim: (), begin, lambda *sent: True, "", **more)

    made = (kind("one", Route.STRONG), kind("two", Route.STRONG, lasts=10 * DAY), kind("weak", Route.WEAK))
    monkeypatch.setattr(proofs, "KINDS", made)
    monkeypatch.setattr(proofs, "BY_SLUG", {each.slug: each for each in made})


def someone(name: str = "ann", confirmed: bool = True) -> Account:
    account = Account.objects.create_user(name, f"{name}@example.org")
    EmailAddress.objects.create(user=account, email=account.email, verified=confirmed, primary=True)
    return account


def held(author: Author, name: str = "ann") -> Claim:
    return claims.hold(claims.begin(someone(name), author, NOW), NOW)


def proved(claim: Claim, kind: str = "one", now: datetime = NOW) -> Proof:
    proof = proofs.BY_SLUG[kind].begin(claim, "x", now)
    claims.prove(proof, now)
    return proof


def steps(claim: Claim) -> list[str]:
    return list(ClaimEvent.objects.filter(claim=claim).order_by("pk").values_list("what", flat=True))


@pytest.fixture
def author(bring: Callable[..., Any]) -> Author:
    bring(fact("2001.00001", ["Noor Rahimi", "Ada Berg"]), fact("2001.00002", ["Noor Rahimi", "Ada Berg"]))
    return Author.objects.get(name="Noor Rahimi")


@pytest.fixture
def other(author: Author) -> Author:
    return Author.objects.get(name="Ada Berg")


def test_a_visitor_cannot_claim(author: Author) -> None:
    with pytest.raises(PermissionDenied):
        claims.begin(AnonymousUser(), author, NOW)


def test_an_account_without_a_confirmed_address_is_told_what_to_do(author: Author) -> None:
    with pytest.raises(ValidationError, match="Confirm an e-mail address"):
        claims.begin(someone(confirmed=False), author, NOW)


def test_begun_twice_it_is_one_claim(author: Author) -> None:
    account = someone()
    assert claims.begin(account, author, NOW) == claims.begin(account, author, NOW)


def test_a_merged_author_cannot_be_claimed_and_the_heir_is_named(author: Author, other: Author) -> None:
    Author.objects.filter(pk=author.pk).update(merged_into=other)
    with pytest.raises(ValidationError, match="Ada Berg"):
        claims.begin(someone(), author, NOW)


def test_a_hidden_author_cannot_be_claimed(author: Author) -> None:
    Author.objects.filter(pk=author.pk).update(visibility=Author.Visibility.NOTICE)
    with pytest.raises(ValidationError):
        claims.begin(someone(), author, NOW)


def test_five_claims_can_be_under_way_and_not_six(bring: Callable[..., Any]) -> None:
    names = ["Noor Rahimi", "Ada Berg", "Li Chen", "Omar Haddad", "Eva Novak", "Jun Sato"]
    bring(fact("2001.00001", names))
    account = someone()
    for name in names[:5]:
        claims.begin(account, Author.objects.get(name=name), NOW)
    with pytest.raises(ValidationError, match="under way"):
        claims.begin(account, Author.objects.get(name=names[5]), NOW)


def test_holding_gives_level_two_an_anchor_and_a_letter(author: Author) -> None:
    claim = held(author)
    author.refresh_from_db()
    assert (claim.state, claim.level, author.account) == (Claim.State.HELD, 2, claim.account)
    assert author.anchor is not None
    assert steps(claim) == ["begun", "held"]
    assert "You hold the record of Noor Rahimi" in list(Letter.objects.values_list("subject", flat=True))


def test_held_again_nothing_changes(author: Author) -> None:
    claim = held(author)
    claims.hold(claim, NOW)
    assert steps(claim) == ["begun", "held"]


def test_a_held_author_is_disputed_and_both_sides_get_a_letter(author: Author) -> None:
    first, second = held(author), held(author, "bob")
    assert (second.state, second.level) == (Claim.State.DISPUTED, 2)
    assert Author.objects.get(pk=author.pk).account == first.account
    assert steps(first)[-1] == "contested"
    assert set(Letter.objects.order_by("-pk").values_list("to", flat=True)[:2]) == {
        "ann@example.org",
        "bob@example.org",
    }


def test_an_account_holds_one_author(author: Author, other: Author) -> None:
    claim = held(author)
    with pytest.raises(ValidationError, match="merged"):
        claims.hold(claims.begin(claim.account, other, NOW), NOW)


def test_a_strong_proof_gives_level_three_once(author: Author) -> None:
    claim = held(author)
    proof = proved(claim)
    claims.prove(proof, NOW)
    claim.refresh_from_db()
    assert claim.level == 3
    assert steps(claim).count("proved") == 1


def test_a_weak_proof_changes_no_level(author: Author) -> None:
    claim = held(author)
    proved(claim, "weak")
    claim.refresh_from_db()
    assert claim.level == 2


def test_the_level_falls_when_a_proof_is_withdrawn_and_history_stays(author: Author) -> None:
    claim = held(author)
    claims.withdraw(proved(claim), claim.account, NOW)
    claim.refresh_from_db()
    last = ClaimEvent.objects.filter(claim=claim).latest("pk")
    assert (claim.level, last.what, last.level_before, last.level_after) == (2, "withdrawn", 3, 2)


def test_an_expired_proof_counts_no_longer_and_a_letter_says_so(author: Author) -> None:
    claim = held(author)
    proved(claim, "two")
    assert claims.expire(NOW + 9 * DAY) == 0
    assert claims.expire(NOW + 10 * DAY) == 1
    claim.refresh_from_db()
    assert (claim.level, claim.proofs.get().state) == (2, Proof.State.EXPIRED)
    assert "expired" in Letter.objects.latest("pk").subject


def test_a_claim_that_nothing_proves_lapses_thirty_days_after_a_warning(author: Author) -> None:
    claim = held(author)
    assert claims.expire(NOW + 149 * DAY) == 0
    assert claims.expire(NOW + 150 * DAY) == 1
    assert "will lapse" in Letter.objects.latest("pk").subject
    assert claims.expire(NOW + 179 * DAY) == 0
    assert claims.expire(NOW + 180 * DAY) == 1
    claim.refresh_from_db()
    assert claim.state == Claim.State.LAPSED
    assert Author.objects.get(pk=author.pk).account is None


def test_the_hourly_task_ends_what_is_over(author: Author) -> None:
    claim = held(author)
    proof = proved(claim, "two")
    Proof.objects.filter(pk=proof.pk).update(expires_at=NOW)
    tasks.expire_proofs()
    proof.refresh_from_db()
    assert proof.state == Proof.State.EXPIRED


def test_a_proved_claim_does_not_lapse(author: Author) -> None:
    claim = held(author)
    proved(claim)
    assert claims.expire(NOW + 400 * DAY) == 0


def test_a_released_author_is_free_and_can_be_claimed_again(author: Author) -> None:
    claim = held(author)
    proof = proved(claim)
    claims.release(claim, claim.account, NOW)
    claim.refresh_from_db()
    proof.refresh_from_db()
    assert (claim.state, claim.level, proof.state) == (Claim.State.RELEASED, 0, Proof.State.WITHDRAWN)
    assert claims.hold(claims.begin(claim.account, author, NOW), NOW).pk != claim.pk


def test_who_disputed_can_take_hold_of_a_record_that_was_released(author: Author) -> None:
    first, second = held(author), held(author, "bob")
    claims.release(first, first.account, NOW)
    assert claims.hold(second, NOW).state == Claim.State.HELD


def test_the_trust_of_the_author_is_computed_again_after_commit(
    author: Author, sent: list[tuple[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        held(author)
    assert ("bzpeer.refresh_authors", ([[author.pk]],)) in sent


def test_a_mark_on_somebody_elses_work_is_refused(author: Author, other: Author) -> None:
    claim = claims.begin(someone(), author, NOW)
    theirs = other.assignments.values_list("signature", flat=True)[0]
    with pytest.raises(ValidationError):
        claims.mark(claim, {theirs: "mine"}, NOW)


def test_marks_are_kept_and_can_be_changed(author: Author) -> None:
    claim = claims.begin(someone(), author, NOW)
    one, two = author.assignments.order_by("pk").values_list("signature", flat=True)
    claims.mark(claim, {one: "mine", two: "unsure"}, NOW)
    claims.mark(claim, {two: "not"}, NOW)
    assert dict(claim.marks.values_list("signature", "answer")) == {one: "mine", two: "not"}


@pytest.mark.django_db(transaction=True)
def test_of_fifty_who_claim_one_author_at_once_exactly_one_holds_it(bring: Callable[..., Any]) -> None:
    bring(fact("2001.00001", ["Noor Rahimi", "Ada Berg"]))
    author = Author.objects.get(name="Noor Rahimi")
    begun = [claims.begin(someone(f"account{n}"), author, NOW) for n in range(50)]

    def take(claim: Claim) -> str:
        try:
            return claims.hold(claim, NOW).state
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        states = list(pool.map(take, begun))
    assert sorted(states) == ["disputed"] * 49 + ["held"]
    holder = Claim.objects.get(state=Claim.State.HELD)
    assert Author.objects.get(pk=author.pk).account == holder.account
