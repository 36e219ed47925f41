"""Who works in which topic, how topics grew, and which go together, computed in SQL.

Problem: a topic can hold 100,000 papers and 200,000 people, and its page must cost what a small one's does. Idea: rows
that the page only reads. A person's rows are made again with the person's coauthorships, and what that changes in the
numbers of new people is added to the years in the same statement, so that a decision costs what it changes. The works
of a year and the pairs of topics change only where papers come, go or change: then one pass over the papers counts all
topics, of which there are some hundreds. Only what differs is written. Entry points: `refresh`, after anything that
changes whose works are whose; `sum_up`, after what changes papers; `rebuild`.

Lift is works(a, b) × N / (works(a) × works(b)), N being the works that have a topic: 1 where two topics meet as often
as by chance. A pair of a few works says nothing: pages show pairs of `LEAST_SHARED` or more.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from profiles.authors import BIN
from profiles.models import Author

LEAST_SHARED = 5

_YEAR = "extract(year FROM coalesce(p.created, p.updated))::int"

_PEOPLE = f"""
WITH computed AS MATERIALIZED (
    SELECT s.author_id, t.topic_id, count(DISTINCT p.id)::int AS works, min({_YEAR}) AS first_year,
           max({_YEAR}) AS last_year
      FROM profiles_assignment s
      JOIN papers_signature g ON g.id = s.signature_id
      JOIN papers_paper p ON p.id = g.paper_id
      JOIN papers_papertopic t ON t.paper_id = p.id
     WHERE s.author_id = ANY(%(authors)s) AND s.state <> 'rejected'
     GROUP BY 1, 2
), gone AS (
    DELETE FROM graph_topicperson e WHERE e.author_id = ANY(%(authors)s)
       AND NOT EXISTS (SELECT FROM computed c WHERE (c.author_id, c.topic_id) = (e.author_id, e.topic_id))
), written AS (
    INSERT INTO graph_topicperson AS e (author_id, topic_id, works, first_year, last_year)
    SELECT author_id, topic_id, works, first_year, last_year FROM computed
        ON CONFLICT (author_id, topic_id) DO UPDATE
       SET (works, first_year, last_year) = (excluded.works, excluded.first_year, excluded.last_year)
     WHERE (e.works, e.first_year, e.last_year)
           IS DISTINCT FROM (excluded.works, excluded.first_year, excluded.last_year)
), moved AS (
    SELECT topic_id, year, sum(people)::int AS people FROM (
        SELECT topic_id, first_year AS year, 1 AS people FROM computed
         UNION ALL
        SELECT topic_id, first_year, -1 FROM graph_topicperson WHERE author_id = ANY(%(authors)s)
    ) before_and_after GROUP BY 1, 2 HAVING sum(people) <> 0
)
MERGE INTO graph_topicyear y
USING moved m ON y.topic_id = m.topic_id AND coalesce(y.year, 0) = coalesce(m.year, 0)
 WHEN MATCHED AND y.works = 0 AND y.new_people + m.people <= 0 THEN DELETE
 WHEN MATCHED THEN UPDATE SET new_people = greatest(y.new_people + m.people, 0)
 WHEN NOT MATCHED AND m.people > 0 THEN INSERT (topic_id, year, works, new_people)
      VALUES (m.topic_id, m.year, 0, m.people)
"""
_YEARS = f"""
WITH computed AS MATERIALIZED (
    SELECT topic_id, year, sum(works)::int AS works, sum(people)::int AS people FROM (
        SELECT t.topic_id, {_YEAR} AS year, count(*) AS works, 0 AS people
          FROM papers_papertopic t JOIN papers_paper p ON p.id = t.paper_id GROUP BY 1, 2
         UNION ALL
        SELECT topic_id, first_year, 0, count(*) FROM graph_topicperson GROUP BY 1, 2
    ) counted GROUP BY 1, 2
), gone AS (
    DELETE FROM graph_topicyear y
     WHERE NOT EXISTS (SELECT FROM computed c WHERE c.topic_id = y.topic_id AND c.year IS NOT DISTINCT FROM y.year)
)
INSERT INTO graph_topicyear AS y (topic_id, year, works, new_people)
SELECT topic_id, year, works, people FROM computed
    ON CONFLICT (topic_id, year) DO UPDATE SET (works, new_people) = (excluded.works, excluded.new_people)
 WHERE (y.works, y.new_people) <> (excluded.works, excluded.new_people)
"""
_PAIRS = """
WITH alone AS MATERIALIZED (
    SELECT topic_id, count(*)::float8 AS works FROM papers_papertopic GROUP BY 1
), everything AS MATERIALIZED (
    SELECT count(DISTINCT paper_id)::float8 AS works FROM papers_papertopic
), computed AS MATERIALIZED (
    SELECT s.topic_id, s.other_id, s.works, s.works * e.works / (one.works * other.works) AS lift
      FROM (SELECT a.topic_id, b.topic_id AS other_id, count(*)::int AS works
              FROM papers_papertopic a JOIN papers_papertopic b ON b.paper_id = a.paper_id AND b.topic_id <> a.topic_id
             GROUP BY 1, 2) s
      CROSS JOIN everything e
      JOIN alone one ON one.topic_id = s.topic_id JOIN alone other ON other.topic_id = s.other_id
), gone AS (
    DELETE FROM graph_topicpair p
     WHERE NOT EXISTS (SELECT FROM computed c WHERE (c.topic_id, c.other_id) = (p.topic_id, p.other_id))
)
INSERT INTO graph_topicpair AS p (topic_id, other_id, works, lift)
SELECT topic_id, other_id, works, lift FROM computed
    ON CONFLICT (topic_id, other_id) DO UPDATE SET (works, lift) = (excluded.works, excluded.lift)
 WHERE (p.works, p.lift) <> (excluded.works, excluded.lift)
"""


@transaction.atomic
def refresh(authors: Sequence[int]) -> None:
    """Recompute in which topics these authors work, and how many people are new to a topic in a year.

    The caller keeps others from doing so at the same time, or a person could be counted twice.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, {"authors": list(authors)})


@transaction.atomic
def sum_up() -> None:
    """Recompute the years and the pairs of all topics: papers came, went or changed. The caller keeps others out."""
    with connection.cursor() as cursor:
        cursor.execute(_YEARS)
        cursor.execute(_PAIRS)


def rebuild() -> None:
    """Recompute everything, `BIN` authors at a time."""
    last = 0
    while ids := list(Author.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BIN]):
        refresh(ids)
        last = ids[-1]
    sum_up()
