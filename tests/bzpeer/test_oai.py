"""The OAI-PMH provider: every verb, every error of the protocol, and nothing that breaks it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from papers import datestamps, limits
from papers.bounded import TooSlow
from papers.models import Paper, RemovedPaper, Topic
from papers.providing import lists
from papers.providing.requests import Refused, read
from profiles.models import Author
from tests.conftest import fact

pytestmark = pytest.mark.django_db

SPACES = {
    "o": "http://www.openarchives.org/OAI/2.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "a": "http://arxiv.org/OAI/arXiv/",
}
ADDRESS = reverse("oai")


@pytest.fixture(autouse=True)
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.LIMITS, "oai", (limits.Limit(100_000, 1),))


def ask(arguments: str = "", **more: str):
    """The root of the answer to arguments as a query string, or by name (`from_` is from)."""
    given = {name.rstrip("_"): value for name, value in more.items()}
    response = Client().get(f"{ADDRESS}?{arguments}" if arguments else ADDRESS, given or None)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    return etree.fromstring(response.content)


def found(root, path: str) -> list:
    return root.xpath(path, namespaces=SPACES)


def code(root) -> str:
    """The one error."""
    (error,) = found(root, "/o:OAI-PMH/o:error")
    assert error.text
    return error.get("code")


def listed(verb: str = "ListIdentifiers", prefix: str = "oai_dc", **more: str) -> list[str]:
    """Identifiers' ids of a whole list, over all its tokens."""
    ids, asked = [], {"verb": verb, "metadataPrefix": prefix} | more
    while True:
        root = ask(**asked)
        ids += [text.rpartition(":")[2] for text in found(root, "//o:header/o:identifier/text()")]
        token = found(root, "//o:resumptionToken/text()")
        if not token:
            return ids
        asked = {"verb": verb, "resumptionToken": token[0]}


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def three(bring, monkeypatch) -> list[Paper]:
    """Three papers, a day apart, and lists of two."""
    monkeypatch.setattr(lists, "PAGE", 2)
    bring(*(fact(f"2001.{n:05}", ["Ada Lovelace"], categories=["cs.LG" if n < 3 else "cs.CL"]) for n in (1, 2, 3)))
    papers = list(Paper.objects.order_by("arxiv_id"))
    for n, paper in enumerate(papers):
        Paper.objects.filter(pk=paper.pk).update(changed_at=datetime(2026, 1, n + 1, 12, tzinfo=UTC))
    return papers


def remove(paper: Paper, day: int) -> None:
    datestamps.remove([paper.pk])
    RemovedPaper.objects.filter(pk=paper.pk).update(removed_at=datetime(2026, 1, day, 12, tzinfo=UTC))


# --- verbs -----------------------------------------------------------------------------------------------------------


def test_it_says_who_it_is(three, settings):
    settings.SITE_URL = "https://bzpeer.example.org"
    root = ask(verb="Identify")
    told = {etree.QName(e).localname: e.text for e in found(root, "/o:OAI-PMH/o:Identify/*")}
    assert told["baseURL"] == found(root, "//o:request/text()")[0] == "https://bzpeer.example.org/oai"
    assert told["protocolVersion"] == "2.0"
    assert told["deletedRecord"] == "persistent"
    assert told["granularity"] == "YYYY-MM-DDThh:mm:ssZ"
    assert told["earliestDatestamp"] == "2026-01-01T12:00:00Z"
    assert "@" in told["adminEmail"]


def test_a_paper_is_told_in_both_formats(bring, settings):
    settings.SITE_URL = "https://bzpeer.example.org"
    bring(
        fact(
            "2001.00001", ["Ada Lovelace", "C. Babbage"], "On <engines> & \\'etudes", doi="10.1000/182", abstract="Of."
        )
    )
    paper = Paper.objects.get()
    identifier = f"oai:bzpeer.example.org:{paper.pk}"
    root = ask(verb="GetRecord", identifier=identifier, metadataPrefix="oai_dc")
    assert found(root, "//dc:title/text()") == ["On <engines> & \\'etudes"]
    assert found(root, "//dc:creator/text()") == ["Lovelace, Ada", "Babbage, C."]
    assert found(root, "//dc:subject/text()") == ["Machine Learning"]
    assert f"https://bzpeer.example.org{paper.get_absolute_url()}" in found(root, "//dc:identifier/text()")
    assert found(root, "//o:setSpec/text()") == ["topic:machine-learning"]
    root = ask(verb="GetRecord", identifier=identifier, metadataPrefix="arXiv")
    (record,) = found(root, "//a:arXiv")
    assert [etree.QName(e).localname for e in record] == [
        "id", "created", "updated", "authors", "title", "categories", "doi", "abstract",
    ]  # fmt: skip
    assert found(record, "a:authors/a:author/a:keyname/text()") == ["Lovelace", "Babbage"]
    assert found(record, "a:authors/a:author/a:forenames/text()") == ["Ada", "C."]


def test_a_name_that_is_hidden_stands_nowhere(bring):
    bring(fact("2001.00001", ["Rosa Smith", "Ada Lovelace"]))
    Author.objects.filter(name="Rosa Smith").update(name="Iris Novák", preferred_name="Iris Novák", hides_printed=True)
    for prefix in ("oai_dc", "arXiv"):
        text = etree.tostring(ask(verb="ListRecords", metadataPrefix=prefix), encoding="unicode")
        assert "Novák" in text
        assert "Smith" not in text


def test_text_that_xml_forbids_is_left_out(bring):
    bring(fact("2001.00001", ["Ada Lovelace"]))
    Paper.objects.update(title="A\x01B\ufffe]]>", abstract="\x0b<!ENTITY x>", arxiv_id=None, journal_ref="\x1f")
    for prefix in ("oai_dc", "arXiv"):
        root = ask(verb="ListRecords", metadataPrefix=prefix)
        assert "AB]]>" in found(root, "//*[local-name()='title']/text()")


def test_sets_are_topics_and_come_in_parts(three):
    Topic.objects.create(name="Zoology", slug="zoology")
    first = ask(verb="ListSets")
    assert found(first, "//o:setSpec/text()") == ["topic", "topic:computation-and-language", "topic:machine-learning"]
    (token,) = found(first, "//o:resumptionToken/text()")
    last = ask(verb="ListSets", resumptionToken=token)
    assert found(last, "//o:setSpec/text()") == ["topic:zoology"]
    assert found(last, "//o:resumptionToken")[0].text is None


def test_formats_are_told_for_all_and_for_one(three):
    assert found(ask(verb="ListMetadataFormats"), "//o:metadataPrefix/text()") == ["oai_dc", "arXiv"]
    own = found(ask(verb="ListIdentifiers", metadataPrefix="oai_dc"), "//o:identifier/text()")[0]
    assert len(found(ask(verb="ListMetadataFormats", identifier=own), "//o:metadataPrefix")) == 2
    assert code(ask(verb="ListMetadataFormats", identifier="oai:else.where:1")) == "idDoesNotExist"


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["ListIdentifiers", "ListRecords"])
def test_a_list_is_told_whole_over_its_tokens(three, verb: str):
    assert listed(verb) == [str(paper.pk) for paper in three]
    (token,) = found(ask(verb=verb, metadataPrefix="arXiv"), "//o:resumptionToken")
    assert (token.get("cursor"), token.get("completeListSize")) == ("0", "3")
    assert token.get("expirationDate") > stamp(datetime.now(UTC) + timedelta(hours=23))
    (last,) = found(ask(verb=verb, resumptionToken=token.text), "//o:resumptionToken")
    assert (last.text, last.get("cursor"), last.get("completeListSize")) == (None, "2", "3")


def test_a_removed_paper_is_told_among_the_others_for_good(three):
    remove(three[0], 2)
    root = ask(verb="ListRecords", metadataPrefix="oai_dc", until="2026-01-02")
    assert found(root, "//o:header[@status='deleted']/o:identifier/text()")[0].endswith(f":{three[0].pk}")
    assert found(root, "//o:header[@status='deleted']/o:setSpec/text()") == ["topic:machine-learning"]
    assert len(found(root, "//o:metadata")) == 1
    assert sorted(listed()) == sorted(str(paper.pk) for paper in three)
    own = found(root, "//o:header[@status='deleted']/o:identifier/text()")[0]
    assert found(ask(verb="GetRecord", identifier=own, metadataPrefix="oai_dc"), "//o:header/@status") == ["deleted"]


def test_dates_and_sets_choose(three):
    one, two, three_ = (str(paper.pk) for paper in three)
    assert listed(from_="2026-01-02") == [two, three_]
    assert listed(until="2026-01-02") == [one, two]
    assert listed(from_="2026-01-01T12:00:00Z", until="2026-01-01T12:00:00Z") == [one]
    assert listed(from_="2026-01-01", until="9999-12-31") == [one, two, three_]
    assert listed(set="topic:machine-learning") == [one, two]
    assert listed(set="topic:machine-learning", from_="2026-01-02", until="2026-01-02") == [two]
    remove(three[0], 5)
    assert listed(set="topic:machine-learning") == [two, one]
    assert listed(set="topic") == [two, three_, one]


def test_a_paper_that_changes_during_the_harvest_comes_at_its_end(three):
    root = ask(verb="ListIdentifiers", metadataPrefix="oai_dc")
    datestamps.touch([three[0].pk])
    (token,) = found(root, "//o:resumptionToken/text()")
    rest = found(ask(verb="ListIdentifiers", resumptionToken=token), "//o:identifier/text()")
    assert [text.rpartition(":")[2] for text in rest] == [str(three[2].pk), str(three[0].pk)]


def test_a_page_takes_as_many_queries_for_many_papers_as_for_one(bring, django_assert_max_num_queries):
    bring(*(fact(f"2001.{n:05}", [f"Ada Lovelace{n}", "Charles Babbage"]) for n in range(1, 20)))
    with django_assert_max_num_queries(12):
        assert len(listed("ListRecords", "arXiv")) == 19


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "badVerb"),
        ("verb=listRecords", "badVerb"),
        ("verb=Identify&verb=Identify", "badVerb"),
        ("verb=Identify&until=2026-01-01", "badArgument"),
        ("verb=ListRecords", "badArgument"),
        ("verb=GetRecord&identifier=oai:x:1", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&metadataPrefix=oai_dc", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-01-01&from=2026-01-01", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&colour=red", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-02-30", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=0000-01-01", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-01-01T25:00:00Z", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-01-01T00:00:00%2B01:00", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-01-02&until=2026-01-01", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=2026-01-01&until=2026-01-02T00:00:00Z", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&set=a%20b", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&set=", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&set=physics", "noRecordsMatch"),
        ("verb=ListRecords&metadataPrefix=oai_dc&set=topic:unheard-of", "noRecordsMatch"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=9999-12-31", "noRecordsMatch"),
        ("verb=ListRecords&metadataPrefix=oai_dc&until=1000-01-01", "noRecordsMatch"),
        ("verb=ListRecords&metadataPrefix=marc21", "cannotDisseminateFormat"),
        ("verb=ListRecords&resumptionToken=invented", "badResumptionToken"),
        ("verb=ListRecords&resumptionToken=", "badResumptionToken"),
        ("verb=ListSets&resumptionToken=a:b:c", "badResumptionToken"),
        ("verb=ListRecords&resumptionToken=a&metadataPrefix=oai_dc", "badArgument"),
        ("verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:arXiv.org:2001.00001", "idDoesNotExist"),
        ("verb=GetRecord&metadataPrefix=oai_dc&identifier=%00", "idDoesNotExist"),
    ],
)
def test_what_the_protocol_forbids_has_its_code(three, arguments: str, expected: str):
    root = ask(arguments)
    assert code(root) == expected
    named = found(root, "/o:OAI-PMH/o:request")[0].attrib
    assert not named if expected in ("badVerb", "badArgument") else "verb" in named


def test_a_paper_that_is_there_is_not_told_in_another_format(three):
    own = found(ask(verb="ListIdentifiers", metadataPrefix="oai_dc"), "//o:identifier/text()")[0]
    assert code(ask(verb="GetRecord", identifier=own, metadataPrefix="marc21")) == "cannotDisseminateFormat"
    for wrong in (
        own + "1",
        own.replace(":", "::"),
        own.rpartition(":")[0] + ":0",
        own.rpartition(":")[0] + ":" + "9" * 30,
    ):
        assert code(ask(verb="GetRecord", identifier=wrong, metadataPrefix="oai_dc")) == "idDoesNotExist"


def test_a_token_is_of_its_verb_and_of_its_day(three, monkeypatch):
    (token,) = found(ask(verb="ListRecords", metadataPrefix="oai_dc"), "//o:resumptionToken/text()")
    assert code(ask(verb="ListIdentifiers", resumptionToken=token)) == "badResumptionToken"
    foreign = signing.dumps({"verb": "ListRecords", "prefix": "oai_dc"}, salt="elsewhere")
    assert code(ask(verb="ListRecords", resumptionToken=foreign)) == "badResumptionToken"
    late = signing.time.time() + 86_401
    monkeypatch.setattr(signing.time, "time", lambda: late)
    assert code(ask(verb="ListRecords", resumptionToken=token)) == "badResumptionToken"


def test_it_may_be_asked_by_post_without_a_token_of_ours(three):
    response = Client(enforce_csrf_checks=True).post(ADDRESS, {"verb": "ListIdentifiers", "metadataPrefix": "oai_dc"})
    assert response.status_code == 200
    assert b"resumptionToken" in response.content
    assert Client().put(ADDRESS).status_code == 405


def test_who_asks_too_quickly_is_told_when_to_ask_again(monkeypatch):
    monkeypatch.setitem(limits.LIMITS, "oai", (limits.Limit(1, 60),))
    assert Client().get(ADDRESS, {"verb": "Identify"}).status_code == 200
    response = Client().get(ADDRESS, {"verb": "Identify"})
    assert response.status_code == 503
    assert 0 < int(response["Retry-After"]) <= 60


def test_a_list_that_costs_too_much_is_put_off(monkeypatch):
    def slow(*args: object) -> None:
        raise TooSlow("A statement took more than it may.")

    monkeypatch.setattr(lists, "page", slow)
    response = Client().get(ADDRESS, {"verb": "ListRecords", "metadataPrefix": "oai_dc"})
    assert (response.status_code, response["Retry-After"]) == (503, "60")


# --- whatever is asked -----------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["verb", "metadataPrefix", "from", "until", "set", "identifier", "resumptionToken", "x"])
VALUES = st.one_of(
    st.sampled_from(
        ["ListRecords", "ListSets", "GetRecord", "oai_dc", "arXiv", "2026-01-01", "topic:machine-learning"]
    ),
    st.datetimes().map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ")),
    st.text(max_size=30),
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_arguments_are_a_request_or_an_error_of_the_protocol(pairs: list[tuple[str, str]]):
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    try:
        outcome = read(given).verb
    except Refused as error:
        outcome = error.code
    assert outcome in {*given.get("verb", ()), "badVerb", "badArgument", "badResumptionToken"}


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4), st.sampled_from(["ListRecords", "GetRecord", "ListSets"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_arguments_are_answered_in_well_formed_xml(pairs: list[tuple[str, str]], verb: str):
    for send in (Client().get, Client().post):
        response = send(ADDRESS, {name: value.encode("utf-8", "replace") for name, value in [("verb", verb), *pairs]})
        assert response.status_code == 200
        assert etree.fromstring(response.content).tag == "{http://www.openarchives.org/OAI/2.0/}OAI-PMH"
