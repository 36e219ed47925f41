"""One person under names that blocking keeps apart: another order, another surname, a name left out.

Problem: blocks are drawn by family name and initial, but "Durairaj Thenmozhi" is also printed "Thenmozhi Durairaj",
"Iris Eshkol" becomes "Iris Eshkol-Taravella", and nobody knows where "Hugo Gonçalo Oliveira" is to be cut. On the
development set of the ACL a perfect clustering of blocks still misses a twentieth of the recall. Idea: two names are
kin if the words of one, or their initials, all stand in the other and two words written out are shared. Signatures of
kin names are weighed by the rules that weigh everyone, the name itself at a fixed price; what then clears the threshold
joins the two clusters, unless a decision, an iD, a paper or another of their names forbids it.

Bounded, and the same whatever else is resolved beside them: only surnames that are equal or both rare can meet
(`realm`; the rarity is a table's, not the database's), so that `ties` chain few surnames together and whoever
resolves them together misses nobody. Entry points: `ties` for grouping, `unite` for clusters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from papers.names import SILENT_PARTICLES, fold, surname_key

from .attribution import STRONG, Attribution, Evidence
from .block import Block, Floats, Texts, prepare
from .blocking import Pairs
from .clustering import Constraints, Decisions
from .evidence import COAUTHORS, RULES, matrix
from .model import Model, probability_of
from .names import Agreement, compare, read_given
from .rarity import NameCounts
from .signatures import Signature
from .suggestions import NEAR, Suggestion
from .vocabulary import Vocabulary
from .weighing import SLICE

# Of 2.5 million printed names. Of 74,669 surnames of 120,000 arXiv records with 374,486 signatures, ties chain at most
# 1,317 signatures at 500, 9,067 at 1,000, 92,892 without a limit. Recall on acl lost to it: half a point.
RARE_SURNAME = 500
# Pairs of signatures of two kin names. Names so frequent that there are more are nobody's own; the largest number that
# a gold set holds between two names of one person is 5,000.
MOST_PAIRS = 20_000
MOST_WORDS = 6  # of a name; more are a hostile or a broken line, and the words after the sixth name nobody further
LONGEST_WORD = 100  # of a key that is stored; longer words that begin alike only cost a look
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "2nd", "3rd"})

Name = tuple[str, str]  # family, given, as printed


class Kinship(IntEnum):
    """How two names that blocking keeps apart may be one person's."""

    DIVIDED = 1  # "Hugo Gonçalo | Oliveira", "Hugo | Gonçalo Oliveira"
    SWAPPED = 2  # "Thenmozhi Durairaj", "Durairaj Thenmozhi"
    CONTAINED = 3  # "Iris Eshkol", "Iris Eshkol-Taravella"; "Wayne Xin Zhao", "Xin Zhao"


# Nats in place of what the model adds for names that agree. From acl: of pairs of clusters of kin names whose other
# evidence sums to 2 or more, 244 of 248 are one person's; between 0 and 2, 44 of 50. On openreview it is none of 4 and
# of 15: a price of 1.6 and the threshold ask for about 2. The same words in the same order are the same name.
PRICE = {Kinship.DIVIDED: 0.0, Kinship.SWAPPED: -1.6, Kinship.CONTAINED: -1.6}
_SAID = {
    Kinship.DIVIDED: "are the same words, divided otherwise into given and family name",
    Kinship.SWAPPED: "are the same words in another order",
    Kinship.CONTAINED: "differ in what one of them leaves out",
}


@lru_cache(maxsize=200_000)
def words(family: str, given: str) -> tuple[str, ...]:
    """The folded words of a name in reading order, without particles and suffixes, at most `MOST_WORDS`."""
    found = f"{fold(given)} {fold(family)}".split()
    return tuple([w for w in found if w not in SILENT_PARTICLES and w not in _SUFFIXES][:MOST_WORDS])


def kinship(one: Name, other: Name) -> Kinship | None:
    """How two printed names are kin, symmetric; None where they are not."""
    a, b = words(*one), words(*other)
    if len({w for w in a if len(w) > 1}.intersection(b)) < 2:
        return None
    if a == b:
        return Kinship.DIVIDED
    if sorted(a) == sorted(b):
        return Kinship.SWAPPED
    return Kinship.CONTAINED if _contains(*sorted((a, b), key=len)) else None


def _contains(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether each word of `short` is one of `long`, or the initial of one, or has its initial there; each used once.

    Full words first, so that an initial does not take what a full word needs.
    """
    left = list(long)
    for word in sorted(short, key=lambda word: (-len(word), word)):
        match = next((w for w in left if w == word), None) or next(
            (w for w in left if w[0] == word[0] and min(len(w), len(word)) == 1), None
        )
        if match is None:
            return False
        left.remove(match)
    return True


def realm(surname: str) -> str:
    """Equal where kin names may join signatures of two surname keys: all rare surnames are one realm."""
    return "" if NameCounts.shipped().family.get(surname, 0) <= RARE_SURNAME else surname


def kin_names(names: Iterable[Name]) -> Iterator[tuple[Name, Name, Kinship]]:
    """Each pair of kin names that no block holds and whose surnames may meet, once, in an order that `names` does not
    change."""
    with_words: defaultdict[tuple[str, str, str], list[Name]] = defaultdict(list)
    for name in sorted(set(names)):
        full = sorted({w for w in words(*name) if len(w) > 1})
        for pair in combinations(full, 2):
            with_words[realm(surname_key(name[0])), *pair].append(name)
    seen: set[tuple[Name, Name]] = set()
    for found in with_words.values():
        for one, other in combinations(found, 2):
            if (one, other) not in seen and _home(one) != _home(other) and (kind := kinship(one, other)):
                seen.add((one, other))
                yield one, other, kind


@lru_cache(maxsize=200_000)
def _home(name: Name) -> tuple[str, str]:
    """Equal where a block may hold both names."""
    return surname_key(name[0]), read_given(name[1]).formal[:1]


def kin_keys(name: Name) -> list[str]:
    """What names that could tie two surnames have in common, one key at least: two words each, written out.

    None where the surname is frequent: such names meet only their like.
    """
    if realm(surname_key(name[0])):
        return []
    full = sorted({word[:LONGEST_WORD] for word in words(*name) if len(word) > 1})
    return [f"{one} {other}" for one, other in combinations(full, 2)]


def ties(names: Iterable[Name], others: Iterable[Name] = ()) -> set[tuple[str, str]]:
    """Pairs of surname keys, ascending, to be resolved together: kin names of which one is of `names` tie them."""
    sought, known = _by_key(names), _by_key(others)
    met = ((one, other) for key in sought for one, other in product(sought[key], sought[key] | known.get(key, set())))
    return {
        (min(pair), max(pair))
        for one, other in set(met)
        if (pair := (surname_key(one[0]), surname_key(other[0]))) and pair[0] != pair[1] and kinship(one, other)
    }


def _by_key(names: Iterable[Name]) -> dict[str, set[Name]]:
    found: defaultdict[str, set[Name]] = defaultdict(set)
    for name in names:
        for key in kin_keys(name):
            found[key].add(name)
    return dict(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Links:
    """Links between clusters: pairs of signatures of kin names, by position in `block.signatures`; arrays of one
    length. `cluster` is the number of the cluster of each position."""

    block: Block
    cluster: NDArray[np.int64]
    pairs: Pairs
    kinds: NDArray[np.int8]
    log_odds: Floats


def unite(
    clusters: Sequence[Sequence[Attribution]],
    signatures: Iterable[Signature],
    decisions: Decisions,
    texts: Texts,
    model: Model,
) -> tuple[list[list[Attribution]], list[Suggestion]]:
    """Join clusters that kin names and strong evidence tie, and say which a curator should look at.

    Clusters are given and returned by the attributions of their signatures, ascending. Where some are joined, the
    largest stays as it is; of the others, every signature whose link to another of them clears the threshold is
    attributed by that link, and the rest is no surer than the link that carries its cluster.
    """
    links = _weigh(clusters, {s.id: s for s in signatures}, texts, model)
    if links is None:
        return list(map(list, clusters)), []
    part, near = _joined(links, decisions, model.threshold)
    together: defaultdict[int, list[int]] = defaultdict(list)
    for number in range(len(clusters)):
        together[part.get(number, number)].append(number)
    united = [
        sorted(_attributed(links, clusters, numbers, model), key=lambda a: a.signature)
        if len(numbers) > 1
        else list(clusters[numbers[0]])
        for numbers in together.values()
    ]
    return united, [_suggestion(links, row, clusters, model) for row in near]


def _weigh(
    clusters: Sequence[Sequence[Attribution]], known: dict[int, Signature], texts: Texts, model: Model
) -> _Links | None:
    """The links between clusters; None where there is none."""
    cluster_of = {a.signature: number for number, cluster in enumerate(clusters) for a in cluster}
    with_name: defaultdict[Name, list[int]] = defaultdict(list)
    for id in sorted(cluster_of):
        with_name[known[id].family, known[id].given].append(id)
    links = [
        (a, b, kind)
        for one, other, kind in kin_names(with_name)
        if len(with_name[one]) * len(with_name[other]) <= MOST_PAIRS
        for a, b in product(with_name[one], with_name[other])
        if cluster_of[a] != cluster_of[b]
    ]
    if not links:
        return None
    # Whole clusters: what forbids to join them may be said of any of their signatures.
    concerned = {cluster_of[id] for a, b, _kind in links for id in (a, b)}
    ids = sorted(a.signature for number in concerned for a in clusters[number])
    position = {id: place for place, id in enumerate(ids)}
    vocabulary = Vocabulary.shipped()
    block = prepare([known[id] for id in ids], texts, NameCounts.shipped(), vocabulary)
    i, j = np.array([(position[a], position[b]) for a, b, _kind in links], np.int32).T
    rarer_first = block.surname[i] < block.surname[j]  # a rule reads how frequent a family name is from the first
    i, j = np.where(rarer_first, j, i), np.where(rarer_first, i, j)
    pairs = Pairs(i, j, np.full(len(i), Agreement.CONFLICT, np.int8))  # the price says what the names are worth
    kinds = np.array([kind for _a, _b, kind in links], np.int8)
    log_odds = np.concatenate([model.log_odds(matrix(block, pairs[part])) for part in pairs.slices(SLICE)])
    log_odds += np.array([0.0, *PRICE.values()], np.float32)[kinds]
    return _Links(block, np.array([cluster_of[id] for id in ids], np.int64), pairs, kinds, log_odds)


def _joined(links: _Links, decisions: Decisions, threshold: float) -> tuple[dict[int, int], list[int]]:
    """The lowest cluster that each concerned one is joined with, and the links, best first, that nearly join two."""
    constraints = Constraints.of(links.block.signatures, decisions)
    members = {int(number): np.flatnonzero(links.cluster == number) for number in np.unique(links.cluster)}
    part = {number: number for number in members}
    near: list[int] = []
    refused: set[tuple[int, int]] = set()
    a, b = links.pairs.i, links.pairs.j
    for row in np.lexsort((np.maximum(a, b), np.minimum(a, b), -links.log_odds)):
        if links.log_odds[row] <= threshold - NEAR:
            break
        one, other = sorted(part[int(links.cluster[end[row]])] for end in (a, b))
        if one == other or (one, other) in refused:
            continue
        if not _compatible(links.block.signatures, members[one], members[other], constraints):
            refused.add((one, other))
        elif links.log_odds[row] <= threshold:
            near.append(int(row))
            refused.add((one, other))
        else:
            members[one] = np.concatenate([members[one], members.pop(other)])
            part = {number: one if first == other else first for number, first in part.items()}
    return part, near


def _compatible(
    signatures: Sequence[Signature], one: NDArray[np.int64], other: NDArray[np.int64], constraints: Constraints
) -> bool:
    """Whether two clusters may be one: nothing forbids it, and no two of their names contradict each other."""
    names = [{(signatures[p].family, signatures[p].given) for p in side} for side in (one, other)]
    i, j = np.repeat(one, len(other)).astype(np.int32), np.tile(other, len(one)).astype(np.int32)
    return not any(_contradict(a, b) for a, b in product(*names)) and not constraints.forbid(i, j).any()


def _contradict(one: Name, other: Name) -> bool:
    """Whether two names are two people's though each is kin to a third: "Ana Maria Silva", "Eva Maria Silva"."""
    if _home(one) == _home(other):
        return not compare(one[1], other[1]).joins
    if surname_key(one[0]) != surname_key(other[0]) or kinship(one, other):
        return False
    a, b = (read_given(given).parts for _family, given in (one, other))
    return _has_more(a, b) and _has_more(b, a)


def _has_more(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether a given name has a word written out that the other has neither written out nor as an initial."""
    return any(len(word) > 1 and word not in other and word[0] not in other for word in one)


def _attributed(
    links: _Links, clusters: Sequence[Sequence[Attribution]], numbers: Sequence[int], model: Model
) -> list[Attribution]:
    """The attributions of several clusters that are joined."""
    core = min(numbers, key=lambda number: (-len(clusters[number]), clusters[number][0].signature))
    inside = np.isin(links.cluster, numbers)
    rows = np.flatnonzero(
        inside[links.pairs.i]
        & inside[links.pairs.j]
        & (links.cluster[links.pairs.i] != links.cluster[links.pairs.j])
        & (links.log_odds > model.threshold)
    )
    best: dict[int, int] = {}  # signature id: its best link out of its cluster
    for row in rows[np.argsort(-links.log_odds[rows], kind="stable")]:
        for end in (links.pairs.i, links.pairs.j):
            best.setdefault(links.block.signatures[end[row]].id, int(row))
    used = sorted(set(best.values()))
    added = dict(zip(used, model.contributions(matrix(links.block, links.pairs[np.array(used)])), strict=True))
    found: list[Attribution] = []
    for number in numbers:
        carried = max((links.log_odds[best[a.signature]] for a in clusters[number] if a.signature in best), default=0.0)
        unsure = number != core and probability_of(float(carried)) < STRONG
        for attribution in clusters[number]:
            stated = attribution.evidence[0].rule in ("decision", "orcid")
            row = best.get(attribution.signature)
            if row is not None and not stated and (number != core or attribution.linked_to is None):
                found.append(_by_kin(links, row, added[row], attribution.signature, model))
            else:
                found.append(replace(attribution, weak=attribution.weak or unsure))
    return found


def _by_kin(links: _Links, row: int, added: Floats, signature: int, model: Model) -> Attribution:
    """The attribution of one end of a link by the other."""
    block, pair = links.block, links.pairs[np.array([row])]
    evidence = [
        Evidence("prior", round(model.bias, 4), "before any evidence"),
        Evidence("name", PRICE[Kinship(links.kinds[row])], _name_sentence(links, row)),
        *(
            Evidence(rule.name, round(float(weight), 4), rule.describe(block, pair))
            for rule, weight in zip(RULES, added, strict=True)
            if weight
        ),
    ]
    total = sum(e.weight for e in evidence)
    other = next(s.id for s in (block.signatures[pair.i[0]], block.signatures[pair.j[0]]) if s.id != signature)
    stated = probability_of(total)
    return Attribution(signature, other, stated, stated < STRONG, tuple(evidence), total)


def _name_sentence(links: _Links, row: int) -> str:
    one, other = (links.block.signatures[end[row]] for end in (links.pairs.i, links.pairs.j))
    said = _SAID[Kinship(links.kinds[row])]
    if one.name == other.name:
        return f"both are printed “{one.name}”, divided otherwise into given and family name"
    return f"“{one.name}” and “{other.name}” {said}"


def _suggestion(links: _Links, row: int, clusters: Sequence[Sequence[Attribution]], model: Model) -> Suggestion:
    """The suggestion to look at the two clusters of a link."""
    pair = links.pairs[np.array([row])]
    added = model.contributions(matrix(links.block, pair))[0]
    reasons = [
        rule.describe(links.block, pair)
        for rule, weight in sorted(zip(RULES[COAUTHORS:], added[COAUTHORS:], strict=True), key=lambda item: -item[1])
        if weight > 0
    ]
    left, right = sorted(clusters[int(links.cluster[end[0]])][0].signature for end in (pair.i, pair.j))
    sentence = "; ".join([_name_sentence(links, row), *reasons[:2]])
    return Suggestion(left, right, probability_of(float(links.log_odds[row])), sentence)
