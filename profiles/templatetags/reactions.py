"""What readers say of a paper with a click: {% said_of paper as said %}."""

from __future__ import annotations

from django import template

from papers.models import Paper
from profiles.feedback import reacting

register = template.Library()


@register.simple_tag(takes_context=True)
def said_of(context: template.Context, paper: Paper) -> list[reacting.Said]:
    """Each kind of reaction with its count, and whether who asks for the page reacted so."""
    return reacting.said_of(paper, context["request"].user)
