"""Coauthorships: what is stored is the pure definition, from both sides, whatever anybody does."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from bzpeer import pipeline, rollbacks
from graph import coauthorships
from graph.coauthorships import rebuild, refresh
from graph.models import Coauthorship, Snapshot
from graph.networks import Tie, coauthorship
from papers import correcting, retrying
from papers.models import Batch, BatchRecord, Institution, InstitutionChange, Paper, Signature
from profiles import changesets, claims, decisions, moves
from profiles.disambiguation import engine
from profiles.models import Account, Assignment, Author, ChangeSet, Claim, Correction
from profiles.proposals import Merge, MoveWorks
from tests.conftest import fact, with_role
from tests.graph.test_topics import assert_as_defined

pytestmark = pytest.mark.django_db
Bring = Callable[..., Batch]
Capture = Callable[..., AbstractContextManager[Any]]

SMALL = 3  # the largest team, where a test has it small


@pytest.fixture
def small_teams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coauthorships, "LARGEST_TEAM", SMALL)


def stored() -> dict[tuple[int, int], Tie]:
    return {
        (row.author_id, row.coauthor_id): Tie(row.works, round(row.weight, 9), row.first_year, row.last_year)
        for row in Coauthorship.objects.all()
    }


def defined(largest: int | None = None) -> dict[tuple[int, int], Tie]:
    """By `networks.coauthorship`, over all papers; names on them that are nobody, or somebody twice, fill up the team.

    The first year is that of the first version, the last that of the latest: the definition is asked for each.
    """
    largest = largest or coauthorships.LARGEST_TEAM
    first, last, short = [], [], set()
    for paper in Paper.objects.prefetch_related("signatures__assignment"):
        names = list(paper.signatures.all())
        standing = Assignment.objects.standing().filter(signature__paper=paper).values_list("author", flat=True)
        people = sorted({str(author) for author in standing})
        team = (*people, *(f"nobody {n}" for n in range(len(names) - len(people))))
        created, updated = paper.created or paper.updated, paper.updated or paper.created
        first.append((team, created.year if created else None))
        last.append((team, updated.year if updated else None))
        if len(names) <= largest:
            short |= {(one, other) for one in people for other in people}
    latest = coauthorship(last)
    return {
        (int(a), int(b)): Tie(tie.works, round(tie.weight, 9), tie.first_year, latest[pair].last_year)
        for pair, tie in coauthorship(first).items()
        if pair in short and not any(end.startswith("nobody") for end in pair)
        for a, b in (pair, pair[::-1])
    }


def row(one: str, other: str) -> Tie:
    found = Coauthorship.objects.get(author__name=one, coauthor__name=other)
    return Tie(found.works, round(found.weight, 9), found.first_year, found.last_year)


# --- what a row says


@pytest.mark.usefixtures("small_teams")
def test_two_who_share_a_short_list_are_told_of_the_long_ones_too(bring: Bring) -> None:
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], created="2001-01-01"),
        fact("2001.00002", ["Ada Lovelace", "Charles Babbage", "Mary Somerville", "Zoe Yamamoto", "Ken Ito"],
             created="2005-01-01"),
    )  # fmt: skip
    assert row("Ada Lovelace", "Charles Babbage") == row("Charles Babbage", "Ada Lovelace") == Tie(2, 1.25, 2001, 2005)
    assert Coauthorship.objects.count() == 2  # nobody else shares a short list
    assert stored() == defined()


def test_a_list_of_exactly_the_largest_team_ties_all_and_one_name_more_ties_nobody(bring: Bring) -> None:
    names = [f"Ada Name{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(coauthorships.LARGEST_TEAM + 1)]
    bring(fact("2001.00001", names[:-1]))
    size = coauthorships.LARGEST_TEAM
    assert Coauthorship.objects.count() == size * (size - 1)
    bring(fact("2001.00001", names, updated="2021-01-01"))
    assert not Coauthorship.objects.exists()


def test_newmans_n_is_the_names_printed_and_who_stands_twice_counts_once(bring: Bring) -> None:
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage", "Mary Somerville", "Zoe Yamamoto"]))
    ada, mary, zoe = (Author.objects.get(name__endswith=name) for name in ("Lovelace", "Somerville", "Yamamoto"))
    Assignment.objects.filter(author=mary).update(author=ada)
    Assignment.objects.filter(author=zoe).update(state=Assignment.State.REJECTED)
    refresh([*Author.objects.values_list("pk", flat=True)])
    assert row("Ada Lovelace", "Charles Babbage") == Tie(1, round(1 / 3, 9), 2020, 2020)
    assert Coauthorship.objects.count() == 2
    assert stored() == defined()


def test_a_paper_without_a_date_leaves_the_years_open(bring: Bring) -> None:
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    Paper.objects.update(created=None, updated=None)
    rebuild()
    assert row("Ada Lovelace", "Charles Babbage") == Tie(1, 1.0, None, None)


# --- a full rebuild


def versions() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text, xmin::text FROM graph_coauthorship ORDER BY id")
        return [(row[0], row[1]) for row in cursor.fetchall()]


def test_a_rebuild_mends_what_is_wrong_and_writes_nothing_else(bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coauthorships, "BIN", 2)
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage", "Mary Somerville"]),
        fact("2001.00002", ["Ada Lovelace", "Zoe Yamamoto"]),
    )
    right = stored()
    ids = {name.split()[0]: pk for pk, name in Author.objects.values_list("pk", "name")}
    Coauthorship.objects.filter(author=ids["Ada"], coauthor=ids["Zoe"]).delete()
    Coauthorship.objects.filter(author=ids["Charles"], coauthor=ids["Mary"]).update(weight=7)
    Coauthorship.objects.create(author_id=ids["Mary"], coauthor_id=ids["Zoe"], works=1, weight=1)
    done: list[int] = []
    assert rebuild(done.append) == 3
    assert done == [2, 4]
    assert stored() == right == defined()
    before = versions()
    assert rebuild() == 0
    assert versions() == before


def test_the_command_says_how_many_ties_were_wrong_and_takes_a_snapshot(
    bring: Bring, settings: Any, tmp_path: Path
) -> None:
    settings.GRAPH_DIR = tmp_path
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    Coauthorship.objects.update(works=7)
    out = io.StringIO()
    call_command("refresh_graph", stdout=out)
    assert out.getvalue().startswith("2 ties were not as the works say, and are now.")
    assert Snapshot.objects.latest().authorships == 2
    assert stored() == defined()


def test_rows_of_whom_nothing_is_left_go(bring: Bring) -> None:
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    Assignment.objects.update(state=Assignment.State.REJECTED)
    assert rebuild() == 2
    assert not Coauthorship.objects.exists()


# --- whatever anybody does


def test_whoever_loses_a_work_by_a_run_is_computed_again_too(bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who shares a paper with what went tells of the loser: the new author stands there now."""
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "Engines"),
        fact("2001.00002", ["Ada Lovelace", "Charles Babbage"], "Engines again"),
        fact("2001.00003", ["Ada Lovelace", "Charles Babbage"], "Engines once more"),
    )
    [ada] = Author.objects.filter(name="Ada Lovelace")
    assert ada.works_count == 3
    going = Signature.objects.get(paper__arxiv_id="2001.00003", family="Lovelace").pk
    resolve = engine.resolve

    def stricter(signatures: Any, *given: Any) -> Any:
        """As another model might see it: that one is somebody else."""
        there = resolve([s for s in signatures if s.id != going], *given)
        apart = resolve([s for s in signatures if s.id == going], *given)
        clusters = [*there.clusters, *apart.clusters]
        return engine.Resolution(clusters, there.suggestions, there.contradictions)

    monkeypatch.setattr(engine, "resolve", stricter)
    pipeline.rerun(["lovelace"], lambda *_: None)
    ada.refresh_from_db()
    assert ada.works_count == 2
    assert stored() == defined()


class World:
    """Few names, so that people meet again, and what anybody may do with them, each through the services."""

    NAMES = ("Ada Lovelace", "Charles Babbage", "Mary Somerville", "John Smith", "Wei Zhang", "Zoe Yamamoto")

    def __init__(self, bring: Bring, seed: int) -> None:
        self.bring, self.chance, self.papers = bring, random.Random(seed), 0
        self.curator, self.owner = with_role("curator"), Account.objects.create_user("owner", "owner@a.example.org")

    def acts(self) -> Iterator[Callable[[], Any]]:
        yield from (self.imports, self.updates, self.merges, self.moves, self.undoes, self.redoes, self.decides)
        yield from (self.withdraws, self.claims, self.answers, self.releases, self.hides, self.runs)
        yield from (self.rolls_back, self.takes_back, self.brings_back, self.refuses, self.fixes)
        yield from (self.merges_places, self.takes_place_apart)

    def one(self, rows: Any) -> Any:
        return self.chance.choice(found) if (found := list(rows.order_by("pk"))) else None

    def names(self) -> list[str]:
        return self.chance.sample(self.NAMES, self.chance.randint(1, 6))

    def record(self, number: int) -> dict[str, Any]:
        subject = self.chance.choice([("cs.CL", "translation"), ("astro-ph.GA", "galaxies")])
        beside = self.chance.sample(["cs.LG", "math.CO", "hep-ph"], self.chance.randint(0, 2))
        year = self.chance.randint(2001, 2020)
        return fact(
            f"2001.{number:05}",
            self.names(),
            f"Of {subject[1]} {number}",
            categories=[subject[0], *beside],
            created=f"{year}-01-01",
            updated=f"{year + self.chance.randint(0, 3)}-01-01",
        )

    def imports(self) -> None:
        self.papers += 2
        self.bring(self.record(self.papers - 1), self.record(self.papers))

    def updates(self) -> None:
        newer = self.record(self.chance.randint(1, max(self.papers, 1)))
        self.bring(newer | {"updated": f"{2021 + self.papers}-01-01"})

    def rolls_back(self) -> None:
        if batch := self.one(Batch.objects.filter(stage=Batch.Stage.DONE)):
            Batch.objects.filter(pk=batch.pk).update(stage=Batch.Stage.UNDOING, rolled_back_at=timezone.now())
            pipeline.process(batch.pk)

    def takes_back(self) -> None:
        if record := self.one(BatchRecord.objects.filter(rolled_back_at=None)):
            pipeline.rerun(rollbacks.undo([record.pk], self.curator).surnames, lambda *_: None)

    def brings_back(self) -> None:
        if record := self.one(BatchRecord.objects.exclude(rolled_back_at=None)):
            pipeline.rerun(rollbacks.redo(record, self.curator).surnames, lambda *_: None)

    def refuses(self) -> None:
        self.bring(b"{broken")

    def fixes(self) -> None:
        if refused := self.one(BatchRecord.objects.filter(fate=BatchRecord.Fate.REFUSED)):
            self.papers += 1
            line = json.dumps(self.record(self.papers))
            outcome = retrying.retry(refused, line, self.curator, moves.removed)
            assert not outcome.problem
            pipeline.rerun(outcome.surnames, lambda *_: None)

    def merges_places(self) -> None:
        names = [f"Institute {self.papers} {end}" for end in "ab"]
        for name in names:
            at = [["Lovelace", "Ada", "", name], ["Babbage", "Charles", ""]]
            self.papers += 1
            line = {"id": f"2001.{self.papers:05}", "title": name, "authors": "x", "authors_parsed": at, "versions": []}
            line |= {"update_date": "2020-01-01", "categories": "cs.CL hep-ph"}
            self.bring(json.dumps(line).encode(), source="snapshot")
        one, other = (Institution.objects.get(name=name).pk for name in names)
        correcting.apply(self.curator, correcting.Merge(one, other), "One place.")

    def takes_place_apart(self) -> None:
        if found := self.one(InstitutionChange.objects.filter(undone_at=None)):
            correcting.undo(self.curator, found)

    def merges(self) -> list[int]:
        pair = [self.one(Author.objects.listed()).pk for _ in "ab"]
        return list(changesets.apply(self.curator, Merge((tuple(pair),)), "One person.").touched)

    def moves(self) -> list[int]:
        work = self.one(Assignment.objects.all())
        target = self.chance.choice([None, self.one(Author.objects.listed()).pk])
        proposal = MoveWorks(work.author_id, (work.signature_id,), target)
        return list(changesets.apply(self.curator, proposal, "Another person.").touched)

    def undoes(self) -> list[int]:
        found = self.one(ChangeSet.objects.filter(rows__undone_at=None).distinct())
        return list(changesets.undo(self.curator, found).touched) if found else []

    def redoes(self) -> list[int]:
        found = self.one(ChangeSet.objects.exclude(rows__undone_at=None).distinct())
        return list(changesets.redo(self.curator, found).touched) if found else []

    def decides(self) -> list[int]:
        work, author = self.one(Signature.objects.all()), self.one(Author.objects.listed())
        return decisions.decide(self.curator, work, author, same=self.chance.random() < 0.5).authors

    def withdraws(self) -> list[int]:
        found = self.one(Correction.objects.live().filter(change_set=None))
        return decisions.withdraw(found, self.curator).authors if found else []

    def claims(self) -> None:
        now = timezone.now()
        if not Claim.objects.filter(state=Claim.State.HELD).exists():
            claims.hold(claims.begin(self.owner, self.one(Author.objects.listed()), now), now)

    def answers(self) -> None:
        if claim := self.one(Claim.objects.filter(state=Claim.State.HELD)):
            work = self.one(Signature.objects.filter(family=claim.author.name.split()[-1]))
            if work is not None:
                claims.mark(claim, {work.pk: self.chance.choice(["mine", "not"])}, timezone.now())

    def releases(self) -> None:
        if claim := self.one(Claim.objects.filter(state=Claim.State.HELD)):
            claims.release(claim, self.curator, timezone.now())

    def hides(self) -> None:
        author = self.one(Author.objects.all())
        hidden = Author.Visibility.NOTICE if author.is_public else Author.Visibility.PUBLIC
        Author.objects.filter(pk=author.pk).update(visibility=hidden)

    def runs(self) -> None:
        pipeline.rerun(set(Signature.objects.values_list("surname_key", flat=True)), lambda *_: None)


@pytest.mark.usefixtures("small_teams")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_every_act_the_tables_are_those_of_a_full_rebuild(
    seed: int, bring: Bring, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Capture
) -> None:
    tasks: dict[str, Callable[[Any], Any]] = {
        "bzpeer.refresh_authors": pipeline.refresh,
        "bzpeer.deliver_letters": lambda nothing: None,
    }
    monkeypatch.setattr(current_app, "send_task", lambda name, given=((),): tasks[name](given[0]))
    monkeypatch.setattr("papers.limits.take", lambda name, key: None)
    world = World(bring, seed)
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            world.imports()
    done: set[str] = set()
    acts = list(world.acts())
    for step in range(3 * len(acts)):
        act = acts[step] if step < len(acts) else world.chance.choice(acts)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                touched = act()
        except ValidationError:
            continue  # what cannot be done changes nothing
        if touched:
            pipeline.refresh(touched)
        done.add(act.__name__)
        assert not Author.objects.filter(stale=True).exists(), act.__name__
        assert stored() == defined(), act.__name__
        assert rebuild() == 0
        assert_as_defined()
    assert len(done) > 12
    assert stored()
