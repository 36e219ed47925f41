"""What a record changed, as it is read."""

from __future__ import annotations

import pytest

from papers.differences import Difference, Name, afters, differences
from tests.conftest import fact
from tests.papers.test_importing import run


def row(id: int, printed: str, affiliations: tuple[str, ...] = (), orcid: str | None = None) -> dict:
    return {"id": id, "printed": printed, "affiliations": list(affiliations), "orcid": orcid}


def test_a_text_is_marked_where_its_words_differ():
    assert Difference("Title", "On the old engine", "On the new engine").pieces == [
        ("kept", "On the "),
        ("removed", "old "),
        ("added", "new "),
        ("kept", "engine"),
    ]


def test_texts_that_are_not_alike_are_shown_whole():
    assert Difference("Title", "Engines", "On knitting").pieces == [("removed", "Engines"), ("added", "On knitting")]
    assert Difference("DOI", "", "10.1000/182").pieces == [("added", "10.1000/182")]


def test_a_lost_name_stands_after_the_one_that_it_followed():
    before = {"signatures": [row(1, "Ada"), row(2, "Charles"), row(3, "Luigi")]}
    after = {"signatures": [row(3, "Luigi"), row(1, "Ada", ("London",)), row(4, "Mary")]}
    [found] = differences(before, after)
    assert found.names == (
        Name("Luigi", "kept"),
        Name("Ada", "changed", "London"),
        Name("Charles", "removed"),
        Name("Mary", "added"),
    )


def test_of_a_long_list_only_what_changed_is_listed():
    many = [row(n, f"Author {n}") for n in range(100)]
    [found] = differences({"signatures": many}, {"signatures": many[1:]})
    assert (found.names, found.unchanged) == ((Name("Author 0", "removed"),), 99)


def test_fields_stand_in_the_order_of_a_paper_and_what_is_computed_is_not_said():
    before = {"updated": "2020-01-01", "title": "A", "title_text": "A", "fingerprint": "x", "withdrawn": False}
    after = {"updated": "2021-01-01", "title": "B", "title_text": "B", "fingerprint": "y", "withdrawn": True}
    assert [str(found) for found in differences(before, after)] == [
        "Title: A → B",
        "Latest version: 2020-01-01 → 2021-01-01",
        "Withdrawn: – → yes",
    ]


@pytest.mark.django_db
def test_what_a_record_wrote_is_told_even_after_later_ones():
    run(fact("2001.00001", ["Ada Lovelace"], title="One"))
    second = run(fact("2001.00001", ["Ada Lovelace"], title="Two", updated="2021-01-01")).records.get()
    third = run(fact("2001.00001", ["Ada Lovelace"], title="Three", updated="2022-01-01")).records.get()
    told = afters([second, third])
    assert (told[second.pk]["title"], told[third.pk]["title"]) == ("Two", "Three")
