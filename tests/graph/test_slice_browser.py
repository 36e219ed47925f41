"""Panels and pages of slices in a real browser: they arrive, sort in place, and fit."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from papers import institutions
from papers.models import Institution, Paper, Signature, Topic
from profiles.models import Author
from tests.conftest import PARITY, fact
from tests.looking import look
from tests.profiles.test_accounts_browser import page
from tests.test_browser import browser

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_panels_arrive_tables_sort_in_place_and_all_of_it_fits(page: Page, live_server: Any, bring):
    bring(PARITY.read_bytes())
    bring(fact("2001.00001", [f"Person{n:04} Q. Surname{n:04}" for n in range(150)], "A paper by very many people"))
    paper = Paper.objects.get(arxiv_id="2106.00221")
    for n, place in enumerate(("University of California, Los Angeles", "National University of Singapore", "Google")):
        Signature.objects.filter(paper__in=Paper.objects.all()[:5], position=n).update(affiliations=[place])
    institutions.link(list(Paper.objects.values_list("pk", flat=True)))
    things: dict[str, Any] = {
        "work": paper,
        "topic": Topic.objects.get(name="Machine Learning"),
        "institution": Institution.objects.get(name="Google"),
        "person": Author.objects.get(name="Xiangning Chen"),
        "large": Paper.objects.get(arxiv_id="2001.00001"),
    }
    for name, thing in things.items():
        page.goto(live_server.url + thing.get_absolute_url())
        page.locator("svg.graph-picture").scroll_into_view_if_needed()
        expect(page.get_by_text("Building this graph slice")).to_have_count(0)
        look(page, f"panel-{name}")

    page.goto(live_server.url + reverse("person_graph", args=[things["person"].pk]))
    page.locator("#graph-tables > summary").click()
    page.locator("#graph-sort-person-name").click()
    heads = page.locator("th[aria-sort]")
    expect(heads.first).to_have_attribute("aria-sort", "ascending")
    page.locator("#graph-sort-person-name").click()
    expect(heads.first).to_have_attribute("aria-sort", "descending")
    assert "sort" not in page.url
    look(page, "graph-person")
