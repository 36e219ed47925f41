"""Two lists of papers, one by word and one by meaning, made one.

Problem: a rank by word and a nearness by meaning have no common scale. Idea: only places count. A paper gets
weight / (K + place) from each list that has it (reciprocal rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009), and
more than that where its title is what was typed. Entry point: `fuse`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

K = 1  # the paper has 60, for lists of a thousand; with two of 200 a good place in one must do (docs/search.md)
BY_WORD, BY_MEANING = 1.6, 1.0  # of two papers, each first in one list, the one that says the words is first
EXACT_TITLE = 2.0  # more than any places


@dataclass(frozen=True, slots=True)
class Fused:
    """A paper, its places from 1 in the lists that have it, and whether its title is what was typed."""

    paper_id: int
    word_rank: int | None
    meaning_rank: int | None
    exact_title: bool = False

    @property
    def parts(self) -> tuple[float, float, float]:
        """What the score is the sum of: by word, by meaning, for the title."""
        title = EXACT_TITLE if self.exact_title else 0.0
        return _part(BY_WORD, self.word_rank), _part(BY_MEANING, self.meaning_rank), title

    @property
    def score(self) -> float:
        return sum(self.parts)


def _part(weight: float, rank: int | None) -> float:
    return 0.0 if rank is None else weight / (K + rank)


def fuse(by_word: Sequence[int], by_meaning: Sequence[int], exact: Collection[int] = ()) -> list[Fused]:
    """Every paper (id) of either list once, in no order of its own. Each list is best first and has a paper once."""
    words = {paper: rank for rank, paper in enumerate(by_word, start=1)}
    meanings = {paper: rank for rank, paper in enumerate(by_meaning, start=1)}
    return [
        Fused(paper, words.get(paper), meanings.get(paper), paper in exact)
        for paper in dict.fromkeys([*words, *meanings])
    ]
