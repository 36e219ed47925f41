"""The pages of a topic and of an institution, and a curator's correction, in a browser."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from papers import institutions
from papers.models import Institution, Signature, Topic
from tests.conftest import fact, logged_in, with_role
from tests.looking import look
from tests.profiles.test_accounts_browser import page
from tests.test_browser import browser

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FAMILIES = ["Aard", "Bern", "Cole", "Dahl", "Eames", "Falk", "Gray", "Holm", "Ito", "Jung", "Kraus", "Lund"]
PLACES = ["University of York, UK", "Univ. of York, United Kingdom", "Department of Physics, University of York, U.K.",
          "Kavli Institute, Oslo", "Paris Observatory", "Observatoire de Paris, France", "Google Research"]  # fmt: skip


def test_a_topic_and_an_institution_can_be_read_and_corrected(page: Page, live_server: Any, bring) -> None:
    chance = random.Random(1)
    kinds = ["hep-ph", "math.CO", "cs.LG", "astro-ph.GA", "quant-ph", "cs.CL"]
    bring(
        *(
            fact(
                f"2001.{n:05}",
                [f"Ada {family}" for family in chance.sample(FAMILIES, chance.randint(1, 4))],
                f"On the scattering of waves, part {n}",
                categories=["hep-ph", *chance.sample(kinds[1:], chance.randint(0, 2))],
                created=f"{chance.choice(range(2004, 2021))}-03-01",
                abstract="We look at waves, and find that they scatter.",
            )
            for n in range(60)
        ),
        *(fact(f"2101.{n:05}", ["Zoe Zahn"], f"On cells {n}", categories=["q-bio.NC"]) for n in range(40)),
    )
    for signature in Signature.objects.all():
        signature.affiliations = [chance.choice(PLACES)]
        signature.save()
    institutions.link(list(Signature.objects.values_list("paper", flat=True)))
    topic = Topic.objects.get(name__startswith="High Energy")
    page.goto(f"{live_server.url}{topic.get_absolute_url()}")
    expect(page.get_by_role("heading", name="Neighbouring topics")).to_be_visible()
    expect(page.locator(".slot__wait")).to_have_count(0)
    look(page, "topic")

    york = Institution.objects.get(key="university york uk")
    page.goto(f"{live_server.url}{york.get_absolute_url()}")
    expect(page.get_by_role("heading", name="Whom it shares works with")).to_be_visible()
    expect(page.locator(".slot__wait")).to_have_count(0)
    look(page, "institution")

    logged_in(page, live_server.url, with_role("curator"))
    page.goto(f"{live_server.url}/institutions/{york.pk}/change/?q=paris+observatory")
    look(page, "institution-change")
    page.get_by_label("Univ. of York, United Kingdom").check()
    page.get_by_label("Paris Observatory").check()
    page.get_by_role("button", name="Preview: move the forms chosen").click()
    expect(page.get_by_role("heading", name="This is what would change")).to_be_visible()
    look(page, "institution-preview")
    page.get_by_label("Why?").fill("Printed so by mistake.")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("1 form moved")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone", exact=True)).to_be_visible()
