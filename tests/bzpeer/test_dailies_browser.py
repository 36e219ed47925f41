"""The day's papers in a real browser: from the start page through the days, in place and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from papers.models import Batch, DailyListing, Paper
from papers.paging import PAGE
from profiles.models import Account, Author, Follow, TopicFollow, Trend
from tests.conftest import fact, logged_in
from tests.test_browser import browser
from tests.visiting import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["browser", "visitor"]


def test_a_reader_goes_through_the_days(visitor: Callable[[], Visitor], bring: Callable[..., Batch], browser: Browser):
    bring(
        *(
            fact(
                f"2512.{n:05}",
                ["Ada Lovelace", "Charles Babbage", f"Friend {'abcdefgh'[n % 8] * 3}"],
                f"Note {n} on engines, and on what $O(n^2)$ of them weave",
                abstract="They weave, and so do looms. " * (1 + n % 40),
                created=f"2025-12-{(15, 15, 15, 12, 17)[n % 5]}",
                categories=[("cs.LG", "math.CO", "astro-ph.GA", "q-bio.NC")[n % 4], "cs.AI"],
            )
            for n in range(100)
        )
    )
    engines = Paper.objects.get(arxiv_id="2512.00001")
    DailyListing.objects.create(paper=engines, day="2025-12-15", votes=27, comments=1)
    Trend.objects.create(paper=engines, likes=3, comments=2)
    reader = Account.objects.create_user("reader")
    Follow.objects.create(account=reader, author=Author.objects.get(name="Ada Lovelace"))
    TopicFollow.objects.create(account=reader, topic=engines.topics.get(slug="combinatorics"))

    me = visitor()
    page = me.goes("/")
    me.looks("daily-1-home")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Papers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dec. 17, 2025")
    page.get_by_role("navigation", name="Days with papers", exact=True).get_by_role("link", name="Dec. 15").click()
    expect(page.locator(".papers > li")).to_have_count(PAGE + 1)
    me.looks("daily-2-day")
    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".papers > li")).to_have_count(2 * PAGE + 1)
    me.follows("Week")
    me.sees("Week 51 of 2025")
    me.looks("daily-3-week")
    me.follows("Month")
    me.looks("daily-4-month")
    me.goes("/papers/date/2025-12-15/?topic=combinatorics")
    me.looks("daily-5-topic")
    me.goes("/papers/date/2025-12-14/")
    me.looks("daily-6-empty")
    me.goes("/papers/date/2025-02-30/")
    me.looks("daily-7-missing")

    logged_in(me.page, me.site, reader)
    me.goes("/papers/date/2025-12-15/?topic=combinatorics")
    me.sees("You follow Combinatorics")
    me.looks("daily-8-followed")

    quiet = browser.new_context(java_script_enabled=False)
    page = quiet.new_page()
    page.goto(f"{me.site}/papers/")
    for name, day in (("Dec. 15", "Dec. 15, 2025"), ("Dec. 12", "Dec. 12, 2025"), ("Dec. 15", "Dec. 15, 2025")):
        page.get_by_role("navigation", name="Days with papers", exact=True).get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(day)
    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".papers > li")).to_have_count(PAGE + 1)
    page.get_by_label("Date").fill("2025-12-12")
    page.locator("main").get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dec. 12, 2025")
    quiet.close()
