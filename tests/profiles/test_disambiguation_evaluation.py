"""The figures of an evaluation, checkable by hand, and equal to those of the independent scorer where it is at hand."""

import gzip
import importlib.util
import json
from pathlib import Path

import pytest

from profiles.disambiguation import evaluation
from profiles.disambiguation.evaluation import GoldError, find_sets, read_gold, reliability, score

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
    names = {("a", 0): "a smith", ("b", 0): "a smith", ("c", 0): "ada smith", ("d", 0): "a smith"}
    strata = score(LABELS, CLUSTERS, names).strata
    assert {kind: n for kind, (n, _) in strata.items()} == {"homonym": 1, "synonym": 1, "both": 2}


def test_reliability_compares_what_was_stated_with_what_is_true():
    table = reliability([(0.95, True), (0.95, True), (0.95, False), (0.1, False)])
    assert [(b.pairs, round(b.stated, 2), round(b.true, 2)) for b in table] == [(1, 0.1, 0.0), (3, 0.95, 0.67)]


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
    result = evaluation.run(read_gold(tmp_path / "toy"))
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
        evaluation.read_predictions(tmp_path / "broken.jsonl")
    with pytest.raises(GoldError, match="cannot read"):
        evaluation.read_predictions(tmp_path / "absent.jsonl")


def test_the_figures_are_those_of_the_independent_scorer():
    if not (GOLD / "score.py").exists():
        pytest.skip("the gold data with its scorer is not beside this checkout")
    spec = importlib.util.spec_from_file_location("scorer", GOLD / "score.py")
    assert spec is not None
    assert spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    gold = read_gold(GOLD / "qian" / "dev")
    clusters = {gold.keys[s.id]: s.name for s in gold.signatures}
    ours, (theirs, _) = score(gold.labels, clusters), scorer.metrics(gold.labels, clusters)
    assert (ours.b3.precision, ours.b3.recall, ours.b3.f1) == pytest.approx(theirs["b3"])
    assert (ours.pairwise.precision, ours.pairwise.recall, ours.pairwise.f1) == pytest.approx(theirs["pair"])
