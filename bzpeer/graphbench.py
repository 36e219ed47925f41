"""How fast the graph answers, beside what the same machine can do bare in the same run.

Problem: milliseconds say more about a machine than about a program. Idea: an invented graph with the teams, works and
ties of a real one (`graph.networks.synthetic`) goes into a database made for it, and each answer is told as a ratio to
a limit of the same run, over the same graph:

- the statements of a person's slice, to the bare join of two hops over the table of coauthorships;
- a path between two people, to a bare search from both ends over arrays of coauthors;
- reading the whole graph into arrays, with ranks, to scipy's bare power iteration over the matrix of pairs.

Bounded: at 500,000 authors and 2,000,000 pairs some ten minutes on two cores, most of it the loading; at 20,000 and
80,000 less than one. All happens in a database beside the one that the settings name, and both it and the folder of
arrays are removed at the end. Entry point: `measure`.
"""

from __future__ import annotations

import contextlib
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graph import neighbourhoods, snapshots
from graph.models import Coauthorship
from graph.networks import Incidence, components, ranking, searching, synthetic
from profiles.models import Author

SLICE_TARGET, PATH_TARGET, RANK_TARGET, MEMORY_TARGET = 3.0, 5.0, 3.0, 2_000.0
STRATA = ((1, 2), (3, 9), (10, 63), (64, 10**9))  # coauthors: halves and tails of the real distribution
AUTHORS_A_STRATUM = 25
REPEATS = 3  # of which the fastest counts: others use the machine too
PAIRS = 1_000
ALTERNATIVES = 5
EGO = 2_000
TOPICS, INSTITUTIONS = 150, 5_000
# As long as the evidence of an attribution usually is: a scan of the table must read it.
_EVIDENCE = '[{"rule": "names", "weight": 2.5, "sentence": "%s"}]' % ("the two names are spelt alike " * 9)

_BARE_SLICE = """
SELECT near.coauthor_id, far.coauthor_id, far.works, far.weight
  FROM graph_coauthorship near JOIN graph_coauthorship far ON far.author_id = near.coauthor_id
 WHERE near.author_id = %s
"""


@dataclass(frozen=True, slots=True)
class Ratio:
    """What we took, of what the limit took, in the same unit; `target` is the most that the ratio may be, if any."""

    label: str
    ours: float
    limit: float
    target: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours / max(self.limit, 1e-12)

    def __str__(self) -> str:
        told = f"{self.label}: {self.ratio:.2f} times ({self.ours:,.3g} of {self.limit:,.3g})"
        if self.target is None:
            return told
        return f"{told}; target {self.target:g}: {'reached' if self.ratio <= self.target else 'missed'}"


@dataclass
class Measured:
    """`facts` tell of the graph, a line each; times are in milliseconds."""

    facts: list[str] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    peak: float = 0.0  # MB of this process, resident


def measure(
    authors: int, pairs: int, with_networkx: bool = False, say: Callable[[str], None] = lambda line: None
) -> Measured:
    """Invent such a graph, load it into the database of the connection, which is to be empty, and measure."""
    found = Measured()
    random = np.random.default_rng(2)
    say("inventing the graph")
    graph = synthetic.invented(authors, pairs)
    ties = synthetic.ties(graph)
    found.facts += _facts(graph, ties)
    began = time.perf_counter()
    load(graph, ties, say)
    found.facts.append(f"loaded in {time.perf_counter() - began:,.0f} s")
    pairwise = _projected(ties, len(graph.authors))
    del ties
    with _folder():
        say("reading and ranking the whole graph")
        found.ratios += _rebuild(pairwise)
        say("slices")
        found.ratios += _slices(graph, np.diff(pairwise.indptr), random)
        say("paths")
        found.ratios += _paths(pairwise, random)
        found.ratios += _ego(pairwise)
        found.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        if with_networkx:
            say("networkx over the whole graph")
            found.ratios += _networkx(pairwise)
    return found


@contextlib.contextmanager
def _folder() -> Iterator[None]:
    """Snapshots of the bench are not those of the installation."""
    kept = settings.GRAPH_DIR
    with tempfile.TemporaryDirectory() as folder:
        settings.GRAPH_DIR = Path(folder)
        try:
            yield
        finally:
            settings.GRAPH_DIR = kept


def _facts(graph: Incidence, ties: synthetic.Ties) -> Iterator[str]:
    degrees = np.bincount(np.concatenate((ties.one, ties.other)), minlength=len(graph.authors))
    largest = float((components.of(graph) == 0).mean())
    yield (
        f"{len(graph.authors):,} authors, {len(graph.papers):,} papers, {len(graph.author_papers):,} authorships, "
        f"{len(ties.one):,} pairs; {100 * largest:.0f} % of the authors in one component"
    )
    yield f"quantiles {', '.join(f'{q:g}' for q in synthetic.QUANTILES)}"
    for what, values, real in (
        ("coauthors", degrees[degrees > 0], synthetic.REAL_DEGREES),
        ("works", np.diff(graph.author_starts), synthetic.REAL_WORKS),
    ):
        ours = np.quantile(values, synthetic.QUANTILES)
        yield f"{what}: {', '.join(f'{v:,.0f}' for v in ours)} (of arXiv: {', '.join(f'{v:,}' for v in real)})"


# --- loading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Texts:
    """What stands on the rows, as SQL over the id of their author or paper, which is `{0}`."""

    name: str = "'Person ' || {0}"
    family: str = "'Family' || {0}"
    title: str = "'Work ' || {0}"
    abstract: str = "''"
    topic: str = f"1 + (first + {{0}}) % {TOPICS}"


def load(
    graph: Incidence,
    ties: synthetic.Ties,
    say: Callable[[str], None] = lambda line: None,
    texts: Texts = Texts(),
) -> None:
    """The graph as papers, names, attributions, authors and coauthorships, with topics and institutions beside them."""
    with transaction.atomic():
        _unchecked()
        starts, papers = graph.author_starts, graph.author_papers
        years = graph.years[papers]
        author: dict[str, NDArray[Any]] = {
            "id": graph.authors,
            "works": np.diff(starts),
            "first": np.minimum.reduceat(years, starts[:-1]),
            "last": np.maximum.reduceat(years, starts[:-1]),
        }
        on = np.repeat(np.arange(len(graph.papers)), np.diff(graph.paper_starts))
        named = {
            "id": np.arange(1, len(on) + 1),
            "paper": graph.papers[on],
            "author": graph.authors[graph.paper_authors],
            "position": np.arange(len(on)) - graph.paper_starts[on],
        }
        first = graph.authors[graph.paper_authors[graph.paper_starts[:-1]]]
        both = (np.concatenate((ties.one, ties.other)), np.concatenate((ties.other, ties.one)))
        order = np.lexsort((both[1], both[0]))
        tie: dict[str, NDArray[Any]] = {
            "author": graph.authors[both[0][order]],
            "coauthor": graph.authors[both[1][order]],
        }
        tie |= {name: np.tile(getattr(ties, name), 2)[order] for name in ("works", "first_year", "last_year")}
        tie["weight"] = np.tile(ties.weight, 2)[order]

        say("loading authors and papers")
        insert("profiles_author", author, id="id", name=texts.name.format("id"), works_count="works",
                first_year="first", last_year="last", visibility="'public'")  # fmt: skip
        paper: dict[str, NDArray[Any]] = {"id": graph.papers, "year": graph.years, "first": first}
        date = "make_date(year::int, 1, 1) + (id % 365)::int"
        title = texts.title.format("id")
        insert("papers_paper", paper, id="id", title=title, title_text=title, abstract=texts.abstract.format("id"),
                fingerprint="md5(id::text)", created=date, updated=date, day_known="true",
                source="'bench'")  # fmt: skip
        insert("papers_topic", {"id": np.arange(1, TOPICS + 1)}, id="id", name="'Topic ' || id", slug="'topic-' || id")
        for step in (0, 1):
            insert("papers_papertopic", paper, paper_id="id", topic_id=texts.topic.format(step))
        say("loading names and attributions")
        family = texts.family.format("author")
        institute = f"(1 + author % {INSTITUTIONS})"
        insert("papers_signature", named, id="id", paper_id="paper", position="position",
                printed=texts.name.format("author"), family=family, family_key=f"lower({family})",
                surname_key=f"lower({family})",
                affiliations=f"ARRAY['Institute ' || {institute}]")  # fmt: skip
        insert("profiles_assignment", named, id="id", signature_id="id", author_id="author", state="'strong'",
                probability="0.95", evidence=f"'{_EVIDENCE}'", model="'bench'")  # fmt: skip
        number = {"id": np.arange(1, INSTITUTIONS + 1)}
        insert("papers_institution", number, id="id", name="'Institute ' || id", key="'institute ' || id")
        insert("papers_institutionname", number, key="'institute ' || id", printed="'Institute ' || id",
                institution_id="id")  # fmt: skip
        insert("papers_affiliation", named, signature_id="id", institution_id=institute)
        say("loading coauthorships")
        insert("graph_coauthorship", tie, author_id="author", coauthor_id="coauthor", works="works", weight="weight",
                first_year="first_year", last_year="last_year")  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _unchecked() -> None:
    """Foreign keys hold by how the rows are made; a role that may not switch their checks off waits for them, after
    each statement: an index cannot be made while checks are pending."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with contextlib.suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")


# What stands in a column that must not be null and that the graph knows nothing of.
_PLAIN = {"ARRAY": "'{}'", "jsonb": "'[]'", "boolean": "false", "date": "now()", "timestamp with time zone": "now()"}
_PLAIN |= {"text": "''", "character varying": "''", "bytea": "''"}


def insert(table: str, rows: dict[str, NDArray[Any]], **values: str) -> None:
    """COPY the arrays into a table of their own, then into `table`: `values` are SQL over the names of the arrays.

    Indexes that keep nothing unique are made anew at the end: sorting once is faster than finding each place.
    """
    kinds = {name: "float8" if array.dtype.kind == "f" else "int8" for name, array in rows.items()}
    layout = [("#", ">i2")]
    for name, kind in kinds.items():
        layout += [(f"{name}#", ">i4"), (name, f">{kind[0]}8")]
    packed = np.empty(len(next(iter(rows.values()))), np.dtype(layout))
    packed["#"] = len(rows)
    for name, array in rows.items():
        packed[f"{name}#"], packed[name] = 8, array
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE rows ({', '.join(f'{n} {kind}' for n, kind in kinds.items())})")
        with cursor.copy("COPY rows FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for part in np.array_split(packed, 1 + len(packed) // 100_000):
                copy.write(part.tobytes())
            copy.write(b"\xff\xff")
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema()"
            " AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'"
            " AND is_generated = 'NEVER'",
            [table],
        )
        values |= {name: _PLAIN.get(kind, "0") for name, kind in cursor.fetchall() if name not in values}
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
            " WHERE indrelid = %s::regclass AND NOT indisunique",
            [table],
        )
        indexes = cursor.fetchall()
        for index, _ in indexes:
            cursor.execute(f"DROP INDEX {index}")
        cursor.execute(f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} FROM rows")
        cursor.execute("DROP TABLE rows")
        for _, definition in indexes:
            cursor.execute(definition)


# --- the whole graph -------------------------------------------------------------------------------------------------


def _projected(ties: synthetic.Ties, n: int) -> csr_array:
    """(n, n) Newman's weights, both ways."""
    rows, columns = np.concatenate((ties.one, ties.other)), np.concatenate((ties.other, ties.one))
    made = csr_array((np.tile(ties.weight, 2), (rows, columns)), shape=(n, n))
    made.sort_indices()
    return made


def _rebuild(pairwise: csr_array) -> Iterator[Ratio]:
    limit = _timed(lambda: _power_iteration(pairwise))
    read = snapshots.read()
    parts = {
        "reading it from the database": _timed(snapshots.read, 1),
        "PageRank": _timed(lambda: ranking.pagerank(read)),
        "components": _timed(lambda: components.of(read)),
    }
    whole = _timed(snapshots.build, 1)
    yield Ratio("full rebuild with PageRank, to the bare power iteration, ms", whole, limit, RANK_TARGET)
    for label, part in parts.items():
        yield Ratio(f"  of it {label}", part, limit)
    yield Ratio("  of it the rest: writing it to disk", whole - sum(parts.values()), limit)


def _power_iteration(weights: csr_array) -> NDArray[np.float64]:
    """PageRank over a matrix of pairs, as it stands in the textbooks; tolerance and damping are ours."""
    n = weights.shape[0]
    strength = weights.sum(axis=1)
    alone = strength == 0
    spread = np.divide(ranking.DAMPING, strength, out=np.zeros(n), where=~alone)
    rank = np.full(n, 1.0 / n)
    for _ in range(ranking.MOST_STEPS):
        moved = weights @ (rank * spread) + (1 - ranking.DAMPING + ranking.DAMPING * rank[alone].sum()) / n
        change, rank = np.abs(moved - rank).sum(), moved
        if change < ranking.TOLERANCE:
            break
    return rank


def _networkx(pairwise: csr_array) -> Iterator[Ratio]:
    ours = _timed(lambda: _power_iteration(pairwise), 1)
    graph = nx.from_scipy_sparse_array(pairwise)
    made = _timed(lambda: nx.from_scipy_sparse_array(pairwise), 1)
    ranked = _timed(lambda: nx.pagerank(graph, tol=ranking.TOLERANCE / len(graph), max_iter=200), 1)
    yield Ratio("networkx, all of the graph: making it, to scipy's power iteration, ms", made, ours)
    yield Ratio("networkx, all of the graph: PageRank, to scipy's power iteration, ms", ranked, ours)


def _ego(pairwise: csr_array) -> Iterator[Ratio]:
    """What is near one person, where the choice is networkx: few nodes, many kinds of questions."""
    near = np.array([int(np.argmax(np.diff(pairwise.indptr)))])
    while len(near) < EGO and len(further := np.union1d(near, pairwise[near].indices)) > len(near):
        near = further
    small = pairwise[near[:EGO]][:, near[:EGO]].tocsr()
    graph = nx.from_scipy_sparse_array(small)
    made = _timed(lambda: nx.from_scipy_sparse_array(small))
    ranked = _timed(lambda: nx.pagerank(graph, tol=ranking.TOLERANCE / len(graph), max_iter=200))
    arrays = _timed(lambda: _power_iteration(small))
    yield Ratio(f"networkx, {small.shape[0]:,} nodes: making it, to scipy's power iteration, ms", made, arrays)
    yield Ratio(f"networkx, {small.shape[0]:,} nodes: PageRank, to scipy's power iteration, ms", ranked, arrays)


# --- questions -------------------------------------------------------------------------------------------------------


def _slices(graph: Incidence, degrees: NDArray[Any], random: np.random.Generator) -> Iterator[Ratio]:
    every: list[tuple[float, float, float, float]] = []
    told: list[Ratio] = []
    for least, most in STRATA:
        those = np.flatnonzero((degrees >= least) & (degrees <= most))
        chosen = random.choice(those, min(AUTHORS_A_STRATUM, len(those)), replace=False)
        times = [_slice(pk) for pk in graph.authors[chosen].tolist()]
        every += times
        ours, bare, _, ties = np.median(times, axis=0)
        upwards = f"{least} to {most}" if most < 10**9 else f"{least} or more"
        told.append(Ratio(f"  median at {upwards} coauthors", ours, bare))
        told.append(Ratio(f"  median at {upwards} coauthors, of those that read coauthorships", ties, bare))
    for label, taken in (("median", np.median(every, axis=0)), ("95th percentile", np.quantile(every, 0.95, axis=0))):
        ours, bare, python, ties = taken
        yield Ratio(f"slice, {label}: its statements, to the bare join, ms", ours, bare, SLICE_TARGET)
        yield Ratio(f"  {label} of those that read coauthorships", ties, bare)
        yield Ratio(f"  {label} of the whole of it in Python", python, bare)
    yield from told


def _slice(pk: int) -> tuple[float, float, float, float]:
    """Milliseconds: of the statements of the author's slice, of the bare join, of the slice as Python has it, and of
    those statements that ask what the join asks."""
    author = Author.objects.get(pk=pk)
    sent: list[tuple[str, Any]] = []

    def listen(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        sent.append((sql, values))
        return execute(sql, values, many, context)

    with connection.execute_wrapper(listen):
        neighbourhoods.around(author)
    whole = _timed(lambda: neighbourhoods.around(author))
    ties = [statement for statement in sent if Coauthorship._meta.db_table in statement[0]]
    bare = _timed(lambda: _fetch([(_BARE_SLICE, [pk])]))
    return _timed(lambda: _fetch(sent)), bare, whole, _timed(lambda: _fetch(ties))


def _fetch(statements: Sequence[tuple[str, Any]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for sql, values in statements:
            cursor.execute(sql, values)
            if cursor.description:
                cursor.fetchall()


def _paths(pairwise: csr_array, random: np.random.Generator) -> Iterator[Ratio]:
    graph = snapshots.current()
    if graph is None:  # the rebuild before this wrote it
        raise RuntimeError("There is no snapshot.")
    starts, coauthors = pairwise.indptr, pairwise.indices
    joined = np.flatnonzero(components.of(graph) == 0)
    shortest, several, bare = [], [], []
    for one, other in random.choice(joined, (PAIRS, 2)).tolist():
        if one == other:
            continue
        bare.append(_timed(partial(_both_ends, starts, coauthors, one, other), 1))
        shortest.append(_timed(partial(searching.shortest, graph, one, other), 1))
        several.append(_timed(partial(_several, graph, one, other), 1))
    for label, at in (("median", 0.5), ("95th percentile", 0.95)):
        limit = float(np.quantile(bare, at))
        target = PATH_TARGET if at > 0.5 else None
        yield Ratio(
            f"path, {label}, to a bare search from both ends, ms", float(np.quantile(shortest, at)), limit, target
        )
        yield Ratio(f"  {label} with {ALTERNATIVES} alternatives", float(np.quantile(several, at)), limit)


def _several(graph: Incidence, one: int, other: int) -> None:
    if path := searching.shortest(graph, one, other):
        list(searching.alternatives(graph, path, most=ALTERNATIVES))


def _both_ends(starts: NDArray[Any], coauthors: NDArray[Any], one: int, other: int) -> int | None:
    """The number of steps between two authors, breadth first from both ends, the smaller frontier first."""
    seen = np.zeros(len(starts) - 1, np.int8)
    seen[one], seen[other] = 1, 2
    fronts = {1: np.array([one]), 2: np.array([other])}
    steps = 0
    while len(fronts[1]) and len(fronts[2]):
        mine = 1 if len(fronts[1]) <= len(fronts[2]) else 2
        front, steps = fronts[mine], steps + 1
        lengths = starts[front + 1] - starts[front]
        at = np.repeat(starts[front] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        near = coauthors[at]
        there = seen[near]
        if (there == 3 - mine).any():
            return steps
        near = np.unique(near[there == 0])
        seen[near] = mine
        fronts[mine] = near
    return None


def _timed(act: Callable[[], object], repeats: int = REPEATS) -> float:
    """Milliseconds of wall time, the fastest of some."""
    least = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        act()
        least = min(least, time.perf_counter() - began)
    return 1e3 * least
