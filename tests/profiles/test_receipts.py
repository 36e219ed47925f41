"""Receipts: numbers that re-add as they are shown, and what would change them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from profiles.disambiguation.model import probability_of
from profiles.models import Account, Assignment, Author
from profiles.receipts import Standing, receipt
from tests.conftest import fact, with_role


def items(*weights: float, rule: str = "coauthors") -> list[dict[str, Any]]:
    return [{"rule": "prior", "weight": weights[0], "sentence": "before any evidence"}] + [
        {"rule": rule, "weight": weight, "sentence": f"reason {number}"} for number, weight in enumerate(weights[1:])
    ]


@pytest.mark.parametrize(
    ("weights", "total", "without", "standing"),
    [
        ((-0.8, 2.1, 3.0), "4.3000", "1.3000", Standing.WEAK),
        ((-0.8, 2.6, 2.7, -0.1), "4.4000", "1.7000", Standing.WEAK),
        ((-0.8, 3.1, 3.2), "5.5000", "2.3000", Standing.STRONG),
        ((-0.5, 2.6), "2.1000", "-0.5000", Standing.APART),
    ],
)
def test_what_the_strongest_item_carries(weights: tuple[float, ...], total: str, without: str, standing: Standing):
    found = receipt(items(*weights), threshold=0.4)
    assert found.total == Decimal(total)
    assert found.without_strongest is not None
    assert found.without_strongest.total == Decimal(without)
    assert found.without_strongest.probability == pytest.approx(probability_of(float(without)))
    assert found.without_strongest.standing is standing


def test_what_readers_say_makes_a_link_weak_and_does_not_part_it():
    doubt = {"rule": "readers", "weight": -2.1, "sentence": "3 readers say that this is another person"}
    found = receipt([*items(-0.8, 2.1, 3.0), doubt], threshold=0.4)
    assert found.without_strongest is not None
    assert (found.total, found.without_strongest.total) == (Decimal("2.2000"), Decimal("-0.8000"))
    assert found.without_strongest.standing is Standing.WEAK  # 1.3 without the readers
    assert found.doubt is not None
    assert receipt([*items(-0.8, 1.1), doubt], threshold=0.4).without_strongest.standing is Standing.APART  # type: ignore[union-attr]
    assert receipt([*items(-0.8, 1.1), doubt | {"weight": 0.0}], threshold=0.4).doubt is None


def test_what_is_stated_or_stands_alone_has_no_strongest_item():
    assert receipt([{"rule": "decision", "weight": 12.0, "sentence": "people"}], 0.4).without_strongest is None
    assert receipt([{"rule": "decision", "weight": 12.0, "sentence": "people"}], 0.4).stated_by == "decision"
    assert receipt([{"rule": "rival", "weight": 0.3, "sentence": "held apart"}], 0.4).without_strongest is None
    assert receipt(items(-0.8, -1.0), 0.4).without_strongest is None
    assert receipt([], 0.4).total == 0


def test_a_weak_total_says_what_it_lacks_and_a_strong_one_lacks_nothing():
    weak = receipt(items(-0.8, 1.0), 0.4)
    assert weak.missing is not None
    assert probability_of(float(weak.total + weak.missing)) == pytest.approx(weak.strong, abs=1e-4)
    assert receipt(items(-0.8, 6.0), 0.4).missing is None


@given(st.lists(st.integers(-120_000, 120_000).map(lambda n: n / 10_000), min_size=1, max_size=20))
def test_any_stored_weights_re_add_exactly_and_no_bar_leaves_the_picture(weights: list[float]):
    found = receipt(items(*weights), 0.4)
    assert sum(Decimal(f"{item.weight:+f}") for item in found.items) == found.total
    assert round(sum(weights), 4) == pytest.approx(float(found.total))
    assert all(-1 <= item.length <= 1 for item in found.items)


def weights_of(html: str) -> tuple[list[Decimal], Decimal]:
    """The weights and the total that a receipt's page shows."""
    table = html[html.index('<table class="table receipt">') : html.index("</table>")]
    body, foot = table.split("<tfoot>")
    shown = re.findall(r'<td class="number">([+-]\d+\.\d{4})</td>', body)
    (total,) = re.findall(r'<td class="number">([+-]\d+\.\d{4})</td>', foot)
    assert len(shown) == body.count("<tr>") - 1
    return [Decimal(value) for value in shown], Decimal(total)


@pytest.mark.django_db
def test_the_numbers_on_the_page_re_add_to_its_total(client: Client, xiangning_chen: Author):
    for assignment in xiangning_chen.assignments.select_related("compared_with__paper"):
        response = client.get(reverse("attribution", args=[assignment.signature.paper_id, xiangning_chen.pk]))
        html = response.content.decode()
        shown, total = weights_of(html)
        assert shown == [Decimal(str(item["weight"])) for item in assignment.evidence]
        assert sum(shown) == total
        assert probability_of(float(total)) == pytest.approx(assignment.probability, abs=1e-4)
        assert assignment.compared_with is not None
        assert assignment.compared_with.paper.get_absolute_url() in html
        assert xiangning_chen.get_absolute_url() in html
        assert reverse("accuracy") in html


@pytest.mark.django_db
def test_the_page_says_what_its_strongest_item_carries(client: Client, xiangning_chen: Author):
    assignment = xiangning_chen.assignments.get(signature__paper__arxiv_id="2106.01548")
    html = client.get(reverse("attribution", args=[assignment.signature.paper_id, xiangning_chen.pk])).content.decode()
    change = receipt(assignment.evidence, 0.4).without_strongest
    assert change is not None
    assert "Without its strongest item" in html
    assert f"{change.total:+f}" in html[html.index("Without its strongest item") :]


@pytest.mark.django_db
def test_where_groups_were_weighed_the_receipt_says_so_and_shows_the_two_works_by_themselves(
    client: Client, xiangning_chen: Author
):
    assignment = xiangning_chen.assignments.exclude(compared_with=None)[0]
    pair = items(-0.8, 1.25, 0.5)
    assignment.evidence = [*items(-0.4, 0.75), {"rule": "two by two", "weight": 1.5, "sentence": "best", "parts": pair}]
    assignment.save()
    html = client.get(reverse("attribution", args=[assignment.signature.paper_id, xiangning_chen.pk])).content.decode()
    assert "the two groups as wholes" in html
    assert weights_of(html) == ([Decimal("-0.4"), Decimal("0.75"), Decimal("1.5")], Decimal("1.85"))
    assert "The two works by themselves: +0.9500" in html
    assert all(f"{part['weight']:+.4f}" in html for part in pair)


@pytest.mark.django_db
def test_a_work_that_stands_alone_says_so_and_leads_to_its_name(client: Client, bring):
    bring(fact("2001.00001", ["A. B. Lovelace"]))
    assignment = Assignment.objects.get()
    html = client.get(
        reverse("attribution", args=[assignment.signature.paper_id, assignment.author_id])
    ).content.decode()
    assert "stands alone" in html
    assert reverse("name", args=["A. B. Lovelace"]) in html
    assert "no full given name is printed" in html
    assert "Without its strongest item" not in html


@pytest.mark.django_db
def test_a_merged_author_leads_to_the_receipt_of_the_heir(client: Client, xiangning_chen: Author):
    paper = xiangning_chen.assignments.values_list("signature__paper", flat=True).first()
    merged = Author.objects.create(name="X. Chen", merged_into=xiangning_chen)
    response = client.get(reverse("attribution", args=[paper, merged.pk]))
    assert (response.status_code, response["Location"]) == (
        301,
        reverse("attribution", args=[paper, xiangning_chen.pk]),
    )
    assert client.get(reverse("attribution", args=[999_999, xiangning_chen.pk])).status_code == 404


@pytest.mark.django_db
def test_only_a_curator_finds_the_form_that_decides(client: Client, xiangning_chen: Author):
    paper = xiangning_chen.assignments.values_list("signature__paper", flat=True).first()
    address = reverse("attribution", args=[paper, xiangning_chen.pk])
    assert reverse("curate_decide") not in client.get(address).content.decode()
    client.force_login(Account.objects.create_user("ada"))
    assert reverse("curate_decide") not in client.get(address).content.decode()
    client.force_login(with_role("curator"))
    assert reverse("curate_decide") in client.get(address).content.decode()


@pytest.mark.django_db
def test_a_weak_attribution_is_marked_in_words_and_leads_to_its_receipt(client: Client, xiangning_chen: Author):
    assignment = xiangning_chen.assignments.select_related("signature__paper").first()
    assert assignment is not None
    Assignment.objects.filter(pk=assignment.pk).update(state=Assignment.State.WEAK)
    address = reverse("attribution", args=[assignment.signature.paper_id, xiangning_chen.pk])
    for page in (xiangning_chen.get_absolute_url(), assignment.signature.paper.get_absolute_url()):
        html = client.get(page).content.decode()
        assert re.search(rf'<a [^>]*href="{address}"[^>]*>\s*weak inference', html), page
    assert "1 of these works is attributed weakly" in client.get(xiangning_chen.get_absolute_url()).content.decode()
