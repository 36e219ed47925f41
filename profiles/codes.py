"""Codes that prove that somebody reads an address: short-lived, single-use, and kept only as a keyed hash.

Problem: a code of eight digits can be guessed by who may guess often, and stolen from who keeps it readable. Idea: five
tries, half an hour, one newest code for each purpose, and one conditional UPDATE that uses it up, so that of fifty who
type it at once one gets in. Reference: NIST SP 800-63B, out-of-band secrets. Entry points: `issue`, `redeem`.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac

from .models import Code

DIGITS = 8  # with TRIES guesses a code, one in twenty million
TRIES = 5
LIFETIME = timedelta(minutes=30)


@transaction.atomic
def issue(purpose: str, now: datetime) -> str:
    """A new code for `purpose`; earlier ones no longer open it."""
    Code.objects.filter(purpose=purpose, used_at=None).update(expires_at=now)
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    made = Code(purpose=purpose, hash=_hash(purpose, code), expires_at=now + LIFETIME)
    made.save()
    return code


def redeem(purpose: str, typed: str, now: datetime) -> bool:
    """Whether `typed` is the newest code for `purpose`, which it then uses up. Spaces and dashes do not count."""
    typed = "".join(character for character in typed[:40] if character.isdecimal())
    open_codes = Code.objects.filter(purpose=purpose, used_at=None, expires_at__gt=now, tries__lt=TRIES)
    # The try is counted before the code is looked at, and by the database: fifty at once do not get fifty tries.
    if not open_codes.update(tries=F("tries") + 1):
        return False
    right = Code.objects.filter(purpose=purpose, used_at=None, expires_at__gt=now, hash=_hash(purpose, typed))
    return bool(right.filter(tries__lte=TRIES).update(used_at=now))


def _hash(purpose: str, code: str) -> str:
    return salted_hmac(f"profiles.codes {purpose}", code, algorithm="sha256").hexdigest()
