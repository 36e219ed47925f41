"""Where a paper is kept, for its page: {% kept_of paper as kept %}."""

from __future__ import annotations

from django import template

from papers.models import Paper
from profiles.feedback import collecting

register = template.Library()


@register.simple_tag(takes_context=True)
def kept_of(context: template.Context, paper: Paper) -> collecting.Kept:
    """By whoever asks, and in public."""
    return collecting.of_paper(paper, context["request"].user)
