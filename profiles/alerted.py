"""What an account hears: its alerts as far as they hold when they are read, and those that wait for more evidence.

Problem: whose a paper is changes with each run, a record is hidden, a reader says that it is another person: a stored
sentence would be wrong by then. Idea: a reason of a person is told only while the name on the paper is attributed to
somebody public whom the account follows, surely enough for this reader, and not doubted by them; one piece of SQL says
so for pages, counts and the feed. A reader's doubt lasts through merges and their undoing: a work that is doubted of a
person is doubted of whom that one is merged into, and of whom it came from by a merge.
Entry points: `listed`, `about`, `people`, `unread`, `waiting`, `mark_read`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from papers import paging
from papers.models import Paper

from . import statements
from .models import Account, Alert, AlertReason, AlertSettings, Assignment

SHOWN = 20  # alerts on a page: whole abstracts
COUNTED = 100  # what is beyond is "99+"

_WITH = """
WITH RECURSIVE followed(id) AS (
    SELECT f.author_id FROM profiles_follow f WHERE f.account_id = %(account)s
     UNION SELECT a.merged_into_id FROM followed JOIN profiles_author a ON a.id = followed.id
            WHERE a.merged_into_id IS NOT NULL
), doubted(signature_id, author_id) AS (
    (SELECT d.signature_id, d.author_id FROM profiles_doubt d
      WHERE d.account_id = %(account)s AND d.withdrawn_at IS NULL
      UNION
     SELECT d.signature_id, c.source_id FROM profiles_doubt d
       JOIN profiles_change c ON c.signature_id = d.signature_id AND c.target_id = d.author_id
       JOIN profiles_changeset m ON m.id = c.change_set_id AND m.kind IN ('merge', 'bulk')
      WHERE d.account_id = %(account)s AND d.withdrawn_at IS NULL)
     UNION SELECT doubted.signature_id, a.merged_into_id FROM doubted JOIN profiles_author a ON a.id = doubted.author_id
            WHERE a.merged_into_id IS NOT NULL
)
"""

# Reasons `r` with the attribution `g` to the author `p`. Of somebody who hides a name, the name is no reason: it would
# tell it.
_REASON = """
      FROM profiles_alertreason r
      LEFT JOIN profiles_assignment g ON g.signature_id = r.signature_id
      LEFT JOIN profiles_author p ON p.id = g.author_id
     WHERE {which}
"""
_FOLLOWED = """p.visibility = 'public' AND g.state <> 'rejected' AND g.author_id IN (SELECT id FROM followed)
       AND NOT EXISTS (SELECT FROM doubted d WHERE d.signature_id = g.signature_id AND d.author_id = g.author_id)"""
_OF_PERSON = f"(r.follow_id IS NOT NULL AND {_FOLLOWED})"
_SURE = "(g.state = ANY(%(strong)s) OR g.probability >= %(least)s)"
_TOLD = f"""(r.topic_follow_id IS NOT NULL
       OR (r.watch_id IS NOT NULL AND coalesce(p.visibility = 'public' AND NOT p.hides_printed, true))
       OR ({_OF_PERSON} AND {_SURE}))"""
_WAITS = f"({_OF_PERSON} AND NOT {_SURE})"
_PEOPLE = f"""{_WITH}
SELECT s.paper_id, p.id, bool_or({_SURE})
  FROM papers_signature s
  JOIN profiles_assignment g ON g.signature_id = s.id
  JOIN profiles_author p ON p.id = g.author_id
 WHERE s.paper_id = ANY(%(papers)s) AND {_FOLLOWED}
 GROUP BY s.paper_id, p.id ORDER BY s.paper_id, min(s.position)
"""


@dataclass(frozen=True, slots=True)
class Item:
    """An alert with its paper, and the reasons that hold, people first."""

    alert: Alert
    paper: Paper
    reasons: Sequence[AlertReason]


def least_of(account: Account) -> float:
    """The stated probability below which a new work waits for this reader."""
    found = AlertSettings.objects.filter(account=account).values_list("least", flat=True).first()
    return AlertSettings.LEAST if found is None else found


def listed(
    account: Account, cursor: str = "", size: int = SHOWN, waits: bool = False, least: float | None = None
) -> tuple[list[Item], str]:
    """(the alerts that come after `cursor`, newest first, the next cursor or ""); or those of which a reason `waits`.
    A constant number of queries. Raises BadRequest for a cursor not made here."""
    given = _given(account, least)
    before, pk = paging.moment(cursor) if cursor else (None, 0)
    which = _exists(waits) + (" AND (n.made_at, n.id) < (%(before)s, %(pk)s)" if cursor else "")
    sql = f"{_WITH} SELECT n.id {which} ORDER BY n.made_at DESC, n.id DESC LIMIT %(size)s"
    ids = [row[0] for row in statements.rows(sql, **given, before=before, pk=pk, size=size + 1)]
    more, ids = len(ids) > size, ids[:size]
    items = _items(given, ids, waits)
    return items, f"{items[-1].alert.made_at.isoformat()}~{items[-1].alert.pk}" if more and items else ""


def about(account: Account, paper: int, waits: bool = False) -> Item | None:
    """The account's alert about a paper, where a reason of it is told, or waits."""
    alerts = Alert.objects.filter(account=account, paper=paper).values_list("pk", flat=True)
    items = _items(_given(account), list(alerts), waits)
    return items[0] if items and items[0].reasons else None


def people(account: Account, papers: Sequence[int]) -> list[tuple[int, int, bool]]:
    """(paper, author, whether surely enough for this reader) where one of these papers is of somebody whom the account
    follows, whether an alert was raised or not. Two queries."""
    return statements.rows(_PEOPLE, **_given(account), papers=list(papers))


def unread(account: Account, least: float | None = None) -> int:
    """How many alerts are not read; `COUNTED` are as many as it counts."""
    return _count(account, " AND n.read_at IS NULL", False, least)


def waiting(account: Account, least: float | None = None) -> int:
    """Of how many papers a reason waits for more evidence; `COUNTED` are as many as it counts."""
    return _count(account, "", True, least)


def mark_read(account: Account, now: datetime, one: int | None = None, newest: int | None = None) -> None:
    """These are read: `one`, or all that are shown, up to the `newest` that the reader has seen."""
    which = _exists(False) + " AND n.read_at IS NULL"
    which += " AND n.id = %(one)s" if one else ""
    which += " AND n.id <= %(newest)s" if newest else ""
    sql = f"{_WITH} UPDATE profiles_alert SET read_at = %(now)s WHERE id IN (SELECT n.id {which}) RETURNING id"
    statements.rows(sql, **_given(account), now=now, one=one, newest=newest)


def _given(account: Account, least: float | None = None) -> dict[str, Any]:
    """What the statements ask with."""
    strong = [str(state.value) for state in Assignment.STRONG_OR_BETTER]
    return {"account": account.pk, "strong": strong, "least": least_of(account) if least is None else least}


def _exists(waits: bool) -> str:
    """The account's alerts `n` of which a reason is told, or waits."""
    return f"""
  FROM profiles_alert n
 WHERE n.account_id = %(account)s
   AND EXISTS (SELECT {_REASON.format(which="r.alert_id = n.id")} AND {_WAITS if waits else _TOLD})"""


def _count(account: Account, also: str, waits: bool, least: float | None) -> int:
    sql = f"{_WITH} SELECT count(*) FROM (SELECT 1 {_exists(waits)} {also} LIMIT %(counted)s) counted"
    return int(statements.rows(sql, **_given(account, least), counted=COUNTED)[0][0])


def _items(given: dict[str, Any], ids: Sequence[int], waits: bool) -> list[Item]:
    """These alerts in this order, but what was taken away meanwhile."""
    alerts = Alert.objects.in_bulk(ids)
    papers = Paper.objects.with_people().in_bulk([alert.paper_id for alert in alerts.values()])
    why = _reasons(given, ids, waits)
    found = [alerts[pk] for pk in ids if pk in alerts and alerts[pk].paper_id in papers]
    return [Item(alert, papers[alert.paper_id], why[alert.pk]) for alert in found]


def _reasons(given: dict[str, Any], alerts: Sequence[int], waits: bool) -> defaultdict[int, list[AlertReason]]:
    """The reasons of these alerts that are told, or wait: people first, each name on a paper once, then the rest."""
    sql = f"{_WITH} SELECT r.id {_REASON.format(which='r.alert_id = ANY(%(alerts)s)')} AND {_WAITS if waits else _TOLD}"
    ids = [row[0] for row in statements.rows(sql, **given, alerts=list(alerts))]
    rows = AlertReason.objects.select_related(
        "signature__assignment__author", "topic_follow__topic", "watch__topic"
    ).filter(pk__in=ids)
    found: defaultdict[int, list[AlertReason]] = defaultdict(list)
    names = set()
    for row in sorted(rows, key=lambda r: (not r.follow_id, not r.topic_follow_id, r.pk)):
        if row.follow_id:
            if row.signature_id in names:
                continue  # two whom the account follows were merged
            names.add(row.signature_id)
        found[row.alert_id].append(row)
    return found
