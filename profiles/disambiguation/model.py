"""From evidence to a probability: a model whose every part can be read and re-added.

Problem: a probability that nobody can take apart is no reason to put a work on someone's page. Idea: log-odds are a
bias plus a weight for each column of evidence (columns are pieces of piecewise linear functions, so the model bends
without ceasing to add up); the contributions of the rules sum to the total. Groups of works are weighed by trees, whose
contributions sum as well. The artefact
is `model.json` with its card. Entry points: `Model.shipped()`, `train`. Reference: Fellegi and Sunter 1969.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .block import Floats
from .calibration import AS_STATED, Line
from .evidence import COLUMNS, NAME_COLUMNS, RULES
from .groups import DIGITS, FACTS
from .trees import Trees

TABLE = "model.json"
# Strength of the pull to zero, as if so many (weighted) pairs spoke for no effect: columns seen in few sets stay small.
RIDGE = 3.0
# What may only speak for (+1) or against (-1) one person, by the first beginning of a column's name that fits. Without
# it chance in five gold sets tells people that a rarer name makes a work less likely theirs.
SIGNS = {
    "name: misprint": -1,
    "name: initials": 1,
    "name: initial": -1,
    "name: part": -1,
    "name: ": 1,
    "rarity: ": -1,
    "family name: ": -1,
    "coauthors: initial": -1,
    "coauthors: none": -1,
    "coauthors: ": 1,
    "title: ": 1,
    "abstract: ": 1,
    "topics: different": -1,
    "topics: near": 1,
    "affiliations: different": -1,
    "affiliations: near": 1,
    "venues: same": 1,
    "venues: different": -1,
}


@dataclass(frozen=True, slots=True)
class Model:
    """Weights in nats by column (`"rule: column"`), the bias, and the log-odds above which two clusters are joined.

    `groups` weigh what is known of two groups of works (`groups.FACTS`). Pairs whose works were gathered in one group,
    or whose groups were never compared, are likelier or less likely than they look by themselves: `gathered` and
    `beside` say how much. `card` says what the model was trained on, when, and what it scores.
    """

    bias: float
    weights: Mapping[str, float]
    groups: Trees
    threshold: float
    card: Mapping[str, Any]
    gathered: Line = AS_STATED
    beside: Line = AS_STATED

    @staticmethod
    @cache
    def shipped() -> Model:
        """The model of this package."""
        return Model.read(resources.files(__package__).joinpath(TABLE).read_text("utf-8"))

    @staticmethod
    def read(text: str) -> Model:
        """Parse a model; raises ValueError unless its columns are exactly those of the rules."""
        data = json.loads(text)
        if set(data["weights"]) != set(COLUMNS):
            raise ValueError("the model was trained for other columns than the rules have now; train it again")
        if "groups" not in data:
            raise ValueError("the model does not know how to weigh groups of works; train it again")
        return Model(
            data["bias"],
            data["weights"],
            Trees.read(data["groups"], FACTS),
            data["threshold"],
            data["card"],
            Line(**data["gathered"]),
            Line(**data["beside"]),
        )

    def write(self, path: Path) -> None:
        """Write the model as JSON, four decimals, a tree a line."""
        data = {
            "bias": self.bias,
            "weights": {column: round(float(self.weights[column]), 4) for column in COLUMNS},
            "threshold": self.threshold,
            "gathered": {name: round(value, 4) for name, value in asdict(self.gathered).items()},
            "beside": {name: round(value, 4) for name, value in asdict(self.beside).items()},
            "card": self.card,
        }
        groups = self.groups.write(FACTS)
        trees = ",\n  ".join(json.dumps(tree) for tree in groups["trees"])
        text = json.dumps(data, indent=1, ensure_ascii=False).removesuffix("\n}")
        text += f',\n "groups": {{\n  "bias": {groups["bias"]},\n  "trees": [\n  {trees}]\n }}\n}}\n'
        path.write_text(text, "utf-8")

    def vector(self) -> Floats:
        """The weights in the order of `COLUMNS`."""
        return np.array([self.weights[column] for column in COLUMNS], np.float32)

    def contributions(self, rows: Floats) -> Floats:
        """(pairs, rules) log-odds that each rule adds; with the bias they sum to the total."""
        starts = np.cumsum([0] + [len(rule.columns) for rule in RULES[:-1]])
        added: Floats = np.add.reduceat(rows * self.vector(), starts, axis=1)
        return added

    def log_odds_of_names(self, rows: Floats) -> Floats:
        """(pairs,) what the names alone, and how many carry them, give of the log-odds."""
        of_names = self.vector()[:NAME_COLUMNS]
        total: Floats = (rows[:, :NAME_COLUMNS] @ of_names + np.float32(self.bias)).astype(np.float32)
        return total

    def log_odds(self, rows: Floats) -> Floats:
        """(pairs,) log-odds that the two are one person, to `DIGITS`.

        Sums of floats differ in their last digit with what else is summed beside them; no tie must be decided by that.
        """
        total: Floats = (rows @ self.vector() + np.float32(self.bias)).astype(np.float32).round(DIGITS)
        return total


def probability_of(log_odds: float) -> float:
    """The probability of natural log-odds."""
    return 1 / (1 + math.exp(-log_odds))


def log_odds_of(probability: float) -> float:
    """The natural log-odds of a probability."""
    return math.log(probability / (1 - probability))


def train(rows: Floats, same: NDArray[np.bool_], importance: NDArray[np.floating]) -> tuple[float, dict[str, float]]:
    """Fit bias and weights by ridge logistic regression with `SIGNS` held; deterministic.

    `rows` is (pairs, len(COLUMNS)), `same` the truth, `importance` a positive weight for each pair. Importance is
    scaled to a sum of 10,000, so that `RIDGE` means the same whatever the number of pairs.
    """
    from scipy.optimize import minimize  # half a second of import that only training is worth
    from scipy.special import expit

    truth = same.astype(np.float64)
    scale = importance / importance.sum() * 10_000

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = rows @ parameters[1:].astype(np.float32) + parameters[0]
        value = float(np.sum(scale * (np.logaddexp(0, z) - truth * z)) + RIDGE / 2 * np.sum(parameters[1:] ** 2))
        error = (scale * (expit(z) - truth)).astype(np.float32)
        return value, np.concatenate([[error.sum()], error @ rows + RIDGE * parameters[1:]])

    signs = [next((sign for start, sign in SIGNS.items() if column.startswith(start)), 0) for column in COLUMNS]
    bounds = [(None, None), *((0 if sign > 0 else None, 0 if sign < 0 else None) for sign in signs)]
    found = minimize(
        loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}
    )
    return float(found.x[0]), dict(zip(COLUMNS, map(float, found.x[1:]), strict=True))


def balance(
    sets: NDArray[np.integer], left: NDArray[np.integer], right: NDArray[np.integer], shares: Sequence[float]
) -> NDArray[np.float64]:
    """Importance of pairs: each signature counts alike within its set, and set number k counts `shares[k]` in all.

    `left` and `right` number the signatures (unique over all sets); `sets` gives the number of the set of each pair.
    """
    occurrences = np.bincount(np.concatenate([left, right]))
    weight = 1 / occurrences[left] + 1 / occurrences[right]
    return np.asarray(weight / np.bincount(sets, weights=weight)[sets] * np.asarray(shares)[sets])
