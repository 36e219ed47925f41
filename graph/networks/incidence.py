"""The whole graph as arrays: who stands on which paper, both ways.

Problem: coauthor pairs grow with the square of a team; one list of 5,000 names is 12 million of them.

Idea: the graph is not projected. Authors and papers are the two sides of one incidence, in compressed sparse rows
from either side: memory grows with the authorships alone, a path through it *is* its evidence, and a team of any
size is one paper that costs what it is worth. Newman's weights are two sparse products over it.

Entry points: `Incidence.of`, `Incidence.papers_of`, `Incidence.authors_of`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Incidence:
    """`n` authors, `p` papers, `m` authorships (an author counts once on a paper). Rows are positions, not ids.

    `sure` tells of each authorship whether the attribution is strong inference or better.
    """

    authors: NDArray[np.int64]  # (n,) ids, ascending
    papers: NDArray[np.int64]  # (p,) ids, ascending
    years: NDArray[np.int16]  # (p,) of the latest version; 0 where no date is known
    teams: NDArray[np.int32]  # (p,) names printed on the paper, of whoever they are
    author_starts: NDArray[np.int64]  # (n + 1,)
    author_papers: NDArray[np.int32]  # (m,) papers of each author, ascending
    author_sure: NDArray[np.bool_]  # (m,)
    paper_starts: NDArray[np.int64]  # (p + 1,)
    paper_authors: NDArray[np.int32]  # (m,) authors of each paper, ascending
    paper_sure: NDArray[np.bool_]  # (m,)

    @classmethod
    def of(
        cls,
        papers: NDArray[np.int64],
        years: NDArray[np.int16],
        teams: NDArray[np.int32],
        author: NDArray[np.int64],
        paper: NDArray[np.int64],
        sure: NDArray[np.bool_],
    ) -> Incidence:
        """From paper rows (ids ascending, with years and team sizes) and authorship rows in any order, all by id.

        An author printed twice on a paper counts once, and is sure where either is. A paper that no row of `papers`
        tells of is a ValueError.
        """
        authors, a = np.unique(author, return_inverse=True)
        p = np.searchsorted(papers, paper)
        if len(paper) and (p.max() >= len(papers) or (papers[p] != paper).any()):
            raise ValueError("An authorship is of a paper that is not among the papers.")
        order = np.lexsort((~sure, p, a))
        a, p, sure = a[order], p[order], sure[order]
        first = np.ones(len(a), np.bool_)
        first[1:] = (a[1:] != a[:-1]) | (p[1:] != p[:-1])
        a, p, sure = a[first], p[first], sure[first]
        by_paper = np.lexsort((a, p))
        return cls(
            authors,
            papers,
            years,
            teams,
            np.searchsorted(a, np.arange(len(authors) + 1)).astype(np.int64),
            p.astype(np.int32),
            sure,
            np.searchsorted(p[by_paper], np.arange(len(papers) + 1)).astype(np.int64),
            a[by_paper].astype(np.int32),
            sure[by_paper],
        )

    def position(self, author: int) -> int | None:
        """Where an author id stands; None where it is not in the graph."""
        at = int(np.searchsorted(self.authors, author))
        return at if at < len(self.authors) and self.authors[at] == author else None

    def papers_of(self, author: int) -> NDArray[np.int32]:
        """Positions of the papers of the author at that position."""
        return self.author_papers[self.author_starts[author] : self.author_starts[author + 1]]

    def authors_of(self, paper: int) -> NDArray[np.int32]:
        """Positions of the authors of the paper at that position."""
        return self.paper_authors[self.paper_starts[paper] : self.paper_starts[paper + 1]]
