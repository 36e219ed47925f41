"""What a reader typed into the search box, read.

Problem: anything is typed: sentences, operators, a page of text, characters that cannot be seen or stored. Idea: one
regex cuts the cleaned text into quoted phrases and words, each perhaps behind a minus; what is not understood is a
word, or nothing, and never an error. No quantifier is nested, so the time is linear. Entry point: `read`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from papers.text import clean

LONGEST = 1_000  # characters; more than the longest sentence, and no more than the model behind `papers.meaning` reads
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
_PIECE = re.compile(r'(?<!\S)(?P<minus>-)?(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>\S+))|(?P<rest>\S+)')


@dataclass(frozen=True, slots=True)
class Query:
    """`text` is all that is sought, on one line, without operators. `words` has each sought word once, those of
    `phrases` too. `excluded` are words and phrases that must not stand there. `cut`: it was longer than `LONGEST`."""

    text: str
    words: tuple[str, ...]
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    cut: bool = False


def read(typed: str) -> Query:
    """
    >>> read('"graph networks" survey -molecules')
    Query(text='graph networks survey', words=('graph', 'networks', 'survey'), phrases=('graph networks',), \
excluded=('molecules',), cut=False)
    """
    given = clean(typed[: 4 * LONGEST])  # what cleaning takes away must not make it long
    text, cut = _shortened(given)
    sought: list[str] = []
    phrases: list[str] = []
    excluded: list[str] = []
    for piece in _PIECE.finditer(text.translate(_QUOTES)):
        said = " ".join((piece["phrase"] or piece["word"] or piece["rest"] or "").replace('"', " ").split())
        if not _says_something(said):
            continue
        if piece["minus"]:
            excluded.append(said)
            continue
        sought.append(said)
        if piece["phrase"] and " " in said:
            phrases.append(said)
    words = {word.casefold(): word for said in reversed(sought) for word in reversed(said.split())}
    spoken = [word for word in reversed(words.values()) if _says_something(word)]
    return Query(" ".join(sought), tuple(spoken), tuple(phrases), tuple(excluded), cut or len(typed) > 4 * LONGEST)


def _shortened(text: str) -> tuple[str, bool]:
    """The text up to a space, where it is too long; and whether it was."""
    if len(text) <= LONGEST:
        return text, False
    return text[:LONGEST].rsplit(" ", 1)[0], True


def _says_something(text: str) -> bool:
    return any(map(str.isalnum, text))
