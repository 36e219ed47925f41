"""A missing work: asked for by identifier, fetched if need be, kept until it is answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bzpeer import tasks, wishing
from papers import harvesting, limits
from papers.models import Batch, Paper, Signature
from profiles import wishes
from profiles.models import Assignment, Claim, WishedWork, WorkProposal
from tests.conftest import fact
from tests.papers.http_server import local, scripted, serving
from tests.papers.test_harvesting import entry, feed, work, works
from tests.profiles.test_owning import held

pytestmark = pytest.mark.django_db

MISSING = "2001.00009"


@pytest.fixture(autouse=True)
def _nobody_waits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    settings.HARVEST_LOOPBACK, settings.HARVEST_PACE = True, 0
    monkeypatch.setattr(harvesting, "fetcher", lambda endpoint: local())


@pytest.fixture
def claim(bring: Callable[..., Batch], client: Client) -> Claim:
    """Ada Lovelace, who holds her record and is signed in."""
    bring(fact("2001.00001", ["Ada Lovelace", "Mary Somerville"]), fact("2001.00002", ["A. Lovelace", "Ada Lovelace"]))
    lovelace = Signature.objects.get(paper__arxiv_id="2001.00001", family="Lovelace")
    found = held(lovelace.assignment.author)
    client.force_login(found.account)
    return found


def ask(client: Client, claim: Claim, **given: Any) -> Any:
    return client.post(reverse("person_add_work", args=[claim.author_id]), given)


def page(client: Client, claim: Claim) -> str:
    return client.get(reverse("person_add_work", args=[claim.author_id])).content.decode()


def test_of_a_paper_that_is_here_one_chooses_ones_name_and_the_likely_one_comes_first(client: Client, claim: Claim):
    ask(client, claim, identifier="https://arxiv.org/abs/2001.00002v1")
    [standing] = wishes.standings(claim)
    name, other = standing.names
    assert (name.signature.name, name.likely) == ("Ada Lovelace", True)
    assert other.signature.name == "A. Lovelace"
    shown = page(client, claim)
    shown = shown[shown.index("Which of these names is you?") :]
    assert shown.index("> Ada Lovelace") < shown.index("> A. Lovelace")
    ask(client, claim, do="choose", wish=WishedWork.objects.get().pk, signature=other.signature.pk)
    mine = Assignment.objects.get(signature=other.signature)
    assert (mine.author, mine.state) == (claim.author, Assignment.State.OWNER)
    assert WishedWork.objects.get().state == "answered"


def test_below_level_3_it_is_proposed(client: Client, claim: Claim):
    Claim.objects.filter(pk=claim.pk).update(level=2)
    Assignment.objects.filter(signature__paper__arxiv_id="2001.00002").update(
        author=Assignment.objects.get(signature__family="Somerville").author
    )
    name = Signature.objects.get(paper__arxiv_id="2001.00002", given="Ada")
    ask(client, claim, identifier="2001.00002")
    ask(client, claim, do="choose", wish=WishedWork.objects.get().pk, signature=name.pk)
    assert WorkProposal.objects.get().signature == name


def test_a_paper_of_arxiv_that_is_not_here_is_fetched_and_then_chosen_from(
    client: Client,
    claim: Claim,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
):
    sent: list[Any] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, arguments: sent.append((name, arguments)))
    with django_capture_on_commit_callbacks(execute=True):
        ask(client, claim, identifier=f"arXiv:{MISSING}")
    wish = WishedWork.objects.get()
    assert sent == [("bzpeer.fetch_work", [wish.pk])]
    assert "It is being fetched" in page(client, claim)
    with serving(scripted(feed(entry(MISSING)))) as server:
        settings.HARVEST_ATOM = server.url
        tasks.fetch_work(wish.pk)
        tasks.fetch_work(wish.pk)  # a second delivery
        assert len(server.requests) == 1
    assert Paper.objects.filter(arxiv_id=MISSING).exists()
    assert "Which of these names is you?" in page(client, claim)


def test_a_doi_is_asked_of_openalex(client: Client, claim: Claim, settings: Any):
    ask(client, claim, identifier="https://doi.org/10.1000/X1")
    with serving(scripted(works(work(1, "Ada Lovelace")))) as server:
        settings.HARVEST_OPENALEX = server.url
        wishing.fetch(WishedWork.objects.get().pk)
        assert "filter=doi%3A10.1000%2Fx1" in server.requests[0]


@pytest.mark.parametrize("typed", ["", "hello", "2106.0022", "10.1000", "https://example.org/x", "10.1000/a,b|c"])
def test_what_is_no_identifier_is_a_sentence_and_stays_in_the_field(client: Client, claim: Claim, typed: str):
    response = ask(client, claim, identifier=typed)
    assert response.status_code == 400
    assert "no arXiv identifier" in response.content.decode() or "cannot be asked for" in response.content.decode()
    assert not WishedWork.objects.exists()


def test_what_arxiv_does_not_know_is_a_sentence_and_can_be_asked_again(client: Client, claim: Claim, settings: Any):
    ask(client, claim, identifier=MISSING)
    wish = WishedWork.objects.get()
    with serving(scripted(feed())) as server:
        settings.HARVEST_ATOM = server.url
        wishing.fetch(wish.pk)
    assert "arXiv does not know it" in page(client, claim)
    ask(client, claim, do="again", wish=wish.pk)
    wish.refresh_from_db()
    assert (wish.batch, wish.state) == (None, "open")
    with serving(scripted(feed(entry(MISSING)))) as server:
        settings.HARVEST_ATOM = server.url
        wishing.fetch(wish.pk)
    assert "Which of these names is you?" in page(client, claim)


def test_without_a_network_the_wish_is_kept_with_a_sentence(
    client: Client, claim: Claim, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    def nobody(host: str, port: int) -> list[str]:
        raise OSError("no network")

    monkeypatch.setattr(harvesting, "fetcher", lambda endpoint: local(find=nobody))
    settings.HARVEST_ATOM = "http://127.0.0.1/api/query"
    ask(client, claim, identifier=MISSING)
    wishing.fetch(WishedWork.objects.get().pk)
    shown = page(client, claim)
    assert "It could not be fetched." in shown
    assert "is this machine connected to the network?" in shown
    assert "Try again" in shown


def test_a_lost_message_is_sent_again(client: Client, claim: Claim, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    monkeypatch.setattr(tasks.fetch_work, "delay", asked.append)
    ask(client, claim, identifier=MISSING)
    tasks.resume_batches()
    assert asked == []
    WishedWork.objects.update(made_at=timezone.now() - timedelta(minutes=6))
    tasks.resume_batches()
    assert asked == [WishedWork.objects.get().pk]


def test_wished_twice_it_is_one_and_dropped_it_is_gone(client: Client, claim: Claim):
    ask(client, claim, identifier=MISSING)
    ask(client, claim, identifier=f"https://arxiv.org/pdf/{MISSING}.pdf")
    wish = WishedWork.objects.get()
    ask(client, claim, do="drop", wish=wish.pk)
    assert MISSING not in page(client, claim)


def test_too_many_are_told_when_to_come_back(client: Client, claim: Claim, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(limits.LIMITS, "add_work", (limits.Limit(1, limits.HOUR),))
    ask(client, claim, identifier=MISSING)
    response = ask(client, claim, identifier="2001.00010")
    assert response.status_code == 429
    assert WishedWork.objects.count() == 1


def test_many_wishes_cost_as_many_queries_as_few(client: Client, claim: Claim, bring: Callable[..., Batch]):
    bring(*(fact(f"2005.{n:05}", ["Ada Lovelace", f"Friend {n}"]) for n in range(1, 9)))
    asked = []
    page(client, claim)  # the first one of a session asks more
    for few in (range(1, 3), range(3, 9)):
        for n in few:
            wishes.wish(claim, f"2005.{n:05}")
        with CaptureQueriesContext(connection) as captured:
            page(client, claim)
        asked.append(len(captured))
    assert asked[0] == asked[1]


def test_nobody_answers_anothers_wish(client: Client, claim: Claim):
    ask(client, claim, identifier="2001.00001")
    wish = WishedWork.objects.get()
    other = held(Assignment.objects.get(signature__family="Somerville").author, "mary")
    client.force_login(other.account)
    assert ask(client, other, do="drop", wish=wish.pk).status_code == 404
    assert ask(client, claim, do="drop", wish=wish.pk).status_code == 403
    wish.refresh_from_db()
    assert wish.state == "open"
