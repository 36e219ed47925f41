"""What a topic's or an institution's page says besides its works: {% portrait topic as portrait %}."""

from __future__ import annotations

from django import template

from graph import portraits
from papers.models import Institution, Topic

register = template.Library()


@register.simple_tag
def portrait(place: Topic | Institution) -> portraits.Portrait:
    return portraits.of_topic(place) if isinstance(place, Topic) else portraits.of_institution(place)
