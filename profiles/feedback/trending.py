"""Trending papers, by a formula that is printed on the page and can be worked out by hand for each paper.

Entry points: `refresh` after anything that counts, for the papers that it was about.
"""

from __future__ import annotations

from collections.abc import Iterable


def refresh(papers: Iterable[int]) -> None:
    """Count again what readers make of these papers, in the transaction of what changed it."""
