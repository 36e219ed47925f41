"""The lists and records of the API: what they give, how one pages, and what bad input gets."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bzpeer.api import listing, v1
from bzpeer.api.resources import RESOURCES
from papers import limits
from papers.models import BatchRecord, Institution, Paper, Signature, Topic
from profiles import changesets, renaming
from profiles.accounts import keys
from profiles.models import Account, ApiKey, Author, Claim
from profiles.proposals import Merge
from tests.conftest import REPO_ROOT, fact, with_role
from tests.walking import place_of

pytestmark = pytest.mark.django_db

KINDS = ("people", "works", "topics", "institutions", "names")


@pytest.fixture
def papers(bring: Any) -> list[Paper]:
    """Seven papers of Ada, Charles and, on the last, Mary."""
    records = [
        fact(
            f"200{n}.00001",
            ["Ada Lovelace", "Charles Babbage", *(["Mary Somerville"] if n == 7 else [])],
            f"Engine {n}",
            created=f"201{n}-01-0{n}",
            categories=["cs.LG"] if n % 2 else ["cs.RO"],
            doi=f"10.1000/{n}",
        )
        for n in range(1, 8)
    ]
    bring(*records)
    place_of(Paper.objects.get(arxiv_id="2001.00001"), "Ockham Park")
    return list(Paper.objects.order_by("-created"))


def get(client: Client, address: str, status: int = 200, **headers: str) -> Any:
    response = client.get(f"/api/v1/{address}", headers=headers)
    assert response.status_code == status, response.content
    return response.json()


def titles(document: Any) -> list[str]:
    return [work["title"] for work in document["results"]]


def pages(client: Client, address: str) -> Iterator[Any]:
    """Every page of a list, by its cursors."""
    cursor: str | None = "*"
    while cursor:
        document = get(client, f"{address}{'&' if '?' in address else '?'}cursor={quote(cursor)}")
        yield document
        cursor = document["meta"]["next_cursor"]


def ada() -> Author:
    return Author.objects.get(name="Ada Lovelace")


# --- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_says_how_many_there_are_and_gives_the_newest_first(client: Client, papers: list[Paper]):
    document = get(client, "works?per_page=3")
    assert titles(document) == ["Engine 7", "Engine 6", "Engine 5"]
    meta = document["meta"]
    assert (meta["count"], meta["count_is"], meta["per_page"]) == (7, "exact", 3)


def test_the_pages_of_a_list_give_each_record_once_in_every_order(client: Client, papers: list[Paper]):
    for kind in RESOURCES:
        for sort in RESOURCES[kind].orders:
            whole = [row["api_url"] for row in get(client, f"{kind}?sort={sort}&per_page=200")["results"]]
            for size in (1, 2):
                address = f"{kind}?sort={sort}&per_page={size}"
                assert [row["api_url"] for page in pages(client, address) for row in page["results"]] == whole
            assert len(whole) == len(set(whole)) == get(client, kind)["meta"]["count"] > 0


def test_the_cursor_stays_right_while_rows_come_in_front(client: Client, papers: list[Paper], bring: Any):
    first = get(client, "works?per_page=3")
    bring(fact("2009.00001", ["Ann Aard"], "Newer", created="2021-01-01"))
    rest = get(client, f"works?per_page=200&cursor={first['meta']['next_cursor']}")
    assert titles(rest) == ["Engine 4", "Engine 3", "Engine 2", "Engine 1"]


def test_who_keeps_a_copy_asks_for_what_changed_since(client: Client, papers: list[Paper], bring: Any):
    address = "works?sort=changed_at&per_page=2&filter=from_changed_at:"
    copied = [row for page in pages(client, f"{address}2020-01-01") for row in page["results"]]
    assert sorted(row["title"] for row in copied) == [f"Engine {n}" for n in range(1, 8)]
    moments = [datetime.fromisoformat(row["changed_at"]) for row in copied]
    assert moments == sorted(moments)
    last = copied[-1]
    assert moments[-1] == Paper.objects.get(pk=last["id"]).changed_at
    bring(fact("2002.00003", ["Ada Lovelace"], "Engine 3, revised", updated="2021-01-01"))
    later = [row for page in pages(client, f"{address}{last['changed_at']}") for row in page["results"]]
    assert [row["title"] for row in later] == [last["title"], "Engine 3, revised"]


@pytest.mark.django_db(transaction=True)
def test_a_work_that_is_dated_before_others_and_written_after_them_is_not_missed(client: Client):
    """A copy is told of nothing that is dated later than what is being written."""
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                Paper.objects.create(title="Slow", title_text="Slow", fingerprint="slow", source="facts")
                begun.set()
                go_on.wait(30)
        finally:
            connection.close()

    writer = threading.Thread(target=slow)
    writer.start()
    assert begun.wait(30)
    Paper.objects.create(title="Fast", title_text="Fast", fingerprint="fast", source="facts")
    address = "works?sort=changed_at&filter=from_changed_at:2020-01-01"
    assert titles(get(client, address)) == []
    go_on.set()
    writer.join(30)
    assert titles(get(client, address)) == ["Slow", "Fast"]


def test_everything_is_json_whatever_is_accepted(client: Client, papers: list[Paper]):
    for address, status in (("works", 200), ("works/999999", 404)):
        response = client.get(f"/api/v1/{address}", headers={"Accept": "text/turtle"})
        assert response.status_code == status
        assert response["Content-Type"].split(";")[0].endswith("json")


FOUND: list[tuple[str, set[str]]] = [
    ("works?filter=topic:robotics", {"Engine 2", "Engine 4", "Engine 6"}),
    ("works?filter=author:{mary}", {"Engine 7"}),
    ("works?filter=author:{ada},year:2013", {"Engine 3"}),
    ("works?filter=year_from:2015,year_to:2016", {"Engine 5", "Engine 6"}),
    ("works?filter=institution:{place}", {"Engine 1"}),
    ("works?filter=doi:10.1000/4", {"Engine 4"}),
    ("works?filter=arxiv:2002.00001v3", {"Engine 2"}),
    ("works?filter=type:article", set()),
    ("works?filter=withdrawn:false,topic:robotics,year:2012", {"Engine 2"}),
    ("people?filter=topic:robotics", {"Ada Lovelace", "Charles Babbage"}),
    ("people?filter=institution:{place}", {"Ada Lovelace"}),
    ("people?filter=coauthor:{mary}", {"Ada Lovelace", "Charles Babbage"}),
    ("people?filter=name:ADA%20lovelace", {"Ada Lovelace"}),
    ("people?filter=claimed:true", set()),
    ("people?filter=verified:false,name:ada%20lovelace", {"Ada Lovelace"}),
    ("people?search=lovelase+ada", {"Ada Lovelace"}),
    ("people?search=a+love&filter=topic:robotics", {"Ada Lovelace"}),
    ("people?search=a+love&filter=claimed:true", set()),
    ("topics?search=robot", {"Robotics"}),
    ("topics?filter=slug:machine-learning", {"Machine Learning"}),
    ("institutions?search=ockham", {"Ockham Park"}),
    ("names?search=ada", {"Ada Lovelace"}),
    ("names?filter=person:{mary}", {"Mary Somerville"}),
]


def test_filters_and_searches_find_what_they_name(client: Client, papers: list[Paper]):
    known = {
        "ada": ada().pk,
        "mary": Author.objects.get(name="Mary Somerville").pk,
        "place": Institution.objects.get().pk,
    }
    for address, found in FOUND:
        document = get(client, address.format(**known))
        assert {row.get("title") or row["display_name"] for row in document["results"]} == found, address
        assert document["meta"]["count"] == len(found), address


def test_works_are_searched_as_the_page_does_it(client: Client, papers: list[Paper]):
    assert titles(get(client, "works?search=engine+7&per_page=2"))[0] == "Engine 7"
    found = [title for page in pages(client, "works?search=engine&per_page=3") for title in titles(page)]
    assert len(found) == len(set(found)) == 7
    newest = titles(get(client, "works?search=engine&sort=date:desc&filter=topic:robotics,year_from:2014"))
    assert newest == ["Engine 6", "Engine 4"]
    assert get(client, "works?search=engine&filter=doi:10.1000/1", 400)["known"]
    get(client, "works?search=engine&sort=id", 400)


def test_an_orcid_finds_its_person_unless_identifiers_are_kept_off_the_page(client: Client, papers: list[Paper]):
    iD = "0000-0002-1825-0097"
    Signature.objects.filter(printed="Ada Lovelace").update(orcid=iD)
    assert [row["display_name"] for row in get(client, f"people?filter=orcid:{iD}")["results"]] == ["Ada Lovelace"]


def test_select_gives_the_fields_named_and_no_other(client: Client, papers: list[Paper]):
    document = get(client, "works?select=id,title&per_page=1")
    assert [*document["results"][0]] == ["id", "title"]
    assert [*get(client, f"people/{ada().pk}?select=display_name")] == ["display_name"]


def test_many_rows_are_counted_by_the_planner(client: Client, papers: list[Paper], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listing, "EXACT", 3)
    meta = get(client, "works")["meta"]
    assert (meta["count_is"], meta["count"] >= 4) == ("estimate", True)


def test_a_list_costs_the_same_number_of_queries_whatever_its_length(client: Client, papers: list[Paper]):
    for kind in KINDS:
        costs = []
        for size in (1, 200):
            with CaptureQueriesContext(connection) as asked:
                get(client, f"{kind}?per_page={size}")
            costs.append(len(asked))
        assert costs[0] == costs[1], kind


# --- one record ------------------------------------------------------------------------------------------------------


def test_each_record_of_a_list_is_at_its_own_address(client: Client, papers: list[Paper]):
    for row in (row for kind in KINDS for row in get(client, kind)["results"]):
        assert client.get(row["api_url"].removeprefix("http://127.0.0.1:8000")).json() == row


@pytest.mark.parametrize(
    "address", ["people/999999", "works/999999", "topics/999999", "institutions/999999", "names/No"]
)
def test_what_is_not_there_is_a_problem(client: Client, db: None, address: str):
    assert get(client, address, 404)["status"] == 404


def test_a_merged_person_answers_301_and_says_what_they_became(client: Client, bring: Any):
    bring(fact("2001.00001", ["Eve Falk"]), fact("2001.00002", ["Eva Falk"]))
    people = sorted(Author.objects.values_list("pk", flat=True))
    changesets.apply(with_role("curator"), Merge(((people[0], people[1]),)), "One and the same.")
    was = Author.objects.get(merged_into__isnull=False)
    response = client.get(f"/api/v1/people/{was.pk}")
    assert response.status_code == 301
    assert response.json()["merged_into"] == was.merged_into_id
    assert response["Location"].endswith(f"/api/v1/people/{was.merged_into_id}")


def test_a_removed_work_is_gone(client: Client, papers: list[Paper]):
    paper = papers[0]
    assert BatchRecord.objects.filter(paper=paper.pk).exists()
    pk = paper.pk
    Paper.objects.filter(pk=pk).delete()
    assert get(client, f"works/{pk}", 410)["title"] == "Gone"


@pytest.mark.parametrize(("how", "status"), [("notice", 404), ("gone", 410)])
def test_a_hidden_person_is_nowhere(client: Client, papers: list[Paper], how: str, status: int):
    mary = Author.objects.get(name="Mary Somerville")
    addresses = [*KINDS, "people?search=mary+somerville", "people?filter=topic:machine-learning"]
    addresses += [f"people?filter=coauthor:{ada().pk}", "names?search=mary", "changes"]
    before = "".join(json.dumps(get(client, address)) for address in addresses)
    assert f"/people/{mary.pk}" in before
    Author.objects.filter(pk=mary.pk).update(visibility=how)
    for address in addresses:
        said = json.dumps(get(client, address))
        assert f"/people/{mary.pk}/" not in said, address
        assert f'/api/v1/people/{mary.pk}"' not in said, address
        assert "Somerville" not in said.replace('"raw_author_name": "Mary Somerville"', ""), address
    assert get(client, "people")["meta"]["count"] == 2
    assert get(client, f"works?filter=author:{mary.pk}")["meta"]["count"] == 0
    assert get(client, f"people?filter=coauthor:{mary.pk}")["meta"]["count"] == 0
    assert "Mary" not in json.dumps(get(client, f"people/{mary.pk}", status))
    get(client, "names/Mary%20Somerville", 404)


def test_a_name_that_its_owner_has_left_is_nowhere(client: Client, papers: list[Paper]):
    account = Account.objects.create_user("ada")
    claim = Claim.objects.create(author=ada(), account=account, state=Claim.State.HELD, level=3)
    Author.objects.filter(pk=claim.author_id).update(account=account)
    claim.refresh_from_db()
    renaming.rename(claim, "Augusta King", True, timezone.now())
    connection.check_constraints()  # publishes what was written
    addresses = [*KINDS, "changes", "people?search=lovelace", "names?search=ada", f"people/{claim.author_id}"]
    for address in addresses:
        assert "ovelace" not in json.dumps(get(client, address)), address
    assert get(client, "names/Ada%20Lovelace", 404)["status"] == 404


# --- bad input -------------------------------------------------------------------------------------------------------

LONG = "x" * 10_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "query",
    [
        {"per_page": "0"},
        {"per_page": "201"},
        {"per_page": "many"},
        {"cursor": "forged"},
        {"cursor": "WyIyMDIwIiwxXQ:AAAA"},
        {"cursor": LONG},
        {"filter": "nothing:1"},
        {"filter": "nothing"},
        {"filter": LONG},
        {"filter": "topic:\0"},
        {"select": "password"},
        {"select": "\0"},
        {"search": LONG},
        {"search": "\0"},
        {"sort": "password"},
    ],
    ids=str,
)
def test_bad_input_is_a_problem_that_says_what_is_wrong(client: Client, db: None, kind: str, query: dict[str, str]):
    response = client.get(f"/api/v1/{kind}?{urlencode(query)}")
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    problem = response.json()
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", "Bad Request", 400)
    assert problem["detail"]
    assert len(problem["detail"]) < 600


@pytest.mark.parametrize(
    "asked",
    [
        "works?filter=year:99",
        "works?filter=author:x",
        "works?filter=doi:none",
        "people?filter=claimed:maybe",
        f"works?filter=author:{'9' * 30}",
        "people?filter=orcid:1",
        "works?filter=arxiv:x",
        "works?filter=type:book",
        "works?filter=from_changed_at:yesterday",
        "works?filter=from_changed_at:2026-02-30",
        "works?filter=from_changed_at:2026-01-31T12:00:00",
        "works?filter=from_changed_at:0001-01-01T00:00:00%2B10:00",
    ],
)
def test_a_filter_says_what_it_takes(client: Client, db: None, asked: str):
    assert "takes" in get(client, asked, 400)["detail"]


def test_unknown_words_are_answered_with_the_known_ones(client: Client, db: None):
    assert "topic" in get(client, "works?filter=colour:red", 400)["known"]
    assert "title" in get(client, "works?select=colour", 400)["known"]
    assert get(client, "works?sort=colour", 400)["known"] == ["date:desc", "id", "changed_at"]


def test_a_cursor_of_another_question_is_refused(client: Client, papers: list[Paper]):
    cursor = get(client, "works?per_page=1")["meta"]["next_cursor"]
    for other in ("people?", "works?filter=topic:robotics&", "works?sort=id&", "works?search=engine&"):
        assert "cursor" in get(client, f"{other}per_page=1&cursor={cursor}", 400)["detail"]


def test_a_cursor_of_an_earlier_version_is_refused(
    client: Client, papers: list[Paper], monkeypatch: pytest.MonkeyPatch
):
    cursor = get(client, "works?per_page=1")["meta"]["next_cursor"]
    monkeypatch.setattr(listing.Cursors, "VERSION", 2)
    get(client, f"works?per_page=1&cursor={cursor}", 400)


WORDS = [
    "'; DROP TABLE papers_paper; --",
    '"',
    "(((",
    "a & | ! b:*",
    "%_\\",
    "🦀",
    "Ада",
    "the of and",
    "{}[]<>",
    "-" * 150,
]


def test_whatever_is_searched_is_answered(client: Client, papers: list[Paper]):
    for words in WORDS:
        for kind in KINDS:
            get(client, f"{kind}?{urlencode({'search': words})}")


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 40, "%00", "..%2f..%2fetc"])
def test_an_impossible_number_is_a_problem(client: Client, db: None, number: str):
    for kind in ("people", "works", "topics", "institutions", "changes"):
        response = client.get(f"/api/v1/{kind}/{number}")
        assert response.status_code in (400, 404)
        assert response["Content-Type"] == "application/problem+json"


# --- doors -----------------------------------------------------------------------------------------------------------


def test_each_error_under_the_api_is_a_problem_document(client: Client, db: None, monkeypatch: pytest.MonkeyPatch):
    for response, status in (
        (client.get("/api/v1/nothing"), 404),
        (client.get("/api/v1/"), 404),
        (client.post("/api/v1/works"), 405),
        (client.delete("/api/v1/works/1"), 405),
        (client.post("/api/schema/"), 405),
        (client.get("/api/v1/works", headers={"Host": "evil.example"}), 400),
    ):
        assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
        assert response.json()["status"] == status
    assert client.post("/api/v1/works")["Allow"]


def test_a_fault_of_ours_is_a_problem_and_says_nothing_of_itself(client: Client, db: None, monkeypatch, caplog):
    monkeypatch.setattr(v1, "listed", lambda *_: 1 / 0)
    response = client.get("/api/v1/works")
    assert (response.status_code, response.json()["status"]) == (500, 500)
    assert b"division" not in response.content
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("accept", ["text/html", "*/*;q=x", "application/xml", "\x7f", "a/b," * 500, ""])
def test_whatever_is_accepted_json_comes(client: Client, db: None, accept: str):
    response = client.get("/api/v1/topics", headers={"Accept": accept})
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


def test_what_has_not_changed_is_not_sent_again(client: Client, papers: list[Paper]):
    for address in ("/api/v1/works?per_page=2", f"/api/v1/people/{ada().pk}", "/api/v1/changes", "/api/schema/"):
        etag = client.get(address)["ETag"]
        again = client.get(address, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b""), address
        assert again["Access-Control-Allow-Origin"] == "*"
    etag = client.get("/api/v1/works")["ETag"]
    Paper.objects.filter(pk=papers[0].pk).update(title_text="Another title")
    assert client.get("/api/v1/works", headers={"If-None-Match": etag}).status_code == 200


def test_head_is_get_without_the_body(client: Client, papers: list[Paper]):
    got, asked = client.get("/api/v1/works"), client.head("/api/v1/works")
    assert (asked.status_code, asked.content, asked["ETag"]) == (200, b"", got["ETag"])
    assert asked["Content-Length"] == str(len(got.content))


def test_pages_of_other_sites_may_read_and_bring_no_cookie(client: Client, db: None):
    ahead = client.options(
        "/api/v1/works",
        headers={
            "Origin": "https://x.org",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "x",
        },
    )
    assert (ahead.status_code, ahead["Access-Control-Allow-Origin"]) == (204, "*")
    assert "Authorization" in ahead["Access-Control-Allow-Headers"]
    for response in (ahead, client.get("/api/v1/works"), client.get("/api/v1/works/1"), client.head("/api/v1/works")):
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response
        assert not response.cookies
    assert "Access-Control-Allow-Origin" not in client.get("/")
    assert "Access-Control-Allow-Origin" not in client.post("/api/v1/works")


def test_it_says_the_same_to_whoever_asks(client: Client, papers: list[Paper]):
    before = client.get("/api/v1/people").content
    client.force_login(with_role("curator"))
    assert client.get("/api/v1/people").content == before


# --- limits and keys -------------------------------------------------------------------------------------------------


@pytest.fixture
def two_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.LIMITS, "api", (limits.Limit(2, 60, open=True),))
    monkeypatch.setitem(limits.LIMITS, "api_key", (limits.Limit(3, 60, open=True),))


def test_a_visitor_sees_what_is_left_and_then_when_to_ask_again(client: Client, two_a_minute: None):
    first, second, third = (client.get("/api/v1/topics") for _ in range(3))
    assert [r.status_code for r in (first, second, third)] == [200, 200, 429]
    assert first["RateLimit-Policy"] == '"api";q=2;w=60'
    assert [r["RateLimit"].split(";")[1] for r in (first, second, third)] == ["r=1", "r=0", "r=0"]
    assert 0 < int(third["Retry-After"]) <= 60
    assert third.json()["title"] == "Too Many Requests"
    assert third["Access-Control-Allow-Origin"] == "*"


def test_a_key_has_a_limit_of_its_own(client: Client, two_a_minute: None):
    key, text = keys.make(Account.objects.create_user("a"), "copy")
    answers = [client.get("/api/v1/topics", headers={"Authorization": f"Bearer {text}"}) for _ in range(4)]
    assert [response.status_code for response in answers] == [200, 200, 200, 429]
    assert client.get("/api/v1/topics").status_code == 200
    key.refresh_from_db()
    assert key.used_on == timezone.now().date()


@pytest.mark.parametrize("given", ["Bearer bzp_wrong", "Bearer", "Basic YTpi", "Bearer " + "x" * 10_000, "\x7f"])
def test_a_key_that_does_not_hold_is_401_and_counts_for_the_client(client: Client, two_a_minute: None, given: str):
    answers = [client.get("/api/v1/topics", headers={"Authorization": given}) for _ in range(3)]
    assert [response.status_code for response in answers] == [401, 401, 429]
    assert answers[0]["WWW-Authenticate"].startswith("Bearer")


def test_the_key_of_an_account_that_is_closed_does_not_hold(client: Client, db: None):
    account = Account.objects.create_user("a")
    _key, text = keys.make(account, "copy")
    Account.objects.filter(pk=account.pk).update(is_active=False)
    assert client.get("/api/v1/topics", headers={"Authorization": f"Bearer {text}"}).status_code == 401


def test_a_key_is_shown_once_and_kept_as_a_hash(client: Client, db: None):
    client.force_login(Account.objects.create_user("a"))
    made = client.post("/account/keys/", {"name": "weekly copy"})
    text = made.context["text"]
    assert text in made.content.decode()
    key = ApiKey.objects.get()
    assert text not in repr(key.__dict__)
    again = client.get("/account/keys/").content.decode()
    assert "weekly copy" in again
    assert text not in again
    assert client.get("/api/v1/topics", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    client.post(f"/account/keys/{key.pk}/end/")
    assert client.get("/api/v1/topics", headers={"Authorization": f"Bearer {text}"}).status_code == 401


def test_nobody_ends_the_key_of_another(client: Client, db: None):
    key, _text = keys.make(Account.objects.create_user("a"), "copy")
    client.force_login(Account.objects.create_user("b"))
    assert client.post(f"/account/keys/{key.pk}/end/").status_code == 302
    assert ApiKey.objects.filter(pk=key.pk).exists()


def test_an_account_has_ten_keys_at_most(client: Client, db: None):
    account = Account.objects.create_user("a")
    for n in range(keys.MOST):
        keys.make(account, str(n))
    client.force_login(account)
    response = client.post("/account/keys/", {"name": "one more"})
    assert response.status_code == 400
    assert "at most 10 keys" in response.content.decode()


def test_a_topic_of_a_shape_is_the_topic_of_the_page(client: Client, papers: list[Paper]):
    for row in get(client, "topics")["results"]:
        assert row["url"].endswith(Topic.objects.get(pk=row["id"]).get_absolute_url())


def test_without_redis_reading_goes_on(client: Client, db: None, monkeypatch: pytest.MonkeyPatch):
    from redis.exceptions import ConnectionError as Away

    def away() -> Any:
        raise Away

    cache.clear()
    monkeypatch.setattr(limits, "redis_client", away)
    assert client.get("/api/v1/topics").status_code == 200


def test_the_examples_of_the_manual_are_answered(client: Client, papers: list[Paper], bring: Any):
    bring(fact("2010.00001", ["John Smith"], "Quark notes"))
    addresses = re.findall(
        r"curl (?:-H '[^']*' )?'http://127\.0\.0\.1:8000([^']*)'", (REPO_ROOT / "docs/api.md").read_text()
    )
    assert len(addresses) > 9
    for address in addresses:
        assert client.get(address).status_code == 200, address
    said = " ".join((REPO_ROOT / "docs/api.md").read_text().split())
    visitor, keyed = limits.LIMITS["api"][0].most, limits.LIMITS["api_key"][0].most
    assert f"{visitor} requests a minute for each client, {keyed:,} with a key" in said
