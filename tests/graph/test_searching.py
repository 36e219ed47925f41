"""Paths through papers: as cheap as Dijkstra's, made of what is there, and always the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.networks.incidence import Incidence
from graph.networks.searching import ANY, Exhausted, Path, Terms, alternatives, cost, shortest

PEOPLE, PAPERS = 12, 14


def graph(*papers: tuple[str, int, int], weak: str = "") -> Incidence:
    """graph(("ab", 2001, 2), ...): who is on a paper, its year, and the names on it; "a0" in `weak` is a weak one."""
    rows = [(ord(who) - 97, number) for number, (team, _, _) in enumerate(papers) for who in team]
    loose = {(ord(row[0]) - 97, int(row[1:])) for row in weak.split()}
    return Incidence.of(
        np.arange(len(papers)),
        np.array([year for _, year, _ in papers], np.int16),
        np.array([names for _, _, names in papers], np.int32),
        np.array([author for author, _ in rows]),
        np.array([paper for _, paper in rows]),
        np.array([row not in loose for row in rows]),
    )


@st.composite
def graphs(draw: st.DrawFn) -> Incidence:
    names = st.sampled_from([0, 0, 0, 1, 2, 7, 40, 300, 5_000])
    authors = st.sets(st.integers(0, PEOPLE - 1), min_size=1, max_size=5)
    teams = draw(st.lists(st.tuples(authors, names, st.integers(0, 6)), min_size=1, max_size=PAPERS))
    rows = [(author, paper) for paper, (team, _, _) in enumerate(teams) for author in sorted(team)]
    # Everybody has a paper, so that everybody is in the graph, at the position that is their id.
    rows += [(author, len(teams) + author) for author in range(PEOPLE)]
    sure = draw(st.lists(st.sampled_from([True, True, True, False]), min_size=len(rows), max_size=len(rows)))
    return Incidence.of(
        np.arange(len(teams) + PEOPLE),
        np.array([2000 + year if year else 0 for _, _, year in teams] + [2001] * PEOPLE, np.int16),
        np.array([len(team) + more for team, more, _ in teams] + [1] * PEOPLE, np.int32),
        np.array([author for author, _ in rows]),
        np.array([paper for _, paper in rows]),
        np.array(sure),
    )


terms = st.builds(
    Terms,
    first_year=st.none() | st.integers(1999, 2007),
    last_year=st.none() | st.integers(1999, 2007),
    weak=st.booleans(),
    without_authors=st.frozensets(st.integers(2, PEOPLE - 1), max_size=2),
    without_papers=st.frozensets(st.integers(0, 0), max_size=1),
)


def bipartite(incidence: Incidence, wanted: Terms) -> nx.Graph:
    """The graph that may be used; each end of a paper costs half of it, in halves."""
    found = nx.Graph()
    found.add_nodes_from(("author", author) for author in range(len(incidence.authors)))
    for paper in range(len(incidence.papers)):
        year = int(incidence.years[paper])
        ranged = wanted.first_year is not None or wanted.last_year is not None
        inside = (wanted.first_year or 1) <= year <= (9999 if wanted.last_year is None else wanted.last_year)
        if paper in wanted.without_papers or (ranged and not inside):
            continue
        rows = slice(incidence.paper_starts[paper], incidence.paper_starts[paper + 1])
        for author, sure in zip(incidence.paper_authors[rows], incidence.paper_sure[rows], strict=True):
            if (sure or wanted.weak) and author not in wanted.without_authors:
                found.add_edge(("author", int(author)), ("paper", paper), weight=cost(int(incidence.teams[paper])))
    return found


def oracle(incidence: Incidence, start: int, end: int, wanted: Terms) -> int | None:
    try:
        return int(nx.dijkstra_path_length(bipartite(incidence, wanted), ("author", start), ("author", end))) // 2
    except nx.NetworkXNoPath:
        return None


def assert_valid(path: Path, incidence: Incidence, wanted: Terms) -> None:
    allowed = bipartite(incidence, wanted)
    assert len(path.authors) == len(path.papers) + 1 == len(set(path.authors))
    for (one, other), paper in zip(pairwise(path.authors), path.papers, strict=True):
        assert allowed.has_edge(("author", one), ("paper", paper))
        assert allowed.has_edge(("author", other), ("paper", paper))
    assert path.cost == sum(cost(int(incidence.teams[paper])) for paper in path.papers)


@settings(max_examples=400, deadline=None)
@given(graphs(), terms)
def test_a_path_is_valid_and_costs_what_dijkstra_finds(incidence: Incidence, wanted: Terms):
    path = shortest(incidence, 0, 1, wanted)
    assert (path and path.cost) == oracle(incidence, 0, 1, wanted)
    if path:
        assert (path.authors[0], path.authors[-1]) == (0, 1)
        assert_valid(path, incidence, wanted)


@settings(max_examples=200, deadline=None)
@given(graphs(), terms)
def test_alternatives_share_no_middle_person_and_leave_no_cheaper_one_out(incidence: Incidence, wanted: Terms):
    first = shortest(incidence, 0, 1, wanted)
    if first is None:
        return
    met: frozenset[int] = frozenset()
    least, direct = first.cost, not first.between
    for path in alternatives(incidence, first, wanted):
        assert_valid(path, incidence, wanted)
        met |= frozenset(first.between)
        assert not met & set(path.between)
        assert path.cost >= least
        assert path.between or not direct
        first, least, direct = path, path.cost, direct or not path.between


@settings(max_examples=200, deadline=None)
@given(graphs(), terms)
def test_the_way_back_is_the_way_there(incidence: Incidence, wanted: Terms):
    there, back = shortest(incidence, 0, 1, wanted), shortest(incidence, 1, 0, wanted)
    assert (there and there.authors) == (back and back.authors[::-1])
    assert (there and there.papers) == (back and back.papers[::-1])


def test_a_paper_costs_one_more_for_each_fourfold_of_its_list():
    assert [cost(names) for names in (0, 1, 2, 3, 4, 9, 10, 33, 34, 129, 130)] == [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert (cost(2_932), cost(5_000), cost(65_536), cost(10**9)) == (7, 7, 9, 9)


def test_two_small_teams_are_nearer_than_one_long_list_and_nobody_is_dropped():
    long = graph(("ab", 2001, 5_000), ("ac", 2001, 2), ("cb", 2001, 2))
    path = shortest(long, 0, 1)
    assert path == Path((0, 2, 1), (1, 2), 2)
    assert list(alternatives(long, path)) == [Path((0, 1), (0,), 7)]


def test_of_equal_papers_the_newest_is_taken():
    assert shortest(graph(("ab", 2001, 2), ("ab", 2005, 2), ("ab", 2003, 2)), 0, 1) == Path((0, 1), (1,), 1)


def test_together_is_one_path_whatever_the_number_of_papers():
    path = shortest(two := graph(("ab", 2001, 2), ("ab", 2005, 2), ("ac", 2003, 2), ("bc", 2003, 2)), 0, 1)
    assert path is not None
    assert [other.authors for other in alternatives(two, path)] == [(0, 2, 1)]


def test_weak_attributions_tie_only_where_they_are_asked_for():
    loose = graph(("ac", 2001, 2), ("cb", 2001, 2), weak="c0")
    assert shortest(loose, 0, 1) is None
    assert shortest(loose, 0, 1, Terms(weak=True)) == Path((0, 2, 1), (0, 1), 2)


def test_a_paper_without_a_year_is_in_no_range():
    undated = graph(("ab", 0, 2))
    assert shortest(undated, 0, 1) is not None
    assert shortest(undated, 0, 1, Terms(last_year=2020)) is None
    assert shortest(undated, 0, 1, Terms(first_year=0)) is None


def test_somebody_is_connected_to_themselves_by_nothing():
    path = shortest(graph(("ab", 2001, 2)), 0, 0)
    assert path == Path((0,), (), 0)
    assert path is not None
    assert list(alternatives(graph(("ab", 2001, 2)), path)) == []


def test_a_search_that_may_look_at_no_more_says_so():
    chain = graph(*((chr(97 + n) + chr(98 + n), 2001, 2) for n in range(20)))
    with pytest.raises(Exhausted):
        shortest(chain, 0, 20, Terms(most=10))
    path = shortest(chain, 0, 20, replace(ANY, most=1_000))
    assert path is not None
    assert path.cost == 20


def test_a_chain_longer_than_a_distance_can_say_is_looked_for_no_further():
    links = 40_000
    chain = Incidence.of(
        np.arange(links),
        np.full(links, 2001, np.int16),
        np.full(links, 2, np.int32),
        np.concatenate((np.arange(links), np.arange(links) + 1)),
        np.tile(np.arange(links), 2),
        np.ones(2 * links, np.bool_),
    )
    with pytest.raises(Exhausted):
        shortest(chain, 0, links)
    path = shortest(chain, 0, 20_000)
    assert path is not None
    assert path.cost == 20_000
