"""Long author lists: weighed, counted, bounded, and nobody on them is alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from graph import coauthorships, crowds
from graph.coauthorships import rebuild
from graph.models import Coauthorship
from graph.networks import Tie
from papers.models import Batch
from profiles.models import Assignment, Author
from tests.conftest import fact
from tests.graph.test_coauthorships import row

pytestmark = pytest.mark.django_db
Bring = Callable[..., Batch]

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def crowd(size: int) -> list[str]:
    """As many names, each of another surname."""
    return [f"Quinn {LETTERS[n // 676].upper()}{LETTERS[n // 26 % 26]}{LETTERS[n % 26]}x" for n in range(size)]


@pytest.fixture
def small_teams(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (coauthorships, crowds):
        monkeypatch.setattr(room, "LARGEST_TEAM", 3)


def of(name: str, most: int = crowds.SHOWN) -> crowds.Crowd:
    found = crowds.of(Author.objects.get(name=name), most)
    assert found is not None
    return found


def names(found: crowds.Crowd) -> list[tuple[str, int]]:
    return [(met.person.name, met.works) for met in found.met]


@pytest.fixture
def lists(bring: Bring, small_teams: None) -> None:
    ada, bea, cem, dora, eli = "Ada Lovelace", "Bea Holm", "Cem Aydin", "Dora Quist", "Eli Faro"
    bring(
        fact("2001.00001", [ada, bea, cem, dora, eli], "Of looms", created="2001-01-01"),
        fact("2001.00002", [ada, bea, dora, eli], "Looms again", created="2002-01-01"),
        fact("2001.00003", [ada, bea], "Looms once more"),
    )


def test_long_lists_are_told_with_size_and_weight_and_whom_they_name_beside_the_ties(lists: None) -> None:
    found = of("Ada Lovelace")
    assert [(work.names, work.weight) for work in found.works] == [(4, 1 / 3), (5, 1 / 4)]
    assert (found.people, found.is_exact, found.largest) == (3, True, 5)
    assert names(found) == [("Dora Quist", 2), ("Eli Faro", 2), ("Cem Aydin", 1)]
    assert Coauthorship.objects.count() == 2  # Ada and Bea


def test_as_many_are_named_as_are_asked_for_and_all_are_counted(lists: None) -> None:
    found = of("Cem Aydin", most=2)
    assert (found.people, names(found)) == (4, [("Ada Lovelace", 1), ("Bea Holm", 1)])


def test_a_hidden_or_rejected_person_is_neither_counted_nor_named(lists: None) -> None:
    Author.objects.filter(name="Dora Quist").update(visibility=Author.Visibility.GONE)
    Assignment.objects.filter(author__name="Cem Aydin").update(state=Assignment.State.REJECTED)
    found = of("Ada Lovelace")
    assert (found.people, names(found)) == (1, [("Eli Faro", 2)])


def test_what_is_not_read_makes_the_count_a_lower_bound(lists: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "NAMES_READ", 4)
    found = of("Ada Lovelace")
    assert (found.read, found.people, found.is_exact) == (1, 2, False)
    assert names(found) == [("Dora Quist", 1), ("Eli Faro", 1)]


def test_who_is_on_no_long_list_costs_one_query(bring: Bring) -> None:
    bring(fact("2001.00001", ["Ada Lovelace", "Bea Holm"]))
    ada = Author.objects.get(name="Ada Lovelace")
    with CaptureQueriesContext(connection) as asked:
        assert crowds.of(ada) == crowds.Crowd()
    assert len([query for query in asked if "papers_paper" in query["sql"]]) == 1


def test_the_page_says_the_rule_and_the_number(lists: None, client: Client) -> None:
    page = client.get(reverse("person_graph", args=[Author.objects.get(name="Ada Lovelace").pk])).content.decode()
    said = " ".join(page.split())
    assert "2 works here have such a list, the longest of 5 names." in said
    assert "That is 3 further people." in said
    assert "Dora Quist</a> (2)" in said


def test_the_page_does_without_what_takes_too_long(
    lists: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowds, "_WORKS", "SELECT 1, 1 FROM pg_sleep(1)")
    monkeypatch.setattr(crowds, "TIMEOUT_MS", 20)
    page = client.get(reverse("person_graph", args=[Author.objects.get(name="Ada Lovelace").pk]))
    assert page.status_code == 200
    assert "Whom such lists name took too long to count." in page.content.decode()


def test_a_list_of_five_thousand_names_costs_no_row_and_its_page_a_constant_number_of_queries(
    bring: Bring, client: Client
) -> None:
    size = 5_000
    bring(
        fact("2001.00001", crowd(size), "Of everything"),
        fact("2001.00002", crowd(2), "Of two"),
        fact("2001.00003", ["Ada Lovelace", "Bea Holm"], "Of looms"),
    )
    assert Assignment.objects.count() == size + 4
    one, two = crowd(2)
    # Those two are joined by their rare names, and their tie counts the long list too.
    assert row(one, two) == row(two, one) == Tie(2, round(1 + 1 / (size - 1), 9), 2020, 2020)
    assert Coauthorship.objects.count() == 4
    assert rebuild() == 0
    numbers = []
    for name in (crowd(size)[0], crowd(size)[7], "Ada Lovelace"):
        address = reverse("person_graph", args=[Author.objects.get(name=name).pk])
        with CaptureQueriesContext(connection) as asked:
            page = " ".join(client.get(address).content.decode().split())
        numbers.append(len(asked))
        assert ("4,998 further people" in page, "4,999 further people" in page) == (
            name == crowd(size)[0],
            name == crowd(size)[7],
        )
    assert numbers[0] == numbers[1]
    assert numbers[0] - numbers[2] < 6
