"""What is written about a paper, in a real browser: review, comment, answer, edit, withdraw, report, hide; in place
and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from papers.models import Batch, Paper
from profiles.models import Author, Block, Post
from tests.conftest import fact, logged_in, with_role
from tests.profiles.test_conversing import account
from tests.profiles.test_posting import claiming
from tests.test_browser import browser
from tests.visiting import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["browser", "visitor"]


def test_readers_review_and_discuss_a_paper_and_a_curator_moderates(
    visitor: Callable[[], Visitor], bring: Callable[..., Batch], browser: Browser
) -> None:
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "Engines"))
    paper, reader, author = Paper.objects.get(), account("eve"), claiming(account("ada"), "Ada Lovelace")
    somebody, curator = account("bob"), with_role("cleo")
    address = paper.get_absolute_url()

    nobody = visitor()
    nobody.goes(address)
    nobody.sees("No structured reviews yet. High-signal critique starts here.")
    nobody.sees("Log in to comment")

    # A reader reviews and comments, in place.
    his = visitor()
    logged_in(his.page, his.site, reader)
    page = his.goes(address)
    page.get_by_text("Write a review").click()
    his.looks("posting-1-form")
    page.get_by_label("Strengths").fill("Clearly written.\n\nAll steps are there.")
    page.get_by_label("Questions").fill("כמה זמן? 为什么？")
    his.presses("Publish the review")
    his.sees("Your review")
    his.sees("All steps are there.")
    page.get_by_label("Your comment").fill("https://example.org/buy")
    his.presses("Publish the comment")
    his.sees("A link by itself says nothing.")
    expect(page.get_by_label("Your comment")).to_have_value("https://example.org/buy")
    page.get_by_label("Your comment").fill("How long did it run? <script>alert(1)</script>")
    his.presses("Publish the comment")
    his.sees("<script>alert(1)</script>")
    expect(page.get_by_label("Your comment")).to_have_value("")
    first = Post.objects.get(kind="comment")
    expect(page.locator(f"#post-{first.pk}")).to_be_focused()
    page.locator(f"#post-{first.pk}").get_by_role("link", name="Edit").click()
    edited = page.locator(f"form#post-{first.pk}")
    edited.get_by_label("Your comment").fill("How long did it run, and why?")
    edited.get_by_role("button", name="Save", exact=True).click()
    his.sees("edited")
    his.sees("and why?")

    # The author answers and is marked; cannot review.
    hers = visitor()
    logged_in(hers.page, hers.site, author)
    page = hers.goes(address)
    hers.sees("they do not review their own work")
    page.locator(f"#post-{first.pk}").get_by_role("link", name="Answer").click()
    page.get_by_label("Your answer").fill(" ")
    hers.presses("Publish the answer")
    hers.sees("Write something first.")
    hers.looks("posting-2-answering")
    page.get_by_label("Your answer").fill("Three days, as the paper says.")
    hers.presses("Publish the answer")
    hers.sees("Three days, as the paper says.")
    hers.sees("Author of this paper, proved")

    # Without JavaScript: a third one insults, which is answered on a page of its own.
    quiet = browser.new_context(java_script_enabled=False)
    page = quiet.new_page()
    logged_in(page, his.site, somebody)
    page.goto(his.site + address)
    page.get_by_label("Your comment").fill(" ")
    page.get_by_role("button", name="Publish the comment").click()
    expect(page.get_by_role("alert")).to_contain_text("Write something first.")
    page.get_by_label("Your comment").fill("You are a fool.")
    page.get_by_role("button", name="Publish the comment").click()
    insult = Post.objects.latest("pk")
    expect(page.locator(f"#post-{insult.pk}")).to_contain_text("You are a fool.")
    page.locator(f"#post-{first.pk}").get_by_role("link", name="Answer").click()
    page.get_by_label("Your answer").fill("I doubt it.")
    page.get_by_role("button", name="Publish the answer").click()
    answer = Post.objects.latest("pk")
    assert answer.answers == first
    page.locator(f"#post-{answer.pk}").get_by_text("Withdraw", exact=True).click()
    page.locator(f"#post-{answer.pk}").get_by_role("button", name="Withdraw it").click()
    expect(page.locator(f"#post-{answer.pk}")).to_contain_text("Withdrawn by its writer.")
    quiet.close()

    # She reports and blocks him, and takes the block back.
    hers.goes(address)
    hers.page.locator(f"#post-{insult.pk}").get_by_role("link", name="Report").click()
    hers.page.get_by_label("Insult, threat or harassment").check()
    hers.page.get_by_label("Block this account too").check()
    hers.looks("posting-3-report")
    hers.presses("Send the report")
    hers.sees("You reported it")
    hers.goes(address)
    hers.sees("You blocked this account.")
    hers.looks("posting-4-paper")
    hers.page.locator(f"#post-{insult.pk}").get_by_role("button", name="Take back").click()
    hers.sees("You are a fool.")
    assert not Block.objects.exists()

    # A curator hides it, and puts it back.
    staff = visitor()
    logged_in(staff.page, staff.site, curator)
    staff.goes("/curate/complaints/")
    staff.follows("Insult, threat or harassment")
    staff.sees("You are a fool.")
    staff.page.get_by_label("Answer, which").fill("Thank you.")
    staff.page.get_by_label("Reason, which").fill("No insults.")
    staff.page.get_by_label("Hide it").check()
    staff.looks("posting-5-curator")
    staff.presses("Uphold")
    staff.sees("It is out of sight.")
    nobody.goes(address)
    nobody.sees("Hidden by a curator.")
    expect(nobody.page.locator("main")).not_to_contain_text("You are a fool.")
    nobody.looks("posting-6-visitor")
    staff.presses("Put it back")
    nobody.goes(address)
    nobody.sees("You are a fool.")
    assert Author.objects.get(account=author).name == "Ada Lovelace"

    his.goes("/posts/")
    his.sees("How long did it run, and why?")
    his.looks("posting-7-mine")
