"""Links in a text: whether it leads anywhere, in whatever writing.

Problem: who writes to strangers to sell something sends a link, and writes it so that a filter does not see it:
`example[.]com`, the same in full-width letters, `name at example dot org`, `пример.рф/страница`. Idea: bring the text
to one form (NFKC, without marks and what cannot be seen, dots that were written out), then look for schemes, mail
addresses, bare hosts with a path, and hosts under a well-known top level. A DOI or an arXiv number is no link. What is
found is given back, so that whoever wrote "train.py/test.py" sees what to write otherwise. Source: Unicode UAX #15
(NFKC); RFC 3986; UTS #46 for the dots of hosts. Entry points: `first`, `letters` for what else a text says.
"""

from __future__ import annotations

import re
import unicodedata

# Bare hosts under these are links also without a path. Country codes are words ("paper.It was"), and need a path.
_TOP = "com|org|net|edu|gov|info|biz|xyz|top|online|site|shop|club|link|click|app|dev|io"
_OWN_TOP = "рф|рус|укр|бел|онлайн|сайт|中国|中國|公司|网络|网址|香港|台湾|台灣|भारत|ایران|مصر|السعودية|امارات|ไทย|한국"
_SHORTENERS = "co|me|ly|gg|gl|cc|tt|ws|to|be"  # top levels of hosts of one letter, such as t.co

_DOT = re.compile(r"\s*[\[({<]\s*(?:\.|dot|punkt|point|точка|点)\s*[\])}>]\s*", re.IGNORECASE)
_AT = re.compile(r"\s*[\[({<]\s*(?:@|at)\s*[\])}>]\s*", re.IGNORECASE)
_SPELLED = re.compile(rf"\s+dot\s+(?=(?:{_TOP})(?![a-z0-9]))", re.IGNORECASE)
# The full stop of Chinese separates the labels of a host too, and most often ends a sentence.
_FULL_STOP = re.compile(rf"(?<=[a-z0-9])。(?=(?:{_TOP})(?![a-z0-9]))", re.IGNORECASE)
_SLASHES = str.maketrans("\u2044\u2215\u29f8", "///")

_DOI = re.compile(r"\b10\.[0-9]{4,9}/\S+")
_ANYWHERE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:h(?:tt|xx)ps?|s?ftps?)\s*:\s*[/\\]\S*",
        r"[a-z][a-z0-9+.-]{1,20}:[/\\]{2}\S*",
        r"\b(?:mailto|javascript|vbscript|magnet|tel|sms):\S+",
        r"\bdata:\w+/\S+",
        r"\bwww[0-9]?\s*\.\s*\w\S*",
        r"(?<![^\s@])[^\s@]+@[^\s@]+\.[^\W\d_]{2,}",
        rf"(?<![\w-])[\w-]+\.(?:{_TOP})(?![a-z0-9-])\S*",
        rf"(?<![\w-])[\w-]+\s+\.\s*(?:{_TOP})(?![a-z0-9-])",
        rf"(?<![\w-])[\w-]+\.(?:{_OWN_TOP})(?!\w)",
        r"(?<![\d.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]|/)\S*",
    )
)
_WITH_PATH = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![\w-])[\w-]{2,}\.(?:xn--[\w-]+|[^\W\d_]{2,})(?::[0-9]+)?/\S+",
        rf"(?<!\w)\w\.(?:{_SHORTENERS})/\S+",
    )
)
_SHOWN = 60
# Letters that print nothing, which the standard counts as letters: fillers of Hangul and Khmer, and the empty Braille.
FILLERS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def first(text: str) -> str:
    """What looks like a link, a web or a mail address in the text, as it was read; "" where nothing does.

    >>> first("Look at ｗｗｗ．a．org!"), first("me (at) example [dot] com"), first("See 10.1000/xyz.abc/1, e.g. p/q.")
    ('www.a.org!', 'me@example.com', '')
    """
    read = _read(text)
    without_doi = _DOI.sub(" ", read)
    found = [match for pattern in _ANYWHERE if (match := pattern.search(read))]
    found = found or [match for pattern in _WITH_PATH if (match := pattern.search(without_doi))]
    return found[0][0][:_SHOWN] if found else ""


def letters(text: str) -> int:
    """How many letters and digits the text has that belong to no link.

    >>> letters("See https://example.org/a/long/path"), letters("\u3164 👍"), letters("是的。")
    (3, 0, 2)
    """
    read = _read(text)
    for pattern in (*_ANYWHERE, *_WITH_PATH):
        read = pattern.sub(" ", read)
    return sum(one.isalnum() and one not in FILLERS for one in read)


def _read(text: str) -> str:
    """The text in one form, as far as links go."""
    text = unicodedata.normalize("NFKC", text).translate(_SLASHES)
    text = "".join(one for one in text if unicodedata.category(one) not in {"Mn", "Me", "Cf"})
    for pattern, meant in ((_DOT, "."), (_AT, "@"), (_SPELLED, "."), (_FULL_STOP, ".")):
        text = pattern.sub(meant, text)
    return text
