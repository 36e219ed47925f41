"""Which e-mail addresses and pages a person's records print, and whether they are this person's.

Idea: the newest works that are surely the person's are read once, and `papers.contacts` says whose each address is. A
work that is attributed with doubt counts for nothing here: a namesake's address would open the record to the namesake.
Entry points: `addresses`, `links`. Two queries each, whatever the number of works.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models.functions import Coalesce

from papers import contacts
from papers.contacts import Found, Name
from papers.models import Paper, Signature

from ..models import Assignment, Author

# Bounds the work for who has written thousands. What only older works print hardly reaches anybody any more.
MOST_WORKS = 500
# The author list of an experiment says of nobody which address is whose; and 500 such lists are a million names.
MOST_AUTHORS = 100


@dataclass(frozen=True, slots=True)
class Printed:
    """An address or a page, the newest work that prints it, and whether a record says that it is this person's."""

    value: str
    paper: Paper
    own: bool


def addresses(author: Author) -> list[Printed]:
    """The e-mail addresses that the author's works print, each once, newest work first."""

    def read(mine: Signature, others: Sequence[Signature], coauthors: Sequence[Name] | None) -> list[Found]:
        elsewhere = [affiliation for other in others for affiliation in other.affiliations]
        return contacts.found_addresses(_name(mine), coauthors, mine.affiliations, elsewhere, _text(mine.paper))

    return _printed(author, contacts.addresses, read)


def links(author: Author) -> list[Printed]:
    """The web pages that the author's works print, each once, newest work first; own ones as the home they are of."""

    def read(mine: Signature, others: Sequence[Signature], coauthors: Sequence[Name] | None) -> list[Found]:
        return contacts.found_links(_name(mine), coauthors, mine.affiliations, _text(mine.paper))

    return _printed(author, contacts.links, read)


Read = Callable[[Signature, Sequence[Signature], Sequence[Name] | None], list[Found]]


def _printed(author: Author, look: Callable[[str], list[str]], read: Read) -> list[Printed]:
    surely = Assignment.objects.filter(author=author).surely()
    newest = Coalesce("paper__updated", "paper__created").desc(nulls_last=True)
    mine = [
        signature
        for signature in Signature.objects.filter(assignment__in=surely)
        .select_related("paper")
        .order_by(newest, "-paper")[:MOST_WORKS]
        if look("\n".join([*signature.affiliations, _text(signature.paper)]))
    ]
    names: defaultdict[int, list[Signature]] = defaultdict(list)
    papers = [signature.paper_id for signature in mine]
    for signature in Signature.objects.filter(paper__in=papers, position__lte=MOST_AUTHORS).order_by("position"):
        names[signature.paper_id].append(signature)
    kept: dict[str, Printed] = {}
    for signature in mine:
        others = [other for other in names[signature.paper_id] if other.pk != signature.pk]
        too_many = len(others) >= MOST_AUTHORS
        coauthors = None if too_many else contacts.cast([*map(_name, others)], signature.paper.source_authors)
        for found in read(signature, others, coauthors):
            before = kept.get(found.value.lower())
            if before is None or (found.own and not before.own):
                kept[found.value.lower()] = Printed(found.value, signature.paper, found.own)
    return list(kept.values())


def _name(signature: Signature) -> Name:
    return Name(signature.family, signature.given)


def _text(paper: Paper) -> str:
    """What the record says in words. Not the journal reference, which is the publisher's."""
    return "\n".join((paper.comments, paper.abstract, paper.source_authors))
