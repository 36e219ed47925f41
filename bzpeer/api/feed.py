"""The public feed of changes: merges, splits, moved works, corrections and institutions, for whoever keeps a copy.

Problem: a follower asks for what came after the last row it saw, and ids are given out before they are committed: a row
of a long transaction would appear behind the follower's back. Idea: triggers publish each row and number it as the last
thing before its commit, under a lock that is held until it is visible (`profiles.models.PublishedChange`, migrations
0016 and 0018), so that numbers become visible in their order; the cursor is the last number seen, and it is never used
up. There are ids and no names. Not told: what names a hidden record, and, of who hides a name, anything that another
record could tell it by; only into whom a record was merged is told of them, as the old address itself tells. A change
of a person's name has no row at all. Entry points: `changes`, `change`, `atom`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page, require_safe
from pydantic import Field
from typing_extensions import TypedDict

from papers.bounded import TooSlow, within
from papers.syndication import Entry, Feed, tag, written
from profiles.models import Author, PublishedChange

from .listing import Cursors, counted
from .problems import Problem, too_slow
from .resources import TIMEOUT_MS
from .shapes import API, Id, absolute, api_url, moment

SHOWN = 50  # in the Atom feed
Kind = Literal[
    "merge",
    "split",
    "move",
    "removal",
    "correction",
    "institution_merge",
    "institution_move",
    "institution_rename",
]
KindAsked = Literal["", Kind]


class ChangeRecord(TypedDict):
    """Something that changed who is who, or which institution is which. It gives numbers and no names: what a name was
    is nobody's business."""

    id: Annotated[int, Field(description="grows in the order in which changes become visible")]
    kind: Kind
    says: Annotated[
        Literal["same", "different", "withdrawn", "identifier"] | None,
        Field(description="of a correction; of institutions, `withdrawn` where an earlier change was taken back"),
    ]
    by: Literal["machine", "curator", "owner"]
    at: str
    person: Annotated[Id | None, Field(description="whom it is about; of a merge, split or move, who lost the works")]
    person_api_url: str | None
    other: Annotated[Id | None, Field(description="who has the works now; of a correction, the second person")]
    other_api_url: str | None
    institution: Annotated[Id | None, Field(description="that was merged, was renamed, or lost printed forms")]
    institution_api_url: str | None
    other_institution: Annotated[Id | None, Field(description="that stands for both now, or has the printed forms now")]
    other_institution_api_url: str | None
    works: Annotated[list[int], Field(description="ids of the first works concerned; none where institutions change")]
    works_count: Annotated[int, Field(description="how many in all")]
    api_url: str


class FeedMeta(TypedDict):
    """About the feed."""

    count: int
    count_is: Literal["exact", "at_least", "estimate"]
    per_page: int
    next_cursor: Annotated[
        str, Field(description="to be kept: it gives what comes after, also where that is yet to come")
    ]


def told() -> QuerySet[PublishedChange]:
    """The rows that everybody may read."""
    rows = PublishedChange.objects.filter(seq__isnull=False)
    for end in ("source", "target"):
        public = Q(**{f"{end}__visibility": Author.Visibility.PUBLIC})
        named = public & (Q(**{f"{end}__hides_printed": False}) | Q(kind=PublishedChange.Kind.MERGE))
        rows = rows.filter(Q(**{end: None}) | named)
    return rows


def changes(cursor: str, kind: str, person: int | None, institution: int | None, per_page: int) -> dict[str, Any]:
    """The document of the list, the oldest first. Raises Problem."""
    cursors = Cursors("changes")  # one cursor for all kinds: it is a place in time
    after = int(cursors.read(cursor) or 0)
    rows = told()
    if kind:
        rows = rows.filter(kind=kind)
    if person:
        rows = rows.filter(Q(source=person) | Q(target=person))
    if institution:
        rows = rows.filter(Q(institution=institution) | Q(other_institution=institution))
    try:
        with within(TIMEOUT_MS):
            found = list(rows.filter(seq__gt=after).order_by("seq")[:per_page])
            count, count_is = counted(rows)
    except TooSlow:
        raise too_slow() from None
    last = str(found[-1].seq if found else after)
    meta = {"count": count, "count_is": count_is, "per_page": per_page, "next_cursor": cursors.write(last) or ""}
    return {"meta": meta, "results": [_record(row) for row in found]}


def change(seq: int) -> ChangeRecord:
    """Raises Problem."""
    found = told().filter(seq=seq).first()
    if found is None:
        raise Problem(404, _("There is no change of this number."))
    return _record(found)


def _record(row: PublishedChange) -> ChangeRecord:
    # A correction is about its author; the other, where there is one, comes second.
    one, other = row.source_id, row.target_id
    if row.kind == PublishedChange.Kind.CORRECTION:
        one, other = other, one
    place, other_place = row.institution_id, row.other_institution_id
    assert row.seq is not None
    return {
        "id": row.seq,
        "kind": row.kind,  # type: ignore[typeddict-item]
        "says": row.says or None,  # type: ignore[typeddict-item]
        "by": row.by,  # type: ignore[typeddict-item]
        "at": moment(row.at),
        "person": one,
        "person_api_url": api_url("people", one) if one else None,
        "other": other,
        "other_api_url": api_url("people", other) if other else None,
        "institution": place,
        "institution_api_url": api_url("institutions", place) if place else None,
        "other_institution": other_place,
        "other_institution_api_url": api_url("institutions", other_place) if other_place else None,
        "works": row.works,
        "works_count": row.works_count,
        "api_url": absolute(f"{API}/changes/{row.seq}"),
    }


def _sentence(record: ChangeRecord) -> str:
    said = {
        "one": record["person"] or record["institution"],
        "other": record["other"] or record["other_institution"],
        "n": record["works_count"],
    }
    if record["institution"]:
        if record["says"] == "withdrawn":
            sentence = _("A change of institution #%(one)s was taken back.")
        else:
            sentence = {
                "institution_merge": _("Institution #%(one)s was merged into #%(other)s."),
                "institution_move": _("Forms in which institution #%(one)s is printed belong to #%(other)s."),
                "institution_rename": _("Institution #%(one)s has another name."),
            }[record["kind"]]
    elif record["kind"] == "correction":
        sentence = {
            "same": _("Said to be right: #%(one)s and the other are one."),
            "different": _("Said to be wrong: #%(one)s and the other are not one."),
            "withdrawn": _("A correction about #%(one)s was withdrawn."),
            "identifier": _("An identifier of #%(one)s was set or taken away."),
        }[record["says"] or "identifier"]
    else:
        sentence = {
            "merge": _("#%(one)s was merged into #%(other)s."),
            "split": _("Works of #%(one)s became a new record, #%(other)s: %(n)s."),
            "move": _("Works of #%(one)s went to #%(other)s: %(n)s."),
            "removal": _("#%(one)s is no longer printed on %(n)s works."),
        }[record["kind"]]
    return sentence % said


@require_safe
@conditional_page
def atom(request: HttpRequest) -> HttpResponse:
    """The newest changes as an Atom feed."""
    newest = list(told().order_by("-seq")[:SHOWN])
    feed = Feed(
        id=tag("changes"),
        title=_("BZPEER: who is who, as it changes"),
        about=_("Merges, splits, moved works, corrections and institutions, by number."),
        page=absolute(reverse("api_docs")),
        address=absolute(request.path),
        entries=[_entry(row) for row in newest],
    )
    return written(feed)


def _entry(row: PublishedChange) -> Entry:
    record = _record(row)
    said = _sentence(record)
    return Entry(tag(f"changes/{row.seq}"), said, record["api_url"], escape(said), updated=row.at, published=row.at)
