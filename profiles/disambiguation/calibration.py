"""How honest stated probabilities are: what was stated, beside the share that was true.

Entry points: `Stated` for probabilities of labelled pairs, `reliability` for its table, `calibration_error` for one
figure of it; `fit_line` to put log-odds right. References: Naeini, Cooper and Hauskrecht 2015; Platt 1999.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """Calibrated log-odds as a line in stated ones; by default as stated."""

    start: float = 0.0
    slope: float = 1.0

    def of(self, log_odds: NDArray[np.floating]) -> NDArray[np.floating]:
        return self.start + self.slope * log_odds


AS_STATED = Line()


def fit_line(log_odds: NDArray[np.floating], true: NDArray[np.floating], importance: NDArray[np.floating]) -> Line:
    """The line by which log-odds (n,) say best what was true (n,), 0 or 1, by logistic regression."""
    from scipy.optimize import minimize  # half a second of import that only training is worth
    from scipy.special import expit

    weight = importance / importance.sum()

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = line[0] + line[1] * log_odds
        error = weight * (expit(z) - true)
        # A pull to what was stated, for where all pairs are of one kind.
        value = float(np.sum(weight * (np.logaddexp(0, z) - true * z)) + 1e-4 * (line[0] ** 2 + (line[1] - 1) ** 2))
        return value, np.array([error.sum() + 2e-4 * line[0], error @ log_odds + 2e-4 * (line[1] - 1)])

    return Line(*map(float, minimize(loss, np.array([0.0, 1.0]), jac=True, method="L-BFGS-B").x))


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
