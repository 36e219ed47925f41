"""Embeddings in the background and by `manage.py embed`."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from bzpeer import tasks
from papers import embedding, meaning
from papers.models import Batch, PaperEmbedding
from tests.conftest import fact

Bring = Callable[..., Batch]
Sent = list[tuple[list[int], dict[str, Any]]]


@pytest.fixture(autouse=True)
def switched_on(settings: Settings) -> None:
    settings.EMBEDDINGS = True


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What would be sent to a worker: arguments and options of `embed_papers`."""
    sent: Sent = []
    monkeypatch.setattr(tasks.embed_papers, "apply_async", lambda given=(), **how: sent.append((list(given), how)))
    monkeypatch.setattr(tasks.build_graph, "apply_async", lambda *_, **__: None)
    return sent


@pytest.fixture
def two(bring: Bring, monkeypatch: pytest.MonkeyPatch) -> Batch:
    """Two papers, which are two pieces."""
    monkeypatch.setattr(meaning, "BLOCK", 1)
    monkeypatch.setattr(tasks, "EMBEDDING_SECONDS", 0)
    return bring(fact("2001.00001", ["Ada Lovelace"]), fact("2001.00002", ["Charles Babbage"]))


def test_a_batch_asks_for_embeddings_behind_everything_else_and_waits_for_none(two: Batch, messages: Sent):
    tasks.process_batch(two.pk)
    assert messages == [([], {"priority": tasks.LAST})]
    assert not PaperEmbedding.objects.exists()


def test_the_job_goes_in_pieces_until_none_is_left(two: Batch, messages: Sent):
    tasks.embed_papers()
    pieces = 1
    while messages:
        (given, how) = messages.pop()
        assert how == {"priority": tasks.LAST}
        assert PaperEmbedding.objects.count() == pieces
        tasks.embed_papers(*given)
        pieces += bool(messages)
    assert PaperEmbedding.objects.count() == 2


def test_asked_for_while_it_goes_on_it_is_left_to_the_one_that_does(two: Batch, messages: Sent):
    tasks.embed_papers()
    tasks.embed_papers()
    assert len(messages) == 1
    (given, _) = messages.pop()
    while given:
        tasks.embed_papers(*given)
        given = messages.pop()[0] if messages else []
    PaperEmbedding.objects.all().delete()
    tasks.embed_papers()
    assert PaperEmbedding.objects.count() == 1


def test_switched_off_nothing_is_asked_for_and_nothing_is_done(two: Batch, messages: Sent, settings: Settings):
    settings.EMBEDDINGS = False
    tasks.process_batch(two.pk)
    tasks.embed_papers()
    assert messages == []
    assert not PaperEmbedding.objects.exists()


def test_the_schedule_names_the_job_behind_everything_else(settings: Settings):
    entry = settings.CELERY_BEAT_SCHEDULE["embed-papers"]
    assert (entry["task"], entry["options"]) == (tasks.embed_papers.name, {"priority": tasks.LAST})


def test_the_command_embeds_all_and_says_how_fast_and_what_is_left(two: Batch):
    out = StringIO()
    call_command("embed", stdout=out)
    assert out.getvalue().startswith("2 papers embedded, ")
    assert "2 of 2 papers have an embedding, 0 are left." in out.getvalue()


def test_the_command_says_why_it_does_nothing(two: Batch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(embedding, "available", lambda: False)
    with pytest.raises(CommandError, match="switched off"):
        call_command("embed")
