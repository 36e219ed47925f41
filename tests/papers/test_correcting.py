"""Corrections of institutions: they move forms, hold against every later import in any order, and can be taken back."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from papers import correcting
from papers.affiliations import key_of, place_of
from papers.correcting import Merge, Move, Rename
from papers.institutions import forms_of, heir_of
from papers.models import (
    Affiliation,
    Institution,
    InstitutionChange,
    InstitutionName,
    JournalEntry,
    Signature,
)
from profiles.models import Account
from tests.conftest import with_role
from tests.papers.test_institutions import imported, line

pytestmark = pytest.mark.django_db
FORMS = ["Univ. of York", "University of York", "York", "YORK, UK", "Zürich", "ETH Zurich", "Eth Zürich", "Paris"]


@pytest.fixture
def account() -> Account:
    return with_role("corrector")


def place(name: str) -> Institution:
    return heir_of(InstitutionName.objects.get(key=key_of(name)).institution)


def form(name: str) -> int:
    return InstitutionName.objects.get(key=key_of(name)).pk


def partition() -> set[frozenset[str]]:
    """Forms that lead to one place, as the pages have it."""
    found: dict[int, set[str]] = {}
    for name in InstitutionName.objects.select_related("institution__merged_into"):
        found.setdefault(heir_of(name.institution).pk, set()).add(name.key)
    return set(map(frozenset, found.values()))


def rows() -> set[tuple[int, int]]:
    return set(Affiliation.objects.values_list("signature", "institution"))


def defined() -> set[tuple[int, int]]:
    """By definition, from the forms that are printed and the changes that stand."""
    homes: dict[str, int] = {}
    merged: dict[int, int] = {}
    keys = dict(InstitutionName.objects.values_list("pk", "key"))
    for change in InstitutionChange.objects.filter(undone_at=None).order_by("pk"):
        if change.kind == "move":
            homes |= {keys[int(pk)]: change.target_id or 0 for pk in change.before}
        elif change.kind == "merge":
            merged[change.source_id] = change.target_id or 0
    by_place = {one.key: one.pk for one in Institution.objects.exclude(key=None)}
    found = set()
    for pk, printed in Signature.objects.values_list("pk", "affiliations"):
        for key in filter(None, map(key_of, printed)):
            at = homes.get(key) or by_place[place_of(key)]
            while at in merged:
                at = merged[at]
            found.add((pk, at))
    return found


def lines(numbers: Iterable[int]) -> list[bytes]:
    return [line(n, {"Lovelace": [FORMS[n % 8]], "Babbage": [FORMS[(n + 3) % 8], FORMS[n % 8]]}) for n in numbers]


def test_a_form_moves_with_its_works_and_later_ones_follow(account: Account) -> None:
    imported(line(1, {"Lovelace": ["York"], "Byron": ["Paris"]}))
    seen = correcting.preview(Move(place("York").pk, (form("York"),), place("Paris").pk))
    assert (seen.works, len(seen.signatures), seen.titles) == (1, 1, ("On 1",))
    york, paris = place("York"), place("Paris")
    imported(line(2, {"Babbage": ["Yorks"]}))
    correcting.apply(account, Merge(york.pk, paris.pk), "The same.", "")
    imported(line(3, {"Lovelace": ["york."]}))
    assert set(Affiliation.objects.values_list("institution", flat=True)) == {paris.pk, place("Yorks").pk}
    assert rows() == defined()


def test_a_form_set_apart_is_a_place_of_its_own_and_comes_back(account: Account) -> None:
    imported(line(1, {"Lovelace": ["Univ. of York"], "Byron": ["University of York"]}))
    york = place("University of York")
    change = correcting.apply(account, Move(york.pk, (form("Univ. of York"),)), "Another York.")
    made = place("Univ. of York")
    assert made != york
    imported(line(2, {"Lovelace": ["The University of York"], "Byron": ["univ of YORK"]}))
    assert (place("univ of York"), place("The University of York")) == (made, york)
    assert rows() == defined()
    correcting.undo(account, change)
    made.refresh_from_db()
    assert made.merged_into == york
    assert partition() == {frozenset({"univ of york", "university of york", "the university of york"})}
    assert rows() == defined()


def test_a_merge_leads_to_the_heir_and_is_undone_whole(account: Account) -> None:
    imported(*lines(range(8)))
    before, printed = partition(), rows()
    first = correcting.apply(account, Merge(place("Zürich").pk, place("ETH Zurich").pk), "One.")
    second = correcting.apply(account, Merge(place("ETH Zurich").pk, place("Paris").pk), "One.")
    assert place("Zürich") == place("Paris")
    assert set(forms_of(place("Paris")).values_list("key", flat=True)) == {"zurich", "eth zurich", "paris"}
    assert rows() == defined()
    correcting.undo(account, second)
    correcting.undo(account, first)
    correcting.undo(account, first)
    assert (partition(), rows()) == (before, printed)


@pytest.mark.parametrize("seed", range(3))
def test_after_corrections_any_order_of_imports_gives_what_is_defined(account: Account, seed: int) -> None:
    chance = random.Random(seed)
    imported(*lines(range(8)))
    later = list(range(8, 24))
    chance.shuffle(later)
    for n in later:
        standing = list(Institution.objects.filter(merged_into=None).order_by("pk"))
        one, other = chance.choices(standing, k=2)
        forms = [name.pk for name in forms_of(one)]
        kind = chance.choice(["move", "apart", "merge", "undo", "import"])
        try:
            if kind == "undo" and (changes := list(InstitutionChange.objects.filter(undone_at=None))):
                correcting.undo(account, chance.choice(changes))
            elif kind == "merge":
                correcting.apply(account, Merge(one.pk, other.pk), "So.")
            elif kind in {"move", "apart"}:
                some = tuple(chance.sample(forms, chance.randint(0, len(forms))))
                correcting.apply(account, Move(one.pk, some, other.pk if kind == "move" else None), "So.")
        except ValidationError:
            pass
        imported(*lines([n]))
        assert rows() == defined(), (kind, n)
        for closed in Institution.objects.exclude(merged_into=None):
            assert heir_of(closed).merged_into is None


def test_a_name_changes_and_changes_back_and_imports_keep_it(account: Account) -> None:
    imported(line(1, {"Lovelace": ["York"]}))
    york = place("York")
    change = correcting.apply(account, Rename(york.pk, "The University of York"), "Its name.")
    imported(line(2, {"Lovelace": ["YORK"]}))
    york.refresh_from_db()
    assert (york.name, JournalEntry.objects.get(verb="rename").subject_id) == ("The University of York", york.pk)
    correcting.undo(account, change)
    york.refresh_from_db()
    assert york.name == "York"


def test_the_second_of_two_curators_is_told_and_nothing_is_done(account: Account) -> None:
    imported(*lines(range(8)))
    york = place("York")
    move = Move(york.pk, (form("York"),), place("Paris").pk)
    seen = correcting.preview(move).seen
    correcting.apply(account, Rename(york.pk, "Yorkshire"), "First.")
    with pytest.raises(ValidationError, match="meanwhile"):
        correcting.apply(account, move, "Second.", seen)
    correcting.apply(account, Merge(york.pk, place("Paris").pk), "Third.")
    with pytest.raises(ValidationError, match="merged"):
        correcting.apply(account, move, "Fourth.", seen)
    assert rows() == defined()


def test_what_was_built_upon_is_not_taken_away(account: Account) -> None:
    imported(*lines(range(8)))
    change = correcting.apply(account, Move(place("University of York").pk, (form("Univ. of York"),)), "Apart.")
    made = place("Univ. of York")
    correcting.apply(account, Move(made.pk, (form("Univ. of York"),), place("Paris").pk), "Elsewhere.")
    with pytest.raises(ValidationError, match="since"):
        correcting.undo(account, change)
    assert rows() == defined()


@pytest.mark.parametrize("name", ["", "  ", "x" * 301, "York"])
def test_what_cannot_be_done_is_said(account: Account, name: str) -> None:
    imported(line(1, {"Lovelace": ["York"]}))
    york = place("York")
    for wrong in (
        Rename(york.pk, name),
        Merge(york.pk, york.pk),
        Merge(york.pk, 2**40),
        Move(york.pk, ()),
        Move(york.pk, (2**40,)),
        Move(york.pk, (form("York"),)),
    ):
        with pytest.raises(ValidationError):
            correcting.apply(account, wrong, "Why not.")
    assert not InstitutionChange.objects.exists()


def test_only_curators_correct_and_say_why(account: Account) -> None:
    imported(line(1, {"Lovelace": ["York"]}))
    rename = Rename(place("York").pk, "New York")
    with pytest.raises(PermissionDenied):
        correcting.apply(Account.objects.create_user("reader"), rename, "I say so.")
    with pytest.raises(ValidationError, match="Say why"):
        correcting.apply(account, rename, " ")
