"""Redaction: a hidden name is recognised in all its forms, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from profiles.models import Author
from profiles.shown import Redaction, evidence

JANE = Author(pk=1, name="Iris Novák", hides_printed=True)


def redaction(*names: tuple[str, str], shown: str = "Iris Novák") -> Redaction:
    return Redaction({Author(pk=1, name=shown): [(family, given, "") for family, given in names]})


@pytest.mark.parametrize(
    ("written", "family", "given"),
    [
        ("Jane Oldacre", "Oldacre", "Jane"),
        ("jane oldacre", "Oldacre", "Jane"),
        ("Oldacre, Jane", "Oldacre", "Jane"),
        ("OLDACRE Jane", "Oldacre", "Jane"),
        ("J. Oldacre", "Oldacre", "Jane"),
        ("J Oldacre", "Oldacre", "Jane"),
        ("Oldacre, J.", "Oldacre", "Jane"),
        ("Oldacre J", "Oldacre", "Jane"),
        ("Jane M. Oldacre", "Oldacre", "Jane Mary"),
        ("Jane Oldacre", "Oldacre", "Jane Mary"),
        ("Janemary Oldacre", "Oldacre", "Jane Mary"),
        ("J. M. Oldacre", "Oldacre", "Jane Mary"),
        ("J.M. Oldacre", "Oldacre", "Jane Mary"),
        ("Guoqing Müller", "Müller", "Guo-qing"),
        ("Guo Qing Muller", "Müller", "Guo-qing"),
        ("G.-Q. Müller", "Müller", "Guo-Qing"),
        ("Jane Oneill", "O’Neill", "Jane"),
        ("Maria da Silva Neto", "da Silva Neto", "Maria"),
        ("王伟", "王", "伟"),
        ("Plato", "Plato", ""),
    ],
)
def test_a_hidden_name_is_recognised_however_it_is_written(written: str, family: str, given: str):
    redact = redaction((family, given))
    assert redact(f"both wrote with {written}, Ada Lovelace") == "both wrote with Iris Novák, Ada Lovelace"
    assert redact(f"“{written}” and “A. Lovelace”") == "“Iris Novák” and “A. Lovelace”"
    assert redact.finds(written)


@pytest.mark.parametrize(
    "sentence",
    [
        "both wrote with Janet Oldacre",
        "both wrote with Mary Jane Oldacreson",
        "K. Oldacre wrote it",
        "the titles are closely related, both say “oldacres”",
        "Jane wrote it",
    ],
)
def test_another_name_is_left_alone(sentence: str):
    assert redaction(("Oldacre", "Jane"))(sentence) == sentence


def test_words_that_look_like_initials_are_no_name():
    assert redaction(("Long", "Anna"))("a long list, how long a list") == "a long list, how long a list"
    assert redaction(("Old", "Bernard"))("a bold approach") == "a bold approach"


def test_a_family_name_that_changed_is_not_told_alone():
    assert redaction(("Oldacre", "Jane"))("“Oldacre” is rare") == "the family name is rare"
    kept = redaction(("Oldacre", "Jane"), shown="Iris Oldacre")
    assert kept("“Oldacre” is rare, as is Jane Oldacre") == "“Oldacre” is rare, as is Iris Oldacre"


def test_a_new_name_that_holds_the_old_one_is_not_written_twice():
    redact = redaction(("Oldacre", "Jane"), shown="Jane Oldacre Novák")
    assert redact("Jane Oldacre Novák and Jane Oldacre") == "Jane Oldacre Novák and Jane Oldacre Novák"


def test_the_name_that_is_shown_is_nothing_to_hide():
    assert not redaction(("Novák", "Iris"))


def test_a_receipt_says_of_hidden_names_how_they_agree_and_not_what_they_are():
    items = [
        {"rule": "name", "weight": 1, "sentence": "both are printed “Jane Oldacre”"},
        {"rule": "two by two", "weight": 2, "sentence": "weighed", "parts": [
            {"rule": "family name", "weight": 1, "sentence": "“Oldacre” is a rare family name"},
            {"rule": "coauthors", "weight": 1, "sentence": "both wrote with J. Oldacre"},
        ]},
    ]  # fmt: skip
    redact = redaction(("Oldacre", "Jane"))
    own = evidence(items, JANE, redact)
    assert [own[0]["sentence"], *(part["sentence"] for part in own[1]["parts"])] == [
        "how well the two names agree",
        "how frequent the family name is",
        "both wrote with Iris Novák",
    ]
    # A coauthor of that very name keeps it.
    assert evidence(items, Author(pk=2, name="Jane Oldacre"), redact)[0] == items[0]
