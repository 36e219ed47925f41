"""Boosted trees that can be read: a sum of many small trees, of which every fact's part can be told apart.

Problem: how much a fact about two groups counts depends on the others (a year's gap between two circles of ten works is
not that between two works), which no sum of one-fact functions can say. Idea: gradient boosting of symmetric trees, in
which all nodes of a level ask the same question: a tree is a few questions and a table of values, so that thousands of
pairs are scored by a handful of array operations, and the model is a short JSON list. What a fact adds is what its
answers change, beside a reference in which nothing speaks for or against (`contributions`), and they sum to the score
exactly. Entry points: `fit`, `Trees`. References: Friedman 2001 (boosting); Kohavi and Li 1995 (oblivious trees);
Lundberg and Lee 2017 (Shapley values against a reference).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Chosen by cross-validation over the five development sets; between 150 and 600 trees B³ differs by .1.
TREES = 500
DEPTH = 4
RATE = 0.04
BINS = 24  # candidate cuts of a fact, at its quantiles
RIDGE = 3.0  # pulls the value of a leaf to zero as if it held so many undecided examples more
SHARE = 0.5  # of the facts that a tree may ask about, drawn anew for each
ROWS = 2_000  # scored at once: 10 MB
PASSES = 60  # of pooling, until leaves are monotone to the rounding of their values


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """`facts` and `cuts` are (trees, depth): tree t asks at level d whether fact `facts[t, d]` exceeds `cuts[t, d]`;
    the answers, first the highest bit, are the column of `values`, (trees, 2 ** depth), in nats."""

    bias: float
    facts: NDArray[np.int32]
    cuts: Floats
    values: Floats

    @staticmethod
    def none() -> Trees:
        """Trees that say -1 of everything: nothing is joined."""
        return Trees(
            -1.0, np.zeros((0, DEPTH), np.int32), np.zeros((0, DEPTH), np.float32), np.zeros((0, 2**DEPTH), np.float32)
        )

    @staticmethod
    def read(data: Mapping[str, Any], names: tuple[str, ...]) -> Trees:
        """From what `write` gave; raises ValueError where a fact is asked about that has no name."""
        if unknown := {name for tree in data["trees"] for name in tree["facts"]} - set(names):
            raise ValueError(
                f"the model asks for facts that there are not: {', '.join(sorted(unknown))}; train it again"
            )
        if not data["trees"]:
            return replace(Trees.none(), bias=data["bias"])
        facts = [[names.index(name) for name in tree["facts"]] for tree in data["trees"]]
        cuts, values = (np.array([tree[part] for tree in data["trees"]], np.float32) for part in ("cuts", "values"))
        return Trees(data["bias"], np.array(facts, np.int32), cuts, values)

    def write(self, names: tuple[str, ...]) -> dict[str, Any]:
        """As JSON values, to four digits."""
        return {
            "bias": round(self.bias, 4),
            "trees": [
                {
                    "facts": [names[fact] for fact in facts],
                    "cuts": [float(f"{cut:.9g}") for cut in cuts],
                    "values": [round(float(value), 4) for value in values],
                }
                for facts, cuts, values in zip(self.facts, self.cuts, self.values, strict=True)
            ],
        }

    def log_odds(self, rows: Floats) -> Floats:
        """(n,) scores of (n, facts)."""
        parts = [self._of(rows[start : start + ROWS]) for start in range(0, len(rows), ROWS)]
        return np.concatenate([np.empty(0, np.float32), *parts])

    def _of(self, rows: Floats) -> Floats:
        leaf = (rows[:, self.facts] > self.cuts) @ self._bits()
        total: Floats = self.values[np.arange(len(self.values)), leaf].sum(axis=1, dtype=np.float32)
        return total + np.float32(self.bias)

    def _bits(self) -> NDArray[np.int64]:
        return 1 << np.arange(self.facts.shape[1])[::-1]

    def contributions(self, row: Floats, reference: Floats) -> tuple[float, NDArray[np.float64]]:
        """The score of a reference, and what each fact of a row adds to it by being what it is; both are (facts,).

        Within a tree each level's answer is a player: its Shapley value against the answer of the reference. A fact
        that may only speak for (`signs` of `fit`) then adds nothing negative where it exceeds its reference.
        """
        depth, trees = self.facts.shape[1], np.arange(len(self.values))[:, None]
        answers, usual = ((of[self.facts] > self.cuts) @ np.diag(self._bits()) for of in (row, reference))
        coalition = (np.arange(2**depth)[:, None] & self._bits()) > 0  # (coalitions, levels): who answers for the row
        leaf = np.where(coalition, answers[:, None], usual[:, None]).sum(axis=2)
        value = self.values[trees, leaf].astype(np.float64)
        added = np.zeros(len(row))
        for level, bit in enumerate(self._bits()):
            without = np.flatnonzero(~coalition[:, level])
            others = coalition[without].sum(axis=1)
            share = np.array([factorial(n) * factorial(depth - 1 - n) / factorial(depth) for n in others])
            np.add.at(added, self.facts[:, level], (value[:, without + bit] - value[:, without]) @ share)
        return self.bias + float(value[:, 0].sum()), added


def fit(
    rows: Floats,
    truth: NDArray[np.floating],
    importance: NDArray[np.floating],
    signs: Sequence[int] = (),
    trees: int = TREES,
    seed: int = 0,
) -> Trees:
    """Fit trees to (n, facts), the share of truth of each row in 0..1 and its positive weight; deterministic.

    `signs` by fact: +1 where more of it may only raise the score, -1 where only lower it, 0 where either (the default).
    Without an example nothing is learnt, and nothing joined.
    """
    if not len(rows):
        return Trees.none()
    random = np.random.default_rng(seed)
    sign = np.array(signs or [0] * rows.shape[1])
    weight = importance / importance.mean()
    every = np.linspace(0, 1, BINS + 1)[1:-1]
    cuts = [np.unique(np.quantile(column, every).astype(np.float32)) for column in rows.T]
    asked = [fact for fact, found in enumerate(cuts) if len(found)]
    bins = [np.searchsorted(found, column).astype(np.int64) for found, column in zip(cuts, rows.T, strict=True)]
    bias = float(np.log((weight @ truth + 1) / (weight @ (1 - truth) + 1)))
    score = np.full(len(rows), bias)
    grown: list[tuple[list[int], list[float], NDArray[np.float64]]] = []
    for _ in range(trees):
        stated = 1 / (1 + np.exp(-score))
        slope, curve = weight * (truth - stated), weight * np.maximum(stated * (1 - stated), 1e-6)
        candidates: list[int] = []
        if asked:
            candidates = sorted(random.choice(asked, max(1, round(len(asked) * SHARE)), replace=False).tolist())
        drawn = random.random(len(rows)) < 0.7
        leaf = np.zeros(len(rows), np.int64)
        tree: tuple[list[int], list[float]] = ([], [])
        for _level in range(DEPTH):
            gains = [
                _best_cut(leaf[drawn], bins[f][drawn], len(cuts[f]), slope[drawn], curve[drawn], sign[f])
                for f in candidates
            ]
            if not gains:
                break
            fact = candidates[int(np.argmax([gain for gain, _place in gains]))]
            place = max(gains, key=lambda gain: gain[0])[1]
            tree[0].append(fact)
            tree[1].append(float(cuts[fact][place]))
            leaf = leaf * 2 + (bins[fact] > place)
        if len(tree[0]) < DEPTH:
            break
        known = np.bincount(leaf, curve, 2**DEPTH) + RIDGE
        value = RATE * _monotone(np.bincount(leaf, slope, 2**DEPTH) / known, known, sign[tree[0]])
        score += value[leaf]
        grown.append((*tree, value))
    if not grown:
        return Trees(bias, Trees.none().facts, Trees.none().cuts, Trees.none().values)
    facts, thresholds, values = zip(*grown, strict=True)
    return Trees(bias, np.array(facts, np.int32), np.array(thresholds, np.float32), np.array(values, np.float32))


def _best_cut(
    leaf: NDArray[np.int64],
    bin: NDArray[np.int64],
    cuts: int,
    slope: NDArray[np.floating],
    curve: NDArray[np.floating],
    sign: int,
) -> tuple[float, int]:
    """The gain of the best cut of one fact in all leaves at once, and its place among the cuts; a leaf in which the
    values of the two sides would contradict `sign` gains nothing."""
    key = leaf * (cuts + 1) + bin
    size = 2 ** (DEPTH - 1) * (cuts + 1)
    slopes, curves = (np.bincount(key, values, size).reshape(-1, cuts + 1).cumsum(axis=1) for values in (slope, curve))
    below, under = slopes[:, :-1], curves[:, :-1] + RIDGE
    above, over = slopes[:, -1:] - below, curves[:, -1:] - curves[:, :-1] + RIDGE
    gain = below**2 / under + above**2 / over
    if sign:
        whole = slopes[:, -1:] ** 2 / (curves[:, -1:] + RIDGE)
        gain = np.where(sign * (above / over - below / under) < 0, whole, gain)
    total = gain.sum(axis=0)
    return float(total.max()), int(total.argmax())


def _monotone(
    value: NDArray[np.float64], weight: NDArray[np.floating], signs: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Leaf values made to rise (or fall) with the answers of the levels that have a sign, by pooling what does not."""
    shape = (2,) * len(signs)
    value, weight = value.reshape(shape).copy(), weight.reshape(shape)
    for _ in range(PASSES):
        settled = True
        for level in np.flatnonzero(signs):
            (low, high), (light, heavy) = (np.moveaxis(of, level, 0) for of in (value, weight))
            wrong = signs[level] * (high - low) < 0
            pooled = (light * low + heavy * high) / (light + heavy)
            low[wrong], high[wrong] = pooled[wrong], pooled[wrong]  # views: this writes to `value`
            settled &= not wrong.any()
        if settled:
            break
    return value.ravel()
