"""The list of every address knows every pattern of the project."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from .addresses import every_address

ONE = SimpleNamespace(
    pk=7, slug="a-slug", name="Ann Lee", arxiv_id="2001.00001", doi="10.1000/1", created=date(2020, 1, 1)
)
OBJECTS: dict[str, Any] = dict.fromkeys(
    [
        "api_key",
        "asked",
        "author",
        "batch",
        "block",
        "change_set",
        "claim",
        "collection",
        "complaint",
        "conversation",
        "decision",
        "institution",
        "invitation",
        "message",
        "other",
        "paper",
        "post",
        "proof",
        "question",
        "report",
        "review",
        "saved",
        "topic",
        "watch",
    ],
    ONE,
) | {"key": "k3y", "orcid": "0000-0002-1825-0097"}


def test_every_pattern_has_an_address() -> None:
    found = every_address(**OBJECTS)
    assert found["people/<int:pk>/<slug:slug>/"] == "/people/7/a-slug/"
    assert found["names/<path:name>/"] == "/names/Ann%20Lee/"
    assert found["people/<int:pk>/change/merge/"] == "/people/7/change/merge/"
    assert not [address for address in found.values() if "<" in address]
    assert not [address for address in found.values() if address.startswith(("/admin/", "/accounts/"))]


def test_an_object_that_is_missing_is_named() -> None:
    with pytest.raises(AssertionError, match=r"needs 'report' among the objects"):
        every_address(**{name: value for name, value in OBJECTS.items() if name != "report"})
