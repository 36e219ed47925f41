"""The private feed: valid Atom, what the inbox says, for whoever knows the address and for as long as it holds."""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.test import Client

from papers.models import Paper
from profiles import alert_feed, alerted
from profiles.accounts import records
from profiles.models import Account, AlertSettings, Assignment, Author, Follow
from tests.conftest import fact

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
ADA = ["Ada Lovelace", "Charles Babbage"]


@pytest.fixture
def reader(client: Client) -> Account:
    account = Account.objects.create_user("reader")
    client.force_login(account)
    return account


@pytest.fixture
def ada(bring, reader: Account) -> Author:
    """Somebody whom the reader follows, with a new paper."""
    bring(fact("2001.00001", ADA, "Engines"), fact("2001.00002", ADA, "More engines"))
    author = Author.objects.get(name="Ada Lovelace")
    Follow.objects.create(account=reader, author=author)
    bring(fact("2002.00001", ADA, "Notes on <i>engines</i> & \x0bsuch"))
    return author


def address(client: Client) -> str:
    """Of the feed, as the page gives it once it is wished for."""
    client.post("/alerts/feed/", {"do": "make"})
    whole = alert_feed.address_of(AlertSettings.objects.get())
    assert whole in client.get("/alerts/").content.decode()
    return whole.removeprefix(settings.SITE_URL)


def read(address: str) -> ElementTree.Element:
    response = Client().get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "application/atom+xml; charset=utf-8")
    return ElementTree.fromstring(response.content)


def test_it_is_atom_with_all_that_atom_requires(client: Client, ada: Author):
    feed = read(address(client))
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 1
    for element in (feed, *entries):
        for required in ("id", "title", "updated"):
            [found] = element.findall(f"{ATOM}{required}")
            assert found.text
        assert datetime.fromisoformat(element.findtext(f"{ATOM}updated") or "").tzinfo
        assert (element.findtext(f"{ATOM}id") or "").startswith("tag:")
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "BZPEER"
    [own] = [link for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert own.get("href", "").endswith(".atom")


def test_each_entry_says_why_it_came_how_sure_it_is_and_how_to_stop_it(client: Client, ada: Author):
    entry = read(address(client)).find(f"{ATOM}entry")
    assert entry is not None
    paper = Paper.objects.get(arxiv_id="2002.00001")
    link = entry.find(f"{ATOM}link")
    assert link is not None
    assert link.get("href") == f"{settings.SITE_URL}{paper.get_absolute_url()}"
    said = entry.findtext(f"{ATOM}summary") or ""
    assert "You follow Ada Lovelace, to whom it is attributed strongly: probability" in said
    assert f"{settings.SITE_URL}/works/{paper.pk}/attribution/{ada.pk}/" in said
    assert f"{settings.SITE_URL}/following/" in said
    Assignment.objects.filter(signature__paper=paper, author=ada).update(state="weak", probability=0.9)
    said = read(alert_feed.address_of(AlertSettings.objects.get()).removeprefix(settings.SITE_URL)).findtext(
        f"{ATOM}entry/{ATOM}summary"
    )
    assert "whose it likely is: probability 0.900" in (said or "")


def test_it_holds_what_the_inbox_shows_and_no_more(client: Client, ada: Author, reader: Account):
    where = address(client)
    Assignment.objects.filter(author=ada).update(state="weak", probability=0.2)
    assert read(where).findall(f"{ATOM}entry") == []
    Assignment.objects.filter(author=ada).update(state="strong")
    assert len(read(where).findall(f"{ATOM}entry")) == 1
    Author.objects.filter(pk=ada.pk).update(visibility=Author.Visibility.NOTICE)
    assert read(where).findall(f"{ATOM}entry") == []


def test_no_character_of_a_title_breaks_it(client: Client, ada: Author):
    where = address(client)
    Paper.objects.filter(arxiv_id="2002.00001").update(title="A \x0b title \x01 with \ufffe <b>tags</b> & more")
    title = read(where).findtext(f"{ATOM}entry/{ATOM}title") or ""
    assert "<b>tags</b> & more" in title
    assert not {"\x0b", "\x01", "\ufffe"} & set(title)


def test_entries_keep_their_ids_and_an_unchanged_feed_is_not_sent_again(client: Client, ada: Author, bring):
    where = address(client)
    first = Client().get(where)
    again = Client().get(where, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    [before] = [entry.findtext(f"{ATOM}id") for entry in read(where).findall(f"{ATOM}entry")]
    bring(fact("2002.00002", ADA, "More notes"))
    assert Client().get(where, headers={"If-None-Match": first["ETag"]}).status_code == 200
    ids = [entry.findtext(f"{ATOM}id") for entry in read(where).findall(f"{ATOM}entry")]
    assert (len(set(ids)), ids[1]) == (2, before)


def test_an_empty_feed_is_not_sent_again_either(client: Client, reader: Account):
    where = address(client)
    first = Client().get(where)
    assert Client().get(where, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_it_is_kept_by_its_reader_alone_and_indexed_by_nobody(client: Client, ada: Author):
    response = Client().get(address(client))
    assert {"private", "no-cache"} <= {part.strip() for part in response["Cache-Control"].split(",")}
    assert "noindex" in response["X-Robots-Tag"]
    assert not response.cookies
    assert "Disallow: /alerts/" in Client().get("/robots.txt").content.decode()


def test_a_new_address_ends_the_old_one_and_switching_off_ends_both(client: Client, ada: Author):
    old, new = address(client), address(client)
    assert old != new
    assert (Client().get(old).status_code, Client().get(new).status_code) == (404, 200)
    client.post("/alerts/feed/", {"do": "off"})
    assert Client().get(new).status_code == 404
    assert Client().get("/alerts/feed/None.atom").status_code == 404
    assert "Make my feed" in client.get("/alerts/").content.decode()


def test_the_feed_of_an_account_that_is_closed_is_gone(client: Client, ada: Author, reader: Account):
    where = address(client)
    Account.objects.filter(pk=reader.pk).update(is_active=False)
    assert Client().get(where).status_code == 404


def test_the_key_is_no_part_of_the_archive_and_is_long(client: Client, reader: Account):
    address(client)
    key = AlertSettings.objects.get().feed_key or ""
    assert len(key) >= 43
    assert key not in str(records.gathered(reader))


def test_reading_the_feed_marks_nothing_as_read(client: Client, ada: Author, reader: Account):
    read(address(client))
    assert alerted.unread(reader) == 1


def test_only_two_things_can_be_done_with_a_feed(client: Client, reader: Account):
    assert client.post("/alerts/feed/", {"do": "sell"}).status_code == 400
    assert not AlertSettings.objects.exists()
