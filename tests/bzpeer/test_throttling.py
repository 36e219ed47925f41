"""Doors that are not ours to decorate: how often one may knock at each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from redis import Redis
from redis.exceptions import ConnectionError

from bzpeer.throttling import READING, TABLE
from papers.limits import HOUR, LIMITS, Limit
from profiles.models import Account

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ada() -> Account:
    account = Account.objects.create_user("ada", "ada@example.org", PASSWORD)
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return account


def sign_in(name: str = "ada@example.org", password: str = "wrong", client: str = "192.0.2.1", **more: str) -> int:
    form = {"login": name, "password": password}
    return Client().post(LOGIN, form, REMOTE_ADDR=client, **more).status_code  # type: ignore[arg-type]


def names(resolver: URLResolver, space: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield f"{space}{entry.name}"
        else:
            yield from names(entry, f"{entry.namespace}:" if entry.namespace else space)


def test_every_row_of_the_tables_is_an_address():
    assert {*TABLE, *READING} <= set(names(get_resolver()))


def test_of_a_client_ten_sign_ins_in_five_minutes_are_looked_at(ada: Account):
    assert [sign_in(f"name{n}") for n in range(9)] == [200] * 9
    assert sign_in("ada@example.org", PASSWORD) == 302
    assert sign_in("ada@example.org", PASSWORD) == 429
    assert sign_in("ada@example.org", PASSWORD, client="192.0.2.2") == 302


def test_of_a_name_ten_sign_ins_are_looked_at_from_wherever_they_come(ada: Account):
    assert [sign_in(client=f"192.0.2.{n}") for n in range(10)] == [200] * 10
    assert sign_in(password=PASSWORD, client="192.0.2.99") == 429
    assert sign_in("ADA@example.org", PASSWORD, client="192.0.2.98") == 429
    assert sign_in("somebody.else", client="192.0.2.97") == 200


def test_of_everybody_a_number_of_sign_ins_is_looked_at(ada: Account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(LIMITS, "sign_in_all", (Limit(3, 300),))
    assert [sign_in(f"name{n}", client=f"192.0.2.{n}") for n in range(4)] == [200, 200, 200, 429]


def test_an_invented_forwarding_address_is_no_new_client(ada: Account):
    tried = [sign_in(f"name{n}", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}") for n in range(11)]
    assert tried == [200] * 10 + [429]


def test_behind_a_proxy_everybody_has_their_own(ada: Account, settings):
    settings.PROXIES = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    def knock(name: str, forwarded: str) -> int:
        return sign_in(name, client="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)

    assert [knock(f"name{n}", f"203.0.113.{n}, 192.0.2.1") for n in range(11)] == [200] * 10 + [429]
    assert knock("another", "192.0.2.2") == 200


def test_looking_at_the_form_counts_nothing(client: Client):
    assert {client.get(LOGIN).status_code for _ in range(12)} == {200}


def test_the_admins_own_form_has_the_same_limits(ada: Account):
    assert [sign_in(f"name{n}") for n in range(10)] == [200] * 10
    form = {"username": "ada", "password": PASSWORD}
    assert Client().post("/admin/login/", form, REMOTE_ADDR="192.0.2.1").status_code == 429


def test_five_wrong_second_factors_close_the_door_for_that_account_in_every_session(ada: Account):
    TOTP.activate(ada, generate_totp_secret())
    for n in range(7):
        session = Client()
        entered = session.post(LOGIN, {"login": "ada", "password": PASSWORD}, REMOTE_ADDR=f"192.0.2.{n}")
        assert entered["Location"] == reverse("mfa_authenticate")
        answer = session.post(entered["Location"], {"code": "000000"}, REMOTE_ADDR=f"192.0.2.{n}")
        assert answer.status_code == (200 if n < 5 else 429)
        assert "_auth_user_id" not in session.session


def test_a_password_is_asked_again_as_often_as_it_is_for_signing_in(client: Client, ada: Account):
    client.force_login(ada)
    tries = [client.post("/accounts/reauthenticate/", {"password": "wrong"}).status_code for _ in range(11)]
    assert tries == [200] * 10 + [429]


def test_an_address_gets_five_letters_about_its_password_a_day(ada: Account, mailoutbox: list[object]):
    def ask(address: str, client: str) -> int:
        return Client().post("/accounts/password/reset/", {"email": address}, REMOTE_ADDR=client).status_code

    assert [ask("ada@example.org", f"192.0.2.{n}") for n in range(6)] == [302] * 5 + [429]
    assert [ask("nobody@example.org", f"192.0.2.{n}") for n in range(6)] == [302] * 5 + [429]
    assert [ask(f"x{n}@example.org", "192.0.2.100") for n in range(21)] == [302] * 20 + [429]


def test_signing_up_is_limited_by_client_and_by_the_address_that_gets_the_letter():
    def sign_up(address: str, client: str) -> int:
        form = {"email": address, "password1": PASSWORD}
        return Client().post("/accounts/signup/", form, REMOTE_ADDR=client).status_code

    assert [sign_up("bob@example.org", f"192.0.2.{n}") for n in range(4)] == [302] * 3 + [429]
    cache.clear()
    assert [sign_up(f"no address {n}", "192.0.2.1") for n in range(21)][-2:] == [200, 429]


def test_two_addresses_a_day_are_added_to_an_account(client: Client, ada: Account):
    client.force_login(ada)
    added = [
        client.post("/accounts/email/", {"email": f"ada{n}@example.org", "action_add": ""}).status_code
        for n in range(3)
    ]
    assert added[-1] == 429
    assert 429 not in added[:-1]


def test_five_searches_a_second_and_the_sixth_is_told_when(client: Client, monkeypatch: pytest.MonkeyPatch):
    assert LIMITS["search"][0] == Limit(5, 1, open=True)
    monkeypatch.setitem(LIMITS, "search", (Limit(5, HOUR, open=True),))  # six may take more than a second here
    answers = [client.get(f"/search/?q={letter}", headers={"HX-Request": "true"}) for letter in "abc"]
    answers += [client.head("/search/"), client.get("/search/?q=d"), client.get("/search/?q=e")]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    monkeypatch.setattr("bzpeer.throttling.take", lambda name, key: 0.4)
    refused = client.get("/search/?q=f")
    assert (refused.status_code, refused["Retry-After"]) == (429, "1")
    assert "Try again in 1 second" in refused.content.decode()


def test_without_redis_nobody_signs_in_and_everybody_searches(
    client: Client, ada: Account, monkeypatch: pytest.MonkeyPatch
):
    def away(self: Redis, *arguments: object) -> None:
        raise ConnectionError("away")

    monkeypatch.setattr(Redis, "eval", away)
    assert sign_in(password=PASSWORD) == 429
    assert client.get("/search/?q=ada").status_code == 200
