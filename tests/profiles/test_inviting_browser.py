"""From the button on a profile to an open conversation, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from playwright.sync_api import expect

from profiles.models import Account, Author, Invitation
from tests.conftest import fact, logged_in
from tests.profiles.test_inviting import held, someone
from tests.test_browser import browser
from tests.visiting import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["browser", "visitor"]


def test_an_invitation_from_the_button_to_the_answer(
    visitor: Callable[[], Visitor], bring: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(current_app._get_current_object(), "send_task", lambda *sent: None)
    bring(fact("2001.00001", ["Noor Rahimi", "Ada Berg"]), fact("2001.00002", ["Noor Rahimi", "Ada Berg"]))
    author, ada = Author.objects.get(name="Noor Rahimi"), Author.objects.get(name="Ada Berg")
    held(author, someone("noor"), 3)
    held(ada, someone("ann"), 3)

    sender, reader = visitor(), visitor()
    sender.goes(author.get_absolute_url())
    sender.sees("Log in to invite")
    for who, name in ((sender, "ann"), (reader, "noor")):
        logged_in(who.page, who.site, Account.objects.get(username=name))
    sender.goes(author.get_absolute_url())
    sender.looks("invite-1-profile")
    sender.follows("Invite")
    text = sender.page.get_by_label("What you want to say")
    sender.page.get_by_label("A talk").check()
    expect(text).not_to_be_empty()
    sender.looks("invite-2-starting-text")
    sender.page.get_by_label("A review").check()
    expect(text).to_contain_text("reviewer")
    text.fill("Would you review our paper?\n\nIt stands on https://example.org")
    sender.presses("Send the invitation")
    sender.sees("Leave out links and addresses (“https://example.org”)")
    sender.looks("invite-3-refused")
    sender.page.get_by_label("Data or code").check()
    expect(text).to_contain_text("It stands on")  # what was written stays
    text.fill("Would you share the data of your paper?\n\nهل يمكنك مشاركة بيانات ورقتك؟\n\n" + "long" * 60)
    sender.presses("Send the invitation")
    sender.sees("Your invitation is sent.")
    sender.looks("invite-4-sent")

    reader.goes(author.get_absolute_url())
    reader.page.get_by_role("link", name="Your invitations").click()
    reader.looks("invite-5-list")
    reader.page.get_by_role("link", name="Read and answer").click()
    reader.looks("invite-6-answer")
    reader.presses("Accept")
    reader.looks("invite-7-accepted")
    assert Invitation.objects.get().conversation
    sender.goes(author.get_absolute_url())
    sender.sees("You are in a conversation with Noor Rahimi.")
    sender.goes("/invitations/?box=sent")
    sender.looks("invite-8-sent")
