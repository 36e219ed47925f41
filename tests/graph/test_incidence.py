"""The graph as arrays: both sides tell the same, whatever order the rows come in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.networks import Incidence, components

# (author id, paper id, sure); ids are far apart so that a position is no id.
authors = st.integers(0, 6).map(lambda number: 10 * number + 3)
rows = st.lists(st.tuples(authors, st.sampled_from(range(0, 42, 7)), st.booleans()))


def incidence(authorships: list[tuple[int, int, bool]], teams: list[int] | None = None) -> Incidence:
    """Of papers 0, 7, … 35, which nobody else is printed on unless `teams` says so."""
    papers = np.arange(0, 42, 7, dtype=np.int64)
    if teams is None:
        teams = [len({a for a, p, _ in authorships if p == paper}) for paper in papers]
    author, paper, sure = (np.array(column) for column in zip(*authorships, strict=True)) if authorships else ([],) * 3
    return Incidence.of(
        papers,
        np.full(6, 2020, np.int16),
        np.array(teams, np.int32),
        np.asarray(author, np.int64),
        np.asarray(paper, np.int64),
        np.asarray(sure, np.bool_),
    )


@given(rows)
def test_each_authorship_is_there_once_from_either_side_and_sure_where_either_row_is(authorships):
    graph = incidence(authorships)
    expected: dict[tuple[int, int], bool] = {}
    for author, paper, sure in authorships:
        expected[author, paper] = expected.get((author, paper), False) or sure
    n, p = len(graph.authors), len(graph.papers)
    by_author = {
        (int(graph.authors[a]), int(graph.papers[graph.author_papers[i]])): bool(graph.author_sure[i])
        for a in range(n)
        for i in range(graph.author_starts[a], graph.author_starts[a + 1])
    }
    by_paper = {
        (int(graph.authors[graph.paper_authors[i]]), int(graph.papers[b])): bool(graph.paper_sure[i])
        for b in range(p)
        for i in range(graph.paper_starts[b], graph.paper_starts[b + 1])
    }
    assert by_author == by_paper == expected
    assert len(graph.author_papers) == len(graph.paper_authors) == len(expected)


@given(rows)
def test_rows_ascend(authorships):
    graph = incidence(authorships)
    for author in range(len(graph.authors)):
        assert (np.diff(graph.papers_of(author)) > 0).all()
    for paper in range(len(graph.papers)):
        assert (np.diff(graph.authors_of(paper)) > 0).all()
    assert (np.diff(graph.authors) > 0).all()


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_is_nothing(authorships, random):
    shuffled = list(authorships)
    random.shuffle(shuffled)
    one, other = incidence(authorships), incidence(shuffled)
    for name in Incidence.__slots__:
        assert np.array_equal(getattr(one, name), getattr(other, name))


@given(rows)
def test_the_types_are_those_that_are_written_down(authorships):
    graph = incidence(authorships)
    for name, annotation in Incidence.__annotations__.items():
        assert str(getattr(graph, name).dtype).rstrip("_") in annotation


def test_an_author_is_found_by_id():
    graph = incidence([(23, 0, True), (3, 7, True)])
    assert [graph.position(id) for id in (3, 23, 13, 24, 0)] == [0, 1, None, None, None]


@pytest.mark.parametrize("paper", [5, 99, -1])
def test_an_authorship_of_an_unknown_paper_is_refused(paper: int):
    with pytest.raises(ValueError, match="not among the papers"):
        incidence([(3, paper, True)], [1] * 6)


@pytest.mark.parametrize("name", [n for n in Incidence.__slots__ if n not in ("authors", "papers")])
def test_arrays_that_do_not_fit_one_another_are_refused(name: str):
    graph = incidence([(3, 0, True), (13, 0, True), (13, 7, False)])
    with pytest.raises(ValueError, match="not of one graph"):
        replace(graph, **{name: getattr(graph, name)[:-1]})


@given(rows)
def test_components_are_those_of_the_graph_of_authors_and_papers(authorships):
    import networkx as nx

    graph = incidence(authorships)
    whole = nx.Graph([(("author", author), ("paper", paper)) for author, paper, _ in authorships])
    parts = sorted(
        (sorted(id for kind, id in part if kind == "author") for part in nx.connected_components(whole)),
        key=lambda part: (-len(part), part[0]),
    )
    label = components.of(graph)
    assert [graph.authors[label == number].tolist() for number in range(len(parts))] == parts
    assert len(label) == len(graph.authors)
