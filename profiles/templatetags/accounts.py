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
