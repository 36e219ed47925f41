"""Printed strings on pages: {{ paper.title|markup }} and {{ name|plain }}."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.safestring import SafeString, mark_safe

from papers import text

register = template.Library()


@register.filter
@lru_cache(maxsize=4_096)
def markup(value: str) -> SafeString:
    """TeX as safe HTML. `papers.text.markup` escapes everything and makes the few tags itself."""
    return mark_safe(text.markup(value))  # noqa: S308


@register.filter
def plain(value: str) -> str:
    """TeX as readable text."""
    return text.plain(value)
