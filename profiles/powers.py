"""What an owner may do: lookups that return the claim that gives the power, or refuse.

An owner is the account that holds an author's claim. Control is proved from level 3 on; below, what an owner says is a
proposal. While another account that proved control disputes the claim, control is frozen and nothing else. Entry
points: `held_by`, `owner`.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from . import levels
from .models import Account, Author, Claim

CONTROL = levels.CONTROLLED  # the least level at which control is proved


def held_by(account: Account | AnonymousUser, author: Author | None = None) -> Claim | None:
    """The claim that the account holds, of `author` where that is given; None where there is none."""
    if not isinstance(account, Account) or not account.is_active:
        return None
    held = Claim.objects.filter(account=account, state=Claim.State.HELD).select_related("author", "account")
    return held.filter(author=author).first() if author is not None else held.first()


def is_frozen(claim: Claim) -> bool:
    """Whether somebody who proved control too disputes it."""
    return Claim.objects.filter(author=claim.author_id, state=Claim.State.DISPUTED, level__gte=CONTROL).exists()


def owner(account: Account | AnonymousUser, author: Author, least: int = CONTROL) -> Claim:
    """The held claim, of at least that level and not frozen. Raises PermissionDenied with the reason."""
    claim = held_by(account, author)
    if claim is None:
        raise PermissionDenied(_("Only who holds this record may do that."))
    if claim.level < least:
        raise PermissionDenied(
            _("This needs verification L%(level)s: prove first that the record is yours.") % {"level": least}
        )
    if is_frozen(claim):
        raise PermissionDenied(
            _("Somebody else proved control of this record too. Until a curator has decided, nobody changes it.")
        )
    return claim
