"""Saved searches: what an account asks again and again, and how much of it is new.

Problem: to know what is new in fifty searches would cost fifty searches. Idea: a saved search is a subscription of an
account to a search, by mail or not, so whatever holds of those holds of it (`subscribing`), and its page, its feed and
its mail read the one address (`profiles.asking`). What is new to its owner is counted when the list is read, and only
as far as it is cheap: papers that came in since the owner last opened it, by their ids, and have all its words. By
meaning more may fit, so "at least" is said. Alerts tell of what is followed, and how sure that is; a saved search tells
of its papers in its own list alone. Entry points: `saved`, `find`, `save`, `change`, `opened`.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from papers import searching
from papers.bounded import TooSlow
from papers.models import Topic
from papers.searching.addresses import Asked
from papers.text import storable
from profiles import wording
from profiles.asking import asked
from profiles.models import Account, Author, Subscription, SubscriptionQuerySet

from . import subscribing

MOST = 50  # saved searches of an account: two pages, and leaves room for other subscriptions (`subscribing.MOST`)
SHOWN = 20  # of a page, each of which may count
NEW_MOST = 100  # papers that are counted: whoever has so many to read opens the search
NEW_MS = 200  # for each count; after the first that takes longer no more are counted

Kind = Subscription.Kind


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved search as its owner sees it. `new` papers at least came in since it was opened; None: not counted.
    `problem` is a sentence where it can find nothing any more."""

    row: Subscription
    asked: Asked
    new: int | None = None
    problem: str = ""

    @property
    def name(self) -> str:
        return self.row.name or self.asked.query

    @property
    def url(self) -> str:
        return f"{reverse('search')}?{self.asked.canonical}"

    @property
    def is_many(self) -> bool:
        return self.new == NEW_MOST


def of(account: Account) -> SubscriptionQuerySet:
    """The account's saved searches."""
    return Subscription.objects.live().filter(subscriber__account=account, kind=Kind.SEARCH)


def saved(account: Account, after: int | None = None) -> tuple[list[Saved], int | None]:
    """(a page of the account's saved searches, the last saved first; the cursor of the next page or None)."""
    own = of(account).order_by("-pk")
    rows = list((own.filter(pk__lt=after) if after else own)[: SHOWN + 1])
    following = rows[SHOWN - 1].pk if len(rows) > SHOWN else None
    questions = [asked(row.query) for row in rows[:SHOWN]]
    topics = set(
        Topic.objects.filter(slug__in=[storable(one.filters.topic) for one in questions]).values_list("slug", flat=True)
    )
    people = {one.filters.person for one in questions if one.filters.person}
    known = set(Author.objects.listed().filter(pk__in=people).values_list("pk", flat=True))
    newest, counts, found = subscribing.newest_paper(), True, []
    for row, question in zip(rows, questions, strict=False):
        problem = ""
        if question.filters.topic and question.filters.topic not in topics:
            problem = _("The topic that narrows this search is no longer here, so it finds nothing.")
        elif question.filters.person and question.filters.person not in known:
            problem = _("The person who narrows this search is no longer shown here, so it finds nothing.")
        new: int | None = 0
        if row.seen < newest and not problem:
            new = _new(question, row.seen) if counts else None
            counts = new is not None
        found.append(Saved(row, question, new, problem))
    return found, following


def _new(question: Asked, seen: int) -> int | None:
    try:
        return searching.newer(question.query, question.filters, seen, NEW_MOST, NEW_MS)
    except TooSlow:
        return None


def find(account: Account, question: Asked) -> Subscription | None:
    """The saved search that asks the same."""
    return of(account).filter(query=question.of_papers.canonical).first()


@transaction.atomic
def save(account: Account, address: str, name: str, frequency: str) -> Subscription:
    """Save the search of that address, with mail or without; one that is saved already gets the new name and frequency.

    Raises ValidationError with the sentence.
    """
    question = asked(address).of_papers
    before = find(account, question)
    if before is None and of(account).count() >= MOST:
        raise ValidationError(_("An account saves at most %(n)d searches. Delete one first.") % {"n": MOST})
    row = subscribing.for_account(account, Kind.SEARCH, frequency, query=question.canonical, name=name)
    if before is None:
        opened(row)
    return row


@transaction.atomic
def change(row: Subscription, name: str, frequency: str) -> None:
    """Give it another name, where "" gives back the words of the search, and another frequency.

    Raises ValidationError with the sentence, and changes nothing then.
    """
    name = wording.line(name, subscribing.LONGEST_NAME)
    subscribing.set_frequency(row, frequency)
    Subscription.objects.filter(pk=row.pk).update(name=name)


def opened(row: Subscription) -> None:
    """Its owner looks at it now: what is here is new no more."""
    Subscription.objects.filter(pk=row.pk).update(seen=subscribing.newest_paper())
