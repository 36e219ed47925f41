"""Alerts in a real browser: a new work, one click, and it stays gone; nobody stumbles over the page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from profiles.models import Assignment, Author, Follow
from tests.conftest import fact, logged_in
from tests.looking import look
from tests.profiles.test_accounts_browser import page
from tests.test_browser import browser
from tests.walking import with_address

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADA = ["Ada Lovelace", "Charles Babbage"]


def test_a_new_work_comes_with_its_confidence_and_one_click_makes_it_stay_gone(page: Page, live_server: Any, bring):
    reader = with_address("reader")
    logged_in(page, live_server.url, reader)
    page.goto(f"{live_server.url}/alerts/")
    look(page, "alerts-empty")
    bring(*(fact(f"2001.0000{n}", ADA, f"Engines, part {n}", categories=["cs.AR"]) for n in (1, 2, 3)))
    ada = Author.objects.get(name="Ada Lovelace")
    Follow.objects.create(account=reader, author=ada)
    Follow.objects.create(account=reader, author=Author.objects.get(name="Charles Babbage"))
    bring(
        fact("2002.00001", ADA, "Notes on engines", categories=["cs.AR"], abstract="On what an engine may do."),
        fact("2002.00002", ADA, "Poetical science", categories=["cs.AR"], abstract="On how it may be told."),
        fact("2002.00003", ADA, "Diagrams of computation", categories=["cs.AR"]),
    )
    of_ada = Assignment.objects.filter(author=ada)
    of_ada.filter(signature__paper__arxiv_id="2002.00002").update(state="weak", probability=0.91)
    of_ada.filter(signature__paper__arxiv_id="2002.00003").update(state="weak", probability=0.61)

    page.goto(f"{live_server.url}/alerts/")
    expect(page.locator("#waiting-alerts")).to_contain_text("3")
    expect(page.locator(".alert")).to_have_count(3)
    expect(page.get_by_text("whose it likely is: probability 0.910")).to_be_visible()
    look(page, "alerts")

    notes = page.locator(".alert", has_text="Notes on engines")
    ours = notes.locator("li", has_text="You follow Ada Lovelace").first
    ours.get_by_role("button", name="That is another person").click()
    gone = page.locator(".alert", has_text="is of another person than Ada Lovelace")
    expect(gone.get_by_role("button", name="It is this person after all")).to_be_visible()
    expect(gone.get_by_text("You follow Ada Lovelace")).to_have_count(0)
    look(page, "alerts-doubted")
    gone.get_by_role("button", name="It is this person after all").click()
    expect(page.get_by_text("You took it back.")).to_be_visible()
    page.locator(".alert", has_text="Notes on engines").get_by_role(
        "button", name="That is another person"
    ).first.click()
    expect(page.get_by_text("You will hear no more of it")).to_be_visible()

    page.reload()
    notes = page.locator(".alert", has_text="Notes on engines")
    expect(notes.get_by_text("You follow Charles Babbage")).to_be_visible()
    expect(notes.get_by_text("You follow Ada Lovelace")).to_have_count(0)
    expect(page.get_by_role("heading", name="What you said")).to_be_visible()
    page.get_by_role("button", name="Make my feed").click()
    expect(page.locator("#feed .subject")).to_have_text(re.compile(r"/alerts/feed/.+\.atom$"))
    look(page, "alerts-said-and-feed")

    page.get_by_role("link", name="1 work waits for more evidence").click()
    expect(page.get_by_text("probability 0.610, below your limit")).to_be_visible()
    look(page, "alerts-waiting")
