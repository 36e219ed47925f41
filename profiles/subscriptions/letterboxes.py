"""Letter boxes: addresses that strangers type, read so strictly that nothing but one address can come of them.

Problem: what is typed goes into the header of a letter, one letter box must be one subscriber however it is written,
and nobody's may be filled by others. Idea: only the plain form of RFC 5321 is taken, without quotation marks and
literals; a domain is kept in ASCII, so that a letter goes to the very domain that was compared. Capitals tell no two
apart, before the @ neither: no mail service in use does. What follows a plus sign does, since that is its owner's own
way of sorting mail; but limits count without it, and without full stops, which some services ignore. Pure.
Source: RFC 5321 4.1.2 and 4.5.3.1, RFC 3490. Entry point: `read`.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from profiles import wording

LONGEST, LONGEST_LOCAL = 254, 64  # characters (RFC 5321, and what a path leaves to an address)


@dataclass(frozen=True, slots=True)
class LetterBox:
    """Where letters go (`email`), and what is the same for each way to write it (`address`)."""

    email: str
    address: str

    @property
    def counted(self) -> str:
        """What limits count by: some boxes of one domain may share it.

        >>> read("Ada.Lovelace+papers@Example.org").counted
        'adalovelace@example.org'
        """
        local, _at, domain = self.address.partition("@")
        return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def read(typed: str) -> LetterBox:
    """Raises ValidationError with the sentence that says what is wrong.

    >>> read(" Ada+Papers@Exämple.org ")
    LetterBox(email='Ada+Papers@xn--exmple-cua.org', address='ada+papers@xn--exmple-cua.org')
    """
    typed = wording.line(typed, LONGEST)
    if not typed:
        raise ValidationError(_("Type your e-mail address."))
    if set(typed) & set(" ,;<>"):
        raise ValidationError(_("Type one address alone, without spaces or a name beside it."))
    local, _at, domain = typed.rpartition("@")
    if '"' in local:
        raise ValidationError(_("An address with quotation marks cannot get mail from here."))
    if domain.startswith("["):
        raise ValidationError(_("After the @ stands the name of a domain, not the number of a machine."))
    if not local.isascii():
        raise ValidationError(_("Before the @ only letters from a to z, digits and plain signs can be used here."))
    email = f"{local}@{_in_ascii(domain)}"
    try:
        validate_email(email)
    except ValidationError:
        raise _unlike() from None
    if len(local) > LONGEST_LOCAL or len(email) > LONGEST or "." not in email.rpartition("@")[2]:
        raise _unlike()
    return LetterBox(email, email.lower())


def _in_ascii(domain: str) -> str:
    """As the name service is asked. The codec of IDNA 2003 reads “ß” as “ss”, which is another domain by now: what it
    does not give back as it was typed is refused."""
    if domain.isascii():
        return domain.lower()
    try:
        found = domain.lower().encode("idna")
        given_back = found.decode("idna")
    except UnicodeError:
        raise _unlike() from None
    if given_back != domain.lower():
        raise ValidationError(_("Type the domain after the @ in its plain form, which may begin with xn--."))
    return found.decode("ascii")


def _unlike() -> ValidationError:
    return ValidationError(_("This is no e-mail address that can be used here. One looks like ada@example.org"))
