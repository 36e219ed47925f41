"""Sign-ins and what changes how an account is entered stand in the append-only journal."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from papers.models import JournalEntry
from profiles.models import Account, Author
from tests.profiles.test_accounts import PASSWORD, ada, code_for, link_in, log_in, newest_letter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_limits_of_earlier_tests() -> None:
    cache.clear()


def told() -> list[tuple[str, str, str]]:
    """(who, what, about whom) of every row, the oldest first."""
    rows = JournalEntry.objects.order_by("pk")
    return [(row.account_name, row.verb, row.subject) for row in rows]


def test_coming_and_going_are_written(client: Client):
    name = ada().get_username()
    log_in(client)
    client.post(reverse("account_logout"))
    assert told() == [(name, "logged in", name), (name, "logged out", name)]


def test_a_wrong_password_names_the_account_and_nobody_as_who_did_it(client: Client):
    name = ada().get_username()
    log_in(client, "a wrong password")
    assert told() == [("", "failed login", name)]


def test_what_is_typed_for_no_account_is_written_nowhere(client: Client, caplog: pytest.LogCaptureFixture):
    typed = "my secret password\n2026-01-01 INFO bzpeer: root logged in"
    log_in(client, login=typed)
    assert told() == []
    assert "A login failed" in caplog.text
    assert "my secret" not in caplog.text
    assert "root logged in" not in caplog.text


def test_sign_up_and_the_confirmed_address_are_written_without_the_address(client: Client):
    client.post(reverse("account_signup"), {"email": "ada@example.org", "password1": PASSWORD})
    client.post(link_in(newest_letter()))
    assert [verb for _who, verb, _whom in told()][:2] == ["signed up", "confirmed an address"]
    assert "ada@" not in str(list(JournalEntry.objects.values()))


def test_changes_of_password_address_and_factor_are_written(client: Client, django_capture_on_commit_callbacks: Any):
    ada()
    log_in(client)
    new = "another lathe in the yard"
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new})
    client.post(reverse("account_reauthenticate"), {"password": new})
    client.post(reverse("account_email"), {"email": "ada@example.net", "action_add": ""})
    client.post(link_in(newest_letter("ada@example.net")))
    client.post(reverse("account_email"), {"email": "ada@example.net", "action_primary": ""})
    client.post(reverse("account_email"), {"email": "ada@example.org", "action_remove": ""})
    client.get(reverse("mfa_activate_totp"))
    secret = client.session["mfa.totp.secret"]
    with django_capture_on_commit_callbacks(execute=True):  # allauth tells of it once it is committed
        client.post(reverse("mfa_activate_totp"), {"code": code_for(secret)})
    client.post(reverse("mfa_deactivate_totp"))
    verbs = [verb for _who, verb, _whom in told()]
    for verb in (
        "changed the password",
        "added an address",
        "confirmed an address",
        "changed the primary address",
        "removed an address",
        "added a second factor",
        "removed a second factor",
    ):
        assert verb in verbs, verbs
    assert generate_totp_secret() not in str(list(JournalEntry.objects.values()))
    assert secret not in str(list(JournalEntry.objects.values()))


def test_a_wrong_code_is_written(client: Client):
    from allauth.mfa.totp.internal.auth import TOTP

    TOTP.activate(ada(), generate_totp_secret())
    log_in(client)
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert told()[-1][1] == "failed second factor"


def test_what_the_admin_notes_goes_into_the_journal_and_accounts_only_once(db: None):
    root = Account.objects.create_superuser("root")
    for model in (Author, Account):
        kind = ContentType.objects.get_for_model(model)
        LogEntry.objects.create(user=root, content_type=kind, object_id="7", object_repr="x", action_flag=CHANGE)
    entry = JournalEntry.objects.get()
    assert (entry.account_name, entry.verb) == ("root", "change in the admin")
    assert entry.details == {"of": "profiles.author", "row": "7"}


def test_another_s_unconfirmed_address_does_not_take_the_blame(client: Client):
    eve: Any = Account.objects.create_user("eve", password=PASSWORD)
    EmailAddress.objects.create(user=eve, email="ada@example.org", verified=False)
    log_in(client, "a wrong password")
    assert told() == []
