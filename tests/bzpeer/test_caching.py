"""Pages for visitors come out of Redis, and never when they have become untrue."""

from __future__ import annotations

import gzip
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone
from redis.exceptions import ConnectionError

from bzpeer import caching, pipeline, rollbacks, views
from graph import coauthorships
from graph.models import Coauthorship
from papers.limits import HOUR, LIMITS, Limit, redis_client
from papers.models import Batch, Paper, Signature, Topic
from profiles import changesets, claims, decisions, owning, powers, renaming, rights
from profiles import views as profile_views
from profiles.accounts import leaving
from profiles.feedback import collecting, posting, reacting
from profiles.models import (
    Account,
    Author,
    ChangeSet,
    Claim,
    Collection,
    Follow,
    OwnWords,
    Post,
    Proof,
    RightsRequest,
    TopicFollow,
)
from profiles.proposals import CorrectName, Merge
from tests import walking
from tests.addresses import every_address
from tests.conftest import fact
from trust import scores
from trust.models import TrustScore

pytestmark = pytest.mark.django_db
commits = pytest.mark.django_db(transaction=True)


def commit() -> None:
    """What a commit would call, in the transaction that a test is in; so its rows count as committed."""
    while connection.run_on_commit:
        connection.run_on_commit.pop(0)[1]()


@pytest.fixture
def person(bring: Callable[..., Any]) -> Author:
    bring(fact("2001.00001", ["Ann Aard", "Bob Bern"], "On eels"))
    commit()
    return Author.objects.get(name="Ann Aard")


def page(address: str, **headers: str) -> Any:
    return Client().get(address, headers=headers)


def renamed(author: Author, name: str) -> str:
    """Its new address."""
    Author.objects.filter(pk=author.pk).update(name=name)
    author.refresh_from_db()
    return author.get_absolute_url()


# --- one page --------------------------------------------------------------------------------------------------------


def test_the_second_visitor_costs_no_query(person: Author, django_assert_num_queries: Any):
    first = page(person.get_absolute_url())
    with django_assert_num_queries(0):
        second = page(person.get_absolute_url())
    assert second.content == first.content
    assert dict(second.headers) == dict(first.headers)


def test_a_changed_name_is_seen_at_once(person: Author):
    assert "Ann Aard" in page("/").content.decode()
    assert page(person.get_absolute_url()).status_code == 200
    address = renamed(person, "Anna Beck")
    commit()
    assert "Anna Beck" in page("/").content.decode()
    assert "Anna Beck" in page(address).content.decode()
    assert page(f"/people/{person.pk}/ann-aard/").status_code == 301


def test_who_has_the_page_gets_304_without_a_query(person: Author, django_assert_num_queries: Any):
    tag = page(person.get_absolute_url())["ETag"]
    with django_assert_num_queries(0):
        again = page(person.get_absolute_url(), if_none_match=tag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)


def test_a_page_made_anew_and_the_same_is_304_as_well(person: Author):
    tag = page(person.get_absolute_url())["ETag"]
    caching.raise_generation()
    assert page(person.get_absolute_url(), if_none_match=tag).status_code == 304
    address = renamed(person, "Anna Beck")
    commit()
    assert page(address, if_none_match=tag).status_code == 200


def test_browsers_and_proxies_ask_each_time(person: Author):
    for answer in (page(person.get_absolute_url()), page(person.get_absolute_url())):
        assert answer["Cache-Control"] == "public, no-cache"
        assert {"Cookie", "HX-Request", "Accept-Encoding"} <= set(re.split(", ", answer["Vary"]))


def test_an_account_gets_no_kept_page_and_leaves_none(person: Author, client: Client):
    client.force_login(Account.objects.create_user("ada"))
    commit()
    own = client.get(person.get_absolute_url())
    assert "no-store" in own["Cache-Control"]
    assert "Log out" not in page(person.get_absolute_url()).content.decode()
    assert "Log out" in client.get(person.get_absolute_url()).content.decode()


@pytest.mark.parametrize("cookie", ["messages", settings.LANGUAGE_COOKIE_NAME, settings.SESSION_COOKIE_NAME])
def test_who_brings_a_cookie_that_pages_read_gets_a_page_of_their_own(person: Author, cookie: str):
    client = Client()
    client.cookies[cookie] = "x"
    client.get(person.get_absolute_url())
    assert not redis_client().keys("pages:[0-9]*")


def test_whole_pages_fragments_and_languages_are_kept_apart(person: Author):
    address = person.get_absolute_url()
    found = [page(address, **h).content for h in ({}, {"hx_request": "true"}, {"accept_language": "de"})]
    assert [page(address, **h).content for h in ({}, {"hx_request": "true"}, {"accept_language": "de"})] == found
    assert len(set(found)) >= 2
    assert b"<html" not in found[1]


def test_a_browser_that_takes_gzip_gets_it(person: Author):
    plain = page(person.get_absolute_url())
    for _visit in range(2):
        packed = page(person.get_absolute_url(), accept_encoding="br;q=1, gzip")
        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
        assert int(packed["Content-Length"]) == len(packed.content) < len(plain.content)
    assert "Content-Encoding" not in page(person.get_absolute_url(), accept_encoding="gzip;q=0, br")
    assert packed["ETag"] == plain["ETag"]


def test_only_searches_that_are_made_are_counted(person: Author, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(LIMITS, "search", (Limit(2, HOUR, open=True),))
    asked = ("aard", "aard", "aard", "bern", "aard", "carl", "aard")
    assert [page(f"/search/?q={query}").status_code for query in asked] == [200, 200, 200, 200, 200, 429, 200]


@pytest.mark.parametrize("address", ["/api/v1/works", "/oai?verb=Identify", "/changes.atom", "/static/css/graph.css"])
def test_where_no_page_is_none_is_looked_for(person: Author, address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(caching, "_find", lambda request: pytest.fail("It was looked for."))
    assert page(address).status_code == 200 or address.startswith("/static/")  # which `collectstatic` has not gathered


def test_a_foreign_host_is_refused_as_ever(person: Author):
    answer = Client().get("/", headers={"host": "example.org"})
    assert answer.status_code == 400
    assert "Content-Security-Policy" in answer


def test_invented_addresses_take_no_more_places_than_there_are(person: Author, settings: Any):
    settings.PAGES_KEPT = 3
    for n in range(12):
        page(f"{person.get_absolute_url()}?junk={n}")
    assert 1 <= len(redis_client().keys("pages:[0-9]*")) <= 3
    assert all(0 < redis_client().ttl(key) <= caching.SECONDS for key in redis_client().keys("pages:[0-9]*"))


def test_a_place_that_two_addresses_share_shows_each_its_own(person: Author, settings: Any):
    settings.PAGES_KEPT = 1
    for _visit in range(2):
        assert b"On eels" in page(Paper.objects.get().get_absolute_url()).content
        assert b"Machine Learning" in page(Topic.objects.get().get_absolute_url()).content


def test_a_page_too_large_is_made_each_time(person: Author, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(caching, "LARGEST", 100)
    assert page(person.get_absolute_url()).status_code == 200
    assert not redis_client().keys("pages:[0-9]*")


def test_pages_go_on_while_redis_is_away(person: Author, monkeypatch: pytest.MonkeyPatch):
    def away() -> None:
        raise ConnectionError

    monkeypatch.setattr(caching, "redis_client", away)
    assert b"Ann Aard" in page(person.get_absolute_url()).content
    address = renamed(person, "Anna Beck")
    commit()
    assert b"Anna Beck" in page(address).content


def test_it_can_be_switched_off(person: Author, settings: Any):
    settings.PAGES_KEPT = 0
    answer = page(person.get_absolute_url())
    assert "ETag" not in answer
    assert not redis_client().keys("pages:*[0-9]")


# --- the generation --------------------------------------------------------------------------------------------------


def generation() -> bytes | None:
    return redis_client().get("pages:generation")  # type: ignore[return-value]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An entry for each time that the generation was raised."""
    times: list[int] = []

    def token_hex(size: int) -> str:
        times.append(size)
        return f"{len(times):0{2 * size}}"

    monkeypatch.setattr("bzpeer.caching.secrets.token_hex", token_hex)
    return times


@commits
def test_a_transaction_raises_it_once_and_after_its_commit(person: Author, counted: list[int]):
    with transaction.atomic():
        renamed(person, "Anna Beck")
        with transaction.atomic():
            renamed(person, "Anna Beck-Aard")
        assert not counted
    assert len(counted) == 1


@commits
def test_what_was_rolled_back_raises_nothing(person: Author, counted: list[int]):
    with transaction.atomic():
        renamed(person, "Anna Beck")
        transaction.set_rollback(True)
    with transaction.atomic():
        with transaction.atomic():
            renamed(person, "Anna Beck")
            transaction.set_rollback(True)
        Author.objects.count()
    assert not counted


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE profiles_author SET name = name",
        'UPDATE ONLY public."profiles_author" SET name = name',
        "  WITH a AS (SELECT id FROM profiles_author) UPDATE profiles_author SET name = name FROM a WHERE false",
        "WITH a AS (DELETE FROM graph_coauthorship RETURNING id) SELECT 1 WHERE false",
        "INSERT INTO papers_topic (name, slug) VALUES ('a', 'a') ON CONFLICT DO NOTHING",
        "COPY papers_topic (name, slug) FROM '/dev/null'",
        "DELETE FROM graph_coauthorship",
        "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE django_session, graph_coauthorship",
    ],
)
def test_each_kind_of_write_raises_it(person: Author, counted: list[int], sql: str):
    with connection.cursor() as cursor:
        cursor.execute(sql)
    commit()
    assert len(counted) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM profiles_author FOR UPDATE",
        "UPDATE profiles_author SET name = 'x' WHERE id < 0",
        "DELETE FROM django_session",
        "INSERT INTO django_session VALUES ('k', 'd', now())"
        " ON CONFLICT (session_key) DO UPDATE SET expire_date = EXCLUDED.expire_date",
        "SAVEPOINT update_papers_paper",
    ],
)
def test_what_changes_no_page_raises_nothing(person: Author, counted: list[int], sql: str):
    with connection.cursor() as cursor:
        cursor.execute(sql)
    commit()
    assert not counted


def test_signing_in_raises_nothing(client: Client, person: Author, counted: list[int]):
    account = Account.objects.create_user("ada")
    commit()
    counted.clear()
    client.force_login(account)
    commit()
    assert not counted


@commits
def test_whoever_is_writing_sees_it_and_nobody_else_does(person: Author):
    assert b"Ann Aard" in page(person.get_absolute_url()).content
    with transaction.atomic():
        assert b"Anna Beck" in page(renamed(person, "Anna Beck")).content
        assert b"Ann Aard" in elsewhere(lambda: page(f"/people/{person.pk}/ann-aard/").content)
        transaction.set_rollback(True)
    assert b"Ann Aard" in page(f"/people/{person.pk}/ann-aard/").content


@commits
def test_a_page_that_read_before_the_commit_and_ends_after_it_is_never_found(
    person: Author, monkeypatch: pytest.MonkeyPatch
):
    """A reader's view has read the old name; before its page is kept, a writer of another connection commits."""
    address, gz = person.get_absolute_url(), gzip.compress
    written: list[str] = []

    def compress(*given: Any, **more: Any) -> bytes:
        if not written:
            written.append("")
            elsewhere(lambda: Author.objects.filter(pk=person.pk).update(bio="Counts eels."))
        return gz(*given, **more)

    monkeypatch.setattr("bzpeer.caching.gzip.compress", compress)
    assert b"Counts eels." not in page(address).content
    assert written
    assert b"Counts eels." in page(address).content


def elsewhere(do: Callable[[], Any]) -> Any:
    """What `do` gives on a connection of its own."""
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(do())
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    return found[0]


def test_a_click_ends_only_the_pages_that_show_what_it_wrote(person: Author, django_assert_num_queries: Any):
    account, paper = Account.objects.create_user("ada"), Paper.objects.get()
    commit()
    about_paper, about_person = paper.get_absolute_url(), person.get_absolute_url()

    def both() -> list[bytes]:
        return [page(address).content for address in (about_paper, about_person)]

    first = both()
    reacting.react(account, paper, reacting.Kind.LIKE, True, timezone.now())
    commit()
    with django_assert_num_queries(0):
        assert page(about_person).content == first[1]
    assert page(about_paper).content != first[0]
    second = both()
    Follow.objects.create(account=account, author=person)
    commit()
    with django_assert_num_queries(0):
        assert page(about_paper).content == second[0]
    assert page(about_person).content != second[1]


def test_what_is_written_beside_a_click_ends_every_page(person: Author, counted: list[int]):
    account = Account.objects.create_user("ada")
    commit()
    counted.clear()
    before = generation()
    Follow.objects.create(account=account, author=person)
    commit()
    assert (len(counted), generation()) == (1, before)
    Follow.objects.all().delete()
    renamed(person, "Anna Beck")
    commit()
    assert generation() != before


def test_the_private_and_the_lively_tables_are_tables_and_no_trigger_copies_from_these():
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert tables >= caching.PRIVATE | set(caching.LIVELY)
    assert not caching.PRIVATE & set(caching.LIVELY)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY(%s)",
            [list(caching.LIVELY)],
        )
        assert cursor.fetchall() == []


# --- every page, after every kind of act -----------------------------------------------------------------------------

# What a visitor may read and is made each time, and why.
MADE_EACH_TIME = {
    "healthz": "says whether the database answers",
    "explorer": "and the paths: from the graph on disk, which each process reads by itself",
    "path": "",
    "explorer_find": "a form's suggestions",
    "search_suggestions": "asked for with each letter, and seldom twice",
    "conflicts": "and others with a form: its token is one visitor's",
    "conflicts_csv": "",
    "person_rights": "",
    "report_person": "",
    "report_work": "",
    "report_institution": "",
    "rights_request": "a link that one person has, as is the feed of alerts",
    "alerts_feed": "",
    "collection_shared": "",
    "subscription_confirm": "",
    "subscriptions_manage": "",
    "subscription_stop": "",
    "digest": "",
    "subscribe": "a form, too",
    "ledger_export": "streamed, with an ETag of its own",
    "person_as": "and other formats: streamed in pieces",
    "work_as": "",
    "topic_as": "",
    "institution_as": "",
    "collection_as": "",
    "collection_shared_as": "",
    "search_as": "",
    "sitemap": "and its parts: large, and read by few",
    "sitemap_section": "",
}
FOR_MACHINES = ("/api/", "/oai", "/changes.atom")  # with ETags and limits of their own


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], dict[str, Account | None]]:
    """As `walking.world`, committed; what a worker is asked to refresh it has done at once."""

    def send_task(name: str, arguments: Any = ()) -> None:
        if name == "bzpeer.refresh_authors":
            pipeline.refresh(*arguments)

    monkeypatch.setattr(current_app, "send_task", send_task)
    made = walking.world()
    commit()
    return made


def addresses(objects: dict[str, Any]) -> Iterator[str]:
    """All that a visitor may read, about three people and two papers, as pages and with what a form would ask."""
    works = Paper.objects.order_by("arxiv_id")
    rounds = (
        (objects["author"], works[0]),
        (objects["other"], works[2]),
        (Author.objects.get(name="Ann Aard"), works[1]),
    )
    found = {}
    for author, paper in rounds:
        paper.doi = paper.doi or "10.1000/1"  # /doi/… leads elsewhere and is not asked
        for address in every_address(**objects | {"author": author, "paper": paper}).values():
            found[address] = resolve(address.partition("?")[0]).view_name
    other_forms = (".csv", ".graphml", ".gexf")  # of what is asked for as a page or JSON
    yield from (
        a for a, name in found.items() if name in caching.PAGES and not a.partition("?")[0].endswith(other_forms)
    )
    yield from ("/search/?q=smith", "/search/?q=quark", "/search/?q=iris", "/names/Iris%20Nov%C3%A1k/")


_VISITORS, _HANDLER = count(1), ClientHandler()


class Answer(NamedTuple):
    status: int
    location: str
    body: bytes


def ask(address: str) -> Answer:
    """As another visitor each time: nobody reads so fast."""
    request = RequestFactory().get(address, headers={"X-Forwarded-For": f"2001:db8:{next(_VISITORS):x}::1"})
    answer: Any = _HANDLER(request.environ)
    body = b"".join(answer) if answer.streaming else answer.content
    return Answer(answer.status_code, answer.get("Location", ""), body)


def test_every_page_that_a_visitor_may_read_is_kept_or_it_is_said_why_not(world: Any, settings: Any):
    settings.PROXIES = 1
    objects, _accounts = world
    redis, unkept = redis_client(), {}
    for route, address in every_address(**objects).items():
        if address.startswith(FOR_MACHINES):
            continue
        name = resolve(address.partition("?")[0]).view_name
        redis.delete(*redis.keys("pages:[0-9]*") or ["none"])
        if ask(address).status == 200 and not redis.keys("pages:[0-9]*"):
            unkept[name] = route
    assert unkept.keys() - MADE_EACH_TIME.keys() == set(), unkept


def test_no_kept_page_reads_a_private_table(world: Any, settings: Any):
    settings.PROXIES, settings.PAGES_KEPT = 1, 0
    for address in addresses(world[0]):
        with CaptureQueriesContext(connection) as queries:
            ask(address)
        for query in queries:
            read = set(re.findall(r'\b(?:FROM|JOIN)\s+"?(\w+)', query["sql"]))
            assert not read & caching.PRIVATE, (address, query["sql"])


UNSEEN = {"not mine"}  # a curator has just decided otherwise, so it is proposed; all other acts are seen on some page
Acts = Iterator[tuple[str, Callable[[], Any]]]


def acts(objects: dict[str, Any], accounts: dict[str, Account | None]) -> Acts:
    """What people and programs do, each seen on some page; an act later in the list builds on those before."""
    now = timezone.now()
    author, other, owner, curator = objects["author"], objects["other"], accounts["owner"], accounts["curator"]
    assert owner is not None
    assert curator is not None
    guest = Account.objects.get(username="guest")

    def claim() -> Claim:
        return powers.owner(owner, Author.objects.get(pk=author.pk))

    def brought(*records: dict[str, Any]) -> Batch:
        batch = Batch.objects.create(label="kept", created_by=curator)
        return pipeline.process(batch.pk, io.BytesIO("\n".join(map(json.dumps, records)).encode() + b"\n"))

    signature = Signature.objects.get(paper__arxiv_id="2001.00002", position=0)
    again = fact("2001.00003", ["Jane Smith", "Carl Dahl"], "On cells, once more", categories=["q-bio.NC"])
    way = next(way for way in rights.ways(other, AnonymousUser()) if way.proof == RightsRequest.Proof.CURATOR)
    hiding, _key = rights.begin(other, RightsRequest.Kind.HIDE, way, now, text="It is me.", contact="j@example.org")
    batches: list[Batch] = []
    changes: list[ChangeSet] = []
    yield "rename", lambda: renaming.rename(claim(), "Iris Novák", True, now)
    yield "show the printed name again", lambda: renaming.restore(claim(), now)
    paper = Paper.objects.get(arxiv_id="2001.00001")
    yield "like", lambda: reacting.react(guest, paper, reacting.Kind.LIKE, True, now)
    yield "dislike", lambda: reacting.react(guest, paper, reacting.Kind.DISLIKE, True, now)
    yield "like again", lambda: reacting.react(guest, paper, reacting.Kind.LIKE, True, now)
    yield "follow a person", lambda: Follow.objects.create(account=guest, author=author)
    yield "follow a topic", lambda: TopicFollow.objects.create(account=guest, topic=objects["topic"])
    yield "stop following", lambda: Follow.objects.filter(account=guest, author=author).delete()
    yield (
        "import a paper",
        lambda: batches.append(
            brought(fact("2001.00100", ["John Smith", "Ann Aard"], "Late quark notes", categories=["hep-ph"]))
        ),
    )
    yield "import a paper again", lambda: brought(again)
    yield "roll an import back", lambda: rollbacks.whole(batches[0], lambda count: None)
    yield "correct a name", lambda: changesets.apply(curator, CorrectName(other.pk, "Janet Smith"), "As she writes it.")
    yield (
        "merge",
        lambda: changes.append(
            changesets.apply(curator, Merge(((other.pk, Author.objects.get(name="Ann Aard").pk),)), "One person.")
        ),
    )
    yield "undo a merge", lambda: changesets.undo(curator, changes[0])
    yield "decide", lambda: decisions.decide(curator, signature, author, same=True, reason="It says so.")
    yield "not mine", lambda: owning.review(claim(), {signature.pk: False}, now)
    yield "words of the owner", lambda: OwnWords.objects.update_or_create(author=author, defaults={"pronouns": "she"})
    yield "a proof is withdrawn", lambda: claims.withdraw(Proof.objects.get(pk=objects["proof"].pk), owner, now)
    yield "scores", lambda: TrustScore.objects.filter(author=author).update(score=77)
    yield "scores again", lambda: scores.refresh([author.pk])
    yield "ties", lambda: Coauthorship.objects.filter(author=author).delete()
    yield "ties again", lambda: coauthorships.refresh([author.pk])
    paper = Paper.objects.get(arxiv_id="2001.00001")
    posts: list[Post] = []
    yield (
        "comment",
        lambda: posts.append(posting.write(guest, paper, "comment", {"text": "How long did it run?"}, uuid4(), now)),
    )
    yield "review", lambda: posting.write(guest, paper, "review", {"strengths": "Clear."}, uuid4(), now)
    yield "edit a comment", lambda: posting.edit(guest, posts[0], {"text": "How long?"}, now)
    yield "hide a comment", lambda: Post.objects.filter(pk=posts[0].pk).update(hidden_at=now)
    yield "withdraw a comment", lambda: posting.withdraw(guest, posts[0], now)
    yield "release", lambda: claims.release(Claim.objects.get(pk=objects["claim"].pk), owner, now)
    yield "hide", lambda: rights.decide(curator, hiding, "So be it.", now, grant=True)
    yield "show again", lambda: rights.reverse(curator, hiding, "As she asked.", now)
    yield "a collection is renamed", lambda: collecting.edit(objects["collection"], "To read", "", "public", now)
    yield "a paper is collected", lambda: collecting.put_back(objects["collection"], signature.paper_id, "", now)
    yield "a collection is hidden", lambda: Collection.objects.filter(pk=objects["collection"].pk).update(hidden_at=now)
    yield "an account leaves", lambda: leaving.delete(guest, now)
    yield "raw SQL", lambda: _raw("UPDATE papers_paper SET title_text = title_text || ' (corrected)'")


def _raw(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_after_each_act_every_page_is_as_if_none_were_kept(world: Any, settings: Any, monkeypatch: pytest.MonkeyPatch):
    for module, seconds in ((views, "COUNTS_SECONDS"), (profile_views, "DECIDED_SECONDS")):
        monkeypatch.setattr(module, seconds, 3_600)  # or a minute ends between the two answers
    settings.PROXIES = 1
    objects, accounts = world
    visited = sorted(addresses(objects))
    shown, unseen = {address: ask(address) for address in visited}, set()
    for what, act in acts(objects, accounts):
        act()
        commit()
        kept = {address: ask(address) for address in visited}
        settings.PAGES_KEPT = 0
        fresh = {address: ask(address) for address in visited}
        settings.PAGES_KEPT = 10_000
        assert [a for a in visited if kept[a] != fresh[a]] == [], what
        if fresh == shown:
            unseen.add(what)
        shown = fresh
    assert unseen <= UNSEEN
