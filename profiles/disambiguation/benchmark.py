"""How fast the engine is, beside what no engine of its kind can do without, on the same blocks in the same run.

Every block must have its names compared and its signatures clustered. So the limits are bare `rapidfuzz` Jaro-Winkler
of each block's distinct names, and bare average linkage of a matrix of the block's size. CPU seconds, so that other
work on the machine counts little. A corpus of any size is spread by surname over files of a scratch folder, which
processes take one after the other: who shares a block shares a surname key.
Entry points: `spread` and `measured` for a corpus, `one_name` for the worst block, `cost_of_cap` for the cap.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cdist
from scipy.cluster.hierarchy import linkage

from papers.names import surname_key
from papers.records import Record

from .blocking import CAP, block_key, blocks, whole_blocks
from .engine import resolve
from .evaluation import peak_megabytes, score
from .gold import Gold
from .signatures import Signature, coauthor_key

# Files that a corpus is spread over: 28,000 signatures each for the 1.8 million names of arXiv until 2019.
SHARDS = 64


@dataclass(frozen=True, slots=True)
class Speed:
    """Signatures in, people out; the largest block, and blocks too large for one piece; CPU seconds of the engine and
    of its two limits; the most memory one process held, in MB."""

    signatures: int = 0
    people: int = 0
    blocks: int = 0
    largest_block: int = 0
    split_blocks: int = 0
    engine: float = 0.0
    names: float = 0.0
    linkage: float = 0.0
    peak: float = 0.0

    @property
    def rate(self) -> float:
        """Signatures per CPU second."""
        return self.signatures / max(self.engine, 1e-9)

    def __add__(self, other: Speed) -> Speed:
        added = {field: value + getattr(other, field) for field, value in asdict(self).items()}
        greater = {field: max(getattr(self, field), getattr(other, field)) for field in ("largest_block", "peak")}
        return Speed(**added | greater)


def signatures_of(records: Iterable[Record], coauthors: int = 64) -> list[Signature]:
    """The signatures of these records, each with at most `coauthors` others, numbered as they come."""
    found: list[Signature] = []
    for number, record in enumerate(records):
        found += _signatures(number, len(found), record, coauthors)
    return found


def _signatures(paper: int, first: int, record: Record, coauthors: int = 64) -> list[Signature]:
    team = [coauthor_key(author.family, author.given) for author in record.authors]
    date = record.created or record.updated
    return [
        Signature(
            id=first + place,
            paper=paper,
            family=author.family,
            given=author.given,
            suffix=author.suffix,
            coauthors=tuple([*team[: min(place, coauthors)], *team[place + 1 : coauthors + 1]][:coauthors]),
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


def spread(records: Iterable[Record], folder: Path) -> list[Path]:
    """Write the signatures of the records to files in `folder`, those of one surname to one; the largest file first."""
    paths = [folder / f"{shard:02}.jsonl" for shard in range(SHARDS)]
    with ExitStack() as opened:
        files = [opened.enter_context(path.open("w", encoding="utf-8")) for path in paths]
        first = 0
        for number, record in enumerate(records):
            found = _signatures(number, first, record)
            first += len(found)
            for signature in found:
                line = json.dumps([getattr(signature, field) for field in Signature.__slots__], ensure_ascii=False)
                files[crc32(surname_key(signature.family).encode()) % SHARDS].write(line + "\n")
    return sorted(paths, key=lambda path: (-path.stat().st_size, path))


def _read(path: Path) -> Iterator[Signature]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            fields = dict(zip(Signature.__slots__, json.loads(line), strict=True))
            fields["coauthors"] = map(sys.intern, fields["coauthors"])
            yield Signature(**fields | {name: tuple(fields[name]) for name in ("coauthors", "topics", "affiliations")})


def measured(paths: Iterable[Path], workers: int) -> Iterator[Speed]:
    """The speed on each file of `spread`, by so many processes, as each ends."""
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(measure_file, path) for path in paths]):
            yield done.result()


def measure_file(path: Path) -> Speed:
    return measure(list(_read(path)))


def measure(signatures: list[Signature]) -> Speed:
    """Resolve the signatures once, and do once the least that any resolution of their blocks must do."""
    whole = [len(block) for block in whole_blocks(signatures)]
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
    return Speed(
        len(signatures),
        people,
        len(whole),
        max(whole, default=0),
        sum(size > CAP for size in whole),
        spent,
        names,
        linked,
        peak_megabytes(),
    )


def one_name(records: Iterable[Record], size: int, family: str = "Wang", given: str = "Y.") -> list[Signature]:
    """The first `size` signatures of the records, each as if on a paper of its own and printed alike.

    The worst block there is: nothing about the names tells its members apart.
    """
    found: list[Signature] = []
    for number, record in enumerate(records):
        found += _signatures(number, len(found), record)
        if len(found) >= size:
            break
    return [replace(s, paper=s.id, family=family, given=given) for s in found[:size]]


@dataclass(frozen=True, slots=True)
class Cost:
    """B³ F1 (0..1) of one block's `labelled` signatures: by no cap, and by caps of these shares of the block."""

    key: str
    signatures: int
    labelled: int
    uncapped: float
    capped: dict[int, float]


def cost_of_cap(gold: Gold, largest: int, shares: Iterable[int] = (2, 4, 8)) -> Iterator[Cost]:
    """What caps of a half, a quarter … cost the `largest` blocks in which at least one signature in ten is labelled."""
    shares = list(shares)
    sized = sorted(whole_blocks(gold.signatures), key=len, reverse=True)
    labelled = [
        (b, {gold.keys[s.id]: gold.labels[gold.keys[s.id]] for s in b if gold.keys[s.id] in gold.labels}) for b in sized
    ]
    for block, labels in [pair for pair in labelled if len(pair[1]) * 10 >= len(pair[0])][:largest]:
        f1 = {}
        for share in (1, *shares):
            clusters = resolve(block, cap=-(-len(block) // share)).clusters
            predicted = {gold.keys[m]: number for number, c in enumerate(clusters) for m in c.members}
            f1[share] = score(labels, predicted).b3.f1
        yield Cost(block_key(block[0]), len(block), len(labels), f1[1], {share: f1[share] for share in shares})
