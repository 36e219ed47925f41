"""The follow button on a topic's page: {% topic_follow topic %}."""

from __future__ import annotations

from typing import Any

from django import template

from papers.models import Topic
from profiles.models import TopicFollow

register = template.Library()


@register.inclusion_tag("profiles/_follow_topic.html", takes_context=True)
def topic_follow(context: template.Context, topic: Topic) -> dict[str, Any]:
    """How many follow the topic, and whether who asks does."""
    request = context["request"]
    follows = TopicFollow.objects.filter(topic=topic)
    return {
        "topic": topic,
        "followers": follows.count(),
        "is_following": request.user.is_authenticated and follows.filter(account=request.user).exists(),
        "user": request.user,
        "request": request,
        "csrf_token": context.get("csrf_token"),
    }
