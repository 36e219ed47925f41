"""How often the matcher is right: as measured when it was trained, and against what people have decided since.

Problem: a stated probability is worth as much as it has proved right, and figures measured once go stale. Idea: the
model's card holds the scores on gold sets; every decision holds what the matcher had said just before, so the decisions
are counted by the probability stated and by how frequent the name is. Readers' doubts (`doubts`) decide nothing, and
are left out. A missing figure is none, never zero.
Entry points: `gold_scores`, `worths` for the card, `decided` for the decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Case, Count, F, Q, Value, When
from django.db.models.functions import Floor, Least

from .models import Correction

BINS = 10  # of stated probability: as many as a reader compares, and each soon has decisions
# Expected occurrences of a name among 2.5 million below which it is called rare, or common: the words of the receipts
# (`disambiguation.evidence.rarity_sentence`).
FREQUENCIES = (("rare", 30.0), ("common", 300.0))
VERY = "very common"


@dataclass(frozen=True, slots=True)
class Bin:
    """`count` cases: the mean probability `stated`, the share that proved `true`."""

    count: int
    stated: float
    true: float


@dataclass(frozen=True, slots=True)
class Measure:
    """Precision, recall and their harmonic mean, 0 to 1."""

    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class GoldScore:
    """One gold set on the card; what the card does not give is None or empty. `strata`: F1, names by kind."""

    name: str
    b3: Measure
    cross_validated: Measure
    calibration_error: float | None
    reliability: tuple[Bin, ...]
    signatures: int | None
    authors: int | None
    strata: Mapping[str, tuple[float | None, int | None]]


@dataclass(frozen=True, slots=True)
class Decided:
    """Decisions in one group: how many, how many the matcher agreed with, what it stated and what was true."""

    label: str
    count: int = 0
    agreed: int = 0
    stated: float = 0.0
    true: float = 0.0

    @property
    def share(self) -> float:
        """Share of the decisions that the matcher agreed with."""
        return self.agreed / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions that the matcher had stated a probability for, by that probability and by the name's frequency."""

    total: int
    by_probability: tuple[Bin, ...]
    by_frequency: tuple[Decided, ...]

    @property
    def calibration_error(self) -> float:
        return calibration_error(self.by_probability)


def calibration_error(bins: Iterable[Bin]) -> float:
    """Expected calibration error: mean distance of stated and true, weighted by cases; 0 where there are none.

    >>> calibration_error([Bin(3, 0.9, 1.0), Bin(1, 0.2, 0.6)])
    0.175
    """
    found = list(bins)
    total = sum(b.count for b in found)
    return round(sum(b.count * abs(b.stated - b.true) for b in found) / total, 6) if total else 0.0


# --- the model's card ------------------------------------------------------------------------------------------------


def gold_scores(card: Mapping[str, Any]) -> list[GoldScore]:
    """The scores of the card by the name of the set; none where the card carries none."""
    return [_gold_score(name, given) for name, given in sorted(_mapping(card.get("scores")).items())]


def _gold_score(name: str, given: Any) -> GoldScore:
    scores = _mapping(given)
    return GoldScore(
        name=name,
        b3=_measure(scores.get("b3")),
        cross_validated=_measure(scores.get("by cross-validation")),
        calibration_error=_number(scores.get("calibration_error")),
        reliability=tuple(
            Bin(int(row["pairs"]), float(row["stated"]), float(row["true"]))
            for row in scores.get("reliability") or ()
            if row.get("pairs")
        ),
        signatures=scores.get("signatures"),
        authors=scores.get("authors"),
        strata={
            kind: (_number(_mapping(of).get("f1")), _mapping(of).get("signatures"))
            for kind, of in _mapping(scores.get("strata")).items()
        },
    )


def strata(scores: Sequence[GoldScore]) -> list[tuple[str, list[tuple[float | None, int | None]]]]:
    """Rows of a kind of name, and for each set its B³ F1 and number of names; in the card's order."""
    kinds = dict.fromkeys(kind for score in scores for kind in score.strata)
    return [(kind, [score.strata.get(kind, (None, None)) for score in scores]) for kind in kinds]


def worths(card: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, list[float | None]]]]:
    """(sets, rows of rule and points of F1 that are lost without it, by set), the most valuable rule first."""
    worth = _mapping(card.get("worth"))
    sets = sorted({name for by_set in worth.values() for name in _mapping(by_set)})
    rows = [(rule, [_number(_mapping(by_set).get(name)) for name in sets]) for rule, by_set in worth.items()]
    return sets, sorted(rows, key=lambda row: (-sum(value or 0.0 for value in row[1]), row[0]))


def facts(card: Mapping[str, Any]) -> list[tuple[str, Sequence[str]]]:
    """What else the card says, as (heading, lines) in the card's order: text, lists and tables of any kind."""
    shown = {"scores", "worth", "version"}
    return [(key, _lines(value)) for key, value in card.items() if key not in shown and value]


def _lines(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}: {'; '.join(_lines(item))}" for key, item in value.items()]
    if isinstance(value, list | tuple):
        return ["; ".join(_lines(item)) for item in value]
    return [str(value)]


def _measure(given: Any) -> Measure:
    values = _mapping(given)
    return Measure(*(_number(values.get(key)) for key in ("precision", "recall", "f1")))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


# --- what people decided ---------------------------------------------------------------------------------------------


def decided(joins: float) -> Decisions:
    """The decisions that hold, against what the matcher had stated. It said "same" above the probability `joins`."""
    measured = Correction.objects.live().filter(stated__isnull=False)
    bins = measured.annotate(bin=Least(Floor(F("stated") * BINS), BINS - 1.0)).values("bin").order_by("bin")
    by_probability = tuple(
        Bin(row["count"], row["mean"], row["share"])
        for row in bins.annotate(count=Count("pk"), mean=Avg("stated"), share=Avg(_SAME))
    )
    agreed = Q(same=True, stated__gt=joins) | Q(same=False, stated__lte=joins)
    bands = measured.exclude(name_frequency=None).annotate(
        band=Case(
            *(When(name_frequency__lt=below, then=Value(word)) for word, below in FREQUENCIES), default=Value(VERY)
        )
    )
    found = {
        row["band"]: Decided(row["band"], row["count"], row["right"], row["mean"], row["share"])
        for row in bands.values("band").annotate(
            count=Count("pk"), right=Count("pk", filter=agreed), mean=Avg("stated"), share=Avg(_SAME)
        )
    }
    by_frequency = tuple(found.get(word, Decided(word)) for word in (*dict(FREQUENCIES), VERY))
    return Decisions(sum(b.count for b in by_probability), by_probability, by_frequency)


_SAME = Case(When(same=True, then=1.0), default=0.0)
