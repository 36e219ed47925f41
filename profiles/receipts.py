"""The receipt of an attribution: its evidence as a sum that re-adds, and what would change it.

Problem: numbers rounded each for itself do not add up to their rounded total, and who re-adds them stops believing.
Idea: weights are stored with four decimals; they are read as decimals and shown with all four, so that the total is the
sum of exactly what is shown. What would change the attribution is found by the same sum without its strongest item.
Entry point: `receipt`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from .disambiguation.attribution import STRONG
from .disambiguation.model import log_odds_of, probability_of
from .disambiguation.readers import RULE

PLACES = Decimal("0.0001")  # as the engine rounds what it stores
_STATEMENTS = frozenset({"decision", "orcid"})
# No evidence of a link: where the sum begins, what people or an iD state, and a work that was compared with no other.
_NOT_OF_A_LINK = _STATEMENTS | {"prior", "rival"}


class Standing(Enum):
    """What a link of some log-odds does by itself: tie its work strongly, tie it weakly, or not tie it."""

    STRONG = "strong"
    WEAK = "weak"
    APART = "apart"

    @staticmethod
    def of(log_odds: float, threshold: float) -> Standing:
        """`threshold` is the log-odds above which the model joins."""
        if log_odds >= log_odds_of(STRONG):
            return Standing.STRONG
        return Standing.WEAK if log_odds > threshold else Standing.APART


@dataclass(frozen=True, slots=True)
class Item:
    """One reason: log-odds `weight` in nats, and `length`, its share of the receipt's largest weight, -1 to 1.

    `parts` are the sum of the two linked works by themselves, where groups of works were weighed.
    """

    rule: str
    weight: Decimal
    sentence: str
    length: float
    parts: tuple[Item, ...] = ()

    @property
    def of_parts(self) -> Decimal:
        """What the parts sum to."""
        return sum((part.weight for part in self.parts), Decimal(0))


@dataclass(frozen=True, slots=True)
class Change:
    """The receipt without one item: the new total and probability, and what the link would then do by itself."""

    item: Item
    total: Decimal
    probability: float
    standing: Standing


@dataclass(frozen=True, slots=True)
class Receipt:
    """Items in the order they were weighed in, the sum of their weights, and the sum without the strongest for it.

    `missing` is what the total lacks to count as strong, none where it does. `joins` is the probability above which
    a link joins, `strong` that above which it is strong.
    """

    items: tuple[Item, ...]
    total: Decimal
    without_strongest: Change | None
    missing: Decimal | None
    joins: float
    strong: float = STRONG

    @property
    def stated_by(self) -> str:
        """Who states what no evidence could: "decision" (people), "orcid" (an authenticated iD), or ""."""
        rule = self.items[0].rule if self.items else ""
        return rule if rule in _STATEMENTS else ""

    @property
    def doubt(self) -> Item | None:
        """What readers say against it and nobody has answered; none where that weighs nothing."""
        return next((item for item in self.items if item.rule == RULE and item.weight), None)

    @property
    def of_groups(self) -> bool:
        """Whether not two works but the groups of works they belong to were weighed."""
        return any(item.parts for item in self.items)


def receipt(evidence: Sequence[Mapping[str, Any]], threshold: float) -> Receipt:
    """The receipt of stored evidence, items of {rule, weight, sentence}; `threshold` in log-odds.

    >>> lines = [{"rule": "prior", "weight": -0.5, "sentence": "before any evidence"},
    ...          {"rule": "coauthors", "weight": 2.6, "sentence": "both wrote with Yaran Chen"}]
    >>> found = receipt(lines, threshold=0.4)
    >>> found.total, found.without_strongest.total, found.without_strongest.standing.value
    (Decimal('2.1000'), Decimal('-0.5000'), 'apart')
    """
    items = _items(evidence)
    total = sum((item.weight for item in items), Decimal(0).quantize(PLACES))
    missing = Decimal(str(log_odds_of(STRONG))).quantize(PLACES) - total
    return Receipt(
        items,
        total,
        _without_strongest(items, total, threshold),
        missing if missing > 0 else None,
        probability_of(threshold),
    )


def _items(evidence: Sequence[Mapping[str, Any]]) -> tuple[Item, ...]:
    weights = [Decimal(str(item["weight"])).quantize(PLACES) for item in evidence]
    largest = max((abs(weight) for weight in weights), default=Decimal(0)) or Decimal(1)
    return tuple(
        Item(item["rule"], weight, item["sentence"], float(weight / largest), _items(item.get("parts", ())))
        for item, weight in zip(evidence, weights, strict=True)
    )


def _without_strongest(items: Sequence[Item], total: Decimal, threshold: float) -> Change | None:
    speaking = [item for item in items if item.weight > 0 and item.rule not in _NOT_OF_A_LINK]
    if not speaking or len(items) < 2:
        return None
    strongest = max(speaking, key=lambda item: item.weight)
    rest = total - strongest.weight
    # What readers say makes a link weak, and parts nothing: it is weighed when all is joined.
    doubt = float(sum((item.weight for item in items if item.rule == RULE), Decimal(0)))
    return Change(strongest, rest, probability_of(float(rest)), Standing.of(float(rest), threshold + doubt))
