"""What a model scores on people it has not seen, and what each rule is worth: the measured half of a model's card.

Idea: cross-validation over name blocks. A block (family name and first initial) is held out whole, together with every
block that one of its authors is also printed in, so that no author and no name is on both sides. For each fold a model
is learnt from the labels of the others, on all sets at once, and resolves the papers with the fold's labels, unlabelled
namesakes and all, at the one threshold. Entry points: `measure` for the card, `cross_validate`, `worth`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from .evaluation import KINDS, PRF, Run, pooled, run
from .evidence import RULES
from .gold import Gold, Key, folds_of
from .model import Model
from .training import learn

# Of acl's tiers those in which the label does not follow from the name: E a curator decided, O an ORCID iD.
INDEPENDENT = "EO"
LICENCES = {
    "acl": "ACL Anthology metadata: CC BY 4.0; before 2016 CC BY-NC-SA 3.0",
    "arnetminer": "ArnetMiner name set: no licence stated",
    "inspire_wang": "INSPIRE data as shipped with beard: BSD-3-Clause; parent data CC0",
    "openreview": "OpenReview exports (paperlists): no licence stated",
    "qian": "DBLP set of Qian et al. 2015: no licence stated; DBLP itself is CC0",
}
# A stratum of fewer signatures says little: at 30 the standard error of a share is up to nine points.
SMALLEST = 30
FAILURES = 8

Tell = Callable[[str], None]


def silent(_progress: str) -> None:
    """Tell nobody."""


def cross_validate(sets: Sequence[Gold], folds: int, date: str, tell: Tell = silent) -> list[Run]:
    """The held-out run of each set, and of its labels that are independent of the name where it has such.

    Raises GoldError if the labels outside a fold teach nothing.
    """
    parts: dict[str, list[tuple[set[Key], Run]]] = {gold.name: [] for gold in sets}
    for number in range(folds):
        model, held = _held_out(sets, folds, number, date)
        for gold in held:
            parts[gold.name].append((set(gold.labels), run(gold, model)))
        tell(f"fold {number + 1} of {folds} measured")
    return [pooled(gold, _within(gold, parts[whole.name])) for whole in sets for gold in _views(whole)]


def _held_out(sets: Sequence[Gold], folds: int, number: int, date: str, without: str = "") -> tuple[Model, list[Gold]]:
    """A model that has not seen fold `number`, and that fold of each set."""
    inside, outside = [], []
    for gold in sets:
        fold_of = folds_of(gold, folds)
        inside.append(gold.restricted({key for key, n in fold_of.items() if n == number}))
        outside.append(gold.restricted({key for key, n in fold_of.items() if n != number}))
    learnt = learn([gold for gold in outside if gold.labels], date, without)
    return learnt, [gold for gold in inside if gold.labels]


def _views(gold: Gold) -> Iterator[Gold]:
    yield gold
    if gold.tiers and (labels := gold.of_tier(INDEPENDENT).labels):
        yield replace(gold, labels=labels, name=f"{gold.name} (tier {INDEPENDENT})")


def _within(gold: Gold, parts: Sequence[tuple[set[Key], Run]]) -> list[tuple[set[Key], Run]]:
    return [(keys & gold.labels.keys(), run) for keys, run in parts]


def worth(sets: Sequence[Gold], folds: int, date: str, tell: Tell = silent) -> dict[str, dict[str, float]]:
    """By rule and set: the points of B³ F1 (×100) that are lost on the first fold without the rule, trained again."""

    def f1(without: str) -> dict[str, float]:
        model, held = _held_out(sets, folds, 0, date, without)
        tell(f"measured without {without}" if without else "measured with every rule")
        return {gold.name: run(gold, model).score.b3.f1 for gold in held}

    whole = f1("")
    lost = {rule.name: f1(rule.name) for rule in RULES}
    return {rule: {name: round(100 * (whole[name] - of[name]), 2) for name in whole} for rule, of in lost.items()}


def measure(
    model: Model, sets: Sequence[Gold], folds: int, with_worth: bool = False, tell: Tell = silent
) -> dict[str, Any]:
    """The measured entries of the card of a `model` that was learnt from `sets`.

    "scores": by set, "b3" of the model itself, which has seen these labels; all else is held out. "worth": see `worth`.
    """
    date = str(model.card["version"])
    held = cross_validate(sets, folds, date, tell)
    seen: dict[str, Run] = {}
    for whole in sets:
        ours = run(whole, model)
        seen |= {gold.name: pooled(gold, [(set(gold.labels), ours)]) for gold in _views(whole)}
        tell(f"{whole.name} measured")
    card: dict[str, Any] = {
        "validation": f"{folds} folds of whole name blocks; no author and no name block is on both sides",
        "scores": {r.name: {"b3": prf(seen[r.name].score.b3), **_held_out_figures(r)} for r in held},
        "data licences": {gold.name: LICENCES.get(gold.name, "not stated") for gold in sets},
        "known failures": failures({r.name: r for r in held}),
    }
    if with_worth:
        card["worth"] = worth(sets, folds, date, tell)
    return card


def _held_out_figures(held: Run) -> dict[str, Any]:
    return {
        "by cross-validation": prf(held.score.b3),
        "calibration_error": round(held.pairs.error, 4),
        "reliability": [asdict(b) for b in held.pairs.reliability],
        "calibration_error of links": round(held.links.error, 4),
        "strata": {name: {"signatures": n, **prf(b3)} for name, (n, b3) in held.score.strata.items()},
        "signatures": held.score.labelled,
        "authors": held.score.authors,
    }


def prf(figures: PRF) -> dict[str, float]:
    """Precision, recall and F1 in 0..1, four decimals."""
    return {name: round(getattr(figures, name), 4) for name in ("precision", "recall", "f1")}


def failures(held: Mapping[str, Run]) -> list[str]:
    """The hard strata that are worst, as sentences: below their set as a whole, and not too small to say anything."""
    found = [
        (b3.f1, f"{name}, {stratum}: B³ F1 {100 * b3.f1:.1f} on {n:,} signatures (the set: {100 * r.score.b3.f1:.1f})")
        for name, r in held.items()
        for stratum, (n, b3) in r.score.strata.items()
        if stratum not in KINDS and n >= SMALLEST and b3.f1 < r.score.b3.f1
    ]
    return [sentence for _f1, sentence in sorted(found)[:FAILURES]]
