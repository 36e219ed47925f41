"""Probabilities, weights and reliability on pages: {{ p|probability }}, {{ f1|hundredths }}, {{ weight|signed }}."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.utils.formats import number_format

from profiles.accuracy import Bin
from profiles.shown import Redaction

register = template.Library()

_EXTREME = 0.0005  # nearer to 0 or 1 than this, three decimals would say "never" or "always"
_RADIUS = 3.5  # of the largest point of a chart that is 100 wide


@register.filter
def probability(value: float) -> str:
    """Three decimals; never a plain 0 or 1, which no evidence gives."""
    if value < _EXTREME:
        return f"< {number_format(0.001, 3)}"
    if value > 1 - _EXTREME:
        return f"> {number_format(0.999, 3)}"
    return number_format(round(value, 3), 3)


@register.filter
def hundredths(value: float | None) -> str:
    """A share times 100 with one decimal, as such scores are printed; a dash where there is none."""
    return "–" if value is None else number_format(round(100 * value, 1), 1)


@register.filter
def signed(value: Decimal) -> str:
    """With its sign and all its decimals, as a calculator reads it: "+2.1000"."""
    return f"{value:+f}"


@register.filter
def redacted(sentence: str, redact: Redaction | str | None) -> str:
    """Without the names that `redact` hides; as it is where the page hides none, as those of curators."""
    return redact(sentence) if isinstance(redact, Redaction) else sentence


@register.inclusion_tag("profiles/_reliability.html")
def reliability_chart(bins: Sequence[Bin], label: str) -> dict[str, Any]:
    """A chart of stated against true probability, the area of a point being its cases, with the table of it."""
    most = max((b.count for b in bins), default=1)
    points = [
        {
            "x": round(100 * b.stated, 2),
            "y": round(100 - 100 * b.true, 2),
            "r": round(max(0.8, _RADIUS * math.sqrt(b.count / most)), 2),
        }
        for b in bins
    ]
    return {"bins": bins, "points": points, "label": label}
