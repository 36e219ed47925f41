"""Saved papers and collections: what an account keeps together, for itself, for whoever has a link, or for everybody.

Problem: a collection is changed from two tabs at once, strangers read its name and notes once it is public, and a
link that was given away must be one that can be ended. Idea: every change holds the row of the account first, so that
no limit is passed and no name comes twice; who asks says what they want (in, out), so that twice is once; who may see a
collection is a question asked of the database (`public`, `shared`, `seen_by`), never an `if` on a page. "Save" puts a
paper into a collection of its own, which is always private. The key of a link has 256 random bits; a new one ends the
old. A paper that is removed here leaves the collections that held it; one with a note on it is not removed.

Entry points: `save`, `unsave`, `choose`, `make`, `edit`, `annotate`, `take_out`, `new_key`, `delete`; the
questions for pages: `public`, `shared`, `seen_by`, `by_key`, `listed`, `mine`, `of_paper`, `streamed`.
"""

from __future__ import annotations

import re
from collections.abc import Collection as Several
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from papers import limits, paging
from papers.exports import PIECE
from papers.models import Paper
from profiles.conversing import limit_of, readable, suspended, suspension_of
from profiles.models import Account, Collection, CollectionItem

from . import trending

MOST = 100  # collections of an account beside its saved papers: what a form can list to choose from
MOST_PAPERS = 2_000  # of a collection: the reading of years; an export streams them in some seconds
LONGEST_NAME, LONGEST = 120, 2_000  # characters of a name; of what is said about a collection, and of a note
PAGE = 50  # papers on a page, with whole abstracts
NAMED = 5  # public collections that a paper's page names
Visibility = Collection.Visibility
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)


# --- who may see what -------------------------------------------------------------------------------------------------


def public() -> QuerySet[Collection]:
    """What everybody may see and find."""
    return shared().filter(visibility=Visibility.PUBLIC)


def shared() -> QuerySet[Collection]:
    """What others than its owner may see, though perhaps by its link alone: what can be reported."""
    return Collection.objects.filter(
        visibility__in=[Visibility.PUBLIC, Visibility.LINK], hidden_at=None, account__is_active=True
    )


def by_key(key: str) -> Collection | None:
    """What the key of a link shows, public by now or not."""
    return shared().filter(key=key).select_related("account").first() if key and "\0" not in key else None


def seen_by(account: Account | AnonymousUser, key: str = "") -> QuerySet[Collection]:
    """What the account, or a visitor, may see by its number; with the `key` of a link what that shows too."""
    seen = Q(visibility=Visibility.PUBLIC, hidden_at=None, account__is_active=True)
    if key and "\0" not in key:
        seen |= Q(visibility=Visibility.LINK, hidden_at=None, account__is_active=True, key=key)
    if account.is_authenticated:
        seen |= Q(account=account.pk)
    return Collection.objects.filter(seen).select_related("account")


def listed(collection: Collection, cursor: str = "", size: int = PAGE) -> tuple[list[CollectionItem], str]:
    """(a page of its papers with people and topics, added last first; the next cursor or ""): four queries.

    Raises BadRequest for a cursor that this function has not made.
    """
    rows = collection.items.order_by("-added_at", "-pk")
    if cursor:
        at, below = paging.moment(cursor)
        rows = rows.filter(Q(added_at__lt=at) | Q(added_at=at, pk__lt=below))
    found = list(rows.prefetch_related(Prefetch("paper", Paper.objects.with_people()))[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return found[:size], f"{last.added_at.isoformat()}~{last.pk}" if last else ""


def streamed(collection: Collection) -> Iterator[Paper]:
    """All its papers with their people, added last first, of which few are in memory at once."""
    cursor = ""
    while True:
        items, cursor = listed(collection, cursor, PIECE)
        yield from (item.paper for item in items)
        if not cursor:
            return


def mine(account: Account) -> list[Collection]:
    """The account's collections, its saved papers first, then by the latest change; each has `size`. One query."""
    rows = Collection.objects.filter(account=account).annotate(size=Count("items"))
    return list(rows.order_by("-is_saved", "-changed_at", "-pk"))


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a paper is kept: by who asks, and in public collections of whomever, the newest first."""

    is_saved: bool
    own: list[Collection]
    public: list[Collection]


def of_paper(paper: Paper, account: Account | AnonymousUser) -> Kept:
    """Where the paper is kept: two queries, of a visitor one."""
    own = Collection.objects.filter(account=account.pk, items__paper=paper) if account.is_authenticated else None
    rows = list(own.order_by("name", "pk")) if own is not None else []
    held = public().filter(items__paper=paper)
    return Kept(
        is_saved=any(row.is_saved for row in rows),
        own=[row for row in rows if not row.is_saved],
        public=list(held.exclude(account=account.pk).order_by("-changed_at", "-pk")[:NAMED]),
    )


# --- papers in and out ------------------------------------------------------------------------------------------------


@transaction.atomic
def save(account: Account, paper: int, now: datetime) -> None:
    """Keep the paper of this number among the saved ones; again changes nothing.

    Raises ValidationError with the sentence where it cannot be kept, `limits.TooMany` past the limit.
    """
    _alone(account)
    saved, _is_new = Collection.objects.get_or_create(account=account, is_saved=True, defaults={"name": ""})
    _add(account, saved, paper, now)
    trending.refresh([paper])


@transaction.atomic
def unsave(account: Account, paper: int) -> None:
    """Keep it among them no more."""
    _alone(account)
    if saved := Collection.objects.filter(account=account, is_saved=True).first():
        _remove(saved, paper)
        trending.refresh([paper], by=account.pk)


@transaction.atomic
def choose(
    account: Account, paper: int, into: Several[int], out_of: Several[int], new: str, now: datetime
) -> list[Collection]:
    """Put the paper into these collections of the account, take it out of those, and into a `new` one where a name is
    given; returns into which it came. Of others nothing changes, so that two tabs do not undo each other.

    Raises ValidationError with the sentence why nothing was changed, `limits.TooMany` past a limit.
    """
    _alone(account)
    own = {row.pk: row for row in Collection.objects.filter(account=account, is_saved=False)}
    if not own.keys() >= {*into}:
        raise ValidationError(_("One of these collections is no more. Choose again."))
    if new.strip():
        made = _make(account, new, "", Visibility.PRIVATE, now)
        own[made.pk], into = made, [*into, made.pk]
    for pk in sorted({*into}):
        _add(account, own[pk], paper, now)
    for pk in sorted({*out_of} & own.keys()):
        _remove(own[pk], paper)
    trending.refresh([paper], by=account.pk if out_of else None)
    return [own[pk] for pk in sorted({*into})]


@transaction.atomic
def put_back(collection: Collection, paper: int, note: str, now: datetime) -> None:
    """Into the collection again, with its note. Raises as `choose`."""
    collection = _held(collection)
    _add(_owner(collection), collection, paper, now, _checked_note(collection, note, now))
    trending.refresh([paper])


@transaction.atomic
def take_out(collection: Collection, paper: int) -> None:
    """Out of the collection; what is not in it changes nothing. Raises ValidationError where there is none any more."""
    _remove(_held(collection), paper)
    trending.refresh([paper], by=collection.account_id)


@transaction.atomic
def annotate(collection: Collection, paper: int, note: str, now: datetime) -> None:
    """Say something beside the paper, which whoever sees the collection reads; nothing said takes it away.

    Raises ValidationError with the sentence why nothing was changed, `limits.TooMany` past a limit.
    """
    collection = _held(collection)
    item = collection.items.filter(paper=paper).first()
    if item is None:
        raise ValidationError(_("This paper is in the collection no more. Put it back first."))
    note = _checked_note(collection, note, now)
    if item.note != note:
        owner = _owner(collection)
        limits.spend(limit_of(owner, now, "note"), owner.pk)
        item.note = note
        item.save(update_fields=["note"])
        _touch(collection)


def _checked_note(collection: Collection, note: str, now: datetime) -> str:
    note = _worded("note", note, LONGEST) if note.strip() else ""
    if note and collection.visibility != Visibility.PRIVATE:
        _may_publish(_owner(collection), now)
    return note


def _add(account: Account, collection: Collection, paper: int, now: datetime, note: str = "") -> None:
    if collection.items.filter(paper=paper).exists():
        return
    if collection.items.count() >= MOST_PAPERS:
        said = {"name": collection, "n": f"{MOST_PAPERS:,}"}
        raise ValidationError(_("“%(name)s” holds %(n)s papers, which is the most. Take one out first.") % said)
    with connection.cursor() as cursor:  # whoever removes the paper meanwhile waits, and then takes this row with it
        cursor.execute("SELECT 1 FROM papers_paper WHERE id = %s FOR KEY SHARE", [paper])
        if cursor.fetchone() is None:
            raise ValidationError(_("This paper is here no more."))
    limits.spend(limit_of(account, now, "save"), account.pk)
    CollectionItem.objects.create(collection=collection, paper_id=paper, note=note)
    _touch(collection)


def _remove(collection: Collection, paper: int) -> None:
    if collection.items.filter(paper=paper).delete()[0]:
        _touch(collection)


def _touch(collection: Collection) -> None:
    collection.save(update_fields=["changed_at"])


# --- the collections themselves ---------------------------------------------------------------------------------------


@transaction.atomic
def make(account: Account, name: str, about: str, visibility: str, now: datetime) -> Collection:
    """A new one. Raises ValidationError by field, `limits.TooMany` past the limit."""
    _alone(account)
    return _make(account, name, about, visibility, now)


def _make(account: Account, name: str, about: str, visibility: str, now: datetime) -> Collection:
    if Collection.objects.filter(account=account, is_saved=False).count() >= MOST:
        raise ValidationError(_("You have %(n)s collections, which is the most. Delete one first.") % {"n": MOST})
    made = Collection(account=account)
    _word(made, name, about, visibility, now)
    made.save()
    return made


@transaction.atomic
def edit(collection: Collection, name: str, about: str, visibility: str, now: datetime) -> Collection:
    """Change its words, and who sees it. What is private again has a link no more.

    Raises ValidationError by field, `limits.TooMany` past the limit.
    """
    found = _held(collection)
    _not_of_saved(found)
    _word(found, name, about, visibility, now)
    found.save()
    return found


@transaction.atomic
def new_key(collection: Collection) -> None:
    """Another link, which ends the one before. Raises ValidationError where it is not shared by a link."""
    _alone(_owner(collection))
    changed = Collection.objects.filter(pk=collection.pk, visibility=Visibility.LINK).update(key=token_urlsafe(32))
    if not changed:
        raise ValidationError(_("This collection is not shared by a link."))


@transaction.atomic
def delete(collection: Collection) -> None:
    """Delete it with its notes; the papers stay. Raises ValidationError for the saved papers.

    Of one that was reported an empty row is left that is nobody's, for the complaints to hold on to: who deletes what
    was objected to has still written it.
    """
    _not_of_saved(collection)
    _alone(_owner(collection))
    items = CollectionItem.objects.filter(collection=collection.pk)
    papers = list(items.values_list("paper", flat=True))
    found = Collection.objects.filter(pk=collection.pk)
    found.select_for_update().first()  # a complaint that is just being written is waited for
    if collection.complaints.exists():
        items.delete()
        found.update(account=None, name="", about="", visibility=Visibility.PRIVATE, key=None)
    else:
        found.delete()
    trending.refresh(papers, by=collection.account_id)


def _word(collection: Collection, name: str, about: str, visibility: str, now: datetime) -> None:
    """Fill it in, once everything is as it may be."""
    name = " ".join(_worded("name", name, LONGEST_NAME).split())
    about = _worded("about", about, LONGEST) if about.strip() else ""
    if visibility not in Visibility.values:
        raise ValidationError({"visibility": _("Say who sees it.")})
    account = _owner(collection)
    if Collection.objects.filter(account=account, name__iexact=name).exclude(pk=collection.pk).exists():
        raise ValidationError({"name": _("You have a collection of this name already.")})
    if visibility != Visibility.PRIVATE:
        _may_publish(account, now)
    limits.spend(limit_of(account, now, "collection"), account.pk)
    collection.name, collection.about, collection.visibility = name, about, visibility
    if visibility == Visibility.PRIVATE:
        collection.key = None
    elif visibility == Visibility.LINK and not collection.key:
        collection.key = token_urlsafe(32)


def _worded(field: str, text: str, longest: int) -> str:
    """The text as it is kept; ValidationError of the field for what is none, or a link and nothing else."""
    try:
        found = readable(text, longest)
    except ValidationError as refusal:
        raise ValidationError({field: refusal.messages}) from None
    if not any(character.isalnum() for character in _LINK.sub("", found)):
        raise ValidationError({field: _("Say it in words: a link alone tells nobody what it is.")})
    return found


def _may_publish(account: Account, now: datetime) -> None:
    if suspension := suspension_of(account, now):
        raise ValidationError(suspended(suspension))


def _not_of_saved(collection: Collection) -> None:
    if collection.is_saved:
        raise ValidationError(_("Your saved papers stay yours alone: take out papers one by one."))


def _owner(collection: Collection) -> Account:
    """Whose it is: what is nobody's (`delete`) is never changed."""
    assert collection.account is not None
    return collection.account


def _alone(account: Account) -> None:
    """One change of an account at a time."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def _held(collection: Collection) -> Collection:
    """The collection as it is now, which nobody changes meanwhile. Raises ValidationError where it is no more."""
    _alone(_owner(collection))
    found = Collection.objects.filter(pk=collection.pk, account=collection.account_id).select_related("account").first()
    if found is None:
        raise ValidationError(_("This collection is no more."))
    return found
