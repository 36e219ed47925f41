"""The main path in a real browser: with JavaScript, without it, on a phone, and for those who do not see the page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from papers.models import Batch, Paper, Topic
from profiles import inbox, reports
from profiles.models import Account, Assignment, Author, BulkReview, Contradiction, Correction, Suggestion
from tests.conftest import PARITY, fact, logged_in, with_role

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CHROMIUM = shutil.which("chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed, and in CI the browser tests must run")
        pytest.skip("chromium is not installed")
    # Playwright keeps an event loop in this thread, where Django would refuse to ask the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=20_000)  # a machine under load is late, not wrong
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(live_server: Any, bring: Callable[..., Batch]) -> str:
    """The reference profile, and a paper that tries to run scripts."""
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    bring(PARITY.read_bytes())
    bring(fact("2001.00001", ["Mallory Malory", attack], title=f"Attack {attack}", abstract=f"$x${attack}"))
    return str(live_server.url)


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """open_page("/address", javascript=…, width=…, scheme=…); anything on the console or in a dialog is a failure."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def open_page(address: str, javascript: bool = True, width: int = 1280, scheme: Any = "light") -> Page:
        context = browser.new_context(
            java_script_enabled=javascript, viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
        page.goto(site + address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def addresses() -> dict[str, str]:
    author = Author.objects.get(name="Xiangning Chen")
    paper = Paper.objects.get(arxiv_id="2106.00221")
    return {
        "home": reverse("home"),
        "search": "/search/?q=chen",
        "nothing found": "/search/?q=nobodyatall",
        "profile": author.get_absolute_url(),
        "graph": reverse("person_graph", args=[author.pk]),
        "trust": reverse("person_trust", args=[author.pk]),
        "trust on a day": f"{reverse('person_trust', args=[author.pk])}?on={timezone.now():%Y-%m-%d}",
        "ledger": reverse("ledger"),
        "paper": paper.get_absolute_url(),
        "receipt": reverse("attribution", args=[paper.pk, author.pk]),
        "topic": Topic.objects.get(name="Machine Learning").get_absolute_url(),
        "name": reverse("name", args=["Xiangning Chen"]),
        "accuracy": reverse("accuracy"),
        "hostile paper": Paper.objects.get(arxiv_id="2001.00001").get_absolute_url(),
        "login": reverse("account_login"),
    }


def test_from_the_search_box_to_a_coauthor_by_clicks(open_page: Callable[..., Page]):
    page = open_page("/")
    page.get_by_role("searchbox").first.press_sequentially("xiangnin chen")
    page.get_by_role("searchbox").first.press("Enter")
    page.get_by_role("link", name="Xiangning Chen").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Xiangning Chen")
    expect(page.get_by_text("Trust 21 - Emerging")).to_be_visible()
    expect(page.locator("svg.graph-picture")).to_be_visible()
    expect(page.get_by_text("Building this graph slice")).to_have_count(0)
    page.locator("svg.graph-picture a", has_text="Cho-Jui Hsieh").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cho-Jui Hsieh")


def test_results_come_while_typing(open_page: Callable[..., Page]):
    page = open_page("/search/")
    page.locator("main").get_by_role("searchbox").press_sequentially("hsieh")
    expect(page.locator("#results").get_by_role("link", name="Cho-Jui Hsieh").first).to_be_visible()
    assert "q=hsieh" in page.url


def test_the_profile_is_whole_without_javascript(open_page: Callable[..., Page]):
    page = open_page(addresses()["profile"], javascript=False)
    expect(page.get_by_text("7 published item(s)")).to_be_visible()
    expect(page.get_by_text("Building this graph slice")).to_be_hidden()  # nothing will come, so nothing is promised
    page.get_by_role("link", name="Show the graph").click()
    expect(page.locator("svg.graph-picture")).to_be_visible()


def test_the_search_works_without_javascript(open_page: Callable[..., Page]):
    page = open_page("/", javascript=False)
    page.get_by_role("searchbox").first.fill("yang you")
    page.get_by_role("searchbox").first.press("Enter")
    page.get_by_role("link", name="Yang You").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Yang You")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_barrier(open_page: Callable[..., Page], scheme: str):
    for name, address in addresses().items():
        page = open_page(address, scheme=scheme)
        page.wait_for_load_state("networkidle")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"


def test_no_page_is_wider_than_a_phone(open_page: Callable[..., Page]):
    for name, address in addresses().items():
        page = open_page(address, width=390)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name


def test_following_in_place(open_page: Callable[..., Page], site: str):
    Account.objects.create_user("ada", password="a long enough password")
    page = open_page("/accounts/login/?next=" + addresses()["profile"])
    page.get_by_label("E-mail or user name").fill("ada")
    page.get_by_label("Password").fill("a long enough password")
    page.get_by_role("main").get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("button", name="Follow researcher").click()
    expect(page.get_by_role("button", name="Following")).to_be_visible()
    assert Author.objects.get(name="Xiangning Chen").followers.count() == 1


def curators_desk(site: str, page: Page) -> None:
    """Two people of one name in the queue, and a curator who has logged in."""
    one, other = Author.objects.filter(name__in=["Xiangning Chen", "Cho-Jui Hsieh"]).order_by("pk")
    Suggestion.objects.create(left=one, right=other, probability=0.5, works=5, sentence="a case for the test")
    Assignment.objects.filter(author=one).update(state=Assignment.State.WEAK)
    logged_in(page, site, with_role("curator"))
    page.goto(f"{site}/curate/people/")
    expect(page.get_by_role("heading", level=1)).to_have_text("One person, or two?")


def curators_addresses() -> dict[str, str]:
    """Every page of curation, with something on it, and those of reports."""
    suggestion, curator = Suggestion.objects.get(), Account.objects.get()
    left, right = suggestion.left, suggestion.right
    Contradiction.objects.create(kind="decisions", surnames=["chen"], sentence="these cannot all hold")
    Batch.objects.create(label="half.jsonl", stage=Batch.Stage.FAILED, problem="It ends in the middle of a record.")
    report = reports.submit(left, "fact", "<b>The year</b> is wrong.", curator)
    pairs = [[left.pk, right.pk, "the test says so"]]
    review = BulkReview.objects.create(rule="coauthors", seed=1, pairs=pairs, made_by=curator)
    inbox.give(curator, inbox.cases_of(inbox.PAIRS, [suggestion])[0], curator)
    names = ("", "_people", "_works", "_contradictions", "_reports", "_decided", "_journal", "_bulk")
    return {f"curate{name}": reverse(f"curate{name}") for name in names} | {
        "compare": reverse("curate_compare", args=[left.pk, right.pk]),
        "report to curators": reverse("curate_report", args=[report.pk]),
        "rule": reverse("curate_rule", args=["coauthors"]),
        "review": reverse("curate_review", args=[review.pk]),
        "report form": reverse("report_person", args=[left.pk]),
        "reports of one's own": reverse("reports"),
    }


def test_the_curators_pages_have_no_barrier_and_fit_a_phone(open_page: Callable[..., Page], site: str):
    page = open_page("/", width=390)
    curators_desk(site, page)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for name, address in curators_addresses().items():
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # axe must not meet a colour half-way
            page.goto(site + address)
            found = Axe().run(page)
            assert found.violations_count == 0, f"{name}, {scheme}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name


def test_a_curator_decides_in_place_and_takes_it_back(open_page: Callable[..., Page], site: str):
    page = open_page("/")
    curators_desk(site, page)
    page.get_by_label("Reason").fill("Two faces")
    page.get_by_role("button", name="Different people").click()
    expect(page.locator(".decision").get_by_text("are different people")).to_be_visible()
    assert page.url.endswith("/curate/people/")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".decision").get_by_text("withdrawn by curator")).to_be_visible()


def test_a_curator_decides_without_javascript(open_page: Callable[..., Page], site: str):
    page = open_page("/", javascript=False)
    curators_desk(site, page)
    page.get_by_role("button", name="Different people").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("It is decided")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("It is withdrawn")
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One person, or two?")


def test_a_curator_decides_by_keys_and_undoes(open_page: Callable[..., Page], site: str):
    page = open_page("/")
    curators_desk(site, page)
    left, other = Author.objects.get(name="Xiangning Chen"), Author.objects.get(name="Yang You")
    Suggestion.objects.create(left=left, right=other, probability=0.1, works=1, sentence="a second case")
    page.reload()
    cases, said = page.locator("[data-case]"), page.locator("[data-keys-said]")
    page.keyboard.press("s")
    expect(said).to_have_text("Press j to go to a case first.")
    page.keyboard.press("j")
    expect(cases.nth(0)).to_be_focused()
    expect(said).to_contain_text("Case 1 of 2")
    page.keyboard.press("j")
    expect(cases.nth(1)).to_be_focused()
    page.keyboard.press("j")
    expect(said).to_have_text("That is the last case of this page.")
    page.keyboard.press("k")
    expect(cases.nth(0)).to_be_focused()
    page.keyboard.press("Control+d")
    page.get_by_label("Reason").first.press_sequentially("just used")  # j, s, d and u while typing are letters
    expect(page.get_by_label("Reason").first).to_have_value("just used")
    assert not Correction.objects.exists()
    page.keyboard.press("Escape")
    cases.nth(0).focus()
    page.keyboard.press("d")
    expect(cases.nth(0).get_by_text("are different people")).to_be_visible()
    expect(cases.nth(0)).to_be_focused()
    expect(said).to_contain_text("are different people")
    assert Correction.objects.get().reason == "just used"
    page.keyboard.press("j")
    page.keyboard.press("s")
    expect(cases.nth(1).get_by_text("are the same person")).to_be_visible()
    page.keyboard.press("u")
    expect(cases.nth(1).get_by_text("withdrawn by curator")).to_be_visible()
    page.keyboard.press("u")
    expect(cases.nth(0).get_by_text("withdrawn by curator")).to_be_visible()
    assert not Correction.objects.live().exists()
    page.keyboard.press("u")
    expect(said).to_have_text("There is nothing to undo on this page.")


def test_the_keys_are_shown_open_a_case_and_can_be_switched_off(open_page: Callable[..., Page], site: str):
    page = open_page("/")
    curators_desk(site, page)
    legend = page.get_by_text("next, previous case")
    expect(legend).to_be_visible()
    page.keyboard.press("?")
    expect(legend).to_be_hidden()
    page.keyboard.press("?")
    page.get_by_label("Use single keys").uncheck()
    page.keyboard.press("j")
    expect(page.locator("[data-case]:focus")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Use single keys")).not_to_be_checked()
    page.get_by_label("Use single keys").check()
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", level=1)).to_have_text("Side by side")


def test_a_curator_takes_a_case_in_place(open_page: Callable[..., Page], site: str):
    page = open_page("/")
    curators_desk(site, page)
    page.get_by_role("button", name="Take").click()
    expect(page.get_by_text("Your case")).to_be_visible()
    page.get_by_role("button", name="Give back").click()
    expect(page.get_by_text("Nobody’s case")).to_be_visible()
