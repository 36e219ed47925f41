"""A reader saves a paper, collects it, notes, shares by link and with everybody; then the same without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from papers.models import Batch, Paper
from profiles.models import Account, Collection
from tests.conftest import fact, logged_in
from tests.test_browser import browser
from tests.visiting import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["browser", "visitor"]


def test_a_reader_collects_and_shares(visitor: Callable[[], Visitor], bring: Callable[..., Batch], browser: Browser):
    bring(
        fact("2001.00001", ["Ada Lovelace", "Bo Berg"], "On the slow migration of eels", abstract="They swim far."),
        fact("2002.00002", ["Cy Cohn"], "Eels in rivers", abstract="They rest there."),
    )
    eels, rivers = (Paper.objects.get(arxiv_id=arxiv_id) for arxiv_id in ("2001.00001", "2002.00002"))
    me, anybody = visitor(), visitor()
    logged_in(me.page, me.site, Account.objects.create_user("reader"))

    page = anybody.goes(eels.get_absolute_url())
    expect(page.locator("#next-steps")).to_contain_text("Log in to curate")
    anybody.looks("collecting-1-visitor")

    page = me.goes(eels.get_absolute_url())
    me.presses("Save")
    saved = page.get_by_role("button", name="Saved – press to take it out")
    expect(saved).to_be_focused()
    page.locator("main").get_by_role("link", name="Add to a collection").click()
    page.get_by_label("Name of a new collection").fill("Eels")
    me.looks("collecting-2-paper")
    me.presses("Keep it so")
    me.sees("You keep it in your saved papers, Eels")
    page.locator("main").get_by_role("link", name="Add to a collection").click()
    expect(page.get_by_label("Eels · Only you")).to_be_checked()
    assert page.url.endswith(eels.get_absolute_url())
    eel = Collection.objects.get(name="Eels")

    page = me.goes(eel.get_absolute_url())
    page.locator("summary", has_text="Add a note").click()
    page.get_by_label("Your note").fill("Begin here.")
    me.presses("Save the note")
    expect(page.locator("blockquote")).to_have_text("Begin here.")
    page.locator("summary", has_text="Change the note").click()
    me.looks("collecting-3-note")
    page.get_by_role("button", name="Take out").click()
    me.sees("“On the slow migration of eels” is out.")
    back = page.get_by_role("button", name="Put back")
    expect(back).to_be_focused()
    back.click()
    expect(page.locator("blockquote")).to_have_text("Begin here.")

    me.follows("Name, words and who sees it")
    page.get_by_label("What it is about").fill("From the sea and back.")
    page.get_by_label("Whoever has the link").check()
    me.looks("collecting-4-edit")
    me.presses("Save")
    link = page.get_by_label("Whoever has this link").input_value()
    me.looks("collecting-5-own")
    theirs = anybody.page
    theirs.goto(link)
    anybody.sees("From the sea and back.")
    anybody.looks("collecting-6-shared")
    with theirs.expect_download() as download:
        theirs.get_by_role("link", name="BibTeX").click()
    assert "2001.00001" in download.value.path().read_text()
    me.presses("Make a new link")
    me.sees("Here is the new link.")
    assert anybody.page.goto(link).status == 404  # type: ignore[union-attr]

    quiet = browser.new_context(java_script_enabled=False, storage_state=me.context.storage_state())
    page = quiet.new_page()
    page.goto(me.site + rivers.get_absolute_url())
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="Saved – press to take it out")).to_be_visible()
    page.get_by_role("link", name="Add to a collection").click()
    page.get_by_label("Eels · Whoever has the link").check()
    page.get_by_role("button", name="Keep it so").click()
    expect(page.locator(".messages")).to_contain_text("It is in “Eels” now.")
    page.goto(f"{me.site}/collections/")
    page.get_by_label("Name", exact=True).fill("https://evil.example")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("main")).to_contain_text("Say it in words")
    page.get_by_role("link", name="Eels", exact=True).click()
    page.locator("summary").first.click()
    page.get_by_role("button", name="Take out").first.click()
    expect(page.locator(".collected > li")).to_have_count(1)
    page.get_by_role("link", name="Name, words and who sees it").click()
    page.get_by_label("Everybody").check()
    page.get_by_role("button", name="Save", exact=True).click()
    quiet.close()

    me.goes("/collections/")
    me.looks("collecting-7-mine")
    anybody.goes(eels.get_absolute_url())
    anybody.follows("Eels")
    anybody.sees("Collected by an account without a record here")
    anybody.looks("collecting-8-public")

    me.goes(f"/collections/{eel.pk}/delete/")
    me.looks("collecting-9-delete")
    me.presses("Delete the collection")
    me.sees("“Eels” is deleted.")
    assert [str(collection) for collection in Collection.objects.all()] == ["Saved papers"]
