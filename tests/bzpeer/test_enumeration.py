"""Nobody learns from an answer whether an address has an account here."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from profiles.models import Account, Letter

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
KNOWN, UNCONFIRMED, UNKNOWN = "adalovelace@example.org", "marysomerville@example.org", "emmynoether@example.org"
FORMS: dict[str, dict[str, str]] = {
    "/accounts/login/": {"login": "{}", "password": "a wrong password"},
    "/accounts/password/reset/": {"email": "{}"},
    "/accounts/signup/": {"email": "{}", "password1": "another good one"},
}


@pytest.fixture(autouse=True)
def accounts(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for address, verified in ((KNOWN, True), (UNCONFIRMED, False)):
        account = Account.objects.create_user(address.partition("@")[0], address, PASSWORD)
        EmailAddress.objects.create(user=account, email=address, verified=verified, primary=True)


def told(page: str, address: str) -> list[tuple[int, str, str]]:
    """(status, where to, page) of the form and of where it leads, without its token and what was typed."""
    client, form = Client(), {name: value.format(address) for name, value in FORMS[page].items()}
    answers, answer = [], client.post(page, form)
    while True:
        text = re.sub(r'(csrfmiddlewaretoken" value=|X-CSRFToken": )"[^"]+"', "", answer.content.decode())
        where = answer.headers.get("Location", "")
        answers.append((answer.status_code, where, text.replace(address, "…")))
        if not where:
            return answers
        answer = client.get(where)


@pytest.mark.parametrize("page", FORMS)
@pytest.mark.parametrize("known", [KNOWN, UNCONFIRMED])
def test_a_known_address_and_an_unknown_one_get_the_same_answers(page: str, known: str):
    assert told(page, known) == told(page, UNKNOWN)


def test_a_known_name_and_an_unknown_one_get_the_same_answer():
    assert told("/accounts/login/", "adalovelace") == told("/accounts/login/", "emmynoether")


@pytest.mark.parametrize("page", ["/accounts/login/", "/accounts/password/reset/"])
def test_the_dear_part_of_the_work_is_the_same(page: str, monkeypatch: pytest.MonkeyPatch):
    """Hashing a password is what takes long enough to be heard over a network."""
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str, *more: Any) -> str:
        hashed.append(password)
        return encode(self, password, salt, *more)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    counts = []
    for address in (KNOWN, UNKNOWN):
        hashed.clear()
        told(page, address)
        counts.append(len(hashed))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("page", FORMS)
def test_an_address_stands_in_no_log_and_in_no_place_that_a_form_leads_to(page: str, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        places = [where for address in (KNOWN, UNKNOWN) for _status, where, _text in told(page, address)]
    written = [record.getMessage() for record in caplog.records if not record.name.startswith("django.db")]
    for address in (KNOWN, UNKNOWN):
        assert not [line for line in [*written, *places] if address in line or address.replace("@", "%40") in line]


def test_whoever_has_an_account_is_told_by_mail_that_somebody_signed_up_with_the_address():
    told("/accounts/signup/", KNOWN)
    assert Letter.objects.filter(to=KNOWN).exists()
    assert Account.objects.filter(emailaddress__email=KNOWN).count() == 1
