"""How far an import is, how fast, how long still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from papers.models import Batch
from papers.progress import progress
from tests.conftest import with_role

BEGAN = datetime(2026, 1, 10, 12, tzinfo=UTC)
MIB = 1024 * 1024


def batch(**fields: object) -> Batch:
    given = {"stage": Batch.Stage.READING, "step_began": BEGAN, "step_done": 20 * MIB, "step_total": 80 * MIB}
    return Batch(**given | {"new": 40_000} | fields)


def test_reading_a_file_is_told_in_bytes_its_pace_in_records_and_the_time_from_both():
    found = progress(batch(), BEGAN + timedelta(seconds=100))
    assert (found.done, found.total) == ("20.0\xa0MB", "80.0\xa0MB")
    assert (found.rate, found.left) == (400, timedelta(seconds=300))
    assert (found.pace, found.time_left) == ("400 a second", "5 minutes left")


def test_a_run_that_goes_on_is_measured_from_where_it_went_on():
    found = progress(batch(step_from=10 * MIB), BEGAN + timedelta(seconds=100))
    assert (found.rate, found.left) == (200, timedelta(seconds=600))


def test_a_pipe_has_a_pace_and_no_end_in_sight():
    found = progress(batch(step_done=40_000, step_total=0), BEGAN + timedelta(seconds=100))
    assert (found.done, found.total, found.rate, found.left) == ("40,000", "", 400, None)


def test_later_steps_are_told_in_what_they_count():
    found = progress(batch(stage=Batch.Stage.RESOLVING, step_done=30, step_total=90), BEGAN + timedelta(seconds=10))
    assert (found.done, found.total, found.rate, found.left) == ("30", "90", 3, timedelta(seconds=20))


@pytest.mark.parametrize("fields", [{"step_began": None}, {"step_done": 0}, {"step_from": 20 * MIB}])
def test_nothing_is_said_before_anything_is_known(fields: dict[str, object]):
    found = progress(batch(**fields), BEGAN + timedelta(seconds=100))
    assert (found.pace, found.time_left) == ("", "")
    assert (progress(batch(), BEGAN).pace, progress(batch(), BEGAN).time_left) == ("", "")


@pytest.mark.parametrize(("seconds", "said"), [(20, "less than a minute"), (60, "1 minute"), (5_400, "2 hours")])
def test_the_time_left_is_rounded_to_what_people_plan_with(seconds: int, said: str):
    now = BEGAN + timedelta(seconds=seconds)
    assert progress(batch(step_done=40 * MIB), now).time_left == f"{said} left"


@pytest.mark.django_db
def test_the_moving_part_of_the_page_tells_pace_and_time_left(client: Client):
    client.force_login(with_role("importer", "Administrators"))
    running = batch(label="test", step_began=timezone.now() - timedelta(seconds=100))
    running.save()
    page = client.get(reverse("batch_progress", args=[running.pk])).content.decode()
    assert "20.0\xa0MB of 80.0\xa0MB" in page
    assert "a second" in page
    assert "5 minutes left" in page
    assert f'value="{20 * MIB}" max="{80 * MIB}"' in page
