"""Rows of topics: who works in which, how they grew, which go together; by definition, whatever came before."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from importlib import import_module
from itertools import permutations

import pytest
from celery import current_app
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bzpeer import pipeline, tasks
from graph import topics
from graph.models import TopicPair, TopicPerson, TopicYear
from papers.models import Paper, Topic
from profiles import changesets
from profiles.models import Assignment, Author
from profiles.proposals import Merge
from tests.conftest import fact

pytestmark = pytest.mark.django_db
CATEGORIES = ["cs.LG", "cs.CL", "cs.CV", "hep-ph", "math.CO"]


def people() -> set[tuple[int, int, int, int | None, int | None]]:
    return set(TopicPerson.objects.values_list("author", "topic", "works", "first_year", "last_year"))


def years() -> set[tuple[int, int | None, int, int]]:
    return set(TopicYear.objects.values_list("topic", "year", "works", "new_people"))


def people_by_definition() -> set[tuple[int, int, int, int | None, int | None]]:
    papers: defaultdict[tuple[int, int], dict[int, int | None]] = defaultdict(dict)
    for held in Assignment.objects.standing().select_related("signature__paper"):
        paper = held.signature.paper
        day = paper.created or paper.updated
        for topic in paper.topics.all():
            papers[held.author_id, topic.pk][paper.pk] = day.year if day else None
    found = set()
    for (author, at), of_years in papers.items():
        known = [year for year in of_years.values() if year]
        found.add((author, at, len(of_years), min(known, default=None), max(known, default=None)))
    return found


def years_by_definition() -> set[tuple[int, int | None, int, int]]:
    works: Counter[tuple[int, int | None]] = Counter()
    for paper in Paper.objects.all():
        day = paper.created or paper.updated
        works.update((topic.pk, day.year if day else None) for topic in paper.topics.all())
    new = Counter((topic, first) for _author, topic, _works, first, _last in people_by_definition())
    return {(*key, works[key], new[key]) for key in works.keys() | new.keys()}


def pairs() -> dict[tuple[int, int], tuple[int, float]]:
    rows = TopicPair.objects.values_list("topic", "other", "works", "lift")
    return {(one, other): (works, round(lift, 9)) for one, other, works, lift in rows}


def pairs_by_definition() -> dict[tuple[int, int], tuple[int, float]]:
    alone: Counter[int] = Counter()
    together: Counter[tuple[int, int]] = Counter()
    everything = 0
    for paper in Paper.objects.all():
        found = [topic.pk for topic in paper.topics.all()]
        alone.update(found)
        together.update(permutations(found, 2))
        everything += bool(found)
    return {
        (one, other): (works, round(works * everything / (alone[one] * alone[other]), 9))
        for (one, other), works in together.items()
    }


def assert_as_defined() -> None:
    assert people() == people_by_definition()
    assert years() == years_by_definition()
    assert pairs() == pairs_by_definition()


def test_rows_are_as_defined_after_imports_and_corrections(bring, curator) -> None:
    chance = random.Random(3)
    names = [f"{given} {family}" for given in ("Ada", "Bob", "Cleo") for family in ("Aard", "Bern", "Cole", "Dahl")]
    for batch in range(3):
        bring(
            *(
                fact(
                    f"2001.{batch}{n:04}",
                    chance.sample(names, 3),
                    f"On {batch} and {n}",
                    categories=chance.sample(CATEGORIES, chance.randint(1, 3)),
                    created=f"20{chance.randint(10, 20)}-01-01",
                )
                for n in range(8)
            )
        )
        assert_as_defined()
    bring(
        fact("2112.00001", ["Eve Falk"], created="2019-01-01"), fact("2112.00002", ["Zoe Zahn"], created="2012-01-01")
    )
    one, other = Author.objects.filter(name__in=["Eve Falk", "Zoe Zahn"])
    change_set = changesets.apply(curator, Merge(((one.pk, other.pk),)), "One.")
    pipeline.refresh(list(change_set.touched))
    assert_as_defined()


def test_two_who_are_one_are_new_once_and_two_again_when_that_is_undone(bring, curator) -> None:
    bring(
        fact("1501.00001", ["Eve Falk"], categories=["hep-ph"], created="2015-01-01"),
        fact("1801.00001", ["Zoe Zahn"], categories=["hep-ph"], created="2018-01-01"),
    )
    new = TopicYear.objects.order_by("year").values_list("year", "works", "new_people")
    assert list(new) == [(2015, 1, 1), (2018, 1, 1)]
    eve, zoe = (Author.objects.get(name=name).pk for name in ("Eve Falk", "Zoe Zahn"))
    change_set = changesets.apply(curator, Merge(((eve, zoe),)), "One.")
    pipeline.refresh(list(change_set.touched))
    assert list(new.all()) == [(2015, 1, 1), (2018, 1, 0)]
    pipeline.refresh(list(changesets.undo(curator, change_set).touched))
    assert list(new.all()) == [(2015, 1, 1), (2018, 1, 1)]
    assert_as_defined()


def test_a_decision_counts_no_papers(bring) -> None:
    """What is read of the papers is those of the people concerned, whatever else there is."""
    bring(fact("2001.00001", ["Ada Aard"], categories=CATEGORIES), fact("2001.00002", ["Bob Bern"]))
    [ada] = Author.objects.filter(name="Ada Aard")
    with CaptureQueriesContext(connection) as queries:
        pipeline.refresh([ada.pk])
    assert any("graph_topicperson" in query["sql"] for query in queries)
    assert not any("graph_topicpair" in query["sql"] for query in queries)
    for query in queries:
        if "papers_papertopic" in query["sql"]:
            assert "s.author_id = ANY" in query["sql"] or "unnest(" in query["sql"], query["sql"]


def test_a_paper_without_names_is_counted_no_more_when_its_record_is_rolled_back(
    bring, curator, client: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    monkeypatch.setattr(
        current_app, "send_task", lambda name, given: {"bzpeer.resolve_surnames": tasks.resolve_surnames}[name](*given)
    )
    bring(fact("2001.00001", ["Ada Aard"], categories=CATEGORIES))
    daily = {"id": "2001.00002", "title": "On nobody", "publishedAt": "2020-01-02T00:00:00.000Z"}
    batch = bring(json.dumps([{"paper": daily}]).encode(), source="daily")
    nameless = Paper.objects.get(arxiv_id="2001.00002")
    assert not nameless.signatures.exists()
    nameless.topics.set(Topic.objects.filter(papers__arxiv_id="2001.00001")[:2])
    topics.sum_up()
    for name in ("batch_record_undo", "batch_record_redo"):
        with django_capture_on_commit_callbacks(execute=True):
            client.post(reverse(name, args=[batch.pk, 1]))
        assert Paper.objects.count() == (1 if name == "batch_record_undo" else 2)
        assert_as_defined()


def test_lift_says_how_many_times_as_often_as_by_chance(bring) -> None:
    """Ten works, four of hep-ph, two of math.CO, and both of these are of both: 2 × 10 / (4 × 2)."""
    kinds = [["hep-ph", "math.CO"]] * 2 + [["hep-ph"]] * 2 + [["cs.LG"]] * 6
    bring(*(fact(f"2001.{n:05}", ["Ada Aard"], categories=kind) for n, kind in enumerate(kinds, 1)))
    pair = TopicPair.objects.get(topic__name__startswith="High Energy")
    assert (pair.works, pair.lift) == (2, 2.5)
    back = TopicPair.objects.get(other=pair.topic)
    assert (back.topic_id, back.lift) == (pair.other_id, 2.5)


def test_summing_up_again_writes_nothing_and_rebuilding_gives_the_same(bring) -> None:
    bring(fact("2001.00001", ["Ada Aard"], categories=CATEGORIES), fact("2001.00002", ["Bob Bern"]))
    before = (people(), years(), set(TopicPair.objects.values_list("pk", "works", "lift")))
    with connection.cursor() as cursor:
        counts = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
        cursor.execute(counts)
        written = cursor.fetchone()
        topics.rebuild()
        cursor.execute(counts)
        assert cursor.fetchone() == written
    assert (people(), years(), set(TopicPair.objects.values_list("pk", "works", "lift"))) == before


def test_older_databases_get_their_rows_from_the_migration(bring) -> None:
    bring(fact("2001.00001", ["Ada Aard"], categories=CATEGORIES), fact("2001.00002", ["Bob Bern"]))
    before = (people(), years(), TopicPair.objects.count())
    for model in (TopicPerson, TopicYear, TopicPair):
        model.objects.all().delete()
    migration = import_module("graph.migrations.0004_topics")
    with connection.cursor() as cursor:
        for sql in (migration.PEOPLE, migration.YEARS, migration.PAIRS):
            cursor.execute(sql)
    assert (people(), years(), TopicPair.objects.count()) == before
