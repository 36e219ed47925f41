"""Why each paper of a page stands where it does, ready to be shown: enough to add its score up again by hand.

Entry point: `explained`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from papers.models import Paper
from papers.text import plain

from . import Hit, Page
from .fusion import BY_MEANING, BY_WORD, EXACT_TITLE, K
from .marks import Pieces, marked
from .words import IN_ABSTRACT, IN_TITLE, Word

# From that cosine on. The model is trained on pairs that mean the same; two papers of one field have some 0.4.
_NEARNESS = (
    (0.7, gettext_lazy("says nearly the same")),
    (0.5, gettext_lazy("is about the same subject")),
    (0.3, gettext_lazy("is about a kindred subject")),
    (-1.0, gettext_lazy("is only loosely related")),
)


@dataclass(frozen=True)
class Line:
    """A word that was found: what it weighs, times what its place counts."""

    word: Word
    where: str
    factor: float

    @property
    def worth(self) -> float:
        return self.word.weight * self.factor


@dataclass(frozen=True)
class Part:
    """One number that the score is the sum of, and how it came about."""

    name: str
    sum: str
    value: float


@dataclass(frozen=True)
class Explained:
    """A paper with the words that were found in it, the texts where they stand, and the parts of its score."""

    hit: Hit
    lines: list[Line] = field(default_factory=list)
    texts: list[Pieces] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    @property
    def paper(self) -> Paper:
        return self.hit.paper

    @property
    def nearness_said(self) -> str:
        near = self.hit.reasons.nearness
        return "" if near is None else str(next(said for least, said in _NEARNESS if near >= least or least == -1.0))


def explained(page: Page) -> list[Explained]:
    """The hits of the page with their reasons, at the cost of one query; by date there are none."""
    lines = {hit.paper.pk: list(_lines(hit)) for hit in page.hits}
    lexemes = {line.word.lexeme for some in lines.values() for line in some}
    texts = {
        hit.paper.pk: (hit.paper.title_text, plain(hit.paper.abstract)) for hit in page.hits if lines[hit.paper.pk]
    }
    shown = marked(texts, lexemes)
    return [Explained(hit, lines[hit.paper.pk], shown.get(hit.paper.pk, []), list(_parts(hit))) for hit in page.hits]


def _lines(hit: Hit) -> Iterator[Line]:
    for word in hit.reasons.in_title:
        yield Line(word, _("in the title"), IN_TITLE)
    for word in hit.reasons.in_abstract:
        yield Line(word, _("in the abstract"), IN_ABSTRACT)


def _parts(hit: Hit) -> Iterator[Part]:
    by_word, by_meaning, for_title = hit.reasons.parts
    if for_title:
        yield Part(_("Its title is what you typed"), f"{EXACT_TITLE:g}", for_title)
    if rank := hit.reasons.word_rank:
        yield Part(_("Place %(rank)d by word") % {"rank": rank}, f"{BY_WORD:g} / ({K} + {rank})", by_word)
    if rank := hit.reasons.meaning_rank:
        yield Part(_("Place %(rank)d by meaning") % {"rank": rank}, f"{BY_MEANING:g} / ({K} + {rank})", by_meaning)
