"""The commands that measure and train, on a gold set small enough to be read. No database may be touched."""

import gzip
import io
import json
import shutil
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from profiles.disambiguation.card import document
from profiles.disambiguation.evidence import RULES
from profiles.disambiguation.model import Model

# Ada Lovelace wrote a and b with Babbage; the one of c is another. Grace Hopper wrote d and e.
PAPERS = [
    ("a", "Notes on the analytical engine", ["math.HO"], ["Ada Lovelace", "Charles Babbage"]),
    ("b", "The analytical engine and Bernoulli numbers", ["math.HO"], ["Ada Lovelace", "Charles Babbage"]),
    ("c", "Dark matter in dwarf galaxies", ["astro-ph.GA"], ["Ada Lovelace", "Vera Rubin"]),
    ("d", "A compiler for the mark computer", ["cs.PL"], ["Grace Hopper", "Howard Aiken"]),
    ("e", "Compilers and their languages", ["cs.PL"], ["Grace Hopper", "Howard Aiken"]),
]
AUTHORS = {"a": ("ada", "V"), "b": ("ada", "V"), "c": ("another", "E"), "d": ("grace", "V"), "e": ("grace", "V")}
RIGHT = {"a": 1, "b": 1, "c": 2, "d": 3, "e": 3}
ONE_ADA = {"a": 1, "b": 1, "c": 1, "d": 3, "e": 3}


def printed(position, name):
    given, family = name.split()
    return {"position": position, "name": name, "family": family, "given": given, "affiliation": None, "orcid": None}


def write_lines(path, rows):
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def gold(tmp_path):
    folder = tmp_path / "toy"
    folder.mkdir()
    papers = [
        {
            "id": identifier,
            "title": title,
            "abstract": None,
            "year": 1843,
            "venue": None,
            "categories": categories,
            "authors": [printed(*item) for item in enumerate(names)],
        }
        for identifier, title, categories, names in PAPERS
    ]
    write_lines(folder / "papers.jsonl.gz", papers)
    labels = [{"paper_id": p, "position": 0, "author_id": a, "tier": tier} for p, (a, tier) in AUTHORS.items()]
    write_lines(folder / "gold.jsonl.gz", labels)
    return folder


@pytest.fixture
def clustering(tmp_path):
    def write(clusters):
        path = tmp_path / "clusters.jsonl"
        rows = [{"paper_id": p, "position": 0, "cluster_id": number} for p, number in clusters.items()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def evaluate(gold, **options):
    out = io.StringIO()
    call_command("evaluate", gold=gold, stdout=out, **options)
    return out.getvalue()


def figures(gold, path, **options):
    evaluate(gold, json=path, **options)
    [row] = json.loads(path.read_text())
    return row


def test_the_table_has_a_row_for_each_set_and_breaks_no_figure(gold, clustering):
    table = evaluate(gold, score=clustering(RIGHT))
    [row] = [line for line in table.splitlines() if "toy" in line and "/" in line]
    assert row.count("100.0 / 100.0 / 100.0") == 2


def test_hard_strata_and_the_reliability_of_pairs_and_links_are_printed(gold):
    table = evaluate(gold)
    [row] = [line for line in table.splitlines() if "same name, different people" in line]
    assert " / " in row
    [row] = [line for line in table.splitlines() if "native scripts" in line]
    assert "–" in row
    assert "ECE" in table
    assert "→" in table


def test_the_clusters_that_were_scored_are_written_and_score_the_same_when_read_again(gold, tmp_path):
    written = tmp_path / "clusters.jsonl"
    first = figures(gold, tmp_path / "figures.json", predictions=written)
    rows = [json.loads(line) for line in written.read_text().splitlines()]
    assert {tuple(row) for row in rows} == {("paper_id", "position", "cluster_id")}
    assert sorted((row["paper_id"], row["position"]) for row in rows) == [(p, 0) for p in "abcde"]
    again = figures(gold, tmp_path / "figures.json", score=written)
    assert (again["b3"], again["strata"]) == (first["b3"], first["strata"])


def test_clusters_of_several_sets_say_which_set_they_are_of(gold, tmp_path):
    shutil.copytree(gold, gold.parent / "other")
    written = tmp_path / "clusters.jsonl.gz"
    evaluate(gold.parent, predictions=written)
    with gzip.open(written, "rt") as file:
        assert [json.loads(line)["set"] for line in file] == ["other"] * 5 + ["toy"] * 5
    assert "100.0" in evaluate(gold.parent, score=written)


def test_evaluate_resolves_the_set_and_writes_the_figures(gold, tmp_path):
    row = figures(gold.parent, tmp_path / "figures.json")
    assert row["set"] == "toy"
    assert (row["labelled"], row["authors"], row["signatures"]) == (5, 3, 5)
    assert row["b3"]["recall"] == 1
    assert sum(b["pairs"] for b in row["links"]["reliability"]) >= 4
    assert sum(b["pairs"] for b in row["pairs"]["reliability"]) == 4  # three of Ada Lovelaces, one of Grace Hoppers
    assert row["cpu_seconds"] > 0


def test_a_given_clustering_is_scored_instead(gold, clustering, tmp_path):
    row = figures(gold, tmp_path / "figures.json", score=clustering(ONE_ADA))
    assert row["b3"]["precision"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert row["pairwise"]["precision"] == pytest.approx(2 / 4)
    assert row["strata"]["homonym"]["signatures"] == 3
    assert (row["clusters"], row["signatures"], row["pairs"]["reliability"]) == (2, 0, [])


def test_a_tier_counts_only_its_labels(gold, clustering, tmp_path):
    row = figures(gold, tmp_path / "figures.json", score=clustering(ONE_ADA), tier="V")
    assert row["labelled"] == 4
    assert row["b3"]["precision"] == 1


@pytest.mark.parametrize("command", ["evaluate", "train_disambiguation"])
def test_an_absent_folder_is_refused(command, tmp_path):
    options = {} if command == "evaluate" else {"output": tmp_path / "model.json"}
    with pytest.raises(CommandError, match="holds no gold set"):
        call_command(command, gold=tmp_path / "absent", **options)


def test_a_clustering_without_clusters_is_refused_by_line(gold, tmp_path):
    (tmp_path / "clusters.jsonl").write_text('{"paper_id": "a", "position": 0}\n')
    with pytest.raises(CommandError, match=r"line 1: an object with .*cluster_id"):
        evaluate(gold, score=tmp_path / "clusters.jsonl")


def test_a_clustering_that_does_not_say_of_which_set_it_is_is_refused(gold, clustering):
    shutil.copytree(gold, gold.parent / "other")
    with pytest.raises(CommandError, match="name one"):
        evaluate(gold.parent, score=clustering(RIGHT))


def test_training_writes_a_model_that_can_be_read_and_says_what_it_learnt_from(gold, tmp_path):
    out, path = io.StringIO(), tmp_path / "model.json"
    call_command("train_disambiguation", gold=gold, output=path, folds=0, stdout=out)
    assert str(path) in out.getvalue()
    model = Model.read(path.read_text())
    assert model.card["trained on"] == {"toy": "5 signatures of 3 authors, 4 pairs"}
    assert model.weights["name: same"] >= 0


def test_training_on_names_that_never_agree_is_refused(gold, tmp_path):
    write_lines(gold / "gold.jsonl.gz", [{"paper_id": p, "position": 0, "author_id": "x"} for p in "ad"])
    with pytest.raises(CommandError, match="nothing can be learnt"):
        call_command("train_disambiguation", gold=gold, output=tmp_path / "model.json")


def test_training_measures_the_model_on_people_it_has_not_seen_and_writes_the_card(gold, tmp_path):
    model, card = tmp_path / "model.json", tmp_path / "card.md"
    call_command(
        "train_disambiguation", gold=gold, output=model, document=card, folds=2, worth=True, stderr=io.StringIO()
    )
    found = Model.read(model.read_text())
    assert set(found.card["scores"]) == {"toy", "toy (tier EO)"}
    scores = found.card["scores"]["toy"]
    assert (scores["signatures"], scores["authors"]) == (5, 3)
    assert set(scores["by cross-validation"]) == set(scores["b3"]) == {"precision", "recall", "f1"}
    assert set(found.card["worth"]) == {rule.name for rule in RULES}
    assert card.read_text() == document(found)
    assert f"{100 * scores['by cross-validation']['f1']:.1f}" in card.read_text()


def test_training_twice_gives_the_same_model(gold, tmp_path):
    for name in "ab":
        call_command(
            "train_disambiguation",
            gold=gold,
            output=tmp_path / name,
            date=date(2026, 1, 1),
            folds=2,
            stderr=io.StringIO(),
        )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("options", [{"folds": 1}, {"folds": 0, "worth": True}])
def test_a_fold_that_is_no_part_is_refused(gold, tmp_path, options):
    with pytest.raises(CommandError, match="2 or more"):
        call_command("train_disambiguation", gold=gold, output=tmp_path / "model.json", **options)
