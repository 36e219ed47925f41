"""The ledger of one person, in words: what its entries rest on, by the names that hold today.

Problem: the ledger names rows by number, since it can never be rewritten and names can. Idea: the names are looked up
when the page is asked for, so that who changed theirs or hid a record is named as everywhere else. Entry points:
`history`, `on`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from papers.models import Paper
from papers.paging import key
from profiles.addresses import heir_of
from profiles.models import Author

from . import ledger
from .models import LedgerEntry
from .proved import HIDDEN
from .scoring import band

SHOWN = 20  # entries on a page


@dataclass(frozen=True, slots=True)
class Source:
    """A row that an entry rests on, as it is shown; `url` is empty where nothing is to be opened."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ledger under the name of its rule."""

    label: str
    of: LedgerEntry | ledger.Standing
    sources: list[Source]


@dataclass(frozen=True, slots=True)
class Past:
    """The sum at the end of a day."""

    day: date
    entries: list[Entry]

    @property
    def score(self) -> int:
        return sum(entry.of.points for entry in self.entries)

    @property
    def band(self) -> str:
        return band(min(self.score, 100))


def history(author: Author, labels: Mapping[str, str], cursor: str) -> tuple[list[Entry], int | None]:
    """(entries before the number `cursor`, newest first; the cursor of the next page or none).

    `labels` are those of the rules. Raises BadRequest for a cursor that is no number.
    """
    entries = author.ledger.order_by("-seq")
    if cursor:
        entries = entries.filter(seq__lt=key(cursor))
    found = list(entries[: SHOWN + 1])
    return _told(found[:SHOWN], labels), found[SHOWN - 1].seq if len(found) > SHOWN else None


def _told(entries: Sequence[LedgerEntry | ledger.Standing], labels: Mapping[str, str]) -> list[Entry]:
    names = _names({source for entry in entries for source in entry.sources})
    return [
        Entry(labels.get(entry.rule, entry.rule), entry, [names[source] for source in entry.sources])
        for entry in entries
    ]


def on(author: Author, labels: Mapping[str, str], given: str) -> Past:
    """What stood at the end of the day that was `given` as text. Raises ValidationError with a sentence."""
    try:
        day = parse_date(given)
    except ValueError:
        day = None
    if day is None:
        raise ValidationError(_("This is no date. Write it as 2026-03-01."))
    if day > timezone.now().date():
        raise ValidationError(_("This day has not come yet."))
    held = ledger.standing([author.pk], ledger.end_of(day)).get(author.pk, {})
    order = list(labels)
    rules = sorted(held, key=lambda rule: (order.index(rule) if rule in labels else len(order), rule))
    return Past(day, _told([held[rule] for rule in rules if held[rule].points], labels))


def _names(sources: Iterable[str]) -> Mapping[str, Source]:
    """By source, what is shown of it: two queries for all."""
    kinds: dict[str, dict[str, str]] = {}
    for source in sources:
        kind, _colon, which = source.partition(":")
        kinds.setdefault(kind, {})[source] = which
    found = {source: Source(source.replace(":", " ")) for known in kinds.values() for source in known}
    found |= {
        source: Source(_("every work has %(what)s") % {"what": what}) for source, what in kinds.get("given", {}).items()
    }
    works = Paper.objects.in_bulk(_ids(kinds.get("work", {})))
    for source, which in kinds.get("work", {}).items():
        paper = works.get(int(which)) if which.isdecimal() else None
        found[source] = (
            Source(paper.title_text, paper.get_absolute_url()) if paper else Source(_("a work that is gone"))
        )
    # Nobody has the id 0; it is asked for so that every page costs the same queries.
    people = Author.objects.select_related("merged_into").in_bulk([0, *_ids(kinds.get("person", {}))])
    for source, which in kinds.get("person", {}).items():
        person = people.get(int(which)) if which.isdecimal() else None
        if person is not None:
            heir = heir_of(person)
            public = person.is_public and heir.is_public
            found[source] = Source(heir.name, heir.get_absolute_url()) if public else Source(HIDDEN)
    return found


def _ids(known: Mapping[str, str]) -> list[int]:
    return [int(which) for which in known.values() if which.isdecimal() and len(which) <= 18]
