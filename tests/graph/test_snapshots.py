"""Snapshots of the graph: what is in them, that they are whole or not there, and when they are made."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
from django.db import connection

from bzpeer import tasks
from graph import snapshots
from graph.models import Snapshot
from papers.models import Batch, Paper
from profiles.models import Assignment, Author
from tests.conftest import fact

Bring = Callable[..., Batch]
pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def three(bring: Bring) -> dict[str, int]:
    """Ada with Charles, Charles with Mary, Nikola alone: author ids by first name."""
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], created="2020-03-01"),
        fact("2001.00002", ["Charles Babbage", "Mary Somerville"], created="2020-01-01", updated="2023-05-05"),
        fact("2001.00003", ["Nikola Tesla"]),
    )
    return {author.name.split()[0]: author.pk for author in Author.objects.all()}


def tied(author: int) -> set[int]:
    """Ids of those on a paper with the author, in the current snapshot."""
    graph = snapshots.current()
    assert graph is not None
    at = graph.position(author)
    if at is None:
        return set()
    found = {other for paper in graph.papers_of(at) for other in graph.authors_of(paper)} - {at}
    return set(graph.authors[sorted(found)].tolist())


@pytest.mark.django_db
def test_there_is_none_before_the_first():
    assert snapshots.current() is None
    assert snapshots.built_at() is None
    assert snapshots.central(5) == []
    assert snapshots.part_of(1) is None


@pytest.mark.django_db
def test_it_holds_the_authorships_the_years_and_the_teams(three: dict[str, int]):
    made = snapshots.build()
    assert (made.authors, made.papers, made.authorships) == (4, 3, 5)
    assert tied(three["Charles"]) == {three["Ada"], three["Mary"]}
    assert tied(three["Nikola"]) == set()
    graph = snapshots.current()
    assert graph is not None
    assert graph.years.tolist() == [2020, 2023, 2020]
    assert graph.teams.tolist() == [2, 2, 1]
    assert graph.papers.tolist() == list(Paper.objects.order_by("pk").values_list("pk", flat=True))
    assert snapshots.built_at() == made.built_at


@pytest.mark.django_db
def test_an_empty_database_makes_an_empty_graph():
    snapshots.build()
    graph = snapshots.current()
    assert graph is not None
    assert (len(graph.authors), len(graph.papers)) == (0, 0)
    assert snapshots.central(5) == []


@pytest.mark.django_db
def test_a_paper_without_a_date_has_no_year(three: dict[str, int]):
    Paper.objects.filter(arxiv_id="2001.00001").update(created=None, updated=None)
    snapshots.build()
    graph = snapshots.current()
    assert graph is not None
    assert graph.years.tolist() == [0, 2023, 2020]


@pytest.mark.django_db
def test_rejected_attributions_tie_nobody_and_the_name_still_counts_as_printed(three: dict[str, int]):
    Assignment.objects.filter(author=three["Ada"]).update(state=Assignment.State.REJECTED)
    snapshots.build()
    assert tied(three["Charles"]) == {three["Mary"]}
    assert tied(three["Ada"]) == set()
    graph = snapshots.current()
    assert graph is not None
    assert graph.teams.tolist() == [2, 2, 1]


@pytest.mark.django_db
@pytest.mark.parametrize("visibility", [Author.Visibility.NOTICE, Author.Visibility.GONE])
def test_hidden_people_are_in_no_snapshot(three: dict[str, int], visibility: str):
    Author.objects.filter(pk=three["Charles"]).update(visibility=visibility)
    snapshots.build()
    graph = snapshots.current()
    assert graph is not None
    assert graph.position(three["Charles"]) is None
    assert tied(three["Ada"]) == set()


@pytest.mark.django_db
def test_merged_people_are_in_no_snapshot(three: dict[str, int]):
    Author.objects.filter(pk=three["Mary"]).update(merged_into=three["Charles"])
    snapshots.build()
    assert tied(three["Charles"]) == {three["Ada"]}


@pytest.mark.django_db
def test_an_attribution_is_sure_where_proofs_may_rest_on_it(three: dict[str, int]):
    doubted = [{"rule": "readers", "weight": -1, "sentence": "", "otherwise": "strong"}]
    Assignment.objects.update(state=Assignment.State.STRONG)
    weak = Assignment.objects.filter(author__in=(three["Ada"], three["Mary"]))
    weak.update(state=Assignment.State.WEAK)
    Assignment.objects.filter(author=three["Mary"]).update(evidence=doubted)
    snapshots.build()
    graph = snapshots.current()
    assert graph is not None
    sure = set(graph.authors[graph.paper_authors[graph.paper_sure]].tolist())
    assert sure == set(Assignment.objects.surely().values_list("author", flat=True))
    assert sure == {three["Charles"], three["Mary"], three["Nikola"]}


@pytest.mark.django_db
def test_a_name_that_is_nobodys_counts_in_the_team(three: dict[str, int]):
    Assignment.objects.filter(author=three["Mary"]).delete()
    snapshots.build()
    graph = snapshots.current()
    assert graph is not None
    assert graph.teams.tolist() == [2, 2, 1]
    assert tied(three["Charles"]) == {three["Ada"]}


@pytest.mark.django_db
def test_the_most_central_come_first_and_hidden_ones_at_no_time(three: dict[str, int]):
    snapshots.build()
    assert snapshots.central(1) == [three["Charles"]]
    assert set(snapshots.central(10)) == set(three.values())
    Author.objects.filter(pk=three["Charles"]).update(visibility=Author.Visibility.NOTICE)
    assert three["Charles"] not in snapshots.central(10)


@pytest.mark.django_db
def test_whoever_a_chain_of_papers_joins_is_in_one_part(three: dict[str, int]):
    snapshots.build()
    assert snapshots.part_of(three["Ada"]) == snapshots.part_of(three["Mary"]) == (0, 3)
    assert snapshots.part_of(three["Nikola"]) == (1, 1)
    assert snapshots.part_of(max(three.values()) + 1) is None


@pytest.mark.django_db
def test_a_new_one_is_taken_up_and_an_old_one_stays_readable(three: dict[str, int]):
    snapshots.build()
    old = snapshots.current()
    Assignment.objects.filter(author=three["Ada"]).delete()
    for _ in range(3):
        snapshots.build()
    assert tied(three["Charles"]) == {three["Mary"]}
    assert old is not None
    assert old.authors.tolist() == sorted(three.values())


@pytest.mark.django_db
def test_the_last_two_are_kept(three: dict[str, int], folder: Path):
    names = [snapshots.build().name for _ in range(4)]
    assert {path.name for path in folder.iterdir()} == {*names[-2:], "lock"}
    assert set(Snapshot.objects.values_list("name", flat=True)) == set(names[-2:])


@pytest.mark.django_db
def test_it_costs_one_query_once_it_is_mapped(three: dict[str, int], django_assert_num_queries):
    snapshots.build()
    first = snapshots.current()
    with django_assert_num_queries(1):
        assert snapshots.current() is first


@pytest.mark.django_db
def test_another_machine_writes_its_own(three: dict[str, int], settings, tmp_path: Path):
    made = snapshots.build()
    settings.GRAPH_DIR = tmp_path / "elsewhere"
    assert tied(three["Charles"]) == {three["Ada"], three["Mary"]}
    assert (settings.GRAPH_DIR / made.name).is_dir()
    assert Snapshot.objects.get() == made


@pytest.mark.django_db
def test_while_another_process_writes_it_there_is_none(three: dict[str, int], settings, tmp_path: Path):
    snapshots.build()
    settings.GRAPH_DIR = tmp_path / "elsewhere"
    settings.GRAPH_DIR.mkdir()
    with (settings.GRAPH_DIR / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert snapshots.current() is None
        with pytest.raises(snapshots.Busy):
            snapshots.build()
    assert snapshots.current() is not None


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["paper_authors", "teams", "rank", "part", "authors"])
@pytest.mark.parametrize("left", [0, 60, -1])
def test_a_file_that_was_cut_is_noticed_and_written_again(three: dict[str, int], folder: Path, name: str, left: int):
    path = folder / snapshots.build().name / f"{name}.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    assert tied(three["Charles"]) == {three["Ada"], three["Mary"]}
    assert path.read_bytes() == whole


@pytest.mark.django_db
def test_a_file_that_is_missing_or_of_another_graph_is_written_again(three: dict[str, int], folder: Path):
    path = folder / snapshots.build().name / "years.npy"
    path.unlink()
    assert snapshots.current() is not None
    snapshots._held = None
    np.save(path, np.zeros(7, np.int16))
    assert tied(three["Charles"]) == {three["Ada"], three["Mary"]}


@pytest.mark.django_db
def test_a_folder_that_cannot_be_written_is_no_fault_of_the_page(three: dict[str, int], settings, tmp_path: Path):
    snapshots.build()
    (tmp_path / "file").touch()
    settings.GRAPH_DIR = tmp_path / "file" / "graph"
    assert snapshots.current() is None
    assert snapshots.central(3) == []


@pytest.mark.django_db
def test_a_build_that_fails_leaves_nothing_and_the_older_one_stands(
    three: dict[str, int], folder: Path, monkeypatch: pytest.MonkeyPatch
):
    made = snapshots.build()

    def full(*given: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(np, "save", full)
        with pytest.raises(OSError, match="No space"):
            snapshots.build()
    assert {path.name for path in folder.iterdir()} == {made.name, "lock"}
    assert Snapshot.objects.get() == made
    assert tied(three["Ada"]) == {three["Charles"]}


@pytest.mark.django_db
def test_while_another_session_builds_it_is_left_to_it(three: dict[str, int]):
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", snapshots._LOCK)
        with pytest.raises(snapshots.Busy):
            snapshots.build()
        other.execute("SELECT pg_advisory_unlock_all()")  # a closed connection's lock ends when its backend has ended
    assert snapshots.build()


@pytest.mark.django_db
def test_the_end_of_a_batch_asks_for_one_and_a_second_message_builds_nothing(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    monkeypatch.setattr(tasks.build_graph, "apply_async", lambda *_, **__: asked.append(1))
    tasks.process_batch(Batch.objects.create(label="test", stage=Batch.Stage.DONE).pk)
    assert asked == [1]
    tasks.build_graph()
    made = Snapshot.objects.get()
    tasks.build_graph()
    tasks.build_graph(older_than=3600)
    assert Snapshot.objects.get() == made


@pytest.mark.django_db(transaction=True)
def test_it_is_built_again_only_after_a_change_and_not_too_often(bring: Bring):
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    _count_all()
    assert snapshots.build_if_changed()
    assert snapshots.build_if_changed() is None
    Assignment.objects.update(state=Assignment.State.WEAK)
    _count_all()
    assert snapshots.build_if_changed(timedelta(hours=1)) is None
    assert snapshots.build_if_changed()


def _count_all() -> None:
    """Postgres counts what was written by now; a session does so at its leisure."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT 1")
