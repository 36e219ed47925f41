"""People by a family name and words from their work: "ding broad nas", "chen hsieh", "zhao reinforcement".

Problem: who does not know how a person is printed knows what the person wrote, or with whom.

Idea: each word is tried as the family name. The others must be the beginnings of the person's other names, or stand in
a title or a topic, or be a coauthor's name. Candidates are the people of that family name with a title that has all the
other words, and those of most works; so many and no more are looked at, in three statements.

Entry point: `find`. It runs inside the caller's `papers.bounded.within`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from papers.names import SILENT_PARTICLES, surname_key

from .models import Author

LOOKED_AT = 100  # people
TITLED = 50  # of them by titles
NAMESAKES = 500  # forms of a family name that they are chosen from
READ = 500  # papers of a family name, and of words in titles, in no order of their own
LONGEST_LIST = 100  # names of a paper in which a coauthor is looked for

# Whom a search may name by what papers print.
_NAMED = "c.merged_into_id IS NULL AND c.visibility = 'public'"

# Two ways to the same papers, each bounded: those with the other words, and those with the name. Which of them is short
# cannot be told beforehand, and whoever is on a paper that either way has read through to its end is found. The titles
# among papers with the words are told apart only by reading them, since the index keeps no weights.
_BY_TITLE = f"""
(WITH named AS MATERIALIZED (
    SELECT id, paper_id FROM papers_signature WHERE surname_key = %s LIMIT {READ}
), worded AS MATERIALIZED (
    SELECT id, search FROM papers_paper
     WHERE search @@ to_tsquery('english', %s) AND (SELECT count(*) FROM named) = {READ} LIMIT {READ}
), works AS (
    SELECT n.id FROM named n JOIN papers_paper p ON p.id = n.paper_id AND p.search @@ to_tsquery('english', %s)
     UNION ALL
    SELECT g.id FROM worded p JOIN papers_signature g ON g.paper_id = p.id AND g.surname_key = %s
     WHERE p.search @@ to_tsquery('english', %s)
)
SELECT DISTINCT c.id FROM works w
  JOIN profiles_assignment s ON s.signature_id = w.id AND s.state <> 'rejected'
  JOIN profiles_author c ON c.id = s.author_id AND {_NAMED} AND NOT c.hides_printed LIMIT {TITLED})
"""

# Of the given ids and of those who have the family name, of whom those printed most: each form that a search may show.
# The more of the other words stand in a form, the sooner its person is looked at.
_CANDIDATES = f"""
WITH chosen AS (
    (SELECT c.id FROM unnest(%(keys)s::text[]) AS k(key)
       CROSS JOIN LATERAL (SELECT author_id, folded FROM profiles_namevariant WHERE surname_key = k.key
                            ORDER BY works DESC LIMIT {NAMESAKES}) v
       JOIN profiles_author c ON c.id = v.author_id AND {_NAMED}
      GROUP BY c.id
      ORDER BY max((SELECT count(*) FROM unnest(%(words)s::text[]) AS w(word)
                     WHERE starts_with(v.folded, word) OR strpos(v.folded, ' ' || word) > 0)) DESC,
               c.works_count DESC, c.id
      LIMIT {LOOKED_AT})
     UNION SELECT unnest(%(titled)s::bigint[])
)
SELECT v.author_id, v.printed, v.folded, v.surname_key
  FROM chosen JOIN profiles_namevariant v ON v.author_id = chosen.id
 ORDER BY v.author_id, v.works DESC, v.id
"""

# (author, word, where, the title, the coauthor's name or the topic); and author 0 for words that no index has.
_EVIDENCE = f"""
WITH typed AS MATERIALIZED (
    SELECT word, key, to_tsquery('english', '''' || word || '''') AS anywhere,
           to_tsquery('english', '''' || word || ''':A') AS titled
      FROM unnest(%(words)s::text[], %(keys)s::text[]) AS t(word, key)
), works AS MATERIALIZED (
    SELECT s.author_id, g.paper_id, g.id AS signature_id
      FROM profiles_assignment s JOIN papers_signature g ON g.id = s.signature_id
     WHERE s.author_id = ANY(%(authors)s) AND s.state <> 'rejected'
), titles AS (
    SELECT w.author_id, p.id, p.title_text, array_agg(t.word) AS words
      FROM works w JOIN papers_paper p ON p.id = w.paper_id JOIN typed t ON p.search @@ t.titled
     GROUP BY 1, 2, 3
)
(SELECT DISTINCT ON (author_id, word) author_id, word, 'title', title_text
   FROM titles, unnest(words) AS word ORDER BY author_id, word, cardinality(words) DESC, id DESC)
UNION ALL
SELECT w.author_id, t.word, 'coauthor', min(c.name)
  FROM works w JOIN papers_signature g
    ON g.paper_id = w.paper_id AND g.position < {LONGEST_LIST} AND g.id <> w.signature_id
  JOIN typed t ON t.key = g.surname_key OR t.word = ANY(string_to_array(g.given_key, ' '))
  JOIN profiles_assignment s ON s.signature_id = g.id AND s.state <> 'rejected' AND s.author_id <> w.author_id
  JOIN profiles_author c ON c.id = s.author_id AND {_NAMED} AND NOT c.hides_printed
 GROUP BY 1, 2
UNION ALL
SELECT w.author_id, t.word, 'topic', min(topic.name)
  FROM works w JOIN papers_papertopic pt ON pt.paper_id = w.paper_id
  JOIN papers_topic topic ON topic.id = pt.topic_id JOIN typed t ON to_tsvector('english', topic.name) @@ t.anywhere
 GROUP BY 1, 2
UNION ALL
SELECT 0, word, 'stop', '' FROM typed WHERE numnode(anywhere) = 0
"""
_ORDER = ("title", "coauthor", "topic")


@dataclass(frozen=True, slots=True)
class Reason:
    """`words` of the query stand in `text`: `where` is "title", "coauthor" or "topic"."""

    where: str
    words: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class _Form:
    """A printed form of somebody of a family name that was typed, and the words of the query that it has."""

    printed: str
    words: frozenset[str]


def find(words: Sequence[str], limit: int) -> list[Author]:
    """People for whom every one of the folded `words` is a name or a word of their work, each with `matched`, the form
    that has the most of them, and `context`, a `Reason` for each of the rest. Fewest reasons first, then most works.
    """
    words = list(dict.fromkeys(word for word in words if word not in SILENT_PARTICLES))
    keys = [surname_key(word) for word in words]
    if len(words) < 2:
        return []
    forms = _forms(words, keys)
    if not forms:
        return []
    evidence = _evidence(words, keys, list(forms))
    silent = frozenset(evidence.pop(0, ()))
    found: list[tuple[Author, str, tuple[Reason, ...]]] = []
    people = Author.objects.select_related("trust").in_bulk(list(forms))
    for pk, form in forms.items():
        rest = [word for word in words if word not in form.words | silent]
        known = evidence.get(pk, {})
        if rest and all(word in known for word in rest):
            found.append((people[pk], form.printed, _reasons(rest, known)))
    found.sort(key=lambda row: (len(row[2]), -row[0].works_count, row[0].pk))
    for author, printed, reasons in found:
        author.matched, author.context = printed, reasons  # type: ignore[attr-defined]
    return [author for author, _printed, _reasons in found[:limit]]


def _forms(words: Sequence[str], keys: Sequence[str]) -> dict[int, _Form]:
    """Each candidate with the form that has most of the words, the family name among them."""
    values: list[str] = []
    for at, key in enumerate(keys):
        if key:
            others = [f"'{word}'" for word in (*words[:at], *words[at + 1 :])]
            in_title = " & ".join(f"{word}:A" for word in others)
            values += [key, " & ".join(others), in_title, key, in_title]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ".join([_BY_TITLE] * sum(map(bool, keys))), values)
        titled = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(_CANDIDATES, {"keys": list(filter(None, keys)), "words": list(words), "titled": titled})
        rows = cursor.fetchall()
    forms: dict[int, _Form] = {}
    for pk, printed, folded, key in rows:
        if key in keys:
            names = folded.split()
            has = {word for word in words if any(name.startswith(word) for name in names)}
            has |= {word for word, typed in zip(words, keys, strict=True) if typed == key}
            if pk not in forms or len(has) > len(forms[pk].words):
                forms[pk] = _Form(printed, frozenset(has))
    return forms


def _evidence(words: Sequence[str], keys: Sequence[str], authors: list[int]) -> dict[int, dict[str, tuple[str, str]]]:
    """(where, text) for each word that stands in an author's work, by author; by 0 the words that say nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_EVIDENCE, {"words": list(words), "keys": list(keys), "authors": authors})
        rows = cursor.fetchall()
    evidence: defaultdict[int, dict[str, tuple[str, str]]] = defaultdict(dict)
    for pk, word, where, text in sorted(rows, key=lambda row: _ORDER.index(row[2]) if row[2] in _ORDER else 0):
        evidence[pk].setdefault(word, (where, text))
    return dict(evidence)


def _reasons(rest: Sequence[str], known: dict[str, tuple[str, str]]) -> tuple[Reason, ...]:
    """One reason for all words that stand at one place."""
    places: dict[tuple[str, str], list[str]] = {}
    for word in rest:
        places.setdefault(known[word], []).append(word)
    return tuple(Reason(where, tuple(words), text) for (where, text), words in places.items())
