"""The page of the API and the page of keys in a real browser: nothing from elsewhere, and nothing refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser

from profiles.accounts import keys
from profiles.models import Account
from tests.conftest import logged_in
from tests.looking import look
from tests.test_browser import browser

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_pages_of_the_api_work_under_the_policy_of_the_house(browser: Browser, live_server: Any):
    page = browser.new_context().new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{live_server.url}/api/")
    page.wait_for_selector(".opblock-summary-path")
    assert page.locator(".opblock").count() == 12
    loaded = page.evaluate("performance.getEntriesByType('resource').map(r => new URL(r.name).origin)")
    assert {*loaded} == {live_server.url}
    assert said == []
    look(page, "api")

    account = Account.objects.create_user("reader")
    keys.make(account, "weekly copy")
    logged_in(page, live_server.url, account)
    page.goto(f"{live_server.url}/account/keys/")
    page.get_by_label("What the key is for").fill("a second one")
    page.get_by_role("button", name="Make a key").click()
    text = page.locator("pre code").first.inner_text()
    look(page, "api-keys")
    answer = Client().get("/api/v1/topics", headers={"Authorization": f"Bearer {text}"})
    assert (answer.status_code, answer["RateLimit-Policy"]) == (200, '"api_key";q=1000;w=60')
