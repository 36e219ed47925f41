"""Harvesting: every fault of a repository costs a page at most, and the end is that of a harvest without faults."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from bzpeer import pipeline
from papers import harvesting
from papers.fetching import Unfetched
from papers.models import Batch, BatchRecord, Harvest, Host, Paper, Signature, Unanswered
from papers.streams import Refused
from profiles.models import Author
from tests.conftest import fact
from tests.papers.http_server import (
    Answer,
    Repository,
    deleted,
    document,
    error,
    listed,
    local,
    record,
    scripted,
    serving,
)
from trust.models import TrustScore

pytestmark = pytest.mark.django_db

IDS = [f"2609.0000{n}" for n in range(1, 8)]
STAMPS = [f"2026-09-{day}" for day in ("18", "18", "19", "20", "20", "20", "23")]
RECORDS = [(stamp, record(id, stamp=stamp)) for id, stamp in zip(IDS, STAMPS, strict=True)]


def harvest_of(answer: Callable[[str], Answer], times: int = 1, **fields) -> tuple[Harvest, list[str], list[float]]:
    """A harvest after `times` runs, what it asked for, and the pauses that it would have made."""
    pauses: list[float] = []
    with serving(answer) as server:
        harvest, _made = Harvest.objects.get_or_create(endpoint=server.url, **fields)
        for _ in range(times):
            batch = harvesting.begin(harvest.pk)
            try:
                harvesting.run(batch, fetch=local(pauses))
            except (Unfetched, Refused) as problem:
                pipeline.stop(batch, str(problem))
            else:
                Batch.objects.filter(pk=batch.pk).update(stage=Batch.Stage.DONE)
        harvest.refresh_from_db()
        return harvest, server.requests, pauses


def ids() -> list[str | None]:
    return list(Paper.objects.order_by("arxiv_id").values_list("arxiv_id", flat=True))


def test_all_pages_come_in_and_the_next_pass_asks_for_what_changed_since():
    harvest, requests, _ = harvest_of(Repository(RECORDS), set_spec="cs:cs:LG", start=date(2026, 9, 1))
    assert ids() == IDS
    assert "from=2026-09-01" in requests[0]
    assert "set=cs%3Acs%3ALG" in requests[0]
    assert len(requests) == harvest.pages == 4
    assert "resumptionToken=verb%253DListRecords%2526from%253D" in requests[1]  # encoded once more
    assert (harvest.records, harvest.complete_until, harvest.is_under_way) == (7, date(2026, 9, 25), False)
    with serving(Repository(RECORDS)) as server:
        Harvest.objects.update(endpoint=server.url)
        harvesting.run(harvesting.begin(harvest.pk), fetch=local())
        assert "from=2026-09-24" in server.requests[0]


def test_the_datestamp_is_never_a_papers_date():
    harvest_of(Repository([("2026-09-24", record(IDS[0]))]))
    paper = Paper.objects.get()
    assert (paper.created, paper.updated) == (date(2026, 9, 11), date(2026, 9, 11))


def test_nothing_to_bring_is_no_error():
    harvest, _, _ = harvest_of(scripted(error("noRecordsMatch")), every_hours=24)
    assert (harvest.problem, harvest.complete_until is None, harvest.records) == ("", False, 0)
    assert harvest.next_attempt
    harvest, _, _ = harvest_of(scripted(document("<ListRecords/>")))
    assert harvest.problem == ""


GZIP = {"Content-Encoding": "gzip"}
FAULTS: dict[str, list[Answer | bytes]] = {
    "cut connection": [Answer(listed(RECORDS[2][1]), cut=200)],
    "nothing at all": [Answer(b"x", cut=0)],
    "busy": [Answer(status=503, headers={"Retry-After": "12"})],
    "busy twice": [Answer(status=503), Answer(status=429, headers={"Retry-After": "Mon, 1 Jan 2024 00:00:00 GMT"})],
    "out of order": [Answer(status=500), Answer(status=502)],
    "length too long": [Answer(listed(RECORDS[2][1]), length=100_000)],
    "length too short": [Answer(listed(RECORDS[2][1]), length=300)],
    "truncated page": [listed(RECORDS[2][1])[:-30]],
    "truncated in a record": [listed(RECORDS[2][1])[:400]],
    "a web page": [b"<!DOCTYPE html><html><body>Maintenance</body></html>"],
    "a web page without a head": [b"<html><body>Maintenance<br></body></html>"],
    "nothing": [b""],
    "not XML": [b"broken xml"],
    "another document": [b"<rss/>"],
    "another verb": [document("<Identify/>")],
    "damaged packing": [Answer(b"\x1f\x8b\x08 and so on", headers=GZIP)],
    "packing cut short": [Answer(gzip.compress(listed(RECORDS[2][1]))[:-20], headers=GZIP)],
    "wrong charset": [b'<?xml version="1.0" encoding="ISO-8859-7"?><OAI-PMH/>'],
    "in UTF-16": ['<?xml version="1.0" encoding="UTF-16"?><OAI-PMH/>'.encode("utf-16")],
    "a document type": [b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><OAI-PMH>&a;</OAI-PMH>'],
    "token dead": [error("badResumptionToken", "expired")],
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("page", [2, 3])
def test_a_passing_fault_changes_nothing_in_the_end(fault: str, page: int):
    faults = dict(enumerate(FAULTS[fault], page))
    harvest, _, pauses = harvest_of(Repository(RECORDS, faults=faults))
    assert ids() == IDS
    assert harvest.problem == ""
    assert harvest.complete_until == date(2026, 9, 25)
    assert len(pauses) == (0 if fault == "token dead" else len(faults))
    if fault == "busy":
        assert pauses == [12]


def test_a_lasting_fault_keeps_what_came_and_goes_on_there_later():
    harvest, _, _ = harvest_of(Repository(RECORDS, faults=dict.fromkeys(range(3, 7), Answer(status=503))))
    assert ids() == IDS[:4]
    assert "is busy or out of order" in harvest.problem
    assert harvest.token
    assert harvest.next_attempt
    assert Batch.objects.get().problem == harvest.problem
    harvest, requests, _ = harvest_of_again(harvest, Repository(RECORDS))
    assert "resumptionToken" in requests[0]
    assert ids() == IDS
    assert (harvest.problem, harvest.failures, harvest.token) == ("", 0, "")


def harvest_of_again(harvest: Harvest, answer: Callable[[str], Answer]) -> tuple[Harvest, list[str], list[float]]:
    with serving(answer) as server:
        Harvest.objects.filter(pk=harvest.pk).update(endpoint=server.url)
        harvesting.run(harvesting.begin(harvest.pk), fetch=local())
        harvest.refresh_from_db()
        return harvest, server.requests, []


def test_attempts_that_fail_come_later_and_later():
    rests = []
    with serving(scripted(Answer(status=500))) as server:
        harvest = Harvest.objects.create(endpoint=server.url, every_hours=24)
        for _ in range(4):
            before, batch = timezone.now(), harvesting.begin(harvest.pk)
            with pytest.raises(Unfetched):
                harvesting.run(batch, fetch=local())
            pipeline.stop(batch, "Stopped.")
            harvest.refresh_from_db()
            assert harvest.next_attempt
            rests.append((harvest.next_attempt - before) // timedelta(minutes=5))
    assert rests == [1, 2, 4, 8]


def test_a_server_that_asks_for_a_rest_gets_it():
    before = timezone.now()
    busy = Answer(status=503, headers={"Retry-After": "7200"})
    harvest, requests, pauses = harvest_of(scripted(busy), every_hours=24)
    assert harvest.next_attempt
    assert harvest.next_attempt - before >= timedelta(hours=2)
    assert (len(requests), pauses) == (1, [])


def test_an_address_that_never_answered_is_not_asked_by_itself():
    harvest, _, _ = harvest_of(scripted(Answer(status=500)))
    assert harvest.problem
    assert harvest.next_attempt is None


def test_what_staff_edit_meanwhile_is_theirs():
    with serving(lambda path: Answer(listed(record(IDS[0])))) as server:
        harvest = Harvest.objects.create(endpoint=server.url, every_hours=24)
        batch = harvesting.begin(harvest.pk)
        assert batch.harvest
        Harvest.objects.update(every_hours=5)
        harvesting.run(batch, fetch=local())
    harvest.refresh_from_db()
    assert harvest.every_hours == 5
    assert harvest.next_attempt
    assert harvest.next_attempt - timezone.now() < timedelta(hours=6)


def test_a_dead_token_is_given_up_for_the_last_datestamp():
    _, requests, _ = harvest_of(Repository(RECORDS, faults={3: error("badResumptionToken")}))
    assert "from=2026-09-20" in requests[3]
    assert ids() == IDS


def test_where_datestamps_jump_about_a_dead_token_means_from_the_start():
    mixed = [("2026-09-20", record(IDS[0], stamp="2026-09-23")), ("2026-09-21", record(IDS[1], stamp="2026-09-18"))]
    _, requests, _ = harvest_of(
        Repository([*mixed, ("2026-09-22", record(IDS[2]))], 2, {2: error("badResumptionToken")})
    )
    assert "from=" not in requests[2]
    assert ids() == IDS[:3]


def test_a_repository_that_takes_none_of_its_tokens_is_given_up():
    faults: dict[int, Answer | bytes] = dict.fromkeys((2, 4, 6, 8), error("badResumptionToken"))
    harvest, requests, _ = harvest_of(Repository([(STAMPS[0], record(id, stamp=STAMPS[0])) for id in IDS], 2, faults))
    assert "takes none of its own resumption tokens" in harvest.problem
    assert len(requests) < 8


@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_tokens_that_go_round_are_noticed(length: int):
    asked: list[int] = []

    def answer(path: str) -> Answer:
        asked.append(1)
        return Answer(listed(record(IDS[len(asked) % 7]), token=f"token {len(asked) % length}"))

    harvest, requests, _ = harvest_of(answer)
    assert "in a circle" in harvest.problem
    assert length < len(requests) <= 4 * length + 1
    assert harvest.token == ""


ERRORS = ["badArgument", "badVerb", "cannotDisseminateFormat", "idDoesNotExist", "noMetadataFormats", "noSetHierarchy"]


@pytest.mark.parametrize("code", [*ERRORS, "undefinedError", "badResumptionToken"])
def test_a_refusal_is_a_sentence_and_not_asked_again(code: str):
    harvest, requests, _ = harvest_of(scripted(error(code, "The reason.")))
    assert harvest.problem == f"The repository refuses the request ({code}: The reason.)."
    assert (len(requests), harvest.next_attempt) == (1, None)


def test_a_deleted_record_marks_its_paper_and_says_so(bring):
    bring(fact(IDS[0], ["Ada Lovelace"]), fact(IDS[1], ["Mary Shelley"]))
    harvest_of(scripted(listed(deleted(IDS[0]), deleted("2609.00009"), record(IDS[1]))))
    assert set(Paper.objects.values_list("arxiv_id", "withdrawn")) == {(IDS[0], True), (IDS[1], False)}
    batch = Batch.objects.latest("pk")
    rows = batch.records.order_by("number").values_list("source_id", "fate", "reason", "paper__arxiv_id")
    said = "The repository has deleted this record on 2026-09-24."
    assert list(rows)[:2] == [(IDS[0], "updated", said, IDS[0]), ("2609.00009", "unchanged", said, None)]
    assert batch.total == batch.records.count() == 3
    assert Signature.objects.filter(paper__arxiv_id=IDS[0]).exists()
    harvest_of_again(Harvest.objects.get(), scripted(listed(deleted(IDS[0]))))
    assert (Batch.objects.latest("pk").unchanged, Batch.objects.latest("pk").updated) == (1, 0)


def test_a_record_that_is_back_is_not_withdrawn():
    harvest_of(scripted(listed(deleted(IDS[0]), record(IDS[0]))))
    assert not Paper.objects.get().withdrawn
    harvest_of_again(Harvest.objects.get(), scripted(listed(record(IDS[0]), deleted(IDS[0]))))
    assert Paper.objects.get().withdrawn


def test_a_broken_record_and_a_repeated_one_leave_the_others_alone():
    bad = record(IDS[1]).replace("<title>", "<title>&nosuch;")
    harvest_of(scripted(listed(record(IDS[0]), bad, record(IDS[0]), record(IDS[2]), record(IDS[3], authors=""))))
    assert ids() == [IDS[0], IDS[2]]
    batch = Batch.objects.get()
    assert (batch.new, batch.unchanged, batch.refused) == (2, 1, 2)
    assert "not well-formed" in BatchRecord.objects.get(number=2).reason


def test_bytes_in_the_wrong_charset_cost_their_record_only():
    page = listed(record(IDS[0]), record(IDS[1], title="Gödel"), record(IDS[2])).replace("ö".encode(), b"\xf6")
    harvest_of(scripted(page))
    assert ids() == [IDS[0], IDS[2]]


def test_dates_in_the_future_are_refused_and_a_clock_ahead_is_not_believed():
    ahead = record(IDS[0], more='<version version="v1"><date>Fri, 11 Sep 2099 06:31:45 GMT</date></version>')
    harvest, _, _ = harvest_of(
        scripted(listed(ahead, record(IDS[1], stamp="2099-01-01"), answered="2099-01-01T00:00:00Z"))
    )
    assert "future" in BatchRecord.objects.get(number=1).reason
    assert ids() == [IDS[1]]
    today = datetime.now(UTC).date()
    assert harvest.complete_until
    assert today - timedelta(days=1) <= harvest.complete_until <= today


def state() -> list[tuple]:
    return list(Paper.objects.order_by("arxiv_id").values_list("arxiv_id", "title", "updated", "withdrawn")) + list(
        Signature.objects.order_by("paper__arxiv_id", "position").values_list("paper__arxiv_id", "printed")
    )


class Killed(BaseException):
    """As a kill ends a process: nothing is tidied up."""


@pytest.mark.parametrize("seed", range(3))
def test_killed_anywhere_it_goes_on_to_the_same_end(seed: int, monkeypatch: pytest.MonkeyPatch):
    dice, database = random.Random(seed), connections["default"]
    made = database.cursor

    def perhaps(*args, **kwargs):
        if dice.random() < 0.03:
            monkeypatch.setattr(database, "cursor", made)  # so that the server can roll back
            raise Killed
        return made(*args, **kwargs)

    with serving(Repository(RECORDS, 1)) as server:
        harvest = Harvest.objects.create(endpoint=server.url)
        for _life in range(200):
            batch = Batch.objects.filter(harvest=harvest).first() or harvesting.begin(harvest.pk)
            if batch.stage == Batch.Stage.RESOLVING:  # nothing is left to read
                break
            monkeypatch.setattr(database, "cursor", perhaps)
            with suppress(Killed):
                harvesting.run(batch, fetch=local())
                break
        monkeypatch.setattr(database, "cursor", made)
    batch, harvest = Batch.objects.get(), Harvest.objects.get()
    assert (batch.new, batch.total, batch.records.count(), harvest.records) == (7, 7, 7, 7)
    assert ids() == IDS


def test_a_run_ends_after_so_many_pages_and_the_next_goes_on_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(harvesting, "PAGES_A_BATCH", 2)
    _, requests, _ = harvest_of(Repository(RECORDS), times=2)
    assert [batch.new for batch in Batch.objects.order_by("pk")] == [4, 3]
    assert len(requests) == 4
    assert ids() == IDS


def test_ctrl_c_keeps_what_came_and_starts_nothing_by_itself(monkeypatch: pytest.MonkeyPatch):
    def interrupt(batch: Batch) -> None:
        raise KeyboardInterrupt

    with serving(Repository(RECORDS)) as server:
        harvest = Harvest.objects.create(endpoint=server.url)
        with pytest.raises(Unfetched, match="stopped by hand"):
            harvesting.run(harvesting.begin(harvest.pk), interrupt, local())
    harvest.refresh_from_db()
    assert ids() == IDS[:2]
    assert harvest.token
    assert harvest.next_attempt is None


def test_two_that_begin_get_one_batch():
    harvest = Harvest.objects.create()
    assert harvesting.begin(harvest.pk) == harvesting.begin(harvest.pk)


def test_only_what_is_due_and_idle_is_begun():
    now = timezone.now()
    due = Harvest.objects.create(prefix="arXiv", next_attempt=now - timedelta(minutes=1))
    Harvest.objects.create(prefix="oai_dc", next_attempt=now + timedelta(minutes=1))
    Harvest.objects.create(prefix="arXivRaw")
    assert list(Harvest.objects.due(now)) == [due]
    harvesting.begin(due.pk)
    assert not Harvest.objects.due(now).exists()


# --- turns -----------------------------------------------------------------------------------------------------------


def test_one_request_in_three_seconds_whoever_asks(monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    for _ in range(4):
        harvesting.take_turn("export.arxiv.org")
    harvesting.take_turn("elsewhere.org")
    # Nobody really waited, so each turn lies three seconds after the one before.
    assert [round(wait) for wait in waits] == [3, 6, 9]
    Host.objects.filter(name="export.arxiv.org").update(free_at=timezone.now() + timedelta(days=1))
    harvesting.take_turn("export.arxiv.org")
    assert waits[-1] <= 61


def test_only_an_endpoint_that_names_this_machine_may_be_on_it(settings):
    loopback = ip_address("127.0.0.1")
    assert not harvesting.fetcher("http://127.0.0.1:1/oai").allows(loopback)
    settings.HARVEST_LOOPBACK = True
    assert harvesting.fetcher("http://127.0.0.1:1/oai").allows(loopback)
    assert not harvesting.fetcher("https://arxiv.org/oai").allows(loopback)
    assert "export.arxiv.org" in harvesting.fetcher("https://oaipmh.arxiv.org/oai").hosts


# --- arXiv's API -----------------------------------------------------------------------------------------------------


def feed(*entries: str, total: int | None = None) -> bytes:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"<opensearch:totalResults>{len(entries) if total is None else total}</opensearch:totalResults>"
        f"{''.join(entries)}</feed>"
    ).encode()


def entry(id: str, abstract: str = "What was found.", author: str = "Ada Lovelace", updated: str = "2020-01-01") -> str:
    return (
        f"<entry><id>http://arxiv.org/abs/{id}v2</id><title>On the matter of {id}</title><updated>{updated}T00:00:00Z"
        f"</updated><published>2020-01-01T00:00:00Z</published><summary>{abstract}</summary>"
        f"<author><name>{author}</name></author><arxiv:journal_ref>J. Tests 1</arxiv:journal_ref>"
        '<category term="cs.LG"/></entry>'
    )


KNOWN = ["2001.00001", "2001.00002", "2001.00003"]


@pytest.mark.parametrize("updated", ["2020-01-01", "2021-05-05"])
def test_what_lacks_is_filled_in_and_nothing_is_taken_away(bring, settings, updated: str):
    given = {"doi": "10.1000/x", "journal_ref": "J. Facts 2"}
    bring(*(fact(id, ["Ada Lovelace"], **(given if id == KNOWN[0] else {})) for id in KNOWN))
    author = Author.objects.get(name="Ada Lovelace")
    before = TrustScore.objects.get(author=author)
    with serving(scripted(feed(*(entry(id, updated=updated) for id in KNOWN)))) as server:
        settings.HARVEST_ATOM = server.url
        batch = Batch.objects.create(label="known", source="atom")
        pipeline.process(batch.pk, read=partial(harvesting.complete, fetch=local()))
    batch.refresh_from_db()
    assert (batch.problem, batch.updated) == ("", 3)
    paper = Paper.objects.get(arxiv_id=KNOWN[0])
    assert (paper.abstract, paper.doi, paper.categories) == ("What was found.", "10.1000/x", ["cs.LG"])
    assert paper.journal_ref == ("J. Tests 1" if updated > "2020-01-01" else "J. Facts 2")
    assert [version["number"] for version in paper.versions] == [1, 2]
    assert Signature.objects.count() == 3
    author.trust.refresh_from_db()
    assert author.trust.score == before.score + 1
    gained = author.trust.components.items() - before.components.items()
    assert gained == {("completeness", before.components["completeness"] + 1)}


def test_what_arxiv_does_not_know_is_not_asked_for_again(bring, settings):
    bring(*(fact(id, ["Ada Lovelace"]) for id in KNOWN))
    with serving(scripted(feed(entry(KNOWN[0]), entry(KNOWN[1], abstract="")))) as server:
        settings.HARVEST_ATOM = server.url
        for _ in range(2):
            harvesting.complete(Batch.objects.create(label="k", source="atom"), lambda batch: None, local())
        assert len(server.requests) == 1
    assert set(Unanswered.objects.values_list("paper__arxiv_id", flat=True)) == set(KNOWN[1:])
    Unanswered.objects.update(asked_at=timezone.now() - 2 * harvesting.ASK_AGAIN)
    assert harvesting.lacking().count() == 2


def test_a_hundred_ids_a_request_the_named_batches_papers_first(bring, settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(harvesting, "IDS_A_REQUEST", 2)
    bring(*(fact(id, ["Ada Lovelace"]) for id in KNOWN[:2]))
    bring(fact(KNOWN[2], ["Ada Lovelace"]))
    Batch.objects.filter(pk=Batch.objects.latest("pk").pk).update(label="first")
    with serving(scripted(feed())) as server:
        settings.HARVEST_ATOM = server.url
        harvesting.complete(Batch.objects.create(label="k", source="atom"), lambda batch: None, local(), "first")
        asked = [path.split("id_list=")[1].split("&")[0] for path in server.requests]
    assert asked == [KNOWN[2], f"{KNOWN[0]}%2C{KNOWN[1]}"]


def test_one_id_that_arxiv_refuses_does_not_hold_up_the_others(bring, settings):
    bring(*(fact(id, ["Ada Lovelace"]) for id in KNOWN))
    refusal = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>https://arxiv.org/api/errors#x</id><title>Error</title>'
        "<summary>incorrect id format</summary></entry></feed>"
    )

    def answer(path: str) -> Answer:
        asked = path.split("id_list=")[1].split("&")[0].split("%2C")
        if KNOWN[1] in asked:
            return Answer(refusal.encode(), status=400)
        return Answer(feed(*map(entry, asked)))

    with serving(answer) as server:
        settings.HARVEST_ATOM = server.url
        harvesting.complete(Batch.objects.create(label="k", source="atom"), lambda batch: None, local())
    assert set(Paper.objects.filter(abstract="").values_list("arxiv_id", flat=True)) == {KNOWN[1]}


def test_a_query_is_read_page_by_page_and_an_empty_page_in_the_middle_is_asked_for_again(settings, monkeypatch):
    monkeypatch.setattr(harvesting, "IDS_A_REQUEST", 2)
    pauses: list[float] = []
    pages = [feed(entry(KNOWN[0]), entry(KNOWN[1]), total=3), feed(total=3), feed(entry(KNOWN[2]), total=3)]
    with serving(scripted(*pages)) as server:
        settings.HARVEST_ATOM = server.url
        batch = Batch.objects.create(label="q", source="atom")
        harvesting.search(batch, lambda batch: None, local(pauses), 'au:"Ada Lovelace"')
        assert [path.split("start=")[1].split("&")[0] for path in server.requests] == ["0", "2", "2"]
    assert (batch.new, len(pauses)) == (3, 1)


# --- OpenAlex --------------------------------------------------------------------------------------------------------


def work(number: int, *names: str, **more: Any) -> dict[str, Any]:
    authorships = [{"raw_author_name": name, "raw_affiliation_strings": ["Ockham Park"]} for name in names]
    return {"id": f"https://openalex.org/W{number}", "title": f"Work {number}", "authorships": authorships} | more


def works(*found: dict[str, Any], cursor: str | None = None) -> bytes:
    return json.dumps({"meta": {"count": 3, "next_cursor": cursor}, "results": found}).encode()


def test_works_of_openalex_come_page_by_page_and_cut_author_lists_whole(settings):
    cut = work(2, "Ada Lovelace", is_authors_truncated=True)
    whole = json.dumps(work(2, "Ada Lovelace", "Mary Somerville"), indent=1).encode()
    script = scripted(works(work(1, "Ada Lovelace"), cut, cursor="next"), whole, works(work(3, "Ada Lovelace")))
    with serving(script) as server:
        settings.HARVEST_OPENALEX = server.url
        batch = Batch.objects.create(label="works", source="openalex")
        pipeline.process(batch.pk, read=partial(harvesting.works, fetch=local(), wanted="author.id:A1"))
    batch.refresh_from_db()
    assert (batch.problem, batch.new, batch.refused, batch.checkpoint) == ("", 3, 0, 3)
    assert Paper.objects.get(title="Work 2").signatures.count() == 2
    asked = [path.removeprefix("/oai") for path in server.requests]
    assert asked[0] == "?filter=author.id%3AA1&per-page=100&cursor=%2A"
    assert asked[1:] == ["/W2", "?filter=author.id%3AA1&per-page=100&cursor=next"]


def test_a_cut_work_that_openalex_does_not_have_stays_refused(settings):
    script = scripted(works(work(1, "Ada Lovelace", is_authors_truncated=True)), Answer(b"{}", status=404))
    with serving(script) as server:
        settings.HARVEST_OPENALEX = server.url
        batch = Batch.objects.create(label="works", source="openalex")
        pipeline.process(batch.pk, read=partial(harvesting.works, fetch=local(), wanted="x"))
    batch.refresh_from_db()
    assert (batch.new, batch.refused) == (0, 1)
    assert "the whole record is at https://api.openalex.org/works/W1" in batch.records.get().reason


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(b'{"error": "Invalid query", "message": "x is no filter"}', status=400), "x is no filter"),
        (Answer(b"<html>busy</html>"), "not one of OpenAlex's lists of works"),
        (Answer(b"[" * 100_000), "not one of OpenAlex's lists of works"),
        (Answer(b'{"results": 7}'), "not one of OpenAlex's lists of works"),
        (Answer(b'{"results": [7]}'), "not one of OpenAlex's lists of works"),
    ],
)
def test_what_openalex_can_answer_wrongly_is_a_sentence(settings, answer: Answer, problem: str):
    with serving(scripted(answer)) as server:
        settings.HARVEST_OPENALEX = server.url
        batch = Batch.objects.create(label="works", source="openalex")
        pipeline.process(batch.pk, read=partial(harvesting.works, fetch=local(), wanted="x"))
    batch.refresh_from_db()
    assert batch.stage == Batch.Stage.FAILED
    assert problem in batch.problem
