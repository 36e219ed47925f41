"""Two lists become one by places alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.searching.fusion import BY_MEANING, BY_WORD, EXACT_TITLE, K, fuse

LISTS = st.lists(st.integers(1, 40), unique=True)


def scores(*lists: list[int]) -> dict[int, float]:
    return {one.paper_id: one.score for one in fuse(*lists)}


def test_a_paper_gets_a_part_from_each_list_that_has_it():
    found = scores([7, 8], [8])
    assert found == pytest.approx({7: BY_WORD / (K + 1), 8: BY_WORD / (K + 2) + BY_MEANING / (K + 1)})


def test_the_title_itself_outweighs_all_places():
    found = {one.paper_id: one for one in fuse([1, 2], [1], exact={2})}
    assert found[2].score > EXACT_TITLE > found[1].score


@given(LISTS, LISTS)
def test_every_paper_is_there_once_and_no_place_is_forgotten(by_word: list[int], by_meaning: list[int]):
    found = fuse(by_word, by_meaning)
    assert sorted(one.paper_id for one in found) == sorted({*by_word, *by_meaning})
    for one in found:
        assert one.word_rank == (by_word.index(one.paper_id) + 1 if one.paper_id in by_word else None)
        assert one.meaning_rank == (by_meaning.index(one.paper_id) + 1 if one.paper_id in by_meaning else None)
        assert one.score == pytest.approx(sum(one.parts))


@given(LISTS)
def test_one_list_alone_keeps_its_order(ids: list[int]):
    found = scores(ids, [])
    assert sorted(found, key=found.__getitem__, reverse=True) == ids
