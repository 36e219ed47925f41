"""Parting: whose followers are asked when works go to another person, and when the question goes again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from papers.models import Signature
from profiles import decisions, following, parting, resolving
from profiles.models import Account, Assignment, Author, Follow, FollowQuestion, Move
from profiles.moves import Change
from tests.conftest import fact, with_role, without_ledger

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]

TITLES = (
    "Neural machine translation",
    "Neural translation of rare words",
    "Attention in neural translation",
    "Neural translation of poems",
    "Neural translation of letters",
)
TRANSLATION = [
    fact(f"2001.0000{n}", ["John Smith", "Ada Lovelace"], title, categories=["cs.CL"])
    for n, title in enumerate(TITLES, 1)
]
GALAXIES = [
    fact(f"2001.0000{n}", ["John Smith", "Vera Rubin"], title, categories=["astro-ph.GA"])
    for n, title in enumerate(["Dark matter in dwarf galaxies", "Dark matter halos of galaxies"], 6)
]


@pytest.fixture
def reader(db: None) -> Account:
    return Account.objects.create_user("reader")


@pytest.fixture
def translator(bring: Callable[..., object]) -> Author:
    """The John Smith who translates (1 to 5); another of the name looks at galaxies (6, 7)."""
    bring(*TRANSLATION, *GALAXIES)
    assert author_of(1) == author_of(5) != author_of(6) == author_of(7)
    return author_of(1)


def signature(n: int) -> Signature:
    return Signature.objects.get(paper__arxiv_id=f"2001.0000{n}", family="Smith")


def author_of(n: int) -> Author:
    return signature(n).assignment.author


def put(author: Author, *works: int) -> None:
    """As if the machine had attributed these works to the author, whoever they are."""
    link = signature(1 if works[0] > 5 else 6)
    Assignment.objects.filter(signature__in=[signature(n) for n in works]).update(author=author, compared_with=link)


def asked() -> list[tuple[str, Author, Author]]:
    rows = FollowQuestion.objects.filter(change_set=None, answer="").order_by("account", "new_author")
    return [(row.account.username, row.old_author, row.new_author) for row in rows]


def test_followers_are_asked_where_the_evidence_takes_a_good_share_of_the_works(reader: Account, translator: Author):
    without_ledger()
    Author.objects.filter(pk=author_of(6).pk).delete()
    bylines = {n: Signature.objects.get(paper__arxiv_id=f"2001.0000{n}", family="Smith") for n in (6, 7)}
    for one in bylines.values():
        Assignment.objects.create(signature=one, author=translator, state="strong", probability=0.93, model="x")
    merged = Author.objects.create(name="J. Smith", merged_into=translator)
    of_the_merged, stranger = Account.objects.create_user("second"), Account.objects.create_user("stranger")
    Follow.objects.create(account=reader, author=translator)
    Follow.objects.create(account=of_the_merged, author=translator)
    Follow.objects.create(account=of_the_merged, author=merged)
    Follow.objects.create(account=stranger, author=Author.objects.get(name="Ada Lovelace"))
    for _again in range(2):
        resolving.resolve(["smith"])
        parted = author_of(6)
        assert parted != translator
        assert asked() == [("reader", translator, parted), ("second", translator, parted)]
    [question] = following.open_questions(reader)
    following.answer(question, FollowQuestion.Answer.NEW)
    assert [follow.author for follow in Follow.objects.filter(account=reader)] == [parted]


def test_nobody_is_asked_about_one_work_in_many(reader: Account, translator: Author):
    put(translator, 6)
    Follow.objects.create(account=reader, author=translator)
    resolving.resolve(["smith"])
    assert author_of(6) != translator
    assert asked() == []


def test_nobody_is_asked_whose_person_goes_on_whole_as_another(reader: Account, translator: Author):
    stranger = Author.objects.create(name="John Smith")
    put(stranger, 4, 5)
    Follow.objects.create(account=reader, author=stranger)
    resolving.resolve(["smith"])
    stranger.refresh_from_db()
    assert stranger.merged_into == translator
    assert asked() == []
    assert Follow.objects.of(translator).followers() == 1


def test_works_that_came_back_take_the_question_with_them(reader: Account, translator: Author):
    """The part that had been taken for another person is merged into the old one again."""
    parted = Author.objects.create(name="John Smith")
    put(parted, 4, 5)
    Follow.objects.create(account=reader, author=translator)
    parting.ask({(translator.pk, parted.pk)})
    Move.objects.create(source=translator, target=parted, kind="split", count=2, signatures=[], reason="x")
    assert len(asked()) == 1
    resolving.resolve(["smith"])
    assert author_of(4) == translator
    assert asked() == []


@pytest.mark.parametrize(("went", "stays"), [((4,), False), ((4, 7), True)])
def test_the_question_stays_while_any_work_that_went_is_the_others(
    reader: Account, translator: Author, went: tuple[int, ...], stays: bool
):
    galaxies = author_of(6)
    put(galaxies, 4)
    Follow.objects.create(account=reader, author=translator)
    parting.ask({(translator.pk, galaxies.pk)})
    moved = [signature(n).pk for n in went]
    Move.objects.create(source=translator, target=galaxies, kind="moved", count=1, signatures=moved, reason="x")
    resolving.resolve(["smith"])
    assert (author_of(4), author_of(7)) == (translator, galaxies)
    assert bool(asked()) is stays


def test_a_decision_parts_as_evidence_does_and_withdrawn_joins_again(reader: Account, translator: Author):
    curator = with_role("curator")
    Follow.objects.create(account=reader, author=translator)
    correction = decisions.decide(curator, signature(1), translator, same=False).correction
    assert asked() == [("reader", translator, author_of(1))]
    decisions.withdraw(correction, curator)
    assert author_of(1) == translator
    assert asked() == []


# --- what the statement does, by hand --------------------------------------------------------------------------------


@pytest.fixture
def people(db: None) -> list[Author]:
    return [Author.objects.create(name=name) for name in ("Old", "One", "Other")]


def went(changes: dict[int, tuple[Author, Author]]) -> None:
    """Signatures by number, each from an author to an author; one that stays is no change."""

    def row(number: int, author: Author) -> Assignment:
        return Assignment(signature_id=number, author=author)

    stored = {number: row(number, was) for number, (was, _now) in changes.items()}
    found = [Change(stored[number], row(number, now)) for number, (was, now) in changes.items() if was != now]
    parting.by_evidence(found, stored)


def test_where_nothing_is_left_and_two_have_the_works_both_are_asked_about(reader: Account, people: list[Author]):
    old, one, other = people
    Follow.objects.create(account=reader, author=old)
    went({1: (old, one), 2: (old, one), 3: (old, other)})
    assert asked() == [("reader", old, one), ("reader", old, other)]


@pytest.mark.parametrize(("works", "is_asked"), [(4, True), (5, True), (6, False)])
def test_the_share_is_of_what_stood_on_the_record(reader: Account, people: list[Author], works: int, is_asked: bool):
    old, one, _other = people
    Follow.objects.create(account=reader, author=old)
    went({0: (old, one)} | dict.fromkeys(range(1, works), (old, old)))
    assert bool(asked()) is is_asked


def test_who_follows_both_or_has_answered_is_not_asked(reader: Account, people: list[Author]):
    old, one, other = people
    for author in (old, one):
        Follow.objects.create(account=reader, author=author)
    went({1: (old, one), 2: (old, other), 3: (old, old)})
    assert asked() == [("reader", old, other)]
    [question] = following.open_questions(reader)
    following.answer(question, FollowQuestion.Answer.OLD)
    went({2: (old, other), 3: (old, old)})
    assert asked() == []


def test_one_statement_asks_all_followers_of_a_step(django_assert_num_queries, people: list[Author]):
    old, one, other = people
    for n in range(5):
        Follow.objects.create(account=Account.objects.create_user(f"reader {n}"), author=old)
    with django_assert_num_queries(2):  # one asks, one forgets
        went({1: (old, one), 2: (old, other), 3: (old, old)})
    assert len(asked()) == 10
