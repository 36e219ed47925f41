"""Who came in, who tried, and what changed in how an account is entered: rows of the append-only journal.

What somebody typed into a form is written nowhere: it may be a password in the wrong field, or a line that looks like
another entry. Rows name the account and say what happened; addresses, keys and numbers of networks are left out, since
a row can never be deleted. Entry point: `connect`, once the apps are ready.
"""

from __future__ import annotations

import logging
from typing import Any

from allauth.account import signals as account_signals
from allauth.account.models import EmailAddress
from allauth.mfa import signals as factor_signals
from allauth.socialaccount import signals as connection_signals
from django.contrib.admin.models import LogEntry
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.db.models.signals import post_save
from django.dispatch import Signal

from papers import journal
from profiles.models import Account

logger = logging.getLogger(__name__)

# Verbs of what an account does to itself.
OWN: tuple[tuple[str, Signal], ...] = (
    ("signed up", account_signals.user_signed_up),
    ("logged in", account_signals.user_logged_in),
    ("logged out", user_logged_out),
    ("changed the password", account_signals.password_changed),
    ("set a password", account_signals.password_set),
    ("reset the password", account_signals.password_reset),
    ("added an address", account_signals.email_added),
    ("removed an address", account_signals.email_removed),
    ("changed the primary address", account_signals.email_changed),
    ("added a second factor", factor_signals.authenticator_added),
    ("removed a second factor", factor_signals.authenticator_removed),
    ("renewed recovery codes", factor_signals.authenticator_reset),
)
# What the admin's own classes journal already, with more than a LogEntry says.
JOURNALLED = ("profiles.account", "auth.group", "papers.batch", "papers.harvest")


def connect() -> None:
    """Write a row whenever one of these is sent."""
    for verb, signal in OWN:
        _listen(signal, verb)
    user_login_failed.connect(_failed, dispatch_uid="audit failed login")
    factor_signals.authentication_failed.connect(_failed_factor, dispatch_uid="audit failed second factor")
    account_signals.email_confirmed.connect(_confirmed, dispatch_uid="audit confirmed address")
    connection_signals.social_account_added.connect(_connected, dispatch_uid="audit connected")
    connection_signals.social_account_removed.connect(_disconnected, dispatch_uid="audit disconnected")
    post_save.connect(_admin, sender=LogEntry, dispatch_uid="audit admin")


def _listen(signal: Signal, verb: str) -> None:
    def write(sender: Any, user: Any = None, **sent: Any) -> None:
        if isinstance(user, Account):
            journal.write(user, verb, user, **_factor(sent.get("authenticator")))

    signal.connect(write, weak=False, dispatch_uid=f"audit {verb}")


def _factor(authenticator: Any) -> dict[str, str]:
    return {"factor": str(authenticator.type)} if authenticator else {}


def _failed(sender: Any, credentials: dict[str, Any], **sent: Any) -> None:
    """A wrong password. Where no account has the name, only the fact is logged."""
    name, address = credentials.get("username") or "", credentials.get("email") or ""
    account = Account.objects.filter(username__iexact=name).first() if name else None
    for typed in (address, name):
        if account is None and typed:
            found = EmailAddress.objects.filter(email__iexact=typed, verified=True).select_related("user").first()
            account = found.user if found else None
    if account is None:
        logger.warning("A login failed: no account has that name or address.")
    else:
        journal.write(None, "failed login", account)


def _failed_factor(sender: Any, user: Any, **sent: Any) -> None:
    journal.write(None, "failed second factor", user, **_factor(sent.get("authenticator")))


def _confirmed(sender: Any, email_address: EmailAddress, **sent: Any) -> None:
    journal.write(email_address.user, "confirmed an address", email_address.user)


def _connected(sender: Any, sociallogin: Any, **sent: Any) -> None:
    journal.write(sociallogin.user, "connected", sociallogin.user, provider=sociallogin.account.provider)


def _disconnected(sender: Any, socialaccount: Any, **sent: Any) -> None:
    journal.write(socialaccount.user, "disconnected", socialaccount.user, provider=socialaccount.provider)


def _admin(sender: Any, instance: LogEntry, created: bool, **sent: Any) -> None:
    """What was done in the admin, unless its own class wrote it in more words."""
    kind = instance.content_type
    label = f"{kind.app_label}.{kind.model}" if kind else ""
    if created and label not in JOURNALLED:
        verb = str(instance.get_action_flag_display()).lower()
        journal.write(instance.user, f"{verb} in the admin", instance, of=label, row=instance.object_id)
