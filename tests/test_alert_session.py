"""A reader in a real browser, from the button on a profile to a word about a new paper that lasts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from celery import current_app
from playwright.sync_api import expect

from bzpeer import pipeline, tasks
from papers.models import Batch
from profiles.models import Author
from tests.conftest import PARITY, fact
from tests.test_browser import browser
from tests.visiting import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["browser", "visitor"]

TITLE = "Searching architectures once more"


def test_that_is_another_person_holds_through_a_run_and_a_new_version(
    visitor: Callable[[], Visitor], bring: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {task.name: task for task in (tasks.refresh_authors, tasks.deliver_letters)}
    monkeypatch.setattr(current_app._get_current_object(), "send_task", lambda name, given=(): known[name](*given))
    bring(PARITY.read_bytes())
    author, reader = Author.objects.get(name="Xiangning Chen"), visitor()
    reader.signs_up("reader@example.org")
    reader.goes(author.get_absolute_url())
    reader.presses("Follow researcher 0 followers")
    expect(reader.page.locator("#followers")).to_have_text("1 follower")

    new = fact("2401.00001", ["Xiangning Chen", "Cho-Jui Hsieh"], TITLE, created="2024-01-02")
    bring(new)
    page = reader.goes("/alerts/")
    expect(page.locator("#waiting-alerts")).to_contain_text("1")
    reader.sees(TITLE)
    reader.sees("You follow Xiangning Chen")
    reader.looks("alert-1-told")
    page.get_by_role("button", name="That is another person").first.click()
    reader.sees("You will hear no more of it")

    def stays_gone(step: str) -> None:
        reader.goes("/alerts/")
        expect(page.locator(".alert")).to_have_count(0)
        reader.sees("What you said")
        reader.looks(step)

    stays_gone("alert-2-gone")
    pipeline.rerun({"chen"}, lambda report, done, total: None)
    stays_gone("alert-3-after-a-run")
    bring(new | {"updated": "2024-02-03", "title": f"{TITLE}, revised"})
    stays_gone("alert-4-after-a-new-version")
