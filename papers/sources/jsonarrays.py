"""Objects cut out of JSON arrays: what an API answers, or somebody saved whole.

Problem: an answer is one array, perhaps of many megabytes and on one line; one bad element must cost only itself, and
memory must not grow with the array.

Idea: no parsing, only brackets and quotation marks are counted, chunk by chunk; what lies between two commas at the
top of the array is an element, handed on as bytes to be parsed like a line (`papers.sources.jsonlines`). Answers that
were saved one after the other are read on: each array starts where `opening` matches.

Entry point: `elements`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from papers.streams import LONGEST_LINE, UnreadableFile

_CHUNK = 64 * 1024
_OUTSIDE = re.compile(rb'["\[\]{},]')
_INSIDE = re.compile(rb'["\\]')
# How much before an array must stay in sight to see its opening whole: `"results" : [`, with room for white space.
_OPENING_BYTES = 256


def elements(
    stream: BinaryIO, opening: re.Pattern[bytes], limit: int = LONGEST_LINE
) -> Iterator[tuple[int, bytes | None]]:
    """(number from 1, element) of every array that `opening` finds; None for an element over `limit` bytes.

    `opening` matches up to and with the bracket, in at most 256 bytes. Raises `UnreadableFile` where an array does not
    end.
    """
    number, seen = 0, b""
    while True:
        match = opening.search(seen)
        if not match:
            chunk = stream.read(_CHUNK)
            if not chunk:
                return
            seen = seen[-_OPENING_BYTES:] + chunk
            continue
        cutter = _Cutter(limit)
        seen = seen[match.end() :]
        while True:
            for element in cutter.feed(seen):
                number += 1
                yield number, element
            if cutter.rest is not None:
                seen = cutter.rest
                break
            seen = stream.read(_CHUNK)
            if not seen:
                raise UnreadableFile("The file is cut short: its list does not end.")


class _Cutter:
    """One array, from behind its opening bracket; `rest` is what follows the closing one."""

    def __init__(self, limit: int) -> None:
        self.rest: bytes | None = None
        self._limit = limit
        self._depth = 1
        self._quoted = False
        self._skip = 0  # bytes of the next chunk that a backslash at the end of this one covers
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """The elements that end in `chunk`."""
        start, at = 0, self._skip
        self._skip = 0
        while match := (_INSIDE if self._quoted else _OUTSIDE).search(chunk, at):
            sign, at = match[0], match.end()
            if sign == b'"':
                self._quoted = not self._quoted
            elif sign == b"\\":
                at += 1
            elif sign in b"[{":
                self._depth += 1
            elif sign == b"," and self._depth > 1:
                continue
            elif sign in b"]}":
                self._depth -= 1
            if not self._quoted and (self._depth == 0 or (sign == b"," and self._depth == 1)):
                self._hold(chunk[start : match.start()])
                yield from self._element(last=self._depth == 0)
                start = at
                if self._depth == 0:
                    self.rest = chunk[at:]
                    return
        self._skip = max(0, at - len(chunk))
        self._hold(chunk[start:])

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._limit:
            self._held.append(piece)
        else:
            self._held.clear()

    def _element(self, last: bool) -> Iterator[bytes | None]:
        element = b"".join(self._held).strip() if self._size <= self._limit else None
        self._held, self._size = [], 0
        if element != b"" or not last:  # `[]` and `[1]` end without another element
            yield element
