"""Weigh the pairs of a batch of blocks and cluster them: the arrays from which everything else is said.

Blocks are laid end to end, since arrays of three rows cost as much as arrays of a thousand. Entry point: `weigh`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .blocking import Pairs, pairs
from .clustering import APART, Constraints, Decisions, Ints, cluster
from .evidence import Block, Floats, Texts, matrix, prepare
from .model import Model
from .names import Agreement
from .rarity import NameCounts
from .signatures import Signature
from .vocabulary import Vocabulary

# Pairs weighed at once: about 80 columns of 4 bytes, 32 MB.
SLICE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """A batch of blocks whose pairs have been weighed and clustered; arrays by pair, `labels` by position."""

    signatures: Sequence[Signature]
    block: Block
    pairs: Pairs
    log_odds: Floats
    labels: Ints
    constraints: Constraints
    model: Model


def weigh(batch: Sequence[Sequence[Signature]], decisions: Decisions, texts: Texts, model: Model) -> Weighed:
    signatures = [s for block in batch for s in block]
    block = prepare(signatures, texts, NameCounts.shipped(), Vocabulary.shipped())
    found = batch_pairs(batch)
    log_odds = np.empty(len(found.i), np.float32)
    for part in found.slices(SLICE):
        log_odds[part] = model.log_odds(matrix(block, found[part]))
    constraints = Constraints.of(signatures, decisions)
    usable = np.where(found.agreement == Agreement.MISPRINT, np.float32(-APART), log_odds)
    return Weighed(
        signatures,
        block,
        found,
        log_odds,
        cluster(found.i, found.j, usable, model.threshold, constraints),
        constraints,
        model,
    )


def batch_pairs(batch: Sequence[Sequence[Signature]]) -> Pairs:
    """The pairs inside each block of a batch, by position in the blocks laid end to end."""
    start = 0
    shifted = []
    for block in batch:
        if len(block) > 1:
            shifted.append(pairs(block).shifted(start))
        start += len(block)
    return Pairs.joined(shifted)
