"""The feed of changes: what is told, what is not, and that a follower who keeps the cursor misses nothing."""

from __future__ import annotations

import threading
from datetime import datetime
from importlib import import_module
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from papers import correcting
from papers.models import Institution, InstitutionName, Signature
from profiles import changesets, decisions, renaming
from profiles.models import Account, Assignment, Author, Claim, Correction, Move, PublishedChange
from profiles.proposals import CorrectName, Merge, MoveWorks, SetIdentifier
from tests.conftest import fact, with_role
from tests.papers.test_institutions import imported, line


def feed(client: Client, query: str = "") -> list[dict[str, Any]]:
    """The changes told, once those of the test's own transaction are published, as a commit does it."""
    connection.check_constraints()
    response = client.get(f"/api/v1/changes?per_page=200&{query}")
    assert response.status_code == 200, response.content
    return list(response.json()["results"])


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["kind"], row["says"], row["by"], row["person"], row["other"]) for row in rows]


@pytest.fixture
def people(bring: Any) -> tuple[Author, Author]:
    """Eve, with two papers, and Eva, with one."""
    bring(
        fact("2001.00001", ["Eve Falk", "Ann Aard"]),
        fact("2001.00002", ["Eve Falk", "Ann Aard"]),
        fact("2001.00003", ["Eva Falk"]),
    )
    return Author.objects.get(name="Eve Falk"), Author.objects.get(name="Eva Falk")


@pytest.mark.django_db
def test_a_merge_its_undoing_and_a_split_are_told_by_number(client: Client, people: tuple[Author, Author]):
    eve, eva = people
    curator = with_role("curator")
    assert feed(client) == []
    merged = changesets.apply(curator, Merge(((eve.pk, eva.pk),)), "One and the same.")
    [row] = feed(client)
    assert told([row]) == [("merge", None, "curator", eva.pk, eve.pk)]
    assert row["works"] == [Signature.objects.get(printed="Eva Falk").paper_id]
    assert row["person_api_url"].endswith(f"/api/v1/people/{eva.pk}")
    changesets.undo(curator, merged)
    assert [row["kind"] for row in feed(client)][1:] in (["split"], ["move"])
    work = Assignment.objects.filter(author=eve).order_by("pk")[0].signature_id
    changesets.apply(curator, MoveWorks(eve.pk, (work,)), "Another Eve.")
    assert told(feed(client))[-1][:4] == ("split", None, "curator", eve.pk)
    assert "Falk" not in repr(feed(client))


@pytest.mark.django_db
def test_decisions_and_identifiers_are_told_as_corrections(client: Client, people: tuple[Author, Author]):
    eve, eva = people
    curator = with_role("curator")
    decision = decisions.decide(curator, eve, eva, same=False).correction
    decisions.withdraw(decision, curator)
    changesets.apply(curator, SetIdentifier(eve.pk, "orcid", "0000-0002-1825-0097"), "Typed from the paper.")
    rows = [row for row in told(feed(client)) if row[0] == "correction"]
    first, second = sorted((eve.pk, eva.pk))
    assert rows == [
        ("correction", "different", "curator", first, second),
        ("correction", "withdrawn", "curator", first, second),
        ("correction", "identifier", "curator", eve.pk, None),
    ]
    assert told(feed(client, "kind=correction")) == rows
    assert feed(client, "kind=merge") == []


@pytest.mark.django_db
def test_what_curators_change_of_institutions_is_told_with_its_undoing(client: Client):
    imported(line(1, {"Falk": ["York House"], "Aard": ["York Hall"], "Bern": ["YORK HALL, York"]}))
    curator = with_role("curator")
    house, hall, other = (Institution.objects.get(name=n).pk for n in ("York House", "York Hall", "YORK HALL, York"))
    assert feed(client) == []
    merged = correcting.apply(curator, correcting.Merge(house, hall), "One and the same.")
    correcting.apply(curator, correcting.Rename(hall, "Hall of York"), "As it writes itself.")
    form = InstitutionName.objects.get(institution=other)
    correcting.apply(curator, correcting.Move(other, (form.pk,), hall), "The same hall.")
    correcting.undo(curator, merged)
    rows = feed(client)
    assert [(r["kind"], r["says"], r["by"], r["institution"], r["other_institution"]) for r in rows] == [
        ("institution_merge", None, "curator", house, hall),
        ("institution_rename", None, "curator", hall, None),
        ("institution_move", None, "curator", other, hall),
        ("institution_merge", "withdrawn", "curator", house, hall),
    ]
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert rows[0]["other_institution_api_url"].endswith(f"/api/v1/institutions/{hall}")
    assert (rows[0]["person"], rows[0]["works"]) == (None, [])
    assert [row["kind"] for row in feed(client, "kind=institution_move")] == ["institution_move"]
    assert {row["id"] for row in feed(client, f"institution={house}")} == {rows[0]["id"], rows[3]["id"]}
    assert "York" not in repr(rows)
    atom = client.get("/changes.atom").content.decode()
    assert f"Institution #{house} was merged into #{hall}." in atom
    assert f"A change of institution #{house} was taken back." in atom


@pytest.mark.django_db(transaction=True)
def test_changes_of_institutions_from_before_the_feed_are_in_it_once_they_are_published(client: Client):
    imported(line(1, {"Falk": ["York House"], "Aard": ["York Hall"]}))
    curator = with_role("curator")
    house, hall = (Institution.objects.get(name=name).pk for name in ("York House", "York Hall"))
    merged = correcting.apply(curator, correcting.Merge(house, hall), "One and the same.")
    correcting.undo(curator, merged)
    before = told_of_places(client)
    migration = import_module("profiles.migrations.0021_published_institutions")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(migration.BACKWARDS)
        cursor.execute(migration.FORWARDS)
    assert told_of_places(client) == before
    assert [says for _kind, says, *_ in before] == [None, "withdrawn"]


def told_of_places(client: Client) -> list[tuple[Any, ...]]:
    rows = client.get("/api/v1/changes").json()["results"]
    return [(row["kind"], row["says"], row["institution"], row["other_institution"], row["at"]) for row in rows]


@pytest.mark.django_db
def test_a_change_of_a_name_leaves_no_trace(client: Client, people: tuple[Author, Author]):
    eve, _eva = people
    before = PublishedChange.objects.count()
    changesets.apply(with_role("curator"), CorrectName(eve.pk, "Eve Marie Falk"), "As she signs.")
    account = Account.objects.create_user("eve")
    claim = Claim.objects.create(author=eve, account=account, state=Claim.State.HELD, level=3)
    Author.objects.filter(pk=eve.pk).update(account=account)
    claim.refresh_from_db()
    renaming.rename(claim, "Maria Berg", True, timezone.now())
    assert feed(client) == []
    assert PublishedChange.objects.count() == before


@pytest.mark.django_db
def test_who_hides_a_name_is_told_apart_from_nobody(client: Client, people: tuple[Author, Author]):
    eve, eva = people
    decisions.decide(with_role("curator"), eve, eva, same=False)
    assert feed(client)
    Author.objects.filter(pk=eve.pk).update(hides_printed=True)
    assert feed(client) == []


@pytest.mark.django_db
def test_a_hidden_record_is_in_no_change(client: Client, people: tuple[Author, Author]):
    eve, eva = people
    changesets.apply(with_role("curator"), Merge(((eve.pk, eva.pk),)), "One and the same.")
    [row] = feed(client)
    Author.objects.filter(pk=eve.pk).update(visibility=Author.Visibility.NOTICE)
    assert feed(client) == []
    assert client.get(f"/api/v1/changes/{row['id']}").status_code == 404


@pytest.mark.django_db
def test_what_the_matcher_does_is_told_too(client: Client, people: tuple[Author, Author], bring: Any):
    eve, _eva = people
    bring(fact("2001.00002", ["Ann Aard"], updated="2021-01-01"))
    assert ("removal", None, "machine", eve.pk, None) in told(feed(client))


@pytest.mark.django_db
def test_the_cursor_of_the_last_page_gives_what_comes_later(client: Client, people: tuple[Author, Author]):
    eve, eva = people
    kept = client.get("/api/v1/changes").json()["meta"]["next_cursor"]
    changesets.apply(with_role("curator"), Merge(((eve.pk, eva.pk),)), "One and the same.")
    connection.check_constraints()
    later = client.get(f"/api/v1/changes?cursor={kept}").json()
    assert [row["kind"] for row in later["results"]] == ["merge"]
    assert client.get(f"/api/v1/changes?cursor={later['meta']['next_cursor']}").json()["results"] == []
    assert client.get("/api/v1/changes?cursor=forged").status_code == 400


@pytest.mark.django_db
def test_the_atom_feed_says_the_same_in_sentences(client: Client, people: tuple[Author, Author]):
    eve, eva = people
    changesets.apply(with_role("curator"), Merge(((eve.pk, eva.pk),)), "One and the same.")
    connection.check_constraints()
    response = client.get("/changes.atom")
    assert response["Content-Type"].startswith("application/atom+xml")
    entries = ElementTree.fromstring(response.content).findall("{http://www.w3.org/2005/Atom}entry")
    titles = [entry.findtext("{http://www.w3.org/2005/Atom}title") for entry in entries]
    assert titles == [f"#{eva.pk} was merged into #{eve.pk}."]
    assert client.get("/changes.atom", headers={"If-None-Match": response["ETag"]}).status_code == 304


@pytest.mark.django_db
def test_many_changes_cost_as_many_queries_as_one(client: Client, people: tuple[Author, Author]):
    eve, eva = people
    Move.objects.bulk_create(
        Move(source=eve, target=eva, kind=Move.Kind.MOVED, count=1, signatures=[], reason="") for _ in range(30)
    )
    assert len(feed(client)) == 30
    assert [row["id"] for row in feed(client)] == sorted(row["id"] for row in feed(client))


def _write(source: Author, target: Author) -> None:
    Move.objects.create(source=source, target=target, kind=Move.Kind.MOVED, count=1, signatures=[], reason="")


@pytest.mark.django_db(transaction=True)
def test_a_row_that_commits_late_comes_after_all_that_was_seen(client: Client):
    one, other = (Author.objects.create(name=name, works_count=1) for name in ("Ann Aard", "Bob Bern"))
    begun, go_on = threading.Event(), threading.Event()

    def long() -> None:
        """Writes before the others and commits after them."""
        try:
            with transaction.atomic():
                _write(one, other)
                begun.set()
                go_on.wait(30)
        finally:
            connection.close()

    slow = threading.Thread(target=long)
    slow.start()
    assert begun.wait(30)
    _write(other, one)
    seen = client.get("/api/v1/changes").json()
    assert [row["person"] for row in seen["results"]] == [other.pk]
    go_on.set()
    slow.join(30)
    later = client.get(f"/api/v1/changes?cursor={seen['meta']['next_cursor']}").json()
    assert [row["person"] for row in later["results"]] == [one.pk]
    ids = [row["id"] for row in seen["results"] + later["results"]]
    assert ids == sorted(ids)
    assert Move.objects.get(source=one).pk < Move.objects.get(source=other).pk


@pytest.mark.django_db(transaction=True)
def test_while_a_commit_is_numbered_no_other_gets_ahead_of_it(client: Client):
    one, other = (Author.objects.create(name=name, works_count=1) for name in ("Ann Aard", "Bob Bern"))
    numbered, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        """Is numbered, and not yet committed."""
        try:
            with transaction.atomic():
                _write(one, other)
                connection.check_constraints()
                numbered.set()
                go_on.wait(30)
        finally:
            connection.close()

    def second() -> None:
        try:
            _write(other, one)
            done.set()
        finally:
            connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert numbered.wait(30)
    threads[1].start()
    assert not done.wait(1)  # it waits for the number, as the first holds it
    assert client.get("/api/v1/changes").json()["results"] == []
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert [row["person"] for row in client.get("/api/v1/changes").json()["results"]] == [one.pk, other.pk]


@pytest.mark.django_db
def test_the_correction_of_two_names_without_a_person_is_left_to_what_it_moves(client: Client, people: Any):
    eve, eva = people
    one, other = (Assignment.objects.filter(author=author).order_by("pk")[0].signature for author in (eve, eva))
    decisions.decide(with_role("curator"), one, other, same=True)
    assert Correction.objects.get().kind == Correction.Kind.SIGNATURES
    assert {row["kind"] for row in feed(client)} == {"merge"}
    assert all(datetime.fromisoformat(row["at"]).tzinfo for row in feed(client))
