"""Weigh the pairs of a batch of blocks and cluster them: the arrays from which everything else is said.

Blocks are laid end to end, since arrays of three rows cost as much as arrays of a thousand. Entry point: `weigh`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .block import Block, Floats, Texts, prepare
from .blocking import Pairs, pairs
from .clustering import APART, Constraints, Decisions, Ints, cluster
from .evidence import COAUTHORS, lone_common_coauthor, matrix
from .model import Model
from .names import Agreement
from .rarity import NameCounts
from .signatures import Signature
from .vocabulary import Vocabulary

# Pairs weighed at once: about 80 columns of 4 bytes, 32 MB.
SLICE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """A batch of blocks whose pairs have been weighed and clustered; arrays by pair, `labels` by position.

    `unaided` are the log-odds without the one coauthor that two papers share, where that coauthor's name is common.
    """

    signatures: Sequence[Signature]
    block: Block
    pairs: Pairs
    log_odds: Floats
    unaided: Floats
    labels: Ints
    constraints: Constraints
    model: Model


def weigh(batch: Sequence[Sequence[Signature]], decisions: Decisions, texts: Texts, model: Model) -> Weighed:
    signatures = [s for block in batch for s in block]
    block = prepare(signatures, texts, NameCounts.shipped(), Vocabulary.shipped())
    found = batch_pairs(batch)
    log_odds, unaided = (np.empty(len(found.i), np.float32) for _ in range(2))
    for part in found.slices(SLICE):
        rows = matrix(block, found[part])
        log_odds[part] = unaided[part] = model.log_odds(rows)
        lone = np.flatnonzero(lone_common_coauthor(rows))
        unaided[part][lone] -= model.contributions(rows[lone])[:, COAUTHORS]
    constraints = Constraints.of(signatures, decisions)
    usable = np.where(found.agreement == Agreement.MISPRINT, np.float32(-APART), log_odds)
    return Weighed(
        signatures,
        block,
        found,
        log_odds,
        unaided,
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
