"""What readers do with papers: reactions, collections, reviews and comments, and how much all of it is by now."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext, pgettext_lazy

from papers.models import Paper

from .accounts import Account


class Reaction(models.Model):
    """An account says one thing of a paper with a click. Like and dislike exclude each other, the others do not."""

    class Kind(models.TextChoices):
        LIKE = "like", pgettext_lazy("reaction", "Like")
        DISLIKE = "dislike", pgettext_lazy("reaction", "Dislike")
        CLEAR = "clear", pgettext_lazy("reaction", "Clearly written")
        NEW = "new", pgettext_lazy("reaction", "New to me")
        USEFUL = "useful", pgettext_lazy("reaction", "Useful to my work")
        REPRODUCED = "reproduced", pgettext_lazy("reaction", "I reproduced it")
        DOUBTFUL = "doubtful", pgettext_lazy("reaction", "I could not reproduce it")

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="reactions")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="reactions")
    kind = models.CharField(max_length=10, choices=Kind)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["paper", "account", "kind"], name="reaction_once"),
            models.UniqueConstraint(
                fields=["paper", "account"],
                condition=models.Q(kind__in=["like", "dislike"]),
                name="reaction_like_or_dislike",
            ),
        ]
        indexes = [models.Index(fields=["account", "-made_at"], name="reaction_newest")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.kind} of {self.paper_id}"


class Collection(models.Model):
    """Papers that an account keeps together. One of each account is where "Save" puts a paper. What was reported and
    then deleted is empty and nobody's."""

    class Visibility(models.TextChoices):
        PRIVATE = "private", pgettext_lazy("collection", "Only you")
        LINK = "link", pgettext_lazy("collection", "Whoever has the link")
        PUBLIC = "public", pgettext_lazy("collection", "Everybody")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, related_name="collections")
    name = models.CharField(max_length=120)  # empty of the one for "Save": nobody can type that
    about = models.TextField(max_length=2_000, blank=True)
    visibility = models.CharField(max_length=7, choices=Visibility, default=Visibility.PRIVATE)
    key = models.CharField(max_length=64, unique=True, null=True, help_text="who knows it may read; none unless shared")
    is_saved = models.BooleanField(default=False, help_text="where “Save” puts papers; always private")
    papers = models.ManyToManyField(Paper, through="CollectionItem", related_name="collections")
    hidden_at = models.DateTimeField(null=True, help_text="a curator took it out of everybody's sight but its owner's")
    made_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="collection_name_once"),
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(is_saved=True), name="collection_saved_once"
            ),
            models.CheckConstraint(
                condition=models.Q(is_saved=False) | models.Q(visibility="private"), name="collection_saved_is_private"
            ),
        ]

    # Words that name other pages of a collection.
    PAGES = frozenset({"edit", "delete", "key", "report"})

    def __str__(self) -> str:
        return gettext("Saved papers") if self.is_saved else self.name

    def get_absolute_url(self) -> str:
        return reverse("collection", args=[self.pk, self.slug])

    @property
    def slug(self) -> str:
        """For reading only: the id decides."""
        slug = "saved" if self.is_saved else slugify(self.name)[:80].strip("-") or "collection"
        return f"{slug}-" if slug in self.PAGES else slug


class CollectionItem(models.Model):
    """A paper is in a collection."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="+")
    note = models.TextField(max_length=2_000, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["collection", "paper"], name="collectionitem_once")]
        indexes = [models.Index(fields=["collection", "-added_at", "-id"], name="collectionitem_newest")]

    def __str__(self) -> str:
        return f"{self.paper_id} in {self.collection_id}"


# What a post begins, or is an answer in.
THREAD = Coalesce(models.F("answers"), models.F("id"), output_field=models.BigIntegerField())


class Post(models.Model):
    """What an account writes about a paper for everybody to read: a structured review, or a comment.

    The row stays when its writer withdraws it (then its words are emptied) or a curator hides it, so that answers keep
    their place.
    """

    class Kind(models.TextChoices):
        REVIEW = "review", pgettext_lazy("post", "review")
        COMMENT = "comment", pgettext_lazy("post", "comment")

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="posts")
    account = models.ForeignKey(Account, on_delete=models.SET_NULL, null=True, related_name="posts")
    kind = models.CharField(max_length=7, choices=Kind)
    answers = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="answered_by", help_text="what a comment answers to"
    )
    text = models.TextField(max_length=10_000, blank=True, help_text="of a comment; of a review, what else there is")
    strengths = models.TextField(max_length=10_000, blank=True)
    concerns = models.TextField(max_length=10_000, blank=True)
    questions = models.TextField(max_length=10_000, blank=True)
    token = models.UUIDField(unique=True, help_text="of the form, so that one that is sent twice is one post")
    made_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    hidden_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["paper", "account"],
                condition=models.Q(kind="review", withdrawn_at=None),
                name="post_one_review",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="comment", strengths="", concerns="", questions="")
                | models.Q(kind="review", answers=None),
                name="post_of_one_kind",
            ),
        ]
        indexes = [
            # In the order in which a page shows them: a comment, the answers to it, the next comment.
            models.Index("paper", "kind", THREAD, "id", name="post_thread"),
            models.Index(fields=["account", "-id"], name="post_of_account"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    def get_absolute_url(self) -> str:
        """Leads to its place among the others, on whichever page that is by now."""
        return reverse("post", args=[self.pk])

    @property
    def is_shown(self) -> bool:
        return self.withdrawn_at is None and self.hidden_at is None


class Trend(models.Model):
    """How much readers make of a paper by now, counted again whenever that changes (`profiles.feedback.trending`).

    `heat` is the binary logarithm of the sum of what each act weighs, each halved for every half-life that it lies
    before a fixed day. So a paper's place among others does not change with the time, and an index holds the order.
    """

    paper = models.OneToOneField(Paper, on_delete=models.CASCADE, primary_key=True, related_name="trend")
    heat = models.FloatField(null=True, help_text="none where nothing counts")
    likes = models.PositiveIntegerField(default=0)
    saves = models.PositiveIntegerField(default=0)
    comments = models.PositiveIntegerField(default=0)
    reviews = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(models.F("heat").desc(nulls_last=True), models.F("paper").desc(), name="trend_hottest")]

    def __str__(self) -> str:
        return f"trend of {self.paper_id}"
