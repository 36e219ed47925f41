"""Refused records are fixed in place: in the format they came in, as that record of that batch."""

from __future__ import annotations

import json

import pytest

from papers import retrying
from papers.models import Batch, BatchRecord, JournalEntry, Paper, Signature
from papers.sources.jsonlines import RAW_SHOWN
from tests.conftest import fact
from tests.papers.test_importing import run

pytestmark = pytest.mark.django_db


def ended(*records: dict | bytes, source: str = "") -> Batch:
    batch = run(*records, source=source)
    batch.stage = Batch.Stage.DONE
    batch.save()
    return batch


def retry(record: BatchRecord, text: str) -> retrying.Outcome:
    return retrying.retry(record, text, None, lambda batch, signatures: None)


def refused(batch: Batch) -> BatchRecord:
    return batch.records.select_related("batch").get(fate="refused")


def test_a_fixed_line_is_taken_in_as_that_record_of_that_batch():
    batch = ended(fact("2001.00001", ["Ada Lovelace"]), fact("2001.00002", ["Ada Lovelace"], created="soon"))
    record = refused(batch)
    outcome = retry(record, record.raw.replace("soon", "2020-02-02"))
    assert (outcome.problem, outcome.surnames) == ("", {"lovelace"})
    again = batch.records.get(number=2)
    assert (again.fate, again.paper_id, again.raw) == ("new", outcome.paper, record.raw.replace("soon", "2020-02-02"))
    batch.refresh_from_db()
    assert (batch.new, batch.refused, batch.total) == (2, 0, 2)
    entry = JournalEntry.objects.get()
    assert (entry.verb, entry.details["record"], entry.details["refused_for"]) == ("fixed", 2, record.reason)


def test_a_fix_can_be_an_update_or_find_the_paper_unchanged():
    batch = ended(fact("2001.00001", ["Ada Lovelace"], title="Engines"), b"{one", b"{two")
    one, two = batch.records.select_related("batch").filter(fate="refused").order_by("number")
    line = fact("2001.00001", ["Ada Lovelace"], title="Better engines", updated="2021-01-01")
    retry(one, json.dumps(line))
    retry(two, json.dumps(line))
    batch.refresh_from_db()
    assert (batch.new, batch.updated, batch.unchanged, batch.refused) == (1, 1, 1, 0)
    assert (batch.records.get(number=2).before or {})["title"] == "Engines"


def test_refused_again_it_says_the_new_reason_and_loses_nothing():
    batch = ended(fact("2001.00001", ["Ada Lovelace"]), b"{broken")
    record = refused(batch)
    outcome = retry(record, '{"id": "2001.00002"}')
    record.refresh_from_db()
    assert outcome.problem == record.reason == "The record has no title."
    assert record.raw == '{"id": "2001.00002"}'
    assert JournalEntry.objects.get().details["was"] == "{broken"
    assert Paper.objects.count() == 1


def test_the_odd_author_line_of_a_listing_is_fixed_as_text():
    listing = "Ding, Zixiang\nOne\nDing, Zixiang, Guo, Lin\nOf one.\nTwo\nDing, Zixiang, Guo\nOf two.\n"
    batch = ended(listing.encode(), source="listing")
    record = refused(batch)
    assert retry(record, record.raw.replace("Ding, Zixiang, Guo", "Ding, Zixiang, Guo, Lin")).problem == ""
    paper = Paper.objects.get(title="Two")
    assert list(Signature.objects.filter(paper=paper).values_list("family", flat=True)) == ["Ding", "Guo"]
    assert paper.abstract == "Of two."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "The text holds no record."),
        ('{"a": 1}\n{"b": 2}', "The text holds more than one record."),
        ("x" * RAW_SHOWN, "The text is longer than 64 KiB; fix the record in the file and import that."),
    ],
)
def test_a_fix_is_one_record(text: str, problem: str):
    assert retry(refused(ended(fact("2001.00001", ["Ada Lovelace"]), b"{broken")), text).problem == problem


def test_what_is_not_refused_or_not_kept_whole_or_still_read_is_not_fixed():
    batch = ended(fact("2001.00001", ["Ada Lovelace"]), b"{broken", b'{"x": "' + b"y" * RAW_SHOWN + b'"')
    taken, broken, long = batch.records.select_related("batch").order_by("number")
    assert retry(taken, "{}").problem == "This record was taken in."
    assert "longer than 64 KiB" in retry(long, "{}").problem
    Batch.objects.filter(pk=batch.pk).update(stage="reading")
    assert "still at work" in retry(broken, "{}").problem
