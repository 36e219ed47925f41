"""Rights without an account: who may have a record corrected, hidden or removed, and how it is taken back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from papers.fetching import Unfetched
from papers.models import JournalEntry
from profiles import changesets, codes, inbox, rights
from profiles.models import Account, Author, Claim, Code, Letter, RightsRequest
from profiles.proofs import page as pages
from profiles.proposals import Merge
from tests.conftest import fact, with_role

pytestmark = pytest.mark.django_db

Kind, Proof, State = RightsRequest.Kind, RightsRequest.Proof, RightsRequest.State
ADDRESS, HOME = "alovelace@x.org", "https://x.edu/~lovelace/"
NOBODY = AnonymousUser()


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(current_app, "send_task", lambda *_: None)


@pytest.fixture
def ada(bring: Callable[..., object]) -> Author:
    """Ada, whose papers print an address and a page of hers, and an address of her coauthor."""
    bring(
        fact("2001.00001", ["Ada Lovelace", "Wei Li"], abstract="Contact: alovelace@x.org, wei.li@x.org"),
        fact("2101.00001", ["Ada Lovelace", "Wei Li"], created="2021-01-01", abstract="See https://x.edu/~lovelace/p"),
    )
    return Author.objects.get(name="Ada Lovelace")


def way(author: Author, proof: str, account: Account | AnonymousUser = NOBODY) -> rights.Way:
    return next(way for way in rights.ways(author, account) if way.proof == proof)


def ask(client: Client, author: Author, kind: str = Kind.HIDE, proof: str = Proof.CODE, **more: str) -> Any:
    form = {"kind": kind, "way": way(author, proof).value} | more
    return client.post(reverse("person_rights", args=[author.pk]), form)


def code_in_mail() -> str:
    found = re.search(r"\b\d{8}\b", Letter.objects.filter(to=ADDRESS).latest("pk").text)
    assert found is not None
    return found[0]


def begun(author: Author, kind: str = Kind.HIDE, proof: str = Proof.CODE, **more: Any) -> tuple[RightsRequest, str]:
    return rights.begin(author, Kind(kind), way(author, proof), timezone.now(), **more)


def hidden(author: Author) -> tuple[RightsRequest, str]:
    """A request that was proved by a code, with its new key."""
    request, _key = begun(author)
    key = rights.prove_by_code(request, code_in_mail(), timezone.now())
    author.refresh_from_db()
    return RightsRequest.objects.get(pk=request.pk), key


# --- proving it ------------------------------------------------------------------------------------------------------


def test_a_person_without_an_account_hides_the_record_by_a_code(client: Client, ada: Author):
    answer = ask(client, ada)
    page = answer["Location"]
    assert "Type the code" in client.get(page).content.decode()
    assert client.get(ada.get_absolute_url()).status_code == 200
    answer = client.post(page, {"step": "code", "code": code_in_mail()})
    ada.refresh_from_db()
    assert ada.visibility == Author.Visibility.NOTICE
    assert "Your record is hidden." in client.get(answer["Location"]).content.decode()
    assert RightsRequest.objects.get().state == State.DONE


def test_removed_the_record_is_gone(client: Client, ada: Author):
    page = ask(client, ada, Kind.REMOVE)["Location"]
    client.post(page, {"step": "code", "code": code_in_mail()})
    assert client.get(f"/people/{ada.pk}/").status_code == 410


def test_a_wrong_code_opens_nothing_and_is_counted(client: Client, ada: Author):
    page = ask(client, ada)["Location"]
    code = code_in_mail()
    wrong = f"{(int(code) + 1) % 10**8:08}"
    for _ in range(codes.TRIES):
        assert 'role="alert"' in client.post(page, {"step": "code", "code": wrong}).content.decode()
    assert 'role="alert"' in client.post(page, {"step": "code", "code": code}).content.decode()
    assert Code.objects.get().tries == codes.TRIES
    ada.refresh_from_db()
    assert ada.is_public


def test_a_code_grows_old_and_a_new_one_takes_its_place(ada: Author):
    request, key = begun(ada)
    late = timezone.now() + codes.LIFETIME + timedelta(seconds=1)
    with pytest.raises(ValidationError, match="not the newest code"):
        rights.prove_by_code(request, code_in_mail(), late)
    old = code_in_mail()
    rights.send_code(request, key, timezone.now())
    with pytest.raises(ValidationError):
        rights.prove_by_code(request, old, timezone.now())
    rights.prove_by_code(request, code_in_mail(), timezone.now())


def test_only_own_addresses_and_pages_are_offered_and_addresses_are_masked(client: Client, ada: Author):
    assert [way.subject for way in rights.ways(ada, NOBODY)] == [ADDRESS, HOME, ""]
    html = client.get(reverse("person_rights", args=[ada.pk])).content.decode()
    assert "a•••@x.org" in html
    assert ADDRESS not in html
    assert "wei" not in html.lower()


def test_an_address_that_is_not_offered_cannot_be_chosen(client: Client, ada: Author):
    form = {"kind": Kind.HIDE, "way": "code wei.li@x.org"}
    assert client.post(reverse("person_rights", args=[ada.pk]), form).status_code == 400
    assert not RightsRequest.objects.exists()


def test_once_a_code_was_typed_the_link_of_who_only_asked_is_dead(client: Client, ada: Author):
    first = ask(client, ada)["Location"]
    second = client.post(first, {"step": "code", "code": code_in_mail()})["Location"]
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200
    assert second in Letter.objects.latest("pk").text


def test_a_page_that_carries_the_code_proves_it(ada: Author, monkeypatch: pytest.MonkeyPatch):
    request, key = begun(ada, Kind.REMOVE, Proof.PAGE)
    seen = _serve(monkeypatch, f"<html><body><p>{rights.page_code(request)}</p></body></html>".encode())
    rights.prove_by_page(request, key, timezone.now())
    ada.refresh_from_db()
    assert (seen, ada.visibility) == ([HOME], Author.Visibility.GONE)


@pytest.mark.parametrize("body", [b"<p>nothing</p>", b"<html><head><!-- CODE --></head></html>", b""])
def test_a_page_that_does_not_show_the_code_proves_nothing(ada: Author, monkeypatch: pytest.MonkeyPatch, body: bytes):
    request, key = begun(ada, Kind.REMOVE, Proof.PAGE)
    _serve(monkeypatch, body.replace(b"CODE", rights.page_code(request).encode()))
    with pytest.raises(ValidationError, match="the code is not on it"):
        rights.prove_by_page(request, key, timezone.now())
    ada.refresh_from_db()
    assert ada.is_public


def test_a_page_that_cannot_be_read_is_said_to_be(ada: Author, monkeypatch: pytest.MonkeyPatch):
    request, key = begun(ada, Kind.REMOVE, Proof.PAGE)
    _serve(monkeypatch, None)
    with pytest.raises(ValidationError, match="could not be read"):
        rights.prove_by_page(request, key, timezone.now())


def _serve(monkeypatch: pytest.MonkeyPatch, body: bytes | None) -> list[str]:
    """What the page answers; none: nothing. Returns the addresses that are asked."""
    asked: list[str] = []

    class Fetcher:
        def get(self, url: str, read: Callable[[bytes], bool]) -> bool:
            asked.append(url)
            if body is None:
                raise Unfetched("It does not answer.")
            return read(body)

    monkeypatch.setattr(pages, "fetcher", lambda url: Fetcher())
    return asked


# --- taking it back --------------------------------------------------------------------------------------------------


def test_who_has_the_secret_link_shows_the_record_again(client: Client, ada: Author):
    _request, key = hidden(ada)
    client.post(reverse("rights_request", args=[key]), {"step": "withdraw"})
    ada.refresh_from_db()
    assert ada.is_public
    assert RightsRequest.objects.get().state == State.WITHDRAWN
    again = client.post(reverse("rights_request", args=[key]), {"step": "withdraw"})
    assert (again.status_code, 'role="alert"' in again.content.decode()) == (200, True)  # no secret in the log


def test_a_record_that_two_asked_to_hide_stays_hidden_until_both_take_it_back(ada: Author):
    first, _key = hidden(ada)
    ada.visibility = Author.Visibility.PUBLIC  # as the form shows it to who asks for the second time
    second, _key = rights.begin(ada, Kind.REMOVE, way(ada, Proof.CODE), timezone.now())
    rights.prove_by_code(second, code_in_mail(), timezone.now())
    rights.withdraw(second, timezone.now())
    ada.refresh_from_db()
    assert ada.visibility == Author.Visibility.NOTICE
    rights.withdraw(first, timezone.now())
    ada.refresh_from_db()
    assert ada.is_public


def test_only_the_hash_of_the_secret_link_is_kept(ada: Author):
    request, key = begun(ada)
    assert key not in repr(RightsRequest.objects.filter(pk=request.pk).values().get())
    assert rights.find(key) == request
    assert rights.find(request.key_hash) is None
    assert rights.find(key[:-1]) is None


def test_the_secret_pages_are_kept_by_nobody(client: Client, ada: Author):
    page = ask(client, ada)["Location"]
    for response in (client.get(page), client.post(page, {"step": "code", "code": "1"})):
        assert response["Cache-Control"] == "private, no-store"
        assert response["Referrer-Policy"] == "same-origin"
        assert "noindex" in response["X-Robots-Tag"]


def test_a_get_changes_nothing(client: Client, ada: Author):
    _request, key = begun(ada)
    before = RightsRequest.objects.values().get()
    for _ in range(2):
        client.get(reverse("rights_request", args=[key]) + "?step=withdraw")
        client.get(reverse("person_rights", args=[ada.pk]), {"kind": Kind.HIDE, "way": "curator"})
    assert RightsRequest.objects.values().get() == before


def test_a_merged_record_is_hidden_as_what_it_is_now(ada: Author, bring):
    bring(fact("2106.00001", ["Augusta Byron"]))
    augusta = Author.objects.get(name="Augusta Byron")
    request, _key = begun(ada)
    code = code_in_mail()
    augusta.account = Account.objects.create_user("augusta")
    augusta.save()
    changesets.apply(with_role("eve"), Merge(((ada.pk, augusta.pk),)), "one person")
    rights.prove_by_code(request, code, timezone.now())
    augusta.refresh_from_db()
    assert (augusta.is_public, RightsRequest.objects.get().state) == (True, State.WAITING)
    Author.objects.filter(pk=augusta.pk).update(account=None)
    rights.decide(with_role("bob"), request, "She is.", timezone.now(), grant=True)
    augusta.refresh_from_db()
    assert not augusta.is_public


# --- who holds the record --------------------------------------------------------------------------------------------


def hold(author: Author, level: int = 3) -> Account:
    account = Account.objects.create_user("ada", email="ada@home.org")
    Claim.objects.create(author=author, account=account, state=Claim.State.HELD, level=level)
    author.account = account
    author.save(update_fields=["account"])
    return account


def test_who_holds_the_record_needs_no_code(client: Client, ada: Author):
    account = hold(ada)
    client.force_login(account)
    assert [way.proof for way in rights.ways(ada, account)] == [Proof.OWNER]
    client.post(reverse("person_rights", args=[ada.pk]), {"kind": Kind.HIDE, "way": "owner"})
    ada.refresh_from_db()
    assert not ada.is_public
    assert JournalEntry.objects.get(verb="hid").account_id == account.pk
    assert Letter.objects.latest("pk").to == "ada@home.org"


def test_who_holds_the_record_shows_it_again_without_the_link_and_nobody_else_does(client: Client, ada: Author):
    account = hold(ada)
    page = reverse("person_rights", args=[ada.pk])
    client.force_login(account)
    client.post(page, {"kind": Kind.HIDE, "way": "owner"})
    other = Client()
    other.force_login(Account.objects.create_user("other"))
    assert "This record is hidden" in other.post(page).content.decode()
    ada.refresh_from_db()
    assert not ada.is_public
    assert "Show the record again" in client.get(page).content.decode()
    client.post(page)
    ada.refresh_from_db()
    assert ada.is_public


def test_who_has_not_proved_control_is_asked_as_anybody(ada: Author):
    account = hold(ada, level=2)
    assert Proof.OWNER not in [way.proof for way in rights.ways(ada, account)]


def test_a_record_that_another_holds_goes_to_a_curator(client: Client, ada: Author):
    hold(ada)
    page = ask(client, ada)["Location"]
    answer = client.post(page, {"step": "code", "code": code_in_mail()})
    ada.refresh_from_db()
    assert (ada.is_public, RightsRequest.objects.get().state) == (True, State.WAITING)
    assert "A curator looks at it." in client.get(answer["Location"]).content.decode()


# --- curators --------------------------------------------------------------------------------------------------------


def test_a_correction_waits_for_a_curator_even_when_proved(ada: Author):
    request, _key = begun(ada, Kind.CORRECT, text="I left in 2021.")
    rights.prove_by_code(request, code_in_mail(), timezone.now())
    request.refresh_from_db()
    assert request.state == State.WAITING
    assert request.proved_at is not None
    assert list(RightsRequest.objects.waiting()) == [request]


@pytest.mark.parametrize(
    ("proof", "given", "sentence"),
    [
        (Proof.CODE, {"kind": Kind.CORRECT}, "Say what is wrong"),
        (Proof.CURATOR, {"contact": "a@x.org"}, "Say what is wrong"),
        (Proof.CURATOR, {"text": "It is me."}, "Give an address"),
        (Proof.CURATOR, {"text": "x" * 2_001, "contact": "a@x.org"}, "at most 2000"),
        (Proof.CURATOR, {"text": "It is me.", "contact": "a@"}, "valid email address"),
        (Proof.CODE, {"kind": "burn"}, "Select a valid choice"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(client: Client, ada: Author, proof, given, sentence):
    answer = ask(client, ada, proof=proof, **given)
    assert (answer.status_code, sentence in answer.content.decode()) == (400, True)
    assert not RightsRequest.objects.exists()


@pytest.mark.parametrize(
    ("step", "state", "public", "verb"),
    [("grant", State.DONE, False, "granted"), ("refuse", State.REFUSED, True, "refused")],
)
def test_a_curator_decides_what_is_not_proved(client: Client, curator, ada: Author, step, state, public, verb):
    request, _key = begun(ada, proof=Proof.CURATOR, text="It is me.", contact="me@x.org")
    page = reverse("curate_rights_request", args=[request.pk])
    assert "It is me." in client.get(page).content.decode()
    assert client.post(page, {"step": step, "answer": ""}).status_code == 400
    client.post(page, {"step": step, "answer": "So it seems."})
    ada.refresh_from_db()
    request.refresh_from_db()
    assert (request.state, ada.is_public, request.decided_by) == (state, public, curator)
    assert JournalEntry.objects.filter(verb=verb, account_id=curator.pk).count() == 1
    letter = Letter.objects.latest("pk")
    assert (letter.to, "So it seems." in letter.text) == ("me@x.org", True)
    assert client.post(page, {"step": step, "answer": "Again."}).status_code == 400


def test_a_curator_shows_again_what_a_proof_had_hidden(client: Client, curator, ada: Author):
    request, _key = hidden(ada)
    page = reverse("curate_rights_request", args=[request.pk])
    assert "Ada Lovelace" in client.get(page).content.decode()
    client.post(page, {"step": "show", "answer": "The address was of a namesake."})
    ada.refresh_from_db()
    request.refresh_from_db()
    assert (ada.is_public, request.state) == (True, State.REFUSED)
    assert set(JournalEntry.objects.values_list("verb", flat=True)) >= {"hid", "showed"}


def test_nobody_decides_a_request_of_their_own(client: Client, curator, ada: Author):
    request, _key = rights.begin(
        ada, Kind.HIDE, way(ada, Proof.CURATOR), timezone.now(), text="Me.", contact="a@x.org", account=curator
    )
    page = reverse("curate_rights_request", args=[request.pk])
    assert client.post(page, {"step": "grant", "answer": "Yes."}).status_code == 403


def test_only_curators_see_and_decide_requests(client: Client, ada: Author):
    request, _key = begun(ada, proof=Proof.CURATOR, text="It is me.", contact="me@x.org")
    client.force_login(Account.objects.create_user("reader"))
    for page in (reverse("curate_rights"), reverse("curate_rights_request", args=[request.pk])):
        assert client.get(page).status_code == 403
    with pytest.raises(PermissionDenied):
        rights.decide(Account.objects.get(username="reader"), request, "Yes.", timezone.now(), grant=True)


def test_what_waits_is_in_the_inbox_until_it_is_decided(client: Client, curator, ada: Author):
    request, _key = begun(ada, proof=Proof.CURATOR, text="It is me.", contact="me@x.org")
    for page in (reverse("curate"), reverse("curate_rights")):
        assert "Hide it: Ada Lovelace" in client.get(page).content.decode()
    assert "me@x.org" not in client.get(reverse("curate_rights")).content.decode()
    rights.decide(curator, request, "No.", timezone.now(), grant=False)
    assert not inbox.RIGHTS.cases().exists()


# --- limits and hostile text -----------------------------------------------------------------------------------------


def test_too_many_requests_of_one_visitor_are_refused(client: Client, ada: Author):
    for _ in range(5):
        ask(client, ada, proof=Proof.CURATOR, text="It is me.", contact="me@x.org")
    answer = ask(client, ada, proof=Proof.CURATOR, text="It is me.", contact="me@x.org")
    assert (answer.status_code, RightsRequest.objects.count()) == (429, 5)
    assert int(answer["Retry-After"]) > 0


def test_an_address_gets_no_more_letters_than_the_limit_says(client: Client, ada: Author):
    page = ask(client, ada)["Location"]
    answers = [client.post(page, {"step": "resend"}).status_code for _ in range(3)]
    assert answers == [302, 302, 429]
    assert Letter.objects.filter(to=ADDRESS).count() == 3


def test_what_people_write_is_shown_as_text(client: Client, curator, ada: Author):
    attack = "<script>alert(1)</script>"
    request, key = begun(ada, proof=Proof.CURATOR, text=attack, contact="me@x.org")
    shown = [reverse("curate_rights_request", args=[request.pk]), reverse("rights_request", args=[key])]
    shown += [reverse("curate_rights"), reverse("curate")]
    rights.decide(curator, request, attack, timezone.now(), grant=False)
    for page in shown:
        assert attack not in client.get(page).content.decode()


def test_a_link_that_never_was_leads_nowhere(client: Client):
    assert client.get("/rights/0123456789/").status_code == 404
    assert client.post("/rights/0123456789/", {"step": "withdraw"}).status_code == 404


def test_the_profile_leads_to_it(client: Client, ada: Author):
    assert reverse("person_rights", args=[ada.pk]) in client.get(ada.get_absolute_url()).content.decode()


def test_a_hidden_record_offers_nothing(client: Client, ada: Author):
    hidden(ada)
    response = client.get(reverse("person_rights", args=[ada.pk]))
    assert "This record is hidden" in response.content.decode()
    assert "Ada" not in response.content.decode()


def test_the_time_is_given(ada: Author):
    now = datetime(2026, 1, 2, tzinfo=timezone.now().tzinfo)
    request, _key = rights.begin(ada, Kind.HIDE, way(ada, Proof.CODE), now)
    rights.prove_by_code(request, code_in_mail(), now + timedelta(minutes=1))
    assert RightsRequest.objects.get().proved_at == now + timedelta(minutes=1)
