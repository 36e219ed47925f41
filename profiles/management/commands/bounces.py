"""Read mail that came back, and stop what is sent to addresses that refuse it."""

from __future__ import annotations

import mailbox
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from profiles.subscriptions import bounces


class Command(BaseCommand):
    """`bounces`: one message on the standard input, as mail servers hand it to a program; or a letter box."""

    help = "Read mail that came back to BOUNCES_TO: a message, an mbox file or a Maildir. Reading it twice is as once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="an mbox file, a Maildir, or - for one message")
        parser.add_argument("--recipient", default="", help="whom the envelope named: of a message on the input")

    def handle(self, *args: Any, **options: Any) -> None:
        for name, message in _messages(options["file"]):
            self.stdout.write(f"{name}: {bounces.read(message, options['recipient'])}")


def _messages(file: str) -> Iterator[tuple[str, bytes]]:
    """(a name, as much of each message as is read)."""
    if file == "-":
        yield "message", _all_of(sys.stdin.buffer)
        return
    path = Path(file)
    if not path.exists():
        raise CommandError(f"There is no {file}.")
    box: mailbox.Maildir | mailbox.mbox
    box = mailbox.Maildir(path, create=False) if path.is_dir() else mailbox.mbox(path, create=False)
    if path.is_dir() and not (path / "new").is_dir():
        raise CommandError(f"{file} is no Maildir.")
    for key in box.iterkeys():
        with box.get_file(key) as opened:
            yield str(key), opened.read(bounces.LARGEST)


def _all_of(stream: IO[bytes]) -> bytes:
    """The beginning of what comes; the rest is read and thrown away, so that the mail server does not see a failure."""
    message = stream.read(bounces.LARGEST)
    while stream.read(os.sysconf("SC_PAGE_SIZE") * 16):
        pass
    return message
