"""Alerts are raised: a new paper concerns somebody who follows a person or a topic, or waits for a name.

Problem: an import brings a hundred thousand papers of which few concern anybody, it may be killed and done again, and
whose a paper is may be known only by a later run. Idea: people are asked about when their works have changed, after
whatever run or decision, and only works count that came while they were followed (`_CAME_SINCE`); topics and names are
asked about once, for the papers that an import brought. Each step inserts what is not there, whatever was done before.
What is shown of it is asked when it is read (`profiles.alerted`). Entry points: `raise_of` for people whose works
changed, `raise_for` for new papers.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from . import watching
from .models import Follow, TopicFollow

# An import of ten years tells followers of a topic only what is news, and no more than they can read in a day.
TOPIC_DAYS = 30
TOPIC_MOST = 20

# What is found: one row (account_id, paper_id, follow_id, topic_follow_id, watch_id, signature_id) for each reason.
_ALERTS = """
INSERT INTO profiles_alert (account_id, paper_id, made_at)
SELECT DISTINCT account_id, paper_id, %(now)s::timestamptz FROM ({found}) found
 ORDER BY paper_id, account_id
    ON CONFLICT (account_id, paper_id) DO NOTHING
"""
_REASONS = """
INSERT INTO profiles_alertreason (alert_id, follow_id, topic_follow_id, watch_id, signature_id)
SELECT n.id, found.follow_id, found.topic_follow_id, found.watch_id, found.signature_id
  FROM ({found}) found JOIN profiles_alert n ON n.account_id = found.account_id AND n.paper_id = found.paper_id
    ON CONFLICT DO NOTHING
"""

# An import that had not ended when the follow began brought it; or ended by being rolled back, where this one was kept.
_CAME_SINCE = """
EXISTS (SELECT FROM papers_batchrecord r JOIN papers_batch b ON b.id = r.batch_id
         WHERE r.paper_id = s.paper_id AND r.fate = 'new' AND r.rolled_back_at IS NULL
           AND f.created_at <= least(b.finished_at, b.rolled_back_at, %(now)s::timestamptz))
"""

# Whoever followed somebody who was merged follows the heir.
_OF_PEOPLE = f"""
WITH RECURSIVE was(heir, id) AS (
    SELECT id, id FROM unnest(%(authors)s::bigint[]) AS given(id)
     UNION SELECT was.heir, a.id FROM profiles_author a JOIN was ON a.merged_into_id = was.id
)
SELECT f.account_id, s.paper_id, f.id AS follow_id, NULL::bigint AS topic_follow_id, NULL::bigint AS watch_id,
       s.id AS signature_id
  FROM was
  JOIN profiles_follow f ON f.author_id = was.id
  JOIN profiles_assignment g ON g.author_id = was.heir AND g.state <> 'rejected'
  JOIN papers_signature s ON s.id = g.signature_id
 WHERE {_CAME_SINCE}
"""

# The same are chosen again where the same papers are asked about again: what was told today counts, and comes first.
_OF_TOPICS = """
SELECT account_id, paper_id, NULL::bigint AS follow_id, topic_follow_id, NULL::bigint AS watch_id,
       NULL::bigint AS signature_id
  FROM (SELECT t.account_id, p.id AS paper_id, t.id AS topic_follow_id,
               row_number() OVER (PARTITION BY t.id ORDER BY coalesce(p.created, p.updated) DESC, p.id DESC) AS nth,
               (SELECT count(*) FROM profiles_alertreason r JOIN profiles_alert n ON n.id = r.alert_id
                 WHERE r.topic_follow_id = t.id AND n.made_at >= %(day)s) AS told
          FROM profiles_topicfollow t
          JOIN papers_papertopic pt ON pt.topic_id = t.topic_id AND pt.paper_id = ANY(%(papers)s)
          JOIN papers_paper p ON p.id = pt.paper_id AND coalesce(p.created, p.updated) >= %(since)s) ranked
 WHERE nth + told <= %(most)s
"""

_OF_WATCHES = """
SELECT account_id, paper_id, NULL::bigint AS follow_id, NULL::bigint AS topic_follow_id, watch_id, signature_id
  FROM unnest(%(accounts)s::bigint[], %(papers)s::bigint[], %(watches)s::bigint[], %(signatures)s::bigint[])
       AS found (account_id, paper_id, watch_id, signature_id)
"""


def raise_of(authors: Collection[int], now: datetime) -> None:
    """Tell the followers of these people (ids) of works that came since they follow, and that they were not told of."""
    if Follow.objects.exists():
        _tell(_OF_PEOPLE, now, authors=list(authors))


def raise_for(papers: Collection[int], now: datetime) -> None:
    """Tell of these new papers (ids, a few thousand at a time) whoever follows a topic or waits for a name."""
    if TopicFollow.objects.exists():
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        since = (now - timedelta(days=TOPIC_DAYS)).date()
        _tell(_OF_TOPICS, now, papers=list(papers), day=day, since=since, most=TOPIC_MOST)
    found = [
        (watch.account_id, signature.paper_id, watch.pk, signature.pk) for watch, signature in watching.found(papers)
    ]
    if found:
        accounts, of, watches, signatures = (list(column) for column in zip(*found, strict=True))
        _tell(_OF_WATCHES, now, accounts=accounts, papers=of, watches=watches, signatures=signatures)


@transaction.atomic
def _tell(found: str, now: datetime, **given: Any) -> None:
    with connection.cursor() as cursor:
        for statement in (_ALERTS, _REASONS):
            cursor.execute(statement.format(found=found), given | {"now": now})
