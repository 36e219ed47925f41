"""People in a real browser, each with a context of their own: what tests of whole sessions have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from profiles.models import Letter
from tests.looking import look

# What the browser says, and htmx after it, of an answer that is no success; and of a swapped-in `autofocus` that htmx
# has already honoured by the time Chromium looks at it, which depends on the next frame.
EXPECTED = ("Failed to load resource", "Response Status Error Code 4", "Autofocus processing was blocked")
PASSWORD = "correct horse battery staple"


class Visitor:
    """Somebody with a browser of their own, whose console stays silent."""

    def __init__(self, browser: Browser, site: str) -> None:
        self.context: BrowserContext = browser.new_context(accept_downloads=True)
        self.page: Page = self.context.new_page()
        self.site, self.said = site, list[str]()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def goes(self, address: str) -> Page:
        self.page.goto(self.site + address)
        return self.page

    def presses(self, name: str, nth: int = 0) -> None:
        self.page.locator("main").get_by_role("button", name=name, exact=True).nth(nth).click()

    def follows(self, name: str) -> None:
        self.page.locator("main").get_by_role("link", name=name, exact=True).first.click()

    def sees(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(text)

    def looks(self, step: str) -> None:
        look(self.page, step)

    def signs_up(self, email: str) -> None:
        page = self.goes("/accounts/signup/")
        page.get_by_label("Email", exact=True).fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        self.looks("01-sign-up")
        self.presses("Sign up")
        self.looks("02-confirm-sent")
        self.page.goto(link_of(email, r"\S+/accounts/confirm-email/\S+"))
        self.looks("03-confirm")
        self.presses("Yes, it is mine")
        if "/login" in self.page.url:
            page.get_by_label("E-mail or user name").fill(email)
            page.get_by_label("Password").fill(PASSWORD)
            self.presses("Log in")


@pytest.fixture
def visitor(browser: Browser, live_server: Any, settings: Any) -> Iterator[Callable[[], Visitor]]:
    """visitor(): a new one. Its console is silent but for what is expected of it."""
    settings.SITE_URL = str(live_server.url)
    there: list[Visitor] = []

    def visitor() -> Visitor:
        there.append(Visitor(browser, str(live_server.url)))
        return there[-1]

    yield visitor
    for one in there:
        one.context.close()
        said = [text for text in one.said if not text.startswith(EXPECTED)]
        assert not said, said


def link_of(email: str, pattern: str) -> str:
    """What the newest letter to that address leads to."""
    text = Letter.objects.filter(to=email).latest("pk").text
    found = re.search(pattern, text)
    assert found, text
    return found[0]
