"""Saving and collections on pages: each step by form and in place, what others may open, and every export."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from papers import limits
from papers.exports import FORMATS, MEDIA_TYPES
from papers.models import Batch, Paper
from papers.sources import bibtex, ris
from papers.text import plain
from profiles.feedback import collecting
from profiles.models import Account, Author, Claim, Collection, CollectionItem
from tests.conftest import fact, with_role

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
ATTACK = "<script>alert(1)</script>"


@pytest.fixture
def eels(bring: Callable[..., Batch]) -> Paper:
    bring(
        fact("2001.00001", ["Ada Lovelace", "Bo Berg"], "On eels", doi="10.1000/1", abstract="Of eels."),
        fact("2002.00002", ["Ada Lovelace", "Cy Cohn"], "More on eels", created="2020-02-03"),
        fact("2003.00003", ["Di Dahl"], "On cells", categories=["q-bio.NC"]),
    )
    return Paper.objects.get(arxiv_id="2001.00001")


@pytest.fixture
def owner(client: Client, db: None) -> Account:
    """Signed in with `client`."""
    account = Account.objects.create_user("owner", "owner@example.org")
    client.force_login(account)
    return account


def collection(account: Account, visibility: str, name: str = "To read", about: str = "") -> Collection:
    """With all papers, the first of which has a note."""
    made = collecting.make(account, name, about, visibility, timezone.now())
    for one in Paper.objects.order_by("arxiv_id"):
        note = "Read this first." if one.arxiv_id == "2001.00001" else ""
        collecting.put_back(made, one.pk, note, timezone.now())
    return made


def body(response: Any) -> str:
    return b"".join(response.streaming_content if response.streaming else [response.content]).decode()


def is_saved(paper: Paper) -> bool:
    return CollectionItem.objects.filter(paper=paper, collection__is_saved=True).exists()


# --- on a paper's page -----------------------------------------------------------------------------------------------


def test_save_is_a_form_that_says_what_it_wants(client: Client, owner: Account, eels: Paper):
    for wanted, label in (("1", "Saved"), ("1", "Saved"), ("0", "Save"), ("0", "Save")):
        response = client.post(reverse("save", args=[eels.pk]), {"saved": wanted})
        assert response["Location"] == f"{eels.get_absolute_url()}#next-steps"
        html = body(client.get(eels.get_absolute_url()))
        assert re.search(rf'<button id="save-button"[^>]*>{label}\b', html)
        assert is_saved(eels) == (wanted == "1")
    assert client.post(reverse("save", args=[eels.pk]), {"saved": "x"}).status_code == 400
    assert client.post(reverse("save", args=[987_654]), {"saved": "1"}).status_code == 404


def test_in_place_the_buttons_come_back_alone(client: Client, owner: Account, eels: Paper):
    html = body(client.post(reverse("save", args=[eels.pk]), {"saved": "1"}, headers=HTMX))
    assert "<html" not in html
    assert 'id="save-button"' in html
    assert 'name="saved" value="0"' in html


def test_past_the_limit_there_is_a_sentence(
    client: Client, owner: Account, eels: Paper, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(limits.LIMITS, "save_new", (limits.Limit(1, 60),))
    other = Paper.objects.exclude(pk=eels.pk)[0]
    client.post(reverse("save", args=[other.pk]), {"saved": "1"})
    assert "too much at once" in body(client.post(reverse("save", args=[eels.pk]), {"saved": "1"}, headers=HTMX))
    response = client.post(reverse("save", args=[eels.pk]), {"saved": "1"}, follow=True)
    assert "too much at once" in body(response)
    assert not is_saved(eels)


def test_a_visitor_is_led_to_log_in_and_back(client: Client, eels: Paper):
    html = body(client.get(eels.get_absolute_url()))
    assert "Log in to curate" in html
    assert f'href="/accounts/login/?next={eels.get_absolute_url().replace("/", "%2F")}"' in html
    assert client.post(reverse("save", args=[eels.pk]), {"saved": "1"}).status_code == 302
    assert not Collection.objects.exists()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_paper_is_put_into_collections_and_a_new_one(
    client: Client, owner: Account, eels: Paper, headers: dict[str, str]
):
    kept = collecting.make(owner, "Kept", "", "private", timezone.now())
    address = reverse("collect", args=[eels.pk])
    html = body(client.get(address, headers=headers))
    assert ("<html" in html) == (not headers)
    assert (f'value="{kept.pk}"' in html, "checked> <span>" in html, 'name="was"' in html) == (True, False, False)
    client.post(address, {"in": [kept.pk], "new": "Made now"}, headers=headers)
    assert {str(row) for row in collecting.of_paper(eels, owner).own} == {"Kept", "Made now"}
    html = body(client.get(address, headers=headers))
    assert html.count("checked> <span>") == html.count('name="was"') == 2
    response = client.post(address, {"was": [kept.pk]}, headers=headers, follow=True)
    assert [str(row) for row in collecting.of_paper(eels, owner).own] == ["Made now"]
    assert "Made now" in body(response)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_was_typed_and_chosen_is_there_after_a_refusal(
    client: Client, owner: Account, eels: Paper, headers: dict[str, str]
):
    kept = collecting.make(owner, "Kept", "", "private", timezone.now())
    response = client.post(reverse("collect", args=[eels.pk]), {"in": [kept.pk], "new": "kept"}, headers=headers)
    html = body(response)
    assert response.status_code == (200 if headers else 400)
    assert "You have a collection of this name already." in html
    assert ('value="kept"' in html, "checked> <span>" in html) == (True, True)
    assert not CollectionItem.objects.exists()


def test_a_form_that_was_not_made_here_is_refused(client: Client, owner: Account, eels: Paper):
    for value in ("x", "-1", "9" * 40, "1\0"):
        assert client.post(reverse("collect", args=[eels.pk]), {"in": [value]}).status_code == 400


def test_public_collections_are_named_on_the_papers_page(client: Client, eels: Paper):
    shown = collection(Account.objects.create_user("maker"), "public", f"Eels {ATTACK}")
    html = body(client.get(eels.get_absolute_url()))
    assert f'<a href="{shown.get_absolute_url()}"><bdi>Eels &lt;script&gt;' in html
    assert ATTACK not in html


# --- collections -----------------------------------------------------------------------------------------------------


def test_a_collection_is_made_changed_and_deleted(client: Client, owner: Account, eels: Paper):
    made = client.post(reverse("collections"), {"name": "Eels", "about": "All of them.", "visibility": "private"})
    found = Collection.objects.get()
    assert made["Location"] == found.get_absolute_url() == f"/collections/{found.pk}/eels/"
    assert "All of them." in body(client.get(found.get_absolute_url()))
    changed = {"name": "Edit", "about": "", "visibility": "public"}
    response = client.post(reverse("collection_edit", args=[found.pk]), changed)
    assert response["Location"] == f"/collections/{found.pk}/edit-/"  # beside the page of that name
    assert client.get(f"/collections/{found.pk}/eels/")["Location"] == response["Location"]
    assert client.get(f"/collections/{found.pk}/").status_code == 301
    assert "Delete it for good?" in body(client.get(reverse("collection_delete", args=[found.pk])))
    assert client.post(reverse("collection_delete", args=[found.pk]))["Location"] == "/collections/"
    assert not Collection.objects.exists()


def test_what_cannot_be_made_comes_back_with_what_was_typed(client: Client, owner: Account):
    response = client.post(reverse("collections"), {"name": "", "about": "All of them.", "visibility": "public"})
    html = body(response)
    assert response.status_code == 400
    assert ("Write something first." in html, "All of them." in html) == (True, True)
    assert client.post(reverse("collections"), {"name": "\0", "visibility": "x"}).status_code == 400


def test_past_the_limit_of_collections_the_answer_is_429(
    client: Client, owner: Account, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(limits.LIMITS, "collection_new", (limits.Limit(1, 60),))
    given = {"about": "", "visibility": "private"}
    client.post(reverse("collections"), given | {"name": "One"})
    response = client.post(reverse("collections"), given | {"name": "Two"})
    assert (response.status_code, "Retry-After" in response, "too much at once" in body(response)) == (429, True, True)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_note_is_written_and_a_paper_taken_out_and_put_back(
    client: Client, owner: Account, eels: Paper, headers: dict[str, str]
):
    made = collection(owner, "public")
    address = reverse("collection_paper", args=[made.pk, eels.pk])
    response = client.post(address, {"do": "note", "note": f"Mind {ATTACK}"}, headers=headers, follow=True)
    assert "Mind &lt;script&gt;" in body(response)
    response = client.post(address, {"do": "out"}, headers=headers, follow=True)
    assert ("“On eels” is out." in body(response)) == bool(headers)
    assert made.items.count() == 2
    client.post(address, {"do": "back", "note": "Mind."}, headers=headers)
    assert made.items.get(paper=eels).note == "Mind."
    response = client.post(address, {"do": "note", "note": "x" * 1_000_000}, headers=headers, follow=True)
    assert "At most 2,000 characters." in body(response)
    assert client.post(address, {"do": "burn"}, headers=headers).status_code == 400


def test_my_list_has_counts_and_asks_the_same_of_the_database_however_long_it_is(
    client: Client, owner: Account, eels: Paper
):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            html = body(client.get(reverse("collections")))
        assert html.count("3 papers") == Collection.objects.filter(is_saved=False).count()
        return len(queries)

    collection(owner, "private", "One")
    client.get(reverse("collections"))
    few = asked()
    for n in range(5):
        collection(owner, "public", f"More {n}")
    assert asked() == few


def test_a_page_asks_the_same_of_the_database_however_many_papers_it_lists(client: Client, eels: Paper):
    made = collection(Account.objects.create_user("maker"), "public")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(made.get_absolute_url())
        return len(queries)

    client.get(made.get_absolute_url() + "?x")
    many = asked()
    made.items.exclude(paper=eels).delete()
    assert asked() == many


def test_a_long_list_goes_on_behind_a_link(client: Client, owner: Account, eels: Paper, monkeypatch):
    monkeypatch.setattr(collecting.listed, "__defaults__", ("", 2))
    made = collection(owner, "public")
    html = body(Client().get(made.get_absolute_url()))
    assert ("On cells" in html, "More on eels" in html, ">On eels<" in html) == (True, True, False)
    (following,) = set(re.findall(r'href="([^"]*\?after=[^"]*)" rel="next"', html))
    html = body(Client().get(following))
    assert (">On eels<" in html, 'rel="next"' in html) == (True, False)
    assert client.get(f"{made.get_absolute_url()}?after=x").status_code == 400


# --- who sees what ---------------------------------------------------------------------------------------------------

CHANGES = ("collection_edit", "collection_delete", "collection_key")


def addresses(made: Collection) -> list[str]:
    return [made.get_absolute_url(), *(f"/collections/{made.pk}.{suffix}" for suffix in MEDIA_TYPES)]


def shared_addresses(key: str) -> list[str]:
    return [f"/collections/shared/{key}/", *(f"/collections/shared/{key}.{suffix}" for suffix in MEDIA_TYPES)]


@pytest.fixture
def everybody(client: Client, owner: Account, monkeypatch: pytest.MonkeyPatch) -> dict[str, Client]:
    """Each asks for more than one client may."""
    monkeypatch.setitem(limits.LIMITS, "export_works", (limits.Limit(1_000, 1),))
    others = {"visitor": Client(), "stranger": Client(), "curator": Client()}
    others["stranger"].force_login(Account.objects.create_user("stranger"))
    others["curator"].force_login(with_role("curator"))
    return others | {"owner": client}


@pytest.mark.parametrize(
    ("visibility", "others", "by_link"), [("private", 404, 404), ("link", 404, 200), ("public", 200, 302)]
)
def test_who_may_open_what(
    everybody: dict[str, Client], owner: Account, eels: Paper, visibility: str, others: int, by_link: int
):
    made = collection(owner, "link")
    key = made.key or ""
    made = collecting.edit(made, "To read", "", visibility, timezone.now())
    for who, client in everybody.items():
        for address in addresses(made):
            assert client.get(address).status_code == (200 if who == "owner" else others), (who, address)
        page, *exports = shared_addresses(key)
        assert client.get(page).status_code == by_link, who
        assert {client.get(address).status_code for address in exports} == {404 if by_link == 404 else 200}, who
        if who != "owner":
            for name in CHANGES:
                refused = client.post(reverse(name, args=[made.pk]), {"name": "Mine", "visibility": "public"})
                assert refused.status_code == (302 if who == "visitor" else 404), (who, name)
            client.post(reverse("collection_paper", args=[made.pk, eels.pk]), {"do": "out"})
    made.refresh_from_db()
    assert (made.name, made.items.count()) == ("To read", 3)


def test_by_accept_nobody_gets_what_the_page_does_not_show(everybody: dict[str, Client], owner: Account, eels: Paper):
    made = collection(owner, "private")
    for who, client in everybody.items():
        response = client.get(made.get_absolute_url(), headers={"Accept": MEDIA_TYPES["bib"]})
        assert response.status_code == (200 if who == "owner" else 404)


def test_an_address_that_is_a_secret_stays_one(everybody: dict[str, Client], owner: Account, eels: Paper):
    key = collection(owner, "link").key or ""
    for client in everybody.values():
        for address in shared_addresses(key):
            response = client.get(address)
            assert "noindex" in response["X-Robots-Tag"]
            assert response["Referrer-Policy"] == "same-origin"
            assert {"private", "no-store"} <= set(response["Cache-Control"].split(", "))
    html = body(Client().get(shared_addresses(key)[0]))
    assert '<meta name="robots" content="noindex' in html
    assert ("Read this first." in html, 'rel="canonical"' in html) == (True, False)


def test_a_new_link_ends_the_old(client: Client, owner: Account, eels: Paper):
    made = collection(owner, "link")
    old = made.key or ""
    assert old in body(client.get(made.get_absolute_url()))
    assert "Here is the new link" in body(client.post(reverse("collection_key", args=[made.pk]), follow=True))
    made.refresh_from_db()
    assert {Client().get(address).status_code for address in shared_addresses(old)} == {404}
    assert {Client().get(address).status_code for address in shared_addresses(made.key or "")} == {200}


def test_what_a_curator_hid_is_there_for_its_owner_alone(everybody: dict[str, Client], owner: Account, eels: Paper):
    made = collection(owner, "public", "To sell")
    visitor = everybody["visitor"]
    assert "To sell" in body(visitor.get(eels.get_absolute_url()))
    type(made).objects.filter(pk=made.pk).update(hidden_at=timezone.now())
    for who, client in everybody.items():
        assert client.get(made.get_absolute_url()).status_code == (200 if who == "owner" else 404)
    assert "A curator hid this collection" in body(everybody["owner"].get(made.get_absolute_url()))
    assert "To sell" not in body(visitor.get(eels.get_absolute_url()))
    assert made.get_absolute_url() not in body(visitor.get("/sitemap-collections.xml"))


def test_a_public_collection_says_who_made_it_and_never_an_address(eels: Paper):
    maker = Account.objects.create_user("maker", "maker@example.org")
    made = collection(maker, "public", about=f"See {ATTACK}")
    html = body(Client().get(made.get_absolute_url()))
    assert "an account without a record here, since" in html
    ada = Author.objects.get(name="Ada Lovelace")
    Author.objects.filter(pk=ada.pk).update(account=maker)
    Claim.objects.create(author=ada, account=maker, state=Claim.State.HELD, level=3)
    reader = Client()
    reader.force_login(Account.objects.create_user("reader"))
    named = body(reader.get(made.get_absolute_url()))
    assert f'<a href="{ada.get_absolute_url()}"><bdi>Ada Lovelace</bdi></a>' in named
    assert not [text for text in (html, named) if "maker@example" in text or ATTACK in text]


def test_a_public_collection_is_in_the_sitemap_and_no_other(owner: Account, eels: Paper):
    shown = collection(owner, "public", "Shown")
    for name, visibility in (("Mine", "private"), ("Linked", "link")):
        collection(owner, visibility, name)
    collecting.save(owner, eels.pk, timezone.now())
    found = re.findall(r"<loc>[^<]*(/collections/[^<]*)</loc>", body(Client().get("/sitemap-collections.xml")))
    assert found == [shown.get_absolute_url()]


# --- exports ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", MEDIA_TYPES)
def test_a_collection_has_every_format_by_suffix_and_by_accept(client: Client, owner: Account, eels: Paper, suffix):
    made = collection(owner, "public")
    response = client.get(f"/collections/{made.pk}.{suffix}")
    assert response["Content-Disposition"] == f'attachment; filename="to-read.{suffix}"'
    assert response["Content-Type"] == f"{MEDIA_TYPES[suffix]}; charset=utf-8"
    text = body(response)
    assert text.index("On cells") < text.index("More on eels") < text.index("2001.00001")
    same = client.get(made.get_absolute_url(), headers={"Accept": MEDIA_TYPES[suffix]})
    assert (body(same), same["Content-Location"]) == (text, f"/collections/{made.pk}.{suffix}")
    link = collecting.edit(made, "To read", "", "link", timezone.now()).key
    page = Client().get(f"/collections/shared/{link}/", headers={"Accept": MEDIA_TYPES[suffix]})
    assert page["Content-Location"] == f"/collections/shared/{link}.{suffix}"
    assert "On cells" in body(page)


@pytest.mark.parametrize(("suffix", "reader"), [("bib", bibtex), ("ris", ris)])
def test_what_is_exported_can_be_imported_again(client: Client, owner: Account, eels: Paper, suffix: str, reader: Any):
    made = collection(owner, "private")
    text = body(client.get(f"/collections/{made.pk}.{suffix}"))
    read: list[Any] = list(reader.read(io.BytesIO(text.encode()), date(2030, 1, 1)))
    records = [item.record for item in read]
    assert [(plain(record.title), record.doi) for record in records] == [
        ("On cells", None),
        ("More on eels", None),
        ("On eels", "10.1000/1"),
    ]


def test_json_says_the_same(client: Client, owner: Account, eels: Paper):
    made = collection(owner, "public", about="Of eels, and more.")
    order = ["On cells", "More on eels", "On eels"]
    assert [entry["title"] for entry in json.loads(body(client.get(f"/collections/{made.pk}.csl.json")))] == order
    page, *works = json.loads(body(client.get(f"/collections/{made.pk}.jsonld")))["@graph"]
    assert (page["@type"], page["name"], page["description"]) == ("CollectionPage", "To read", "Of eels, and more.")
    assert [work["name"] for work in works] == order
    record = json.loads(body(client.get(f"/collections/{made.pk}.json")))
    assert record["collection"]["name"] == "To read"
    assert [work["title"] for work in record["results"]] == order


def test_the_page_leads_to_its_formats(owner: Account, eels: Paper):
    made = collection(owner, "public")
    html = body(Client().get(made.get_absolute_url()))
    for suffix, media_type in MEDIA_TYPES.items():
        assert f'<link rel="alternate" type="{media_type}" href="/collections/{made.pk}.{suffix}">' in html
    for suffix, form in FORMATS.items():
        assert f'href="/collections/{made.pk}.{suffix}" download>{form.name}</a>' in html
