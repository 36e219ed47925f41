"""manage.py bench pages: an invented site in a database of its own, and ratios to an empty view of the same run."""

from __future__ import annotations

import importlib
import io
import re

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import Resolver404, resolve

from bzpeer import caching, pagebench
from bzpeer.command import needs_services
from bzpeer.pagebench import Measured, Page, Told
from papers.models import Paper, PaperEmbedding
from profiles.models import Author, NameVariant

LABELS = ["profile", "paper", "topic", "daily", "people search", "hybrid search", "search, everything"]


@pytest.mark.django_db(transaction=True)
def test_it_tells_of_each_page_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch):
    for name, small in (("ADDRESSES", 4), ("ROUNDS", 1), ("COUNTED", 3)):
        monkeypatch.setattr(pagebench, name, small)
    before, out = connection.settings_dict["NAME"], io.StringIO()
    call_command("bench", "pages", "--papers", "1000", "--authors", "1500", stdout=out)
    told = out.getvalue()
    for label in LABELS:
        assert label in told
    assert len(re.findall(r", 2 (?:reached|missed)", told)) == len(LABELS)
    assert re.match(r"[\d,]+ papers, 1,\d+ authors", told)
    assert connection.settings_dict["NAME"] == before
    assert Paper.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'bzpeer_bench_%'")
        assert cursor.fetchall() == []


@pytest.mark.django_db(transaction=True)
def test_what_is_loaded_has_rare_and_common_words_and_every_address_is_a_page_that_is_kept():
    pagebench.load(1_500, 1_000, True, lambda line: None)
    assert Paper.objects.count() == PaperEmbedding.objects.count() >= 800
    assert Author.objects.count() == NameVariant.objects.count()
    lengths = [np.linalg.norm(vector) for vector in PaperEmbedding.objects.values_list("vector", flat=True)]
    assert np.allclose(lengths, 1, atol=0.01)
    words = " ".join(Paper.objects.values_list("abstract", flat=True)).split()
    _, counts = np.unique(words, return_counts=True)
    assert counts.max() > 0.02 * len(words)
    assert (counts == 1).sum() > 100
    random = np.random.default_rng(1)
    for page in pagebench.PAGES:
        addresses = page.addresses(random, 6)
        assert len(addresses) == len(set(addresses)) >= 4, page.label
        assert resolve(addresses[0].partition("?")[0]).view_name in caching.PAGES


def test_a_ratio_is_of_the_same_quantile_and_judged_at_the_95th_percentile():
    page = Page("profile", 6, lambda random, n: [])
    told = Told(page, (8.0, 24.0), (2.0, 4.0), (2.0, 9.0), (7, 7))
    found = Measured((2.0, 4.0), [told])
    assert found.ratios(told.first) == (4.0, 6.0)
    assert found.reached(told) == (True, False)
    assert Measured((2.0, 3.9), [told]).reached(told) == (False, False)


@pytest.mark.parametrize("sizes", [("10", "5000"), ("2000", "1000")])
def test_too_little_is_a_sentence(sizes: tuple[str, str]):
    with pytest.raises(CommandError, match="at least 1,000"):
        call_command("bench", "pages", "--papers", sizes[0], "--authors", sizes[1])


def test_its_site_is_that_of_its_own_process_alone():
    caches = settings.CACHES
    importlib.reload(importlib.import_module("bzpeer.benchsite"))
    assert settings.ROOT_URLCONF == "bzpeer.urls"
    assert settings.CACHES is caches
    with pytest.raises(Resolver404):
        resolve("/empty")


def test_it_needs_a_database():
    assert needs_services(["bench", "pages"])
