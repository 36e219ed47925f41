"""Addresses and pages that a person's own works print."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import Paper
from profiles.models import Assignment, Author
from profiles.proofs import printed
from profiles.proofs.printed import addresses, links

from ..conftest import fact


@pytest.fixture
def ada(bring):
    bring(
        fact("2001.00001", ["Ada Lovelace", "Wei Li"], abstract="Contact: alovelace@x.org, wei.li@x.org"),
        fact("2101.00001", ["Ada Lovelace", "Wei Li"], created="2021-01-01", abstract="See https://x.edu/~lovelace/p"),
        fact("2201.00001", ["Ada Lovelace", "Wei Li"], created="2022-01-01", abstract="alovelace@x.org"),
    )
    return Author.objects.get(name="Ada Lovelace")


def test_addresses_come_once_with_the_newest_work_that_prints_them(ada):
    found = [(p.value, p.paper.arxiv_id, p.own) for p in addresses(ada)]
    assert found == [("alovelace@x.org", "2201.00001", True), ("wei.li@x.org", "2001.00001", False)]


def test_links_are_homes(ada):
    assert [(p.value, p.own) for p in links(ada)] == [("https://x.edu/~lovelace/", True)]


def test_a_work_that_is_doubtfully_hers_lends_no_address(ada):
    Assignment.objects.filter(author=ada, signature__paper__arxiv_id="2101.00001").update(state="weak")
    assert links(ada) == []


def test_the_coauthors_own_what_is_theirs(ada):
    assert [p.value for p in addresses(Author.objects.get(name="Wei Li")) if p.own] == ["wei.li@x.org"]


def test_an_affiliation_is_the_signatures_own(ada):
    paper = Paper.objects.get(arxiv_id="2101.00001")
    paper.signatures.filter(position=0).update(affiliations=["X, zz9@x.org"])
    assert ("zz9@x.org", True) in [(p.value, p.own) for p in addresses(ada)]
    assert "zz9@x.org" not in [p.value for p in addresses(Author.objects.get(name="Wei Li"))]


def test_two_queries_whatever_the_number_of_works(ada, bring):
    with CaptureQueriesContext(connection) as few:
        addresses(ada)
    bring(*(fact(f"2301.{n:05}", ["Ada Lovelace", "Wei Li"], abstract=f"a{n}@x.org") for n in range(1, 40)))
    with CaptureQueriesContext(connection) as many:
        assert len(addresses(ada)) > 30
    assert len(few) == len(many) == 2


def test_only_the_newest_works_are_read(ada, monkeypatch):
    monkeypatch.setattr(printed, "MOST_WORKS", 2)
    assert [p.value for p in addresses(ada)] == ["alovelace@x.org"]
    monkeypatch.setattr(printed, "MOST_WORKS", 1)
    assert links(ada) == []


def test_of_a_long_author_list_nothing_is_anybodys_by_name(ada, monkeypatch):
    monkeypatch.setattr(printed, "MOST_AUTHORS", 1)
    assert [p.own for p in addresses(ada)] == [False, False]
