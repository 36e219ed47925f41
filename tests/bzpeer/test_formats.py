"""Every page in its other formats: by suffix, by Accept, in its head and in its headers."""

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

from bzpeer import exporting
from papers import exports, limits
from papers.bounded import TooSlow
from papers.exports import FORMATS, MEDIA_TYPES
from papers.models import BatchRecord, Institution, Paper, Signature, Topic
from papers.sources import bibtex
from papers.views import work as work_page
from profiles import changesets
from profiles.models import Author
from profiles.proposals import Merge
from tests.conftest import fact, with_role
from tests.walking import place_of

pytestmark = pytest.mark.django_db

ATTACK = "</script><script>alert(1)</script>&lt;"


@pytest.fixture
def ada(bring: Callable[..., object]) -> Author:
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], "On engines", doi="10.1000/1", abstract="Of engines."),
        fact("2002.00002", ["Ada Lovelace", "Charles Babbage"], "More on engines", created="2020-02-03"),
        fact("2003.00003", ["Mary Somerville"], "On the sciences", categories=["math.HO"]),
    )
    return Author.objects.get(name="Ada Lovelace")


def first() -> Paper:
    return Paper.objects.get(arxiv_id="2001.00001")


def body(response: Any) -> str:
    return b"".join(response.streaming_content if response.streaming else [response.content]).decode()


def pages(ada: Author) -> dict[str, tuple[str, str]]:
    """By kind, the address of the page and that of its formats, without a suffix."""
    topic, place = Topic.objects.get(name="Machine Learning"), place_of(first(), "Ockham University")
    return {
        "person": (ada.get_absolute_url(), f"/people/{ada.pk}"),
        "work": (first().get_absolute_url(), f"/works/{first().pk}"),
        "topic": (topic.get_absolute_url(), f"/topics/{topic.slug}"),
        "institution": (place.get_absolute_url(), f"/institutions/{place.pk}"),
    }


KINDS = ("person", "work", "topic", "institution")


# --- by suffix -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", MEDIA_TYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_page_has_every_format(client: Client, ada: Author, kind: str, suffix: str):
    response = client.get(f"{pages(ada)[kind][1]}.{suffix}")
    assert (response.status_code, response["Content-Type"]) == (200, f"{MEDIA_TYPES[suffix]}; charset=utf-8")
    assert re.fullmatch(rf'attachment; filename="[a-z0-9_-]+\.{re.escape(suffix)}"', response["Content-Disposition"])
    text = body(response)
    assert json.loads(text) if "json" in suffix else "engines" in text


def test_a_persons_works_are_those_that_stand_newest_first(client: Client, ada: Author):
    text = body(client.get(f"/people/{ada.pk}.bib"))
    read: list[Any] = list(bibtex.read(io.BytesIO(text.encode()), date(2030, 1, 1)))
    records = [item.record for item in read]
    assert [record.arxiv_id for record in records] == ["2002.00002", "2001.00001"]
    Signature.objects.get(paper=first(), position=0).assignment.delete()
    assert "2001.00001" not in body(client.get(f"/people/{ada.pk}.bib"))


def test_a_long_list_comes_in_pieces_and_is_whole(client: Client, ada: Author, bring, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exports, "PIECE", 3)
    bring(*(fact(f"2101.{n:05}", ["Ada Lovelace", "Charles Babbage"], f"Note {n}") for n in range(1, 20)))
    assert body(client.get(f"/people/{ada.pk}.ris")).count("TY  - ") == 21


def test_of_a_topic_the_newest_works_are_given_and_the_header_says_how_many(
    client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporting, "MOST", 1)
    response = client.get(f"{pages(ada)['topic'][1]}.bib")
    assert response["X-Most-Works"] == "1"
    assert re.findall(r"eprint = {(.*)}", body(response)) == ["2002.00002"]
    assert "X-Most-Works" not in client.get(f"/people/{ada.pk}.bib")


def test_a_merged_id_leads_to_the_heir_in_the_same_format(client: Client, ada: Author):
    mary = Author.objects.get(name="Mary Somerville")
    changesets.apply(with_role("eve"), Merge(((ada.pk, mary.pk),)), "One and the same.")
    gone, heir = (mary, ada) if Author.objects.get(pk=mary.pk).merged_into_id else (ada, mary)
    for suffix in MEDIA_TYPES:
        response = client.get(f"/people/{gone.pk}.{suffix}")
        assert (response.status_code, response["Location"]) == (301, f"/people/{heir.pk}.{suffix}")


def test_a_merged_institution_leads_to_its_heir_in_the_same_format(client: Client, ada: Author):
    heir = place_of(first(), "Ockham University")
    merged = Institution.objects.create(name="Univ. of Ockham", merged_into=heir)
    for suffix in MEDIA_TYPES:
        response = client.get(f"/institutions/{merged.pk}.{suffix}")
        assert (response.status_code, response["Location"]) == (301, f"/institutions/{heir.pk}.{suffix}")


def test_a_person_without_works_is_gone_in_every_format(client: Client, ada: Author):
    ada.assignments.all().delete()
    Author.objects.filter(pk=ada.pk).update(works_count=0)
    assert {client.get(f"/people/{ada.pk}.{suffix}").status_code for suffix in MEDIA_TYPES} == {410}


def test_a_paper_that_was_taken_away_is_gone_and_an_unknown_one_is_unknown(client: Client, ada: Author):
    pk = BatchRecord.objects.exclude(paper=None).values_list("paper", flat=True)[0]
    Paper.objects.filter(pk=pk).delete()
    for suffix in (*MEDIA_TYPES, "linkset.json"):
        assert client.get(f"/works/{pk}.{suffix}").status_code == client.get(f"/works/{pk}/").status_code == 410
        assert client.get(f"/works/987654321.{suffix}").status_code == 404


@pytest.mark.parametrize("address", ["/people/1.exe", "/people/x.bib", "/works/1.csl", "/topics/a.b.bib", "/people/1."])
def test_no_other_format_is_there(client: Client, address: str):
    assert client.get(address).status_code == 404


def test_an_author_list_is_whole_in_every_format(client: Client, bring):
    names = [f"Aiko {chr(97 + n // 26)}{chr(97 + n % 26)}mura" for n in range(300)]
    bring(fact("2005.00005", names, "By many"))
    paper = Paper.objects.get(arxiv_id="2005.00005")
    for suffix in MEDIA_TYPES:
        text = body(client.get(f"/works/{paper.pk}.{suffix}"))
        assert all(name.split()[1] in text for name in names), suffix


# --- of a search -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", MEDIA_TYPES)
def test_a_search_has_every_format_by_suffix_and_by_accept(client: Client, ada: Author, suffix: str):
    response = client.get(f"/search.{suffix}?q=engines")
    text = body(response)
    assert ("More on engines" in text, "On the sciences" in text) == (True, False)
    assert (response["X-Most-Works"], response["Content-Disposition"]) == (
        "1000",
        f'attachment; filename="search.{suffix}"',
    )
    same = client.get("/search/?q=engines", headers={"Accept": MEDIA_TYPES[suffix]})
    assert (body(same), same["Content-Location"]) == (text, f"/search.{suffix}?q=engines")


def test_a_search_is_exported_in_its_order_with_its_filters_and_to_its_end(
    client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporting, "PIECE", 1)
    found = {
        query: re.findall(r"eprint = {(.*)}", body(client.get(f"/search.bib?q=engines&{query}")))
        for query in ("sort=newest", "sort=oldest", "to=2019", "type=people", "topic=machine-learning&sort=oldest")
    }
    both = ["2001.00001", "2002.00002"]
    assert found["sort=newest"] == both[::-1]
    assert found["sort=oldest"] == found["topic=machine-learning&sort=oldest"] == both
    assert found["to=2019"] == found["type=people"] == []
    monkeypatch.setattr(exporting, "MOST", 1)
    assert body(client.get("/search.bib?q=engines")).count("eprint") == 1


@pytest.mark.parametrize("sort", ["relevance", "newest"])
def test_an_export_searches_once_and_reads_its_papers_in_pieces(
    client: Client, ada: Author, bring, monkeypatch: pytest.MonkeyPatch, sort: str
):
    """What stands in memory is a piece; each piece costs its own papers, topics and names, and no search."""
    bring(*(fact(f"2101.{n:05}", ["Mary Somerville"], f"Engines of note {n}") for n in range(1, 9)))
    asked = []
    for piece in (200, 2):
        monkeypatch.setattr(exporting, "PIECE", piece)
        with CaptureQueriesContext(connection) as queries:
            text = body(client.get(f"/search.bib?q=engines&sort={sort}"))
        assert len(re.findall(r"eprint = {(.*)}", text)) == len(set(re.findall(r"eprint = {(.*)}", text))) == 10
        asked.append(len(queries))
    assert asked[1] - asked[0] == 3 * (10 // 2 - 1)


@pytest.mark.parametrize("query", ["sort=x", "from=x", "type=x", "topic=nothing", "person=1", "from=2020&to=2019"])
def test_what_cannot_be_searched_is_a_sentence(client: Client, ada: Author, query: str):
    assert client.get(f"/search.bib?q=engines&{query}").status_code == 400


@pytest.mark.parametrize(
    "query", ["", "   ", "%00", "the", "x" * 10_000, "%F0%9F%8C%8D", "'; --", "((((", "(a+)+$" * 50]
)
def test_a_hostile_query_is_an_answer(client: Client, ada: Author, query: str):
    response = client.get(f"/search.bib?q={query}")
    assert (response.status_code, len(response["Link"]) < 4_000) == (200, True)


def test_a_search_that_takes_too_long_is_a_sentence(client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch):
    def slow(*_: Any, **__: Any) -> None:
        raise TooSlow("It took too long.")

    monkeypatch.setattr("papers.searching.addresses.numbers", slow)
    response = client.get("/search.bib?q=engines")
    assert (response.status_code, "too long" in body(response)) == (503, True)


def test_a_client_that_asks_for_too_many_lists_waits(client: Client, ada: Author, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(limits.LIMITS, "export_works", (limits.Limit(2, 60),))
    addresses = (f"/people/{ada.pk}.bib", "/search.ris?q=engines", f"/works/{first().pk}.jsonld")
    assert [client.get(address).status_code for address in addresses] == [200, 200, 429]


# --- by Accept -------------------------------------------------------------------------------------------------------

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize("suffix", MEDIA_TYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_answers_in_the_type_that_is_asked_for(client: Client, ada: Author, kind: str, suffix: str):
    page, stem = pages(ada)[kind]
    response = client.get(page, headers={"Accept": MEDIA_TYPES[suffix]})
    assert response["Content-Type"].startswith(MEDIA_TYPES[suffix])
    assert response["Content-Location"] == f"{stem}.{suffix}"
    assert "Accept" in response["Vary"]
    assert body(response) == body(client.get(f"{stem}.{suffix}"))


@pytest.mark.parametrize(
    ("accept", "suffix"),
    [
        (CHROME, None),
        ("*/*", None),
        ("", None),
        ("text/*", None),
        ("image/png", None),
        ("application/xml, */*;q=0", None),
        ("application/x-bibtex;q=0.4, text/html;q=0.5", None),
        ("application/x-bibtex;q=0.5, text/html;q=0.4", "bib"),
        ("application/x-bibtex;q=0, application/ld+json;q=0.1", "jsonld"),
        ("application/json, text/plain, */*", "json"),
        ("application/*;q=0.9, text/html", None),
        ("application/x-bibtex;q=nan", "bib"),
        ("application/x-bibtex;q=high", "bib"),
        (";;;,,,///,q=1;q=,\x7f", None),
        ("text/html;level=1, application/x-bibtex;q=0.9", "bib"),
        ("application/x-bibtex" + ", a/b;q=0.1" * 1_000, None),
        ("x" * 10_000, None),
        ("," * 10_000, None),
        (f"application/x-bibtex;{'a=b;' * 2_500}", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_accept_is_weighed_and_never_a_fault(client: Client, ada: Author, accept: str, suffix: str | None):
    response = client.get(ada.get_absolute_url(), headers={"Accept": accept})
    expected = MEDIA_TYPES[suffix] if suffix else "text/html"
    assert (response.status_code, response["Content-Type"]) == (200, f"{expected}; charset=utf-8")
    assert "Accept" in response["Vary"]


def test_a_hidden_person_is_the_notice_whatever_is_asked_for(client: Client, ada: Author):
    Author.objects.filter(pk=ada.pk).update(visibility="gone")
    for suffix, media_type in MEDIA_TYPES.items():
        for address in (f"/people/{ada.pk}/", f"/people/{ada.pk}.{suffix}"):
            response = client.get(address, headers={"Accept": media_type})
            assert (response.status_code, "Lovelace" in body(response)) == (410, False)
            assert "noindex" in response["X-Robots-Tag"]


# --- in the page -----------------------------------------------------------------------------------------------------


def linked_data(html: str) -> dict[str, Any]:
    (script,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    found: dict[str, Any] = json.loads(script)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_names_the_page_and_leads_to_each_format(client: Client, ada: Author, kind: str, settings):
    settings.SITE_URL = "https://bzpeer.example.org"
    page, stem = pages(ada)[kind]
    html = body(client.get(page))
    assert f'<link rel="canonical" href="https://bzpeer.example.org{page}">' in html
    for suffix, media_type in MEDIA_TYPES.items():
        assert f'<link rel="alternate" type="{media_type}" href="{stem}.{suffix}">' in html
    for suffix, form in FORMATS.items():
        assert re.search(rf'<a [^>]*href="{re.escape(stem)}\.{re.escape(suffix)}"[^>]*>{form.name}</a>', html)
    assert linked_data(html)["url"] == f"https://bzpeer.example.org{page}"


def test_linked_data_says_what_a_page_is_about(client: Client, ada: Author):
    found = {kind: linked_data(body(client.get(page))) for kind, (page, _stem) in pages(ada).items()}
    person = found["person"]["mainEntity"]
    assert (found["person"]["@type"], person["@type"], person["name"]) == ("ProfilePage", "Person", "Ada Lovelace")
    work = found["work"]
    assert (work["@type"], work["headline"]) == ("ScholarlyArticle", "On engines")
    assert [name["name"] for name in work["author"]] == ["Ada Lovelace", "Charles Babbage"]
    assert found["topic"]["about"] == {
        "@type": "DefinedTerm",
        "name": "Machine Learning",
        "termCode": "machine-learning",
    }
    assert found["institution"]["about"] == {"@type": "CollegeOrUniversity", "name": "Ockham University"}


def test_hostile_text_stays_inside_of_the_linked_data(client: Client, bring):
    bring(fact("2005.00005", ["Ada Lovelace", ATTACK], f"Engines {ATTACK}", abstract=ATTACK))
    paper = Paper.objects.get(arxiv_id="2005.00005")
    Institution.objects.create(name=f"House {ATTACK}", key="house")
    for address in (paper.get_absolute_url(), Institution.objects.get(key="house").get_absolute_url()):
        html = body(client.get(address))
        assert "<script>alert" not in html
        assert ATTACK.split("&")[0] in json.dumps(linked_data(html))


def test_citation_tags_stand_on_papers_alone_and_name_everybody_in_order(client: Client, ada: Author, settings):
    settings.SITE_URL = "https://bzpeer.example.org"
    html = {kind: body(client.get(page)) for kind, (page, _stem) in pages(ada).items()}
    tags = re.findall(r'<meta name="(citation_\w+)" content="([^"]*)">', html["work"])
    assert tags == [
        ("citation_title", "On engines"),
        ("citation_author", "Ada Lovelace"),
        ("citation_author", "Charles Babbage"),
        ("citation_publication_date", "2020/01/01"),
        ("citation_arxiv_id", "2001.00001"),
        ("citation_doi", "10.1000/1"),
        ("citation_pdf_url", "https://arxiv.org/pdf/2001.00001"),
        ("citation_abstract_html_url", f"https://bzpeer.example.org{first().get_absolute_url()}"),
    ]
    assert not any("citation_" in html[kind] for kind in ("person", "topic", "institution"))


def test_the_entry_to_copy_is_what_the_file_holds(client: Client, ada: Author):
    html = body(client.get(first().get_absolute_url()))
    (entry,) = re.findall(r"<pre[^>]*>(.*?)</pre>", html, re.DOTALL)
    assert entry == body(client.get(f"/works/{first().pk}.bib")).strip()


# --- in the headers --------------------------------------------------------------------------------------------------


def links(header: str) -> list[tuple[str, str, str]]:
    """(rel, href, type) of a Link header."""
    found = re.findall(r'<([^>]*)>; rel="([a-z-]+)"(?:; type="([^"]*)")?(?:, |$)', header)
    assert sum(len(part) for row in found for part in row) > len(header) / 2
    return [(rel, href, kind) for href, rel, kind in found]


def test_a_paper_signposts_what_it_is_who_wrote_it_and_where_it_is(client: Client, ada: Author, settings):
    settings.SITE_URL = "https://bzpeer.example.org"
    licensed = "http://creativecommons.org/licenses/by/4.0/"
    Paper.objects.filter(pk=first().pk).update(license=licensed)
    found = links(client.get(first().get_absolute_url())["Link"])
    assert ("cite-as", "https://doi.org/10.1000/1", "") in found
    assert ("type", "https://schema.org/ScholarlyArticle", "") in found
    assert ("author", f"https://bzpeer.example.org{ada.get_absolute_url()}", "") in found
    assert ("item", "https://arxiv.org/pdf/2001.00001", "application/pdf") in found
    assert ("license", licensed, "") in found
    stem = f"https://bzpeer.example.org/works/{first().pk}"
    for suffix, media_type in MEDIA_TYPES.items():
        assert ("describedby", f"{stem}.{suffix}", media_type) in found
        back = links(client.get(f"/works/{first().pk}.{suffix}")["Link"])
        assert ("describes", f"https://bzpeer.example.org{first().get_absolute_url()}", "") in back
    assert ("linkset", f"{stem}.linkset.json", "application/linkset+json") in found


def test_a_person_signposts_the_page_and_its_formats(client: Client, ada: Author, settings):
    settings.SITE_URL = "https://bzpeer.example.org"
    found = links(client.get(ada.get_absolute_url())["Link"])
    assert ("cite-as", f"https://bzpeer.example.org{ada.get_absolute_url()}", "") in found
    assert ("type", "https://schema.org/ProfilePage", "") in found
    assert ("describedby", f"https://bzpeer.example.org/people/{ada.pk}.bib", "application/x-bibtex") in found


def test_a_paper_of_many_has_a_short_header_and_a_linkset_of_all(client: Client, bring):
    names = [f"Aiko {chr(97 + n // 26)}{chr(97 + n % 26)}mura" for n in range(300)]
    bring(fact("2005.00005", names, "By many"))
    paper = Paper.objects.get(arxiv_id="2005.00005")
    header = client.get(paper.get_absolute_url())["Link"]
    assert len(header) < 4_000
    assert header.count('rel="author"') == 10
    response = client.get(f"/works/{paper.pk}.linkset.json")
    assert response["Content-Type"] == "application/linkset+json"
    (context,) = response.json()["linkset"]
    assert len(context["author"]) == 300
    assert {"anchor", "cite-as", "type", "author", "item", "describedby"} == context.keys()


def test_hostile_identifiers_and_licences_break_no_header(client: Client, ada: Author):
    Paper.objects.filter(pk=first().pk).update(doi='10.1000/ü;"\u2028,x', license='https://x.org/>; rel="next"\r\nX: y')
    response = client.get(first().get_absolute_url())
    assert response.status_code == 200
    assert ("cite-as", "https://doi.org/10.1000/%C3%BC;%22%E2%80%A8,x", "") in links(response["Link"])
    assert 'rel="license"' not in response["Link"]


def test_the_page_view_is_as_before_for_whoever_calls_it(rf, ada: Author):
    """What has no other format is left to the page's own view."""
    with pytest.raises(Exception, match="no paper"):
        work_page(rf.get("/"), 987654321)
