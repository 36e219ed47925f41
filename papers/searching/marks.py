"""The words of a query where they stand in a text, to be shown marked.

Problem: "studies" stands there for "study", which only PostgreSQL's stemmer knows for sure. Idea: of all texts of a
page together, the words that begin like a stem are asked about at once. Entry point: `marked`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from django.db import connection

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")
_ALIKE = 3  # letters that a word and its stem share
_SHOWN = 2  # sentences
_STEMS = """
SELECT word, array(SELECT lexeme FROM unnest(to_tsvector('english', word))) FROM unnest(%s::text[]) word
"""

Pieces = list[tuple[str, bool]]  # (text, whether it is a word of the query)


def marked(texts: Mapping[int, Sequence[str]], lexemes: Collection[str]) -> dict[int, list[Pieces]]:
    """Each text cut into pieces; of a long text the first sentences that have a word, and no text that has none."""
    beginnings = tuple({lexeme[:_ALIKE] for lexeme in lexemes})
    words = {word.casefold() for some in texts.values() for text in some for word in _WORD.findall(text)}
    asked = [word for word in words if word.startswith(beginnings)] if beginnings else []
    hits: set[str] = set()
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(_STEMS, [asked])
            hits = {word for word, stems in cursor.fetchall() if not set(lexemes).isdisjoint(stems)}
    return {key: [shown for text in some if (shown := _shown(text, hits))] for key, some in texts.items()}


def _shown(text: str, hits: Collection[str]) -> Pieces:
    pieces: Pieces = []
    sentences = [one for one in (_cut(one, hits) for one in _SENTENCE.split(text)) if any(hit for _, hit in one)]
    for sentence in sentences[:_SHOWN]:
        pieces += [(" … ", False), *sentence] if pieces else sentence
    return pieces


def _cut(text: str, hits: Collection[str]) -> Pieces:
    pieces: Pieces = []
    at = 0
    for word in _WORD.finditer(text):
        if word[0].casefold() in hits:
            pieces += [(text[at : word.start()], False), (word[0], True)]
            at = word.end()
    return [piece for piece in [*pieces, (text[at:], False)] if piece[0]]
