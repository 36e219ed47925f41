"""The circles of an author: sums in SQL as they are defined, nobody who may not be shown, and pages that stand."""

import random
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, cast

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from playwright.sync_api import Page

from graph import circles, coauthorships, courses
from graph.models import Coauthorship
from graph.networks import timelines
from papers.models import Paper, PaperTopic, Signature, Topic
from profiles.models import Account, Assignment, Author, OwnWords
from tests.looking import look

pytestmark = pytest.mark.django_db


def person(name: str, **more: Any) -> Author:
    return Author.objects.create(name=name, works_count=1, stale=False, **more)


def wrote(authors: Iterable[Author], year: int | None = 2020, topics: Iterable[str] = (), names: int = 0) -> Paper:
    """A paper by these people, and by as many others whom nobody knows that there are `names` on it."""
    number = Paper.objects.count() + 1
    title = f"On the matter of {number}"
    created = date(year, 1, 1) if year else None
    paper = Paper.objects.create(fingerprint=str(number), title=title, title_text=title, created=created, source="x")
    for position, author in enumerate(authors):
        signature = Signature.objects.create(paper=paper, position=position, printed=author.name, family=author.name)
        Assignment.objects.create(signature=signature, author=author, state="strong", probability=0.9, model="x")
    for position in range(paper.signatures.count(), names):
        Signature.objects.create(paper=paper, position=position, printed="A. Nobody", family="Nobody")
    for name in topics:
        topic = Topic.objects.get_or_create(name=name, defaults={"slug": name.lower()})[0]
        PaperTopic.objects.create(paper=paper, topic=topic)
    return paper


def tied() -> None:
    coauthorships.refresh(list(Author.objects.values_list("pk", flat=True)))


@pytest.fixture
def ada() -> Author:
    """She wrote on vision with Ann, Ben and Cy, on robots with Dan, Eve and Fay, and one work with Gus alone; Cy wrote
    with Dan too. None of the robots' people is known to Ann or Ben."""
    ada, ann, ben, cy, dan, eve, fay, gus = map(person, ("Ada", "Ann", "Ben", "Cy", "Dan", "Eve", "Fay", "Gus"))
    wrote([ada, ann, ben, cy], 2001, ["Learning", "Vision"])
    wrote([ada, ann, ben, cy], 2002, ["Learning", "Vision"])
    wrote([ada, dan, eve, fay], 2004, ["Learning", "Robotics"])
    wrote([dan, eve, fay], 2005, ["Learning", "Robotics"])
    wrote([ada, gus], 2004, ["Learning"])
    wrote([cy, dan], 2005, ["Vision"])
    tied()
    return ada


def page(client: Client, author: Author, **headers: str) -> str:
    response = client.get(reverse("person_circles", args=[author.pk]), headers=headers)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def data(client: Client, author: Author) -> dict[str, Any]:
    response = client.get(reverse("person_circles_json", args=[author.pk]))
    assert response.status_code == 200
    return cast(dict[str, Any], response.json())


def people_of(found: dict[str, Any]) -> list[str]:
    return [p["label"] for circle in found["communities"] for p in circle["people"]] + [
        p["label"] for p in found["alone"]
    ]


# --- communities and bridges


def test_communities_are_named_by_what_sets_their_works_apart(client: Client, ada: Author):
    found = data(client, ada)
    assert [(c["name"], [p["label"] for p in c["people"]], c["works"]) for c in found["communities"]] == [
        ("Vision", ["Ann", "Ben", "Cy"], 2),
        ("Robotics", ["Dan", "Eve", "Fay"], 1),
    ]
    assert found["communities"][0]["works_by_year"] == {"2001": 1, "2002": 1}
    assert [p["label"] for p in found["alone"]] == ["Gus"]
    assert found["people"] == {"shown": 7, "total": 7, "order": "by shared works"}


def test_every_coauthor_stands_in_one_place_of_the_page(client: Client, ada: Author):
    html = page(client, ada)
    section = html[html.index('id="communities-heading"') : html.index('id="bridges-heading"')]
    for name in ("Ann", "Ben", "Cy", "Dan", "Eve", "Fay", "Gus"):
        assert section.count(f">{name}</a>") == 1


def test_who_links_two_communities_is_told_with_the_works_that_show_it(client: Client, ada: Author):
    (bridge,) = data(client, ada)["bridges"]
    shown = Paper.objects.get(created__year=2005, topics__name="Vision")
    assert (bridge["label"], bridge["of"], bridge["to"], bridge["works"]) == ("Cy", 1, 2, 1)
    assert [paper["url"] for paper in bridge["papers"]] == [shown.get_absolute_url()]
    assert (bridge["is_only"], bridge["other_people_between"]) == (True, 0)
    html = page(client, ada)
    assert 'Cy</a> links <a href="#circle-1">Vision</a> and <a href="#circle-2">Robotics</a>.' in html
    assert "Nobody else here has written across the two." in html
    assert "1 work shows it" in html


def test_a_tie_of_two_others_takes_the_only_one_away(client: Client, ada: Author):
    wrote(Author.objects.filter(name__in=["Ann", "Eve"]), names=9)
    tied()
    (bridge,) = data(client, ada)["bridges"]
    assert (bridge["label"], bridge["is_only"], bridge["other_people_between"]) == ("Cy", False, 2)
    assert "2 other people have written across the two." in page(client, ada)


def test_parts_that_nobody_else_connects_are_told(client: Client, ada: Author):
    assert data(client, ada)["connected_only_by_focus"] == []
    assert "Only Ada connects" not in page(client, ada)
    Coauthorship.objects.filter(author__name__in=["Cy", "Dan"], coauthor__name__in=["Cy", "Dan"]).delete()
    assert data(client, ada)["connected_only_by_focus"] == [[1], [2]]
    assert "Only Ada connects these 2 parts" in page(client, ada)


def test_works_that_show_a_bridge_are_cut_with_a_word(client: Client, ada: Author):
    pair = list(Author.objects.filter(name__in=["Cy", "Dan"]))
    for year in range(2006, 2010):
        wrote(pair, year, names=40)
    tied()
    (bridge,) = data(client, ada)["bridges"]
    assert (bridge["works"], len(bridge["papers"])) == (5, circles.MOST_WORKS)
    assert "The newest 3 of 5." in page(client, ada)


def test_who_is_cut_off_is_counted(client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(circles, "MOST_PEOPLE", 3)
    found = data(client, ada)
    assert (people_of(found), found["people"]["shown"], found["people"]["total"]) == (["Ann", "Ben", "Cy"], 3, 7)
    assert "Looked at: 3 of 7 people, by shared works." in page(client, ada)


def test_where_ties_are_cut_off_nobody_is_called_the_only_one(
    client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(circles, "MOST_TIES", 6)
    assert "Of the ties among them the " in page(client, ada)
    assert data(client, ada)["connected_only_by_focus"] == []
    assert not any(bridge["is_only"] for bridge in data(client, ada)["bridges"])


def test_topics_in_use_are_never_run_as_markup(client: Client, ada: Author):
    Topic.objects.filter(name="Vision").update(name="<script>alert(1)</script>")
    Author.objects.filter(name="Ann").update(name="<b onclick=x>Ann</b>")
    html = page(client, ada)
    assert "<script>alert" not in html
    assert "<b onclick" not in html


# --- years


def everything(author: Author) -> list[timelines.Work]:
    """The works of the author as the definition takes them."""
    found = []
    for paper in Paper.objects.filter(signatures__assignment__author=author).distinct():
        standing = Assignment.objects.standing().filter(signature__paper=paper)
        if not standing.filter(author=author).exists():
            continue
        people = standing.filter(author__visibility="public").exclude(author=author).values_list("author", flat=True)
        day = paper.created or paper.updated
        found.append(timelines.Work(day.year if day else None, frozenset(people), paper.signatures.count()))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_years_summed_in_sql_are_as_defined(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(courses, "LARGEST_TEAM", 4)
    chance = random.Random(seed)
    people = [person(f"P{n}", visibility="public" if n % 5 else "notice") for n in range(10)]
    for _ in range(25):
        team = chance.sample(people, chance.randint(1, 5))
        wrote(team, chance.choice([None, *range(2001, 2009)]), names=chance.choice([0, 4, 5, 7]))
    for assignment in Assignment.objects.order_by("pk")[::7]:
        assignment.state = "rejected"
        assignment.save()
    tied()
    for author in people[1:5]:
        course = courses.course(author)
        assert course is not None
        expected = timelines.timeline(everything(author), 4)
        assert [y for y in course.timeline.years if y.works] == [y for y in expected.years if y.works]
        assert (course.timeline.undated_works, course.timeline.undated_people) == (
            expected.undated_works,
            expected.undated_people,
        )


@pytest.mark.parametrize("seed", range(4))
def test_the_neighbourhood_summed_in_sql_is_as_defined(seed: int):
    chance = random.Random(seed)
    people = [person(f"P{n}", visibility="public" if n % 5 else "gone") for n in range(12)]
    for _ in range(14):
        wrote(chance.sample(people, chance.randint(2, 3)), chance.choice([None, *range(2001, 2009)]))
    tied()
    shown = Coauthorship.objects.filter(author__visibility="public", coauthor__visibility="public")
    ties = {(a, b): year for a, b, year in shown.values_list("author", "coauthor", "first_year") if a < b}
    for author in people[1:5]:
        course = courses.course(author)
        assert course is not None
        over = (
            range(min(years, default=0), max(years, default=-1) + 1)
            if (years := [y.year for y, _ in course.rows])
            else range(0)
        )
        assert tuple(course.reach or ()) == timelines.cumulated(timelines.reached(ties, author.pk), over)


def test_the_table_has_what_the_bars_show(client: Client, ada: Author):
    html = page(client, ada)
    rows = {y["year"]: (y["works"], y["new"], y["returning"]) for y in data(client, ada)["years"]}
    assert rows == {2001: (1, 3, 0), 2002: (1, 0, 3), 2003: (0, 0, 0), 2004: (2, 4, 0)}
    assert (
        '<tr><th scope="row">2003</th><td class="number">0</td><td class="number">0</td><td class="number">0</td>'
        '<td class="number">3</td><td class="number">3</td></tr>' in html
    )
    assert "At most 4, in 2004." in html


def test_works_without_a_date_are_said(client: Client, ada: Author):
    wrote([ada, person("Zoe")], None)
    assert "1 work without a date is in no bar. 1 person is known from undated works alone." in page(client, ada)
    assert data(client, ada)["undated"] == {"works": 1, "people": 1}


def test_large_teams_are_a_picture_of_their_own(client: Client, ada: Author):
    assert "In large teams alone" not in page(client, ada)
    wrote([ada, person("Zoe")], 2004, names=coauthorships.LARGEST_TEAM + 1)
    assert "In large teams alone" in page(client, ada)
    assert [year["large_teams_only"] for year in data(client, ada)["years"]] == [0, 0, 0, 1]


# --- who may see what


def test_a_hidden_person_is_in_no_circle_and_in_no_number(client: Client, ada: Author):
    Author.objects.filter(name="Dan").update(visibility="notice")
    found = data(client, ada)
    assert "Dan" not in people_of(found) + [bridge["label"] for bridge in found["bridges"]]
    assert found["people"]["total"] == 6
    assert found["years"][-1]["new"] == 3
    assert found["years"][-1]["collaborators_so_far"] == found["years"][-1]["within_two_steps"] == 6
    assert ">Dan<" not in page(client, ada)


def test_a_rejected_work_ties_nobody(client: Client, ada: Author):
    Assignment.objects.filter(author=ada, signature__paper__topics__name="Robotics").update(state="rejected")
    tied()
    assert people_of(data(client, ada)) == ["Ann", "Ben", "Cy", "Gus"]


@pytest.mark.parametrize("route", ["person_circles", "person_circles_json"])
def test_a_merged_record_leads_to_its_heir_and_an_unknown_one_nowhere(client: Client, ada: Author, route: str):
    merged = person("A. da", merged_into=ada)
    response = client.get(reverse(route, args=[merged.pk]))
    assert (response.status_code, response["Location"]) == (301, reverse(route, args=[ada.pk]))
    assert client.get(reverse(route, args=[10**9])).status_code == 404


def test_a_person_without_coauthors_gets_a_sentence(client: Client):
    alone = person("Solo")
    wrote([alone])
    assert "No work here is by Solo and somebody else, so there are no circles to show." in page(client, alone)
    found = data(client, alone)
    assert (found["communities"], found["alone"], found["bridges"]) == ([], [], [])


def owned(author: Author, *hidden: str) -> None:
    author.account = Account.objects.create_user("ada")
    author.save()
    OwnWords.objects.create(author=author, hidden=list(hidden))


def test_an_owner_keeps_the_number_of_collaborators_off(client: Client, ada: Author):
    owned(ada, "collaborators")
    html, found = page(client, ada), data(client, ada)
    assert "The owner of this record keeps the number of collaborators off the page." in html
    assert (found["people"], found["years"], found["undated"]) == (None, None, None)
    assert "3 people" not in html
    assert "<table" not in html
    assert ">Ann</a>" in html


def test_an_owner_keeps_the_number_of_works_off(client: Client, ada: Author):
    owned(ada, "works")
    html, found = page(client, ada), data(client, ada)
    assert "2 works" not in html
    assert "circle__strip" not in html
    assert '<th scope="col" class="number">Works</th>' not in html
    assert {circle["works"] for circle in found["communities"]} == {None}
    assert {year["works"] for year in found["years"]} == {None}
    assert found["people"]["total"] == 7


# --- cost


def test_a_part_that_takes_too_long_says_so_and_the_rest_stands(
    client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(courses, "_REACHED", "SELECT pg_sleep(10), %(author)s")
    monkeypatch.setattr(courses, "TIMEOUT_MS", 200)
    html = page(client, ada)
    assert "Counting how far the neighbourhood reaches took too long this time." in html
    assert "Within two steps" not in html
    assert '<th scope="row">2004</th>' in html
    assert "Robotics" in html
    monkeypatch.setattr(courses, "_TIMELINE", "SELECT pg_sleep(10), %(author)s, %(largest)s")
    monkeypatch.setattr(circles, "_WORKS", "SELECT pg_sleep(10), %(author)s, %(people)s::bigint[]")
    html = page(client, ada)
    assert "Counting collaborators by year took too long this time." in html
    assert "Finding the communities took too long this time." in html
    found = data(client, ada)
    assert (found["communities"], found["years"]) == (None, None)


def test_the_number_of_queries_does_not_grow(client: Client, ada: Author):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(client, ada)
        return len(queries)

    before = asked()
    for n in range(12):
        wrote([ada, person(f"Q{n}"), person(f"R{n}"), *Author.objects.filter(name="Ann")], 2006 + n, [f"Topic {n}"])
    tied()
    assert asked() == before


def test_the_section_arrives_after_the_page_or_is_one(client: Client, ada: Author):
    graph = client.get(reverse("person_graph", args=[ada.pk])).content.decode()
    assert f'hx-get="{reverse("person_circles", args=[ada.pk])}"' in graph
    assert 'id="communities-heading"' not in graph
    panel = client.get(reverse("person_graph", args=[ada.pk]), headers={"HX-Request": "true"}).content.decode()
    assert "person_circles" not in panel
    assert "/circles/" not in panel
    assert "<html" not in page(client, ada, **{"HX-Request": "true"})
    assert "<h1" in page(client, ada)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_section_arrives_and_everything_in_it_opens(open_page: Callable[..., Page], ada: Author):
    page = open_page(reverse("person_graph", args=[ada.pk]))
    page.get_by_role("heading", name="Who links them").wait_for()
    look(page, "graph-with-circles")
    page.get_by_role("link", name="Robotics").first.click()
    assert page.url.endswith("#circle-2")
    page = open_page(reverse("person_circles", args=[ada.pk]), javascript=False)
    page.get_by_role("heading", name="Year by year").wait_for()
    page = open_page(reverse("person_circles", args=[ada.pk]))
    for summary in page.locator(".circles summary").all():
        summary.click()
    look(page, "circles")
