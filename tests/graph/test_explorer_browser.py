"""The explorer in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from profiles.models import Author
from tests.conftest import PARITY, fact
from tests.looking import look
from tests.test_browser import browser
from tests.visiting import Visitor, visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["browser", "visitor"]


def person(name: str) -> str:
    return f"person-{Author.objects.get(name=name).pk}"


def nodes(page: Page) -> list[str]:
    """The ids that the list holds, in its order."""
    return page.locator("[data-list] [role=option]").evaluate_all("found => found.map(one => one.id.slice(5))")


def open_explorer(visitor: Callable[[], Visitor], address: str) -> Visitor:
    who = visitor()
    who.goes(address)
    expect(who.page.locator("[data-list] [role=option]").first).to_be_attached()
    return who


@pytest.fixture
def yong_liu(bring: Callable[..., Any]) -> str:
    """Beside the reference profile, a coauthor with two more people."""
    bring(PARITY.read_bytes(), fact("2201.00001", ["Yong Liu", "Yang You", "Ann Aard", "Bob Bern"], "More of it"))
    return person("Yong Liu")


def test_it_looks_right(visitor, yong_liu):
    at = person("Xiangning Chen")
    who = open_explorer(visitor, f"/graph/?at={at}")
    look(who.page, "explorer")
    who.page.locator("[data-list]").focus()
    for _ in range(3):
        who.page.keyboard.press("ArrowDown")
    look(who.page, "explorer-selected")


def test_opening_a_place_adds_its_neighbours_and_back_takes_them_away(visitor, yong_liu):
    who = open_explorer(visitor, f"/graph/?at={person('Xiangning Chen')}")
    page = who.page
    before = nodes(page)
    assert person("Ann Aard") not in before
    page.locator(f"#item-{yong_liu}").click()
    who.presses("Expand")
    expect(page.locator("[data-said]")).to_contain_text("Added around Yong Liu: 2 people")
    assert set(nodes(page)) >= {*before, person("Ann Aard"), person("Bob Bern")}
    assert parse_qs(urlsplit(page.url).query)["open"] == [yong_liu]
    page.go_back()
    expect(page.locator(f"#item-{person('Ann Aard')}")).to_have_count(0)
    assert nodes(page) == before
    page.go_forward()
    expect(page.locator(f"#item-{person('Ann Aard')}")).to_be_attached()
    page.locator(f"#item-{yong_liu}").click()
    who.presses("Collapse")
    expect(page.locator("[data-said]")).to_contain_text("Closed Yong Liu: 2 people")
    assert nodes(page) == before


def test_the_address_is_all_that_one_needs_to_see_the_same(visitor, yong_liu):
    one = open_explorer(visitor, f"/graph/?at={person('Xiangning Chen')}")
    one.page.locator(f"#item-{yong_liu}").dblclick()
    expect(one.page.locator(f"#item-{person('Ann Aard')}")).to_be_attached()
    one.page.locator("[name=kind][value=person]").check()
    expect(one.page.locator("[data-list] [id^=item-paper]")).to_have_count(0)
    one.page.wait_for_url("**kind=person**")
    expect(one.page.locator("[data-said]")).to_contain_text("Filters applied")
    other = open_explorer(visitor, urlsplit(one.page.url)._replace(scheme="", netloc="").geturl())
    expect(other.page.locator(f"#item-{person('Ann Aard')}")).to_be_attached()
    assert nodes(other.page) == nodes(one.page)
    assert other.page.locator("[name=kind][value=person]").is_checked()


def test_filters_apply_and_can_be_cleared(visitor, yong_liu):
    who = open_explorer(visitor, f"/graph/?at={person('Xiangning Chen')}")
    before = nodes(who.page)
    who.page.get_by_label("From year").fill("2022")
    who.page.wait_for_url("**from=2022**")
    expect(who.page.locator("[data-said]")).to_contain_text("Filters applied")
    assert 1 < len(nodes(who.page)) < len(before)
    who.follows("Clear filters")
    expect(who.page.locator("[data-list] [role=option]")).to_have_count(len(before))


def test_keys_alone_choose_expand_and_open(visitor, yong_liu):
    who = open_explorer(visitor, f"/graph/?at={person('Xiangning Chen')}")
    page = who.page
    page.locator("[data-canvas]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-said]")).to_contain_text("in the picture")
    chosen = page.locator("#card-name").text_content()
    assert chosen != "Xiangning Chen"
    for key in ("+", "-", "0", "Shift+ArrowLeft", "Escape"):
        page.keyboard.press(key)
    expect(page.locator("[data-card]")).to_be_hidden()
    page.locator("[data-list]").focus()
    while page.locator("[data-list]").get_attribute("aria-activedescendant") != f"item-{yong_liu}":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("e")
    expect(page.locator("[data-said]")).to_contain_text("Added around Yong Liu")
    page.keyboard.press("Enter")
    expect(page.locator("#card-name a")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/**")


def test_the_search_jumps(visitor, yong_liu):
    who = open_explorer(visitor, f"/graph/?at={person('Xiangning Chen')}")
    page = who.page
    page.locator("#seek").press_sequentially("yong liu")
    page.locator("#found a").first.click()
    expect(page.locator("#card-name")).to_have_text("Yong Liu")
    assert page.url.endswith(person("Xiangning Chen"))  # who is in the picture already is chosen there
    page.locator("#seek").press_sequentially("ann aard")
    page.locator("#found a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann Aard")
    assert page.url.endswith(f"?at={person('Ann Aard')}")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Xiangning Chen")


def test_what_cannot_be_shown_is_said(visitor, yong_liu):
    Author.objects.filter(name="Boqing Gong").update(visibility=Author.Visibility.GONE)
    who = open_explorer(visitor, f"/graph/?at={person('Xiangning Chen')}&open={person('Boqing Gong')},paper-999999")
    expect(who.page.locator("[data-problems] [role=alert]")).to_have_count(2)
    expect(who.page.locator("main")).not_to_contain_text("Boqing")
    assert "open" not in parse_qs(urlsplit(who.page.url).query)
