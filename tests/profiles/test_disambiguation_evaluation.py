"""The figures of an evaluation, checkable by hand, and equal to those of the independent scorer where it is at hand."""

import gzip
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest

from profiles.disambiguation.calibration import calibration_error, reliability
from profiles.disambiguation.evaluation import KINDS, PRF, Run, Score, groups, pooled, run, score
from profiles.disambiguation.gold import Gold, GoldError, find_sets, folds_of, read_clusters, read_gold, write_clusters
from profiles.disambiguation.signatures import Signature
from profiles.disambiguation.validation import failures

GOLD = Path(__file__).parents[3] / "shared" / "gold"
# Ada wrote a, b, c; Bo wrote d. Predicted: {a, b}, {c, d}.
LABELS = {("a", 0): "ada", ("b", 0): "ada", ("c", 0): "ada", ("d", 0): "bo"}
CLUSTERS = {("a", 0): 1, ("b", 0): 1, ("c", 0): 2, ("d", 0): 2}


def test_b_cubed_averages_over_signatures():
    b3 = score(LABELS, CLUSTERS).b3
    assert b3.precision == pytest.approx((1 + 1 + 1 / 2 + 1 / 2) / 4)
    assert b3.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)
    assert b3.f1 == pytest.approx(2 * 0.75 * (2 / 3) / (0.75 + 2 / 3))


def test_pairwise_counts_pairs():
    pairwise = score(LABELS, CLUSTERS).pairwise
    assert pairwise.precision == pytest.approx(1 / 2)
    assert pairwise.recall == pytest.approx(1 / 3)


def test_a_signature_without_a_cluster_is_alone():
    assert score(LABELS, {}).b3.precision == 1
    assert score(LABELS, {}).clusters == 4


def test_strata_tell_namesakes_from_people_with_several_names():
    given = {("a", 0): "A.", ("b", 0): "A.", ("c", 0): "Ada", ("d", 0): "A."}
    printed = {key: Signature(n, key[0], "Smith", name) for n, (key, name) in enumerate(given.items())}
    strata = score(LABELS, CLUSTERS, groups(LABELS, printed)).strata
    assert {kind: strata[kind][0] for kind in KINDS if kind in strata} == {"homonym": 1, "synonym": 1, "both": 2}
    assert strata["both"][1].precision == 1
    assert strata["both"][1].recall == pytest.approx(2 / 3)


def gold_of(*rows):
    """(paper, family, given, author or none), a signature each."""
    signatures = [Signature(n, p, family, name) for n, (p, family, name, _author) in enumerate(rows)]
    labels = {(p, 0): author for p, _family, _given, author in rows if author}
    return Gold("toy", signatures, [(row[0], 0) for row in rows], labels)


def test_a_set_restricted_to_some_labels_keeps_their_unlabelled_namesakes():
    gold = gold_of(
        ("a", "Li", "Bo", "x"), ("b", "Müller", "Eva", "y"), ("c", "Mueller", "E.", ""), ("d", "Li", "Y.", "")
    )
    kept = gold.restricted({("b", 0)})
    assert kept.labels == {("b", 0): "y"}
    assert [s.id for s in kept.signatures] == [1, 2]


def test_no_author_and_no_block_is_in_two_folds():
    # x is Li and Wang, so the blocks li/b and wang/b are held out together; z shares the block of y.
    gold = gold_of(
        *[("a", "Li", "Bo", "x"), ("b", "Wang", "Bo", "x"), ("c", "Wang", "Bin", "y"), ("d", "Wang", "Bin", "z")],
        *[(f"p{n}", f"Family{n}", "Ada", f"a{n}") for n in range(40)],
    )
    folds = folds_of(gold, 3)
    assert len({folds[p, 0] for p in "abcd"}) == 1
    assert set(folds.values()) == {0, 1, 2}
    assert folds_of(replace(gold, signatures=gold.signatures[::-1]), 3) == folds


def test_runs_of_parts_are_one_run_of_the_whole():
    gold = gold_of(("a", "Li", "Bo", "x"), ("b", "Li", "Bo", "x"), ("c", "Wu", "Bo", "y"), ("d", "Wu", "Bo", "z"))
    parts = [
        (part.labels.keys(), run(part))
        for part in (gold.restricted({("a", 0), ("b", 0)}), gold.restricted({("c", 0), ("d", 0)}))
    ]
    whole, once = pooled(gold, parts), run(gold)
    assert (whole.score.b3, whole.resolved) == (once.score.b3, 4)
    assert whole.pairs.probability.tolist() == pytest.approx(once.pairs.probability.tolist())
    assert whole.pairs.true.tolist() == [True, False]


def test_a_tier_is_measured_apart_with_the_labels_that_do_not_follow_from_the_name():
    gold = replace(gold_of(("a", "Li", "Bo", "x"), ("b", "Wu", "Bo", "y")), tiers={("a", 0): "V", ("b", 0): "E"})
    assert gold.of_tier("EO").labels == {("b", 0): "y"}
    assert gold.of_tier("").labels == gold.labels


def test_the_worst_strata_are_told_unless_they_are_too_small():
    def run_of(strata):
        score_of_set = Score(PRF(0.9, 0.9), PRF(1, 1), 100, 50, 50, strata)
        return Run("toy", score_of_set, {})

    strata = {
        "homonym": (40, PRF(0.4, 0.4)),
        "initials only": (40, PRF(0.5, 0.5)),
        "hyphens": (40, PRF(0.95, 0.95)),
        "particles": (3, PRF(0.1, 0.1)),
    }
    assert failures({"toy": run_of(strata)}) == ["toy, initials only: B³ F1 50.0 on 40 signatures (the set: 90.0)"]


def test_reliability_compares_what_was_stated_with_what_is_true():
    table = reliability([0.95, 0.95, 0.95, 0.1], [True, True, False, False])
    assert [(b.pairs, round(b.stated, 2), round(b.true, 2)) for b in table] == [(1, 0.1, 0.0), (3, 0.95, 0.67)]
    assert calibration_error(table) == pytest.approx((1 * 0.1 + 3 * (0.95 - 2 / 3)) / 4)
    assert calibration_error(reliability([], [])) == 0
    assert [b.pairs for b in reliability([0.0, 1.0], [False, True])] == [1, 1]


def write_set(folder, papers, labels):
    folder.mkdir(parents=True)
    for name, rows in (("papers", papers), ("gold", labels)):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


def paper(identifier, *names):
    authors = [
        {
            "position": n,
            "name": name,
            "family": name.split()[1],
            "given": name.split()[0],
            "affiliation": None,
            "orcid": None,
        }
        for n, name in enumerate(names)
    ]
    return {
        "id": identifier,
        "title": "On engines",
        "abstract": None,
        "year": 1843,
        "venue": None,
        "categories": [],
        "authors": authors,
    }


def test_a_gold_set_is_read_with_the_other_authors_as_coauthors(tmp_path):
    write_set(
        tmp_path / "toy" / "dev",
        [paper("p", "Ada Lovelace", "Charles Babbage")],
        [{"paper_id": "p", "position": 0, "author_id": "x", "tier": "V"}],
    )
    gold = read_gold(find_sets(tmp_path)[0])
    assert gold.name == "toy"
    assert gold.signatures[0].coauthors == ("babbage|charles",)
    assert gold.labels == {("p", 0): "x"}
    assert read_gold(tmp_path / "toy" / "dev", "EO").labels == {}


def test_a_gold_set_runs_whole(tmp_path):
    rows = [{"paper_id": p, "position": 0, "author_id": "x"} for p in "pq"]
    write_set(
        tmp_path / "toy",
        [paper("p", "Ada Lovelace", "Charles Babbage"), paper("q", "Ada Lovelace", "Charles Babbage")],
        rows,
    )
    result = run(read_gold(tmp_path / "toy"))
    assert result.score.b3.f1 == 1
    assert result.resolved == 2


def test_an_absent_folder_a_broken_line_and_a_label_without_paper_are_named(tmp_path):
    with pytest.raises(GoldError, match="holds no gold set"):
        find_sets(tmp_path / "absent")
    write_set(tmp_path / "toy", [paper("p", "Ada Lovelace")], [{"paper_id": "q", "position": 0, "author_id": "x"}])
    with pytest.raises(GoldError, match="stand in no paper"):
        read_gold(tmp_path / "toy")
    (tmp_path / "broken.jsonl").write_text('{"paper_id"\n')
    with pytest.raises(GoldError, match="line 1"):
        read_clusters(tmp_path / "broken.jsonl")
    with pytest.raises(GoldError, match="cannot read"):
        read_clusters(tmp_path / "absent.jsonl")


@pytest.fixture
def scorer():
    """The independent scorer of the gold data, where it is at hand."""
    if not (GOLD / "score.py").exists():
        pytest.skip("the gold data with its scorer is not beside this checkout")
    spec = importlib.util.spec_from_file_location("scorer", GOLD / "score.py")
    assert spec is not None
    assert spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    return scorer


def test_the_figures_are_those_of_the_independent_scorer(scorer):
    gold = read_gold(GOLD / "qian" / "dev")
    clusters = {gold.keys[s.id]: s.name for s in gold.signatures}
    ours, (theirs, _) = score(gold.labels, clusters), scorer.metrics(gold.labels, clusters)
    assert (ours.b3.precision, ours.b3.recall, ours.b3.f1) == pytest.approx(theirs["b3"])
    assert (ours.pairwise.precision, ours.pairwise.recall, ours.pairwise.f1) == pytest.approx(theirs["pair"])


def test_the_independent_scorer_reads_the_clusters_that_are_written(scorer, tmp_path, monkeypatch):
    gold = read_gold(GOLD / "qian" / "dev")
    clusters = {gold.keys[s.id]: s.name for s in gold.signatures}
    write_clusters(tmp_path / "clusters.jsonl", [(gold.name, clusters)])
    arguments = [GOLD / "qian" / "dev", "--pred", tmp_path / "clusters.jsonl", "--json", tmp_path / "figures.json"]
    monkeypatch.setattr("sys.argv", ["score.py", *map(str, arguments)])
    scorer.main()
    theirs = json.loads((tmp_path / "figures.json").read_text())["pred"]
    ours = score(gold.labels, clusters, groups(gold.labels, gold.labelled))
    assert theirs["b3"] == pytest.approx([ours.b3.precision, ours.b3.recall, ours.b3.f1])
    size, b3 = ours.strata["homonym"]
    assert theirs["strata"]["homonym"] == pytest.approx([size, b3.precision, b3.recall, b3.f1])
