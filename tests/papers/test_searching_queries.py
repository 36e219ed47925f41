"""Whatever is typed is read as a query, in time that grows with its length alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.searching.queries import LONGEST, Query, read

BAD = [
    *(
        "",
        " ",
        "\0",
        "\x01\x02",
        "\ud800",
        "\u202e\u200b",
        "🙂🙂",
        "-",
        "--",
        '"',
        '""',
        "''",
        "\\",
        "%",
        "_",
        "*",
        "!!!",
    ),
    *("((", "(a|b", "& | !", ":*", "a:*", "<->", "a <-> b", "a & !b", "'a'", "$$", "#", "/", "?", "[a-z]+", "(a+)+$"),
    *(
        "'; DROP TABLE papers_paper; --",
        "1 OR 1=1",
        "\\' OR 1=1",
        "%s",
        "{0}",
        "{{ 7*7 }}",
        "<script>alert(1)</script>",
    ),
    *("the of and", "the", "AND OR NOT", "-learning", '-"deep learning"', '"the"', '"a" -"the"', "a" * 10_000),
    *(
        "深度学习",
        "обучение",
        "αβγ",
        "ไทย",
        "تعلم",
        "e\u0301",
        "word " * 3_000,
        '"' * 5_000,
        "-a " * 3_000,
        "a-" * 5_000,
    ),
]


def test_words_are_what_is_left_of_operators():
    assert read("graph  networks") == Query("graph networks", ("graph", "networks"))
    assert read('“graph networks” -survey -"for molecules" or') == Query(
        "graph networks or", ("graph", "networks", "or"), ("graph networks",), ("survey", "for molecules")
    )


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("self-supervised", ("self-supervised",)),  # a minus inside a word is a hyphen
        ("- survey", ("survey",)),
        ("Graph graph GRAPH", ("Graph",)),
        ('"graph', ("graph",)),
        ('graph"networks"', ("graph", "networks")),
        ("(graph) | [networks]", ("(graph)", "[networks]")),
        ("🙂 graph !!!", ("graph",)),
    ],
)
def test_what_is_not_understood_is_a_word_or_nothing(typed: str, words: tuple[str, ...]):
    assert read(typed).words == words


def test_a_page_of_text_is_cut_at_a_word_and_that_is_said():
    found = read("learning " * 5_000)
    assert found.cut
    assert len(found.text) <= LONGEST
    assert found.words == ("learning",)
    assert not read("learning").cut


def test_what_cannot_be_seen_does_not_count():
    assert read("gr\u200baph\0 \u202enetworks\x07") == Query("graph networks", ("graph", "networks"))


@pytest.mark.parametrize("typed", BAD)
def test_bad_input_is_read(typed: str):
    assert len(read(typed).text) <= LONGEST


@given(st.text(max_size=300) | st.text(alphabet='ab "-“\0\u202e', max_size=60))
def test_anything_is_read_and_what_was_read_reads_the_same(typed: str):
    found = read(typed)
    assert '"' not in found.text
    assert all(any(map(str.isalnum, word)) and " " not in word for word in found.words)
    assert all(phrase in found.text for phrase in found.phrases)
    assert len({word.casefold() for word in found.words}) == len(found.words)
    again = read(" ".join(word for word in found.text.split() if not word.startswith("-")))
    assert set(map(str.casefold, again.words)) <= set(map(str.casefold, found.words))
