"""For the pages of an account."""

from __future__ import annotations

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

from profiles.accounts import adapter
from profiles.models import Account

register = template.Library()


@register.filter
def unhinted(field: BoundField) -> SafeString:
    """The field without a placeholder: its label stands above it, and stays when one types."""
    return field.as_widget(attrs={"placeholder": False})


@register.filter
def addressed(account: Account) -> str:
    """How the account is addressed on its own pages."""
    return adapter.display(account)


# The first that is found counts: every browser says that it is Mozilla, and most that they are Safari.
_BROWSERS = (("Firefox/", "Firefox"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    *(("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "Mac")),
    *(("CrOS", "ChromeOS"), ("Linux", "Linux")),
)


@register.filter
def browser(user_agent: str) -> str:
    """What a person would call it: “Firefox, Windows”. Anything else by its first word."""
    found = [next((name for sign, name in table if sign in user_agent), "") for table in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, found)) or user_agent[:40] or "?"
