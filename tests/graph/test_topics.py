"""Rows of topics: who works in which, how they grew, which go together; by definition, whatever came before."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from importlib import import_module

import pytest
from django.db import connection

from graph import topics
from graph.models import TopicPair, TopicPerson, TopicYear
from papers.models import Paper
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
        assert people() == people_by_definition()
        assert years() == years_by_definition()
    bring(
        fact("2112.00001", ["Eve Falk"], created="2019-01-01"), fact("2112.00002", ["Zoe Zahn"], created="2012-01-01")
    )
    one, other = Author.objects.filter(name__in=["Eve Falk", "Zoe Zahn"])
    change_set = changesets.apply(curator, Merge(((one.pk, other.pk),)), "One.")
    import_module("bzpeer.pipeline").refresh(list(change_set.touched))
    assert people() == people_by_definition()
    assert years() == years_by_definition()


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
