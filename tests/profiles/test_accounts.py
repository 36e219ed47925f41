"""Accounts: sign-up, confirmation, login, passwords, second factors and mail."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from profiles.accounts import adapter
from profiles.models import Account, Letter
from tests.conftest import with_role

pytestmark = pytest.mark.django_db

PASSWORD = "a quiet lathe in the yard"


@pytest.fixture(autouse=True)
def _no_limits_of_earlier_tests() -> None:
    cache.clear()


def ada(**more: Any) -> Account:
    """Ada, with a confirmed address and PASSWORD."""
    account = Account.objects.create_user(adapter.new_name(), "ada@example.org", PASSWORD, **more)
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return account


def link_in(letter: Letter) -> str:
    """The path of the letter's link; it leads to the site's own address, whatever the Host of the request was."""
    found = re.search(re.escape(settings.SITE_URL) + r"(/\S+)", letter.text)
    assert found
    return found[1]


def newest_letter(to: str = "ada@example.org") -> Letter:
    return Letter.objects.filter(to=to).latest("pk")


def log_in(client: Client, password: str = PASSWORD, login: str = "ada@example.org") -> Any:
    return client.post(reverse("account_login"), {"login": login, "password": password})


def code_for(secret: str) -> str:
    """What the app shows now."""
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())))))


def test_sign_up_confirm_and_log_in(client: Client):
    answer = client.post(reverse("account_signup"), {"email": "ada@example.org", "password1": PASSWORD})
    assert answer["Location"] == reverse("account_email_verification_sent")
    link = link_in(newest_letter())
    assert b"<button" in client.get(link).content
    assert not EmailAddress.objects.get(email="ada@example.org").verified  # a GET confirms nothing
    client.post(link)
    assert EmailAddress.objects.get(email="ada@example.org").verified
    assert log_in(Client()).status_code == 302


def test_the_name_says_nothing_of_the_address(client: Client):
    client.post(reverse("account_signup"), {"email": "ada.lovelace@example.org", "password1": PASSWORD})
    name = Account.objects.get(email="ada.lovelace@example.org").get_username()
    assert re.fullmatch(r"r-[0-9a-f]{20}", name)


def test_whoever_has_not_confirmed_cannot_log_in(client: Client):
    client.post(reverse("account_signup"), {"email": "ada@example.org", "password1": PASSWORD})
    stranger = Client()
    assert log_in(stranger)["Location"] == reverse("account_email_verification_sent")
    assert "_auth_user_id" not in stranger.session


def test_login_by_name_for_an_account_without_an_address(client: Client):
    Account.objects.create_user("demo", password=PASSWORD)
    assert log_in(client, login="demo")["Location"] == reverse("home")


def without_tokens(page: bytes, *words: str) -> str:
    """The page without what differs from one asking to the next."""
    text = re.sub(r'(csrfmiddlewaretoken" value=")[^"]+', r"\1", page.decode())
    for word in words:
        text = text.replace(word, "")
    return text


@pytest.mark.parametrize("page", ["account_signup", "account_reset_password", "account_login"])
def test_known_and_unknown_addresses_get_the_same_answer(page: str):
    ada()
    answers = []
    for address in ("ada@example.org", "bob@example.org"):
        client = Client()
        form = {"email": address, "login": address, "password1": PASSWORD, "password": "wrong words altogether"}
        answer = client.post(reverse(page), form, follow=True)
        answers.append((answer.status_code, answer.redirect_chain, without_tokens(answer.content, address)))
    assert answers[0] == answers[1]


def test_who_signs_up_again_is_told_by_mail(client: Client):
    ada()
    client.post(reverse("account_signup"), {"email": "ada@example.org", "password1": PASSWORD})
    assert Account.objects.count() == 1
    assert "already" in newest_letter().text


@pytest.mark.parametrize(
    ("password", "is_good"),
    [
        ("lathe in yar", True),
        ("lathe in ya", False),
        ("111112222233333444", True),  # no rule of composition
        ("x" * 128 + " and a lathe", True),
        ("password1234", False),
        ("1qaz2wsx3edc", False),
        ("ada@example.org", False),
        ("ada.example.org", False),
        ("ляпис лазурь 青金石", True),
    ],
)
def test_passwords_by_length_and_commonness_alone(client: Client, password: str, is_good: bool):
    client.post(reverse("account_signup"), {"email": "ada@example.org", "password1": password})
    assert Account.objects.exists() == is_good


def test_a_login_changes_the_session(client: Client):
    ada()
    client.get(reverse("account_login"))
    client.session["kept"] = True
    session = client.session
    session.save()
    before = str(session.session_key)
    client.cookies[settings.SESSION_COOKIE_NAME] = before
    log_in(client)
    assert client.session.session_key not in {None, before}


def test_a_password_change_ends_other_sessions_and_sends_a_notice(client: Client):
    account, other = ada(), Client()
    log_in(client)
    log_in(other)
    new = "another lathe in the yard"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    client.post(reverse("account_change_password"), form)
    assert client.get(reverse("account")).status_code == 200
    assert other.get(reverse("account")).status_code == 302
    assert "password" in newest_letter().subject.lower()
    account.refresh_from_db()
    assert account.check_password(new)


def test_a_password_reset_works_once_and_ends_sessions(client: Client):
    ada()
    other = Client()
    log_in(other)
    client.post(reverse("account_reset_password"), {"email": "ada@example.org"})
    link = link_in(newest_letter())
    form_address = client.get(link)["Location"]
    new = "another lathe in the yard"
    client.post(form_address, {"password1": new, "password2": new})
    assert other.get(reverse("account")).status_code == 302
    assert log_in(Client(), new).status_code == 302
    assert b"password1" not in Client().get(link, follow=True).content


@pytest.mark.parametrize("page", ["account_email", "mfa_activate_totp", "mfa_generate_recovery_codes"])
def test_what_gives_power_asks_for_the_password_again(client: Client, page: str):
    client.force_login(ada())
    assert client.post(reverse(page), {"email": "eve@example.org", "action_add": ""})["Location"].startswith(
        reverse("account_reauthenticate")
    )


def test_codes_of_an_app_are_asked_for_at_login(client: Client):
    account = ada()
    secret = generate_totp_secret()
    TOTP.activate(account, secret)
    assert secret not in str(Authenticator.objects.get(user=account).data)  # encrypted
    assert log_in(client)["Location"] == reverse("mfa_authenticate")
    assert client.get(reverse("account")).status_code == 302
    client.post(reverse("mfa_authenticate"), {"code": code_for(secret)})
    assert client.get(reverse("account")).status_code == 200


def test_an_entrusted_account_without_a_second_factor_is_led_to_set_one_up(client: Client):
    account = with_role("curator")
    client.force_login(account)
    assert client.get(reverse("curate")).status_code == 200
    Authenticator.objects.all().delete()
    for address in (reverse("home"), reverse("curate"), reverse("admin:index"), reverse("account")):
        assert client.get(address)["Location"] == reverse("mfa_index")
    assert client.post(reverse("curate_decide")).status_code == 403
    for address in (reverse("mfa_index"), reverse("account_email"), "/healthz", "/static/css/bzpeer.css"):
        assert client.get(address).status_code == 200, address
    assert b"second factor" in client.get(reverse("mfa_index")).content


def test_recovery_codes_alone_are_no_second_factor(client: Client):
    account = with_role("curator")
    Authenticator.objects.filter(user=account).update(type=Authenticator.Type.RECOVERY_CODES)
    client.force_login(account)
    assert client.get(reverse("curate"))["Location"] == reverse("mfa_index")


def test_a_reader_needs_no_second_factor(client: Client):
    client.force_login(ada())
    assert client.get(reverse("home")).status_code == 200


def test_the_rule_can_be_switched_off_for_all_or_for_one(client: Client, settings: Any):
    account = with_role("curator")
    Authenticator.objects.all().delete()
    client.force_login(account)
    settings.SECOND_FACTOR_EXEMPT = ["demo"]
    assert client.get(reverse("curate")).status_code == 302
    settings.SECOND_FACTOR_EXEMPT = ["curator"]
    assert client.get(reverse("curate")).status_code == 200
    settings.SECOND_FACTOR_EXEMPT, settings.STAFF_SECOND_FACTOR = [], False
    assert client.get(reverse("curate")).status_code == 200


def test_the_admin_logs_in_through_the_same_door(client: Client):
    Account.objects.create_superuser("root", password=PASSWORD)
    answer = client.post("/admin/login/", {"username": "root", "password": PASSWORD, "next": "/admin/"})
    assert answer["Location"].startswith(reverse("account_login"))
    assert "_auth_user_id" not in client.session


def test_sessions_are_listed_and_the_others_can_be_ended(client: Client):
    ada()
    other = Client(headers={"user-agent": "The other browser"})
    log_in(other)
    log_in(client)
    client.get(reverse("home"))
    other.get(reverse("home"))
    assert b"The other browser" in client.get(reverse("usersessions_list")).content
    client.post(reverse("usersessions_list"))
    assert other.get(reverse("account")).status_code == 302
    assert client.get(reverse("account")).status_code == 200
