"""Which printed lines are one place, and which are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.affiliations import LONGEST_KEY, key_of, place_of

PARAGRAPH = "Univ. of very long names, Dept. of more, " * 200


def place(printed: str) -> str:
    return place_of(key_of(printed))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MIT, Cambridge", "MIT Cambridge"),
        ("ETH Zürich", "eth  zurich."),
        (r"Universit\'e de Gen\`eve", "Université de Genève"),
        ("清华大学", "清华大学。"),
        ("Univ. of Oxford", "The University of Oxford"),
        ("Dept. of Physics, University of Oxford, Oxford, UK", "University of Oxford, United Kingdom"),
        ("Computer Science Department, Yale University", "Yale University"),
        ("School of Computing, Leiden University, 2311 Leiden, Netherlands", "Leiden University, The Netherlands"),
        ("Department of Physics, Peking Univ., Beijing 100871, P. R. China", "Peking University, Beijing, China"),
        ("Dipartimento di Fisica, Università di Pisa, Italia", "Università di Pisa, Italy"),
        ("Texas A&M University", "Texas A & M University"),
    ],
)
def test_forms_of_one_place_fold_together(one: str, other: str) -> None:
    assert place(one) == place(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MIT", "MIT 2"),
        ("University of California, Berkeley", "University of California, Los Angeles"),
        ("Northeastern University, Boston", "Northeastern University, Shenyang"),
        ("Washington University", "University of Washington"),
        ("Université Paris 6", "Université Paris 7"),
        ("Kavli Institute, University of Cambridge", "University of Cambridge"),
        ("King’s College London, University of London", "University of London"),
        ("Goldsmiths, University of London", "University of London"),
        ("Queen Mary, University of London", "Birkbeck College, University of London"),
        ("Google, Stanford University", "Stanford University"),
        ("Department of Physics, Harvard University and Yale University", "Yale University"),
        ("Department of Physics, Harvard University, Yale University", "Yale University"),
        ("Department of Physics; Yale University", "Yale University"),
        ("Department of Energy, USA", "USA"),
        ("School of Physics, University Department", "University Department"),
    ],
)
def test_what_could_be_two_places_stays_two(one: str, other: str) -> None:
    assert place(one) != place(other)


def test_a_paragraph_has_a_key_that_fits_and_marks_alone_have_none() -> None:
    assert len(key_of(PARAGRAPH)) <= LONGEST_KEY
    assert len(place(PARAGRAPH)) <= LONGEST_KEY
    assert key_of(PARAGRAPH + "end") == key_of(PARAGRAPH)
    assert key_of(" * † ") == ""


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["Univ.", "of", ",", ";", "Dept.", "Oxford", "12345", "the", " ", "U.S."])).map(" ".join)
)
def test_whatever_has_a_key_has_a_place_and_folding_again_changes_nothing(printed: str) -> None:
    key = key_of(printed)
    assert key_of(key) == key
    assert bool(place_of(key)) is bool(key)
