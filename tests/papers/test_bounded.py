"""No statement costs more than it may."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from papers.bounded import TooSlow, within
from papers.models import Topic

pytestmark = pytest.mark.django_db


def limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        return str(cursor.fetchone()[0])


def test_a_statement_that_takes_longer_is_ended_and_undone():
    def sleep_after_writing() -> None:
        with within(20) as cursor:
            Topic.objects.create(name="Eels", slug="eels")
            cursor.execute("SELECT pg_sleep(30)")

    with pytest.raises(TooSlow):
        sleep_after_writing()
    assert not Topic.objects.exists()


def test_the_limit_holds_in_the_block_alone():
    before = limit()
    with within(7_000):
        assert limit() == "7s"
        with within(300):
            assert limit() == "300ms"
        assert limit() == "7s"
        with pytest.raises(TooSlow), within(20) as cursor:
            cursor.execute("SELECT pg_sleep(30)")
        assert limit() == "7s"
    assert limit() == before


def test_what_fails_for_another_reason_fails_as_ever():
    with pytest.raises(OperationalError, match="weather"), within(1_000):
        raise OperationalError("weather")


@pytest.mark.django_db(transaction=True)
def test_outside_any_transaction_nothing_is_left_of_the_limit():
    before = limit()
    with within(300):
        assert limit() == "300ms"
    assert limit() == before
