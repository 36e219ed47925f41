"""What search engines and browsers ask for: the sitemap, robots.txt that names it, and the OpenSearch description."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from django.test import Client

from bzpeer.sitemaps import SECTIONS
from papers.models import Institution, Paper, Topic
from profiles.models import Author
from tests.conftest import fact

pytestmark = pytest.mark.django_db

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"


@pytest.fixture
def world(bring: Callable[..., object]) -> None:
    bring(*(fact(f"2001.{n:05}", [f"Ada Love{'abcdefgh'[n]}", "Bo & Co. Li"], f"Note {n}") for n in range(1, 8)))


def locations(client: Client, address: str) -> list[str]:
    """Paths in the list at that address."""
    response = client.get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "application/xml")
    found = ElementTree.fromstring(response.content).iter(f"{SITEMAP}loc")
    return [str(loc.text).removeprefix("http://testserver") for loc in found]


def walked(client: Client) -> list[str]:
    """Every page of every list of the index."""
    return [page for address in locations(client, "/sitemap.xml") for page in locations(client, address)]


def test_every_public_page_is_there_once(client: Client, world: None):
    pages = walked(client)
    expected = [
        thing.get_absolute_url()
        for things in (Author.objects.listed(), Paper.objects.all(), Topic.objects.all())
        for thing in things
    ]
    expected.append("/papers/date/2020-01-01/")
    assert sorted(pages) == sorted(expected)
    assert len(pages) > 14


def test_lists_are_ranges_of_ids_that_no_offset_is_needed_for(
    client: Client, world: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries
):
    whole = sorted(walked(client))
    for section in SECTIONS.values():  # the two newest rows begin a list; ids are high where many tests ran before
        newest = section.found().order_by("pk").last() if hasattr(section, "found") else None
        monkeypatch.setattr(section, "limit", max(3, newest.pk - 1) if newest else 3)
    assert len(locations(client, "/sitemap.xml")) > len(SECTIONS)
    assert sorted(walked(client)) == whole
    with django_assert_num_queries(2) as asked:  # the last id, and the rows
        client.get("/sitemap-people.xml")
    assert not any("OFFSET" in query["sql"] for query in asked)


def test_whoever_is_hidden_or_merged_is_in_no_list(client: Client, world: None):
    hidden, merged, heir = Author.objects.order_by("pk")[:3]
    Author.objects.filter(pk=hidden.pk).update(visibility="notice")
    Author.objects.filter(pk=merged.pk).update(merged_into=heir)
    place = Institution.objects.create(name="Ockham Park", key="ockham park")
    Institution.objects.create(name="Ockham Pk.", merged_into=place)
    pages = walked(client)
    assert [page for page in pages if page.startswith("/institutions/")] == [place.get_absolute_url()]
    assert not any(page.startswith((f"/people/{hidden.pk}/", f"/people/{merged.pk}/")) for page in pages)
    assert heir.get_absolute_url() in pages


def test_a_paper_says_when_it_changed(client: Client, world: None):
    root = ElementTree.fromstring(client.get("/sitemap-works.xml").content)
    days = {str(lastmod.text)[:10] for lastmod in root.iter(f"{SITEMAP}lastmod")}
    assert days == {f"{paper.changed_at:%Y-%m-%d}" for paper in Paper.objects.all()}


@pytest.mark.parametrize("page", ["0", "-1", "1.5", "x", "999999", "9" * 500, "²"])
def test_a_list_that_is_not_there_is_not_found(client: Client, world: None, page: str):
    assert client.get("/sitemap-people.xml", {"p": page}).status_code == 404
    assert client.get("/sitemap-accounts.xml").status_code == 404


def test_without_records_the_lists_are_empty(client: Client):
    assert walked(client) == []


def test_robots_txt_names_the_sitemap(client: Client):
    assert "Sitemap: http://testserver/sitemap.xml" in client.get("/robots.txt").content.decode().splitlines()


def test_the_description_keeps_to_opensearch(client: Client, settings):
    """OpenSearch 1.1, draft 6: which elements there must be, and how long they may be."""
    settings.SITE_URL = "https://bzpeer.example.org"
    response = client.get("/opensearch.xml")
    assert response["Content-Type"].startswith("application/opensearchdescription+xml")
    root = ElementTree.fromstring(response.content)
    assert root.tag == f"{OPENSEARCH}OpenSearchDescription"
    (name,), (description,) = root.findall(f"{OPENSEARCH}ShortName"), root.findall(f"{OPENSEARCH}Description")
    assert 0 < len(name.text or "") <= 16
    assert 0 < len(description.text or "") <= 1024
    templates = {url.get("rel", "results"): url.attrib for url in root.findall(f"{OPENSEARCH}Url")}
    assert templates["results"]["type"] == "text/html"
    assert templates["self"]["template"] == "https://bzpeer.example.org/opensearch.xml"
    search = templates["results"]["template"]
    assert re.findall(r"{.*?}", search) == ["{searchTerms}"]
    found = client.get(search.removeprefix("https://bzpeer.example.org").replace("{searchTerms}", "ada"))
    assert found.status_code == 200
    suggestions = templates["suggestions"]
    assert suggestions["type"] == "application/x-suggestions+json"
    found = client.get(suggestions["template"].removeprefix("https://bzpeer.example.org").format(searchTerms="ada"))
    assert found["Content-Type"] == "application/x-suggestions+json"


def test_every_page_leads_a_browser_to_the_description(client: Client):
    assert '<link rel="search" href="/opensearch.xml" type="application/opensearchdescription+xml"' in (
        client.get("/").content.decode()
    )
