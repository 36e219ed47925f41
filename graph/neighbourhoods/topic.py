"""Around a topic: the people with most works in it, its newest papers, topics that share papers, institutions."""

from __future__ import annotations

from collections.abc import Mapping

from graph import places
from graph.networks import Edge, Filters, Kind, Order, Slice
from papers.models import Topic

from . import works
from .works import Ranking

ORDER: Mapping[Kind, Order] = {
    "person": "by works here",
    "paper": "newest first",
    "topic": "by shared works",
    "institution": "by works here",
}


def around(topic: Topic, limits: Mapping[Kind, int], filters: Filters) -> Slice:
    here = works.gather(works.OF_TOPIC, topic.pk, filters)
    people = here.people(limits["person"])
    papers = here.papers(limits["paper"])
    topics = here.topics(limits["topic"], but=topic.pk)
    institutions = here.institutions(limits["institution"])
    focus = places.topic(topic, here.total)
    spokes = [*people.found, *topics.found, *institutions.found]
    edges = [
        *(Edge(one.node.id, focus.id, "about", one.node.weight, one.first_year, one.last_year) for one in spokes),
        *works.ties_among(people.pks, filters),
        *works.wrote(people.pks, papers),
        *works.about(papers, [topic.pk, *topics.pks]),
        *here.at(people.pks, institutions.pks),
    ]
    found: dict[Kind, Ranking] = {"person": people, "paper": papers, "topic": topics, "institution": institutions}
    return works.together(focus, found, edges, order=ORDER, newest=here.newest)
