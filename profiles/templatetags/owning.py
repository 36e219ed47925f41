"""The owner's buttons on a page of a work: {% owners_word paper %}."""

from __future__ import annotations

from typing import Any, cast

from django import template

from papers.models import Paper
from profiles import owning, powers
from profiles.models import Account

register = template.Library()


@register.inclusion_tag("profiles/_owners_word.html", takes_context=True)
def owners_word(context: template.Context, paper: Paper) -> dict[str, Any]:
    """What who asks said of the work, where they hold a record: of their name on it, if their record has one."""
    request = context["request"]
    claim = powers.held_by(cast(Account, request.user), None) if request.user.is_authenticated else None
    if claim is None:
        return {}
    names = list(paper.signatures.filter(assignment__author=claim.author_id)[:1])
    stands = owning.stand(claim, [name.pk for name in names])
    return {
        "author": claim.author,
        "paper": paper,
        "work": names[0] if names else None,
        "stand": stands[names[0].pk] if names else None,
        "next": request.path,
        "csrf_token": context.get("csrf_token"),
        "request": request,
    }
