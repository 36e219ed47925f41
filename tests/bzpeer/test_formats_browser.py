"""The other formats of a page in a real browser: data is no script, and the links fit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from papers.models import Paper, Topic
from profiles.models import Author
from tests.conftest import fact
from tests.looking import look
from tests.profiles.test_accounts_browser import page
from tests.test_browser import browser
from tests.walking import place_of

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_browser_takes_linked_data_for_data_and_shows_the_entry_to_copy(page: Page, live_server: Any, bring):
    attack = "</script><script>alert(1)</script>"
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], f"Engines {attack} that compute", abstract="So."))
    paper = Paper.objects.get()
    things: dict[str, Any] = {
        "work": paper,
        "person": Author.objects.get(name="Ada Lovelace"),
        "topic": Topic.objects.get(),
        "institution": place_of(paper, "Ockham University"),
    }
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for name, thing in things.items():
        page.goto(f"{live_server.url}{thing.get_absolute_url()}")
        assert json.loads(page.locator('script[type="application/ld+json"]').inner_text())["@context"]
        assert said == []
        if name == "work":
            page.get_by_text("BibTeX to copy").click()
            assert page.locator("pre").inner_text().startswith("@misc{lovelace2020w")
        look(page, f"formats-{name}")
