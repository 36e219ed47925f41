"""Identifiers of people elsewhere that a curator types: a rule for each scheme, which brings a value to one form.

What was typed proves nothing: it is shown as typed, and earns no trust. Entry points: `read`, `of`, `holders`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from papers import identifiers

from .models import Assignment, Author, Identifier

LONGEST = 300  # characters of what is typed; an address of one of these sites has under 100


@dataclass(frozen=True, slots=True)
class Scheme:
    """`read` brings a value, or an address that holds it, to one form, None where it is none; `address` leads to it."""

    key: str
    label: str
    example: str
    address: str
    read: Callable[[str], str | None]

    def url(self, value: str) -> str:
        return self.address.format(value)


def _matched(pattern: str, text: str, change: Callable[[str], str] = str) -> str | None:
    match = re.fullmatch(pattern, text, re.ASCII)
    return change(match[1]) if match else None


_SITE = r"(?:https?://)?(?:www\.)?"
SCHEMES = (
    Scheme("orcid", "ORCID", "0000-0002-1825-0097", "https://orcid.org/{}", identifiers.orcid),
    Scheme(
        "openalex",
        "OpenAlex",
        "A5023888391",
        "https://openalex.org/{}",
        partial(_matched, _SITE + r"(?:openalex\.org/(?:authors/)?)?([Aa][1-9][0-9]{3,11})/?", change=str.upper),
    ),
    Scheme(
        "dblp",
        "DBLP",
        "65/9612",
        "https://dblp.org/pid/{}",
        partial(
            _matched, _SITE + r"(?:dblp\.(?:org|uni-trier\.de)/pid/)?([0-9a-z]{1,4}/[0-9A-Za-z-]{1,40})(?:\.html)?"
        ),
    ),
    Scheme(
        "scholar",
        "Google Scholar",
        "JicYPdAAAAAJ",
        "https://scholar.google.com/citations?user={}",
        partial(
            _matched,
            r"(?:(?:https?://)?scholar\.google\.[a-z.]{2,6}/citations\?(?:[a-z]+=[A-Za-z-]*&)*user=)?([\w-]{12})(?:&.*)?",
        ),
    ),
    Scheme(
        "wikidata",
        "Wikidata",
        "Q7251",
        "https://www.wikidata.org/wiki/{}",
        partial(_matched, _SITE + r"(?:wikidata\.org/(?:wiki|entity)/)?([Qq][1-9][0-9]{0,11})", change=str.upper),
    ),
)
BY_KEY = {scheme.key: scheme for scheme in SCHEMES}


def read(scheme: str, value: str) -> str:
    """The value in its one form; "" stays "", for taking it away. Raises ValidationError."""
    rule = BY_KEY.get(scheme)
    if rule is None:
        raise ValidationError(_("Choose what kind of identifier it is."))
    text = value.strip()
    found = rule.read(text) if len(text) <= LONGEST else None
    if text and found is None:
        raise ValidationError(
            _("This is no %(scheme)s identifier. One looks like %(example)s.")
            % {"scheme": rule.label, "example": rule.example}
        )
    return found or ""


@dataclass(frozen=True, slots=True)
class Shown:
    """An identifier on a profile, and the other people who are known by the same."""

    scheme: Scheme
    value: str
    others: list[Author]

    @property
    def url(self) -> str:
        return self.scheme.url(self.value)


def of(author: Author) -> list[Shown]:
    """The identifiers typed for a person and for those merged into it, each once, with whoever else has the same."""
    typed = set(Identifier.objects.filter(author__in=author.with_merged).values_list("scheme", "value"))
    if not typed:
        return []
    found = holders({value for _, value in typed})
    order = [scheme.key for scheme in SCHEMES]
    return [
        Shown(BY_KEY[scheme], value, [other for other in found[scheme, value] if other.pk != author.pk])
        for scheme, value in sorted(typed, key=lambda row: (order.index(row[0]), row[1]))
    ]


def holders(values: Collection[str]) -> defaultdict[tuple[str, str], list[Author]]:
    """Everyone who is known by one of these values, by (scheme, value): typed, or an ORCID iD that a source states.

    Of a merged author it is the heir. Hidden records are left out. Each list by id.
    """
    found: defaultdict[tuple[str, str], dict[int, Author]] = defaultdict(dict)
    for row in Identifier.objects.filter(value__in=values).select_related("author__merged_into"):
        heir = row.author.merged_into or row.author
        if heir.is_public:
            found[row.scheme, row.value][heir.pk] = heir
    stated = Assignment.objects.filter(
        signature__orcid__in=values, author__visibility=Author.Visibility.PUBLIC
    ).select_related("author", "signature")
    for assignment in stated.distinct("author", "signature__orcid").order_by("author", "signature__orcid"):
        found["orcid", str(assignment.signature.orcid)][assignment.author_id] = assignment.author
    listed: defaultdict[tuple[str, str], list[Author]] = defaultdict(list)
    for key, people in found.items():
        listed[key] = [people[pk] for pk in sorted(people)]
    return listed
