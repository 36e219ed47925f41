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
from scipy.sparse import csr_array


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

    def __post_init__(self) -> None:
        """ValueError where the lengths do not fit one another, as of files that were cut short."""
        n, p, m = len(self.authors), len(self.papers), len(self.author_papers)
        lengths = {"years": p, "teams": p, "author_starts": n + 1, "author_sure": m}
        lengths |= {"paper_starts": p + 1, "paper_authors": m, "paper_sure": m}
        wrong = [name for name, length in lengths.items() if len(getattr(self, name)) != length]
        if wrong or self.author_starts[-1] != m or self.paper_starts[-1] != m:
            raise ValueError(f"These arrays are not of one graph: {', '.join(wrong) or 'starts'}.")

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
        # One number each sorts several times faster than three columns: by author, by paper, the surest first.
        key = np.sort((a * len(papers) + p) * 2 + ~sure)
        row, doubt = key >> 1, (key & 1).astype(np.bool_)
        first = np.ones(len(row), np.bool_)
        first[1:] = row[1:] != row[:-1]
        a, p = np.divmod(row[first], max(len(papers), 1))
        starts = np.searchsorted(a, np.arange(len(authors) + 1))
        by_author = csr_array((~doubt[first], p.astype(np.int32), starts), shape=(len(authors), len(papers)))
        by_paper = by_author.tocsc()
        return cls(
            authors,
            papers,
            years,
            teams,
            starts.astype(np.int64),
            by_author.indices.astype(np.int32),
            by_author.data,
            by_paper.indptr.astype(np.int64),
            by_paper.indices.astype(np.int32),
            by_paper.data,
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
