"""Subscribing to mail about papers, and ending it, with an account or without.

Problem: anybody can type anybody's address, and nobody may learn from the answer who subscribed. Idea: who types an
address only makes a subscription that sends nothing, and a letter by which its owner confirms it; the same statements
run whatever there was, and where nothing may be written they are rolled back. What is not confirmed is forgotten after
`UNCONFIRMED`. An account that has confirmed its address subscribes at once.

A subscriber belongs to an account only where that has confirmed the same address. Its mail goes to that address as long
as it is one of the account's confirmed ones; given up, `tidy` moves all to the account's primary one within the hour,
where old letters' links open nothing of it. Erased, a subscriber leaves nothing; who wants never to be written to again
leaves a keyed hash of the address, by which it is known and cannot be read.

Entry points: for strangers `ask`, `confirm`; for accounts `for_account`, `subscriber_of`, `found`; for both
`set_frequency`, `end`, `stop`, `again`, `wake`, `erase`; hourly `tidy`.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from papers.models import Paper, Topic
from profiles import letters, wording
from profiles.models import Account, Author, Digest, Letter, Pick, Subscriber, Subscription

from . import letterboxes, links, subjects
from .letterboxes import LetterBox
from .subjects import Subject

MOST = 100  # subscriptions of one subscriber: more than anyone reads, and a bound to what a digest asks
UNCONFIRMED = timedelta(days=7)  # time to find the letter after a holiday; then the address is forgotten
LONGEST_NAME = 200  # characters of a saved search's name

Kind, Frequency = Subscription.Kind, Subscription.Frequency
BY_MAIL = (Frequency.DAILY, Frequency.WEEKLY)


# --- without an account ----------------------------------------------------------------------------------------------


@transaction.atomic
def ask(box: LetterBox, subject: Subject, frequency: Subscription.Frequency, now: datetime, *, write: bool) -> None:
    """Keep what is asked for the address and send it a letter with the link that confirms it.

    Nothing of it happens where the address gets no more letters today (not `write`) or wants none ever. Who asks sees
    no difference, nor does a clock: each time the same statements run.
    """
    refused = Subscriber.objects.filter(address__in=_refusals(box.address)).exists()
    subscriber = _kept(box)
    Subscription.objects.bulk_create(
        [Subscription(subscriber=subscriber, frequency=frequency, **subject.columns)], ignore_conflicts=True
    )
    subscription = Subscription.objects.get(subscriber=subscriber, ended_at=None, **subject.columns)
    subscription.subscriber = subscriber
    waiting = Subscription.objects.filter(pk=subscription.pk, confirmed_at=None)
    waiting.update(frequency=frequency, made_at=now)
    context = {
        "what": subject.plain,
        "frequency": subscription.frequency if subscription.confirmed_at else frequency,
        "live": subscription.confirmed_at is not None,
        "confirm": links.confirm(subscription),
        "manage": links.manage(subscriber),
        "days": UNCONFIRMED.days,
    }
    letters.write(subscriber.email, "subscription_confirm", context)
    if refused or not write:
        transaction.set_rollback(True)


@transaction.atomic
def confirm(subscription: Subscription, now: datetime) -> None:
    """The owner of the letter box wants it, and wants mail again if it was stopped. Again changes nothing.

    Raises ValidationError with the sentence where it was ended, or there are too many.
    """
    subscriber = _alone(subscription.subscriber)
    row = subscriber.subscriptions.filter(pk=subscription.pk).first()
    if row is None or row.ended_at is not None:
        raise ValidationError(_("This subscription has ended. Subscribe again if you want it."))
    if row.confirmed_at is None:
        _make_room(subscriber)
        row.confirmed_at, row.newest = now, newest_paper()
        row.save(update_fields=["confirmed_at", "newest"])
    wake(subscriber)


# --- with an account -------------------------------------------------------------------------------------------------


@transaction.atomic
def for_account(
    account: Account,
    kind: str,
    frequency: str,
    *,
    topic: Topic | None = None,
    author: Author | None = None,
    query: str = "",
    name: str = "",
) -> Subscription:
    """Subscribe the account's confirmed address at once, without a letter; what it has already gets the new frequency.

    A search with the frequency "never" is a saved search without mail. Raises ValidationError with the sentence.
    """
    person = str(author.pk) if author else ""
    subject = subjects.read(kind, topic.slug if topic else "", person, query)
    return subscribe(account, subject, frequency, name=name)


@transaction.atomic
def subscribe(account: Account, subject: Subject, frequency: str, *, name: str = "") -> Subscription:
    """The same, of what was looked up already."""
    subscriber = _alone(subscriber_of(account))
    _expect(subscriber, subject.kind, frequency)
    row = subscriber.subscriptions.filter(ended_at=None, **subject.columns).first()
    if row is None or row.confirmed_at is None:
        _make_room(subscriber)
    row = row or Subscription(subscriber=subscriber, **subject.columns)
    if row.confirmed_at is None or row.frequency == Frequency.NEVER != frequency:
        row.newest = newest_paper()
    row.confirmed_at = row.confirmed_at or timezone.now()
    row.frequency = Frequency(frequency)
    row.name = wording.line(name, LONGEST_NAME) or row.name
    row.save()
    if frequency != Frequency.NEVER:
        wake(subscriber)
    return row


def address_of(account: Account) -> LetterBox | None:
    """The confirmed address to which the account's mail goes: the primary one first. None where it has none."""
    confirmed = EmailAddress.objects.filter(user=account, verified=True).order_by("-primary", "pk")
    for email in confirmed.values_list("email", flat=True):
        try:
            return letterboxes.read(email)
        except ValidationError:  # an address of a form that gets no mail from here
            continue
    return None


def found(account: Account) -> Subscriber | None:
    """The account's subscriber, or the one without an account whose address it has confirmed. Changes nothing."""
    own = Subscriber.objects.filter(account=account).first()
    box = None if own else address_of(account)
    return Subscriber.objects.filter(address=box.address, account=None).first() if box else own


@transaction.atomic
def subscriber_of(account: Account) -> Subscriber:
    """The account's subscriber, at an address that it has confirmed; made, joined or moved where need be.

    Raises ValidationError where the account has confirmed no address.
    """
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)  # two requests at once make one
    own = Subscriber.objects.filter(account=account).first()
    box = address_of(account)
    if own and (box is None or own.address in _confirmed(account)):
        return own
    if box is None:
        raise ValidationError(_("Confirm an e-mail address of your account first: then mail can go to it."))
    Subscriber.objects.filter(address__in=_refusals(box.address)).delete()  # its owner asks now
    there = _kept(box)
    if there.account_id not in (None, account.pk):
        raise ValidationError(_("Mail to this address belongs to another account. It is free again within the hour."))
    if own:
        _join(own, there)
    there.account = account
    there.save(update_fields=["account"])
    return there


# --- with either -----------------------------------------------------------------------------------------------------


def set_frequency(subscription: Subscription, frequency: str) -> None:
    """Send it daily or weekly; a saved search also never. One that has ended stays so. Raises ValidationError."""
    _expect(subscription.subscriber, subscription.kind, frequency)
    rows = Subscription.objects.filter(pk=subscription.pk, ended_at=None)
    if subscription.frequency == Frequency.NEVER != frequency:
        rows.update(newest=newest_paper())  # what came in the meantime was not asked for
    rows.update(frequency=frequency)


@transaction.atomic
def end(subscription: Subscription, now: datetime) -> None:
    """End it; again changes nothing."""
    _alone(subscription.subscriber)
    Subscription.objects.filter(pk=subscription.pk, ended_at=None).update(ended_at=now)


@transaction.atomic
def stop(subscriber: Subscriber, subscription: Subscription | None, now: datetime) -> None:
    """No more mail of one subscription, or of all. A saved search of an account stays, without mail."""
    _alone(subscriber)
    rows = Subscription.objects.filter(subscriber=subscriber, ended_at=None)
    if subscription:
        rows = rows.filter(pk=subscription.pk)
    saved = Q(kind=Kind.SEARCH, subscriber__account__isnull=False, confirmed_at__isnull=False)
    rows.filter(saved).update(frequency=Frequency.NEVER)
    rows.exclude(saved).update(ended_at=now)


@transaction.atomic
def again(subscription: Subscription, now: datetime) -> Subscription:
    """Begin anew what was ended; what goes on already stays as it is. Raises ValidationError with the sentence."""
    subject = subjects.again(subscription)
    subscriber = _alone(subscription.subscriber)
    row = subscriber.subscriptions.filter(ended_at=None, **subject.columns).first()
    if row is None or row.confirmed_at is None:
        _make_room(subscriber)
        row = row or Subscription(subscriber=subscriber, frequency=subscription.frequency, **subject.columns)
        row.confirmed_at, row.newest, row.name = now, newest_paper(), subscription.name
        row.save()
    wake(subscriber)
    return row


def wake(subscriber: Subscriber) -> None:
    """Send again to an address to which nothing was sent any more."""
    stopped = Subscriber.objects.filter(pk=subscriber.pk).exclude(stopped_at=None, bounces=0)
    stopped.update(stopped_at=None, stopped_because="", bounces=0)


@transaction.atomic
def erase(subscriber: Subscriber, now: datetime, *, refuse: bool) -> None:
    """Forget the address with all that was sent to it. `refuse`: no letter that a stranger asks for ever goes there."""
    Letter.objects.filter(digest__subscriber=subscriber).delete()
    address = subscriber.address
    subscriber.delete()
    if refuse:
        Subscriber.objects.create(
            address=_refusals(address)[0], key=_new_key(), stopped_at=now, stopped_because="Wants no letters."
        )


def newest_paper() -> int:
    """The id of the newest paper, 0 where there is none: what a subscription that begins now does not tell of."""
    return Paper.objects.aggregate(newest=Max("pk"))["newest"] or 0


# --- hourly ----------------------------------------------------------------------------------------------------------


def tidy(now: datetime) -> None:
    """Forget what nobody confirmed, and let mail follow the addresses of accounts. Twice changes nothing."""
    Subscription.objects.filter(confirmed_at=None, made_at__lt=now - UNCONFIRMED).delete()
    idle = Subscriber.objects.filter(
        ~Exists(Subscription.objects.filter(subscriber=OuterRef("pk"))),
        ~Exists(Digest.objects.filter(subscriber=OuterRef("pk"))),
        account=None,
        stopped_at=None,
        made_at__lt=now - UNCONFIRMED,
    )
    with transaction.atomic():
        # Asked again once they are locked: somebody may have subscribed since.
        locked = list(idle.select_for_update(skip_locked=True).values_list("pk", flat=True))
        idle.filter(pk__in=locked).delete()
    confirmed = EmailAddress.objects.filter(user=OuterRef("account"), verified=True)
    astray = Subscriber.objects.filter(~Exists(confirmed.filter(email__iexact=OuterRef("email"))), Exists(confirmed))
    for subscriber in astray.exclude(account=None).select_related("account").order_by("pk"):
        assert subscriber.account is not None
        try:
            subscriber_of(subscriber.account)
        except ValidationError:
            continue  # another account's mail goes there: that one is on its way, so the next hour will do


# --- inside ----------------------------------------------------------------------------------------------------------


def _kept(box: LetterBox) -> Subscriber:
    """The subscriber of the letter box, made where there is none, and locked."""
    Subscriber.objects.bulk_create(
        [Subscriber(email=box.email, address=box.address, key=_new_key())], ignore_conflicts=True
    )
    return Subscriber.objects.select_for_update().get(address=box.address)


def _alone(subscriber: Subscriber) -> Subscriber:
    """One request of a subscriber at a time, so that two at once cannot pass a limit."""
    return Subscriber.objects.select_for_update().get(pk=subscriber.pk)


def _confirmed(account: Account) -> set[str]:
    """The account's confirmed addresses, folded."""
    found = set()
    for email in EmailAddress.objects.filter(user=account, verified=True).values_list("email", flat=True):
        try:
            found.add(letterboxes.read(email).address)
        except ValidationError:
            continue
    return found


def _join(gone: Subscriber, there: Subscriber) -> None:
    """All that one subscriber has becomes the other's, who keeps what both have; the one is no more."""
    mine = gone.subscriptions.filter(ended_at=None)
    for row in mine:
        both = {"kind": row.kind, "topic": row.topic_id, "author": row.author_id, "query": row.query}
        there.subscriptions.filter(ended_at=None, **both).update(ended_at=timezone.now())
    gone.subscriptions.update(subscriber=there)
    had = Digest.objects.filter(subscriber=there, frequency=OuterRef("frequency"), period=OuterRef("period"))
    gone.digests.filter(~Exists(had)).update(subscriber=there)
    sent = Pick.objects.filter(subscriber=there, paper=OuterRef("paper"))
    Pick.objects.filter(~Exists(sent), digest__subscriber=there, subscriber=gone).update(subscriber=there)
    gone.delete()


def _make_room(subscriber: Subscriber) -> None:
    if subscriber.subscriptions.live().count() >= MOST:
        raise ValidationError(_("There are %(n)d subscriptions, which is the most. End one first.") % {"n": MOST})


def _expect(subscriber: Subscriber, kind: str, frequency: str) -> None:
    """A frequency that there is; "never" is for the saved searches of accounts."""
    saved = kind == Kind.SEARCH and subscriber.account_id is not None
    if frequency not in BY_MAIL and not (saved and frequency == Frequency.NEVER):
        raise ValidationError(_("Choose how often: every day or every week."))


def _refusals(address: str) -> list[str]:
    """What may stand for an address that wants no letters, in its place: by the secret key, and by earlier ones."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    salt = "profiles.subscriptions refusal"
    return [f"refused {salted_hmac(salt, address, key, algorithm='sha256').hexdigest()}" for key in keys]


def _new_key() -> str:
    return secrets.token_urlsafe(32)
