"""The mark of a letter, by which it is known again when it comes back: in its Message-ID and its envelope's sender.

Problem: whoever could make a mark could stop somebody else's mail with a forged return. Idea: the letter's number and a
keyed hash of it, in digits that no mail program changes. Entry points: `message_id`, `return_path`, `found_in`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from .models import Letter

_LENGTH = 24  # hexadecimal digits, 96 bits: with the number a mark is shorter than the 64 letters of a local part
_MARK = re.compile(rf"\bletter-([0-9]{{1,18}})-([0-9a-f]{{{_LENGTH}}})\b", re.IGNORECASE | re.ASCII)


def message_id(letter: Letter) -> str:
    """The same at every try, so that a letter box that gets it twice can tell."""
    return f"<{_mark(letter.pk, settings.SECRET_KEY)}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"


def return_path(letter: Letter) -> str:
    """Whom a mail server tells that the letter cannot be delivered: `settings.BOUNCES_TO` with the mark behind a plus
    (VERP); "" where that is not set, and the sender hears of it."""
    local, _at, domain = parseaddr(settings.BOUNCES_TO)[1].rpartition("@")
    return f"{local}+{_mark(letter.pk, settings.SECRET_KEY)}@{domain}" if local else ""


def found_in(text: str) -> Iterator[int]:
    """The numbers of the letters whose marks stand in a text; marks that were not made here are none."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    for match in _MARK.finditer(text):
        pk, given = int(match[1]), match[0].lower()
        if any(constant_time_compare(given, _mark(pk, key)) for key in keys):
            yield pk


def _mark(pk: int, key: str) -> str:
    hashed = salted_hmac("profiles.postmarks", str(pk), secret=key, algorithm="sha256").hexdigest()
    return f"letter-{pk}-{hashed[:_LENGTH]}"
