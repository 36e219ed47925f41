"""Identifiers are brought to one form, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.identifiers import arxiv_id, doi, orcid


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2106.00221", "2106.00221"),
        ("arXiv:2106.00221v3", "2106.00221"),
        ("https://arxiv.org/abs/2106.00221v3", "2106.00221"),
        ("http://export.arxiv.org/pdf/2106.00221v3.pdf", "2106.00221"),
        ("https://arxiv.org/abs/2106.00221?context=cs", "2106.00221"),
        ("https://doi.org/10.48550/arXiv.2106.00221", "2106.00221"),
        ("0704.0001", "0704.0001"),
        ("hep-th/9901001v2", "hep-th/9901001"),
        ("math.GT/0309136", "math/0309136"),
        ("CS/0501076", "cs/0501076"),
        ("https://arxiv.org/abs/q-bio/0101001", "q-bio/0101001"),
    ],
)
def test_an_arxiv_identifier_loses_its_dress_and_version(value: str, expected: str) -> None:
    assert arxiv_id(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        1501.00001, 704, True, None, b"2106.00221", "", "2106.0022", "1412.00001", "2113.00001", "0703.0001",
        "nobody/9901001", "hep-th/9913001", "hep-th/5001001", "2106.00221v0", "2106.00221 x", "٢١٠٦.٠٠٢٢١", "2" * 1000,
        "https://example.org/abs/2106.00221",
    ],
)  # fmt: skip
def test_what_is_no_arxiv_identifier_is_none(value: object) -> None:
    assert arxiv_id(value) is None


@given(st.text())
def test_a_normalised_arxiv_identifier_stays_as_it_is(value: str) -> None:
    found = arxiv_id(value)
    assert found is None or arxiv_id(found) == found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10.1109/TKDE.2019.2958808", "10.1109/tkde.2019.2958808"),
        ("https://doi.org/10.1109/TKDE.2019.2958808", "10.1109/tkde.2019.2958808"),
        ("doi: 10.1103/PhysRevD.76.013009.", "10.1103/physrevd.76.013009"),
        ("https://dx.doi.org/10.1002/(SICI)1097%2D0258", "10.1002/(sici)1097-0258"),
        ("10.1/x", None),
        ("10.1109/", None),
        ("10.1109/a b", None),
        ("10.1109/a\x00b", None),
        (10.1109, None),
        (None, None),
        ("https://example.org/10.1109/x", None),
    ],
)
def test_a_doi_is_lower_case_without_a_resolver_or_none(value: object, expected: str | None) -> None:
    assert doi(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0000-0002-1825-0097", "0000-0002-1825-0097"),
        ("https://orcid.org/0000-0002-1825-0097", "0000-0002-1825-0097"),
        ("0000000218250097", "0000-0002-1825-0097"),
        ("orcid.org/0000-0002-1694-233x/", "0000-0002-1694-233X"),
        ("0000-0002-1825-0098", None),  # wrong check digit
        ("0100-0200-0030-0001", None),  # invented
        ("0000-0000-0000-0001", None),  # right check digit, but before the first iD given out
        ("0000-0002-1825-009", None),
        ("", None),
        (None, None),
        (218250097, None),
    ],
)
def test_an_orcid_id_is_read_and_an_invented_one_is_not(value: object, expected: str | None) -> None:
    assert orcid(value) == expected


@given(st.integers(0, 14), st.integers(0, 9))
def test_any_one_mistyped_digit_of_an_orcid_id_is_noticed(place: int, digit: int) -> None:
    right = "0000000218250097"
    typed = right[:place] + str(digit) + right[place + 1 :]
    assert typed == right or orcid(typed) is None
