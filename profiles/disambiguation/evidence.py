"""What speaks for and against two signatures being one person: rules over pairs.

Problem: each fact (a shared coauthor, a rare name, near topics) must count for many thousand pairs a second, and be
told to a person in one sentence. Idea: a rule maps arrays of pairs to a few columns in [-1, 1], which the model weighs,
and describes any one pair in English. The rulebook is `RULES`: a new kind of evidence is a function pair and a line.
Entry points: `matrix` for the columns of pairs, `RULES` for their sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from papers.names import fold

from .block import Block, Floats, affiliation_words, initial_key
from .blocking import Pairs
from .names import Agreement
from .vocabulary import EVERYWHERE, words

LARGE_TEAM = 50  # beyond, sharing a coauthor is worth far less (96 % at most 50, 65 % above, on initials)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of evidence. `values` gives (pairs, columns) in [-1, 1]; `describe` says one pair in a sentence."""

    name: str
    columns: tuple[str, ...]
    values: Callable[[Block, Pairs], Floats]
    describe: Callable[[Block, Pairs], str]


def ramps(x: NDArray[np.number], knots: Sequence[float], neutral: float = -np.inf) -> list[Floats]:
    """Pieces of a piecewise linear function: the k-th rises from 0 to 1 between `knots[k]` and `knots[k + 1]`.

    Pieces below the knot `neutral` rise from -1 to 0 instead: with weights of one sign the sum then changes its sign
    there, where a sentence changes its words.
    """
    return [(np.clip((x - a) / (b - a), 0, 1) - (a < neutral)).astype(np.float32) for a, b in pairwise(knots)]


def _ramp_names(what: str, knots: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{what} {a:.4g}..{b:.4g}" for a, b in pairwise(knots))


def _stack(columns: Sequence[NDArray[np.generic]]) -> Floats:
    return np.column_stack([c.astype(np.float32) for c in columns])


def _dot(matrix: Floats, pairs: Pairs) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", matrix[pairs.i], matrix[pairs.j]), np.float32)


def _sparse_dot(matrix: sparse.csr_matrix, pairs: Pairs) -> Floats:
    """What two rows share, of each pair: a product of the rows that occur in `pairs`, since they occur many times.

    Memory: 4 bytes for each of one side with each of the other, 36 MB in a block of 3,000.
    """
    left, i = _distinct(pairs.i, matrix.shape[0])
    right, j = _distinct(pairs.j, matrix.shape[0])
    return np.asarray((matrix[left] @ matrix[right].T).toarray()[i, j], np.float32)


def _distinct(rows: NDArray[np.int32], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct rows, ascending, and the place of each of `rows` among them."""
    present = np.zeros(size, bool)
    present[rows] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[rows]


def _both(matrix: sparse.csr_matrix, pairs: Pairs) -> NDArray[np.bool_]:
    return np.asarray((_row_sizes(matrix, pairs.i) > 0) & (_row_sizes(matrix, pairs.j) > 0))


def _row_sizes(matrix: sparse.csr_matrix, rows: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.asarray(matrix.indptr[rows + 1] - matrix.indptr[rows])


# --- the printed names -----------------------------------------------------------------------------------------------

_AGREEMENTS = tuple(Agreement)[1:]
AGREEMENT_WORDS = {
    Agreement.MISPRINT: "look like a misprint of each other",
    Agreement.MONONYM: "have no given name",
    Agreement.INITIALS: "agree in their initials",
    Agreement.INITIAL: "agree, but one has only an initial",
    Agreement.SPELT: "agree in all initials",
    Agreement.SHORT_FORM: "agree by a short form",
    Agreement.PART: "agree only in the first part of a double name",
    Agreement.MIDDLE_MISSING: "agree as far as both go",
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
        else f"“{one}” and “{other}” {AGREEMENT_WORDS[Agreement(pair.agreement[0])]}"
    )


# --- how many people may carry the name ------------------------------------------------------------------------------

# Logs of expected occurrences. Below, a full name is called rare and speaks for one person; above, against.
RARE = float(np.log(30))
_RARE_FAMILY = float(np.log(1000))
_AMBIGUITY = tuple(float(x) for x in np.log([0.1, 1, 4, 10, 30, 100, 300, 1000, 4000]))
_FAMILY = tuple(float(x) for x in np.log([25, 100, 1000, 10_000, 40_000]))


def _ambiguity(block: Block, pairs: Pairs) -> Floats:
    return np.maximum(block.ambiguity[pairs.i], block.ambiguity[pairs.j])


def _rarity_values(block: Block, pairs: Pairs) -> Floats:
    return _stack(ramps(_ambiguity(block, pairs), _AMBIGUITY, RARE))


def _rarity_sentence(block: Block, pair: Pairs) -> str:
    return rarity_sentence(float(_ambiguity(block, pair)[0]))


def rarity_sentence(ambiguity: float) -> str:
    """How frequent a name is, `ambiguity` being the log of its expected occurrences in two and a half million."""
    kind = "a rare name" if ambiguity < RARE else "a common name" if ambiguity < np.log(300) else "a very common name"
    return f"{kind}: {expected(ambiguity)}"


def expected(log_count: float) -> str:
    """How often a name is expected, from the log of that number, in words."""
    count = float(np.exp(log_count))
    return f"expected {f'{count:,.0f} times' if count >= 2 else 'once or never'} among 2.5 million printed names"


def _family_values(block: Block, pairs: Pairs) -> Floats:
    return _stack(ramps(block.surname[pairs.i], _FAMILY, _RARE_FAMILY))


def _family_sentence(block: Block, pair: Pairs) -> str:
    log_count = float(block.surname[pair.i[0]])
    kind = "a rare family name" if log_count < _RARE_FAMILY else "a common family name"
    return f"“{block.signatures[pair.i[0]].family}” is {kind}: {expected(log_count)}"


# --- shared coauthors ------------------------------------------------------------------------------------------------

# Nats, added up over shared coauthors. Up to the third knot it can only be one, whose name 70 of 2.5 million or more
# have: papers of two people may well have two of that name on them.
_RARITY = (6.0, 8.0, 10.5, 16.0, 30.0)
_OVERLAP = (0.0, 0.1, 0.3, 0.8)


def _coauthor_values(block: Block, pairs: Pairs) -> Floats:
    rarity = _sparse_dot(block.coauthors, pairs)
    count = _sparse_dot(block.coauthors.astype(bool).astype(np.float32), pairs)
    smaller = np.minimum(_row_sizes(block.coauthors, pairs.i), _row_sizes(block.coauthors, pairs.j))
    large = np.maximum(block.team[pairs.i], block.team[pairs.j]) > LARGE_TEAM
    initial = count == 0
    initial[initial] = _sparse_dot(block.by_initial, pairs[np.flatnonzero(initial)]) > 0
    none = (count == 0) & ~initial
    common = ramps(_ambiguity(block, pairs), (0.0, 6.0))[0]
    overlap = np.where(large, count / np.maximum(smaller, 1), 0)
    small = np.where(large, 0, rarity)
    return _stack(
        [
            *ramps(small, _RARITY),
            *ramps(overlap, _OVERLAP),
            initial & ~large,
            initial & large,
            none & (smaller > 0),
            none & (smaller == 0),
            (count > 0) * common,
        ]
    )


def lone_common_coauthor(rows: Floats) -> NDArray[np.bool_]:
    """For rows of `matrix`, whether all that two papers share among their coauthors is one common name."""
    start = COLUMNS.index(f"coauthors: {_ramp_names('rarity', _RARITY)[0]}")
    return np.asarray((rows[:, start] > 0) & (rows[:, start + 1] < 1))


def _coauthor_sentence(block: Block, pair: Pairs) -> str:
    one, other = block.signatures[pair.i[0]], block.signatures[pair.j[0]]
    kept, others = block.kept[pair.i[0]], block.kept[pair.j[0]]
    if shared := set(kept) & set(others):
        return f"both wrote with {shared_coauthors(shared, block)}"
    if not (one.coauthors and other.coauthors):
        return "one of the two has no coauthor, so none can be shared"
    if {initial_key(key) for key in kept} & {initial_key(key) for key in others}:
        return "they share a coauthor only by family name and initial"
    return "they share no coauthor"


def shared_coauthors(keys: Collection[str], block: Block) -> str:
    """Coauthors by their keys, in words: the three with the rarest names, and whether a single one's is common."""
    rarest = sorted(keys, key=lambda key: (-block.coauthor_rarity[key], key))
    named = [" ".join(part.title() for part in reversed(key.split("|")) if part) for key in rarest[:3]]
    more = f" and {len(keys) - 3} more" * (len(keys) > 3)
    common = ", a common name" * (len(keys) == 1 and block.coauthor_rarity[rarest[0]] < _RARITY[2])
    return f"{', '.join(named)}{more}{common}"


# --- what the papers are about ---------------------------------------------------------------------------------------

# Cosine. Two titles with one printed name have .18 on average if they are two people's, .28 if one's (gold data).
UNRELATED = 0.2
_NEAR = (-0.1, 0.05, UNRELATED, 0.4, 0.6, 0.9)
_WORDS = (0.0, 0.1, 0.3, 0.7)


def _have_abstracts(block: Block, pairs: Pairs) -> NDArray[np.bool_]:
    return np.asarray(np.any(block.abstract[pairs.i], axis=1) & np.any(block.abstract[pairs.j], axis=1))


def _title_values(block: Block, pairs: Pairs) -> Floats:
    both = _have_abstracts(block, pairs)
    near = ramps(_dot(block.title, pairs), _NEAR, UNRELATED)
    return _stack(
        [
            *(ramp * ~both for ramp in near),
            *(ramp * both for ramp in near),
            *ramps(_sparse_dot(block.title_words, pairs), _WORDS),
        ]
    )


def _title_sentence(block: Block, pair: Pairs) -> str:
    one, other = block.signatures[pair.i[0]], block.signatures[pair.j[0]]
    shared = sorted((set(words(one.title)) & set(words(other.title))) - EVERYWHERE)
    said = f", both say {', '.join(f'“{w}”' for w in shared[:3])}" if shared else ""
    return f"the titles are {how_near(float(_dot(block.title, pair)[0]))}{said}"


def how_near(cosine: float) -> str:
    """How near two texts are, in words."""
    how = "closely related" if cosine >= 0.6 else "related" if cosine >= UNRELATED else "hardly related"
    return f"{how} (cosine {cosine:.2f})"


def _abstract_values(block: Block, pairs: Pairs) -> Floats:
    both = _have_abstracts(block, pairs)
    return _stack([ramp * both for ramp in ramps(_dot(block.abstract, pairs), _NEAR, UNRELATED)])


def _abstract_sentence(block: Block, pair: Pairs) -> str:
    return (
        f"the abstracts are {how_near(float(_dot(block.abstract, pair)[0]))}"
        if bool(_have_abstracts(block, pair).all())
        else "no abstracts to compare"
    )


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
    return _stack([both & (near <= 0), *ramps(near, _PLACES)])


def _affiliation_sentence(block: Block, pair: Pairs) -> str:
    one, other = block.signatures[pair.i[0]], block.signatures[pair.j[0]]
    if not (one.affiliations and other.affiliations):
        return "no affiliations to compare"
    shared = sorted(affiliation_words(one) & affiliation_words(other))
    return f"the affiliations share {', '.join(f'“{w}”' for w in shared[:3])}" if shared else "the affiliations differ"


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
    Rule("rarity", _ramp_names("ln name", _AMBIGUITY), _rarity_values, _rarity_sentence),
    Rule("family name", _ramp_names("ln", _FAMILY), _family_values, _family_sentence),
    Rule(
        "coauthors",
        (
            *_ramp_names("rarity", _RARITY),
            *_ramp_names("large team overlap", _OVERLAP),
            "initial",
            "initial in large team",
            "none",
            "none to share",
            "some, common name",
        ),
        _coauthor_values,
        _coauthor_sentence,
    ),
    Rule(
        "title",
        (
            *_ramp_names("alone", _NEAR),
            *_ramp_names("beside abstract", _NEAR),
            *_ramp_names("words", _WORDS),
        ),
        _title_values,
        _title_sentence,
    ),
    Rule("abstract", _ramp_names("near", _NEAR), _abstract_values, _abstract_sentence),
    Rule("topics", ("different", *_ramp_names("near", _TOPICS)), _topic_values, _topic_sentence),
    Rule(
        "affiliations",
        ("different", *_ramp_names("near", _PLACES)),
        _affiliation_values,
        _affiliation_sentence,
    ),
    Rule("venues", ("same", "different"), _venue_values, _venue_sentence),
)
COAUTHORS = [rule.name for rule in RULES].index("coauthors")
NAME_COLUMNS = sum(len(rule.columns) for rule in RULES[:COAUTHORS])  # they come first
COLUMNS: tuple[str, ...] = tuple(f"{rule.name}: {column}" for rule in RULES for column in rule.columns)


def matrix(block: Block, pairs: Pairs) -> Floats:
    """All rules side by side: (pairs, len(COLUMNS))."""
    return np.concatenate([rule.values(block, pairs) for rule in RULES], axis=1)
