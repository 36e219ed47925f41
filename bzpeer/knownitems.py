"""A known-item set: queries for which one paper is the answer, made from papers by stated rules.

Problem: whether a search finds what people mean needs questions whose answer is known, and nobody has typed any. Idea:
of each paper take what its author wrote elsewhere about the same thing, and what a reader would type who remembers its
title badly:

- `sentence`: a sentence of the abstract that begins within what is embedded of it (`papers.embedding`);
- `late sentence`: one that begins behind that, so that its words are known to the full-text search alone;
- `paraphrase`: the title in lower case without stop words and without its two longest words, which are remembered
  worst, with synonyms of a small table, the number of its nouns turned, and its second half before its first.

Same papers and same seed, same queries. Reference: S. Dumais and others, known-item search, as TREC's.
Entry point: `queries`. Pure.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from papers.embedding import WORDS
from papers.text import plain

KINDS = ("sentence", "late sentence", "paraphrase")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
FEWEST, MOST = 8, 60  # words of a sentence that says something, and of one that is still a sentence
FEWEST_TITLE = 3  # words of a paraphrase; one or two are no known item
FORGOTTEN = 2  # words of a title, where enough are left

_STOP_WORDS = (
    "a an and are as at be between by can do does for from has have how in into is it its non of on or over some that "
    "the their there this through to toward towards under up upon versus via we what when where which with without"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())
# Each way round: "novel" becomes "new", and "new" "novel".
_SYNONYMS = (
    "approach method, algorithm procedure, novel new, fast rapid, large big, small little, image picture, "
    "recognition identification, prediction forecasting, evaluation assessment, analysis study, survey review, "
    "improving enhancing, improved enhanced, optimal best, bound limit, estimation inference, robust resilient, "
    "automatic automated, learning training, detection discovery, generation synthesis, application use, "
    "theory framework, effect influence, behavior conduct, network net, simulation modelling, "
    "measurement observation, search hunt, problem task, constraint restriction, efficient economical, data dataset, "
    "speech voice, video film, user person, structure shape, deep multilayer, stochastic random, dynamics motion, "
    "dynamic changing, growth increase, stellar solar, text document, computer machine, "
    "classification categorization, clustering grouping, wireless radio, channel link, interaction coupling, "
    "transition change, equation formula, evidence proof, distributed decentralized, parallel concurrent, "
    "privacy confidentiality, attack intrusion, planning scheduling, performance speed, noise disturbance, "
    "error mistake, feature attribute, memory storage, energy power, temperature heat, sound audio, disease illness, "
    "cancer tumour, medical clinical, molecule compound, fluid liquid, flow stream, cluster group, finite limited, "
    "infinite unbounded, solution answer, existence presence, property characteristic, multiple several, high great, "
    "early initial, late final, strong powerful, weak feeble, complex complicated, simple easy, general generic, "
    "space area, time duration, series sequence, matter substance, gap hole, wave oscillation, collapse breakdown, "
    "decay decline, production making, formation creation, evolution development, response reaction, layer coating"
)
SYNONYMS = {word: other for pair in _SYNONYMS.split(", ") for word, other in (pair.split(), pair.split()[::-1])}


@dataclass(frozen=True, slots=True)
class KnownItem:
    """A query, and the id of the one paper that answers it."""

    kind: str
    query: str
    paper_id: int


def queries(papers: Iterable[tuple[int, str, str]], seed: int = 0) -> Iterator[KnownItem]:
    """Of each paper (id, readable title, abstract) as many kinds of queries as it gives, one each."""
    for paper_id, title, abstract in papers:
        chance = random.Random(f"{seed} {paper_id} {title}")  # noqa: S311 - a sample, no secret
        early, late = _sentences(abstract)
        found = (chance.choice(early) if early else "", chance.choice(late) if late else "", paraphrase(title))
        for kind, query in zip(KINDS, found, strict=True):
            if query:
                yield KnownItem(kind, query, paper_id)


def paraphrase(title: str) -> str:
    """
    >>> paraphrase("A Novel Approach to the Recognition of Stars in Large Images")
    'big pictures new star'
    >>> paraphrase("On graphs")
    ''
    """
    words = [word for word in _WORD.findall(title.lower()) if word not in STOP_WORDS]
    for _ in range(min(FORGOTTEN, len(words) - FEWEST_TITLE)):
        words.remove(max(words, key=len))
    if len(words) < FEWEST_TITLE:
        return ""
    said = [_said_otherwise(word) for word in words]
    half = (len(said) + 1) // 2
    return " ".join(said[half:] + said[:half])


def _said_otherwise(word: str) -> str:
    """A synonym where the table has one, of its singular too; else the other number."""
    singular = _singular(word)
    if word in SYNONYMS:
        return SYNONYMS[word]
    if singular in SYNONYMS:
        return f"{SYNONYMS[singular]}s"
    if singular != word:
        return singular
    return f"{word}s" if len(word) > 4 and word[-1] in "klmnprt" else word


def _singular(word: str) -> str:
    """Of nouns of the commonest forms; any other word is its own."""
    if len(word) < 5 or word[-1] != "s" or word[-2] in "sui":
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


def _sentences(abstract: str) -> tuple[list[str], list[str]]:
    """(those that begin within the first words, which are embedded; those that begin behind them)"""
    early: list[str] = []
    late: list[str] = []
    begins = 0
    for sentence in _SENTENCE.split(plain(abstract)):
        words = len(sentence.split())
        if FEWEST <= words <= MOST:
            (early if begins < WORDS else late).append(sentence)
        begins += words
    return early, late
