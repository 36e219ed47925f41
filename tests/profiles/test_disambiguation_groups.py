"""Groups of works: what is known of two, what forbids to join them, and by which meeting each pair came together."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.disambiguation.block import Texts
from profiles.disambiguation.clustering import CERTAIN, MEAN_SHARE, Decisions
from profiles.disambiguation.engine import resolve
from profiles.disambiguation.groups import FACTS, GroupPairs, Joined, Works, compare, join
from profiles.disambiguation.model import Model
from profiles.disambiguation.names import Agreement
from profiles.disambiguation.signatures import Signature
from profiles.disambiguation.trees import DEPTH, Trees
from profiles.disambiguation.vocabulary import Vocabulary
from profiles.disambiguation.weighing import weigh_pairs

WILLING = replace(Trees.none(), bias=9.0)  # joins whatever may be joined


def ada(number: int, given_name: str = "Ada", family: str = "Lovelace", **fields) -> Signature:
    return Signature(number, fields.pop("paper", number), family, given_name, **fields)


def works(*blocks: list[Signature], decisions: Decisions = Decisions(), odds: float = 1.0) -> Works:  # noqa: B008
    """Some blocks whose pairs all have the same log-odds."""
    found, _unaided = weigh_pairs(
        blocks, decisions, Texts.of([s for block in blocks for s in block], Vocabulary.shipped()), Model.shipped()
    )
    return replace(found, log_odds=np.full_like(found.log_odds, odds), names=np.full_like(found.names, 0.5))


def with_odds(found: Works, odds: dict[tuple[int, int], float]) -> Works:
    pairs = zip(found.pairs.i.tolist(), found.pairs.j.tolist(), found.log_odds.tolist(), strict=True)
    return replace(found, log_odds=np.array([odds.get((i, j), other) for i, j, other in pairs], np.float32))


def compared(found: Works, labels: list[int]) -> GroupPairs:
    active = np.flatnonzero(found.pairs.agreement > Agreement.MISPRINT)
    return compare(found, np.array(labels, np.int32), active)


def joined(found: Works, labels: list[int], trees: Trees = WILLING) -> Joined:
    return join(found, np.array(labels, np.int32), trees, 0.0)


def test_the_facts_about_two_groups_are_what_their_names_say():
    """Two works of 1840 and 1842 beside three, of which two are of 1845 and 1850; and a rival of the first two."""
    found = works(
        [
            ada(0, title="On engines", coauthors=("babbage|charles",), year=1840, venue="Letters", abstract="Engines."),
            ada(1, title="On looms", coauthors=("babbage|charles", "somerville|mary"), year=1842),
            ada(2, title="Engines", coauthors=("somerville|mary",), year=1845, venue="Letters", abstract="On engines."),
            ada(3, title="Of stars", coauthors=("rubin|vera",), year=1850, venue="Letters"),
            ada(4, "Ada B.", title="Weaving"),
            ada(5, title="Looms", affiliations=("Ockham Park",)),
        ],
        odds=-1,
    )
    found = with_odds(found, {(1, 2): 2 * CERTAIN, (0, 2): 3, (0, 5): 1})
    block, pairs = found.block, compared(found, [0, 0, 1, 1, 1, 2])
    assert list(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)) == [(0, 1), (0, 2)]  # the third pair has no odds
    facts = dict(zip(FACTS, pairs.facts[0].tolist(), strict=True))
    mean = (CERTAIN + 3 - 4) / 6
    near, rival = MEAN_SHARE * mean + (1 - MEAN_SHARE) * CERTAIN, (1 - MEAN_SHARE) * 1
    cosine = block.title[:2] @ block.title[2:5].T
    centres = block.title[:2].sum(axis=0), block.title[2:5].sum(axis=0)
    ambiguity = np.maximum(block.ambiguity[:2, None], block.ambiguity[None, 2:5]).mean()
    expected = {
        "smaller": np.log(2),
        "larger": np.log(3),
        "best": CERTAIN,
        "likeliest": (CERTAIN + 3) / 2,
        "mean": mean,
        "names": 0.5,
        "beyond names": mean - 0.5,
        "ambiguity": ambiguity,
        "agreement": Agreement.MIDDLE_MISSING,
        "title": cosine.mean(),
        "titles": centres[0] @ centres[1] / np.linalg.norm(centres[0]) / np.linalg.norm(centres[1]),
        "words": (block.title_words[:2] @ block.title_words[2:5].T).toarray().mean(),
        "abstracts": block.abstract[0] @ block.abstract[2],
        "coauthors": 1,
        "rarity": block.coauthor_rarity["somerville|mary"],
        "overlap": 1 / 2,
        "reach of smaller": 1 / 2,
        "reach of larger": 1 / 3,
        "venues": 2 / 6,
        "affiliations": -1,
        "years": 1845 - 1842,
        "lead": near - rival,
        "higher lead": 5,
        "rivals": np.log(2 + 1),
    }
    assert facts == pytest.approx(expected, abs=1e-4)


FORBIDDEN = [
    pytest.param([ada(0), ada(1, "A."), ada(2, "Anna"), ada(3, "A.")], Decisions(), id="a name that conflicts"),
    pytest.param([ada(0), ada(1), ada(2), ada(3, "Ada", "Lovelace", paper=0)], Decisions(), id="a paper in common"),
    pytest.param([ada(n) for n in range(4)], Decisions(different=frozenset({(1, 2)})), id="a decision"),
    pytest.param([ada(0, "Dongbin"), ada(1, "D."), ada(2, "Dongbing"), ada(3, "D.")], Decisions(), id="a misprint"),
]


@pytest.mark.parametrize(("signatures", "decisions"), FORBIDDEN)
def test_one_thing_that_forbids_keeps_whole_groups_apart(signatures, decisions):
    assert len(set(joined(works([ada(n) for n in range(4)]), [0, 0, 2, 2]).labels)) == 1
    found = works(signatures, decisions=decisions)
    assert joined(found, [0, 0, 2, 2]).labels.tolist() == [0, 0, 1, 1]
    assert not len(compared(found, [0, 0, 2, 2]).a)  # nor is it nearer than another, which would keep that away


def test_what_forbids_counts_under_every_name_that_people_gave_one_person():
    """Ada Lovelace and Augusta King are one by decision; another Augusta King stands on a paper of Ada Lovelace."""
    lovelace, king = [ada(0)], [ada(1, "Augusta", "King"), ada(2, "Augusta", "King")]
    same = Decisions(same=frozenset({(0, 1)}))
    assert joined(works(lovelace, king, decisions=same), [0, 0, 2]).labels.tolist() == [0, 0, 0]
    king[1] = replace(king[1], paper=0)
    assert joined(works(lovelace, king, decisions=same), [0, 0, 2]).labels.tolist() == [0, 0, 1]


def test_groups_without_one_pair_of_works_above_even_odds_are_not_weighed():
    assert len(joined(works([ada(0), ada(1)], odds=-0.1), [0, 1]).log_odds) == 0


TEN = works([ada(n, title=f"Engines {n}", coauthors=(f"babbage|{'abc'[n % 3]}",), year=1840 + n) for n in range(10)])


def any_trees(seed: int) -> Trees:
    chance = np.random.default_rng(seed)
    facts = chance.integers(0, len(FACTS), (8, DEPTH)).astype(np.int32)
    return Trees(
        float(chance.normal()),
        facts,
        chance.normal(size=facts.shape).astype(np.float32),
        chance.normal(size=(8, 2**DEPTH)).astype(np.float32),
    )


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 9), min_size=10, max_size=10))
def test_every_pair_knows_the_meeting_that_joined_its_groups_or_left_them_apart(seed, labels):
    chance = np.random.default_rng(seed)
    odds = chance.normal(0, 3, len(TEN.log_odds)).astype(np.float32)
    result = joined(replace(TEN, log_odds=odds), labels, any_trees(seed))
    i, j = np.triu_indices(10, 1)
    met = result.meetings(i.astype(np.int32), j.astype(np.int32)).tolist()
    assert met == [_looked_for(result, a, b) for a, b in zip(i.tolist(), j.tolist(), strict=True)]
    for a, b, meeting in zip(i, j, met, strict=True):
        together = result.labels[a] == result.labels[b]
        if meeting >= 0:
            assert (result.log_odds[meeting] > 0) == together
        assert (meeting == -1) or (result.sure[a] != result.sure[b])
        assert (meeting >= 0) or not together or (result.sure[a] == result.sure[b])


def _looked_for(result: Joined, a: int, b: int) -> int:
    """The only meeting with one of two positions on either side."""
    sides = [tuple(set(side.tolist()) for side in result.sides(m)) for m in range(len(result.log_odds))]
    found = [m for m, (one, other) in enumerate(sides) if (a in one and b in other) or (b in one and a in other)]
    assert len(found) <= 1
    return found[0] if found else -1


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.sampled_from(["Ada", "A.", "Ada B."]), st.sampled_from("xyz")), min_size=2, max_size=10),
    st.integers(0, 2**32 - 1),
    st.randoms(use_true_random=False),
)
def test_the_order_of_records_does_not_matter(printed, seed, chance: random.Random):
    model = replace(Model.shipped(), groups=any_trees(seed))
    known = [
        ada(n, name, coauthors=(f"babbage|{circle}",), title=f"Engines {circle}", year=1840 + n, team=2)
        for n, (name, circle) in enumerate(printed)
    ]
    resolution = resolve(known, model=model)
    chance.shuffle(known)
    assert resolve(known, model=model) == resolution
