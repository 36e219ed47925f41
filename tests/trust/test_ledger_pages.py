"""The ledger on the page of a person, the page about it, and its public export."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from papers.models import Paper
from profiles.models import Author
from tests.conftest import fact
from trust import explaining, ledger, scores, views
from trust.models import LedgerEntry

pytestmark = pytest.mark.django_db
EXPORT = "/ledger.jsonl"


@pytest.fixture
def ada(bring: Callable[..., Any]) -> Author:
    bring(
        *(
            fact(f"2001.{n:05}", ["Ada Lovelace", "Charles Babbage"], f"Engine {n}", abstract="Engines.")
            for n in range(1, 4)
        )
    )
    return Author.objects.get(name="Ada Lovelace")


def page(client: Client, author: Author, query: str = "") -> str:
    response = client.get(reverse("person_trust", args=[author.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


# --- a person's page --------------------------------------------------------------------------------------------------


def test_each_number_leads_to_its_entry_and_the_entry_to_its_rows(client: Client, ada: Author):
    html = page(client, ada)
    links = re.findall(r'href="(\?before=(\d+)#entry-(\d+))"', html)
    assert sorted(int(seq) for _link, _before, seq in links) == sorted(ada.ledger.values_list("seq", flat=True))
    for link, before, seq in links:
        assert int(before) == int(seq) + 1
        assert f'id="entry-{seq}"' in page(client, ada, link.partition("#")[0])
    history = html[html.index('id="history"') :]
    for paper in Paper.objects.all():
        assert f'href="{paper.get_absolute_url()}">{paper.title_text}</a>' in history
    assert ">Charles Babbage</a>" in history
    assert "every work has an abstract" in history


def test_the_newest_entries_come_first_and_each_stands_on_one_page(
    client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(explaining, "SHOWN", 2)
    seen: list[int] = []
    query: str | None = ""
    while query is not None:
        html = page(client, ada, query)
        seen += map(int, re.findall(r'id="entry-(\d+)"', html))
        following = re.search(r'href="(\?before=\d+)#history" rel="next"', html)
        query = following and following[1]
    assert seen == list(ada.ledger.order_by("-seq").values_list("seq", flat=True))


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "1.5"])
def test_an_address_that_was_not_made_here_is_refused(client: Client, ada: Author, before: str):
    assert client.get(reverse("person_trust", args=[ada.pk]), {"before": before}).status_code == 400


def test_the_sum_on_a_day_is_what_the_ledger_then_held(client: Client, ada: Author):
    first = ada.ledger.order_by("seq")[0]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE trust_ledgerentry SET at = '2026-03-01T12:00Z' WHERE seq = %s", [first.seq])
    past = client.get(reverse("person_trust", args=[ada.pk]), {"on": "2026-03-01"}).context["past"]
    assert (past.score, past.band, [entry.label for entry in past.entries]) == (6, "Unverified", ["Works"])
    assert client.get(reverse("person_trust", args=[ada.pk]), {"on": "2026-02-28"}).context["past"].score == 0
    today = datetime.now(UTC).date().isoformat()
    response = client.get(reverse("person_trust", args=[ada.pk]), {"on": today})
    assert response.context["past"].score == response.context["score"] == ada.trust.score


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("soon", "This is no date."),
        ("2026-02-30", "This is no date."),
        ("<script>", "This is no date."),
        ("9999-12-31", "This day has not come yet."),
        ((datetime.now(UTC) + timedelta(days=1)).date().isoformat(), "This day has not come yet."),
    ],
)
def test_a_day_that_is_none_gets_a_sentence(client: Client, ada: Author, on: str, said: str):
    response = client.get(reverse("person_trust", args=[ada.pk]), {"on": on})
    assert response.status_code == 200
    assert said in response.content.decode()
    assert "<script>" not in response.content.decode()
    assert response.context["score"] == ada.trust.score


def test_a_sum_that_is_not_counted_yet_is_said(client: Client, ada: Author):
    assert "has just changed" not in page(client, ada)
    ada.assignments.update(state="rejected")
    assert f"still say {ada.trust.score}," in page(client, ada)
    scores.refresh([ada.pk])
    assert "has just changed" not in page(client, ada)


def test_who_changed_the_name_or_hid_is_named_as_everywhere_else(client: Client, ada: Author):
    charles = Author.objects.get(name="Charles Babbage")
    Author.objects.filter(pk=charles.pk).update(name="Carla Babbage")
    assert "Carla Babbage" in page(client, ada)
    assert "Charles Babbage" not in page(client, ada)
    Author.objects.filter(pk=charles.pk).update(visibility=Author.Visibility.NOTICE)
    html = page(client, ada)
    assert "Babbage" not in html
    assert "a person whose record is hidden" in html[html.index('id="history"') :]


def test_a_row_that_is_gone_is_said_to_be_gone(client: Client, ada: Author):
    Paper.objects.all().delete()
    assert "a work that is gone" in page(client, ada)


def test_more_entries_cost_no_more_queries(client: Client, ada: Author):
    def queries() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            page(client, ada, "?on=2026-01-01")
        return len(captured)

    before = queries()
    for state in ("rejected", "strong") * 4:
        ada.assignments.update(state=state)
        scores.refresh([ada.pk])
    assert ada.ledger.count() > 15
    assert queries() == before


# --- the public ledger ------------------------------------------------------------------------------------------------


def test_the_page_says_where_the_ledger_ends_and_how_to_check_it(client: Client, ada: Author):
    html = client.get("/ledger/").content.decode()
    assert "{}:{}".format(*ledger.end()) in html
    assert "verify_ledger.py" in html
    assert 'href="/ledger.jsonl"' in html
    assert 'href="/ledger/"' in client.get("/").content.decode()


def test_an_empty_ledger_has_a_page_and_an_export(client: Client):
    assert "Nothing has been entered yet." in client.get("/ledger/").content.decode()
    assert body(client.get(EXPORT)) == ""


def test_the_export_is_all_entries_in_parts_that_lead_from_one_to_the_next(
    client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(views, "PART", 2)
    seen: list[int] = []
    address: str | None = EXPORT
    while address:
        response = client.get(address)
        lines = [json.loads(line) for line in body(response).splitlines()]
        assert 0 < len(lines) <= 2
        seen += [line["seq"] for line in lines]
        following = re.fullmatch(r'<([^>]+)>; rel="next"', response.get("Link", ""))
        address = following and following[1]
    assert seen == list(range(1, LedgerEntry.objects.count() + 1))


def test_a_part_that_has_not_changed_is_not_sent_again(client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(views, "PART", 2)
    whole, last = EXPORT, f"{EXPORT}?from=5"
    tags = {address: client.get(address)["ETag"] for address in (whole, last)}

    def statuses() -> list[int]:
        return [client.get(address, headers={"If-None-Match": tag}).status_code for address, tag in tags.items()]

    assert statuses() == [304, 304]
    ada.assignments.update(state="rejected")
    scores.refresh([ada.pk])
    assert statuses() == [304, 200]
    Author.objects.filter(pk=ada.pk).update(visibility=Author.Visibility.GONE)
    assert statuses() == [200, 200]


@pytest.mark.parametrize("first", ["x", "-1", "", "9" * 30])
def test_a_number_that_is_none_is_refused(client: Client, first: str):
    assert client.get(EXPORT, {"from": first}).status_code == 400


def test_beyond_the_end_there_is_nothing(client: Client, ada: Author):
    response = client.get(EXPORT, {"from": "1000000"})
    assert (body(response), "Link" in response) == ("", False)


def test_no_line_holds_a_name_or_says_what_a_hidden_record_rests_on(client: Client, ada: Author):
    text = body(client.get(EXPORT))
    assert f"person:{ada.pk}" in text
    Author.objects.filter(pk=ada.pk).update(visibility=Author.Visibility.NOTICE)
    hidden = body(client.get(EXPORT))
    assert f"person:{ada.pk}" not in hidden
    assert all("sources" not in line for line in map(json.loads, hidden.splitlines()) if line["author"] == ada.pk)
    assert not re.search("lovelace|babbage|engine", text + hidden, re.IGNORECASE)
