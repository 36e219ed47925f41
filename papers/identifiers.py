"""Identifiers of works and people as sources write them, brought to one form, or refused.

Identifiers are text: a number has lost the zero of `1501.00010` and cannot be repaired, so it is no identifier.
Reference: arXiv identifier scheme (new form since April 2007, five digits since January 2015); DOI Handbook, 2.2;
ORCID "Structure of the ORCID Identifier" (ISO 7064 MOD 11-2, and the blocks of ISNI set aside for ORCID).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from papers.taxonomy import ARCHIVES

# The longest that is met in the wild is under 200; nothing is searched in a longer string.
_LONGEST = 500
_LONGEST_DOI = 255  # the column's length

_ARXIV_PREFIX = re.compile(
    r"(?:arxiv:\s*|(?:https?://)?(?:[a-z]{2,6}\.|www\.|export\.)?arxiv\.org/(?:abs|pdf|html|ps|format|src|e-print)/"
    r"|(?:(?:https?://)?(?:dx\.)?doi\.org/)?10\.48550/arxiv\.)",
    re.IGNORECASE,
)
_ARXIV_NEW = re.compile(r"([0-9]{2})([0-9]{2})\.([0-9]{4,5})(?:v[1-9][0-9]{0,2})?")
_ARXIV_OLD = re.compile(r"([a-z-]+)(?:\.[a-z]{2}|\.[a-z-]+)?/(([0-9]{2})([0-9]{2})[0-9]{3})(?:v[1-9][0-9]{0,2})?")


def arxiv_id(value: object) -> str | None:
    """The identifier without version: "arXiv:2106.00221v3" → "2106.00221", "math.GT/0309136" → "math/0309136".

    Addresses of arXiv's pages and its own DOIs are read too. None for all else, and for numbers.
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    text = value.strip()
    if prefix := _ARXIV_PREFIX.match(text):
        text = re.split(r"[?#]", text[prefix.end() :], maxsplit=1)[0].removesuffix(".pdf").rstrip("/")
    if match := _ARXIV_NEW.fullmatch(text):
        year, month, number = match.groups()
        digits = 4 if year < "15" else 5
        if "01" <= month <= "12" and year + month >= "0704" and len(number) == digits:
            return f"{year}{month}.{number}"
    elif match := _ARXIV_OLD.fullmatch(text.lower()):
        archive, number, year, month = match.groups()
        # Old identifiers ran from August 1991 to March 2007.
        if archive in ARCHIVES and "01" <= month <= "12" and (year + month >= "9108" or year + month <= "0703"):
            return f"{archive}/{number}"
    return None


_DOI_PREFIX = re.compile(r"(?P<address>(?:https?://)?(?:dx\.|www\.)?doi\.org/)|doi:\s*", re.IGNORECASE)
_DOI = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]{1,9}){0,4}/[^\s\x00-\x20\x7f<>\"]+")


def doi(value: object) -> str | None:
    """The DOI in lower case without a resolver: "https://doi.org/10.1109/TKDE.2019.1" → "10.1109/tkde.2019.1".

    None where it is no DOI. Whether it is registered is not asked.
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    text = value.strip()
    if prefix := _DOI_PREFIX.match(text):
        text = text[prefix.end() :]
        text = unquote(text) if prefix["address"] else text
    text = text.rstrip(".,;").lower()
    return text if len(text) <= _LONGEST_DOI and _DOI.fullmatch(text) else None


_ORCID = re.compile(
    r"(?:(?:https?://)?(?:www\.)?orcid\.org/|orcid:\s*)?((?:[0-9]{4}-?){3}[0-9]{3}[0-9X])/?", re.IGNORECASE
)
# The blocks of ISNI that ORCID gives out; anything else is mistyped or invented, right check digit or not.
_ORCID_BLOCKS = (range(15_000_000, 35_000_001), range(900_000_000_000, 900_100_000_001))  # without check digit


def orcid(value: object) -> str | None:
    """The ORCID iD as 0000-0002-1825-0097, from that form or its address; None where the check digit or block is wrong.

    A right form proves nothing about who holds it.
    """
    match = _ORCID.fullmatch(value.strip()) if isinstance(value, str) and len(value) < _LONGEST else None
    if not match:
        return None
    digits = match[1].replace("-", "").upper()
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    check = "0123456789X"[(12 - total % 11) % 11]
    if digits[-1] != check or not any(int(digits[:-1]) in block for block in _ORCID_BLOCKS):
        return None
    return "-".join(digits[i : i + 4] for i in range(0, 16, 4))
