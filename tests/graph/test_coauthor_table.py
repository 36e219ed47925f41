"""The coauthors of a person as funders ask for them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from graph import coauthor_views
from graph.coauthor_table import Coauthor, coauthors
from papers.bounded import TooSlow
from papers.models import Batch, Paper, Signature
from profiles.models import Account, Assignment, Author, OwnAffiliation, OwnWords
from tests.conftest import fact

Bring = Callable[..., Batch]
TODAY = date(2026, 6, 1)


@pytest.fixture
def ada(bring: Bring) -> Author:
    bring(
        fact("2501.00001", ["Ada Aal", "Robert Q. Baum"], "First", created="2025-03-01"),
        fact("2301.00001", ["Ada Aal", "Robert Q. Baum", "Ludwig van Beek"], "Second", created="2023-03-01"),
        fact("1501.00001", ["Ada Aal", "Carl Coy"], "Long ago", created="2015-03-01"),
    )
    return Author.objects.get(name="Ada Aal")


def rows(author: Author, **more: Any) -> dict[str, Coauthor]:
    return {row.author.name: row for row in coauthors(author, TODAY, **more).rows}


def test_all_coauthors_of_the_months_are_listed_family_name_first(ada: Author) -> None:
    found = coauthors(ada, TODAY)
    assert [(row.name, row.works, row.last_active) for row in found.rows] == [
        ("Baum, Robert Q.", 2, "03/01/2025"),
        ("van Beek, Ludwig", 1, "03/01/2023"),
    ]
    assert (found.works, found.since) == (2, date(2022, 6, 1))


def test_the_months_may_be_others(ada: Author) -> None:
    assert set(rows(ada, months=240)) == {"Robert Q. Baum", "Ludwig van Beek", "Carl Coy"}
    assert set(rows(ada, months=20)) == {"Robert Q. Baum"}


def test_long_lists_are_left_out_on_demand_and_counted(ada: Author) -> None:
    found = coauthors(ada, TODAY, largest=2)
    assert ([row.works for row in found.rows], found.works, found.left_out) == ([1], 1, 1)


def test_a_day_that_is_not_known_is_not_invented(ada: Author) -> None:
    Paper.objects.update(day_known=False)
    assert rows(ada)["Robert Q. Baum"].last_active == "2025"
    Paper.objects.update(created=None, updated=None)
    assert rows(ada)["Carl Coy"].last_active == ""


def test_weak_attributions_are_marked_and_rejected_ones_left_out(ada: Author) -> None:
    mine = Assignment.objects.filter(author=ada)
    assert not rows(ada)["Robert Q. Baum"].weak
    mine.update(state="weak")
    assert rows(ada)["Robert Q. Baum"].weak
    mine.update(state="rejected")
    assert rows(ada) == {}


def test_hidden_people_are_not_listed(ada: Author) -> None:
    Author.objects.filter(name="Robert Q. Baum").update(visibility="notice")
    assert set(rows(ada)) == {"Ludwig van Beek"}


def test_the_affiliation_is_the_last_printed_with_its_year_or_the_owners_word(ada: Author) -> None:
    baum = Author.objects.get(name="Robert Q. Baum")
    for number, place in (("2301.00001", "Old place"), ("2501.00001", r"Universit\'e de X")):
        Signature.objects.filter(paper__arxiv_id=number, assignment__author=baum).update(affiliations=[place])
    row = rows(ada)["Robert Q. Baum"]
    assert (row.affiliation, row.year, row.stated) == ("Université de X", 2025, False)
    OwnAffiliation.objects.create(author=baum, institution="Former", to_year=2024)
    OwnAffiliation.objects.create(author=baum, institution="Institute of Y")
    assert rows(ada)["Robert Q. Baum"].affiliation == "Université de X"  # nobody holds the record
    Author.objects.filter(pk=baum.pk).update(account=Account.objects.create_user("baum"))
    row = rows(ada)["Robert Q. Baum"]
    assert (row.affiliation, row.year, row.stated) == ("Institute of Y", None, True)
    OwnWords.objects.create(author=baum, hidden=["affiliation"])
    assert rows(ada)["Robert Q. Baum"].affiliation == ""


def test_the_number_of_queries_does_not_grow(ada: Author, bring: Bring) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            coauthors(ada, TODAY)
        return len(seen)

    before = queries()
    names = [f"{a}{b} {c}{a}son" for a in "ABCDE" for b in "aeiou" for c in "BCDFG"]
    bring(fact("2502.00001", ["Ada Aal", "Robert Q. Baum", *names], "Many", created="2025-04-01"))
    assert len(coauthors(ada, TODAY).rows) > 100
    assert queries() == before


def test_the_file_has_the_columns_of_the_form_first(
    client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda: TODAY)
    Signature.objects.filter(printed="Ludwig van Beek").update(affiliations=["=University"])
    response = client.get(reverse("coauthor_table_csv", args=[ada.pk]))
    assert list(csv.reader(io.StringIO(response.content.decode()))) == [
        ["4", "Name:", "Organizational Affiliation", "Optional  (email, Department)", "Last Active", "Works", "Note"],
        ["A:", "Baum, Robert Q.", "", "", "03/01/2025", "2", ""],
        ["A:", "van Beek, Ludwig", "'=University", "", "03/01/2023", "1",
         "one of 3 names; affiliation as printed, 2023"],
    ]  # fmt: skip


def test_the_page_and_the_file_are_linked_from_the_graph_of_the_person(
    client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "localdate", lambda: TODAY)
    address = reverse("coauthor_table", args=[ada.pk])
    assert address in client.get(reverse("person_graph", args=[ada.pk])).content.decode()
    html = client.get(address, {"months": 240, "largest": 2}).content.decode()
    assert "Baum, Robert Q." in html
    assert "1 work of more than 2 names is left out." in html
    assert f"{reverse('coauthor_table_csv', args=[ada.pk])}?months=240&amp;largest=2" in html


@pytest.mark.parametrize("asked", [{"months": "0"}, {"months": "-1"}, {"months": "x"}, {"largest": "1"}])
def test_months_that_are_none_are_answered_with_a_sentence(client: Client, ada: Author, asked: dict[str, str]) -> None:
    page = client.get(reverse("coauthor_table", args=[ada.pk]), asked)
    assert page.status_code == 400
    assert "errorlist" in page.content.decode()
    rows_ = list(
        csv.reader(io.StringIO(client.get(reverse("coauthor_table_csv", args=[ada.pk]), asked).content.decode()))
    )
    assert len(rows_) == 2
    assert rows_[1][-1].endswith(".")


@pytest.mark.parametrize("name", ["coauthor_table", "coauthor_table_csv"])
def test_merged_hidden_and_unknown_ids(client: Client, ada: Author, name: str) -> None:
    was = Author.objects.create(name="A. Aal", merged_into=ada)
    response = client.get(reverse(name, args=[was.pk]))
    assert (response.status_code, response["Location"]) == (301, reverse(name, args=[ada.pk]))
    assert client.get(reverse(name, args=[999_999])).status_code == 404
    Author.objects.filter(pk=ada.pk).update(visibility="gone")
    hidden = client.get(reverse(name, args=[ada.pk]))
    assert hidden.status_code == 410
    assert "Aal" not in hidden.content.decode()


def test_somebody_without_coauthors_and_a_record_without_works(client: Client, bring: Bring) -> None:
    bring(fact("2501.00001", ["Solo Only"], created="2025-03-01"))
    for author in (Author.objects.get(name="Solo Only"), Author.objects.create(name="Nobody Left")):
        response = client.get(reverse("coauthor_table", args=[author.pk]))
        assert response.status_code == 200
        assert "No coauthor is on record" in response.content.decode()


def test_what_takes_too_long_is_said(client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> None:
        raise TooSlow

    monkeypatch.setattr(coauthor_views, "coauthors", slow)
    assert client.get(reverse("coauthor_table", args=[ada.pk])).status_code == 503
    assert "takes too long" in client.get(reverse("coauthor_table_csv", args=[ada.pk])).content.decode()
