"""Authors as the pages show them: name, variants, counts and years, computed from the assignments.

Set-based: each statement refreshes all the authors named and writes only what differs. Entry points: `stale_ids`,
`refresh` and `settle`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from django.db import connection, transaction

from papers import datestamps
from papers.models import Signature
from papers.names import fold, split_name, surname_key

from . import arrays
from .models import Assignment, Author, NameVariant

# Authors refreshed in one transaction: some seconds of work, and few enough rows for the planner to use indexes.
BIN = 5_000

_COUNTS = """
UPDATE profiles_author a
   SET works_count = n.works, topics_count = n.topics, first_year = n.first, last_year = n.last,
       affiliation = n.affiliation
  FROM (SELECT a.id,
               count(DISTINCT p.id) AS works,
               count(DISTINCT t.topic_id) AS topics,
               extract(year FROM min(coalesce(p.created, p.updated))) AS first,
               extract(year FROM max(coalesce(p.updated, p.created))) AS last,
               CASE WHEN EXISTS (SELECT FROM profiles_ownwords w
                                  WHERE w.author_id = a.id AND 'affiliation' = ANY(w.hidden)) THEN ''
                    ELSE coalesce((array_agg(g.affiliations[1] ORDER BY p.updated DESC NULLS LAST)
                                   FILTER (WHERE g.affiliations <> '{}'))[1], '') END AS affiliation
          FROM unnest(%s::bigint[]) AS a(id)
          LEFT JOIN profiles_assignment s ON s.author_id = a.id AND s.state <> 'rejected'
          LEFT JOIN papers_signature g ON g.id = s.signature_id
          LEFT JOIN papers_paper p ON p.id = g.paper_id
          LEFT JOIN papers_papertopic t ON t.paper_id = p.id
         GROUP BY a.id) n
 WHERE n.id = a.id AND (a.works_count, a.topics_count, a.first_year, a.last_year, a.affiliation)
       IS DISTINCT FROM (n.works, n.topics, n.first::smallint, n.last::smallint, n.affiliation)
"""

# Who was merged into somebody who hides what is printed, or whose last works went to such a one, is shown by that
# name: old addresses and histories would tell the old name. Whoever stands alone again is shown as printed.
_HIDE = """
WITH RECURSIVE hiding(id, name) AS (
    SELECT a.id, a.name FROM profiles_author a
     WHERE a.hides_printed AND a.merged_into_id IS NULL AND (a.preferred_name <> '')
       AND (a.id = ANY(%(ids)s) OR a.id IN (SELECT m.target_id FROM profiles_move m WHERE m.source_id = ANY(%(ids)s)))
), was(id, name) AS (
    SELECT id, name FROM hiding
     UNION SELECT a.id, was.name FROM profiles_author a JOIN was ON a.merged_into_id = was.id
), emptied(id, name) AS (
    SELECT DISTINCT ON (m.source_id) m.source_id, h.name
      FROM profiles_move m JOIN hiding h ON h.id = m.target_id JOIN profiles_author e ON e.id = m.source_id
     WHERE e.works_count = 0 AND e.merged_into_id IS NULL AND e.account_id IS NULL AND e.preferred_name = ''
     ORDER BY m.source_id, m.id DESC
), shown AS (
    SELECT w.id, w.name FROM was w JOIN profiles_author a ON a.id = w.id AND a.merged_into_id IS NOT NULL
     UNION ALL SELECT id, name FROM emptied
), alone AS (
    UPDATE profiles_author a SET hides_printed = false
     WHERE a.id = ANY(%(ids)s) AND a.hides_printed AND a.preferred_name = '' AND a.merged_into_id IS NULL
       AND a.works_count > 0
    RETURNING a.id
), shown_as_printed AS (
    UPDATE papers_paper SET changed_at = clock_timestamp()
     WHERE id IN (SELECT g.paper_id FROM alone JOIN profiles_assignment s ON s.author_id = alone.id
                    JOIN papers_signature g ON g.id = s.signature_id)
)
UPDATE profiles_author a SET name = s.name, hides_printed = true
  FROM shown s WHERE s.id = a.id AND (a.name, a.hides_printed) IS DISTINCT FROM (s.name, true)
"""

_PRINTED = """
WITH printed AS (
    SELECT s.author_id, concat_ws(' ', nullif(g.given, ''), g.family, nullif(g.suffix, '')) AS printed,
           min(left(concat_ws(' ', nullif(g.given_key, ''), g.family_key), 300)) AS folded,
           min(g.family_key) AS family_key, min(g.surname_key) AS surname_key, count(*) AS works
      FROM profiles_assignment s
      JOIN profiles_author a ON a.id = s.author_id AND NOT a.hides_printed
      JOIN papers_signature g ON g.id = s.signature_id
     WHERE s.author_id = ANY(%s) AND s.state <> 'rejected'
     GROUP BY 1, 2
)
"""

_VARIANTS = (
    _PRINTED
    + """
, gone AS (
    DELETE FROM profiles_namevariant v WHERE v.author_id = ANY(%s)
       AND NOT EXISTS (SELECT FROM printed p WHERE p.author_id = v.author_id AND p.printed = v.printed)
       AND NOT EXISTS (SELECT FROM profiles_author a WHERE a.id = v.author_id AND a.preferred_name = v.printed)
)
INSERT INTO profiles_namevariant AS v (author_id, printed, folded, family_key, surname_key, works)
SELECT author_id, printed, folded, family_key, surname_key, works FROM printed
    ON CONFLICT (author_id, printed) DO UPDATE
   SET works = excluded.works, folded = excluded.folded, family_key = excluded.family_key,
       surname_key = excluded.surname_key
 WHERE (v.works, v.folded, v.family_key, v.surname_key)
       IS DISTINCT FROM (excluded.works, excluded.folded, excluded.family_key, excluded.surname_key)
"""
)

# A preferred name beats what is printed. Of that, a full given name beats initials however often those are printed;
# then the most frequent form, then the longest.
_NAMES = """
UPDATE profiles_author a SET name = coalesce(nullif(a.preferred_name, ''), v.printed)
  FROM (SELECT DISTINCT ON (author_id) author_id, printed
          FROM profiles_namevariant WHERE author_id = ANY(%s)
         ORDER BY author_id, folded ~ '^[[:alpha:]]{2,} ' DESC, works DESC, length(printed) DESC, printed) v
 WHERE v.author_id = a.id AND (a.account_id IS NULL OR %s)
   AND a.name <> coalesce(nullif(a.preferred_name, ''), v.printed)
"""


@transaction.atomic
def touch(signatures: Collection[int] = (), papers: Collection[int] = ()) -> None:
    """Mark stale whose these signatures are, and everyone on these papers."""
    for rows in (
        Assignment.objects.filter(signature__in=arrays.ids(signatures)),
        Assignment.objects.filter(signature__paper__in=arrays.ids(papers)),
    ):
        named = Author.objects.filter(pk__in=rows.values("author"), stale=False).order_by("pk")
        # In one order, as everywhere, or two that share authors could wait for each other.
        locked = list(named.select_for_update(no_key=True).values_list("pk", flat=True))
        Author.objects.filter(pk__in=locked).update(stale=True)


def redate(signatures: Collection[int], people: Collection[int], *, decided: bool) -> None:
    """Date the papers of these signatures anew where it was decided whose they are, or where one of `people`, who had
    or have them, hides what is printed. What a run of the matcher finds is no correction, and may be a million papers.
    """
    if decided or Author.objects.filter(pk__in=arrays.ids(people), hides_printed=True).exists():
        printed = Signature.objects.filter(pk__in=arrays.ids(signatures))
        datestamps.touch(printed.values_list("paper", flat=True).distinct())


def redate_works(author: Author) -> None:
    """Date all papers of the author anew: another name is shown on them."""
    datestamps.touch(Signature.objects.filter(assignment__author=author).values_list("paper", flat=True).distinct())


def stale_ids() -> Iterator[list[int]]:
    """Ids of the authors that wait for recomputation, in groups of `BIN`."""
    waiting = list(Author.objects.filter(stale=True).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(waiting), BIN):
        yield waiting[start : start + BIN]


@transaction.atomic
def refresh(authors: Sequence[int], rename: bool = False) -> None:
    """Recompute names, variants, counts and years of these authors; a claimed one's name is its owner's, and computed
    only where the owner has it so (`rename`)."""
    ids = list(authors)
    # In one order, or two that refresh the same authors could wait for each other.
    list(Author.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [ids])
        cursor.execute(_HIDE, {"ids": ids})
        cursor.execute(_VARIANTS, [ids, ids])
        cursor.execute(_NAMES, [ids, rename])


def prefer(author: Author, name: str) -> None:
    """Show the author by this name, and let people find it; "" gives back what is printed, at the next `refresh`."""
    author.preferred_name = name
    author.name = name or author.name
    author.stale = True
    author.save(update_fields=["preferred_name", "name", "stale"])
    if author.hides_printed:
        redate_works(author)
    if name:
        family, given, _suffix = split_name(name)
        family_key = fold(family)
        NameVariant.objects.get_or_create(
            author=author,
            printed=name,
            defaults={
                "folded": " ".join(filter(None, (fold(given), family_key)))[:300],
                "family_key": family_key,
                "surname_key": surname_key(family),
                "works": 0,
            },
        )


def settle(authors: Sequence[int]) -> None:
    """These authors are computed: they are no longer stale."""
    Author.objects.filter(pk__in=authors).update(stale=False)
