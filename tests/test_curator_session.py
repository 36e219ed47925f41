"""A curator's afternoon in a real browser: an import is looked at, applied and taken back, one record and whole; two
people are merged, one work is taken out again and put back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from celery import current_app
from playwright.sync_api import Browser, Page, expect

from bzpeer import tasks
from papers.models import Batch, Paper
from profiles.models import Account, Assignment, Author
from tests.conftest import fact, logged_in, with_second_factor
from tests.test_browser import browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

__all__ = ["browser"]


@pytest.fixture
def open_page(
    browser: Browser, live_server: Any, bring: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Page]]:
    """open_page(javascript=…, width=…, scheme=…) as Carol, who may import; workers' tasks are done at once."""
    known = {task.name: task for task in (tasks.process_batch, tasks.resolve_surnames, tasks.refresh_authors)}
    known["bzpeer.build_graph"] = lambda *_: None
    monkeypatch.setattr(
        current_app._get_current_object(), "send_task", lambda name, given, *_, **__: known[name](*given)
    )
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], title="On engines"))
    carol = with_second_factor(Account.objects.create_superuser("carol"))
    said: list[str] = []
    contexts = []

    def open_page(javascript: bool, width: int, scheme: Any) -> Page:
        context = browser.new_context(
            java_script_enabled=javascript, viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        logged_in(page, live_server.url, carol)
        page.goto(f"{live_server.url}/imports/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    # The browser itself notes the answers that are no success: a fix that is refused again, and the paper that is gone.
    assert {text for text in said if not text.startswith("Failed to load resource")} == set()


def looked_at(page: Page, javascript: bool, width: int) -> None:
    """No barrier, and no wider than the screen."""
    if javascript:
        found = Axe().run(page)
        assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


@pytest.mark.parametrize(
    ("javascript", "width", "scheme"), [(True, 1280, "light"), (True, 390, "dark"), (False, 390, "light")]
)
def test_a_curator_previews_applies_and_takes_back(
    open_page: Callable[..., Page], tmp_path: Path, javascript: bool, width: int, scheme: str
):
    records = tmp_path / "update.jsonl"
    newer = fact("2001.00001", ["Ada Lovelace"], title="On analytical engines", updated="2021-01-01")
    new = fact("2001.00002", ["Ada Lovelace", "Mary Somerville"], title="Notes")
    odd = fact("2001.00003", ["Mary Somerville"], title="Connexion", created="soon")
    records.write_text("\n".join(map(json.dumps, (newer, new, odd))))
    page = open_page(javascript, width, scheme)
    looked_at(page, javascript, width)

    page.get_by_label("File").set_input_files(records)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Waiting for a decision")).to_be_visible()
    expect(page.locator("ins", has_text="analytical")).to_be_visible()
    expect(page.locator("del", has_text="Charles Babbage")).to_be_visible()
    assert Paper.objects.count() == 1
    looked_at(page, javascript, width)
    page.get_by_role("link", name="People").last.click()
    expect(page.get_by_text("a newer version no longer prints it")).to_be_visible()
    looked_at(page, javascript, width)

    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    page.get_by_role("link", name="On analytical engines").click()
    page.get_by_role("button", name="Roll back this record").click()
    expect(page.get_by_text("Record 1 is rolled back.")).to_be_visible()
    assert Paper.objects.get(arxiv_id="2001.00001").title == "On engines"
    looked_at(page, javascript, width)
    page.get_by_role("button", name="Bring back this record").click()
    expect(page.get_by_text("Record 1 is brought back.")).to_be_visible()
    assert Paper.objects.get(arxiv_id="2001.00001").title == "On analytical engines"

    page.get_by_role("link", name="update.jsonl").click()
    page.get_by_role("link", name="Refused").click()
    page.get_by_role("link", name="Fix and retry").click()
    looked_at(page, javascript, width)
    text = page.get_by_label("What was read; put it right here")
    text.fill(text.input_value().replace("soon", "2020-02-30"))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_contain_text("is not a date")
    text = page.get_by_label("What was read; put it right here")
    text.fill(text.input_value().replace("2020-02-30", "2020-02-20"))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The record is taken in.")).to_be_visible()

    page.get_by_role("link", name="the paper").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connexion")
    address = page.url
    page.get_by_role("link", name="Imports", exact=True).click()
    page.get_by_role("link", name="update.jsonl").click()
    page.get_by_role("link", name="Roll back…").click()
    expect(page.get_by_text("records go back")).to_be_visible()
    looked_at(page, javascript, width)
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("heading", name="Rolled back", exact=True)).to_be_visible()
    assert Paper.objects.get().title == "On engines"
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("This paper was taken away")


def wangs() -> dict[str, int]:
    """Works by coauthor, of everyone printed "Wei Wang"."""
    found = Assignment.objects.filter(signature__family="Wang").values_list("author", "signature__paper__title_text")
    return {str(title): author for author, title in found}


@pytest.mark.parametrize(("javascript", "width", "scheme"), [(True, 1280, "dark"), (False, 390, "light")])
def test_a_curator_imports_merges_takes_one_work_out_and_puts_it_back(
    open_page: Callable[..., Page], tmp_path: Path, javascript: bool, width: int, scheme: str
):
    physics = [fact(f"20{n:02}.00001", ["Wei Wang", "Ann Aard"], f"Quarks {n}", categories=["hep-ph"]) for n in (1, 2)]
    vision = [fact(f"21{n:02}.00002", ["Wei Wang", "Bob Bern"], f"Frames {n}", categories=["cs.CV"]) for n in (1, 2, 3)]
    records = tmp_path / "wangs.jsonl"
    records.write_text("\n".join(map(json.dumps, physics + vision)))
    page = open_page(javascript, width, scheme)
    page.get_by_label("File").set_input_files(records)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Waiting for a decision")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    apart = wangs()
    assert len(set(apart.values())) == 2

    smaller, larger = (Author.objects.get(pk=apart[title]) for title in ("Quarks 1", "Frames 1"))
    page.goto(page.url.split("/imports/")[0] + smaller.get_absolute_url())
    page.get_by_role("link", name="Merge with…").click()
    page.get_by_role("searchbox", name="Number, address or name of a person").fill("Wei Wang")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name=f"Preview Wei Wang #{larger.pk}").click()
    expect(page.get_by_role("heading", name="This is what would change")).to_be_visible()
    looked_at(page, javascript, width)
    assert wangs() == apart, "a preview changes nothing"
    page.get_by_label("Why?").fill("One person, by her own page")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Merge")
    assert set(wangs().values()) == {larger.pk}
    looked_at(page, javascript, width)

    page.get_by_role("listitem").filter(has_text="Quarks 1").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("1 of 2 rows hold")).to_be_visible()
    assert wangs() == dict.fromkeys(apart, larger.pk) | {"Quarks 1": smaller.pk}
    page.get_by_role("listitem").filter(has_text="Quarks 1").get_by_role("button", name="Redo").click()
    expect(page.get_by_role("listitem").filter(has_text="Quarks 1").get_by_role("button", name="Undo")).to_be_visible()
    assert set(wangs().values()) == {larger.pk}
    page.get_by_role("button", name="Undo it").click()
    expect(page.get_by_role("button", name="Do it again")).to_be_visible()
    assert wangs() == apart

    page.get_by_role("link", name=f"history Wei Wang #{smaller.pk}").click()
    expect(page.get_by_text("“One person, by her own page”")).to_be_visible()
    looked_at(page, javascript, width)
