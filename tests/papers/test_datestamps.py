"""A paper is dated by whatever changes what is shown of it, by nothing else, and never before others can see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime

import pytest
from django.db import connection, transaction

from bzpeer import demo
from papers import datestamps, importing, reversal
from papers.models import Batch, BatchRecord, Paper, RemovedPaper
from papers.records import Deletion, Listing, Numbered, Record
from tests.conftest import fact
from tests.papers.test_importing import run

ADA = "Ada Lovelace"


def changed() -> datetime:
    return Paper.objects.get().changed_at


def undo(batch: Batch) -> None:
    reversal.undo([batch.records.get().pk], None, importing.nobody, reversal.Rules())


# --- what dates ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_new_paper_is_dated():
    before = datestamps.horizon()
    run(fact("2001.00001", [ADA]))
    assert before < changed() < datestamps.horizon()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "later",
    [
        fact("2001.00001", [ADA], title="Another title", updated="2021-01-01"),
        fact("2001.00001", [ADA, "Charles Babbage"], updated="2021-01-01"),
        fact("2001.00001", [ADA], categories=["math.CO"], updated="2021-01-01"),
    ],
    ids=["title", "names", "topics"],
)
def test_a_later_version_dates_the_paper_anew(later: dict):
    run(fact("2001.00001", [ADA]))
    before = changed()
    run(later)
    assert changed() > before


@pytest.mark.django_db
def test_an_affiliation_that_is_filled_in_dates_the_paper_anew():
    line = (
        '{"id": "2001.00001", "title": "On", "authors": "Ada Lovelace", "authors_parsed": [["Lovelace", "Ada", ""%s]],'
        ' "update_date": "2020-01-01", "versions": []}'
    )
    run((line % "").encode(), source="snapshot")
    before = changed()
    run((line % ', "London"').encode(), source="snapshot")
    assert changed() > before


@pytest.mark.django_db
def test_a_topic_that_a_record_adds_dates_the_paper_anew():
    known = Record("On engines", (), arxiv_id="2001.00001", categories=("cs.LG",))
    batch = Batch.objects.create(label="test", source="openalex")
    listed = Listing(date(2020, 1, 2))
    importing.store(batch, [Numbered(1, known)])
    dates = [changed()]
    importing.store(batch, [Numbered(2, replace(known, listings=(listed,)))])
    assert changed() == dates[0]  # where it was listed is no statement about it
    importing.store(batch, [Numbered(3, replace(known, listings=(replace(listed, votes=3),), topics=("Engines",)))])
    assert Paper.objects.get().topics.count() == 2
    assert changed() > dates[0]


@pytest.mark.django_db
def test_a_record_that_says_what_is_known_dates_nothing():
    first = fact("2001.00001", [ADA])
    run(first)
    before = changed()
    run(first)
    run(first | {"title": "An older title", "updated": "2019-01-01"})
    assert changed() == before


@pytest.mark.django_db
def test_a_record_that_its_source_deleted_dates_the_paper_anew():
    run(fact("2001.00001", [ADA]))
    before = changed()
    batch = Batch.objects.create(label="harvest", source="oai")
    importing.store(batch, [Deletion(1, "It is gone.", source_id="2001.00001")])
    assert changed() > before
    again = changed()
    importing.store(batch, [Deletion(2, "It is gone.", source_id="2001.00001")])
    assert changed() == again


@pytest.mark.django_db
def test_what_is_taken_back_and_brought_back_is_dated_each_time():
    run(fact("2001.00001", [ADA], title="First"))
    batch = run(fact("2001.00001", [ADA], title="Second", updated="2021-01-01"))
    dates = [changed()]
    undo(batch)
    dates.append(changed())
    reversal.redo(batch.records.get(), None, importing.nobody, reversal.Rules())
    dates.append(changed())
    assert dates == sorted(set(dates))


# --- what is removed -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_paper_that_is_rolled_back_leaves_its_identifiers_and_topics():
    batch = run(fact("2001.00001", [ADA], categories=["cs.LG", "cs.CL"], doi="10.1000/182"))
    paper = Paper.objects.get()
    undo(batch)
    gone = RemovedPaper.objects.get()
    assert (gone.pk, gone.arxiv_id, gone.doi) == (paper.pk, "2001.00001", "10.1000/182")
    assert gone.topics == ["computation-and-language", "machine-learning"]
    assert paper.changed_at < gone.removed_at < datestamps.horizon()


@pytest.mark.django_db
def test_what_is_brought_back_is_not_removed_any_more():
    batch = run(fact("2001.00001", [ADA]))
    undo(batch)
    removed = RemovedPaper.objects.get().removed_at
    reversal.redo(batch.records.get(), None, importing.nobody, reversal.Rules())
    assert not RemovedPaper.objects.exists()
    assert changed() > removed


@pytest.mark.django_db
def test_the_demo_that_is_taken_out_leaves_its_identifiers():
    batch = run(fact("2001.00001", [ADA]))
    Batch.objects.filter(pk=batch.pk).update(label=demo.LABEL)
    assert demo.remove() == 1
    assert RemovedPaper.objects.get().pk == BatchRecord.objects.get().paper_id


# --- dates and commits -----------------------------------------------------------------------------------------------


class Elsewhere:
    """Another connection, in a transaction that is open until `commit`."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._transaction = transaction.atomic()
        self.do(self._transaction.__enter__)

    def do(self, work: Callable[[], object]) -> None:
        self._thread.submit(work).result(30)

    def commit(self) -> None:
        self.do(lambda: self._transaction.__exit__(None, None, None))
        self.do(self._transaction.__enter__)

    def close(self) -> None:
        self.do(lambda: transaction.set_rollback(True))
        self.do(lambda: self._transaction.__exit__(None, None, None))
        self.do(lambda: connection.close())  # of that thread
        self._thread.shutdown()


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    other = Elsewhere()
    try:
        yield other
    finally:
        other.close()


def told(since: datetime, horizon: datetime) -> set[str | None]:
    """What a harvester is told of: arXiv identifiers."""
    papers = Paper.objects.filter(changed_at__gte=since, changed_at__lt=horizon)
    return set(papers.values_list("arxiv_id", flat=True))


@pytest.mark.django_db(transaction=True)
def test_whoever_asks_from_the_last_horizon_misses_nothing_that_was_committed_late():
    run(fact("2001.00001", [ADA]), fact("2001.00002", [ADA]))
    late, early = Paper.objects.order_by("arxiv_id")
    with elsewhere() as other:
        other.do(lambda: datestamps.touch([late.pk]))
        datestamps.touch([early.pk])  # dated after the other, and visible before it
        horizon = datestamps.horizon()
        assert told(late.changed_at, horizon) == {"2001.00001"}  # as it was before
        other.commit()
    late.refresh_from_db()
    early.refresh_from_db()
    assert late.changed_at < early.changed_at
    assert told(horizon, datestamps.horizon()) == {"2001.00001", "2001.00002"}


@pytest.mark.django_db(transaction=True)
def test_a_removal_that_is_not_committed_holds_the_horizon():
    run(fact("2001.00001", [ADA]))
    with elsewhere() as other:
        other.do(lambda: datestamps.remove([Paper.objects.get().pk]))
        horizon = datestamps.horizon()
        other.commit()
    assert RemovedPaper.objects.get().removed_at >= horizon


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_writes_only_after_the_horizon_was_read_dates_later():
    run(fact("2001.00001", [ADA]))
    with elsewhere() as other:
        other.do(Paper.objects.count)  # it has begun, and holds nothing up
        before = datestamps.horizon()
        run(fact("2001.00002", [ADA]))
        horizon = datestamps.horizon()
        assert before < Paper.objects.get(arxiv_id="2001.00002").changed_at < horizon
        other.do(lambda: datestamps.touch([Paper.objects.get(arxiv_id="2001.00001").pk]))
        other.commit()
    assert Paper.objects.get(arxiv_id="2001.00001").changed_at >= horizon
