"""What readers do with a paper, on its page: {% next_steps paper %}, {% posts paper %}."""

from __future__ import annotations

from typing import Any

from django import template

from papers.models import Paper
from profiles.feedback.posting import Kind
from profiles.feedback.posting_views import section

register = template.Library()


@register.inclusion_tag("profiles/_next_steps.html", takes_context=True)
def next_steps(context: template.Context, paper: Paper) -> dict[str, Any]:
    """Reactions, saving, collections."""
    return {"paper": paper, "request": context["request"], "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("profiles/_posts.html", takes_context=True)
def posts(context: template.Context, paper: Paper) -> dict[str, Any]:
    """Structured reviews, and the discussion."""
    request = context["request"]
    return {
        "paper": paper,
        "request": request,
        "user": request.user,
        "csrf_token": context.get("csrf_token"),
        "reviews": section(request, paper, Kind.REVIEW),
        "discussion": section(request, paper, Kind.COMMENT),
    }
