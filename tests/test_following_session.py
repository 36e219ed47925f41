"""Following in a real browser: from the pages, on the page that manages all of it, in place and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from papers.models import Batch
from profiles.models import Account, AlertSettings, Author, Follow, FollowQuestion, NameWatch, TopicFollow
from tests.conftest import PARITY, fact, logged_in
from tests.test_browser import browser
from tests.visiting import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["browser", "visitor"]


def test_a_reader_follows_and_stops(visitor: Callable[[], Visitor], bring: Callable[..., Batch], browser: Browser):
    bring(
        PARITY.read_bytes(),
        *(
            fact(f"200{n}.00001", ["Wei Wang", other], f"On {subject}", categories=[subject])
            for n, (other, subject) in enumerate(
                [("Ann Adler", "cs.LG"), ("Bo Berg", "astro-ph.GA"), ("Cy Cohn", "q-bio.NC"), ("Di Dahl", "math.AG")], 1
            )
        ),
    )
    chen, hsieh = (Author.objects.get(name=name) for name in ("Xiangning Chen", "Cho-Jui Hsieh"))
    reader = Account.objects.create_user("reader")
    Follow.objects.create(account=reader, author=hsieh)
    Follow.objects.create(account=reader, author=Author.objects.create(name="Gone Soon", visibility="notice"))
    other = Author.objects.filter(name="Wei Wang").earliest("pk")
    FollowQuestion.objects.create(account=reader, old_author=hsieh, new_author=other)
    me = visitor()
    logged_in(me.page, me.site, reader)

    me.goes(chen.get_absolute_url())
    me.presses("Follow researcher 0 followers")
    expect(me.page.locator("#followers")).to_have_text("1 follower")
    expect(me.page.get_by_role("button", name="Following – press to stop")).to_be_focused()
    me.looks("following-1-profile")
    me.goes("/topics/machine-learning/")
    me.presses("Follow topic 0 followers")
    expect(me.page.locator("#follow .count")).to_contain_text("1")
    me.looks("following-2-topic")

    page = me.goes("/following/")
    page.get_by_label("Name", exact=True).fill("12345")
    me.presses("Watch")
    me.sees("A name has at least one letter.")
    me.looks("following-3-refused")
    page.get_by_label("Name", exact=True).fill("Wang, Wei")
    me.presses("Watch")
    me.sees("4 people here are printed so. Add a topic, a coauthor or a word")
    page.get_by_label("Name", exact=True).fill("Zixiang Ding")
    page.get_by_label("Topic", exact=True).select_option(label="Machine Learning")
    page.get_by_label("Coauthor", exact=True).fill("Rui Xia")
    page.get_by_label("Words", exact=True).fill("emotion cause")
    me.presses("Watch")
    me.sees("You hear of new papers that print this name.")
    me.looks("following-4-all")

    me.presses("Stop following Xiangning Chen")
    me.sees("You no longer follow this record.")
    me.presses("Stop watching Wang, Wei")
    me.sees("You no longer watch this name.")
    me.looks("following-5-stopped")
    assert not Follow.objects.filter(author=chen).exists()
    me.presses("Follow again Xiangning Chen")
    expect(page.get_by_role("button", name="Stop following Xiangning Chen")).to_be_focused()
    assert Follow.objects.filter(author=chen).exists()
    me.presses("Watch again Wang, Wei")
    expect(page.get_by_role("button", name="Stop watching Wang, Wei")).to_be_focused()
    me.presses("Stop watching Wang, Wei")
    me.sees("You no longer watch this name.")
    page.get_by_label("95 %").check()
    me.presses("Save")
    me.sees("Saved.")
    assert AlertSettings.objects.get(account=reader).least == 0.95

    quiet = browser.new_context(java_script_enabled=False, storage_state=me.context.storage_state())
    page = quiet.new_page()
    page.goto(f"{me.site}/following/")
    for name in ("Stop following Machine Learning", "Stop watching Zixiang Ding", "Stop following A hidden record"):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("What you follow")
    quiet.close()
    assert not TopicFollow.objects.exists()
    assert not NameWatch.objects.exists()
    assert Follow.objects.count() == 2
