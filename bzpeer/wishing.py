"""Fetching a work that its author misses: one record from arXiv's API or OpenAlex, through the whole pipeline.

Entry point: `fetch`, for a worker.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings

from papers import harvesting
from papers.models import Batch
from profiles import wishes

from . import pipeline


def fetch(wish_id: int) -> None:
    """Fetch what the wish asks for, once; what fails stands in its batch as a sentence."""
    wish = wishes.begin(wish_id)
    if wish is None or wish.batch is None:
        return
    if wish.scheme == "arxiv":
        endpoint, ask = settings.HARVEST_ATOM, partial(harvesting.by_ids, ids=[wish.value])
    else:
        endpoint, ask = settings.HARVEST_OPENALEX, partial(harvesting.works, wanted=f"doi:{wish.value}")

    def read(batch: Batch, report: pipeline.Report, losing: Any) -> None:
        ask(batch, report, harvesting.fetcher(endpoint), losing=losing)

    pipeline.process(wish.batch.pk, read=read)
