"""What is entered in the ledger, when, and that it only grows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import override_settings

from bzpeer import pipeline
from papers.models import Paper
from profiles.models import Account, Assignment, Author, Claim, Proof
from tests.conftest import PARITY, fact
from trust import ledger, scores, scoring, verifying
from trust.models import LedgerEntry, LedgerHead, TrustScore

pytestmark = pytest.mark.django_db
Bring = Callable[..., Any]


def entries(author: Author) -> list[tuple[str, int, list[str]]]:
    """(rule, points, sources) of an author's entries, oldest first."""
    return list(author.ledger.order_by("seq").values_list("rule", "points", "sources"))


def works(first: int, count: int, **more: Any) -> list[dict[str, Any]]:
    """Facts of works of Ada and Charles."""
    return [fact(f"2001.{n:05}", ["Ada Lovelace", "Charles Babbage"], **more) for n in range(first, first + count)]


@pytest.fixture
def ada(bring: Bring) -> Author:
    bring(*works(1, 2, abstract="Engines."))
    return Author.objects.get(name="Ada Lovelace")


def named(*papers: Paper) -> list[str]:
    return [f"work:{paper.pk}" for paper in papers]


def test_each_rule_that_gives_points_is_entered_with_the_rows_that_carry_them(ada: Author):
    charles = Author.objects.get(name="Charles Babbage")
    assert entries(ada) == [
        ("works", 4, named(*Paper.objects.order_by("pk"))),
        ("collaborators", 1, [f"person:{charles.pk}"]),
        (
            "completeness",
            5,
            [f"given:{what}" for what in ("a category", "a date", "a source identifier", "an abstract")]
            + ["given:the full author list"],
        ),
    ]


def test_the_entries_add_up_to_the_score_of_everybody(bring: Bring):
    bring(PARITY.read_bytes())
    summed = {
        author: sum(entry.points for entry in rules.values())
        for author, rules in ledger.standing(list(Author.objects.values_list("pk", flat=True))).items()
    }
    assert summed == {author: score for author, score in TrustScore.objects.values_list("author", "score") if score}
    assert summed[Author.objects.get(name="Xiangning Chen").pk] == 21


def test_what_has_not_changed_is_not_entered_again(ada: Author):
    before = LedgerEntry.objects.count()
    scores.refresh([ada.pk])
    assert LedgerEntry.objects.count() == before


def test_other_points_are_entered_and_the_newest_entry_holds(bring: Bring, ada: Author):
    bring(*works(3, 1, abstract=""))
    assert [(rule, points) for rule, points, _sources in entries(ada)[3:]] == [("works", 6), ("completeness", 4)]
    assert {rule: entry.points for rule, entry in ledger.standing([ada.pk])[ada.pk].items()} == {
        "works": 6,
        "collaborators": 1,
        "completeness": 4,
    }


def test_works_beyond_the_cap_write_nothing(bring: Bring, ada: Author):
    bring(*works(3, 4, abstract="More."))
    known = entries(ada)
    bring(*works(7, 3, abstract="Still more."))
    assert entries(ada) == known


def test_a_row_that_no_longer_carries_its_points_is_replaced_and_the_others_stay(bring: Bring, ada: Author):
    bring(*works(3, 6, abstract="More."))
    papers = list(Paper.objects.order_by("pk"))
    assert entries(ada)[-1] == ("works", 12, named(*papers[:2], *papers[2:6]))
    Assignment.objects.filter(author=ada, signature__paper=papers[0]).update(state=Assignment.State.REJECTED)
    scores.refresh([ada.pk])
    assert entries(ada)[-1] == ("works", 12, named(*papers[1:7]))
    Assignment.objects.filter(author=ada, signature__paper=papers[0]).update(state=Assignment.State.STRONG)
    scores.refresh([ada.pk])
    assert entries(ada)[-1] == ("works", 12, named(*papers[1:7]))


def test_a_rule_that_falls_to_nothing_is_entered_with_nothing(ada: Author):
    Assignment.objects.filter(author=ada).update(state=Assignment.State.REJECTED)
    scores.refresh([ada.pk])
    assert entries(ada)[3:] == [("works", 0, []), ("completeness", 0, [])]
    scores.refresh([ada.pk])
    assert len(entries(ada)) == 5


def test_claims_and_proofs_are_named_by_their_numbers(ada: Author):
    claim = Claim.objects.create(author=ada, account=Account.objects.create_user("ada"), level=3, state="held")
    now = datetime.now(UTC)
    proof = Proof.objects.create(claim=claim, kind="mail", subject="a@x.org", state=Proof.State.VALID, proved_at=now)
    charles = Author.objects.get(name="Charles Babbage")
    his = Claim.objects.create(author=charles, account=Account.objects.create_user("c"), level=3, state="held")
    word = Proof.objects.create(claim=claim, kind="attestation", author=charles, by=his.account, state="valid")
    scores.refresh([ada.pk])
    assert entries(ada)[3:] == [
        ("control", 20, [f"claim:{claim.pk}", f"proof:{proof.pk}"]),
        ("attestation", 2, [f"proof:{word.pk}"]),
    ]


def test_an_identifier_is_named_by_the_first_work_that_states_it(bring: Bring, ada: Author):
    iD = "0000-0002-1825-0097"
    for assignment in Assignment.objects.filter(author=ada).order_by("signature__paper"):
        assignment.signature.orcid = iD
        assignment.signature.save()
        scores.refresh([ada.pk])
    one, two = Paper.objects.order_by("pk")
    assert entries(ada)[3:] == [("identifiers", 7, named(one))]
    one.signatures.update(orcid="")
    scores.refresh([ada.pk])
    assert entries(ada)[4:] == [("identifiers", 7, named(two))]


def test_other_rules_are_entered_under_their_version(ada: Author, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ledger, "MODEL", "trust-9")
    monkeypatch.setattr(scoring, "RULES", tuple(rule for rule in scoring.RULES if rule.__name__ != "collaborators"))
    scores.refresh([ada.pk])
    assert list(ada.ledger.order_by("seq").values_list("rule", "points", "model")[3:]) == [
        ("works", 4, "trust-9"),
        ("completeness", 5, "trust-9"),
        ("collaborators", 0, "trust-9"),
    ]


def test_the_score_of_a_past_day_is_what_then_held(bring: Bring, ada: Author):
    moments = [datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for seq, at in zip((1, 2), moments, strict=True):
            cursor.execute("UPDATE trust_ledgerentry SET author_id = %s, at = %s WHERE seq = %s", [ada.pk, at, seq])
    rules = [set(ledger.standing([ada.pk], ledger.end_of(day))[ada.pk]) for day in (date(2026, 3, 1), date(2026, 3, 2))]
    assert rules == [{"works"}, {"works", "collaborators"}]
    assert not ledger.standing([ada.pk], ledger.end_of(date(2026, 2, 28)))


def test_the_database_refuses_to_change_or_delete_an_entry(ada: Author):
    entry = LedgerEntry.objects.order_by("seq")[0]
    for forbidden in (entry.delete, entry.save, lambda: LedgerEntry.objects.update(points=9)):
        with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
            forbidden()
    with pytest.raises(IntegrityError), transaction.atomic():
        ada.delete()


def test_the_database_refuses_to_empty_it(ada: Author):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="only grows"), transaction.atomic():
            cursor.execute("TRUNCATE trust_ledgerentry CASCADE")
    assert LedgerEntry.objects.exists()


def test_the_seal_holds_after_the_key_was_changed_while_the_old_one_is_known(ada: Author):
    head = LedgerHead.objects.get()
    assert ledger.is_sealed(head)
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=["only-for-tests"]):
        assert ledger.is_sealed(head)
    with override_settings(SECRET_KEY="another"):
        assert not ledger.is_sealed(head)


def test_a_broken_seal_is_not_made_good_by_the_next_entry(bring: Bring, ada: Author):
    LedgerHead.objects.update(seal="0" * 64)
    bring(*works(3, 1, abstract=""))
    assert ledger.end()[0] == LedgerEntry.objects.count() > 6
    assert list(verifying.problems()) == [
        f"The head, at entry {LedgerEntry.objects.count()}, is not sealed with the key of this site."
    ]


def test_no_entry_is_sealed_by_somebody_elses_key(ada: Author):
    head = LedgerHead.objects.get()
    head.seal = ledger.seal(head, "guessed")
    assert not ledger.is_sealed(head)


def test_more_authors_cost_no_more_queries(bring: Bring, ada: Author, django_assert_num_queries: Any):
    bring(
        *(fact(f"2002.{n:05}", [f"Person {chr(97 + n) * 5}", "Ada Lovelace"], categories=["hep-ph"]) for n in range(9))
    )
    everybody = sorted(Author.objects.values_list("pk", flat=True))
    Assignment.objects.update(state=Assignment.State.WEAK)
    assessed = {author: scoring.assess(facts) for author, facts in scores.facts_of(everybody).items()}
    one = {ada.pk: assessed.pop(ada.pk)}
    with django_assert_num_queries(4):  # what stands, the head, the new entries, the head again
        ledger.append(one)
    with django_assert_num_queries(4):
        ledger.append(assessed)


@pytest.mark.django_db(transaction=True)
def test_two_who_refresh_at_once_make_one_unbroken_chain(bring: Bring):
    names = [f"Person {chr(97 + n) * 5}" for n in range(12)]
    for n, name in enumerate(names):
        bring(fact(f"2002.{n:05}", [name, "Ada Lovelace"], categories=["hep-ph"]))
    everybody = sorted(Author.objects.values_list("pk", flat=True))

    def refresh(n: int) -> None:
        try:
            for author in everybody[n % 3 :: 2]:
                state = Assignment.State.WEAK if n % 2 else Assignment.State.STRONG
                Assignment.objects.filter(author=author).update(state=state)
                scores.refresh([author, *everybody[:2]] if author not in everybody[:2] else [author])
        finally:
            connection.close()

    before = LedgerEntry.objects.count()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(refresh, range(6)))
    pipeline.refresh(everybody)
    assert LedgerEntry.objects.count() > before
    assert list(verifying.problems()) == []
    assert list(verifying.differing()) == []
