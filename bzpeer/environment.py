"""Typed readers of environment variables. Nonsense is refused loudly: a server must not start on a misread setting."""

from __future__ import annotations

import os

from django.core.exceptions import ImproperlyConfigured

_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def text(name: str, default: str = "") -> str:
    """The variable, or `default` where it is unset or empty."""
    return os.environ.get(name) or default


def flag(name: str, default: bool = False) -> bool:
    """A yes or no; raises ImproperlyConfigured for anything else."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value not in _FLAGS:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(_FLAGS)}; it is {value!r}")
    return _FLAGS[value]


def whole(name: str, default: int, *, least: int = 0) -> int:
    """A whole number of at least `least`; raises ImproperlyConfigured for anything else."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}; it is {value!r}")
    return int(value)


def items(name: str, default: str = "") -> list[str]:
    """A list separated by commas; empty items are dropped."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def starting(prefix: str) -> dict[str, str]:
    """The variables whose names begin with `prefix`, by the rest of their names; empty ones are dropped."""
    return {name.removeprefix(prefix): value for name, value in os.environ.items() if name.startswith(prefix) and value}
