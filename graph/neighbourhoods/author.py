"""Around a person: people by shared works, papers newest first, topics and institutions by works."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, F, Window

from graph import places
from graph.models import Coauthorship
from graph.networks import Edge, Filters, Kind, Slice
from profiles.models import Author

from . import works
from .works import Found, Ranking


def around(author: Author, limits: Mapping[Kind, int], filters: Filters) -> Slice:
    """Ties are read as stored; within years they are counted anew from the works."""
    ranged = bool(filters.first_year or filters.last_year)
    own = works.gather(works.OF_AUTHOR, author.pk, filters, names=ranged)
    if ranged:
        people = own.people(limits["person"], but=author.pk, least=filters.least_weight)
    else:
        people = _stored(author, limits["person"], filters.least_weight)
    papers = own.papers(limits["paper"])
    topics = own.topics(limits["topic"])
    institutions = own.institutions(limits["institution"], author=author.pk)
    focus = places.person(author, own.total)
    edges = [
        *(Edge(focus.id, one.node.id, "wrote with", one.weight, one.first_year, one.last_year) for one in people.found),
        *works.ties_among(people.pks, filters),
        *works.wrote([*people.pks, author.pk], papers),
        *works.about(papers, topics.pks),
        *(Edge(focus.id, one.node.id, "at", one.weight, one.first_year, one.last_year) for one in institutions.found),
    ]
    found: dict[Kind, Ranking] = {"person": people, "paper": papers, "topic": topics, "institution": institutions}
    return works.together(focus, found, edges, newest=own.newest)


def _stored(author: Author, limit: int, least: float) -> Ranking:
    """Coauthors by index; hidden ones are neither shown nor counted."""
    if not limit:
        return works.NONE
    ties = Coauthorship.objects.listed().filter(author=author, weight__gte=least).strongest_first()
    rows = ties.annotate(name=F("coauthor__name"), total=Window(Count("*"))).values_list(
        "coauthor_id", "name", "works", "weight", "first_year", "last_year", "total"
    )[:limit]
    found = [
        Found(places.person(Author(pk=pk, name=name), shared), pk, weight, first, last)
        for pk, name, shared, weight, first, last, _ in rows
    ]
    return Ranking(found, rows[0][-1] if found else 0)
