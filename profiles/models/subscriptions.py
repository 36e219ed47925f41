"""Mail that people asked for: who gets it, about what, how often, and what went out."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy

from papers.models import Paper, Topic

from .accounts import Account, Letter
from .authors import Author


class Subscriber(models.Model):
    """An address that mail about papers goes to, with an account or without. `key` opens its manage page.

    It lasts with no subscription left, so that what was sent is known and an address that refuses mail stays refused.
    """

    email = models.EmailField(help_text="as typed")
    address = models.CharField(max_length=254, unique=True, help_text="folded: the same letter box is one subscriber")
    account = models.OneToOneField(Account, on_delete=models.CASCADE, null=True, related_name="subscriber")
    key = models.CharField(max_length=64, unique=True, help_text="random; in links of letters, signed")
    made_at = models.DateTimeField(auto_now_add=True)
    bounces = models.PositiveSmallIntegerField(default=0, help_text="refusals in a row")
    stopped_at = models.DateTimeField(null=True, help_text="since when nothing is sent, whatever is subscribed to")
    stopped_because = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"subscriber #{self.pk}"


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Questions asked of subscriptions."""

    def live(self) -> SubscriptionQuerySet:
        """Those that were confirmed and not ended."""
        return self.filter(confirmed_at__isnull=False, ended_at=None)


class Subscription(models.Model):
    """What one subscriber wants to hear of, and how often. A search of an account is a saved search, by mail or not.

    One that is not confirmed yet sends nothing; one that was ended stays, and subscribing again makes another.
    """

    class Kind(models.TextChoices):
        TRENDING = "trending", pgettext_lazy("subscription", "Trending papers")
        TOPIC = "topic", pgettext_lazy("subscription", "A topic")
        PERSON = "person", pgettext_lazy("subscription", "A person")
        SEARCH = "search", pgettext_lazy("subscription", "A search")

    class Frequency(models.TextChoices):
        DAILY = "daily", pgettext_lazy("subscription", "Every day")
        WEEKLY = "weekly", pgettext_lazy("subscription", "Every week")
        NEVER = "never", pgettext_lazy("subscription", "No mail")

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="subscriptions")
    kind = models.CharField(max_length=8, choices=Kind)
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, null=True, related_name="+")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, null=True, related_name="subscriptions")
    query = models.TextField(blank=True, help_text="of a search: what stands after the “?” of its address")
    name = models.CharField(max_length=200, blank=True, help_text="of a saved search, its owner's own")
    frequency = models.CharField(max_length=6, choices=Frequency)
    made_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    newest = models.BigIntegerField(default=0, help_text="id of the newest paper when it began: later ones are new")
    seen = models.BigIntegerField(default=0, help_text="id of the newest paper when its owner last looked at the page")

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "kind", "topic", "author", "query"],
                condition=models.Q(ended_at=None),
                nulls_distinct=False,
                name="subscription_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="trending", topic=None, author=None, query="")
                | models.Q(kind="topic", topic__isnull=False, author=None, query="")
                | models.Q(kind="person", topic=None, author__isnull=False, query="")
                | (models.Q(kind="search", topic=None, author=None) & ~models.Q(query="")),
                name="subscription_of_one_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"subscription #{self.pk}: {self.kind}"


class Digest(models.Model):
    """What one subscriber got for one period: a letter with picks. There is one row, so it is written once."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="digests")
    frequency = models.CharField(max_length=6, choices=Subscription.Frequency)
    period = models.DateField(help_text="the first day of it")
    made_at = models.DateTimeField(auto_now_add=True)
    newest = models.BigIntegerField(default=0, help_text="id of the newest paper when it was made")
    more = models.PositiveIntegerField(default=0, help_text="papers that were new, too, and did not fit")
    letter = models.OneToOneField(
        Letter, on_delete=models.SET_NULL, null=True, related_name="digest", help_text="none where nothing was new"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscriber", "frequency", "period"], name="digest_once")]

    def __str__(self) -> str:
        return f"{self.frequency} digest of {self.subscriber_id} for {self.period}"


class Pick(models.Model):
    """A paper in a digest, and why. A subscriber never gets a paper twice, in whichever digest."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="+")
    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="picks")
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="+")
    place = models.PositiveSmallIntegerField(help_text="from 0")
    because = models.JSONField(default=list, help_text="reasons: profiles.subscriptions.picks")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subscriber", "paper"], name="pick_once")]

    def __str__(self) -> str:
        return f"{self.paper_id} for {self.subscriber_id}"
