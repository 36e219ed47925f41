"""What an import overwrote is kept, and put back: whole, by record, and forwards again."""

from __future__ import annotations

import pytest

from papers.models import Paper, Signature
from tests.conftest import fact
from tests.papers.test_importing import run

pytestmark = pytest.mark.django_db


def test_an_update_keeps_what_it_overwrote_and_nothing_else():
    run(fact("2001.00001", ["Ada Lovelace"], title="First title", abstract="Of engines."))
    batch = run(fact("2001.00001", ["Ada Lovelace"], title="Second title", updated="2021-01-01"))
    before = batch.records.get().before
    assert {key: before[key] for key in ("title", "title_text", "updated")} == {
        "title": "First title",
        "title_text": "First title",
        "updated": "2020-01-01",
    }
    assert before.keys() == {"title", "title_text", "updated", "fingerprint"}


def test_new_and_unchanged_records_keep_nothing():
    first = run(fact("2001.00001", ["Ada Lovelace"]))
    again = run(fact("2001.00001", ["Ada Lovelace"]))
    assert [b.records.get().before for b in (first, again)] == [None, None]


def test_where_a_name_goes_the_whole_list_is_kept_with_the_ids():
    run(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    rows = list(Signature.objects.order_by("position").values("id", "printed", "position"))
    batch = run(fact("2001.00001", ["Ada Lovelace"], updated="2021-01-01"))
    kept = batch.records.get().before["signatures"]
    assert [{key: row[key] for key in ("id", "printed", "position")} for row in kept] == rows


def test_topics_are_kept_where_the_categories_change():
    run(fact("2001.00001", ["Ada Lovelace"], categories=["cs.LG"]))
    topics = list(Paper.objects.get().topics.values_list("pk", flat=True))
    batch = run(fact("2001.00001", ["Ada Lovelace"], categories=["math.CO"], updated="2021-01-01"))
    before = batch.records.get().before
    assert (before["categories"], before["topics"]) == (["cs.LG"], topics)


def test_an_affiliation_that_is_filled_in_is_an_update_that_can_be_undone():
    line = '{"id": "2001.00001", "title": "On", "authors": "Ada Lovelace", "authors_parsed": [["Lovelace", "Ada", ""%s]], "update_date": "2020-01-01", "versions": []}'
    run((line % "").encode(), source="snapshot")
    batch = run((line % ', "London"').encode(), source="snapshot")
    record = batch.records.get()
    assert record.fate == "updated"
    assert [row["affiliations"] for row in record.before["signatures"]] == [[]]
    assert Signature.objects.get().affiliations == ["London"]
