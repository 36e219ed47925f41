"""Connected components of the graph: who can be reached from whom at all.

Idea: authors and papers are one graph of two sides; each authorship is an edge, and no pair of coauthors is formed.
Entry point: `of`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from .incidence import Incidence


def of(graph: Incidence) -> NDArray[np.int32]:
    """(n,) the component of each author, numbered from 0 by size, the largest first, then by the first author."""
    n, p = len(graph.authors), len(graph.papers)
    if not n:
        return np.zeros(0, np.int32)
    starts = np.concatenate((graph.author_starts, np.full(p, len(graph.author_papers))))
    edges = np.ones(len(graph.author_papers), np.bool_), graph.author_papers + np.int32(n), starts
    _, label = connected_components(csr_array(edges, shape=(n + p, n + p)), directed=True, connection="weak")
    _, first, at, sizes = np.unique(label[:n], return_index=True, return_inverse=True, return_counts=True)
    place = np.empty(len(sizes), np.int32)
    place[np.lexsort((first, -sizes))] = np.arange(len(sizes), dtype=np.int32)
    return place[at]
