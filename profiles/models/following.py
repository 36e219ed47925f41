"""Following: who wants to hear of what, what came of it, and what followers say of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy

from papers.models import Paper, Signature, Topic

from .accounts import Account
from .authors import Author
from .decisions import ChangeSet


class FollowQuerySet(models.QuerySet["Follow"]):
    """Questions asked of follows."""

    def of(self, author: Author) -> FollowQuerySet:
        """Follows of the author, and of those merged into it: whoever followed them follows the heir, and follows them
        alone again once the merge is undone."""
        return self.filter(author__in=author.with_merged)

    def followers(self) -> int:
        """How many accounts."""
        return self.values("account").distinct().count()


class Follow(models.Model):
    """An account follows an author."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="follows")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="followers")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FollowQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "author"], name="follow_once")]

    def __str__(self) -> str:
        return f"{self.account_id} follows {self.author_id}"


class FollowQuestion(models.Model):
    """A person whom an account follows was split: whom does it follow from now on? Open until it is answered."""

    class Answer(models.TextChoices):
        OPEN = "", pgettext_lazy("follow", "not answered")
        BOTH = "both", pgettext_lazy("follow", "follow both")
        NEW = "new", pgettext_lazy("follow", "the new one instead")
        OLD = "old", pgettext_lazy("follow", "only the old one")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="follow_questions")
    old_author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
    new_author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
    change_set = models.ForeignKey(
        ChangeSet,
        on_delete=models.PROTECT,
        null=True,
        related_name="questions",
        help_text="the split by a curator; none where the evidence parted the two",
    )
    answer = models.CharField(max_length=4, choices=Answer, blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "change_set", "new_author"], name="followquestion_once"),
            models.UniqueConstraint(
                fields=["account", "old_author", "new_author"],
                condition=models.Q(change_set=None, answer=""),
                name="followquestion_once_by_evidence",
            ),
        ]
        indexes = [models.Index(fields=["account"], name="followquestion_open", condition=models.Q(answer=""))]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.old_author_id} or {self.new_author_id}?"


class TopicFollow(models.Model):
    """An account follows a topic."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="topic_follows")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="followers")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "topic"], name="topicfollow_once")]

    def __str__(self) -> str:
        return f"{self.account_id} follows topic {self.topic_id}"


class NameWatch(models.Model):
    """An account waits for a printed name, whoever bears it, on papers that meet each condition that is given."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="name_watches")
    name = models.CharField(max_length=200, help_text="as typed")
    surname_key = models.TextField(db_index=True, help_text="of the name, as `papers.Signature.surname_key`")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    coauthor = models.CharField(max_length=200, blank=True, help_text="another name on the paper")
    words = models.CharField(max_length=200, blank=True, help_text="all of them in title, abstract or affiliation")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "name", "topic", "coauthor", "words"], nulls_distinct=False, name="namewatch_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id} waits for {self.name}"


class AlertSettings(models.Model):
    """How an account hears of new work; what is not stored is as here by default."""

    # A link that states .85 is shown as strong (`disambiguation.attribution.STRONG`); doubt begins below.
    LEAST = 0.85

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="alert_settings")
    least = models.FloatField(default=LEAST, help_text="stated probability below which a new work waits")
    feed_key = models.CharField(max_length=64, unique=True, null=True, help_text="who knows it may read the feed")

    class Meta:
        verbose_name_plural = "alert settings"

    def __str__(self) -> str:
        return f"alert settings of {self.account_id}"


class Alert(models.Model):
    """A new paper that concerns what an account follows, told once for all its reasons."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="alerts")
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "paper"], name="alert_once")]
        indexes = [
            models.Index(fields=["account", "-made_at", "-id"], name="alert_newest"),
            models.Index(fields=["account"], name="alert_unread", condition=models.Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return f"alert of {self.account_id} about {self.paper_id}"


class AlertReason(models.Model):
    """Why an alert came: a followed person (then `signature` is the name on the paper), a topic, or a watched name.

    Whether a person's is shown is asked when it is read: of the attribution as it is then, and of the reader's limit.
    """

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="reasons")
    follow = models.ForeignKey(Follow, on_delete=models.CASCADE, null=True, related_name="+")
    topic_follow = models.ForeignKey(TopicFollow, on_delete=models.CASCADE, null=True, related_name="+")
    watch = models.ForeignKey(NameWatch, on_delete=models.CASCADE, null=True, related_name="+")
    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "follow", "topic_follow", "watch", "signature"],
                nulls_distinct=False,
                name="alertreason_once",
            ),
            models.CheckConstraint(
                condition=models.Q(follow__isnull=False, topic_follow=None, watch=None, signature__isnull=False)
                | models.Q(follow=None, topic_follow__isnull=False, watch=None, signature=None)
                | models.Q(follow=None, topic_follow=None, watch__isnull=False, signature__isnull=False),
                name="alertreason_of_one_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"reason of alert {self.alert_id}"


class DoubtQuerySet(models.QuerySet["Doubt"]):
    """Questions asked of doubts."""

    def live(self) -> DoubtQuerySet:
        """Those that hold: not taken back."""
        return self.filter(withdrawn_at=None)


class Doubt(models.Model):
    """A reader says that a work attributed to a person is another's: evidence for the matcher, never a decision.

    It lasts: the reader hears no more of this work for this person. A new version of the paper that prints the name
    keeps its signature, and so the doubt; with a name that is printed no more, what was said of it goes too.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="doubts")
    signature = models.ForeignKey(Signature, on_delete=models.CASCADE, related_name="doubts")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="doubts")
    made_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    objects = DoubtQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "signature", "author"], condition=models.Q(withdrawn_at=None), name="doubt_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id} doubts that {self.signature_id} is {self.author_id}"
