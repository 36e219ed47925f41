"""Resolving signatures: the hard rules, the cases of the product, and the properties that always hold."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.disambiguation.attribution import STRONG
from profiles.disambiguation.engine import Decisions, resolve
from profiles.disambiguation.groups import FACTS
from profiles.disambiguation.model import Model
from profiles.disambiguation.signatures import Signature, coauthor_key
from profiles.disambiguation.trees import DEPTH, Trees

XIANGNING_CHEN = [
    (
        "Symbol tuning improves in-context learning in language models",
        2023,
        "cs.CL",
        "Jerry Wei, Le Hou, Andrew Lampinen, Xiangning Chen, Da Huang, Yi Tay, Xinyun Chen, Yifeng Lu, Denny Zhou, "
        "Tengyu Ma, Quoc V. Le",
    ),
    (
        "Concurrent Adversarial Learning for Large-Batch Training",
        2021,
        "cs.LG cs.AI",
        "Yong Liu, Xiangning Chen, Minhao Cheng, Cho-Jui Hsieh, Yang You",
    ),
    (
        "Towards Efficient and Scalable Sharpness-Aware Minimization",
        2022,
        "cs.LG cs.AI cs.CV",
        "Yong Liu, Siqi Mai, Xiangning Chen, Cho-Jui Hsieh, Yang You",
    ),
    (
        "When Vision Transformers Outperform ResNets without Pre-training or Strong Data Augmentations",
        2021,
        "cs.CV cs.LG",
        "Xiangning Chen, Cho-Jui Hsieh, Boqing Gong",
    ),
    (
        "Stabilizing Differentiable Architecture Search via Perturbation-based Regularization",
        2020,
        "cs.LG cs.CV stat.ML",
        "Xiangning Chen, Cho-Jui Hsieh",
    ),
    (
        "Efficient Neural Interaction Function Search for Collaborative Filtering",
        2019,
        "cs.LG",
        "Quanming Yao, Xiangning Chen, James Kwok, Yong Li, Cho-Jui Hsieh",
    ),
    (
        "Learning to Recommend with Multiple Cascading Behaviors",
        2018,
        "cs.IR",
        "Chen Gao, Xiangnan He, Dahua Gan, Xiangning Chen, Fuli Feng, Yong Li, Tat-Seng Chua, Lina Yao, Yang Song, "
        "Depeng Jin",
    ),
]
GSNR, HKF, CHATGPT, SKDBERT, ABCP, PSTRN, BNAS = range(7)
ZIXIANG_DING = [
    (
        "Accelerating Large Batch Training via Gradient Signal to Noise Ratio (GSNR)",
        2023,
        "cs.LG",
        "Guo-qing Jiang, Jinlong Liu, Zixiang Ding, Lin Guo, Wei Lin",
    ),
    (
        "Heterogeneous Knowledge Fusion: A Novel Approach for Personalized Recommendation via LLM",
        2023,
        "cs.IR cs.AI",
        "Bin Yin, Junjie Xie, Yu Qin, Zixiang Ding, Zhichao Feng, Xiang Li, Wei Lin",
    ),
    (
        "Is ChatGPT a Good Sentiment Analyzer? A Preliminary Study",
        2023,
        "cs.CL",
        "Zengzhi Wang, Qiming Xie, Zixiang Ding, Yi Feng, Rui Xia",
    ),
    (
        "SKDBERT: Compressing BERT via Stochastic Knowledge Distillation",
        2022,
        "cs.CL",
        "Zixiang Ding, Guoqing Jiang, Shuai Zhang, Lin Guo, Wei Lin",
    ),
    (
        "ABCP: Automatic Block-wise and Channel-wise Network Pruning via Joint Search",
        2021,
        "",
        "Jiaqi Li, Haoran Li, Yaran Chen, Zixiang Ding, Nannan Li, Mingjun Ma, Zicheng Duan, Dongbing Zhao",
    ),
    (
        "Heuristic Rank Selection with Progressively Searching Tensor Ring Network",
        2020,
        "cs.CV cs.AI",
        "Nannan Li, Yu Pan, Yaran Chen, Zixiang Ding, Dongbin Zhao, Zenglin Xu",
    ),
    (
        "Faster Gradient-based NAS Pipeline Combining Broad Scalable Architecture with Confident Learning Rate",
        2020,
        "cs.CV stat.ML",
        "Zixiang Ding, Yaran Chen, Nannan Li, Dongbin Zhao",
    ),
]


def signatures(papers):
    """All signatures of (title, year, topics, authors); ids count up."""
    found: list[Signature] = []
    for paper, (title, year, topics, authors) in enumerate(papers):
        names = [name.rpartition(" ")[::2] for name in authors.split(", ")]
        keys = [coauthor_key(family, given) for given, family in names]
        for n, (given_name, family) in enumerate(names):
            others = tuple(keys[:n] + keys[n + 1 :])
            found.append(
                Signature(
                    len(found),
                    paper,
                    family,
                    given_name,
                    coauthors=others,
                    title=title,
                    year=year,
                    topics=tuple(topics.split()),
                    team=len(names),
                )
            )
    return found


def people(papers, name):
    """For each person printed `name`: the numbers of the papers."""
    known = signatures(papers)
    return [{known[m].paper for m in c.members} for c in resolve(known).clusters if known[c.members[0]].name == name]


@pytest.fixture(scope="module")
def xiangning_chen():
    return signatures(XIANGNING_CHEN), resolve(signatures(XIANGNING_CHEN))


@pytest.fixture(scope="module")
def zixiang_ding():
    return signatures(ZIXIANG_DING), resolve(signatures(ZIXIANG_DING))


def test_the_seven_works_of_the_reference_profile_are_one_persons(xiangning_chen):
    known, resolution = xiangning_chen
    [cluster] = [c for c in resolution.clusters if known[c.members[0]].name == "Xiangning Chen"]
    assert len(cluster.members) == 7
    assert sum(not a.weak for a in cluster.attributions) >= 6


@pytest.mark.parametrize(("name", "works"), [("Cho-Jui Hsieh", 5), ("Yong Liu", 2), ("Yang You", 2), ("Yong Li", 2)])
def test_the_close_collaborators_of_the_reference_profile_are_one_person_each(xiangning_chen, name, works):
    known, resolution = xiangning_chen
    clusters = [c for c in resolution.clusters if name in {known[m].name for m in c.members}]
    assert [len(c.members) for c in clusters] == [works]
    assert {known[m].name for m in clusters[0].members} == {name}


def test_a_work_of_a_likely_namesake_is_split_off_or_weak(zixiang_ding):
    known, resolution = zixiang_ding
    [attribution] = [
        a
        for c in resolution.clusters
        for a in c.attributions
        if known[a.signature].name == "Zixiang Ding" and known[a.signature].paper == CHATGPT
    ]
    assert attribution.weak


def test_works_before_and_after_a_change_of_job_are_stated_with_less_confidence(zixiang_ding):
    known, resolution = zixiang_ding
    for cluster in resolution.clusters:
        stated = {
            known[a.signature].paper: a.probability
            for a in cluster.attributions
            if known[a.signature].name == "Zixiang Ding"
        }
        if GSNR in stated and BNAS in stated:
            assert min(stated[p] for p in (GSNR, HKF, SKDBERT)) > max(stated[p] for p in (ABCP, PSTRN, BNAS))


def test_hyphens_do_not_make_two_people(zixiang_ding):
    known, resolution = zixiang_ding
    assert {"Guo-qing Jiang", "Guoqing Jiang"} in [{known[m].name for m in c.members} for c in resolution.clusters]


def test_a_misprint_is_suggested_and_not_merged(zixiang_ding):
    known, resolution = zixiang_ding
    names = {"Dongbin Zhao", "Dongbing Zhao"}
    assert not [c for c in resolution.clusters if names <= {known[m].name for m in c.members}]
    [suggestion] = [s for s in resolution.suggestions if {known[s.left].name, known[s.right].name} == names]
    assert "misprint" in suggestion.sentence
    assert "Yaran Chen" in suggestion.sentence


def test_evidence_adds_up_to_the_total_and_the_probability(xiangning_chen):
    known, resolution = xiangning_chen
    for attribution in (a for c in resolution.clusters if len(c.members) > 1 for a in c.attributions):
        assert sum(e.weight for e in attribution.evidence) == pytest.approx(attribution.total)
        assert attribution.probability == pytest.approx(1 / (1 + math.exp(-attribution.total)))
        assert attribution.weak == (attribution.probability < STRONG)
        assert known[attribution.linked_to].paper != known[attribution.signature].paper


def test_works_that_came_together_as_groups_are_attributed_by_what_is_known_of_the_groups():
    """Two circles under one rare name: by themselves no two of their works are surely one person's."""
    cuts = np.full((1, DEPTH), 0.01, np.float32)  # one tree that asks whether any two works have even odds
    asked = np.full((1, DEPTH), FACTS.index("best"), np.int32)
    sure = Trees(-0.5, asked, cuts, np.linspace(0, 3, 2**DEPTH, dtype=np.float32)[np.newaxis])
    papers = [
        ("Broad neural architecture search", 2020, "cs.LG", "Boqing Gong, Nannan Li, Yaran Chen"),
        ("Block-wise neural architecture search", 2020, "cs.LG", "Boqing Gong, Nannan Li, Yaran Chen"),
        ("Distillation of teachers", 2020, "cs.CL", "Boqing Gong, Lin Guo, Guo-qing Jiang"),
        ("Distillation from user histories", 2020, "cs.CL", "Boqing Gong, Lin Guo, Guo-qing Jiang"),
    ]
    known = signatures(papers)
    [gong] = [
        c
        for c in resolve(known, model=replace(Model.shipped(), groups=sure)).clusters
        if known[c.members[0]].family == "Gong"
    ]
    assert len(gong.members) == 4
    of_groups = [a for a in gong.attributions if a.evidence[1].rule == "two by two"]
    assert of_groups
    for attribution in of_groups:
        assert attribution.total == pytest.approx(2.5)
        assert attribution.weak  # strong enough by its number, but nothing but the name ties the circles
        rules = [part.rule for part in attribution.evidence[1].parts]
        assert rules[:3] == ["prior", "name", "rarity"]


# How a sentence begins or what it says, and the direction that its weight must have.
DIRECTIONS = [
    ("a rare name:", 1),
    ("a common name:", -1),
    ("a very common name:", -1),
    ("is a rare family name", 1),
    ("is a common family name", -1),
    ("both are printed", 1),
    ("both wrote with", 1),
    ("they share no coauthor", -1),
    ("the titles are related", 1),
    ("the titles are closely related", 1),
    ("both are filed under", 1),
    ("filed under different", -1),
]


@pytest.mark.parametrize("papers", [XIANGNING_CHEN, ZIXIANG_DING])
@pytest.mark.parametrize(("words", "direction"), DIRECTIONS)
def test_a_reason_speaks_in_the_direction_of_its_weight(papers, words, direction):
    links = [a for c in resolve(signatures(papers)).clusters for a in c.attributions if a.linked_to is not None]
    assert all(e.weight * direction > 0 for a in links for e in a.evidence if words in e.sentence)


def test_an_unrelated_title_speaks_against_where_no_word_is_shared():
    papers = [
        ("Neural machine translation", 2020, "", "Zixiang Ding, Rui Xia"),
        ("Dark matter in dwarf galaxies", 2020, "", "Zixiang Ding, Rui Xia"),
    ]
    [cluster] = [c for c in resolve(signatures(papers)).clusters if 0 in c.members]
    [title] = [e for e in cluster.attributions[0].evidence if e.rule == "title"]
    assert "hardly related" in title.sentence
    assert title.weight < 0


def tied_by(coauthor):
    """Two circles of one printed name, in different subjects, that share nothing else than a coauthor."""
    return [
        ("Dark matter in dwarf galaxies", 2020, "astro-ph.GA", "Zixiang Ding, Vera Rubin"),
        ("Rotation curves of dwarf galaxies", 2021, "astro-ph.GA", f"Zixiang Ding, Vera Rubin, {coauthor}"),
        ("Bidirectional parsing", 2018, "cs.CL", f"Zixiang Ding, Ada Lovelace, {coauthor}"),
        ("Parsing with grammars", 2019, "cs.CL", "Zixiang Ding, Ada Lovelace"),
    ]


@pytest.mark.parametrize(("coauthor", "weak"), [("Xiang Li", True), ("Yaran Chen", False)])
def test_one_coauthor_with_a_common_name_does_not_tie_two_circles_strongly(coauthor, weak):
    papers = tied_by(coauthor)
    known = signatures(papers)
    found = [a for c in resolve(known).clusters for a in c.attributions if known[a.signature].name == "Zixiang Ding"]
    assert any(a.weak for a in found) is weak


def test_two_j_smiths_of_different_worlds_are_two_people():
    papers = [
        ("Neural machine translation", 2020, "cs.CL", "J. Smith, Ada Lovelace"),
        ("Dark matter in dwarf galaxies", 2020, "astro-ph.GA", "J. Smith, Vera Rubin"),
    ]
    assert people(papers, "J. Smith") == [{0}, {1}]


def test_one_name_twice_on_a_paper_is_two_people():
    papers = [("On engines", 1843, "cs.LG", "Ada Lovelace, Charles Babbage, Ada Lovelace")]
    assert people(papers, "Ada Lovelace") == [{0}, {0}]


def test_a_name_without_given_name_does_not_join_one_with():
    papers = [
        ("On engines", 1843, "cs.LG", "Ada Lovelace, Charles Babbage"),
        ("On engines", 1844, "cs.LG", "Lovelace, Charles Babbage"),
    ]
    assert people(papers, "Lovelace") == [{1}]


def test_a_lone_work_is_strong_only_with_a_full_name_that_nobody_competes_for():
    alone = [("On engines", 1843, "cs.LG", "Ada Lovelace")]
    [cluster] = resolve(signatures(alone)).clusters
    assert not cluster.attributions[0].weak
    [cluster] = resolve(signatures([("On engines", 1843, "cs.LG", "A. Lovelace")])).clusters
    assert cluster.attributions[0].weak


# Papers 0 and 1: far apart in every way. Signatures 0 and 2 are the J. Smiths.
APART = [
    ("Neural machine translation", 2020, "cs.CL", "John Smith, Ada Lovelace"),
    ("Dark matter in dwarf galaxies", 2020, "astro-ph.GA", "James Smith, Vera Rubin"),
]


def test_people_who_decide_same_are_obeyed_against_the_names_and_the_reason_says_so():
    resolution = resolve(signatures(APART), Decisions(same=frozenset({(2, 0)})))
    [cluster] = [c for c in resolution.clusters if 0 in c.members]
    assert cluster.members == (0, 2)
    assert [e.rule for e in cluster.attributions[0].evidence] == ["decision"]


def test_a_decision_holds_across_family_names():
    resolution = resolve(signatures(APART), Decisions(same=frozenset({(1, 3)})))
    assert (1, 3) in [c.members for c in resolution.clusters]


def test_a_person_with_two_names_is_joined_with_works_under_either():
    papers = [
        *APART[:1],
        ("Neural machine translation of rare words", 2021, "cs.CL", "Anna Jones, Ada Lovelace"),
        ("Statistical machine translation", 2019, "cs.CL", "Anna Jones, Ada Lovelace"),
    ]
    resolution = resolve(signatures(papers), Decisions(same=frozenset({(0, 2)})))
    assert (0, 2, 4) in [c.members for c in resolution.clusters]


def test_people_who_decide_different_are_obeyed_even_transitively():
    known = signatures(XIANGNING_CHEN)
    hsieh = [s.id for s in known if s.name == "Cho-Jui Hsieh"]
    decisions = Decisions(same=frozenset({(hsieh[0], hsieh[1])}), different=frozenset({(hsieh[1], hsieh[2])}))
    [cluster] = [c for c in resolve(known, decisions).clusters if hsieh[0] in c.members]
    assert hsieh[1] in cluster.members
    assert hsieh[2] not in cluster.members


def test_decisions_that_contradict_each_other_are_reported():
    decisions = Decisions(same=frozenset({(0, 2)}), different=frozenset({(0, 2)}))
    resolution = resolve(signatures(APART), decisions)
    assert [c.signatures for c in resolution.contradictions] == [(0, 2)]
    assert (0, 2) not in [c.members for c in resolution.clusters]


def test_a_decision_against_a_paper_with_both_names_is_reported():
    resolution = resolve(signatures(APART), Decisions(same=frozenset({(0, 1)})))
    assert "one paper" in resolution.contradictions[0].sentence
    assert (0,) in [c.members for c in resolution.clusters]


def with_orcids(first, second):
    left, other, right, last = signatures(APART)
    fields = {f: getattr(right, f) for f in ("paper", "family", "coauthors", "title", "year", "topics", "team")}
    mine = {f: getattr(left, f) for f in ("paper", "family", "given", "coauthors", "title", "year", "topics", "team")}
    return [Signature(0, orcid=first, **mine), other, Signature(2, given="John", orcid=second, **fields), last]


def test_the_same_authenticated_id_joins():
    resolution = resolve(with_orcids("0000-0002-1825-0097", "0000-0002-1825-0097"))
    [cluster] = [c for c in resolution.clusters if 0 in c.members]
    assert cluster.members == (0, 2)
    assert cluster.attributions[0].evidence[0].rule == "orcid"


def test_different_authenticated_ids_keep_apart():
    known = [
        Signature(
            n,
            n,
            "Lovelace",
            "Ada",
            coauthors=("babbage|charles", "somerville|mary"),
            title="On the analytical engine",
            team=3,
            orcid=orcid,
        )
        for n, orcid in enumerate(("0000-0002-1825-0097", "0000-0001-5109-3700"))
    ]
    assert [c.members for c in resolve(known).clusters] == [(0,), (1,)]


def test_two_signatures_with_one_id_are_refused():
    with pytest.raises(ValueError, match="same id"):
        resolve([Signature(1, 1, "Lovelace", "Ada"), Signature(1, 2, "Lovelace", "Ada")])


def test_nobody_is_resolved_to_nobody():
    assert resolve([]).clusters == []


def test_a_model_for_other_rules_is_refused():
    with pytest.raises(ValueError, match="other columns"):
        Model.read('{"bias": 0, "weights": {"name: same": 1}, "threshold": 0, "card": {}}')


@st.composite
def databases(draw):
    """A dozen signatures of a few names on a few papers."""
    names = st.tuples(
        st.sampled_from(["Smith", "Schütze", "Schuetze", "Li", ""]),
        st.sampled_from(["J.", "John", "Jon", "Yong", "J. A.", "", "Bob", "Robert"]),
    )
    papers = draw(st.lists(st.lists(names, min_size=1, max_size=3), min_size=1, max_size=6))
    found: list[Signature] = []
    for paper, authors in enumerate(papers):
        title = draw(st.sampled_from(["Neural translation", "Dark matter", "Neural networks", ""]))
        keys = [coauthor_key(*name) for name in authors]
        for n, (family, given_name) in enumerate(authors):
            found.append(
                Signature(
                    len(found),
                    paper,
                    family,
                    given_name,
                    coauthors=tuple(keys[:n] + keys[n + 1 :]),
                    title=title,
                    year=2000 + paper,
                    team=len(authors),
                )
            )
    pairs = st.tuples(st.integers(0, len(found) - 1), st.integers(0, len(found) - 1))
    return found, Decisions(draw(st.frozensets(pairs, max_size=3)), draw(st.frozensets(pairs, max_size=3)))


@settings(deadline=None, max_examples=60)
@given(databases(), st.randoms(use_true_random=False))
def test_what_always_holds(database, chance: random.Random):
    known, decisions = database
    resolution = resolve(known, decisions)
    members = [m for c in resolution.clusters for m in c.members]
    assert sorted(members) == [s.id for s in known]  # each in exactly one cluster
    cluster_of = {m: number for number, c in enumerate(resolution.clusters) for m in c.members}
    for c in resolution.clusters:
        assert len({known[m].paper for m in c.members}) == len(c.members)  # two of one paper never together
        assert [a.signature for a in c.attributions] == list(c.members)
    assert all(a == b or cluster_of[a] != cluster_of[b] for a, b in decisions.different)
    reported = {frozenset(x.signatures) for x in resolution.contradictions}
    assert all(cluster_of[a] == cluster_of[b] or any({a, b} <= r for r in reported) for a, b in decisions.same)
    mixed = list(known)
    chance.shuffle(mixed)
    assert resolve(mixed, decisions) == resolution  # order does not matter, twice is the same
