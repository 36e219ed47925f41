"""A JSON list, written while its items come: one a line. Entry point: `written`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator


def written(items: Iterable[object], before: str = "[", after: str = "]") -> Iterator[str]:
    """The list in pieces, between what stands `before` and `after` it."""
    yield f"{before}\n"
    for number, item in enumerate(items):
        yield (",\n" if number else "") + json.dumps(item, ensure_ascii=False)
    yield f"\n{after}\n"
