"""How well the search finds what is known to be there, and how fast papers are embedded.

Some thousands of real papers go into a database made for it beside the one that the settings name, and dropped again;
they are embedded, and asked for by queries whose answer is known (`knownitems`). The queries are dealt into two halves:
what is tuned is tuned on the one, and only the other is told of. The rate of embedding is a ratio to the bare model on
the same texts in the same run, in CPU seconds. Entry point: `measure`.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from django.db import connection

from papers import embedding, importing, meaning, searching
from papers.models import Batch, Paper
from papers.streams import open_stream

from . import knownitems
from .importbench import Cost, timed
from .knownitems import KnownItem

BARE = 256  # texts that the bare model is run on
MOST_HITS = 20  # a rank beyond counts as not found
TARGET = 0.95  # of recall@10, hybrid
WAYS: tuple[searching.By, ...] = ("words", "meaning", "hybrid")


@dataclass
class Score:
    """What one way of searching makes of some queries. MRR: mean of 1 / rank, 0 where not among the first 20."""

    ranks: list[int | None] = field(default_factory=list)

    def recall(self, at: int) -> float:
        return sum(rank is not None and rank <= at for rank in self.ranks) / max(len(self.ranks), 1)

    @property
    def mrr(self) -> float:
        return sum(1 / rank for rank in self.ranks if rank) / max(len(self.ranks), 1)


Scores = dict[tuple[str, searching.By], Score]


@dataclass
class Measured:
    """`scores` by (kind of query, way of searching), the kind "all" among them; `bare` and `embedded` are costs of
    texts and papers; `missed` are the queries that the hybrid search did not answer with its first ten."""

    papers: int
    embedded: Cost
    bare: Cost
    scores: Scores
    missed: list[KnownItem]

    @property
    def ratio(self) -> float:
        """Papers embedded and stored while the bare model runs one text."""
        return (self.embedded.records / max(self.embedded.cpu, 1e-9)) / (self.bare.records / max(self.bare.cpu, 1e-9))


def measure(
    lines: Sequence[bytes], count: int, tuning: bool, say: Callable[[str], None] = lambda line: None
) -> Measured:
    """Load these records into the present database, which is empty, embed them and ask for them."""
    say(f"importing {len(lines):,} papers")
    load(lines)
    embedded = embed(lambda done: say(f"{done:,} of {len(lines):,} papers embedded"))
    limit = bare()
    items = known_items(count, tuning)
    scores, missed = ask(items, lambda done: say(f"{done:,} of {len(items):,} queries asked"))
    return Measured(Paper.objects.count(), embedded, limit, scores, missed)


def records(source: Path, most: int) -> list[bytes]:
    """At most `most` lines that have an abstract, spread evenly over the file."""
    with contextlib.closing(open_stream(source)) as stream:
        lines = [line for line in stream if b'"abstract"' in line and json.loads(line).get("abstract")]
    step = max(len(lines) / most, 1)
    return [lines[int(n * step)] for n in range(min(most, len(lines)))]


def load(lines: Sequence[bytes]) -> None:
    """Import these records: papers only, nobody is told apart."""
    stream: BinaryIO = io.BytesIO(b"\n".join(line.strip() for line in lines) + b"\n")
    importing.run(Batch.objects.create(label="evaluate_search"), stream, lambda batch: None)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE papers_paper")  # words are weighed by PostgreSQL's statistics


def embed(report: Callable[[int], None]) -> Cost:
    """Embed all papers; returns what it cost."""
    with timed(Cost(0)) as cost:
        for _, count in meaning.embed_missing():
            cost.records += count
            report(cost.records)
    return cost


def bare() -> Cost:
    """What the model alone costs on texts of papers: tokens in, states out, in batches as they are embedded in."""
    papers = Paper.objects.order_by("fingerprint").values_list("title_text", "abstract")[:BARE]
    tokenizer, session = embedding.model()
    tokens = sorted((tokenizer.encode(embedding.paper_text(*paper)).ids for paper in papers), key=len)
    batches = [tokens[n : n + embedding.BATCH] for n in range(0, len(tokens), embedding.BATCH)]
    cost, began = Cost(len(tokens)), (time.perf_counter(), time.process_time())
    for batch in batches:
        embedding.run(session, batch)
    cost.wall, cost.client = time.perf_counter() - began[0], time.process_time() - began[1]
    return cost


def known_items(count: int, tuning: bool, seed: int = 0) -> list[KnownItem]:
    """At most `count` queries of each kind, of the half for tuning or of the other; no paper gives to both halves."""
    papers = list(Paper.objects.exclude(abstract="").order_by("pk").values_list("pk", "title_text", "abstract"))
    random.Random(seed).shuffle(papers)  # noqa: S311 - a sample, no secret
    found: list[KnownItem] = []
    of_kind = dict.fromkeys(knownitems.KINDS, 0)
    for item in knownitems.queries(papers[tuning::2], seed):
        if of_kind[item.kind] < count:
            of_kind[item.kind] += 1
            found.append(item)
    return found


def ask(items: Sequence[KnownItem], report: Callable[[int], None]) -> tuple[Scores, list[KnownItem]]:
    """The scores, and what the hybrid search missed."""
    scores: Scores = {}
    missed = []
    for number, item in enumerate(items, 1):
        for by in WAYS:
            hits = searching.search(item.query, by=by, size=MOST_HITS).hits
            rank = next((n for n, hit in enumerate(hits, 1) if hit.paper.pk == item.paper_id), None)
            for kind in (item.kind, "all"):
                scores.setdefault((kind, by), Score()).ranks.append(rank)
            if by == "hybrid" and (rank is None or rank > 10):
                missed.append(item)
        report(number)
    return scores, missed
