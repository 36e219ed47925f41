"""Why each signature is with the others of its cluster: the link that carries it, rule by rule.

Problem: a cluster is an average of many pairs, and nobody can check an average. Idea: name for each signature its best
link, with what every rule adds to it, or, where it was not the two works but whole groups that met, what is known of
these. Strong links hold the largest part of a cluster together, its core; another part is only as sure as what links it
to the core, however well it holds together itself. Entry point: `attributions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .block import Floats
from .blocking import Pairs
from .clustering import Ints
from .evidence import RULES, matrix, rarity_sentence
from .groups import FACTS
from .model import log_odds_of, probability_of
from .names import Agreement, read_given
from .themes import TWO_BY_TWO, told
from .weighing import Weighed

# A link below is shown as weak. The model is trained on hard names, so that more of the links that state .85 are right.
STRONG = 0.85
# A link that ties a part together must be surer: one coauthor with a common name must not make two circles one.
CORE = 0.93
# The log-odds of what people decided or an authenticated iD states: beyond any sum of evidence.
STATED = 12.0
# A name with so many expected occurrences (log of 3,000, of 2.5 million) tells as much as a coin.
UNAMBIGUOUS = 8.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason: the rule's name, the log-odds it adds (nats), and a sentence.

    Where groups of works were weighed, the reason that speaks of works two at a time has the sum of the two linked
    works as `parts`: what they would be by themselves.
    """

    rule: str
    weight: float
    sentence: str
    parts: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribution:
    """Why a signature is with the others of its cluster: the link to `linked_to` that carries it.

    `total` is the sum of the weights of `evidence`, `probability` that it is right; `weak` where it should be offered
    for review: it is not sure enough, or it ties two circles by one coauthor with a common name or by the name alone. A
    signature alone has one reason and no link.
    """

    signature: int
    linked_to: int | None
    probability: float
    weak: bool
    evidence: tuple[Evidence, ...]
    total: float


def attributions(w: Weighed) -> list[Attribution]:
    """Why each signature is where it is, by position."""
    size, pairs = len(w.signatures), w.pairs
    inside = np.flatnonzero((w.labels[pairs.i] == w.labels[pairs.j]) & (pairs.agreement > Agreement.MISPRINT))
    inside = inside[np.argsort(-w.log_odds[inside], kind="stable")]  # of a meeting, its likeliest pair is the link
    limit = np.float32(log_odds_of(STRONG))
    # A name is not yet a person: two people may each have written with someone of a common name.
    lone = w.unaided[inside] < np.minimum(w.log_odds[inside], limit)
    by_common_name = (w.stated[inside] >= limit) & lone
    strong = inside[(w.stated[inside] >= log_odds_of(CORE)) & ~by_common_name]
    bound = w.constraints.links()
    i, j = np.concatenate([pairs.i[strong], bound[:, 0]]), np.concatenate([pairs.j[strong], bound[:, 1]])
    part = connected_components(
        sparse.coo_matrix((np.ones(len(i), np.int8), (i, j)), shape=(size, size)), directed=False
    )[1]
    in_core = _in_core(w.labels, part)
    i, j = pairs.i[inside], pairs.j[inside]
    circle = np.bincount(part)[part] > 1
    across = part[i] != part[j]
    doubtful = by_common_name & across & circle[i] & circle[j] | _by_name_alone(w, inside)
    trusted = np.where(doubtful, np.nextafter(limit, np.float32(0)), w.stated[inside])
    within = in_core[i] & in_core[j]
    best = best_pair(size, pairs[inside], trusted, within | across & (in_core[i] | in_core[j]))
    best = np.where(best < 0, best_pair(size, pairs[inside], trusted, across), best)
    linked = np.flatnonzero(best >= 0)
    weak = trusted[best[linked]] < limit
    by_link = dict(zip(linked.tolist(), by_links(w, linked.tolist(), inside[best[linked]], weak), strict=True))
    must = np.zeros(size, bool)
    must[bound] = True
    rivals = _nearest_rival(w)
    return [_by_statement(w, p) if must[p] else by_link.get(p) or _alone(w, p, float(rivals[p])) for p in range(size)]


def by_links(
    w: Weighed, positions: Sequence[int], rows: NDArray[np.int64], weak: Sequence[bool] | NDArray[np.bool_]
) -> list[Attribution]:
    """Attributions of these positions by these pairs, one each; `weak` where they are so whatever they state."""
    if not len(rows):
        return []
    added = w.model.contributions(matrix(w.block, w.pairs[rows]))
    met = {int(meeting): _of_groups(w, int(meeting)) for meeting in np.unique(w.meeting[rows]) if meeting >= 0}
    found = []
    for position, row, weights, doubted in zip(positions, rows, added, weak, strict=True):
        pair = w.pairs[np.array([row])]
        evidence = _of_works(w, pair, weights)
        if w.meeting[row] >= 0:
            evidence = tuple(
                replace(item, parts=evidence) if item.rule == TWO_BY_TWO else item for item in met[int(w.meeting[row])]
            )
        found.append(_by_link(w, position, pair, evidence, bool(doubted)))
    return found


def _of_groups(w: Weighed, meeting: int) -> tuple[Evidence, ...]:
    """What brought two groups together."""
    found = told(w.block, w.joined, meeting, w.model.groups)
    return tuple(Evidence(name, round(weight, 4), sentence) for name, weight, sentence in found if round(weight, 4))


def _of_works(w: Weighed, pair: Pairs, added: Floats) -> tuple[Evidence, ...]:
    """What each rule says of two works."""
    return Evidence("prior", round(w.model.bias, 4), "before any evidence"), *(
        Evidence(rule.name, round(float(weight), 4), rule.describe(w.block, pair))
        for rule, weight in zip(RULES, added, strict=True)
        if weight
    )


def _by_name_alone(w: Weighed, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the groups of each pair met without a coauthor in common, and so not surely enough to hold a person
    together: rare names, too, are those of two people."""
    shared = np.append(w.joined.pairs.facts[:, FACTS.index("coauthors")], 1)  # one more, for those that did not meet
    return np.asarray((shared[w.meeting[rows]] == 0) & (w.stated[rows] < log_odds_of(CORE)))


def _in_core(labels: Ints, part: Ints) -> NDArray[np.bool_]:
    """Whether each position is in the largest part of its cluster (of equals, the one with the lowest signature)."""
    sizes = np.bincount(part)
    core = np.full(labels.max() + 1, -1)
    for position in np.lexsort((part, -sizes[part])):
        if core[labels[position]] < 0:
            core[labels[position]] = part[position]
    return np.asarray(core[labels] == part)


def best_pair(size: int, pairs: Pairs, log_odds: Floats, usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The row of the usable pair with the highest log-odds at each position, -1 where there is none."""
    chosen = np.flatnonzero(usable)
    ends, value = (pairs.i[chosen], pairs.j[chosen]), log_odds[chosen]
    highest = np.full(size, -np.inf, np.float32)
    for positions in ends:
        np.maximum.at(highest, positions, value)
    best = np.full(size, len(usable), np.int64)
    for positions in ends:
        at = np.flatnonzero(value == highest[positions])
        np.minimum.at(best, positions[at], chosen[at])  # of equals, the first
    best[best == len(usable)] = -1
    return best


def _nearest_rival(w: Weighed) -> Floats:
    """By signature: the highest log-odds of a link to another cluster under a name that could be its own; or -inf."""
    across = (
        (w.labels[w.pairs.i] != w.labels[w.pairs.j])
        & (w.pairs.agreement > Agreement.MISPRINT)
        & ~w.constraints.forbid(w.pairs.i, w.pairs.j)  # a decision, or one paper, leaves no doubt
    )
    nearest = np.full(len(w.signatures), -np.inf)
    for ends in (w.pairs.i, w.pairs.j):
        np.maximum.at(nearest, ends[across], w.stated[across])
    return nearest


def _by_link(w: Weighed, position: int, pair: Pairs, evidence: tuple[Evidence, ...], weak: bool) -> Attribution:
    total = sum(e.weight for e in evidence)
    other = pair.j[0] if pair.i[0] == position else pair.i[0]
    stated = probability_of(total)
    return Attribution(
        w.signatures[position].id, w.signatures[other].id, stated, weak or stated < STRONG, evidence, total
    )


def _by_statement(w: Weighed, position: int) -> Attribution:
    decided = w.constraints.by_decision[position]
    orcid = w.signatures[position].orcid
    reason = (
        Evidence("decision", STATED, "people decided that these are one person")
        if decided
        else Evidence("orcid", STATED, f"the same authenticated iD, {orcid}")
    )
    other = next(int(p) for p in np.flatnonzero(w.constraints.group == w.constraints.group[position]) if p != position)
    return Attribution(
        w.signatures[position].id, w.signatures[other].id, probability_of(STATED), False, (reason,), STATED
    )


def _alone(w: Weighed, position: int, rival: float) -> Attribution:
    """A work on its own: as sure as its nearest rival is unlikely, or, without one, as its name is rare."""
    signature, ambiguity = w.signatures[position], float(w.block.ambiguity[position])
    if np.isfinite(rival):
        reason = Evidence("rival", round(-rival, 4), "the likeliest other work under this name was held apart")
    else:
        weight = round(UNAMBIGUOUS - ambiguity, 4)
        reason = Evidence("rarity", weight, f"no other work here could be this person's; {rarity_sentence(ambiguity)}")
    weak = bool(np.isfinite(rival)) or not read_given(signature.given).full
    return Attribution(signature.id, None, probability_of(reason.weight), weak, (reason,), reason.weight)
