"""Whom a typed line means: ids, addresses, ORCID iDs, names in either order, and junk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from papers.models import Batch, Signature
from profiles.meant import CANDIDATES, LONGEST, NEAR, Meant, meant
from profiles.models import Author
from tests.conftest import fact

Bring = Callable[..., Batch]
ORCID, OTHER = "0000-0002-1825-0097", "0000-0001-5109-3700"


def one(line: str) -> Meant:
    [answer] = meant([line])
    return answer


@pytest.fixture
def jane(bring: Bring) -> Author:
    bring(fact("2001.00001", ["Jane Q. Doe", "Wolfgang Häußler"]), fact("2001.00002", ["Ludwig van Beethoven"]))
    return Author.objects.get(name="Jane Q. Doe")


@pytest.mark.parametrize(
    "form",
    [
        "{pk}", " {pk} ", "person-{pk}", "#{pk}", "3. {pk}", "/people/{pk}/", "/people/{pk}/some-name/",
        "/people/{pk}/graph/?weight=2", "http://127.0.0.1:8000/people/{pk}/x/", "https://localhost/people/{pk}",
    ],
)  # fmt: skip
def test_an_id_or_an_address_means_that_person(jane: Author, form: str) -> None:
    assert one(form.format(pk=jane.pk)) == Meant(form.format(pk=jane.pk).strip(), jane)


def test_the_address_of_another_site_means_nobody_here(jane: Author) -> None:
    answer = one(f"https://example.org/people/{jane.pk}/jane-q-doe/")
    assert (answer.author, answer.candidates) == (None, ())


@pytest.mark.parametrize("typed", ["0", "999999999", "9" * 18, "9" * 19, "9" * 40, "person-0", "/people/0/", "-1"])
def test_an_id_that_nobody_has_is_a_sentence(jane: Author, typed: str) -> None:
    answer = one(typed)
    assert answer.author is None
    assert answer.candidates == ()
    assert answer.problem


@pytest.mark.parametrize(
    "typed",
    [
        "Jane Q. Doe", "jane q doe", "Doe, Jane Q.", "DOE Jane Q.", "1. Jane Q. Doe", "(2) Jane Q. Doe",
        "[3] Doe, Jane Q.", "• Jane Q. Doe", "- Jane Q. Doe", "4) - Jane Q. Doe,", "Jane Q. Doe (University of X)",
        "Jane Q. Doe, University of X", "Doe, Jane Q., University of X, Y", "Jane Q. Doe <jane@x.example>",
        "Jane Q. Doe jane@x.example", "Dr. Jane Q. Doe", "Prof. Dr. Jane Q. Doe, PhD", "Reviewer 2: Jane Q. Doe",
        "Jane Q. Doe\tUniversity of X\tx@y.example", "Jane Q. Doe – University of X", "Jane Q. Doe; University of X",
        "\u202eJane Q. Doe\u202c", "🎓 Jane Q. Doe 🎉", "  Jane   Q.\u00a0Doe  ",
    ],
)  # fmt: skip
def test_a_pasted_name_is_read(jane: Author, typed: str) -> None:
    assert one(typed).author == jane


def test_accents_and_particles_are_no_obstacle(jane: Author) -> None:
    hausler = Author.objects.get(name="Wolfgang Häußler")
    assert [answer.author for answer in meant(["Haussler, Wolfgang", "Häußler Wolfgang"])] == [hausler, hausler]
    assert one("Beethoven, Ludwig van").author == Author.objects.get(name="Ludwig van Beethoven")


def test_what_was_not_read_of_a_line_is_said(jane: Author) -> None:
    assert one("Doe, Jane Q., University of X (Paris)").rest == "University of X, Paris"


def test_two_names_on_a_line_stay_open_rather_than_lose_one(jane: Author) -> None:
    answer = one("Jane Q. Doe, Wolfgang Häußler")
    assert answer.author is None
    assert {author.name for author in answer.candidates} == {"Jane Q. Doe", "Wolfgang Häußler"}
    assert "several names" in answer.problem


def test_a_name_of_several_people_stays_open_most_works_first(bring: Bring) -> None:
    people = [Author.objects.create(name="Wei Wang", works_count=works) for works in range(1, CANDIDATES + 3)]
    for author in people:
        author.variants.create(printed="Wei Wang", folded="wei wang", family_key="wang", surname_key="wang", works=1)
    answer = one("Wang, Wei")
    assert answer.author is None
    assert answer.candidates == tuple(reversed(people[2:]))
    assert answer.problem == "14 people here are printed so; these 12 have most works."


def test_a_name_that_nobody_has_offers_near_ones(jane: Author) -> None:
    answer = one("Jane Q. Doee, University of X")
    assert answer.author is None
    assert answer.candidates == (jane,)
    assert "near" in answer.problem


def test_an_orcid_id_that_a_source_states_means_that_person(jane: Author) -> None:
    Signature.objects.filter(assignment__author=jane).update(orcid=ORCID)
    forms = [ORCID, f"https://orcid.org/{ORCID}", ORCID.replace("-", ""), f"orcid: {ORCID}", f"J. Doe ({ORCID})",
             f"Somebody Else https://orcid.org/{ORCID}", f"- {ORCID}."]  # fmt: skip
    assert [answer.author for answer in meant(forms)] == [jane] * len(forms)


def test_an_orcid_id_of_several_people_stays_open(jane: Author) -> None:
    other = Author.objects.get(name="Wolfgang Häußler")
    Signature.objects.filter(assignment__author__in=[jane, other]).update(orcid=OTHER)
    answer = one(OTHER)
    assert answer.author is None
    assert set(answer.candidates) == {jane, other}
    assert "2 people" in answer.problem


def test_an_unknown_or_mistyped_orcid_id_confirms_no_name(jane: Author) -> None:
    unknown, wrong = one(f"Jane Q. Doe {OTHER}"), one(f"Jane Q. Doe {ORCID[:-1]}8")
    assert (unknown.author, unknown.candidates) == (None, (jane,))
    assert unknown.problem == "Nobody here is known by this ORCID iD."
    assert (wrong.author, wrong.candidates) == (None, ())
    assert "no ORCID iD" in wrong.problem


def test_a_merged_id_is_its_heir_through_any_number_of_merges(jane: Author) -> None:
    middle = Author.objects.create(name="J. Doe", merged_into=jane)
    first = Author.objects.create(name="J. D.", merged_into=middle)
    assert [answer.author for answer in meant([str(first.pk), str(middle.pk)])] == [jane, jane]


def test_ids_merged_in_a_circle_are_nobody(jane: Author) -> None:
    one_, two = Author.objects.create(name="A"), Author.objects.create(name="B")
    Author.objects.filter(pk=one_.pk).update(merged_into=two)
    Author.objects.filter(pk=two.pk).update(merged_into=one_)
    assert one(str(one_.pk)).author is None


@pytest.mark.parametrize("visibility", ["notice", "gone"])
def test_a_hidden_person_is_nobody_here_by_any_form(jane: Author, visibility: str) -> None:
    Signature.objects.filter(assignment__author=jane).update(orcid=ORCID)
    was = Author.objects.create(name="J. Doe", merged_into=jane)
    Author.objects.filter(pk=jane.pk).update(visibility=visibility)
    answers = meant([str(jane.pk), str(was.pk), "Jane Q. Doe", ORCID, f"Jane Q. Doe {ORCID}", "Jane Q. Doee"])
    assert [(answer.author, answer.candidates) for answer in answers] == [(None, ())] * 6
    assert answers[0].problem == answers[1].problem == one("999999").problem


def test_a_hidden_printed_name_finds_nobody(jane: Author) -> None:
    jane.variants.all().delete()
    Author.objects.filter(pk=jane.pk).update(hides_printed=True, name="Joan Roe", preferred_name="Joan Roe")
    assert one("Jane Q. Doe").candidates == ()


def test_a_record_without_works_is_told_of(jane: Author) -> None:
    empty = Author.objects.create(name="Nobody Left")
    assert "No work" in one(str(empty.pk)).problem


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "   ",
        "1.",
        "•",
        "🎉🎉",
        "----",
        "%%%",
        "x@y.example",
        "<>",
        "(((((",
        "\x00\x01",
        "12 34",
        "0000",
        "٣٤٥",
        "¹²",
    ],
)
def test_junk_is_answered_with_a_sentence(jane: Author, junk: str) -> None:
    answer = one(junk)
    assert answer.author is None
    assert answer.problem.endswith(".")


def test_a_line_of_a_hundred_kilobytes_is_cut_and_told_of(jane: Author) -> None:
    answer = one("Jane Q. Doe " * 9_000)
    assert answer.author is None
    assert len(answer.text) <= LONGEST
    assert str(LONGEST) in answer.problem


def test_every_line_has_its_own_answer_in_order(jane: Author) -> None:
    lines = ["Jane Q. Doe", "", "Jane Q. Doe", str(jane.pk), "nobody at all"]
    answers = meant(lines)
    assert [answer.text for answer in answers] == lines
    assert [answer.author for answer in answers] == [jane, None, jane, jane, None]


def test_ten_thousand_lines_take_no_more_queries_than_three(jane: Author) -> None:
    def queries(lines: list[str], **more: Any) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert len(meant(lines, **more)) == len(lines)
        return len(seen)

    few = ["Jane Q. Doe", ORCID, str(jane.pk)]
    junk = [f"{n}. Person {n} of, Nowhere {n}" for n in range(9_997)]
    assert queries([*few, *junk], near=0) == queries(few, near=0)
    assert queries([*few, *junk]) <= queries(few) + NEAR * 13
