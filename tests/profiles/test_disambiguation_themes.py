"""What is told of two groups of works: all of it adds up, and what is not known is said to be so."""

from dataclasses import replace

import numpy as np
import pytest

from profiles.disambiguation.block import Texts
from profiles.disambiguation.clustering import Decisions
from profiles.disambiguation.groups import FACTS, Works, compare, join
from profiles.disambiguation.model import Model
from profiles.disambiguation.signatures import Signature
from profiles.disambiguation.themes import THEMES, Meeting, told
from profiles.disambiguation.vocabulary import Vocabulary
from profiles.disambiguation.weighing import weigh_pairs

ENGINES = {"title": "Notes on the analytical engine", "coauthors": ("babbage|charles", "somerville|mary")}
GALAXIES = {"title": "Dark matter in dwarf galaxies", "coauthors": ("rubin|vera",)}


def printed(*papers: dict) -> list[Signature]:
    return [Signature(n, n, "Lovelace", "Ada", team=3, **fields) for n, fields in enumerate(papers)]


def works_of(*papers: dict) -> Works:
    """Papers of which any two are one person's with log-odds of 1."""
    signatures = printed(*papers)
    texts = Texts.of(signatures, Vocabulary.shipped())
    works, _unaided = weigh_pairs([signatures], Decisions(), texts, Model.shipped())
    return replace(works, log_odds=np.ones_like(works.log_odds))


def sentences(*papers: dict) -> dict[str, str]:
    """What each theme that knows something says of the first paper and all others."""
    works = works_of(*papers)
    labels = np.array([0, *[1] * (len(papers) - 1)], np.int32)
    facts = compare(works, labels, np.arange(len(works.pairs.i))).facts[0].tolist()
    sides = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    met = Meeting(works.block, sides, dict(zip(FACTS, facts, strict=True)))
    return {theme.name: theme.describe(met) for theme in THEMES if theme.known(met)}


def test_every_fact_is_told_once_except_how_many_there_are_and_how_the_names_agree():
    told_of = sorted(fact for theme in THEMES for fact in theme.usual)
    assert told_of == sorted(set(FACTS) - {"smaller", "larger", "rivals", "agreement"})


@pytest.mark.parametrize("threshold", [-20.0, 20.0])
def test_the_weights_that_are_told_add_up_to_the_log_odds_of_the_meeting(threshold):
    circles: list[dict] = [*[ENGINES] * 3, *[GALAXIES] * 2, {"title": "On looms"}]
    works = works_of(*(circle | {"year": 1840 + 5 * n} for n, circle in enumerate(circles)))
    trees = Model.shipped().groups
    joined = join(works, np.arange(len(circles), dtype=np.int32), trees, threshold)
    assert len(joined.log_odds) == (5 if threshold < 0 else 15)  # each joins one more; or nobody is joined
    for meeting, log_odds in enumerate(joined.log_odds.tolist()):
        found = list(told(works.block, joined, meeting, trees))
        assert sum(weight for _name, weight, _sentence in found) == pytest.approx(log_odds, abs=1e-4)
        assert found[0][0] == "prior"


def test_what_is_not_known_is_not_told_and_adds_nothing():
    papers = ENGINES | {"abstract": "Engines.", "year": 1840, "venue": "Letters"}, {"title": "On looms"}
    unknown = {"coauthors", "abstract", "years", "venues", "affiliations"}
    said = sentences(*papers)
    assert not unknown & said.keys()
    assert said["others"] == "no other works under this name come into question for either"
    works = works_of(*papers)
    joined = join(works, np.arange(2, dtype=np.int32), Model.shipped().groups, 20.0)
    assert not unknown & {name for name, _weight, _sentence in told(works.block, joined, 0, Model.shipped().groups)}


def test_what_is_known_is_told_with_its_numbers():
    said = sentences(ENGINES | {"year": 1840}, ENGINES | {"year": 1843}, GALAXIES | {"year": 1845})
    assert said["coauthors"] == "both sides wrote with Mary Somerville, Charles Babbage: on 1 of 1 and 1 of 2 works"
    assert said["years"] == "3 years between the two"
    assert said["two by two"] == "two works at a time, the likeliest two are one person’s 2.7 to 1, on average 2.7 to 1"
