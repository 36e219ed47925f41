"""Pages of topics and institutions: people, years, neighbours; nobody hidden; as many queries for any place."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bzpeer import pipeline
from graph import portraits
from papers import institutions
from papers.bounded import TooSlow
from papers.models import Batch, Institution, Signature, Topic
from profiles.models import Account, Author, OwnWords
from tests.conftest import fact

pytestmark = pytest.mark.django_db


@pytest.fixture
def topic(bring) -> Topic:
    """Six papers of one topic, five of them of another too; Ada is on all, Bob on two, Cleo on the last."""
    teams = [["Ada Aard"], ["Ada Aard", "Bob Bern"], ["Ada Aard", "Bob Bern"], ["Ada Aard"], ["Ada Aard"]]
    records = [
        fact(f"200{n}.00001", team, f"On {n}", categories=["hep-ph", "math.CO"], created=f"{2010 + n}-01-01")
        for n, team in enumerate(teams, 1)
    ]
    last = fact("2009.00001", ["Ada Aard", "Cleo Cole"], categories=["hep-ph"], created="2018-01-01")
    others = [fact(f"2101.0000{n}", ["Dan Dahl"], f"Of {n}", categories=["cs.LG"]) for n in range(1, 5)]
    bring(*records, last, *others)
    return Topic.objects.get(name__startswith="High Energy")


@pytest.fixture
def york(topic: Topic) -> Institution:
    """Printed beside Ada on all of them and beside Bob on two, with Paris beside Bob."""
    for name, places in {"Aard": ["Univ. of York"], "Bern": ["University of York", "Paris"]}.items():
        Signature.objects.filter(family=name).update(affiliations=places)
    institutions.link(list(Signature.objects.values_list("paper", flat=True)))
    return Institution.objects.get(key="university york")


def named(people: portraits.People) -> list[tuple[str, int | None]]:
    return [(person.author.name, person.works) for person in people.rows]


def test_a_topic_is_told_in_people_years_and_neighbours(topic: Topic) -> None:
    found = portraits.of_topic(topic)
    assert (found.works, found.people) == (6, 3)
    assert named(found.leading) == [("Ada Aard", 6), ("Bob Bern", 2), ("Cleo Cole", 1)]
    assert [(year.year, year.works, year.new_people) for year in found.years] == [
        (2011, 1, 1),
        (2012, 1, 1),
        (2013, 1, 0),
        (2014, 1, 0),
        (2015, 1, 0),
        (2018, 1, 1),
    ]
    assert [(near.name, near.works, round(near.lift or 0, 3), near.bar) for near in found.topics] == [
        ("Combinatorics", 5, round(5 * 10 / (6 * 5), 3), 100.0)
    ]


def test_an_institution_is_told_in_the_same_and_in_topics(york: Institution) -> None:
    found = portraits.of_institution(york)
    assert (found.works, found.people) == (6, 2)
    assert named(found.leading) == [("Ada Aard", 6), ("Bob Bern", 2)]
    assert [(year.year, year.new_people) for year in found.years][:2] == [(2011, 1), (2012, 1)]
    assert [(near.name, near.works) for near in found.institutions] == [("Paris", 2)]
    assert {near.name: near.works for near in found.topics} == {
        "High Energy Physics - Phenomenology": 6,
        "Combinatorics": 5,
    }


def test_pages_of_people_follow_by_key_without_gap_or_repetition(topic: Topic, york: Institution) -> None:
    pages: list[tuple[Any, Any, int]] = [
        (portraits.people_of_topic, topic, 3),
        (portraits.people_of_institution, york, 2),
    ]
    for page_of, place, size in pages:
        met, after = [], ""
        while True:
            page = page_of(place, after, 1)
            met += named(page)
            after = page.following
            if not after:
                break
        assert met == [("Ada Aard", 6), ("Bob Bern", 2), ("Cleo Cole", 1)][:size]


@pytest.mark.parametrize("after", ["x", "1", "~", "1~", "~1", "-1~2", "1~²", "9" * 40 + "~1", "1~" + "9" * 40, "1~2~3"])
def test_a_forged_cursor_is_refused(client: Client, york: Institution, topic: Topic, after: str) -> None:
    for address in (f"/topics/{topic.slug}/people/", f"/institutions/{york.pk}/people/"):
        assert client.get(address, {"after": after}).status_code == 400
    assert client.get(f"/institutions/{york.pk}/names/", {"after": after}).status_code in {200, 400}


def test_somebody_hidden_is_in_no_list_and_no_number(client: Client, topic: Topic, york: Institution) -> None:
    Author.objects.filter(name="Ada Aard").update(visibility="notice")
    for found in (portraits.of_topic(topic), portraits.of_institution(york)):
        assert "Ada Aard" not in [name for name, _ in named(found.leading)]
        assert found.years[0].new_people == 0
    assert portraits.of_topic(topic).people == 2
    assert portraits.of_institution(york).people == 1
    for address in (f"/topics/{topic.slug}/people/", f"/institutions/{york.pk}/people/"):
        assert "Ada" not in client.get(address).content.decode()


def test_what_an_owner_keeps_off_the_page_is_told_by_no_list(topic: Topic, york: Institution) -> None:
    ada = Author.objects.get(name="Ada Aard")
    ada.account = Account.objects.create_user("ada")
    ada.save()
    OwnWords.objects.create(author=ada, hidden=["works"])
    assert named(portraits.of_topic(topic).leading)[0] == ("Ada Aard", None)
    OwnWords.objects.update(hidden=["affiliation"])
    assert named(portraits.of_institution(york).leading) == [("Bob Bern", 2)]


def test_a_page_costs_as_many_queries_when_there_is_more(
    client: Client, topic: Topic, york: Institution, bring
) -> None:
    addresses = [topic.get_absolute_url(), york.get_absolute_url(), f"/topics/{topic.slug}/people/"]
    addresses += [f"/institutions/{york.pk}/people/", f"/institutions/{york.pk}/names/"]

    def counted() -> list[int]:
        found = []
        for address in addresses:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                assert client.get(address).status_code == 200
            found.append(len(captured))
        return found

    counted()
    before = counted()
    bring(
        *(
            fact(
                f"2105.{n:05}",
                [f"Eve{n} Falk{n}"],
                categories=["hep-ph", "math.CO", "cs.CV"],
                created=f"{1990 + n}-01-01",
            )
            for n in range(20)
        )
    )
    Signature.objects.filter(family__startswith="Falk").update(affiliations=["York, University of York", "Univ. York"])
    institutions.link(list(Signature.objects.values_list("paper", flat=True)))
    assert counted() == before


def test_the_pages_say_it_all_without_a_script(client: Client, topic: Topic, york: Institution) -> None:
    for place, near in ((topic, "Combinatorics"), (york, "Paris")):
        html = unescape(client.get(place.get_absolute_url()).content.decode())
        for words in ("Ada Aard", "6 works here", "2011–2018", near, "New people in each year", "The same as a table"):
            assert words in html, words
    assert "Univ. of York" in html
    assert "University of York" in html
    names = client.get(f"/institutions/{york.pk}/names/").content.decode()
    assert "Univ. of York" in names


def test_a_merged_institution_leads_to_its_heir_everywhere(client: Client, york: Institution) -> None:
    paris = Institution.objects.get(name="Paris")
    paris.merged_into = york
    paris.save()
    for address in (f"/institutions/{paris.pk}/", paris.get_absolute_url()):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (301, york.get_absolute_url())
    for page in ("people", "names", "graph"):
        answer = client.get(f"/institutions/{paris.pk}/{page}/")
        assert (answer.status_code, answer["Location"]) == (301, f"/institutions/{york.pk}/{page}/")


def test_a_place_that_takes_too_long_says_so(
    client: Client, york: Institution, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object, **__: object) -> None:
        raise TooSlow

    monkeypatch.setattr(portraits, "_rows", slow)
    page = client.get(york.get_absolute_url())
    assert page.status_code == 200
    assert "took too long" in page.content.decode()
    assert client.get(f"/institutions/{york.pk}/people/").status_code == 503


def test_addresses_of_nothing_are_not_found(client: Client) -> None:
    for address in (
        "/topics/nothing/",
        "/topics/nothing/people/",
        f"/topics/{'x' * 10_000}/",
        "/institutions/99999999999999999999999/",
        "/institutions/999999/people/",
        "/institutions/999999/names/",
    ):
        assert client.get(address).status_code == 404, address


def test_works_that_are_undone_leave_the_numbers(bring, topic: Topic) -> None:
    batch = Batch.objects.get()
    batch.stage, batch.rolled_back_at = Batch.Stage.UNDOING, batch.created_at
    batch.save()
    pipeline.process(batch.pk)
    assert (portraits.of_topic(topic).works, portraits.of_topic(topic).people) == (0, 0)
