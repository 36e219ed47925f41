"""Which signatures are hard, rule by rule: a printed name, the person's other names, how many people are printed so."""

import pytest

from papers.names import split_name
from profiles.disambiguation.signatures import Signature
from profiles.disambiguation.strata import STRATA, Labelled, strata

HOMONYM, SYNONYM, TURNED, INITIALS, SINGLE, HYPHENS, PARTICLES, TRANSLITERATED, NATIVE, MISPRINT = (
    n for n, _ in STRATA
)


def kinds(name, *others, namesakes=1):
    signature, *rest = (Signature(0, 0, family, given) for family, given, _ in map(split_name, (name, *others)))
    one = Labelled(signature, namesakes, tuple(rest))
    return {stratum for stratum, rule in STRATA if rule(one)} - {SYNONYM}


@pytest.mark.parametrize(
    ("name", "others", "expected"),
    [
        ("Ada Lovelace", [], set()),
        ("J. A. Smith", [], {INITIALS}),
        ("JP Smith", [], {INITIALS}),
        ("J. Adam Smith", [], set()),
        ("Supryadi", [], {SINGLE}),
        ("Guo-qing Jiang", ["Guoqing Jiang"], {HYPHENS}),
        ("Héctor Allende‐Cid", [], {HYPHENS}),
        ("Vincent van den Berg", [], {PARTICLES}),
        ("Juan de la Cruz", [], {PARTICLES}),
        ("John McDonald", [], set()),
        ("Junlin Li", ["Li, Junlin", "Junlin, Li"], {TURNED}),
        ("Junlin Li", ["J. Li"], set()),
        ("Felicia Körner", ["Felicia Koerner"], {TRANSLITERATED}),
        ("Felicia Koerner", ["Felicia Körner"], {TRANSLITERATED}),
        ("José Silva", ["Jose Silva"], {TRANSLITERATED}),
        ("Dmitry Ivanov", ["Dmitrij Ivanow"], {TRANSLITERATED}),
        ("Alexei Ivanov", ["Aleksei Ivanov"], {TRANSLITERATED}),
        ("Wei Wang", ["王伟"], {TRANSLITERATED}),
        ("王伟", ["Wei Wang"], {TRANSLITERATED, NATIVE}),
        ("Δημήτρης Παπαδόπουλος", [], {NATIVE}),
        ("Bali Malanҫon", [], set()),
        ("Dongbin Zhao", ["Dongbing Zhao"], {MISPRINT}),
        ("Yuka Takei", ["Yuya Takei"], {MISPRINT}),
        ("Micheal Jordan", ["Michael Jordan"], {MISPRINT}),
        ("Bo Li", ["Bo Liu"], set()),
        ("Ada Lovelace", ["A. Lovelace", "Ada B. Lovelace"], set()),
        ("Ada Byron", ["Ada Lovelace"], set()),
    ],
)
def test_a_name_is_hard_as_the_table_says(name, others, expected):
    assert kinds(name, *others) == expected


def test_namesakes_and_people_with_two_names_are_told_from_the_labels():
    printed = {
        ("a", 0): Signature(0, "a", "Smith", "John"),
        ("b", 0): Signature(1, "b", "Smith", "John"),
        ("c", 0): Signature(2, "c", "SMITH", "Jane"),
        ("d", 0): Signature(3, "d", "Smith", "Jane"),
        ("e", 0): Signature(4, "e", "Jones", "Jane"),
    }
    labels = dict(zip(printed, ("one", "other", "jane", "jane", "jane"), strict=True))
    found = strata(labels, printed)
    assert found[HOMONYM] == [("a", 0), ("b", 0)]
    assert found[SYNONYM] == [("c", 0), ("d", 0), ("e", 0)]
    assert list(found) == [name for name, _rule in STRATA]


def test_capitals_do_not_make_another_name():
    printed = {("a", 0): Signature(0, "a", "SMITH", "Jane"), ("b", 0): Signature(1, "b", "Smith", "Jane")}
    assert not any(strata(dict.fromkeys(printed, "jane"), printed).values())
