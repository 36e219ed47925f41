"""Files as people send them: plain, gzip, xz or a zip of one file, from a disk, an upload or a pipe.

Problem: the name of a file says nothing sure about it, a pipe cannot be rewound, and a few kilobytes can be made to
unpack into terabytes.

Idea: look at the first bytes only; unpack as a stream, so that memory stays small whatever the size; count what goes
in and what comes out, and stop where no honest file could be. All that can be wrong with a file is one exception,
`UnreadableFile`, whose text is a sentence for the person who sent it. Names inside archives are never used as paths.

Entry points: `open_stream`, then `peek` and `lines`.
"""

from __future__ import annotations

import gzip
import io
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

_MIB = 1024 * 1024
# JSON lines of bibliographic records compress about 10 times, the most repetitive met 15 times; bombs 1,000 times and
# more. Below the floor nothing can hurt, and small files may well be repetitive.
MOST_EXPANSION = 100
EXPANSION_FLOOR = 64 * _MIB
# A zip is read from its end, so one that comes through a pipe is first kept on disk; arXiv's whole snapshot is 1.6 GiB.
MOST_SPOOLED = 4 * 1024 * _MIB
# An xz file states how much memory its reader needs; `xz -9` asks for 65 MiB.
_XZ_MEMORY = 256 * _MIB
# A line of 16 MiB is a record with 100,000 authors; the largest real one is under 1 MiB.
LONGEST_LINE = 16 * _MIB
_CHUNK = 64 * 1024

_LONGEST_MAGIC = 8
_REFUSED_PACKINGS = {
    b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!": "rar", b"%PDF": "PDF",
}  # fmt: skip


class UnreadableFile(Exception):
    """The input as a whole cannot be read; the text is a sentence for the person who sent it."""


class Refused(UnreadableFile):
    """The source has answered, and the answer is no: to ask the same again would not help."""


class _Input(io.RawIOBase):
    """The bytes as they come, with the look already taken at the start, counted."""

    def __init__(self, source: BinaryIO, head: bytes) -> None:
        self._source, self._head, self.count = source, head, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._head:
            data, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


class _Counted(io.RawIOBase):
    """A seekable source whose reads are counted (a zip is read out of order)."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self.count = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


class _Xz(io.RawIOBase):
    """xz with a ceiling on memory, which lzma.LZMAFile does not offer."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self._packed = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            rest = b""
            if self._packed.eof:  # `cat a.xz b.xz` is a valid file
                rest = self._packed.unused_data.lstrip(b"\0") or (self._source.read(_CHUNK) or b"").lstrip(b"\0")
                if not rest:
                    return 0
                self._packed = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
            elif self._packed.needs_input:
                rest = self._source.read(_CHUNK) or b""
                if not rest:
                    raise EOFError
            if data := self._packed.decompress(rest, len(buffer)):
                buffer[: len(data)] = data
                return len(data)


class _Guard(io.RawIOBase):
    """Unpacked bytes, watched: damage and bombs become `UnreadableFile`."""

    def __init__(self, unpacked: io.RawIOBase | BinaryIO, packed: _Input | _Counted, name: str) -> None:
        self._unpacked, self._packed, self._name, self._out = unpacked, packed, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._unpacked.read(min(len(buffer), _CHUNK)) or b""
        except EOFError:
            raise UnreadableFile(f"{self._name} is cut short: the archive ends before its content does.") from None
        except (zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError) as error:
            raise UnreadableFile(f"{self._name} is damaged and cannot be unpacked ({error}).") from error
        self._out += len(data)
        if self._out > EXPANSION_FLOOR and self._out > MOST_EXPANSION * max(self._packed.count, 1):
            raise UnreadableFile(
                f"{self._name} unpacks to more than {MOST_EXPANSION} times its size, which no file of records does."
            )
        buffer[: len(data)] = data
        return len(data)


def open_stream(source: Path | BinaryIO, name: str = "") -> BinaryIO:
    """The unpacked bytes of `source`, to be read once from start to end; memory does not grow with the size.

    `source` may be a pipe. `name` is what messages call it. Raises `UnreadableFile`, at once or while reading.
    """
    if isinstance(source, Path):
        name = name or source.name
        try:
            source = source.open("rb")
        except OSError as error:
            raise UnreadableFile(f"{name} cannot be opened: {error.strerror}.") from error
    name = name or "The input"
    head = _head(source, _LONGEST_MAGIC)
    for magic, packing in _REFUSED_PACKINGS.items():
        if head.startswith(magic):
            raise UnreadableFile(f"{name} is a {packing} file; plain text, gzip, xz and zip are read.")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_member(source, head, name)
    packed = _Input(source, head)
    if head.startswith(b"\x1f\x8b"):
        unpacked: io.RawIOBase | BinaryIO = cast(BinaryIO, gzip.GzipFile(fileobj=cast(BinaryIO, packed)))
    elif head.startswith(b"\xfd7zXZ\0"):
        unpacked = _Xz(packed)
    else:
        return cast(BinaryIO, io.BufferedReader(packed, _CHUNK))
    return cast(BinaryIO, io.BufferedReader(_Guard(unpacked, packed, name), _CHUNK))


def _zip_member(source: BinaryIO, head: bytes, name: str) -> BinaryIO:
    packed = _Counted(source if source.seekable() else _spooled(source, head, name))
    try:
        archive = zipfile.ZipFile(cast(BinaryIO, packed))
        # macOS adds a shadow of every file.
        members = [i for i in archive.infolist() if not i.is_dir() and not i.filename.startswith("__MACOSX/")]
        if len(members) != 1:
            raise UnreadableFile(f"{name} holds {len(members):,} files; a zip must hold exactly one.")
        if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # The others may ask for gigabytes to unpack a few bytes.
            raise UnreadableFile(f"{name} is packed in a way that few programs read; zip it as they all do (deflate).")
        member = archive.open(members[0])
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise UnreadableFile(f"{name} is damaged and cannot be unpacked ({error}).") from error
    except RuntimeError as error:
        raise UnreadableFile(f"{name} is locked with a password.") from error
    return cast(BinaryIO, io.BufferedReader(_Guard(cast(BinaryIO, member), packed, name), _CHUNK))


def _spooled(source: BinaryIO, head: bytes, name: str) -> BinaryIO:
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the stream that reads it
    size = spool.write(head)
    while chunk := source.read(_MIB):
        size += spool.write(chunk)
        if size > MOST_SPOOLED:
            spool.close()
            raise UnreadableFile(
                f"{name} is a zip of over {MOST_SPOOLED // 1024 // _MIB} GiB from a pipe; give it as a file."
            )
    spool.seek(0)
    return cast(BinaryIO, spool)


def peek(stream: BinaryIO, size: int) -> tuple[bytes, BinaryIO]:
    """The first `size` bytes (fewer where the input ends), and a stream that gives all the bytes, these first."""
    head = _head(stream, size)
    return head, cast(BinaryIO, io.BufferedReader(_Input(stream, head), _CHUNK))


def _head(source: BinaryIO, size: int) -> bytes:
    head = b""
    while len(head) < size and (more := source.read(size - len(head))):
        head += more
    return head


def lines(stream: BinaryIO, limit: int = LONGEST_LINE) -> Iterator[tuple[int, bytes | None]]:
    """(number from 1, line without its end) of every line; None for a line over `limit` bytes, skipped, never held.

    A UTF-8 byte-order mark is dropped. Raises `UnreadableFile` for UTF-16 and UTF-32.
    """
    number = 0
    while line := stream.readline(limit + 2):
        number += 1
        if number == 1:
            line = without_mark(line)
        ended = line.endswith(b"\n")
        content = line.rstrip(b"\r\n")
        if len(content) <= limit and (ended or len(line) < limit + 2):
            yield number, content
            continue
        while not ended and (rest := stream.readline(_MIB)):
            ended = rest.endswith(b"\n")
        yield number, None


def without_mark(line: bytes) -> bytes:
    """The first bytes of a text, without the mark of UTF-8; raises `UnreadableFile` for UTF-16 and UTF-32."""
    half_empty = b"\0" in line[:2] and line[:4].strip(b"\0")
    if line.startswith((b"\xff\xfe", b"\xfe\xff")) or half_empty:
        raise UnreadableFile("The file is in UTF-16 or UTF-32; save it as UTF-8.")
    return line.removeprefix(b"\xef\xbb\xbf")
