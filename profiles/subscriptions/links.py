"""Links in letters to subscribers, which need no account: signed, so that nobody can make one for somebody else.

A link names a subscriber, and perhaps one of its subscriptions; a new `Subscriber.key` ends all that were sent before.
Following a link changes nothing: it leads to a page with a button. Entry points: `confirm`, `manage`, `stop`, `token`,
`read`.
"""

from __future__ import annotations

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from profiles.models import Subscriber, Subscription

_SIGNER = Signer(salt="profiles.subscriptions.links", sep=".")


def confirm(subscription: Subscription) -> str:
    """The whole address where a subscription is confirmed."""
    return _address("subscription_confirm", subscription.subscriber, subscription)


def manage(subscriber: Subscriber) -> str:
    """The whole address where a subscriber sees and changes everything."""
    return _address("subscriptions_manage", subscriber)


def stop(subscriber: Subscriber, subscription: Subscription | None = None) -> str:
    """The whole address that ends one subscription, or all, by POST (RFC 8058)."""
    return _address("subscription_stop", subscriber, subscription)


def token(subscriber: Subscriber, subscription: Subscription | None = None) -> str:
    """What stands in a link for the subscriber, or for one of its subscriptions."""
    return _SIGNER.sign(f"{subscriber.key}.{subscription.pk if subscription else 0}")


def read(token: str) -> tuple[Subscriber, Subscription | None] | None:
    """Whom a link is for; None where it was not made here or its key is no longer."""
    try:
        key, pk = _SIGNER.unsign(token).split(".")
    except (BadSignature, ValueError):
        return None
    subscriber = Subscriber.objects.filter(key=key).first()
    if subscriber is None:
        return None
    if not int(pk):
        return subscriber, None
    subscription = subscriber.subscriptions.filter(pk=int(pk)).first()
    return (subscriber, subscription) if subscription else None


def _address(page: str, subscriber: Subscriber, subscription: Subscription | None = None) -> str:
    return f"{settings.SITE_URL}{reverse(page, args=[token(subscriber, subscription)])}"
