"""Wording: what people write about themselves, read strictly enough that it cannot pass for something else.

Problem: a name with one Cyrillic letter reads like another person's, a character that cannot be seen turns a line
around, and a link may be a script. Idea: everything is composed (NFC) and refused, with a sentence, where it holds what
cannot be seen or a mixture of scripts that no language writes; a link is http or https and is shown with its host.
Source: Unicode UTS #39 (mixed-script detection); RFC 3986, RFC 5891. Entry points: `line`, `paragraphs`, `name`,
`in_one_script`, `link`, `shown_host`.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from urllib.parse import SplitResult, urlsplit, urlunsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LONGEST_LINK = 300
# Control and formatting characters (directions, zero width), and what has no meaning.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
# Scripts whose letters pass for each other's. Han, Kana, Hangul, Arabic or Devanagari do not pass for any of them.
_LOOK_ALIKE = frozenset({"LATIN", "GREEK", "COPTIC", "CYRILLIC", "ARMENIAN", "CHEROKEE", "GEORGIAN", "LISU"})


def line(text: str, longest: int) -> str:
    """One line with single spaces. Raises ValidationError."""
    text = " ".join(_composed(text, longest).split())
    _checked(text, longest)
    return text


def paragraphs(text: str, longest: int) -> str:
    """Lines, at most one of them empty in a row. Raises ValidationError."""
    lines = [" ".join(one.split()) for one in _composed(text, longest).strip().splitlines()]
    kept = [one for at, one in enumerate(lines) if one or (at and lines[at - 1])]
    _checked("".join(kept), longest)
    if len(found := "\n".join(kept)) > longest:
        raise ValidationError(_("At most %(n)s characters.") % {"n": longest})
    return found


def name(text: str, longest: int) -> str:
    """A name: a line with a letter, without markup. Raises ValidationError."""
    text = line(text, longest)
    if set(text) & set("<>{}\\$&#%=|@/"):
        raise ValidationError(_("A name is written without markup: as it is to be read."))
    if text and not any(character.isalpha() for character in text):
        raise ValidationError(_("A name has at least one letter."))
    return text


def in_one_script(text: str, longest: int) -> str:
    """A name in letters that cannot pass for another script's. Raises ValidationError."""
    text = name(text, longest)
    if mixes_scripts(text):
        raise ValidationError(
            _("This name mixes letters of scripts that look alike, such as Latin and Cyrillic. Write it in one script.")
        )
    return text


def mixes_scripts(text: str) -> bool:
    """
    >>> mixes_scripts("Xiangning Chen"), mixes_scripts("陈 Chen"), mixes_scripts("Xiangning С"), mixes_scripts("Αlan")
    (False, False, True, True)
    """
    letters = (character for character in unicodedata.normalize("NFKC", text) if character.isalpha())
    scripts = {unicodedata.name(character, "").partition(" ")[0] for character in letters}
    return len(scripts & _LOOK_ALIKE) > 1


def link(text: str) -> str:
    """The address in one form, its host in ASCII. Raises ValidationError for what is no http or https address."""
    text = line(text, LONGEST_LINK)
    problem = ValidationError(_("A link begins with https:// or http:// and names a host, such as https://example.org"))
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        ascii_host = host.encode("idna").decode("ascii").lower().rstrip(".")
    except (ValueError, UnicodeError):
        raise problem from None
    if parts.scheme.lower() not in {"http", "https"} or " " in text or "\\" in text:
        raise problem
    if parts.username is not None or parts.password is not None:
        raise ValidationError(_("A link holds no user name or password."))
    if not _is_host(ascii_host):
        raise problem
    netloc = ascii_host if port is None else f"{ascii_host}:{port}"
    return urlunsplit(SplitResult(parts.scheme.lower(), netloc, parts.path, parts.query, parts.fragment))


def shown_host(url: str) -> str:
    """The host as a reader sees it: in its own script, or in punycode where it mixes scripts that look alike.

    >>> shown_host("https://xn--mnchen-3ya.de/x"), shown_host("https://xn--pple-43d.com")
    ('münchen.de', 'xn--pple-43d.com')
    """
    host = urlsplit(url).hostname or ""
    try:
        own = host.encode("ascii").decode("idna")
    except UnicodeError:
        return host
    # With the top level: a label that is Cyrillic as a whole may pass for a Latin one.
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in own if c.isalpha()}
    return host if len(scripts & _LOOK_ALIKE) > 1 else own


def _is_host(host: str) -> bool:
    """A name with a dot, and no address of a machine."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host and all(0 < len(label) < 64 for label in host.split("."))
    return False


def _composed(text: str, longest: int) -> str:
    if len(text) > 4 * longest:
        raise ValidationError(_("At most %(n)s characters.") % {"n": longest})
    return unicodedata.normalize("NFC", text)


def _checked(text: str, longest: int) -> None:
    if len(text) > longest:
        raise ValidationError(_("At most %(n)s characters.") % {"n": longest})
    if any(unicodedata.category(character) in _UNSEEN for character in text):
        raise ValidationError(_("It holds a character that cannot be seen. Type it anew, without pasting."))
