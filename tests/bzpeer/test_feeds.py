"""Feeds: read by a parser that is not ours and checked by the format's schema; what they hold, and what moves them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import feedparser
import pytest
from django.core.cache import cache
from django.test import Client
from jsonschema_rs import Draft202012Validator
from lxml import etree

from bzpeer import dailies, pipeline
from papers.bounded import TooSlow
from papers.models import DailyListing, Institution, Paper, Topic
from papers.paging import PAGE
from papers.syndication import FEEDS
from profiles import changesets, decisions, renaming
from profiles.feedback import trending
from profiles.models import Account, Author, Claim
from profiles.proposals import CorrectName, Merge
from tests.bzpeer.test_caching import commit
from tests.conftest import fact, with_role
from tests.walking import place_of

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> ]]> &lt;b&gt; \x0b\x01 ‮gnp.exe‬ <![CDATA[ 100% of $x_i$ \\textbf{all}"

TEXT = {"type": "string"}
ADDRESS = {"type": "string", "format": "uri", "pattern": "^https?://"}
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
JSON_FEED = {  # version 1.1, as far as it is used; nothing else may stand there
    "type": "object",
    "required": ["version", "title", "items"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": {"type": "string", "minLength": 1},
        "description": TEXT,
        "home_page_url": ADDRESS,
        "feed_url": ADDRESS,
        "next_url": ADDRESS,
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "content_html"],
                "additionalProperties": False,
                "properties": {
                    "id": {"type": "string", "pattern": r"^tag:[^,]+,\d{4}:works/\d+$"},
                    "url": ADDRESS,
                    "title": {"type": "string", "minLength": 1},
                    "content_html": TEXT,
                    "date_modified": MOMENT,
                    "date_published": MOMENT,
                    "tags": {"type": "array", "items": TEXT},
                    "authors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["name"],
                            "additionalProperties": False,
                            "properties": {"name": TEXT, "url": ADDRESS},
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture
def ada(bring: Callable[..., object]) -> Author:
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "On engines", abstract="Of engines."),
        fact("2002.00002", ["Ada Lovelace", "Charles Babbage"], "More on engines", created="2020-02-03"),
        fact("2003.00003", ["Mary Somerville"], "On the sciences", categories=["math.HO"]),
    )
    return Author.objects.get(name="Ada Lovelace")


def first() -> Paper:
    return Paper.objects.get(arxiv_id="2001.00001")


def stems(ada: Author) -> dict[str, tuple[str, str]]:
    """By kind, the address of the page, and that of its feeds with {} for the suffix."""
    topic, place = Topic.objects.get(name="Machine Learning"), place_of(first(), "Ockham University")
    return {
        "person": (ada.get_absolute_url(), f"/people/{ada.pk}.{{}}"),
        "topic": (topic.get_absolute_url(), f"/topics/{topic.slug}.{{}}"),
        "institution": (place.get_absolute_url(), f"/institutions/{place.pk}.{{}}"),
        "search": ("/search/?q=engines", "/search.{}?q=engines"),
    }


KINDS = ("person", "topic", "institution", "search")


def atom(address: str) -> Any:
    """The feed as feedparser understands it; as XML it is well formed, which feedparser does not insist on."""
    cache.clear()  # no limit of searches
    response = Client().get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "application/atom+xml; charset=utf-8")
    etree.fromstring(response.content)
    found = feedparser.parse(response.content)
    assert (found.bozo, found.version) == (False, "atom10")
    return found


def document(address: str) -> dict[str, Any]:
    """The JSON Feed, valid."""
    cache.clear()
    response = Client().get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "application/feed+json; charset=utf-8")
    found: dict[str, Any] = json.loads(response.content)
    Draft202012Validator(JSON_FEED, validate_formats=True).validate(found)
    return found


def ids(feed: Any) -> list[str]:
    return [entry.id for entry in feed.entries]


def updated() -> dict[str, str]:
    """When each paper of the feed of everything in Machine Learning says that it changed."""
    return {entry.id: entry.updated for entry in atom("/topics/machine-learning.atom").entries}


# --- both formats ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_both_formats_are_valid_and_say_the_same_in_the_order_of_the_page(client: Client, ada: Author, kind: str):
    page, feed = stems(ada)[kind]
    read, same = atom(feed.format("atom")), document(feed.format("feed.json"))
    html = client.get(page).content.decode()
    shown = [html.index(f'href="{paper.get_absolute_url()}"') for paper in papers_of(read)]
    assert shown == sorted(shown)
    assert len(shown) == (1 if kind == "institution" else 2)
    assert ids(read) == [item["id"] for item in same["items"]]
    assert [entry.title for entry in read.entries] == [item["title"] for item in same["items"]]
    assert [entry.get("summary", "") for entry in read.entries] == [item["content_html"] for item in same["items"]]
    assert [entry.updated for entry in read.entries] == [item["date_modified"] for item in same["items"]]
    assert read.feed.updated == max(entry.updated for entry in read.entries)
    assert read.feed.title == same["title"]
    links = {link["rel"]: link["href"] for link in read.feed.links}
    assert links == {
        "self": f"http://127.0.0.1:8000{feed.format('atom')}",
        "alternate": same["home_page_url"],
    }
    assert same["home_page_url"] == f"http://127.0.0.1:8000{page}"
    assert same["feed_url"] == f"http://127.0.0.1:8000{feed.format('feed.json')}"


def papers_of(feed: Any) -> list[Paper]:
    return [Paper.objects.get(pk=entry.id.rpartition("/")[2]) for entry in feed.entries]


def test_an_entry_says_all_of_a_paper_and_leads_to_why_it_is_there(ada: Author):
    entry = atom(f"/people/{ada.pk}.atom").entries[1]
    paper, charles = first(), Author.objects.get(name="Charles Babbage")
    site = "http://127.0.0.1:8000"
    assert (entry.id, entry.title) == (f"tag:127.0.0.1,2026:works/{paper.pk}", "On engines")
    assert entry.link == f"{site}{paper.get_absolute_url()}"
    assert [(author["name"], author["href"]) for author in entry.authors] == [
        (one.name, f"{site}{one.get_absolute_url()}") for one in (ada, charles)
    ]
    assert [(tag.term, tag.label) for tag in entry.tags] == [("machine-learning", "Machine Learning")]
    assert entry.published == "2020-01-01T00:00:00Z"
    assert datetime.fromisoformat(entry.updated) == paper.changed_at
    why = f"{site}/works/{paper.pk}/attribution/{ada.pk}/"
    assert [link.href for link in entry.links if link.rel == "related"] == [why]
    assert entry.summary == f'<p>Of engines.</p><p><a href="{why}">Why is this here?</a></p>'


def test_a_paper_without_dates_authors_and_abstract_is_an_entry(client: Client, ada: Author):
    first().signatures.all().delete()
    Paper.objects.filter(pk=first().pk).update(created=None, updated=None, abstract="", title="", title_text="")
    last = atom("/topics/machine-learning.atom").entries[-1]
    assert (last.title, "published" in last, last.get("summary", "")) == ("Untitled", False, "")
    assert document("/topics/machine-learning.feed.json")["items"][-1]["title"] == "Untitled"


def test_the_first_version_has_no_day_where_its_day_is_not_known(ada: Author):
    Paper.objects.update(day_known=False)
    assert not any("published" in entry for entry in atom(f"/people/{ada.pk}.atom").entries)


def test_hostile_text_is_text(client: Client, bring: Callable[..., object]):
    bring(fact("2005.00005", ["Ada Lovelace", f"Bob {HOSTILE[:25]}"], f"Engines {HOSTILE}", abstract=HOSTILE))
    Paper.objects.update(title_text=f"Engines {HOSTILE}", abstract=f"{HOSTILE}\ud7ff\ufffe")  # whatever wrote it
    for read in (atom("/topics/machine-learning.atom"), atom("/search.atom?q=engines")):
        raw = read.entries[0].title
        assert "<script>alert(1)</script> ]]>" in raw
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", raw + read.entries[0].summary)
        assert read.entries[0].title_detail.type == "text/plain"
    response = client.get("/topics/machine-learning.atom")
    summary = etree.fromstring(response.content).findtext(f"{ATOM}entry/{ATOM}summary") or ""
    html = etree.HTML(summary)
    assert html.findall(".//script") == []
    assert "<script>alert(1)</script> ]]>" in "".join(html.itertext())
    assert "‮" not in summary  # what turns the direction of the text round ends with no entry
    assert [element.text for element in html.findall(".//sub")] == ["i"]
    item = document("/topics/machine-learning.feed.json")["items"][0]
    assert item["content_html"] == summary


# --- what stays and what moves ---------------------------------------------------------------------------------------


def test_ids_stay_through_a_rename_a_merge_and_a_correction_of_the_title(ada: Author, bring: Callable[..., object]):
    before = ids(atom(f"/people/{ada.pk}.atom"))
    mary = Author.objects.get(name="Mary Somerville")
    curator = with_role("eve")
    changesets.apply(curator, CorrectName(ada.pk, "Augusta Ada King"), "As she signs.")
    changesets.apply(curator, Merge(((ada.pk, mary.pk),)), "One and the same.")
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "On engines, corrected", updated="2021-01-01"),
    )
    gone, heir = (mary, ada) if Author.objects.get(pk=mary.pk).merged_into_id else (ada, mary)
    after = atom(f"/people/{heir.pk}.atom")
    assert set(before) < set(ids(after))
    assert "On engines, corrected" in {entry.title for entry in after.entries}
    assert after.feed.id == f"tag:127.0.0.1,2026:people/{heir.pk}"
    for suffix in FEEDS:
        response = Client().get(f"/people/{gone.pk}.{suffix}")
        assert (response.status_code, response["Location"]) == (301, f"/people/{heir.pk}.{suffix}")


def test_ids_stay_where_the_site_moves_and_its_operator_says_so(ada: Author, settings: Any):
    before = ids(atom(f"/people/{ada.pk}.atom"))
    settings.SITE_URL, settings.ID_HOST = "https://new.example.org", "127.0.0.1"
    assert ids(atom(f"/people/{ada.pk}.atom")) == before
    settings.ID_HOST = ""
    assert ids(atom(f"/people/{ada.pk}.atom")) != before


def moved(do: Callable[[], object]) -> set[str]:
    """The titles of the papers whose entries say that they changed."""
    before = updated()
    do()
    return {Paper.objects.get(pk=key.rpartition("/")[2]).title for key, at in updated().items() if at != before[key]}


def test_a_correction_by_the_source_moves_the_entry_and_the_feed(ada: Author, bring: Callable[..., object]):
    feed = atom("/topics/machine-learning.atom").feed
    again = fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "On engines", abstract="Of other engines.")
    assert moved(lambda: bring(again | {"updated": "2021-01-01"})) == {"On engines"}
    assert atom("/topics/machine-learning.atom").feed.updated > feed.updated


def test_a_name_that_its_owner_changes_on_the_papers_moves_their_entries(ada: Author):
    claim = Claim.objects.create(
        author=ada, account=Account.objects.create_user("ada"), state=Claim.State.HELD, level=3, held_at=NOW
    )
    Author.objects.filter(pk=ada.pk).update(account=claim.account)
    assert moved(lambda: renaming.rename(claim, "Iris Nova", True, NOW)) == {"On engines", "More on engines"}
    entry = atom("/topics/machine-learning.atom").entries[0]
    assert [author["name"] for author in entry.authors] == ["Iris Nova", "Charles Babbage"]
    assert "Lovelace" not in Client().get(f"/people/{ada.pk}.atom").content.decode()


def test_an_attribution_that_a_curator_or_an_owner_corrects_moves_the_entry(ada: Author):
    signature, curator = first().signatures.get(position=0), with_role("eve")
    assert moved(lambda: decisions.decide(curator, signature, ada, same=False)) == {"On engines"}
    assert moved(lambda: decisions.decide(curator, signature, ada, same=True)) == {"On engines"}


def test_what_a_run_of_the_matcher_finds_again_moves_nothing(ada: Author):
    assert moved(lambda: pipeline.rerun(["lovelace", "babbage"], lambda *_: None)) == set()


def test_nothing_in_a_feed_depends_on_when_it_is_asked(client: Client, ada: Author, settings: Any):
    settings.PAGES_KEPT = 0
    for _page, feed in stems(ada).values():
        for suffix in FEEDS:
            cache.clear()
            assert client.get(feed.format(suffix)).content == client.get(feed.format(suffix)).content


def test_an_unchanged_feed_is_not_sent_again(ada: Author):
    feeds = stems(ada)
    commit()
    for _page, feed in feeds.values():
        for suffix in FEEDS:
            cache.clear()
            one = Client().get(feed.format(suffix))
            assert {"public", "no-cache"} == {part.strip() for part in one["Cache-Control"].split(",")}
            again = Client().get(feed.format(suffix), headers={"If-None-Match": one["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert again["ETag"] == one["ETag"]


def test_a_reader_in_a_browser_may_read_it_and_a_search_engine_shows_the_page(client: Client, ada: Author):
    response = client.get(f"/people/{ada.pk}.atom")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "noindex" in response["X-Robots-Tag"]
    assert not response.cookies


# --- pages of a feed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_feed_goes_on_page_by_page_and_leaves_nothing_out(
    ada: Author, bring: Callable[..., object], monkeypatch: pytest.MonkeyPatch, kind: str
):
    names = ["Ada Lovelace", "Charles Babbage"]
    bring(*(fact(f"2101.{n:05}", names, f"More engines {n}", created=f"2021-01-{n:02}") for n in range(1, 6)))
    for paper in Paper.objects.filter(title__contains="engines"):
        place_of(paper, "Ockham University")
    page = stems(ada)[kind][1]
    whole = ids(atom(page.format("atom")))
    monkeypatch.setattr("papers.paging.newest.__kwdefaults__", {"path": "", "size": 2})
    monkeypatch.setattr("papers.searching.addresses.Asked.page.__defaults__", ("", 2))
    for suffix in FEEDS:
        found: list[str] = []
        address = page.format(suffix)
        while address:
            if suffix == "atom":
                read = atom(address)
                found += ids(read)
                own = next(link.href for link in read.feed.links if link.rel == "self")
                following = next((link.href for link in read.feed.links if link.rel == "next"), "")
            else:
                same = document(address)
                found += [item["id"] for item in same["items"]]
                own, following = same["feed_url"], same.get("next_url", "")
            assert own == f"http://127.0.0.1:8000{address}"
            address = following.removeprefix("http://127.0.0.1:8000")
        assert found == whole
    assert len(whole) == 7


# --- of days ---------------------------------------------------------------------------------------------------------


def test_a_day_is_a_feed_in_the_order_of_its_page(client: Client, ada: Author, bring: Callable[..., object]):
    bring(*(fact(f"2101.{n:05}", ["Grace Hopper"], f"Note {n}", created="2020-01-01") for n in range(3)))
    DailyListing.objects.create(paper=first(), day=date(2020, 1, 1), votes=5)
    for query in ("", "?topic=machine-learning"):
        page = client.get(f"/papers/date/2020-01-01/{query}")
        order = [paper.pk for paper, _follows in page.context["rows"]]
        read = atom(f"/papers/date/2020-01-01.atom{query}")
        assert [paper.pk for paper in papers_of(read)] == order
        assert [item["id"] for item in document(f"/papers/date/2020-01-01.feed.json{query}")["items"]] == ids(read)
    assert order[0] == first().pk
    assert read.feed.id == f"tag:127.0.0.1,2026:papers/2020-01-01/{Topic.objects.get(slug='machine-learning').pk}"


def test_the_latest_days_are_one_feed_that_goes_back_day_by_day(
    ada: Author, bring: Callable[..., object], monkeypatch: pytest.MonkeyPatch
):
    bring(*(fact(f"2101.{n:05}", ["Grace Hopper"], f"Note {n}", created=f"2021-01-{n // 2:02}") for n in range(2, 12)))
    monkeypatch.setattr(dailies, "PAGE", 3)
    found: list[str] = []
    address = "/papers.feed.json"
    while address:
        same = document(address)
        assert len(same["items"]) <= 3
        found += [item["id"] for item in same["items"]]
        address = same.get("next_url", "").removeprefix("http://127.0.0.1:8000")
    days = Paper.objects.order_by("-created", "-pk").values_list("pk", flat=True)
    assert [int(key.rpartition("/")[2]) for key in found] == list(days)
    assert atom("/papers.atom").feed.id == "tag:127.0.0.1,2026:papers"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        *((f"/papers/date/{day}.atom", 404) for day in ("2021-02-29", "2020-1-1", "9999-12-31", "x", "0000-00-00")),
        ("/papers/date/2020-01-01.rss/", 404),
        ("/papers/date/2020-01-01.atom?topic=nothing", 404),
        ("/papers/date/2020-01-01.atom?after=x", 400),
        ("/papers.atom?after=x", 400),
        ("/papers.atom?after=2020-01-01~x", 400),
        ("/papers.atom?after=2020-02-30", 400),
        ("/papers/date/1999-01-01.atom", 200),
    ],
)
def test_a_day_that_is_none_has_no_feed(client: Client, ada: Author, address: str, status: int):
    assert client.get(address).status_code == status


def test_days_that_take_too_long_are_no_half_feed(client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch):
    def slow(*_: Any, **__: Any) -> None:
        raise TooSlow("It took too long.")

    monkeypatch.setattr("papers.daily.page", slow)
    for address in ("/papers.atom", "/papers/date/2020-01-01.feed.json"):
        response = client.get(address)
        assert (response.status_code, response["Retry-After"]) == (503, "60")


def test_the_pages_of_days_lead_to_their_feeds(client: Client, ada: Author):
    html = client.get("/papers/date/2020-01-01/?topic=machine-learning").content.decode()
    for address in ("/papers/date/2020-01-01.atom", "/papers.atom", "/papers/date/2020-01-01.feed.json"):
        assert re.search(rf'<link rel="alternate" type="[^"]*" href="{address}\?topic=machine-learning" title=', html)
    assert re.search(r'<a [^>]*href="/papers\.atom\?topic=machine-learning"[^>]*>Feed</a>', html)
    response = client.get("/papers/", headers={"Accept": "application/feed+json"})
    assert (response["Content-Type"], response["Content-Location"]) == (
        "application/feed+json; charset=utf-8",
        "/papers.feed.json",
    )
    response = client.get("/papers/date/2020-01-01/", headers={"Accept": "application/atom+xml"})
    assert response["Content-Location"] == "/papers/date/2020-01-01.atom"


# --- of what trends --------------------------------------------------------------------------------------------------


def test_what_trends_is_a_feed_in_the_order_of_its_page_with_the_sum_of_each(client: Client, ada: Author):
    for votes, paper in enumerate(Paper.objects.order_by("pk"), start=1):
        DailyListing.objects.create(paper=paper, day=date(2020, 1, 1), votes=votes)
    trending.refresh(Paper.objects.values_list("pk", flat=True))
    for query, n in (("", 3), ("?topic=machine-learning", 2)):
        order = [paper.pk for paper in client.get(f"/papers/trending/{query}").context["papers"]]
        read = atom(f"/papers/trending.atom{query}")
        assert [paper.pk for paper in papers_of(read)] == order
        assert len(order) == n
        same = document(f"/papers/trending.feed.json{query}")
        assert [item["id"] for item in same["items"]] == ids(read)
        assert f'/works/{order[0]}/trend/">Why does it trend?</a>' in same["items"][0]["content_html"]
        html = client.get(f"/papers/trending/{query}").content.decode()
        assert f'type="application/atom+xml" href="/papers/trending.atom{query}" title=' in html
        assert re.search(rf'<a [^>]*href="/papers/trending\.atom{re.escape(query)}"[^>]*>Feed</a>', html)
    assert client.get("/papers/trending.atom?topic=nothing").status_code == 404
    assert client.get("/papers/trending.atom?after=nan~1").status_code == 400
    answer = client.get("/papers/trending/", headers={"Accept": "application/atom+xml"})
    assert answer["Content-Location"] == "/papers/trending.atom"


# --- what is asked wrongly, hidden or gone ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "status"),
    [
        *((f"/{page}.rss", 404) for page in ("people/1", "topics/machine-learning", "institutions/1", "search")),
        *((f"/{page}.atom", 404) for page in ("people/987654", "topics/nothing", "institutions/987654", "works/1")),
        *((f"/people/{pk}.atom", 404) for pk in ("-1", "x", "1e3")),
        ("/topics/machine-learning.atom?after=yesterday~1", 400),
        ("/topics/machine-learning.atom?after=2020-13-45~1", 400),
        ("/topics/machine-learning.atom?after=~", 400),
        ("/search.atom", 400),
        ("/search.atom?q=++", 400),
        ("/search.atom?q=engines&after=forged", 400),
        ("/search.atom?q=engines&sort=x", 400),
        ("/search.atom?q=engines&topic=nothing", 400),
        ("/search.atom?q=engines&person=987654", 400),
        ("/search.feed.json?q=engines&from=2020&to=2019", 400),
        ("/search.atom?q=%00%F0%9F%8C%8D%ED%A0%80", 200),
        ("/search.atom?q=the", 200),
        ("/search.atom?q=engines&type=people", 200),
    ],
)
def test_what_is_no_feed_is_said_to_be_none(client: Client, ada: Author, address: str, status: int):
    assert client.get(address).status_code == status


def test_a_cursor_of_one_search_is_none_of_another(client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("papers.searching.addresses.Asked.page.__defaults__", ("", 1))
    following = document("/search.feed.json?q=engines")["next_url"].partition("after=")[2]
    assert client.get(f"/search.atom?q=engines&after={following}").status_code == 200
    assert client.get(f"/search.atom?q=more+engines&after={following}").status_code == 400
    assert client.get(f"/search.atom?q=engines&sort=newest&after={following}").status_code == 400


def test_a_search_that_takes_too_long_is_no_half_feed(client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch):
    def slow(*_: Any, **__: Any) -> None:
        raise TooSlow("It took too long.")

    monkeypatch.setattr("papers.searching.addresses.search", slow)
    response = client.get("/search.atom?q=engines")
    assert (response.status_code, response["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert int(response["Retry-After"]) > 0
    assert response["Cache-Control"] == "no-store"


def test_a_hidden_person_is_the_notice_and_is_linked_from_no_entry(client: Client, ada: Author):
    Author.objects.filter(pk=ada.pk).update(visibility="gone")
    for suffix in FEEDS:
        response = client.get(f"/people/{ada.pk}.{suffix}")
        assert (response.status_code, "ovelace" in response.content.decode()) == (410, False)
    charles = Author.objects.get(name="Charles Babbage")
    for feed in (f"/people/{charles.pk}", "/topics/machine-learning"):
        for suffix in FEEDS:
            assert f"/people/{ada.pk}/" not in client.get(f"{feed}.{suffix}").content.decode()
        first_author = atom(f"{feed}.atom").entries[0].authors[0]
        assert (first_author["name"], "href" in first_author) == ("Ada Lovelace", False)


def test_a_person_without_works_is_gone_and_a_merged_institution_leads_on(client: Client, ada: Author):
    heir = place_of(first(), "Ockham University")
    merged = Institution.objects.create(name="Univ. of Ockham", merged_into=heir)
    response = client.get(f"/institutions/{merged.pk}.feed.json")
    assert (response.status_code, response["Location"]) == (301, f"/institutions/{heir.pk}.feed.json")
    ada.assignments.all().delete()
    Author.objects.filter(pk=ada.pk).update(works_count=0)
    assert {client.get(f"/people/{ada.pk}.{suffix}").status_code for suffix in FEEDS} == {410}


def test_a_claimed_person_without_works_has_an_empty_feed_that_stays_as_it_is(client: Client, ada: Author):
    Author.objects.filter(pk=ada.pk).update(account=Account.objects.create_user("ada"), works_count=0)
    ada.assignments.all().delete()
    read = atom(f"/people/{ada.pk}.atom")
    assert (read.entries, read.feed.updated) == ([], "2020-01-01T00:00:00Z")
    assert document(f"/people/{ada.pk}.feed.json")["items"] == []


# --- how it is found -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_leads_to_its_feeds_in_the_head_and_for_readers(client: Client, ada: Author, kind: str):
    page, feed = stems(ada)[kind]
    html = client.get(page).content.decode()
    for suffix, form in FEEDS.items():
        address = feed.format(suffix)
        assert re.search(
            rf'<link rel="alternate" type="{re.escape(form.media_type)}" href="{re.escape(address)}" title="[^"]+">',
            html,
        )
    assert re.search(rf'<a [^>]*href="{re.escape(feed.format("atom"))}"[^>]*>Feed</a>', html)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_a_feed_for_those_who_ask_for_one(client: Client, ada: Author, kind: str):
    page, feed = stems(ada)[kind]
    for suffix, form in FEEDS.items():
        response = client.get(page, headers={"Accept": f"{form.media_type}, text/html;q=0.5"})
        assert response["Content-Type"].startswith(form.media_type)
        assert response["Content-Location"] == feed.format(suffix)
        assert "Accept" in response["Vary"]
        assert response.content == client.get(feed.format(suffix)).content


def test_a_paper_is_no_feed(client: Client, ada: Author):
    response = client.get(first().get_absolute_url(), headers={"Accept": "application/atom+xml, text/html;q=0.5"})
    assert response["Content-Type"].startswith("text/html")
    assert "application/atom+xml" not in response.content.decode()


def test_a_feed_costs_the_same_however_much_it_holds(
    ada: Author, bring: Callable[..., object], django_assert_max_num_queries: Any, settings: Any
):
    settings.PAGES_KEPT = 0
    bring(*(fact(f"2101.{n:05}", ["Ada Lovelace", f"Other Name{n}"], f"More engines {n}") for n in range(1, 30)))
    with django_assert_max_num_queries(9):
        assert len(atom(f"/people/{ada.pk}.atom").entries) == PAGE
