"""Digests: one for each subscriber and period, with a letter where something is new.

Problem: a run that dies half-way, is begun twice, or meets another one must leave nobody out and write to nobody twice.
Idea: a digest is a row that there is once (a constraint); its picks and its letter are written in the same transaction,
one for each subscriber, who is locked meanwhile and passed over by other workers. So what is done is done, whatever
happens next, and what is not is found again by the next run, which asks for those without a row. How the letter goes
out at most once is said in `profiles.letters`. A period is a day, or a week from Monday, and begins at
`settings.DIGEST_HOUR` (UTC). Who has just confirmed gets the first one at once. Of periods that were missed, while
nothing ran, only the latest is made: it holds all that is new.
Entry points: `make`; `address`, `of`, `shown` and `again` for its page.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import monotonic
from urllib.parse import urlsplit

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from papers import text
from papers.models import Paper
from profiles import letters, statements
from profiles.models import Digest, Letter, Pick, Subscriber, Subscription

from . import links, picks, subjects

FREQUENCIES = (Subscription.Frequency.DAILY, Subscription.Frequency.WEEKLY)
SECONDS = 60  # of one run, so that other work is not kept waiting; whoever began it begins another
_LOG = logging.getLogger(__name__)


# --- making -----------------------------------------------------------------------------------------------------------


@dataclass
class Made:
    """What a run has done: digests and letters, and whether it ended before there was nothing left to do."""

    digests: int = 0
    letters: int = 0
    unfinished: bool = False


def period(frequency: str, now: datetime) -> date:
    """The first day of the period that `now` is in."""
    day = (now - timedelta(hours=settings.DIGEST_HOUR)).date()
    return day if frequency == Subscription.Frequency.DAILY else day - timedelta(days=day.weekday())


def make(now: datetime, seconds: float = SECONDS) -> Made:
    """Make the digests that are due, for some seconds. Any number of workers may; each digest is made by one."""
    made, began = Made(), monotonic()
    fresh, newest = picks.Fresh(), Paper.objects.aggregate(newest=Max("pk"))["newest"] or 0
    for frequency in FREQUENCIES:
        after: int | None = 0
        while after is not None:
            if monotonic() - began > seconds:
                made.unfinished = True
                return made
            after = _make_next(frequency, period(frequency, now), after, newest, fresh, made)
    return made


def due(frequency: str, first: date) -> QuerySet[Subscriber]:
    """Subscribers who get a digest of this period and have none."""
    live = Subscription.objects.live().filter(subscriber=OuterRef("pk"), frequency=frequency)
    there = Digest.objects.filter(subscriber=OuterRef("pk"), frequency=frequency, period=first)
    return Subscriber.objects.filter(Exists(live), ~Exists(there), stopped_at=None).order_by("pk")


@transaction.atomic(durable=True)
def _make_next(frequency: str, first: date, after: int, newest: int, fresh: picks.Fresh, made: Made) -> int | None:
    """Make the digest of the next subscriber with an id above `after`; returns the id, or None where nobody is left."""
    free = due(frequency, first).select_for_update(skip_locked=True, of=("self",), no_key=True)
    subscriber = free.filter(pk__gt=after).select_related("account").first()
    if subscriber is None:
        return None
    try:
        with transaction.atomic():
            _make(subscriber, frequency, first, newest, fresh, made)
    except (InterfaceError, OperationalError):  # of the database itself: nobody else's would be made either
        raise
    except Exception:
        _LOG.exception("The digest of subscriber %s failed, and is made by a later run.", subscriber.pk)
    return subscriber.pk


def _make(subscriber: Subscriber, frequency: str, first: date, newest: int, fresh: picks.Fresh, made: Made) -> None:
    # Another worker may have made it after this one began to ask and before it got the lock.
    inserted = statements.rows(
        "INSERT INTO profiles_digest (subscriber_id, frequency, period, newest, more, made_at)"
        " VALUES (%(subscriber)s, %(frequency)s, %(period)s, %(newest)s, 0, clock_timestamp())"
        " ON CONFLICT (subscriber_id, frequency, period) DO NOTHING RETURNING id",
        subscriber=subscriber.pk,
        frequency=frequency,
        period=first,
        newest=newest,
    )
    if not inserted:
        return
    digest = Digest.objects.get(pk=inserted[0][0])
    digest.subscriber = subscriber
    subscriptions = list(
        subscriber.subscriptions.live()
        .filter(frequency=frequency)
        .select_related("topic", "author__merged_into")
        .order_by("pk")
    )
    chosen = picks.choose(subscriber, subscriptions, _since(digest), fresh)
    if chosen.papers:
        Pick.objects.bulk_create(
            Pick(subscriber=subscriber, digest=digest, paper_id=paper, place=place, because=because)
            for place, (paper, because) in enumerate(chosen.papers)
        )
        digest.more = chosen.more
        digest.letter = _write(digest, picks.told(chosen.papers), subscriptions)
        digest.save(update_fields=["more", "letter"])
        made.letters += 1
    made.digests += 1


def _since(digest: Digest) -> picks.Since:
    """From where on papers are new: the digest before the last one of this frequency; where there is none of it yet, as
    after a change, of any."""
    before = Digest.objects.filter(subscriber=digest.subscriber_id).exclude(pk=digest.pk).order_by("-made_at")
    last = list(before.filter(frequency=digest.frequency)[:2]) or list(before[:2])
    return picks.Since(last[1].newest, last[1].made_at) if len(last) == 2 else picks.Since()


# --- the letter -------------------------------------------------------------------------------------------------------


def _write(digest: Digest, told: Sequence[picks.Told], subscriptions: Iterable[Subscription]) -> Letter:
    """The letter of a digest, in plain text and as a page, with the headers by which mail programs unsubscribe."""
    subscriber, site = digest.subscriber, settings.SITE_URL
    asked = []
    for one in subscriptions:
        name, page = named(one)
        asked.append((_line(name), f"{site}{page}" if page else "", links.stop(subscriber, one)))
    shown = [
        {
            "title": _line(text.plain(one.paper.title)) or _("Untitled"),
            "url": f"{site}{one.paper.get_absolute_url()}",
            "people": _people(one.paper),
            "because": [(_line(said), f"{site}{page}" if page else "") for said, page in one.because],
        }
        for one in told
    ]
    context = {
        "digest": digest,
        "papers": shown,
        "asked": asked,
        "page": address(digest),
        "manage": links.manage(subscriber),
        "stop": links.stop(subscriber),
        "site": site,
        "subject": subject(told),
    }
    headers = {
        "List-Unsubscribe": f"<{context['stop']}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"BZPEER <digests.{urlsplit(site).hostname or 'localhost'}>",
        "Precedence": "bulk",  # for programs that answer while somebody is on holiday
    }
    said, html = (render_to_string(f"mail/digest.{kind}", context) for kind in ("txt", "html"))
    return letters.keep_bulk(subscriber.email, str(context["subject"]), said, html, headers)


def named(subscription: Subscription) -> tuple[str, str]:
    """(what is subscribed to, the address of its page)."""
    subject = subjects.of(subscription)
    page = reverse("trending") if subject.kind == Subscription.Kind.TRENDING else subject.url
    return subscription.name or str(subject), page


def subject(told: Sequence[picks.Told]) -> str:
    """What is in a letter, as its subject."""
    title = Truncator(_line(text.plain(told[0].paper.title)) or _("Untitled")).chars(90)
    more = len(told) - 1
    if not more:
        return title
    return ngettext("%(title)s, and %(n)s more paper", "%(title)s, and %(n)s more papers", more) % {
        "title": title,
        "n": more,
    }


def _people(paper: Paper) -> str:
    """The first authors, by the names that are shown."""
    names = [signature.shown_name for signature in paper.signatures.all()]
    shown = ", ".join(map(_line, names[:5]))
    return _("%(names)s and %(n)s more") % {"names": shown, "n": len(names) - 5} if len(names) > 5 else shown


def _line(value: str) -> str:
    return text.clean(value)


# --- the page ---------------------------------------------------------------------------------------------------------


def address(digest: Digest) -> str:
    """The whole address of a digest's page, which needs no account; a new `Subscriber.key` ends it."""
    return f"{settings.SITE_URL}{reverse('digest', args=[links.token(digest.subscriber), digest.pk])}"


def of(subscriber: Subscriber, pk: int) -> Digest | None:
    """A subscriber's digest; None where there is none of that number."""
    return Digest.objects.select_related("subscriber", "letter").filter(pk=pk, subscriber=subscriber).first()


def shown(digest: Digest) -> list[picks.Told]:
    """The picks as they are told of now."""
    chosen = Pick.objects.filter(digest=digest).order_by("place").values_list("paper", "because")
    return picks.told(chosen)


def again(digest: Digest, now: datetime) -> bool:
    """Send the letter again of which nobody knows whether it went; False where nothing is to be done."""
    if digest.letter is None or digest.subscriber.stopped_at is not None:
        return False
    return letters.again(digest.letter, now)
