"""The level of a claim: the table of proofs, and what is missing for more."""

import pytest

from profiles.levels import Given, Route, level, missing

ORCID, MAIL = Given("orcid", Route.STRONG), Given("mail", Route.STRONG)
CHECK, MEMBER = Given("review", Route.CHECKED), Given("institution", Route.WEAK)
ANN, BOB = Given("attestation", Route.ATTESTED, by=1, paper=10), Given("attestation", Route.ATTESTED, by=2, paper=20)
BOB_TOO = Given("attestation", Route.ATTESTED, by=2, paper=10)
ANN_TOO = Given("attestation", Route.ATTESTED, by=1, paper=20)


@pytest.mark.parametrize(
    ("proofs", "reviewed", "expected"),
    [
        ([], True, 2),
        ([MEMBER], True, 2),
        ([ANN, BOB], True, 2),
        ([MEMBER, ANN, BOB], True, 2),
        ([ORCID], False, 3),
        ([ORCID], True, 3),
        ([CHECK], True, 3),
        ([ORCID, MEMBER], True, 3),
        ([MAIL, MAIL], True, 3),
        ([ORCID, ANN], True, 3),
        ([ORCID, ANN, ANN_TOO], True, 3),
        ([ORCID, ANN, BOB_TOO], True, 3),
        ([ORCID, MAIL], False, 3),
        ([ORCID, ANN, BOB], False, 3),
        ([ORCID, CHECK], True, 3),
        ([ORCID, MAIL], True, 4),
        ([ORCID, ANN, BOB], True, 4),
        ([CHECK, ANN, BOB], True, 4),
        ([ORCID, MAIL, CHECK], False, 3),
        ([ORCID, MAIL, CHECK], True, 5),
        ([ORCID, ANN, BOB, CHECK], True, 5),
    ],
)
def test_the_level_is_that_of_the_table(proofs: list[Given], reviewed: bool, expected: int) -> None:
    assert level(proofs, reviewed) == expected


@pytest.mark.parametrize(
    ("proofs", "unreviewed", "steps"),
    [([], 2, [3, 4, 5]), ([ORCID], 0, [4, 5]), ([ORCID, MAIL], 0, [5]), ([ORCID, MAIL, CHECK], 0, [])],
)
def test_what_is_missing_is_said_for_each_level_above(proofs: list[Given], unreviewed: int, steps: list[int]) -> None:
    told = missing(proofs, unreviewed)
    assert [number for number, _sentences in told] == steps
    assert all(sentences for _number, sentences in told)


def test_works_that_are_not_reviewed_are_counted() -> None:
    [(_four, sentences), _five] = missing([ORCID, MAIL], 1)
    assert sentences == ["Your answer, mine or not mine, for 1 work that is not reviewed yet."]


def test_doing_what_is_missing_gives_the_level() -> None:
    assert level([CHECK, ANN, BOB], True) == 4
    [(five, sentences)] = missing([CHECK, ANN, BOB], 0)
    assert (five, len(sentences)) == (5, 1)
    assert level([CHECK, ANN, BOB, ORCID], True) == 5
