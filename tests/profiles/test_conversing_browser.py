"""A conversation in a real browser: written in place, read when seen, blocked, reported and decided."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from profiles import conversing
from profiles.models import Account, Block, Complaint, Conversation, Message, Suspension
from tests.conftest import logged_in, with_role
from tests.looking import look
from tests.profiles.test_conversing import account, holding, invite, say
from tests.test_browser import browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["browser"]


@pytest.fixture
def opened(browser: Browser, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Page]]:
    """opened(account, "/address"): a page of that account, whose console stays silent."""
    monkeypatch.setattr(current_app._get_current_object(), "send_task", lambda name, given=(): None)
    said: list[str] = []
    contexts = []

    def opened(who: Account, address: str) -> Page:
        context = browser.new_context(base_url=str(live_server.url))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        logged_in(page, str(live_server.url), who)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


def test_two_converse_one_blocks_and_reports_and_a_curator_decides(opened: Callable[..., Page]) -> None:
    ada, bob, cleo = account("ada"), account("bob"), with_role("cleo")
    talk = conversing.begin(invite(bob, holding("Ada Lovelace", ada), "accepted"), timezone.now())
    say(talk, ada, "We took two clocks, and waited.")
    say(talk, bob, "כמה זמן? 你好\nhttps://example.org/clocks is what I mean")
    hers = opened(ada, talk.get_absolute_url())
    log = hers.get_by_role("log")
    expect(log).to_contain_text("https://example.org/clocks")
    expect(hers.get_by_role("button", name="Mark as read")).to_have_count(0)  # the page said so by itself
    assert conversing.unread(ada) == 0
    hers.get_by_label("Your message").fill("An hour.\n\nNo more.")
    hers.get_by_role("button", name="Send", exact=True).click()
    expect(log).to_contain_text("No more.")
    expect(hers.get_by_label("Your message")).to_have_value("")
    look(hers, "conversation")

    his = opened(bob, "/conversations/")
    expect(his.get_by_role("main")).to_contain_text("2 new")
    look(his, "conversations")
    his.get_by_role("link", name="Ada Lovelace").click()
    his.get_by_label("Your message").fill("You are a fool.")
    his.get_by_role("button", name="Send", exact=True).click()
    expect(his.get_by_role("log")).to_contain_text("You are a fool.")

    # What is new arrives on a page that is open, without what was being written there getting lost.
    hers.get_by_label("Your message").fill("I was saying …")
    _ask_now(hers)
    expect(log).to_contain_text("You are a fool.")
    expect(hers.get_by_label("Your message")).to_have_value("I was saying …")
    expect(hers.get_by_role("button", name="Mark as read")).to_have_count(0)

    insult = Message.objects.latest("pk")
    hers.locator(f"#message-{insult.pk}").get_by_role("link", name=re.compile("Report")).click()
    hers.get_by_label("Insult, threat or harassment").check()
    hers.get_by_label("Let the curator also read").check()
    hers.get_by_label("Block this account too").check()
    look(hers, "complaint")
    hers.get_by_role("button", name="Send the report").click()
    expect(hers.get_by_role("main")).to_contain_text("You reported it")
    assert Block.objects.get().blocked == bob

    his.get_by_label("Your message").fill("And another thing")
    his.get_by_role("button", name="Send", exact=True).click()
    expect(his.get_by_role("alert")).to_contain_text("The other side closed this conversation.")
    expect(his.get_by_label("Your message")).to_have_value("And another thing")
    look(his, "conversation-refused")

    complaint = Complaint.objects.get()
    curators = opened(cleo, "/curate/complaints/")
    look(curators, "complaints")
    curators.get_by_role("link", name="Insult, threat or harassment").click()
    curators.get_by_label("Answer, which").fill("Thank you for telling us.")
    curators.get_by_label("Reason, which").fill("You insulted who answered you.")
    curators.get_by_label("Remove the message").check()
    curators.get_by_label("Suspend whoever").select_option("30")
    look(curators, "complaint-curated")
    curators.get_by_role("button", name="Uphold").click()
    expect(curators.get_by_role("heading", name="Upheld")).to_be_visible()
    look(curators, "complaint-decided")
    complaint.refresh_from_db()
    assert complaint.state == Complaint.State.UPHELD

    his.goto("/conversations/")
    expect(his.get_by_role("main")).to_contain_text("You are suspended")
    look(his, "suspended")
    hers.goto(talk.get_absolute_url())
    expect(hers.get_by_role("log")).to_contain_text("Removed by a curator.")
    hers.goto("/conversations/")
    look(hers, "blocked")
    hers.get_by_role("button", name="Take back").click()
    assert not Block.objects.exists()
    assert Suspension.objects.get().account == bob
    assert Conversation.objects.get().closed_by == ada


def _ask_now(page: Page) -> None:
    """What the page asks every half minute, at once."""
    page.evaluate(
        """() => {
            const fresh = document.querySelector(".said__fresh");
            const given = {target: fresh, swap: "outerHTML", select: fresh.getAttribute("hx-select"), source: fresh};
            return htmx.ajax("GET", fresh.getAttribute("hx-get"), given);
        }"""
    )
