"""The journal only grows."""

from __future__ import annotations

import re

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from papers import journal
from papers.models import Batch, JournalEntry
from profiles import decisions
from profiles.models import Account, Author
from tests.conftest import fact, with_role

pytestmark = pytest.mark.django_db


def test_a_row_says_who_did_what_to_what():
    ada, batch = Account.objects.create_user("ada"), Batch.objects.create(label="x.jsonl")
    entry = journal.write(ada, "imported", batch, records=3)
    entry.refresh_from_db()
    assert str(entry) == f"ada imported x.jsonl #{batch.pk}"
    assert (entry.subject_kind, entry.subject_id, entry.details) == ("papers.batch", batch.pk, {"records": 3})
    assert str(journal.write(None, "harvested", batch)).startswith("BZPEER harvested")


def test_the_database_refuses_to_change_or_delete_a_row():
    entry = journal.write(None, "harvested", Batch.objects.create(label="x.jsonl"))
    for forbidden in (entry.delete, lambda: JournalEntry.objects.update(verb="nothing")):
        with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
            forbidden()
    assert JournalEntry.objects.get().verb == "harvested"


def test_the_database_refuses_to_empty_the_table():
    entry = journal.write(None, "harvested", Batch.objects.create(label="x.jsonl"))
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
        cursor.execute("TRUNCATE papers_journalentry CASCADE")
    assert JournalEntry.objects.get() == entry


def test_it_is_read_by_whom_what_and_about_what():
    ada, bob = Account.objects.create_user("ada"), Account.objects.create_user("bob")
    batch, other = Batch.objects.create(label="x.jsonl"), Batch.objects.create(label="y.jsonl")
    one, two, three = (
        journal.write(ada, "imported", batch),
        journal.write(bob, "imported", other),
        journal.write(bob, "gave", ada, to="ada"),
    )
    assert set(journal.read(who="BOB")) == {two, three}
    assert set(journal.read(verb="imported")) == {one, two}
    assert set(journal.read(kind="profiles.account")) == {three}
    assert set(journal.read(subject="x.json")) == {one}
    assert set(journal.read(kind="papers.batch", subject=str(other.pk))) == {two}
    assert set(journal.read()) == {one, two, three}
    assert journal.words() == (["gave", "imported"], ["papers.batch", "profiles.account"])


def test_the_page_is_the_newest_first_and_by_key(client: Client):
    curator = with_role("curator")
    client.force_login(curator)
    batch = Batch.objects.create(label="<b>x</b>.jsonl")
    rows = [journal.write(curator, "imported", batch, note="<script>") for _ in range(65)]
    seen: list[int] = []
    address: str | None = reverse("curate_journal") + "?who=curator"
    while address:
        html = client.get(address).content.decode()
        assert "<b>x" not in html
        assert "<script>" not in html
        seen += map(int, re.findall(r'id="entry-(\d+)"', html))
        following = re.search(r'href="([^"]*)" rel="next"', html)
        address = following and following[1].replace("&amp;", "&")
    assert seen == [row.pk for row in reversed(rows)]
    assert client.get(reverse("curate_journal"), {"before": "x"}).status_code == 400


def test_a_decision_and_its_withdrawal_are_in_it(bring):
    bring(fact("2001.00001", ["Ada Lovelace"], "Engines"), fact("2001.00002", ["Mary Somerville"], "Spheres"))
    curator = with_role("curator")
    one, other = Author.objects.order_by("pk")
    correction = decisions.decide(curator, one, other, same=True, reason="Seen").correction
    decisions.decide(curator, one, other, same=False)  # withdraws what the same account had said
    told = list(JournalEntry.objects.order_by("pk").values_list("verb", "subject_id", "details__reason"))
    assert [verb for verb, *_ in told] == ["decided", "withdrew", "decided"]
    assert told[0] == ("decided", correction.pk, "Seen")
    assert told[1][1] == correction.pk
