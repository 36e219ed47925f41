"""What a title or an abstract is about, as a short vector.

Problem: two titles of one person share few words, and a database of seven papers cannot tell a rare word from a
common one. Idea: a fixed vocabulary with inverse document frequencies and word vectors (latent semantic analysis of
arXiv titles and abstracts), shipped in `vocabulary.npz`; a text is the normalised sum of its words' vectors.
Entry point: `Vocabulary.shipped()`. Reference: Deerwester et al., "Indexing by latent semantic analysis", 1990.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from papers.names import fold

TABLE = "vocabulary.npz"
DIMENSIONS = 48  # with SIZE words at one byte a value, a file of two thirds of a megabyte
SIZE = 12_000  # words; the rarest of them stand in about one text of five thousand
READ_AT_MOST = 4_000  # characters of a text; an abstract is shorter, and a hostile one costs no more
# Words in more than one text in twelve carry no topic; the table leaves them out.
_EVERYWHERE = """
an and algorithm are as based be by can data for from in is it method model network of on paper problem result system
that the this time to using we which with
"""
EVERYWHERE = frozenset(_EVERYWHERE.split())
LONGEST = 30  # letters of a word; what is longer is read in pieces
_WORD = re.compile(rf"[^\W\d_]{{2,{LONGEST}}}")
_LETTERS = bytes(ord(chr(code).lower()) if chr(code).isascii() and chr(code).isalpha() else 32 for code in range(256))


def words(text: str) -> list[str]:
    """Folded words of a text, each in the order met, plurals cut: "Neural networks" → ["neural", "network"]."""
    return [_singular(word) for word in _printed(text)]


def _printed(text: str) -> list[str]:
    text = text[:READ_AT_MOST]
    if text.isascii():  # nearly all are, and three times as fast
        found = text.encode().translate(_LETTERS).decode().split()
        if max(map(len, found), default=0) <= LONGEST:
            return [word for word in found if len(word) > 1]
    return _WORD.findall(fold_text(text))


@lru_cache(maxsize=1 << 16)
def _singular(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word


def fold_text(text: str) -> str:
    """Fold as names are, but without keeping every abstract in the cache of names."""
    folded: str = text.casefold() if text.isascii() else fold.__wrapped__(text)
    return folded


class _Rows(dict[str, int]):
    """The row of a word as printed, -1 where it is not known; a word is looked up once."""

    def __init__(self, index: Mapping[str, int]) -> None:
        super().__init__()
        self.index = index

    def __missing__(self, word: str) -> int:
        row = self[word] = self.index.get(_singular(word), -1)
        return row


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Words by row number; `idf` (rows,), natural log; `vectors` (rows, DIMENSIONS), already weighted by idf."""

    index: dict[str, int]
    idf: NDArray[np.float32]
    vectors: NDArray[np.float32]

    @staticmethod
    @cache
    def shipped() -> Vocabulary:
        """The vocabulary of this package."""
        with (
            resources.files(__package__).joinpath(TABLE).open("rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            index = {word: row for row, word in enumerate(bytes(arrays["words"]).decode("utf-8").split("\n"))}
            vectors = arrays["vectors"].astype(np.float32) * arrays["scale"].astype(np.float32)[:, None]
            return Vocabulary(index, arrays["idf"].astype(np.float32), vectors)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(len(texts), DIMENSIONS) unit vectors; zero where a text has no known word."""
        counts = self.count(texts)
        out = np.asarray(counts @ self.vectors, dtype=np.float32)
        length = np.linalg.norm(out, axis=1, keepdims=True)
        unit: NDArray[np.float32] = np.divide(out, length, out=np.zeros_like(out), where=length > 0)
        return unit

    def count(self, texts: Iterable[str]) -> sparse.csr_matrix:
        """(texts, rows) which known words stand in each text, 1 or 0: repetition in a title or abstract says little."""
        row_of = _Rows(self.index)
        columns: list[int] = []
        ends = [0]
        for text in texts:
            found = {row_of[word] for word in set(_printed(text))}
            columns.extend(sorted(found - {-1}))
            ends.append(len(columns))
        shape = (len(ends) - 1, len(self.index))
        return sparse.csr_matrix(
            (np.ones(len(columns), np.float32), np.array(columns, np.int32), np.array(ends)), shape=shape
        )


def write_table(read: Callable[[], Iterable[str]], path: Path) -> None:
    """Learn the vocabulary from the texts that `read()` gives (called twice) and write it; deterministic.

    Randomised subspace iteration (Halko et al. 2011) with a fixed seed on the idf-weighted incidence of texts and
    words.
    """
    frequency: Counter[str] = Counter()
    total = 0
    for text in read():
        frequency.update(set(words(text)))
        total += 1
    # What stands in more than one text in twelve is left out, and listed in `EVERYWHERE`.
    kept = [w for w, n in sorted(frequency.items(), key=lambda item: (-item[1], item[0])) if n < total / 12][:SIZE]
    idf = np.log(total / np.array([frequency[w] for w in kept])).astype(np.float32)
    plain = Vocabulary({w: row for row, w in enumerate(kept)}, idf, np.zeros((len(kept), 1), np.float32))
    incidence = plain.count(read()) @ sparse.diags_array(idf)
    lengths = np.sqrt(incidence.multiply(incidence).sum(axis=1))
    incidence = sparse.csr_matrix(
        sparse.diags_array(1 / np.maximum(np.asarray(lengths).ravel(), 1e-9)) @ incidence
    ).astype(np.float32)
    basis = np.random.default_rng(0).standard_normal((len(kept), DIMENSIONS + 16)).astype(np.float32)
    for _ in range(6):
        basis, _r = np.linalg.qr(incidence.T @ (incidence @ basis))
    _u, strength, rotation = np.linalg.svd(np.linalg.qr(incidence @ basis)[1], full_matrices=False)
    directions = (basis @ rotation.T)[:, 1 : DIMENSIONS + 1]  # the first direction is only "how long is the text"
    # A square root of the strength: between counting all topics alike and hearing only the largest.
    vectors = directions * idf[:, None] * np.sqrt(strength[1 : DIMENSIONS + 1] / strength[1])
    scale = np.abs(vectors).max(axis=1) / 127
    np.savez_compressed(
        path,
        words=np.frombuffer("\n".join(kept).encode(), np.uint8),
        idf=idf.astype(np.float16),
        scale=scale.astype(np.float32),
        vectors=np.round(vectors / np.maximum(scale, 1e-12)[:, None]).astype(np.int8),
    )
