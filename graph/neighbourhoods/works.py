"""A set of works, newest first, and the people, topics and institutions in it, each in one narrow query.

Problem: a topic can hold 100,000 papers, and a paper 5,000 names. Idea: nothing is counted beyond the newest
`MOST_WORKS` works, or the newest that print `MOST_NAMES` names together; the set knows whether it was cut.

Entry point: `gather`, with one of `OF_AUTHOR`, `OF_TOPIC`, `OF_INSTITUTION`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.db import connection

from graph import places
from graph.networks import Edge, Filters, Kind, Node, Slice, fitting
from papers.models import Institution, Paper, Topic
from profiles.models import Author

MOST_WORKS = 2_000
MOST_NAMES = 50_000

OF_AUTHOR = """
SELECT DISTINCT g.paper_id FROM profiles_assignment a JOIN papers_signature g ON g.id = a.signature_id
 WHERE a.author_id = %(of)s AND a.state <> 'rejected'
"""
OF_TOPIC = "SELECT t.paper_id FROM papers_papertopic t WHERE t.topic_id = %(of)s"
OF_INSTITUTION = """
SELECT DISTINCT g.paper_id FROM papers_affiliation f JOIN papers_signature g ON g.id = f.signature_id
 WHERE f.institution_id = %(of)s
"""

_NEWEST = """
SELECT p.id, extract(year FROM coalesce(p.updated, p.created))::int
  FROM papers_paper p
 WHERE p.id IN ({of}) {within}
 ORDER BY coalesce(p.updated, p.created) DESC NULLS LAST, p.id DESC LIMIT %(limit)s
"""
_COUNT = "SELECT count(*) FROM papers_paper p WHERE p.id IN ({of}) {within}"
_COUNT_ALL = "SELECT count(*) FROM ({of}) w"
_NAMES = """
SELECT w.id, coalesce((SELECT g.position + 1 FROM papers_signature g WHERE g.paper_id = w.id
                        ORDER BY g.position DESC LIMIT 1), 0)
  FROM unnest(%(works)s::bigint[]) w(id)
"""

# Where its owner keeps the affiliation off the page, no slice puts the person at a place; papers say what they print.
_SAYS_WHERE = """
AND NOT EXISTS (SELECT FROM profiles_ownwords o WHERE o.author_id = a.author_id AND 'affiliation' = ANY(o.hidden))
"""

# An author printed twice on a paper counts once. A team's size is the number of its names, whoever they are.
_PEOPLE = """
WITH written AS (
    SELECT DISTINCT a.author_id, g.paper_id
      FROM papers_signature g
      JOIN profiles_assignment a ON a.signature_id = g.id AND a.state <> 'rejected'
     WHERE g.paper_id = ANY(%(works)s) AND a.author_id <> %(but)s {printing}
), team AS (
    SELECT g.paper_id, count(*) AS size FROM papers_signature g WHERE g.paper_id = ANY(%(works)s) GROUP BY 1
), tied AS (
    SELECT author_id, count(*) AS works, sum(CASE WHEN size > 1 THEN 1.0 / (size - 1) ELSE 0 END)::float AS weight,
           min(y.year) AS first_year, max(y.year) AS last_year
      FROM written JOIN team USING (paper_id)
      JOIN unnest(%(works)s::bigint[], %(years)s::int[]) AS y(paper_id, year) USING (paper_id)
     GROUP BY 1
)
SELECT t.author_id, p.name, t.works, t.weight, t.first_year, t.last_year, count(*) OVER ()
  FROM tied t JOIN profiles_author p ON p.id = t.author_id AND p.visibility = 'public'
 WHERE t.weight >= %(least)s
 ORDER BY t.works DESC, t.weight DESC, p.name, t.author_id LIMIT %(limit)s
"""
_PRINTING = f"""
AND EXISTS (SELECT FROM papers_affiliation f WHERE f.signature_id = g.id AND f.institution_id = %(institution)s)
{_SAYS_WHERE}"""

_TOPICS = """
SELECT t.id, t.name, t.slug, w.works, w.first_year, w.last_year, count(*) OVER ()
  FROM (SELECT x.topic_id, count(*) AS works, min(y.year) AS first_year, max(y.year) AS last_year
          FROM papers_papertopic x
          JOIN unnest(%(works)s::bigint[], %(years)s::int[]) AS y(paper_id, year) USING (paper_id)
         WHERE x.topic_id <> %(but)s GROUP BY 1) w
  JOIN papers_topic t ON t.id = w.topic_id
 ORDER BY w.works DESC, t.name, t.id LIMIT %(limit)s
"""

_INSTITUTIONS = """
SELECT i.id, i.name, w.works, w.first_year, w.last_year, count(*) OVER ()
  FROM (SELECT f.institution_id, count(DISTINCT g.paper_id) AS works, min(y.year) AS first_year,
               max(y.year) AS last_year
          FROM papers_signature g
          JOIN unnest(%(works)s::bigint[], %(years)s::int[]) AS y(paper_id, year) USING (paper_id)
          JOIN papers_affiliation f ON f.signature_id = g.id
         WHERE f.institution_id <> %(but)s {of}
         GROUP BY 1) w
  JOIN papers_institution i ON i.id = w.institution_id
 ORDER BY w.works DESC, i.name, i.id LIMIT %(limit)s
"""
_OF_PERSON = f"""
AND EXISTS (SELECT FROM profiles_assignment a
             WHERE a.signature_id = g.id AND a.author_id = %(author)s AND a.state <> 'rejected' {_SAYS_WHERE})
"""

_WROTE = """
SELECT DISTINCT a.author_id, g.paper_id
  FROM papers_signature g JOIN profiles_assignment a ON a.signature_id = g.id AND a.state <> 'rejected'
 WHERE g.paper_id = ANY(%(papers)s) AND a.author_id = ANY(%(people)s) ORDER BY 1, 2
"""
_ABOUT = """
SELECT x.paper_id, x.topic_id FROM papers_papertopic x
 WHERE x.paper_id = ANY(%(papers)s) AND x.topic_id = ANY(%(topics)s) ORDER BY 1, 2
"""
_AT = f"""
SELECT a.author_id, f.institution_id, count(DISTINCT g.paper_id), min(y.year), max(y.year)
  FROM papers_signature g
  JOIN unnest(%(works)s::bigint[], %(years)s::int[]) AS y(paper_id, year) USING (paper_id)
  JOIN profiles_assignment a ON a.signature_id = g.id AND a.state <> 'rejected'
  JOIN papers_affiliation f ON f.signature_id = g.id
 WHERE a.author_id = ANY(%(people)s) AND f.institution_id = ANY(%(institutions)s) {_SAYS_WHERE}
 GROUP BY 1, 2 ORDER BY 1, 2
"""
_TIES = """
SELECT e.author_id, e.coauthor_id, e.weight, e.first_year, e.last_year FROM graph_coauthorship e
 WHERE e.author_id = ANY(%(people)s) AND e.coauthor_id = ANY(%(people)s) AND e.author_id < e.coauthor_id
   AND e.works >= %(least_works)s AND e.weight >= %(least)s ORDER BY 1, 2
"""
_TIES_WITHIN = """
WITH written AS (
    SELECT DISTINCT a.author_id, g.paper_id
      FROM profiles_assignment a JOIN papers_signature g ON g.id = a.signature_id
     WHERE a.author_id = ANY(%(people)s) AND a.state <> 'rejected'
), shared AS (
    SELECT p.id AS paper_id, extract(year FROM coalesce(p.updated, p.created))::int AS year,
           (SELECT count(*) FROM papers_signature g WHERE g.paper_id = p.id) AS size
      FROM papers_paper p
     WHERE p.id IN (SELECT paper_id FROM written GROUP BY 1 HAVING count(*) > 1) {within}
)
SELECT one.author_id, other.author_id, sum(1.0 / (size - 1))::float AS weight, min(year), max(year)
  FROM shared JOIN written one USING (paper_id) JOIN written other USING (paper_id)
 WHERE one.author_id < other.author_id
 GROUP BY 1, 2 HAVING count(*) >= %(least_works)s AND sum(1.0 / (size - 1)) >= %(least)s ORDER BY 1, 2
"""


class Found(NamedTuple):
    """A node, its tie to the works it was found in, and the years of those."""

    node: Node
    pk: int
    weight: float
    first_year: int | None
    last_year: int | None


class Ranking(NamedTuple):
    """The first of a kind, and how many there are."""

    found: Sequence[Found]
    total: int

    @property
    def pks(self) -> list[int]:
        return [one.pk for one in self.found]

    @property
    def nodes(self) -> list[Node]:
        return [one.node for one in self.found]


NONE = Ranking((), 0)


@dataclass(frozen=True, slots=True)
class Works:
    """Ids of the newest works, newest first, with their years, and how many there are in all."""

    ids: list[int]
    years: list[int | None]
    total: int

    @property
    def newest(self) -> int | None:
        """How many are counted, where that is not all of them."""
        return len(self.ids) if len(self.ids) < self.total else None

    def papers(self, limit: int) -> Ranking:
        """The newest papers: titles and dates only, for abstracts are long."""
        shown = self.ids[:limit]
        if not shown:
            return Ranking((), self.total if limit else 0)
        known = titles(shown)
        nodes = [places.paper(known[pk]) for pk in shown]
        return Ranking([Found(n, pk, 1, y, y) for n, pk, y in zip(nodes, shown, self.years, strict=False)], self.total)

    def people(self, limit: int, *, but: int = 0, institution: int = 0, least: float = 0.0) -> Ranking:
        """By works here, then Newman's weight over them; `institution`: only with it printed beside the name."""
        given = {"but": but, "institution": institution, "least": least}
        rows = self._rows(_PEOPLE.format(printing=_PRINTING if institution else ""), limit, **given)
        return Ranking(
            [
                Found(places.person(Author(pk=pk, name=name), works), pk, weight, first, last)
                for pk, name, works, weight, first, last, _ in rows
            ],
            rows[0][-1] if rows else 0,
        )

    def topics(self, limit: int, *, but: int = 0) -> Ranking:
        rows = self._rows(_TOPICS, limit, but=but)
        return Ranking(
            [
                Found(places.topic(Topic(pk=pk, name=name, slug=slug), works), pk, works, first, last)
                for pk, name, slug, works, first, last, _ in rows
            ],
            rows[0][-1] if rows else 0,
        )

    def institutions(self, limit: int, *, but: int = 0, author: int = 0) -> Ranking:
        """By works here; `author`: only those printed beside that author's name."""
        rows = self._rows(_INSTITUTIONS.format(of=_OF_PERSON if author else ""), limit, but=but, author=author)
        return Ranking(
            [
                Found(places.institution(Institution(pk=pk, name=name), works), pk, works, first, last)
                for pk, name, works, first, last, _ in rows
            ],
            rows[0][-1] if rows else 0,
        )

    def at(self, people: Collection[int], institutions: Collection[int]) -> Iterator[Edge]:
        """Who is printed at which institution in these works; the weight is the number of works."""
        rows = self._rows(_AT, 1, people=list(people), institutions=list(institutions))
        for author, institution, works, first, last in rows if people and institutions else ():
            yield Edge(places.person_id(author), places.institution_id(institution), "at", works, first, last)

    def _rows(self, sql: str, limit: int, **given: Any) -> list[Any]:
        return rows(sql, works=self.ids, years=self.years, limit=limit, **given) if self.ids and limit else []


def gather(sql: str, of: int, filters: Filters, names: bool = True) -> Works:
    """The works of an author, a topic or an institution within the years; `names`: cut where too many are printed."""
    within, given = within_years(filters)
    newest = rows(_NEWEST.format(of=sql, within=within), of=of, limit=MOST_WORKS, **given)
    total = len(newest)
    if total == MOST_WORKS:
        count = _COUNT.format(of=sql, within=within) if within else _COUNT_ALL.format(of=sql)
        [[total]] = rows(count, of=of, **given)
    if names and newest:
        printed = dict(rows(_NAMES, works=[pk for pk, _ in newest]))
        newest = newest[: fitting((printed[pk] for pk, _ in newest), MOST_NAMES)]
    return Works([pk for pk, _ in newest], [year for _, year in newest], total)


def together(focus: Node, found: Mapping[Kind, Ranking], edges: Iterable[Edge], **more: Any) -> Slice:
    """The slice of what was found of each kind, and of how many; `more` is as `Slice` takes it."""
    nodes = [focus, *(node for ranking in found.values() for node in ranking.nodes)]
    return Slice(tuple(nodes), tuple(edges), focus.id, {kind: ranking.total for kind, ranking in found.items()}, **more)


def titles(papers: Collection[int]) -> dict[int, Paper]:
    return Paper.objects.only("title_text", "created", "updated").in_bulk(papers)


def wrote(people: Collection[int], papers: Ranking) -> Iterator[Edge]:
    years = {one.pk: one.last_year for one in papers.found}
    for author, paper in rows(_WROTE, people=list(people), papers=list(years)) if people and years else ():
        yield Edge(places.person_id(author), places.paper_id(paper), "wrote", 1, years[paper], years[paper])


def about(papers: Ranking, topics: Collection[int]) -> Iterator[Edge]:
    found = rows(_ABOUT, papers=papers.pks, topics=list(topics)) if papers.found and topics else ()
    for paper, topic in found:
        yield Edge(places.paper_id(paper), places.topic_id(topic), "about", 1)


def ties_among(people: Collection[int], filters: Filters, least_works: int = 1) -> Iterator[Edge]:
    """Each pair once: as stored, or counted anew from the works within the years."""
    within, given = within_years(filters)
    sql = _TIES_WITHIN.format(within=within) if within else _TIES
    given["least_works"] = least_works
    found = rows(sql, people=list(people), least=filters.least_weight, **given) if len(people) > 1 else ()
    for one, other, weight, first, last in found:
        yield Edge(places.person_id(one), places.person_id(other), "wrote with", weight, first, last)


def within_years(filters: Filters) -> tuple[str, dict[str, Any]]:
    """SQL about the paper `p`, and its parameters: the year of a work is that of its latest version."""
    sql = ""
    given: dict[str, Any] = {}
    if filters.first_year:
        sql += " AND coalesce(p.updated, p.created) >= %(since)s"
        given["since"] = date(filters.first_year, 1, 1)
    if filters.last_year:
        sql += " AND coalesce(p.updated, p.created) <= %(until)s"
        given["until"] = date(filters.last_year, 12, 31)
    return sql, given


def rows(sql: str, **given: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        found: list[Any] = cursor.fetchall()
        return found
