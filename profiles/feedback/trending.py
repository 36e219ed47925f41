"""Trending papers, by a formula that is printed on the page and can be worked out by hand for each paper.

Problem: the order must be there without computing it, right after each click, whoever clicks at the same moment.
Idea: `heat` has the formula, whose order no passing of time changes, so a paper is counted again only when something is
done with it. That is from the rows, never by adding to what was there: counting twice changes nothing. Whoever counts
holds the paper's row of `Trend` first, so the later of two sees what the earlier wrote.
Dislikes and other reactions, followers, page views and trust count nothing, and nobody can set a place by hand.
Entry points: `refresh` after anything that counts, `settle` for a worker; `hottest` and `explained` for pages.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import isclose, isfinite

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from papers.models import Paper, Topic
from papers.paging import PAGE, ForeignCursor
from profiles.models import Account, Trend

from . import heat

SETTLED = 500  # papers counted in one transaction of `settle`: no click waits long for their rows
TERMS = 200  # lines of a sum on a page; the rest of a longer one is one line

# What accounts did, once for each account, paper and kind, when they first did it; `said` are the rows behind it.
_ACTS = """
SELECT paper_id, account_id, kind, made_at AS at, 1 AS said
  FROM profiles_reaction WHERE kind = 'like' AND {which}
 UNION ALL
SELECT i.paper_id, c.account_id, 'save', min(i.added_at), 1
  FROM profiles_collectionitem i JOIN profiles_collection c ON c.id = i.collection_id WHERE {which} GROUP BY 1, 2
 UNION ALL
SELECT paper_id, account_id, kind, min(made_at), count(*)
  FROM profiles_post WHERE withdrawn_at IS NULL AND hidden_at IS NULL AND {which} GROUP BY 1, 2, 3
"""
_PEOPLE = """
SELECT DISTINCT s.paper_id, x.author_id
  FROM papers_signature s JOIN profiles_assignment x ON x.signature_id = s.id
 WHERE x.state <> 'rejected'
"""
# `earlier` are an account's acts of the same kind within the window before, and `kin` those for the same people. An act
# counts unless its account is closed, or holds the record of an author of the paper.
_COUNTED = f"""
WITH acted AS MATERIALIZED ({_ACTS.format(which="paper_id = ANY(%(papers)s)")}
), known AS MATERIALIZED (
    SELECT * FROM ({_ACTS.format(which="account_id IN (SELECT account_id FROM acted)")}) every
     WHERE at > (SELECT min(at) - make_interval(days => %(window)s) FROM acted)
), earlier AS MATERIALIZED (
    SELECT a.paper_id, a.account_id, a.kind, e.paper_id AS other
      FROM acted a JOIN known e USING (account_id, kind)
     WHERE e.paper_id <> a.paper_id AND (e.at, e.paper_id) < (a.at, a.paper_id)
       AND e.at > a.at - make_interval(days => %(window)s)
), people AS MATERIALIZED ({_PEOPLE}
       AND s.paper_id IN (SELECT paper_id FROM acted UNION SELECT other FROM earlier)
), kin AS MATERIALIZED (
    SELECT DISTINCT pair.paper_id, pair.other
      FROM (SELECT DISTINCT paper_id, other FROM earlier) pair
      JOIN people mine ON mine.paper_id = pair.paper_id
      JOIN people theirs ON theirs.paper_id = pair.other AND theirs.author_id = mine.author_id
), own AS MATERIALIZED (
    SELECT DISTINCT p.paper_id, w.account_id
      FROM people p JOIN profiles_author w ON w.id = p.author_id WHERE w.account_id IS NOT NULL
)
SELECT a.paper_id, a.kind, (a.at AT TIME ZONE 'UTC')::date, a.said, 1 + count(kin.other),
       coalesce(w.is_active, false)
       AND NOT EXISTS (SELECT FROM own WHERE (own.paper_id, own.account_id) = (a.paper_id, a.account_id))
  FROM acted a
  LEFT JOIN profiles_account w ON w.id = a.account_id
  LEFT JOIN earlier e ON (e.paper_id, e.account_id, e.kind) = (a.paper_id, a.account_id, a.kind)
  LEFT JOIN kin ON (kin.paper_id, kin.other) = (e.paper_id, e.other)
 GROUP BY a.paper_id, a.account_id, a.kind, a.at, a.said, w.is_active
"""
# Of several days' lists the latest, for its votes are those of the earlier ones and more.
_LISTED = """
SELECT DISTINCT ON (paper_id) paper_id, day, votes
  FROM papers_dailylisting WHERE paper_id = ANY(%s) AND votes > 0 AND day <= %s ORDER BY paper_id, day DESC
"""
# The account's other papers for the same people, where each has its place after what it did for these.
_MOVED = f"""
SELECT DISTINCT theirs.paper_id
  FROM ({_PEOPLE} AND s.paper_id = ANY(%(papers)s)) mine
  JOIN ({_PEOPLE} AND s.paper_id IN (SELECT paper_id FROM ({_ACTS.format(which="account_id = %(by)s")}) acted)) theirs
       USING (author_id)
"""
_OPEN = """
INSERT INTO profiles_trend (paper_id, likes, saves, comments, reviews)
SELECT p.id, 0, 0, 0, 0 FROM papers_paper p
 WHERE p.id = ANY(%s) AND NOT EXISTS (SELECT FROM profiles_trend t WHERE t.paper_id = p.id) ORDER BY p.id
    ON CONFLICT DO NOTHING
"""
_WRITE = """
UPDATE profiles_trend t SET heat = n.heat, likes = n.likes, saves = n.saves, comments = n.comments, reviews = n.reviews
  FROM unnest(%s::bigint[], %s::float8[], %s::int[], %s::int[], %s::int[], %s::int[])
       AS n (paper_id, heat, likes, saves, comments, reviews)
 WHERE t.paper_id = n.paper_id AND (t.heat, t.likes, t.saves, t.comments, t.reviews)
       IS DISTINCT FROM (n.heat, n.likes, n.saves, n.comments, n.reviews)
"""
_ANYTHING = """
SELECT paper_id FROM profiles_trend
 UNION SELECT paper_id FROM profiles_reaction WHERE kind = 'like'
 UNION SELECT paper_id FROM profiles_collectionitem
 UNION SELECT paper_id FROM profiles_post
 UNION SELECT paper_id FROM papers_dailylisting WHERE votes > 0
 ORDER BY 1
"""
_COUNTERS = ("like", "save", "comment", "review")


# --- counting --------------------------------------------------------------------------------------------------------


def refresh(papers: Iterable[int], by: int | None = None) -> None:
    """Count again what readers make of these papers, in the transaction of what changed it.

    `by` is the account that took something back: what it did later for the same people moves up, so these papers are
    counted too. What is new moves nothing else. Ids of papers that are gone are left out. Call it once, as the last
    step of a transaction: it holds the rows of the papers until the end.
    """
    wanted = set(papers)
    if not wanted:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        if by is not None:
            cursor.execute(_MOVED, {"papers": list(wanted), "by": by})
            wanted.update(row[0] for row in cursor.fetchall())
        cursor.execute(_OPEN, [sorted(wanted)])
        rows = Trend.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
        held = list(rows.values_list("pk", flat=True))
        # Only now: a statement sees what was committed before it began, and others wait at the rows just taken.
        acts, said = _acts(held, timezone.now().date())
        heats, counters = [heat.heat(acts[paper]) for paper in held], ([said[p, k] for p in held] for k in _COUNTERS)
        cursor.execute(_WRITE, [held, heats, *counters])


def settle() -> None:
    """Count all papers again that anything was ever done with: people were merged or claimed, lists came of age.

    Writes what differs and nothing else. Any number of workers may.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ANYTHING)
        papers = [row[0] for row in cursor.fetchall()]
    for start in range(0, len(papers), SETTLED):
        refresh(papers[start : start + SETTLED])


def papers_of(account: Account) -> list[int]:
    """Ids of the papers that an account likes or keeps in a collection, before that is deleted."""
    liked = account.reactions.filter(kind="like").values_list("paper", flat=True)
    kept = Paper.objects.filter(collections__account=account).values_list("pk", flat=True)
    return sorted({*liked, *kept})


def _acts(papers: Sequence[int], today: date) -> tuple[dict[int, list[heat.Act]], Counter[tuple[int, str]]]:
    """(acts by paper, how many rows of each kind a paper has): two queries."""
    acts: defaultdict[int, list[heat.Act]] = defaultdict(list)
    said: Counter[tuple[int, str]] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, {"papers": list(papers), "window": heat.WINDOW})
        for paper, kind, day, rows, nth, counts in cursor.fetchall():
            said[paper, kind] += rows
            # What authors do for their own papers is in no sum, not even as nothing: it would tell what they save.
            if counts:
                acts[paper].append(heat.Act(kind, day, nth))
        cursor.execute(_LISTED, [list(papers), today])
        for paper, day, votes in cursor.fetchall():
            acts[paper].append(heat.Act("listing", day, votes=votes))
    return acts, said


# --- showing ---------------------------------------------------------------------------------------------------------


def hottest(topic: Topic | None = None, after: str = "", size: int = PAGE) -> tuple[list[Paper], str]:
    """(the hottest papers after the cursor, with people and `trend`; the next cursor or "").

    Of equally hot ones the higher id comes first. Raises BadRequest for a cursor that this function has not made.
    """
    rows = Trend.objects.filter(heat__isnull=False)
    if topic is not None:
        rows = rows.filter(paper__papertopic__topic=topic)
    if after:
        at, pk = _read(after)
        rows = rows.filter(Q(heat__lt=at) | Q(heat=at, paper_id__lt=pk))
    found = list(rows.order_by(F("heat").desc(nulls_last=True), "-paper_id")[: size + 1])
    papers = Paper.objects.with_people().select_related("trend").in_bulk([row.paper_id for row in found[:size]])
    following = f"{found[size - 1].heat!r}~{found[size - 1].paper_id}" if len(found) > size else ""
    return [papers[row.paper_id] for row in found[:size] if row.paper_id in papers], following


def _read(cursor: str) -> tuple[float, int]:
    at, _, pk = cursor.partition("~")
    try:
        found = float(at), int(pk)
    except ValueError:
        found = float("nan"), 0
    if not (isfinite(found[0]) and 0 < found[1] < 2**63):
        raise ForeignCursor
    return found


@dataclass(frozen=True, slots=True)
class Term:
    """A line of the sum: so many equal acts, what each is worth on its day, what is left of that, and of all."""

    act: heat.Act
    times: int
    worth: float
    decay: float

    @property
    def gives(self) -> float:
        return self.times * self.worth * self.decay


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a paper trends: the lines, newest first; `more` acts that have no line of their own give `rest` together.

    `place` among `of` papers, from 1; none where nothing counts. `behind`: the place is of what was kept, and that is
    about to be counted again.
    """

    terms: list[Term]
    more: int
    rest: float
    total: float
    place: int | None
    of: int
    behind: bool


def explained(paper: Paper, today: date) -> Explained:
    """The whole sum of a paper on a day, from the rows. Five queries."""
    acts, _said = _acts([paper.pk], today)
    counted = Counter(acts[paper.pk])
    terms = [Term(act, times, heat.worth(act), heat.decay(act.day, today)) for act, times in counted.items()]
    terms.sort(key=lambda term: (term.act.day, term.worth, term.act.kind, term.act.nth), reverse=True)
    rest = terms[TERMS:]
    warm = Trend.objects.filter(heat__isnull=False)
    kept = warm.filter(pk=paper.pk).values_list("heat", flat=True).first()
    place = None
    if kept is not None:
        place = 1 + warm.filter(Q(heat__gt=kept) | Q(heat=kept, paper_id__gt=paper.pk)).count()
    total = sum(term.gives for term in terms)
    stored = 0.0 if kept is None else heat.on_day(kept, today)
    return Explained(
        terms=terms[:TERMS],
        more=sum(term.times for term in rest),
        rest=sum(term.gives for term in rest),
        total=total,
        place=place,
        of=warm.count(),
        behind=not isclose(total, stored, rel_tol=1e-9),
    )
