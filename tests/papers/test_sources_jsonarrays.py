"""Cutting the elements of JSON arrays out of a stream."""

from __future__ import annotations

import io
import json
import re
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.sources import jsonarrays
from papers.sources.jsonarrays import elements
from papers.streams import UnreadableFile

ARRAY = re.compile(rb"\[")
RESULTS = re.compile(rb'"results"\s*:\s*\[')


def cut(data: bytes, opening: re.Pattern[bytes] = ARRAY, limit: int = 1000) -> list[bytes | None]:
    found = list(elements(io.BytesIO(data), opening, limit))
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    return [element for _, element in found]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[]", []),
        (b" [ ] ", []),
        (b"[1]", [b"1"]),
        (b'\xef\xbb\xbf[\n {"a": [1, 2]},\n {"b": {"c": "]}"}} ]\n', [b'{"a": [1, 2]}', b'{"b": {"c": "]}"}}']),
        (rb'["a\"],[", "\\", 3]', [rb'"a\"],["', rb'"\\"', b"3"]),
        (b"[1][2]\n[3,4]", [b"1", b"2", b"3", b"4"]),
        (b"[1,]", [b"1"]),
        (b"no array at all", []),
    ],
)
def test_what_lies_between_the_commas_of_an_array_is_an_element(data: bytes, expected: list[bytes]) -> None:
    assert cut(data) == expected


def test_the_array_under_a_key_is_found_in_every_answer() -> None:
    answer = b'{"meta": {"count": 2, "x": [7]}, "results" : [{"id": 1}, {"id": 2}], "group_by": [9]}'
    assert cut(answer + b"\n" + answer, RESULTS) == [b'{"id": 1}', b'{"id": 2}'] * 2


def test_an_element_over_the_limit_is_skipped_and_the_next_one_is_read() -> None:
    assert cut(b'["' + b"x" * 5000 + b'", 1]', limit=100) == [None, b"1"]


@pytest.mark.parametrize("data", [b"[1, 2", b'[{"a": "b]', b'["\\'])
def test_an_array_without_end_is_a_sentence_after_its_whole_elements(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="its list does not end"):
        cut(data)


class Drops(io.RawIOBase):
    """Bytes that come a few at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self.rest, self.size = data, size

    def read(self, size: int = -1) -> bytes:
        piece, self.rest = self.rest[: self.size], self.rest[self.size :]
        return piece


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=5), st.integers(1, 7), st.booleans(), st.sampled_from([None, 1]))
def test_any_array_comes_out_as_it_went_in_however_it_is_chopped(
    values: list[Any], size: int, ascii_only: bool, indent: int | None
) -> None:
    data = json.dumps(values, ensure_ascii=ascii_only, indent=indent).encode()
    found = elements(cast(BinaryIO, Drops(data, size)), ARRAY)
    assert [json.loads(element or b"0") for _, element in found] == values


def test_an_element_is_never_held_beyond_its_limit() -> None:
    cutter = jsonarrays._Cutter(limit=10)
    for _ in range(100):
        assert list(cutter.feed(b'"' if _ == 0 else b"x" * 50)) == []
        assert sum(map(len, cutter._held)) <= 10
