"""Deciding: who may, what is recorded, and that it holds through runs, imports, new versions and claims."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from bzpeer import pipeline, tasks
from papers.models import Signature
from profiles import decisions, resolving
from profiles.disambiguation.model import Model
from profiles.models import Account, Assignment, Author, Contradiction, Correction, Move
from tests.conftest import fact, with_role

pytestmark = pytest.mark.django_db

TRANSLATION = [
    fact("2001.00001", ["John Smith", "Ada Lovelace"], "Neural machine translation", categories=["cs.CL"]),
    fact("2001.00002", ["John Smith", "Ada Lovelace"], "Neural translation of rare words", categories=["cs.CL"]),
    fact("2001.00003", ["John Smith", "Ada Lovelace"], "Attention in neural translation", categories=["cs.CL"]),
]
GALAXIES = [
    fact("2001.00004", ["John Smith", "Vera Rubin"], "Dark matter in dwarf galaxies", categories=["astro-ph.GA"]),
    fact("2001.00005", ["John Smith", "Vera Rubin"], "Dark matter halos of galaxies", categories=["astro-ph.GA"]),
]


@pytest.fixture
def smiths(bring) -> tuple[Author, Author]:
    """The John Smith who translates (three works) and the one who watches galaxies (two)."""
    bring(*TRANSLATION, *GALAXIES)
    return smith("2001.00001").assignment.author, smith("2001.00004").assignment.author


@pytest.fixture
def ada() -> Account:
    return with_role("ada")


@pytest.fixture
def bob() -> Account:
    return with_role("bob")


def smith(arxiv_id: str) -> Signature:
    return Signature.objects.select_related("assignment__author").get(paper__arxiv_id=arxiv_id, family="Smith")


def works(author: Author) -> set[str]:
    """The last digit of each of the arXiv ids of the author's works."""
    found = Assignment.objects.filter(author=author).values_list("signature__paper__arxiv_id", flat=True)
    return {str(arxiv_id)[-1] for arxiv_id in found}


def rerun() -> None:
    pipeline.rerun(set(Signature.objects.values_list("surname_key", flat=True)), lambda *_: None)


def written() -> dict[str, list]:
    """Everything that a run could write."""
    tables: list[Any] = [Assignment, Author, Correction, Contradiction, Move]
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


def test_only_curators_decide(smiths, ada: Account):
    one, other = smiths
    left = with_role("left")
    left.is_active = False
    for account in (Account.objects.create_user("reader"), Account.objects.create_user("staff", is_staff=True), left):
        with pytest.raises(PermissionDenied):
            decisions.decide(account, one, other, same=True)
    assert not Correction.objects.exists()
    correction = decisions.decide(ada, one, other, same=True).correction
    with pytest.raises(PermissionDenied):
        decisions.withdraw(correction, account)


def test_what_cannot_be_decided_is_refused(bring, smiths, ada: Account):
    one, _other = smiths
    bring(fact("2001.00009", ["Mary Somerville"]))
    lone = Signature.objects.select_related("assignment__author").get(family="Somerville")
    together = list(Signature.objects.filter(paper__arxiv_id="2001.00001"))
    for left, right, same in (
        (one, one, True),
        (lone, lone, False),
        (together[0], together[1], True),
        (lone, lone.assignment.author, False),
        (Author.objects.create(name="Nobody"), one, True),
    ):
        with pytest.raises(ValidationError):
            decisions.decide(ada, left, right, same=same)
    with pytest.raises(ValidationError):
        decisions.decide(ada, lone, one, same=True, reason="x" * 2_001)
    assert not Correction.objects.exists()


def test_two_authors_who_are_one_are_joined_whole_and_the_larger_keeps_its_id(smiths, ada: Account):
    larger, smaller = smiths
    outcome = decisions.decide(ada, smaller, larger, same=True, reason="The same home page.")
    assert works(larger) == {"1", "2", "3", "4", "5"}
    smaller.refresh_from_db()
    assert smaller.merged_into == larger
    larger.refresh_from_db()
    assert larger.works_count == 5  # at once, without a worker
    move = Move.objects.get()
    assert (move.source, move.target, move.kind, move.count) == (smaller, larger, "merged", 2)
    assert move.reason.startswith("decision of ada: ")
    assert move.correction == outcome.correction
    before = written()
    rerun()
    resolving.resolve(["smith"])
    after = written()
    settled = [{k: v for k, v in row.items() if k != "stale"} for row in before.pop("Author")]
    assert [{k: v for k, v in row.items() if k != "stale"} for row in after.pop("Author")] == settled
    assert after == before


def test_a_withdrawn_decision_stays_as_history_and_gives_the_id_back(smiths, ada: Account, bob: Account):
    larger, smaller = smiths
    correction = decisions.decide(ada, larger, smaller, same=True).correction
    decisions.withdraw(correction, bob)
    assert (works(larger), works(smaller)) == ({"1", "2", "3"}, {"4", "5"})
    smaller.refresh_from_db()
    assert smaller.merged_into is None
    correction.refresh_from_db()
    assert (correction.made_by, correction.withdrawn_by, correction.is_live) == (ada, bob, False)
    assert Move.objects.latest("pk").reason.startswith("withdrawn decision of ada")


def test_two_authors_decided_different_are_never_joined(bring, smiths, ada: Account):
    bring(fact("2001.00006", ["John Smith", "Ada Lovelace"], "Neural translation models", categories=["cs.CL"]))
    joined = smith("2001.00006").assignment.author
    assert joined == smiths[0]
    apart = Author.objects.create(name="John Smith")
    Assignment.objects.filter(signature__paper__arxiv_id="2001.00006", signature__family="Smith").update(author=apart)
    decisions.decide(ada, joined, apart, same=False)
    rerun()
    assert smith("2001.00006").assignment.author == apart
    assert smith("2001.00001").assignment.author == joined


def test_a_work_taken_off_an_author_stays_off(bring, smiths, ada: Account):
    author, _ = smiths
    wrong = smith("2001.00001")
    decisions.decide(ada, wrong, author, same=False, reason="Not mine.")
    assert works(author) == {"2", "3"}
    bring(fact("2001.00006", ["John Smith", "Ada Lovelace"], "Neural translation models", categories=["cs.CL"]))
    rerun()
    author.refresh_from_db()
    assert smith("2001.00001").assignment.author.pk != author.pk
    assert {"2", "3"} <= works(author)


def test_the_anchor_gives_way_to_a_decision_that_it_is_not_the_authors(smiths, ada: Account):
    author, _ = smiths
    decisions.decide(ada, smith("2001.00002"), author, same=True)
    author.refresh_from_db()
    anchor = author.anchor
    assert anchor is not None
    decisions.decide(ada, anchor, author, same=False)
    author.refresh_from_db()
    assert author.anchor not in {None, anchor}
    assert Assignment.objects.get(signature=anchor).author != author


def test_a_work_given_to_an_author_stays_and_says_who_confirmed_it(smiths, ada: Account):
    translator, _ = smiths
    decisions.decide(ada, smith("2001.00004"), translator, same=True)
    rerun()
    work = smith("2001.00004").assignment
    assert (work.author, work.state) == (translator, Assignment.State.CURATOR)
    assert works(translator) >= {"1", "2", "3", "4"}


def test_what_the_matcher_had_said_is_kept_beside_the_decision(smiths, ada: Account):
    translator, watcher = smiths
    right = decisions.decide(ada, smith("2001.00001"), smith("2001.00002"), same=True).correction
    wrong = decisions.decide(ada, translator, watcher, same=False).correction
    assert right.stated is not None
    assert wrong.stated is not None
    assert right.stated > 0.8 > wrong.stated
    assert right.model == Model.shipped().card["version"]
    assert (right.name_frequency or 0) > 1  # John Smith


def test_saying_it_again_writes_nothing_and_changing_ones_mind_withdraws(smiths, ada: Account, bob: Account):
    one, other = smiths
    first = decisions.decide(ada, one, other, same=True)
    before = written()
    assert decisions.decide(bob, other, one, same=True).correction == first.correction
    assert written() == before
    decisions.decide(ada, one, other, same=False)
    assert [c.is_live for c in Correction.objects.order_by("pk")] == [False, True]
    assert not Contradiction.objects.exists()


def test_a_contradiction_names_the_chain_of_who_said_what_and_is_gone_when_settled(smiths, ada: Account, bob: Account):
    one, two, three = (smith(f"2001.0000{n}") for n in (1, 2, 4))
    decisions.decide(ada, one, two, same=True)
    decisions.decide(bob, two, three, same=True)
    outcome = decisions.decide(ada, one, three, same=False)
    [found] = outcome.contradictions
    assert [step["says"] for step in found.chain] == ["same", "same", "different"]
    assert {step["correction"] for step in found.chain} == set(Correction.objects.values_list("pk", flat=True))
    assert "“John Smith” on 2001.00001 = “John Smith” on 2001.00002 by ada on " in found.sentence
    assert "“John Smith” on 2001.00001 ≠ “John Smith” on 2001.00004 by ada on " in found.sentence
    assert "Left out until that is settled: “John Smith” on 2001.00002 = “John Smith” on 2001.00004" in found.sentence
    assert smith("2001.00001").assignment.author != smith("2001.00004").assignment.author
    before = list(Contradiction.objects.values())
    rerun()
    assert list(Contradiction.objects.values()) == before
    decisions.withdraw(outcome.correction, bob)
    assert not Contradiction.objects.exists()
    assert smith("2001.00001").assignment.author == smith("2001.00004").assignment.author


def test_a_decision_outlives_the_name_that_it_is_about(bring, smiths, ada: Account):
    translator, _ = smiths
    decisions.decide(ada, smith("2001.00004"), translator, same=True)
    paper = dict(GALAXIES[0])
    bring(paper | {"authors": ["Vera Rubin"], "updated": "2021-01-01"})
    correction = Correction.objects.get()
    assert (correction.signature, correction.is_live) == (None, True)
    assert str(correction).startswith("“John Smith” on 2001.00004 = John Smith")
    found = Contradiction.objects.get()
    assert found.kind == Contradiction.Kind.UNBOUND
    assert "no longer prints" in found.sentence
    bring(paper | {"updated": "2022-01-01"})
    assert not Contradiction.objects.exists()
    assert smith("2001.00004").assignment.author == translator


def test_an_author_whose_anchor_is_taken_off_its_paper_is_anchored_anew(bring, smiths, ada: Account):
    translator, watcher = smiths
    decisions.decide(ada, translator, watcher, same=False)
    translator.refresh_from_db()
    gone = translator.anchor.paper.arxiv_id
    [paper] = [record for record in TRANSLATION if record["id"] == gone]
    bring(paper | {"authors": ["Ada Lovelace"], "updated": "2021-01-01"})
    translator.refresh_from_db()
    assert translator.anchor is not None
    assert translator.anchor.paper.arxiv_id != gone
    assert works(translator) == {"1", "2", "3"} - {gone[-1]}
    decisions.decide(ada, translator, watcher, same=False)
    assert Correction.objects.count() == 1


def test_two_claimed_authors_are_never_merged_by_the_machine_but_by_people(bring, ada: Account, bob: Account):
    bring(*TRANSLATION)
    one, other = smith("2001.00001").assignment.author, Author.objects.create(name="John Smith", account=bob)
    Author.objects.filter(pk=one.pk).update(account=ada)
    Assignment.objects.filter(signature=smith("2001.00003")).update(author=other)
    rerun()
    assert (works(one), works(other)) in (({"1", "2"}, {"3"}), ({"1"}, {"2", "3"}))
    found = Contradiction.objects.get()
    assert found.kind == Contradiction.Kind.CLAIMED
    assert "two authors who are claimed or hidden" in found.sentence
    decisions.decide(ada, one, other, same=True)
    assert sorted(map(len, (works(one), works(other)))) == [0, 3]
    assert not Contradiction.objects.exists()


def test_the_rest_of_the_pages_is_refreshed_by_a_worker_while_no_batch_is_at_it(smiths, ada: Account):
    outcome = decisions.decide(ada, *smiths, same=True)
    assert {a.name for a in Author.objects.filter(pk__in=outcome.authors)} >= {"John Smith", "Vera Rubin"}
    tasks.refresh_authors(outcome.authors)
    assert not Author.objects.filter(stale=True).exists()
    assert smiths[0].coauthorships.filter(coauthor__name="Vera Rubin").exists()
