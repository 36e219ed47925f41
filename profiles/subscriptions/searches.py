"""Searches that are asked again and again: their pages, their feeds, what an account saves, and what goes out by mail.

Problem: the same question must have the same answer in the same order wherever it is asked. Idea: one reading of an
address (`papers.searching.addresses`), with one thing added that papers do not know: whoever is meant by the id of
somebody who was merged. Entry points: `asked`.
"""

from __future__ import annotations

from dataclasses import replace

from papers.searching.addresses import Asked, read
from profiles.addresses import heir_of
from profiles.models import Author


def asked(address: str) -> Asked:
    """The search that stands after the “?”, about the heir of a person who was merged."""
    found = read(address)
    if found.filters.person is None:
        return found
    person = Author.objects.filter(pk=found.filters.person).exclude(merged_into=None).first()
    return replace(found, filters=replace(found.filters, person=heir_of(person).pk)) if person else found
