"""Every page of an account in a real browser: light, dark, narrow and wide, without barriers; and a real passkey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from tests.looking import look
from tests.profiles.test_accounts import PASSWORD, ada, code_for
from tests.test_browser import browser

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page on which anything said on the console is a failure."""
    cache.clear()
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    # The browser itself notes answers that are no success, such as a refused form, and gives hints on forms.
    assert [text for text in said if not text.startswith(("Failed to load resource", "[DOM]"))] == []


def come_in(page: Page, site: str) -> None:
    page.goto(f"{site}{reverse('account_login')}?next={reverse('account')}")
    page.get_by_label("E-mail or user name").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in", exact=True).click()


def test_pages_of_a_visitor(page: Page, live_server: Any):
    account = ada()
    unconfirmed = EmailAddress.objects.create(user=account, email="ada@example.net")
    key = EmailConfirmationHMAC(unconfirmed).key
    pages = {
        "login": reverse("account_login"),
        "signup": reverse("account_signup"),
        "sent": reverse("account_email_verification_sent"),
        "reset": reverse("account_reset_password"),
        "reset-done": reverse("account_reset_password_done"),
        "reset-bad": reverse("account_reset_password_from_key", args=["1", "a-b"]),
        "confirm": reverse("account_confirm_email", args=[key]),
        "confirm-bad": reverse("account_confirm_email", args=["nonsense"]),
        "closed": reverse("account_inactive"),
        "failed": reverse("socialaccount_login_error"),
    }
    for name, address in pages.items():
        page.goto(live_server.url + address)
        look(page, name)


def test_pages_of_an_account(page: Page, live_server: Any):
    site, account = live_server.url, ada()
    EmailAddress.objects.create(user=account, email="ada.lovelace@a-rather-long-department.example.org")
    SocialAccount.objects.create(user=account, provider="orcid", uid="0000-0002-1825-0097")
    come_in(page, site)
    expect(page.get_by_role("heading", level=1)).to_have_text("ada")
    look(page, "hub")
    page.get_by_role("link", name="Second factor").click()
    look(page, "factors")
    page.get_by_role("link", name="Set up the app").click()
    look(page, "again")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    look(page, "totp")
    page.get_by_label("Authenticator code").fill("000000")
    page.get_by_role("button", name="Turn on").click()
    look(page, "totp-wrong")
    page.get_by_label("Authenticator code").fill(code_for(page.get_by_label("Key").input_value()))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    look(page, "codes")
    names = {
        "addresses": "account_email",
        "password": "account_change_password",
        "sessions": "usersessions_list",
        "connections": "socialaccount_connections",
        "factors-on": "mfa_index",
        "totp-off": "mfa_deactivate_totp",
        "codes-new": "mfa_generate_recovery_codes",
        "logout": "account_logout",
        "delete": "account_delete",
    }
    for name, route in names.items():
        page.goto(site + reverse(route))
        look(page, name)
    page.get_by_role("main").get_by_label("Type the word").fill("no")
    page.get_by_role("button", name="for good").click()
    look(page, "delete-wrong")


def test_a_passkey_is_added_and_logs_in(page: Page, live_server: Any):
    site, account = live_server.url.replace("127.0.0.1", "localhost"), ada()
    developer = page.context.new_cdp_session(page)
    developer.send("WebAuthn.enable")
    key = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = key | {"isUserVerified": True, "automaticPresenceSimulation": True}
    developer.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    come_in(page, site)
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    look(page, "passkey-add")
    page.get_by_label("Log in with it alone").check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url(lambda address: reverse("mfa_add_webauthn") not in address)  # after the key was made in the page
    assert Authenticator.objects.filter(user=account, type=Authenticator.Type.WEBAUTHN).exists()
    page.goto(site + reverse("mfa_list_webauthn"))
    look(page, "passkeys")
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{site}{reverse('account_login')}?next={reverse('account')}")
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ada")
