"""Sign-in with ORCID: the whole exchange of codes, against a scripted server; and everything without it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from profiles.accounts.adapter import ConnectionAdapter
from profiles.models import Account, Letter
from tests.conftest import REPO_ROOT
from tests.profiles.test_accounts import PASSWORD, ada, link_in, log_in, newest_letter

pytestmark = pytest.mark.django_db

ID = "0000-0002-1825-0097"


class Answer:
    """What the scripted server answers."""

    def __init__(self, status: int, data: Any) -> None:
        self.status_code, self.data = status, data
        self.headers = {"content-type": "application/json"}
        self.text = self.content = str(data)

    def json(self) -> Any:
        return self.data


class Server:
    """ORCID's two addresses: a code is exchanged once, and the public record of its iD is full of private things."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.code = "a-code"

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: Any) -> None:
        return None

    def request(self, method: str, url: str, data: dict[str, str], **_: Any) -> Answer:
        assert (method, url) == ("POST", "https://pub.orcid.org/oauth/token")
        self.asked.append(data)
        if data["code"] != self.code or data["client_secret"] != "a-secret":
            return Answer(401, {"error": "invalid_grant"})
        self.code = ""
        return Answer(200, {"access_token": "a-token", "orcid": ID, "name": "Ada Private", "expires_in": 100})

    def get(self, url: str, **_: Any) -> Answer:
        assert url == f"https://pub.orcid.org/v3.0/{ID}/record"
        person = {
            "name": {"given-names": {"value": "Ada"}, "family-name": {"value": "Private"}},
            "emails": {"email": [{"email": "ada@example.org", "verified": True}]},
        }
        return Answer(200, {"orcid-identifier": {"path": ID, "uri": f"https://orcid.org/{ID}"}, "person": person})


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Server:
    cache.clear()
    app = {"client_id": "APP-1", "secret": "a-secret"}
    orcid = settings.SOCIALACCOUNT_PROVIDERS["orcid"] | {"APPS": [app]}
    settings.SOCIALACCOUNT_PROVIDERS = {"orcid": orcid}
    settings.ORCID_CLIENT_ID = "APP-1"
    server = Server()
    monkeypatch.setattr(ConnectionAdapter, "get_requests_session", lambda self: server)
    return server


def go_and_come_back(client: Client, process: str = "login", **changed: str) -> Any:
    """To ORCID's page and back from it, with what a browser would bring along."""
    away = client.post(f"{reverse('orcid_login')}?process={process}")["Location"]
    address, asked = urlsplit(away), parse_qs(urlsplit(away).query)
    assert (address.netloc, address.path) == ("orcid.org", "/oauth/authorize")
    assert asked["scope"] == ["/authenticate"]
    assert asked["redirect_uri"] == ["http://testserver/accounts/orcid/login/callback/"]
    back = {"code": "a-code", "state": asked["state"][0]} | changed
    return client.get(reverse("orcid_callback"), {name: value for name, value in back.items() if value})


def test_a_new_person_gives_an_address_and_confirms_it(client: Client, server: Server):
    answer = go_and_come_back(client)
    assert answer["Location"] == reverse("socialaccount_signup")
    page = client.get(reverse("socialaccount_signup")).content.decode()
    assert ID in page
    assert "ada@example.org" not in page  # of the public record: not taken over
    client.post(reverse("socialaccount_signup"), {"email": "ada@example.net"})
    account = Account.objects.get()
    assert account.get_username().startswith("r-")
    assert (account.first_name, account.last_name) == ("", "")
    assert "_auth_user_id" not in client.session
    client.post(link_in(newest_letter("ada@example.net")))
    stranger = Client()
    server.code = "a-code"
    go_and_come_back(stranger)
    assert stranger.session["_auth_user_id"] == str(account.pk)


def test_nothing_but_the_id_is_kept(client: Client, server: Server):
    go_and_come_back(client)
    client.post(reverse("socialaccount_signup"), {"email": "ada@example.net"})
    connection = SocialAccount.objects.get()
    assert (connection.provider, connection.uid, connection.extra_data) == ("orcid", ID, {})
    assert not SocialToken.objects.exists()
    assert "Private" not in str(list(Account.objects.values()))


def test_an_id_is_connected_to_the_account_that_one_is_in(client: Client, server: Server):
    account = ada()
    log_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    go_and_come_back(client, "connect")
    assert SocialAccount.objects.get(user=account).uid == ID
    assert "connected" in Letter.objects.latest("pk").subject
    assert ID in client.get(reverse("account")).content.decode()


def test_an_account_is_never_found_by_an_address(client: Client, server: Server):
    ada()  # has the address that the public record shows as confirmed
    go_and_come_back(client)
    assert "_auth_user_id" not in client.session
    client.post(reverse("socialaccount_signup"), {"email": "ada@example.org"})
    assert not SocialAccount.objects.exists()
    assert "_auth_user_id" not in client.session
    assert EmailAddress.objects.get().user.get_username() == Account.objects.get().get_username()


@pytest.mark.parametrize("changed", [{"state": "forged"}, {"state": ""}, {"code": "another"}, {"code": ""}])
def test_a_forged_return_logs_nobody_in(client: Client, server: Server, changed: dict[str, str]):
    SocialAccount.objects.create(user=ada(), provider="orcid", uid=ID)
    go_and_come_back(client, **changed)
    assert "_auth_user_id" not in client.session


def test_who_goes_back_changes_nothing(client: Client, server: Server):
    answer = go_and_come_back(client, code="", error="access_denied")
    assert client.get(answer["Location"]).status_code == 200
    assert server.asked == []
    assert not Account.objects.exists()


def test_a_get_of_the_door_leads_nowhere_yet(client: Client, server: Server):
    page = client.get(reverse("orcid_login"))
    assert page.status_code == 200
    assert b"Log in with ORCID" in page.content


def test_a_second_factor_is_asked_for_after_orcid_too(client: Client, server: Server):
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    account = ada()
    SocialAccount.objects.create(user=account, provider="orcid", uid=ID)
    TOTP.activate(account, generate_totp_secret())
    assert go_and_come_back(client)["Location"] == reverse("mfa_authenticate")
    assert "_auth_user_id" not in client.session


# Without it


def test_without_a_client_there_is_no_button_and_no_page(client: Client):
    assert "ORCID" not in client.get(reverse("account_login")).content.decode()
    assert "ORCID" not in client.get(reverse("account_signup")).content.decode()
    for address in (reverse("orcid_login"), reverse("orcid_callback")):
        assert client.get(address).status_code == 404
        assert client.post(address).status_code in (404, 405)


def test_with_a_client_there_is_a_button(client: Client, server: Server):
    for page in ("account_login", "account_signup"):
        assert reverse("orcid_login") in client.get(reverse(page)).content.decode()


def test_what_was_connected_can_be_disconnected_when_it_is_switched_off(client: Client):
    cache.clear()
    connection = SocialAccount.objects.create(user=ada(), provider="orcid", uid=ID)
    log_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("socialaccount_connections"), {"account": connection.pk})
    assert not SocialAccount.objects.exists()
    assert client.get(reverse("socialaccount_connections")).status_code == 200


@pytest.mark.parametrize(("flag", "site"), [("0", "orcid.org"), ("1", "sandbox.orcid.org")])
def test_the_sandbox_is_a_setting(flag: str, site: str):
    code = (
        "import django; django.setup()\n"
        "from allauth.socialaccount.providers.orcid.views import OrcidOAuth2Adapter as A\n"
        "from django.conf import settings\n"
        "print(A.authorize_url, A.access_token_url, settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'][1])"
    )
    environment = os.environ | {"ORCID_CLIENT_ID": "APP-1", "ORCID_SECRET": "s", "ORCID_SANDBOX": flag}
    environment |= {"DJANGO_SETTINGS_MODULE": "bzpeer.settings"}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=REPO_ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [
        f"https://{site}/oauth/authorize",
        f"https://pub.{site}/oauth/token",
        f"https://{site}",
    ]
