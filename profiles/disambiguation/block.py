"""The signatures of a batch of blocks as arrays, row by row, for rules that read many thousand pairs a second.

Problem: a pair is compared in microseconds only if nothing is parsed, folded or looked up for it. Idea: do that once a
signature. Sets (coauthors, title words, topics, affiliations) become rows of sparse matrices, so that what two rows
share is a product; texts become unit vectors; how common a name is becomes a number. Entry points: `Texts.of` for the
papers of a run, `prepare` for a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from papers.names import fold

from .rarity import NameCounts
from .signatures import Signature
from .vocabulary import EVERYWHERE, Vocabulary, words

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

# Author lists of hundreds would make every pair cost as much as a small block. The 64 coauthors with the smallest hash
# are a bottom-k sketch: the same members are kept of two lists, so that overlap stays comparable.
COAUTHORS_KEPT = 64
# Words that stand in most affiliations and place nobody.
_GENERIC = """
university univ universite universitat universidad universita institute inst institut of the and for de la at in
department dept school college faculty laboratory lab laboratories center centre research science sciences technology
computer engineering information division group academy national state key china usa united states inc corp ltd
company
"""
_NO_PLACE = frozenset(_GENERIC.split())


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Unit vectors of titles and abstracts by paper, prepared once for all blocks; float16 (192 bytes a paper)."""

    row: dict[Hashable, int]
    title: NDArray[np.float16]
    abstract: NDArray[np.float16]

    @staticmethod
    def of(signatures: Iterable[Signature], vocabulary: Vocabulary) -> Texts:
        """Embed each paper of `signatures` once, a thousand at a time."""
        papers = {s.paper: s for s in signatures}
        chosen = list(papers.values())
        title, abstract = (np.zeros((len(chosen), vocabulary.vectors.shape[1]), np.float16) for _ in range(2))
        for start in range(0, len(chosen), 1000):
            part = slice(start, start + 1000)
            title[part] = vocabulary.embed([s.title for s in chosen[part]])
            abstract[part] = vocabulary.embed([s.abstract for s in chosen[part]])
        return Texts({paper: row for row, paper in enumerate(papers)}, title, abstract)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Signatures as arrays, row by row. Incidences are sparse and weighted by rarity; absent facts are zero rows.

    `ambiguity` and `surname` are natural logs of the expected occurrences of the name and of its family name;
    `kept` are the keys of the coauthors that are compared; `coauthor_rarity` is in nats, by key; `venue` is -1 where
    unknown.
    """

    signatures: Sequence[Signature]
    kept: Sequence[Sequence[str]]
    coauthors: sparse.csr_matrix
    coauthor_rarity: Mapping[str, float]
    by_initial: sparse.csr_matrix
    title: Floats
    abstract: Floats
    title_words: sparse.csr_matrix
    topics: sparse.csr_matrix
    affiliations: sparse.csr_matrix
    ambiguity: Floats
    surname: Floats
    team: Ints
    venue: Ints


def prepare(signatures: Sequence[Signature], texts: Texts, counts: NameCounts, vocabulary: Vocabulary) -> Block:
    """Turn signatures (of one block or of several) into the arrays that the rules read."""
    rows = np.array([texts.row[s.paper] for s in signatures], np.int64)
    kept = [coauthors_kept(s) for s in signatures]
    rarity = {key: _coauthor_rarity(key, counts) for key in {key for keys in kept for key in keys}}
    venues: dict[str, int] = {"": -1}
    return Block(
        signatures,
        kept,
        coauthors=_incidence(kept, lambda key: float(np.sqrt(rarity[key]))),  # so that a product of rows adds rarities
        coauthor_rarity=rarity,
        by_initial=_incidence([{initial_key(key) for key in keys} for keys in kept], lambda _key: 1.0),
        title=texts.title[rows].astype(np.float32),
        abstract=texts.abstract[rows].astype(np.float32),
        title_words=_unit(
            _incidence([set(words(s.title)) for s in signatures], lambda word: _word_weight(word, vocabulary))
        ),
        topics=_unit(_incidence([s.topics for s in signatures], lambda _topic: 1.0)),
        affiliations=_unit(_incidence([affiliation_words(s) for s in signatures], lambda _word: 1.0)),
        ambiguity=np.log(np.array([counts.people(fold(s.family), fold(s.given)) for s in signatures], np.float32)),
        surname=np.log(np.array([counts.people(fold(s.family), "") for s in signatures], np.float32)),
        team=np.array([s.team for s in signatures], np.int32),
        venue=np.array([venues.setdefault(fold(s.venue), len(venues) - 1) for s in signatures], np.int32),
    )


def coauthors_kept(signature: Signature) -> Sequence[str]:
    """The coauthors that are compared."""
    if len(signature.coauthors) <= COAUTHORS_KEPT:
        return signature.coauthors
    return sorted(signature.coauthors, key=_hash)[:COAUTHORS_KEPT]


@lru_cache(maxsize=1 << 16)  # the lists of a collaboration repeat each other
def _hash(key: str) -> int:
    return crc32(key.encode())


def initial_key(key: str) -> str:
    family, _, given = key.partition("|")
    return f"{family}|{given[:1]}"


def _coauthor_rarity(key: str, counts: NameCounts) -> float:
    """How rare a coauthor's name is, in nats: about 6 to 15."""
    family, _, given = key.partition("|")
    return float(np.log(counts.total / (1 + counts.people(family, given))))


def _word_weight(word: str, vocabulary: Vocabulary) -> float:
    if word in EVERYWHERE:
        return 0.0
    row = vocabulary.index.get(word)
    return 10.0 if row is None else float(vocabulary.idf[row])  # an unknown word is rarer than the rarest known, 9.3


def affiliation_words(signature: Signature) -> set[str]:
    return {
        word
        for text in signature.affiliations
        for word in fold(text).split()
        if len(word) > 1 and word not in _NO_PLACE
    }


def _incidence(rows: Sequence[Iterable[str]], weigh: Callable[[str], float]) -> sparse.csr_matrix:
    columns: dict[str, int] = {}
    indices: list[int] = []
    ends = [0]
    for keys in rows:
        indices.extend(sorted({columns.setdefault(key, len(columns)) for key in keys}))
        ends.append(len(indices))
    weights = np.array([weigh(key) for key in columns] or [0.0], np.float32)
    data = weights[np.array(indices, np.int64)] if indices else np.empty(0, np.float32)
    return sparse.csr_matrix(
        (data, np.array(indices, np.int32), np.array(ends, np.int32)), shape=(len(ends) - 1, max(1, len(columns)))
    )


def _unit(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Rows scaled to length one."""
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    unit = sparse.csr_matrix(sparse.diags_array(1 / np.maximum(length, 1e-9)) @ matrix).astype(np.float32)
    unit.eliminate_zeros()  # words without weight would only cost time
    return unit
