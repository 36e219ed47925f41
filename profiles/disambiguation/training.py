"""Learn the weights of the evidence from gold sets.

Idea: every pair of labelled signatures that blocking would compare is an example; within a set each signature counts
alike (large clusters do not drown small ones), and each set as much as another, so that no field's habits rule. The
threshold is then chosen once for all sets. Entry point: `learn`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .blocking import blocks
from .evaluation import Gold
from .evidence import Floats, Texts, matrix, prepare
from .model import balance, train
from .rarity import NameCounts
from .vocabulary import Vocabulary
from .weighing import batch_pairs

# Pairs kept of one set, drawn at random with a fixed seed: more change the weights in the third decimal.
SAMPLE = 150_000


def examples(gold: Gold, seed: int = 0) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """Columns of evidence, truth, and (pairs, 2) signature ids of the labelled pairs that blocking compares."""
    labelled = [s for s, key in zip(gold.signatures, gold.keys, strict=True) if key in gold.labels]
    laid = list(blocks(labelled))
    signatures = [s for block in laid for s in block]
    found = batch_pairs(laid)
    paper = {s.paper: number for number, s in enumerate(signatures)}
    papers = np.array([paper[s.paper] for s in signatures])
    found = found[papers[found.i] != papers[found.j]]
    if len(found.i) > SAMPLE:
        found = found[np.sort(np.random.default_rng(seed).choice(len(found.i), SAMPLE, replace=False))]
    vocabulary = Vocabulary.shipped()
    block = prepare(signatures, Texts.of(signatures, vocabulary), NameCounts.shipped(), vocabulary)
    rows = np.concatenate([matrix(block, found[part]) for part in found.slices(50_000)])
    author = np.array([gold.labels[gold.keys[s.id]] for s in signatures])
    ids = np.array([s.id for s in signatures])
    return rows, author[found.i] == author[found.j], np.column_stack([ids[found.i], ids[found.j]])


def learn(sets: Sequence[Gold]) -> tuple[float, dict[str, float]]:
    """Bias and weights from several gold sets, each counting as much as another."""
    rows, same, ids = zip(*map(examples, sets), strict=True)
    start = np.cumsum([0] + [len(gold.signatures) for gold in sets[:-1]])
    number = np.repeat(np.arange(len(sets)), [len(r) for r in rows])
    pairs = np.concatenate([i + s for i, s in zip(ids, start, strict=True)])
    return train(np.concatenate(rows), np.concatenate(same), balance(number, pairs[:, 0], pairs[:, 1]))
