"""What slices say in English, as `networks` writes it, for translation."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_noop

ORDERS: Sequence[str] = (
    gettext_noop("by shared works"),
    gettext_noop("by works"),
    gettext_noop("by works here"),
    gettext_noop("newest first"),
    gettext_noop("in printed order"),
    gettext_noop("by people in common"),
    gettext_noop("by name"),
)
