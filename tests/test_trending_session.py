"""Reactions and trending in a real browser: a reader's click in place, its place on the list, and why; without
JavaScript by a form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from papers.models import Batch, Paper
from profiles.feedback import trending
from profiles.models import Account, Author, Reaction
from tests.conftest import fact, logged_in
from tests.test_browser import browser
from tests.visiting import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["browser", "visitor"]


def test_a_reader_likes_a_paper_and_sees_why_it_trends(
    visitor: Callable[[], Visitor], bring: Callable[..., Batch], browser: Browser
):
    ada = "Ada Lovelace"
    bring(
        fact("2001.00001", [ada, "Charles Babbage"], "Engines and their uses", abstract="Wheels that count. " * 12),
        fact("2001.00002", [ada], "Engines and their drawings", categories=["math.AG"]),
    )
    uses, drawings = Paper.objects.order_by("arxiv_id")
    reader, other = Account.objects.create_user("reader"), Account.objects.create_user("other")
    Author.objects.filter(name="Charles Babbage").update(account=other)
    for account in (reader, other):
        Reaction.objects.create(account=account, paper=drawings, kind="like")
    Reaction.objects.create(account=other, paper=uses, kind="like")

    stranger = visitor()
    stranger.goes("/papers/trending/")
    stranger.sees("Nobody has liked, kept or discussed a paper yet")
    stranger.looks("trending-1-empty")
    stranger.goes(uses.get_absolute_url())
    stranger.follows("Log in to curate")
    assert "next=" in stranger.page.url
    trending.settle()

    me = visitor()
    logged_in(me.page, me.site, reader)
    page = me.goes(uses.get_absolute_url())
    like, dislike = (page.get_by_role("button", name=name) for name in ("Like 1", "Dislike 0"))
    expect(like).to_have_attribute("aria-pressed", "false")
    like.click()
    like = page.get_by_role("button", name="Like 2")
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(like).to_be_focused()
    me.presses("Useful to my work 0")
    dislike.click()
    expect(page.get_by_role("button", name="Dislike 1")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Like 1", exact=True)).to_have_attribute("aria-pressed", "false")
    me.presses("Like 1")
    expect(page.get_by_role("button", name="Like 2")).to_be_focused()
    me.looks("trending-2-reactions")
    assert set(Reaction.objects.filter(account=reader, paper=uses).values_list("kind", flat=True)) == {"like", "useful"}

    stranger.goes("/papers/trending/")
    stranger.sees("Heat 2.00")
    stranger.sees("Heat 0.50")
    stranger.looks("trending-3-list")
    stranger.follows("Why here Engines and their uses")
    stranger.sees("the account’s 2nd for these people")
    stranger.sees("Place 2 of 2 papers")
    stranger.looks("trending-4-why")
    stranger.goes("/papers/trending/?topic=algebraic-geometry")
    expect(stranger.page.locator(".papers h3")).to_have_text(["Engines and their drawings"])
    stranger.looks("trending-5-topic")

    quiet = browser.new_context(java_script_enabled=False, storage_state=me.context.storage_state())
    page = quiet.new_page()
    page.goto(f"{me.site}{uses.get_absolute_url()}")
    page.get_by_role("button", name="Like 2").click()
    expect(page.get_by_role("button", name="Like 1", exact=True)).to_have_attribute("aria-pressed", "false")
    assert page.url.endswith("#next-steps")
    quiet.close()
