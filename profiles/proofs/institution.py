"""Proof by institution: a code sent to an address at a place of work. It says where somebody is, not who: weak."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ..models import Claim, Proof
from . import coded
from .kind import Kind, Route

# Mail that anyone can have within a minute says nothing about a place of work: the largest providers of many countries,
# and those of addresses that last ten minutes. What is missing here gains nobody anything: the proof is weak.
_FREE = """
126.com 139.com 163.com abv.bg aol.com bk.ru daum.net duck.com email.com fastmail.com foxmail.com free.fr gmail.com
gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com guerrillamail.com hanmail.net hey.com hotmail.com hotmail.co.uk
hotmail.de hotmail.es hotmail.fr hotmail.it icloud.com inbox.ru interia.pl laposte.net libero.it list.ru live.com
mac.com mail.com mail.ru mailbox.org mailinator.com me.com msn.com naver.com o2.pl onet.pl orange.fr outlook.com pm.me
posteo.de proton.me protonmail.com qq.com rambler.ru rediffmail.com rocketmail.com seznam.cz sina.cn sina.com sohu.com
t-online.de tempmail.com tutanota.com uol.com.br wanadoo.fr web.de wp.pl ya.ru yahoo.co.in yahoo.co.jp yahoo.co.uk
yahoo.com yahoo.de yahoo.es yahoo.fr yandex.com yandex.ru yeah.net yopmail.com zoho.com
"""
FREE = frozenset(_FREE.split())


def begin(claim: Claim, subject: str, now: datetime) -> Proof:
    """Send a code to the address that was typed. Raises ValidationError for what is no address of an institution."""
    name, _at, domain = subject.strip().rpartition("@")
    address = f"{name}@{domain.lower()}"
    try:
        validate_email(address)
    except ValidationError:
        raise ValidationError(_("This is not an e-mail address.")) from None
    if len(address) > 254:
        raise ValidationError(_("This is not an e-mail address."))
    if domain.lower() in FREE:
        raise ValidationError(
            _("Anyone can have an address at %(domain)s. Give the one of your institution.")
            % {"domain": domain.lower()}
        )
    return coded.send(KIND.slug, claim, address, None, now)


KIND = Kind(
    slug="institution",
    label=pgettext_lazy("proof", "An address at your institution"),
    about=gettext_lazy(
        "We send a code there. It supports the affiliation for 12 months; it does not prove who you are."
    ),
    route=Route.WEAK,
    offers=lambda claim: (),
    begin=begin,
    complete=coded.check,
    template="profiles/proofs/code.html",
    lasts=timedelta(days=365),
    typed=True,
    asks=gettext_lazy("Your address at the institution"),
)
