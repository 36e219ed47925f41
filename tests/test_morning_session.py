"""A new visitor, in a real browser: reads the day, wants to vote, subscribes, gets one letter, and ends it by POST."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from papers.models import Batch, Paper
from profiles.feedback import reacting
from profiles.models import Account, Digest, Letter, Reaction, Subscription
from profiles.subscriptions import digests
from tests.conftest import fact
from tests.test_browser import browser
from tests.visiting import Visitor, link_of, visitor

__all__ = ["browser", "visitor"]


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_visitor_reads_the_day_subscribes_gets_a_digest_and_ends_it(
    visitor: Callable[[], Visitor], bring: Callable[..., Batch]
):
    bring(
        fact("2001.00001", ["Ada Lovelace"], "On engines", created="2025-12-12"),
        fact("2001.00002", ["Bo Berg"], "On owls", created="2025-12-15"),
    )
    me = visitor()
    page = me.goes("/papers/")
    me.sees("On owls")
    page.locator("main").get_by_role("link", name=re.compile("Before:")).first.click()
    me.sees("On engines")
    page.locator("main").get_by_role("link", name=re.compile("After:")).first.click()
    me.sees("On owls")

    me.follows("On owls")
    me.follows("Log in to curate")
    expect(page).to_have_url(re.compile("/accounts/login/"))
    assert not Reaction.objects.exists()

    me.goes("/papers/")
    me.follows("Subscribe")
    expect(page.get_by_label("Your e-mail address")).to_be_focused()
    page.get_by_label("Your e-mail address").fill("reader@example.org")
    expect(page).to_have_url(f"{me.site}/papers/")
    me.presses("Subscribe")
    me.sees("Look into your letter box")
    page.goto(link_of("reader@example.org", r"\S+/subscriptions/confirm/\S+"))
    assert not Subscription.objects.live().exists()  # looking confirms nothing
    me.presses("Yes, send it")
    me.sees("Confirmed.")

    bring(fact("2001.00003", ["Cy Crane"], "On herons", created="2025-12-16"))
    fan = Account.objects.create_user("fan", "fan@example.org")
    reacting.react(fan, Paper.objects.get(arxiv_id="2001.00003"), Reaction.Kind.LIKE, True, timezone.now())
    for _again in range(2):
        digests.make(timezone.now() + timedelta(days=1))
    letter = Letter.objects.filter(to="reader@example.org").latest("pk")
    assert Digest.objects.get().letter == letter
    assert "On herons" in letter.text
    assert "On owls" not in letter.text  # it was there before
    page.goto(link_of("reader@example.org", r"\S+/subscriptions/digests/\S+"))
    me.sees("On herons")
    me.looks("digest")

    stop = letter.headers["List-Unsubscribe"].strip("<>")
    assert letter.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    page.goto(stop)
    assert Subscription.objects.live().exists()  # looking ends nothing
    answer = Client(enforce_csrf_checks=True).post(stop.removeprefix(me.site), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not Subscription.objects.live().exists()
