"""Folding and splitting printed names, and cutting author lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.names import fold, is_collaboration, split_authors, split_name, surname_key, tells_nobody_apart


@pytest.mark.parametrize(
    ("printed", "folded"),
    [
        ("Guo-qing O’Néill", "guo qing oneill"),
        ("O'Neill", "oneill"),
        ("ØBRO", "obro"),
        ("Meißner", "meissner"),
        ("Łukasz", "lukasz"),
        ("İbrahim Işık", "ibrahim isik"),
        ("Yu.V. Ralchenko", "yu v ralchenko"),
        ("snake_case", "snake case"),
        ("王伟", "王伟"),
        ("राम", "राम"),
        ("が", "が"),
        ("***", ""),
        ("", ""),
    ],
)
def test_a_name_folds_to_lower_case_without_accents_or_punctuation(printed: str, folded: str) -> None:
    assert fold(printed) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(categories=["Cs", "Mn", "Lm", "Lt", "Sk", "So", "Nl"])))
def test_folding_the_odd_corners_of_unicode_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(categories=["L", "N"], max_codepoint=0x24F), min_size=1))
def test_a_latin_name_with_a_letter_never_folds_to_nothing(text: str) -> None:
    assert fold(text) or all(ord(c) in {0xAA, 0xBA, 0xB2, 0xB3, 0xB9, 0x149} for c in text)


@pytest.mark.parametrize(
    ("printed", "family", "given", "suffix"),
    [
        ("Quoc V. Le", "Le", "Quoc V.", ""),
        ("Nitin", "Nitin", "", ""),
        ("Ding, Zixiang", "Ding", "Zixiang", ""),
        ("Anna-Lena Nesse Tyssøy", "Tyssøy", "Anna-Lena Nesse", ""),
        ("  Yong   Li ", "Li", "Yong", ""),
        # particles
        ("Vincent van den Berg", "van den Berg", "Vincent", ""),
        ("Berg, Vincent van den", "van den Berg", "Vincent", ""),
        ("van den Berg, Vincent", "van den Berg", "Vincent", ""),
        ("B. De Marco", "De Marco", "B.", ""),
        ("Luc Van Gool", "Van Gool", "Luc", ""),
        ("de la Cruz", "de la Cruz", "", ""),
        ("Santiago Ramón y Cajal", "Ramón y Cajal", "Santiago", ""),
        ("Di Xu", "Xu", "Di", ""),
        ("Van Nguyen", "Nguyen", "Van", ""),
        # suffixes
        ("Martin Luther King Jr.", "King", "Martin Luther", "Jr."),
        ("Martin Luther King, Jr.", "King", "Martin Luther", "Jr."),
        ("King, Jr., Martin Luther", "King", "Martin Luther", "Jr."),
        ("King, Martin Luther, Jr.", "King", "Martin Luther", "Jr."),
        ("King Jr., Martin Luther", "King", "Martin Luther", "Jr."),
        ("John Smith III", "Smith", "John", "III"),
        ("João Carlos da Silva Neto", "da Silva", "João Carlos", "Neto"),
        ("Francisco Neto", "Neto", "Francisco", ""),
        ("Henry VIII", "Henry", "", "VIII"),
        ("Tran Vi", "Vi", "Tran", ""),
        # initials
        ("Yu.V.Ralchenko", "Ralchenko", "Yu. V.", ""),
        ("Ralchenko Yu. V.", "Ralchenko", "Yu. V.", ""),
        ("Venkatesh Babu R.", "Babu", "R. Venkatesh", ""),
        ("R. Venkatesh Babu", "Babu", "R. Venkatesh", ""),
        ("C. -P. Yuan", "Yuan", "C.-P.", ""),
        # capitals
        ("LIU Yong", "LIU", "Yong", ""),
        ("Yong LIU", "LIU", "Yong", ""),
        ("LIU YONG", "YONG", "LIU", ""),
        ("JMF Tsang", "Tsang", "JMF", ""),
        # scripts
        ("王伟", "王", "伟", ""),
        ("欧阳锋", "欧阳", "锋", ""),
        ("王 小明", "王", "小明", ""),
        ("김철수", "김", "철수", ""),
        ("山田太郎", "山田", "太郎", ""),
        # TeX
        (r"C. Bal\'azs", "Balázs", "C.", ""),
        (r"Fr{\'e}d{\'e}rique Battin-Leclerc", "Battin-Leclerc", "Frédérique", ""),
        (r"Mikkel {\O}bro", "Øbro", "Mikkel", ""),
        ("Ewine~van~Dishoeck", "van Dishoeck", "Ewine", ""),
        # what is no name
        ("Jerry Wei$^{1*}$", "Wei", "Jerry", ""),
        ("Wei Lin (Meituan)", "Lin", "Wei", ""),
        ("Di Xu 0001", "Xu", "Di", ""),
        ("LHCb collaboration: R. Aaij", "Aaij", "R.", ""),
        ("Teresa Montaruli for the IceCube Collaboration", "Montaruli", "Teresa", ""),
        ("Planck Collaboration", "Planck Collaboration", "", ""),
        ("<script>alert(1)</script>", "<script>alert(1)</script>", "", ""),
        ("Ada Lovelace et al.", "Lovelace", "Ada", ""),
        ("et al.", "", "", ""),
        ("and others", "", "", ""),
        ("Unknown", "", "", ""),
        ("😀", "", "", ""),
        ("1234", "", "", ""),
        ("…", "", "", ""),
        ("***", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_a_printed_name_splits_into_family_given_and_suffix(printed: str, family: str, given: str, suffix: str) -> None:
    assert split_name(printed) == (family, given, suffix)


@pytest.mark.parametrize("name", ["", "A", "J. S.", "王", "😀", "1234", "et al.", "Unknown"])
def test_a_name_that_could_be_anybodys_tells_nobody_apart(name: str) -> None:
    assert tells_nobody_apart(name)


@pytest.mark.parametrize("name", ["Weinan E", "J. Li", "王伟", "Madonna", "Aye", "O. Øe"])
def test_a_name_with_more_than_initials_tells_people_apart(name: str) -> None:
    assert not tells_nobody_apart(name)


@given(st.text(max_size=60))
def test_any_text_splits_and_a_given_name_never_stands_alone(text: str) -> None:
    family, given_name, _ = split_name(text)
    assert family or not given_name


@given(st.lists(st.sampled_from(["Li", "van", "De", "A.", "Jr.", ",", "III", "王", "LIU", "y", "V"]), max_size=8))
def test_no_order_of_the_parts_of_names_breaks_the_split(parts: list[str]) -> None:
    family, given_name, _ = split_name(" ".join(parts))
    assert family or not given_name


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("Planck Collaboration", True),
        ("The LIGO Scientific Collaboration", True),
        ("1000 Genomes Project Consortium", True),
        ("The OpenWorm Project", True),
        ("Qwen Team", True),
        ("LHCb collaboration: R. Aaij", False),
        ("T. Montaruli for the IceCube Collaboration", False),
        ("Xiangning Chen", False),
        ("Team", False),
    ],
)
def test_a_group_is_told_from_a_person(printed: str, expected: bool) -> None:
    assert is_collaboration(printed) is expected


@pytest.mark.parametrize(
    ("printed", "names"),
    [
        ("Ileana Streinu and Louis Theran", ["Ileana Streinu", "Louis Theran"]),
        (r"C. Bal\'azs, E. L. Berger, and C.-P. Yuan", [r"C. Bal\'azs", "E. L. Berger", "C.-P. Yuan"]),
        (r"A. Li\and B. Xu", ["A. Li", "B. Xu"]),
        ("A. Li; B. Xu & C. Wu", ["A. Li", "B. Xu", "C. Wu"]),
        (
            "A. S. Mishchenko (1 and 2) and N. Nagaosa (1, 3) ((1) CREST, Japan, (2) RRC ``Kurchatov'')",
            ["A. S. Mishchenko", "N. Nagaosa"],
        ),
        ("Zhe (Rita) Liang, Bo Li", ["Zhe (Rita) Liang", "Bo Li"]),
        ("Martin King, Jr., Bo Li", ["Martin King, Jr.", "Bo Li"]),
        ("A. Li, B. Xu et al.", ["A. Li", "B. Xu"]),
        ("A. Li, :, B. Xu", ["A. Li", "B. Xu"]),
        ("{Ad Hoc, Inc}, B. Xu", ["{Ad Hoc, Inc}", "B. Xu"]),
        ("LHCb collaboration: R. Aaij, B. Adeva", ["LHCb collaboration", "R. Aaij", "B. Adeva"]),
        ("Sandy Anderson, Andy Sand", ["Sandy Anderson", "Andy Sand"]),
        ("A. Li (unclosed, B. Xu", ["A. Li (unclosed", "B. Xu"]),
        ("", []),
    ],
)
def test_an_author_list_is_cut_into_printed_names(printed: str, names: list[str]) -> None:
    assert split_authors(printed) == names


@given(st.text(alphabet="aB ,;()&{}\\.nd:", max_size=40))
def test_every_cut_name_stands_in_the_list_byte_for_byte(printed: str) -> None:
    assert all(name in printed for name in split_authors(printed))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "Mueller"),
        ("van der Berg", "Berg"),
        ("de la Cruz", "Cruz"),
        ("Mac Donald", "MacDonald"),
        ("Łoś", "Los"),
    ],
)
def test_surnames_that_could_be_one_persons_have_one_key(one: str, other: str) -> None:
    assert surname_key(one) == surname_key(other)


@pytest.mark.parametrize(("one", "other"), [("Li", "Liu"), ("Chen", "Cheng"), ("De", "")])
def test_other_surnames_have_other_keys(one: str, other: str) -> None:
    assert surname_key(one) != surname_key(other)
