"""Identifiers that curators type: each scheme reads its own forms and refuses the rest."""

import pytest
from django.core.exceptions import ValidationError

from profiles.identifiers import SCHEMES, read


@pytest.mark.parametrize(
    ("scheme", "typed", "stored"),
    [
        ("orcid", " https://orcid.org/0000-0002-1825-0097 ", "0000-0002-1825-0097"),
        ("openalex", "a5023888391", "A5023888391"),
        ("openalex", "https://openalex.org/authors/A5023888391", "A5023888391"),
        ("dblp", "https://dblp.org/pid/65/9612.html", "65/9612"),
        ("dblp", "w/WeiWang-1", "w/WeiWang-1"),
        ("scholar", "https://scholar.google.com/citations?hl=en&user=JicYPdAAAAAJ&view_op=list", "JicYPdAAAAAJ"),
        ("wikidata", "https://www.wikidata.org/wiki/Q7251", "Q7251"),
        ("wikidata", "", ""),
    ],
)
def test_a_value_or_its_address_is_brought_to_one_form(scheme: str, typed: str, stored: str):
    assert read(scheme, typed) == stored


@pytest.mark.parametrize(
    ("scheme", "typed"),
    [
        ("orcid", "0100-0200-0030-0001"),
        ("openalex", "W2741809807"),
        ("openalex", "A\u0661\u0662\u0663\u0664"),
        ("dblp", "javascript:alert(1)"),
        ("scholar", "JicYPdAAAAA"),
        ("scholar", "https://evil.example/citations?user=JicYPdAAAAAJ"),
        ("wikidata", "Q0"),
        ("wikidata", "Q1\n<b>"),
        ("twitter", "ada"),
        ("scholar", "a=b&" * 100_000),
    ],
)
def test_anything_else_is_refused_in_a_sentence(scheme: str, typed: str):
    with pytest.raises(ValidationError):
        read(scheme, typed)


def test_every_scheme_reads_its_own_example_and_address():
    for scheme in SCHEMES:
        assert read(scheme.key, scheme.example) == scheme.example
        assert read(scheme.key, scheme.url(scheme.example)) == scheme.example
