"""Digests go out exactly once for each subscriber and period, by real workers that are killed at any moment."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from bzpeer import pipeline, tasks
from papers.models import Batch, Paper
from profiles import letters, postmarks
from profiles.letters import State
from profiles.models import Digest, Letter, Pick, Subscriber, Subscription, Trend
from tests.conftest import fact
from tests.profiles.mail_server import CUT_AFTER, Mail, serving
from tests.test_end_to_end import PATIENCE, start_worker, until

pytestmark = pytest.mark.django_db(transaction=True)
SUBSCRIBERS = 40
SEEDS = (1, 2, 3)


@pytest.fixture
def readers() -> list[Subscriber]:
    """Subscribers of trending papers, every third one every week too, by a search."""
    records = [fact(f"2611.{n:05}", [f"Author{n} Family{n}"], f"Paper number {n} on eels") for n in range(1, 6)]
    lines = "\n".join(map(json.dumps, records)).encode() + b"\n"
    pipeline.process(Batch.objects.create(label="test").pk, io.BytesIO(lines))
    for number, paper in enumerate(Paper.objects.order_by("pk")[:3]):
        Trend.objects.create(paper=paper, heat=9.0 - number, likes=9 - number)
    found = []
    for n in range(SUBSCRIBERS):
        reader = Subscriber.objects.create(email=f"r{n}@x.org", address=f"r{n}@x.org", key=f"key{n}")
        given: dict[str, Any] = {"subscriber": reader, "confirmed_at": timezone.now()}
        Subscription.objects.create(kind="trending", frequency="daily", **given)
        if n % 3 == 0:
            Subscription.objects.create(kind="search", query="q=eels", frequency="weekly", **given)
        found.append(reader)
    return found


def children(process: subprocess.Popen[bytes]) -> list[int]:
    return [process.pid, *map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())]


def kill(process: subprocess.Popen[bytes]) -> None:
    """At once, with its children, as a machine that loses its power."""
    for pid in children(process):
        os.kill(pid, signal.SIGKILL)
    process.wait(PATIENCE)


def waiting() -> int:
    return letters.waiting(timezone.now() + letters.PAUSES[-1]).count()


def over() -> bool:
    """Every digest is made, and no letter waits; how that is, whether sent or unknown, is asked afterwards."""
    return Digest.objects.count() == SUBSCRIBERS + len(range(0, SUBSCRIBERS, 3)) and not waiting()


@pytest.mark.parametrize("seed", SEEDS)
def test_each_subscriber_gets_each_period_once_whoever_dies(
    seed: int, readers: list[Subscriber], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    dice = random.Random(seed)
    steps = Counter[str]()

    def script(step: str, about: str) -> str:
        steps[step] += 1
        if step == "RCPT" and steps[step] % 7 == 3:
            return "451 later"
        if step == "END" and steps[step] % 11 == 5:
            return CUT_AFTER
        return ""

    with serving(script) as (mail, port), (tmp_path / "worker.log").open("wb") as log:
        for name, value in {
            "MAIL_KEPT": "0",
            "MAIL_BACKEND": "profiles.smtp.EmailBackend",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(port),
            "EMAIL_TIMEOUT": "5",
        }.items():
            monkeypatch.setenv(name, value)
        workers = [start_worker(tmp_path, log) for _ in range(3)]
        try:
            for _kill in range(2):
                trigger()
                # Any moment once work has begun: the delay is drawn, what it meets is not.
                made = Digest.objects.count() + len(mail.accepted)
                until(partial(has_begun, mail, made))
                time.sleep(dice.uniform(0, 0.5))
                kill(workers.pop(dice.randrange(len(workers))))
            until(finished)
        finally:
            for worker in workers:
                kill(worker)
        verify(mail, readers)


def has_begun(mail: Mail, made: int) -> bool:
    return Digest.objects.count() + len(mail.accepted) > made or over()


def trigger() -> None:
    """As beat does it, and as nobody should: several times at once."""
    for _ in range(3):
        tasks.send_digests.delay()
        tasks.deliver_letters.delay()


def finished() -> bool:
    """Whether all is over; else what a beat and the time do, since a test does not wait for minutes: who died holds its
    letter no longer, and what the server wanted to have later is due. The worker that is alive and at it loses its
    letter by that too, and must withhold it."""
    if over():
        return True
    Letter.objects.filter(sent_at=None, handed_at=None, taken_until__gt=timezone.now()).update(taken_until=None)
    trigger()
    time.sleep(0.5)
    return False


def verify(mail: Mail, readers: list[Subscriber]) -> None:
    now = timezone.now() + letters.PAUSES[-1]
    accepted = mail.ids
    for reader in readers:
        kinds = Counter(Digest.objects.filter(subscriber=reader).values_list("frequency", flat=True))
        assert set(kinds.values()) == {1}
        assert set(kinds) == set(reader.subscriptions.values_list("frequency", flat=True))
        papers = list(Pick.objects.filter(subscriber=reader).values_list("paper", flat=True))
        assert len(papers) == len(set(papers)) == (5 if "weekly" in kinds else 3)
    written = list(Letter.objects.all())
    assert len(written) == Digest.objects.exclude(letter=None).count()
    for letter in written:
        times = accepted[postmarks.message_id(letter)]
        match letters.state(letter, now):
            case State.SENT:
                assert times == 1
            case State.UNKNOWN:
                assert times <= 1
            case other:
                raise AssertionError(f"{letter} is {other}: {letter.problem}")
    assert sum(accepted.values()) == len(accepted) <= len(written)
    sent = sum(letters.state(letter, now) == State.SENT for letter in written)
    assert sent > len(written) / 2  # most went, and are known to have gone
