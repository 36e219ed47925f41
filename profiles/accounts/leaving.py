"""The end of an account: claims are released, what was private is deleted, what others rely on loses its name.

Rows that decisions protect keep the account's row alive, so that is emptied instead: no name, no address, no password.
Entry point: `delete`.
"""

from __future__ import annotations

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction

from papers import journal
from profiles import claims, doubts, inviting
from profiles.feedback import trending
from profiles.models import Account, Claim, Invitation

from .records import PARTS, letters_to, rows_of


@transaction.atomic
def delete(account: Account, now: datetime) -> None:
    """End the account. Its row stays as "deleted-<id>", with which nobody can log in."""
    account = Account.objects.select_for_update().get(pk=account.pk)
    for claim in Claim.objects.filter(account=account).live():
        claims.release(claim, account, now)
    inviting.end(Invitation.objects.filter(sender=account), now)
    doubts.end(account, now)
    letters_to(account).delete()  # those just written about the release, too: nobody would read them
    keys = UserSession.objects.filter(user=account).values_list("session_key", flat=True)
    Session.objects.filter(session_key__in=list(keys)).delete()
    papers = trending.papers_of(account)
    for path, part in PARTS.items():
        if part.emptied:
            rows_of(path, account).update(**dict.fromkeys(part.emptied, ""))
        if not part.stays:
            rows_of(path, account).delete()
    trending.refresh(papers)
    journal.write(account, "deleted the account", account)
    account.username = f"deleted-{account.pk}"
    account.first_name = account.last_name = account.email = ""
    account.is_active = account.is_staff = account.is_superuser = False
    account.last_login = None
    account.set_unusable_password()
    account.save()
