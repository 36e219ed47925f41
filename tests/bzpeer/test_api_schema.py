"""The schema, and requests generated from it: valid and invalid ones, against the program itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from schemathesis.config import CheckConfig, ChecksConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.generation import GenerationMode

from bzpeer.wsgi import application
from papers import limits
from papers.models import Signature
from tests.conftest import fact
from tests.walking import place_of

pytestmark = pytest.mark.django_db

EXAMPLES = 8  # of each address
# A cursor, a filter, a field, an order that are well written may name nothing here: 400 is then the right answer.
WELL_WRITTEN = ["2xx", "400", "404"]


@pytest.fixture
def schema(bring: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The schema as the program gives it, with some records behind it, and no limit of requests."""
    cache.clear()
    monkeypatch.setattr(limits, "take", lambda *_: None)
    bring(
        fact("2001.00001", ["Ada Lovelace", "Charles Babbage"], doi="10.1000/1"), fact("2001.00002", ["Ada Lovelace"])
    )
    place_of(Signature.objects.order_by("pk")[0].paper, "Ockham Park")
    accepting: Any = CheckConfig(expected_statuses=WELL_WRITTEN)
    checks = ChecksConfig(positive_data_acceptance=accepting)
    config = SchemathesisConfig(seed=1, projects=ProjectsConfig(default=ProjectConfig(checks=checks)))
    # As Django's own test client does: a request's end is not the end of the test's transaction.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/schema/", application, config=config)
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", GenerationMode)
def test_whatever_the_schema_allows_or_forbids_is_answered_as_it_says(schema: Any, mode: GenerationMode):
    asked = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        asked.add(operation.path)

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate()

        check()
    assert len(asked) == 12


def test_the_schema_is_openapi_3_1_and_says_the_limits_and_filters(client: Client):
    document = client.get("/api/schema/").json()
    assert document["openapi"].startswith("3.1")
    assert "100 requests a minute" in document["info"]["description"]
    listed = document["paths"]["/api/v1/works"]["get"]
    by_name = {parameter["name"]: parameter for parameter in listed["parameters"]}
    assert "`year_from`" in by_name["filter"]["description"]
    assert by_name["per_page"]["schema"]["maximum"] == 200
    assert {"200", "400", "401", "429", "503"} <= {*listed["responses"]}
