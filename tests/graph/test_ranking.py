"""PageRank over Newman's weights is networkx's over the projected graph."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.networks import Incidence, team_weight
from graph.networks.ranking import NotConverged, pagerank

teams = st.lists(st.tuples(st.sets(st.integers(0, 9), max_size=6), st.integers(0, 3)), max_size=12)


def graph_of(papers: list[tuple[set[int], int]]) -> Incidence:
    """Papers by these authors, and so many names that are nobody's."""
    rows = [(author, number) for number, (team, _) in enumerate(papers) for author in team]
    return Incidence.of(
        np.arange(len(papers), dtype=np.int64),
        np.full(len(papers), 2020, np.int16),
        np.array([len(team) + more for team, more in papers], np.int32),
        np.array([author for author, _ in rows], np.int64),
        np.array([paper for _, paper in rows], np.int64),
        np.ones(len(rows), np.bool_),
    )


def projected(papers: list[tuple[set[int], int]]) -> nx.Graph:
    """Each pair of authors, with the sum of 1/(names printed - 1) over their papers."""
    graph = nx.Graph()
    graph.add_nodes_from(sorted({author for team, _ in papers for author in team}))
    for team, more in papers:
        for one, other in combinations(sorted(team), 2):
            weight = graph.get_edge_data(one, other, {"weight": 0.0})["weight"]
            graph.add_edge(one, other, weight=weight + team_weight(len(team) + more))
    return graph


@given(teams)
def test_it_is_that_of_networkx_on_the_projected_graph(papers):
    oracle = nx.pagerank(projected(papers), alpha=0.85, tol=1e-12, max_iter=1000)
    graph = graph_of(papers)
    found = dict(zip(graph.authors.tolist(), pagerank(graph, tolerance=1e-12).tolist(), strict=True))
    assert found == pytest.approx(oracle, abs=1e-9)


def test_ranks_sum_to_one():
    assert pagerank(graph_of([({0, 1, 2}, 0), ({2, 3}, 1), ({4}, 0)])).sum() == pytest.approx(1)


def test_who_wrote_alone_has_what_everybody_is_given():
    rank = pagerank(graph_of([({0, 1}, 0), ({2}, 0), ({3}, 5)]))
    assert rank[2] == rank[3] < rank[0] == pytest.approx(rank[1])


def test_an_empty_graph_has_no_ranks():
    assert pagerank(graph_of([])).tolist() == []


def test_a_team_of_five_thousand_is_one_paper():
    rank = pagerank(graph_of([(set(range(5_000)), 0), ({0, 5_000}, 0)]))
    assert rank.argmax() == 0


def test_too_few_steps_are_told():
    with pytest.raises(NotConverged, match="after 2 steps"):
        pagerank(graph_of([({0, 1}, 0), ({1, 2}, 0), ({2, 3, 0}, 2), ({3, 4}, 0)]), most_steps=2)
