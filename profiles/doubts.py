"""Readers' doubts: "that is another person", said of a work on a record, as evidence for the matcher.

Problem: one click of a reader may be worth much or be a crowd's, and must not start seconds of work. Idea: how much it
weighs is said in one place (`disambiguation.readers`), beside what the matcher found, and never in what it gathers; so
a click computes one attribution again, and a whole run gives the same. Which accounts count is read from what is
stored: a confirmed address, a week of age when it was said, and not contradicted more often than borne out by those
who may decide. What an owner or a curator confirms answers the doubt. A doubt is about a name on a paper and a person:
it means nothing of anybody else whom the work goes to, and goes when a source takes the name off the paper.
Entry points: `say` and `take_back`; `weigh` and `carry` for a run, `settle` for a worker.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from celery import current_app
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import IntegerField, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from papers.models import Signature

from . import arrays, authors, statements
from .addresses import heir_of
from .disambiguation import readers
from .disambiguation.attribution import STRONG
from .disambiguation.model import probability_of
from .models import Account, Assignment, Author, Doubt

# Of an account when it doubts: who invents accounts has to keep them, and a curator has a week to find them.
AGE = timedelta(days=7)
SETTLED = 1_000  # names looked at together by `settle`

_ANSWERED = (Assignment.State.OWNER, Assignment.State.CURATOR)
_STATEMENTS = ("decision", "orcid")


@transaction.atomic
def say(account: Account, signature: Signature, author: Author, now: datetime) -> None:
    """The account says that this work, which stands on the author's record, is another person's. Said twice, it counts
    once. Raises PermissionDenied for an account that is closed, and ValidationError for what cannot be doubted."""
    if not account.is_active:
        raise PermissionDenied(_("This account is closed."))
    if not EmailAddress.objects.filter(user=account, verified=True).exists():
        raise ValidationError(_("Confirm an e-mail address of your account first."))
    author = heir_of(author)
    if not Assignment.objects.standing().filter(signature=signature, author=author).exists():
        raise ValidationError(_("This work is no longer on this record."))
    _doubt, is_new = Doubt.objects.get_or_create(
        account=account, signature=signature, author=author, withdrawn_at=None, defaults={"made_at": now}
    )
    if is_new:
        _weigh_now(signature)


@transaction.atomic
def take_back(account: Account, signature: Signature, author: Author, now: datetime) -> None:
    """The account no longer says so. Taken back twice, nothing changes."""
    if live_of(account, author).filter(signature=signature).update(withdrawn_at=now):
        _weigh_now(signature)


@transaction.atomic
def end(account: Account, now: datetime) -> None:
    """The account takes back all that it doubts: it leaves."""
    live = Doubt.objects.live().filter(account=account)
    names = list(live.values_list("signature", flat=True))
    live.update(withdrawn_at=now)
    _refresh_soon(weigh(names))


def live_of(account: Account, author: Author) -> QuerySet[Doubt]:
    """What the account doubts of the author's record, also since before others were merged into it."""
    return Doubt.objects.live().filter(account=account, author__in=heir_of(author).with_merged)


def name_on(paper: int, author: Author, account: Account) -> Signature | None:
    """The name on a paper that is the author's, or else one that the account doubted while it was."""
    printed = Signature.objects.filter(paper=paper).order_by("position")
    doubted = live_of(account, author).values("signature")
    return printed.filter(assignment__author=author).first() or printed.filter(pk__in=doubted).first()


def said_by(account: Account, works: Iterable[Assignment]) -> set[int]:
    """Of which of these works the account says that it is another person's: ids of signatures. Two queries at most."""
    of = {work.signature_id: work.author_id for work in works}
    said = Doubt.objects.live().filter(account=account, signature__in=[*of]).select_related("author__merged_into")
    return {doubt.signature_id for doubt in said if heir_of(doubt.author).pk == of[doubt.signature_id]}


def unanswered() -> QuerySet[Assignment]:
    """Works that `readers` (annotated) doubt who count, and nobody who may decide has confirmed."""
    doubted = Assignment.objects.filter(signature__in=Doubt.objects.live().values("signature"))
    return (
        doubted.exclude(state__in=_ANSWERED)
        .annotate(readers=Cast(KT("evidence__-1__readers"), IntegerField()))
        .filter(readers__gt=0)
        .select_related("author", "signature__paper", "compared_with__paper")
    )


# --- weighing --------------------------------------------------------------------------------------------------------


def among(surnames: Sequence[str]) -> list[int]:
    """The names (signatures) printed with these surname keys that anybody has doubted, ever."""
    doubted = Doubt.objects.filter(signature__surname_key__in=arrays.texts(surnames))
    return list(doubted.order_by("signature").values_list("signature", flat=True).distinct())


def carry(rows: Iterable[Assignment], stored: Mapping[int, Assignment]) -> None:
    """Let new rows say of readers what the stored ones of the same author say, so that what did not change is not
    written again; `weigh` then says what is true."""
    for row in rows:
        was = stored.get(row.signature_id)
        if was is not None and was.author_id == row.author_id and (counted := _counted(was)):
            _put(row, counted)


def weigh(names: Collection[int], leads: Mapping[int, int | None] | None = None) -> list[int]:
    """Let the attributions of these names (signatures that were doubted) say what is doubted now, and store those that
    differ. Returns the signatures whose state changed.

    `leads`: whom authors are about to be merged into, None for nobody, where that is not stored yet.
    """
    if not names:
        return []
    rows = Assignment.objects.select_for_update(no_key=True)
    changed = _differing(rows, names, leads or {})
    Assignment.objects.bulk_update([row for row, _was in changed], ["state", "probability", "evidence"], 500)
    return [row.signature_id for row, was in changed if row.state != was]


def settle() -> int:
    """Weigh again what should be weighed otherwise since an account was contradicted, closed or confirmed elsewhere;
    returns how many attributions changed. Each in a transaction of its own: nobody waits for another's names."""
    doubted = list(Doubt.objects.order_by("signature").values_list("signature", flat=True).distinct())
    wrong = [
        row.signature_id
        for start in range(0, len(doubted), SETTLED)
        for row, _was in _differing(Assignment.objects.all(), doubted[start : start + SETTLED], {})
    ]
    for name in wrong:
        with transaction.atomic():
            _refresh_soon(weigh([name]))
    return len(wrong)


def _weigh_now(signature: Signature) -> None:
    _refresh_soon(weigh([signature.pk]))


def _refresh_soon(signatures: Sequence[int]) -> None:
    """Have what is computed of the authors of these computed again, once this is committed."""
    # They are not marked here: a run locks authors after works, and would wait for who locks works after authors.
    owners = sorted(set(Assignment.objects.filter(signature__in=signatures).values_list("author", flat=True)))
    if owners:
        transaction.on_commit(lambda: _refresh(signatures, owners))


def _refresh(signatures: Sequence[int], owners: list[int]) -> None:
    authors.touch(signatures)
    current_app.send_task("bzpeer.refresh_authors", [owners])  # by name: the pipeline stands above this app


def _differing(
    rows: QuerySet[Assignment], names: Collection[int], leads: Mapping[int, int | None]
) -> list[tuple[Assignment, str]]:
    """Those of `rows`, of these names, that should say something else of readers, saying it; and the state of each
    before. What is counted is read after the rows: who holds them waits for who doubts meanwhile."""
    found = list(rows.filter(signature__in=names).order_by("pk"))
    counts = {
        (signature, author): (everybody, counting)
        for signature, author, everybody, counting in statements.rows(
            _COUNTED, names=list(names), merged=[*leads], into=[*leads.values()], age=AGE
        )
    }
    changed = []
    for row in found:
        everybody, counting = counts.get((row.signature_id, row.author_id), (0, 0))
        was = (row.state, row.probability, row.evidence)
        _put(row, everybody if row.state in _ANSWERED else counting)
        if was != (row.state, row.probability, row.evidence):
            changed.append((row, was[0]))
    return changed


def _counted(row: Assignment) -> int:
    """How many readers an attribution says to have counted."""
    return int(row.evidence[-1].get("readers", 0)) if row.evidence else 0


def _put(row: Assignment, count: int) -> None:
    """Say in the evidence of `row` that so many readers doubt it, in the place of what it says of them.

    A work that is compared with no other is alone on its record: there is nobody whom it could be taken for.
    """
    items: list[dict[str, Any]] = [item for item in row.evidence if item["rule"] != readers.RULE]
    said = next((item for item in row.evidence if item["rule"] == readers.RULE), None)
    if said is not None:
        row.state = said["otherwise"]
    elif not count:
        return
    against = None
    if count and items and row.compared_with_id is not None:
        against = readers.against(count, answered=row.state in _ANSWERED, stated=items[0]["rule"] in _STATEMENTS)
        items.append(
            {
                "rule": against.rule,
                "weight": against.weight,
                "sentence": against.sentence,
                "readers": count,
                "otherwise": str(row.state),  # without them
            }
        )
    stated = probability_of(sum(item["weight"] for item in items))
    row.evidence, row.probability = items, round(stated, 4)
    if against is not None and against.weight and row.state == Assignment.State.STRONG and stated < STRONG:
        row.state = Assignment.State.WEAK


# A doubt is about an author, after a merge about the heir. It is answered by later decisions of others about the same
# name: contradicted by one that says it is the author's (not by a merge, for which nobody looks at single works), borne
# out by one that says it is not, or is somebody else's. What was taken back before, they do not answer.
_COUNTED = """
WITH RECURSIVE lead(author_id, heir_id) AS (
    SELECT * FROM unnest(%(merged)s::bigint[], %(into)s::bigint[])
), asked AS (
    SELECT d.* FROM profiles_doubt d WHERE d.withdrawn_at IS NULL AND d.signature_id = ANY(%(names)s::bigint[])
), answer AS (
    SELECT d.account_id, d.author_id AS doubted_id, c.author_id, c.same
      FROM profiles_doubt d
      JOIN profiles_correction c
        ON c.signature_id = d.signature_id AND c.kind = 'attribution' AND c.withdrawn_at IS NULL
       AND c.made_by_id <> d.account_id AND c.made_at > d.made_at
       AND (d.withdrawn_at IS NULL OR d.withdrawn_at > c.made_at)
      LEFT JOIN profiles_changeset s ON s.id = c.change_set_id
     WHERE d.account_id IN (SELECT account_id FROM asked)
       AND NOT (c.same AND s.id IS NOT NULL AND (c.change_id IS NULL OR s.kind IN ('merge', 'bulk')))
), path(author_id, at_id) AS (
    SELECT author_id, author_id FROM asked
     UNION SELECT doubted_id, doubted_id FROM answer
     UNION SELECT author_id, author_id FROM answer
     UNION
    SELECT p.author_id, CASE WHEN l.author_id IS NULL THEN a.merged_into_id ELSE l.heir_id END
      FROM path p JOIN profiles_author a ON a.id = p.at_id LEFT JOIN lead l ON l.author_id = a.id
), heir(author_id, id) AS (
    SELECT p.author_id, p.at_id
      FROM path p JOIN profiles_author a ON a.id = p.at_id LEFT JOIN lead l ON l.author_id = a.id
     WHERE CASE WHEN l.author_id IS NULL THEN a.merged_into_id ELSE l.heir_id END IS NULL
), stand AS (
    SELECT n.account_id, sum(CASE WHEN n.same <> (of.id = said.id) THEN 1 WHEN n.same THEN -1 ELSE 0 END) AS balance
      FROM answer n JOIN heir of ON of.author_id = n.doubted_id JOIN heir said ON said.author_id = n.author_id
     GROUP BY 1
)
SELECT d.signature_id, heir.id, count(DISTINCT d.account_id),
       count(DISTINCT d.account_id) FILTER (WHERE coalesce(stand.balance, 0) >= 0)
  FROM asked d
  JOIN heir USING (author_id)
  JOIN profiles_account a ON a.id = d.account_id AND a.is_active AND d.made_at >= a.date_joined + %(age)s
  LEFT JOIN stand USING (account_id)
 WHERE EXISTS (SELECT FROM account_emailaddress e WHERE e.user_id = d.account_id AND e.verified)
 GROUP BY 1, 2
"""
