"""Reading a chunk of lines: known again by what they are, or parsed, here or in a second process.

Problem: parsing takes as long as storing, and a file that comes again every month holds few lines that say anything
new. Idea: a line that made or changed a paper leaves its digest there, so that meeting the same bytes again costs a
hash and one look at an index; lines that have to be parsed go to a process of their own, one chunk ahead, while
PostgreSQL merges the one before. What comes out is the same whoever parsed it, in the same order.

The digest is keyed with the source and with the code that reads: where either has changed, the line is compared in full
again. Entry points: `digests`, `parsed`, `Parser`.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import cast

from papers import sources, staging
from papers.records import Line, Numbered, Refusal
from papers.staging import Staged

Item = Line | Numbered | Refusal

_HERE = Path(__file__).parent
_READERS = ("identifiers", "names", "reading", "records", "staging", "taxonomy", "tex", "text", "sources/*")
# Where an identifier stands in a line of JSON, most likely. A wrong guess costs a comparison and changes nothing: the
# paper of that identifier does not bear the digest of this line.
_IDENTIFIER = re.compile(rb'"id"\s*:\s*"([^"\\]{1,40})"')


@cache
def _key(source: str) -> bytes:
    """32 bytes that differ wherever a line might be read differently."""
    code = hashlib.blake2b(source.encode(), digest_size=32)
    for path in sorted(path for name in _READERS for path in _HERE.glob(f"{name}.py")):
        code.update(path.read_bytes())
    return code.digest()


def digest(line: bytes, source: str) -> bytes:
    """16 bytes that stand for what `source` reads from this line."""
    return hashlib.blake2b(line, digest_size=16, key=_key(source)).digest()


def digests(lines: Iterable[Line], source: str) -> list[tuple[int, str, bytes]]:
    """(number, identifier as far as a look can tell, digest) of the lines that may be known."""
    found = ((number, line, _IDENTIFIER.search(line)) for number, line in lines if line is not None)
    return [
        (number, match[1].decode("utf-8", "replace"), digest(line, source)) for number, line, match in found if match
    ]


def parsed(items: Iterable[Item], source: str) -> list[Staged | Refusal]:
    """What each item says, in order, ready to be copied. There are lines only where the source reads by lines."""
    parse = sources.by_slug(source).parse
    found: list[Staged | Refusal] = []
    for item in items:
        if parse is None or not isinstance(item, Line):
            found.append(_staged(cast("Numbered | Refusal", item), source))
        else:
            by = digest(item.content, source) if item.content is not None else None
            found.append(_staged(parse(*item), source, by))
    return found


def _staged(item: Numbered | Refusal, source: str, digest: bytes | None = None) -> Staged | Refusal:
    """The item, ready to be copied. A source takes out what no database can hold; should one not, it is refused."""
    if isinstance(item, Refusal):
        return item
    try:
        return staging.stage(item.number, item.record, source, digest)
    except UnicodeEncodeError:
        reason = "The record holds a character that cannot be stored (half of a surrogate pair)."
        return Refusal(item.number, reason, source_id=item.record.arxiv_id or "")


class Parser:
    """A process that parses, from the first `send` on: `send` a chunk, do something else, `receive` it parsed.

    At most one chunk is under way, so that neither side ever waits for the other with its hands full.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Parser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()

    def send(self, lines: Sequence[Item]) -> None:
        """Have these lines parsed."""
        process = self._process = self._process or self._started()
        assert process.stdin
        pickle.dump(lines, process.stdin, pickle.HIGHEST_PROTOCOL)
        process.stdin.flush()

    def receive(self) -> list[Staged | Refusal]:
        """What was sent, parsed; raises EOFError where the process died."""
        assert self._process
        assert self._process.stdout
        found: list[Staged | Refusal] = pickle.load(self._process.stdout)  # noqa: S301 - written by our own process
        return found

    def _started(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(filter(None, (str(_HERE.parent), os.environ.get("PYTHONPATH"))))
        return subprocess.Popen(
            [sys.executable, "-m", "papers.reading", self.source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
        )


def main(source: str) -> None:
    """Parse what comes in until nothing does; whoever started us ends us, and no interrupt from the keyboard."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            lines = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the process that started us
            pickle.dump(parsed(lines, source), sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
            sys.stdout.buffer.flush()
        except (EOFError, BrokenPipeError):
            os._exit(0)  # nobody is left to tell


if __name__ == "__main__":
    main(sys.argv[1])
