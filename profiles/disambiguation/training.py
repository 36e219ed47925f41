"""Learn the weights of the evidence from gold sets.

Idea: every pair of labelled signatures that blocking would compare is an example; within a set each signature counts
alike (large clusters do not drown small ones), and a set counts by its authors: a few hundred people picked
because their names are hard must not set the prior of everyone. Entry point: `learn`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .block import Floats, Texts, prepare
from .blocking import blocks
from .evidence import RULES, matrix
from .gold import Gold, GoldError
from .model import Model, balance, train
from .rarity import NameCounts
from .vocabulary import Vocabulary
from .weighing import batch_pairs

# Pairs kept of one set, drawn at random with a fixed seed: more change the weights in the third decimal.
SAMPLE = 150_000
# One for all: on the development sets F1 moves by less than half a point between .3 and .5, and at .4 the precision is
# above 95 where names are not picked for being hard.
THRESHOLD = 0.4


def examples(gold: Gold, seed: int = 0) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """Columns of evidence, truth, and (pairs, 2) signature ids of the labelled pairs that blocking compares.

    Raises GoldError if there is no such pair.
    """
    labelled = [s for s in gold.signatures if gold.keys[s.id] in gold.labels]
    laid = list(blocks(labelled))
    signatures = [s for block in laid for s in block]
    found = batch_pairs(laid)
    paper = {s.paper: number for number, s in enumerate(signatures)}
    papers = np.array([paper[s.paper] for s in signatures])
    found = found[papers[found.i] != papers[found.j]]
    if not len(found.i):
        raise GoldError(f"{gold.name}: no two labelled signatures have names that agree, so nothing can be learnt")
    if len(found.i) > SAMPLE:
        found = found[np.sort(np.random.default_rng(seed).choice(len(found.i), SAMPLE, replace=False))]
    vocabulary = Vocabulary.shipped()
    block = prepare(signatures, Texts.of(signatures, vocabulary), NameCounts.shipped(), vocabulary)
    rows = np.concatenate([matrix(block, found[part]) for part in found.slices(50_000)])
    author = np.array([gold.labels[gold.keys[s.id]] for s in signatures])
    ids = np.array([s.id for s in signatures])
    return rows, author[found.i] == author[found.j], np.column_stack([ids[found.i], ids[found.j]])


def learn(sets: Sequence[Gold], date: str, without: str = "") -> Model:
    """A model from several gold sets, with its card; `date` is the day to state on it (ISO 8601).

    The rule called `without` is hidden from it, and so weighs nothing.
    """
    rows, same, ids = zip(*map(examples, sets), strict=True)
    if without:
        seen = np.concatenate([np.full(len(rule.columns), rule.name != without) for rule in RULES])
        rows = tuple(r * seen for r in rows)
    start = np.cumsum([0] + [len(gold.keys) for gold in sets[:-1]])
    number = np.repeat(np.arange(len(sets)), [len(r) for r in rows])
    pairs = np.concatenate([i + s for i, s in zip(ids, start, strict=True)])
    shares = [len(set(gold.labels.values())) for gold in sets]
    bias, weights = train(np.concatenate(rows), np.concatenate(same), balance(number, pairs[:, 0], pairs[:, 1], shares))
    card = {
        "version": date,
        "trained on": {
            gold.name: f"{len(gold.labels)} signatures of {len(set(gold.labels.values()))} authors, {len(r)} pairs"
            for gold, r in zip(sets, rows, strict=True)
        },
        "method": "ridge logistic regression on pieces of piecewise linear functions, signs held",
        "weighting": "signatures alike within a set; sets by their authors",
        "names counted in": "588,231 arXiv records, 1986 to 2019",
        "limits": "learnt from English-language science; the threshold favours precision; "
        "probabilities are of links, not of people",
    }
    return Model(bias, weights, THRESHOLD, card)
