"""Invented graphs: as large as asked for, the same for the same seed, with ties as the definition has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.networks import coauthorship, synthetic


@given(st.integers(2, 300), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_its_ties_are_those_of_its_papers(authors: int, seed: int):
    graph = synthetic.invented(authors, 3 * authors, seed)
    papers = (
        (tuple(f"{author:06}" for author in graph.authors_of(paper)), int(graph.years[paper]))
        for paper in range(len(graph.papers))
    )
    expected = coauthorship(papers)
    ties = synthetic.ties(graph)
    pairs = [(f"{one:06}", f"{other:06}") for one, other in zip(ties.one, ties.other, strict=True)]
    assert pairs == sorted(expected)
    for at, pair in enumerate(pairs):
        found = (ties.works[at], ties.weight[at], ties.first_year[at], ties.last_year[at])
        assert found == pytest.approx(tuple(expected[pair]))


def test_it_is_about_as_large_as_asked_for():
    graph = synthetic.invented(5_000, 20_000)
    assert len(graph.authors) == pytest.approx(5_000, rel=0.05)
    assert len(synthetic.ties(graph).one) == pytest.approx(20_000, rel=0.05)
    assert graph.authors.tolist() == list(range(1, len(graph.authors) + 1))
    assert graph.teams.tolist() == np.diff(graph.paper_starts).tolist()


def test_its_authors_have_as_many_coauthors_as_real_ones():
    graph = synthetic.invented(20_000, 80_000)
    ties = synthetic.ties(graph)
    degrees = np.bincount(np.concatenate((ties.one, ties.other)))
    found = np.quantile(degrees[degrees > 0], synthetic.QUANTILES)
    assert found[:6] == pytest.approx(synthetic.REAL_DEGREES[:6], rel=0.15)  # the largest hubs come with size


def test_the_same_seed_invents_the_same():
    one, same, other = (synthetic.invented(200, 800, seed) for seed in (1, 1, 2))
    assert one.author_papers.tolist() == same.author_papers.tolist()
    assert one.author_papers.tolist() != other.author_papers.tolist()


@pytest.mark.parametrize(("authors", "pairs"), [(0, 5), (-1, 5), (10, 9)])
def test_what_is_no_graph_of_coauthors_is_refused(authors: int, pairs: int):
    with pytest.raises(ValueError, match="at least as many pairs"):
        synthetic.invented(authors, pairs)
