"""What separates the people of one printed name: the years, coauthors, topics and affiliations that divide their works.

Problem: what one of forty people called Wei Wang has most of ("Machine Learning") is what the others have too, and
tells nobody apart. Idea: a feature is worth the share of this person's works that have it minus the share among the
works of all the others (Youden's J, informedness), and must be seen in `SUPPORT` works, so that a chance meeting is not
taken for a mark. Coauthors and affiliations count as printed, not as resolved: "only here" is then true of what a
reader can see. Everything is counted in SQL over all people of the name at once, in a number of queries that depends
neither on how many they are nor on their works. Entry points: `separating` for the measure, `namesakes` for a page.
Reference: Youden, Index for rating diagnostic tests, Cancer 1950.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Q, QuerySet

from papers.names import fold
from papers.paging import ForeignCursor

from .models import Author
from .shown import JOIN, KEY, LABEL

SHOWN = 40  # people on a page: some ten screens of cards
# People of a name whose works are counted, those with most works first; who is beyond has a work or two.
COMPARED = 500
# Works that must show a feature (all of them where a person has fewer): one shared paper proves no habit.
SUPPORT = 2
# A feature is named where it divides at least so well; below, as many of the others' works have it as makes no mark.
DIVIDES = 0.2
MARKS = 4  # features named on a card
OF_A_KIND = 2  # at most: the four coauthors of one paper say no more than two of them
CANDIDATES = 8  # of each kind and person, ranked in SQL by the same measure
# A list of a thousand names tells nothing of one of them; as for coauthorships (`graph.coauthorships.LARGEST_TEAM`).
LARGEST_TEAM = 100


@dataclass(frozen=True, slots=True)
class Feature:
    """`inside` works of one person have it, and `outside` works of the others. `kind`: years, coauthor, …"""

    kind: str
    label: str
    inside: int
    outside: int

    def divides(self, works: int, others: int) -> float:
        """Share of the person's `works` that have it minus share of the `others`' works, -1 to 1."""
        return self.inside / max(works, 1) - self.outside / max(others, 1)


@dataclass(slots=True)
class Namesake:
    """A person on the page "Which one do you mean?": `marks` separate them from the `others` works under the name.

    `coauthors` and `topics` are the most frequent that are not among the marks.
    """

    author: Author
    works: int = 0
    others: int = 0
    marks: list[Feature] = field(default_factory=list)
    coauthors: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    newest_title: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the `total` people of a name, `compared` of whom the marks speak of; `following` leads to the next."""

    people: list[Namesake]
    total: int
    following: str

    @property
    def compared(self) -> int:
        return min(self.total, COMPARED)


def separating(features: Iterable[Feature], works: int, others: int, shown: int = MARKS) -> list[Feature]:
    """The features that separate a person of `works` works from the `others` works best, best first.

    At most `OF_A_KIND` of one kind. Ties go to the feature of more works, then by kind and label. None where there is
    nobody else.
    """
    if not others:
        return []
    support = min(SUPPORT, works)
    found = [f for f in features if f.inside >= support and f.divides(works, others) >= DIVIDES]
    kinds: Counter[str] = Counter()
    chosen: list[Feature] = []
    for feature in sorted(found, key=lambda f: (-f.divides(works, others), -f.inside, f.kind, f.label)):
        kinds[feature.kind] += 1
        if kinds[feature.kind] <= OF_A_KIND:
            chosen.append(feature)
    return chosen[:shown]


def printed_as(name: str) -> QuerySet[Author]:
    """Everyone printed under a name, by its folded form, whose record is public."""
    public = {"merged_into": None, "visibility": Author.Visibility.PUBLIC}
    return Author.objects.filter(variants__folded=fold(name), **public).distinct()


def namesakes(name: str, cursor: str = "", size: int = SHOWN) -> Page:
    """The people printed as `name`, most works first, from after `cursor` ("works~id"). Raises BadRequest for a cursor
    that this function has not made."""
    everyone = printed_as(name)
    ranked = everyone.order_by("-works_count", "pk")
    if cursor:
        ranked = ranked.filter(_after(cursor))
    authors = list(ranked.select_related("trust")[: size + 1])
    following = ""
    if len(authors) > size:
        authors = authors[:size]
        following = f"{authors[-1].works_count}~{authors[-1].pk}"
    total = everyone.count()
    people = {author.pk: Namesake(author) for author in authors}
    _describe(people, fold(name), compare=total > 1)
    return Page(list(people.values()), total, following)


def _after(cursor: str) -> Q:
    works, _, pk = cursor.partition("~")
    if not (works.isdecimal() and pk.isdecimal() and len(works) <= 9 and len(pk) <= 18):
        raise ForeignCursor
    return Q(works_count__lt=int(works)) | Q(works_count=int(works), pk__gt=int(pk))


def _describe(people: dict[int, Namesake], folded: str, compare: bool) -> None:
    """Fill in works, marks, the newest title, and the most frequent coauthors and topics."""
    features: defaultdict[int, list[Feature]] = defaultdict(list)
    frequent: defaultdict[tuple[int, str], list[tuple[int, str]]] = defaultdict(list)
    for pk, works, others, kind, label, inside, outside, frequency in _counted(people, folded):
        person = people[pk]
        person.works, person.others = works, others
        if kind == "newest":
            person.newest_title = label
            continue
        features[pk].append(Feature(kind, label, inside, outside))
        if frequency <= MARKS:
            frequent[pk, kind].append((frequency, label))
    for pk, person in people.items():
        if compare:
            person.marks = separating(features[pk], person.works, person.others)
        said = {mark.label for mark in person.marks}
        person.coauthors, person.topics = (
            [label for _, label in sorted(frequent[pk, kind]) if label not in said] for kind in ("coauthor", "topic")
        )


def _counted(people: Iterable[int], folded: str) -> Iterator[tuple[int, int, int, str, str, int, int, int]]:
    """Rows of author, its works, the others' works, kind, label, inside, outside, rank by frequency."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTED,
            {
                "folded": folded,
                "people": list(people),
                "compared": COMPARED,
                "support": SUPPORT,
                "candidates": CANDIDATES,
                "shown": MARKS,
                "team": LARGEST_TEAM,
            },
        )
        yield from cursor.fetchall()


_COUNTED = f"""
WITH everyone AS (
    (SELECT a.id FROM profiles_author a
      WHERE a.merged_into_id IS NULL AND a.visibility = 'public'
        AND a.id IN (SELECT v.author_id FROM profiles_namevariant v WHERE v.folded = %(folded)s)
      ORDER BY a.works_count DESC, a.id LIMIT %(compared)s)
    UNION SELECT unnest(%(people)s::bigint[])
), mine AS MATERIALIZED (
    SELECT s.author_id, g.id AS signature_id, g.paper_id, g.affiliations, p.title_text,
           coalesce(p.updated, p.created) AS date, extract(year FROM coalesce(p.updated, p.created))::int AS year
      FROM everyone e
      JOIN profiles_assignment s ON s.author_id = e.id AND s.state <> 'rejected'
      JOIN papers_signature g ON g.id = s.signature_id
      JOIN papers_paper p ON p.id = g.paper_id
), sizes AS (
    SELECT author_id, count(DISTINCT paper_id)::int AS works,
           (sum(count(DISTINCT paper_id)) OVER () - count(DISTINCT paper_id))::int AS others
      FROM mine GROUP BY author_id
), features AS (
    SELECT m.author_id, m.paper_id, 'topic' AS kind, t.name AS key, t.name AS label
      FROM mine m JOIN papers_papertopic pt ON pt.paper_id = m.paper_id JOIN papers_topic t ON t.id = pt.topic_id
    UNION ALL
    SELECT m.author_id, m.paper_id, 'coauthor', {KEY}, {LABEL}
      FROM mine m
      JOIN LATERAL (SELECT count(*) AS size FROM papers_signature t WHERE t.paper_id = m.paper_id) team
        ON team.size BETWEEN 2 AND %(team)s
      JOIN papers_signature h ON h.paper_id = m.paper_id AND h.id <> m.signature_id
      {JOIN}
     WHERE {KEY} NOT IN ('', %(folded)s)
       AND h.id NOT IN (SELECT q.signature_id FROM profiles_assignment q JOIN profiles_author x ON x.id = q.author_id
                         WHERE NOT (x.visibility = 'public'))
    UNION ALL
    SELECT m.author_id, m.paper_id, 'affiliation', lower(a.name), a.name
      FROM mine m CROSS JOIN unnest(m.affiliations) a(name) WHERE a.name <> ''
), counted AS (
    SELECT author_id, kind, min(label) AS label, count(DISTINCT paper_id)::int AS inside,
           (sum(count(DISTINCT paper_id)) OVER (PARTITION BY kind, key) - count(DISTINCT paper_id))::int AS outside
      FROM features GROUP BY author_id, kind, key
), ranked AS (
    SELECT c.*, z.works, z.others,
           row_number() OVER (PARTITION BY c.author_id, c.kind
                              ORDER BY c.inside >= least(%(support)s, z.works) DESC,
                                       c.inside / z.works::float - c.outside / greatest(z.others, 1)::float DESC,
                                       c.inside DESC, c.label) AS rank,
           row_number() OVER (PARTITION BY c.author_id, c.kind ORDER BY c.inside DESC, c.label) AS frequency
      FROM counted c JOIN sizes z USING (author_id)
     WHERE c.author_id = ANY(%(people)s)
), spans AS (
    SELECT author_id, min(year) AS first, max(year) AS last, count(DISTINCT paper_id)::int AS inside
      FROM mine WHERE author_id = ANY(%(people)s) AND year IS NOT NULL GROUP BY author_id
), years AS (
    SELECT author_id, year, count(DISTINCT paper_id) AS works FROM mine GROUP BY author_id, year
)
SELECT author_id, works, others, kind, label, inside, outside, frequency
  FROM ranked WHERE rank <= %(candidates)s OR frequency <= %(shown)s
 UNION ALL
SELECT s.author_id, z.works, z.others, 'years', concat_ws('–', s.first, nullif(s.last, s.first)), s.inside,
       coalesce((SELECT sum(y.works) FROM years y
                  WHERE y.year BETWEEN s.first AND s.last AND y.author_id <> s.author_id), 0)::int, 0
  FROM spans s JOIN sizes z USING (author_id)
 UNION ALL
(SELECT DISTINCT ON (m.author_id) m.author_id, z.works, z.others, 'newest', m.title_text, 0, 0, 0
   FROM mine m JOIN sizes z USING (author_id)
  WHERE m.author_id = ANY(%(people)s)
  ORDER BY m.author_id, m.date DESC NULLS LAST, m.paper_id DESC)
"""
