"""Learn the weights of the evidence from gold sets.

Idea: every pair of labelled signatures that blocking would compare is an example; within a set each signature counts
alike (large clusters do not drown small ones), and a set counts by its authors: a few hundred people picked
because their names are hard must not set the prior of everyone. Entry point: `learn`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .block import Floats, Ints, Texts, prepare
from .blocking import blocks
from .calibration import AS_STATED, Line, fit_line
from .clustering import CERTAIN, Decisions
from .engine import batches
from .evidence import RULES, matrix
from .gold import Gold, GoldError, folds_of
from .groups import FACTS, SPEAK_FOR, SURE, GroupPairs, Works, compare, join
from .model import Model, balance, train
from .rarity import NameCounts
from .themes import THEMES
from .trees import Trees, fit
from .vocabulary import Vocabulary
from .weighing import batch_pairs, gather, weigh_pairs

# Pairs kept of one set, drawn at random with a fixed seed: more change the weights in the third decimal.
SAMPLE = 150_000
# One for all: on the development sets F1 moves by less than half a point between .1 and .5, and at .3 the precision is
# above 95 where names are not picked for being hard.
THRESHOLD = 0.3
# Parts of a set whose works are weighed by a model of the others, for the lessons about groups.
FOLDS = 3
# Works gathered more and less surely: what groups are weighed like before, and after, the first have been joined.
LEVELS = (SURE, SURE + 1.2, SURE - 0.8)


def examples(gold: Gold, seed: int = 0) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    """Columns of evidence, truth, and (pairs, 2) signature ids of the labelled pairs that blocking compares.

    Raises GoldError if there is no such pair.
    """
    labelled = [s for s in gold.signatures if gold.keys[s.id] in gold.labels]
    laid = list(blocks(labelled))
    signatures = [s for block in laid for s in block]
    found = batch_pairs(laid)
    paper = {s.paper: number for number, s in enumerate(signatures)}
    papers = np.array([paper[s.paper] for s in signatures])
    found = found[papers[found.i] != papers[found.j]]
    if not len(found.i):
        raise GoldError(f"{gold.name}: no two labelled signatures have names that agree, so nothing can be learnt")
    if len(found.i) > SAMPLE:
        found = found[np.sort(np.random.default_rng(seed).choice(len(found.i), SAMPLE, replace=False))]
    vocabulary = Vocabulary.shipped()
    block = prepare(signatures, Texts.of(signatures, vocabulary), NameCounts.shipped(), vocabulary)
    rows = np.concatenate([matrix(block, found[part]) for part in found.slices(50_000)])
    author = np.array([gold.labels[gold.keys[s.id]] for s in signatures])
    ids = np.array([s.id for s in signatures])
    return rows, author[found.i] == author[found.j], np.column_stack([ids[found.i], ids[found.j]])


def learn(sets: Sequence[Gold], date: str, without: str = "") -> Model:
    """A model from several gold sets, with its card; `date` is the day to state on it (ISO 8601).

    The rule called `without` is hidden from it, and so weighs nothing.
    """
    taught = [_hidden(_Taught(gold, *examples(gold)), without) for gold in sets]
    lessons = _group_lessons(taught)
    groups = _grow(taught, lessons, without)
    bias, weights = _additive(taught)
    card = {
        "version": date,
        "trained on": {
            t.gold.name: f"{len(t.gold.labels)} signatures of {t.authors} authors, {len(t.rows)} pairs" for t in taught
        },
        "method": "pairs of works by ridge logistic regression on pieces of piecewise linear functions, signs held; "
        f"groups of works by {len(groups.values)} boosted symmetric trees over {len(FACTS)} facts",
        "weighting": "signatures alike within a set; sets by their authors, for groups by the root of that",
        "names counted in": "588,231 arXiv records, 1986 to 2019",
        "limits": "learnt from English-language science; the threshold favours precision; "
        "probabilities are of links, not of people",
    }
    gathered = _line(taught, [of.gathered for of in lessons])
    beside = _line(taught, [of.beside for of in lessons])
    return Model(bias, weights, groups, THRESHOLD, card, gathered, beside)


@dataclass(frozen=True, slots=True, eq=False)
class _Taught:
    """A gold set and what `examples` found in it."""

    gold: Gold
    rows: Floats
    same: NDArray[np.bool_]
    ids: NDArray[np.int64]

    @property
    def authors(self) -> int:
        return len(set(self.gold.labels.values()))


def _hidden(taught: _Taught, rule: str) -> _Taught:
    if not rule:
        return taught
    seen = np.concatenate([np.full(len(r.columns), r.name != rule) for r in RULES])
    return replace(taught, rows=taught.rows * seen)


def _additive(taught: Sequence[_Taught]) -> tuple[float, dict[str, float]]:
    """The bias and the weights by column for pairs of works."""
    starts = np.cumsum([0] + [len(t.gold.keys) for t in taught[:-1]])
    number = np.repeat(np.arange(len(taught)), [len(t.rows) for t in taught])
    pairs = np.concatenate([t.ids + start for t, start in zip(taught, starts, strict=True)])
    return train(
        np.concatenate([t.rows for t in taught]),
        np.concatenate([t.same for t in taught]),
        balance(number, pairs[:, 0], pairs[:, 1], [t.authors for t in taught]),
    )


def _grow(taught: Sequence[_Taught], lessons: Sequence[Lessons], without: str) -> Trees:
    """Trees over the facts of pairs of groups, of which those that the rule `without` tells are hidden."""
    facts = np.concatenate([of.facts for of in lessons])
    facts[:, [FACTS.index(fact) for theme in THEMES if theme.name == without for fact in theme.usual]] = 0
    importance = [
        of.importance / max(of.importance.sum(), 1e-9) * np.sqrt(t.authors)
        for t, of in zip(taught, lessons, strict=True)
    ]
    truth = np.concatenate([of.truth for of in lessons])
    return fit(facts, truth, np.concatenate(importance), [int(fact in SPEAK_FOR) for fact in FACTS])


def _line(taught: Sequence[_Taught], tables: Sequence[NDArray[np.float64]]) -> Line:
    """The line that calibrates log-odds, from a table (n, 2) of log-odds and truth by set; sets count as for groups."""
    table = np.concatenate(tables)
    if not len(table):
        return AS_STATED
    weight = [np.full(len(of), np.sqrt(t.authors) / max(len(of), 1)) for t, of in zip(taught, tables, strict=True)]
    return fit_line(np.clip(table[:, 0], -CERTAIN, CERTAIN), table[:, 1], np.concatenate(weight))


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """What a gold set teaches about groups of works.

    By pair of groups with labelled works: (n, len(FACTS)) `facts`, the share of their pairs of labelled works that are
    one person's, and the importance (each labelled work counts alike, whatever number of groups compete). And (n, 2)
    log-odds and truth of the pairs of labelled works that are `gathered` in one group, and of those `beside` whose
    groups were not compared.
    """

    facts: Floats
    truth: NDArray[np.float64]
    importance: NDArray[np.float64]
    gathered: NDArray[np.float64]
    beside: NDArray[np.float64]

    @staticmethod
    def joined(parts: Sequence[Lessons]) -> Lessons:
        """All lessons of several, which must not be none."""
        return Lessons(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Lessons)))


def _group_lessons(taught: Sequence[_Taught]) -> list[Lessons]:
    """The lessons of each set. Works are weighed by a model that has not seen their authors, as they will be when the
    model is used."""
    found: list[list[Lessons]] = []
    for number in range(FOLDS):
        outside: list[_Taught] = []
        inside: list[Gold] = []
        for t in taught:
            fold_of = folds_of(t.gold, FOLDS)
            by_id = np.array([fold_of.get(key, -1) == number for key in t.gold.keys])
            unseen = ~by_id[t.ids].any(axis=1)
            outside.append(_Taught(t.gold, t.rows[unseen], t.same[unseen], t.ids[unseen]))
            inside.append(t.gold.restricted({key for key, fold in fold_of.items() if fold == number}))
        # A set too small to be divided teaches with the pairs that it has.
        model = Model(*_additive([t for t in outside if len(t.rows)] or taught), Trees.none(), THRESHOLD, {})
        found.append([group_examples(gold, model) for gold in inside])
    return [Lessons.joined(parts) for parts in zip(*found, strict=True)]


def group_examples(gold: Gold, model: Model) -> Lessons:
    """What a gold set teaches about the groups that `model` gathers."""
    names: dict[str, int] = {}
    author_of = {
        s.id: names.setdefault(gold.labels[gold.keys[s.id]], len(names))
        for s in gold.signatures
        if gold.keys[s.id] in gold.labels
    }
    concerned = [s for block in blocks(gold.signatures) if any(m.id in author_of for m in block) for s in block]
    texts = Texts.of(concerned, Vocabulary.shipped())
    found = [Lessons(np.empty((0, len(FACTS)), np.float32), *[np.empty(0)] * 2, *[np.empty((0, 2))] * 2)]
    for batch in batches(concerned, Decisions()):
        works, _unaided = weigh_pairs(batch, Decisions(), texts, model)
        authors = np.array([author_of.get(s.id, -1) for s in works.block.signatures])
        for level in LEVELS:
            labels = gather(works, level)
            stated = _pairs_stated(works, labels, authors) if level == SURE else [np.empty((0, 2))] * 2
            found.append(Lessons(*_lessons(compare(works, labels, works.alike), labels, authors), *stated))
    return Lessons.joined(found)


def _pairs_stated(works: Works, sure: Ints, authors: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """`Lessons.gathered` and `Lessons.beside`."""
    i, j = works.pairs.i, works.pairs.j
    met = join(works, sure, Trees.none(), np.inf).meetings(i, j) >= 0
    labelled = (authors[i] >= 0) & (authors[j] >= 0) & (works.constraints.paper[i] != works.constraints.paper[j])
    table = np.column_stack([works.log_odds, authors[i] == authors[j]]).astype(np.float64)
    gathered = sure[i] == sure[j]
    return [table[labelled & gathered], table[labelled & ~gathered & ~met]]


def _lessons(
    pairs: GroupPairs, labels: Ints, authors: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.float64], NDArray[np.float64]]:
    known = np.flatnonzero(authors >= 0)
    shape = (len(labels), int(authors.max(initial=0)) + 1)
    works = sparse.csr_matrix((np.ones(len(known)), (labels[known], authors[known])), shape=shape)
    count = np.asarray(works.sum(axis=1)).ravel()
    used = count[pairs.a] * count[pairs.b] > 0
    a, b = pairs.a[used], pairs.b[used]
    same = np.asarray(works[a].multiply(works[b]).sum(axis=1)).ravel() / (count[a] * count[b])
    rivals = np.maximum(np.bincount(np.concatenate([a, b]), minlength=len(labels)), 1)
    return pairs.facts[used], same, count[a] / rivals[a] + count[b] / rivals[b]
