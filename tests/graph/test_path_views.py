"""The page that says how two people are connected: whatever is typed, a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape
from playwright.sync_api import Page, expect

from graph import snapshots
from graph.networks import Node, chaining
from papers.limits import LIMITS, Limit
from papers.models import Batch
from profiles.models import Assignment, Author
from tests.conftest import fact
from tests.looking import look
from tests.profiles.test_accounts_browser import page
from tests.test_browser import browser

__all__ = ["browser", "page"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

Bring = Callable[..., Batch]
ORCID = "0000-0002-1825-0097"
NOBODY = 999_999


@pytest.fixture
def people(bring: Bring) -> dict[str, Author]:
    """Ada – Charles – Mary and Ada – Grace – Mary; Nikola alone. Two people are printed as Wei Wang."""
    attack = "<script>alert(1)</script>"
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], f"Engines {attack}", created="2020-03-01"),
        fact("2001.00002", ["Charles Babbage", "Mary Somerville"], "Tides", created="2021-01-01"),
        fact("2001.00003", ["Ada Lovelace", "Grace Hopper"], "Compilers", created="2022-01-01"),
        fact("2001.00004", ["Grace Hopper", "Mary Somerville"], "Waves", created="2022-01-01"),
        fact("2001.00005", ["Nikola Tesla"], "Coils"),
        fact("2001.00006", ["Wei Wang", "Xia Li"], "Quarks and their masses", categories=["hep-ph"]),
        fact(
            "2001.00007", ["Wei Wang", "Otto Hahn"], "Cells of the eye", categories=["q-bio.NC"], created="1995-01-01"
        ),
    )
    Assignment.objects.update(state=Assignment.State.STRONG)
    snapshots.build()
    cache.clear()
    return {author.name.split()[0]: author for author in Author.objects.order_by("-pk")}


def address(one: object, other: object, form: str = "/", **more: object) -> str:
    ends = [f"person-{end.pk}" if isinstance(end, Author) else str(end) for end in (one, other)]
    rest = "".join(f"&{name}={value}" for name, value in more.items())
    return f"/graph/path{form}?from={quote_plus(ends[0])}&to={quote_plus(ends[1])}{rest}"


def test_the_page_says_and_draws_the_paths_with_receipts(client: Client, people: dict[str, Author]):
    response = client.get(address(people["Ada"], people["Mary"]))
    html = response.content.decode()
    assert response.status_code == 200
    assert "The shortest path: 2 steps" in html
    assert "Another path" in html
    assert html.count('<svg class="path-picture"') == 2
    assert '<desc id="path-across-desc">Ada Lovelace wrote “Compilers” with Grace Hopper in 2022;' in html
    assignment = Assignment.objects.get(author=people["Grace"], signature__paper__title="Waves")
    assert f'href="/works/{assignment.signature.paper_id}/attribution/{people["Grace"].pk}/"' in html
    assert "Grace Hopper: strong inference" in html
    assert "The graph was last read" in html
    assert "<script>alert" not in html


def test_json_holds_the_same(client: Client, people: dict[str, Author]):
    found = client.get(address(people["Ada"], people["Mary"], ".json", first=2019, last=2022)).json()
    assert found["from"] == {
        "id": f"person-{people['Ada'].pk}",
        "label": "Ada Lovelace",
        "url": people["Ada"].get_absolute_url(),
    }
    assert (found["first"], found["last"], found["weak"]) == (2019, 2022, False)
    assert [[person["label"] for person in path["people"]] for path in found["paths"]] == [
        ["Ada Lovelace", "Grace Hopper", "Mary Somerville"],
        ["Ada Lovelace", "Charles Babbage", "Mary Somerville"],
    ]
    assert found["said"] == found["paths"][0]["said"]
    step = found["paths"][0]["steps"][0]
    assert (step["total"], step["papers"][0]["label"], step["papers"][0]["names"]) == (1, "Compilers", 2)
    assert [to["sure"] for to in step["papers"][0]["attributions"]] == [True, True]


@pytest.mark.parametrize("typed", ["Ada Lovelace", "lovelace ada", "{pk}", "/people/{pk}/", "{name} (person-{pk})"])
def test_whatever_names_somebody_leads_to_the_address_with_the_id(
    client: Client, people: dict[str, Author], typed: str
):
    ada = people["Ada"]
    response = client.get(address(typed.format(pk=ada.pk, name=ada.name), people["Mary"], first="", weak="1"))
    assert (response.status_code, response["Location"]) == (302, address(ada, people["Mary"], weak="on"))


def test_another_name_before_an_id_counts(client: Client, people: dict[str, Author]):
    response = client.get(address(f"Grace Hopper (person-{people['Ada'].pk})", people["Mary"]))
    assert response["Location"] == address(people["Grace"], people["Mary"])


def test_a_merged_person_is_their_heir(client: Client, people: dict[str, Author]):
    old = Author.objects.create(name="A. Lovelace", merged_into=people["Ada"])
    response = client.get(address(old, people["Mary"]))
    assert response["Location"] == address(people["Ada"], people["Mary"])
    html = client.get(address(old, people["Ada"]), follow=True).content.decode()
    assert "Both are one person: Ada Lovelace." in html


def test_several_of_a_name_are_a_choice_that_keeps_the_rest(client: Client, people: dict[str, Author]):
    response = client.get(address("Wei Wang", "Ada Lovelace", first=1990))
    assert response.status_code == 200
    (one, _) = response.context["ends"]
    assert len(one.candidates) == 2
    for author, _query in one.candidates:
        choice = f"?from=person-{author.pk}&to=Ada+Lovelace&first=1990"
        assert escape(choice) in response.content.decode()
    assert client.get(address("Wei Wang", "Ada Lovelace", ".json")).status_code == 400


@pytest.mark.parametrize(
    ("one", "other", "status", "said"),
    [
        (NOBODY, "Ada Lovelace", 404, "Nobody here has this id."),
        ("person-99999999999999999999", "Ada Lovelace", 404, "Nobody here has this id."),
        ("Zzyzx Qwfp", "Ada Lovelace", 404, "Nobody here is printed so."),
        ("0000-0002-1825-0098", "Ada Lovelace", 404, "no ORCID iD"),
        (ORCID, "Ada Lovelace", 404, "Nobody here is known by this ORCID iD."),
        ("\0", "Ada Lovelace", 200, "A name, an id"),
        ("☃", "Ada Lovelace", 404, "There is no name on this line."),
        ("x" * 400, "Ada Lovelace", 404, "longer than 300 characters"),
        ("<script>alert(2)</script>", "Ada Lovelace", 404, "Nobody here"),
        ("' OR 1=1 --", "Ada Lovelace", 404, "Nobody here"),
    ],
)
def test_whom_nobody_knows_is_said_and_what_was_typed_is_kept(
    client: Client, people: dict[str, Author], one: object, other: str, status: int, said: str
):
    response = client.get(address(one, other))
    html = response.content.decode()
    assert (response.status_code, said in html) == (status, True)
    assert "<script>alert" not in html
    assert f'value="{escape(str(one).strip(chr(0))[:301])}"' in html
    response = client.get(address(one, other, ".json"))
    assert response.status_code == max(status, 400)
    assert list(response.json()) == ["problem"]


@pytest.mark.parametrize(("visibility", "status"), [(Author.Visibility.NOTICE, 404), (Author.Visibility.GONE, 410)])
def test_a_hidden_person_is_named_nowhere(client: Client, people: dict[str, Author], visibility: str, status: int):
    Author.objects.filter(pk=people["Grace"].pk).update(visibility=visibility)
    for form in ("/", ".json"):
        response = client.get(address(people["Grace"], people["Mary"], form))
        assert response.status_code == status
        said = json.loads(response.content)["problem"] if form == ".json" else response.content.decode()
        assert "This record is hidden at the request of the person it is about." in said
        assert "Hopper" not in said
        assert "Hopper" not in client.get(address(people["Ada"], people["Mary"], form)).content.decode()


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (2022, 2019, "The last year comes before the first one."),
        ("soon", "", "Enter a whole number."),
        (0, "", "greater than or equal to 1"),
        ("", 10**20, "less than or equal to 9999"),
    ],
)
def test_years_that_cannot_be_are_said(client: Client, people: dict[str, Author], first: object, last: object, said):
    response = client.get(address(people["Ada"], people["Mary"], first=first, last=last))
    assert (response.status_code, said in response.content.decode()) == (400, True)
    assert 'value="Ada Lovelace (person-' in response.content.decode()
    response = client.get(address(people["Ada"], people["Mary"], ".json", first=first, last=last))
    assert (response.status_code, said in response.json()["problem"]) == (400, True)


@pytest.mark.parametrize(
    ("one", "other", "more", "said"),
    [
        ("Ada", "Ada", {}, "Both are one person: Ada Lovelace."),
        ("Ada", "Nikola", {}, "Nikola Tesla has no coauthor here."),
        ("Ada", "Otto", {}, "they stand in separate parts of the graph, one of 4 people, the other of 2 people"),
        ("Ada", "Mary", {"first": 2030}, "No chain of papers of these years"),
    ],
)
def test_where_there_is_no_path_the_page_says_why(
    client: Client, people: dict[str, Author], one: str, other: str, more: dict[str, Any], said: str
):
    response = client.get(address(people[one], people[other], **more))
    assert (response.status_code, said in response.content.decode()) == (200, True)
    found = client.get(address(people[one], people[other], ".json", **more)).json()
    assert (found["paths"], said in found["said"]) == ([], True)


def test_what_would_help_is_a_link(client: Client, people: dict[str, Author]):
    Assignment.objects.filter(author=people["Mary"]).update(state=Assignment.State.WEAK)
    snapshots.build()
    html = client.get(address(people["Ada"], people["Mary"])).content.decode()
    assert "Only weak attributions connect Ada Lovelace and Mary Somerville." in html
    assert f'href="{escape(address(people["Ada"], people["Mary"], weak="on"))}"' in html
    html = client.get(address(people["Ada"], people["Mary"], weak="on")).content.decode()
    assert "(attributed weakly)" in html
    assert "Mary Somerville: weak inference" in html


def test_with_one_person_the_other_is_asked_for(client: Client, people: dict[str, Author]):
    response = client.get(f"/graph/path/?from=person-{people['Ada'].pk}")
    assert response.status_code == 200
    assert f'value="Ada Lovelace (person-{people["Ada"].pk})"' in response.content.decode()
    response = client.get(f"/graph/path.json?from=person-{people['Ada'].pk}")
    assert (response.status_code, response.json()) == (400, {"problem": "Name two people: from and to."})


def test_the_two_are_swapped_by_a_link(client: Client, people: dict[str, Author]):
    html = client.get(address(people["Ada"], people["Mary"], weak="on")).content.decode()
    assert f'href="{escape(address(people["Mary"], people["Ada"], weak="on"))}">Swap the two' in html


def test_before_the_graph_was_read_the_page_says_so(client: Client, bring: Bring):
    bring(fact("2001.00001", ["Ada Lovelace", "Charles Babbage"]))
    ada, charles = Author.objects.order_by("pk")
    assert client.get(address(ada, charles)).status_code == 503
    assert "problem" in client.get(address(ada, charles, ".json")).json()


def test_the_profile_and_its_graph_lead_here(client: Client, people: dict[str, Author]):
    ada = people["Ada"]
    assert f'href="/graph/path/?to=person-{ada.pk}"' in client.get(ada.get_absolute_url()).content.decode()
    assert f'href="/graph/path/?from=person-{ada.pk}"' in client.get(f"/people/{ada.pk}/graph/").content.decode()


def test_a_client_asks_so_often_and_no_more(client: Client, people: dict[str, Author], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(LIMITS, "path", (Limit(2, 60),))
    asked = [client.get(address(people["Ada"], people["Mary"], form)).status_code for form in ("/", ".json", "/")]
    assert asked == [200, 200, 429]


def test_the_page_costs_a_fixed_number_of_queries_and_changes_nothing(client: Client, people: dict[str, Author]):
    costs = []
    for other in ("Charles", "Mary"):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address(people["Ada"], people[other])).status_code == 200
        costs.append(len(captured))
        verbs = {query["sql"].lstrip().split()[0].upper() for query in captured}
        assert verbs <= {"SELECT", "SAVEPOINT", "RELEASE", "WITH"}
    assert costs[0] == costs[1]


def test_a_picture_is_the_same_each_time_and_every_mark_has_a_place():
    def chain(*papers: int) -> list[Node]:
        nodes = [Node("person", "a", "Ada Lovelace", "/a/", 0)]
        for at in papers:
            nodes += [
                Node("paper", f"p{at}", "On engines " * 9, f"/{at}/", 2020),
                Node("person", f"x{at}", "Zo", "/", 0),
            ]
        return nodes

    chains = [chain(1), chain(2, 3), chain(*range(4, 18))]
    drawn = chaining.across(chains)
    assert drawn == chaining.across(chains)
    assert len({(mark.x, mark.y) for mark in drawn.marks}) == len(drawn.marks) == 2 + 1 + 3 + 27
    assert all(0 < mark.x < drawn.width and 0 < mark.y < drawn.height for mark in drawn.marks)
    narrow = chaining.upright(chains[1])
    assert [mark.label[:4] for mark in narrow.marks] == ["Ada ", "2020", "Zo", "2020", "Zo"]
    assert max(len(mark.label) for mark in narrow.marks) < 42


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_from_a_profile_to_the_papers_between(page: Page, live_server: Any, people: dict[str, Author]):
    page.goto(f"{live_server.url}{people['Ada'].get_absolute_url()}")
    page.get_by_role("link", name="How are you connected?").click()
    look(page, "path-asked")
    page.get_by_label("From", exact=True).fill("Wei Wang")
    page.get_by_role("button", name="Find the path").click()
    look(page, "path-choice")
    page.locator(".cards a").first.click()
    expect(page.get_by_text("they stand in separate parts of the graph")).to_be_visible()
    look(page, "path-none")
    page.get_by_label("From", exact=True).fill("somerville, mary")
    page.get_by_role("button", name="Find the path").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("The shortest path: 2 steps")
    look(page, "path-found")
    page.get_by_role("link", name="Swap the two").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How is Ada Lovelace connected to Mary Somerville?")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator(".path-across .graph-node a", has_text="Grace Hopper").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Grace Hopper")
