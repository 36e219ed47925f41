"""The public history of a person: decisions, changes and moves of works, the newest first, with who, when and why.

Problem: what was done to a record stands in five tables, and a page of it may not read them whole. Idea: one statement
gives (time, kind, id) of the newest entries of all of them, by key, and each kind is then loaded at once. What a name
was before it was corrected is not public, and neither is the reason of that; nor is what names a hidden record. Entry
point: `history`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from papers import paging

from .models import Author, Change, ChangeSet, ChangeStep, Correction, Move
from .shown import Redaction, around
from .views import find_author

SHOWN = 30

_NEWEST = """
WITH entries AS (
    SELECT c.made_at AS at, 'decision' AS kind, c.id
      FROM profiles_correction c
     WHERE c.change_set_id IS NULL AND (c.author_id = %(author)s OR c.other_author_id = %(author)s
        OR c.signature_id IN (SELECT s.signature_id FROM profiles_assignment s WHERE s.author_id = %(author)s)
        OR c.other_id IN (SELECT s.signature_id FROM profiles_assignment s WHERE s.author_id = %(author)s))
     UNION ALL
    SELECT s.made_at, 'change', s.id FROM profiles_changeset s
     WHERE s.id IN (SELECT r.change_set_id FROM profiles_change r
                     WHERE r.source_id = %(author)s OR r.target_id = %(author)s)
     UNION ALL
    SELECT t.made_at, 'step', t.id FROM profiles_changestep t
     WHERE t.change_set_id IN (SELECT r.change_set_id FROM profiles_change r
                                WHERE r.source_id = %(author)s OR r.target_id = %(author)s)
     UNION ALL
    SELECT m.made_at, 'move', m.id FROM profiles_move m
     WHERE (m.source_id = %(author)s OR m.target_id = %(author)s)
       AND m.change_set_id IS NULL AND m.correction_id IS NULL
)
SELECT at, kind, id FROM entries
 WHERE %(before)s::timestamptz IS NULL OR (at, kind, id) < (%(before)s, %(kind)s, %(id)s)
 ORDER BY at DESC, kind DESC, id DESC LIMIT %(limit)s
"""

_TABLES: dict[str, Any] = {
    "decision": Correction.objects.select_related(
        "made_by",
        "withdrawn_by",
        "author",
        "other_author",
        "signature__assignment__author",
        "other__assignment__author",
    ),
    "change": ChangeSet.objects.select_related("made_by").annotate(
        count=Count("rows"), undone=Count("rows", filter=Q(rows__undone_at__isnull=False))
    ),
    "step": ChangeStep.objects.select_related(
        "made_by", "change_set", "one__signature__assignment__author", "one__source", "one__target"
    ),
    "move": Move.objects.select_related("source", "target", "batch"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `what` is a row of `kind`; `ends` are the (source, target, works) of a change set."""

    at: datetime
    kind: str
    what: Any
    ends: list[tuple[Author, Author, int]]

    @property
    def is_open(self) -> bool:
        """Whether the reason that people gave may be read: it may name somebody who is hidden."""
        return all(author.is_public for *pair, _works in self.ends for author in pair)

    @property
    def names(self) -> list[str]:
        """Whom it names, as they are shown."""
        if self.kind == "decision":
            return list(self.what.ends)
        if self.kind == "move":
            return [author.name for author in (self.what.source, self.what.target) if author]
        if self.kind == "step":
            return [str(self.what.one)] if self.what.one and self.what.one.printed else []
        return [author.name for source, target, _works in self.ends for author in (source, target)]

    @property
    def is_of_hiding(self) -> bool:
        """Whether it is about somebody who hides a name."""
        if self.kind == "decision":
            people = [self.what.author, self.what.other_author, self.what.signature, self.what.other]
        elif self.kind == "move":
            people = [self.what.source, self.what.target]
        elif self.kind == "step":
            people = [self.what.one and self.what.one.source, self.what.one and self.what.one.target]
        else:
            people = [author for source, target, _works in self.ends for author in (source, target)]
        return any(one is not None and one.hides_printed for one in people)

    @property
    def is_undone(self) -> bool:
        if self.kind == "decision":
            return not self.what.is_live
        return self.kind == "change" and self.what.undone == self.what.count


def history(
    author: Author, cursor: str = "", size: int = SHOWN, redact: Redaction | None = None
) -> tuple[list[Entry], str]:
    """(the entries that come after `cursor`, the next cursor or ""). Raises BadRequest for a cursor not made here.

    Entries about somebody who hides a name, in which somebody else bears it, are left out: that Jane New and Jane Old
    are different people tells who Jane New was.
    """
    before, kind, pk = _read(cursor) if cursor else (None, "", 0)
    with connection.cursor() as asked:
        asked.execute(_NEWEST, {"author": author.pk, "before": before, "kind": kind, "id": pk, "limit": size + 1})
        rows = asked.fetchall()
    more, rows = len(rows) > size, rows[:size]
    loaded = {name: table.in_bulk([pk for _, kind, pk in rows if kind == name]) for name, table in _TABLES.items()}
    sets = {pk for _, kind, pk in rows if kind == "change"}
    ends = _ends(sets, author)
    entries = [
        Entry(at, kind, loaded[kind][pk], ends[pk] if kind == "change" else [])
        for at, kind, pk in rows
        if not (kind == "decision" and _names_a_hidden(loaded[kind][pk]))
    ]
    if redact:
        hiding = author.hides_printed
        entries = [e for e in entries if not ((hiding or e.is_of_hiding) and any(map(redact.finds, e.names)))]
    return entries, "~".join((rows[-1][0].isoformat(), *map(str, rows[-1][1:]))) if more else ""


def _names_a_hidden(decision: Correction) -> bool:
    return any(author and not author.is_public for author in (decision.author, decision.other_author))


def _ends(sets: set[int], author: Author) -> defaultdict[int, list[tuple[Author, Author, int]]]:
    """Of each of these change sets, from whom to whom how many works went, as far as the author is one of the two."""
    rows = Change.objects.filter(change_set__in=sets, source__isnull=False).filter(Q(source=author) | Q(target=author))
    counted = list(
        rows.values_list("change_set", "source", "target").annotate(Count("pk")).order_by("source", "target")
    )
    people = Author.objects.in_bulk(
        {pk for _, source, target, _ in counted for pk in (source, target) if pk is not None}
    )
    found: defaultdict[int, list[tuple[Author, Author, int]]] = defaultdict(list)
    for change_set, source, target, count in counted:
        if source is not None:
            found[change_set].append((people[source], people[target], count))
    return found


def _read(cursor: str) -> tuple[datetime, str, int]:
    at, _, rest = cursor.partition("~")
    kind, _, pk = rest.partition("~")
    if kind not in _TABLES:
        raise paging.ForeignCursor
    moment, row = paging.moment(f"{at}~{pk}")
    return moment, kind, row


@require_safe
def person_history(request: HttpRequest, pk: int) -> HttpResponse:
    """What was done to this record. A merged id shows its own history, which says where it went."""
    find_author(pk)  # raises what a hidden record answers
    author = get_object_or_404(Author.objects.select_related("merged_into"), pk=pk)
    redact = around(author)
    entries, following = history(author, request.GET.get("after", ""), redact=redact)
    context = {"author": author, "entries": entries, "following": following, "redact": redact}
    return render(request, "profiles/history.html", context)
