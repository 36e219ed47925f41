"""manage.py bench graph: an invented graph in a database of its own, and ratios to limits of the same run."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from bzpeer import graphbench
from bzpeer.command import needs_services
from bzpeer.graphbench import Ratio
from graph import coauthorships, snapshots
from graph.models import Coauthorship, Snapshot
from graph.networks import synthetic
from papers.models import Paper
from profiles.models import Author


@pytest.mark.django_db(transaction=True)
def test_it_tells_of_each_target_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(graphbench, "AUTHORS_A_STRATUM", 2)
    monkeypatch.setattr(graphbench, "PAIRS", 10)
    name, folder, out = connection.settings_dict["NAME"], settings.GRAPH_DIR, io.StringIO()
    call_command("bench", "graph", "--authors", "2000", "--edges", "8000", "--networkx", stdout=out)
    told = out.getvalue()
    targets = [line for line in told.splitlines() if line.endswith((": reached", ": missed"))]
    assert [line.partition(",")[0].partition(":")[0] for line in targets] == [
        "full rebuild with PageRank", "slice", "slice", "path", "memory",
    ]  # fmt: skip
    for part in (
        "reading it from the database",
        "PageRank",
        "components",
        "5 alternatives",
        "networkx, all of",
        "arXiv",
    ):
        assert part in told
    assert (connection.settings_dict["NAME"], settings.GRAPH_DIR) == (name, folder)
    assert (Paper.objects.count(), Snapshot.objects.count()) == (0, 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'bzpeer_bench_%'")
        assert cursor.fetchall() == []


@pytest.mark.django_db(transaction=True)
def test_what_is_loaded_is_the_graph():
    """And its coauthorships are those that the pipeline would have computed."""
    graph = synthetic.invented(300, 1_200)
    graphbench.load(graph, synthetic.ties(graph))
    read = snapshots.read()
    for name in ("authors", "papers", "years", "teams", "author_starts", "author_papers", "paper_authors"):
        assert np.array_equal(getattr(read, name), getattr(graph, name)), name
    columns = ("author_id", "coauthor_id", "works", "first_year", "last_year", "weight")
    ties = Coauthorship.objects.order_by("author_id", "coauthor_id").values_list(*columns)
    loaded = list(ties.all())
    coauthorships.refresh(list(Author.objects.values_list("pk", flat=True)))
    computed = list(ties.all())
    assert [row[:-1] for row in loaded] == [row[:-1] for row in computed]
    assert [row[-1] for row in loaded] == pytest.approx([row[-1] for row in computed])


def test_a_bare_search_from_both_ends_counts_the_steps():
    graph = synthetic.invented(300, 600)
    pairwise = graphbench._projected(synthetic.ties(graph), len(graph.authors))
    import networkx as nx

    steps = dict(nx.all_pairs_shortest_path_length(nx.from_scipy_sparse_array(pairwise)))
    for one in range(0, 300, 7):
        for other in range(1, 300, 11):
            if one != other:
                found = graphbench._both_ends(pairwise.indptr, pairwise.indices, one, other)
                assert found == steps[one].get(other)


def test_a_ratio_says_whether_it_reached_its_target():
    assert str(Ratio("a", 6, 2, 3.0)) == "a: 3.00 times (6 of 2); target 3: reached"
    assert str(Ratio("a", 6.2, 2, 3.0)) == "a: 3.10 times (6.2 of 2); target 3: missed"
    assert str(Ratio("a", 1, 2)) == "a: 0.50 times (1 of 2)"


@pytest.mark.parametrize("sizes", [("0", "5"), ("10", "5")])
def test_what_is_no_graph_is_a_sentence(sizes: tuple[str, str]):
    with pytest.raises(CommandError, match="at least --authors"):
        call_command("bench", "graph", "--authors", sizes[0], "--edges", sizes[1])


def test_it_needs_a_database():
    assert needs_services(["bench", "graph"])
