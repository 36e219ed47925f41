"""Papers by what they mean: embeddings beside the papers, and the papers nearest to a text or to another paper.

Problem: embedding a paper costs a hundred times what importing it does, so no import may wait for it, and a million of
them take a core most of a day. Idea: whether a paper has an embedding is all the state there is. What changes a title
or an abstract removes the embedding in the same statement, by a trigger of the database that no writer can forget, so a
missing row is the whole list of what is to do, and finding it reads two indexes. Papers are done in blocks of ids, each
under an advisory lock and written at once: it may be killed anywhere, and any number of workers may help.

A filter that leaves few papers is answered by comparing them all; any other by the HNSW index, which goes on scanning
until the list is full (pgvector's iterative scans). Reference: Y. Malkov, D. Yashunin, HNSW (2016).
Entry points: `enabled`, `near`, `near_paper`, `embed_missing`, `coverage`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from pgvector import HalfVector
from pgvector.django import CosineDistance

from . import embedding
from .models import Paper, PaperEmbedding, PaperQuerySet

BLOCK = 64  # ids; three seconds of a core, and what a killed worker loses
EXACT = 5_000  # papers that a filter may leave to be compared one by one: some ten milliseconds
WIDEST = 1_000  # candidates that pgvector keeps at most while it searches (hnsw.ef_search)
QUERY_SECONDS = 600  # so long the embedding of a query is kept: its next page, and what is typed again
COVERAGE_SECONDS = 60
_LOCK_SPACE = 0x425B  # beside that of the pipeline

# 4 bytes for the model and what it is given, 16 for the text.
_DIGEST = "%s::bytea || decode(md5(p.title_text || E'\\n' || p.abstract), 'hex')"
_OUTDATED = "DELETE FROM papers_paperembedding WHERE digest < %s OR digest > %s"
_NEXT = """
SELECT p.id FROM papers_paper p
 WHERE p.id >= %s AND NOT EXISTS (SELECT FROM papers_paperembedding e WHERE e.paper_id = p.id) ORDER BY p.id LIMIT 1
"""
_MISSING = f"""
SELECT p.id, p.title_text, left(p.abstract, {embedding.ABSTRACT}), {_DIGEST} FROM papers_paper p
 WHERE p.id BETWEEN %s AND %s AND NOT EXISTS (SELECT FROM papers_paperembedding e WHERE e.paper_id = p.id)
"""
# A paper that an import is changing, or has changed since it was read, is left to the next pass.
_STORE = f"""
INSERT INTO papers_paperembedding (paper_id, vector, digest)
SELECT p.id, made.vector::halfvec({embedding.DIMENSIONS}), made.digest
  FROM unnest(%s::bigint[], %s::text[], %s::bytea[]) AS made (id, vector, digest) JOIN papers_paper p USING (id)
 WHERE made.digest = {_DIGEST} FOR SHARE OF p SKIP LOCKED
ON CONFLICT (paper_id) DO UPDATE SET vector = excluded.vector, digest = excluded.digest
"""
# Adding nothing keeps the planner from the index, which would have to pass all the others first.
_COMPARE = """
SELECT paper_id, vector <=> %s::halfvec AS distance FROM papers_paperembedding WHERE paper_id = ANY(%s)
 ORDER BY (vector <=> %s::halfvec) + 0, paper_id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Near:
    """A paper, and the cosine of the angle between it and what was asked: 1 is the same, 0 is no kin."""

    paper_id: int
    similarity: float


def enabled() -> bool:
    """Whether papers are embedded and searched by meaning: the setting EMBEDDINGS, where the model is installed."""
    return settings.EMBEDDINGS and embedding.available()


def coverage() -> tuple[int, int]:
    """(papers with an embedding, all papers), at most a minute old."""
    counted: tuple[int, int] = cache.get_or_set("meaning:coverage", count, COVERAGE_SECONDS) or count()
    return counted


def count() -> tuple[int, int]:
    """(papers with an embedding, all papers), as of now."""
    return PaperEmbedding.objects.count(), Paper.objects.count()


# --- asking ----------------------------------------------------------------------------------------------------------


def near(text: str, papers: PaperQuerySet, limit: int) -> list[Near]:
    """The papers among `papers` (not sliced) that are nearest to the text, nearest first, at most `limit`.

    Empty where embeddings are off, there are none, or the text is blank. Runs in the caller's `bounded.within`.
    """
    if not text.strip() or limit < 1 or not enabled():
        return []
    return _nearest(_query_vector(text), papers, limit)


def near_paper(paper: Paper, limit: int) -> list[Near]:
    """The papers nearest to this one, itself left out; empty while it has no embedding, or embeddings are off."""
    vector = PaperEmbedding.objects.filter(paper=paper).values_list("vector", flat=True).first() if enabled() else None
    if vector is None:
        return []
    found = _nearest(HalfVector(vector), Paper.objects.all(), limit + 1)
    return [one for one in found if one.paper_id != paper.pk][:limit]


def _query_vector(text: str) -> HalfVector:
    text = " ".join(text[: embedding.LONGEST].split())
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
    key = f"meaning:{embedding.RECIPE.hex()}:{digest}"
    stored: bytes | None = cache.get(key)
    if stored is None:
        stored = embedding.embed([text])[0].astype(np.float16).tobytes()
        cache.set(key, stored, QUERY_SECONDS)
    return HalfVector(np.frombuffer(stored, np.float16))


@transaction.atomic
def _nearest(vector: HalfVector, papers: PaperQuerySet, limit: int) -> list[Near]:
    rows = PaperEmbedding.objects.all()
    with connection.cursor() as cursor:
        if papers.query.has_filters():
            wanted = papers.order_by().values_list("pk", flat=True)
            few = list(wanted[: EXACT + 1])
            if len(few) <= EXACT:
                text = vector.to_text()
                cursor.execute(_COMPARE, [text, few, text, limit])
                return [Near(pk, 1 - distance) for pk, distance in cursor.fetchall()]
            rows = rows.filter(paper__in=wanted)
        cursor.execute(
            "SELECT set_config('hnsw.ef_search', %s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true)",
            [str(min(WIDEST, max(100, 2 * limit)))],
        )
    distance = CosineDistance("vector", vector)
    found = rows.annotate(distance=distance).order_by("distance").values_list("paper_id", "distance")[:limit]
    # In relaxed order the scan gives them nearly in order.
    return [Near(pk, 1 - distance) for pk, distance in sorted(found, key=lambda row: (row[1], row[0]))]


# --- embedding -------------------------------------------------------------------------------------------------------


def embed_missing(after: int = 0) -> Iterator[tuple[int, int]]:
    """Embed papers of that id and above that lack it, block by block; yields (the id to go on from, papers embedded).

    Whoever asks no further stops it. A block that another worker is at is passed over. Raises `embedding.Unavailable`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OUTDATED, [embedding.RECIPE, embedding.RECIPE + b"\xff" * 16])
    while (first := _first_missing(after)) is not None:
        block = first // BLOCK
        after = (block + 1) * BLOCK
        with _alone(block) as free:
            count = _embed(first, after - 1) if free else 0
        yield after, count


def embed_for(seconds: float, after: int = 0) -> int | None:
    """Embed for about so long, from that id on; returns the id to go on from, None where nothing is left."""
    until = time.monotonic() + seconds
    for following, _ in embed_missing(after):
        if time.monotonic() >= until:
            return following
    return None


def _first_missing(after: int) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [after])
        found = cursor.fetchone()
    return found[0] if found else None


def _embed(first: int, last: int) -> int:
    """Embed what lacks it among these ids; returns how many were stored."""
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, [embedding.RECIPE, first, last])
        rows = cursor.fetchall()
        vectors = embedding.embed([embedding.paper_text(title, abstract) for _, title, abstract, _ in rows])
        ids, digests = [row[0] for row in rows], [bytes(row[3]) for row in rows]
        texts = [HalfVector(vector).to_text() for vector in vectors]
        cursor.execute(_STORE, [ids, texts, digests, embedding.RECIPE])
        return int(cursor.rowcount)


@contextmanager
def _alone(block: int) -> Iterator[bool]:
    """Whether the block is ours until the end; PostgreSQL gives it back when we die."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, block])
        (free,) = cursor.fetchone()
        try:
            yield free
        finally:
            if free and connection.is_usable():
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, block])
