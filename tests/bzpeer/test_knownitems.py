"""Queries whose answer is known."""

from __future__ import annotations

from bzpeer.knownitems import KnownItem, paraphrase, queries

EARLY = "We measure how far the light of small lamps reaches in fog."
LATE = "The lamps that reached farthest were the ones that nobody had cleaned."


def test_an_abstract_gives_a_sentence_of_what_is_embedded_and_one_of_what_is_not():
    abstract = f"{EARLY} Lamps {'and ' * 100}so on. {LATE} Short one."
    found = list(queries([(7, "Lamps in fog", abstract)]))
    assert found[:2] == [KnownItem("sentence", EARLY, 7), KnownItem("late sentence", LATE, 7)]


def test_a_short_abstract_gives_no_late_sentence_and_none_gives_only_a_paraphrase():
    assert [item.kind for item in queries([(7, "Lamps in thick fog", EARLY)])] == ["sentence", "paraphrase"]
    assert [item.kind for item in queries([(7, "Lamps in thick fog", "")])] == ["paraphrase"]


def test_a_paraphrase_says_otherwise_what_the_title_says():
    assert paraphrase("A Fast Algorithm for Galaxies and Large Images") == "big pictures rapid"


def test_a_title_of_two_words_is_no_known_item():
    assert paraphrase("On the fog") == ""


def test_the_same_papers_give_the_same_queries():
    papers = [(n, f"Lamps in thick fog {n}", f"{EARLY} {LATE} {EARLY}") for n in range(20)]
    assert list(queries(papers)) == list(queries(papers))
    assert list(queries(papers)) != list(queries(papers, seed=1))
