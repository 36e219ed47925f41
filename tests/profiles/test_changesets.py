"""Change sets: what each kind does, that it holds, and that it can be taken back whole or by row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from bzpeer import pipeline
from papers.models import JournalEntry, Signature
from profiles import changesets, decisions
from profiles.changesets import InTheWay
from profiles.models import (
    Account,
    Assignment,
    Author,
    Change,
    ChangeSet,
    Contradiction,
    Correction,
    Follow,
    FollowQuestion,
    Identifier,
    Move,
)
from profiles.proposals import CorrectName, Merge, MoveWorks, Proposal, SetIdentifier
from tests.conftest import fact, with_role

pytestmark = pytest.mark.django_db

TRANSLATION = [
    fact(f"2001.0000{n}", ["John Smith", "Ada Lovelace"], title, categories=["cs.CL"])
    for n, title in enumerate(
        ["Neural machine translation", "Neural translation of rare words", "Attention in neural translation"], 1
    )
]
GALAXIES = [
    fact(f"2001.0000{n}", ["John Smith", "Vera Rubin"], title, categories=["astro-ph.GA"])
    for n, title in enumerate(["Dark matter in dwarf galaxies", "Dark matter halos of galaxies"], 4)
]
PROTEINS = [
    fact(f"2001.0000{n}", ["John Smith", "Rosalind Franklin"], title, categories=["q-bio.BM"])
    for n, title in enumerate(["Folding of proteins", "Proteins at low temperature"], 6)
]
WHY = "Seen on their own pages."


@pytest.fixture
def smiths(bring) -> tuple[Author, Author, Author]:
    """The John Smith who translates (1, 2, 3), who watches galaxies (4, 5), and who folds proteins (6, 7)."""
    bring(*TRANSLATION, *GALAXIES, *PROTEINS)
    return author_of(1), author_of(4), author_of(6)


@pytest.fixture
def ada() -> Account:
    return with_role("ada")


@pytest.fixture
def bob() -> Account:
    return with_role("bob")


def smith(n: int) -> Signature:
    return Signature.objects.select_related("assignment__author").get(
        paper__arxiv_id=f"2001.0000{n}", family_key="smith"
    )


def author_of(n: int) -> Author:
    return smith(n).assignment.author


def works(author: Author) -> set[int]:
    found = Assignment.objects.filter(author=author).values_list("signature__paper__arxiv_id", flat=True)
    return {int(str(arxiv_id)[-1]) for arxiv_id in found}


def chosen(*numbers: int) -> tuple[int, ...]:
    return tuple(smith(n).pk for n in numbers)


def row_of(change_set: ChangeSet, n: int) -> int:
    return change_set.rows.get(signature=smith(n)).pk


def rerun() -> None:
    pipeline.rerun(set(Signature.objects.values_list("surname_key", flat=True)), lambda *_: None)


def people() -> dict[str, Any]:
    """Whose each work is, and where each id leads."""
    return {
        "works": dict(Assignment.objects.values_list("signature", "author")),
        "ids": {a.pk: a.merged_into_id for a in Author.objects.filter(works_count__gt=0)},
    }


def merge(account: Account, *authors: Author) -> ChangeSet:
    pairs = tuple((authors[0].pk, other.pk) for other in authors[1:])
    return changesets.apply(account, Merge(pairs), WHY)


def move(account: Account, source: Author, target: Author | None, *numbers: int) -> ChangeSet:
    return changesets.apply(account, MoveWorks(source.pk, chosen(*numbers), target.pk if target else None), WHY)


def refused(account: Account, proposal: Proposal, *parts: str) -> None:
    before = people()
    with pytest.raises(ValidationError) as caught:
        changesets.apply(account, proposal, WHY)
    for part in parts:
        assert part in " ".join(caught.value.messages)
    assert people() == before
    assert not ChangeSet.objects.exists()


def test_a_merge_joins_two_people_and_the_larger_record_stays(smiths, ada: Account):
    large, small, _ = smiths
    change_set = merge(ada, small, large)
    assert works(large) == {1, 2, 3, 4, 5}
    small.refresh_from_db()
    large.refresh_from_db()
    assert small.merged_into == large
    assert large.works_count == 5
    assert {(row.source_id, row.target_id) for row in change_set.rows.all()} == {(small.pk, large.pk)}
    assert {large.pk, small.pk} <= set(change_set.touched)
    entry = JournalEntry.objects.get()
    assert (entry.account_name, entry.verb, entry.subject_kind) == ("ada", "apply", "profiles.changeset")
    assert Move.objects.get().change_set == change_set


def test_a_merge_says_nothing_of_single_works_so_it_confirms_none(smiths, ada: Account):
    merge(ada, *smiths[:2])
    assert not Assignment.objects.filter(state=Assignment.State.CURATOR).exists()


def test_the_claimed_record_stays_however_small(smiths, ada: Account):
    large, small, _ = smiths
    Author.objects.filter(pk=small.pk).update(account=Account.objects.create_user("owner"))
    merge(ada, large, small)
    assert works(small) == {1, 2, 3, 4, 5}
    large.refresh_from_db()
    assert large.merged_into == small


def test_a_merge_is_undone_and_the_people_are_as_before(smiths, ada: Account, bob: Account):
    before = people()
    change_set = merge(ada, *smiths)
    assert works(smiths[0]) == set(range(1, 8))
    changesets.undo(bob, change_set)
    assert people() == before
    assert not Correction.objects.live().exists()
    assert {(row.undone_by, row.is_live) for row in change_set.rows.all()} == {(bob, False)}
    again = people()
    changesets.undo(bob, change_set)
    assert people() == again
    assert change_set.steps.count() == 1


def test_one_row_of_a_merge_is_undone_and_done_again(smiths, ada: Account):
    large, small, _ = smiths
    change_set = merge(ada, large, small)
    changesets.undo(ada, change_set, row_of(change_set, 5))
    assert (works(large), works(small)) == ({1, 2, 3, 4}, {5})
    small.refresh_from_db()
    assert small.merged_into is None
    rerun()
    assert (works(large), works(small)) == ({1, 2, 3, 4}, {5})
    changesets.redo(ada, change_set, row_of(change_set, 5))
    assert works(large) == {1, 2, 3, 4, 5}
    small.refresh_from_db()
    assert small.merged_into == large
    assert [(step.kind, step.rows, step.whole) for step in change_set.steps.order_by("pk")] == [
        ("undone", 1, False),
        ("redone", 1, True),
    ]


def test_the_whole_is_undone_after_one_row_was(smiths, ada: Account):
    before = people()
    change_set = merge(ada, *smiths[:2])
    changesets.undo(ada, change_set, row_of(change_set, 4))
    changesets.undo(ada, change_set)
    assert people() == before
    changesets.redo(ada, change_set)
    assert works(smiths[0]) == {1, 2, 3, 4, 5}


def test_a_split_takes_what_was_chosen_and_nothing_else(smiths, ada: Account):
    author, *_ = smiths
    move(ada, author, None, 2, 3)
    new = author_of(2)
    assert (works(author), works(new)) == ({1}, {2, 3})
    assert Assignment.objects.get(signature=smith(2)).state == Assignment.State.CURATOR
    rerun()
    assert (works(author), works(new)) == ({1}, {2, 3})


def test_a_split_is_undone_and_the_old_id_has_all_again_and_done_again_with_the_same_new_id(smiths, ada: Account):
    before = people()
    change_set = move(ada, smiths[0], None, 2, 3)
    new = author_of(2)
    changesets.undo(ada, change_set)
    assert people() == before
    new.refresh_from_db()
    assert new.merged_into == smiths[0]
    changesets.redo(ada, change_set)
    assert (works(smiths[0]), works(new)) == ({1}, {2, 3})
    new.refresh_from_db()
    assert new.merged_into is None


def test_works_are_moved_and_one_is_taken_back(smiths, ada: Account):
    source, target, _ = smiths
    change_set = move(ada, source, target, 1, 2)
    assert (works(source), works(target)) == ({3}, {1, 2, 4, 5})
    changesets.undo(ada, change_set, row_of(change_set, 1))
    assert (works(source), works(target)) == ({1, 3}, {2, 4, 5})
    rerun()
    assert (works(source), works(target)) == ({1, 3}, {2, 4, 5})


def test_imports_after_a_change_keep_it(bring, smiths, ada: Account):
    source, target, third = smiths
    move(ada, source, target, 2)
    merge(ada, source, third)
    bring(
        fact("2001.00008", ["John Smith", "Ada Lovelace"], "Neural translation models", categories=["cs.CL"]),
        fact("2001.00009", ["John Smith", "Vera Rubin"], "Dark matter in galaxies", categories=["astro-ph.GA"]),
    )
    assert {1, 3, 6, 7} <= works(source)
    assert {2, 4, 5} <= works(target)


def test_a_merge_costs_as_many_queries_for_many_works_as_for_few(bring, ada: Account):
    topics = [("Ann Aard", "hep-ph", "Quarks"), ("Bob Bern", "cs.CV", "Segmentation")]
    asked: list[int] = []
    ada.has_perm("profiles.add_correction")  # asked once for an account
    for year, name, size in ((20, "Wei Wang", 4), (21, "Li Zhang", 24)):
        bring(
            *(
                fact(f"{year}{n % 12 + 1:02}.{m}{n:04}", [name, other], f"{title} {n}", categories=[category])
                for m, (other, category, title) in enumerate(topics)
                for n in range(size)
            )
        )
        one, other = Author.objects.filter(name=name).order_by("pk")[:2]
        with CaptureQueriesContext(connection) as captured:
            merge(ada, one, other)
        assert Correction.objects.filter(signature__family=name.split()[1]).count() == size
        asked.append(len(captured))
    assert asked[0] == asked[1]


def test_what_cannot_be_merged_is_said(bring, smiths, ada: Account):
    one, other, third = smiths
    refused(ada, Merge(((one.pk, one.pk),)), "with itself")
    refused(ada, Merge(()), "Choose whom")
    refused(ada, Merge(((one.pk, 999_999),)), "no person #999999")
    refused(ada, Merge(((one.pk, Author.objects.create(name="Nobody").pk),)), "has no works")
    decisions.decide(ada, other, third, same=True)
    gone, heir = sorted((other, third), key=lambda a: not works(a), reverse=True)
    refused(ada, Merge(((one.pk, gone.pk),)), "has been merged into John Smith", f"#{heir.pk}")


def test_two_claimed_records_are_never_merged(smiths, ada: Account):
    for author in smiths[:2]:
        Author.objects.filter(pk=author.pk).update(account=Account.objects.create_user(f"owner{author.pk}"))
    refused(ada, Merge(((smiths[0].pk, smiths[1].pk),)), "both claimed", "open a dispute")


def test_two_names_on_one_paper_never_become_one_person_and_the_paper_is_named(bring, smiths, ada: Account):
    bring(fact("2001.00008", ["John Smith", "Jane Smith"], "A family affair"))
    john, jane = Signature.objects.filter(paper__arxiv_id="2001.00008").order_by("position")
    refused(ada, Merge(((john.assignment.author_id, jane.assignment.author_id),)), "two people", "A family affair")


def test_what_cannot_be_split_or_moved_is_said(smiths, ada: Account):
    one, other, _ = smiths
    refused(ada, MoveWorks(one.pk, ()), "at least one work")
    refused(ada, MoveWorks(one.pk, chosen(1, 2, 3)), "every work", "name")
    refused(ada, MoveWorks(one.pk, chosen(1, 2, 3), other.pk), "every work", "merge")
    refused(ada, MoveWorks(one.pk, chosen(1, 4)), "1 of the chosen works is no longer on this record")
    refused(ada, MoveWorks(one.pk, chosen(1), one.pk), "already")


def test_an_owners_own_word_is_not_set_aside(smiths, ada: Account):
    author, owner = Author.objects.get(pk=smiths[0].pk), Account.objects.create_user("owner")
    Author.objects.filter(pk=author.pk).update(account=owner)
    decisions.decide_works(owner, author, {smith(1).pk: True}, Q(), as_owner=True)
    refused(ada, MoveWorks(smiths[0].pk, chosen(1), smiths[1].pk), "the owner of John Smith said so")


def test_only_curators_change_and_only_with_a_reason(smiths, ada: Account):
    reader = Account.objects.create_user("reader")
    proposal = Merge(((smiths[0].pk, smiths[1].pk),))
    with pytest.raises(PermissionDenied):
        changesets.apply(reader, proposal, WHY)
    for reason in ("", "  \0 ", "x" * 2_001):
        with pytest.raises(ValidationError):
            changesets.apply(ada, proposal, reason)
    change_set = merge(ada, *smiths[:2])
    for step in (changesets.undo, changesets.redo):
        with pytest.raises(PermissionDenied):
            step(reader, change_set)


def test_the_slower_of_two_curators_sees_that_it_changed(smiths, ada: Account, bob: Account):
    proposal = Merge(((smiths[0].pk, smiths[1].pk),))
    seen = changesets.state(proposal)
    move(bob, smiths[0], smiths[2], 1)
    with pytest.raises(changesets.Changed, match="meanwhile"):
        changesets.apply(ada, proposal, WHY, seen)
    changesets.apply(ada, proposal, WHY, changesets.state(proposal))


def test_people_whose_works_were_parted_are_merged_all_the_same_and_parted_again(smiths, ada: Account):
    one, other, _third = smiths
    parted = move(ada, one, other, 1)
    changesets.apply(ada, MoveWorks(one.pk, chosen(2)), WHY)
    new = author_of(2)
    before = people()
    change_set = merge(ada, one, other, new)
    assert works(other) == {1, 2, 3, 4, 5}
    assert not Contradiction.objects.exists()
    changesets.undo(ada, change_set)
    assert people() == before
    changesets.undo(ada, parted)
    assert works(one) == {1, 3}


def test_an_earlier_decision_is_set_aside_and_given_back(smiths, ada: Account, bob: Account):
    one, other, _ = smiths
    decision = decisions.decide(ada, smith(1), one, same=True).correction
    apart = decisions.decide(bob, smith(1), smith(4), same=False).correction
    change_set = move(bob, one, other, 1)
    assert works(other) == {1, 4, 5}
    assert not Contradiction.objects.exists()
    assert set(Correction.objects.filter(superseded_by__change_set=change_set)) == {decision, apart}
    changesets.undo(bob, change_set)
    decision.refresh_from_db()
    apart.refresh_from_db()
    assert decision.is_live
    assert apart.is_live
    assert works(one) == {1, 2, 3}


def test_what_an_earlier_decision_forbids_is_refused_with_its_sentence(smiths, ada: Account, bob: Account):
    one, _other, third = smiths
    decisions.decide(bob, one, third, same=True)
    refused(ada, MoveWorks(one.pk, chosen(6, 7)), "Earlier decisions say otherwise", "by bob on")


def test_a_later_change_of_the_same_work_stands_in_the_way_and_another_does_not(smiths, ada: Account):
    one, other, third = smiths
    first = move(ada, one, other, 1)
    second = move(ada, one, other, 2)
    later = move(ada, other, third, 1)
    changesets.undo(ada, second)
    assert works(one) == {2, 3}
    with pytest.raises(InTheWay) as caught:
        changesets.undo(ada, first)
    [obstacle] = caught.value.obstacles
    assert obstacle.change_set == later.pk
    assert f"move of works #{later.pk} of ada" in obstacle.sentence
    changesets.undo(ada, later)
    changesets.undo(ada, first)
    assert works(one) == {1, 2, 3}


def test_a_later_decision_about_the_work_stands_in_the_way(smiths, ada: Account, bob: Account):
    one, other, third = smiths
    change_set = move(ada, one, other, 1)
    decision = decisions.decide(bob, smith(1), third, same=False).correction
    with pytest.raises(InTheWay) as caught:
        changesets.undo(ada, change_set)
    assert [obstacle.decision for obstacle in caught.value.obstacles] == [decision.pk]
    decisions.withdraw(decision, bob)
    changesets.undo(ada, change_set)
    assert works(one) == {1, 2, 3}


def test_a_row_is_not_done_again_from_somebody_who_no_longer_has_the_work(smiths, ada: Account):
    one, other, third = smiths
    first = move(ada, one, other, 1)
    second = move(ada, other, third, 1)
    changesets.undo(ada, second)
    changesets.undo(ada, first)
    with pytest.raises(InTheWay, match="no longer with"):
        changesets.redo(ada, second)


def test_a_decision_of_a_change_set_is_withdrawn_there_only(smiths, ada: Account):
    merge(ada, *smiths[:2])
    with pytest.raises(PermissionDenied):
        decisions.withdraw(Correction.objects.live()[0], ada)


def test_a_name_is_corrected_and_outlives_every_run(bring, smiths, ada: Account):
    author, *_ = smiths
    change_set = changesets.apply(ada, CorrectName(author.pk, "  Jóhn   Q. Smith "), WHY)
    rerun()
    bring(fact("2001.00008", ["John Smith", "Ada Lovelace"], "Neural translation models", categories=["cs.CL"]))
    author.refresh_from_db()
    assert author.name == "Jóhn Q. Smith"
    assert author.slug == "john-q-smith"
    assert smith(1).printed == "John Smith"
    assert Author.objects.filter(variants__folded="john q smith").get() == author
    changesets.undo(ada, change_set)
    author.refresh_from_db()
    assert (author.name, author.preferred_name) == ("John Smith", "")
    assert not Author.objects.filter(variants__folded="john q smith").exists()


def test_an_owners_name_is_given_back(smiths, ada: Account):
    author, *_ = smiths
    Author.objects.filter(pk=author.pk).update(account=Account.objects.create_user("owner"), name="Johnny")
    changesets.undo(ada, changesets.apply(ada, CorrectName(author.pk, "John S."), WHY))
    author.refresh_from_db()
    assert author.name == "Johnny"


@pytest.mark.parametrize(
    "name",
    ["<b>John</b>", "John\u202eSmith", "John\u200bSmith", "x" * 201, "é" * 10_000, "12 34", r"Jo\"hn", "John\x07"],
)
def test_what_is_no_name_is_refused(smiths, ada: Account, name: str):
    refused(ada, CorrectName(smiths[0].pk, name))


def test_later_corrections_of_a_name_are_undone_first(smiths, ada: Account):
    author, *_ = smiths
    first = changesets.apply(ada, CorrectName(author.pk, "John A. Smith"), WHY)
    second = changesets.apply(ada, CorrectName(author.pk, "John B. Smith"), WHY)
    with pytest.raises(InTheWay, match=f"name #{second.pk}"):
        changesets.undo(ada, first)
    changesets.undo(ada, second)
    author.refresh_from_db()
    assert author.name == "John A. Smith"


def test_done_again_a_name_goes_back_to_what_was_there_then(smiths, ada: Account):
    author, *_ = smiths
    first = changesets.apply(ada, CorrectName(author.pk, "John A. Smith"), WHY)
    second = changesets.apply(ada, CorrectName(author.pk, "John B. Smith"), WHY)
    changesets.undo(ada, second)
    changesets.undo(ada, first)
    changesets.redo(ada, second)
    changesets.undo(ada, second)
    author.refresh_from_db()
    assert author.name == "John Smith"


@pytest.mark.django_db(transaction=True)
def test_of_two_curators_at_once_one_wins_and_the_other_is_told(smiths, ada: Account, bob: Account):
    merging = Merge(((smiths[0].pk, smiths[1].pk),))
    moving = MoveWorks(smiths[0].pk, chosen(1), smiths[2].pk)
    proposals: tuple[Proposal, ...] = (merging, moving)
    seen = {proposal: changesets.state(proposal) for proposal in proposals}

    def change(account: Account, proposal: Proposal) -> str:
        try:
            changesets.apply(account, proposal, WHY, seen[proposal])
            return "done"
        except changesets.Changed as refusal:
            return refusal.messages[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        said = [both.submit(change, *what) for what in ((ada, merging), (bob, moving))]
    told = sorted(one.result() for one in said)
    assert told[1] == "done"
    assert "Somebody changed these records meanwhile" in told[0]
    assert ChangeSet.objects.count() == 1


def test_an_identifier_is_set_and_taken_back(smiths, ada: Account):
    author, *_ = smiths
    first = changesets.apply(ada, SetIdentifier(author.pk, "orcid", "https://orcid.org/0000-0002-1825-0097"), WHY)
    second = changesets.apply(ada, SetIdentifier(author.pk, "orcid", "0000-0001-5109-3700"), WHY)
    assert Identifier.objects.get().value == "0000-0001-5109-3700"
    changesets.undo(ada, second)
    assert Identifier.objects.get().value == "0000-0002-1825-0097"
    changesets.undo(ada, first)
    assert not Identifier.objects.exists()
    refused_value = SetIdentifier(author.pk, "orcid", "0100-0200-0030-0001")
    with pytest.raises(ValidationError, match="no ORCID identifier"):
        changesets.apply(ada, refused_value, WHY)


def test_followers_follow_the_heir_once_and_go_back(smiths, ada: Account):
    one, other, _ = smiths
    both, reader = Account.objects.create_user("both"), Account.objects.create_user("reader")
    Follow.objects.create(account=both, author=one)
    Follow.objects.create(account=both, author=other)
    Follow.objects.create(account=reader, author=other)
    change_set = merge(ada, one, other)
    assert Follow.objects.of(one).followers() == 2
    changesets.undo(ada, change_set)
    assert (Follow.objects.of(one).followers(), Follow.objects.of(other).followers()) == (1, 2)


def test_followers_of_a_split_person_are_asked_and_no_longer_once_it_is_undone(smiths, ada: Account):
    reader = Account.objects.create_user("reader")
    Follow.objects.create(account=reader, author=smiths[0])
    change_set = move(ada, smiths[0], None, 2, 3)
    question = FollowQuestion.objects.get()
    assert (question.account, question.old_author, question.new_author) == (reader, smiths[0], author_of(2))
    changesets.undo(ada, change_set)
    assert not FollowQuestion.objects.exists()


def test_many_pairs_are_one_change_set(smiths, ada: Account):
    one, other, third = smiths
    before = people()
    change_set = changesets.merge(ada, [(one.pk, other.pk), (other.pk, third.pk)], "The same iD on both.")
    assert change_set.kind == ChangeSet.Kind.BULK
    assert works(one) == set(range(1, 8))
    changesets.undo(ada, change_set)
    assert people() == before


STEPS = st.lists(
    st.tuples(st.sampled_from(["merge", "split", "move", "undo row", "redo", "undo"]), st.integers(0, 99)),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
@example(steps=[("merge", 1), ("split", 0), ("split", 33)])
@example(steps=[("merge", 1), ("split", 0), ("move", 33)])
def test_whatever_was_done_undoing_it_in_reverse_gives_the_people_and_their_ids_back(
    smiths, ada: Account, steps: list[tuple[str, int]]
):
    with transaction.atomic():
        before = people()
        for what, seed in steps:
            one_step(ada, what, seed)
            rows = Change.objects.filter(undone_at=None, signature__isnull=False).order_by("pk")
            last = {row.signature_id: row.target_id for row in rows}
            holders = dict(Assignment.objects.filter(signature__in=last).values_list("signature", "author"))
            assert holders == last
        for change_set in ChangeSet.objects.order_by("-pk"):
            changesets.undo(ada, change_set)
        assert people()["works"] == before["works"]
        assert all(people()["ids"][pk] is None for pk in before["ids"])
        assert not Correction.objects.live().exists()
        transaction.set_rollback(True)


def one_step(account: Account, what: str, seed: int) -> None:
    """One thing that a curator may do now, or nothing where it is refused in sentences."""
    holders = sorted(set(Assignment.objects.filter(signature__family_key="smith").values_list("author", flat=True)))
    source, target = holders[seed % len(holders)], holders[(seed // 7) % len(holders)]
    own = sorted(Assignment.objects.filter(author=source).values_list("signature", flat=True))
    part = tuple(own[: 1 + seed % 2])
    sets = list(ChangeSet.objects.order_by("pk"))
    try:
        if what == "merge":
            changesets.apply(account, Merge(((source, target),)), WHY)
        elif what in {"split", "move"}:
            changesets.apply(account, MoveWorks(source, part, target if what == "move" else None), WHY)
        elif sets:
            change_set = sets[seed % len(sets)]
            if what == "undo":
                changesets.undo(account, change_set)
            elif what == "redo":
                changesets.redo(account, change_set)
            else:
                rows = list(change_set.rows.filter(undone_at=None).order_by("pk"))
                if rows:
                    changesets.undo(account, change_set, rows[seed % len(rows)].pk)
    except ValidationError:
        return
