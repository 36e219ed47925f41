"""Authors in sentences: {{ author|person }} is the name as a link; of a hidden record, words that name nobody."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext as _

from profiles.models import Author

register = template.Library()


@register.filter
def person(author: Author, numbered: bool = False) -> str:
    """The name, with the number where `numbered`, leading to the profile; escaped."""
    if not author.is_public:
        return _("a person whose record is hidden")
    label = f"{author.name} #{author.pk}" if numbered else author.name
    return format_html('<a href="{}">{}</a>', author.get_absolute_url(), label)
