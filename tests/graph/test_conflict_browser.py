"""The pages of conflicts and of coauthors in a real browser: light, dark, narrow and wide, without barriers."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect

from profiles.models import Author
from tests.graph.test_conflict_views import world
from tests.looking import look
from tests.test_browser import browser

__all__ = ["browser", "world"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_lists_are_compared_a_line_is_chosen_for_and_the_pages_read_well(
    browser: Browser, live_server: Any, world: dict[str, Author]
) -> None:
    page = browser.new_page()
    page.goto(live_server.url + reverse("conflicts"))
    page.get_by_label("Authors").fill("1. Aal, Ada\nDora Dix (X)\nCarl Coyy\nnobody known")
    page.get_by_label("Reviewers").fill("Bob Baum\nEmil Ernst\nEna Egg")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_label("Carl Coyy").select_option(index=1)
    page.get_by_role("button", name="Compare with these choices").click()
    expect(page.get_by_text("pairs with a conflict among 9")).to_be_visible()
    expect(page.get_by_label("Carl Coyy")).to_have_value(str(world["Carl Coy"].pk))
    look(page, "conflicts")
    page.goto(live_server.url + reverse("coauthor_table", args=[world["Bob Baum"].pk]))
    look(page, "coauthors")
    page.close()
