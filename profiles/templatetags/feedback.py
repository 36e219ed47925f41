"""What readers do with a paper, on its page: {% next_steps paper %}, {% posts paper %}."""

from __future__ import annotations

from typing import Any

from django import template

from papers.models import Paper

register = template.Library()


@register.inclusion_tag("profiles/_next_steps.html", takes_context=True)
def next_steps(context: template.Context, paper: Paper) -> dict[str, Any]:
    """Reactions, saving, collections."""
    return {"paper": paper, "request": context["request"], "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("profiles/_posts.html", takes_context=True)
def posts(context: template.Context, paper: Paper) -> dict[str, Any]:
    """Structured reviews, and the discussion."""
    return {"paper": paper, "request": context["request"], "csrf_token": context.get("csrf_token")}
