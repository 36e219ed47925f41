"""What speaks for and against two signatures being one person: rules over pairs.

Problem: each fact (a shared coauthor, a rare name, near topics) must count for many thousand pairs a second, and be
told to a person in one sentence. Idea: prepare a block once as arrays (sparse incidences, unit vectors); a rule maps
arrays of pairs to a few columns in [0, 1], which the model weighs, and describes any one pair in English. The rulebook
is `RULES`: a new kind of evidence is a function pair and a line. Entry point: `prepare`, then `Rule.values`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from papers.names import fold

from .blocking import Pairs
from .names import Agreement
from .rarity import NameCounts
from .signatures import Signature
from .vocabulary import Vocabulary, words

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

# Author lists of hundreds would make every pair cost as much as a small block. The 64 coauthors with the smallest hash
# are a bottom-k sketch: the same members are kept of two lists, so that overlap stays comparable.
COAUTHORS_KEPT = 64
LARGE_TEAM = 50  # beyond, sharing a coauthor is worth far less (96 % at most 50, 65 % above, on initials)
# Words that stand in most affiliations and place nobody.
_GENERIC = frozenset(
    [
        "university",
        "univ",
        "universite",
        "universitat",
        "universidad",
        "universita",
        "institute",
        "inst",
        "institut",
        "of",
        "the",
        "and",
        "for",
        "de",
        "la",
        "at",
        "in",
        "department",
        "dept",
        "school",
        "college",
        "faculty",
        "laboratory",
        "lab",
        "laboratories",
        "center",
        "centre",
        "research",
        "science",
        "sciences",
        "technology",
        "computer",
        "engineering",
        "information",
        "division",
        "group",
        "academy",
        "national",
        "state",
        "key",
        "china",
        "usa",
        "united",
        "states",
        "inc",
        "corp",
        "ltd",
        "company",
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Unit vectors of titles and abstracts by paper, prepared once for all blocks; float16 (192 bytes a paper)."""

    row: dict[Hashable, int]
    title: NDArray[np.float16]
    abstract: NDArray[np.float16]

    @staticmethod
    def of(signatures: Iterable[Signature], vocabulary: Vocabulary) -> Texts:
        """Embed each paper of `signatures` once, a thousand at a time."""
        papers = {s.paper: s for s in signatures}
        chosen = list(papers.values())
        title, abstract = (np.zeros((len(chosen), vocabulary.vectors.shape[1]), np.float16) for _ in range(2))
        for start in range(0, len(chosen), 1000):
            part = slice(start, start + 1000)
            title[part] = vocabulary.embed([s.title for s in chosen[part]])
            abstract[part] = vocabulary.embed([s.abstract for s in chosen[part]])
        return Texts({paper: row for row, paper in enumerate(papers)}, title, abstract)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Signatures as arrays, row by row. Incidences are sparse and weighted by rarity; absent facts are zero rows.

    `ambiguity` and `surname` are natural logs of the expected occurrences of the name and of its family name;
    `year` is 0 and `venue` -1 where unknown.
    """

    signatures: Sequence[Signature]
    coauthors: sparse.csr_matrix
    by_initial: sparse.csr_matrix
    title: Floats
    abstract: Floats
    title_words: sparse.csr_matrix
    topics: sparse.csr_matrix
    affiliations: sparse.csr_matrix
    ambiguity: Floats
    surname: Floats
    team: Ints
    year: Ints
    venue: Ints


def prepare(signatures: Sequence[Signature], texts: Texts, counts: NameCounts, vocabulary: Vocabulary) -> Block:
    """Turn signatures (of one block or of several) into the arrays that the rules read."""
    rows = np.array([texts.row[s.paper] for s in signatures], np.int64)
    kept = [
        s.coauthors if len(s.coauthors) <= COAUTHORS_KEPT else sorted(s.coauthors, key=_hash)[:COAUTHORS_KEPT]
        for s in signatures
    ]
    venues: dict[str, int] = {"": -1}
    return Block(
        signatures,
        coauthors=_incidence(kept, lambda key: _coauthor_weight(key, counts)),
        by_initial=_incidence([{_initial_key(key) for key in keys} for keys in kept], lambda _key: 1.0),
        title=texts.title[rows].astype(np.float32),
        abstract=texts.abstract[rows].astype(np.float32),
        title_words=_unit(
            _incidence([set(words(s.title)) for s in signatures], lambda word: _word_weight(word, vocabulary))
        ),
        topics=_unit(_incidence([s.topics for s in signatures], lambda _topic: 1.0)),
        affiliations=_unit(_incidence([_affiliation_words(s) for s in signatures], lambda _word: 1.0)),
        ambiguity=np.log(np.array([counts.people(fold(s.family), fold(s.given)) for s in signatures], np.float32)),
        surname=np.log(np.array([counts.people(fold(s.family), "") for s in signatures], np.float32)),
        team=np.array([s.team for s in signatures], np.int32),
        year=np.array([s.year or 0 for s in signatures], np.int32),
        venue=np.array([venues.setdefault(fold(s.venue), len(venues) - 1) for s in signatures], np.int32),
    )


def _hash(key: str) -> int:
    return crc32(key.encode())


def _initial_key(key: str) -> str:
    family, _, given = key.partition("|")
    return f"{family}|{given[:1]}"


def _coauthor_weight(key: str, counts: NameCounts) -> float:
    """Square root of the rarity of a coauthor's name in nats (about 6 to 15), so that a product of rows adds
    rarities."""
    family, _, given = key.partition("|")
    return float(np.sqrt(np.log(counts.total / (1 + counts.people(family, given)))))


def _word_weight(word: str, vocabulary: Vocabulary) -> float:
    row = vocabulary.index.get(word)
    return 10.0 if row is None else float(vocabulary.idf[row])  # an unknown word is rare: rarer than the rarest known


def _affiliation_words(signature: Signature) -> set[str]:
    return {
        word for text in signature.affiliations for word in fold(text).split() if len(word) > 1 and word not in _GENERIC
    }


def _incidence(rows: Sequence[Iterable[str]], weigh: Callable[[str], float]) -> sparse.csr_matrix:
    columns: dict[str, int] = {}
    indices: list[int] = []
    ends = [0]
    for keys in rows:
        indices.extend(sorted({columns.setdefault(key, len(columns)) for key in keys}))
        ends.append(len(indices))
    weights = np.array([weigh(key) for key in columns] or [0.0], np.float32)
    data = weights[np.array(indices, np.int64)] if indices else np.empty(0, np.float32)
    return sparse.csr_matrix(
        (data, np.array(indices, np.int32), np.array(ends, np.int32)), shape=(len(ends) - 1, max(1, len(columns)))
    )


def _unit(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Rows scaled to length one."""
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags_array(1 / np.maximum(length, 1e-9)) @ matrix).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of evidence. `values` gives (pairs, columns) in [0, 1]; `describe` says one pair in a sentence."""

    name: str
    columns: tuple[str, ...]
    values: Callable[[Block, Pairs], Floats]
    describe: Callable[[Block, Pairs], str]


def ramps(x: NDArray[np.number], knots: Sequence[float]) -> list[Floats]:
    """Pieces of a piecewise linear function: the k-th rises from 0 to 1 between `knots[k]` and `knots[k + 1]`."""
    return [np.clip((x - a) / (b - a), 0, 1).astype(np.float32) for a, b in pairwise(knots)]


def _ramp_names(what: str, knots: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{what} {a:g}..{b:g}" for a, b in pairwise(knots))


def _stack(columns: Sequence[NDArray[np.generic]]) -> Floats:
    return np.column_stack([c.astype(np.float32) for c in columns])


def _dot(matrix: Floats, pairs: Pairs) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", matrix[pairs.i], matrix[pairs.j]), np.float32)


def _sparse_dot(matrix: sparse.csr_matrix, pairs: Pairs) -> Floats:
    return np.asarray(matrix[pairs.i].multiply(matrix[pairs.j]).sum(axis=1), np.float32).ravel()


def _both(matrix: sparse.csr_matrix, pairs: Pairs) -> NDArray[np.bool_]:
    known = np.diff(matrix.indptr) > 0
    return np.asarray(known[pairs.i] & known[pairs.j])


# --- the printed names -----------------------------------------------------------------------------------------------

_AGREEMENTS = tuple(Agreement)[1:]
_AGREEMENT_WORDS = {
    Agreement.MISPRINT: "look like a misprint of each other",
    Agreement.MONONYM: "have no given name",
    Agreement.INITIALS: "agree in their initials",
    Agreement.INITIAL: "agree where one has only an initial",
    Agreement.SPELT: "agree in all initials",
    Agreement.SHORT_FORM: "agree by a short form",
    Agreement.PART: "agree in the first part of a double name",
    Agreement.MIDDLE_MISSING: "agree, one with a further name",
    Agreement.MIDDLE_AGREES: "agree in first and middle names",
    Agreement.SAME: "are the same",
}


def _name_values(block: Block, pairs: Pairs) -> Floats:
    return _stack([pairs.agreement == kind for kind in _AGREEMENTS])


def _name_sentence(block: Block, pair: Pairs) -> str:
    one, other = block.signatures[pair.i[0]].name, block.signatures[pair.j[0]].name
    return (
        f"both are printed “{one}”"
        if one == other
        else f"“{one}” and “{other}” {_AGREEMENT_WORDS[Agreement(pair.agreement[0])]}"
    )


# --- how many people may carry the name ------------------------------------------------------------------------------

_AMBIGUITY = tuple(float(x) for x in np.log([0.001, 0.01, 0.1, 1, 4, 10, 30, 100, 300, 1000, 4000]).round(3))
_SURNAME = tuple(float(x) for x in np.log([25, 100, 1000, 10_000, 40_000]).round(3))


def _ambiguity(block: Block, pairs: Pairs) -> Floats:
    return np.maximum(block.ambiguity[pairs.i], block.ambiguity[pairs.j])


def _rarity_values(block: Block, pairs: Pairs) -> Floats:
    return _stack([*ramps(_ambiguity(block, pairs), _AMBIGUITY), *ramps(block.surname[pairs.i], _SURNAME)])


def _rarity_sentence(block: Block, pair: Pairs) -> str:
    return rarity_sentence(float(_ambiguity(block, pair)[0]))


def rarity_sentence(ambiguity: float) -> str:
    """How frequent a name is, `ambiguity` being the log of its expected occurrences in two and a half million."""
    count = float(np.exp(ambiguity))
    kind = "a rare name" if count < 30 else "a fairly common name" if count < 300 else "a very common name"
    return (
        f"{kind}: about {count:,.0f} occurrences in 2.5 million"
        if count >= 2
        else f"{kind}: hardly another occurrence in 2.5 million"
    )


# --- shared coauthors ------------------------------------------------------------------------------------------------

_RARITY = (7.0, 11.0, 16.0, 30.0)  # nats, added over shared coauthors: one frequent, one rare, two, several
_OVERLAP = (0.0, 0.1, 0.3, 0.8)


def _coauthor_values(block: Block, pairs: Pairs) -> Floats:
    shared = block.coauthors[pairs.i].multiply(block.coauthors[pairs.j]).tocsr()
    count = np.diff(shared.indptr)
    rarity = np.asarray(shared.sum(axis=1)).ravel()
    size = np.diff(block.coauthors.indptr)
    smaller = np.minimum(size[pairs.i], size[pairs.j])
    large = np.maximum(block.team[pairs.i], block.team[pairs.j]) > LARGE_TEAM
    initial = (count == 0) & (_sparse_dot(block.by_initial, pairs) > 0)
    none = (count == 0) & ~initial
    common = ramps(_ambiguity(block, pairs), (0.0, 6.0))[0]
    overlap = np.where(large, count / np.maximum(smaller, 1), 0)
    small = np.where(large, 0, rarity)
    return _stack(
        [
            (count == 1) & ~large,
            (count == 2) & ~large,
            (count > 2) & ~large,
            *ramps(small, _RARITY),
            (count > 0) & large,
            *ramps(overlap, _OVERLAP),
            initial & ~large,
            initial & large,
            none & (smaller > 0),
            none & (smaller == 0),
            none * common,
            (count > 0) * common,
        ]
    )


def _coauthor_sentence(block: Block, pair: Pairs) -> str:
    one, other = block.signatures[pair.i[0]], block.signatures[pair.j[0]]
    shared = sorted(set(one.coauthors) & set(other.coauthors))
    if shared:
        named = [" ".join(part.capitalize() for part in reversed(key.split("|")) if part) for key in shared[:3]]
        more = f" and {len(shared) - 3} others" if len(shared) > 3 else ""
        return f"both wrote with {', '.join(named)}{more}"
    if not (one.coauthors and other.coauthors):
        return "one of the two has no coauthor, so none can be shared"
    if {_initial_key(key) for key in one.coauthors} & {_initial_key(key) for key in other.coauthors}:
        return "they share a coauthor only by family name and initial"
    return "they share no coauthor"


# --- what the papers are about ---------------------------------------------------------------------------------------

_NEAR = (-0.1, 0.05, 0.2, 0.4, 0.6, 0.9)
_WORDS = (0.0, 0.1, 0.3, 0.7)


def _text_values(block: Block, pairs: Pairs) -> Floats:
    known = (np.abs(block.abstract).sum(axis=1)) > 0
    both = known[pairs.i] & known[pairs.j]
    title, abstract = _dot(block.title, pairs), _dot(block.abstract, pairs)
    return _stack(
        [
            *(ramp * ~both for ramp in ramps(title, _NEAR)),
            *(ramp * both for ramp in ramps(title, _NEAR)),
            *(ramp * both for ramp in ramps(abstract, _NEAR)),
            *ramps(_sparse_dot(block.title_words, pairs), _WORDS),
            both,
        ]
    )


def _text_sentence(block: Block, pair: Pairs) -> str:
    one, other = block.signatures[pair.i[0]], block.signatures[pair.j[0]]
    near = max(
        float(block.title[pair.i[0]] @ block.title[pair.j[0]]),
        float(block.abstract[pair.i[0]] @ block.abstract[pair.j[0]]),
    )
    shared = sorted({w for w in set(words(one.title)) & set(words(other.title)) if len(w) > 3})
    said = f", both titles say {', '.join(f'“{w}”' for w in shared[:3])}" if shared else ""
    how = "closely related" if near >= 0.6 else "related" if near >= 0.3 else "hardly related"
    return f"the texts are {how} (cosine {near:.2f}){said}"


# --- subject categories ----------------------------------------------------------------------------------------------

_TOPICS = (0.0, 0.5, 1.0)


def _topic_values(block: Block, pairs: Pairs) -> Floats:
    near = _sparse_dot(block.topics, pairs)
    both = _both(block.topics, pairs)
    return _stack([both & (near <= 0), *ramps(near, _TOPICS)])


def _topic_sentence(block: Block, pair: Pairs) -> str:
    one, other = block.signatures[pair.i[0]], block.signatures[pair.j[0]]
    if not (one.topics and other.topics):
        return "no subject categories to compare"
    shared = sorted(set(one.topics) & set(other.topics))
    return f"both are filed under {', '.join(shared[:4])}" if shared else "they are filed under different subjects"


# --- affiliations ----------------------------------------------------------------------------------------------------

_PLACES = (0.0, 0.3, 0.6, 1.0)


def _affiliation_values(block: Block, pairs: Pairs) -> Floats:
    near = _sparse_dot(block.affiliations, pairs)
    both = _both(block.affiliations, pairs)
    return _stack([both & (near <= 0), *ramps(near, _PLACES), both & (near <= 0) & (pairs.agreement == Agreement.SAME)])


def _affiliation_sentence(block: Block, pair: Pairs) -> str:
    one, other = block.signatures[pair.i[0]], block.signatures[pair.j[0]]
    if not (one.affiliations and other.affiliations):
        return "no affiliations to compare"
    shared = sorted(_affiliation_words(one) & _affiliation_words(other))
    return f"the affiliations share {', '.join(f'“{w}”' for w in shared[:3])}" if shared else "the affiliations differ"


# --- time ------------------------------------------------------------------------------------------------------------

_YEARS = (0.0, 1.0, 3.0, 7.0, 15.0, 30.0)


def _gap(block: Block, pairs: Pairs) -> Ints:
    one, other = block.year[pairs.i], block.year[pairs.j]
    return np.where((one > 0) & (other > 0), np.abs(one - other), -1)


def _year_values(block: Block, pairs: Pairs) -> Floats:
    gap = _gap(block, pairs)
    return _stack([*ramps(gap, _YEARS), gap < 0])


def _year_sentence(block: Block, pair: Pairs) -> str:
    gap = int(_gap(block, pair)[0])
    return (
        "no years to compare"
        if gap < 0
        else "both are of one year"
        if gap == 0
        else f"{gap} year{'s' * (gap > 1)} lie between them"
    )


# --- where they appeared ---------------------------------------------------------------------------------------------


def _venue_values(block: Block, pairs: Pairs) -> Floats:
    one, other = block.venue[pairs.i], block.venue[pairs.j]
    known = (one >= 0) & (other >= 0)
    return _stack([known & (one == other), known & (one != other)])


def _venue_sentence(block: Block, pair: Pairs) -> str:
    one, other = block.signatures[pair.i[0]].venue, block.signatures[pair.j[0]].venue
    if not (one and other):
        return "no venues to compare"
    return f"both appeared in {one}" if fold(one) == fold(other) else "they appeared in different venues"


RULES: tuple[Rule, ...] = (
    Rule("name", tuple(kind.name.lower().replace("_", " ") for kind in _AGREEMENTS), _name_values, _name_sentence),
    Rule(
        "rarity",
        _ramp_names("ln name", _AMBIGUITY) + _ramp_names("ln family name", _SURNAME),
        _rarity_values,
        _rarity_sentence,
    ),
    Rule(
        "coauthors",
        (
            "one",
            "two",
            "three or more",
            *_ramp_names("rarity", _RARITY),
            "large team",
            *_ramp_names("large team overlap", _OVERLAP),
            "initial",
            "initial in large team",
            "none",
            "none to share",
            "none, common name",
            "some, common name",
        ),
        _coauthor_values,
        _coauthor_sentence,
    ),
    Rule(
        "text",
        (
            *_ramp_names("title alone", _NEAR),
            *_ramp_names("title", _NEAR),
            *_ramp_names("abstract", _NEAR),
            *_ramp_names("title words", _WORDS),
            "abstracts",
        ),
        _text_values,
        _text_sentence,
    ),
    Rule("topics", ("different", *_ramp_names("near", _TOPICS)), _topic_values, _topic_sentence),
    Rule(
        "affiliations",
        ("different", *_ramp_names("near", _PLACES), "different, same name"),
        _affiliation_values,
        _affiliation_sentence,
    ),
    Rule("years", (*_ramp_names("gap", _YEARS), "unknown"), _year_values, _year_sentence),
    Rule("venues", ("same", "different"), _venue_values, _venue_sentence),
)
COLUMNS: tuple[str, ...] = tuple(f"{rule.name}: {column}" for rule in RULES for column in rule.columns)


def matrix(block: Block, pairs: Pairs) -> Floats:
    """All rules side by side: (pairs, len(COLUMNS))."""
    return np.concatenate([rule.values(block, pairs) for rule in RULES], axis=1)
