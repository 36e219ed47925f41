"""Around an institution: the people printed at it, the newest papers that print it, their topics, and other places."""

from __future__ import annotations

from collections.abc import Mapping

from graph import places
from graph.networks import Edge, Filters, Kind, Order, Slice
from papers.models import Institution

from . import works
from .works import Ranking

ORDER: Mapping[Kind, Order] = {
    "person": "by works here",
    "paper": "newest first",
    "topic": "by works here",
    "institution": "by shared works",
}


def around(institution: Institution, limits: Mapping[Kind, int], filters: Filters) -> Slice:
    here = works.gather(works.OF_INSTITUTION, institution.pk, filters)
    people = here.people(limits["person"], institution=institution.pk)
    papers = here.papers(limits["paper"])
    topics = here.topics(limits["topic"])
    others = here.institutions(limits["institution"], but=institution.pk)
    focus = places.institution(institution, here.total)
    at = [*people.found, *papers.found, *others.found]
    edges = [
        *(Edge(one.node.id, focus.id, "at", _works(one), one.first_year, one.last_year) for one in at),
        *(Edge(focus.id, one.node.id, "about", _works(one), one.first_year, one.last_year) for one in topics.found),
        *works.ties_among(people.pks, filters),
        *works.wrote(people.pks, papers),
        *works.about(papers, topics.pks),
        *here.at(people.pks, others.pks),
    ]
    found: dict[Kind, Ranking] = {"person": people, "paper": papers, "topic": topics, "institution": others}
    return works.together(focus, found, edges, order=ORDER, newest=here.newest)


def _works(one: works.Found) -> float:
    return 1 if one.node.kind == "paper" else one.node.weight
