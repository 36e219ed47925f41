"""What an import overwrote is kept, and put back: whole, by record, and forwards again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from papers import importing, reversal
from papers.models import Batch, BatchRecord, DailyListing, Paper, PaperTopic, Signature
from tests.conftest import fact
from tests.papers.test_importing import run

pytestmark = pytest.mark.django_db


def overwritten(batch: Batch) -> dict[str, Any]:
    """What the one record of the batch keeps."""
    before: dict[str, Any] | None = batch.records.get().before
    assert before is not None
    return before


def test_an_update_keeps_what_it_overwrote_and_nothing_else():
    run(fact("2001.00001", ["Ada Lovelace"], title="First title", abstract="Of engines."))
    batch = run(fact("2001.00001", ["Ada Lovelace"], title="Second title", updated="2021-01-01"))
    before = overwritten(batch)
    assert {key: before[key] for key in ("title", "title_text", "updated")} == {
        "title": "First title",
        "title_text": "First title",
        "updated": "2020-01-01",
    }
    assert before.keys() == {"title", "title_text", "updated", "fingerprint", "digest"}


def test_new_and_unchanged_records_keep_nothing():
    first = run(fact("2001.00001", ["Ada Lovelace"]))
    again = run(fact("2001.00001", ["Ada Lovelace"]))
    assert [b.records.get().before for b in (first, again)] == [None, None]


def test_where_a_name_goes_the_whole_list_is_kept_with_the_ids():
    run(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    rows = list(Signature.objects.order_by("position").values("id", "printed", "position"))
    batch = run(fact("2001.00001", ["Ada Lovelace"], updated="2021-01-01"))
    kept = overwritten(batch)["signatures"]
    assert [{key: row[key] for key in ("id", "printed", "position")} for row in kept] == rows


def test_topics_are_kept_where_the_categories_change():
    run(fact("2001.00001", ["Ada Lovelace"], categories=["cs.LG"]))
    topics = list(Paper.objects.get().topics.values_list("pk", flat=True))
    batch = run(fact("2001.00001", ["Ada Lovelace"], categories=["math.CO"], updated="2021-01-01"))
    before = overwritten(batch)
    assert (before["categories"], before["topics"]) == (["cs.LG"], topics)


def test_an_affiliation_that_is_filled_in_is_an_update_that_can_be_undone():
    line = (
        '{"id": "2001.00001", "title": "On", "authors": "Ada Lovelace", "authors_parsed": [["Lovelace", "Ada", ""%s]],'
        ' "update_date": "2020-01-01", "versions": []}'
    )
    run((line % "").encode(), source="snapshot")
    batch = run((line % ', "London"').encode(), source="snapshot")
    assert batch.updated == 1
    assert [row["affiliations"] for row in overwritten(batch)["signatures"]] == [[]]
    assert Signature.objects.get().affiliations == ["London"]


# --- taken back -------------------------------------------------------------------------------------------------------


def contents() -> dict[str, list[dict[str, Any]]]:
    """All that an import writes, with ids; but when a paper changed, which is no part of what it says."""
    return {
        model.__name__: list(model.objects.order_by(*order).values(*fields))
        for model, order, fields in (
            (
                Paper,
                ["pk"],
                [f.name for f in Paper._meta.concrete_fields if not f.generated and f.name != "changed_at"],
            ),
            (Signature, ["pk"], [f.name for f in Signature._meta.concrete_fields]),
            (PaperTopic, ["paper", "topic"], ["paper", "topic"]),
            (DailyListing, ["paper", "day"], ["paper", "day", "votes", "comments"]),
        )
    }


NO_RULES = reversal.Rules()


def undo(*records: BatchRecord, rules: reversal.Rules = NO_RULES) -> reversal.Outcome:
    return reversal.undo([r.pk for r in records], None, lambda batch, signatures: None, rules)


def undo_whole(batch: Batch) -> reversal.Outcome:
    return undo(*batch.records.all())


def redo(record: BatchRecord) -> reversal.Outcome:
    return reversal.redo(record, None, lambda batch, signatures: None, NO_RULES)


def test_a_new_paper_is_taken_back_with_its_names_and_comes_back_with_its_ids():
    batch = run(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    after = contents()
    undo_whole(batch)
    assert not any(contents().values())
    redo(batch.records.get())
    assert contents() == after


def test_an_updated_paper_gets_its_names_back_under_their_old_ids():
    run(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], categories=["cs.LG"]))
    before = contents()
    batch = run(fact("2001.00001", ["Luigi Menabrea", "Ada Lovelace"], categories=["math.CO"], updated="2021-01-01"))
    after = contents()
    undo_whole(batch)
    assert contents() == before
    redo(batch.records.get())
    assert contents() == after


def test_rolled_back_twice_changes_nothing():
    batch = run(fact("2001.00001", ["Ada Lovelace"]))
    undo_whole(batch)
    assert undo_whole(batch).records == []
    batch.refresh_from_db()
    assert batch.undone == 1


def test_a_paper_stays_while_another_import_vouches_for_it_and_goes_with_the_last():
    first = run(fact("2001.00001", ["Ada Lovelace"]))
    second = run(fact("2001.00001", ["Ada Lovelace"]))
    undo_whole(first)
    assert Paper.objects.exists()
    undo_whole(second)
    assert not Paper.objects.exists()


def test_what_a_later_import_changed_is_not_taken_from_under_it():
    first = run(fact("2001.00001", ["Ada Lovelace"]))
    second = run(fact("2001.00001", ["Ada Lovelace"], title="Later", updated="2021-01-01"))
    kept = undo_whole(first).kept[first.records.get().pk]
    assert kept[0].url == second.records.get().get_absolute_url()
    assert Paper.objects.get().title == "Later"
    undo_whole(second)
    undo_whole(first)
    assert not Paper.objects.exists()


def test_a_rule_forbids_by_the_names_that_would_go():
    batch = run(fact("2001.00001", ["Ada Lovelace"]), fact("2001.00002", ["Charles Babbage"], title="Two"))
    said = reversal.Objection("Somebody decided about it.", "/there/")
    ada = Signature.objects.get(family="Lovelace").pk
    rules = reversal.Rules(names=(lambda going: {s: said for s in going if s == ada},))
    first, second = batch.records.order_by("number")
    assert reversal.objections([first, second], rules) == {first.pk: [said]}
    outcome = undo(first, second, rules=rules)
    assert outcome.kept == {first.pk: [said]}
    assert outcome.records == [second.pk]
    assert Paper.objects.get().arxiv_id == "2001.00001"


def test_losing_hears_of_the_names_before_they_go():
    batch = run(fact("2001.00001", ["Ada Lovelace"]))
    heard: list[list[str]] = []

    def losing(batch: int, signatures: Any) -> None:
        heard.append(list(Signature.objects.filter(pk__in=signatures).values_list("printed", flat=True)))

    reversal.undo([batch.records.get().pk], None, losing, NO_RULES)
    assert heard == [["Ada Lovelace"]]


def test_a_record_is_not_brought_back_over_what_came_since():
    batch = run(fact("2001.00001", ["Ada Lovelace"]))
    undo_whole(batch)
    run(fact("2001.00001", ["Ada Lovelace"]))
    assert redo(batch.records.get()).kept
    assert Paper.objects.count() == 1


def test_an_update_is_not_brought_back_without_its_paper():
    first = run(fact("2001.00001", ["Ada Lovelace"]))
    second = run(fact("2001.00001", ["Ada Lovelace"], title="Later", updated="2021-01-01"))
    undo_whole(second)
    undo_whole(first)
    assert redo(second.records.get()).kept
    redo(first.records.get())
    redo(second.records.get())
    assert Paper.objects.get().title == "Later"


def test_what_is_only_proposed_is_not_rolled_back():
    run(fact("2001.00001", ["Ada Lovelace"]))
    proposed = Batch.objects.create(label="proposed", stage=Batch.Stage.PROPOSED)
    record = BatchRecord.objects.create(batch=proposed, number=1, fate="updated", paper=Paper.objects.get(), before={})
    assert undo(record).records == []


def test_an_update_that_kept_nothing_is_not_rolled_back():
    run(fact("2001.00001", ["Ada Lovelace"]))
    batch = run(fact("2001.00001", ["Ada Lovelace"], title="Later", updated="2021-01-01"))
    batch.records.update(before=None)
    assert "was not kept" in undo_whole(batch).kept[batch.records.get().pk][0].sentence
    assert Paper.objects.get().title == "Later"


NAMES = ["Ada Lovelace", "Charles Babbage", "Luigi Menabrea", "Mary Somerville"]
RECORDS = st.builds(
    lambda number, names, year, title, category, doi, abstract, votes: fact(
        f"2001.0000{number}",
        names,
        title=f"Paper {number} {title}",
        updated=f"202{year}-01-01",
        categories=[category],
        doi=doi and f"10.1000/{number}",
        abstract=abstract,
        daily=votes and {"date": "2020-01-02", "votes": votes},
    ),
    st.integers(1, 3),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    st.integers(0, 3),
    st.sampled_from(["", "again"]),
    st.sampled_from(["cs.LG", "math.CO", "stat.ML"]),
    st.booleans(),
    st.sampled_from(["", "Of engines."]),
    st.sampled_from([None, 1, 7]),
)
IMPORTS = st.lists(st.lists(RECORDS, min_size=1, max_size=4), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None)
@given(IMPORTS, st.sampled_from([1, importing.CHUNK]))
def test_after_any_imports_rolling_them_back_leads_through_the_states_there_were(imports: list, chunk: int):
    with pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(importing, "CHUNK", chunk)
        states, batches = [contents()], []
        for records in imports:
            batches.append(run(*records))
            states.append(contents())
        for batch in reversed(batches):
            states.pop()
            outcome = undo_whole(batch)
            assert not outcome.kept
            assert contents() == states[-1]
        transaction.set_rollback(True)


@settings(max_examples=25, deadline=None)
@given(IMPORTS, st.randoms(use_true_random=False))
def test_records_rolled_back_in_any_order_that_is_allowed_leave_nothing_and_come_back_the_same(
    imports: list, random: Any
):
    with transaction.atomic():
        batches = [run(*records) for records in imports]
        full = contents()
        waiting = [record for batch in batches for record in batch.records.all()]
        done = []
        while waiting:
            random.shuffle(waiting)
            gone = {pk for record in waiting for pk in undo(record).records}
            assert gone, "nothing was allowed"
            done += [record for record in waiting if record.pk in gone]
            waiting = [record for record in waiting if record.pk not in gone]
        assert not any(contents().values())
        while done:
            back = {pk for record in done for pk in redo(record).records}
            assert back, "nothing could come back"
            done = [record for record in done if record.pk not in back]
        assert contents() == full
        transaction.set_rollback(True)
