"""A batch is rolled back through all rooms: papers, people, counts; what people built on it stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from bzpeer import pipeline, rollbacks, tasks
from graph.models import Coauthorship
from papers import reversal
from papers.models import Batch, Paper, Signature
from profiles import decisions
from profiles.models import Account, Author, Correction, Move
from tests.bzpeer.test_pipeline import people, state
from tests.conftest import fact, with_role

pytestmark = pytest.mark.django_db

Bring = Callable[..., Batch]


@pytest.fixture
def curator(db: None) -> Account:
    return with_role("carol")


@pytest.fixture
def first(bring: Bring) -> Batch:
    return bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], title="Engines"),
        fact("2001.00002", ["Ada Lovelace", "Charles Babbage"], title="More engines"),
    )


@pytest.fixture
def second(first: Batch, bring: Bring) -> Batch:
    return bring(
        fact("2001.00002", ["Ada Lovelace"], title="More engines", updated="2021-01-01"),
        fact("2001.00003", ["Ada Lovelace", "Mary Somerville"], title="Notes"),
    )


def roll_back(batch: Batch, account: Account | None = None) -> Batch:
    Batch.objects.filter(pk=batch.pk).update(
        stage=Batch.Stage.UNDOING, rolled_back_at=timezone.now(), rolled_back_by=account
    )
    return pipeline.process(batch.pk)


def test_a_batch_rolled_back_leaves_what_was_there_before(first: Batch, bring: Bring):
    before = (state(), people())
    second = bring(
        fact("2001.00002", ["Ada Lovelace"], title="More engines", updated="2021-01-01"),
        fact("2001.00003", ["Ada Lovelace", "Mary Somerville"], title="Notes"),
    )
    assert (state(), people()) != before
    batch = roll_back(second)
    assert (batch.stage, batch.undone) == ("undone", 2)
    now = state()
    shown = {row[0] for row in before[0]["authors"]}
    now["authors"] = [row for row in now["authors"] if row[0] in shown]
    now["trust"] = [row for row in now["trust"] if row[0] in shown]
    assert (now, people()) == before
    assert Author.objects.get(name="Mary Somerville").works_count == 0
    assert Coauthorship.objects.get(author__name="Ada Lovelace").works == 2


def test_rolled_back_twice_changes_nothing(second: Batch):
    roll_back(second)
    before = (state(), Move.objects.count())
    assert roll_back(second).undone == 2
    assert (state(), Move.objects.count()) == before


def test_a_rollback_that_was_killed_goes_on(second: Batch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reversal, "CHUNK", 1)
    with monkeypatch.context() as patch:
        undo, called = rollbacks.undo, []

        def killed(*given: Any) -> Any:
            called.append(given)
            if len(called) == 2:
                raise KeyboardInterrupt
            return undo(*given)

        patch.setattr(rollbacks, "undo", killed)
        with pytest.raises(KeyboardInterrupt):
            roll_back(second)
    second.refresh_from_db()
    assert (second.stage, second.undone) == ("undoing", 1)
    tasks.resume_batches()
    tasks.process_batch(second.pk)
    second.refresh_from_db()
    assert (second.stage, second.undone) == ("undone", 2)
    assert Paper.objects.count() == 2


def test_what_a_curator_decided_about_keeps_its_record_and_the_outlook_says_so(second: Batch, curator: Account):
    on_notes = Signature.objects.get(paper__arxiv_id="2001.00003", family="Lovelace")
    on_engines = Signature.objects.get(paper__arxiv_id="2001.00001", family="Lovelace")
    correction = decisions.decide(curator, on_notes, on_engines, same=True).correction
    outlook = rollbacks.outlook(second)
    assert (outlook.looked, outlook.back, outlook.kept) == (2, 1, 1)
    [(record, [objection])] = outlook.shown
    assert objection.url.endswith(f"/decisions/{correction.pk}/")
    batch = roll_back(second, curator)
    assert batch.undone == 1
    assert Paper.objects.filter(arxiv_id="2001.00003").exists()
    decisions.withdraw(correction, curator)
    assert rollbacks.against(record) == []
    assert roll_back(second, curator).undone == 2


def test_a_claimed_record_keeps_the_name_that_it_is_known_by(second: Batch, curator: Account):
    author = Author.objects.get(name="Mary Somerville")
    Author.objects.filter(pk=author.pk).update(account=curator, anchor=Signature.objects.get(family="Somerville"))
    record = second.records.get(fate="new")
    [objection] = rollbacks.against(record)
    assert objection.url == author.get_absolute_url()
    assert rollbacks.undo([record.pk], curator).records == []


def test_a_decision_about_a_name_that_comes_back_holds_again(second: Batch, curator: Account):
    one, other = Signature.objects.filter(family="Lovelace", paper__arxiv_id__in=("2001.00001", "2001.00003"))
    correction = decisions.decide(curator, one, other, same=False).correction
    record = second.records.get(fate="new")
    decisions.withdraw(correction, curator)
    rollbacks.undo([record.pk], curator)
    Correction.objects.filter(pk=correction.pk).update(withdrawn_at=None, withdrawn_by=None)
    record.refresh_from_db()
    outcome = rollbacks.redo(record, curator)
    tasks.resolve_surnames(sorted(outcome.surnames))
    correction.refresh_from_db()
    assert {correction.signature_id, correction.other_id} == {one.pk, other.pk}
    assert one.assignment.author_id != Signature.objects.get(pk=other.pk).assignment.author_id


def test_one_record_is_rolled_back_and_its_people_follow(second: Batch, curator: Account):
    outcome = rollbacks.undo([second.records.get(fate="updated").pk], curator)
    tasks.resolve_surnames(sorted(outcome.surnames))
    assert Author.objects.get(name="Charles Babbage").works_count == 2
    assert not Author.objects.filter(stale=True).exists()
    second.refresh_from_db()
    assert (second.undone, second.stage) == (1, "done")


def test_the_history_of_a_person_says_that_the_import_was_rolled_back(second: Batch):
    roll_back(second)
    reasons = Move.objects.filter(source__name="Mary Somerville").values_list("kind", "reason")
    assert list(reasons) == [("removed", "“Mary Somerville” on 2001.00003: the import that brought it was rolled back")]


def test_who_had_a_name_has_it_again_under_the_old_address(bring: Bring, curator: Account):
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], title="Engines"))
    charles = Author.objects.get(name="Charles Babbage")
    second = bring(
        fact("2001.00001", ["Ada Lovelace"], title="Engines", updated="2021-01-01"),
        fact("2001.00003", ["Mary Somerville"], title="Notes"),
    )
    mary = Author.objects.get(name="Mary Somerville")
    roll_back(second)
    assert Signature.objects.get(family="Babbage").assignment.author == charles
    record = second.records.get(fate="new")
    outcome = rollbacks.redo(record, curator)
    tasks.resolve_surnames(sorted(outcome.surnames))
    back = Signature.objects.get(family="Somerville").assignment
    assert (back.author, back.state) == (mary, "strong")
    mary.refresh_from_db()
    assert mary.works_count == 1
