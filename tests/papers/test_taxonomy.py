"""Category codes, their names and their aliases."""

from __future__ import annotations

import pytest

from papers.taxonomy import canonical, group, is_category, topic_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("cs.LG", "Machine Learning"),
        ("stat.ML", "Machine Learning"),
        ("cs.CE", "Computational Engineering, Finance, and Science"),
        ("math.MP", "Mathematical Physics"),
        ("q-fin.EC", "General Economics"),
        ("cmp-lg", "Computation and Language"),
        ("astro-ph", "Astrophysics"),
        ("cond-mat", "Condensed Matter"),
        ("q-bio", "Quantitative Biology"),
        ("xx.YY", "xx.YY"),
    ],
)
def test_a_code_has_a_display_name_or_stands_for_itself(code: str, name: str) -> None:
    assert topic_name(code) == name


def test_six_categories_of_the_reference_profile_are_five_topics() -> None:
    codes = ["cs.CL", "cs.LG", "cs.AI", "cs.CV", "stat.ML", "cs.IR"]
    assert len({topic_name(code) for code in codes}) == 5


@pytest.mark.parametrize(
    ("alias", "shown"),
    [("math.MP", "math-ph"), ("stat.TH", "math.ST"), ("cs.SY", "eess.SY"), ("chao-dyn", "nlin.CD"), ("cs.LG", "cs.LG")],
)
def test_an_alias_is_shown_under_its_canonical_code(alias: str, shown: str) -> None:
    assert canonical(alias) == shown
    assert topic_name(alias) == topic_name(shown)


@pytest.mark.parametrize(("code", "known"), [("cs.LG", True), ("hep-th", True), ("dg-ga", True), ("cs.XX", False)])
def test_categories_now_and_once_are_known(code: str, known: bool) -> None:
    assert is_category(code) is known


@pytest.mark.parametrize(("code", "name"), [("cs.NA", "Computer Science"), ("hep-th", "Physics"), ("x", "")])
def test_a_category_belongs_to_the_group_it_is_filed_under(code: str, name: str) -> None:
    assert group(code) == name
