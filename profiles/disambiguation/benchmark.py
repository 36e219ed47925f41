"""How fast the engine is, beside what no engine of its kind can do without, on the same blocks in the same run.

Every block must have its names compared and its signatures clustered. So the limits are bare `rapidfuzz` Jaro-Winkler
of each block's distinct names, and bare average linkage of a matrix of the block's size. CPU seconds of this process,
so that other work on the machine counts little. Entry points: `signatures_of` and `measure`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cdist
from scipy.cluster.hierarchy import linkage

from papers.records import Record

from .blocking import blocks
from .engine import resolve
from .signatures import Signature, coauthor_key


@dataclass(frozen=True, slots=True)
class Speed:
    """Signatures in, people out, and CPU seconds of the engine and of its two limits."""

    signatures: int
    people: int
    blocks: int
    largest_block: int
    engine: float
    names: float
    linkage: float

    @property
    def rate(self) -> float:
        """Signatures per CPU second."""
        return self.signatures / self.engine


def signatures_of(records: Iterable[Record], coauthors: int = 64) -> list[Signature]:
    """The signatures of these records, each with at most `coauthors` others, numbered as they come."""
    found: list[Signature] = []
    for number, record in enumerate(records):
        team = [coauthor_key(author.family, author.given) for author in record.authors]
        date = record.created or record.updated
        found += [
            Signature(
                id=len(found) + place,
                paper=number,
                family=author.family,
                given=author.given,
                suffix=author.suffix,
                coauthors=tuple([*team[:place], *team[place + 1 :]][:coauthors]),
                title=record.title,
                year=date.year if date else None,
                topics=record.categories,
                abstract=record.abstract,
                affiliations=author.affiliations,
                orcid=author.orcid,
                team=len(team),
            )
            for place, author in enumerate(record.authors)
        ]
    return found


def measure(signatures: list[Signature]) -> Speed:
    """Resolve the signatures once, and do once the least that any resolution of their blocks must do."""
    found = list(blocks(signatures))
    names = linked = 0.0
    for block in found:
        began = time.process_time()
        printed = sorted({signature.name for signature in block})
        cdist(printed, printed, scorer=JaroWinkler.similarity, dtype=np.float32)
        names += time.process_time() - began
        if len(block) > 1:
            began = time.process_time()
            linkage(np.ones(len(block) * (len(block) - 1) // 2), "average")
            linked += time.process_time() - began
    began = time.process_time()
    people = len(resolve(signatures).clusters)
    spent = time.process_time() - began
    return Speed(len(signatures), people, len(found), max(map(len, found), default=0), spent, names, linked)
