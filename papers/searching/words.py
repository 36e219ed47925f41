"""Papers by the words of a query: OR over English stems, rare words first, and never an unbounded ranking.

Problem: to rank every paper that has the word "learning" costs a second of the database. Idea: PostgreSQL's statistics
know how frequent each word is. Candidates are the papers with at least `m` of the rarest words, `m` being the smallest
number that the statistics expect no more than `CANDIDATES` papers to have; where there are more, the newest. Only those
are ranked: the title itself first, then papers with all words, then by the sum of the weights of the words that they
have. A rare word weighs more, and one in the abstract half of one in the title.

Entry points: `look_up`, `rank`, `near_spellings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from math import log

from django.contrib.postgres.search import SearchQuery, TrigramWordSimilarity
from django.db import connection

from papers.models import Paper, PaperQuerySet
from papers.names import fold

from .queries import Query

CANDIDATES = 1_000  # papers that are ranked: some 20 µs each
_RAREST = 8  # words that choose the candidates: of 8 there are at most 70 combinations
_RANKED = 24  # words that are weighed; a longer query is a text, and its rarest words are enough
_FEW = 20  # candidates; with fewer, fewer words are asked of each
IN_TITLE, IN_ABSTRACT = 1.0, 0.5
LOOKED_THROUGH = 5_000  # newest titles whose spelling is compared
LIKE = 0.5  # of `word_similarity`: one letter in eight wrong or missing

# most_common_elem_freqs ends with the least and the greatest frequency: pg_stats in PostgreSQL's manual.
_LOOK_UP = """
WITH known AS (
    SELECT most_common_elems::text::text[] AS lexemes, most_common_elem_freqs AS shares FROM pg_stats
     WHERE schemaname = current_schema() AND tablename = 'papers_paper' AND attname = 'search'),
papers AS (SELECT reltuples FROM pg_class WHERE oid = 'papers_paper'::regclass)
SELECT typed.word, found.lexeme, shares[array_position(lexemes, found.lexeme)], shares[cardinality(lexemes) + 1] / 2,
       reltuples
  FROM unnest(%s::text[]) WITH ORDINALITY typed(word, nth)
       CROSS JOIN LATERAL unnest(to_tsvector('english', typed.word)) found CROSS JOIN papers LEFT JOIN known ON true
 ORDER BY nth, found.positions
"""
# OFFSET 0 keeps each vector from being fetched again for every word.
_WHERE = """
SELECT id, day, title_text, {title}, {anywhere}
  FROM (SELECT id, coalesce(updated, created) AS day, title_text, ts_filter(search, '{{a,b}}') AS words
          FROM papers_paper WHERE id = ANY(%s) OFFSET 0) paper
"""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the query by its stem. `share` of all papers that have it, as PostgreSQL estimates; None: not known."""

    typed: str
    lexeme: str
    share: float | None = None
    papers: float = 0.0  # that are expected to have it

    @property
    def weight(self) -> float:
        """1 for a word that every paper has, and 1 + ln 100 for one that a hundredth has; to two decimals."""
        return round(1 + log(1 / self.share), 2) if self.share else 1.0


@dataclass(frozen=True, slots=True)
class Match:
    """Which words of the query a paper has, and where."""

    paper_id: int
    day: date | None
    in_title: tuple[Word, ...] = ()
    in_abstract: tuple[Word, ...] = ()  # and not in the title
    all_words: bool = False
    exact_title: bool = False
    likeness: float | None = None  # 0 to 1, of a title that is only spelt nearly so

    @property
    def score(self) -> float:
        titled = IN_TITLE * sum(word.weight for word in self.in_title)
        return round(titled + IN_ABSTRACT * sum(word.weight for word in self.in_abstract), 3)


class Lexemes(SearchQuery):
    """A tsquery in PostgreSQL's own writing: what stands there is a stem already, and is not stemmed again."""

    template = "(%(expressions)s)::tsquery"


def look_up(words: Sequence[str]) -> list[Word]:
    """The stems of these words, each once, with what the statistics know. Stop words have none."""
    with connection.cursor() as cursor:
        cursor.execute(_LOOK_UP, [list(words)])
        found: dict[str, Word] = {}
        for typed, lexeme, share, least, size in cursor.fetchall():
            share = share or least
            found.setdefault(lexeme, Word(typed, lexeme, share, (share or 0) * max(size, 0)))
    return list(found.values())


def narrowed(papers: PaperQuerySet, query: Query, words: Sequence[Word]) -> PaperQuerySet:
    """Those with every phrase of the query and nothing that it excludes."""
    known = {word.typed.casefold() for word in words}
    for phrase in query.phrases:
        if known & set(phrase.casefold().split()):  # a phrase of stop words alone would match nothing
            papers = papers.filter(search=SearchQuery(phrase, config="english", search_type="phrase"))
    for said in query.excluded:
        papers = papers.exclude(search=SearchQuery(said, config="english", search_type="phrase"))
    return papers


def with_all(papers: PaperQuerySet, words: Sequence[Word]) -> PaperQuerySet:
    """Those that have every word."""
    return papers.filter(search=Lexemes(_at_least(len(words), words)))


def rank(words: Sequence[Word], papers: PaperQuerySet, text: str, limit: int) -> tuple[list[Match], bool]:
    """The best of the candidates, best first, and whether more papers have these words than were ranked or are given.

    `text` is the whole query: a title that folds to the same comes first.
    """
    if not words:
        return [], False
    rarest_first = sorted(words, key=lambda word: (word.share or 0, word.lexeme))[:_RANKED]
    ids, capped = _candidates(rarest_first, papers)
    found = _matches(rarest_first, ids, fold(text))
    found.sort(key=_order)
    return found[:limit], capped or len(found) > limit


def _order(match: Match) -> tuple[bool, bool, float, int, int]:
    day = match.day.toordinal() if match.day else 0
    return not match.exact_title, not match.all_words, -match.score, -day, -match.paper_id


def _candidates(words: Sequence[Word], papers: PaperQuerySet) -> tuple[list[int], bool]:
    """Ids of at most `CANDIDATES` papers with the rarest words, and of as many with all words; whether that is all."""
    rarest = words[:_RAREST]
    size = max((word.papers / word.share for word in rarest if word.share), default=0)
    shares = _expected([word.share or 0 for word in rarest])
    least = next((m for m in range(1, len(rarest)) if size * shares[m] <= CANDIDATES), len(rarest))
    found = _newest(papers, _at_least(least, rarest))
    while len(found) < _FEW and least > 1:
        least -= 1
        found = _newest(papers, _at_least(least, rarest))
    capped = len(found) > CANDIDATES
    found = found[:CANDIDATES]
    if capped and (least < len(rarest) or len(rarest) < len(words)):
        found = list(dict.fromkeys([*found, *_newest(papers, _at_least(len(words), words))[:CANDIDATES]]))
    return found, capped


def _newest(papers: PaperQuerySet, expression: str) -> list[int]:
    matching = papers.filter(search=Lexemes(expression)).newest_first()
    return list(matching.values_list("pk", flat=True)[: CANDIDATES + 1])


def _expected(shares: Sequence[float]) -> list[float]:
    """By m: the share of papers that have at least m of the words, were words to fall independently.

    >>> _expected([0.5, 0.5])
    [1.0, 0.75, 0.25]
    """
    exactly = [1.0]
    for share in shares:
        shifted = [0.0, *(have * share for have in exactly)]
        exactly = [stay * (1 - share) + got for stay, got in zip([*exactly, 0.0], shifted, strict=True)]
    return [sum(exactly[m:]) for m in range(len(exactly))]


def _at_least(least: int, words: Sequence[Word]) -> str:
    """
    >>> _at_least(2, [Word("a", "a"), Word("b", "b"), Word("it's", "it's")])
    "('a'&'b')|('a'&'it''s')|('b'&'it''s')"
    """
    each = [quoted(word.lexeme) for word in words]
    return "|".join(f"({'&'.join(some)})" for some in combinations(each, least))


def quoted(lexeme: str) -> str:
    """As a tsquery writes it."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _matches(words: Sequence[Word], ids: Sequence[int], title: str) -> list[Match]:
    """Which of the words each paper has; `title` is folded. Raises nothing for ids that are gone."""
    bits = [f"((words @@ %s::tsquery)::int << {n})" for n in range(len(words))]
    each = [quoted(word.lexeme) for word in words]
    statement = _WHERE.format(title=" | ".join(bits), anywhere=" | ".join(bits))
    everywhere = (1 << len(words)) - 1
    found = []
    with connection.cursor() as cursor:
        cursor.execute(statement, [*(f"{lexeme}:A" for lexeme in each), *each, list(ids)])
        for paper, day, printed, titled, anywhere in cursor.fetchall():
            found.append(
                Match(
                    paper,
                    day,
                    tuple(word for n, word in enumerate(words) if titled >> n & 1),
                    tuple(word for n, word in enumerate(words) if (anywhere & ~titled) >> n & 1),
                    all_words=anywhere == everywhere,
                    exact_title=titled == everywhere and fold(printed) == title,
                )
            )
    return found


def near_spellings(text: str, papers: PaperQuerySet, limit: int) -> list[Match]:
    """Of the newest papers those whose title has words spelt nearly like `text`, most alike first."""
    newest = papers.newest_first().values("pk")[:LOOKED_THROUGH]
    near = Paper.objects.filter(pk__in=newest).annotate(likeness=TrigramWordSimilarity(text, "title_text"))
    rows = near.filter(likeness__gte=LIKE).values_list("pk", "updated", "created", "likeness")
    found = [Match(pk, updated or created, likeness=round(like, 2)) for pk, updated, created, like in rows]
    return sorted(found, key=lambda match: (-(match.likeness or 0), *_order(match)))[:limit]
