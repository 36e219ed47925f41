"""Comparing printed given names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.disambiguation.names import Agreement, compare, read_given


@pytest.mark.parametrize(
    ("one", "other", "agreement"),
    [
        ("Ada", "Ada", Agreement.SAME),
        ("Guo-qing", "Guoqing", Agreement.SAME),
        ("Guo Qing", "Guo-Qing", Agreement.SAME),
        ("José", "Jose", Agreement.SAME),
        ("John A.", "John Adam", Agreement.MIDDLE_AGREES),
        ("John A.", "John", Agreement.MIDDLE_MISSING),
        ("John A.", "John B.", Agreement.CONFLICT),
        ("Jean", "Jean-Pierre", Agreement.PART),
        ("J.", "John", Agreement.INITIAL),
        ("J. A.", "John Adam", Agreement.SPELT),
        ("J. A.", "John B.", Agreement.CONFLICT),
        ("X.-N.", "Xin-Nian", Agreement.SPELT),
        ("D. Y.", "Dayong", Agreement.SPELT),
        ("D. X.", "Dayong", Agreement.INITIAL),
        ("JP", "Jean-Pierre", Agreement.SPELT),
        ("J.", "J. A.", Agreement.INITIALS),
        ("J.", "J.", Agreement.INITIALS),
        ("J.", "M.", Agreement.CONFLICT),
        ("Bob", "Robert", Agreement.SHORT_FORM),
        ("Robert J.", "Bob K.", Agreement.CONFLICT),
        ("Dongbin", "Dongbing", Agreement.MISPRINT),
        ("Yong", "Yang", Agreement.CONFLICT),
        ("Jun", "Jian", Agreement.CONFLICT),
        ("", "Ada", Agreement.CONFLICT),
        ("", "", Agreement.MONONYM),
        ("伟", "伟", Agreement.INITIALS),
        ("小明", "小明", Agreement.SAME),
        ("小明", "小红", Agreement.CONFLICT),
    ],
)
def test_two_given_names_agree_as_the_table_says(one, other, agreement):
    assert compare(one, other) is agreement
    assert compare(other, one) is agreement


def test_a_misprint_and_a_conflict_do_not_join():
    assert [a for a in Agreement if not a.joins] == [Agreement.CONFLICT, Agreement.MISPRINT]


def test_capitals_without_a_vowel_are_initials():
    assert read_given("JP").parts == ("j", "p")
    assert read_given("Bo").parts == ("bo",)


@given(st.text(max_size=12), st.text(max_size=12))
def test_comparing_is_symmetric_whatever_is_printed(one, other):
    assert compare(one, other) is compare(other, one)
