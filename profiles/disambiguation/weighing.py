"""Weigh the pairs of a batch of blocks and cluster them: the arrays from which everything else is said.

Blocks are laid end to end, since arrays of three rows cost as much as arrays of a thousand. Entry point: `weigh`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .block import Block, Floats, Texts, prepare
from .blocking import Pairs, pairs
from .clustering import CERTAIN, Constraints, Decisions, Ints, cluster, unite_wholes
from .evidence import COAUTHORS, lone_common_coauthor, matrix
from .groups import SURE, Joined, Works, join
from .model import Model
from .rarity import NameCounts
from .signatures import Signature
from .vocabulary import Vocabulary

# Pairs weighed at once: about 80 columns of 4 bytes, 32 MB.
SLICE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """A batch of blocks whose pairs have been weighed and clustered; arrays by pair, `labels` by position.

    `unaided` are the log-odds without the one coauthor that two papers share, where that coauthor's name is common.
    `joined` says by which groups the clusters came about; `meeting` is, by pair, where in it the groups of the two met,
    -1 where they did not, and `stated` what is said of the pair: the log-odds of that meeting, or else its own.
    """

    signatures: Sequence[Signature]
    block: Block
    pairs: Pairs
    log_odds: Floats
    unaided: Floats
    joined: Joined
    meeting: Ints
    stated: Floats
    labels: Ints
    constraints: Constraints
    model: Model

    @property
    def believed(self) -> Floats:
        """By pair, the log-odds that the two are one person's by all that is known of their groups, calibrated."""
        sure = self.joined.sure
        gathered = sure[self.pairs.i] == sure[self.pairs.j]
        own = np.clip(self.log_odds, -CERTAIN, CERTAIN)
        alone = np.where(gathered, self.model.gathered.of(own), self.model.beside.of(own))
        return np.where(self.meeting >= 0, self.stated, alone).astype(np.float32)


def weigh(batch: Sequence[Sequence[Signature]], decisions: Decisions, texts: Texts, model: Model) -> Weighed:
    """Weigh the pairs of some blocks, gather what is surely one person's, and join the groups."""
    works, unaided = weigh_pairs(batch, decisions, texts, model)
    sure = gather(works, SURE)
    joined = join(works, sure, model.groups, model.threshold)
    meeting = joined.meetings(works.pairs.i, works.pairs.j)
    return Weighed(
        works.block.signatures,
        works.block,
        works.pairs,
        works.log_odds,
        unaided,
        joined,
        meeting,
        np.where(meeting >= 0, np.append(joined.log_odds, 0)[meeting], works.log_odds),  # [-1] is never used
        unite_wholes(joined.labels, works.pairs.i, works.pairs.j, works.usable, works.constraints),
        works.constraints,
        model,
    )


def weigh_pairs(
    batch: Sequence[Sequence[Signature]], decisions: Decisions, texts: Texts, model: Model
) -> tuple[Works, Floats]:
    """The signatures of some blocks with their pairs weighed, and the log-odds unaided (see `Weighed`)."""
    signatures = [s for block in batch for s in block]
    block = prepare(signatures, texts, NameCounts.shipped(), Vocabulary.shipped())
    found = batch_pairs(batch)
    log_odds, unaided, names = (np.empty(len(found.i), np.float32) for _ in range(3))
    for part in found.slices(SLICE):
        rows = matrix(block, found[part])
        log_odds[part] = unaided[part] = model.log_odds(rows)
        names[part] = model.log_odds_of_names(rows)
        lone = np.flatnonzero(lone_common_coauthor(rows))
        unaided[part][lone] -= model.contributions(rows[lone])[:, COAUTHORS]
    return Works(block, found, log_odds, names, Constraints.of(signatures, decisions)), unaided


def gather(works: Works, threshold: float) -> Ints:
    """Group numbers by position: works that are one person's with log-odds above `threshold`."""
    return cluster(works.pairs.i, works.pairs.j, works.usable, threshold, works.constraints)


def batch_pairs(batch: Sequence[Sequence[Signature]]) -> Pairs:
    """The pairs inside each block of a batch, by position in the blocks laid end to end."""
    start = 0
    shifted = []
    for block in batch:
        if len(block) > 1:
            shifted.append(pairs(block).shifted(start))
        start += len(block)
    return Pairs.joined(shifted)
