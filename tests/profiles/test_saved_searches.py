"""Saved searches: one question with one answer on its page, in its feed and by mail; and its owner."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import feedparser
import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Page as Browsed
from playwright.sync_api import expect

from papers import limits
from papers.bounded import TooSlow
from papers.models import Topic
from profiles import asking, changesets
from profiles.models import Account, Author, Subscription
from profiles.proposals import Merge
from profiles.subscriptions import searches, subscribing
from tests.conftest import fact, logged_in, with_role
from tests.looking import look
from tests.test_browser import browser, open_page, site
from tests.walking import with_address

__all__ = ["browser", "open_page", "site"]

pytestmark = pytest.mark.django_db

ADA = ["Ada Lovelace", "Charles Babbage"]


@pytest.fixture
def library(bring: Callable[..., Any]) -> None:
    bring(
        fact("2001.00001", ADA, "Graph networks for molecules", abstract="Networks read graphs."),
        fact("2002.00002", ["Mary Somerville"], "A survey of graph networks", created="2021-01-01"),
        fact("2003.00003", ADA, "Networks of whales", created="2019-09-01", categories=["math.CO"]),
        fact("2004.00004", ["Mary Somerville"], "On whales and graphs", created="2020-05-05", categories=["math.CO"]),
    )


@pytest.fixture
def reader(client: Client, db: None) -> Account:
    account = with_address("reader")
    client.force_login(account)
    return account


def more(bring: Callable[..., Any], n: int, title: str = "Newer graph networks") -> None:
    bring(*(fact(f"2101.{one:05}", ["Grace Hopper"], f"{title} {one}", created="2022-01-01") for one in range(n)))


def save(account: Account, address: str = "q=graph+networks", name: str = "", frequency: str = "never") -> Subscription:
    return searches.save(account, address, name, frequency)


def shown(client: Client) -> str:
    response = client.get("/searches/")
    assert response.status_code == 200
    return response.content.decode()


# --- one question, one answer ----------------------------------------------------------------------------------------

QUESTIONS = [
    "q=graph+networks",
    "q=networks",
    "q=%22graph+networks%22+-survey",
    "q=++graph%0A++networks+",
    "q=graph&sort=newest",
    "q=graph&sort=oldest",
    "q=networks&from=2020",
    "q=networks&to=2020&sort=newest",
    "q=graph&topic=machine-learning",
    "q=whales&topic=combinatorics&sort=newest",
    "q=networks&person={ada}",
    "q=networks&person={ada}&from=2020&to=2021&sort=oldest",
    "sort=newest&q=graph&from=+2019+&topic=&person=&type=",
    "q=graph&q=networks&sort=x&sort=newest",
    "q=gr%C3%A1ph+networks",
    "q=nothing+at+all+like+it",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_page_feed_export_and_mail_have_one_order(client: Client, library: None, reader: Account, question: str):
    ada = Author.objects.get(name="Ada Lovelace")
    address = question.format(ada=ada.pk)
    page = client.get(f"/search/?{address}")
    on_page = [why.paper.pk for why in page.context["papers"]]
    cache.clear()
    read = feedparser.parse(Client().get(f"/search.atom?{address}").content)
    in_feed = [int(entry.id.rpartition("/")[2]) for entry in read.entries]
    exported: Any = Client().get(f"/search.bib?{address}")
    in_export = [
        int(pk) for pk in re.findall(r"^@\w+{\w*?w(\d+),", b"".join(exported.streaming_content).decode(), re.MULTILINE)
    ]
    by_mail = [hit.paper.pk for hit in asking.asked(save(reader, address).query).page().hits]
    assert on_page == in_feed == in_export == by_mail
    assert bool(on_page) == ("nothing" not in question)


def test_the_whole_order_is_one_over_all_pages(client: Client, library: None, bring: Any, reader: Account):
    more(bring, 45)
    question = asking.asked(save(reader).query)
    for sort in ("relevance", "newest", "oldest"):
        address, seen, fed = f"q=graph+networks&sort={sort}", [], []
        page, feed = f"/search/?{address}", f"/search.atom?{address}"
        while page or feed:
            cache.clear()
            if page:
                response = client.get(page)
                seen += [why.paper.pk for why in response.context["papers"]]
                page = response.context.get("following", "")
            if feed:
                read = feedparser.parse(Client().get(feed).content)
                fed += [int(entry.id.rpartition("/")[2]) for entry in read.entries]
                feed = next((one.href for one in read.feed.links if one.rel == "next"), "")
                feed = feed.removeprefix("http://127.0.0.1:8000")
        mailed = [hit.paper.pk for hit in asking.asked(address).page(size=100).hits]
        assert seen == fed == mailed
        assert len(seen) > 40
    assert question.canonical == "q=graph+networks"


@pytest.mark.parametrize("address", ["q=graph&from=2019.0", "q=graph&person=%2B1", "q=graph&to=99999999999999999999"])
def test_what_one_reader_of_addresses_would_read_and_another_not_is_refused(
    client: Client, library: None, address: str
):
    for place in ("/search/", "/search.atom", "/search.bib"):
        assert client.get(f"{place}?{address}").status_code == 400


def test_who_was_merged_is_the_heir_wherever_it_is_asked(client: Client, library: None, reader: Account):
    ada, mary = Author.objects.get(name="Ada Lovelace"), Author.objects.get(name="Mary Somerville")
    row = save(reader, f"q=networks&person={ada.pk}")
    changesets.apply(with_role("eve"), Merge(((ada.pk, mary.pk),)), "One and the same.")
    gone, heir = (mary, ada) if Author.objects.get(pk=mary.pk).merged_into_id else (ada, mary)
    for pk in (gone.pk, heir.pk):
        page = client.get(f"/search/?q=networks&person={pk}")
        assert (page.status_code, len(page.context["papers"])) == (200, 3)
        assert f"/search.atom?q=networks&amp;person={heir.pk}" in page.content.decode()
        cache.clear()
    assert len(feedparser.parse(Client().get(f"/search.atom?q=networks&person={gone.pk}").content).entries) == 3
    assert len(asking.asked(row.query).page().hits) == 3
    assert f"person={heir.pk}" in shown(client)


# --- saving ----------------------------------------------------------------------------------------------------------


def test_a_search_is_saved_from_its_page_and_listed(client: Client, library: None, reader: Account):
    html = client.get("/search/?sort=newest&q=graph++networks&type=papers").content.decode()
    [address] = re.findall(r'name="search" value="([^"]*)"', html)
    given = {"search": address.replace("&amp;", "&"), "name": "Nets & <b>graphs</b>", "frequency": "weekly"}
    response = client.post("/searches/", given, follow=True)
    html = response.content.decode()
    assert "Saved: Nets &amp; &lt;b&gt;graphs&lt;/b&gt;." in html
    row = Subscription.objects.get()
    assert (row.kind, row.query, row.frequency) == ("search", "q=graph+networks&sort=newest", "weekly")
    assert (row.name, row.seen, row.newest) == ("Nets & <b>graphs</b>", *[subscribing.newest_paper()] * 2)
    assert '<a href="/search/?q=graph+networks&amp;sort=newest">Nets &amp; &lt;b&gt;graphs&lt;/b&gt;</a>' in html
    assert "/search.atom?q=graph+networks&amp;sort=newest" in html
    assert "Every week" in html


def test_saving_again_changes_the_name_and_the_frequency_and_makes_no_second(
    client: Client, library: None, reader: Account, bring: Any
):
    save(reader, name="One")
    more(bring, 2)
    save(reader, "q=++graph++networks&topic=", "Two", "daily")
    row = Subscription.objects.get()
    assert (row.name, row.frequency) == ("Two", "daily")
    assert "at least 2 new papers" in shown(client)  # to save is not to look
    assert "Saved among your searches" in client.get("/search/?q=graph+networks").content.decode()


def test_a_visitor_gets_the_feed_and_mail_and_no_form(client: Client, library: None):
    html = client.get("/search/?q=graph").content.decode()
    assert "/search.atom?q=graph" in html
    assert "/subscribe/?kind=search&amp;query=q%3Dgraph" in html
    assert "Save this search" not in html
    assert client.get("/searches/")["Location"].startswith("/accounts/login/")
    assert client.post("/searches/", {"search": "q=graph"}).status_code == 302
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"search": "", "frequency": "never"}, "no words"),
        ({"search": "q=+%00+", "frequency": "never"}, "no words"),
        ({"search": "q=graph&topic=nothing", "frequency": "never"}, "no such topic"),
        ({"search": "q=graph&person=987654", "frequency": "never"}, "no such person"),
        ({"search": f"q={'graph+' * 2_000}", "frequency": "never"}, "too long"),
        ({"search": "q=graph", "frequency": "hourly"}, "how often"),
        ({"search": "q=graph", "frequency": ""}, "how often"),
        ({"search": "q=graph", "frequency": "never", "name": "x" * 201}, "200"),
    ],
)
def test_what_cannot_be_saved_is_a_sentence(
    client: Client, library: None, reader: Account, given: dict[str, str], said: str
):
    html = client.post("/searches/", given, follow=True).content.decode()
    assert said in html
    assert not Subscription.objects.exists()


def test_an_account_without_a_confirmed_address_is_told_so(client: Client, library: None):
    client.force_login(Account.objects.create_user("nobody"))
    html = client.post("/searches/", {"search": "q=graph", "frequency": "never"}, follow=True).content.decode()
    assert "Confirm an e-mail address" in html
    assert not Subscription.objects.exists()


def test_there_is_a_most(library: None, reader: Account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(searches, "MOST", 2)
    for query in ("q=graph", "q=whales"):
        save(reader, query)
    with pytest.raises(ValidationError, match="at most 2"):
        save(reader, "q=networks")
    save(reader, "q=whales", "Whales")  # which is there
    row = Subscription.objects.get(name="Whales")
    subscribing.end(row, row.made_at)
    save(reader, "q=networks")


def test_who_saves_too_often_waits(client: Client, library: None, reader: Account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(limits.LIMITS, "save_search", (limits.Limit(1, 60),))
    codes = [client.post("/searches/", {"search": "q=graph", "frequency": "never"}).status_code for _ in range(2)]
    assert codes == [302, 429]
    assert client.get("/searches/").status_code == 200


# --- what is new -----------------------------------------------------------------------------------------------------


def test_new_is_what_came_in_since_it_was_opened_and_has_all_words(
    client: Client, library: None, reader: Account, bring: Any
):
    row = save(reader)
    assert "No new paper" in shown(client)
    more(bring, 3)
    more_about = fact("2201.00001", ["Grace Hopper"], "Networks without the other word")
    bring(more_about)
    assert "at least 3 new papers" in shown(client)
    response = client.post(f"/searches/{row.pk}/open/")
    assert (response.status_code, response["Location"]) == (302, "/search/?q=graph+networks")
    assert "No new paper" in shown(client)


def test_looking_changes_nothing(client: Client, library: None, reader: Account, bring: Any):
    row = save(reader)
    more(bring, 1)
    for address in ("/search/?q=graph+networks", "/search.atom?q=graph+networks", "/searches/", "/searches/"):
        client.get(address)
    assert client.get(f"/searches/{row.pk}/open/").status_code == 405
    assert "at least 1 new paper" in shown(client)


def test_new_papers_pass_the_filters_of_the_search(client: Client, library: None, reader: Account, bring: Any):
    save(reader, "q=graph&to=2020")
    save(reader, "q=graph&topic=combinatorics")
    more(bring, 2)
    assert "new paper<" not in shown(client).replace("new papers", "new paper")


def test_so_many_are_not_counted(client: Client, library: None, reader: Account, bring: Any, monkeypatch: Any):
    monkeypatch.setattr(searches, "NEW_MOST", 2)
    save(reader)
    more(bring, 3)
    assert "2 new and more" in shown(client)


def test_a_count_that_takes_too_long_is_the_last_and_the_page_is_there(
    client: Client, library: None, reader: Account, bring: Any, monkeypatch: pytest.MonkeyPatch
):
    for query in ("q=graph", "q=networks", "q=newer"):
        save(reader, query)
    more(bring, 1)
    asked: list[str] = []

    def slow(query: str, *_: Any) -> int:
        asked.append(query)
        raise TooSlow("for a test")

    monkeypatch.setattr("papers.searching.newer", slow)
    assert shown(client).count("took too long") == 3
    assert asked == ["newer"]


def test_a_topic_or_a_person_that_is_gone_is_a_sentence(client: Client, library: None, reader: Account):
    ada, topic = Author.objects.get(name="Ada Lovelace"), Topic.objects.get(slug="combinatorics")
    save(reader, f"q=networks&person={ada.pk}")
    save(reader, "q=whales&topic=combinatorics")
    Author.objects.filter(pk=ada.pk).update(visibility="gone")
    topic.delete()
    html = shown(client)
    assert "The topic that narrows this search is no longer here" in html
    assert "The person who narrows this search is no longer shown here" in html
    assert "Lovelace" not in html


def test_many_papers_cost_as_many_queries_as_few(client: Client, library: None, reader: Account, bring: Any):
    save(reader)
    more(bring, 1)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            shown(client)
        return len(queries)

    shown(client)  # the first request of a session costs more
    few = cost()
    more(bring, 30)
    assert cost() == few


def test_the_list_pages_by_key(client: Client, library: None, reader: Account, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(searches, "SHOWN", 2)
    names = [save(reader, f"q=graph+{n}", f"Search {n}").name for n in range(5)]
    seen: list[str] = []
    address = "/searches/"
    while address:
        response = client.get(address)
        seen += [one.name for one in response.context["searches"]]
        following = response.context["following"]
        address = f"/searches/?after={following}" if following else ""
    assert seen == names[::-1]
    assert client.get("/searches/?after=x").status_code == 400


# --- changing, and whose it is ---------------------------------------------------------------------------------------


def test_it_is_renamed_gets_another_frequency_and_is_deleted(client: Client, library: None, reader: Account):
    row = save(reader, name="Old")
    client.post(f"/searches/{row.pk}/", {"name": "  New\n name ", "frequency": "daily"})
    row.refresh_from_db()
    assert (row.name, row.frequency) == ("New name", "daily")
    client.post(f"/searches/{row.pk}/", {"name": "x" * 300, "frequency": "weekly"})
    client.post(f"/searches/{row.pk}/", {"name": "Other", "frequency": "hourly"})
    row.refresh_from_db()
    assert (row.name, row.frequency) == ("New name", "daily")
    client.post(f"/searches/{row.pk}/", {"name": "", "frequency": "never"})
    assert ">graph networks</a>" in shown(client)
    for _twice in range(2):
        assert "Deleted." in client.post(f"/searches/{row.pk}/delete/", follow=True).content.decode()
    row.refresh_from_db()
    assert row.ended_at
    assert "You have saved no search yet" in shown(client)


def test_another_account_sees_and_changes_nothing(client: Client, library: None, reader: Account):
    row = save(reader, name="Mine alone")
    client.force_login(with_address("other"))
    assert "Mine alone" not in shown(client)
    assert client.post(f"/searches/{row.pk}/", {"name": "Taken", "frequency": "daily"}).status_code == 404
    assert client.post(f"/searches/{row.pk}/open/").status_code == 404
    client.post(f"/searches/{row.pk}/delete/")
    row.refresh_from_db()
    assert (row.name, row.frequency, row.ended_at) == ("Mine alone", "never", None)


def test_a_subscription_to_something_else_is_no_saved_search(client: Client, library: None, reader: Account):
    row = subscribing.for_account(reader, "trending", "daily")
    assert "You have saved no search yet" in shown(client)
    for do in ("", "open/"):
        assert client.post(f"/searches/{row.pk}/{do}", {"frequency": "weekly"}).status_code == 404


# --- in a browser ----------------------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_reader_saves_a_search_opens_it_and_deletes_it(open_page: Callable[..., Browsed], site: str, bring: Any):
    page = open_page("/")
    logged_in(page, site, with_address("reader"))
    page.goto(f"{site}/search/?q=neural+networks")
    page.get_by_text("Save this search").click()
    page.locator("#save-name").fill("Nets")
    look(page, "search-save")
    page.locator(".search-keep").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved: Nets.")).to_be_visible()
    more(bring, 2, "Newer neural networks")
    page.reload()
    expect(page.get_by_text("at least 2 new papers")).to_be_visible()
    page.get_by_text("Change").first.click()
    look(page, "searches")
    page.locator(".saved").get_by_role("button", name="Open").click()
    expect(page).to_have_url(f"{site}/search/?q=neural+networks")
    page.goto(f"{site}/searches/")
    expect(page.get_by_text("No new paper has all its words.")).to_be_visible()
    page.get_by_text("Change").first.click()
    page.get_by_role("button", name="Delete this search").click()
    expect(page.get_by_text("You have saved no search yet.")).to_be_visible()
    look(page, "searches-none")
