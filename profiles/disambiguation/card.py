"""The model card as a document: what a model learnt from, what it reads, what it scores, where it fails.

All of it is said by the model itself, so that the document cannot say anything else: a test holds `docs/model-card.md`
to the model that is shipped. Entry point: `document`. Reference: Mitchell et al. 2019.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .evidence import RULES, Rule
from .groups import SPEAK_FOR, SURE
from .model import Model
from .themes import THEMES

RETRAIN = (
    "python3 manage.py train_disambiguation --gold DIR --worth \\\n"
    "    --output profiles/disambiguation/model.json --document docs/model-card.md"
)
_RANGE = re.compile(r" -?[\d.]+\.\.-?[\d.]+$")


def document(model: Model) -> str:
    """The card of `model` in Markdown. What it was not measured for is said to be so."""
    card = model.card
    parts = [
        "# Model card: who wrote what",
        f"Version {card['version']}. Written by `manage.py train_disambiguation`; do not edit.",
        "Says how likely two printed names on two papers are one person, as a sum of evidence that can be read and "
        f"re-added: {card['method']}. Log-odds above {model.threshold:g} speak for joining two clusters; names on one "
        "paper, conflicting names and people's decisions are never overruled by it.",
        "## Data",
        _table(
            ("set", "learnt from", "licence"),
            [
                (name, text, card.get("data licences", {}).get(name, "not stated"))
                for name, text in card["trained on"].items()
            ],
        ),
        f"Weighting: {card['weighting']}. Names counted in: {card['names counted in']}.",
        "## Features",
        *_features(card),
        "## Scores",
        *_scores(card),
        "## Known failures",
        "\n".join(f"- {failure}" for failure in (*card.get("known failures", ()), card["limits"])),
        "## Training it again",
        f"```sh\n{RETRAIN}\n```",
        "`DIR` holds folders with `papers.jsonl.gz` and `gold.jsonl.gz`. The same data, date (`--date`) and libraries "
        "give the same model.",
    ]
    return "\n\n".join(parts) + "\n"


def _features(card: Mapping[str, Any]) -> Iterator[str]:
    worth: Mapping[str, Mapping[str, float]] = card.get("worth", {})
    sets = list(next(iter(worth.values()), {}))
    yield (
        "Beside each rule: the points of B³ F1 (× 100) that are lost without it, trained again, on the first fold."
        if worth
        else "What each rule is worth was not measured for this version."
    )
    rows = [(rule.name, _columns(rule), *(f"{worth[rule.name][name]:+.1f}" for name in sets)) for rule in RULES]
    yield _table(("rule", "reads", *sets), rows)
    yield (
        f"Works that are one person's with log-odds above {SURE:g} are gathered; groups of works are then weighed by "
        "trees over facts of the two as wholes. Where a rule is left out, so are the facts that its namesake tells."
    )
    yield _table(
        ("theme", "facts; in italics those of which more may only speak for one person"),
        [
            (theme.name, ", ".join(f"*{fact}*" if fact in SPEAK_FOR else fact for fact in theme.usual))
            for theme in THEMES
        ],
    )


def _columns(rule: Rule) -> str:
    return "; ".join(dict.fromkeys(_RANGE.sub("", column) for column in rule.columns))


def _scores(card: Mapping[str, Any]) -> Iterator[str]:
    scores: Mapping[str, Mapping[str, Any]] = card.get("scores", {})
    if not scores:
        yield "Not measured for this version."
        return
    yield (
        f"B³ precision / recall / F1 × 100, one model and one threshold. Held out: {card['validation']}. ECE is the "
        "expected calibration error on held-out pairs (of links: on what receipts state)."
    )
    yield _table(
        ("set", "signatures", "authors", "held out", "seen in training", "ECE", "ECE of links"),
        [
            (
                name,
                f"{of['signatures']:,}",
                f"{of['authors']:,}",
                _three(of["by cross-validation"]),
                _three(of["b3"]),
                f"{of['calibration_error']:.3f}",
                f"{of['calibration_error of links']:.3f}",
            )
            for name, of in scores.items()
        ],
    )
    yield "B³ F1 × 100 by kind of signature, held out; a signature may be of several kinds."
    kinds = list(dict.fromkeys(kind for of in scores.values() for kind in of["strata"]))
    rows = [
        (
            kind,
            *(
                f"{100 * of['strata'][kind]['f1']:.1f} ({of['strata'][kind]['signatures']:,})"
                if kind in of["strata"]
                else "–"
                for of in scores.values()
            ),
        )
        for kind in kinds
    ]
    yield _table(("kind", *scores), rows)


def _three(figures: Mapping[str, float]) -> str:
    return " / ".join(f"{100 * figures[name]:.1f}" for name in ("precision", "recall", "f1"))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
