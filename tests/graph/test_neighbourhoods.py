"""Slices of rows: what is around a person, a paper, a topic and an institution, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from graph.neighbourhoods import around, works
from graph.networks import Count, Edge, Filters, Slice, draw
from papers.institutions import link
from papers.models import Batch, Institution, Paper, Signature, Topic
from profiles.models import Assignment, Author, OwnWords
from tests.conftest import fact

pytestmark = pytest.mark.django_db

Bring = Callable[..., Batch]


def labels(slice_: Slice, kind: str) -> list[str]:
    return [node.label for node in slice_.nodes if node.kind == kind and node.id != slice_.focus]


def edge(slice_: Slice, one: str, other: str) -> Edge:
    """The edge between two labels."""
    ids = {node.label: node.id for node in slice_.nodes}
    [found] = [e for e in slice_.edges if {e.source, e.target} == {ids[one], ids[other]}]
    return found


def person(name: str) -> Author:
    return Author.objects.get(name=name)


@pytest.fixture
def engines(bring: Bring) -> None:
    """Four papers: Ada and Charles on three, Mary on two of them, Alan alone with Ada on the newest."""
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "One", created="2018-01-01", categories=["cs.LG"]),
        fact(
            "2001.00002",
            ["Ada Lovelace", "Charles Babbage", "Mary Somerville"],
            "Two",
            created="2019-01-01",
            categories=["cs.LG", "cs.CL"],
        ),
        fact(
            "2001.00003",
            ["Mary Somerville", "Charles Babbage", "Ada Lovelace"],
            "Three",
            created="2020-01-01",
            categories=["cs.LG"],
        ),
        fact("2001.00004", ["Ada Lovelace", "Alan Turing"], "Four", created="2021-01-01", categories=["cs.CL"]),
    )


def test_around_a_person_stand_coauthors_works_and_topics(engines: None) -> None:
    found = around(person("Ada Lovelace"))
    assert labels(found, "person") == ["Charles Babbage", "Mary Somerville", "Alan Turing"]
    assert labels(found, "paper") == ["Four", "Three", "Two", "One"]
    assert labels(found, "topic") == ["Machine Learning", "Computation and Language"]
    assert edge(found, "Ada Lovelace", "Charles Babbage").weight == pytest.approx(2.0)
    assert edge(found, "Charles Babbage", "Mary Somerville").kind == "wrote with"
    assert edge(found, "Mary Somerville", "Two").kind == "wrote"


def test_within_years_ties_are_counted_anew(engines: None) -> None:
    found = around(person("Ada Lovelace"), filters=Filters(first_year=2019, last_year=2020))
    assert labels(found, "person") == ["Charles Babbage", "Mary Somerville"]
    assert labels(found, "paper") == ["Three", "Two"]
    tie = edge(found, "Ada Lovelace", "Charles Babbage")
    assert tie.weight == pytest.approx(1.0)
    assert (tie.first_year, tie.last_year) == (2019, 2020)
    among = edge(found, "Charles Babbage", "Mary Somerville")
    assert among.weight == pytest.approx(1.0)
    assert (among.first_year, among.last_year) == (2019, 2020)
    assert found.counts["paper"] == Count(2, 2)


def test_years_that_hold_everything_give_what_is_stored(engines: None) -> None:
    ada = person("Ada Lovelace")
    assert around(ada, filters=Filters(first_year=1900)) == around(ada)


def test_a_least_weight_leaves_weaker_ties_out(engines: None) -> None:
    for first_year in (None, 1900):
        found = around(person("Ada Lovelace"), filters=Filters(first_year=first_year, least_weight=1.5))
        assert labels(found, "person") == ["Charles Babbage"]
        assert found.counts["person"] == Count(1, 1)


def test_a_kind_that_is_not_asked_for_is_neither_shown_nor_counted(engines: None) -> None:
    found = around(person("Ada Lovelace"), filters=Filters(kinds=frozenset({"paper"})))
    assert {node.kind for node in found.nodes[1:]} == {"paper"}
    assert found.counts["person"] == Count(0, 0)


def test_around_a_topic_stand_its_people_newest_works_and_near_topics(engines: None) -> None:
    found = around(Topic.objects.get(name="Machine Learning"))
    assert labels(found, "person") == ["Ada Lovelace", "Charles Babbage", "Mary Somerville"]
    assert labels(found, "paper") == ["Three", "Two", "One"]
    assert labels(found, "topic") == ["Computation and Language"]
    about = edge(found, "Ada Lovelace", "Machine Learning")
    assert (about.kind, about.weight, about.first_year, about.last_year) == ("about", 3, 2018, 2020)


def test_around_a_paper_stand_its_people_in_printed_order(engines: None) -> None:
    found = around(Paper.objects.get(title="Three"))
    assert labels(found, "person") == ["Mary Somerville", "Charles Babbage", "Ada Lovelace"]
    assert [mark.title for mark in draw(found).marks[1:4]] == labels(found, "person")
    assert labels(found, "paper") == ["Two", "One", "Four"]
    assert labels(found, "topic") == ["Machine Learning"]


def test_years_ask_for_the_other_papers_of_a_paper(engines: None) -> None:
    found = around(Paper.objects.get(title="Three"), filters=Filters(last_year=2018))
    assert labels(found, "paper") == ["One"]
    assert found.counts["paper"] == Count(1, 1)


def test_a_team_of_thousands_is_cut_and_said(bring: Bring) -> None:
    names = [f"Person{n:04} Q. Surname{n:04}" for n in range(600)]
    bring(fact("2001.00001", names, "Large"), fact("2001.00002", names[:2], "Small"))
    found = around(Paper.objects.get(title="Large"))
    assert found.counts["person"] == Count(24, 600)
    assert labels(found, "person")[0] == names[0]
    assert labels(found, "paper") == ["Small"]
    assert found.names == 200


def test_what_is_too_much_is_counted_among_the_newest_works(engines: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "MOST_WORKS", 2)
    topic = Topic.objects.get(name="Machine Learning")
    found = around(topic)
    assert (found.newest, found.counts["paper"]) == (2, Count(2, 3))
    assert edge(found, "Ada Lovelace", "Machine Learning").weight == 2
    ranged = around(topic, filters=Filters(first_year=1900))
    assert ranged == found


def test_works_that_print_too_many_names_are_not_counted(engines: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "MOST_NAMES", 3)
    found = around(Topic.objects.get(name="Machine Learning"))
    assert found.newest == 1
    assert labels(found, "paper") == ["Three"]
    assert around(person("Ada Lovelace")).newest is None


def test_a_name_printed_twice_on_a_paper_counts_once(bring: Bring) -> None:
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage", "Charles Babbage"], "One"))
    Assignment.objects.filter(signature__printed="Charles Babbage").update(author=person_of("Charles Babbage"))
    for place in (person("Ada Lovelace"), person_of("Charles Babbage"), Paper.objects.get(), Topic.objects.get()):
        around(place)
    found = around(Topic.objects.get())
    assert edge(found, "Charles Babbage", "Machine Learning").weight == 1


def person_of(printed: str) -> Author:
    return Author.objects.filter(assignments__signature__printed=printed).order_by("pk")[0]


def test_nobody_hidden_is_in_any_slice(engines: None) -> None:
    Author.objects.filter(name="Charles Babbage").update(visibility=Author.Visibility.NOTICE)
    for place in (person("Ada Lovelace"), *Paper.objects.all(), *Topic.objects.all()):
        for filters in (Filters(), Filters(first_year=1900)):
            found = around(place, filters=filters)
            assert "Charles Babbage" not in labels(found, "person")
            assert found.counts["person"].shown == found.counts["person"].total


def test_whose_affiliation_is_off_the_page_is_put_at_no_place(bring: Bring) -> None:
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    Signature.objects.update(affiliations=["Analytical Society"])
    link([Paper.objects.get().pk])
    ada, society = person("Ada Lovelace"), Institution.objects.get()
    assert labels(around(ada), "institution") == ["Analytical Society"]
    assert labels(around(society), "person") == ["Ada Lovelace", "Charles Babbage"]
    OwnWords.objects.create(author=ada, hidden=[OwnWords.Hidden.AFFILIATION])
    assert labels(around(ada), "institution") == []
    assert labels(around(society), "person") == ["Charles Babbage"]
    for place in (Paper.objects.get(), Topic.objects.get()):
        found = around(place)
        at = {edge.source for edge in found.edges if edge.kind == "at" and edge.source != found.focus}
        assert at == {f"person-{person('Charles Babbage').pk}"}


def test_rejected_works_tie_nobody(engines: None) -> None:
    Assignment.objects.filter(author__name="Alan Turing").update(state=Assignment.State.REJECTED)
    assert "Alan Turing" not in labels(around(Topic.objects.get(name="Computation and Language")), "person")
    assert labels(around(Paper.objects.get(title="Four")), "person") == ["Ada Lovelace"]
    assert labels(around(person("Ada Lovelace"), filters=Filters(first_year=2021)), "person") == []


def test_a_person_with_nobody_and_a_paper_without_names_are_slices_too(bring: Bring) -> None:
    bring(fact("2001.00001", ["Ada Lovelace"], "Alone"))
    found = around(person("Ada Lovelace"))
    assert (labels(found, "person"), labels(found, "paper")) == ([], ["Alone"])
    paper = Paper.objects.create(title="Nameless", title_text="Nameless", fingerprint="x", source="test")
    assert [node.label for node in around(paper).nodes] == ["Nameless"]
    assert [node.label for node in around(Topic.objects.create(name="Empty", slug="empty")).nodes] == ["Empty"]
    assert [node.label for node in around(Institution.objects.create(name="None", key="none")).nodes] == ["None"]


@pytest.mark.parametrize("filters", [Filters(), Filters(first_year=1900)], ids=["all", "years"])
def test_the_number_of_queries_does_not_grow(bring: Bring, engines: None, filters: Filters) -> None:
    def queries() -> list[int]:
        counts = []
        for place in (
            person("Ada Lovelace"), Paper.objects.get(title="Two"), Topic.objects.get(name="Machine Learning")
        ):  # fmt: skip
            with CaptureQueriesContext(
                connection,
            ) as captured:
                around(place, filters=filters)
            counts.append(len(captured))
        return counts

    before = queries()
    bring(*(fact(f"2002.{n:05}", ["Ada Lovelace", f"Helper{n} Q. Name{n}"], categories=["cs.LG"]) for n in range(40)))
    assert queries() == before
    assert max(before) <= 12
