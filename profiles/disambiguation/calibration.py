"""How honest stated probabilities are: what was stated, beside the share that was true.

Entry points: `Stated` for probabilities of labelled pairs, `reliability` for its table, `calibration_error` for one
figure of it. Reference: Naeini, Cooper and Hauskrecht 2015.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """One row of a reliability table: how many pairs, what was stated on average, what share was true."""

    pairs: int
    stated: float
    true: float


@dataclass(frozen=True, slots=True, eq=False)
class Stated:
    """Pairs of labelled signatures that were said to be one person with some probability.

    `ids` is (pairs, 2), `probability` and `true` are (pairs,). Every pair counts alike.
    """

    ids: NDArray[np.int64]
    probability: NDArray[np.float64]
    true: NDArray[np.bool_]

    @staticmethod
    def joined(parts: Sequence[Stated]) -> Stated:
        """All pairs of several."""
        parts = [NOTHING_STATED, *parts]
        return Stated(
            np.concatenate([p.ids for p in parts]),
            np.concatenate([p.probability for p in parts]),
            np.concatenate([p.true for p in parts]),
        )

    def among(self, ids: Container[int]) -> Stated:
        """The pairs whose ends are both of `ids`."""
        known = np.array([a in ids and b in ids for a, b in self.ids.tolist()], bool)
        return Stated(self.ids[known], self.probability[known], self.true[known])

    @property
    def reliability(self) -> list[Bin]:
        return reliability(self.probability, self.true)

    @property
    def error(self) -> float:
        return calibration_error(self.reliability)


NOTHING_STATED = Stated(np.empty((0, 2), np.int64), np.empty(0), np.empty(0, bool))


def reliability(probability: ArrayLike, true: ArrayLike, bins: int = BINS) -> list[Bin]:
    """Group probabilities and truths, arrays of one length, into `bins` of equal width, empty ones left out."""
    stated, truth = np.asarray(probability, float), np.asarray(true, bool)
    number = np.minimum((stated * bins).astype(int), bins - 1)
    return [
        Bin(int(chosen.sum()), float(stated[chosen].mean()), float(truth[chosen].mean()))
        for chosen in (number == n for n in range(bins))
        if chosen.any()
    ]


def calibration_error(table: Sequence[Bin]) -> float:
    """Expected calibration error: the mean distance between stated and true, weighted by pairs; 0 for no pairs."""
    total = sum(b.pairs for b in table)
    return sum(b.pairs * abs(b.stated - b.true) for b in table) / total if total else 0.0
