"""What a claimant puts on a page: {{ proof|page_code }}, {{ proof|page_link }}."""

from __future__ import annotations

from django import template

from profiles.proofs.page import code_of, link_of

register = template.Library()
register.filter("page_code", code_of)
register.filter("page_link", link_of)
