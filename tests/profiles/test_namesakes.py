"""What separates the people of one name: the measure by examples, and the page at any number of people."""

from __future__ import annotations

import pytest
from django.core.exceptions import BadRequest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from profiles import namesakes as room
from profiles.models import Assignment, Author, NameVariant
from profiles.namesakes import Feature, namesakes, separating
from tests.conftest import fact

YARAN = Feature("coauthor", "Yaran Chen", inside=5, outside=0)
LEARNING = Feature("topic", "Machine Learning", inside=7, outside=85)
VISION = Feature("topic", "Computer Vision", inside=6, outside=10)
ONCE = Feature("coauthor", "Met Once", inside=1, outside=0)


@pytest.mark.parametrize(
    ("features", "works", "others", "expected"),
    [
        ([LEARNING, YARAN, VISION, ONCE], 7, 100, [VISION, YARAN]),  # .757 before .714; .15 and a single work are none
        ([YARAN], 7, 0, []),  # nobody to be told apart from
        ([ONCE], 1, 100, [ONCE]),  # all of one work is all there is
        ([ONCE], 2, 100, []),
        ([Feature("years", "2001", 3, 0), Feature("affiliation", "Ghent", 3, 0)], 3, 9, ["Ghent", "2001"]),
        ([Feature("coauthor", name, 3, 0) for name in ("C", "A", "B")], 3, 9, ["A", "B"]),  # two of a kind
        ([], 7, 100, []),
    ],
)
def test_the_features_that_divide_the_works_best_come_first(
    features: list[Feature], works: int, others: int, expected: list
):
    found = separating(features, works, others)
    assert [f if isinstance(e, Feature) else f.label for f, e in zip(found, expected, strict=True)] == expected


def test_a_feature_is_worth_the_difference_of_its_shares():
    assert Feature("topic", "x", inside=5, outside=10).divides(works=10, others=100) == pytest.approx(0.4)
    assert Feature("topic", "x", inside=0, outside=10).divides(works=10, others=10) == -1


@pytest.fixture
def two_authors(bring) -> None:
    """A Wei Wang of physics in Ghent who writes with Ann Aard, and one of vision who writes with Bob Bern."""
    bring(
        *[
            fact(
                f"20{n + 1:02}.00001",
                ["Wei Wang", "Ann Aard", f"Guest {'abc'[n] * 4}"],
                title=f"Quark note {n}",
                categories=["hep-ph"],
                created=f"200{n}-01-01",
            )
            for n in range(3)
        ],
        *[
            fact(
                f"21{n + 1:02}.00002",
                ["Wei Wang", "Bob Bern"],
                title=f"Image segmentation {n}",
                categories=["cs.CV"],
                created=f"202{n}-01-01",
            )
            for n in range(4)
        ],
    )


@pytest.mark.django_db
def test_the_cards_say_what_stands_on_one_side_only(client: Client, two_authors):
    page = namesakes("Wei Wang")
    assert page.total == 2
    vision, physics = page.people
    assert (vision.works, vision.others, physics.works, physics.others) == (4, 3, 3, 4)
    assert {(m.kind, m.label, m.inside, m.outside) for m in vision.marks} == {
        ("coauthor", "Bob Bern", 4, 0),
        ("topic", "Computer Vision and Pattern Recognition", 4, 0),
        ("years", "2020–2023", 4, 0),
    }
    assert [m.label for m in physics.marks if m.kind == "coauthor"] == ["Ann Aard"]  # each guest came once
    assert vision.newest_title == "Image segmentation 3"
    html = " ".join(client.get(reverse("name", args=["wei wang"])).content.decode().split())
    assert "only here" in html
    assert "4 of 4 works" in html


@pytest.mark.django_db
def test_a_coauthor_of_both_is_found_mostly_on_one_side(client: Client, two_authors):
    vision, physics = (person.author for person in namesakes("Wei Wang").people)
    moved = Assignment.objects.filter(author=vision, signature__paper__arxiv_id="2101.00002")
    assert moved.update(author=physics) == 1
    marks = {mark.label: mark for person in namesakes("Wei Wang").people for mark in person.marks}
    assert (marks["Bob Bern"].inside, marks["Bob Bern"].outside) == (3, 1)
    html = " ".join(client.get("/names/Wei Wang/").content.decode().split())
    assert "mostly here · writes with</span> <strong>Bob Bern</strong>" in html
    assert "3 of 3 works, 1 of 4 elsewhere" in html


@pytest.mark.django_db
def test_a_list_of_hundreds_names_nobody(bring):
    crowd = [f"Member {chr(97 + n // 26) * 3}{chr(97 + n % 26) * 3}" for n in range(room.LARGEST_TEAM)]
    bring(fact("2001.00001", ["Wei Wang", *crowd]), fact("2001.00002", ["Wei Wang"], categories=["math.CO"]))
    assert all(person.coauthors == [] for person in namesakes("Wei Wang").people)


def namesake(number: int, works: int = 0) -> Author:
    author = Author.objects.create(name="Wei Wang", works_count=works)
    NameVariant.objects.create(
        author=author, printed="Wei Wang", folded="wei wang", family_key="wang", surname_key="wang", works=1
    )
    return author


@pytest.mark.django_db
def test_everyone_is_reached_by_paging_and_nobody_twice(client: Client):
    made = [namesake(n, works=n % 7) for n in range(2 * room.SHOWN + 3)]
    address: str | None = reverse("name", args=["Wei Wang"])
    seen: list[int] = []
    while address:
        response = client.get(address)
        page = response.context["page"]
        assert page.total == len(made)
        seen += [person.author.pk for person in page.people]
        following = response.context["next_page"]
        address = f"{response.request['PATH_INFO']}?{following}" if following else None
    assert len(seen) == len(set(seen)) == len(made)
    assert f"{len(made)} people are printed" in response.content.decode()


@pytest.mark.django_db
def test_the_page_says_when_more_people_carry_the_name_than_are_compared(client: Client, monkeypatch):
    monkeypatch.setattr(room, "COMPARED", 3)
    for number in range(5):
        namesake(number)
    assert "compared with the 3 who have most works" in client.get("/names/Wei Wang/").content.decode()


@pytest.mark.django_db
def test_forty_namesakes_cost_as_many_queries_as_two(client: Client, bring, two_authors):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/names/Wei Wang/").status_code == 200
        return len(captured)

    few = queries()
    bring(
        *[
            fact(f"2101.{n:05}", ["Wei Wang", f"Only {chr(97 + n % 26) * 4}{chr(97 + n // 26) * 3}"], categories=[c])
            for n, c in enumerate(["q-bio.NC", "astro-ph.EP", "math.CO", "econ.EM"] * 10)
        ]
    )
    assert len(namesakes("Wei Wang").people) > 10
    assert queries() == few <= 4


@pytest.mark.django_db
@pytest.mark.parametrize("cursor", ["x", "1", "~", "1~x", "-1~2", "9999999999~1"])
def test_a_cursor_that_was_not_made_here_is_refused(cursor: str):
    with pytest.raises(BadRequest):
        namesakes("Wei Wang", cursor)
