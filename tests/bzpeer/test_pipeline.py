"""The pipeline: order does not matter, twice changes nothing, what was killed is taken up, decisions hold."""

from __future__ import annotations

import io
import json
import threading

import pytest
from django.db import connection

from bzpeer import pipeline, tasks
from graph.models import Coauthorship
from papers.models import Batch, Paper, Signature
from profiles import resolving
from profiles.models import Account, Assignment, Author, Correction, Move, NameVariant, PendingGroup, Suggestion
from tests.conftest import PARITY, fact, without_ledger
from trust.models import TrustScore

pytestmark = pytest.mark.django_db


def people() -> set[frozenset[str]]:
    """The clusters, each signature by its paper and printed name."""
    clusters: dict[int, set[str]] = {}
    for author, paper, printed in Assignment.objects.values_list(
        "author", "signature__paper__arxiv_id", "signature__printed"
    ):
        clusters.setdefault(author, set()).add(f"{paper} {printed}")
    return {frozenset(cluster) for cluster in clusters.values()}


def state() -> dict[str, list[tuple]]:
    """All that is computed, without the times."""
    return {
        "assignments": list(
            Assignment.objects.order_by("signature").values_list("signature", "author", "state", "probability")
        ),
        "authors": list(
            Author.objects.order_by("pk").values_list("pk", "name", "works_count", "topics_count", "stale")
        ),
        "variants": list(NameVariant.objects.order_by("author", "printed").values_list("author", "printed", "works")),
        "coauthorships": list(
            Coauthorship.objects.order_by("author", "coauthor").values_list("author", "coauthor", "works", "weight")
        ),
        "trust": list(TrustScore.objects.order_by("author").values_list("author", "score", "level", "components")),
    }


def test_every_signature_has_one_author_and_no_author_waits(xiangning_chen: Author):
    assert Assignment.objects.count() == Signature.objects.count()
    assert not Author.objects.filter(stale=True).exists()
    assert not Author.objects.filter(trust=None).exists()


def test_records_one_by_one_in_any_order_give_the_people_of_one_import(bring):
    lines = PARITY.read_bytes().splitlines()
    for line in reversed(lines):
        bring(line)
    one_by_one = people()
    without_ledger()
    Author.objects.all().delete()
    bring(*lines)
    assert people() == one_by_one


def test_resolving_again_changes_nothing(bring):
    bring(PARITY.read_bytes())
    before = state()
    families = list(Signature.objects.values_list("surname_key", flat=True).distinct())
    resolving.resolve(families)
    assert state() == before


def test_coauthorships_are_the_same_from_both_sides(xiangning_chen: Author):
    ties = {(t.author_id, t.coauthor_id): (t.works, round(t.weight, 9)) for t in Coauthorship.objects.all()}
    assert ties
    assert all(ties[b, a] == value for (a, b), value in ties.items())


def test_newmans_weight_by_hand(bring):
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], created="2001-01-01"),
        fact("2001.00002", ["Ada Lovelace", "Charles Babbage", "Mary Somerville"], created="2003-01-01"),
    )
    tie = Coauthorship.objects.get(author__name="Ada Lovelace", coauthor__name="Charles Babbage")
    assert (tie.works, tie.weight, tie.first_year, tie.last_year) == (2, 1.5, 2001, 2003)


def test_a_name_taken_off_a_paper_leaves_the_counts(bring):
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]),
        fact("2001.00002", ["Ada Lovelace", "Charles Babbage"], title="Two"),
    )
    bring(fact("2001.00002", ["Ada Lovelace"], title="Two", updated="2021-01-01"))
    assert Author.objects.get(name="Charles Babbage").works_count == 1
    assert Coauthorship.objects.get(author__name="Ada Lovelace").works == 1


def test_a_name_taken_off_a_paper_is_told_in_the_history_of_the_person_who_had_it(bring):
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    batch = bring(fact("2001.00001", ["Ada Lovelace"], updated="2021-01-01"))
    move = Move.objects.get()
    assert (move.source.name, move.target, move.kind, move.batch, move.count) == (
        "Charles Babbage",
        None,
        "removed",
        batch,
        1,
    )
    assert move.reason == "“Charles Babbage” on 2001.00001: a newer version no longer prints it"


def test_a_decision_that_two_are_different_holds_and_one_that_they_are_the_same_too(bring):
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], title="Engines"),
        fact("2001.00002", ["Ada Lovelace", "Charles Babbage"], title="Engines again"),
    )
    one, two = Signature.objects.filter(family="Lovelace").order_by("pk")
    assert one.assignment.author == two.assignment.author
    curator = Account.objects.create_user("curator")
    decision = Correction.objects.create(signature=one, other=two, same=False, reason="Two people.", made_by=curator)
    resolving.resolve(["lovelace"])
    assert len(set(Assignment.objects.filter(signature__in=[one, two]).values_list("author", flat=True))) == 2
    decision.same = True
    decision.save()
    resolving.resolve(["lovelace"])
    assert len(set(Assignment.objects.filter(signature__in=[one, two]).values_list("author", flat=True))) == 1


def test_a_misprint_is_suggested_to_a_curator_and_never_merged_silently(bring):
    bring(
        fact(
            "2009.08886",
            ["Zixiang Ding", "Yaran Chen", "Nannan Li", "Dongbin Zhao"],
            title="Broad architecture search",
            categories=["cs.CV"],
        ),
        fact(
            "2110.03858",
            ["Yaran Chen", "Zixiang Ding", "Nannan Li", "Dongbing Zhao"],
            title="Block-wise channel pruning",
            categories=["cs.CV"],
        ),
    )
    assert Author.objects.filter(name__in=["Dongbin Zhao", "Dongbing Zhao"]).count() == 2
    suggestion = Suggestion.objects.get(left__name__startswith="Dongbin")
    assert {suggestion.left.name, suggestion.right.name} == {"Dongbin Zhao", "Dongbing Zhao"}


def test_an_author_whose_works_all_went_elsewhere_redirects(bring):
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], title="Engines"))
    bring(fact("2001.00002", ["Ada Lovelace"], title="Poetry and rhyme", categories=["math.GM"], created="1999-01-01"))
    one, two = Signature.objects.filter(family="Lovelace").order_by("pk")
    stranger = Author.objects.create(name="Ada Lovelace")
    Assignment.objects.filter(signature=two).update(author=stranger)
    Correction.objects.create(signature=one, other=two, same=True, reason="", made_by=Account.objects.create_user("c"))
    resolving.resolve(["lovelace"])
    assert Assignment.objects.get(signature=one).author == Assignment.objects.get(signature=two).author != stranger
    stranger.refresh_from_db()
    assert stranger.merged_into == Assignment.objects.get(signature=one).author


@pytest.mark.parametrize("stage", [Batch.Stage.READING, Batch.Stage.RESOLVING, Batch.Stage.GRAPH, Batch.Stage.TRUST])
def test_a_run_that_dies_at_any_stage_is_taken_up_by_the_next(bring, stage: str):
    bring(PARITY.read_bytes())
    whole = people()
    scores = sorted(TrustScore.objects.values_list("author__name", "score"))
    without_ledger()
    for model in (Author, Batch, Paper):
        model.objects.all().delete()

    class Killed(BaseException):
        pass

    def kill(batch: Batch) -> None:
        if batch.stage == stage and (batch.step_done or batch.stage == Batch.Stage.READING):
            raise Killed

    batch = Batch.objects.create(label="test")
    with pytest.raises(Killed):
        pipeline.process(batch.pk, io.BytesIO(PARITY.read_bytes()), kill)
    ended = pipeline.process(batch.pk, io.BytesIO(PARITY.read_bytes()))
    assert (ended.stage, ended.total) == (Batch.Stage.DONE, 7)
    assert people() == whole
    assert sorted(TrustScore.objects.values_list("author__name", "score")) == scores


def test_a_file_that_breaks_off_keeps_what_was_read_and_says_so(db):
    import gzip

    lines = b"\n".join(json.dumps(fact(f"2001.{n:05}", ["Ada Lovelace"], title=f"N {n}")).encode() for n in range(900))
    broken = gzip.compress(lines)[:-1_000]
    batch = pipeline.process(Batch.objects.create(label="broken").pk, io.BytesIO(broken))
    assert batch.stage == Batch.Stage.FAILED
    assert batch.problem.endswith(".")
    assert 0 < batch.new < 900
    assert Assignment.objects.count() == batch.new


@pytest.mark.django_db(transaction=True)
def test_only_one_process_works_on_a_batch():
    batch = Batch.objects.create(label="test")
    outcome: list[BaseException] = []

    def second() -> None:
        try:
            pipeline.process(batch.pk, io.BytesIO(b""))
        except pipeline.Busy as busy:
            outcome.append(busy)
        finally:
            connection.close()

    with pipeline.lock(batch.pk):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(outcome) == 1


def test_a_command_that_was_ended_leaves_no_batch_running(db):
    batch = Batch.objects.create(label="from a pipe", stage=Batch.Stage.READING)
    tasks.resume_batches()
    batch.refresh_from_db()
    assert batch.stage == Batch.Stage.FAILED
    assert "again" in batch.problem


@pytest.mark.django_db(transaction=True)
def test_batches_worked_on_at_the_same_time_end_as_if_one_after_the_other():
    files = [
        "\n".join(
            json.dumps(fact(f"2001.{n:03}{part}0", ["Ada Lovelace", "Charles Babbage"], title=f"Note {n} {part}"))
            for n in range(40)
        ).encode()
        for part in range(4)
    ]
    batches = [Batch.objects.create(label=f"part {part}") for part in range(4)]
    faults: list[BaseException] = []

    def work(batch: Batch, file: bytes) -> None:
        try:
            pipeline.process(batch.pk, io.BytesIO(file))
        except BaseException as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=pair) for pair in zip(batches, files, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert set(Batch.objects.values_list("stage", "new")) == {("done", 40)}
    assert {author.works_count for author in Author.objects.filter(works_count__gt=0)} == {160}
    assert Coauthorship.objects.get(author__name="Ada Lovelace").works == 160


def test_a_decision_holds_across_surnames(bring):
    bring(
        fact("2001.00001", ["Grace Murray", "Charles Babbage"], title="Engines"),
        fact("2001.00002", ["Grace Hopper", "Charles Babbage"], title="Compilers"),
    )
    maiden, married = Signature.objects.filter(given="Grace").order_by("pk")
    curator = Account.objects.create_user("curator")
    Correction.objects.create(signature=maiden, other=married, same=True, reason="Married in 1930.", made_by=curator)
    bring(fact("2001.00003", ["Grace Hopper"], title="Nanoseconds"))
    assert Assignment.objects.get(signature=maiden).author == Assignment.objects.get(signature=married).author


def test_spellings_of_one_surname_are_resolved_together_whatever_else_the_batch_holds(bring, monkeypatch):
    monkeypatch.setattr(resolving, "BIN", 1)
    team = ["Charles Babbage", "Mary Somerville"]
    bring(
        fact("2001.00001", ["Hinrich Schütze", *team], title="Engines"),
        fact("2001.00002", ["Hinrich Schuetze", *team], title="More engines"),
        fact("2001.00003", ["Vincent van Gogh", *team], title="Paint"),
        fact("2001.00004", ["Vincent Gogh", *team], title="More paint"),
    )
    for given in ("Hinrich", "Vincent"):
        assert Assignment.objects.filter(signature__given=given).values("author").distinct().count() == 1


@pytest.mark.parametrize("later", [0, 1])
def test_a_second_surname_is_one_person_with_the_first_whichever_batch_brings_it(bring, monkeypatch, later):
    monkeypatch.setattr(resolving, "BIN", 1)  # no two surnames share a group unless they must
    team = ["Isabelle Tellier", "Camille Zevaco"]
    records = [
        fact("2001.00001", ["Iris Eshkol", *team], title="Chunking spoken French"),
        fact("2001.00002", ["Iris Eshkol-Taravella", *team], title="Chunking of spoken French"),
    ]
    bring(records[1 - later])
    bring(records[later])
    assert Assignment.objects.filter(signature__given="Iris").values("author").distinct().count() == 1
    before = state()
    bring(fact("2001.00003", ["Ada Lovelace"], title="Engines"))  # others are resolved, and she stays one
    assert set(before["assignments"]) <= set(state()["assignments"])


def test_a_group_whose_process_dies_is_back_in_the_queue(bring, monkeypatch):
    bring(PARITY.read_bytes())
    before = state()
    batch = Batch.objects.get()
    PendingGroup.objects.create(batch=batch, surnames=["chen"], signatures=8)
    with monkeypatch.context() as broken:
        broken.setattr(resolving, "resolve", lambda *_: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            resolving.resolve_next(batch.pk)
    assert PendingGroup.objects.get().surnames == ["chen"]
    assert resolving.resolve_next(batch.pk)
    assert not resolving.resolve_next(batch.pk)
    assert state() == before


@pytest.mark.django_db(transaction=True)
def test_several_processes_resolve_what_one_would(monkeypatch):
    monkeypatch.setattr(resolving, "BIN", 5)

    def call(groups: int) -> None:
        for _ in range(3):
            helpers.append(threading.Thread(target=help_out))
            helpers[-1].start()

    def help_out() -> None:
        try:
            tasks.resolve_groups(batch.pk)
        finally:
            connection.close()

    helpers: list[threading.Thread] = []
    batch = Batch.objects.create(label="by four")
    pipeline.process(batch.pk, io.BytesIO(PARITY.read_bytes()), call=call)
    for helper in helpers:
        helper.join()
    assert len(helpers) == 3
    assert not PendingGroup.objects.exists()
    by_four = people()
    without_ledger()
    Author.objects.all().delete()
    pipeline.process(Batch.objects.create(label="by one").pk, io.BytesIO(PARITY.read_bytes()))
    assert people() == by_four
    assert Author.objects.get(name="Xiangning Chen").trust.score == 21


def test_a_message_that_is_delivered_twice_does_its_work_once(bring):
    batch = bring(PARITY.read_bytes())
    before, ended = state(), batch.finished_at
    tasks.process_batch(batch.pk)
    tasks.process_batch(batch.pk + 1)
    batch.refresh_from_db()
    assert (state(), batch.finished_at) == (before, ended)
