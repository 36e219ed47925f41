"""What a search asks, wherever it is asked: on its page, in its feed, in its exports, and by mail.

Problem: the same address must be the same question everywhere. Idea: one reading of it (`papers.searching.addresses`),
with one thing added that papers do not know: who is meant by the id of somebody who was merged. Entry point: `asked`.
"""

from __future__ import annotations

from dataclasses import replace

from papers.searching.addresses import Asked, read

from .addresses import heir_of
from .models import Author


def asked(address: str) -> Asked:
    """The search that stands after the “?”, about the heir of a person who was merged."""
    found = read(address)
    if found.filters.person is None:
        return found
    person = Author.objects.filter(pk=found.filters.person).exclude(merged_into=None).first()
    return replace(found, filters=replace(found.filters, person=heir_of(person).pk)) if person else found
