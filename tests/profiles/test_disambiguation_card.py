"""The model that is shipped: its document says what it says, and it is data, small and readable."""

import json
from dataclasses import replace
from importlib import resources

import numpy as np

from profiles.disambiguation import card
from profiles.disambiguation.evidence import RULES
from profiles.disambiguation.model import Model
from tests.conftest import REPO_ROOT

SHIPPED = resources.files("profiles.disambiguation")
ARTEFACTS = sorted(file.name for file in SHIPPED.iterdir() if file.is_file() and not file.name.endswith(".py"))


def test_the_document_is_what_the_shipped_model_says_of_itself():
    assert (REPO_ROOT / "docs" / "model-card.md").read_text("utf-8") == card.document(Model.shipped())


def test_the_document_names_every_rule_every_set_and_how_to_train_again():
    text = card.document(Model.shipped())
    assert all(f"| {rule.name} |" in text for rule in RULES)
    assert all(f"| {name} |" in text for name in Model.shipped().card["trained on"])
    assert "manage.py train_disambiguation" in text


def test_scores_and_worth_are_shown_as_the_card_has_them():
    figures = {"precision": 0.95, "recall": 0.85, "f1": 0.8972}
    scores = {
        "toy": {
            "b3": figures,
            "by cross-validation": figures,
            "calibration_error": 0.021,
            "reliability": [],
            "calibration_error of links": 0.012,
            "strata": {"hyphens": {"signatures": 7, **figures}},
            "signatures": 1234,
            "authors": 56,
        }
    }
    measured = {
        "validation": "3 folds",
        "scores": scores,
        "worth": {rule.name: {"toy": -0.1} for rule in RULES},
        "known failures": ["toy, hyphens: low"],
        "data licences": {"toy": "CC0"},
    }
    model = Model.shipped()
    text = card.document(replace(model, card={**model.card, **measured, "trained on": {"toy": "10 signatures"}}))
    row = "| toy | 1,234 | 56 | 95.0 / 85.0 / 89.7 | 95.0 / 85.0 / 89.7 | 0.021 | 0.012 |"
    for line in (row, "| hyphens | 89.7 (7) |", "| toy | 10 signatures | CC0 |", "- toy, hyphens: low"):
        assert line in text
    assert text.count("| -0.1 |") == len(RULES)


def test_the_artefacts_are_small_and_none_is_a_pickle():
    assert {name.partition(".")[2] for name in ARTEFACTS} == {"json", "npz", "tsv.gz"}
    assert sum(len((SHIPPED / name).read_bytes()) for name in ARTEFACTS) <= 5_000_000
    assert json.loads((SHIPPED / "model.json").read_text("utf-8"))["weights"]
    for name in ARTEFACTS:
        if name.endswith(".npz"):
            with np.load(str(SHIPPED / name), allow_pickle=False) as arrays:
                assert all(arrays[array].dtype != object for array in arrays)
