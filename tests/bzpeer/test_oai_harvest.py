"""Our provider, harvested over HTTP: by sickle, and by our own harvester into an empty BZPEER that becomes the same."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from sickle import Sickle
from sickle.oaiexceptions import NoRecordsMatch

from papers import datestamps, harvesting, importing, limits
from papers.models import Batch, Harvest, Paper, Signature
from papers.providing import lists
from papers.records import Numbered, PrintedAuthor, Record
from tests.conftest import fact
from tests.emptying import without_triggers
from tests.papers.http_server import Answer, local, serving

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = 3


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE", PAGE)
    monkeypatch.setitem(limits.LIMITS, "oai", (limits.Limit(100_000, 1),))


def papers() -> list[dict[str, Any]]:
    """Facts of all kinds: diacritics, a suffix, a mononym, a collaboration, a DOI, several topics, dates apart."""
    names = ["José García", "Ada Lovelace", "John Smith Jr.", "Nitin", "Jan van den Berg", "ATLAS Collaboration"]
    return [
        fact(
            f"2001.{n:05}",
            names[n % 6 :] + names[: n % 6],
            f"On engines & <{n}> $\\alpha_{n}$",
            categories=["cs.LG", "stat.ML"] if n % 2 else ["math.CO", "cs.CL"],
            created=f"2020-01-{n:02}",
            updated=f"2021-02-{n:02}" if n % 3 else f"2020-01-{n:02}",
            doi=f"10.1000/{n}",
            abstract=f"Of engine {n}.",
        )
        for n in range(1, 9)
    ]


def works() -> set[tuple[Any, ...]]:
    """All papers that stand, by what they say: identifiers, texts, dates, topics, names in order."""
    found = set()
    for paper in Paper.objects.filter(withdrawn=False).with_people():
        names = tuple((s.family, s.given, s.suffix, tuple(s.affiliations)) for s in paper.signatures.all())
        topics = tuple(sorted(topic.slug for topic in paper.topics.all()))
        texts = (paper.title, paper.title_text, paper.abstract, paper.comments, paper.journal_ref, paper.license)
        dates = (paper.created, paper.updated)
        found.add((paper.arxiv_id, paper.doi, *texts, *dates, tuple(paper.categories), topics, names))
    return found


# --- sickle ----------------------------------------------------------------------------------------------------------


def test_sickle_reads_all_the_provider_says(live_server: Any, bring):
    bring(*papers())
    sickle = Sickle(f"{live_server.url}/oai")
    assert sickle.Identify().deletedRecord == "persistent"
    assert {f.metadataPrefix for f in sickle.ListMetadataFormats()} == {"oai_dc", "arXiv"}
    assert "topic:machine-learning" in {s.setSpec for s in sickle.ListSets()}
    records = list(sickle.ListRecords(metadataPrefix="oai_dc"))
    assert len({r.header.identifier for r in records}) == len(records) == 8
    assert sorted(r.metadata["title"][0] for r in records) == sorted(f["title"] for f in papers())
    learning = {h.identifier for h in sickle.ListIdentifiers(metadataPrefix="arXiv", set="topic:machine-learning")}
    assert learning == {r.header.identifier for r in records if "topic:machine-learning" in r.header.setSpecs}
    assert len(learning) == 4
    with pytest.raises(NoRecordsMatch):
        sickle.ListRecords(metadataPrefix="oai_dc", **{"from": "9000-01-01"})
    one = sickle.GetRecord(identifier=records[0].header.identifier, metadataPrefix="arXiv")
    assert one.header.datestamp == records[0].header.datestamp


def test_sickle_asks_from_its_last_date_and_is_told_what_changed_and_went(live_server: Any, bring):
    bring(*papers())
    Paper.objects.update(changed_at="2026-01-01T00:00:00Z")
    sickle = Sickle(f"{live_server.url}/oai")
    last = max(h.datestamp for h in sickle.ListIdentifiers(metadataPrefix="oai_dc"))
    gone = Paper.objects.get(arxiv_id="2001.00001").pk
    datestamps.remove([gone])
    bring(papers()[1] | {"title": "Another title", "updated": "2022-01-01"})
    since = {"from": "2026-01-02"}
    assert last < since["from"]
    told = {
        r.header.identifier.rpartition(":")[2]: r.deleted
        for r in sickle.ListRecords(metadataPrefix="oai_dc", ignore_deleted=False, **since)
    }
    assert told == {str(gone): True, str(Paper.objects.get(arxiv_id="2001.00002").pk): False}


# --- our own harvester -----------------------------------------------------------------------------------------------


def recorded(site: str) -> list[bytes]:
    """The answers to a whole harvest of all there is, over HTTP."""
    asked, answers = {"verb": "ListRecords", "metadataPrefix": "arXiv"}, []
    while True:
        answers.append(requests.get(f"{site}/oai", params=asked, timeout=30).content)
        token = answers[-1].partition(b"</resumptionToken>")[0].rpartition(b">")[2].decode()
        if b"</resumptionToken>" not in answers[-1]:
            return answers
        asked = {"verb": "ListRecords", "resumptionToken": token}


def harvest(answers: list[bytes]) -> None:
    """Our harvester goes on with one and the same repository, which answers so."""
    waiting = [Answer(answer) for answer in answers]
    with serving(lambda path: waiting.pop(0)) as server:
        Harvest.objects.update_or_create(prefix="arXiv", defaults={"endpoint": server.url})
        batch = harvesting.begin(Harvest.objects.get().pk)
        harvesting.run(batch, fetch=local())
    Batch.objects.filter(pk=batch.pk).update(stage=Batch.Stage.DONE)
    assert not waiting


def emptied() -> None:
    """Another BZPEER, that knows nothing yet."""
    without_triggers("TRUNCATE papers_paper, papers_topic, papers_batch, papers_removedpaper, profiles_author CASCADE")


def test_a_harvest_of_our_provider_into_an_empty_one_gives_the_same_works(live_server: Any, bring):
    bring(*papers())
    batch = Batch.objects.create(label="test", source="openalex")
    without = Record("Without an identifier", (PrintedAuthor("Ada Lovelace", "Lovelace", "Ada"),), topics=("Engines",))
    importing.store(batch, [Numbered(1, without)])
    first, answers = works(), recorded(live_server.url)
    assert len(first) == 9
    assert len(answers) == 3

    bring(papers()[1] | {"title": "Another title", "authors": ["Ada Lovelace", "Nitin"], "updated": "2022-01-01"})
    bring(papers()[2] | {"categories": ["astro-ph.GA"], "updated": "2022-01-01"})
    datestamps.remove([Paper.objects.get(arxiv_id="2001.00001").pk])
    datestamps.remove([Paper.objects.get(arxiv_id=None).pk])
    second, later = works(), recorded(live_server.url)
    assert len(second) == 7
    assert second != first

    emptied()
    assert not works()
    harvest(answers)
    assert works() == first
    assert Signature.objects.count() == sum(len(work[-1]) for work in first)
    harvest(later)
    assert works() == second
    assert set(Paper.objects.filter(withdrawn=True).values_list("arxiv_id", flat=True)) == {"2001.00001", None}
