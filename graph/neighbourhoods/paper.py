"""Around a paper: its people in printed order, the papers that share people with it, its topics and institutions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from graph import places
from graph.networks import Edge, Filters, Kind, Node, Order, Slice
from papers.models import Institution, Paper, Topic
from profiles.models import Author

from . import works
from .works import NONE, Found, Ranking

# Names that are asked for their other papers: what more of a team of thousands would find is the same papers.
MOST_NAMES = 200

ORDER: Mapping[Kind, Order] = {
    "person": "in printed order",
    "paper": "by people in common",
    "topic": "by name",
    "institution": "in printed order",
}

_PEOPLE = """
SELECT first.author_id, p.name, count(*) OVER () FROM (
    SELECT a.author_id, min(g.position) AS position
      FROM papers_signature g JOIN profiles_assignment a ON a.signature_id = g.id AND a.state <> 'rejected'
     WHERE g.paper_id = %(paper)s GROUP BY 1) first
  JOIN profiles_author p ON p.id = first.author_id AND p.visibility = 'public'
 ORDER BY first.position, first.author_id LIMIT %(limit)s
"""

_NEAR = """
WITH people AS (
    SELECT DISTINCT a.author_id
      FROM papers_signature g
      JOIN profiles_assignment a ON a.signature_id = g.id AND a.state <> 'rejected'
      JOIN profiles_author p ON p.id = a.author_id AND p.visibility = 'public'
     WHERE g.paper_id = %(paper)s AND g.position < %(names)s
), near AS (
    SELECT g.paper_id, count(DISTINCT a.author_id) AS people
      FROM people
      JOIN profiles_assignment a USING (author_id)
      JOIN papers_signature g ON g.id = a.signature_id
     WHERE a.state <> 'rejected' AND g.paper_id <> %(paper)s GROUP BY 1
)
SELECT n.paper_id, n.people, count(*) OVER ()
  FROM near n JOIN papers_paper p ON p.id = n.paper_id {within}
 ORDER BY n.people DESC,
          (SELECT count(*) FROM papers_papertopic x JOIN papers_papertopic y USING (topic_id)
            WHERE x.paper_id = n.paper_id AND y.paper_id = %(paper)s) DESC,
          coalesce(p.updated, p.created) DESC NULLS LAST, p.id DESC LIMIT %(limit)s
"""

_TOPICS = """
SELECT t.id, t.name, t.slug, count(*) OVER () FROM papers_papertopic x JOIN papers_topic t ON t.id = x.topic_id
 WHERE x.paper_id = %(paper)s ORDER BY t.name, t.id LIMIT %(limit)s
"""

_INSTITUTIONS = """
SELECT i.id, i.name, count(*) OVER () FROM (
    SELECT f.institution_id, min(g.position) AS position
      FROM papers_signature g JOIN papers_affiliation f ON f.signature_id = g.id
     WHERE g.paper_id = %(paper)s GROUP BY 1) first
  JOIN papers_institution i ON i.id = first.institution_id ORDER BY first.position, i.id LIMIT %(limit)s
"""

_TEAM = "SELECT count(*) FROM papers_signature g WHERE g.paper_id = %(paper)s"


def around(paper: Paper, limits: Mapping[Kind, int], filters: Filters) -> Slice:
    """The years ask for other papers and for ties; the paper's own people, topics and institutions are always its."""
    year = paper.year
    people = _placed(
        (places.person(Author(pk=pk, name=name), 1), pk, total)
        for pk, name, total in _rows(_PEOPLE, paper, limits["person"])
    )
    [[team]] = works.rows(_TEAM, paper=paper.pk)
    papers = _near(paper, limits["paper"], filters)
    topics = _placed(
        (places.topic(Topic(pk=pk, name=name, slug=slug), 1), pk, total)
        for pk, name, slug, total in _rows(_TOPICS, paper, limits["topic"])
    )
    institutions = _placed(
        (places.institution(Institution(pk=pk, name=name), 1), pk, total)
        for pk, name, total in _rows(_INSTITUTIONS, paper, limits["institution"])
    )
    focus = places.paper(paper)
    itself = works.Works([paper.pk], [year], 1)
    edges = [
        *(Edge(one.node.id, focus.id, "wrote", 1, year, year) for one in people.found),
        *(Edge(focus.id, one.node.id, "about", 1) for one in topics.found),
        *(Edge(focus.id, one.node.id, "at", 1, year, year) for one in institutions.found),
        *works.ties_among(people.pks, filters, least_works=2),  # all of them wrote this one together
        *works.wrote(people.pks, papers),
        *works.about(papers, topics.pks),
        *itself.at(people.pks, institutions.pks),
    ]
    found: dict[Kind, Ranking] = {"person": people, "paper": papers, "topic": topics, "institution": institutions}
    names = MOST_NAMES if team > MOST_NAMES and limits["paper"] else None
    return works.together(focus, found, edges, order=ORDER, names=names)


def _near(paper: Paper, limit: int, filters: Filters) -> Ranking:
    """Papers by how many of this paper's public people wrote them, then by topics in common, then newest."""
    within, given = works.within_years(filters)
    found = _rows(_NEAR.format(within=within), paper, limit, names=MOST_NAMES, **given)
    if not found:
        return NONE
    known = works.titles([pk for pk, *_ in found])
    return _placed((replace(places.paper(known[pk]), weight=people), pk, total) for pk, people, total in found)


def _placed(rows: Iterable[tuple[Node, int, int]]) -> Ranking:
    """Rows of (node, id, total) in the order in which they are to stay."""
    found, total = [], 0
    for place, (node, pk, total) in enumerate(rows, 1):  # noqa: B007
        found.append(Found(replace(node, place=place), pk, 1, None, None))
    return Ranking(found, total)


def _rows(sql: str, paper: Paper, limit: int, **given: Any) -> list[Any]:
    return works.rows(sql, paper=paper.pk, limit=limit, **given) if limit else []
