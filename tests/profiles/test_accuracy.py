"""The accuracy page: figures as the card has them, decisions as they were made, and what is missing said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from profiles.accuracy import Bin, calibration_error, decided, facts, gold_scores, strata, worths
from profiles.disambiguation.model import Model
from profiles.models import Account, Author, Correction

CARD: dict[str, Any] = {
    "version": "2031-02-03",
    "trained on": {"acl": "10 signatures"},
    "limits": "English only",
    "known failures": ["twins who share everything", "one more"],
    "scores": {
        "qian": {},
        "acl": {
            "b3": {"precision": 0.991, "recall": 0.95, "f1": 0.97},
            "by cross-validation": {"precision": 0.98, "recall": 0.94, "f1": 0.9591},
            "calibration_error": 0.0123,
            "reliability": [{"pairs": 300, "stated": 0.05, "true": 0.04}, {"pairs": 100, "stated": 0.9, "true": 0.8}],
            "signatures": 17883,
            "authors": 2059,
            "strata": {"homonym": {"signatures": 1234, "precision": 0.9, "recall": 0.8, "f1": 0.8468}},
        },
    },
    "worth": {"title": {"acl": 0.2}, "coauthors": {"acl": 3.4, "qian": 12.0}},
}


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    model = replace(Model.shipped(), card=CARD)
    monkeypatch.setattr(Model, "shipped", staticmethod(lambda: model))


def test_the_card_is_read_and_what_it_lacks_is_none():
    acl, qian = gold_scores(CARD)
    assert (acl.name, acl.b3.f1, acl.cross_validated.precision, acl.signatures) == ("acl", 0.97, 0.98, 17883)
    assert acl.reliability == (Bin(300, 0.05, 0.04), Bin(100, 0.9, 0.8))
    assert (qian.b3.f1, qian.calibration_error, qian.reliability, qian.authors) == (None, None, (), None)
    assert worths(CARD) == (["acl", "qian"], [("coauthors", [3.4, 12.0]), ("title", [0.2, None])])
    assert strata([acl, qian]) == [("homonym", [(0.8468, 1234), (None, None)])]
    assert facts(CARD) == [
        ("trained on", ["acl: 10 signatures"]),
        ("limits", ["English only"]),
        ("known failures", ["twins who share everything", "one more"]),
    ]


@pytest.mark.parametrize("card", [{}, {"scores": None, "worth": None}, {"scores": {"acl": None}}, {"scores": []}])
def test_a_card_without_figures_is_no_fault(card: dict):
    assert all(score.b3.f1 is None for score in gold_scores(card))
    assert worths(card) == ([], [])


def test_the_calibration_error_is_the_mean_distance_weighted_by_cases():
    assert calibration_error([Bin(3, 0.9, 1.0), Bin(1, 0.2, 0.6)]) == pytest.approx((3 * 0.1 + 0.4) / 4)
    assert calibration_error([]) == 0


@pytest.mark.django_db
def test_the_page_shows_the_card(client: Client, shipped):
    html = client.get(reverse("accuracy")).content.decode()
    for shown in ("2031-02-03", "95.9", "97.0", "0.012", "17,883", "84.7", "English only", "twins", "12.0"):
        assert shown in html, shown
    assert html.count('<svg viewBox="-9') == 1
    assert 'cx="90.0" cy="20.0"' in html  # stated .9, true .8, with the y axis upwards
    assert "No decision yet" in html


@pytest.mark.django_db
def test_the_page_says_that_there_are_no_scores_and_no_decisions(client: Client, monkeypatch):
    model = replace(Model.shipped(), card={})
    monkeypatch.setattr(Model, "shipped", staticmethod(lambda: model))
    html = client.get(reverse("accuracy")).content.decode()
    assert "carries no scores" in html
    assert "No decision yet" in html
    assert reverse("accuracy") in client.get(reverse("home")).content.decode()


def decision(account: Account, same: bool, stated: float | None, frequency: float | None = 5, **more: Any) -> None:
    one, other = Author.objects.create(name="A"), Author.objects.create(name="A")
    Correction.objects.create(
        kind=Correction.Kind.AUTHORS,
        author=one,
        other_author=other,
        same=same,
        stated=stated,
        name_frequency=frequency,
        made_by=account,
        **more,
    )


@pytest.mark.django_db
def test_decisions_are_counted_by_what_was_stated_and_by_the_frequency_of_the_name(client: Client):
    ada = Account.objects.create_user("ada")
    decision(ada, True, 0.55)
    decision(ada, False, 0.59)
    decision(ada, True, 1.0, frequency=29.9)
    decision(ada, True, 0.95, frequency=30)
    decision(ada, False, 0.2, frequency=4_000)
    decision(ada, True, 0.3, frequency=None)
    decision(ada, True, None)  # nothing had been stated: nothing to measure
    decision(ada, True, 0.1, withdrawn_by=ada, withdrawn_at="2031-01-01T00:00Z")
    found = decided(joins=0.6)
    assert [(b.count, round(b.stated, 3), b.true) for b in found.by_probability] == [
        (1, 0.2, 0.0),
        (1, 0.3, 1.0),
        (2, 0.57, 0.5),
        (2, 0.975, 1.0),
    ]
    assert [(d.label, d.count, d.agreed) for d in found.by_frequency] == [
        ("rare", 3, 2),
        ("common", 1, 1),
        ("very common", 1, 1),
    ]
    assert found.total == 6
    html = client.get(reverse("accuracy")).content.decode()
    assert "6 decisions of curators and owners" in html
    assert "No decision yet" not in html
