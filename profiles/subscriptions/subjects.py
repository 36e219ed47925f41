"""What a subscription is about: trending papers, a topic, a person or a search, as addresses and forms state it.

Problem: what is asked for may not exist, be hidden, or be another person's since a merge. Idea: it is looked up before
anything is kept, a hidden person is as unknown as one that never was, and of a merged one the heir is meant, also when
it is shown later. Entry points: `read`, `of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _

from papers.models import Topic
from papers.text import storable
from profiles import asking
from profiles.addresses import heir_of
from profiles.models import Author, Subscription

LONGEST_QUERY = 2_000  # characters of a search's address: an index of PostgreSQL takes 2,700 bytes
MOST_DIGITS = 18  # of a row's number

Kind = Subscription.Kind


@dataclass(frozen=True, slots=True)
class Subject:
    """What papers are wanted. Which fields are filled follows from the kind."""

    kind: Subscription.Kind
    topic: Topic | None = None
    author: Author | None = None
    query: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        """As a subscription keeps it."""
        return {"kind": self.kind, "topic": self.topic, "author": self.author, "query": self.query}

    @property
    def asked(self) -> dict[str, str]:
        """As an address of /subscribe/ states it."""
        given = {
            "kind": self.kind.value,
            "topic": self.topic.slug if self.topic else "",
            "person": str(self.author.pk) if self.author else "",
            "query": self.query,
        }
        return {name: value for name, value in given.items() if value}

    @property
    def url(self) -> str:
        """Its page; "" for trending papers, and for what has none any more."""
        if self.kind == Kind.SEARCH:
            return f"{reverse('search')}?{self.query}"
        if self.topic:
            return self.topic.get_absolute_url()
        return self.author.get_absolute_url() if self.author and self.author.is_public else ""

    def __str__(self) -> str:
        """In words, for its subscriber."""
        if self.kind == Kind.SEARCH:
            return _("New papers that a search finds: %(search)s") % {"search": self._search()}
        return self.plain

    @property
    def plain(self) -> str:
        """In words of which a stranger who asked chose none: what may stand in a letter that nobody has asked for."""
        if self.kind == Kind.SEARCH:
            return _("New papers that a search finds")
        if self.topic:
            return _("New papers in %(topic)s") % {"topic": self.topic.name}
        if self.author:
            if not self.author.is_public:
                return _("New papers of a hidden record")
            return _("New papers by %(name)s") % {"name": self.author.name}
        return _("Trending papers")

    def _search(self) -> str:
        asked = asking.asked(self.query)
        first, last = asked.filters.year_from, asked.filters.year_to
        narrowed = [
            _("from %(year)d on") % {"year": first} if first and not last else "",
            _("until %(year)d") % {"year": last} if last and not first else "",
            f"{first}–{last}" if first and last else "",
            _("of one topic") if asked.filters.topic else "",
            _("of one person") if asked.filters.person else "",
        ]
        return ", ".join([f"“{asked.query}”", *filter(None, narrowed)])


def read(kind: str, topic: str = "", person: str = "", query: str = "") -> Subject:
    """Of a topic's slug, a person's id or what stands after the “?” of a search. Raises ValidationError."""
    if kind == Kind.TRENDING:
        return Subject(Kind.TRENDING)
    if kind == Kind.TOPIC:
        return Subject(Kind.TOPIC, topic=_topic(topic))
    if kind == Kind.PERSON:
        return Subject(Kind.PERSON, author=_person(person))
    if kind == Kind.SEARCH:
        return Subject(Kind.SEARCH, query=_query(query))
    raise ValidationError(_("Choose what you want to read about."))


def of(subscription: Subscription) -> Subject:
    """What it is about by now: of a merged person the heir."""
    author = heir_of(subscription.author) if subscription.author else None
    return Subject(Kind(subscription.kind), subscription.topic, author, subscription.query)


def again(subscription: Subscription) -> Subject:
    """The same, looked up anew. Raises ValidationError where it is there no more."""
    topic = subscription.topic.slug if subscription.topic else ""
    return read(subscription.kind, topic, str(subscription.author_id or ""), subscription.query)


def _topic(slug: str) -> Topic:
    found = Topic.objects.filter(slug=storable(slug)).first()
    if found is None:
        raise ValidationError(_("There is no such topic."))
    return found


def _person(typed: str) -> Author:
    found = None
    if typed.isascii() and typed.isdecimal() and len(typed) <= MOST_DIGITS:
        found = Author.objects.filter(pk=int(typed)).first()
    heir = heir_of(found) if found and found.is_public else None
    if heir is None or not heir.is_public or not (heir.works_count or heir.is_claimed):
        raise ValidationError(_("There is no such person."))
    return heir


def _query(address: str) -> str:
    asked = asking.asked(address)
    if not asked.query:
        raise ValidationError(_("This search has no words. Search for something first."))
    if asked.filters.topic:
        _topic(asked.filters.topic)
    if asked.filters.person:
        _person(str(asked.filters.person))
    address = asked.of_papers.canonical
    if len(address) > LONGEST_QUERY:
        raise ValidationError(_("This search is too long to subscribe to. Use fewer words."))
    return address
