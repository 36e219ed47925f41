"""Files as people send them: packings, pipes, damage, bombs, long lines."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from papers import streams
from papers.streams import UnreadableFile, lines, open_stream, peek

CONTENT = b'{"id": "2106.00221"}\n' * 500


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, CONTENT)
    return buffer.getvalue()


PACKINGS: dict[str, Callable[[], bytes]] = {
    "plain": lambda: CONTENT,
    "gzip": lambda: gzip.compress(CONTENT),
    "gzip in two members": lambda: gzip.compress(CONTENT[:1000]) + gzip.compress(CONTENT[1000:]),
    "xz": lambda: lzma.compress(CONTENT),
    "xz in two streams": lambda: lzma.compress(CONTENT[:1000]) + lzma.compress(CONTENT[1000:]),
    "zip": lambda: zipped("../../etc/records.json"),
    "zip from macOS": lambda: zipped("records.json", "__MACOSX/._records.json"),
}


class Pipe(io.RawIOBase):
    """Bytes that come in small pieces and cannot be rewound."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece, self.rest = self.rest[: min(7, len(buffer))], self.rest[min(7, len(buffer)) :]
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize("packing", PACKINGS)
def test_content_is_the_same_from_a_file_whatever_the_packing_and_name(packing: str, tmp_path: Path) -> None:
    path = tmp_path / "upload.txt"
    path.write_bytes(PACKINGS[packing]())
    assert open_stream(path).read() == CONTENT


@pytest.mark.parametrize("packing", PACKINGS)
def test_content_is_the_same_from_a_pipe(packing: str) -> None:
    assert open_stream(cast(BinaryIO, Pipe(PACKINGS[packing]()))).read() == CONTENT


@pytest.mark.parametrize("packing", ["gzip", "xz", "zip"])
def test_a_file_cut_short_is_refused_with_a_sentence(packing: str) -> None:
    data = PACKINGS[packing]()
    with pytest.raises(UnreadableFile, match=r"^list is (cut short|damaged).*\.$"):
        open_stream(io.BytesIO(data[: len(data) // 2]), "list").read()


@pytest.mark.parametrize("packing", ["gzip", "xz", "zip"])
def test_a_corrupt_file_is_refused_with_a_sentence(packing: str) -> None:
    data = bytearray(PACKINGS[packing]())
    middle = len(data) // 2
    data[middle : middle + 20] = b"\xff" * 20
    with pytest.raises(UnreadableFile, match=r"\.$"):
        open_stream(io.BytesIO(bytes(data)), "list").read()


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_bomb_is_stopped_while_it_unpacks(pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "EXPANSION_FLOOR", 1024 * 1024)
    stream = open_stream(io.BytesIO(pack(b"\0" * 8 * 1024 * 1024)), "bomb")
    with pytest.raises(UnreadableFile, match="more than 100 times its size"):
        stream.read()


def test_a_small_repetitive_file_is_no_bomb() -> None:
    assert len(open_stream(io.BytesIO(gzip.compress(b"\0" * 8 * 1024 * 1024))).read()) == 8 * 1024 * 1024


def test_a_zip_bomb_is_stopped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "EXPANSION_FLOOR", 1024 * 1024)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\0" * 8 * 1024 * 1024)
    with pytest.raises(UnreadableFile, match="more than 100 times"):
        open_stream(io.BytesIO(buffer.getvalue())).read()


@pytest.mark.parametrize(("names", "count"), [((), 0), (("a", "b"), 2)])
def test_a_zip_must_hold_one_file(names: tuple[str, ...], count: int) -> None:
    with pytest.raises(UnreadableFile, match=f"holds {count} files"):
        open_stream(io.BytesIO(zipped(*names)))


def test_a_zip_from_a_pipe_is_kept_on_disk_only_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_SPOOLED", 10)
    with pytest.raises(UnreadableFile, match="give it as a file"):
        open_stream(cast(BinaryIO, Pipe(zipped("a"))))


@pytest.mark.parametrize("magic", [b"BZh91AY", b"\x28\xb5\x2f\xfd\x00", b"%PDF-1.7"])
def test_other_packings_are_named(magic: bytes) -> None:
    with pytest.raises(UnreadableFile, match="plain text, gzip, xz and zip are read"):
        open_stream(io.BytesIO(magic + b"rest"))


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be opened: No such file"):
        open_stream(tmp_path / "none.jsonl")


def test_an_empty_file_opens_and_has_no_lines() -> None:
    assert list(lines(open_stream(io.BytesIO(b"")))) == []


def test_peeking_takes_nothing_away() -> None:
    head, stream = peek(open_stream(cast(BinaryIO, Pipe(gzip.compress(CONTENT)))), 100)
    assert head == CONTENT[:100]
    assert stream.read() == CONTENT


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\n\nb\n", [b"a", b"", b"b"]),
        (b"12345\n", [b"12345"]),
        (b"12345\r\n", [b"12345"]),
        (b"12345", [b"12345"]),
        (b"123456\nb\n", [None, b"b"]),
        (b"123456", [None]),
        (b"1234567", [None]),
        (b"1234567\nb", [None, b"b"]),
        (b"12345678901234567890\nb\n", [None, b"b"]),
        (b"\xef\xbb\xbfa\n", [b"a"]),
    ],
)
def test_lines_are_bounded_and_a_longer_one_is_skipped(data: bytes, expected: list[bytes | None]) -> None:
    assert list(lines(io.BytesIO(data), limit=5)) == list(enumerate(expected, 1))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_and_32_are_refused_with_advice(encoding: str) -> None:
    with pytest.raises(UnreadableFile, match="save it as UTF-8"):
        list(lines(io.BytesIO('{"id": "x"}'.encode(encoding))))
