"""How fast pages are answered at scale, beside an empty view of the same site in the same run.

Problem: milliseconds say more about a machine than about a program, and a small database hides what a large one costs.
Idea: an invented graph with real teams and ties (`graphbench.load`) gets names, titles and abstracts of made-up words,
few of them common and most of them rare, as in any language, and an embedding for each paper, near those of its topic.
gunicorn serves it as in production (two workers), and readers on kept-alive connections ask three times for each of
many addresses: while it is kept nowhere, again, and with the ETag they got. Half of the addresses are of those with
most works, half of anybody. A page's figure is a quantile of its times over the same quantile of the empty view's,
which is asked between them all. The statements of each page are counted in this process.

Bounded: about ten minutes at 500,000 authors on two cores, most of it the loading. Everything happens in a database
beside the one that the settings name, dropped at the end. Entry points: `load`, `measure`, `PAGES`.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import numpy as np
from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from graph.networks import synthetic
from papers import daily
from papers.models import Paper, Topic
from profiles.models import Author

from . import caching, graphbench

DIMENSIONS = 384
REDIS_DATABASE = 9
READERS = 4  # connections at a time; with two, one worker may get both
ADDRESSES = 60  # of each page in each round
ROUNDS = 3
PATIENCE = 300  # seconds for an answer: the first one waits for the workers to start
COUNTED = 20  # addresses of each page whose statements are counted
PAIRS_A_PAPER = 4.8  # of the invented graph: what its teams give
UNCHANGED_TARGET = 2.0

# Words of rank r are about as frequent as 1 / r, and so are family names; {authors} is the highest id.
_WORDS = """
CREATE FUNCTION pg_temp.draw(id int8, salt int8) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
  SELECT (hashint8extended(id, salt) & 9007199254740991) / 9007199254740992.0::float8
$$;
CREATE FUNCTION pg_temp.ranked(n int, draw float8) RETURNS int LANGUAGE sql IMMUTABLE AS $$
  SELECT exp(draw * ln(n))::int
$$;
CREATE TEMP TABLE word AS
  SELECT n, (SELECT string_agg((ARRAY['ba','cor','di','fen','gu','hal','jo','kir','lu','mon','na','pol','qui','ras',
                                      'ste','tur'])[1 + (n >> (4 * place)) % 16], '' ORDER BY place)
               FROM generate_series(0, CASE WHEN n < 256 THEN 1 WHEN n < 4096 THEN 2 ELSE 4 END) place) AS word
    FROM generate_series(0, 200000) n;
CREATE UNIQUE INDEX ON word (n);
CREATE TEMP TABLE sentence AS
  SELECT s AS n, upper(left(string_agg(word, ' '), 1)) || substr(string_agg(word, ' '), 2) || '.' AS text
    FROM generate_series(0, 59999) s CROSS JOIN generate_series(1, 14) place
    JOIN word ON word.n = pg_temp.ranked(200000, pg_temp.draw(s, place)) GROUP BY s;
CREATE UNIQUE INDEX ON sentence (n);
CREATE TEMP TABLE person AS
  SELECT a AS n, initcap(family.word) AS family, initcap(given.word) || ' ' || initcap(family.word) AS name
    FROM generate_series(1, {authors}) a
    JOIN word family ON family.n = pg_temp.ranked(60000, pg_temp.draw(a, 1))
    JOIN word given ON given.n = 40 + pg_temp.ranked(5000, pg_temp.draw(a, 2));
CREATE UNIQUE INDEX ON person (n);
ANALYZE sentence, person;
"""
_SENTENCES = """(SELECT string_agg(text, ' ') FROM generate_series({first}, {last}) place
  JOIN sentence ON n = floor(60000 * pg_temp.draw({{0}}, 100 + place))::int)"""
_HALF = graphbench.TOPICS // 2
_TEXTS = graphbench.Texts(
    name="(SELECT name FROM person WHERE n = {0})",
    family="(SELECT family FROM person WHERE n = {0})",
    title=f"rtrim({_SENTENCES.format(first=0, last=0)}, '.')",
    abstract=_SENTENCES.format(first=1, last=9),
    # The largest topic has one paper in seven; no paper has one twice.
    topic=f"1 + (pg_temp.ranked({_HALF}, pg_temp.draw(id, {{0}})) + {{0}} * {_HALF}) % {graphbench.TOPICS}",
)
_BESIDES = """
INSERT INTO profiles_namevariant (author_id, printed, folded, family_key, surname_key, works)
  SELECT id, name, lower(name), lower(split_part(name, ' ', 2)), lower(split_part(name, ' ', 2)), works_count
    FROM profiles_author;
INSERT INTO trust_trustscore (author_id, score, level, components, model, computed_at)
  SELECT id, least(12, 2 * works_count) + 9, 1, '{"works": 12}', 'bench', now() FROM profiles_author;
UPDATE profiles_author SET topics_count = 5 WHERE works_count > 5;
"""


@dataclass(frozen=True, slots=True)
class Page:
    """`addresses` draws so many distinct ones; `target` is the most that the 95th percentile may be."""

    label: str
    target: float | None
    addresses: Callable[[np.random.Generator, int], list[str]]


def _of(model: type[Author] | type[Paper] | type[Topic], by: str) -> Callable[[np.random.Generator, int], list[str]]:
    """Half from the ten times as many that come first by the order `by`, half from all."""

    def draw(random: np.random.Generator, n: int) -> list[str]:
        ids = np.array(model._default_manager.order_by("pk").values_list("pk", flat=True))
        first = np.array(model._default_manager.order_by(by, "pk").values_list("pk", flat=True)[: 5 * n])
        popular = random.choice(first, min(n // 2, len(first)), replace=False)
        anybody = random.choice(ids, min(n, len(ids)), replace=False)
        chosen = list(dict.fromkeys([*popular.tolist(), *anybody.tolist()]))[:n]
        found = model._default_manager.in_bulk(chosen)
        return [found[pk].get_absolute_url() for pk in chosen]

    return draw


def _days(random: np.random.Generator, n: int) -> list[str]:
    """Days that have papers: half of them the last ones, which are read most."""
    found = daily.all_days(timezone.localdate())
    chosen = [*found[-n // 2 :], *random.choice(np.array(found), min(n, len(found)), replace=False).tolist()]
    return [daily.around("day", day).get_absolute_url() for day in dict.fromkeys(chosen)][:n]


def _names(random: np.random.Generator, n: int) -> list[str]:
    """Searches for people as people type: whole names, family name first, an initial, a letter wrong."""
    people = Author.objects.in_bulk(random.integers(1, Author.objects.count(), n).tolist()).values()
    forms: tuple[Callable[[str, str], str], ...] = (
        lambda given, family: f"{given} {family}",
        lambda given, family: f"{family}, {given}",
        lambda given, family: f"{given[:1]} {family}",
        lambda given, family: f"{given} {family[:-2]}{family[-1:]}",
    )
    return _searches(forms[place % 4](*person.name.split(" ", 1)) for place, person in enumerate(people))


def _words(random: np.random.Generator, n: int) -> list[str]:
    """Searches for papers: three neighbouring words of a title or an abstract."""
    found = []
    for paper in Paper.objects.in_bulk(random.integers(1, Paper.objects.count(), n).tolist()).values():
        words = (paper.title_text if random.random() < 0.5 else paper.abstract).replace(".", "").split()
        begin = int(random.integers(0, len(words) - 3))
        found.append(" ".join(words[begin : begin + 3]))
    return _searches(found)


def _searches(queries: Iterator[str] | Sequence[str]) -> list[str]:
    return [f"/search/?q={quote_plus(query)}" for query in dict.fromkeys(queries)]


PAGES = (
    Page("profile", 6, _of(Author, "-works_count")),
    Page("paper", 6, _of(Paper, "-updated")),
    Page("topic", None, _of(Topic, "pk")),
    Page("daily", None, _days),
    Page("people search", 12, lambda random, n: [f"{address}&type=people" for address in _names(random, n)]),
    Page("hybrid search", 12, lambda random, n: [f"{address}&type=papers" for address in _words(random, n)]),
    Page("search, everything", 12, _words),
)


@dataclass(frozen=True, slots=True)
class Told:
    """Quantiles (0.5, 0.95) in ms of first visits, of those after them, and of 304; statements, least and most."""

    page: Page
    first: tuple[float, float]
    again: tuple[float, float]
    unchanged: tuple[float, float]
    statements: tuple[int, int]

    @property
    def visits(self) -> tuple[tuple[float, float], ...]:
        return self.first, self.again, self.unchanged


@dataclass
class Measured:
    """`empty`: the same quantiles of the empty view."""

    empty: tuple[float, float] = (0.0, 0.0)
    pages: list[Told] = field(default_factory=list)

    def ratios(self, visit: tuple[float, float]) -> tuple[float, float]:
        """Median to median, and 95th percentile to 95th percentile."""
        return visit[0] / self.empty[0], visit[1] / self.empty[1]

    def reached(self, told: Told) -> tuple[bool | None, bool]:
        """Whether first visits keep to the page's target (None where it has none), and whether 304 does to its own."""
        target = told.page.target
        first = None if target is None else self.ratios(told.first)[1] <= target
        return first, self.ratios(told.unchanged)[1] <= UNCHANGED_TARGET


# --- loading ---------------------------------------------------------------------------------------------------------


def load(authors: int, papers: int, with_embeddings: bool, say: Callable[[str], None]) -> str:
    """Fill the database of the connection, which is to be empty, with about so many; a sentence of what is there."""
    began = time.perf_counter()
    say("inventing authors and papers")
    graph = synthetic.invented(authors, max(authors, round(PAIRS_A_PAPER * papers)))
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '1GB'")
        cursor.execute(_WORDS.format(authors=int(graph.authors.max())))
        graphbench.load(graph, synthetic.ties(graph), say, _TEXTS)
        say("loading names, scores")
        cursor.execute(_BESIDES)
        if with_embeddings:
            say("loading embeddings")
            _embeddings(graph.papers)
        cursor.execute("VACUUM ANALYZE")
    return (
        f"{len(graph.papers):,} papers, {len(graph.authors):,} authors, "
        f"{len(graph.papers) if with_embeddings else 0:,} embeddings, loaded in {time.perf_counter() - began:,.0f} s"
    )


def _embeddings(papers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    """One of length 1 a paper: half of it is the paper's alone, half is shared with others as a subject is."""
    random = np.random.default_rng(3)
    subjects = random.standard_normal((2_000, DIMENSIONS), dtype=np.float32)
    layout = [("#", ">i2"), ("a", ">i4"), ("id", ">i8"), ("b", ">i4"), ("n", ">i2"), ("_", ">i2")]
    layout += [("vector", ">f2", (DIMENSIONS,)), ("c", ">i4")]  # type: ignore[list-item]
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'paperembedding_near'")
        (definition,) = cursor.fetchone()
        cursor.execute("DROP INDEX paperembedding_near")
        with cursor.copy("COPY papers_paperembedding (paper_id, vector, digest) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for part in np.array_split(papers, 1 + len(papers) // 20_000):
                found = subjects[random.integers(0, len(subjects), len(part))]
                found = found + random.standard_normal(found.shape, dtype=np.float32)
                found /= np.linalg.norm(found, axis=1, keepdims=True)
                rows = np.zeros(len(part), np.dtype(layout))
                rows["#"], rows["a"], rows["id"], rows["b"] = 3, 8, part, 4 + 2 * DIMENSIONS
                rows["n"], rows["vector"], rows["c"] = DIMENSIONS, found, 0
                copy.write(rows.tobytes())
            copy.write(b"\xff\xff")
        cursor.execute(f"SET max_parallel_maintenance_workers = {os.cpu_count() or 1}")
        cursor.execute(definition)


# --- measuring -------------------------------------------------------------------------------------------------------


def measure(say: Callable[[str], None] = lambda line: None) -> Measured:
    """Ask for the pages of the database of the connection."""
    with override_settings(CACHES=own_cache(settings.CACHES), PROXIES=1):
        return _measured(say)


def own_cache(caches: dict[str, Any]) -> dict[str, Any]:
    """Django's setting, with the counts, limits and pages of the bench in a database of its own number."""
    address = caches["default"]["LOCATION"].partition("?")[0]
    return {"default": caches["default"] | {"LOCATION": f"{address}?db={REDIS_DATABASE}"}}


def _measured(say: Callable[[str], None]) -> Measured:
    found, random = Measured(), np.random.default_rng(4)
    drawn = {page.label: _rounds(page.addresses(random, ADDRESSES * ROUNDS)) for page in PAGES}
    times: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as port, _readers(port) as ask:
        ask(["/empty"] * ADDRESSES, [])  # the workers have started
        for number in range(ROUNDS):
            for page in PAGES:
                say(f"round {number + 1} of {ROUNDS}: {page.label}")
                addresses = drawn[page.label][number]
                caching.raise_generation()
                tags: list[str] = []
                for visit in ("first", "again", "unchanged"):
                    times.setdefault(("", ""), []).extend(ask(["/empty"] * (ADDRESSES // 3), []).times)
                    answers = ask(addresses, tags if visit == "unchanged" else [])
                    tags = answers.tags
                    expected = 304 if visit == "unchanged" else 200
                    if wrong := [a for a, s in zip(addresses, answers.statuses, strict=True) if s != expected]:
                        raise RuntimeError(f"{wrong[0]} did not answer {expected}")
                    times.setdefault((page.label, visit), []).extend(answers.times)
    found.empty = _quantiles(times["", ""])
    say("counting statements")
    for page in PAGES:
        first, again, unchanged = (_quantiles(times[page.label, v]) for v in ("first", "again", "unchanged"))
        found.pages.append(Told(page, first, again, unchanged, _statements(drawn[page.label][0])))
    return found


def _rounds(addresses: list[str]) -> list[list[str]]:
    """Each round's own; where there are too few, each round has all."""
    size = len(addresses) // ROUNDS
    return [addresses[n * size : (n + 1) * size] for n in range(ROUNDS)] if size >= COUNTED else [addresses] * ROUNDS


def _quantiles(times: list[float]) -> tuple[float, float]:
    half, most = np.quantile(times, (0.5, 0.95))
    return 1e3 * float(half), 1e3 * float(most)


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[int]:
    """gunicorn over the database of the connection, on a port of this machine."""
    database = conninfo_to_dict(os.environ.get("DATABASE_URL", "postgresql:///bzpeer"))
    environment = os.environ | {
        "DATABASE_URL": make_conninfo("", **database | {"dbname": connection.settings_dict["NAME"]}),
        "GRAPH_DIR": str(folder),
        "PROXIES": "1",
        "SECRET_KEY": settings.SECRET_KEY,
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "0",
    }
    with socket.create_server(("127.0.0.1", 0)) as listening, (folder / "log").open("w+") as log:
        # gunicorn sets this too, but only for connections that are made after it has started: those of the readers
        # would wait 40 ms between the head and the body of each answer (Nagle's algorithm, delayed acknowledgement).
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "bzpeer.benchsite:application()",
            "--bind",
            f"fd://{listening.fileno()}",
        ]
        command += ["--workers", "2", "--threads", "4", "--worker-class", "gthread", "--keep-alive", str(PATIENCE)]
        server = subprocess.Popen(
            [*command, "--no-control-socket"],
            env=environment,
            cwd=settings.BASE_DIR,
            pass_fds=[listening.fileno()],
            stdout=log,
            stderr=log,
        )
        try:
            yield listening.getsockname()[1]
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@dataclass(frozen=True, slots=True)
class Answers:
    """In the order of the addresses: seconds, statuses, ETags ("" where there is none)."""

    times: list[float]
    statuses: list[int]
    tags: list[str]


@contextlib.contextmanager
def _readers(port: int) -> Iterator[Callable[[list[str], list[str]], Answers]]:
    """ask(addresses, ETags or []): by READERS connections, each request from another client's address."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE) for _ in range(READERS)]
    seen = iter(range(1, 1 << 32))

    def read(reader: int, addresses: list[str], tags: list[str]) -> list[tuple[float, int, str]]:
        found = []
        for place in range(reader, len(addresses), READERS):
            client = next(seen)
            headers = {"Accept-Encoding": "gzip", "X-Forwarded-For": f"2001:db8:{client >> 16:x}:{client & 65535:x}::1"}
            if tags and tags[place]:
                headers["If-None-Match"] = tags[place]
            began = time.perf_counter()
            connections[reader].request("GET", addresses[place], headers=headers)
            response = connections[reader].getresponse()
            response.read()
            found.append((time.perf_counter() - began, response.status, response.headers.get("ETag", "")))
        return found

    with ThreadPoolExecutor(READERS) as pool:

        def ask(addresses: list[str], tags: list[str]) -> Answers:
            parts = list(pool.map(lambda reader: read(reader, addresses, tags), range(READERS)))
            rows = [parts[place % READERS][place // READERS] for place in range(len(addresses))]
            return Answers([t for t, _, _ in rows], [s for _, s, _ in rows], [tag for _, _, tag in rows])

        try:
            yield ask
        finally:
            for one in connections:
                one.close()


def _statements(addresses: list[str]) -> tuple[int, int]:
    """The least and the most that a page takes, where nothing is kept."""
    handler = BaseHandler()
    handler.load_middleware()
    counts = []
    for number, address in enumerate(addresses[:COUNTED]):
        request = RequestFactory().get(
            address, SERVER_NAME="127.0.0.1", headers={"X-Forwarded-For": f"2001:db8:0:{number:x}::1"}
        )
        with override_settings(PAGES_KEPT=0), CaptureQueriesContext(connection) as queries:
            handler.get_response(request)
        counts.append(len(queries))
    return min(counts), max(counts)
