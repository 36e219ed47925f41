"""A hidden record: every public address is walked, and names nobody but in bylines, as plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from bzpeer import pipeline
from papers import limits
from papers.models import Paper, Signature, Topic
from profiles import changesets, decisions
from profiles.hidden import inherit
from profiles.models import Account, Assignment, Author, Follow, FollowQuestion, Report
from profiles.proposals import Merge, MoveWorks, rows_of
from tests.addresses import every_address
from tests.conftest import fact, with_role
from tests.walking import place_of

pytestmark = pytest.mark.django_db

GONE, NOTICE, PUBLIC = Author.Visibility.GONE, Author.Visibility.NOTICE, Author.Visibility.PUBLIC
HIDDEN_NAME = "Ada Lovelace"
IRRELEVANT = "0000-0002-1825-0097"
WORDS = "This record is hidden at the request of the person it is about."


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walking all addresses asks for more pages than a visitor may."""
    cache.clear()
    monkeypatch.setattr(limits, "take", lambda *_: None)


@pytest.fixture
def ada(bring: Callable[..., object]) -> Author:
    """Ada, who wrote four papers with Charles Babbage, one of them with Mary Somerville too."""
    bring(
        *(
            fact(
                f"200{n}.00001",
                [HIDDEN_NAME, "Charles Babbage"],
                title=f"Engine {n}",
                created=f"2020-0{n}-01",
                doi=f"10.1000/{n}",
            )
            for n in (1, 2, 3)
        ),
        fact("2004.00001", [HIDDEN_NAME, "Charles Babbage", "Mary Somerville"], created="2020-04-01", doi="10.1000/4"),
    )
    return Author.objects.get(name=HIDDEN_NAME)


def hide(author: Author, how: str = NOTICE) -> Author:
    """As a granted request does it (`profiles.rights`)."""
    author.visibility = how
    author.save(update_fields=["visibility"])
    cache.clear()
    return author


def own_addresses(author: Author) -> dict[str, str]:
    """The addresses that are about the author, by route."""
    paper = Paper.objects.filter(signatures__assignment__author=author).order_by("pk")[0]
    found = every_address(**_objects(author) | {"author": author, "paper": paper})
    about = ("people/", "report/person/", "works/<int:paper>/attribution/")
    return {route: address for route, address in found.items() if route.startswith(about)}


def other_addresses(ada: Author) -> Iterator[str]:
    """Where others could name the author: every address about another person and each work, and searches."""
    for query in (HIDDEN_NAME, "lovelase ada", "a love", "Lovelace", "ada", "engine"):
        yield f"/search/?q={quote_plus(query)}"
    yield f"/names/{quote(HIDDEN_NAME)}/"
    walked: set[str] = set()
    for assignment in Assignment.objects.exclude(author=ada).select_related("author", "signature__paper"):
        objects = _objects(ada) | {"author": assignment.author, "paper": assignment.signature.paper}
        walked |= {address for route, address in every_address(**objects).items() if _is_public(route)}
    yield from sorted(walked - {f"/orcid/{IRRELEVANT}"})


def _is_public(route: str) -> bool:
    """Not of curators, who know the hidden, nor of the owner of a claim."""
    return not route.startswith(
        ("curate/", "imports/", "changes/", "claims/", "attestations/", "invitations/", "rights/", "outbox/")
    )


def _objects(ada: Author) -> dict[str, Any]:
    """What stands for the arguments of addresses that are not about a person or a paper."""
    topic = Topic.objects.order_by("pk")[0]
    some = dict.fromkeys(
        (
            *(
                "api_key",
                "asked",
                "batch",
                "block",
                "change_set",
                "claim",
                "collection",
                "complaint",
                "conversation",
                "decision",
                "invitation",
            ),
            *("message", "post", "proof", "question", "report", "review", "saved", "watch"),
        ),
        topic,
    )
    place = place_of(Paper.objects.filter(signatures__assignment__author=ada).order_by("pk")[0], "Ockham Park")
    return some | {"other": ada, "topic": topic, "institution": place, "orcid": IRRELEVANT, "key": "0"}


def unprinted(html: str) -> str:
    """The page without the bylines and what repeats them: the list of authors, tags for citing, and citations."""
    citing = (
        "<meta name=.citation_author[^>]*>",
        r'"author": \[.*?\]',
        r"\n\tauthor = {.*?},",
        '"authorships": .*',
        '"raw_author_name": "[^"]*"',
        "<author><name>[^<]*</name></author>",
        r'"authors": \[.*?\]',
    )
    for printed in ('<p class="byline">.*?</p>', '<ol class="authors">.*?</ol>', *citing):
        html = re.sub(printed, "", html, flags=re.DOTALL)
    return html


def links(html: str, author: Author) -> list[str]:
    """The addresses on a page that lead to the author, or to a page about them."""
    return re.findall(
        rf'(?:href|hx-get|action)="(/(?:[^"]*/)?(?:people|person|attribution)/(?:\d+/)?{author.pk}[/".][^"]*)', html
    )


def body(response: Any) -> str:
    return b"".join(response.streaming_content if response.streaming else [response.content]).decode()


def found_on(client: Client, addresses: Iterator[str] | list[str], author: Author) -> list[str]:
    """Of these addresses, those whose answer leads to the author."""
    found = []
    for address in addresses:
        for headers in ({}, {"HX-Request": "true"}):
            response = client.get(address, headers=headers)
            said = body(response) + repr(dict(response.headers))
            if links(said, author):
                found.append(address)
    return found


def test_before_it_is_hidden_the_record_is_led_to_from_all_over(client: Client, ada: Author):
    found = set(found_on(client, other_addresses(ada), ada))
    charles = Author.objects.get(name="Charles Babbage")
    assert {"/", "/search/?q=Ada+Lovelace", "/search/?q=lovelase+ada", "/search/?q=a+love"} <= found
    assert {f"/names/{quote(HIDDEN_NAME)}/", Paper.objects.get(arxiv_id="2001.00001").get_absolute_url()} <= found
    assert {reverse("person_graph", args=[charles.pk]), reverse("person_trust", args=[charles.pk])} <= found


@pytest.mark.parametrize("how", [NOTICE, GONE])
def test_nothing_leads_to_a_hidden_record(client: Client, ada: Author, how: str):
    addresses = list(other_addresses(ada))
    hide(ada, how)
    assert found_on(client, addresses, ada) == []


def test_no_page_names_a_hidden_person_but_as_printed_or_as_typed(client: Client, ada: Author):
    addresses = [address for address in other_addresses(ada) if "ovela" not in address]
    named = [address for address in addresses if HIDDEN_NAME in unprinted(body(client.get(address)))]
    assert {"/", "/search/?q=a+love"} & set(named)
    hide(ada)
    for address in addresses:
        assert HIDDEN_NAME not in unprinted(body(client.get(address))), address


@pytest.mark.parametrize("who", ["anyone", "reader"])
@pytest.mark.parametrize(("how", "status"), [(NOTICE, 200), (GONE, 410)])
def test_each_page_of_a_hidden_record_is_the_notice(client: Client, ada: Author, how: str, status: int, who: str):
    addresses = own_addresses(ada)
    if who == "reader":
        client.force_login(Account.objects.create_user("reader"))
    hide(ada, how)
    for route, address in addresses.items():
        response = client.get(address)
        html = re.sub(r"\b[A-Za-z0-9]{64}\b", "", response.content.decode())  # tokens hold any letters
        if _asks_who_one_is(route, who):
            assert response.status_code in (302, 403, 405), route
        else:
            assert (response.status_code, WORDS in html) == (status, True), route
            assert "noindex" in response["X-Robots-Tag"]
            assert '<meta name="robots" content="noindex' in html
        for name in ("Ada", "Lovelace", "Engine"):
            assert name not in html + repr(dict(response.headers)), route


def _asks_who_one_is(route: str, who: str) -> bool:
    """Pages that are refused before it is looked up whom they are about, or that only POST."""
    pages = (
        "follow/",
        "change/",
        "name/",
        "mine/",
        "edit/",
        "works/",
        *(["claim/", "invite/"] if who == "anyone" else []),
    )
    return route.startswith(tuple(f"people/<int:pk>/{page}" for page in pages)) or route.endswith("/doubt/")


def test_an_address_without_the_name_does_not_lead_to_one_with_it(client: Client, ada: Author):
    hide(ada)
    assert ada.get_absolute_url() == f"/people/{ada.pk}/"
    assert client.get(f"/people/{ada.pk}/").status_code == 200
    merged = Author.objects.create(name="A. Lovelace", merged_into=ada)
    response = client.get(f"/people/{merged.pk}/")
    assert (response.status_code, WORDS in response.content.decode()) == (200, True)


def test_bylines_go_on_printing_the_name_as_plain_text(client: Client, ada: Author):
    hide(ada)
    html = client.get(Paper.objects.get(arxiv_id="2001.00001").get_absolute_url()).content.decode()
    assert f"<span>{HIDDEN_NAME}," in re.sub(r"\s+(?=,)", "", html)
    assert f'<span class="name">{HIDDEN_NAME}</span>' in html
    assert "not yet attributed" not in html


def test_a_hidden_person_is_no_node_of_anybodys_graph(client: Client, ada: Author):
    charles = Author.objects.get(name="Charles Babbage")
    graph = reverse("person_graph", args=[charles.pk])
    assert HIDDEN_NAME in client.get(graph).content.decode()
    hide(ada)
    for address in (graph, *(reverse(f"person_circles{form}", args=[charles.pk]) for form in ("", "_json"))):
        for headers in ({}, {"HX-Request": "true"}):
            html = client.get(address, headers=headers).content.decode()
            assert HIDDEN_NAME not in html
            assert "Mary Somerville" in html


def test_a_hidden_collaborator_counts_and_is_not_named(client: Client, ada: Author):
    charles = Author.objects.get(name="Charles Babbage")
    page = reverse("person_trust", args=[charles.pk])
    before = client.get(page).context["score"]
    hide(ada)
    response = client.get(page)
    assert response.context["score"] == before
    assert "a person whose record is hidden: 4 works" in response.content.decode()
    assert HIDDEN_NAME not in response.content.decode()


def test_counts_leave_the_hidden_out(client: Client, ada: Author):
    assert client.get("/").context["counts"]["people"] == 3
    hide(ada)
    assert client.get("/").context["counts"]["people"] == 2
    assert client.get(f"/names/{HIDDEN_NAME}/").status_code == 404


def test_an_orcid_of_a_hidden_person_is_unknown(client: Client, ada: Author):
    iD = "0000-0002-1825-0097"
    signature = Signature.objects.get(pk=_works(ada)[0])
    signature.orcid = iD
    signature.save(update_fields=["orcid"])
    assert client.get(f"/orcid/{iD}").status_code == 302
    hide(ada)
    assert client.get(f"/orcid/{iD}").status_code == 404


def test_followers_see_a_hidden_record_without_its_name_and_can_stop(client: Client, ada: Author):
    fan = Account.objects.create_user("fan")
    client.force_login(fan)
    Follow.objects.create(account=fan, author=ada)
    hide(ada)
    html = client.get("/following/").content.decode()
    assert "A hidden record" in html
    assert HIDDEN_NAME not in html
    assert client.post(reverse("person_follow", args=[ada.pk]), {"follow": "0"})["Location"] == "/following/"
    assert not Follow.objects.filter(account=fan).exists()
    client.post(reverse("person_follow", args=[ada.pk]), {"follow": "1"})
    assert not Follow.objects.filter(account=fan).exists()


def test_questions_and_reports_do_not_name_who_was_hidden_since(client: Client, ada: Author):
    fan, charles = Account.objects.create_user("fan"), Author.objects.get(name="Charles Babbage")
    client.force_login(fan)
    Report.objects.create(author=ada, kind="other", text="odd", reporter=fan)
    change_set = changesets.apply(with_role("eve"), MoveWorks(ada.pk, (_works(ada)[0],)), "not hers")
    new = Author.objects.get(moves_here__change_set=change_set)
    FollowQuestion.objects.create(account=fan, old_author=charles, new_author=ada, change_set=change_set)
    hide(ada)
    hide(new)
    for page in ("/following/", "/reports/", charles.get_absolute_url()):
        html = client.get(page).content.decode()
        assert HIDDEN_NAME not in unprinted(html), page
    assert "a hidden record" in client.get("/reports/").content.decode()


def test_the_history_of_another_record_does_not_name_a_hidden_one(client: Client, ada: Author, bring):
    curator = with_role("eve")
    change_set = changesets.apply(curator, MoveWorks(ada.pk, (_works(ada)[0],)), "of Augusta Ada")
    other = Author.objects.get(moves_here__change_set=change_set)
    page = reverse("person_history", args=[other.pk])
    assert links(client.get(page).content.decode(), ada)
    hide(ada)
    html = client.get(page).content.decode()
    assert "a person whose record is hidden" in html
    assert not links(html, ada)
    assert "Augusta" not in html


def _works(author: Author) -> list[int]:
    return sorted(Assignment.objects.filter(author=author).values_list("signature", flat=True))


# --- it does not come back -------------------------------------------------------------------------------------------


def test_new_papers_and_new_runs_leave_a_hidden_record_hidden(client: Client, ada: Author, bring):
    hide(ada)
    bring(
        fact(
            "2001.00001", [HIDDEN_NAME, "Charles Babbage"], title="Engine 1", created="2020-01-01", updated="2021-01-01"
        ),
        fact("2005.00001", [HIDDEN_NAME, "Charles Babbage"], title="Engine 5", created="2020-05-01", doi="10.1000/5"),
    )
    pipeline.rerun(["lovelace", "babbage"], lambda *_: None)
    ada.refresh_from_db()
    assert (ada.visibility, ada.works_count) == (NOTICE, 5)
    assert Author.objects.filter(variants__printed=HIDDEN_NAME).get() == ada
    assert found_on(client, list(other_addresses(ada)), ada) == []


def test_what_is_split_off_from_a_hidden_record_is_hidden_too(ada: Author):
    hide(ada, GONE)
    works = _works(ada)
    change_set = changesets.apply(with_role("eve"), MoveWorks(ada.pk, (works[0],)), "another Ada")
    assert Author.objects.get(moves_here__change_set=change_set).visibility == GONE


def test_what_a_decision_takes_off_a_hidden_record_is_hidden_too(ada: Author):
    hide(ada)
    signature = Signature.objects.get(pk=_works(ada)[0])
    decisions.decide(with_role("eve"), signature, ada, same=False)
    new = Assignment.objects.get(signature=signature).author
    assert (new.pk != ada.pk, new.visibility) == (True, NOTICE)


@pytest.mark.parametrize(
    ("previous", "now", "decided", "hidden"),
    [
        ("HHHH", "HHNN", False, "HN"),  # a new author with works of the hidden one
        ("HHHH", "HHNN", True, "HN"),
        ("HHHP", "HPPP", False, "HP"),  # one who got more than it had
        ("HHHP", "HPPP", True, "H"),  # because people said whose they are
        ("HHPP", "HPPP", False, "H"),
        ("HHHC", "HCCC", False, "H"),  # one whom an account holds
        ("PPPP", "PPNN", False, "H"),  # nothing of the hidden one
    ],
)
def test_a_run_hides_whom_most_works_of_a_hidden_record_went_to(previous, now, decided, hidden, db):
    people = {key: Author.objects.create(name=key) for key in "HPCN"}
    people["C"].account = Account.objects.create_user("holder")
    people["C"].save()
    hide(people["H"], GONE)
    held = [{n: people[key].pk for n, key in enumerate(row)} for row in (previous, now)]
    inherit(held[0], held[1], decided=decided)
    assert "".join(sorted(a.name for a in Author.objects.filter(visibility=GONE))) == hidden


def test_of_two_merged_by_a_curator_the_hidden_record_stays(ada: Author, bring):
    bring(fact("2006.00001", ["Augusta Byron"]), fact("2006.00002", ["Augusta Byron"]))
    augusta = Author.objects.filter(name="Augusta Byron").order_by("pk")[0]
    hide(augusta)
    assert ada.works_count > 2
    assert {row.target_id for row in rows_of(Merge(((ada.pk, augusta.pk),)))} == {augusta.pk}


def test_a_hidden_record_is_not_merged_with_a_claimed_one(ada: Author, bring):
    bring(fact("2006.00001", ["Augusta Byron"]))
    augusta = Author.objects.get(name="Augusta Byron")
    augusta.account = Account.objects.create_user("augusta")
    augusta.save()
    hide(ada)
    with pytest.raises(ValidationError, match="Settle first who the person is"):
        rows_of(Merge(((ada.pk, augusta.pk),)))
