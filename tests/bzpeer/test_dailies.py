"""The pages of a day, a week and a month: what a row says, where one can go, and what is refused in a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bzpeer import caching, dailies
from papers import daily
from papers.bounded import TooSlow
from papers.models import DailyListing, Paper
from profiles.models import Account, AlertSettings, Assignment, Author, Doubt, Follow, NameWatch, TopicFollow, Trend
from tests.conftest import fact

pytestmark = pytest.mark.django_db

DAY = "/papers/date/2025-12-15/"
TOMORROW = timezone.localdate() + timedelta(days=1)


def paper(number: int, title: str, day: str = "2025-12-15", authors: tuple[str, ...] = ("Ada Lovelace",), **more: Any):
    return fact(f"2512.{number:05}", [*authors], title, created=day, **more)


@pytest.fixture
def two(bring: Callable[..., object]) -> None:
    """Two papers of a day of the year before, and one each of an earlier and a later day."""
    bring(
        paper(1, "On engines", abstract="Of engines, at length. " * 90, categories=["cs.LG", "math.CO"]),
        paper(2, "On looms", authors=("Mary Somerville", "Ann Aard")),
        paper(3, "Before", day="2025-12-01"),
        paper(4, "After", day="2025-12-31"),
    )


def shown(client: Client, address: str = DAY, **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


def titles(html: str) -> list[str]:
    return re.findall(r'<h3><a href="/works/[^>]*>(.*?)</a>', html)


def words(html: str) -> str:
    """What is read, each run of white space one space."""
    return " ".join(re.sub(r"<[^>]*>", "", html).split())


# --- a page ----------------------------------------------------------------------------------------------------------


def test_a_day_shows_title_byline_whole_abstract_authors_date_and_topics(client: Client, two: None):
    html = shown(client)
    assert titles(html) == ["On looms", "On engines"]
    assert "at length. " * 1 + "Of engines, at length.</p>" in html
    assert html.count("Of engines, at length.") == 90
    read = words(html)
    assert "Mary Somerville, Ann Aard 2 authors · Dec. 15, 2025".replace(" ·", "") in read.replace(" ·", "")
    assert "1 author Dec. 15, 2025" in read
    assert 'href="/topics/machine-learning/"' in html
    assert Author.objects.get(name="Ann Aard").get_absolute_url() in html


def test_it_leads_to_the_nearest_days_with_papers_and_to_week_and_month(client: Client, two: None):
    html = shown(client)
    assert re.search(r'<a class="action" rel="prev" href="/papers/date/2025-12-01/">', html)
    assert re.search(r'<a class="action" rel="next" href="/papers/date/2025-12-31/">', html)
    assert 'href="/papers/week/2025-W51/"' in html
    assert 'href="/papers/month/2025-12/"' in html


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("/papers/week/2025-W51/", ["On looms", "On engines"]),
        ("/papers/week/2026-W01/", ["After"]),
        ("/papers/month/2025-12/", ["After", "Before", "On looms", "On engines"]),
    ],
)
def test_a_week_and_a_month_show_theirs(client: Client, two: None, address: str, found: list[str]):
    assert titles(shown(client, address)) == found


def test_a_month_leads_to_its_days(client: Client, two: None):
    html = shown(client, "/papers/month/2025-12/")
    for day in ("2025-12-01", "2025-12-15", "2025-12-31"):
        assert f'<a href="/papers/date/{day}/">' in html


def test_without_a_date_it_is_the_last_day_that_has_papers(client: Client, two: None):
    html = shown(client, "/papers/")
    assert titles(html) == ["After"]
    assert re.search(r'<link rel="canonical" href="https?://[^"]*/papers/date/2025-12-31/">', html)


def test_of_a_topic_it_is_the_last_day_that_has_some(client: Client, two: None):
    assert titles(shown(client, "/papers/?topic=combinatorics")) == ["On engines"]


def test_without_papers_it_says_so(client: Client):
    assert "No paper of this day is known here." in shown(client, "/papers/")


def test_a_day_without_papers_says_so_between_its_neighbours(client: Client, two: None):
    html = shown(client, "/papers/date/2025-12-10/")
    assert "No paper of this day is known here." in html
    assert "/papers/date/2025-12-01/" in html
    assert "/papers/date/2025-12-15/" in html
    assert "noindex" in html


def test_a_topic_narrows_and_its_links_have_counts(client: Client, two: None):
    html = shown(client)
    assert "Machine Learning 2" in words(html)
    assert "Combinatorics 1" in words(html)
    address = f"{DAY}?topic=combinatorics"
    assert f'href="{address}"' in html
    html = shown(client, address)
    assert titles(html) == ["On engines"]
    assert "1 paper on Combinatorics" in html
    assert "Show all 2 papers of all topics" in html
    assert "There are no earlier papers." in html


def test_it_leads_to_mail_about_what_it_shows(client: Client, two: None):
    assert "Get trending papers in your email inbox!" in shown(client)
    assert re.search(r'href="/subscribe/\?kind=trending" rel="nofollow">Subscribe<', shown(client))
    narrowed = shown(client, f"{DAY}?topic=combinatorics")
    assert 'href="/subscribe/?kind=topic&amp;topic=combinatorics"' in narrowed
    for address in re.findall(r'href="(/subscribe/[^"]*)"', narrowed):
        assert client.get(address.replace("&amp;", "&")).status_code == 200


def test_the_form_leads_to_a_day_and_keeps_the_topic(client: Client, two: None):
    assert client.get("/papers/", {"date": " 2025-12-15 "})["Location"] == DAY
    asked = {"date": "2025-12-15", "topic": "combinatorics"}
    assert client.get("/papers/", asked)["Location"] == f"{DAY}?topic=combinatorics"


def test_pages_follow_each_other_whole_and_in_place(client: Client, bring: Any, monkeypatch: pytest.MonkeyPatch):
    bring(*(paper(n, f"Note {n}", categories=["cs.LG"]) for n in range(1, 8)))
    monkeypatch.setattr(dailies.listed, "__defaults__", (None, "", 3))
    for headers in ({}, {"HX-Request": "true"}):
        address, found = f"{DAY}?topic=machine-learning", []
        while address:
            html = shown(client, address, **headers)
            assert ("<html" in html) is (not headers)
            found += titles(html)
            more = re.search(r'href="([^"]*after=[^"]*)" rel="next" hx-get', html)
            address = more[1].replace("&amp;", "&") if more else ""
        assert found == [f"Note {n}" for n in range(7, 0, -1)]


def test_a_page_beyond_the_last_leads_back(client: Client, two: None):
    assert f'<a href="{DAY}">Go back to the first ones.</a>' in shown(client, f"{DAY}?after=0~1")


# --- a row -----------------------------------------------------------------------------------------------------------


def test_votes_and_comments_here_and_those_of_the_source_are_said_apart(client: Client, two: None):
    engines = Paper.objects.get(arxiv_id="2512.00001")
    DailyListing.objects.create(paper=engines, day="2025-12-15", votes=27, comments=1)
    assert titles(shown(client)) == ["On engines", "On looms"]
    Trend.objects.create(paper=Paper.objects.get(arxiv_id="2512.00002"), likes=1_000, comments=1, reviews=2)
    html = shown(client)
    assert titles(html) == ["On looms", "On engines"]
    assert "1,000 likes 1 comment 2 reviews" in words(html)
    assert "27 votes on the source’s list 1 comment on the source’s list" in words(html)


def test_nothing_is_said_of_what_a_record_does_not_state(client: Client):
    bare = Paper.objects.create(title="Bare", title_text="Bare", fingerprint="f", source="daily")
    DailyListing.objects.create(paper=bare, day="2025-12-15")
    html = shown(client)
    assert titles(html) == ["Bare"]
    row = html[html.index('<article class="paper">') : html.index("</article>")]
    assert "author" not in row
    assert "paper__facts" not in row
    assert "None" not in row


def test_a_paper_that_a_list_names_on_two_days_is_one_row_of_each_and_of_the_week(client: Client, bring: Any):
    item = b'{"date": "2025-12-%d", "id": "2512.14906", "title": "Met twice", "upvotes": %d, "num_comments": 0}'
    bring(item % (16, 3), item % (17, 8), source="daily")
    for address in ("/papers/date/2025-12-16/", "/papers/date/2025-12-17/", "/papers/week/2025-W51/"):
        assert titles(shown(client, address)) == ["Met twice"]
    assert "8 votes" in shown(client, "/papers/week/2025-W51/")


def test_hostile_records_are_shown_as_text(client: Client, bring: Any):
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    bring(paper(1, attack, authors=("Ada Lovelace", attack), abstract=f"{attack} \\url{{javascript:alert(1)}}"))
    for address in (DAY, "/"):
        html = shown(client, address)
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert 'href="javascript:' not in html


# --- what its reader follows -----------------------------------------------------------------------------------------


@pytest.fixture
def reader(client: Client) -> Account:
    account = Account.objects.create_user("reader")
    client.force_login(account)
    return account


def marked(client: Client) -> list[str]:
    return [words(mark) for mark in re.findall(r'<ul class="paper__marks.*?</ul>', shown(client), re.DOTALL)]


def test_what_the_reader_follows_is_marked_with_the_reason(client: Client, two: None, reader: Account):
    assert marked(client) == []
    TopicFollow.objects.create(
        account=reader, topic=Paper.objects.get(arxiv_id="2512.00001").topics.get(slug="combinatorics")
    )
    Follow.objects.create(account=reader, author=Author.objects.get(name="Ada Lovelace"))
    assert marked(client) == ["You follow Ada Lovelace You follow Combinatorics"]


def test_nobody_else_sees_it(client: Client, two: None, reader: Account):
    Follow.objects.create(account=reader, author=Author.objects.get(name="Ada Lovelace"))
    assert len(marked(client)) == 1
    assert marked(Client()) == []
    client.force_login(Account.objects.create_user("other"))
    assert marked(client) == []


def test_whoever_followed_somebody_who_was_merged_follows_the_heir(client: Client, two: None, reader: Account):
    was = Author.objects.create(name="A. Lovelace", merged_into=Author.objects.get(name="Ada Lovelace"))
    Follow.objects.create(account=reader, author=was)
    assert marked(client) == ["You follow Ada Lovelace"]


def test_what_may_be_somebody_elses_is_marked_so_and_what_is_doubted_is_not(client: Client, two: None, reader: Account):
    ada = Author.objects.get(name="Ada Lovelace")
    Follow.objects.create(account=reader, author=ada)
    given = Assignment.objects.filter(author=ada, signature__paper__arxiv_id="2512.00001")
    given.update(state="weak", probability=0.6)
    assert marked(client) == ["You follow Ada Lovelace, whose it may be"]
    AlertSettings.objects.create(account=reader, least=0.5)
    assert marked(client) == ["You follow Ada Lovelace"]
    Doubt.objects.create(account=reader, signature=given.get().signature, author=ada, made_at=timezone.now())
    assert marked(client) == []


def test_a_hidden_person_is_no_reason(client: Client, two: None, reader: Account):
    ada = Author.objects.get(name="Ada Lovelace")
    Follow.objects.create(account=reader, author=ada)
    Author.objects.filter(pk=ada.pk).update(visibility="notice")
    assert marked(client) == []


def test_a_watched_name_is_marked_where_it_was_told_of(client: Client, bring: Any, reader: Account):
    NameWatch.objects.create(account=reader, name="Zora Quill", surname_key="quill")
    bring(paper(1, "On quills", authors=("Zora Quill",)))
    assert marked(client) == ["You watch the name “Zora Quill”"]


# --- what is refused -------------------------------------------------------------------------------------------------

UNREAL = {
    "date": ["2025-02-29", "2025-13-01", "2025-00-01", "0000-01-01", "10000-01-01", "20251215", "2025-12-15x", "-1"],
    "week": ["2025-W00", "2025-W53", "2025-W54", "0000-W01", "9999-W53", "10000-W01", "2025-51", "2025-w51", "x"],
    "month": ["2025-00", "2025-13", "0000-12", "10000-01", "2025-1", "x"],
}
NON_ASCII = ["٢٠٢٥-١٢-١٥", "２０２５-１２-１５", "²025-12-15", "%00", "2025-12-15%0a", "%f0%9f%8c%8d", "%ff"]
FUTURE = [
    f"/papers/date/{TOMORROW}/",
    "/papers/date/9999-12-31/",
    "/papers/week/9998-W52/",
    "/papers/week/9999-W52/",
    "/papers/month/9999-12/",
]


@pytest.mark.parametrize(
    "address",
    [
        *(f"/papers/{kind}/{name}/" for kind, names in UNREAL.items() for name in names),
        *(f"/papers/{kind}/{name}/" for kind in UNREAL for name in NON_ASCII),
        f"/papers/date/{'9' * 5_000}/",
        *FUTURE,
    ],
)
def test_what_is_no_time_or_has_not_come_is_not_found_and_leads_to_papers(client: Client, two: None, address: str):
    answer = client.get(address)
    html = answer.content.decode()
    assert answer.status_code == 404
    assert re.search("There is no such (day|week|month)|This lies in the future", html)
    assert re.search(r'<a href="/papers/date/2025-12-(15|31|01)/">The nearest day with papers', html)


def test_a_day_that_its_month_does_not_have_leads_near_that_month(client: Client, bring: Any):
    bring(paper(1, "Then", day="2025-02-10"), paper(2, "Much later", day="2025-12-31"))
    assert "/papers/date/2025-02-10/" in client.get("/papers/date/2025-02-30/").content.decode()


@pytest.mark.parametrize("typed", ["", "x", "15.12.2025", "2025-02-30", "9" * 5_000, "\x00", "<b>", str(TOMORROW)])
def test_what_the_form_cannot_read_comes_back_as_a_sentence(client: Client, two: None, typed: str):
    answer = client.get("/papers/", {"date": typed})
    assert answer.status_code == 400
    assert "The nearest day with papers is" in answer.content.decode()
    assert "<b>" not in answer.content.decode()


@pytest.mark.parametrize("topic", ["nothing", "\x00", "x" * 5_000, "Машинное", "machine-learning'--", " "])
def test_a_topic_that_there_is_not_is_not_found(client: Client, two: None, topic: str):
    for address in ("/papers/", DAY):
        assert client.get(address, {"topic": topic}).status_code == 404


@pytest.mark.parametrize("cursor", ["x", "1~", "~1", "1~x", "-1~1", "9" * 40, "\x00", "١~١"])
def test_a_page_address_that_was_not_made_here_is_refused(client: Client, two: None, cursor: str):
    assert client.get(DAY, {"after": cursor}).status_code == 400


def test_what_takes_too_long_is_said(client: Client, two: None, monkeypatch: pytest.MonkeyPatch):
    def slow(*_: object) -> None:
        raise TooSlow

    monkeypatch.setattr(daily, "page", slow)
    answer = client.get("/papers/month/2025-12/")
    assert answer.status_code == 503
    assert "Look at a shorter time." in answer.content.decode()


def test_before_the_first_paper_there_is_a_way_on(client: Client, two: None):
    html = shown(client, "/papers/date/0001-01-01/")
    assert "There are no earlier papers." in html
    assert "/papers/date/2025-12-01/" in html


# --- what it costs, and how long it holds ----------------------------------------------------------------------------


def queries(client: Client, address: str) -> int:
    shown(client, address)  # a session that is new is written down
    caching.raise_generation()
    with CaptureQueriesContext(connection) as captured:
        shown(client, address)
    return len(captured)


@pytest.mark.parametrize("kind", ["date/2025-12-15", "week/2025-W51", "month/2025-12"])
@pytest.mark.parametrize("signed_in", [False, True])
def test_a_page_costs_as_many_queries_in_a_large_database_as_in_a_small_one(
    client: Client, bring: Any, kind: str, signed_in: bool
):
    def more(first: int, papers: int, team: int) -> None:
        names = [f"Friend {chr(97 + n) * 4}" for n in range(team)]
        bring(
            *(
                paper(n, f"Note {n}", f"2025-12-{10 + n % 9}", ("Ada Lovelace", *names), categories=["cs.LG", "math"])
                for n in range(first, first + papers)
            )
        )
        for each in Paper.objects.filter(trend=None):
            Trend.objects.create(paper=each, likes=each.pk % 3)
            DailyListing.objects.create(paper=each, day="2025-12-15", votes=each.pk % 5)

    address = f"/papers/{kind}/"
    more(1, 4, 2)
    if signed_in:
        account = Account.objects.create_user("reader")
        client.force_login(account)
        Follow.objects.create(account=account, author=Author.objects.get(name="Ada Lovelace"))
    small = queries(client, address)
    more(100, 70, 9)
    assert queries(client, address) == small <= (34 if signed_in else 19)


def test_a_new_paper_and_a_new_vote_are_seen_at_once_by_visitors(two: None, bring: Any):
    def commit() -> None:
        while connection.run_on_commit:
            connection.run_on_commit.pop(0)[1]()

    addresses = (DAY, "/papers/week/2025-W51/", "/papers/month/2025-12/")
    commit()
    for address in (*addresses, "/papers/"):
        shown(Client(), address)
    Trend.objects.create(paper=Paper.objects.get(arxiv_id="2512.00001"), likes=7)
    commit()
    for address in addresses:
        assert titles(shown(Client(), address))[0] == "On engines"
        assert "7 likes" in shown(Client(), address)
    bring(paper(9, "Newest of all", day="2026-01-05"), paper(8, "Late news"))
    commit()
    for address in addresses:
        assert "Late news" in titles(shown(Client(), address))
    assert titles(shown(Client(), "/papers/")) == ["Newest of all"]


def test_a_kept_page_costs_no_query(two: None, django_assert_num_queries: Any):
    while connection.run_on_commit:
        connection.run_on_commit.pop(0)[1]()
    first = shown(Client())
    with django_assert_num_queries(0):
        assert shown(Client()) == first


# --- from elsewhere --------------------------------------------------------------------------------------------------


def test_the_home_page_shows_the_last_day_and_the_newest_papers_each_once(client: Client, two: None):
    html = shown(client, "/")
    assert titles(html) == ["After", "On looms", "On engines", "Before"]
    assert "/papers/date/2025-12-31/" in html
    assert re.search(r'<a href="/papers/">\s*Papers', html)


def test_the_home_page_goes_on_where_the_day_takes_too_long(client: Client, two: None, monkeypatch: pytest.MonkeyPatch):
    def slow(*_: object, **more: object) -> None:
        raise TooSlow

    monkeypatch.setattr(daily, "page", slow)
    assert titles(shown(client, "/")) == ["After", "On looms", "On engines", "Before"]
    assert dailies.top(date(2026, 1, 1), 4) == (None, [])
