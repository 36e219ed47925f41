"""Papers near a text by meaning. Entry points: `enabled`, `near`."""

from __future__ import annotations

from dataclasses import dataclass

from papers.models import PaperQuerySet


@dataclass(frozen=True, slots=True)
class Near:
    """A paper and the cosine between it and the text."""

    paper_id: int
    similarity: float


def enabled() -> bool:
    """Whether papers are embedded here."""
    return False


def near(text: str, papers: PaperQuerySet, limit: int) -> list[Near]:
    """The nearest papers, nearest first, at most `limit`."""
    return []
